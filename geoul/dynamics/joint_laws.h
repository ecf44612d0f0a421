// Joint laws: what one-degree joints add to the motion by themselves. Each is a monotone, piecewise linear relation
// between the joint's velocity at the end of the step and its force; all of them together with the equations of
// motion have one solution, found by an active-set method whose every pass is one articulated-body solve in which
// stopped joints are held (hybrid dynamics). See docs/notes/dynamics.md.
#pragma once

#include <span>

#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

struct LawSetting {
  double dt = 0;         // [s]
  bool implicit = true;  // springs, damping and drives at the end of the step; else they are left to `tau`
  int max_iterations = 60;
  ConstraintSolve constraints = {};
};

struct LawReport {
  bool converged = true;
  int iterations = 1;
};

// Effort of spring, damping and drive of every degree of the tree at (q, v), explicit, plus the command, into tau.
void smooth_efforts(const Model& model, const Tree& tree, const Controls& controls, std::span<const double> q,
                    std::span<const double> v, std::span<double> tau);
// Drives and commands alone, within their limits: State::tau.
void applied_efforts(const Model& model, const Tree& tree, const Controls& controls, std::span<const double> q,
                     std::span<const double> v, std::span<double> tau);
// -d(smooth effort)/dv times dt_v, -d/dq times dt_q, for drives as if unlimited; plus armature; into data.diagonal.
void smooth_diagonal(const Model& model, const Tree& tree, double dt_v, double dt_q, Data& data);

// Efforts at the end of a step of dt and what they add to the joint-space inertia (data.diagonal, armature included),
// linear in the acceleration: springs, damping, and drives within their limits; a drive that its demand at (q, v) takes
// beyond its limit gives the limit.
void implicit_efforts(const Model& model, const Tree& tree, double dt, const Controls& controls,
                      std::span<const double> q, std::span<const double> v, Data& data, std::span<double> tau);

// Accelerations a with v+ = v + dt a under the joint laws and the island's constraints. data.links holds kinematics and
// external wrenches of the tree; tau holds explicit efforts (all of them where not implicit). Prescribed links keep
// their a.
LawReport solve_joint_laws(const Model& model, const Island& island, const LawSetting& setting,
                           const Controls& controls, std::span<const double> q, std::span<const double> v, Data& data,
                           std::span<double> tau, std::span<double> a);

}  // namespace geoul::dynamics
