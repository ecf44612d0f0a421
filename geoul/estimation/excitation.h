// Motions that tell a machine's parameters apart: Fourier series, every joint within its limits of position, velocity
// and acceleration, at rest at both ends, optimised for the condition number of the base parameters' equations.
//   q_j(t) = center_j + sum_k sine_jk sin(k w t) + cosine_jk (cos(k w t) - 1),  w = 2 pi / period
// Source: Swevers, Ganseman, Tukel, De Schutter, Van Brussel, "Optimal robot excitation and identification", IEEE
// Trans. Robotics and Automation 13(5), 1997. The search is ours: random series scaled into the limits, then an
// evolution strategy of one parent and one child with a step that adapts (Rechenberg's 1/5 rule).
#pragma once

#include <functional>
#include <span>

#include "geoul/estimation/identify.h"

namespace geoul::estimation {

struct ExcitationOptions {
  double period = 10;                // [s]
  int harmonics = 5;                 // 3 at least
  double sample = 0.05;              // [s] at which limits and equations are judged
  double margin = 0.9;               // of the limits that is used
  std::vector<double> acceleration;  // (njoint) limits [rad/s2]; empty: 10 each
  int first = 40;                    // random series of which the best is improved
  int improve = 300;                 // trials
  std::uint64_t seed = 1;
  FrictionShape friction;  // its terms are to be told too; hysteresis counts
  // Whether the machine may stand at q (njoint), for obstacles; empty: everywhere within the limits.
  std::function<bool(std::span<const double> q)> free;
};

struct Excitation {
  double period = 0;
  Eigen::VectorXd center;      // (njoint)
  RowMatrix sine, cosine;      // (njoint x harmonics)
  double condition = 0;        // of the equations with columns of length 1
  double first_condition = 0;  // median of the random series: what no design gives
};

// kBadInput for a joint without limits of position or velocity (scene::Joint), or where no random series is free.
Result<Excitation> design_excitation(const dynamics::Model& model, const JointColumns& columns,
                                     const ExcitationOptions& options);

// One period, sampled; tau is zero.
RegularMotion sampled(const Excitation& excitation, double sample);

// Of base parameters and friction terms along a motion: columns scaled to length 1.
double condition_number(const SeriesRows& rows, const BaseParameters& base);

}  // namespace geoul::estimation
