// The same for many signals that are sampled together: rows that no row was like, though each signal alone may be in
// its usual range. Three distances are watched, each measured by the covariance of what came (Mahalanobis), so that
// what usually moves together must go on moving together:
//   spread  of the row from the long mean
//   shift   of the mean over some twenty rows from the long mean
//   step    of the change since the row before, by the covariance of changes
// Surprises, episodes and scores are those of detector.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "geoul/estimation/anomaly/episodes.h"
#include "geoul/estimation/anomaly/tail.h"

namespace geoul::estimation::anomaly {

struct RowDetectorOptions {
  double threshold = 7;    // sum of surprises that scores 0.5
  double shift_rows = 20;  // time constants [rows]
  double long_rows = 5000;
  double shrinkage = 0.01;  // of correlations towards 0, so that columns that are one signal do no harm
  EpisodeOptions episodes;
};

enum class RowReason { kSpread, kShift, kStep };

struct RowReading {
  double score = 0;
  double surprise = 0;
  RowReason reason = RowReason::kSpread;
  std::size_t column = 0;  // that adds most to the distance that is most surprised
};

class RowDetector {
 public:
  static constexpr std::size_t kMostColumns = 256;

  // Needs 1 to kMostColumns columns.
  explicit RowDetector(std::size_t columns, const RowDetectorOptions& options = {});

  // Judges a row by those before it, then learns it. Needs `columns` finite values. Allocates nothing; O(columns^3).
  RowReading step(std::span<const double> row);

  std::size_t columns() const { return n_; }

 private:
  // Mean and covariance with weights that fall by a time constant.
  struct Cloud {
    std::vector<double> mean;        // (n)
    std::vector<double> covariance;  // (n x n)
    double count = 0;
  };

  void learn(Cloud& cloud, std::span<const double> x);
  // Distance of x from the cloud's centre; `column` adds most to it.
  double distance(const Cloud& cloud, std::span<const double> x, std::size_t& column);

  std::size_t n_;
  RowDetectorOptions options_;
  Cloud rows_, changes_;
  std::vector<double> fast_, previous_, change_;  // (n)
  double fast_count_ = 0;
  std::vector<double> factor_, z_, y_;  // scratch: (n x n), (n), (n)
  std::array<Tail, 3> tails_;
  Episodes episodes_;
};

}  // namespace geoul::estimation::anomaly
