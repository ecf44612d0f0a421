#include "geoul/estimation/anomaly/detector.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/estimation/anomaly/nab_files.h"

namespace geoul::estimation::anomaly {
namespace {

namespace fs = std::filesystem;

Time minutes(std::size_t n) { return Time{static_cast<std::int64_t>(n) * 60'000'000'000}; }

// Days of a sine with noise, a sample every ten minutes.
std::vector<double> daily(std::size_t samples, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> values;
  for (std::size_t i = 0; i < samples; ++i) {
    values.push_back(10 + 3 * std::sin(2 * M_PI * static_cast<double>(i % 144) / 144) + 0.2 * random.normal());
  }
  return values;
}

std::vector<Reading> watch(const std::vector<double>& values, Detector detector = Detector()) {
  std::vector<Reading> readings;
  for (std::size_t i = 0; i < values.size(); ++i) readings.push_back(detector.step(minutes(10 * i), values[i]));
  return readings;
}

TEST(Tail, TellsTheShareOfEarlierValuesThatAreAtLeastAsLarge) {
  Random random(3);
  Tail tail;
  for (int i = 0; i < 20'000; ++i) (void)tail.step(random.uniform());
  // Of uniform values 1 in 2 is at least 0.5, 1 in 10 at least 0.9; a bin is 3.7 % wide and 20,000 values spread 0.3 %.
  EXPECT_NEAR(Tail(tail).step(0.5), std::log10(2), 0.02);
  EXPECT_NEAR(Tail(tail).step(0.9), 1, 0.05);
  EXPECT_EQ(Tail(tail).step(0), 0);
}

TEST(Tail, GoesOnBeyondTheLargestAsAPowerLaw) {
  // P(x >= a) = a^-2 from 1 on. The median, sqrt 2, is taken off before the tail is fitted, which bends the law: a
  // hundred times the tail's beginning is rarer than 1 in 10^4 and no rarer than 1 in 10^7.
  Random random(4);
  Tail tail;
  double last = 0;
  for (int i = 0; i < 50'000; ++i) (void)tail.step(1 / std::sqrt(1 - random.uniform()));
  for (double x = 10; x < 1e5; x *= 2) {
    const double s = Tail(tail).step(x);
    EXPECT_GT(s, last);
    last = s;
  }
  EXPECT_NEAR(Tail(tail).step(100), 4, 1.0);
  EXPECT_TRUE(std::isfinite(Tail(tail).step(1e300)));
}

TEST(Tail, SaysNothingOfAValueThatNeverChangesAndForgetsByHalves) {
  Tail tail(1000);
  for (int i = 0; i < 5000; ++i) EXPECT_LT(tail.step(0), 1e-9);
  EXPECT_LT(tail.count(), 1000);
  EXPECT_GT(tail.step(1), 1);
  EXPECT_THROW((void)tail.step(-1), ContractError);
  EXPECT_THROW((void)tail.step(NAN), ContractError);
}

TEST(Episodes, TellAgainOnlyWhatIsWorse) {
  Episodes episodes({.share = 1, .most = 5});
  EXPECT_TRUE(episodes.begins(1));
  EXPECT_FALSE(episodes.begins(1));
  EXPECT_TRUE(episodes.begins(2));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(episodes.begins(0.5)) << i;
  EXPECT_TRUE(episodes.begins(0.6));  // the 2 lies six samples back
}

TEST(Detector, FindsASpikeAShiftAndADayThatIsNoDay) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    std::vector<double> spike = daily(6000, seed), shifted = spike, holiday = spike;
    spike[5000] += 8;
    for (std::size_t i = 5000; i < 6000; ++i) shifted[i] += 6;
    for (std::size_t i = 4968; i < 5112; ++i)
      holiday[i] = 10 - 3 * std::sin(2 * M_PI * static_cast<double>(i % 144) / 144);
    const auto best = [](const std::vector<Reading>& readings, std::size_t begin, std::size_t end) {
      double score = 0;
      for (std::size_t i = begin; i < end; ++i) score = std::max(score, readings[i].score);
      return score;
    };
    EXPECT_GE(best(watch(spike), 5000, 5001), 0.5);
    EXPECT_GE(best(watch(shifted), 5000, 5030), 0.5);
    const std::vector<Reading> readings = watch(holiday);
    EXPECT_GE(best(readings, 4968, 5112), 0.4);
    EXPECT_GT(best(readings, 4968, 5112), best(readings, 3000, 4968));
  }
}

TEST(Detector, RaisesFewAlarmsWhereNothingHappens) {
  int alarms = 0;
  for (const std::uint64_t seed : {11, 12, 13, 14, 15}) {
    for (const Reading& reading : watch(daily(6000, seed))) alarms += reading.score >= 0.5;
  }
  EXPECT_LE(alarms, 10);  // of 30,000 samples
}

TEST(Detector, ExpectsWhatThisTimeOfTheDayBrought) {
  const std::vector<double> values = daily(6000, 5);
  const std::vector<Reading> readings = watch(values);
  double worst = 0;
  for (std::size_t i = 3000; i < 6000; ++i) worst = std::max(worst, std::abs(readings[i].expected - values[i]));
  EXPECT_LT(worst, 1.5);  // seven times the noise; the sine spans 6
}

TEST(Detector, NeverLooksAhead) {
  std::vector<double> values = daily(3000, 6);
  const std::vector<Reading> before = watch(values);
  for (std::size_t i = 2000; i < 3000; ++i) values[i] = -1e6;
  const std::vector<Reading> after = watch(values);
  for (std::size_t i = 0; i < 2000; ++i) {
    ASSERT_EQ(before[i].score, after[i].score);
    ASSERT_EQ(before[i].surprise, after[i].surprise);
  }
}

TEST(Detector, StaysFiniteOnSignalsThatStandStillOrExplode) {
  std::vector<double> values(2000, 7.0);
  for (std::size_t i = 500; i < 2000; ++i) values[i] = i % 7 == 0 ? 1e150 : -1e150 * static_cast<double>(i);
  for (const Reading& reading : watch(values)) {
    ASSERT_TRUE(std::isfinite(reading.surprise) && reading.score >= 0 && reading.score <= 1);
  }
  EXPECT_THROW((void)Detector().step(Time{}, NAN), ContractError);
}

TEST(Detector, BeatsNumentaOnTheKnownCausesOfNab) {
  const fs::path nab = anomaly_data() / "nab";
  if (!fs::exists(nab)) GTEST_SKIP() << "../shared/data/anomaly/nab is absent";
  std::vector<NabFile> files;
  std::size_t windows = 0;
  for (const NabSeries& series : read_nab_group(nab, "realKnownCause")) {
    NabFile file{series.name, {}, series.windows};
    Detector detector;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      file.scores.push_back(detector.step(Time{series.time[i] * 1'000'000'000}, series.values[i]).score);
    }
    windows += file.windows.size();
    files.push_back(std::move(file));
  }
  ASSERT_EQ(files.size(), 7u);
  const NabProfile standard = read_nab_profile(nab, "standard");
  const double best = nab_normalised(nab_best_threshold(files, standard).score, windows, standard);
  double fixed = 0;
  for (const NabFile& file : files) fixed += nab_score(file, standard, 0.5).score;
  // Numenta's own detections on these files by the same rules: docs/notes/anomaly.md.
  EXPECT_GT(best, 57.78);
  EXPECT_GT(nab_normalised(fixed, windows, standard), 55.47);
}

}  // namespace
}  // namespace geoul::estimation::anomaly
