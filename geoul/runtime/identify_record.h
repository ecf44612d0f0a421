// Reads what identification needs from a recording: positions, velocities and torques of named joints.
#pragma once

#include <optional>

#include "geoul/estimation/motion_record.h"
#include "geoul/runtime/identify_job.h"

namespace geoul::runtime {

struct JointRecording {
  std::vector<scene::JointId> joints;  // of the columns
  estimation::MotionRecord record;
};

// None where anything is an error; see identify_job.h for the codes.
std::optional<JointRecording> read_joint_recording(const IdentifyOptions& options, const scene::Scene& scene,
                                                   Diagnostics& diagnostics);

}  // namespace geoul::runtime
