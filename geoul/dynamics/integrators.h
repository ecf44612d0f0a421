// The integrators, on one tree: they read and write the tree's part of State and of Data only, so trees may run on
// different threads.
#pragma once

#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

StepReport step_tree(const Model& model, const Tree& tree, const StepOptions& options, const Controls& controls,
                     Data& data, scene::State& state);

// Accelerations of the tree at state (q, v) under joint laws over options.dt, into state.a and state.tau.
StepReport tree_accelerations(const Model& model, const Tree& tree, const StepOptions& options,
                              const Controls& controls, Data& data, scene::State& state);

}  // namespace geoul::dynamics
