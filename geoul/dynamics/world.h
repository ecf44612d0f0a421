// World: a scene that runs, and whose joints are made and broken while it does.
// attach() and detach() compile the scene anew at the poses of this instant: a fixed joint merges its bodies into one
// rigid part (nothing that could slip), momentum is conserved, no body jumps, and the energy that the impact takes is
// reported. Source: generalised momentum across an impulsive change of constraints, Featherstone 2008, ch. 11.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/dynamics/compile_work.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

// What attach() and detach() build the next model in, and the memory they use: after a few calls they allocate nothing
// but what a larger world needs.
struct WorldPool {
  CompileWork compile;
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  std::vector<Posed> X_WB;  // of the scene, as written
  std::vector<Motiond> V_WB;
  std::vector<std::optional<double>> position, velocity;
  std::vector<double> tau;
  std::vector<scene::JointId> attached, free;  // joints that attach() made: that hold, and whose places are free
};

// A joint that gave way.
struct Break {
  scene::JointId joint;
  std::string path;
  double force = 0, torque = 0;              // its reaction wrench [N], about the joint's origin [N.m]
  double break_force = 0, break_torque = 0;  // what it could bear
  Time time;
};

struct World {
  scene::Scene scene;  // as written; attach() adds to its joints, detach() disables them
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;
  std::vector<Break> breaks;  // all that gave way in step(), in order
  WorldPool pool;

  explicit World(scene::Scene s);  // throws ContractError where the scene does not compile
  World(scene::Scene s, Model m);  // m: what s compiles to
};

struct JointChange {
  scene::JointId joint;
  double energy_loss = 0;  // [J] kinetic energy that the inelastic impact takes
};

// Adds a joint between bodies of the world: at their current relative pose (X_CJ is then computed from X_PJ), or with
// the frames as given. Errors (the world stays as it was): a body joined with itself or that does not exist, NaN, fixed
// joints that would not close, whatever compile() refuses.
Result<JointChange> attach(World& world, scene::Joint joint, bool at_current_pose = true);

// Takes a joint away. One of the scene as written stays in it, disabled, so that ids keep their meaning; the id of one
// that attach() made may be given to a later one. Its bodies go on with the velocities they have. Error: no such joint,
// or one that is disabled.
Result<JointChange> detach(World& world, scene::JointId joint);

// One step; where joints have break loads, their reaction wrenches (mean over the step: contacts, loops and commands
// count) are then in state.wrenches, and those that exceed one give way at this instant.
StepReport step(World& world);

// Detaches every joint whose reaction wrench (state.wrenches, see reaction_wrenches) exceeds its break load. Returns
// those that broke; appends them to world.breaks.
std::vector<scene::JointId> break_overloaded(World& world);

}  // namespace geoul::dynamics
