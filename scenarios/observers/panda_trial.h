// The real Panda log of ../shared (GPL, read where it stands) as cycles of the robot beside a model that is fitted on
// its first half. For tests and figures.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/dynamics/dynamics.h"
#include "geoul/estimation/torque_watch.h"

namespace geoul::scenarios {

using estimation::TorqueFrame, estimation::TorqueStep, estimation::TorqueWatch, estimation::TorqueWatchOptions;

// One entry a cycle of the robot's 1 kHz clock, 7 joints.
struct PandaCycles {
  static constexpr int kJoints = 7;
  std::vector<double> q, v, tau;  // (cycles x 7), row-major; missed cycles are interpolated
  std::vector<char> observed;     // (cycles) the reader got position and a new torque
  long count() const { return static_cast<long>(observed.size()); }
};

// The reader ran beside the robot's clock: it read some cycles twice and missed others. The number of cycles from row
// to row is the position's step over velocity times 1 ms (it comes out whole to 0.01). A row whose torques repeat the
// last row's to the bit counts as missed. None where the log is not on this machine.
std::optional<PandaCycles> read_panda_cycles(const std::string& source_folder);

// Rigid-body and friction torque of an arm of seven joints, linear in its parameters: ten of each link, and of each
// joint rotor inertia, offset, viscous friction and tanh(v / 0.02), tanh(v / 0.2).
class PandaModel {
 public:
  // Least squares on the cycles [0, count), torques, velocities and accelerations smoothed by boxes of 61 cycles.
  PandaModel(const dynamics::Model& arm, const PandaCycles& cycles, long count);

  // bias (7) and M (7 x 7) of TorqueFrame.
  void evaluate(const double* q, const double* v, double* bias, double* M);

 private:
  dynamics::Model arm_;
  dynamics::Data data_;
  std::vector<double> friction_;  // (7 x 4) offset, viscous, tanh, tanh
  std::vector<double> rotor_;     // (7)
};

// All frames of the cycles; the spans point into this.
struct PandaFrames {
  PandaFrames(const PandaCycles& cycles, PandaModel& model);
  TorqueFrame operator()(long i) const;

  const PandaCycles* cycles;
  std::vector<double> bias, M;  // (cycles x 7), (cycles x 49)
};

// Cycles until the watch, brought to `onset`, tells of a step of `size` [N.m] added to the measured torque of a joint
// from there on; -1 where it does not within `allowed`, or names another joint first.
long find_step(TorqueWatch watch, const PandaFrames& frames, int joint, long onset, double size, long allowed);

// What the log is watched with: joints 1 to 4 wait 40 cycles for the motion and look at 56; joints 5 to 7 do not wait
// and look at 14.
TorqueWatchOptions panda_watch_options();

}  // namespace geoul::scenarios
