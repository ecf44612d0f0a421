#include "geoul/estimation/anomaly/nab_score.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr double kProbation = 0.15;
constexpr std::size_t kProbationRows = 5000;  // longer files have the probation of this many rows
constexpr double kSteepness = 5;
constexpr double kFarBehind = 3;  // window widths

// The window that a row lies in, and the last one that ended before it.
struct Place {
  std::optional<std::size_t> window;
  std::optional<std::size_t> behind;
};

std::vector<Place> places(std::size_t rows, std::span<const NabWindow> windows) {
  std::vector<Place> all(rows);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const auto [first, last] = windows[w];
    GEOUL_EXPECTS(first < last && last < rows && (w == 0 || windows[w - 1].last < first));
    for (std::size_t i = first; i <= last; ++i) all[i].window = w;
    const std::size_t next = w + 1 < windows.size() ? windows[w + 1].first : rows;
    for (std::size_t i = last + 1; i < next; ++i) all[i].behind = w;
  }
  return all;
}

// A row that counts, for the sweep over thresholds.
struct Row {
  double score;  // the detector's
  double earns;  // where it is an alarm
  int window;    // over all files; -1: outside
};

}  // namespace

std::size_t nab_probation(std::size_t rows) {
  return static_cast<std::size_t>(kProbation * static_cast<double>(std::min(rows, kProbationRows)));
}

double nab_sigmoid(double y) { return y > kFarBehind ? -1 : 2 / (1 + std::exp(kSteepness * y)) - 1; }

std::vector<double> nab_row_scores(std::size_t rows, std::span<const NabWindow> windows, const NabProfile& profile) {
  const std::vector<Place> where = places(rows, windows);
  const double most = nab_sigmoid(-1);
  std::vector<double> scores(rows, -profile.false_positive);
  for (std::size_t i = 0; i < rows; ++i) {
    if (where[i].window) {
      const auto [first, last] = windows[*where[i].window];
      const double y = -static_cast<double>(last - i + 1) / static_cast<double>(last - first + 1);
      scores[i] = nab_sigmoid(y) / most * profile.true_positive;
    } else if (where[i].behind) {
      const auto [first, last] = windows[*where[i].behind];
      scores[i] =
          nab_sigmoid(static_cast<double>(i - last) / static_cast<double>(last - first)) * profile.false_positive;
    }
  }
  return scores;
}

NabScore nab_score(const NabFile& file, const NabProfile& profile, double threshold) {
  const std::size_t rows = file.scores.size();
  const std::vector<double> earns = nab_row_scores(rows, file.windows, profile);
  const std::vector<Place> where = places(rows, file.windows);
  std::vector<std::optional<double>> best(file.windows.size());
  NabScore sum;
  sum.earned.assign(rows, 0);
  for (std::size_t i = nab_probation(rows); i < rows; ++i) {
    if (file.scores[i] < threshold) continue;
    if (where[i].window) {
      std::optional<double>& window = best[*where[i].window];
      window = std::max(window.value_or(earns[i]), earns[i]);
      ++sum.alarms_in;
    } else {
      sum.earned[i] = earns[i];
      ++sum.alarms_out;
    }
  }
  for (std::size_t w = 0; w < best.size(); ++w) {
    if (file.windows[w].last < nab_probation(rows)) continue;
    ++sum.windows;
    sum.found += best[w].has_value();
    sum.earned[file.windows[w].first] = best[w].value_or(-profile.false_negative);
  }
  sum.score = std::accumulate(sum.earned.begin(), sum.earned.end(), 0.0);
  return sum;
}

NabOptimum nab_best_threshold(std::span<const NabFile> files, const NabProfile& profile) {
  std::vector<Row> rows;
  std::vector<double> windows;  // what each has so far; those inside a probationary period cost nothing
  for (const NabFile& file : files) {
    const std::size_t n = file.scores.size();
    const std::vector<Place> where = places(n, file.windows);
    const std::vector<double> earns = nab_row_scores(n, file.windows, profile);
    const std::size_t base = windows.size();
    for (const NabWindow& window : file.windows) {
      windows.push_back(window.last < nab_probation(n) ? 0 : -profile.false_negative);
    }
    for (std::size_t i = nab_probation(n); i < n; ++i) {
      rows.push_back({file.scores[i], earns[i], where[i].window ? static_cast<int>(base + *where[i].window) : -1});
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.score > b.score; });
  double outside = 0;
  double inside = std::accumulate(windows.begin(), windows.end(), 0.0);
  NabOptimum best{1.1, inside};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].window < 0) {
      outside += rows[i].earns;
    } else if (double& window = windows[static_cast<std::size_t>(rows[i].window)]; rows[i].earns > window) {
      inside += rows[i].earns - window;
      window = rows[i].earns;
    }
    const bool last_of_score = i + 1 == rows.size() || rows[i + 1].score != rows[i].score;
    if (last_of_score && outside + inside > best.score) best = {rows[i].score, outside + inside};
  }
  return best;
}

double nab_normalised(double score, std::size_t windows, const NabProfile& profile) {
  GEOUL_EXPECTS(windows > 0);
  const auto n = static_cast<double>(windows);
  const double null = -profile.false_negative * n;
  return 100 * (score - null) / (profile.true_positive * n - null);
}

}  // namespace geoul::estimation::anomaly
