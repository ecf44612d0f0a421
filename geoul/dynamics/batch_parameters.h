// Parameters that the worlds of a batch have of their own: as numbers for lanes (ParameterLayout), or as a model for
// worlds that step one by one.
#pragma once

#include <vector>

#include "geoul/dynamics/batch.h"
#include "geoul/dynamics/batch_frames.h"

namespace geoul::dynamics {

bool fits_lanes(const Model& model, const StepOptions& options, BatchPrecision precision);

// What is wrong with p, and what a world that steps by itself cannot vary; null where nothing.
const char* out_of_range(const WorldParameters& p);
const char* not_scalar(const Model& model, const WorldParameters& p);

// The numbers of ParameterLayout for one world.
void fill_parameters(const Model& model, const std::vector<KernelFrame>& frames, const WorldParameters& p,
                     std::vector<double>& out);

// The model with p.
Model varied(const Model& model, const WorldParameters& p);

}  // namespace geoul::dynamics
