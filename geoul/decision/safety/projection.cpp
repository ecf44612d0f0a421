#include "geoul/decision/safety/projection.h"

#include <algorithm>
#include <cmath>

namespace geoul::decision::safety {
namespace {

constexpr int kSweeps = 12, kNewton = 8;

double value(const Projection& p, int r, const double* x) {
  double sum = -p.bound[r];
  for (int j = 0; j < p.n; ++j) sum += p.row[r][j] * x[j];
  return sum;
}

// x_j of the multipliers' pull c_j = sum_r multiplier_r row_rj.
double inner(const Projection& p, int j, double pull) {
  return std::clamp(p.target[j] - pull / p.weight[j], p.low[j], p.high[j]);
}

// Moves one multiplier until its row is kept with equality, or to 0 where it is kept without.
void move(const Projection& p, int r, double* multipliers, double* pull, double* x) {
  double least = 0, most = 1e300, m = multipliers[r];
  double base[kMostJoints];
  for (int j = 0; j < p.n; ++j) base[j] = pull[j] - m * p.row[r][j];
  for (int i = 0; i < kNewton; ++i) {
    double slope = 0;
    for (int j = 0; j < p.n; ++j) {
      const double free = p.target[j] - (base[j] + m * p.row[r][j]) / p.weight[j];
      x[j] = std::clamp(free, p.low[j], p.high[j]);
      if (free >= p.low[j] && free <= p.high[j]) slope += p.row[r][j] * p.row[r][j] / p.weight[j];
    }
    const double left = value(p, r, x);
    (left > 0 ? least : most) = m;
    if (left <= 0 && m == 0) break;
    if (slope <= 0) {  // all that the row moves stands at the box: more pull changes nothing, less may
      if (left > 0) break;
      m = 0.5 * (least + m);
      continue;
    }
    const double next = std::max(0.0, m + left / slope);
    if (std::abs(next - m) <= 1e-14 * (1 + m)) break;
    m = next > least && next < most ? next : (most < 1e300 ? 0.5 * (least + most) : next);
  }
  multipliers[r] = m;
  for (int j = 0; j < p.n; ++j) pull[j] = base[j] + m * p.row[r][j], x[j] = inner(p, j, pull[j]);
}

}  // namespace

ProjectionReport project(const Projection& p, double* multipliers, double* x) {
  double pull[kMostJoints] = {};
  for (int r = 0; r < p.rows; ++r) {
    for (int j = 0; j < p.n; ++j) pull[j] += multipliers[r] * p.row[r][j];
  }
  for (int j = 0; j < p.n; ++j) x[j] = inner(p, j, pull[j]);
  ProjectionReport report;
  for (report.sweeps = 1; report.sweeps <= kSweeps; ++report.sweeps) {
    double change = 0;
    for (int r = 0; r < p.rows; ++r) {
      const double before = multipliers[r];
      move(p, r, multipliers, pull, x);
      change = std::max(change, std::abs(multipliers[r] - before) / (1 + before));
    }
    report.residual = 0;
    double scale = 0;
    for (int r = 0; r < p.rows; ++r) {
      report.residual = std::max(report.residual, value(p, r, x));
      scale = std::max(scale, std::abs(p.bound[r]));
    }
    report.converged = report.residual <= 1e-9 * (1 + scale);
    if (report.converged && change <= 1e-9) break;
  }
  report.sweeps = std::min(report.sweeps, kSweeps);
  return report;
}

}  // namespace geoul::decision::safety
