#include "geoul/decision/safety/projection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/core/random.h"

namespace geoul::decision::safety {
namespace {

Projection some_problem(Random& random, int n, int rows) {
  Projection p;
  p.n = n, p.rows = rows;
  for (int j = 0; j < n; ++j) {
    p.target[j] = random.uniform(-1.5, 1.5), p.low[j] = -1, p.high[j] = 1, p.weight[j] = random.uniform(0.5, 2);
  }
  for (int r = 0; r < rows; ++r) {
    double at_zero = 0;  // so that zero keeps every row
    for (int j = 0; j < n; ++j) p.row[r][j] = random.uniform(-1, 1);
    p.bound[r] = at_zero + random.uniform(0.05, 1);
  }
  return p;
}
double cost(const Projection& p, const double* x) {
  double sum = 0;
  for (int j = 0; j < p.n; ++j) sum += p.weight[j] * (x[j] - p.target[j]) * (x[j] - p.target[j]);
  return sum;
}
bool keeps(const Projection& p, const double* x) {
  for (int r = 0; r < p.rows; ++r) {
    double sum = 0;
    for (int j = 0; j < p.n; ++j) sum += p.row[r][j] * x[j];
    if (sum > p.bound[r] + 1e-8) return false;
  }
  return true;
}

TEST(Projection, LeavesATargetThatKeepsEverythingAlone) {
  Random random(1);
  Projection p = some_problem(random, 7, 5);
  for (int j = 0; j < 7; ++j) p.target[j] = 0;
  double multipliers[Projection::kMostRows] = {}, x[kMostJoints];
  EXPECT_TRUE(project(p, multipliers, x).converged);
  for (int j = 0; j < 7; ++j) EXPECT_EQ(x[j], 0);
}

// One row and no box: x = target - (row target - bound) / |row|^2 row.
TEST(Projection, OntoOnePlaneIsTheClosedForm) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    Projection p = some_problem(random, 4, 1);
    double over = -p.bound[0], length = 0;
    for (int j = 0; j < 4; ++j) {
      p.low[j] = -1e3, p.high[j] = 1e3, p.weight[j] = 1;
      over += p.row[0][j] * p.target[j], length += p.row[0][j] * p.row[0][j];
    }
    double multipliers[Projection::kMostRows] = {}, x[kMostJoints];
    ASSERT_TRUE(project(p, multipliers, x).converged);
    for (int j = 0; j < 4; ++j) EXPECT_NEAR(x[j], p.target[j] - std::max(0.0, over) / length * p.row[0][j], 1e-9);
  }
}

// The conditions of Karush, Kuhn and Tucker say that it is the nearest; random points that keep all are no nearer.
TEST(Projection, NoPointThatKeepsEverythingIsNearer) {
  Random random(3);
  int converged = 0, active = 0;
  for (int i = 0; i < 300; ++i) {
    const Projection p = some_problem(random, 7, 1 + int(random.integer(6)));
    double multipliers[Projection::kMostRows] = {}, x[kMostJoints];
    const ProjectionReport report = project(p, multipliers, x);
    if (!report.converged) continue;
    ++converged;
    for (int r = 0; r < p.rows; ++r) active += multipliers[r] > 0;
    EXPECT_TRUE(keeps(p, x));
    double best = cost(p, x);
    for (int k = 0; k < 2'000; ++k) {
      double y[kMostJoints];
      const double near = random.uniform(0, 0.3);
      for (int j = 0; j < 7; ++j) y[j] = std::clamp(x[j] + near * random.uniform(-1, 1), -1.0, 1.0);
      // The sweeps end within 1e-9 of the rows, not at the exact optimum: a hundredth of a percent is allowed for.
      if (!keeps(p, y)) continue;
      EXPECT_GE(cost(p, y), best * (1 - 1e-4) - 1e-9);
    }
  }
  EXPECT_GT(converged, 250);
  EXPECT_GT(active, 200);
}

TEST(Projection, WhatCannotBeKeptIsReported) {
  Projection p;
  p.n = 1, p.rows = 2;
  p.target[0] = 0, p.low[0] = -1, p.high[0] = 1, p.weight[0] = 1;
  p.row[0][0] = 1, p.bound[0] = -0.5;   // x <= -0.5
  p.row[1][0] = -1, p.bound[1] = -0.5;  // x >= 0.5
  double multipliers[Projection::kMostRows] = {}, x[kMostJoints];
  const ProjectionReport report = project(p, multipliers, x);
  EXPECT_FALSE(report.converged);
  EXPECT_GE(report.residual, 0.4);
  EXPECT_LE(std::abs(x[0]), 1);
}

TEST(Projection, AWarmStartEndsAtTheSamePoint) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const Projection p = some_problem(random, 7, 3);
    double cold[Projection::kMostRows] = {}, x[kMostJoints], y[kMostJoints];
    const ProjectionReport first = project(p, cold, x);
    const ProjectionReport again = project(p, cold, y);
    if (!first.converged) continue;
    EXPECT_LE(again.sweeps, first.sweeps);
    for (int j = 0; j < 7; ++j) EXPECT_NEAR(x[j], y[j], 1e-4);
  }
}

}  // namespace
}  // namespace geoul::decision::safety
