// Unilateral and bounded rows of one island: the driver.
#include "geoul/dynamics/contact_solver.h"

#include "geoul/core/contract.h"
#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics {

namespace {

using rows::Block;
using rows::Disk;
using rows::Island;

// Best impulses seen, and how good they were.
struct Best {
  double residual = std::numeric_limits<double>::infinity();

  void keep(const Island& island, double now) {
    if (!(now < residual)) return;
    residual = now;
    std::copy_n(island.p, island.nrow, island.best);
  }
};

// Solves with the friction coefficients that the disks hold now.
void solve(const RowOptions& options, const Island& island, RowReport& report, Best& best) {
  double residual = rows::evaluate(island);
  best.keep(island, residual);
  if (!std::isfinite(residual) || residual <= options.tolerance) return;
  bool backwards = false;
  for (; report.iterations < options.max_iterations; ++report.iterations) {
    rows::sweep(island, backwards);
    backwards = !backwards;
    residual = rows::evaluate(island);
    best.keep(island, residual);
    if (residual <= options.tolerance) return;
  }
}

// Contacts that slip beyond static friction keep `friction` from now on.
bool lower_friction(const Island& island, double tolerance) {
  bool lowered = false;
  for (int i = 0; i < island.nblock; ++i) {
    Block& block = island.blocks[i];
    if (block.law != RowLaw::kContact || !(block.disk[0].coefficient > block.friction)) continue;
    const double* w = island.w + block.row;
    if (island.p[block.row] <= 0 || w[1] * w[1] + w[2] * w[2] <= 100 * tolerance * tolerance) continue;
    block.disk[0].coefficient = block.friction;
    lowered = true;
  }
  return lowered;
}

void judge(const Island& island, RowReport& report) {
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    const double *p = island.p + block.row, *w = island.w + block.row;
    if (block.law == RowLaw::kBounded) continue;
    report.cone = std::max(report.cone, -p[0]);
    report.complementarity = std::max(report.complementarity, std::abs(p[0] * w[0]));
    for (int k = 0; k < block.disks; ++k) {
      const Disk& disk = block.disk[k];
      const double x = p[disk.first], y = disk.n == 2 ? p[disk.first + 1] : 0;
      report.cone = std::max(report.cone, std::sqrt(x * x + y * y) - disk.coefficient * p[0]);
    }
  }
}

}  // namespace

RowReport solve_rows(const RowOptions& options, RowProblem& problem, std::span<double> v, RowWork& work) {
  RowReport report;
  if (problem.blocks.empty()) return report;
  Island island;
  rows::pack(problem, v, work, island);
  rows::prepare(island);
  for (int i = 0; i < island.nblock; ++i) rows::to_cone(island.blocks[i], island.p + island.blocks[i].row);
  for (int round = 0;; ++round) {
    Best best;
    solve(options, island, report, best);
    if (!std::isfinite(best.residual)) {
      std::fill(problem.impulse.begin(), problem.impulse.end(), 0.0);
      report.converged = false, report.residual = best.residual;
      return report;
    }
    std::copy_n(island.best, island.nrow, island.p);
    report.residual = rows::evaluate(island);
    report.converged = report.residual <= options.tolerance;
    if (!lower_friction(island, options.tolerance)) break;
    for (int i = 0; i < island.nblock; ++i) rows::to_cone(island.blocks[i], island.p + island.blocks[i].row);
  }
  judge(island, report);
  std::copy_n(island.p, island.nrow, problem.impulse.data());
  for (int i = 0; i < island.nnode; ++i) {
    std::copy(island.u + island.node_u[i], island.u + island.node_u[i + 1], v.data() + island.node_v[i]);
  }
  return report;
}

}  // namespace geoul::dynamics
