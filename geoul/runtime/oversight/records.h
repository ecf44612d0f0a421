// What is kept of the judgement of a followed plant, as it is shown, recorded and sent: alarms, estimates, advice,
// commands. Plain data; geoul.proto says the same to clients.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/time.h"

namespace geoul::runtime::oversight {

inline constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Quantity {
  double value = kUnknown;
  double deviation = kUnknown;  // standard deviation
  std::string unit;             // SI
};

struct Cause {
  std::string name;        // "friction rise"
  double probability = 0;  // among those that were weighed against each other
  Quantity size;           // if it is this one
  std::string evidence;    // one line
};

enum class AlarmState : std::uint8_t { kRaised, kAcknowledged, kCleared };

struct Alarm {
  std::uint64_t id = 0;
  AlarmState state = AlarmState::kRaised;
  Time onset, detected;  // the onset is estimated
  std::optional<Time> cleared;
  std::string place;  // path of the joint, body or site, or a signal
  std::string text;   // one line: what, where, how much, since when
  Quantity size;
  std::vector<Cause> causes;  // likeliest first
  std::string acknowledged_by, note;
};

struct Estimate {
  std::string name;  // "external torque/elbow"
  Quantity quantity;
  double age = 0;               // [s] of the newest measurement in it
  double statistic = kUnknown;  // of its test: 1 where an alarm begins
};

struct Consequence {
  std::string name, unit;
  double mean = 0, low = 0, high = 0;  // 5 % of the futures are below low, 5 % above high
  double limit = kUnknown;
  bool ok = true;
};

// Poses of the bodies that move: (times x bodies) of x, y, z [m], qx, qy, qz, qw, in the world.
struct Ghost {
  std::vector<std::string> bodies;
  std::vector<double> times;  // [s] from its beginning
  std::vector<float> poses;
};

struct Option {
  std::string id, text;
  std::uint32_t rank = 0;  // 1 is best; 0: rejected
  std::string rejected;    // why
  std::uint32_t futures = 0;
  std::vector<Consequence> consequences;
  Ghost ghost;
};

struct DataUsed {
  std::string name;
  double age = 0;  // [s]
};

struct Advice {
  std::string id;
  std::uint64_t alarm = 0;  // 0: a question
  std::string text;
  Time made, expires;
  std::vector<DataUsed> data;
  std::vector<Option> options;  // best first, then the rejected ones
  std::string command;          // that was made of it
};

enum class CommandStage : std::uint8_t {
  kProposed,
  kRehearsed,
  kChecked,
  kApproved,
  kSent,
  kAcknowledged,
  kVerified,
  kClosed,
  kRolledBack,
  kRefused,
  kExpired,
};

struct CommandStep {
  CommandStage stage = CommandStage::kProposed;
  Time time;
  std::string who, text;
};

struct Command {
  std::string id, text, advice, option;
  CommandStage stage = CommandStage::kProposed;
  std::vector<CommandStep> steps;  // oldest first
  std::vector<std::string> approvers;
  std::uint32_t approvals_needed = 0;
  Time expires;
};

}  // namespace geoul::runtime::oversight
