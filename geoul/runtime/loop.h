// Loop: steps a player as the wall clock and its commands say. Fixed steps: how fast they follow each other never
// changes what they compute.
#pragma once

#include <cstdint>
#include <functional>

#include "geoul/core/result.h"
#include "geoul/runtime/clock.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime {

enum class AtEnd { kStop, kPause, kRepeat };

struct LoopOptions {
  ClockMode mode = ClockMode::kRealTime;
  double speed = 1;
  AtEnd at_end = AtEnd::kPause;
  Duration budget{16'000'000};  // a turn ends after this much wall time even where steps are due
};

// What one turn did.
struct LoopTurn {
  std::uint64_t steps = 0;
  bool leapt = false;     // the twin's time changed otherwise than by steps: sought, or began again
  bool at_end = false;    // the player has just reached its end
  bool finished = false;  // at the end, with AtEnd::kStop
  Time wake;              // wall time at which the next turn is due
};

class Loop {
 public:
  // All must outlive the loop.
  Loop(Player& player, WallClock& clock, LoopOptions options);

  // Takes the steps that are due; on_step is called after each. Where the steps cannot keep up, time is let slip: the
  // twin runs slower than asked for (see ClockStatus::real_time_factor), it never leaves a step out.
  // A live player that plays its past receives beside, and on_receive is called for every row.
  LoopTurn turn(const std::function<void()>& on_step, const std::function<void()>& on_receive = {});

  // kBadInput for a speed out of range, kUnsupported where the player cannot seek.
  Result<void> apply(const ClockCommand& command);

  ClockStatus status() const;

 private:
  void anchor();
  void measure(std::uint64_t steps);
  bool step(const std::function<void()>& on_step, LoopTurn& turn);
  void take_due_steps(const std::function<void()>& on_step, LoopTurn& turn);
  void follow_plant(const std::function<void()>& on_step, const std::function<void()>& on_receive, LoopTurn& turn);

  Player& player_;
  WallClock& clock_;
  LoopOptions options_;
  ClockMode mode_;
  double speed_;
  std::uint32_t pending_steps_ = 0;
  bool leapt_ = false;
  bool reported_end_ = false;
  Time anchor_wall_, anchor_time_;  // real time counts from here
  Time window_wall_, window_time_;  // achieved speed is measured from here
  std::uint64_t window_steps_ = 0;
  double real_time_factor_ = 0, steps_per_second_ = 0;
};

}  // namespace geoul::runtime
