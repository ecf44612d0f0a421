#include "geoul/estimation/anomaly/roc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/estimation/anomaly/boosted_trees.h"

namespace geoul::estimation::anomaly {
namespace {

TEST(Roc, TheAreaIsTheShareOfPairsInOrder) {
  Random random(1);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<double> scores;
    std::vector<std::uint8_t> positive;
    for (int i = 0; i < 60; ++i) {
      scores.push_back(std::floor(random.uniform() * 12));  // with ties
      positive.push_back(i < 2 ? static_cast<std::uint8_t>(i) : random.uniform() < 0.3);
    }
    double in_order = 0, pairs = 0;
    for (std::size_t i = 0; i < 60; ++i) {
      for (std::size_t j = 0; j < 60; ++j) {
        if (positive[i] == 0 || positive[j] != 0) continue;
        pairs += 1;
        in_order += scores[i] > scores[j] ? 1 : (scores[i] == scores[j] ? 0.5 : 0);
      }
    }
    EXPECT_NEAR(delong_area(scores, positive).value, in_order / pairs, 1e-12);
  }
}

TEST(Roc, TheIntervalsHoldTheTruthAsOftenAsTheySay) {
  // Two normal distributions one deviation apart: the area is Phi(1 / sqrt 2) = 0.76025.
  const double truth = 0.5 * std::erfc(-1 / std::sqrt(2.0) / std::sqrt(2.0));
  int delong = 0, bootstrap = 0;
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    Random random(7, trial);
    std::vector<double> scores;
    std::vector<std::uint8_t> positive;
    std::vector<std::size_t> block;
    for (std::size_t i = 0; i < 150; ++i) {
      positive.push_back(i % 3 == 0);
      scores.push_back(random.normal() + (i % 3 == 0 ? 1 : 0));
      block.push_back(i / 5);
    }
    const Area a = delong_area(scores, positive);
    delong += a.low <= truth && truth <= a.high;
    if (trial < 100) {
      const Area b = block_bootstrap_area(scores, positive, block, 200, trial);
      bootstrap += b.low <= truth && truth <= b.high;
    }
  }
  EXPECT_GE(delong, 365);    // of 400 at 95 %: 380 expected, less three and a half deviations (4.4)
  EXPECT_GE(bootstrap, 86);  // of 100: 95, less four (2.2)
}

TEST(Roc, NeedsBothKinds) {
  const std::vector<double> scores = {1, 2};
  EXPECT_THROW((void)delong_area(scores, std::vector<std::uint8_t>{1, 1}), ContractError);
}

TEST(BoostedTrees, LearnWhatNoSingleColumnTells) {
  // Positive where two columns have the same sign: neither tells anything alone.
  Random random(2);
  const auto draw = [&](std::size_t n, std::vector<double>& x, std::vector<std::uint8_t>& y) {
    for (std::size_t i = 0; i < n; ++i) {
      for (int c = 0; c < 6; ++c) x.push_back(random.normal());
      y.push_back(x[6 * i] * x[6 * i + 1] > 0);
    }
  };
  std::vector<double> x, x_new;
  std::vector<std::uint8_t> y, y_new;
  draw(2000, x, y);
  draw(1000, x_new, y_new);
  const BoostOptions options{.rate = 0.1, .columns = 1};
  const BoostedTrees trees = BoostedTrees::train(x, y, 6, options);
  const BoostedTrees again = BoostedTrees::train(x, y, 6, options);
  std::vector<double> scores;
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto row = std::span(x_new).subspan(6 * i, 6);
    scores.push_back(trees.predict(row));
    ASSERT_EQ(scores.back(), again.predict(row));
  }
  EXPECT_GT(delong_area(scores, y_new).value, 0.95);
  EXPECT_GT(trees.importance()[0] + trees.importance()[1], 0.8);
}

TEST(BoostedTrees, AreCalibratedWithoutBalance) {
  // P(positive) = 0.2 where x < 0 and 0.02 elsewhere: the log-odds of the leaves.
  Random random(3);
  std::vector<double> x;
  std::vector<std::uint8_t> y;
  for (int i = 0; i < 20'000; ++i) {
    x.push_back(random.normal());
    y.push_back(random.uniform() < (x.back() < 0 ? 0.2 : 0.02));
  }
  const BoostedTrees trees = BoostedTrees::train(x, y, 1, {.columns = 1, .balanced = false});
  const auto probability = [&](double at) { return 1 / (1 + std::exp(-trees.predict(std::array{at}))); };
  EXPECT_NEAR(probability(-1), 0.2, 0.03);
  EXPECT_NEAR(probability(1), 0.02, 0.01);
}

}  // namespace
}  // namespace geoul::estimation::anomaly
