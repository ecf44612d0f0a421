#include "geoul/link/clock_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace geoul::link {
namespace {

// With less than this between first and last bin, delays would pass for drift.
constexpr std::int64_t kDriftSpan = 5'000'000'000;

}  // namespace

void ClockEstimate::reset() { *this = ClockEstimate(); }

void ClockEstimate::add(Time source, Time receive) {
  if (!started_) {
    started_ = true;
    origin_ = receive;
    base_ = (receive - source).ns;
  }
  const Point point{(receive - origin_).ns, (receive - source).ns - base_};
  last_t_ = point.t;
  if (delays_.size() < kDelays) {
    delays_.push_back(point);
  } else {
    delays_[next_delay_] = point;
    next_delay_ = (next_delay_ + 1) % kDelays;
  }
  const auto bin_of = [](const Point& p) { return p.t / kBin.ns; };
  if (!bins_.empty() && bin_of(bins_.back()) == bin_of(point)) {
    if (point.offset < bins_.back().offset) {
      bins_.back() = point;
      if (static_cast<double>(point.offset) < line(point.t)) fit();
    }
    return;
  }
  bins_.push_back(point);
  if (bins_.size() > kBins) bins_.erase(bins_.begin());
  fit();
}

// The line under all bins that lies closest to them: the edge of the lower hull over their mean time.
void ClockEstimate::fit() {
  fitted_ = true;
  slope_ = 0;
  if (bins_.back().t - bins_.front().t < kDriftSpan) {
    intercept_ = std::numeric_limits<double>::infinity();
    for (const Point& p : bins_) intercept_ = std::min(intercept_, static_cast<double>(p.offset));
    return;
  }
  std::vector<Point> hull;
  double mean = 0;
  for (const Point& p : bins_) {
    mean += static_cast<double>(p.t) / static_cast<double>(bins_.size());
    const auto turns_right = [&] {
      const Point &a = hull[hull.size() - 2], &b = hull.back();
      return static_cast<double>(b.t - a.t) * static_cast<double>(p.offset - a.offset) <=
             static_cast<double>(b.offset - a.offset) * static_cast<double>(p.t - a.t);
    };
    while (hull.size() >= 2 && turns_right()) hull.pop_back();
    hull.push_back(p);
  }
  std::size_t k = 0;
  while (k + 2 < hull.size() && static_cast<double>(hull[k + 1].t) < mean) ++k;
  const Point &a = hull[k], &b = hull[k + 1];
  slope_ = static_cast<double>(b.offset - a.offset) / static_cast<double>(b.t - a.t);
  intercept_ = static_cast<double>(a.offset) - slope_ * static_cast<double>(a.t);
}

Duration ClockEstimate::offset() const { return {base_ + std::llround(line(last_t_))}; }

Duration ClockEstimate::delay_median() const {
  if (delays_.empty()) return {};
  std::vector<double> delays;
  for (const Point& p : delays_) delays.push_back(static_cast<double>(p.offset) - line(p.t));
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  return {std::llround(std::max(0.0, *middle))};
}

Duration ClockEstimate::delay_worst() const {
  double worst = 0;
  for (const Point& p : delays_) worst = std::max(worst, static_cast<double>(p.offset) - line(p.t));
  return {std::llround(worst)};
}

}  // namespace geoul::link
