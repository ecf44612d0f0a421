// The row solver against closed forms, an independent check of its laws, and other ways to the same answer.
#include "geoul/dynamics/contact_solver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/contact_solver_problems.h"

namespace geoul::dynamics {
namespace {

using problems::Friction;
using problems::Point;
using problems::RandomOptions;
using problems::World;

struct Solved {
  RowProblem problem;
  std::vector<double> v;
  RowReport report;
};

Solved solve(const World& world, RowOptions options = {}) {
  Solved out{world.problem, world.v, {}};
  RowWork work;
  out.report = solve_rows(options, out.problem, out.v, work);
  return out;
}

// Largest violation of the laws [m/s], from the header's words alone: v and w by plain sums.
double violation(const World& world, const Solved& s) {
  const RowProblem& problem = s.problem;
  std::vector<double> v = world.v;
  for (std::size_t r = 0; r < problem.rows.size(); ++r) {
    for (const RowPart& part : problem.rows[r].part) {
      for (int k = 0; k < part.n; ++k) {
        v[static_cast<std::size_t>(part.v + k)] +=
            problem.W[part.at + static_cast<std::size_t>(k)] * problem.impulse[r];
      }
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < v.size(); ++i) worst = std::max(worst, std::abs(v[i] - s.v[i]));
  std::vector<double> w, g;
  for (std::size_t r = 0; r < problem.rows.size(); ++r) {
    w.push_back(problem.compliance[r] * problem.impulse[r] - problem.target[r]);
    g.push_back(problem.compliance[r]);
    for (const RowPart& part : problem.rows[r].part) {
      for (std::size_t k = 0; k < static_cast<std::size_t>(part.n); ++k) {
        w[r] += problem.J[part.at + k] * v[static_cast<std::size_t>(part.v) + k];
        g[r] += problem.J[part.at + k] * problem.W[part.at + k];
      }
    }
  }
  for (const RowBlock& block : problem.blocks) {
    const auto r = static_cast<std::size_t>(block.row);
    const double p = problem.impulse[r];
    if (block.law == RowLaw::kBounded) {
      EXPECT_LE(p, block.upper);
      EXPECT_GE(p, block.lower);
      if (w[r] < 0) worst = std::max(worst, std::min(-w[r], g[r] * (block.upper - p)));
      if (w[r] > 0) worst = std::max(worst, std::min(w[r], g[r] * (p - block.lower)));
      continue;
    }
    EXPECT_GE(p, 0);
    worst = std::max({worst, -w[r], std::min(w[r], g[r] * p)});
    if (block.law == RowLaw::kUnilateral) continue;
    const double coefficient[3] = {block.friction, block.torsion, block.rolling};
    for (int d = 0; d < (block.rows == 3 ? 1 : block.rows == 4 ? 2 : 3); ++d) {
      const std::size_t at = r + (d == 0 ? 1u : d == 1 ? 3u : 4u), n = d == 1 ? 1 : 2;
      double pp = 0, ww = 0;
      for (std::size_t k = at; k < at + n; ++k) {
        pp += problem.impulse[k] * problem.impulse[k], ww += w[k] * w[k];
      }
      const double slip = std::sqrt(ww), radius = coefficient[d] * p;
      const double grip = d == 0 ? std::max(block.static_friction, block.friction) * p : radius;
      EXPECT_LE(std::sqrt(pp), grip * (1 + 1e-12) + 1e-300);
      if (slip == 0) continue;
      // against the slip and on the rim, or without slip
      double turned = 0;
      for (std::size_t k = at; k < at + n; ++k) {
        const double x = w[k] + slip * (pp > 0 ? problem.impulse[k] / std::sqrt(pp) : 0);
        turned += x * x;
      }
      turned = std::min(std::sqrt(turned), 2 * g[at] * radius);
      worst = std::max(worst, std::min(slip, std::max(turned, g[at] * std::abs(radius - std::sqrt(pp)))));
    }
  }
  return worst;
}

constexpr double kDt = 1e-3, kGravity = 9.81;

// A box of 1 kg and side 1 m on the ground, with gravity turned by `angle` towards x: a slope.
World slope(double angle, const Friction& friction, double vx = 0) {
  World world;
  world.add(problems::box({0, 0, 0.5}, 1, 1), {0, 0, 0, vx, 0, 0});
  for (const double x : {-0.5, 0.5}) {
    for (const double y : {-0.5, 0.5}) world.add_contact(-1, 0, {x, y, 0}, {0, 0, 1}, friction);
  }
  world.accelerate({kGravity * std::sin(angle), 0, -kGravity * std::cos(angle)}, kDt);
  return world;
}

TEST(ContactSolver, HoldsABoxJustBelowTheFrictionAngle) {
  const World world = slope(0.99 * std::atan(0.5), {0.5, 0.5});
  const Solved s = solve(world);
  EXPECT_TRUE(s.report.converged);
  for (const double v : s.v) EXPECT_NEAR(v, 0, 2e-10);
  EXPECT_LT(violation(world, s), 2e-10);
}

TEST(ContactSolver, LetsABoxSlideJustAboveTheFrictionAngle) {
  const double angle = 1.01 * std::atan(0.5);
  const World world = slope(angle, {0.5, 0.5});
  const Solved s = solve(world);
  EXPECT_TRUE(s.report.converged);
  EXPECT_NEAR(s.v[3], kDt * kGravity * (std::sin(angle) - 0.5 * std::cos(angle)), 1e-9);
  EXPECT_NEAR(s.v[5], 0, 2e-10);
  EXPECT_LT(violation(world, s), 2e-10);
}

TEST(ContactSolver, FindsLawfulAnswersToRandomProblems) {
  Random random(1);
  int unsolved = 0;
  double worst = 0;
  for (int i = 0; i < 1000; ++i) {
    const World world = problems::random_world(random, {.bodies = 2 + i % 5, .contacts = 3 + i % 10});
    const Solved s = solve(world, {.tolerance = 1e-9});
    unsolved += !s.report.converged;
    if (s.report.converged) worst = std::max(worst, violation(world, s));
  }
  EXPECT_LE(unsolved, 5);  // of 1,000 with mass ratios up to 1e6; they say so
  EXPECT_LT(worst, 1e-6);
}

}  // namespace
}  // namespace geoul::dynamics
