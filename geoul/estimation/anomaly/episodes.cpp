#include "geoul/estimation/anomaly/episodes.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {

Episodes::Episodes(const EpisodeOptions& options) : options_(options), ring_(options.most + 1) {
  GEOUL_EXPECTS(options.share >= 0 && options.most < 10'000'000);
}

bool Episodes::begins(double surprise) {
  const std::size_t capacity = ring_.size();
  const double reach = std::min(std::floor(options_.share * count_), static_cast<double>(options_.most));
  while (size_ > 0 && ring_[oldest_].at < count_ - reach) {
    oldest_ = (oldest_ + 1) % capacity;
    --size_;
  }
  const bool strangest = size_ == 0 || surprise > ring_[oldest_].surprise;
  while (size_ > 0 && ring_[(oldest_ + size_ - 1) % capacity].surprise <= surprise) --size_;
  ring_[(oldest_ + size_) % capacity] = {count_, surprise};
  ++size_;
  count_ += 1;
  return strangest;
}

double to_score(double surprise, double threshold) { return 1 - std::exp2(-surprise / threshold); }

}  // namespace geoul::estimation::anomaly
