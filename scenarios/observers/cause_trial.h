// A seven-joint arm with hidden faults, for tests and figures of ResidualDetector: swung by its drives, with noisy
// encoders and torques, 1 kHz. One seed, one trial.
#pragma once

#include "geoul/estimation/residual_detector.h"

namespace geoul::scenarios {

using estimation::Alarm, estimation::Cause, estimation::ResidualDetector;

struct CauseTrialResult {
  bool found = false, early = false;  // an alarm came; before the fault
  double delay = 0;                   // from the fault to the first alarm [s]
  Alarm first, complete;
  double true_size = 0;  // kg, N.m, N, rad ... as of RankedCause
  int true_place = -1;
  bool place_right = false;  // of the first cause, where it is the true one
};

// The model that the detector has: arm7 with friction, rotors and a tool of 1 kg on its last link.
dynamics::Model cause_trial_model();
ResidualDetector calibrated_trial_detector(const dynamics::Model& model, double seconds, std::uint64_t seed);
// A fault of that cause at a random time, place and size.
CauseTrialResult run_cause_trial(const dynamics::Model& model, const ResidualDetector& calibrated, Cause cause,
                                 std::uint64_t seed);
// Seconds of undisturbed operation until the first alarm, at most `seconds`.
double quiet_run(const ResidualDetector& calibrated, const dynamics::Model& model, double seconds, std::uint64_t seed);

}  // namespace geoul::scenarios
