// What a controller offers: the documented outputs that it has, with their newest values, and the documented inputs.
#pragma once

#include "geoul/link/rtde/rtde_link.h"
#include "geoul/link/tcp.h"

namespace geoul::link {

// On a connection of its own, in groups of names; waits up to `patience`. Inputs are listed untried: to try one would
// reserve it.
Result<std::vector<OfferedSignal>> browse_rtde(const RtdeOptions& options, Duration patience, const Interrupt& stop);

}  // namespace geoul::link
