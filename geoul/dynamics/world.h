// World: a scene that runs, and whose joints are made and broken while it does.
// attach() and detach() compile the scene anew at the poses of this instant: a fixed joint merges its bodies into one
// rigid part (nothing that could slip), momentum is conserved, no body jumps, and the energy that the impact takes is
// reported. Source: generalised momentum across an impulsive change of constraints, Featherstone 2008, ch. 11.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

struct World {
  scene::Scene scene;
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;

  explicit World(scene::Scene s);  // throws ContractError where the scene does not compile
};

struct JointChange {
  scene::JointId joint;
  double energy_loss = 0;  // [J] kinetic energy that the inelastic impact takes
};

// Adds a joint between bodies of the world: at their current relative pose (X_CJ is then computed from X_PJ), or with
// the frames as given. Errors (the world stays as it was): a body joined with itself or that does not exist, NaN, fixed
// joints that would not close, whatever compile() refuses.
Result<JointChange> attach(World& world, scene::Joint joint, bool at_current_pose = true);

// Takes a joint away (it stays in the scene, disabled, so that ids keep their meaning). Its bodies go on with the
// velocities they have. Error: no such joint, or one that is disabled.
Result<JointChange> detach(World& world, scene::JointId joint);

// Detaches every joint whose reaction wrench (state.wrenches, see reaction_wrenches) exceeds its break load. Returns
// those that broke.
std::vector<scene::JointId> break_overloaded(World& world);

}  // namespace geoul::dynamics
