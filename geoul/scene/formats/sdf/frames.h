// Frames of an SDF file: links, joints, models and <frame>s, each placed in its model; names to frames.
// Every model is a scope. A frame's pose is known in its scope's own frame (__model__), whatever lies above, so that a
// model can be placed by any frame within it (placement_frame). Source: sdformat.org, "Pose frame semantics" 1.7, 1.8.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/scene/formats/sdf/document.h"
#include "geoul/scene/ids.h"

namespace geoul::scene::sdf {

using TransformL = Transform<long double>;

TransformL precise(const Posed& X);
Posed rounded(const TransformL& X);

// Where a name leads: the frames to pass, outermost first (a frame of a nested model: that model, then the frame);
// an empty path is the scope's own frame.
struct Target {
  std::vector<int> path;
  int frame = -1;  // the last of the path, or the frame of the scope itself
};

enum class FrameKind { kWorld, kModel, kLink, kJoint, kFrame };

struct Frame {
  FrameKind kind = FrameKind::kFrame;
  std::string name = {};
  int scope = -1;  // that it stands in
  Element element = {};
  TransformL X = {};             // in: relative to `base`; out, after solve(): in the scope's own frame
  std::vector<int> base = {};    // path; empty: the scope's own frame
  std::vector<int> within = {};  // of a model: path of its placement frame; empty: its own frame
  int attached = -1;  // what it moves with: a frame's target, a joint's child, a model's canonical link; -1: itself
  BodyId body = {};   // of a link
};

struct Scope {
  int parent = -1;                                                         // scope around it; -1: none
  int frame = -1;                                                          // its own frame, standing in the parent
  bool world = false;                                                      // whether it is a <world>
  int version = 0;                                                         // of the file it stands in
  std::map<std::string, Target, std::less<>> names = {};                   // frames that may be named here
  std::map<std::string, std::pair<int, Target>, std::less<>> models = {};  // nested: scope, its frame
};

class Frames {
 public:
  std::vector<Frame> frames;
  std::vector<Scope> scopes;

  int add(Frame frame);
  // What `name` names in a scope; none where it names nothing.
  std::optional<Target> find(int scope, std::string_view name) const;
  // Computes Frame::X of all; where they go round in a ring, a frame of it, and none is to be used.
  std::optional<int> solve();
  // After solve(): poses in the world. A scope's own frame.
  TransformL in_world(int scope) const;
  TransformL in_world_of(const Target& target, int scope) const;
  // The link that a frame moves with (-1: the world), or none where its attachments go round in a ring.
  std::optional<int> link_of(int frame) const;

 private:
  mutable std::vector<int> links_;  // what link_of found, by frame; kUnknown before
};

}  // namespace geoul::scene::sdf
