#include "geoul/runtime/loop.h"

#include <algorithm>
#include <cmath>

namespace geoul::runtime {
namespace {

constexpr Duration kIdle{100'000'000};
constexpr Duration kRest{4'000'000};  // between turns in real time: small steps are taken in bunches
constexpr Duration kWindow{1'000'000'000};
constexpr double kLeastSpeed = 1e-3, kMostSpeed = 1e3;

Duration scaled(Duration d, double factor) { return {std::llround(static_cast<double>(d.ns) * factor)}; }

}  // namespace

Loop::Loop(Player& player, WallClock& clock, LoopOptions options)
    : player_(player), clock_(clock), options_(options), mode_(options.mode), speed_(options.speed) {
  GEOUL_EXPECTS(speed_ >= kLeastSpeed && speed_ <= kMostSpeed);
  anchor();
  window_wall_ = clock_.now();
  window_time_ = player_.snapshot().state.time;
}

void Loop::anchor() {
  anchor_wall_ = clock_.now();
  anchor_time_ = player_.snapshot().state.time;
}

bool Loop::step(const std::function<void()>& on_step, LoopTurn& turn) {
  if (!player_.step()) return false;
  ++turn.steps;
  on_step();
  return true;
}

void Loop::take_due_steps(const std::function<void()>& on_step, LoopTurn& turn) {
  const Time started = clock_.now();
  const auto in_budget = [&] { return clock_.now() - started < options_.budget; };
  turn.wake = started + kIdle;
  if (mode_ == ClockMode::kPaused) {
    while (pending_steps_ > 0 && in_budget()) {
      pending_steps_ = step(on_step, turn) ? pending_steps_ - 1 : 0;
    }
    if (pending_steps_ > 0) turn.wake = clock_.now();
    return;
  }
  if (mode_ == ClockMode::kFreeRun) {
    do {
      if (!step(on_step, turn)) return;
    } while (in_budget());
    turn.wake = clock_.now();
    return;
  }
  const auto due = [&] { return anchor_wall_ + scaled(player_.next_time() - anchor_time_, 1 / speed_); };
  while (due() <= clock_.now()) {
    if (!step(on_step, turn)) return;
    if (!in_budget()) {
      // Behind: what was missed is let slip, and the next step is due at once.
      anchor();
      anchor_wall_ = anchor_wall_ - scaled(player_.next_time() - anchor_time_, 1 / speed_);
      turn.wake = clock_.now();
      return;
    }
  }
  turn.wake = std::min(turn.wake, std::max(due(), clock_.now() + kRest));
}

void Loop::follow_plant(const std::function<void()>& on_step, const std::function<void()>& on_receive, LoopTurn& turn) {
  const Time started = clock_.now();
  const auto in_budget = [&] { return clock_.now() - started < options_.budget; };
  if (player_.is_following()) {
    while (step(on_step, turn)) {
      if (!in_budget()) {
        turn.wake = clock_.now();
        return;
      }
    }
    turn.wake = clock_.now() + player_.look_again();
    return;
  }
  while (player_.receive()) {
    if (on_receive) on_receive();
    if (!in_budget()) break;
  }
  take_due_steps(on_step, turn);
  turn.wake = std::min(turn.wake, started + player_.look_again());
  // who has caught up with the plant follows it again
  if (mode_ != ClockMode::kPaused && player_.snapshot().state.time >= player_.end()) {
    player_.follow(true);
    mode_ = ClockMode::kRealTime;
    speed_ = 1;
  }
}

LoopTurn Loop::turn(const std::function<void()>& on_step, const std::function<void()>& on_receive) {
  LoopTurn turn;
  turn.leapt = leapt_;
  leapt_ = false;
  if (player_.is_live()) {
    follow_plant(on_step, on_receive, turn);
  } else {
    take_due_steps(on_step, turn);
  }
  const bool at_end = player_.has_end() && player_.snapshot().state.time >= player_.end();
  if (at_end && !reported_end_ && mode_ != ClockMode::kPaused) {
    turn.at_end = true;
    if (options_.at_end == AtEnd::kStop) turn.finished = true;
    if (options_.at_end == AtEnd::kPause) mode_ = ClockMode::kPaused;
    // The last row is seen for one step before the first one follows.
    if (options_.at_end == AtEnd::kRepeat) anchor();
    turn.wake = clock_.now() + scaled(player_.dt(), 1 / speed_);
  } else if (at_end && reported_end_ && mode_ != ClockMode::kPaused && options_.at_end == AtEnd::kRepeat) {
    player_.seek(player_.begin());
    anchor();
    turn.leapt = true;
    turn.wake = clock_.now() + scaled(player_.dt(), 1 / speed_);
  }
  reported_end_ = at_end;
  if (turn.leapt) {
    reported_end_ = false;
    window_time_ = player_.snapshot().state.time;
    window_wall_ = clock_.now();
    window_steps_ = 0;
  }
  measure(turn.steps);
  return turn;
}

void Loop::measure(std::uint64_t steps) {
  window_steps_ += steps;
  const Duration wall = clock_.now() - window_wall_;
  if (wall < kWindow) return;
  const Time time = player_.snapshot().state.time;
  real_time_factor_ = (time - window_time_).seconds() / wall.seconds();
  steps_per_second_ = static_cast<double>(window_steps_) / wall.seconds();
  window_time_ = time;
  window_wall_ = clock_.now();
  window_steps_ = 0;
}

Result<void> Loop::apply(const ClockCommand& command) {
  if (const auto* mode = std::get_if<SetMode>(&command)) {
    if (player_.is_live() && mode->mode == ClockMode::kPaused) player_.follow(false);
    mode_ = mode->mode;
    pending_steps_ = 0;
  } else if (const auto* steps = std::get_if<TakeSteps>(&command)) {
    if (player_.is_live()) player_.follow(false);
    mode_ = ClockMode::kPaused;
    pending_steps_ = steps->count;
  } else if (const auto* target = std::get_if<Seek>(&command)) {
    if (!player_.can_seek())
      return Error{ErrorCode::kUnsupported, player_.is_live() ? "nothing has come from the plant yet"
                                                              : "a simulation cannot be sought: it has no recording "
                                                                "to go to"};
    player_.seek(std::clamp(target->time, player_.begin(), player_.end()));
    // beyond the newest is live
    if (player_.is_live() && target->time > player_.end()) {
      player_.follow(true);
      mode_ = ClockMode::kRealTime;
      speed_ = 1;
    }
    leapt_ = true;
    reported_end_ = false;
  } else if (const auto* speed = std::get_if<SetSpeed>(&command)) {
    if (!(speed->speed >= kLeastSpeed && speed->speed <= kMostSpeed)) {
      return Error{ErrorCode::kBadInput, "a speed must be from 0.001 to 1000"};
    }
    speed_ = speed->speed;
  }
  anchor();
  return {};
}

ClockStatus Loop::status() const {
  return {player_.snapshot().state.time,
          player_.begin(),
          player_.end(),
          player_.has_end(),
          player_.can_seek(),
          mode_,
          speed_,
          player_.dt(),
          real_time_factor_,
          steps_per_second_,
          player_.source(),
          player_.is_live(),
          player_.is_following()};
}

}  // namespace geoul::runtime
