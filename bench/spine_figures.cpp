// Figures of the spine: fixed joints as structure, dynamics of trees against reference values, and speed. One JSON
// object a line, for bench/figures. Scenes and reference values: see scenarios/mechanics.h and the sources
// named in docs/notes/dynamics.md.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "bench/figure.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

constexpr double kEps = std::numeric_limits<double>::epsilon();

using bench::at_least;
using bench::at_most;
using bench::median;
using bench::nanoseconds;
using bench::report;

StepOptions every(double dt, Integrator integrator, ThreadPool* pool = nullptr) {
  return {Duration::from_seconds(dt), integrator, 60, pool};
}

// ---- fixed joints ----

struct Rigidity {
  double changed = 0;  // relative poses whose bits changed
  double error = 0;    // of welded bodies against the exact chain, in units of eps x length
};

// Steps 5 s; body i of each chain of `length` bodies stands i metres along x of its first.
Rigidity rigidity(const Scene& scene, int length, double dt, const PrescribedMotion& motion, double seconds = 5) {
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  Controls controls = make_controls(model);
  controls.motion = motion;
  const auto pose_of = [&](int first, int i) { return relative_pose(model, state, BodyId{first}, BodyId{first + i}); };
  std::vector<Posed> start;
  for (int first = 0; first < model.nbody; first += length) {
    for (int i = 0; i < length; ++i) start.push_back(pose_of(first, i));
  }
  Rigidity result;
  const auto steps = std::llround(seconds / dt);
  const auto check = std::max(1LL, steps / 20);
  for (long long s = 1; s <= steps; ++s) {
    step(model, every(dt, Integrator::kImplicit), controls, data, state);
    if (s % check != 0) continue;
    std::size_t k = 0;
    for (int first = 0; first < model.nbody; first += length) {
      for (int i = 0; i < length; ++i) result.changed += pose_of(first, i) == start[k++] ? 0 : 1;
    }
  }
  for (int first = 0; first < model.nbody; first += length) {
    for (int i = 0; i < length; ++i) {
      const Posed X = pose_of(first, i);
      const double e = norm(X.p - Vec3d{static_cast<double>(i), 0, 0}) + angle_between(X.R, Quatd{});
      result.error = std::max(result.error, e / (kEps * length));
    }
  }
  return result;
}

PrescribedMotion sine_base() {
  return [](Time t, std::vector<double>& q, std::vector<double>& v, std::vector<double>& a) {
    const double w = 2 * std::numbers::pi * 1.3, s = std::sin(w * t.seconds()), c = std::cos(w * t.seconds());
    q[0] = 0.2 * s, v[0] = 0.2 * w * c, a[0] = -0.2 * w * w * s;
    q[3] = std::cos(0.15 * s), q[5] = std::sin(0.15 * s), v[4] = 0.3 * w * c, a[4] = -0.3 * w * w * s;
  };
}

void rigid_line(const std::string& name, const Rigidity& r) {
  at_most("fixed/" + name + "/poses changed", r.changed, "poses", 0);
  at_most("fixed/" + name + "/error", r.error, "eps x length", 4);
}

Scene hinged(Scene scene) {
  add_joint(scene, JointType::kRevolute, scene::kWorld, BodyId{0}, {-0.5, 0, 0}, {0, 1, 0});
  return scene;
}

void fixed_joints() {
  const struct {
    const char* name;
    int cubes;
    double tip;
  } kChains[] = {{"C10", 10, 1}, {"H5", 6, 100}, {"V2", 2, 1000}, {"30 bodies", 30, 1}};
  for (const auto& chain : kChains) {
    Rigidity worst;
    for (const double dt : {1.0 / 60, 1.0 / 240, 1e-3}) {
      Scene moving = weld_chain(chain.cubes, chain.tip, {}, false);
      moving.bodies[0].kinematic = true;
      for (const Rigidity& r : {rigidity(weld_chain(chain.cubes, chain.tip), chain.cubes, dt, {}),
                                rigidity(moving, chain.cubes, dt, sine_base()),
                                rigidity(hinged(weld_chain(chain.cubes, chain.tip, {}, false)), chain.cubes, dt, {})}) {
        worst = {worst.changed + r.changed, std::max(worst.error, r.error)};
      }
    }
    rigid_line(std::string(chain.name) + " fixed, driven and hinged base, dt 1/60 1/240 1/1000", worst);
  }
  for (const double ratio : {1e-6, 1e6}) {
    char name[32];
    std::snprintf(name, sizeof name, "mass ratio %g", ratio);
    rigid_line(name, rigidity(hinged(weld_chain(10, ratio, {}, false)), 10, 1.0 / 240, {}));
  }
  rigid_line("10 km from the origin",
             rigidity(weld_chain(10, 1, {10'000.1, -7'777.7, 123.4}, false), 10, 1.0 / 60, {}));
  Scene clones;
  for (int c = 0; c < 4096; ++c) {
    const std::string env = "/env" + std::to_string(c);
    const Scene one =
        weld_chain(4, 1, {2.5 * (c % 64), 2.5 * (c / 64), 0.1}, c % 2 == 0, env);  // half one-sided to the world
    const int first = static_cast<int>(clones.bodies.size());
    clones.bodies.insert(clones.bodies.end(), one.bodies.begin(), one.bodies.end());
    for (Joint joint : one.joints) {
      if (joint.parent.valid()) joint.parent.value += first;
      joint.child.value += first;
      clones.joints.push_back(joint);
    }
  }
  rigid_line("4096 clones, one-sided joints to the world", rigidity(clones, 4, 1.0 / 60, {}, 0.5));
}

void ring() {
  const Model model = compiled(weld_ring(12));
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  forward_kinematics(model, state.q, state.v, data);
  const double e0 = energy(model, data, state.q, state.v).total();
  const Vec3d l0 = momentum(model, data).n;
  double de = 0, dl = 0;
  for (int i = 0; i < 10'000; ++i) {
    step(model, every(1e-3, Integrator::kSymplectic), controls, data, state);
    forward_kinematics(model, state.q, state.v, data);
    de = std::max(de, std::abs(energy(model, data, state.q, state.v).total() / e0 - 1));
    dl = std::max(dl, norm(momentum(model, data).n - l0) / norm(l0));
  }
  at_most("ring of 12 welds/energy drift, 10 s at 1 kHz", de, "relative", 1e-11);
  at_most("ring of 12 welds/angular momentum drift", dl, "relative", 1e-11);
}

// Welded and lumped: largest difference of the chassis' pose over 2 s.
void triball_figures() {
  const Model a = compiled(triball(false)), b = compiled(triball(true));
  Data da = make_data(a), db = make_data(b);
  scene::State sa = make_state(a), sb = make_state(b);
  double worst = 0;
  for (int i = 0; i < 2000; ++i) {
    step(a, every(1e-3, Integrator::kImplicit), make_controls(a), da, sa);
    step(b, every(1e-3, Integrator::kImplicit), make_controls(b), db, sb);
    worst = std::max({worst, norm(sa.X_WB[0].p - sb.X_WB[0].p), angle_between(sa.X_WB[0].R, sb.X_WB[0].R)});
  }
  at_most("triball/welded against lumped, 2 s", worst, "m, rad", 1e-12);
}

void load_cell() {
  const Model model = compiled(weld_chain(6, 100));
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  double force = 0, moment = 0, noise = 0;
  Forced first{};
  for (int i = 0; i < 300; ++i) {
    step(model, every(1.0 / 60, Integrator::kImplicit), controls, data, state);
    evaluate(model, every(1.0 / 60, Integrator::kImplicit), controls, data, state);
    reaction_wrenches(model, {}, data, state);
    const Forced F = state.wrenches[0].F_C_J;
    if (i == 0) first = F;
    force = std::max(force, std::abs(norm(F.f) / 1020.24 - 1));
    moment = std::max(moment, std::abs(norm(F.n) / 4492.98 - 1));
    noise = std::max(noise, norm(F.f - first.f) + norm(F.n - first.n));
  }
  at_most("load cell of H5/force against 1020.24 N", force, "relative", 1e-10);
  at_most("load cell of H5/moment against 4492.98 N.m", moment, "relative", 1e-10);
  at_most("load cell of H5/noise over 5 s", noise, "N, N.m", 0);
}

// ---- reference motions ----

Vec3d after(const Scene& scene, double seconds, double dt, Integrator integrator, double* energy_error = nullptr) {
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  forward_kinematics(model, state.q, state.v, data);
  const double e0 = energy(model, data, state.q, state.v).total();
  for (long long i = 0; i < std::llround(seconds / dt); ++i) step(model, every(dt, integrator), controls, data, state);
  forward_kinematics(model, state.q, state.v, data);
  if (energy_error != nullptr) *energy_error = std::abs(energy(model, data, state.q, state.v).total() - e0);
  return state.X_WB[0].p;
}

void pendulum_figures() {
  double energy_error = 0;
  const Vec3d p = after(pendulum(), 10, 1e-3, Integrator::kRungeKutta4, &energy_error);
  at_most("A01 pendulum/position at 10 s, RK4 1 ms", std::hypot(p.x + 0.2750874625761169, p.z + 0.9614192050991251),
          "m", 1e-8);
  at_most("A01 pendulum/energy at 10 s", energy_error, "J", 5e-5);
  const struct {
    Integrator integrator;
    double order;
  } kOrders[] = {{Integrator::kImplicit, 1},
                 {Integrator::kSemiImplicitEuler, 1},
                 {Integrator::kSymplectic, 2},
                 {Integrator::kRungeKutta4, 4}};
  for (const auto& o : kOrders) {
    const auto error = [&](double dt) {
      const Vec3d x = after(pendulum(), 1, dt, o.integrator);
      return std::hypot(x.x - 0.9862917511318753, x.z + 0.1650108531255412);
    };
    const double measured = std::log2(error(4e-3) / error(1e-3)) / 2;
    at_least(std::string("A01 pendulum/order of ") + to_string(o.integrator), measured, "", o.order - 0.3);
  }
}

// The open chain's M and RNEA folded onto the loop's one motion: q = (1, -1, 1, ...) theta; RK4, 1 ms (N = 40: 4 ms).
double four_bar_error(int n, double seconds, double x, double y) {
  const Model model = compiled(four_bar_chain(n));
  Data data = make_data(model);
  const auto nv = static_cast<std::size_t>(model.nv);
  std::vector<double> q(nv), v(nv), bias(nv), zero(nv), M(nv * nv);
  const auto acceleration = [&](double theta, double rate) {
    double inertia = 0, force = 0;
    for (std::size_t k = 0; k < nv; ++k) q[k] = k % 2 == 0 ? theta : -theta, v[k] = k % 2 == 0 ? rate : -rate;
    mass_matrix(model, q, data, M);
    inverse_dynamics(model, q, v, zero, {}, data, bias);
    for (std::size_t i = 0; i < nv; ++i) {
      force -= i % 2 == 0 ? bias[i] : -bias[i];
      for (std::size_t j = 0; j < nv; ++j) inertia += (i + j) % 2 == 0 ? M[i * nv + j] : -M[i * nv + j];
    }
    return force / inertia;
  };
  double theta = 0, rate = -1;
  const double h = n == 40 ? 4e-3 : 1e-3;
  for (long long i = 0; i < std::llround(seconds / h); ++i) {
    const double k1 = acceleration(theta, rate), k2 = acceleration(theta + h / 2 * rate, rate + h / 2 * k1);
    const double k3 = acceleration(theta + h / 2 * (rate + h / 2 * k1), rate + h / 2 * k2);
    const double k4 = acceleration(theta + h * (rate + h / 2 * k2), rate + h * k3);
    theta += h * rate + h * h / 6 * (k1 + k2 + k3);
    rate += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return std::hypot(-std::sin(theta) - x, std::cos(theta) - y);
}

void free_box_figures() {
  const Vec3d end{-20, 20, 80 - 0.5 * 9.8 * 100};
  for (const Integrator integrator : {Integrator::kSymplectic, Integrator::kRungeKutta4}) {
    const Vec3d p = after(free_box(), 10, 1e-3, integrator);
    at_most(std::string("free box/position error at 10 s, ") + to_string(integrator), norm(p - end), "m", 1e-9);
  }
  const Model model = compiled(free_box());
  Data data = make_data(model);
  forward_kinematics(model, model.q_start, model.v_start, data);
  at_most("free box/energy against 368.546 J",
          std::abs(energy(model, data, model.q_start, model.v_start).total() - 368.546), "J", 5e-4);
  at_most("free box/|L| against 3.41765", std::abs(norm(momentum(model, data).n) - 3.41765), "kg m2/s", 5e-6);
}

// ---- algorithms against each other on 200 random trees ----

void random_trees() {
  double inverse = 0, composite = 0, power = 0;
  for (int seed = 0; seed < 200; ++seed) {
    const Scene scene = random_tree(10, static_cast<std::uint64_t>(seed), seed % 3 == 0);
    const Model model = compiled(scene);
    Data data = make_data(model);
    Random r(static_cast<std::uint64_t>(seed), 2);
    const auto nv = static_cast<std::size_t>(model.nv);
    std::vector<double> q = model.q_start, v(nv), a(nv), tau(nv), back(nv), M(nv * nv), sum(nv * nv), J(6 * nv);
    for (double& x : v) x = r.uniform(-1, 1);
    integrate_position(model, q, v, 1.0, q);
    for (double& x : v) x = r.uniform(-2, 2);
    for (double& x : a) x = r.uniform(-5, 5);
    inverse_dynamics(model, q, v, a, {}, data, tau);
    forward_dynamics(model, q, v, tau, {}, data, back);
    double largest_a = 0;
    for (double x : a) largest_a = std::max(largest_a, std::abs(x));
    for (std::size_t k = 0; k < nv; ++k) inverse = std::max(inverse, std::abs(back[k] - a[k]) / largest_a);
    // d(energy)/dt = tau . v by Richardson's extrapolation of central differences
    double expected = 0, scale = 0;
    for (std::size_t k = 0; k < nv; ++k) expected += tau[k] * v[k], scale += std::abs(tau[k] * v[k]);
    std::vector<double> move(nv), vt(nv), qt(q.size());
    const auto energy_at = [&](double t) {
      for (std::size_t k = 0; k < nv; ++k) move[k] = t * v[k] + 0.5 * t * t * a[k], vt[k] = v[k] + t * a[k];
      integrate_position(model, q, move, 1.0, qt);
      forward_kinematics(model, qt, vt, data);
      return energy(model, data, qt, vt).total();
    };
    const auto slope = [&](double h) { return (energy_at(h) - energy_at(-h)) / (2 * h); };
    const double h = 8e-3, s0 = slope(h), s1 = slope(h / 2), s2 = slope(h / 4), s3 = slope(h / 8);
    const double e01 = (4 * s1 - s0) / 3, e12 = (4 * s2 - s1) / 3, e23 = (4 * s3 - s2) / 3;
    const double f0 = (16 * e12 - e01) / 15, f1 = (16 * e23 - e12) / 15;
    power = std::max(power, std::abs((64 * f1 - f0) / 63 - expected) / scale);
    // M against the bodies' Jacobians
    mass_matrix(model, q, data, M);
    scene::State state = make_state(model);
    state.q = q;
    place_bodies(model, data, state);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t k = 0; k < nv; ++k) sum[k * nv + k] = model.laws[k].armature;
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      const scene::MassProperties& m = scene.bodies[b].mass;
      body_jacobian(model, data, BodyId::from_index(b), m.center, J);
      const Mat3d I = full(rotate(rotation_matrix(state.X_WB[b].R), m.inertia));
      for (std::size_t i = 0; i < nv; ++i) {
        for (std::size_t j = 0; j < nv; ++j) {
          const Vec3d wi{J[i], J[nv + i], J[2 * nv + i]}, wj{J[j], J[nv + j], J[2 * nv + j]};
          const Vec3d vi{J[3 * nv + i], J[4 * nv + i], J[5 * nv + i]}, vj{J[3 * nv + j], J[4 * nv + j], J[5 * nv + j]};
          sum[i * nv + j] += dot(wi, I * wj) + m.mass * dot(vi, vj);
        }
      }
    }
    double largest_M = 0, difference = 0;
    for (std::size_t i = 0; i < nv * nv; ++i) {
      largest_M = std::max(largest_M, std::abs(M[i]));
      difference = std::max(difference, std::abs(M[i] - sum[i]));
    }
    composite = std::max(composite, difference / std::max(largest_M, 1e-300));
  }
  at_most("200 random trees/RNEA against ABA", inverse, "relative", 1e-10);
  at_most("200 random trees/CRBA against Jacobians", composite, "relative", 1e-10);
  at_most("200 random trees/energy's derivative against power", power, "relative", 1e-10);
}

// ---- determinism and speed ----

void threads() {
  Scene scene;
  for (int t = 0; t < 200; ++t) {
    const Scene tree = random_tree(6, static_cast<std::uint64_t>(t), t % 3 == 0);
    const int first = static_cast<int>(scene.bodies.size());
    for (scene::Body body : tree.bodies) body.path = "/t" + std::to_string(t) + body.path, scene.bodies.push_back(body);
    for (Joint joint : tree.joints) {
      joint.path = "/t" + std::to_string(t) + joint.path;
      if (joint.parent.valid()) joint.parent.value += first;
      joint.child.value += first;
      scene.joints.push_back(joint);
    }
  }
  const Model model = compiled(scene);
  const auto run = [&](int n) {
    ThreadPool pool(n);
    Data data = make_data(model);
    scene::State state = make_state(model);
    for (int i = 0; i < 100; ++i)
      step(model, every(1e-3, Integrator::kImplicit, &pool), make_controls(model), data, state);
    state.q.insert(state.q.end(), state.v.begin(), state.v.end());
    return state.q;
  };
  const std::vector<double> one = run(1);
  double different = 0;
  for (const int n : {2, 3, 7}) {
    const std::vector<double> many = run(n);
    for (std::size_t i = 0; i < one.size(); ++i) different += std::memcmp(&one[i], &many[i], sizeof(double)) != 0;
  }
  at_most("determinism/values that differ with 2, 3, 7 threads", different, "values", 0);
}

void speed() {
  const Model model = compiled(arm7());
  Data data = make_data(model);
  std::vector<double> q(7, 0.3), v(7, 0.2), a(7, 0.1), tau(7), M(49);
  report("speed/7-joint arm, forward kinematics", nanoseconds([&] { forward_kinematics(model, q, v, data); }, 2000),
         "ns");
  report("speed/7-joint arm, RNEA", nanoseconds([&] { inverse_dynamics(model, q, v, a, {}, data, tau); }, 2000), "ns");
  report("speed/7-joint arm, CRBA", nanoseconds([&] { mass_matrix(model, q, data, M); }, 2000), "ns");
  report("speed/7-joint arm, ABA", nanoseconds([&] { forward_dynamics(model, q, v, tau, {}, data, a); }, 2000), "ns");
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  const StepOptions options = every(1e-3, Integrator::kImplicit);
  report("speed/7-joint arm with drives and limits, whole step",
         nanoseconds([&] { step(model, options, controls, data, state); }, 1000), "ns");
  // a welded chain on a hinge must cost what one body on a hinge costs, but for placing its bodies
  const Model welded = compiled(hinged(weld_chain(30, 1, {}, false))),
              lumped = compiled(hinged(weld_chain(1, 30, {}, false)));
  Data dw = make_data(welded), dl = make_data(lumped);
  std::vector<double> x(1, 0.1), y(1, 0.2), t(1), z(1);
  std::vector<double> ratios;
  for (int i = 0; i < 15; ++i) {
    const double w = nanoseconds([&] { forward_dynamics(welded, x, y, t, {}, dw, z); }, 2000);
    const double l = nanoseconds([&] { forward_dynamics(lumped, x, y, t, {}, dl, z); }, 2000);
    ratios.push_back(w / l);
  }
  report("speed/30 welded bodies over one lumped body, ABA", median(ratios), "times");
}

}  // namespace
}  // namespace geoul::dynamics

int main() {
  using namespace geoul::dynamics;
  fixed_joints();
  ring();
  triball_figures();
  load_cell();
  pendulum_figures();
  at_most("A02 as an open chain/N 1 at 10 s", four_bar_error(1, 10, 0.47838505776097, 0.87815017879121), "m", 1e-8);
  at_most("A02 as an open chain/N 2 at 10 s", four_bar_error(2, 10, 0.32845811154082, 0.9445185381786), "m", 1e-8);
  at_most("A02 as an open chain/N 40 at 10 s", four_bar_error(40, 10, 0.18051222668673, 0.98357274058231), "m", 1e-6);
  free_box_figures();
  random_trees();
  threads();
  speed();
}
