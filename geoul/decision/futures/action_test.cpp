// Actions against the closed forms of their laws.
#include "geoul/decision/futures/action.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

struct Arm {
  dynamics::Model model = dynamics::compiled(arm7());
  scene::State state = make_state(model);
  std::vector<int> degrees = controlled_degrees(model);
};

double largest(const std::vector<double>& values) {
  double out = 0;
  for (const double x : values) out = std::max(out, std::abs(x));
  return out;
}

TEST(Action, MoveTakesTheShortestTimeOfItsLaw) {
  Arm arm;
  ASSERT_EQ(arm.degrees.size(), 7u);
  const std::vector<double> goal(7, 0.6);
  // By velocity: T = 15/8 0.6 / 0.5 = 2.25 s. By acceleration: T = sqrt(10 / sqrt(3) 0.6 / 0.4) = 2.9429 s.
  const Action by_velocity =
      move(arm.model, arm.state, arm.degrees, goal, {std::vector<double>(7, 0.5), std::vector<double>(7, 100)});
  EXPECT_NEAR(by_velocity.length().seconds(), 2.25, by_velocity.period.seconds());
  EXPECT_NEAR(largest(by_velocity.velocity), 0.5, 1e-5);
  const Action by_acceleration =
      move(arm.model, arm.state, arm.degrees, goal, {std::vector<double>(7, 100), std::vector<double>(7, 0.4)});
  EXPECT_NEAR(by_acceleration.length().seconds(), std::sqrt(10 / std::sqrt(3.0) * 0.6 / 0.4), 0.004);
  EXPECT_NEAR(largest(by_acceleration.acceleration), 0.4, 1e-5);
  EXPECT_EQ(problem(by_velocity, arm.model), "");
  Setpoint end;
  sample(by_velocity, Time::from_seconds(9), end);
  for (int i = 0; i < 7; ++i) {
    EXPECT_NEAR(end.position[static_cast<std::size_t>(i)], 0.6, 1e-15);
    EXPECT_EQ(end.velocity[static_cast<std::size_t>(i)], 0);
  }
}

// Between rows: the polynomial itself, to the error of a cubic, h^4 max|s''''| / 384 = 360 h^4 / (384 T^4).
TEST(Action, SamplesBetweenRowsFollowTheLaw) {
  Arm arm;
  const Action action = move(arm.model, arm.state, arm.degrees, std::vector<double>(7, 1.0),
                             {std::vector<double>(7, 15.0 / 8), std::vector<double>(7, 100)});  // T = 1 s
  Setpoint point;
  for (double t = 0.0005; t < 1; t += 0.0137) {
    sample(action, Time::from_seconds(t), point);
    EXPECT_NEAR(point.position[0], t * t * t * (10 + t * (-15 + 6 * t)), 1e-9);
    EXPECT_NEAR(point.velocity[0], 30 * t * t * (1 - t) * (1 - t), 1e-6);
  }
}

TEST(Action, StopEndsAfterTheBrakingWay) {
  Arm arm;
  arm.state.v = {1, -0.5, 0, 0.25, 0, 0, -1};
  const Action action = stop(arm.model, arm.state, arm.degrees, {{}, std::vector<double>(7, 2)});
  EXPECT_NEAR(action.length().seconds(), 0.5, 1e-9);
  Setpoint end;
  sample(action, Time::from_seconds(1), end);
  for (std::size_t i = 0; i < 7; ++i)
    EXPECT_NEAR(end.position[i] - arm.state.q[i], arm.state.v[i] * 0.5 / 2, 1e-12);  // v T / 2
}

TEST(Action, SlowerIsTheSameWayInMoreTime) {
  Arm arm;
  const Action fast = move(arm.model, arm.state, arm.degrees, std::vector<double>(7, 0.4),
                           {std::vector<double>(7, 1), std::vector<double>(7, 3)});
  const Action slow = slower(fast, 2);
  EXPECT_NEAR(slow.length().seconds(), 2 * fast.length().seconds(), 1e-9);
  Setpoint a, b;
  for (double t = 0; t < fast.length().seconds(); t += 0.008) {
    sample(fast, Time::from_seconds(t), a), sample(slow, Time::from_seconds(2 * t), b);
    EXPECT_NEAR(a.position[3], b.position[3], 1e-12);
    EXPECT_NEAR(a.velocity[3], 2 * b.velocity[3], 1e-12);
  }
}

TEST(Action, WhatIsWrongIsSaid) {
  Arm arm;
  Action action = hold(arm.model, arm.state, {1, 3});
  EXPECT_EQ(problem(action, arm.model), "");
  action.velocity[0] = std::nan("");
  EXPECT_NE(problem(action, arm.model).find("not finite"), std::string::npos);
  action.velocity[0] = 0;
  action.degrees = {3, 1};
  EXPECT_NE(problem(action, arm.model).find("ascending"), std::string::npos);
  action.degrees = {1, 9};
  EXPECT_NE(problem(action, arm.model).find("one degree"), std::string::npos);
}

}  // namespace
}  // namespace geoul::decision
