// Bindings: a site's names resolved against a scene, and its signals against the columns of its recordings.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/link/link.h"
#include "geoul/runtime/site.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

// A signal that something is bound to.
struct BoundColumn {
  std::string source, column;     // as in the site file
  std::string name;               // of the protocol
  link::Unit unit;                // it comes in
  link::ExpectedUnit expected{};  // the same, for the plant's own words to be held against
};

// A velocity that nothing measures: the derivative of a position, behind the columns.
struct DerivedColumn {
  int of = 0;
};

// Columns are indices into Bindings::columns, and behind them into derived; -1: not bound.
struct BoundJoint {
  scene::JointId joint;
  std::string label;
  int q = 0, v = 0;  // addresses in State
  int position = -1, velocity = -1, current = -1;
  int reference_position = -1, reference_velocity = -1, reference_acceleration = -1, reference_torque = -1;
};

struct BoundSite {
  std::string path, label;
  FrameAddress frame;
  FrameAddress relative_to;
  bool has_pose = false, has_force = false;
  std::array<int, 6> pose{};
  std::array<int, 3> force{};
};

// What has a name of its own and no place in the motion.
struct BoundValue {
  std::string name;  // "sensor/spindle", "parameter/payload"
  std::string unit;  // SI, as its signal says; empty where it says none
  int column = -1;
  SensorBinding::Measures measures = SensorBinding::Measures::kItself;
  int at = -1;  // address in State of what it measures; -1: the twin predicts nothing
};

struct Bindings {
  std::vector<BoundColumn> columns;  // each once
  std::vector<DerivedColumn> derived;
  std::vector<BoundJoint> joints;
  std::vector<BoundSite> sites;
  std::vector<BoundValue> values;             // sensors, then parameters
  bool has_reference = false;                 // every joint has one
  std::optional<FrameAddress> constant_from;  // of judge.constant_transform

  std::size_t width() const { return columns.size() + derived.size(); }  // of a row
};

enum class Feed { kRecording, kLive };

// None where a name does not exist. Codes: unknown-joint, joint-type, unknown-site, unknown-frame (errors), with the
// nearest names of the scene; unit-does-not-fit, not-recorded, not-live; joint-not-bound (warning: the joint stays at
// its start).
std::optional<Bindings> bind(const Site& site, const Twin& twin, Feed feed, Diagnostics& diagnostics);

}  // namespace geoul::runtime
