#include "geoul/estimation/anomaly/row_detector.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/estimation/anomaly/detector.h"

namespace geoul::estimation::anomaly {
namespace {

// Four signals that follow one hidden one, and a fifth of their own.
std::array<double, 5> together(double hidden, Random& random) {
  std::array<double, 5> row{};
  for (std::size_t c = 0; c < 4; ++c) row[c] = static_cast<double>(c + 1) * hidden + 0.05 * random.normal();
  row[4] = random.normal();
  return row;
}

TEST(RowDetector, FindsWhatNoSignalAloneShows) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Random random(seed);
    RowDetector rows(5);
    std::vector<Detector> singles(5);
    double hidden = 0, alone = 0;
    RowReading at;
    for (int i = 0; i < 3000; ++i) {
      hidden = 0.9 * hidden + 0.44 * random.normal();
      std::array<double, 5> row = together(hidden, random);
      if (i == 2900) row[2] = -row[2] + (row[2] > 0 ? -1 : 1);  // of the usual size, against the others
      for (std::size_t c = 0; c < 5; ++c) {
        const double score = singles[c].step(Time{i * 1'000'000'000LL}, row[c]).score;
        if (i == 2900) alone = std::max(alone, score);
      }
      const RowReading reading = rows.step(row);
      if (i == 2900) at = reading;
    }
    EXPECT_GE(at.score, 0.5);
    EXPECT_EQ(at.column, 2u);
    EXPECT_LT(alone, at.score);
  }
}

TEST(RowDetector, RaisesFewAlarmsWhereNothingHappens) {
  int alarms = 0;
  for (const std::uint64_t seed : {11, 12, 13}) {
    Random random(seed);
    RowDetector detector(5);
    for (int i = 0; i < 5000; ++i) alarms += detector.step(together(random.normal(), random)).score >= 0.5;
  }
  EXPECT_LE(alarms, 6);  // of 15,000 rows
}

TEST(RowDetector, BearsColumnsThatAreOneSignalOrNone) {
  Random random(5);
  RowDetector detector(3);
  for (int i = 0; i < 2000; ++i) {
    const double x = random.normal();
    const RowReading reading = detector.step(std::array{x, x, 4.0});
    ASSERT_TRUE(std::isfinite(reading.surprise));
  }
  EXPECT_GE(detector.step(std::array{0.0, 0.0, 4.1}).score, 0.5);
}

TEST(RowDetector, NeedsItsColumnsAndFiniteValues) {
  EXPECT_THROW(RowDetector(0), ContractError);
  EXPECT_THROW(RowDetector(1000), ContractError);
  RowDetector detector(2);
  EXPECT_THROW((void)detector.step(std::array{1.0}), ContractError);
  EXPECT_THROW((void)detector.step(std::array{1.0, std::nan("")}), ContractError);
}

}  // namespace
}  // namespace geoul::estimation::anomaly
