// The row solver alone: times of cold and warm solves, with what they reached.
//   build/PRESET/bin/row_solver_bench
// counters: rows; steps (sweeps and Newton steps); residual [m/s]; unsolved (1: it did not converge).
#include <benchmark/benchmark.h>

#include "geoul/dynamics/contact_solver_island.h"
#include "geoul/dynamics/contact_solver_problems.h"

namespace {

using namespace geoul;
using namespace geoul::dynamics;
using problems::World;

constexpr double kDt = 1e-3;

// Four feet of a robot of 18 coupled degrees of freedom (W = M^-1 J^T with a full M).
World feet() {
  constexpr int n = 18;
  Random random(5);
  World world;
  double inverse[n][n] = {};  // of M: the sum of a diagonal and of four columns' squares
  for (int i = 0; i < n; ++i) inverse[i][i] = random.uniform(0.2, 1);
  for (int k = 0; k < 4; ++k) {
    double column[n];
    for (double& x : column) x = random.uniform(-0.5, 0.5);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) inverse[i][j] += column[i] * column[j];
    }
  }
  for (int i = 0; i < n; ++i) world.v.push_back(random.uniform(-0.1, 0.1));
  world.v[2] -= 0.2;
  RowProblem& p = world.problem;
  for (int foot = 0; foot < 4; ++foot) {
    RowBlock block;
    block.row = static_cast<int>(p.rows.size()), block.static_friction = block.friction = 0.6;
    for (int r = 0; r < 3; ++r) {
      double J[n] = {};
      J[(r + 2) % 3] = 1;
      for (int i = 3; i < 6; ++i) J[i] = random.uniform(-0.3, 0.3);
      for (int i = 6 + 3 * foot; i < 9 + 3 * foot; ++i) J[i] = random.uniform(-0.4, 0.4);
      p.rows.push_back({{{0, n, p.J.size()}, {}}});
      for (int i = 0; i < n; ++i) {
        double w = 0;
        for (int j = 0; j < n; ++j) w += inverse[i][j] * J[j];
        p.J.push_back(J[i]), p.W.push_back(w);
      }
      p.target.push_back(0), p.compliance.push_back(0), p.impulse.push_back(0);
    }
    p.blocks.push_back(block);
  }
  return world;
}

World kicked(World world, double speed) {
  for (std::size_t i = 0; i < world.v.size(); ++i) world.v[i] += speed * std::sin(1.7 * double(i));
  return world;
}

World pushed(World world) {
  world.accelerate({2, 1, 0}, kDt);
  return world;
}

void note(benchmark::State& state, const World& world, const RowReport& report) {
  state.counters["rows"] = static_cast<double>(world.problem.rows.size());
  state.counters["steps"] = report.iterations;
  state.counters["residual"] = report.residual;
  state.counters["unsolved"] = !report.converged;
}

void cold(benchmark::State& state, const World& world, const RowOptions& options) {
  RowWork work;
  RowProblem problem = world.problem;
  std::vector<double> v = world.v;
  RowReport report;
  for (auto _ : state) {
    problem.impulse = world.problem.impulse, v = world.v;
    report = solve_rows(options, problem, v, work);
  }
  note(state, world, report);
}

// Impulses of the solution as the guess.
void warm(benchmark::State& state, const World& world, const RowOptions& options) {
  RowWork work;
  RowProblem problem = world.problem;
  std::vector<double> v = world.v;
  solve_rows(options, problem, v, work);
  RowReport report;
  for (auto _ : state) {
    v = world.v;
    report = solve_rows(options, problem, v, work);
  }
  note(state, world, report);
}

// One sweep alone over a settled island.
void sweep(benchmark::State& state, const World& world) {
  RowWork work;
  RowProblem problem = world.problem;
  std::vector<double> v = world.v;
  RowReport report = solve_rows({}, problem, v, work);
  const rows::Island island = rows::pack(problem, world.v, work)[0];
  rows::set_scales(island), rows::prepare_sweeps(island);
  rows::evaluate(island);
  for (auto _ : state) benchmark::DoNotOptimize(rows::sweep(island, false, 1));
  note(state, world, report);
}

const auto kEach = benchmark::kMicrosecond;
BENCHMARK_CAPTURE(cold, feet_4_of_18_dofs, feet(), RowOptions{})->Unit(kEach);
BENCHMARK_CAPTURE(warm, feet_4_of_18_dofs, feet(), RowOptions{})->Unit(kEach);
BENCHMARK_CAPTURE(cold, tower_20, problems::tower(20, 1, 0.5, kDt), RowOptions{1e-9, 200})->Unit(kEach);
BENCHMARK_CAPTURE(warm, tower_20, problems::tower(20, 1, 0.5, kDt), RowOptions{1e-9, 200})->Unit(kEach);
BENCHMARK_CAPTURE(cold, tower_20_pushed, pushed(problems::tower(20, 1, 0.5, kDt)), RowOptions{1e-9, 200})->Unit(kEach);
BENCHMARK_CAPTURE(cold, tower_20_kicked, kicked(problems::tower(20, 1, 0.5, kDt), 0.01), RowOptions{1e-9, 200})
    ->Unit(kEach);
BENCHMARK_CAPTURE(cold, stack_4_each_100_times_heavier, problems::tower(4, 100, 0.5, kDt), RowOptions{})->Unit(kEach);
BENCHMARK_CAPTURE(cold, pile_91_boxes, problems::wall(6, 6, 0.5, kDt), RowOptions{1e-9, 200})->Unit(kEach);
BENCHMARK_CAPTURE(cold, pile_91_boxes_kicked, kicked(problems::wall(6, 6, 0.5, kDt), 0.3), RowOptions{1e-9, 200})
    ->Unit(kEach);
BENCHMARK_CAPTURE(warm, pile_91_boxes, problems::wall(6, 6, 0.5, kDt), RowOptions{1e-9, 200})->Unit(kEach);
BENCHMARK_CAPTURE(sweep, pile_91_boxes, problems::wall(6, 6, 0.5, kDt))->Unit(kEach);
BENCHMARK_CAPTURE(cold, pile_650_boxes, problems::wall(12, 12, 0.5, kDt), RowOptions{1e-8, 200})
    ->Unit(kEach)
    ->Iterations(1);

}  // namespace

BENCHMARK_MAIN();
