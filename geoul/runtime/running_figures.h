// RunningFigures: mean, root mean square and largest size of numbers that come one by one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace geoul::runtime {

struct RunningFigures {
  double sum = 0, square = 0, max = 0;
  std::size_t n = 0;

  void add(double x) {
    sum += x;
    square += x * x;
    max = std::max(max, std::abs(x));
    ++n;
  }
  // NaN of nothing.
  double mean() const { return n > 0 ? sum / static_cast<double>(n) : kNothing; }
  double rms() const { return n > 0 ? std::sqrt(square / static_cast<double>(n)) : kNothing; }
  double largest() const { return n > 0 ? max : kNothing; }

 private:
  static constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace geoul::runtime
