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

// Accelerations of the island into state.a with springs, damping and drives implicit over options.dt, without friction
// and limits: where contact starts from. Leaves data.diagonal of that solve and its inverse: where the island has
// constraints the articulated inertias, so that kernels::response is it, else data.inertia. finish_island puts the
// diagonal back, moves q and v onto the constraints and to what is prescribed, and returns the closure that is left.
void free_accelerations(const Model& model, const Island& island, const StepOptions& options, const Controls& controls,
                        Data& data, scene::State& state);
// restore_island undoes it instead: puts the diagonal back, and q and v of what is prescribed where they were.
double finish_island(const Model& model, const Island& island, Data& data, scene::State& state);
void restore_island(const Model& model, const Island& island, Data& data, scene::State& state);

}  // namespace geoul::dynamics
