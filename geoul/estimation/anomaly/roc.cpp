#include "geoul/estimation/anomaly/roc.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation::anomaly {
namespace {

// Ranks from 1, equal values share their mean rank.
std::vector<double> mean_ranks(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && x[order[end]] == x[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(i + 1 + end);
    i = end;
  }
  return ranks;
}

double variance(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  double sum = 0;
  for (const double v : x) sum += (v - mean) * (v - mean);
  return n > 1 ? sum / (n - 1) : 0;
}

}  // namespace

Area delong_area(std::span<const double> scores, std::span<const std::uint8_t> positive) {
  GEOUL_EXPECTS(scores.size() == positive.size());
  std::vector<double> of[2];
  for (std::size_t i = 0; i < scores.size(); ++i) of[positive[i] != 0].push_back(scores[i]);
  GEOUL_EXPECTS(!of[0].empty() && !of[1].empty());
  const std::vector<double> all = mean_ranks(scores);
  const std::vector<double> own[2] = {mean_ranks(of[0]), mean_ranks(of[1])};
  const auto m = static_cast<double>(of[1].size()), n = static_cast<double>(of[0].size());
  std::vector<double> place[2];  // share of the other kind that each row is right about
  std::size_t next[2] = {0, 0};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const int kind = positive[i] != 0;
    const double others_below = all[i] - own[kind][next[kind]++];
    place[kind].push_back(kind == 1 ? others_below / n : 1 - others_below / m);
  }
  Area area{std::accumulate(place[1].begin(), place[1].end(), 0.0) / m, 0, 1, of[1].size(), of[0].size()};
  const double sigma = std::sqrt(variance(place[1]) / m + variance(place[0]) / n);
  area.low = std::max(0.0, area.value - 1.959964 * sigma);
  area.high = std::min(1.0, area.value + 1.959964 * sigma);
  return area;
}

Area block_bootstrap_area(std::span<const double> scores, std::span<const std::uint8_t> positive,
                          std::span<const std::size_t> block, std::size_t samples, std::uint64_t seed) {
  GEOUL_EXPECTS(block.size() == scores.size() && samples >= 40);
  Area area = delong_area(scores, positive);
  std::vector<std::size_t> begin;
  for (std::size_t i = 0; i < block.size(); ++i) {
    GEOUL_EXPECTS(i == 0 ? block[i] == 0 : block[i] == block[i - 1] || block[i] == block[i - 1] + 1);
    if (begin.size() <= block[i]) begin.push_back(i);
  }
  begin.push_back(block.size());
  const std::size_t blocks = begin.size() - 1;
  Random random(seed);
  std::vector<double> values;
  for (std::size_t draw = 0; draw < samples; ++draw) {
    std::vector<double> s;
    std::vector<std::uint8_t> p;
    for (std::size_t k = 0; k < blocks; ++k) {
      const auto b = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(blocks)));
      s.insert(s.end(), scores.begin() + static_cast<std::ptrdiff_t>(begin[b]),
               scores.begin() + static_cast<std::ptrdiff_t>(begin[b + 1]));
      p.insert(p.end(), positive.begin() + static_cast<std::ptrdiff_t>(begin[b]),
               positive.begin() + static_cast<std::ptrdiff_t>(begin[b + 1]));
    }
    const auto ones = static_cast<std::size_t>(std::count(p.begin(), p.end(), std::uint8_t{1}));
    if (ones > 0 && ones < p.size()) values.push_back(delong_area(s, p).value);
  }
  GEOUL_EXPECTS(!values.empty());
  std::sort(values.begin(), values.end());
  area.low = values[static_cast<std::size_t>(0.025 * static_cast<double>(values.size()))];
  area.high = values[static_cast<std::size_t>(0.975 * static_cast<double>(values.size() - 1))];
  return area;
}

}  // namespace geoul::estimation::anomaly
