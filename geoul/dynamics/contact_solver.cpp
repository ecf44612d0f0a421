// Unilateral and bounded rows of one island: the driver.
#include "geoul/dynamics/contact_solver.h"
#include "geoul/core/clones.h"

#include <limits>

#include "geoul/dynamics/contact_solver_newton.h"

namespace geoul::dynamics {

namespace {

using rows::Block;
using rows::Disk;
using rows::Island;

constexpr int kMany = 100;        // blocks
constexpr double kNear = 1e-5;    // [m/s] guesses as good as that go to Newton steps at once
constexpr int kMostNewton = 250;  // nodes of an island that Newton steps are tried on: their fill grows faster

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
  rows::Newton memory{};
  bool analysed = false, newton_possible = true;
  Best best{};
  rows::Residual now{};
  double share = 0;

  void evaluate() {
    now = rows::evaluate(island);
    best.keep(island, now.most);
  }
  bool done() const { return !(now.most > options.tolerance) || report.iterations >= options.max_iterations; }
  void sweeps(int n, double relaxation = 1) {
    for (int i = 0; i < n && !done(); ++i) {
      rows::sweep(island, i % 2 == 1, relaxation);
      ++report.iterations;
      evaluate();
    }
  }
  // Sweeps as the gradient of a nonlinear conjugate gradient method: for islands of many blocks.
  void conjugate_sweeps(int n) {
    constexpr int kBetween = 8;  // residuals cost as much as a sweep
    double last = 0;
    for (int i = 1; i <= n && !done(); ++i) {
      last = rows::conjugate_sweep(island, last);
      ++report.iterations;
      if (i % kBetween == 0 || i == n) evaluate();
    }
  }
  void analyse() {
    analysed = true;
    memory.dense = rows::prefers_dense(island);
    newton_possible = memory.dense ||
                      (island.nnode <= kMostNewton && rows::analyse(island, work.pattern, work.values, memory.sparse));
    if (!newton_possible) return;
    for (rows::Arena arena;;) {
      memory.D = arena.take<double>(36 * island.nblock);
      memory.r = arena.take<double>(island.nrow), memory.dp = arena.take<double>(island.nrow);
      memory.q = arena.take<double>(island.nrow), memory.centre = arena.take<double>(island.nrow);
      memory.y = arena.take<double>(island.nrow), memory.dy = arena.take<double>(island.nrow);
      memory.du = arena.take<double>(island.nu);
      const int square = memory.dense ? island.nrow * rows::padded(island.nrow) : 0;
      memory.G = arena.take<double>(square), memory.A = arena.take<double>(square);
      memory.panel = arena.take<double>(memory.dense ? island.nu * rows::padded(island.nrow) : 0);
      if (arena.base) break;
      if (work.steps.size() < arena.used) work.steps.resize(arena.used);
      arena = {work.steps.data(), 0};
    }
    if (memory.dense) rows::set_delassus(island, memory);
  }
  // Moves the centre of the proximal point method by one inner solve: of the exact law, or where that finds no way
  // down, of the convex one. Returns the Newton steps, negative where both were cut short.
  int centre(double proximal) {
    if (!analysed) analyse();
    if (!newton_possible) return sweeps(20), 0;
    std::copy_n(island.p, island.nrow, island.start);
    int steps = rows::inner_steps(island, memory, proximal, 1e-2 * now.most, 25, rows::Law::kExact);
    report.iterations += std::abs(steps);
    evaluate();
    if (steps > 0 || done()) return steps;
    std::copy_n(island.start, island.nrow, island.p);
    now = rows::evaluate(island);
    steps = rows::inner_steps(island, memory, proximal, 1e-2 * now.most, 30, rows::Law::kConvex);
    report.iterations += std::abs(steps);
    evaluate();
    return steps;
  }
  // Newton steps while they help. The compliance of the steps falls where it is what limits them.
  void newton() {
    double proximal = 1e-7;
    for (int slow = 0, limited = 0; slow < 8 && !done();) {
      const double before = now.squares, length = step(proximal);
      if (!(length > 0)) return;
      if (now.squares < 1e-2 * before) continue;
      if (length == 1 && ++limited >= 2) proximal = std::max(0.1 * proximal, 1e-10);
      slow += now.squares > 0.25 * before;
    }
  }
  // One Newton step, shortened until the residual falls. Returns its length, 0 where it does not.
  double step(double proximal) {
    if (!analysed) analyse();
    if (!newton_possible || !rows::newton_step(island, memory, proximal)) return 0;
    ++report.iterations;
    std::copy_n(island.p, island.nrow, island.start);
    const double before = now.squares;
    for (double length = 1; length > 0.05; length *= 0.5) {
      for (int i = 0; i < island.nrow; ++i) island.p[i] = island.start[i] + length * memory.dp[i];
      for (int i = 0; i < island.nblock; ++i) rows::to_cone(island.blocks[i], island.p + island.blocks[i].row);
      evaluate();
      if (now.squares < (1 - 0.5 * length) * before) return length;
    }
    std::copy_n(island.start, island.nrow, island.p);
    now = rows::evaluate(island);
    return 0;
  }
};

// BlockReport::share, with w at the guess.
double share_of_guess(const Search& search) {
  constexpr double kAlmost = 1e-8;  // [m/s]
  if (search.done() || !(search.now.most < kAlmost)) return 0;
  const Island& island = search.island;
  double asked = 0, all = 0;
  for (int r = 0; r < island.nrow; ++r) {
    if (island.p[r] == 0) continue;
    asked -= island.target[r] * island.w[r], all += island.w[r] * island.w[r];
  }
  return all > 0 ? std::clamp(asked / all, 0.0, 1.0) : 0;
}

// Solves with the friction coefficients that the disks hold now: sweeps and plain Newton steps first; then for few
// blocks a proximal point method whose centre moves with the impulses and whose compliance falls while its inner
// problems stay easy; for many blocks conjugate sweeps, with Newton steps between them while the island is small.
void solve(Search& search, bool first) {
  constexpr double kSoft = 0.1, kStiff = 1e-4, kStiffest = 1e-8;
  search.best = {};
  search.evaluate();
  search.share = first ? share_of_guess(search) : search.share;
  if (search.done()) return;
  if (search.now.most < kNear) search.step(1e-7);
  if (search.done()) return;
  rows::prepare_sweeps(search.island);
  search.sweeps(4);
  search.newton();
  for (int round = 0; search.island.nblock > kMany && !search.done(); ++round) {
    search.conjugate_sweeps(round == 0 ? 40 : 80);
    search.newton();
  }
  double proximal = kSoft, floor = kStiff, mark = search.best.residual;
  for (int idle = 0, burst = 0; !search.done();) {
    const int steps = search.centre(proximal);
    if (steps < 0) {
      proximal = std::min(10 * proximal, 1.0);
    } else if (steps <= 2) {
      proximal = std::max(0.01 * proximal, kStiffest);
    } else if (steps < 6) {
      proximal = std::max(0.1 * proximal, floor);
    }
    search.newton();
    if (search.best.residual < 0.5 * mark) {
      mark = search.best.residual, idle = 0;
    } else if (++idle >= 3) {
      search.sweeps(20, ++burst % 2 == 0 ? 0.5 : 1);
      search.newton();
      proximal = kSoft, idle = 0, floor = burst % 5 == 0 ? kStiff : 0.1 * floor;
    }
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

void judge(const Island& island, double share, RowProblem& problem, RowReport& report) {
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    const double *p = island.p + block.row, *w = island.w + block.row;
    BlockReport one{0, 0, report.iterations, report.converged, share};
    if (block.law != RowLaw::kBounded) {
      one.cone = std::max(0.0, -p[0]);
      one.complementarity = std::abs(p[0] * w[0]);
    }
    for (int k = 0; k < block.disks; ++k) {
      const Disk& disk = block.disk[k];
      const double x = p[disk.first], y = disk.n == 2 ? p[disk.first + 1] : 0;
      one.cone = std::max(one.cone, std::sqrt(x * x + y * y) - disk.coefficient * p[0]);
    }
    report.cone = std::max(report.cone, one.cone);
    report.complementarity = std::max(report.complementarity, one.complementarity);
    problem.judged[static_cast<std::size_t>(island.origin[i])] = one;
  }
}

RowReport solve_island(const RowOptions& options, const Island& island, RowWork& work, double* share) {
  RowReport report;
  const auto into_cones = [&] {
    for (int i = 0; i < island.nblock; ++i) rows::to_cone(island.blocks[i], island.p + island.blocks[i].row);
  };
  rows::set_scales(island);
  Search search{options, work, island, report};
  for (bool first = true; first || lower_friction(island, options.tolerance); first = false) {
    into_cones();
    solve(search, first);
    if (!std::isfinite(search.best.residual)) {
      std::fill_n(island.p, island.nrow, 0.0);
      std::fill_n(island.w, island.nrow, 0.0);
      std::copy_n(island.u_free, island.nu, island.u);
      report.converged = false, report.residual = search.now.most;
      return report;
    }
    if (!std::equal(island.p, island.p + island.nrow, island.best)) {  // else u and w are those of the best already
      std::copy_n(island.best, island.nrow, island.p);
      search.now = rows::evaluate(island);
    }
    report.residual = search.now.most;
    report.converged = report.residual <= options.tolerance;
  }
  *share = search.share;
  return report;
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] RowReport solve_rows(const RowOptions& options, RowProblem& problem, std::span<double> v,
                                                   RowWork& work) {
  RowReport report;
  problem.judged.resize(problem.blocks.size());
  if (problem.blocks.empty()) return report;
  for (const Island& island : rows::pack(problem, v, work)) {
    double share = 0;
    RowReport one = solve_island(options, island, work, &share);
    judge(island, share, problem, one);
    rows::unpack(island, problem, v);
    report.converged = report.converged && one.converged;
    report.iterations = std::max(report.iterations, one.iterations);
    if (!(one.residual <= report.residual)) report.residual = one.residual;
    report.cone = std::max(report.cone, one.cone);
    report.complementarity = std::max(report.complementarity, one.complementarity);
  }
  return report;
}

}  // namespace geoul::dynamics
