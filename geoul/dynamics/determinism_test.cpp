// Same input, same bits; and nothing is allocated between step() and its return.
#include <gtest/gtest.h>

#include <cstring>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/sleeping.h"
#include "geoul/dynamics/step.h"
#include "scenarios/allocations.h"
#include "scenarios/contacts.h"
#include "scenarios/loops.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

constexpr Integrator kAll[] = {Integrator::kImplicit, Integrator::kSemiImplicitEuler, Integrator::kRungeKutta4,
                               Integrator::kSymplectic};

// Many independent trees of every kind of joint, some with friction, limits and limited drives.
Scene forest(int trees) {
  Scene scene;
  for (int t = 0; t < trees; ++t) {
    const Scene tree = random_tree(6, static_cast<std::uint64_t>(t), t % 3 == 0);
    const int first = static_cast<int>(scene.bodies.size());
    for (scene::Body body : tree.bodies) {
      body.path = "/tree" + std::to_string(t) + body.path;
      scene.bodies.push_back(body);
    }
    for (Joint joint : tree.joints) {
      joint.path = "/tree" + std::to_string(t) + joint.path;
      if (joint.parent.valid()) joint.parent.value += first;
      joint.child.value += first;
      if (t % 2 == 0 && scene::velocity_size(joint.type) == 1) {
        joint.friction = 0.3;
        joint.lower = -0.2, joint.upper = 0.2;
        joint.drive = {50, 2, 0.5, 0, 4};
      }
      scene.joints.push_back(joint);
    }
  }
  return scene;
}

std::vector<double> run(const Model& model, Integrator integrator, int threads, int steps) {
  ThreadPool pool(threads);
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  const StepOptions options{Duration{1'000'000}, integrator, 60, &pool};
  for (int i = 0; i < steps; ++i) step(model, options, controls, data, state);
  std::vector<double> bits = state.q;
  bits.insert(bits.end(), state.v.begin(), state.v.end());
  return bits;
}

TEST(Determinism, SameBitsForOneTwoThreeAndSevenThreads) {
  const Model model = compiled(forest(100));
  for (const Integrator integrator : kAll) {
    const std::vector<double> one = run(model, integrator, 1, 50);
    for (const int threads : {2, 3, 7}) {
      const std::vector<double> many = run(model, integrator, threads, 50);
      ASSERT_EQ(std::memcmp(one.data(), many.data(), one.size() * sizeof(double)), 0)
          << to_string(integrator) << " " << threads;
    }
  }
}

TEST(Determinism, ContactsHaveTheSameBitsForAnyThreadsAndAfterARestart) {
  Scene fast = heap(20, 0.5, 9);
  for (std::size_t b = 0; b < fast.bodies.size(); b += 5) fast.bodies[b].V_WB.v.z = -200;  // divides steps
  for (const Scene& scene : std::vector<Scene>{fast, bowl(25), tower(4, 1, 2)}) {
    const Model model = compiled(scene);
    const Controls controls = make_controls(model);
    ThreadPool one(1), three(3);
    StepOptions options;
    Data data = make_data(model), copy_data;
    scene::State state = make_state(model), copy;
    const auto run = [&](ThreadPool& pool, int steps, Data& d, scene::State& s) {
      options.pool = &pool;
      for (int i = 0; i < steps; ++i) step(model, options, controls, d, s);
    };
    for (int round = 0; round < 3; ++round) {
      copy = state, copy_data = data;
      run(one, 250, data, state);
      run(three, 250, copy_data, copy);
      EXPECT_EQ(state.q, copy.q);
      EXPECT_EQ(state.v, copy.v);
      EXPECT_EQ(state.a, copy.a);
    }
  }
}

TEST(Determinism, ARestartFromTheStateHasTheSameBits) {
  const Model model = compiled(forest(20));
  const Controls controls = make_controls(model);
  for (const Integrator integrator : kAll) {
    const StepOptions options{Duration{1'000'000}, integrator, 60, nullptr};
    Data data = make_data(model);
    scene::State state = make_state(model);
    for (int i = 0; i < 50; ++i) step(model, options, controls, data, state);
    scene::State copy = state;
    Data fresh = make_data(model);
    for (int i = 0; i < 50; ++i) {
      step(model, options, controls, data, state);
      step(model, options, controls, fresh, copy);
    }
    EXPECT_EQ(state.q, copy.q) << to_string(integrator);
    EXPECT_EQ(state.v, copy.v) << to_string(integrator);
  }
}

// Links that stand at the state already are not placed again: whoever uses the same Data in between changes nothing.
TEST(Determinism, OtherCallsBetweenStepsChangeNoBit) {
  Scene scene = forest(8);
  const Scene loop = four_bar_windows(2);
  const auto nbody = static_cast<int>(scene.bodies.size());
  scene.bodies.insert(scene.bodies.end(), loop.bodies.begin(), loop.bodies.end());
  for (Joint joint : loop.joints) {
    if (joint.parent.valid()) joint.parent.value += nbody;
    joint.child.value += nbody;
    scene.joints.push_back(joint);
  }
  const Model model = compiled(scene);
  const Controls controls = make_controls(model);
  const auto nv = static_cast<std::size_t>(model.nv);
  std::vector<double> M(nv * nv), tau(nv), zero(nv);
  for (const Integrator integrator : kAll) {
    const StepOptions options{Duration{1'000'000}, integrator, 60, nullptr};
    Data data = make_data(model);
    scene::State state = make_state(model), copy = state;
    for (int i = 0; i < 30; ++i) {
      if (i % 3 == 0) mass_matrix(model, state.q, data, M);
      if (i % 3 == 1) inverse_dynamics(model, model.q_start, zero, zero, {}, data, tau);
      if (i % 5 == 4) evaluate(model, options, controls, data, state);
      if (i % 7 == 6) state.v[0] = copy.v[0] = 0.1;
      step(model, options, controls, data, state);
      Data fresh = make_data(model);
      if (i % 5 == 4) evaluate(model, options, controls, fresh, copy);
      step(model, options, controls, fresh, copy);
      ASSERT_EQ(state.q, copy.q) << to_string(integrator) << " step " << i;
      ASSERT_EQ(state.v, copy.v) << to_string(integrator) << " step " << i;
    }
  }
}

// All that touches, slides, sticks, bounces, sleeps, wakes and hits fast: the second run of the same scene finds all
// the memory it needs.
TEST(Allocation, NothingIsAllocatedInAStepWithContactsAfterWarmingUp) {
  Scene bouncing = ground({0.5, 0.8}), falling = tower(5, 1, 1);
  add_ball(bouncing, "/ball", 1, .1, {0, 0, .2}, {0.5, 0.8});
  add_ball(falling, "/ball", 1, .05, {.05, 0, 3}, {0.5, 0});
  for (const Scene& scene : std::vector<Scene>{bouncing, falling, bowl(30), gripper({}), bullet_at_plate(300, 1e-3),
                                               spinning_blade(500), rolling_ball(1, 0.3)}) {
    const Model model = compiled(scene);
    Data data = make_data(model);
    const Controls controls = make_controls(model);
    const scene::State start = make_state(model);
    scene::State state = start;
    const StepOptions options;
    for (int i = 0; i < 800; ++i) step(model, options, controls, data, state);
    wake(model, data);
    state = start;
    const long before = scenarios::allocations();
    for (int i = 0; i < 800; ++i) step(model, options, controls, data, state);
    EXPECT_EQ(scenarios::allocations() - before, 0) << scene.bodies[0].path;
  }
}

TEST(Allocation, NothingIsAllocatedInAStep) {
  Scene scene = forest(10);
  Scene ring = weld_ring(12);
  const Model trees = compiled(scene), welded = compiled(ring);
  ThreadPool pool(2);
  for (const Model* model : {&trees, &welded}) {
    Data data = make_data(*model);
    scene::State state = make_state(*model);
    Controls controls = make_controls(*model);
    controls.wrenches.assign(static_cast<std::size_t>(model->nbody), Forced{{0.1, 0, 0}, {0, 0.2, 0}});
    controls.motion = [](Time, std::vector<double>&, std::vector<double>&, std::vector<double>&) {};
    for (const Integrator integrator : kAll) {
      const StepOptions options{Duration{1'000'000}, integrator, 60, &pool};
      const long before = scenarios::allocations();
      for (int i = 0; i < 20; ++i) {
        step(*model, options, controls, data, state);
        evaluate(*model, options, controls, data, state);
        reaction_wrenches(*model, controls.wrenches, data, state);
      }
      EXPECT_EQ(scenarios::allocations() - before, 0) << to_string(integrator);
    }
  }
  const long before = scenarios::allocations();  // the count itself works
  ::operator delete(::operator new(1));          // a plain call, which no optimiser may leave out
  EXPECT_EQ(scenarios::allocations() - before, 1);
}

}  // namespace
}  // namespace geoul::dynamics
