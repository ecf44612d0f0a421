// How fast a connection may ask: a bucket that fills with time. Who asks faster waits, nothing is lost.
#pragma once

#include <algorithm>
#include <chrono>

namespace geoul::runtime {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  Pace(double per_second, double burst, Clock::time_point now)
      : per_second_(per_second), burst_(burst), left_(burst), last_(now) {}

  // Takes one, and returns how long to wait before the next may be taken in.
  Clock::duration take(Clock::time_point now) {
    left_ = std::min(burst_, left_ + per_second_ * std::chrono::duration<double>(now - last_).count()) - 1;
    last_ = now;
    if (left_ >= 0) return {};
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(-left_ / per_second_));
  }

 private:
  double per_second_, burst_, left_;
  Clock::time_point last_;
};

}  // namespace geoul::runtime
