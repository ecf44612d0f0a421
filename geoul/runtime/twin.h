// The twin: a scene, and what it compiles to. Everything that plays or publishes reads it; it never changes while a job
// runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/scene.h"
#include "geoul/scene/state.h"

namespace geoul::runtime {

struct Twin {
  scene::Scene scene;
  dynamics::Model model;
  std::vector<scene::JointId> welds;   // the fixed joints, in the order of the scene
  std::vector<scene::JointId> moving;  // the others that are in the model
};

// Reads, validates and compiles a scene file; none where anything is an error.
std::optional<Twin> load_twin(const std::string& file, Diagnostics& diagnostics);

// The same of a scene that was read.
std::optional<Twin> make_twin(scene::Scene scene, Diagnostics& diagnostics);

// How far the two frames of a fixed joint lie apart in published body poses.
struct WeldError {
  double position = 0;  // [m]
  double rotation = 0;  // [rad]
};

// Measured in state.X_WB against the joints' own frames, one a weld; nothing is assumed. out has the size of
// twin.welds.
void measure_welds(const Twin& twin, const scene::State& state, std::vector<WeldError>& out);

// "/Cell/UR3e/Joints/elbow" -> "elbow"
std::string label_of(const std::string& path);

// A frame that moves with a body (kWorld: that stands): a site, or the body's own frame.
struct FrameAddress {
  scene::BodyId body;
  Transformd X_BF;
};

Transformd frame_pose(const scene::State& state, const FrameAddress& frame);  // X_WF
// What an accelerometer at the frame's origin feels, along the frame's axes: acceleration minus gravity [m/s2].
Vec3d specific_force(const scene::State& state, const FrameAddress& frame, const Vec3d& gravity);

}  // namespace geoul::runtime
