// What a joint adds to rigid-body torque, linear in its coefficients: friction, torque offset, rotor inertia.
//   tau_joint = rotor a + offset + viscous v + coulomb tanh(v / softness) + asymmetry |tanh(v / softness)|
//             + stribeck tanh(v / softness) exp(-(v / stribeck_speed)^2) + sum_k level_k z_k
// z_k is the state of a Dahl element of length l_k: dz/dq = (1 - z sign(v)) / l_k, solved exactly over each step, so it
// hangs on the path and not on the rate. Elements side by side with lengths a decade apart make hysteresis with memory,
// as Maxwell's slip elements do: presliding, wind-up of gears, cables and seals.
// Sources: Armstrong-Helouvry, Dupont, Canudas de Wit, Automatica 30(7), 1994; Dahl, "A solid friction model", 1968.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace geoul::estimation {

struct FrictionShape {
  double softness = 0.02;       // [rad/s or m/s]
  bool rotor = false;           // rotor inertia counts
  bool offset = true;           // a constant torque
  bool asymmetric = false;      // Coulomb friction differs by direction
  double stribeck_speed = 0;    // [rad/s]; 0: no Stribeck term
  std::vector<double> lengths;  // [rad] of Dahl elements, ascending

  int terms() const;
  std::string name() const;  // "viscous + Coulomb + ..."
};

// Names and units of the terms of one joint, in their order: rotor, offset, viscous, coulomb, asymmetry, stribeck, and
// "hysteresis(0.3)" of each element, with its length in rad.
std::vector<std::string> term_names(const FrictionShape& shape);
std::vector<std::string> term_units(const FrictionShape& shape);
// Whether a term's coefficient must be positive: all but offset, asymmetry and stribeck.
std::vector<bool> term_positive(const FrictionShape& shape);

// The state of one joint after it moved by dq [rad]. z (lengths.size()).
void advance(const FrictionShape& shape, double dq, std::span<double> z);

// Terms of one joint at velocity v and acceleration a: out (terms).
void friction_terms(const FrictionShape& shape, double v, double a, std::span<const double> z, std::span<double> out);

}  // namespace geoul::estimation
