// Tells an anomaly once: which samples are stranger than all of those shortly before them.
#pragma once

#include <cstddef>
#include <vector>

namespace geoul::estimation::anomaly {

struct EpisodeOptions {
  double share = 0.06;      // of the samples so far: how long a stranger sample before this one counts
  std::size_t most = 1000;  // [samples]
};

class Episodes {
 public:
  explicit Episodes(const EpisodeOptions& options = {});

  // Whether this sample is stranger than each of those that count still; then it counts. Allocates nothing; O(1) over
  // many calls.
  bool begins(double surprise);

 private:
  struct Kept {
    double at, surprise;
  };
  EpisodeOptions options_;
  double count_ = 0;
  std::vector<Kept> ring_;  // surprises fall from the oldest to the newest
  std::size_t oldest_ = 0, size_ = 0;
};

// Surprise as a score: 0 to 1, 0.5 at the threshold.
double to_score(double surprise, double threshold);

}  // namespace geoul::estimation::anomaly
