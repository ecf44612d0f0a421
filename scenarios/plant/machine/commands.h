// Commands to a machine: what a number asks for, what became of it, and the desk that sees to it that each number is
// executed once. The same for every protocol; docs/notes/plant.md has the registers and metrics.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "scenarios/plant/machine/hidden.h"

namespace geoul::plant {

enum class CommandKind : std::int32_t {
  kRun = 1,      // the program, from its beginning or where it was held
  kHold = 2,     // slows down along the path and stands
  kStop = 3,     // the same, and the program is left
  kReset = 4,    // after a protective stop
  kSpeed = 5,    // arguments[0]: fraction of the program's speed, 0 to 1
  kGo = 6,       // arguments: joint positions [rad], straight in joint space; where no program runs
  kPayload = 7,  // arguments: mass [kg], centre [m] (x y z in the flange's frame) of all that hangs on the flange
  kRelease = 8,  // opens the gripper; where no program runs
};

struct Command {
  std::int64_t number = 0;  // its id; 0 is none
  std::int32_t kind = 0;
  std::array<double, kJoints> arguments{};
};

enum class AnswerCode : std::int32_t {
  kNone = 0,
  kDone = 1,
  kUnderWay = 2,     // accepted; kDone or kInterrupted follows under the same number
  kRefused = 3,      // not in this state
  kBadArgument = 4,  // out of range, or not a number
  kUnknown = 5,      // no such command
  kInterrupted = 6,  // begun and not ended
};

struct Answer {
  std::int64_t number = 0;
  AnswerCode code = AnswerCode::kNone;
  std::string words;
};

// Executes each number once: one that comes again gets the answer that it got. Remembers the last 4096.
class CommandDesk {
 public:
  Answer take(const Command& command, const std::function<Answer(const Command&)>& execute);
  // What came of a command later.
  void settle(const Answer& answer);
  const Answer& newest() const { return newest_; }  // answer, given or given again
  std::uint64_t executed() const { return executed_; }

 private:
  void remember(const Answer& answer);

  std::map<std::int64_t, Answer> answers_;
  std::deque<std::int64_t> order_;
  Answer newest_;
  std::uint64_t executed_ = 0;
};

}  // namespace geoul::plant
