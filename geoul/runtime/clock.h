// Clocks: the wall clock as something to be given, so that tests decide what time it is; and how a twin's time follows
// it.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <variant>

#include "geoul/core/time.h"

namespace geoul::runtime {

// A clock that never goes back; its zero is its own. wake() may be called from any thread.
class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual Time now() const = 0;
  // Returns at t, or as soon as wake() is called (also before the call).
  virtual void wait_until(Time t) = 0;
  virtual void wake() = 0;
};

// The machine's own.
class SteadyClock : public WallClock {
 public:
  Time now() const override;
  void wait_until(Time t) override;
  void wake() override;

 private:
  std::mutex mutex_;
  std::condition_variable waiting_;
  bool woken_ = false;
};

// A clock that moves only when it is waited for, or told to.
class FakeClock : public WallClock {
 public:
  Time now() const override { return now_; }
  void wait_until(Time t) override { now_ = std::max(now_, t); }
  void wake() override {}
  void advance(Duration d) { now_ = now_ + d; }

 private:
  Time now_;
};

enum class ClockMode { kPaused, kRealTime, kFreeRun };  // kRealTime: times the speed

// Where a twin is in time.
struct ClockStatus {
  Time now, begin, end;
  bool has_end = false;
  bool can_seek = false;
  ClockMode mode = ClockMode::kPaused;
  double speed = 1;
  Duration dt;
  double real_time_factor = 0;  // achieved over the last second
  double steps_per_second = 0;
  std::string source;
  bool is_live = false;       // a plant moves it
  bool is_following = false;  // and what is shown is the newest
};

struct SetMode {
  ClockMode mode;
};
struct TakeSteps {  // pauses, then takes this many
  std::uint32_t count;
};
struct Seek {
  Time time;
};
struct SetSpeed {
  double speed;  // 0.001 to 1000
};
using ClockCommand = std::variant<SetMode, TakeSteps, Seek, SetSpeed>;

}  // namespace geoul::runtime
