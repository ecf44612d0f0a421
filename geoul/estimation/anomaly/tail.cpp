#include "geoul/estimation/anomaly/tail.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr double kLowest = -6;  // log10 of the first bin's upper edge
constexpr double kLeast = 100;  // values before the first judgement
constexpr double kTailShare = 0.02;
constexpr double kTailLeast = 10;
constexpr double kIndexLeast = 0.02;  // of the Hill estimate: a tail of equal values has none

}  // namespace

double Tail::step(double x) {
  GEOUL_EXPECTS(x >= 0 && std::isfinite(x));
  const double place = x > 0 ? (std::log10(x) - kLowest) * kPerDecade : -1;
  const int bin = place < 0 ? 0 : std::min(static_cast<int>(std::min(place, 1e6)) + 1, kBins - 1);
  const double s = total_ < kLeast ? 0 : surprise(x, bin);
  counts_[static_cast<std::size_t>(bin)] += 1;
  total_ += 1;
  if (total_ >= memory_) {
    for (double& count : counts_) count /= 2;
    total_ /= 2;
  }
  return s;
}

double Tail::surprise(double x, int bin) const {
  const auto low = [](int b) { return b == 0 ? 0 : std::pow(10, kLowest + static_cast<double>(b - 1) / kPerDecade); };
  const auto middle = [](int b) {
    return b == 0 ? 0 : std::pow(10, kLowest + (static_cast<double>(b) - 0.5) / kPerDecade);
  };
  const auto count = [&](int b) { return counts_[static_cast<std::size_t>(b)]; };
  // The tail: the highest bins that hold its share; and the median.
  const double share = std::max(kTailLeast, kTailShare * total_);
  double above = 0;
  int tail = kBins;
  while (tail > 0 && above < share) above += count(--tail);
  if (bin <= tail) {
    double at_least = 0;
    for (int b = kBins - 1; b > bin; --b) at_least += count(b);
    // Inside the bin values are taken as spread evenly over its logarithm.
    double inside = 1;
    if (bin > 0 && bin < kBins - 1) inside = bin - (std::log10(x) - kLowest) * kPerDecade;
    at_least += count(bin) * std::clamp(inside, 0.0, 1.0);
    return -std::log10(std::max(at_least, 1.0) / std::max(total_, at_least));
  }
  double below = 0;
  int median = 0;
  while (median < kBins - 1 && below + count(median) < total_ / 2) below += count(median++);
  const double base = std::min(middle(median), low(tail));
  const double begin = std::max(low(tail) - base, 1e-6 * low(tail) + 1e-12);
  double index = 0;
  for (int b = tail; b < kBins; ++b) {
    if (count(b) > 0) index += count(b) * std::log(std::max(1.0, (middle(b) - base) / begin));
  }
  index = std::max(index / above, kIndexLeast);
  return -std::log10(above / total_) + std::log10(std::max(1.0, (x - base) / begin)) / index;
}

}  // namespace geoul::estimation::anomaly
