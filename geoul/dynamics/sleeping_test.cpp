// Sleep: what stands still is held to the bit, costs no solve, and wakes on everything that could move it.
#include "geoul/dynamics/sleeping.h"

#include <gtest/gtest.h>

#include <functional>

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

  explicit World(const Scene& scene)
      : model(compiled(scene)), data(make_data(model)), state(make_state(model)), controls(make_controls(model)) {}
  void run(int steps) {
    for (int i = 0; i < steps; ++i) step(model, options, controls, data, state);
  }
  bool sleeps(int body) const { return asleep(model, BodyId{body}, data); }
  int sleepers() const { return data.contact->sleep.count; }
};

// Two towers of three boxes, 2 m apart; with a ball that falls on the second after `fall` seconds.
Scene two_towers(double fall) {
  Scene scene = ground({0.5, 0});
  for (int t = 0; t < 2; ++t) {
    for (int i = 0; i < 3; ++i) {
      const std::string path = "/box" + std::to_string(t) + std::to_string(i);
      add_solid_box(scene, path, 1, {.2, .2, .2}, {2. * t, 0, .1 + .2 * i}, {0.5, 0});
    }
  }
  if (fall > 0) add_ball(scene, "/ball", 1, .05, {2, 0, .65 + 0.5 * 9.81 * fall * fall}, {0.5, 0});
  return scene;
}

TEST(Sleep, ATowerIsHeldToTheBitWithItsContacts) {
  World world(tower(5, 1, 1));
  world.run(600);
  ASSERT_EQ(world.sleepers(), 5);
  const scene::State then = world.state;
  const StepReport report = step(world.model, world.options, world.controls, world.data, world.state);
  world.run(500);
  EXPECT_EQ(world.state.q, then.q);
  for (const double v : world.state.v) EXPECT_EQ(v, 0);
  EXPECT_EQ(world.data.contact->solved, 0);  // nothing is solved
  EXPECT_EQ(report.contact.count, 20);       // and all is told
  double weight = 0;
  for (const Contact& c : world.data.contact->contacts) {
    if (!world.model.contact->geometry->colliders[static_cast<std::size_t>(c.a)].body.valid()) weight += c.force_W.z;
  }
  EXPECT_NEAR(weight, 5 * 9.81, 1e-6);
}

TEST(Sleep, WhatMovesHoweverSlowlyStaysAwake) {
  World world(rolling_ball(1e-6, 0.3));
  world.run(2000);
  EXPECT_FALSE(world.sleeps(0));
  EXPECT_NEAR(world.state.V_WB[0].v.x, 5e-6 / 7, 1e-9);
}

TEST(Sleep, AThrownBallSleepsOnlyWhereItLies) {
  World world(bouncing_ball(0));
  world.run(400);  // still falling
  EXPECT_FALSE(world.sleeps(0));
  world.run(800);
  EXPECT_TRUE(world.sleeps(0));
  EXPECT_NEAR(world.state.X_WB[0].p.z, .1, 1e-9);
}

TEST(Sleep, AFallingBallWakesTheHeapThatItHitsAndNoOther) {
  World world(two_towers(1));
  world.run(900);
  EXPECT_EQ(world.sleepers(), 6);
  world.run(200);
  for (int b = 0; b < 3; ++b) EXPECT_TRUE(world.sleeps(b)) << b;
  for (int b = 3; b < 7; ++b) EXPECT_FALSE(world.sleeps(b)) << b;
}

void expect_wakes(const char* what, const std::function<void(World&)>& change, bool others_sleep = true) {
  World world(two_towers(0));
  world.controls.wrenches.assign(6, {});
  world.run(600);
  ASSERT_EQ(world.sleepers(), 6) << what;
  change(world);
  world.run(1);
  for (int b = 3; b < 6; ++b) EXPECT_FALSE(world.sleeps(b)) << what << " " << b;
  for (int b = 0; b < 3; ++b) EXPECT_EQ(world.sleeps(b), others_sleep) << what << " " << b;
}

TEST(Sleep, EndsWithAWrenchAPushAMovedBodyGravityOrAWord) {
  expect_wakes("wrench", [](World& w) { w.controls.wrenches[5].f = {1e-9, 0, 0}; });
  expect_wakes("velocity", [](World& w) { w.state.v[24] = 1e-12; });
  expect_wakes("moved support", [](World& w) { w.state.q[21] += 1; });
  expect_wakes("word", [](World& w) { wake(w.model, BodyId{4}, w.data); });
  expect_wakes(
      "gravity", [](World& w) { w.model.gravity.z = -9.8; }, false);
}

TEST(Sleep, ABoxFallsWhenItsSupportIsMovedAway) {
  World world(two_towers(0));
  world.run(600);
  world.state.q[21 + 7] += 5;  // x of the middle box of the second tower
  world.run(100);
  EXPECT_LT(world.state.X_WB[5].p.z, .5 - .04);
}

TEST(Sleep, EndsWithACommand) {
  Scene scene = ground({0.5, 0});
  const BodyId block = add_solid_box(scene, "/block", 1, {.2, .2, .2}, {0, 0, .1}, {0.5, 0});
  const scene::JointId slide = add_joint(scene, JointType::kPrismatic, scene::kWorld, block, {0, 0, .1});
  scene.joints[slide.index()].drive = {1000, 10, -0.05, 0, scene::kUnlimited};
  World world(scene);
  world.run(600);
  EXPECT_TRUE(world.sleeps(0));
  world.controls.target_position[0] = 0.1;
  world.run(200);
  EXPECT_GT(world.state.X_WB[0].p.z, 0.15);
}

TEST(Sleep, ACopyOfStateAndDataGoesOnWithTheSameBits) {
  World world(two_towers(1));
  for (const int pause : {300, 250, 300, 500, 900}) {  // before, while and after some sleep, and after the ball
    world.run(pause);
    World again(two_towers(1));
    again.state = world.state;
    again.data = world.data;
    World on(two_towers(1));
    on.state = world.state;
    on.data = world.data;
    again.run(400), on.run(400);
    EXPECT_EQ(again.state.q, on.state.q);
    EXPECT_EQ(again.state.v, on.state.v);
    EXPECT_EQ(again.sleepers(), on.sleepers());
  }
}

TEST(Sleep, TheWorldGoesOnAsItsCopyDid) {
  World world(two_towers(1)), copy(two_towers(1));
  world.run(850);
  copy.state = world.state;
  copy.data = world.data;
  copy.run(600), world.run(600);
  EXPECT_EQ(world.state.q, copy.state.q);
  EXPECT_EQ(world.state.v, copy.state.v);
}

TEST(Sleep, IsOffWhereItsVelocityIsNone) {
  World world(tower(2, 1, 1));
  world.options.sleep_velocity = 0;
  world.run(1000);
  EXPECT_EQ(world.sleepers(), 0);
}

}  // namespace
}  // namespace geoul::dynamics
