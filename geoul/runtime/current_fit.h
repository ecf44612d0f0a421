// Torque constant and friction of a motor, from its current:  current = (tau + viscous v + coulomb tanh(v / v0)) / k.
#pragma once

#include <optional>
#include <span>

namespace geoul::runtime {

struct CurrentModel {
  double per_torque = 0;      // 1/k [A/N.m]
  double per_velocity = 0;    // viscous/k [A.s/rad]
  double per_sign = 0;        // coulomb/k [A]
  double softness = 0.02;     // v0 [rad/s]
  double relative_error = 0;  // standard error of 1/k over 1/k, from the fit's own residuals
  int rows = 0;               // that it was fitted on

  double torque_constant() const { return 1 / per_torque; }  // k [N.m/A]
  double viscous() const { return per_velocity / per_torque; }
  double coulomb() const { return per_sign / per_torque; }
};

double predict_current(const CurrentModel& model, double tau, double v);

// Least squares over rows with |v| > softness (slower ones may stick: their friction is not known).
//   tau, v, current  (n) each
// None for fewer than 8 such rows, or where they do not determine the three numbers.
std::optional<CurrentModel> fit_current(std::span<const double> tau, std::span<const double> v,
                                        std::span<const double> current, double softness);

}  // namespace geoul::runtime
