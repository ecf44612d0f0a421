// What the chain and the plant's end say to each other. Any message may be lost, late, doubled or out of order.
#pragma once

#include <cstdint>
#include <string>

#include "geoul/core/time.h"

namespace geoul::decision::chain {

// Do this, once. Sent again until it is answered.
struct ToPlant {
  std::int64_t epoch = 0;     // of the chain's log: a chain that lost its log begins a greater one
  std::int64_t sequence = 0;  // of all that this log ever sent; a later one of the same target overrules an earlier one
  std::string command, target, payload;
  Time expires;                    // by the chain's clock; 0: does not (roll-backs)
  std::int64_t settled_below = 0;  // everything before this is over: it need not be remembered
};

enum class Outcome : std::uint8_t {
  kApplied,     // and will not be applied again
  kExpired,     // came too late, and will never be applied
  kSuperseded,  // a later one of its target was applied before; will never be applied
  kOldEpoch,    // of a log that was given up
};
inline constexpr int kOutcomeCount = 4;
std::string_view to_string(Outcome outcome);

struct FromPlant {
  std::int64_t epoch = 0, sequence = 0;
  std::string command;
  Outcome outcome = Outcome::kApplied;
  Time when;  // by the plant's clock
};

}  // namespace geoul::decision::chain
