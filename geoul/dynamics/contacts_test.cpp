// Contact against closed forms: friction, stacks, bounces, rolling.
#include "geoul/dynamics/contacts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/contacts.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

struct World {
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;

  World(const Scene& scene, double dt, Integrator integrator = Integrator::kImplicit)
      : model(compiled(scene)),
        data(make_data(model)),
        state(make_state(model)),
        controls(make_controls(model)),
        options{Duration::from_seconds(dt), integrator, 60, nullptr} {}

  StepReport step() { return dynamics::step(model, options, controls, data, state); }
  StepReport run(double seconds) {
    StepReport worst;
    const auto steps = std::llround(seconds / options.dt.seconds());
    for (long i = 0; i < steps; ++i) {
      const StepReport report = step();
      worst.converged = worst.converged && report.converged;
      worst.contact.penetration = std::max(worst.contact.penetration, report.contact.penetration);
      worst.contact.count = std::max(worst.contact.count, report.contact.count);
    }
    return worst;
  }
};

constexpr double kMu = 0.5;

TEST(Slope, ABoxBelowTheFrictionAngleDoesNotCreep) {
  World world(box_on_slope(std::atan(kMu) * 0.99, kMu), 1e-3);
  const Vec3d start = world.state.X_WB[0].p;
  const StepReport report = world.run(10);
  EXPECT_TRUE(report.converged);
  EXPECT_LE(norm(world.state.X_WB[0].p - start), 1e-6);
}

TEST(Slope, ABoxAboveTheFrictionAngleSlidesAsCoulombSays) {
  const double angle = std::atan(kMu) * 1.01;
  World world(box_on_slope(angle, kMu), 1e-3);
  const StepReport report = world.run(1);
  EXPECT_TRUE(report.converged);
  const double a = 9.81 * (std::sin(angle) - kMu * std::cos(angle));
  EXPECT_NEAR(norm(world.state.V_WB[0].v) / a, 1, 1e-3);
}

TEST(Tower, OfTwentyBoxesStands) {
  World world(tower(20, 1, 1), 2e-3);
  const StepReport report = world.run(2);
  for (std::size_t b = 0; b < 20; ++b) {
    EXPECT_NEAR(norm(world.state.X_WB[b].p - Vec3d{0, 0, .1 + .2 * static_cast<double>(b)}), 0, 1e-6) << b;
  }
  EXPECT_TRUE(report.converged);
  EXPECT_EQ(report.contact.count, 80);
}

TEST(Tower, WithAThousandfoldMassOnTopDoesNotSink) {
  World world(tower(2, 1, 1000), 1e-3);
  const StepReport report = world.run(2);
  EXPECT_TRUE(report.converged);
  EXPECT_NEAR(world.state.X_WB[0].p.z, 0.1, 1e-5);
  EXPECT_NEAR(world.state.X_WB[1].p.z, 0.3, 1e-5);
  EXPECT_LE(report.contact.penetration, 1e-5);
}

TEST(Bounce, AnElasticBallKeepsItsHeightOverFiftyBounces) {
  World world(bouncing_ball(1), 1e-3, Integrator::kRungeKutta4);
  int bounces = 0;
  double height = 0, lowest_top = 10, highest_top = 0, last = -1;
  while (bounces < 50 && world.state.time.ns < 100'000'000'000) {
    world.step();
    const double v = world.state.V_WB[0].v.z;
    height = std::max(height, world.state.X_WB[0].p.z - 0.1);
    if (last < 0 && v > 0) {
      if (bounces > 0) lowest_top = std::min(lowest_top, height), highest_top = std::max(highest_top, height);
      ++bounces;
      height = 0;
    }
    last = v;
  }
  EXPECT_EQ(bounces, 50);
  EXPECT_NEAR(lowest_top, 1, 0.01);
  EXPECT_NEAR(highest_top, 1, 0.01);
}

TEST(Bounce, AHalfElasticBallSettles) {
  World world(bouncing_ball(0.5), 1e-3);
  world.run(4);
  EXPECT_NEAR(world.state.X_WB[0].p.z, 0.1, 1e-6);
  EXPECT_NEAR(norm(world.state.V_WB[0].v), 0, 1e-6);
}

TEST(Rolling, ASlidingBallComesToRollAtFiveSeventhsOfItsSpeed) {
  World world(rolling_ball(2, 0.3), 1e-3);
  const StepReport report = world.run(2);
  EXPECT_TRUE(report.converged);
  EXPECT_NEAR(world.state.V_WB[0].v.x, 2 * 5.0 / 7, 1e-3);
  EXPECT_NEAR(world.state.V_WB[0].v.x, world.state.V_WB[0].w.y * 0.1, 1e-8);
  EXPECT_NEAR(world.state.X_WB[0].p.z, 0.1, 1e-9);
}

TEST(Contact, CarriesTheWeight) {
  World world(tower(3, 2, 1), 1e-3);
  world.run(0.1);
  Vec3d sum;
  for (const Contact& c : world.data.contact->contacts) {
    const bool ground = !world.model.contact->geometry->colliders[static_cast<std::size_t>(c.a)].body.valid();
    if (ground) sum += c.force_W;
  }
  EXPECT_NEAR(sum.z, 6 * 9.81, 1e-6);
  EXPECT_NEAR(std::hypot(sum.x, sum.y), 0, 1e-6);
}

TEST(Contact, OfJoinedBodiesIsLeftOut) {
  Scene scene = ground({});
  scene.gravity = {};
  add_solid_box(scene, "/a", 1, {1, 1, 1}, {0, 0, 3}, {});
  add_solid_box(scene, "/b", 1, {1, 1, 1}, {.5, 0, 3}, {});
  add_joint(scene, JointType::kRevolute, BodyId{0}, BodyId{1}, {.5, 0, 3});
  World world(scene, 1e-3);
  EXPECT_EQ(world.step().contact.count, 0);
}

TEST(Contact, ADrivenArmPressesWithItsDrive) {
  // a slide with a drive pushes a block onto the ground: contact force = weight + drive
  Scene scene = ground({0.5, 0});
  const BodyId block = add_solid_box(scene, "/block", 1, {.2, .2, .2}, {0, 0, .1}, {0.5, 0});
  const scene::JointId slide = add_joint(scene, JointType::kPrismatic, scene::kWorld, block, {0, 0, .1});
  scene.joints[slide.index()].drive = {1000, 10, -0.05, 0, scene::kUnlimited};
  World world(scene, 1e-3);
  world.run(0.2);
  double force = 0;
  for (const Contact& c : world.data.contact->contacts) force += c.force_W.z;
  EXPECT_NEAR(force, 9.81 + 50, 1e-6);
}

TEST(Contact, IsFeltByTheJointsThatCarryIt) {
  // a block of 2 kg on a table of 5 kg: welded to the world, or on a slide that a drive holds
  for (const JointType type : {JointType::kFixed, JointType::kPrismatic}) {
    Scene scene = ground({0.5, 0});
    const BodyId table = add_solid_box(scene, "/table", 5, {1, 1, .1}, {0, 0, .95}, {0.5, 0});
    add_solid_box(scene, "/block", 2, {.2, .2, .2}, {.1, 0, 1.1}, {0.5, 0});
    const scene::JointId joint = add_joint(scene, type, scene::kWorld, table, {0, 0, .95});
    scene.joints[joint.index()].drive = {1e5, 1e3, 7 * 9.81 / 1e5, 0, scene::kUnlimited};
    World world(scene, 1e-3);
    evaluate(world.model, world.options, world.controls, world.data, world.state);  // carried from the start on
    for (int i = 0; i < 2; ++i) {
      reaction_wrenches(world.model, {}, world.data, world.state);
      const Forced& F = world.state.wrenches[joint.index()].F_C_J;
      EXPECT_NEAR(F.f.z, 7 * 9.81, i == 0 ? 1e-6 : 1e-4) << to_string(type) << " " << i;
      EXPECT_NEAR(F.n.y, -.1 * 2 * 9.81, 1e-4) << to_string(type) << " " << i;
      EXPECT_NEAR(norm(world.state.A_WB[1].v), 0, 1e-4);
      world.run(0.6);
    }
  }
}

TEST(Contact, ToldContactByContactInSIUnits) {
  World world(box_on_slope(std::atan(kMu) * 1.2, kMu), 1e-3);
  const StepReport report = world.run(0.1);
  ASSERT_EQ(world.data.contact->solved, 4);
  Vec3d sum;
  for (const Contact& c : world.data.contact->contacts) {
    const double normal = dot(c.force_W, c.normal_W);
    const Vec3d along = c.force_W - normal * c.normal_W;
    EXPECT_NEAR(norm(along), kMu * normal, 1e-9);  // slips: on its cone
    EXPECT_NEAR(dot(along, c.slip_W), -norm(along) * norm(c.slip_W), 1e-9);
    EXPECT_LE(c.cone, 1e-9);
    EXPECT_LE(c.complementarity, 1e-6);
    EXPECT_TRUE(c.converged);
    EXPECT_GE(c.iterations, 0);
    sum += c.force_W;
  }
  EXPECT_TRUE(report.converged);
  const double a = std::atan(kMu) * 1.2, weight = 9.81;
  EXPECT_NEAR(norm(sum), weight * std::cos(a) * std::hypot(1, kMu), 1e-6);
}

TEST(Contact, ARestartWithItsMemoryHasTheSameBits) {
  World world(tower(5, 1, 3), 1e-3);
  world.run(0.05);
  const scene::State state = world.state;
  const Data data = world.data;
  world.run(0.05);
  World again(tower(5, 1, 3), 1e-3);
  again.state = state;
  again.data = data;
  again.run(0.05);
  EXPECT_EQ(world.state.q, again.state.q);
  EXPECT_EQ(world.state.v, again.state.v);
}

}  // namespace
}  // namespace geoul::dynamics
