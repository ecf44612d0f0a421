// Signals: named, typed, time-stamped values that come from outside or go there. A link knows nothing of robots; the
// site file says what a signal means.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "geoul/core/time.h"

namespace geoul::link {

// How far a sample can be trusted, as the field buses say it (OPC UA part 8, MQTT Sparkplug 6.4).
enum class Quality : std::uint8_t {
  kGood,
  kUncertain,  // delivered, but late or filled in by the source
  kBad,        // not delivered, or known to be wrong: the value must not be used
};

// Numbers of every width arrive as std::int64_t or double; what is neither number, truth nor text is not a signal.
using Value = std::variant<double, std::int64_t, bool, std::string>;
enum class ValueType : std::uint8_t { kDouble, kInteger, kBoolean, kText };  // the order of Value

// The value as a number: true is 1; NaN for text.
double number_of(const Value& value);
std::string to_string(ValueType type);
std::string to_string(const Value& value);

struct SignalInfo {
  std::string name;  // "rtde/actual_q_0": source/column
  std::string unit;  // SI, as the site file says; empty where it does not
};

struct Sample {
  Time time;  // on the clock of its source
  double value = 0;
  Quality quality = Quality::kBad;
};

// One delivery of one signal.
struct Update {
  std::uint32_t signal = 0;  // index into LinkOptions::signals
  Quality quality = Quality::kBad;
  Value value;
  Time source_time;   // on the clock of the source; the receive time where the source gives none
  Time receive_time;  // on this machine's clock
};

}  // namespace geoul::link
