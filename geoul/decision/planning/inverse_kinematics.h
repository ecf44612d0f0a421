// Inverse kinematics: joint positions that put frames where they are wanted. Tasks by priority: a later one gets only
// the motion that leaves the earlier ones alone, a posture comes last. Limits hold at every iteration.
//   step    levels of damped least squares in the null space of the levels above (Siciliano, Slotine, ICAR 1991;
//   Chiaverini,
//           IEEE Trans. Robotics and Automation 13(3), 1997), damped by the error itself (Sugihara, IEEE Trans.
//           Robotics 27(5), 2011); a joint that a step would push beyond its limit stands still in it
//   starts  the given one, then random ones within the limits, until the first task is met
// Judged by itself: what is called reached was measured by forward kinematics at the q that is returned.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision {

// Frame T on a body wants to be at X_WG.
struct PoseTask {
  scene::BodyId body;
  Posed X_BT;
  Posed X_WG;
  bool position = true, rotation = true;
};

struct InverseKinematics {
  std::vector<PoseTask> tasks;  // the first is the one that must be met
  std::vector<int> degrees;     // (n) that may move: addresses in State::v of one-degree joints
  std::vector<double> posture;  // (n) wanted last of all [rad, m]; or empty
};

struct InverseKinematicsOptions {
  double position_tolerance = 1e-6;  // [m] of the first task
  double rotation_tolerance = 1e-6;  // [rad]
  int iterations = 60;               // of one start
  int starts = 40;
  std::uint64_t seed = 1;  // of the random starts
};

struct TaskResidual {
  double position = 0, rotation = 0;  // [m], [rad]; 0 where not asked
};

struct InverseKinematicsReport {
  bool converged = false;              // the first task is within the tolerances
  std::vector<double> q;               // (nq) whole positions: the best of all starts
  std::vector<TaskResidual> residual;  // (ntask) at q
  int starts = 0;
  int iterations = 0;         // of all starts
  std::vector<int> at_limit;  // degrees of q at a limit
  std::string words;          // why it did not converge: how near it came and which joints stand at limits
};

// From q (nq). GEOUL_EXPECTS a task, degrees of one-degree joints that are free to move, finite goals. Degrees without
// limits start within +-pi of q. O(iterations n^3).
InverseKinematicsReport solve(const dynamics::Model& model, const InverseKinematics& problem, std::span<const double> q,
                              const InverseKinematicsOptions& options = {});

}  // namespace geoul::decision
