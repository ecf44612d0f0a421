#include "geoul/estimation/anomaly/boosted_trees.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation::anomaly {

// What training keeps: rows as bin numbers, first and second derivatives of the loss.
class Booster {
 public:
  Booster(std::span<const double> x, std::span<const std::uint8_t> positive, std::size_t columns,
          const BoostOptions& options)
      : options_(options), x_(x), positive_(positive), n_(positive.size()), columns_(columns), random_(options.seed) {
    GEOUL_EXPECTS(columns > 0 && x.size() == n_ * columns && options.depth >= 1 && options.depth <= 12);
    GEOUL_EXPECTS(options.bins >= 2 && options.bins <= 255 && options.columns > 0 && options.columns <= 1);
    const auto ones =
        static_cast<double>(std::count_if(positive.begin(), positive.end(), [](auto p) { return p != 0; }));
    const double zeros = static_cast<double>(n_) - ones;
    GEOUL_EXPECTS(ones > 0 && zeros > 0);
    weight_ = options.balanced ? zeros / ones : 1;
    model_.base_ = std::log(weight_ * ones / zeros);
    model_.importance_.assign(columns, 0);
    margin_.assign(n_, model_.base_);
    slope_.resize(n_);
    curvature_.resize(n_);
    make_bins();
  }

  BoostedTrees run() {
    for (std::size_t t = 0; t < options_.trees; ++t) grow();
    const double sum = std::accumulate(model_.importance_.begin(), model_.importance_.end(), 0.0);
    if (sum > 0) {
      for (double& v : model_.importance_) v /= sum;
    }
    return std::move(model_);
  }

 private:
  struct Split {
    double gain = 1e-9;
    std::size_t column = 0;
    std::size_t bin = 0;  // the last that goes left
  };

  void make_bins() {
    edges_.resize(columns_);
    bin_.resize(n_ * columns_);
    std::vector<double> sorted(n_);
    for (std::size_t c = 0; c < columns_; ++c) {
      for (std::size_t i = 0; i < n_; ++i) {
        GEOUL_EXPECTS(std::isfinite(x_[i * columns_ + c]));
        sorted[i] = x_[i * columns_ + c];
      }
      std::sort(sorted.begin(), sorted.end());
      for (std::size_t b = 1; b < options_.bins; ++b) {
        const double edge = sorted[b * n_ / options_.bins];
        if (edge < sorted.back() && (edges_[c].empty() || edge > edges_[c].back())) edges_[c].push_back(edge);
      }
      for (std::size_t i = 0; i < n_; ++i) {
        const auto at = std::lower_bound(edges_[c].begin(), edges_[c].end(), x_[i * columns_ + c]);
        bin_[i * columns_ + c] = static_cast<std::uint8_t>(at - edges_[c].begin());
      }
    }
  }

  void grow() {
    for (std::size_t i = 0; i < n_; ++i) {
      const double p = 1 / (1 + std::exp(-margin_[i]));
      const double w = positive_[i] != 0 ? weight_ : 1;
      slope_[i] = w * (p - (positive_[i] != 0 ? 1 : 0));
      curvature_[i] = w * p * (1 - p);
    }
    drawn_.clear();
    for (std::size_t c = 0; c < columns_; ++c) {
      if (random_.uniform() < options_.columns) drawn_.push_back(c);
    }
    std::vector<std::size_t> rows(n_);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    model_.roots_.push_back(static_cast<std::int32_t>(model_.nodes_.size()));
    model_.nodes_.emplace_back();
    divide(model_.nodes_.size() - 1, rows, 0);
  }

  Split best_split(const std::vector<std::size_t>& rows, double g_all, double h_all) const {
    const auto worth = [&](double g, double h) { return g * g / (h + options_.ridge); };
    Split best;
    std::vector<double> g(options_.bins), h(options_.bins);
    for (const std::size_t c : drawn_) {
      std::fill(g.begin(), g.end(), 0);
      std::fill(h.begin(), h.end(), 0);
      for (const std::size_t i : rows) {
        g[bin_[i * columns_ + c]] += slope_[i];
        h[bin_[i * columns_ + c]] += curvature_[i];
      }
      double g_left = 0, h_left = 0;
      for (std::size_t b = 0; b < edges_[c].size(); ++b) {
        g_left += g[b];
        h_left += h[b];
        if (4 * std::min(h_left, h_all - h_left) < options_.leaf_weight) continue;
        const double gain = worth(g_left, h_left) + worth(g_all - g_left, h_all - h_left) - worth(g_all, h_all);
        if (gain > best.gain) best = {gain, c, b};
      }
    }
    return best;
  }

  void divide(std::size_t node, const std::vector<std::size_t>& rows, std::size_t depth) {
    double g = 0, h = 0;
    for (const std::size_t i : rows) {
      g += slope_[i];
      h += curvature_[i];
    }
    const Split split = depth < options_.depth ? best_split(rows, g, h) : Split{0, 0, 0};
    if (split.gain <= 1e-9) {
      const double value = -options_.rate * g / (h + options_.ridge);
      model_.nodes_[node].value = value;
      for (const std::size_t i : rows) margin_[i] += value;
      return;
    }
    model_.importance_[split.column] += split.gain;
    std::vector<std::size_t> sides[2];
    for (const std::size_t i : rows) sides[bin_[i * columns_ + split.column] > split.bin].push_back(i);
    const std::size_t left = model_.nodes_.size();
    model_.nodes_.resize(left + 2);
    model_.nodes_[node] = {static_cast<std::int32_t>(split.column), static_cast<std::int32_t>(left),
                           edges_[split.column][split.bin], 0};
    divide(left, sides[0], depth + 1);
    divide(left + 1, sides[1], depth + 1);
  }

  BoostOptions options_;
  std::span<const double> x_;
  std::span<const std::uint8_t> positive_;
  std::size_t n_, columns_;
  Random random_;
  double weight_ = 1;                       // of a positive row
  std::vector<std::vector<double>> edges_;  // (ncolumn) ascending; bin b holds edges[b - 1] < x <= edges[b]
  std::vector<std::uint8_t> bin_;           // (nrow x ncolumn)
  std::vector<double> margin_, slope_, curvature_;
  std::vector<std::size_t> drawn_;
  BoostedTrees model_;
};

BoostedTrees BoostedTrees::train(std::span<const double> x, std::span<const std::uint8_t> positive, std::size_t columns,
                                 const BoostOptions& options) {
  return Booster(x, positive, columns, options).run();
}

double BoostedTrees::predict(std::span<const double> row) const {
  GEOUL_EXPECTS(row.size() == importance_.size());
  double sum = base_;
  for (const std::int32_t root : roots_) {
    auto at = static_cast<std::size_t>(root);
    while (nodes_[at].column >= 0) {
      const bool right = row[static_cast<std::size_t>(nodes_[at].column)] > nodes_[at].split;
      at = static_cast<std::size_t>(nodes_[at].left) + (right ? 1 : 0);
    }
    sum += nodes_[at].value;
  }
  return sum;
}

}  // namespace geoul::estimation::anomaly
