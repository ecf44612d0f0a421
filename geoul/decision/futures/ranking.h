// How futures become a ranking. Part of futures.cpp; spread() and wilson() stand in futures.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/decision/futures/futures.h"

namespace geoul::decision {

// All draws of one action, in order.
RankedAction judge(const dynamics::Model& model, const ClearanceModel& clearance, const FutureOptions& options,
                   std::span<const Future> draws);
// Kept ones first, by CVaR of the cost; rejected ones by risk; equal ones by number.
void rank(std::vector<RankedAction>& ranking);

}  // namespace geoul::decision
