// Futures against closed forms of one joint; their bits for any number of threads.
#include "geoul/decision/futures/futures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

struct Case {
  dynamics::Model model;
  scene::State now;
  FutureOptions options;

  explicit Case(const scene::Scene& scene, double horizon = 2)
      : model(dynamics::compiled(scene)), now(make_state(model)) {
    options.horizon = Duration::from_seconds(horizon);
  }
  Action move_to(double goal, double velocity = 0.5, double acceleration = 2) {
    return move(model, now, {0}, std::vector<double>{goal}, {{velocity}, {acceleration}});
  }
  Futures ask(const std::vector<Action>& actions, const std::vector<Disturbance>& disturbances = {}) {
    Result<Futures> out = foresee(model, now, actions, disturbances, options);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return std::move(out).value();
  }
};

Disturbance certain(Parameter parameter, int target, double value) {
  return {parameter, target, Distribution::constant(value), {}, {}, {}, {}};
}

// While |a| < g the effort pulls up all the way, and the kinetic energy comes back: the work is m g h.
TEST(Futures, EnergyOfLiftingIsWeightTimesHeight) {
  Case c(cart(4, {0, 0, 1}));
  const Futures out = c.ask({c.move_to(0.3)});
  EXPECT_EQ(out.in_lanes, 1);
  EXPECT_EQ(out.all[0].failure, Failure::kNone);
  EXPECT_LT(out.all[0].following_error, 1e-3);
  EXPECT_NEAR(out.all[0].time, 0.94, 0.02);                               // 0.01 m before the end of the polynomial
  EXPECT_NEAR(out.all[0].energy, 4 * 9.81 * 0.3, 2e-3 * 4 * 9.81 * 0.3);  // 1 ms steps, 4 ms sums
  const double peak = 10 / std::sqrt(3.0) * 0.3 / (1.125 * 1.125);        // the velocity rules: T = 15/8 0.3 / 0.5
  EXPECT_NEAR(out.all[0].effort_share, 4 * (9.81 + peak) / 1000, 1e-4);
  EXPECT_FALSE(out.ranking[0].rejected);
  ASSERT_EQ(out.notes.size(), 1u);
  EXPECT_NE(out.notes[0].find("servos"), std::string::npos);
}

// A payload that the controller does not know hangs on the drive: m g / k.
TEST(Futures, UnknownPayloadSagsByWeightOverStiffness) {
  Case c(cart(4, {0, 0, 1}, 5000, 400));
  c.options.bounds.settle = 0.05;
  const std::vector<Action> hold_still = {hold(c.model, c.now, {0})};
  const Futures out = c.ask(hold_still, {certain(Parameter::kPayload, 0, 3)});
  EXPECT_NEAR(out.all[0].following_error, 3 * 9.81 / 5000, 1e-6);
  // 50 payloads, uniform: the mean sag is that of the mean payload within three standard errors.
  c.options.draws = 50;
  const Futures many = c.ask(hold_still, {{Parameter::kPayload, 0, Distribution::uniform(1, 5), {}, {}, {}, {}}});
  const Spread& sag = many.ranking[0].following_error;
  EXPECT_NEAR(sag.mean, 3 * 9.81 / 5000, 3 * 4 / std::sqrt(12.0) * 9.81 / 5000 / std::sqrt(50.0));
  EXPECT_GT(sag.deviation, 0);
  EXPECT_LE(sag.low, sag.median);
  EXPECT_GE(sag.cvar, sag.high * (1 - 1e-9));
}

// The same by step(): a push is a wrench, and worlds with one step by themselves. F / k at rest under it.
TEST(Futures, PushDeflectsByForceOverStiffness) {
  Case c(cart(4, {1, 0, 0}, 2000, 180));
  Disturbance push{Parameter::kPush,         0, Distribution::constant(50), {}, {1, 0, 0}, Time::from_seconds(0.2),
                   Duration::from_seconds(1)};
  c.options.bounds.settle = 1e-3;
  const Futures out = c.ask({hold(c.model, c.now, {0})}, {push});
  EXPECT_EQ(out.in_lanes, 0);
  EXPECT_NEAR(out.all[0].following_error, 50.0 / 2000, 1e-5);
  EXPECT_EQ(out.all[0].failure, Failure::kNone);  // back before the end
  EXPECT_GT(out.all[0].time, 1.2);
  EXPECT_LT(out.all[0].time, 2);
}

TEST(Futures, DoubledFrictionDoublesTheEffortAtConstantSpeed) {
  scene::Scene scene = cart(1, {1, 0, 0}, 1e6, 2e4);
  scene.joints[0].friction = 20;
  Case c(scene);
  const std::vector<Action> moves = {c.move_to(0.5, 0.5, 1)};  // inertia takes 1 N at most
  const double once = c.ask(moves).all[0].effort_share;
  const double twice = c.ask(moves, {certain(Parameter::kFrictionFactor, 0, 2)}).all[0].effort_share;
  EXPECT_NEAR(once, 20e-3, 1.2e-3);
  EXPECT_NEAR(twice, 40e-3, 1.2e-3);
}

TEST(Futures, DriveGainsAndDampingAreOfTheirOwnWorlds) {
  Case c(cart(4, {0, 0, 1}, 5000, 800));
  c.options.bounds.settle = 0.1;
  const std::vector<Action> hold_still = {hold(c.model, c.now, {0})};
  const Futures out = c.ask(hold_still, {certain(Parameter::kPayload, 0, 3), certain(Parameter::kDriveGain, 0, 0.5)});
  EXPECT_NEAR(out.all[0].following_error, 3 * 9.81 / 2500, 1e-6);
  EXPECT_EQ(out.in_lanes, 1);
}

// Two masses along the normal: 1/2 m v^2 and v sqrt(m k); the cart meets the wall after its way.
TEST(Futures, HitIsFoundWithItsEnergyAndKept) {
  scene::Scene scene = cart(2, {1, 0, 0});
  add_collider(scene, scene::kWorld, {{}, {0.6, 0, 0}}, scene::Box{{0.2, 1, 1}});  // gap 0.4 m
  Case c(scene);
  c.options.bounds.clearance = 0.05;
  Action run = c.move_to(0.8, 0.4, 10);  // T = 3.75 s, so at 2 s it would be past the wall
  run.name = "through the wall";
  c.options.horizon = Duration::from_seconds(4);
  Action near = c.move_to(0.37);
  near.name = "too near";
  const Futures out = c.ask({run, near, c.move_to(0.2)});
  const Future& hit = out.all[0];
  EXPECT_EQ(hit.failure, Failure::kHit);
  const double s = 0.5, v = 0.8 * 30 * s * s * (1 - s) * (1 - s) / 3.75;  // halfway: x = 0.4
  EXPECT_NEAR(hit.failed_at, 1.875, 0.0201);
  EXPECT_NEAR(hit.hit_energy, 0.5 * 2 * v * v, 0.01 * v * v);
  EXPECT_NEAR(hit.hit_force, v * std::sqrt(2 * 75e3), 0.01 * v * std::sqrt(2 * 75e3));
  EXPECT_EQ(out.all[1].failure, Failure::kTooNear);
  EXPECT_NEAR(out.all[1].clearance, 0.03, 1e-4);
  ASSERT_EQ(out.ranking.size(), 3u);  // rejected ones are kept
  EXPECT_EQ(out.ranking[0].action, 2);
  EXPECT_FALSE(out.ranking[0].rejected);
  for (const std::size_t r : {1u, 2u}) {
    EXPECT_TRUE(out.ranking[r].rejected);
    ASSERT_EQ(out.ranking[r].reasons.size(), 1u);
    EXPECT_NE(out.ranking[r].reasons[0].words.find("/cart and the world"), std::string::npos);
  }
}

// A belt that carries a ball to a wall: a fifth faster, a sixth sooner.
TEST(Futures, ConveyorFasterArrivesSooner) {
  scene::Scene scene = cart(2, {1, 0, 0}, 0, 5000);
  scene.joints[0].drive.target_velocity = 0.1;
  scene.joints[0].velocity = 0.1;
  add_collider(scene, scene::kWorld, {{}, {0.6, 0, 0}}, scene::Box{{0.2, 1, 1}});
  const scene::BodyId other = add_box(scene, "/other", 1, {0.1, 0.1, 0.1}, {0, 5, 0});
  add_joint(scene, scene::JointType::kPrismatic, scene::kWorld, other, {0, 5, 0}, {0, 1, 0});
  Case c(scene, 5);
  EXPECT_EQ(controlled_degrees(c.model), std::vector<int>{1});
  const std::vector<Action> still = {hold(c.model, c.now, {1})};
  EXPECT_NEAR(c.ask(still).all[0].failed_at, 4.0, 0.021);
  EXPECT_NEAR(c.ask(still, {certain(Parameter::kDriveSpeed, 0, 1.2)}).all[0].failed_at, 4.0 / 1.2, 0.021);
}

TEST(Futures, JointsThatRunIntoLimitsOrStayBehindAreNamed) {
  scene::Scene scene = cart(2, {1, 0, 0}, 4000, 400);
  scene.joints[0].upper = 0.15;
  Case c(scene);
  EXPECT_EQ(c.ask({c.move_to(0.2)}).all[0].failure, Failure::kPositionLimit);
  scene.joints[0].upper = 10;
  scene.joints[0].effort_limit = 1;
  Case weak(scene);
  const Futures behind = weak.ask({weak.move_to(0.4, 1, 10)});
  EXPECT_EQ(behind.all[0].failure, Failure::kFollowing);
  EXPECT_NE(behind.ranking[0].reasons[0].words.find("/rail"), std::string::npos);
  Case slow(cart(2, {1, 0, 0}), 0.5);
  EXPECT_EQ(slow.ask({slow.move_to(0.4, 0.2, 10)}).all[0].failure, Failure::kNotArrived);
}

bool same_bits(const Future& a, const Future& b) {
  const auto same = [](double x, double y) {
    return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
  };
  return same(a.time, b.time) && same(a.energy, b.energy) && same(a.clearance, b.clearance) &&
         same(a.effort_share, b.effort_share) && same(a.following_error, b.following_error) &&
         same(a.hit_energy, b.hit_energy) && same(a.cost, b.cost) && a.failure == b.failure && a.pair == b.pair;
}

TEST(Futures, HaveTheSameBitsForAnyNumberOfThreadsAndOfFurtherDraws) {
  Case c(arm7_cell(), 1);
  const std::vector<int> degrees = controlled_degrees(c.model);
  const MotionLimits limits{std::vector<double>(7, 2), std::vector<double>(7, 8)};
  std::vector<Action> actions = {
      move(c.model, c.now, degrees, std::vector<double>{0.8, 0.3, -0.2, -1.2, 0.1, 1, 0}, limits),
      move(c.model, c.now, degrees, std::vector<double>{-0.8, 0.9, 0.2, -1.5, 0.1, 1, 0.4}, limits)};
  const std::vector<Disturbance> disturbances = {
      {Parameter::kPayload, 6, Distribution::uniform(0, 2), {0, 0, 0.1}, {}, {}, {}},
      {Parameter::kStartPosition, -1, Distribution::normal(0, 0.01), {}, {}, {}, {}},
      {Parameter::kDriveGain, -1, Distribution::uniform(0.8, 1.2), {}, {}, {}, {}}};
  c.options.draws = 40;
  const Futures one = c.ask(actions, disturbances);
  for (const int threads : {2, 7}) {
    ThreadPool pool(threads);
    c.options.pool = &pool;
    const Futures more = c.ask(actions, disturbances);
    ASSERT_EQ(more.all.size(), 80u);
    for (std::size_t f = 0; f < 80; ++f) ASSERT_TRUE(same_bits(one.all[f], more.all[f])) << threads << " " << f;
    c.options.pool = nullptr;
  }
  c.options.draws = 55;  // earlier draws stay what they were
  const Futures longer = c.ask(actions, disturbances);
  for (std::size_t m = 0; m < 40; ++m) {
    ASSERT_TRUE(same_bits(one.all[m], longer.all[m]));
    ASSERT_TRUE(same_bits(one.all[40 + m], longer.all[55 + m]));
  }
  EXPECT_FALSE(same_bits(one.all[0], one.all[1]));
}

TEST(Futures, SpreadAndRiskAreThoseOfTheFormulas) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  const Spread s = spread(values, true, 0.1);
  EXPECT_NEAR(s.mean, 50.5, 1e-12);
  EXPECT_NEAR(s.deviation, std::sqrt(100 * 101 / 12.0), 1e-12);  // n (n + 1) / 12
  EXPECT_NEAR(s.median, 50.5, 1e-12);
  EXPECT_NEAR(s.low, 5.95, 1e-12);
  EXPECT_NEAR(s.cvar, 95.5, 1e-12);
  EXPECT_NEAR(spread(values, false, 0.1).cvar, 5.5, 1e-12);
  EXPECT_NEAR(wilson(0, 10)[1], 0.277533, 1e-6);  // z^2 / (n + z^2)
  EXPECT_NEAR(wilson(5, 10)[0], 0.236593, 1e-6);  // Brown, Cai, DasGupta, Statistical Science 16(2), 2001, eq. 4
}

TEST(Futures, WhatCannotBeAskedIsSaid) {
  Case c(cart(4, {0, 0, 1}));
  const std::vector<Action> still = {hold(c.model, c.now, {0})};
  const auto says = [&](const std::vector<Disturbance>& d, const char* what) {
    const Result<Futures> out = foresee(c.model, c.now, still, d, c.options);
    ASSERT_FALSE(out);
    EXPECT_NE(out.error().message.find(what), std::string::npos) << out.error().message;
  };
  says({certain(Parameter::kPayload, 0, -1)}, "negative");
  says({certain(Parameter::kPayload, 5, 1)}, "no such body");
  says({certain(Parameter::kFrictionFactor, 3, 2)}, "no such joint");
  says({{Parameter::kFriction, 0, Distribution::normal(1, 0.5), {}, {}, {}, {}}}, "3 deviations");
  c.options.check_period = Duration{6'000'000};
  says({}, "check period");
  c.options.check_period = Duration{20'000'000};
  EXPECT_NE(c.ask(still, {certain(Parameter::kFrictionFactor, 0, 2)}).notes.back().find("changes nothing"),
            std::string::npos);
}

}  // namespace
}  // namespace geoul::decision
