// The live half of the job "run": a site's links through its twin, until it is stopped. Internal to run_site.cpp.
#pragma once

#include <optional>
#include <vector>

#include "geoul/runtime/current_fit.h"
#include "geoul/runtime/jobs.h"
#include "geoul/runtime/site.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

// currents: of the bound joints, as recordings gave them; empty where there are none.
Result<RunResult> follow_site(const Site& site, const Twin& twin, const RunOptions& options, const JobOutput& output,
                              std::vector<std::optional<CurrentModel>> currents, Diagnostics& diagnostics);

}  // namespace geoul::runtime
