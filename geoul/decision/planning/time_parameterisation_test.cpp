// Timing of paths against the closed forms of one mass: bang-bang, trapezoid, effort with weight; and on an arm by
// measuring limits and by the condition of time optimality.
#include "geoul/decision/planning/time_parameterisation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/core/random.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

constexpr double kNone = std::numeric_limits<double>::infinity();

struct Cart {
  dynamics::Model model;
  scene::State now;
  explicit Cart(const Scene& scene) : model(dynamics::compiled(scene)), now(make_state(model)) {}
  Timing along(double way, const PathLimits& limits, TimingOptions options = {}) {
    const Result<Path> path = make_path(std::vector<double>{0, way}, 1);
    return time_path(model, now, {0}, *path, limits, options);
  }
};

TEST(TimeParameterisation, OfADoubleIntegratorIsBangBang) {
  Cart cart(scenarios::cart(2, {1, 0, 0}));
  const Timing out = cart.along(0.8, {{kNone}, {5}, {}});
  ASSERT_TRUE(out.feasible) << out.words;
  EXPECT_NEAR(out.duration, 2 * std::sqrt(0.8 / 5), 1e-6);
  EXPECT_NEAR(out.speed[200], std::sqrt(0.8 * 5), 1e-6);  // halfway: v^2 = 2 a d / 2
  EXPECT_NEAR(out.acceleration_share, 1, 1e-6);
}

TEST(TimeParameterisation, OfALimitedSpeedIsATrapezoid) {
  Cart cart(scenarios::cart(2, {1, 0, 0}));
  const Timing out = cart.along(1, {{0.5}, {2}, {}});
  ASSERT_TRUE(out.feasible);
  EXPECT_NEAR(out.duration, 1 / 0.5 + 0.5 / 2, 1e-4);
  EXPECT_LE(out.velocity_share, 1 + 1e-9);
}

// Upwards with effort F: (F - m g) / m to speed up, (F + m g) / m to slow down; way d = v^2 / 2 (1/a1 + 1/a2).
TEST(TimeParameterisation, OfALimitedEffortKnowsWeightAndFriction) {
  Scene scene = scenarios::cart(2, {0, 0, 1});
  scene.joints[0].friction = 3;
  Cart cart(scene);
  const double up = (30 - 3 - 2 * 9.81) / 2, down = (30 + 3 + 2 * 9.81) / 2, way = 0.7;
  const Timing out = cart.along(way, {{kNone}, {kNone}, {30}});
  ASSERT_TRUE(out.feasible) << out.words;
  const double v = std::sqrt(2 * way / (1 / up + 1 / down));
  EXPECT_NEAR(out.duration, v / up + v / down, 1e-3 * out.duration);  // the grid: the peak lies between two places
  EXPECT_NEAR(out.effort_share, 1, 1e-6);
  const Timing weak = cart.along(way, {{kNone}, {kNone}, {15}});
  EXPECT_FALSE(weak.feasible);
  EXPECT_FALSE(weak.words.empty());
}

TEST(TimeParameterisation, StartAndEndSpeedsAreKeptOrRefused) {
  Cart cart(scenarios::cart(2, {1, 0, 0}));
  TimingOptions options;
  options.start_speed = 0.4, options.end_speed = 0.3;
  const Timing out = cart.along(1, {{0.5}, {2}, {}}, options);
  ASSERT_TRUE(out.feasible);
  EXPECT_NEAR(out.speed.front(), 0.4, 1e-9);
  EXPECT_NEAR(out.speed.back(), 0.3, 1e-9);
  options.end_speed = 0.6;
  EXPECT_NE(cart.along(1, {{0.5}, {2}, {}}, options).words.find("at the end"), std::string::npos);
  options.end_speed = 0, options.start_speed = 0.5;
  EXPECT_NE(cart.along(0.01, {{0.5}, {2}, {}}, options).words.find("at the start"), std::string::npos);
}

TEST(Path, PassesItsWaypointsWithContinuousCurvature) {
  const std::vector<double> points = {0, 1, 0.5, 0.3, 1, -0.4, 2, 0.2, 2.5, 1};
  const Result<Path> path = make_path(points, 2);
  ASSERT_TRUE(path);
  std::vector<double> q(2), dq(2), ddq(2), before(2), db(2), ddb(2);
  for (std::size_t k = 0; k < 5; ++k) {
    evaluate(*path, path->s[k], q, dq, ddq);
    EXPECT_NEAR(q[0], points[2 * k], 1e-12);
    EXPECT_NEAR(q[1], points[2 * k + 1], 1e-12);
    evaluate(*path, path->s[k] - 1e-9, before, db, ddb);
    for (int i : {0, 1}) EXPECT_NEAR(ddb[static_cast<std::size_t>(i)], ddq[static_cast<std::size_t>(i)], 1e-6);
  }
  for (double s = 0.05; s < path->s.back(); s += 0.11) {  // derivatives by differences
    std::vector<double> ahead(2), da(2), dda(2);
    evaluate(*path, s, q, dq, ddq), evaluate(*path, s + 1e-6, ahead, da, dda),
        evaluate(*path, s - 1e-6, before, db, ddb);
    EXPECT_NEAR((ahead[1] - before[1]) / 2e-6, dq[1], 1e-7);
    EXPECT_NEAR((da[1] - db[1]) / 2e-6, ddq[1], 1e-7);
  }
  EXPECT_FALSE(make_path(std::vector<double>{1, 2}, 2));
  EXPECT_FALSE(make_path(std::vector<double>{1, 2, 1, 2}, 2));
  EXPECT_FALSE(make_path(std::vector<double>{1, std::nan("")}, 1));
}

// No limit is passed, and at every place some limit is reached (else it could be gone faster).
TEST(TimeParameterisation, OfAnArmReachesALimitEverywhereAndPassesNone) {
  const dynamics::Model model = dynamics::compiled(arm7());
  const scene::State now = make_state(model);
  const std::vector<int> degrees = controlled_degrees(model);
  Random random(11);
  std::vector<double> points;
  for (int k = 0; k < 6; ++k) {
    for (int i = 0; i < 7; ++i) points.push_back(random.uniform(-1.5, 1.5));
  }
  const Result<Path> path = make_path(points, 7);
  ASSERT_TRUE(path);
  const PathLimits limits{std::vector<double>(7, 2), std::vector<double>(7, 8), {87, 87, 87, 87, 12, 12, 12}};
  const Timing out = time_path(model, now, degrees, *path, limits);
  ASSERT_TRUE(out.feasible) << out.words;
  EXPECT_LE(out.velocity_share, 1 + 1e-6);
  EXPECT_LE(out.acceleration_share, 1 + 1e-6);
  EXPECT_LE(out.effort_share, 1 + 1e-6);
  // The action keeps them too, between the grid's places to a part of its width.
  double velocity = 0, acceleration = 0;
  for (const double v : out.action.velocity) velocity = std::max(velocity, std::abs(v) / 2);
  for (const double a : out.action.acceleration) acceleration = std::max(acceleration, std::abs(a) / 8);
  EXPECT_LE(velocity, 1.005);
  EXPECT_LE(acceleration, 1.05);
  EXPECT_EQ(problem(out.action, model), "");
  EXPECT_NEAR(out.action.position.back(), points.back(), 1e-9);
  // A tenth more speed everywhere breaks a limit; a finer grid finds the same time.
  PathLimits tight = limits;
  for (double& v : tight.velocity) v *= 0.9;
  for (double& a : tight.acceleration) a *= 0.81;
  tight.effort.clear();
  PathLimits loose = limits;
  loose.effort.clear();
  // Without efforts all limits scale with time: 1 / 0.9 of the duration exactly.
  EXPECT_NEAR(time_path(model, now, degrees, *path, tight).duration,
              time_path(model, now, degrees, *path, loose).duration / 0.9, 1e-6);
  TimingOptions fine;
  fine.intervals = 1600;
  EXPECT_NEAR(time_path(model, now, degrees, *path, limits, fine).duration, out.duration, 0.005 * out.duration);
}

// Another program's answer: toppra 0.6.10 with the same spline, limits and grid, by tools/oracles/toppra_durations.py.
TEST(TimeParameterisation, TakesAsLongAsToppraSays) {
  struct Case {
    int joints, points;
    double duration;  // at 400 intervals [s]
  };
  for (const Case& c : {Case{3, 5, 3.726884}, {6, 9, 7.761980}, {7, 6, 4.924588}}) {
    const dynamics::Model model = dynamics::compiled(arm7());
    std::vector<double> points;
    std::vector<int> degrees;
    for (int k = 0; k < c.points; ++k) {
      for (int i = 0; i < c.joints; ++i) points.push_back(1.2 * std::sin(1.7 * k + 0.9 * i * i));
    }
    for (int i = 0; i < c.joints; ++i) degrees.push_back(i);
    const Result<Path> path = make_path(points, c.joints);
    const auto n = static_cast<std::size_t>(c.joints);
    const PathLimits limits{std::vector<double>(n, 2), std::vector<double>(n, 8), {}};
    const Timing out = time_path(model, make_state(model), degrees, *path, limits);
    ASSERT_TRUE(out.feasible) << out.words;
    EXPECT_NEAR(out.duration, c.duration, 1e-4 * c.duration) << c.joints << " joints";
  }
}

}  // namespace
}  // namespace geoul::decision
