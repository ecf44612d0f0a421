// iLQR: efforts that bring a model from a state to a goal at least cost, and gains that keep it there. Newton's method
// on the trajectory with the second derivatives of the dynamics left out; effort limits by a box in each step of the
// way back. Sources: Li, Todorov, ICINCO 2004; Tassa, Mansard, Todorov, ICRA 2014 (control-limited DDP).
//   dynamics  v+ = v + dt a, q+ = q + dt v+, with a by articulated bodies: gravity, armature, springs and damping (both
//             as at the end of the step, so that stiff ones do no harm). Coulomb friction, limits, drives and contact
//             are left out; twins with those want MPPI (mppi.h)
//   derivatives of a by central differences, relative error about 1e-9
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/decision/control/cost.h"
#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision {

struct TrajectoryProblem {
  std::vector<int> degrees;   // (m) actuated: addresses in State::v
  std::vector<double> limit;  // (m) of |effort| [N.m, N]; infinite: none
  QuadraticCost cost;
  double dt = 0.01;  // [s]
  int steps = 100;
};

struct IlqrOptions {
  int iterations = 200;
  double tolerance = 1e-9;  // relative decrease of the cost at which it is done
};

struct IlqrReport {
  bool converged = false;
  int iterations = 0;
  double cost = 0;
  double gradient = 0;        // largest step of an effort that the last way back proposed [N.m, N]
  std::vector<double> costs;  // after each iteration; never rising
  std::vector<double> q, v;   // (steps + 1 x nv)
  std::vector<double> u;      // (steps x m)
  std::vector<double> gain;   // (steps x m x 2 nv) row-major: u = u* - gain ((q, v) - (q*, v*)) [N.m/rad ...]
};

// From (q, v) with first efforts u (steps x m; empty: zero). GEOUL_EXPECTS a model of one-degree joints (nq == nv, no
// loops) and sizes that fit. O(iterations steps nv^2 (nv + links)).
IlqrReport ilqr(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                std::span<const double> v, std::span<const double> u = {}, const IlqrOptions& options = {});

// Next (q, v) (nv each) of the dynamics above, and its derivatives: A (2 nv x 2 nv), B (2 nv x m), row-major.
void smooth_step(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                 std::span<const double> v, std::span<const double> u, dynamics::Data& data, std::span<double> q_next,
                 std::span<double> v_next);
void smooth_derivatives(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                        std::span<const double> v, std::span<const double> u, dynamics::Data& data, std::span<double> A,
                        std::span<double> B);

}  // namespace geoul::decision
