// Mass and centre of gravity of what a known arm carries, from joint torques or from motor currents, with an interval.
//   torque    tau = tau_arm(q, v, a) + tau_payload(mass, center)
//   current   i_j = gain_j (tau_arm + tau_payload)_j + viscous_j v_j + coulomb_j tanh(v_j / softness) + offset_j
// gain_j is one over the torque constant at the joint; it is identified with the payload, because the arm itself is
// known. The payload is a point with an inertia of its own that is given, zero as a rule. Gauss and Newton's method;
// each step is a linear estimate under noise with memory (linear_estimate.h), so intervals allow for it.
#pragma once

#include <span>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/estimation/identify.h"

namespace geoul::estimation {

struct PayloadOptions {
  scene::BodyId body;      // that carries it, on a link that the columns move
  Posed X_BF;              // frame in which the centre is told: the flange
  Sym3d inertia;           // about its centre, along F [kg m2]
  bool currents = false;   // tau holds currents [A]
  double softness = 0.02;  // [rad/s]
  double still = 0;        // instants at which no joint moves faster are left out [rad/s]
  int max_order = 6;       // of the noise's autoregression
  double level = 0.95;
};

struct PayloadEstimate {
  double mass = 0, mass_half_width = 0;  // [kg]
  Vec3d center, center_half_width;       // in F [m]
  // Of currents (njoint): torque constants [N.m/A] with half widths, viscous [A s/rad], coulomb and offset [A].
  std::vector<double> torque_constant, torque_constant_half_width, viscous, coulomb, offset;
  std::vector<double> error;  // (njoint) root mean square of what is left [N.m or A]
  int instants = 0;
  bool converged = false;
};

// model: the arm without the payload (without_bodies), with its rotors as armature. motions: tau in N.m or A.
// kBadInput for too few instants, or where the motion does not tell mass and centre.
Result<PayloadEstimate> identify_payload(const dynamics::Model& model, const JointColumns& columns,
                                         std::span<const RegularMotion> motions, const PayloadOptions& options);

// The model without the masses of these bodies; the rest of their links stays.
dynamics::Model without_bodies(const dynamics::Model& model, const scene::Scene& scene,
                               std::span<const scene::BodyId> bodies);

}  // namespace geoul::estimation
