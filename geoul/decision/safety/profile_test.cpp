#include "geoul/decision/safety/profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/core/random.h"

namespace geoul::decision::safety {
namespace {

JointLimits some_limits(Random& random) {
  return {-1, 1, random.uniform(0.2, 3), random.uniform(1, 20), random.uniform(20, 2000)};
}
JointState some_state(Random& random, const JointLimits& limits) {
  return {random.uniform(-1, 1), random.uniform(-1, 1) * limits.velocity, random.uniform(-1, 1) * limits.acceleration};
}

TEST(StopProfile, EndsAtRestWithinJerkAndAcceleration) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const JointLimits limits = some_limits(random);
    const Profile stop = stop_from(some_state(random, limits), limits);
    JointState s = stop.start;
    for (int k = 0; k < stop.count; ++k) {
      EXPECT_LE(std::abs(stop.jerk[k]), limits.jerk);
      s = advanced(s, stop.jerk[k], stop.duration[k]);
      EXPECT_LE(std::abs(s.a), limits.acceleration * (1 + 1e-9));
    }
    EXPECT_NEAR(s.v, 0, 1e-9);
    EXPECT_NEAR(s.a, 0, 1e-9);
  }
}

// Without a bound on jerk that matters: v^2 / (2 a), v / a.
TEST(StopProfile, BrakingDistanceTendsToTheTextbooksWhenJerkIsGreat) {
  const JointLimits limits{-10, 10, 2, 4, 1e7};
  const Travel t = travel(stop_from({0, 2, 0}, limits));
  EXPECT_NEAR(t.high, 2.0 * 2 / (2 * 4), 1e-5);
  EXPECT_NEAR(t.time, 0.5, 1e-5);
  EXPECT_EQ(t.low, 0);
}

// From a = 0 without reaching the acceleration limit: two equal halves of sqrt(v / J), distance v sqrt(v / J).
TEST(StopProfile, BrakingDistanceOfPureJerkIsItsClosedForm) {
  const JointLimits limits{-10, 10, 2, 1e6, 50};
  const Travel t = travel(stop_from({0, 1.5, 0}, limits));
  EXPECT_NEAR(t.time, 2 * std::sqrt(1.5 / 50), 1e-12);
  EXPECT_NEAR(t.high, 1.5 * std::sqrt(1.5 / 50), 1e-12);
}

TEST(StopProfile, TravelIsThatOfTheSampledMotion) {
  Random random(2);
  for (int i = 0; i < 2'000; ++i) {
    const JointLimits limits = some_limits(random);
    const JointState start = some_state(random, limits);
    const double cycle = 0.01;
    const double jerk = std::clamp(random.uniform(-1, 1) * limits.jerk, (-limits.acceleration - start.a) / cycle,
                                   (limits.acceleration - start.a) / cycle);
    const Profile p = cycle_and_stop(start, jerk, cycle, limits);
    const Travel t = travel(p);
    double low = 0, high = 0, slow = 0, fast = 0;
    const int n = 2'000;
    for (int k = 0; k <= n; ++k) {
      const JointState s = at(p, t.time * k / n);
      low = std::min(low, s.q - start.q), high = std::max(high, s.q - start.q);
      slow = std::min(slow, s.v), fast = std::max(fast, s.v);
    }
    const double slack = t.time / n * limits.velocity;
    EXPECT_GE(t.high, high - 1e-12);
    EXPECT_LE(t.high, high + slack);
    EXPECT_LE(t.low, low + 1e-12);
    EXPECT_GE(t.low, low - slack);
    EXPECT_GE(t.fastest, fast - 1e-12);
    EXPECT_LE(t.fastest, fast + t.time / n * limits.acceleration);
    EXPECT_LE(t.slowest, slow + 1e-12);
  }
}

TEST(StopProfile, ItsTailIsTheSameMotion) {
  Random random(3);
  for (int i = 0; i < 2'000; ++i) {
    const JointLimits limits = some_limits(random);
    const Profile p = stop_from(some_state(random, limits), limits);
    const double cut = random.uniform(0, 1.2) * duration(p);
    const Profile rest = tail(p, cut);
    EXPECT_NEAR(duration(rest), std::max(0.0, duration(p) - cut), 1e-12);
    for (const double more : {0.0, 0.003, 0.05, 1.0}) {
      EXPECT_NEAR(at(rest, more).q, at(p, cut + more).q, 1e-9);
      EXPECT_NEAR(at(rest, more).v, at(p, cut + more).v, 1e-9);
    }
  }
}

// Induction: from a viable state every jerk of the range leads to a viable state, and one beyond it to none.
TEST(JerkRange, IsWhereAStopWithinTheLimitsExists) {
  Random random(4);
  int ranges = 0, bounded = 0;
  for (int i = 0; i < 20'000; ++i) {
    const JointLimits limits = some_limits(random);
    const JointState state = some_state(random, limits);
    if (!viable(state, limits)) continue;
    const double cycle = 0.01;
    const JerkRange range = jerk_range(state, cycle, limits);
    if (range.empty()) continue;
    ++ranges;
    for (const double part : {0.0, 0.3, 1.0}) {
      const JointState next = advanced(state, range.low + part * (range.high - range.low), cycle);
      EXPECT_TRUE(viable(next, limits, 1e-7)) << i;
    }
    // A little more is too much, unless the jerk limit itself stood in the way.
    const double more = range.high + 0.01 * limits.jerk;
    if (more >= limits.jerk) continue;
    ++bounded;
    const JointState next = advanced(state, more, cycle);
    const bool peaked = travel(cycle_and_stop(state, more, cycle, limits)).fastest > limits.velocity;
    EXPECT_TRUE(peaked || !viable(next, limits, 0)) << i;
  }
  EXPECT_GT(ranges, 5'000);
  EXPECT_GT(bounded, 1'000);
}

TEST(Viability, StatesThatCannotStopInTimeAreNot) {
  const JointLimits limits{-1, 1, 2, 4, 1e6};
  EXPECT_TRUE(viable({1 - 0.51, 2, 0}, limits));
  EXPECT_FALSE(viable({1 - 0.49, 2, 0}, limits));  // needs 0.5
  EXPECT_FALSE(viable({0, 0, 5}, limits));
  EXPECT_FALSE(viable({0, 2.1, 0}, limits));
}

}  // namespace
}  // namespace geoul::decision::safety
