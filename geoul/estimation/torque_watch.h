// Watches the measured joint torques of a machine beside an identified model, causally, cycle by cycle, and tells where
// a torque steps away from what the model, the motion and the torque's own past explain.
//
// Of each joint the residual y = tau - bias - (M a)_j, with a the velocity differentiated and smoothed over 40 ms, is
// predicted by a regression that was fitted on undisturbed operation:
//   y_t = sum_k c_k y_{t-k}                                 the joint's own past
//       + sum over 5 time constants of (M_t a)_j            inertial torque by smoothings of 5 to 80 ms
//       + sum_k (M_t dv_{t-k})_j + sum_ki dv_i,t-k          vibration, k from -lag on: `lag` cycles are waited for
//       + sum_ki y_i,t-k                                    what the other joints' torques show
// Its innovations go to a ChangeTest. Cycles that the reader missed are interpolated, marked, and cost certainty.
// Sources: docs/notes/estimation.md; Box, Jenkins, Time Series Analysis (ARX models).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "geoul/estimation/change_test.h"

namespace geoul::estimation {

// One cycle of n joints. Spans are read during the call only.
struct TorqueFrame {
  std::span<const double> v;     // velocity (n) [rad/s]
  std::span<const double> tau;   // measured torque (n) [N.m]
  std::span<const double> bias;  // the model's torque without acceleration: gravity, velocity products, friction (n)
  std::span<const double> M;     // joint-space inertia (n x n), rotors included [kg m2]
  bool observed = true;          // false: interpolated
};

struct TorqueWatchOptions {
  double period = 1e-3;       // of the cycles [s]
  std::vector<int> lags;      // (n) cycles waited for before a torque is judged
  std::vector<int> windows;   // (n) W of each joint's ChangeTest
  int autoregression = 10;    // own past
  int past = 16;              // (M dv)_j of so many cycles back, the newest of them included
  int spread = 8;             // dv of all joints, the same
  int others = 3;             // y of the other joints, the same
  double ridge = 1e-3;        // of the regression, on columns of unit deviation and one row
  double run_length = 600e3;  // mean cycles between false alarms, of one joint
  int calibration_block = 100;
};

// What was fitted; constant while it runs.
struct TorqueWatchModel {
  TorqueWatchOptions options;
  struct Joint {
    std::vector<double> own;        // (autoregression) c
    std::vector<double> exogenous;  // the others, in the order above, then a constant
    std::array<double, 4> sigma{};  // innovation by which of the two cycles before were missed: none, the one before
                                    // the last, the last, both
    double threshold = 0;
    double largest = 0;  // score in calibration
  };
  std::vector<Joint> joints;  // (n)
};

struct TorqueStep {
  bool found = false;
  int joint = -1;
  long onset = 0;        // cycle
  long detected = 0;     // cycle
  double size = 0;       // [N.m]
  double deviation = 0;  // of the size
  double z = 0;          // and its threshold
  double threshold = 0;
};

// The last cycles of all joints, and the regression's rows. Allocates in the constructor only.
class TorqueFeatures {
 public:
  TorqueFeatures(const TorqueWatchOptions& options, int n);
  void push(const TorqueFrame& frame);
  long cycles() const { return cycles_; }
  bool ready(int joint) const;  // a row is there, for the cycle cycles() - 1 - lag
  int columns(int joint) const;
  void row(int joint, std::span<double> out) const;  // (columns)
  double target(int joint) const { return y_at(lag(joint), joint); }
  bool observed(int joint, int back = 0) const { return seen_[slot(lag(joint) + back)]; }

 private:
  int lag(int joint) const { return options_.lags[static_cast<std::size_t>(joint)]; }
  std::size_t slot(int back) const;
  double y_at(int back, int joint) const { return y_[slot(back) * n_ + static_cast<std::size_t>(joint)]; }

  TorqueWatchOptions options_;
  std::size_t n_, length_;
  long cycles_ = 0;
  std::vector<double> v_;                // (n) last velocity
  std::vector<double> smooth_;           // (5 x n) smoothed dv
  std::vector<double> dv_, y_, M_, Ma_;  // rings: (length x n), (length x n), (length x n n), (length x 5 n)
  std::vector<char> seen_;               // (length)
};

// Fits the regression and the thresholds on frames of undisturbed operation, which `frame(i)` gives in order, i <
// count. Needs at least 20 calibration blocks. Takes seconds: two least squares of some hundred columns a joint.
TorqueWatchModel fit_torque_watch(const TorqueWatchOptions& options, int n, long count,
                                  const std::function<TorqueFrame(long)>& frame);

class TorqueWatch {
 public:
  TorqueWatch(const TorqueWatchModel& model);

  // The next cycle. Found: the joint whose score is farthest above its threshold, and which was not above it already.
  // Allocates nothing.
  TorqueStep step(const TorqueFrame& frame);
  double score(int joint) const { return scores_[static_cast<std::size_t>(joint)].z; }  // newest; 0 before there is one

 private:
  const TorqueWatchModel* model_;
  TorqueFeatures features_;
  std::vector<ChangeTest> tests_;          // (n)
  std::vector<std::vector<double>> past_;  // (n) own residual, missed cycles filled by prediction, newest first
  std::vector<ChangeScore> scores_;        // (n)
  std::vector<std::size_t> warm_;          // (n) cycles whose residual is known, until the past is full
  std::vector<long> quiet_;                // (n) cycles since the score was above its threshold
  std::vector<double> row_;
};

// In words: "joint4: torque is 1.02 +- 0.09 N.m above the model since 12.345 s ...".
std::string describe(const TorqueStep& step, const std::string& joint, double period);

}  // namespace geoul::estimation
