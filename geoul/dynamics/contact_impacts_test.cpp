// Fast bodies: nothing passes through anything, nothing that misses is touched.
#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/contacts.h"
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

  explicit World(const Scene& scene, double dt = 1e-3)
      : model(compiled(scene)), data(make_data(model)), state(make_state(model)), controls(make_controls(model)) {
    options.dt = Duration::from_seconds(dt);
  }
  void run(double seconds) {
    for (double t = 0; t < seconds - 1e-9; t += options.dt.seconds()) step(model, options, controls, data, state);
  }
  // Total momentum about the world's origin.
  Forced total_momentum() {
    forward_kinematics(model, state.q, state.v, data);
    return momentum(model, data);
  }
};

TEST(Impact, ABulletOf300MetresASecondStopsAtAPlateOfAMillimetre) {
  for (const double start : {0., .013, .1, .237, .29}) {  // wherever in the step it meets
    Scene scene = bullet_at_plate(300, 1e-3);
    scene.bodies[0].X_WB.p.x = start;
    World world(scene);
    world.run(10e-3);
    EXPECT_NEAR(world.state.X_WB[0].p.x, 1 - .0005 - .01, 1e-6) << start;
    EXPECT_NEAR(world.state.V_WB[0].v.x, 0, 1e-6) << start;
  }
}

TEST(Impact, ABulletAtEveryAngleStaysOnItsSide) {
  for (int k = 0; k < 20; ++k) {
    Scene scene = bullet_at_plate(300, 1e-3);
    const double angle = .07 * k;
    scene.bodies[0].V_WB.v = {300 * std::cos(angle), 300 * std::sin(angle), 0};
    World world(scene);
    world.run(4e-3);
    // y at the plate: beyond its edge it passes; it slides off the plate's edge at last
    const double y = std::tan(angle) * .99;
    if (y < .45) {
      EXPECT_LE(world.state.X_WB[0].p.x, 1 - .0105 + 1e-6) << angle;
    } else if (y > .55) {
      EXPECT_NEAR(world.state.V_WB[0].v.x, 300 * std::cos(angle), 1e-9) << angle;
    }
  }
}

TEST(Impact, AnElasticBulletComesBackAsFast) {
  Scene scene = bullet_at_plate(300, 1e-3);
  for (scene::Material& m : scene.materials) m.restitution = 1;
  World world(scene);
  world.run(6e-3);
  EXPECT_NEAR(world.state.V_WB[0].v.x, -300, 1e-6);
  EXPECT_NEAR(world.state.X_WB[0].p.x, 2 * .9895 - 300 * 6e-3, 1e-5);
}

TEST(Impact, AThinRodTurnsAboutTheEndThatMeetsThePlate) {
  World world(rod_at_plate(200, 1e-3));
  world.run(5e-3);
  // one end met it first; then the other: it lies against the plate, none of it behind
  const double reach = std::abs((rotation_matrix(world.state.X_WB[0].R) * Vec3d{0, .15, 0}).x);
  EXPECT_LE(world.state.X_WB[0].p.x + reach, 1 - .0005 + 1e-5);
  EXPECT_GT(world.state.X_WB[0].p.x, .6);
}

TEST(Impact, FastBulletsMeetOrMissByTheirOffset) {
  for (const double offset : {0., .005, .019, .0201, .021, .05}) {
    World world(bullets_that_meet(300, offset));
    const Forced before = world.total_momentum();
    world.run(8e-3);
    const Forced after = world.total_momentum();
    EXPECT_LE(norm(after.f - before.f) + norm(after.n - before.n), 1e-9) << offset;
    if (offset > .02) {
      EXPECT_NEAR(world.state.V_WB[0].v.x, 300, 1e-9) << offset;  // untouched
    } else {
      EXPECT_LT(world.state.V_WB[0].v.x, 300 - 1) << offset;
    }
    if (offset == 0) {
      EXPECT_NEAR(world.state.V_WB[0].v.x, 0, 1e-6);
      EXPECT_NEAR(world.state.X_WB[1].p.x - world.state.X_WB[0].p.x, .02, 1e-6);
    }
  }
}

TEST(Impact, ASpinningBladeTakesTheBallAlong) {
  World world(spinning_blade(2000));  // 2 rad a step; tips at 1000 m/s
  const double before = world.total_momentum().n.z;
  world.run(10e-3);
  EXPECT_GT(norm(world.state.V_WB[0].v), 300);
  // no velocity along the normal is left between them: inelastic
  EXPECT_LT(
      world.state.v[world.model.layout.joints.empty() ? 0 : static_cast<std::size_t>(world.model.layout.joints[0].v)],
      2000);
  const double after = world.total_momentum().n.z;
  EXPECT_NEAR(after / before, 1, 1e-6);
}

TEST(Impact, AFastImpactIsReported) {
  World world(bullet_at_plate(300, 1e-3));
  double sum = 0;
  for (int i = 0; i < 6; ++i) {
    world.run(1e-3);
    for (const Contact& c : world.data.contact->impacts) sum += c.impulse[0];
    for (int k = 0; k < world.data.contact->solved; ++k)
      sum += world.data.contact->contacts[static_cast<std::size_t>(k)].impulse[0];
  }
  EXPECT_NEAR(sum, .03 * 300, 1e-6);
}

TEST(Impact, ADividedStepTakesItsTime) {
  World world(bullet_at_plate(300, 1e-3));
  world.run(5e-3);
  EXPECT_EQ(world.state.time.ns, 5'000'000);
}

}  // namespace
}  // namespace geoul::dynamics
