// Gradient-boosted decision trees for a yes-or-no question about rows of numbers: logistic loss, Newton steps, splits
// at quantiles, columns drawn anew for each tree. Small data (thousands of rows, hundreds of columns); same input, same
// bits. Rows of the rarer kind weigh as much as the others together where `balanced` is set: the answer is then a
// ranking and not a probability. Source: Friedman, Annals of Statistics 29 (2001) 1189; gains and leaves: Chen and
// Guestrin, KDD 2016, eq. 5 to 7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace geoul::estimation::anomaly {

struct BoostOptions {
  std::size_t trees = 200;
  std::size_t depth = 3;
  double rate = 0.05;
  double ridge = 5;         // L2 on leaves
  double leaf_weight = 20;  // least sum of a leaf's rows' second derivatives times 4, balanced weights included
  double columns = 0.3;     // share drawn for each tree
  std::size_t bins = 32;
  bool balanced = true;
  std::uint64_t seed = 1;
};

class BoostedTrees {
 public:
  // x (nrow x ncolumn), finite; positive (nrow), both kinds present.
  static BoostedTrees train(std::span<const double> x, std::span<const std::uint8_t> positive, std::size_t columns,
                            const BoostOptions& options = {});

  // Log-odds that the row (ncolumn) is positive. Allocates nothing.
  double predict(std::span<const double> row) const;

  // How much each column lowered the loss, summing to 1 (ncolumn).
  const std::vector<double>& importance() const { return importance_; }

 private:
  struct Node {
    std::int32_t column = -1;  // -1: a leaf
    std::int32_t left = 0;     // of `nodes_`; the right one follows it
    double split = 0;          // x <= split goes left
    double value = 0;          // of a leaf
  };
  friend class Booster;

  std::vector<Node> nodes_;
  std::vector<std::int32_t> roots_;
  std::vector<double> importance_;
  double base_ = 0;
};

}  // namespace geoul::estimation::anomaly
