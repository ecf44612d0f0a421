// What the safety filter knows of a robot and of what stands around it: capsules that hold every colliding shape of
// each link, obstacles that do not move, and bounds on how far a point can move when joints do. Made once, constant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/collision/convex.h"
#include "geoul/core/diagnostics.h"
#include "geoul/decision/safety/profile.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision::safety {

inline constexpr int kMostJoints = 16;

// All points within `radius` of the segment a b.
struct Capsule {
  Vec3d a, b;
  double radius = 0;
};
// A ball of the hull that a capsule must hold.
struct Ball {
  Vec3d centre;
  double radius = 0;
};
// A capsule that holds all the balls, and so their hull: the slimmest of those along the principal directions of the
// centres and along the axes. Needs a ball. O(n).
Capsule capsule_around(const std::vector<Ball>& balls);

struct RobotCapsule {
  int link = 0;
  Capsule shape;              // in the link's frame
  std::vector<double> reach;  // (nlink) greatest distance of its points from the joint of each inner link, at any q
};

// What stands still: a convex shape in the world.
struct Obstacle {
  std::string name;
  collision::Geometry geometry;
  Posed X_WO;
};

// A point of the robot that must stay on the inner side of planes: dot(normal_W, p_W) <= offset - margin.
struct Plane {
  std::string name;
  Vec3d normal_W{0, 0, 1};  // unit
  double offset = 0;        // [m]
};
struct KeptPoint {
  std::string name;
  int link = 0;
  Vec3d p_L;
  double radius = 0;                 // of a ball about it
  double speed = scene::kUnlimited;  // limit [m/s]
  std::vector<Plane> planes;         // workspace
  std::vector<double> reach;         // as of capsules; filled by compile_robot
};

struct RobotOptions {
  std::vector<JointLimits> limits;  // (nv), in the order of State::v
  std::vector<double> torque;       // (nv) [N.m or N] or empty: not limited
  std::vector<double> tracking;     // (nv) greatest difference of the plant from its reference [rad or m], or empty: 0
  std::vector<KeptPoint> points;
  std::vector<Obstacle> obstacles;         // beside those of the scene
  std::vector<std::pair<int, int>> apart;  // pairs of links whose capsules may touch
  bool scene_obstacles = true;             // colliding shapes of the world become obstacles
  bool self_collision = true;  // between links that are not neighbours and whose capsules do not touch at the start
};

struct SelfPair {
  int inner = 0, outer = 0;  // capsules
};

struct Robot {
  dynamics::Model model;
  RobotOptions options;
  std::vector<RobotCapsule> capsules;
  std::vector<Obstacle> obstacles;
  std::vector<collision::Core> cores;  // of the obstacles
  std::vector<Capsule> bounds;         // balls around the obstacles: a = b; radius infinite for planes
  std::vector<SelfPair> pairs;
  std::vector<std::uint32_t> inner;      // (nlink) bit j: link j is the link or between it and the world
  std::vector<std::string> joint_names;  // (nv)
  int joints() const { return model.nv; }
};

// The robot of a compiled scene. Errors (codes): unsupported (joints of several degrees, loops, more than kMostJoints),
// limits (not nv of them, not positive, reversed), no-shape (no link has a colliding shape: nothing could be guarded),
// start (the robot starts beyond a limit). Meshes and height fields of the world become their bounding boxes, which
// closes hollow ones. Warnings: obstacle-box (such a one), no-shape (of a link that is not guarded). Info: self-touch
// (a pair that touches at the start and is not guarded).
std::optional<Robot> compile_robot(const scene::Scene& scene, const dynamics::Model& model, RobotOptions options,
                                   Diagnostics& diagnostics);

}  // namespace geoul::decision::safety
