// Contact in lanes: the laws of step(), whoever stands beside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/batch.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/allocations.h"
#include "scenarios/contacts.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;
using Numbers = std::vector<double>;

// A stool on three round feet, a ball that falls on it, a bar beside it, and an arm of two joints that presses a ball
// down: contacts with what stands still, between trees, and limits, friction and drives in one problem. The impulses
// of all are determined.
Scene workshop() {
  Scene s = ground({0.5, 0});
  const BodyId stool = add_box(s, "/stool", 2, {0.4, 0.4, 0.05}, {0, 0, 0.3});
  for (const Vec3d& p : {Vec3d{0.2, 0, -0.25}, Vec3d{-0.1, 0.17, -0.25}, Vec3d{-0.1, -0.17, -0.25}})
    add_shape(s, stool, scene::Sphere{0.04}, {0.7, 0}, {{}, p});
  add_shape(s, stool, scene::Sphere{0.1}, {0.3, 0}, {{}, {0, 0, 0.02}});
  add_ball(s, "/ball", 0.5, 0.05, {0.03, 0.01, 0.5}, {0.4, 0});
  const BodyId bar = add_box(s, "/bar", 1, {0.1, 0.1, 0.5}, {0.8, 0, 0.3});
  add_shape(s, bar, scene::Capsule{0.05, 0.4}, {0.4, 0});
  const BodyId post = add_box(s, "/post", 3, {0.1, 0.1, 0.1}, {-1, 0, 0.6});
  const BodyId hand = add_box(s, "/hand", 1, {0.1, 0.1, 0.3}, {-1, 0, 0.3});
  add_joint(s, JointType::kRevolute, scene::kWorld, post, {-1, 0, 0.6}, {0, 1, 0});
  add_joint(s, JointType::kRevolute, post, hand, {-1, 0, 0.5}, {1, 0, 0});
  for (Joint& joint : s.joints) joint.damping = 0.2, joint.friction = 0.05, joint.lower = -0.6, joint.upper = 0.6;
  add_shape(s, hand, scene::Sphere{0.08}, {0.6, 0}, {{}, {0, 0, -0.22}});
  return s;
}

BatchOptions awake() {
  BatchOptions options;
  options.step.sleep_velocity = 0;
  return options;
}

struct Start {
  Numbers q, v, effort;
};
Start start_of(const Model& model, int world, double speed) {
  Random r(5, static_cast<std::uint64_t>(world));
  Start s{model.q_start, model.v_start, Numbers(static_cast<std::size_t>(model.nv))};
  for (double& x : s.v) x = r.uniform(-speed, speed);
  return s;
}
Batch batch_of(const Model& model, int worlds, const BatchOptions& options, double speed = 0.3) {
  Batch batch = Batch::make(model, worlds, options).value();
  for (int w = 0; w < worlds; ++w) {
    const Start s = start_of(model, w, speed);
    batch.write_state(w, s.q, s.v);
  }
  return batch;
}
Numbers numbers(const Batch& batch, int world) {
  Numbers all(static_cast<std::size_t>(batch.model().nq + batch.model().nv));
  const std::span<double> s(all);
  const auto nq = static_cast<std::size_t>(batch.model().nq);
  batch.read_state(world, s.subspan(0, nq), s.subspan(nq));
  return all;
}

// One world beside a batch, brought to the same state before every step.
struct Beside {
  const Model& model;
  Data data = make_data(model);
  scene::State state = make_state(model);
  Controls controls = make_controls(model);
  int unsolved = 0;  // steps of its own that did not converge

  // Steps it from where the batch's world is; how far the batch's velocities then are from its own.
  double step(Batch& batch, const StepOptions& options, int world) {
    batch.read_state(world, state.q, state.v);
    place_bodies(model, data, state);
    const bool solved = dynamics::step(model, options, controls, data, state).converged;
    batch.step();
    if (!solved) return ++unsolved, 0;
    const Numbers there = numbers(batch, world);
    double worst = 0;
    for (std::size_t k = 0; k < state.v.size(); ++k)
      worst = std::max(worst, std::abs(there[state.q.size() + k] - state.v[k]));
    for (std::size_t k = 0; k < state.q.size(); ++k) worst = std::max(worst, std::abs(there[k] - state.q[k]));
    return worst;
  }
};

void expect_the_scalar_step(const Scene& scene) {
  const Model model = compiled(scene);
  const BatchOptions options = awake();
  Batch batch = batch_of(model, 5, options);
  ASSERT_TRUE(batch.in_lanes());
  Beside beside{model};
  double worst = 0;
  int touching = 0;
  for (int i = 0; i < 600; ++i) {
    worst = std::max(worst, beside.step(batch, options.step, 3));
    touching += beside.data.contact->solved > 0;
  }
  EXPECT_LT(worst, 5e-7);  // what 1e-10 m/s at the contacts leaves of the fastest turn of a light body
  EXPECT_GT(touching, 300);
  EXPECT_LT(beside.unsolved, 60);  // steps that the scalar solver gives up, and says so
}
TEST(BatchContacts, AreSolvedAsTheScalarStepDoes) { expect_the_scalar_step(workshop()); }

TEST(BatchContacts, RubAndRollAsInTheScalarStep) {
  Scene scene = workshop();
  for (scene::Material& m : scene.materials) m.torsional_friction = 0.02, m.rolling_friction = 0.005;
  expect_the_scalar_step(scene);
}

TEST(BatchContacts, GiveWayAsInTheScalarStep) {
  Scene scene = workshop();
  for (scene::Material& m : scene.materials) m.contact_stiffness = 2e4, m.contact_damping = 50;
  expect_the_scalar_step(scene);
}

TEST(BatchContacts, AWorldHasTheSameBitsForAnyThreadsPositionNeighboursAndLanes) {
  const Model model = compiled(workshop());
  const Start own = start_of(model, 1000, 0.5);
  Numbers first;
  for (const LaneSet lanes : {LaneSet::kBaseline, LaneSet::kAvx2, LaneSet::kAvx512}) {
    if (!lanes_supported(lanes)) continue;
    for (const int threads : {1, 3}) {
      for (const int position : {0, 5, 17}) {
        ThreadPool pool(threads);
        BatchOptions options = awake();
        options.step.pool = &pool, options.lanes = lanes;
        Batch batch = batch_of(model, 20, options, 0.1 * (1 + position));
        batch.write_state(position, own.q, own.v);
        batch.step(150), batch.step(50);
        if (first.empty()) first = numbers(batch, position);
        ASSERT_EQ(first, numbers(batch, position))
            << to_string(lanes) << " threads " << threads << " position " << position;
      }
    }
  }
}

TEST(BatchContacts, AWorldThatTouchesNothingStepsAsIfNothingCouldTouch) {
  Scene scene = ground({0.5, 0});
  add_ball(scene, "/ball", 1, 0.1, {0, 0, 0.1}, {0.5, 0});
  const Model model = compiled(scene);
  for (scene::Shape& shape : scene.shapes) shape.collides = false;
  Batch batch = batch_of(model, 9, awake());
  Batch flying = batch_of(compiled(scene), 9, awake());
  Start high = start_of(model, 4, 1);
  high.q[2] += 3;
  batch.write_state(4, high.q, high.v), flying.write_state(4, high.q, high.v);
  batch.step(200), flying.step(200);
  EXPECT_EQ(numbers(batch, 4), numbers(flying, 4));
  EXPECT_NE(numbers(batch, 3), numbers(flying, 3));
}

TEST(BatchContacts, ABoxOnASlopeSlidesByItsOwnWorldsFriction) {
  const double angle = 0.4, g = 9.81;
  const Model model = compiled(box_on_slope(angle, 0.5));
  BatchOptions options = awake();
  Batch batch = Batch::make(model, 6, options).value();
  ASSERT_TRUE(batch.in_lanes());
  for (int w = 0; w < 6; ++w) {
    WorldParameters p{model.gravity, {}, {}};
    p.contact_friction = 0.2 * w;
    ASSERT_TRUE(batch.set_parameters(w, p));
  }
  batch.step(500);
  for (int w = 0; w < 6; ++w) {
    Numbers q(static_cast<std::size_t>(model.nq)), v(static_cast<std::size_t>(model.nv));
    batch.read_state(w, q, v);
    const double speed = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    const double expected = std::max(0.0, g * (std::sin(angle) - 0.1 * w * std::cos(angle))) * 0.5;
    EXPECT_NEAR(speed, expected, 1e-3 * expected + 1e-9) << w;
  }
}

TEST(BatchContacts, FastBodiesStepByThemselvesAndAreStopped) {
  const Model model = compiled(bullet_at_plate(300, 1e-3));
  BatchOptions options = awake();
  Batch batch = Batch::make(model, 3, options).value();
  ASSERT_TRUE(batch.in_lanes());
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  int alone = 0;
  for (int i = 0; i < 10; ++i) {
    alone += batch.step().alone;
    step(model, options.step, controls, data, state);
  }
  EXPECT_GT(alone, 0);
  const Numbers there = numbers(batch, 1);
  for (std::size_t k = 0; k < state.q.size(); ++k) EXPECT_NEAR(there[k], state.q[k], 1e-9);
  EXPECT_LT(there[0], 1);
}

TEST(BatchContacts, SnapshotsAndForksGoOnWithTheSameBits) {
  const Model model = compiled(workshop());
  Batch batch = batch_of(model, 11, awake());
  batch.step(300);
  const BatchSnapshot all = batch.snapshot();
  batch.fork(3, 8);
  batch.step(40);
  const Numbers then = numbers(batch, 3);
  EXPECT_EQ(then, numbers(batch, 8));
  batch.restore(all);
  batch.step(40);
  EXPECT_EQ(then, numbers(batch, 3));
}

TEST(BatchContacts, StepsAllocateNothing) {
  const Model model = compiled(workshop());
  Batch batch = batch_of(model, 16, awake());
  batch.step(300);
  const long before = allocations();
  batch.step(100);
  EXPECT_EQ(allocations() - before, 0);
}

TEST(BatchContacts, WhatLanesCannotDoStepsWorldByWorld) {
  const auto in_lanes = [](const Scene& scene) { return Batch::make(compiled(scene), 2, awake()).value().in_lanes(); };
  EXPECT_FALSE(in_lanes(bouncing_ball(0.5)));  // restitution
  EXPECT_FALSE(in_lanes(tower(20, 1, 1)));     // 120 degrees of freedom
  EXPECT_FALSE(in_lanes(bowl(3)));             // a height field
  EXPECT_TRUE(in_lanes(rolling_ball(1, 0.5)));
  BatchOptions narrow = awake();
  narrow.precision = BatchPrecision::kFloat32;
  EXPECT_FALSE(Batch::make(compiled(rolling_ball(1, 0.5)), 2, narrow));
}

}  // namespace
}  // namespace geoul::dynamics
