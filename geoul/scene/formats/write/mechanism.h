// A scene as the tree that URDF and MJCF want: which joint holds each body, what is left over, where all stand at zero.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::write {

using TransformL = Transform<long double>;

TransformL precise(const Posed& X);
Posed rounded(const TransformL& X);

// A joint seen from the tree's root: with its ends exchanged where its child is nearer to the root. The joint's
// position keeps its value and its sign.
struct Hinge {
  int joint = -1;  // in Scene::joints; -1: the body floats freely
  bool reversed = false;
  JointType type = JointType::kFree;
  TransformL X_PJ, X_CJ;
  Vec3d axis{0, 0, 1};
};

struct Node {
  int parent = -1;  // body; -1: the world
  Hinge hinge;
  TransformL X_PB;  // in the parent with the joint at 0 (a floating body: in the world at the start)
  TransformL X_WB;
  std::vector<int> children;
};

struct Mechanism {
  std::vector<Node> nodes;                         // (nbody)
  std::vector<int> order;                          // every body after its parent
  std::vector<int> roots;                          // bodies whose parent is the world
  std::vector<int> loops;                          // enabled joints that are not in the tree
  std::vector<std::string> bodies, joints, sites;  // names, each used once in its space
  bool moved = false;                              // whether the bodies start elsewhere than at zero
};

// one_space: bodies, joints and sites share one space of names (SDF); otherwise each kind has its own.
Mechanism mechanism(const Scene& scene, bool one_space = false);

// Joints that follow another, for formats that have no other coupling: the scene's mimics, and couplings of two joints
// of which one follows nothing, leads nothing and can follow the other. `left`: couplings that cannot be said so.
struct Followers {
  std::vector<Mimic> mimics;
  int left = 0;
};
Followers followers(const Scene& scene);

// The last part of a path, with characters that file formats dislike replaced by '_'.
std::string leaf(const std::string& path);

// Notes what a target lacks, each kind once with how often.
class Lacks {
 public:
  Lacks(std::string file, Diagnostics& notes) : file_(std::move(file)), notes_(notes) {}
  void add(Severity severity, const char* code, const std::string& what, const std::string& mend);
  void report();  // one finding a kind

 private:
  struct Entry {
    Severity severity;
    std::string code, what, mend;
    int count;
  };
  std::string file_;
  Diagnostics& notes_;
  std::vector<Entry> entries_;
};

// Notes what only USD and glTF say: textures, normals and materials of faces, lights.
void lack_looks(const Scene& scene, Lacks& lacks);

}  // namespace geoul::scene::write
