#include "geoul/decision/safety/watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "geoul/core/random.h"

namespace geoul::decision::safety {
namespace {

WatchedSignal pressure() {
  WatchedSignal signal;
  signal.name = "pressure", signal.least_deviation = 0.01, signal.moves = 0.5;
  signal.longest_still = Duration{2'000'000'000};
  return signal;
}
Time at(double t) { return Time::from_seconds(t); }

TEST(Watch, APlantThatFollowsTheModelIsBelieved) {
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Watch watch({pressure()}, at(0));
    for (double t = 0; t < 100; t += 0.1) {
      const double predicted = std::sin(t);
      watch.observe(0, at(t), predicted + 0.05 * random.normal(), predicted, 0.05);
    }
    wrong += !watch.trusted(at(100));
  }
  // 20 runs of 1,000 windows that overlap: one false alarm would be expected in about ten such tests.
  EXPECT_LE(wrong, 1);
}

TEST(Watch, APlantThatContradictsFromTheFirstSecondIsNot) {
  Watch far({pressure()}, at(0));
  far.observe(0, at(0), 1.0, 0.0, 0.05);  // 20 deviations: the first value is enough
  EXPECT_FALSE(far.trusted(at(0)));
  EXPECT_EQ(far.fault(0), Fault::kContradiction);
  EXPECT_NE(far.words().find("pressure is 1 where the twin predicts 0"), std::string::npos) << far.words();

  Random random(1);
  Watch near({pressure()}, at(0));
  int values = 0;
  while (near.trusted(at(0.05 * values)) && values < 100) {  // 3 deviations off
    near.observe(0, at(0.05 * values), 0.15 + 0.05 * random.normal(), 0, 0.05);
    ++values;
  }
  EXPECT_LE(values, 20);  // within a second at 20 Hz
}

TEST(Watch, AFrozenSensorIsFoundWhenItShouldMoveAndWhenItIsTooStill) {
  Watch moving({pressure()}, at(0));
  for (int i = 0; i < 10; ++i) moving.observe(0, at(0.1 * i), 0.3, 0.3 + 0.06 * i, 1.0);
  EXPECT_FALSE(moving.trusted(at(1)));
  EXPECT_EQ(moving.fault(0), Fault::kFrozen);
  Watch still({pressure()}, at(0));
  for (int i = 0; i < 19; ++i) still.observe(0, at(0.1 * i), 0.3, 0.3, 1.0);
  EXPECT_TRUE(still.trusted(at(1.9)));
  for (int i = 19; i < 25; ++i) still.observe(0, at(0.1 * i), 0.3, 0.3, 1.0);
  EXPECT_FALSE(still.trusted(at(2.5)));
  EXPECT_NE(still.words().find("frozen"), std::string::npos);
}

TEST(Watch, ACovarianceThatCollapsesIsNotBelieved) {
  for (const double deviation :
       {0.001, 0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Watch watch({pressure()}, at(0));
    watch.observe(0, at(0), 0.3, 0.3, deviation);
    EXPECT_FALSE(watch.trusted(at(0)));
    EXPECT_EQ(watch.fault(0), Fault::kCollapsed);
  }
}

TEST(Watch, SilenceIsAFaultThatStaysUntilSomebodyLooks) {
  Watch watch({pressure()}, at(0));
  EXPECT_TRUE(watch.trusted(at(0.9)));
  EXPECT_FALSE(watch.trusted(at(1.1)));
  watch.observe(0, at(1.2), 0.3, 0.3, 0.05);
  EXPECT_FALSE(watch.trusted(at(1.2)));
  watch.clear(at(1.3));
  EXPECT_TRUE(watch.trusted(at(1.3)));
}

}  // namespace
}  // namespace geoul::decision::safety
