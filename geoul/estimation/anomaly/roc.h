// How well a score tells two kinds of rows apart: area under the receiver operating characteristic, with intervals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoul::estimation::anomaly {

struct Area {
  double value = 0.5;
  double low = 0, high = 1;  // 95 %
  std::size_t positives = 0, negatives = 0;
};

// Probability that a positive row scores above a negative one (ties count half), interval after DeLong: rows are taken
// as independent. Needs both kinds. O(n log n). Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837;
// placement values by ranks: Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389.
Area delong_area(std::span<const double> scores, std::span<const std::uint8_t> positive);

// The same area with an interval by resampling whole blocks of rows that follow each other, for rows that depend on
// their neighbours: percentiles of `samples` draws. block (nrow) numbers the block of each row, ascending from 0.
Area block_bootstrap_area(std::span<const double> scores, std::span<const std::uint8_t> positive,
                          std::span<const std::size_t> block, std::size_t samples, std::uint64_t seed);

}  // namespace geoul::estimation::anomaly
