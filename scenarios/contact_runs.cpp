#include "scenarios/contact_runs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>

#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::scenarios {
namespace {

using namespace dynamics;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A scene that runs, and what is noted of its steps.
struct Running {
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;
  ContactRun run;

  Running(const Scene& scene, double dt, Integrator integrator = Integrator::kImplicit)
      : model(compiled(scene)), data(make_data(model)), state(make_state(model)), controls(make_controls(model)) {
    options.dt = Duration::from_seconds(dt);
    options.integrator = integrator;
  }

  double dt() const { return options.dt.seconds(); }
  long steps(double seconds) const { return std::lround(seconds / dt()); }
  StepReport step() {
    const double start = now();
    const StepReport report = dynamics::step(model, options, controls, data, state);
    run.wall += now() - start;
    const ContactReport& c = report.contact;
    ++run.steps;
    run.unconverged += !report.converged;
    run.contacts += c.count;
    run.iterations += c.iterations;
    run.most_contacts = std::max(run.most_contacts, c.count);
    run.penetration = std::max(run.penetration, c.penetration);
    run.cone = std::max(run.cone, c.cone);
    run.residual = std::max(run.residual, c.residual);
    run.complementarity = std::max(run.complementarity, c.complementarity);
    return report;
  }
  Energy energy() {
    forward_kinematics(model, state.q, state.v, data);
    return dynamics::energy(model, data, state.q, state.v);
  }
  template <class Report>
  Report report() const {
    Report r;
    static_cast<ContactRun&>(r) = run;
    const double n = std::max(1.0, static_cast<double>(run.steps));
    r.contacts /= n, r.iterations /= n;
    return r;
  }
};

// Acceleration of 1 g amplitude along each axis from `start` on, begun at rest: x = -g / w2 (cos - 1) about the start.
PrescribedMotion shaking(double start, const Vec3d& home) {
  return [start, home](Time time, std::vector<double>& q, std::vector<double>& v, std::vector<double>& a) {
    const double t = std::max(0.0, time.seconds() - start), frequency[] = {1.3, 1.7, 2.3};
    for (std::size_t k = 0; k < 3; ++k) {
      const double w = 2 * std::numbers::pi * frequency[k], g = 9.81;
      q[k] = home[static_cast<int>(k)] + g / (w * w) * (1 - std::cos(w * t));
      v[k] = g / w * std::sin(w * t);
      a[k] = g * std::cos(w * t);
    }
    q[3] = 1, q[4] = q[5] = q[6] = 0;
    v[3] = v[4] = v[5] = a[3] = a[4] = a[5] = 0;
  };
}

}  // namespace

GripperReport run_gripper(double seconds, double dt, const Gripper& options) {
  constexpr double kGrip = 0.5;
  const Scene scene = gripper(options);
  Running world(scene, dt);
  world.controls.motion = shaking(kGrip, scene.bodies[0].X_WB.p);
  for (long i = 0, n = world.steps(kGrip); i < n; ++i) world.step();
  const auto in_finger = [&] { return relative_pose(world.model, world.state, BodyId{1}, BodyId{3}); };
  const Posed start = in_finger();
  double slip = 0, turn = 0;
  for (long i = 0, n = world.steps(seconds); i < n; ++i) {
    world.step();
    const Posed X = in_finger();
    slip = std::max(slip, std::hypot(X.p.y - start.p.y, X.p.z - start.p.z));
    turn = std::max(turn, norm(log_rotation(conjugate(start.R) * X.R)));
  }
  GripperReport report = world.report<GripperReport>();
  report.slip = slip, report.turn = turn;
  return report;
}

TowerReport run_tower(int boxes, double first_mass, double growth, double seconds, double dt, bool sleep) {
  Running world(tower(boxes, first_mass, growth), dt);
  if (!sleep) world.options.sleep_velocity = 0;
  const scene::State start = world.state;
  double drift = 0, sink = 0;
  for (long i = 0, n = world.steps(seconds); i < n; ++i) {
    world.step();
    for (std::size_t b = 0; b < start.X_WB.size(); ++b) {
      const Vec3d moved = world.state.X_WB[b].p - start.X_WB[b].p;
      drift = std::max(drift, std::hypot(moved.x, moved.y));
      sink = std::max(sink, -moved.z);
    }
  }
  TowerReport report = world.report<TowerReport>();
  report.drift = drift, report.sink = sink;
  return report;
}

BowlReport run_bowl(int balls, double seconds, double dt) {
  Running world(bowl(balls), dt);
  world.options.contact_tolerance = 1e-6, world.options.contact_iterations = 100;
  world.options.sleep_velocity = 1e-5;
  const double start = world.energy().total();
  double lowest = start, rise = 0, busiest = 0, last = 0, begun = 0;
  const long n = world.steps(seconds), tenth = std::max(1L, n / 10);
  for (long i = 0; i < n; ++i) {
    world.step();
    const double e = world.energy().total();
    rise = std::max(rise, e - lowest);
    lowest = std::min(lowest, e);
    if ((i + 1) % tenth != 0) continue;
    last = (world.run.wall - begun) / static_cast<double>(tenth), begun = world.run.wall;
    busiest = std::max(busiest, last);
  }
  BowlReport report = world.report<BowlReport>();
  report.start_energy = start, report.rise = rise, report.kinetic = world.energy().kinetic;
  report.last_step = last, report.busiest_step = busiest;
  report.asleep = world.data.contact->sleep.count;
  for (const Motiond& V : world.state.V_WB) report.fastest = std::max(report.fastest, norm(V.v));
  return report;
}

SimBenchmarkReport run_simbenchmark_rolling(bool diagonal, double dt, double seconds) {
  Running world(simbenchmark_rolling(), dt);
  world.options.contact_tolerance = 1e-13;
  const Vec3d along = diagonal ? Vec3d{0.5, 0.866025403784439, 0} : Vec3d{0, 1, 0};
  constexpr double kForce = 150, kBox = 10, kBall = 1, kBalls = 25, kGround = 0.4, kGravity = 9.81;
  world.controls.wrenches.assign(world.state.X_WB.size(), {});
  world.controls.wrenches[0].f = kForce * along;
  // the box slides, the balls roll on it: a_box - a_ball = 5/2 f / m at their contact
  const double friction = kGround * (kBox + kBalls * kBall) * kGravity;
  const double ball = (kForce - friction) / kBox / (3.5 / kBall + kBalls / kBox);
  const double box_rate = (kForce - friction - kBalls * ball) / kBox, ball_rate = ball / kBall;
  double sum = 0;
  const long n = world.steps(seconds);
  for (long i = 0; i < n; ++i) {
    const double t = static_cast<double>(i) * dt;
    const Vec3d box = world.state.V_WB[0].v - box_rate * t * along,
                first = world.state.V_WB[1].v - ball_rate * t * along;
    sum += dot(box, box) + dot(first, first);
    world.step();
  }
  SimBenchmarkReport report = world.report<SimBenchmarkReport>();
  report.error = sum / static_cast<double>(n);
  return report;
}

SimBenchmarkReport run_simbenchmark_bouncing(double dt, double seconds) {
  Running world(simbenchmark_bouncing(), dt, Integrator::kRungeKutta4);
  const double start = world.energy().total();
  double sum = 0;
  const long n = world.steps(seconds);
  for (long i = 0; i < n; ++i) {
    const double error = world.energy().total() - start;
    sum += error * error;
    world.step();
  }
  SimBenchmarkReport report = world.report<SimBenchmarkReport>();
  report.error = sum / static_cast<double>(n);
  return report;
}

}  // namespace geoul::scenarios
