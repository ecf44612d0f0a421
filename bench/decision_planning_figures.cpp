// Figures of decision: futures, planning, control. See bench/figures and docs/notes/decision.md.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "bench/figure.h"
#include "geoul/core/random.h"
#include "geoul/decision/control/ilqr.h"
#include "geoul/decision/control/mppi.h"
#include "geoul/decision/futures/futures.h"
#include "geoul/decision/planning/inverse_kinematics.h"
#include "geoul/decision/planning/time_parameterisation.h"
#include "geoul/dynamics/controllers.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/scene.h"
#include "scenarios/cells.h"

namespace {

using namespace geoul;
using namespace geoul::decision;
using namespace geoul::scenarios;

double process_seconds() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// Ten motions to random places, 100 draws each: payload at the last body, friction of all joints, drive speed of the
// start, gravity of a floor that is not level.
void futures_of(const std::string& name, const scene::Scene& scene) {
  const dynamics::Model model = dynamics::compiled(scene);
  const scene::State now = make_state(model);
  const std::vector<int> degrees = controlled_degrees(model);
  const std::size_t n = degrees.size();
  const MotionLimits limits{std::vector<double>(n, 1.0), std::vector<double>(n, 3)};
  Random random(7);
  std::vector<Action> actions;
  for (int a = 0; a < 10; ++a) {
    std::vector<double> goal;
    for (std::size_t k = 0; k < n; ++k) goal.push_back(now.q[k] + random.uniform(-0.7, 0.7));
    actions.push_back(move(model, now, degrees, goal, limits));
  }
  int hand = 0;
  for (int b = 0; b < model.nbody; ++b) {
    if (model.bodies[static_cast<std::size_t>(b)].link == model.nlink - 1) hand = b;
  }
  const std::vector<Disturbance> disturbances = {
      {Parameter::kPayload, hand, Distribution::uniform(0, 1.5), {0, 0, 0.05}, {}, {}, {}},
      {Parameter::kFriction, -1, Distribution::uniform(0, 1), {}, {}, {}, {}},
      {Parameter::kStartPosition, -1, Distribution::normal(0, 0.002), {}, {}, {}, {}},
      {Parameter::kGravityFactor, -1, Distribution::normal(1, 0.005), {}, {}, {}, {}}};
  FutureOptions options;
  options.draws = 100;
  ThreadPool pool(2);
  options.pool = &pool;
  const double cpu = process_seconds();
  const auto begin = std::chrono::steady_clock::now();
  const Result<Futures> out = foresee(model, now, actions, disturbances, options);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double used = process_seconds() - cpu;
  if (!out) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), out.error().message.c_str());
    bench::at_most("futures/" + name + "/wall", NAN, "s", 10);
    return;
  }
  int hits = 0, failures = 0;
  for (const Future& f : out->all) hits += f.failure == Failure::kHit, failures += f.failure != Failure::kNone;
  bench::at_most("futures/" + name + "/wall", wall, "s", 10);
  bench::at_most("futures/" + name + "/cpu", used, "s", 20);
  bench::at_least("futures/" + name + "/in_lanes", out->in_lanes, "worlds", 1000);
  bench::report("futures/" + name + "/pairs", static_cast<double>(out->clearance.pairs.size()), "pairs");
  bench::report("futures/" + name + "/failures", failures, "of 1000");
  bench::report("futures/" + name + "/hits", hits, "of 1000");
}

// Poses of random q within the limits, from one start; each success measured again by forward kinematics.
void inverse_kinematics_of(const std::string& name, const dynamics::Model& model, int hand,
                           const std::vector<double>& home, int poses) {
  const std::vector<int> degrees = controlled_degrees(model);
  const Posed X_BT{{}, {0, 0, 0.1}};
  dynamics::Data data = make_data(model);
  const std::vector<double> zero(static_cast<std::size_t>(model.nv));
  const dynamics::BodyAddress& at = model.bodies[static_cast<std::size_t>(hand)];
  Random random(17);
  std::vector<double> times, worst;
  int reached = 0;
  double residual = 0;
  for (int k = 0; k < poses; ++k) {
    std::vector<double> q = home;
    for (const int d : degrees) {
      const dynamics::JointLaw& law = model.laws[static_cast<std::size_t>(d)];
      q[static_cast<std::size_t>(law.q)] = random.uniform(std::max(law.lower, -3.14159), std::min(law.upper, 3.14159));
    }
    forward_kinematics(model, q, zero, data);
    const Transformd goal = data.links[static_cast<std::size_t>(at.link)].X_WL * at.X_LB * transform(X_BT);
    const InverseKinematics problem{{{scene::BodyId{hand}, X_BT, pose(goal), true, true}}, degrees, {}};
    const double begin = bench::thread_clock();
    const InverseKinematicsReport out = solve(model, problem, home);
    times.push_back(1e-3 * (bench::thread_clock() - begin));
    if (!out.converged) continue;
    ++reached;
    forward_kinematics(model, out.q, zero, data);
    const Transformd got = data.links[static_cast<std::size_t>(at.link)].X_WL * at.X_LB * transform(X_BT);
    residual = std::max(residual, norm(got.p - goal.p));
  }
  std::sort(times.begin(), times.end());
  bench::at_least("ik/" + name + "/reached", 100.0 * reached / poses, "%", 99.5);
  bench::at_most("ik/" + name + "/median", times[times.size() / 2], "us", 500);
  bench::report("ik/" + name + "/p99", times[times.size() * 99 / 100], "us");
  bench::at_most("ik/" + name + "/residual", residual, "m", 2e-6);
}

void timing_of(const dynamics::Model& model) {
  const scene::State now = make_state(model);
  const std::vector<int> degrees = controlled_degrees(model);
  Random random(11);
  std::vector<double> points;
  for (int k = 0; k < 42; ++k) points.push_back(random.uniform(-1.5, 1.5));
  const Path path = make_path(points, 7).value();
  const PathLimits limits{std::vector<double>(7, 2), std::vector<double>(7, 8), {87, 87, 87, 87, 12, 12, 12}};
  Timing timing;
  const double time = bench::nanoseconds([&] { timing = time_path(model, now, degrees, path, limits); }, 1, 11);
  bench::at_most("timing/arm7, 400 intervals, efforts", 1e-6 * time, "ms", 20);
  bench::at_most("timing/arm7/largest share of a limit",
                 std::max({timing.velocity_share, timing.acceleration_share, timing.effort_share}), "1", 1 + 1e-6);
}

void controllers_of(const dynamics::Model& model) {
  const scene::State now = make_state(model);
  dynamics::Data data = make_data(model);
  const std::vector<dynamics::JointGains> gains(7, {dynamics::ControlMode::kComputedTorque, 400, 0, 40});
  dynamics::ControllerMemory memory = make_controller_memory(model);
  const dynamics::JointTargets targets = make_targets(model, now);
  std::vector<double> effort(7);
  const double computed = bench::nanoseconds(
      [&] { (void)control(gains, model, now, targets, Duration{1'000'000}, data, memory, effort); }, 1000);
  bench::at_most("control/computed torque, 7 joints", 1e-3 * computed, "us", 10);
  dynamics::CartesianImpedance law;
  law.site = scene::SiteId{0};
  law.stiffness = Mat3d::diagonal({500, 500, 500}), law.damping = Mat3d::diagonal({40, 40, 40});
  law.turn_stiffness = Mat3d::diagonal({20, 20, 20}), law.turn_damping = Mat3d::diagonal({2, 2, 2});
  law.posture_kp = 10, law.posture_kd = 2;
  dynamics::CartesianMemory cartesian = make_cartesian_memory(model);
  dynamics::CartesianTarget target;
  target.posture.assign(7, 0.1);
  const double impedance =
      bench::nanoseconds([&] { (void)control(law, model, now, target, data, cartesian, effort); }, 1000);
  bench::at_most("control/cartesian impedance with posture, 7 joints", 1e-3 * impedance, "us", 20);
}

void optimal_control_of(const dynamics::Model& model) {
  TrajectoryProblem problem;
  problem.degrees = {0, 1, 2, 3, 4, 5, 6};
  problem.limit = {87, 87, 87, 87, 12, 12, 12};
  problem.dt = 0.02, problem.steps = 50;
  problem.cost = {{0.5, 0.4, -0.2, -1.0, 0.3, 0.9, 0.2}, std::vector<double>(7),      std::vector<double>(7, 1),
                  std::vector<double>(7, 0.1),           std::vector<double>(7, 1e4), std::vector<double>(7, 1e2),
                  std::vector<double>(7, 1e-4)};
  const std::vector<double> zero(7);
  IlqrReport out;
  const double time = bench::nanoseconds([&] { out = ilqr(model, problem, zero, zero); }, 1, 3);
  bench::report("ilqr/arm7, 50 steps/an iteration", 1e-6 * time / out.iterations, "ms");
  bench::report("ilqr/arm7, 50 steps/iterations", out.iterations, "");
  MppiOptions options;
  options.samples = 256, options.steps_per_control = 10, options.deviation.assign(7, 3), options.temperature = 10;
  options.step.dt = Duration{2'000'000}, options.step.contact = false;
  Mppi mppi = Mppi::make(model, problem, options).value();
  std::vector<double> effort(7);
  const double plan = bench::nanoseconds([&] { mppi.plan(zero, zero, effort); }, 1, 11);
  bench::report("mppi/arm7, 256 samples of 500 steps", 1e-6 * plan, "ms");
}

}  // namespace

int main() {
  futures_of("arm7", arm7_cell());
  scene::Scene with_site = arm7_cell();
  with_site.sites.push_back({"/hand", scene::BodyId{6}, {{}, {0, 0, 0.1}}});
  const dynamics::Model arm = dynamics::compiled(with_site);
  inverse_kinematics_of("arm7", arm, 6, {0, 0.3, 0, -1.5, 0, 1.8, 0.5}, 10'000);
  timing_of(arm);
  controllers_of(arm);
  optimal_control_of(arm);
  Diagnostics diagnostics;
  const std::optional<scene::Scene> cell =
      scene::read_scene(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda", diagnostics);
  if (!cell) {
    std::fputs(diagnostics.text().c_str(), stderr);
    return 1;
  }
  futures_of("ur3e_cell", *cell);
  const dynamics::Model ur3e = dynamics::compiled(*cell);
  int hand = 0;
  for (int b = 0; b < ur3e.nbody; ++b) {
    if (ur3e.bodies[static_cast<std::size_t>(b)].link == ur3e.nlink - 1) hand = b;
  }
  inverse_kinematics_of("ur3e", ur3e, hand, make_state(ur3e).q, 10'000);
  return 0;
}
