// Loops, couplings and springs against the reference values of the IFToMM benchmarks and closed forms.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/loops.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

struct World {
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;

  World(const Scene& scene, double dt, Integrator integrator = Integrator::kRungeKutta4)
      : model(compiled(scene)),
        data(make_data(model)),
        state(make_state(model)),
        controls(make_controls(model)),
        options{Duration::from_seconds(dt), integrator, 60, nullptr} {}

  StepReport run(double seconds) {
    StepReport worst;
    const auto steps = std::llround(seconds / options.dt.seconds());
    for (long i = 0; i < steps; ++i) {
      const StepReport report = step(model, options, controls, data, state);
      worst.converged = worst.converged && report.converged;
      worst.closure = std::max(worst.closure, report.closure);
    }
    return worst;
  }
  double energy() {
    forward_kinematics(model, state.q, state.v, data);
    return dynamics::energy(model, data, state.q, state.v).total();
  }
  const scene::State& at(const std::string& body, Vec3d* p) const {
    for (std::size_t b = 0; b < model.body_paths.size(); ++b) {
      if (model.body_paths[b] == body) *p = state.X_WB[b].p;
    }
    return state;
  }
  // A joint's position, 0 at its zero.
  double position(std::size_t joint) const { return state.q[static_cast<std::size_t>(model.layout.joints[joint].q)]; }
  double rate(std::size_t joint) const { return state.v[static_cast<std::size_t>(model.layout.joints[joint].v)]; }
};

// ---- A02 ----

Vec3d corner(const World& world) { return world.state.X_WB[0].p * 2.0; }  // B0: the end of the first pillar

TEST(FourBarWindows, PassTheSingularPoseOnThePublishedBranch) {
  const struct {
    int n;
    double t, x, y;
  } kReference[] = {{1, 10, 0.47838505776097, 0.87815017879121},
                    {2, 1, -0.19502030194944, -0.98079920566217},
                    {2, 5, -0.81131046100511, -0.58461554534898},
                    {2, 10, 0.32845811154082, 0.9445185381786}};
  for (const auto& r : kReference) {
    World world(four_bar_windows(r.n), 1e-3);
    const double e0 = world.energy();
    const StepReport report = world.run(r.t);
    EXPECT_NEAR(corner(world).x, r.x, 1e-8) << r.n << " windows at " << r.t;
    EXPECT_NEAR(corner(world).y, r.y, 1e-8) << r.n << " windows at " << r.t;
    EXPECT_NEAR(world.energy(), e0, 1e-8);  // accepted by the benchmark: 0.1 J
    EXPECT_LE(report.closure, 1e-12);
  }
}

// The midpoint has no solution there: it must neither lose the energy nor jump to another branch.
TEST(FourBarWindows, PassTheSingularPoseSymplectically) {
  for (const int n : {1, 2, 5, 20}) {
    World world(four_bar_windows(n), 1e-3, Integrator::kSymplectic);
    const double e0 = world.energy();
    const StepReport worst = world.run(n > 2 ? 1.5 : 10);
    EXPECT_TRUE(worst.converged) << n;
    EXPECT_LT(worst.closure, 1e-13) << n;
    EXPECT_NEAR(world.energy(), e0, 1e-6 * n) << n;
  }
}

TEST(FourBarWindows, KeepTheEnergyOfAWeldedCoupler) {
  World world(welded_window(), 1e-3);
  const double e0 = world.energy();
  EXPECT_NEAR(e0, 20.4533, 5e-5);
  const StepReport report = world.run(5);  // through the singular pose
  EXPECT_NEAR(world.energy(), e0, 1e-8);
  EXPECT_LE(report.closure, 1e-12);
  EXPECT_TRUE(report.converged);
}

TEST(FourBarWindows, HaveRowsInANarrowEnvelope) {
  for (const int n : {10, 20, 40}) {
    const Model model = compiled(four_bar_windows(n));
    EXPECT_EQ(model.nrow, 5 * n);
    EXPECT_LE(model.row_at.back(), static_cast<std::size_t>(model.nrow) * 10);  // a row meets its neighbours only
  }
}

// ---- A03 ----

TEST(Andrews, ReachesThePublishedAngles) {
  World world(andrews(), 2.5e-6);
  world.controls.effort[static_cast<std::size_t>(world.model.layout.joints[0].v)] = 0.033;
  evaluate(world.model, world.options, world.controls, world.data, world.state);
  EXPECT_NEAR(world.state.a[static_cast<std::size_t>(world.model.layout.joints[0].v)], 14222.4439199541, 1e-4);
  const StepReport report = world.run(0.03);
  EXPECT_NEAR(world.position(0), 15.810771195 - -.0617138900142764496, 1e-5);
  EXPECT_LE(report.closure, 1e-12);
}

// ---- A04 ----

TEST(Bricard, FollowsThePublishedPathWithARedundantRow) {
  World world(bricard(), 1e-3);
  const double e0 = world.energy();
  const struct {
    double t;
    Vec3d p;
  } kReference[] = {{.5, {0.968283679, -1.224625159, 0.750146609}},
                    {1, {0.510501461, -1.649167599, 0.140123115}},
                    {2, {-0.969340345, -1.221246895, 0.754278011}}};
  double t = 0;
  for (const auto& r : kReference) {
    const StepReport report = world.run(r.t - t);
    t = r.t;
    const Posed& X = world.state.X_WB[2];  // rod 3, along z
    const Vec3d p = X.p + rotation_matrix(X.R) * Vec3d{0, 0, 0.5};
    EXPECT_NEAR(norm(p - r.p), 0, 2e-8) << t;
    EXPECT_LE(report.closure, 1e-12);
  }
  EXPECT_NEAR(world.energy(), e0, 1e-8);  // accepted: 1e-3 J
}

// ---- A05 ----

TEST(Governor, ReachesThePublishedSlides) {
  World world(governor(), 2e-4);
  const struct { double t, s; } kReference[] = {{.1, .5238364756}, {.5, .7432494248}, {1, .5014209224}};
  double t = 0;
  for (const auto& r : kReference) {
    world.run(r.t - t);
    t = r.t;
    EXPECT_NEAR(world.state.X_WB[1].p.z, r.s, 1e-7) << t;
  }
}

// The cart flips in 2e-7 s while the pole stands upright: the step follows the pole, dt = 0.01 sqrt(sin^2 + M/m) /
// rate.
TEST(LightCartPole, CrossesAsPublishedAndKeepsItsEnergy) {
  World world(light_cart_pole(), 1e-4);
  const double e0 = world.energy();
  int crossings = 0;
  double peak = 0, worst = 0, last = 1;
  while (world.state.time.ns < 10'000'000'000) {
    const double sine = world.state.X_WB[1].p.x - world.state.X_WB[0].p.x, rate = std::abs(world.rate(1));
    world.options.dt = Duration::from_seconds(std::clamp(0.01 * std::sqrt(sine * sine + 1e-6) / rate, 2e-9, 1e-3));
    step(world.model, world.options, world.controls, world.data, world.state);
    if (sine * last < 0) ++crossings;
    last = sine;
    peak = std::max(peak, rate);
    worst = std::max(worst, std::abs(world.energy() - e0));
  }
  EXPECT_EQ(crossings, 11);
  EXPECT_NEAR(peak, 4429, 1);
  EXPECT_LE(worst, 1e-6);
}

// ---- W4 ----

TEST(CrankRocker, IsClosedForEveryIntegrator) {
  for (const Integrator i :
       {Integrator::kImplicit, Integrator::kSemiImplicitEuler, Integrator::kRungeKutta4, Integrator::kSymplectic}) {
    World world(crank_rocker(), 1.0 / 240, i);
    const StepReport report = world.run(10);
    EXPECT_LE(report.closure, 1e-12) << to_string(i);
    EXPECT_TRUE(report.converged) << to_string(i);
  }
}

TEST(CrankRocker, LoopWrenchHoldsTheRocker) {  // the joint that closes the loop carries what Newton asks for
  World world(crank_rocker(), 1e-3);
  world.run(0.3);
  evaluate(world.model, world.options, world.controls, world.data, world.state);
  reaction_wrenches(world.model, {}, world.data, world.state);
  for (std::size_t b = 0; b < world.model.body_paths.size(); ++b) {
    Vec3d f, moment;
    for (std::size_t j = 0; j < world.model.joints.size(); ++j) {
      const scene::Joint& joint = world.model.joints[j];
      const double sign = joint.child.index() == b ? 1 : -1;
      const bool on = joint.child.index() == b || (joint.parent.valid() && joint.parent.index() == b);
      if (!on) continue;
      const Posed& X_WC = world.state.X_WB[joint.child.index()];
      const Transformd X_WJ = transform(X_WC) * transform(joint.X_CJ);
      const Forced F = world.state.wrenches[j].F_C_J;
      f += sign * (X_WJ.R * F.f);
      moment += sign * (X_WJ.R * F.n + cross(X_WJ.p - world.state.X_WB[b].p, X_WJ.R * F.f));
    }
    const scene::MassProperties m = crank_rocker().bodies[b].mass;
    const Vec3d need = m.mass * (world.state.A_WB[b].v - Vec3d{0, -9.81, 0});
    EXPECT_NEAR(norm(f - need), 0, 1e-9) << b;
    EXPECT_NEAR(moment.z, m.inertia.zz * world.state.A_WB[b].w.z, 1e-9) << b;
  }
}

// ---- couplings ----

TEST(Coupling, GearsShareInertiaByTheSquareOfTheRatio) {
  World world(gear_pair(3), 1e-3);
  world.controls.effort[0] = 0.7;
  world.run(1);
  // pinion turns 3 times the wheel, the other way: I = 0.01 + 0.05 / 9
  EXPECT_NEAR(world.rate(0), 0.7 / (0.01 + 0.05 / 9), 1e-9);
  EXPECT_NEAR(world.position(0) + 3 * world.position(1), 0, 1e-13);
}

TEST(Coupling, RackFallsAsItsPinionAllows) {
  World world(rack_and_pinion(0.1), 1e-3, Integrator::kImplicit);
  world.run(1);
  const double a = -2 * 9.81 / (2 + 0.01 / 0.01);  // m + I / r^2
  EXPECT_NEAR(world.rate(1), a, 1e-9);
  EXPECT_NEAR(world.position(1) - 0.1 * world.position(0), 0, 1e-13);
}

TEST(Coupling, MimicFollowsExactlyUnderADrive) {
  Scene scene = gear_pair(3);
  scene.couplings.clear();
  scene.mimics.push_back({scene::JointId{1}, scene::JointId{0}, -0.5, 0.2});
  scene.joints[0].drive = {1e3, 20, 1.0, 0, 50};
  World world(scene, 1e-3, Integrator::kImplicit);
  EXPECT_NEAR(world.position(1), -0.5 * world.position(0) + 0.2, 1e-14);
  const StepReport report = world.run(3);
  EXPECT_LE(report.closure, 1e-14);
  EXPECT_NEAR(world.position(0), 1.0, 1e-6);
  EXPECT_NEAR(world.position(1), -0.3, 1e-6);
}

// ---- compile ----

TEST(Loop, OpenOneIsNamed) {
  Scene scene = crank_rocker();
  scene.joints[3].X_PJ.p.x += 5;  // out of reach
  Diagnostics d;
  EXPECT_FALSE(compile(scene, d));
  EXPECT_TRUE(d.has("open-loop")) << d.text();
}

TEST(Loop, NearlyClosedOneIsClosedWithAWarning) {
  Scene scene = crank_rocker();
  scene.joints[3].X_PJ.p.x += 1e-3;
  Diagnostics d;
  const std::optional<Model> model = compile(scene, d);
  ASSERT_TRUE(model) << d.text();
  EXPECT_TRUE(d.has("joint-apart")) << d.text();
}

TEST(Loop, OfEveryJointTypeStaysClosed) {
  // A chain of three balls from the world to the world, closed by each type of joint where it stands.
  for (const JointType type :
       {JointType::kRevolute, JointType::kPrismatic, JointType::kSpherical, JointType::kPlanar}) {
    Scene scene;
    BodyId last = scene::kWorld;
    for (int i = 0; i < 4; ++i) {
      const BodyId b = add_box(scene, "/b" + std::to_string(i), 1, {.3, .1, .2}, {i * .4 + .2, .1 * (i % 2), 0});
      add_joint(scene, JointType::kSpherical, last, b, {i * .4, i % 2 == 0 ? 0.0 : .3, .1 * i});
      last = b;
    }
    add_joint(scene, type, last, scene::kWorld, {1.6, 0, .1}, {0.6, 0, 0.8});
    for (const Integrator integrator : {Integrator::kImplicit, Integrator::kRungeKutta4, Integrator::kSymplectic}) {
      World world(scene, 1e-3, integrator);
      ASSERT_GT(world.model.nrow, 0);
      const double e0 = world.energy();
      const StepReport report = world.run(1);
      EXPECT_LE(report.closure, 1e-12) << to_string(type) << " " << to_string(integrator);
      if (integrator == Integrator::kImplicit) continue;  // of order 1
      EXPECT_NEAR(world.energy(), e0, integrator == Integrator::kSymplectic ? 3e-2 : 1e-4)
          << to_string(type) << " " << to_string(integrator);
    }
  }
}

}  // namespace
}  // namespace geoul::dynamics
