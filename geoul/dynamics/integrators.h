// The integrators, on one island: they read and write the island's part of State and of Data only, so islands may run
// on different threads.
#pragma once

#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

StepReport step_island(const Model& model, const Island& island, const StepOptions& options, const Controls& controls,
                     Data& data, scene::State& state);

// Accelerations of the island at state (q, v) under joint laws over options.dt, into state.a and state.tau.
StepReport island_accelerations(const Model& model, const Island& island, const StepOptions& options,
                              const Controls& controls, Data& data, scene::State& state);

}  // namespace geoul::dynamics
