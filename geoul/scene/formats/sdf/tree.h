// Worlds, models and what they include: every link, joint and frame of an SDF file with its scope and its USD path.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "geoul/scene/formats/sdf/document.h"
#include "geoul/scene/formats/sdf/frames.h"
#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::sdf {

using urdf::printable;

// A model as links see it. Merged models share that of the model that they are merged into.
struct ModelInfo {
  std::string path;    // "/world/model"; "" for the root
  urdf::Names names;   // of its parts
  urdf::Names joints;  // of its "joints/..."
  bool is_static = false;
  bool self_collide = false;
};

struct Part {
  Element element;
  int frame = -1;
  int scope = -1;  // in which its names are looked up
  ModelInfo* model = nullptr;
  std::string name;
  std::string path;  // USD
};

struct Tree {
  Frames frames;
  std::deque<ModelInfo> models;  // keep their addresses
  std::vector<Part> links, joints, sites;
  std::string name;  // of the scene
  Element world;     // <world>, or none
};

std::string link_word(const Part& part);   // "link 'arm'"
std::string joint_word(const Part& part);  // "joint 'elbow'"

// What a name in a joint or sensor leads to, or none with an error; `what` is said in it: "its parent".
std::optional<Target> resolve(Document& document, const Tree& tree, const Element& element, const std::string& who,
                              int scope, const std::string& name, const std::string& what);

// Reads the tree and places all frames; false where an error keeps the poses from being known.
bool read_tree(Document& document, const Source& source, Tree& tree);

}  // namespace geoul::scene::sdf
