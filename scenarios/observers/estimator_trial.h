// Plants with hidden truth for tests and figures of the Estimator: they obey the model exactly, with the process noise
// that the options state, drawn from a seed.
#pragma once

#include <vector>

#include "geoul/core/random.h"
#include "geoul/estimation/estimator.h"

namespace geoul::scenarios {

using estimation::EstimatorOptions, estimation::Measurement, estimation::MeasurementKind;

struct TrialNoise {
  double position = 1e-4;  // of encoders [rad]
  bool velocity = false;   // velocities are measured too
  double velocity_noise = 5e-3;
};

// An open tree whose drives hold it softly and swing it; every degree of one-degree joints has an encoder.
class TrialPlant {
 public:
  // Starts away from the model's start by a draw of the options' deviations.
  TrialPlant(const dynamics::Model& model, const EstimatorOptions& options, const TrialNoise& noise,
             std::uint64_t seed);

  // Over dt, under drive torques that hold the start pose and swing it. Torques stand in tau().
  void step(Duration dt);
  // What the encoders say now and the drives do from now on; the first call has the drives' start too.
  void measure(std::vector<Measurement>& out);

  std::vector<double> q, v, d, tau;  // truth
  Time time;
  Random random;

 private:
  const dynamics::Model& model_;
  EstimatorOptions options_;
  TrialNoise noise_;
  void plan();  // drives from now on

  dynamics::Data data_;
  std::vector<double> force_, a_, hold_, zero_;
  std::vector<Measurement> drives_;
};

}  // namespace geoul::scenarios
