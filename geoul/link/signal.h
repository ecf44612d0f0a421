// Signals: named, time-stamped values that come from outside or go there. A link knows nothing of robots; the site file
// says what a signal means.
#pragma once

#include <cstdint>
#include <string>

#include "geoul/core/time.h"

namespace geoul::link {

// How far a sample can be trusted, as the field buses say it (OPC UA part 8, MQTT Sparkplug 6.4).
enum class Quality : std::uint8_t {
  kGood,
  kUncertain,  // delivered, but late or filled in by the source
  kBad,        // not delivered, or known to be wrong: the value must not be used
};

struct SignalInfo {
  std::string name;  // "rtde/actual_q_0": source/column
  std::string unit;  // SI, as the site file says; empty where it does not
};

struct Sample {
  Time time;  // on the clock of its source
  double value = 0;
  Quality quality = Quality::kBad;
};

}  // namespace geoul::link
