// The point of a box nearest to a target that keeps a few linear inequalities: the least change of a command.
//   minimise  sum_j weight_j (x_j - target_j)^2   over  low <= x <= high,  rows x <= bound
// Dual coordinate ascent: the box is kept exactly by clipping, one multiplier a row is moved at a time until its row is
// kept. Bounded sweeps, deterministic, nothing allocates; starts from the multipliers it is given. Source: Hildreth, A
// quadratic programming procedure, Naval Research Logistics Quarterly 4 (1957), with the box inside the inner minimum.
#pragma once

#include "geoul/decision/safety/robot.h"

namespace geoul::decision::safety {

struct Projection {
  static constexpr int kMostRows = 10;
  int n = 0, rows = 0;
  double target[kMostJoints], low[kMostJoints], high[kMostJoints], weight[kMostJoints];
  double row[kMostRows][kMostJoints], bound[kMostRows];
};
struct ProjectionReport {
  bool converged = false;  // every row kept to 1e-9 of its scale
  int sweeps = 0;
  double residual = 0;  // greatest violation of a row, in the row's unit
};
// multipliers (rows): in: where to start, >= 0; out: the last ones. x: out, (n), always within the box.
ProjectionReport project(const Projection& problem, double* multipliers, double* x);

}  // namespace geoul::decision::safety
