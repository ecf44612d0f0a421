#include "geoul/runtime/clock.h"

#include <chrono>

namespace geoul::runtime {

Time SteadyClock::now() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()};
}

void SteadyClock::wait_until(Time t) {
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(t.ns)};
  std::unique_lock lock(mutex_);
  waiting_.wait_until(lock, until, [this] { return woken_; });
  woken_ = false;
}

void SteadyClock::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  waiting_.notify_one();
}

}  // namespace geoul::runtime
