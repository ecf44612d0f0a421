// ClockEstimate: how far a source's clock is from ours, and how fast it runs away, from nothing but the pairs of source
// and receive time. Delays only add, so the lower hull of (receive - source) over time is the clock; its slope the
// drift. Source: Zhang, Liu, Xia, Clock synchronization algorithms for network measurements, INFOCOM 2002 (convex
// hull).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "geoul/core/time.h"

namespace geoul::link {

class ClockEstimate {
 public:
  // Takes one pair. O(1), but for once a bin: O(bins).
  void add(Time source, Time receive);
  // Forgets everything: the source's clock was set.
  void reset();

  bool known() const { return fitted_; }
  Duration offset() const;                 // receive minus source at the newest pair, least delay included
  double drift() const { return slope_; }  // [s/s]
  Duration delay_median() const;           // of the newest kDelays pairs, beyond the line
  Duration delay_worst() const;

  static constexpr Duration kBin{500'000'000};  // the least of each bin is kept
  static constexpr std::size_t kBins = 120;     // one minute
  static constexpr std::size_t kDelays = 256;

 private:
  struct Point {
    std::int64_t t = 0;       // [ns] receive, since origin_
    std::int64_t offset = 0;  // [ns] receive minus source, less base_
  };
  void fit();
  double line(std::int64_t t) const { return intercept_ + slope_ * static_cast<double>(t); }

  Time origin_;
  std::int64_t base_ = 0;      // [ns] the first offset, so that doubles hold the rest exactly
  std::vector<Point> bins_;    // by time
  std::vector<Point> delays_;  // ring of the newest pairs
  std::size_t next_delay_ = 0;
  std::int64_t last_t_ = 0;
  double intercept_ = 0, slope_ = 0;
  bool started_ = false, fitted_ = false;
};

}  // namespace geoul::link
