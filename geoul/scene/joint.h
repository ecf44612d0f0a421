// Joints: how two bodies may move against each other.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/scene/ids.h"

namespace geoul::scene {

enum class JointType {
  kFixed,       // no degree of freedom: structure (law 1)
  kRevolute,    // 1: angle about the axis [rad]
  kContinuous,  // 1: angle without limits [rad]
  kPrismatic,   // 1: distance along the axis [m]
  kSpherical,   // 3: rotation; q is a unit quaternion (w x y z), v the angular velocity in the child's joint frame
  kPlanar,      // 3: x, y in the plane normal to the axis [m], angle about the axis [rad]
  kFree,        // 6: q is position (x y z) and unit quaternion (w x y z) of the child's joint frame in the parent's;
                //    v is the rate of the position, then the angular velocity in the child's joint frame
};

// Sizes of the position and velocity of one joint.
constexpr int position_size(JointType type) {
  switch (type) {
    case JointType::kFixed: return 0;
    case JointType::kSpherical: return 4;
    case JointType::kPlanar: return 3;
    case JointType::kFree: return 7;
    default: return 1;
  }
}
constexpr int velocity_size(JointType type) {
  switch (type) {
    case JointType::kFixed: return 0;
    case JointType::kSpherical: return 3;
    case JointType::kPlanar: return 3;
    case JointType::kFree: return 6;
    default: return 1;
  }
}
const char* to_string(JointType type);

inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// PD drive of a one-degree joint: force = stiffness (target_position - q) + damping (target_velocity - v),
// within +-max_force. Units N.m/rad, N.m.s/rad, N.m (revolute); N/m, N.s/m, N (prismatic).
struct Drive {
  double stiffness = 0;
  double damping = 0;
  double target_position = 0;
  double target_velocity = 0;
  double max_force = kUnlimited;
};

// One end of a joint: the joint frame J on body P (X_PJ) must meet the joint frame on body C (X_CJ).
struct Joint {
  std::string path;
  JointType type = JointType::kFixed;
  BodyId parent;        // USD body0; kWorld where there is none
  BodyId child;         // USD body1; kWorld where there is none. Not both the world
  Posed X_PJ;           // joint frame in the parent (in the world for kWorld)
  Posed X_CJ;           // joint frame in the child
  Vec3d axis{0, 0, 1};  // unit, in the joint frame; revolute, continuous, prismatic, planar (normal)
  bool enabled = true;

  double lower = -kUnlimited;  // position limits [rad or m], one-degree joints
  double upper = kUnlimited;
  double velocity_limit = kUnlimited;  // [rad/s or m/s]
  double effort_limit = kUnlimited;    // of the drive and commanded effort together [N.m or N]
  double damping = 0;                  // [N.m.s/rad or N.s/m], every degree of freedom
  double friction = 0;                 // Coulomb [N.m or N], one-degree joints
  double armature = 0;                 // rotor inertia seen at the joint [kg m2 or kg], every degree of freedom
  double stiffness = 0;                // passive spring [N.m/rad or N/m], one-degree joints
  double spring_position = 0;          // where the spring is at rest
  Drive drive;

  std::optional<double> position;  // at the start, one-degree joints; none: measured from the bodies' poses
  std::optional<double> velocity;  // at the start, one-degree joints; none: measured from the bodies' velocities

  double break_force = kUnlimited;  // [N], [N.m]: the reaction wrench at which the joint gives way
  double break_torque = kUnlimited;
  bool collision_enabled = false;  // whether the two bodies may touch
  bool excluded_from_articulation = false;
  // A fixed joint that is kept by equations instead of merging its bodies: for a loop whose moving joints are all
  // driven, so that none of them can close it.
  bool by_equations = false;
};

// q_joint = multiplier * q_source + offset, an exact coupling (URDF mimic).
struct Mimic {
  JointId joint;
  JointId source;
  double multiplier = 1;
  double offset = 0;
};

// sum of coefficient_k q_k = offset, kept exactly, over one-degree joints: gears (1, ratio), rack and pinion (1,
// -radius), cables of constant length over pulleys (radii of the pulleys, 1 for slides).
struct Coupling {
  std::string path;
  std::vector<std::pair<JointId, double>> terms;
  std::optional<double> offset;  // [rad, m]; none: as it is at the start
};

// Spring and damper between points of two bodies: pulls with stiffness (length - rest_length) + damping d(length)/dt.
struct Spring {
  std::string path;
  BodyId a, b;  // kWorld: a point of the world
  Vec3d p_A, p_B;
  double stiffness = 0;  // [N/m]
  double damping = 0;    // [N.s/m]
  double rest_length = 0;
};

}  // namespace geoul::scene
