#include "geoul/estimation/change_test.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/random.h"

namespace geoul::estimation {
namespace {

const std::vector<double> kOwn = {0.6, 0.2};
constexpr double kSigma = 0.1;

// y_t = 0.6 y_{t-1} + 0.2 y_{t-2} + noise, with a step of b added to what is measured from `onset` on; the test sees
// the innovations that the predictor has of the measured values. One sample in ten is missed.
class Signal {
 public:
  explicit Signal(std::uint64_t seed) : random_(seed) {}
  ChangeScore next(ChangeTest& test, double step, double missing = 0.1) {
    const double y = kOwn[0] * true_[0] + kOwn[1] * true_[1] + kSigma * random_.normal();
    true_[1] = true_[0], true_[0] = y;
    const bool observed = random_.uniform() >= missing;
    const double predicted = kOwn[0] * past_[0] + kOwn[1] * past_[1], measured = observed ? y + step : predicted;
    past_[1] = past_[0], past_[0] = measured;
    return test.step(measured - predicted, kSigma, observed);
  }

 private:
  Random random_;
  double true_[2] = {}, past_[2] = {};
};

TEST(ChangeTest, EstimatesAStepWithItsDeviation) {
  double error = 0, square = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    ChangeTest test({40, 10, 60, 9}, kOwn);
    Signal signal(static_cast<std::uint64_t>(run));
    ChangeScore score;
    for (int t = 0; t < 240; ++t) score = signal.next(test, t >= 200 ? 0.5 : 0, 0);
    ASSERT_TRUE(score.judged);
    const double e = (score.size - 0.5) / score.deviation;
    error += e / kRuns, square += e * e / kRuns;
  }
  EXPECT_NEAR(error, 0, 3.3 / std::sqrt(kRuns));
  EXPECT_LT(square, 1.1);  // the deviation allows for bursts and is never below the noise's
  EXPECT_GT(square, 0.5);
}

TEST(ChangeTest, ABurstOfNoiseIsNoStep) {
  ChangeTest test({40, 10, 60, 9}, kOwn);
  Random random(5);
  double most = 0;
  for (int t = 0; t < 2000; ++t) {
    const bool burst = t % 400 >= 380;
    most = std::max(most, test.step((burst ? 1.0 : kSigma) * random.normal(), kSigma, true).z);
  }
  EXPECT_LT(most, 6);
}

// The calibrated threshold is passed at most once in `run_length` samples on average: the mean of 60 runs has a
// deviation of 1/sqrt(60) of it where run lengths are exponential. A Gumbel tail errs to the long side: 2.3 times was
// measured.
TEST(ChangeTest, MeanTimeBetweenFalseAlarmsIsAtLeastAsStated) {
  constexpr double kRunLength = 20'000;
  ChangeTest quiet({40, 10, 60, 9}, kOwn);
  Signal training(99);
  std::vector<double> scores;
  for (int t = 0; t < 60'000; ++t) scores.push_back(training.next(quiet, 0).z);
  const double threshold = calibrate_threshold(scores, 100, kRunLength);
  double sum = 0;
  constexpr int kRuns = 60;
  for (int run = 0; run < kRuns; ++run) {
    ChangeTest test({40, 10, 60, 9}, kOwn);
    Signal signal(1000 + static_cast<std::uint64_t>(run));
    int t = 0;
    while (t < 200'000 && signal.next(test, 0).z <= threshold) ++t;
    sum += t;
  }
  EXPECT_GT(sum / kRuns, kRunLength);
  EXPECT_LT(sum / kRuns, 4 * kRunLength);
}

}  // namespace
}  // namespace geoul::estimation
