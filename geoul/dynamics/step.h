// One step in time of one world.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "geoul/core/parallel.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/state.h"

namespace geoul::dynamics {

// Joint laws (springs, damping, drives with limited force, Coulomb friction, position and velocity limits) hold at the
// end of the step in the first two; the others add friction and limits as impulses at the end of a smooth step.
enum class Integrator {
  kImplicit,           // semi-implicit Euler with springs, damping and drives implicit: unconditionally damped. Order 1
  kSemiImplicitEuler,  // the same with them explicit. Order 1, symplectic without dissipation
  kRungeKutta4,        // on the manifold (Munthe-Kaas). Order 4
  kSymplectic,         // implicit midpoint in (q, p), Cayley map for rotations: no drift of energy; a free body keeps
                       // energy and momentum to rounding. Order 2. Loops at a singular pose, where the midpoint has
                       // no solution, take that step by kRungeKutta4. See docs/notes/dynamics.md
};

const char* to_string(Integrator integrator);

struct StepOptions {
  Duration dt{1'000'000};
  Integrator integrator = Integrator::kImplicit;
  int max_iterations = 60;           // of the joint laws, and of the midpoint
  ThreadPool* pool = nullptr;        // spreads independent islands; the bits do not depend on it
  bool contact = true;               // colliding shapes touch
  double contact_margin = 1e-3;      // [m] how far ahead contacts are looked for, beyond what a step can close
  double contact_tolerance = 1e-10;  // [m/s] to which contacts are solved: see contact_solver.h
  int contact_iterations = 200;
  double sleep_time = 0.5;  // [s] what touches and is slower than sleep_velocity for so long is held; see sleeping.h
  double sleep_velocity = 1e-8;  // [m/s] of any point; 0: nothing sleeps
};

// Writes position, velocity and acceleration of the prescribed links at time t; other entries are ignored.
using PrescribedMotion =
    std::function<void(Time t, std::vector<double>& q, std::vector<double>& v, std::vector<double>& a)>;

// What acts on the world during a step. Arrays addressed as State::v. Made by make_controls.
struct Controls {
  std::vector<double> effort;           // (nv) commanded [N.m, N]
  std::vector<double> target_position;  // (nv) of drives [rad, m]
  std::vector<double> target_velocity;  // (nv)
  std::vector<Forced> wrenches;         // (nbody) on bodies, in the world frame about the body's origin; or empty
  PrescribedMotion motion;              // needed where the model has prescribed links that move
};

// Efforts zero, drives at the targets of the scene.
Controls make_controls(const Model& model);
void reset_controls(const Model& model, Controls& controls);  // in memory that is there already

// Names the first command, target, wrench, position or velocity that is not a finite number, and what to write instead;
// empty where all are.
std::string bad_input(const Model& model, const Controls& controls, const scene::State& state);

// Takes state from t to t + dt: q, v, a (the mean over the step), tau (drives and commands), time, and the poses of all
// bodies. Allocates nothing. Where an input is not finite (bad_input) nothing changes: refused, not finite, not
// converged.
StepReport step(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                scene::State& state);

// Accelerations at state (q, v) under the controls into state.a and state.tau, as the next step would begin;
// bodies are placed. With reaction_wrenches after it, load cells read the instant.
StepReport evaluate(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                    scene::State& state);

}  // namespace geoul::dynamics
