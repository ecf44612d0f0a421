// Unilateral and bounded rows of one island: the driver.
#include "geoul/dynamics/contact_solver.h"

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "geoul/dynamics/contact_solver_newton.h"

namespace geoul::dynamics {

namespace {
int SW=getenv("SW")?atoi(getenv("SW")):0; int SHIFT=getenv("SHIFT")?atoi(getenv("SHIFT")):0;int ONLY=getenv("ONLY")?atoi(getenv("ONLY")):0;
double OM=getenv("OM")?atof(getenv("OM")):1;
double P0=getenv("P0")?atof(getenv("P0")):1e-2;int IN=getenv("IN")?atoi(getenv("IN")):12;
int IDLE=getenv("IDLE")?atoi(getenv("IDLE")):3;
double FD=getenv("FD")?atof(getenv("FD")):0.1;
double FLOOR = getenv("FLOOR") ? atof(getenv("FLOOR")) : 1e-4;


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

// The way to the solution: sweeps, and Newton steps while they help.
struct Search {
  const RowOptions& options;
  RowWork& work;
  const Island& island;
  RowReport& report;
  rows::Newton newton{};
  bool analysed = false, newton_possible = true;
  Best best{};
  rows::Residual now{};

  void evaluate() {
    now = rows::evaluate(island);
    best.keep(island, now.most);
  }
  bool done() const {
    return !(now.most > options.tolerance) || report.iterations >= options.max_iterations;
  }
  void sweeps(int n, double relaxation = 1) {
    for (int i = 0; i < n && !done(); ++i) {
      rows::sweep(island, i % 2 == 1, relaxation);
      ++report.iterations;
      evaluate();
    }
  }
  void analyse() {
    analysed = true;
    newton_possible = rows::analyse(island, work.pattern, work.values, newton.sparse);
    if (!newton_possible) return;
    for (rows::Arena arena;;) {
      newton.D = arena.take<double>(36 * island.nblock);
      newton.r = arena.take<double>(island.nrow), newton.dp = arena.take<double>(island.nrow);
      newton.q = arena.take<double>(island.nrow), newton.centre = arena.take<double>(island.nrow);
      newton.y = arena.take<double>(island.nrow), newton.dy = arena.take<double>(island.nrow);
      newton.du = arena.take<double>(island.nu);
      if (arena.base) return;
      if (work.steps.size() < arena.used) work.steps.resize(arena.used);
      arena = {work.steps.data(), 0};
    }
  }
  int convex(double proximal, double tolerance, int most, bool exact) {
    if (!analysed) analyse();
    if (!newton_possible) return 0;
    const int steps = rows::convex_steps(island, newton, proximal, tolerance, most, exact);
    report.iterations += std::abs(steps);
    evaluate();
    return steps;
  }
  // One Newton step, shortened until the residual falls. False: it does not.
  bool step(double proximal) {
    if (!analysed) analyse();
    if (!newton_possible || !rows::newton_step(island, newton, proximal)) return false;
    ++report.iterations;
    std::copy_n(island.p, island.nrow, island.start);
    const double before = now.squares;
    for (double length = 1; length > 0.05; length *= 0.5) {
      for (int i = 0; i < island.nrow; ++i) island.p[i] = island.start[i] + length * newton.dp[i];
      for (int i = 0; i < island.nblock; ++i) rows::to_cone(island.blocks[i], island.p + island.blocks[i].row);
      evaluate();
      if (now.squares < (1 - 0.5 * length) * before) return true;
    }
    std::copy_n(island.start, island.nrow, island.p);
    now = rows::evaluate(island);
    return false;
  }
};

// Solves with the friction coefficients that the disks hold now.
void solve(Search& search) {
  search.best = {};
  search.evaluate();
  search.sweeps(4);
  while (!search.done() && search.step(1e-8)) {
  }
  if (ONLY) search.sweeps(1000000, OM);
  int cycle=0;
  double proximal = P0;
  double floor = FLOOR; int idle = 0; double mark = search.best.residual;
  while (!search.done()) {
    const double before = search.now.most;
    std::copy_n(search.island.p, search.island.nrow, search.island.start);
    int steps = search.convex(proximal, 1e-2 * search.now.most, IN, true);
    if (getenv("TRACE")) printf("exact %d: %d %g  %g\n", search.report.iterations, steps, proximal, search.now.most);
    if (steps <= 0) {
      std::copy_n(search.island.start, search.island.nrow, search.island.p);
      search.evaluate();
      steps = search.convex(proximal, 1e-2 * search.now.most, 30, false);
      if (getenv("TRACE")) printf("convex %d: %d %g  %g\n", search.report.iterations, steps, proximal, search.now.most);
    }
    if (steps < 0) proximal = std::min(proximal * 10, 1.0);
    else if (steps < 6) proximal = std::max(0.1 * proximal, floor);
    (void)before;
    while (!search.done() && search.step(1e-8)) {
    }
    if (search.best.residual < 0.5 * mark) {
      mark = search.best.residual, idle = 0;
    } else if (++idle >= IDLE) {
      search.sweeps(SW, ++cycle % 2 == 0 ? OM : 1);
      while (!search.done() && search.step(1e-8)) {
      }
      proximal = P0, idle = 0, floor = cycle % 5 == 0 ? FLOOR : FD * floor;
    }
    if (getenv("TRACE")) printf("   step %d: %g\n", search.report.iterations, search.now.most);
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
  Search search{options, work, island, report};
  for (int round = 0;; ++round) {
    solve(search);
    if (!std::isfinite(search.best.residual)) {
      std::fill(problem.impulse.begin(), problem.impulse.end(), 0.0);
      report.converged = false, report.residual = search.now.most;
      return report;
    }
    std::copy_n(island.best, island.nrow, island.p);
    report.residual = rows::evaluate(island).most;
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
