// MPPI: efforts by sampling futures of the twin itself, friction, limits, drives and contact included. K worlds run
// with noisy efforts, in lanes where the model fits (dynamics/batch.h); the next efforts are their mean, weighted by
// exp(-(cost - least) / temperature). Source: Williams, Drews, Goldfain, Rehg, Theodorou, IEEE Trans. Robotics 34(6),
// 2018. The same seed gives the same bits, for any number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/decision/control/ilqr.h"
#include "geoul/dynamics/batch.h"

namespace geoul::decision {

struct MppiOptions {
  int samples = 256;
  int steps_per_control = 4;      // of step.dt: problem.dt must be that long
  std::vector<double> deviation;  // (m) of the noise of an effort [N.m, N]
  int hold = 1;                   // control periods that one draw of noise lasts: slow noise explores swings
  double temperature = 1;         // in units of the cost
  std::uint64_t seed = 1;
  dynamics::StepOptions step;  // step.pool spreads the worlds
};

struct MppiReport {
  double least = 0, mean = 0;  // cost of the samples
  double effective = 0;        // 1 / sum w^2: how many samples count
  int faults = 0;              // samples that left the finite numbers: they do not count
};

// Plans again and again, each time from the efforts of the time before.
class Mppi {
 public:
  // Errors: kBadInput for periods that do not fit and numbers out of range; as Batch::make.
  static Result<Mppi> make(const dynamics::Model& model, TrajectoryProblem problem, MppiOptions options);

  // Efforts (m) for the next control period from (q (nq), v (nv)).
  MppiReport plan(std::span<const double> q, std::span<const double> v, std::span<double> effort);
  void move_on();  // one control period: what was planned for the next is now for this
  std::span<const double> efforts() const { return u_; }  // (steps x m) planned
  bool in_lanes() const { return batch_->in_lanes(); }

 private:
  Mppi() = default;
  void roll_out();

  TrajectoryProblem problem_;
  MppiOptions options_;
  std::optional<dynamics::Batch> batch_;
  std::vector<double> u_, noise_, cost_;                              // (steps x m), (samples x steps x m), (samples)
  std::vector<double> q_, v_, effort_, position_, velocity_, asked_;  // scratch
  std::uint64_t round_ = 0;
};

}  // namespace geoul::decision
