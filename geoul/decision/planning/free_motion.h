// Whether joints may move straight from one place to another: limits and clearance, proven and not only sampled. A
// segment is free where the clearances at its ends exceed what any point can move in between; else it is halved.
// Source of the idea: exact collision checking by bounds on motion, Schwarzer, Saha, Latombe, IEEE Trans. Robotics
// 21(3), 2005.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/decision/futures/clearance.h"

namespace geoul::decision {

struct FreeMotionOptions {
  double clearance = 0;      // [m] to keep
  double resolution = 1e-3;  // [m] of motion of any point below which the ends alone decide
};

// Of one thread. The model and the clearance must outlive it.
class FreeMotion {
 public:
  // degrees (n): one-degree joints; others stay at q (nq).
  FreeMotion(const dynamics::Model& model, const ClearanceModel& clearance, std::vector<int> degrees,
             std::span<const double> q, const FreeMotionOptions& options);

  std::size_t size() const { return degrees_.size(); }
  double lower(std::size_t i) const;  // position limits; infinite where there are none
  double upper(std::size_t i) const;

  // Least distance [m] at x (n).
  double distance(std::span<const double> x);
  bool free(std::span<const double> x) { return within_limits(x) && distance(x) >= options_.clearance; }
  bool within_limits(std::span<const double> x) const;
  // From a to b (n each), both ends included.
  bool free(std::span<const double> a, std::span<const double> b);
  // Most that any point of a collider moves between a and b [m].
  double motion(std::span<const double> a, std::span<const double> b) const;

  // Why x is not free: the limit or the pair, in words; empty where it is.
  std::string obstacle(std::span<const double> x);
  long checks() const { return checks_; }  // distances measured so far

 private:
  bool free_between(std::span<const double> a, double from, double distance_from, std::span<const double> b, double to,
                    double distance_to, double motion);

  const dynamics::Model& model_;
  const ClearanceModel& clearance_;
  std::vector<int> degrees_, q_of_;
  FreeMotionOptions options_;
  std::vector<double> q_, v_, reach_, middle_;  // reach_ (n): of a joint, any point behind it [m]; 1 for slides
  dynamics::Data data_;
  ClearanceScratch scratch_;
  ClearanceTrack track_;
  long checks_ = 0;
};

}  // namespace geoul::decision
