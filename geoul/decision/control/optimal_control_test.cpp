// iLQR against the Riccati equation and the bang of a limited effort; swing-ups by iLQR and MPPI; MPPI's bits.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "geoul/decision/control/ilqr.h"
#include "geoul/decision/control/mppi.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/world.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

constexpr double kNone = std::numeric_limits<double>::infinity();

// 2 kg on a spring of 8 N/m with 0.5 N.s/m: linear.
Scene oscillator() {
  Scene scene = cart(2, {1, 0, 0});
  scene.joints[0].stiffness = 8, scene.joints[0].damping = 0.5;
  scene.joints[0].effort_limit = scene::kUnlimited;
  return scene;
}

TrajectoryProblem regulation() {
  TrajectoryProblem out;
  out.degrees = {0}, out.limit = {kNone};
  out.dt = 0.02, out.steps = 60;
  out.cost = {{0}, {0}, {4}, {0.3}, {50}, {5}, {0.1}};
  return out;
}

TEST(Ilqr, OnALinearSystemIsTheRiccatiEquation) {
  const dynamics::Model model = dynamics::compiled(oscillator());
  const TrajectoryProblem problem = regulation();
  const std::vector<double> q = {0.7}, v = {-0.4};
  const IlqrReport out = ilqr(model, problem, q, v);
  ASSERT_TRUE(out.converged);
  EXPECT_LE(out.iterations, 4);
  // v+ = v + h a, q+ = q + h v+, 2 a = u - 8 q+ - 0.5 v+; backwards from the end's weight.
  const double h = problem.dt;
  Eigen::Matrix2d A, Q, P;
  const double m = 2 + 0.5 * h + 8 * h * h;
  const double vq = -8 * h / m, vv = 1 - (0.5 + 8 * h) * h / m, vu = h / m;
  A << 1 + h * vq, h * vv, vq, vv;
  const Eigen::Vector2d B(h * vu, vu);
  Q << 4 * h, 0, 0, 0.3 * h;
  P << 50, 0, 0, 5;
  std::vector<Eigen::RowVector2d> K(60);
  for (int t = 59; t >= 0; --t) {
    K[static_cast<std::size_t>(t)] = (B.transpose() * P * A) / (0.1 * h + B.dot(P * B));
    P = Q + A.transpose() * P * (A - B * K[static_cast<std::size_t>(t)]);
  }
  const Eigen::Vector2d x(0.7, -0.4);
  EXPECT_NEAR(out.cost, 0.5 * x.dot(P * x), 1e-8 * out.cost);
  for (std::size_t t = 0; t < 60; t += 7) {
    EXPECT_NEAR(out.gain[2 * t], K[t][0], 1e-5 * std::abs(K[t][0]) + 1e-7) << t;
    EXPECT_NEAR(out.gain[2 * t + 1], K[t][1], 1e-5 * std::abs(K[t][1]) + 1e-7) << t;
  }
  EXPECT_NEAR(out.u[0], -K[0].dot(x), 1e-6);
}

TEST(Ilqr, DerivativesAreThoseOfTheDynamics) {
  const dynamics::Model linear = dynamics::compiled(oscillator());
  const TrajectoryProblem problem = regulation();
  dynamics::Data data = make_data(linear);
  std::vector<double> A(4), B(2);
  smooth_derivatives(linear, problem, std::vector<double>{0.3}, std::vector<double>{0.2}, std::vector<double>{1}, data,
                     A, B);
  const double h = 0.02, m = 2 + 0.5 * h + 8 * h * h;
  EXPECT_NEAR(A[0], 1 - 8 * h * h / m, 1e-10);
  EXPECT_NEAR(A[1], h * (1 - (0.5 + 8 * h) * h / m), 1e-10);
  EXPECT_NEAR(A[2], -8 * h / m, 1e-10);
  EXPECT_NEAR(A[3], 1 - (0.5 + 8 * h) * h / m, 1e-10);
  EXPECT_NEAR(B[0], h * h / m, 1e-12);
  EXPECT_NEAR(B[1], h / m, 1e-12);
  // On the arm: what they foretell of a small change, to its square.
  const dynamics::Model arm = dynamics::compiled(arm7());
  TrajectoryProblem of_arm;
  of_arm.degrees = {0, 1, 2, 3, 4, 5, 6}, of_arm.dt = 0.01;
  dynamics::Data work = make_data(arm);
  std::vector<double> q = {0.1, 0.5, -0.3, -1.2, 0.4, 1, 0.2}, v = {0.3, -0.2, 0.5, 0.1, -0.4, 0.2, 0.6}, u(7, 2.0);
  std::vector<double> a(196), b(98), q0(7), v0(7), q1(7), v1(7);
  smooth_derivatives(arm, of_arm, q, v, u, work, a, b);
  smooth_step(arm, of_arm, q, v, u, work, q0, v0);
  const double e = 1e-4;
  std::vector<double> dx(21);
  for (std::size_t i = 0; i < 21; ++i) dx[i] = e * std::sin(1.0 + static_cast<double>(i));
  for (std::size_t i = 0; i < 7; ++i) q[i] += dx[i], v[i] += dx[7 + i], u[i] += dx[14 + i];
  smooth_step(arm, of_arm, q, v, u, work, q1, v1);
  for (std::size_t r = 0; r < 7; ++r) {
    double dq = 0, dv = 0;
    for (std::size_t c = 0; c < 14; ++c) dq += a[r * 14 + c] * dx[c], dv += a[(r + 7) * 14 + c] * dx[c];
    for (std::size_t c = 0; c < 7; ++c) dq += b[r * 7 + c] * dx[14 + c], dv += b[(r + 7) * 7 + c] * dx[14 + c];
    EXPECT_NEAR(q1[r] - q0[r], dq, 1e-7);
    EXPECT_NEAR(v1[r] - v0[r], dv, 2e-6);
  }
}

// A pendulum (1 kg, 1 m) hangs and must stand; 5 N.m cannot lift its 9.81 N.m: it must swing.
struct Swing {
  dynamics::Model model;
  TrajectoryProblem problem;
  std::vector<double> q, v = {0};
  double up = 0;

  Swing() : model(dynamics::compiled(pendulum())) {
    // Where gravity does nothing and the potential is highest.
    dynamics::Data data = make_data(model);
    double highest = -1e9, lowest = 1e9, down = 0;
    for (int k = 0; k < 3600; ++k) {
      const double x = -std::numbers::pi + k * std::numbers::pi / 1800;
      forward_kinematics(model, std::vector<double>{x}, v, data);
      const double height = energy(model, data, std::vector<double>{x}, v).potential;
      if (height > highest) highest = height, up = x;
      if (height < lowest) lowest = height, down = x;
    }
    q = {down};
    problem.degrees = {0}, problem.limit = {5};
    problem.dt = 0.02, problem.steps = 200;
    problem.cost = {{up}, {0}, {0.1}, {0.01}, {500}, {50}, {0.01}};
  }
};

TEST(Ilqr, SwingsAPendulumUpWithinItsLimit) {
  Swing swing;
  std::vector<double> first(200);
  for (std::size_t t = 0; t < 200; ++t) first[t] = 2 * std::sin(3.1 * 0.02 * static_cast<double>(t));
  const IlqrReport out = ilqr(swing.model, swing.problem, swing.q, swing.v, first, {500, 1e-9});
  EXPECT_NEAR(std::cos(out.q.back() - swing.up), 1, 1e-3);
  EXPECT_NEAR(out.v.back(), 0, 0.05);
  for (const double u : out.u) ASSERT_LE(std::abs(u), 5);
  for (std::size_t k = 1; k < out.costs.size(); ++k) ASSERT_LE(out.costs[k], out.costs[k - 1] + 1e-12);
}

TEST(Ilqr, BringsAnArmToItsGoal) {
  const dynamics::Model model = dynamics::compiled(arm7());
  TrajectoryProblem problem;
  problem.degrees = {0, 1, 2, 3, 4, 5, 6};
  problem.limit = {87, 87, 87, 87, 12, 12, 12};
  problem.dt = 0.02, problem.steps = 50;
  const std::vector<double> goal = {0.5, 0.4, -0.2, -1.0, 0.3, 0.9, 0.2};
  problem.cost = {goal,
                  std::vector<double>(7),
                  std::vector<double>(7, 1),
                  std::vector<double>(7, 0.1),
                  std::vector<double>(7, 1e4),
                  std::vector<double>(7, 1e2),
                  std::vector<double>(7, 1e-4)};
  const std::vector<double> zero(7);
  const IlqrReport out = ilqr(model, problem, zero, zero);
  EXPECT_TRUE(out.converged);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(out.q[50 * 7 + i], goal[i], 5e-3);
}

MppiOptions sampling() {
  MppiOptions out;
  out.samples = 200, out.steps_per_control = 4, out.deviation = {3}, out.hold = 10, out.temperature = 0.5;
  out.step.dt = Duration{5'000'000};
  out.step.contact = false;
  return out;
}

TEST(Mppi, SwingsAPendulumUpAndHoldsIt) {
  Swing swing;
  swing.problem.steps = 100;  // 2 s ahead
  swing.problem.cost = {{swing.up}, {0}, {10}, {0.1}, {50}, {5}, {0.01}};
  Result<Mppi> mppi = Mppi::make(swing.model, swing.problem, sampling());
  ASSERT_TRUE(mppi) << (mppi ? "" : mppi.error().message);
  dynamics::World world(pendulum());
  world.state.q = swing.q, world.state.v = {0};
  world.options.dt = Duration{5'000'000};
  double worst = 0;
  for (int t = 0; t < 500; ++t) {  // 10 s
    std::vector<double> effort(1);
    mppi->plan(world.state.q, world.state.v, effort);
    ASSERT_LE(std::abs(effort[0]), 5);
    mppi->move_on();
    world.controls.effort = effort;
    for (int s = 0; s < 4; ++s) dynamics::step(world);
    if (t >= 450) worst = std::max(worst, std::abs(std::remainder(world.state.q[0] - swing.up, 2 * std::numbers::pi)));
  }
  EXPECT_LT(worst, 0.3);
}

TEST(Mppi, HasTheSameBitsForAnyNumberOfThreads) {
  Swing swing;
  swing.problem.steps = 20;
  std::vector<std::vector<double>> plans;
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    MppiOptions options = sampling();
    options.step.pool = &pool;
    Result<Mppi> mppi = Mppi::make(swing.model, swing.problem, options);
    ASSERT_TRUE(mppi);
    EXPECT_TRUE(mppi->in_lanes());
    std::vector<double> effort(1), all;
    for (int t = 0; t < 5; ++t) {
      const MppiReport report = mppi->plan(swing.q, swing.v, effort);
      EXPECT_GE(report.effective, 1);
      EXPECT_LE(report.least, report.mean);
      all.push_back(effort[0]);
    }
    plans.push_back(all);
  }
  EXPECT_EQ(plans[0], plans[1]);
  EXPECT_EQ(plans[0], plans[2]);
  swing.problem.dt = 0.03;
  EXPECT_FALSE(Mppi::make(swing.model, swing.problem, sampling()));
}

// Planned again from the same state the mean goes down the slope: towards the optimum, which iLQR knows.
TEST(Mppi, PlansGetBetterFromTheSameState) {
  const dynamics::Model model = dynamics::compiled(oscillator());
  const TrajectoryProblem problem = regulation();
  MppiOptions options = sampling();
  options.temperature = 0.05, options.deviation = {2};
  Result<Mppi> mppi = Mppi::make(model, problem, options);
  ASSERT_TRUE(mppi);
  const std::vector<double> q = {0.7}, v = {-0.4};
  std::vector<double> effort(1);
  const double first = mppi->plan(q, v, effort).least;
  double last = first;
  for (int k = 0; k < 60; ++k) last = mppi->plan(q, v, effort).least;
  const double optimum = ilqr(model, problem, q, v).cost;
  EXPECT_LT(last, first);
  EXPECT_LT(last, 1.2 * optimum);
  EXPECT_GT(last, 0.9 * optimum);  // the twin steps four times finer: another discretisation
}

}  // namespace
}  // namespace geoul::decision
