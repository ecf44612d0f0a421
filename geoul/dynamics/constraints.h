// Constraints c(q) = 0: joints that close loops, couplings. Solved directly by their forces along the rows,
//   (J M^-1 J^T) force = -(J a_free + bias),
// with a Cholesky factor inside its envelope (linear cost for chains) and proximal refinement, which gives one answer
// of the right motion where rows are redundant or the pose is singular. No gains, no drift: positions and velocities
// are projected each step. Sources: Featherstone 2008, ch. 8; Carpentier, Budhiraja, Mansard, RSS 2021. See
// docs/notes/dynamics.md.
#pragma once

#include <span>

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics {

inline bool constrained(const Island& island) { return island.row_begin != island.row_end; }

// What the accelerations of the rows must be: those that keep c(q) = 0 under the links' velocities in data, or none
// beyond J a = -given, for changes of velocity.
enum class ConstraintLevel { kAcceleration, kVelocity };

struct ConstraintSolve {
  ConstraintLevel level = ConstraintLevel::kAcceleration;
  std::span<const double> v = {};  // kVelocity: J (scale v + a) = 0, over State::v
  double scale = 1;
};

// J at the kinematics in data.
void constraint_jacobian(const Model& model, const Island& island, Data& data);
// c(q) at the kinematics in data into data.constraints.error; its largest entry.
double constraint_error(const Model& model, const Island& island, std::span<const double> q, Data& data);
// J M^-1 J^T, factored, with the M of the last articulated_bodies on the island. Needs J.
void factor_constraints(const Model& model, const Island& island, Data& data);

// tau += J^T force. Needs J. force over all rows of the model, tau over State::v.
void add_constraint_forces(const Model& model, const Island& island, std::span<const double> force, const Data& data,
                           std::span<double> tau);

// Corrects the accelerations a, solved by articulated_bodies just now, to keep the constraints; data.needed of held
// links too, and data.constraints.force. Rows and factor are made anew.
void constrain(const Model& model, const Island& island, const ConstraintSolve& solve, Data& data, std::span<double> a);

// What a wrench (moment n and force f, in the world) at p_W on a link does along the degrees that carry it: added to
// row, addressed as State::v.
void add_wrench(const Model& model, const Data& data, int link, const Vec3d& p_W, const Vec3d& n, const Vec3d& f,
                double* row);

// The same for unit forces along axes[0..2] at p_W, times sign, and behind them for unit moments about them: `rows` of
// the six, whose coefficients stand at row[k].
void add_contact_wrenches(const Model& model, const Data& data, int link, const Vec3d& p_W, const Vec3d axes[3],
                          double sign, int rows, double* const row[6]);

// Takes out of x = M^-1 f (addressed as State::v) what the constraints hold back. Needs the factor of constrain.
void constrain_response(const Model& model, const Island& island, Data& data, double* x);

// Moves q onto c(q) = 0 and v onto J v = 0, each by the least change in the metric of M. Runs kinematics. Returns the
// largest entry of c(q) that is left.
double project(const Model& model, const Island& island, Data& data, std::span<double> q, std::span<double> v);

// Wrench that a loop's joint exerts on its child by data.constraints.force: in the world, about the joint's origin.
Forced loop_wrench(const Model& model, const Constraint& constraint, const Data& data);

}  // namespace geoul::dynamics
