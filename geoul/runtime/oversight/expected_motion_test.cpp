#include "geoul/runtime/oversight/expected_motion.h"

#include <gtest/gtest.h>

#include <cmath>

namespace geoul::runtime::oversight {
namespace {

constexpr double kPeriod = 7.3;  // [s] of the work's cycle

double angle(double t, int joint) {
  const double w = 2 * M_PI / kPeriod;
  return joint == 0 ? std::sin(w * t) : 0.5 * std::cos(2 * w * t);
}
double speed(double t, int joint) {
  const double w = 2 * M_PI / kPeriod;
  return joint == 0 ? w * std::cos(w * t) : -w * std::sin(2 * w * t);
}

MotionMemory after(double seconds, double dt = 0.04) {
  MotionMemory memory({0, 1});
  for (int i = 0; i * dt <= seconds; ++i) {
    const double t = i * dt, q[] = {angle(t, 0), angle(t, 1)}, v[] = {speed(t, 0), speed(t, 1)};
    memory.add(Time::from_seconds(100 + t), q, v);
  }
  return memory;
}

TEST(MotionMemory, ExpectsWhatItDidACycleAgo) {
  const MotionMemory memory = after(20);
  const auto action = memory.expected(Duration::from_seconds(5));
  ASSERT_TRUE(action);
  ASSERT_EQ(action->degrees.size(), 2u);
  for (std::size_t r = 0; r < action->rows(); r += 50) {
    const double t = 20 + static_cast<double>(r) * action->period.seconds();
    for (const int k : {0, 1}) {
      EXPECT_NEAR(action->position[2 * r + static_cast<std::size_t>(k)], angle(t, k), 0.01) << t;
      EXPECT_NEAR(action->velocity[2 * r + static_cast<std::size_t>(k)], speed(t, k), 0.05) << t;
    }
  }
  EXPECT_NEAR(action->position[0], angle(20, 0), 1e-12);  // begins where the plant is
  EXPECT_NEAR(action->length().seconds(), 5, 0.004);
}

TEST(MotionMemory, ExpectsNothingOfWhatNeverRepeats) {
  EXPECT_FALSE(after(7.5).expected(Duration::from_seconds(2)));  // no half second a cycle ago
  MotionMemory memory({0});
  for (int i = 0; i < 500; ++i) {
    const double t = i * 0.04, q[] = {0.01 * t * t}, v[] = {0.02 * t};
    memory.add(Time::from_seconds(t), q, v);
  }
  EXPECT_FALSE(memory.expected(Duration::from_seconds(2)));
}

TEST(MotionMemory, ForgetsWhatIsOldAndWhatTheClockTookBack) {
  MotionMemory memory({0}, Duration::from_seconds(10));
  const double q[] = {0}, v[] = {0};
  for (int i = 0; i < 1000; ++i) memory.add(Time::from_seconds(i * 0.1), q, v);
  EXPECT_LE(memory.rows(), 102u);
  memory.add(Time::from_seconds(99.5), q, v);  // late: left out
  EXPECT_LE(memory.rows(), 102u);
  EXPECT_GE(memory.rows(), 100u);
  memory.add(Time::from_seconds(50), q, v);  // another clock
  EXPECT_EQ(memory.rows(), 1u);
}

}  // namespace
}  // namespace geoul::runtime::oversight
