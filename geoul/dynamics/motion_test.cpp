// Motion against closed forms, published values and the order of each integrator.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numbers>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

struct World {
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;

  World(const Scene& scene, double dt, Integrator integrator)
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
      worst.iterations = std::max(worst.iterations, report.iterations);
    }
    return worst;
  }
  Energy energy() {
    forward_kinematics(model, state.q, state.v, data);
    return dynamics::energy(model, data, state.q, state.v);
  }
};

int order(Integrator integrator) {
  return integrator == Integrator::kRungeKutta4 ? 4 : integrator == Integrator::kSymplectic ? 2 : 1;
}
const Integrator kAll[] = {Integrator::kImplicit, Integrator::kSemiImplicitEuler, Integrator::kRungeKutta4,
                           Integrator::kSymplectic};

// ---- IFToMM A01: planar pendulum, values of the reference page ----

TEST(Pendulum, ReachesThePublishedPositionsAndEnergy) {
  World world(pendulum(), 1e-3, Integrator::kRungeKutta4);
  const double e0 = world.energy().total();
  const struct {
    double t, x, z;
  } kReference[] = {{1, 0.9862917511318753, -0.1650108531255412},
                    {5, -0.9423054350437573, -0.3347543384140006},
                    {10, -0.2750874625761169, -0.9614192050991251}};
  double t = 0;
  for (const auto& r : kReference) {
    world.run(r.t - t);
    t = r.t;
    EXPECT_NEAR(world.state.X_WB[0].p.x, r.x, 1e-10) << t;
    EXPECT_NEAR(world.state.X_WB[0].p.z, r.z, 1e-10) << t;
    EXPECT_NEAR(world.energy().total(), e0, 1e-10);  // accepted by the benchmark: 5e-5 J
  }
}

TEST(Pendulum, ErrorFallsAtTheOrderOfTheIntegrator) {
  for (const Integrator integrator : kAll) {
    const auto error = [&](double dt) {
      World world(pendulum(), dt, integrator);
      world.run(1);
      const Vec3d p = world.state.X_WB[0].p;
      return std::hypot(p.x - 0.9862917511318753, p.z + 0.1650108531255412);
    };
    const double coarse = error(4e-3), fine = error(1e-3);
    EXPECT_NEAR(std::log2(coarse / fine) / 2, order(integrator), 0.3) << to_string(integrator);
  }
}

TEST(Pendulum, SymplecticEnergyDoesNotDrift) {
  World world(pendulum(), 1e-3, Integrator::kSymplectic);
  const double e0 = world.energy().total();
  double first = 0, last = 0;
  for (int i = 0; i < 100'000; ++i) {
    world.run(1e-3);
    double& worst = i < 10'000 ? first : last;
    if (i < 10'000 || i >= 90'000) worst = std::max(worst, std::abs(world.energy().total() - e0));
  }
  EXPECT_LE(first, 1e-4);
  EXPECT_LE(last, 1.01 * first);  // 100 s: the band of the first ten seconds
}

// ---- IFToMM A02 as an open chain: M and the bias of the spanning tree, folded onto the one motion of the loop ----

// Acceleration of the crank angle, from the open chain's M and RNEA: q = G theta, G = (1, -1, 1, -1, ...).
struct FourBar {
  Model model;
  Data data;
  std::vector<double> q, v, M, bias, zero;

  explicit FourBar(int n) : model(compiled(four_bar_chain(n))), data(make_data(model)) {
    const auto nv = static_cast<std::size_t>(model.nv);
    q.resize(nv), v.resize(nv), bias.resize(nv), zero.resize(nv), M.resize(nv * nv);
  }
  // Angles of the chain's joints while the pillars turn by theta and the beams do not turn.
  static double sign(std::size_t k) { return k % 2 == 0 ? 1 : -1; }
  double acceleration(double theta, double rate) {
    for (std::size_t k = 0; k < q.size(); ++k) q[k] = sign(k) * theta, v[k] = sign(k) * rate;
    mass_matrix(model, q, data, M);
    inverse_dynamics(model, q, v, zero, {}, data, bias);
    double inertia = 0, force = 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      force -= sign(i) * bias[i];
      for (std::size_t j = 0; j < q.size(); ++j) inertia += sign(i) * M[i * q.size() + j] * sign(j);
    }
    return force / inertia;
  }
};

TEST(FourBarChain, ReachesThePublishedPositions) {
  const struct {
    int n;
    double t, x, y;
  } kReference[] = {{1, 10, 0.47838505776097, 0.87815017879121},
                    {2, 1, -0.19502030194944, -0.98079920566217},
                    {2, 5, -0.81131046100511, -0.58461554534898},
                    {2, 10, 0.32845811154082, 0.9445185381786},
                    {40, 10, 0.18051222668673, 0.98357274058231}};
  for (const auto& r : kReference) {
    FourBar chain(r.n);
    double theta = 0, rate = -1;  // B0 starts at +1 m/s in x
    const double h = r.n == 40 ? 4e-3 : 1e-3;
    for (long i = 0; i < std::llround(r.t / h); ++i) {
      const double k1 = chain.acceleration(theta, rate),
                   k2 = chain.acceleration(theta + h / 2 * rate, rate + h / 2 * k1);
      const double k3 = chain.acceleration(theta + h / 2 * (rate + h / 2 * k1), rate + h / 2 * k2);
      const double k4 = chain.acceleration(theta + h * (rate + h / 2 * k2), rate + h * k3);
      theta += h * rate + h * h / 6 * (k1 + k2 + k3);
      rate += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
    EXPECT_NEAR(-std::sin(theta), r.x, r.n == 40 ? 1e-7 : 1e-9) << r.n << " bars at " << r.t;
    EXPECT_NEAR(std::cos(theta), r.y, r.n == 40 ? 1e-7 : 1e-9) << r.n << " bars at " << r.t;
  }
}

// ---- free rigid body ----

TEST(FreeBox, StartsWithThePublishedEnergyAndMomentum) {
  World world(free_box(), 1e-3, Integrator::kImplicit);
  EXPECT_NEAR(world.energy().total(), 368.546, 5e-4);
  EXPECT_NEAR(norm(momentum(world.model, world.data).n), 3.41765, 5e-6);
}

TEST(FreeBox, FallsExactlyWithASecondOrderIntegrator) {
  for (const Integrator integrator : {Integrator::kRungeKutta4, Integrator::kSymplectic}) {
    World world(free_box(), 1e-3, integrator);
    world.run(10);
    EXPECT_LE(norm(world.state.X_WB[0].p - Vec3d{-20, 20, 80 - 0.5 * 9.8 * 100}), 1e-9) << to_string(integrator);
  }
}

TEST(FreeBox, RotationErrorFallsAtTheOrderOfTheIntegrator) {
  World exact(free_box(), 2e-4, Integrator::kRungeKutta4);
  exact.run(2);
  for (const Integrator integrator : kAll) {
    const auto error = [&](double dt) {
      World world(free_box(), dt, integrator);
      world.run(2);
      return angle_between(world.state.X_WB[0].R, exact.state.X_WB[0].R);
    };
    const double coarse = error(8e-3), fine = error(2e-3);
    EXPECT_NEAR(std::log2(coarse / fine) / 2, order(integrator), 0.35)
        << to_string(integrator) << coarse << " " << fine;
  }
}

TEST(FreeBox, SymplecticKeepsEnergyAndMomentumToRounding) {
  Scene scene = free_box();
  scene.gravity = {};
  World world(scene, 1e-3, Integrator::kSymplectic);
  const double e0 = world.energy().kinetic;
  const Vec3d l0 = momentum(world.model, world.data).n;
  world.run(10);
  EXPECT_NEAR(world.energy().kinetic / e0, 1, 1e-12);
  // about the centre of mass: 10,000 steps of rounding, 2e-16 each
  const Forced p = momentum(world.model, world.data);
  const Vec3d spin = p.n - cross(center_of_mass(world.model, world.data), p.f);
  EXPECT_LE(norm(spin - l0) / norm(l0), 5e-12);
}

// Every kind of joint in one tree: the energy error of all integrators falls at their order.
TEST(RandomTreeMotion, EnergyErrorFallsAtTheOrderOfTheIntegrator) {
  for (const Integrator integrator :
       {Integrator::kRungeKutta4, Integrator::kSymplectic, Integrator::kSemiImplicitEuler}) {
    double worst = 10;
    for (int seed : {1, 2, 3, 5, 8}) {
      const auto error = [&](double dt) {
        World world(random_tree(8, static_cast<std::uint64_t>(seed)), dt, integrator);
        Random r(static_cast<std::uint64_t>(seed), 4);
        for (double& v : world.state.v) v = r.uniform(-1, 1);
        const double e0 = world.energy().total();
        EXPECT_TRUE(world.run(0.4).converged);
        return std::abs(world.energy().total() - e0);
      };
      worst = std::min(worst, std::log2(error(2e-3) / error(5e-4)) / 2);
    }
    EXPECT_GE(worst, order(integrator) - 0.5) << to_string(integrator);
  }
}

// ---- joint laws ----

Scene slider(double mass) {  // on a horizontal rail
  Scene scene;
  add_box(scene, "/cart", mass, {1, 1, 1}, {});
  add_joint(scene, JointType::kPrismatic, scene::kWorld, BodyId{0}, {}, {1, 0, 0});
  return scene;
}

TEST(JointLaw, StiffDriveIsStableAtAnyStepAndSettlesOnItsTarget) {
  Scene scene = slider(1);
  scene.joints[0].drive = {1e9, 1e4, 0.3, 0, scene::kUnlimited};
  World world(scene, 1.0 / 60, Integrator::kImplicit);
  world.run(2);
  EXPECT_NEAR(world.state.q[0], 0.3, 1e-9);
}

TEST(JointLaw, ImplicitDampingIsTheClosedFormOfItsScheme) {
  Scene scene = slider(2);
  scene.joints[0].damping = 3;
  scene.joints[0].velocity = 5;
  World world(scene, 0.01, Integrator::kImplicit);
  world.run(1);
  EXPECT_NEAR(world.state.v[0], 5 * std::pow(1 / (1 + 0.01 * 3 / 2), 100), 1e-12);
}

TEST(JointLaw, EffortLimitHoldsTheDrive) {
  Scene scene = slider(2);
  scene.joints[0].drive = {1e6, 1e3, 100, 0, 10};
  World world(scene, 1e-3, Integrator::kImplicit);
  world.run(1);
  EXPECT_NEAR(world.state.v[0], 10.0 / 2 * 1, 1e-12);
  EXPECT_EQ(world.state.tau[0], 10);
}

// What the state calls effort is what drives and commands gave, with every integrator: springs and damping are not in
// it.
TEST(JointLaw, EffortOfTheStateIsThatOfDrivesAndCommands) {
  for (const Integrator integrator : kAll) {
    Scene scene = slider(2);
    scene.joints[0].damping = 7;
    scene.joints[0].stiffness = 11;
    World world(scene, 1e-3, integrator);
    world.controls.effort[0] = 3;
    world.run(0.1);
    EXPECT_EQ(world.state.tau[0], 3) << to_string(integrator);
  }
}

TEST(JointLaw, PositionLimitStopsWithoutPenetration) {
  for (const Integrator integrator : kAll) {
    Scene scene = slider(1);
    scene.joints[0].upper = 0.5;
    scene.joints[0].velocity = 3;
    World world(scene, 1e-3, integrator);
    for (int i = 0; i < 1000; ++i) {
      world.run(1e-3);
      ASSERT_LE(world.state.q[0], 0.5 + 1e-12) << to_string(integrator);
    }
    EXPECT_NEAR(world.state.q[0], 0.5, 1e-9) << to_string(integrator);
    EXPECT_NEAR(world.state.v[0], 0, 1e-9);
    world.controls.effort[0] = -1;  // and it comes off again
    world.run(1);
    EXPECT_NEAR(world.state.v[0], -1, 2e-3);
  }
}

TEST(JointLaw, VelocityLimitHolds) {
  for (const Integrator integrator : kAll) {
    Scene scene = slider(1);
    scene.joints[0].velocity_limit = 0.7;
    World world(scene, 1e-3, integrator);
    world.controls.effort[0] = 100;
    world.run(0.1);
    EXPECT_NEAR(world.state.v[0], 0.7, 1e-12) << to_string(integrator);
  }
}

// Coulomb: holds exactly below the limit, and slides with (F - f) / m above it.
TEST(JointLaw, FrictionHoldsExactlyAndSlidesAtTheClosedForm) {
  for (const Integrator integrator : kAll) {
    Scene scene = slider(2);
    scene.joints[0].friction = 5;
    World world(scene, 1e-3, integrator);
    world.controls.effort[0] = 4.99;
    world.run(1);
    EXPECT_NEAR(world.state.q[0], 0,
                integrator == Integrator::kRungeKutta4 || integrator == Integrator::kSymplectic ? 3e-3 : 0)
        << to_string(integrator);
    EXPECT_EQ(world.state.v[0], 0) << to_string(integrator);
    world.controls.effort[0] = 9;
    world.run(1);
    EXPECT_NEAR(world.state.v[0], 2, 1e-9) << to_string(integrator);
    world.controls.effort[0] = 0;  // stops, and stays
    world.run(1);
    EXPECT_EQ(world.state.v[0], 0) << to_string(integrator);
  }
}

// A chain in which many joints rest on limits, stick and saturate at once: the residual of every law is checked.
TEST(JointLaw, ManyAtOnceAreAllSatisfied) {
  for (int seed = 0; seed < 40; ++seed) {
    Scene scene = random_tree(12, static_cast<std::uint64_t>(seed));
    Random r(static_cast<std::uint64_t>(seed), 6);
    for (Joint& joint : scene.joints) {
      if (scene::velocity_size(joint.type) != 1) continue;
      joint.type = joint.type == JointType::kContinuous ? JointType::kRevolute : joint.type;
      joint.friction = r.uniform(0, 3);
      joint.lower = r.uniform(-0.5, -0.05), joint.upper = r.uniform(0.05, 0.5);
      joint.velocity_limit = r.uniform(0.5, 2);
      joint.drive = {r.uniform(0, 500), r.uniform(0, 20), r.uniform(-1, 1), 0, r.uniform(1, 10)};
    }
    World world(scene, 2e-3, Integrator::kImplicit);
    for (int i = 0; i < 500; ++i) {
      const StepReport report = step(world.model, world.options, world.controls, world.data, world.state);
      ASSERT_TRUE(report.converged) << seed << " step " << i << " after " << report.iterations;
      for (std::size_t k = 0; k < world.model.laws.size(); ++k) {
        const JointLaw& law = world.model.laws[k];
        if (law.q < 0 || !std::isfinite(law.upper)) continue;
        const double q = world.state.q[static_cast<std::size_t>(law.q)];
        ASSERT_LE(q, law.upper + 1e-9) << seed;
        ASSERT_GE(q, law.lower - 1e-9) << seed;
        ASSERT_LE(std::abs(world.state.v[k]), law.velocity_limit * (1 + 1e-9)) << seed;
        ASSERT_LE(std::abs(world.state.tau[k]), law.drive_limit * (1 + 1e-12)) << seed;
      }
    }
  }
}

// Stiff drives far from their targets, which saturate together: modes that jumped from one limit to the other at once
// went round in circles.
TEST(JointLaw, DrivesThatSaturateTogetherAreSolved) {
  World world(arm7(), 1e-3, Integrator::kImplicit);
  for (int trial = 0; trial < 100; ++trial) {
    Random r(7, static_cast<std::uint64_t>(trial));
    for (double& q : world.state.q) q = r.uniform(-0.15, 0.15);
    for (double& v : world.state.v) v = r.uniform(-1, 1);
    for (double& target : world.controls.target_position) target = r.uniform(-0.5, 0.5);
    EXPECT_TRUE(world.run(0.02).converged) << trial;
  }
}

// A command that is not a number is refused by name, and not a bit of the state changes.
TEST(Step, RefusesWhatIsNotANumber) {
  const double nan = std::nan(""), infinite = INFINITY;
  const auto refused = [&](auto spoil, const std::string& words) {
    World world(arm7(), 1e-3, Integrator::kImplicit);
    world.run(0.01);
    const scene::State before = world.state;
    scene::State& state = world.state;
    spoil(world.controls, state);
    const scene::State given = state;
    const StepReport report = step(world.model, world.options, world.controls, world.data, state);
    EXPECT_TRUE(report.refused && !report.finite && !report.converged) << words;
    EXPECT_EQ(state.time, before.time);
    for (std::size_t k = 0; k < state.v.size(); ++k) {
      EXPECT_EQ(std::memcmp(&state.q[k], &given.q[k], sizeof(double)), 0) << words;
      EXPECT_EQ(std::memcmp(&state.v[k], &given.v[k], sizeof(double)), 0) << words;
      EXPECT_EQ(state.a[k], before.a[k]) << words;
    }
    EXPECT_NE(bad_input(world.model, world.controls, state).find(words), std::string::npos)
        << bad_input(world.model, world.controls, state);
    EXPECT_TRUE(evaluate(world.model, world.options, world.controls, world.data, state).refused);
  };
  const std::string second = "joint '" + arm7().joints[1].path + "'";
  refused([&](Controls& c, scene::State&) { c.effort[1] = nan; }, "the effort of " + second + " is nan");
  refused([&](Controls& c, scene::State&) { c.target_position[1] = infinite; }, "the target position of " + second);
  refused([&](Controls& c, scene::State&) { c.target_velocity[1] = -infinite; }, "the target velocity of " + second);
  refused([&](Controls&, scene::State& s) { s.q[1] = nan; }, "the position of " + second);
  refused([&](Controls&, scene::State& s) { s.v[1] = nan; }, "the velocity of " + second);
  refused(
      [&](Controls& c, scene::State& s) {
        c.wrenches.resize(s.X_WB.size());
        c.wrenches[2].f.y = nan;
      },
      "the wrench on body '");
  World world(arm7(), 1e-3, Integrator::kImplicit);
  EXPECT_EQ(bad_input(world.model, world.controls, world.state), "");
}

}  // namespace
}  // namespace geoul::dynamics
