// The scoring rules of the Numenta Anomaly Benchmark (NAB): an early alarm inside a labelled window earns up to the
// weight of a true positive, a window without an alarm costs that of a false negative, and each alarm outside costs
// that of a false positive, less shortly after a window. Rows of the probationary period count for nothing. All alarms
// of a window earn what the best of them earns. Source: Lavin and Ahmad, Evaluating Real-time Anomaly Detection
// Algorithms, ICMLA 2015, section III; Ahmad et al., Neurocomputing 262 (2017) 134, section 4; version 1.1 of the
// benchmark for its corner cases.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace geoul::estimation::anomaly {

// Weights of an application profile. The defaults are NAB's profile "standard".
struct NabProfile {
  double true_positive = 1;
  double false_negative = 1;
  double false_positive = 0.11;
};

// Rows first to last, both inside; more than one row.
struct NabWindow {
  std::size_t first = 0;
  std::size_t last = 0;
};

// One file of the benchmark as a detector left it.
struct NabFile {
  std::string name;
  std::vector<double> scores;      // (nrow) in [0, 1]
  std::vector<NabWindow> windows;  // ascending, apart from each other
};

struct NabScore {
  double score = 0;            // the sum of `earned`
  std::size_t windows = 0;     // that reach past the probationary period
  std::size_t found = 0;       // of them
  std::size_t alarms_in = 0;   // rows at or above the threshold, inside a window
  std::size_t alarms_out = 0;  // the same, outside
  // (nrow) NAB's column S(t): what each alarm outside cost, and at a window's first row what the window earned or cost.
  std::vector<double> earned;
};

struct NabOptimum {
  double threshold = 1.1;  // 1.1: no alarm at all is best
  double score = 0;
};

// Rows at the beginning of a file that do not count: 15 % of it, at most 750.
std::size_t nab_probation(std::size_t rows);

// What an alarm at relative position y earns before weights: y is -1 at the left edge of a window, 0 at its right edge,
// above 0 behind it; -1 to 1.
double nab_sigmoid(double y);

// What an alarm at each row would earn (in a window) or cost (outside), (nrow), weights included.
std::vector<double> nab_row_scores(std::size_t rows, std::span<const NabWindow> windows, const NabProfile& profile);

// The score of a file where rows with a score >= threshold are alarms.
NabScore nab_score(const NabFile& file, const NabProfile& profile, double threshold);

// The one threshold over all files that gives the highest sum of scores; of equal ones the highest. O(n log n) in rows.
NabOptimum nab_best_threshold(std::span<const NabFile> files, const NabProfile& profile);

// A sum of scores over files as NAB publishes it: 0 for no alarm at all, 100 for an alarm at every window's first row
// and none outside. Needs windows, counted over all files, also those inside a probationary period.
double nab_normalised(double score, std::size_t windows, const NabProfile& profile);

}  // namespace geoul::estimation::anomaly
