// Watches a plant beside its model, live: tells when external torques appear that were not there in undisturbed
// operation, since when, where, how large, and why (causes.h).
//   every cycle    momentum observer: x, the torque that the model does not explain
//   every frame    (5 ms) mean of x; less the usual mean; a ChangeTest per joint, and for what is no lasting change a
//                  CUSUM of the squared Mahalanobis distance:  s' = max(0, s + x^T S^-1 x / nv - 2)
//   an alarm       at once with the evidence there is, and once more (revision 1) when the evidence is complete
// Thresholds come from undisturbed operation for a stated mean time between false alarms.
// Sources: Page, Biometrika 41, 1954 (CUSUM); change_test.h; docs/notes/estimation.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/time.h"
#include "geoul/estimation/causes.h"
#include "geoul/estimation/change_test.h"
#include "geoul/estimation/momentum_observer.h"

namespace geoul::estimation {

struct ResidualDetectorOptions {
  MomentumObserverOptions observer;
  CauseOptions causes;  // from_start is set by the detector
  int cycles_per_frame = 5;
  int window = 12;                 // of the ChangeTests [frames]
  double false_alarm_time = 3600;  // mean time between false alarms of each test [s]
  double before = 0.1;             // evidence from so long before the onset [s]
  double after = 1.5;              // until so long after the detection [s]
  double first_moments = 0.25;     // [s] an onset in them means: from the start
};

struct Alarm {
  Time onset, detected;
  int revision = 0;      // 0: at detection; 1: with all evidence
  int joint = -1;        // where it shows most
  double size = 0;       // mean torque that the model does not explain there since the onset [N.m, N]
  double deviation = 0;  // of the size
  std::array<RankedCause, kCauses> causes;  // likeliest first
  std::string words;
};

class ResidualDetector {
 public:
  ResidualDetector(const dynamics::Model& model, const ResidualDetectorOptions& options);

  // Undisturbed operation, cycle by cycle; at least 20 s at 1 kHz and 20 frames a block. Then calibrate(). Until then
  // step() only listens.
  void calibrate();
  bool calibrated() const { return calibrated_; }

  // A cycle: position, velocity, and the drives' torque over the cycle that ends now. Time must grow. Allocates where
  // there is an alarm only.
  std::optional<Alarm> step(Time time, std::span<const double> q, std::span<const double> v,
                            std::span<const double> tau);

  std::span<const double> external() const { return observer_.external(); }  // (nv) filtered
  std::span<const double> thresholds() const { return thresholds_; }         // (nv + 1) of the tests, and of the CUSUM

 private:
  void close_frame(Time time);
  void score();
  std::optional<Alarm> look(Time time);
  Alarm make_alarm(Time time);
  double distance(const EvidenceFrame& frame) const;
  EvidenceFrame& frame(long back) { return ring_[static_cast<std::size_t>((frames_ - 1 - back) % length())]; }
  long length() const { return static_cast<long>(ring_.size()); }

  const dynamics::Model* model_;
  ResidualDetectorOptions options_;
  MomentumObserver observer_;
  dynamics::Data data_;
  std::vector<double> sum_q_, sum_v_, sum_x_, v_begin_;
  int cycles_ = 0;
  bool first_ = true;
  Time begin_, last_, frame_begin_;
  std::vector<EvidenceFrame> ring_;  // times are seconds since begin_
  long frames_ = 0;

  std::vector<std::vector<double>> heard_;  // external torques of frames, until calibrate()
  bool calibrated_ = false;
  std::vector<double> mean_, covariance_, inverse_, sigma_, thresholds_, scores_;
  std::vector<ChangeTest> tests_;
  double cusum_ = 0;
  double cusum_since_ = 0;

  bool active_ = false, complete_ = false;
  Time onset_, detected_;
  long quiet_ = 1L << 40;
};

}  // namespace geoul::estimation
