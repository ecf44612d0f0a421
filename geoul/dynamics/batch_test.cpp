// A batch steps its worlds as step() does, and nothing but its own numbers reaches a world.
#include "geoul/dynamics/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>

#include "geoul/dynamics/batch_frames.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/allocations.h"
#include "scenarios/contacts.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;
using Numbers = std::vector<double>;

// Joints that stick, stop, and whose drives come to their limits.
Scene tree_with_laws(std::uint64_t seed, bool floating) {
  Scene scene = random_tree(8, seed, floating);
  int i = 0;
  for (Joint& joint : scene.joints) {
    if (scene::velocity_size(joint.type) != 1) continue;
    joint.damping = 0.1, joint.armature = 0.02;
    if (++i % 2 == 0) joint.friction = 0.3, joint.lower = -0.2, joint.upper = 0.2;
    joint.drive = {50, 2, 0.5, 0, 4};
  }
  return scene;
}

// What one world starts with, of its own by the number of the world.
struct Start {
  Numbers q, v, effort, target_q, target_v;
};
Start start_of(const Model& model, int world) {
  Random r(7, static_cast<std::uint64_t>(world));
  const auto nv = static_cast<std::size_t>(model.nv);
  Start s{model.q_start, Numbers(nv), Numbers(nv), Numbers(nv), Numbers(nv)};
  Numbers move(nv);
  for (double& x : move) x = r.uniform(-0.15, 0.15);
  integrate_position(model, s.q, move, 1.0, s.q);
  for (std::size_t k = 0; k < nv; ++k)
    s.v[k] = r.uniform(-1, 1), s.effort[k] = r.uniform(-2, 2), s.target_q[k] = r.uniform(-0.5, 0.5);
  return s;
}
void write(Batch& batch, int world, const Start& s) {
  batch.write_state(world, s.q, s.v);
  batch.write_controls(world, s.effort, s.target_q, s.target_v);
}
Numbers numbers(const Batch& batch, int world) {
  const auto nq = static_cast<std::size_t>(batch.model().nq), nv = static_cast<std::size_t>(batch.model().nv);
  Numbers all(nq + 3 * nv);
  const std::span<double> s(all);
  batch.read_state(world, s.subspan(0, nq), s.subspan(nq, nv));
  batch.read_efforts(world, s.subspan(nq + nv, nv), s.subspan(nq + 2 * nv, nv));
  return all;
}
Batch batch_of(const Model& model, int worlds, const BatchOptions& options = {}) {
  Result<Batch> made = Batch::make(model, worlds, options);
  EXPECT_TRUE(made);
  Batch batch = std::move(made.value());
  for (int w = 0; w < worlds; ++w) write(batch, w, start_of(model, w));
  return batch;
}
Numbers stepped_alone(const Model& model, const Start& s, int steps) {
  Data data = make_data(model);
  scene::State state = make_state(model);
  state.q = s.q, state.v = s.v;
  place_bodies(model, data, state);
  Controls controls = make_controls(model);
  controls.effort = s.effort, controls.target_position = s.target_q, controls.target_velocity = s.target_v;
  for (int i = 0; i < steps; ++i) step(model, {}, controls, data, state);
  Numbers all = state.q;
  for (const Numbers* part : {&state.v, &state.a, &state.tau}) all.insert(all.end(), part->begin(), part->end());
  return all;
}
double difference(const Numbers& a, const Numbers& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / (1 + std::abs(a[i])));
  return worst;
}

TEST(Batch, InDoubleEveryWorldStepsAsTheScalarStepDoes) {
  std::vector<Scene> scenes = {arm7()};
  for (std::uint64_t seed = 0; seed < 20; ++seed) scenes.push_back(tree_with_laws(seed, seed % 2 == 0));
  for (std::size_t i = 0; i < scenes.size(); ++i) {
    const Model model = compiled(scenes[i]);
    Batch batch = batch_of(model, 11);
    ASSERT_TRUE(batch.in_lanes());
    const BatchReport report = batch.step(50);
    EXPECT_EQ(report.faults, 0);
    EXPECT_EQ(report.unconverged, 0) << i;
    for (int w = 0; w < 11; ++w)
      EXPECT_LT(difference(stepped_alone(model, start_of(model, w), 50), numbers(batch, w)), 1e-9) << i << " " << w;
    EXPECT_EQ(batch.time(3).ns, 50'000'000);
  }
}

// A tree whose joint frames stand on each other by quarter turns, half turns and turns of 30 degrees about their axes,
// with shifts along some of them: every kind of kernel frame.
Scene tree_of_quarters(std::uint64_t seed) {
  Random r(31, seed);
  Scene scene;
  std::vector<Transformd> X_WL;
  for (int i = 0; i < 12; ++i) {
    const bool root = i == 0 || r.uniform(0, 1) < 0.1;
    const auto parent = root ? std::size_t{0} : static_cast<std::size_t>(r.uniform(0, 1) < 0.7 ? i - 1 : i / 2);
    Transformd X_PJ;
    for (int n = 0; n < 2; ++n) {
      const double angle = std::numbers::pi / 6 * std::floor(r.uniform(-3, 4)) * (r.uniform(0, 1) < 0.8 ? 3 : 1);
      Vec3d about;
      about[static_cast<int>(r.uniform(0, 3))] = angle;
      X_PJ.R = X_PJ.R * rotation_matrix(exp_rotation(about));
    }
    for (int k = 0; k < 3; ++k) X_PJ.p[k] = r.uniform(0, 1) < 0.5 ? 0 : r.uniform(-0.3, 0.3);
    X_WL.push_back(root ? X_PJ : X_WL[parent] * X_PJ);
    scene::Body body;
    body.path = "/link" + std::to_string(i);
    body.X_WB = pose(X_WL.back());
    body.mass = {r.uniform(0.5, 2),
                 {r.uniform(-.1, .1), r.uniform(-.1, .1), r.uniform(-.1, .1)},
                 {.02, .03, .025, .002, -.003, .001}};
    scene.bodies.push_back(body);
    Joint joint;
    joint.path = "/joint" + std::to_string(i);
    joint.type = r.uniform(0, 1) < 0.8 ? scene::JointType::kRevolute : scene::JointType::kPrismatic;
    joint.parent = root ? scene::kWorld : scene::BodyId::from_index(parent);
    joint.child = scene::BodyId::from_index(scene.bodies.size() - 1);
    joint.X_PJ = pose(X_PJ);
    joint.armature = i % 2 == 0 ? 0.02 : 0, joint.damping = 0.1;
    if (i % 3 == 0) joint.lower = -0.3, joint.upper = 0.3, joint.friction = 0.1;
    scene.joints.push_back(joint);
  }
  return scene;
}

TEST(Batch, EveryKindOfKernelFrameStepsAsTheScalarStepDoes) {
  std::set<FrameKind> kinds;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Model model = compiled(tree_of_quarters(seed));
    for (const KernelFrame& frame : kernel_frames(model)) kinds.insert(frame.kind);
    Batch batch = batch_of(model, 5);
    ASSERT_TRUE(batch.in_lanes());
    EXPECT_EQ(batch.step(50).unconverged, 0) << seed;
    for (int w = 0; w < 5; ++w)
      EXPECT_LT(difference(stepped_alone(model, start_of(model, w), 50), numbers(batch, w)), 1e-9) << seed << " " << w;
  }
  EXPECT_EQ(kinds.size(), 13U);
}

// The frames that a model is given are the links' own, moved along and about their axes.
TEST(Batch, KernelFramesComposeToThePosesOfTheLinks) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const Model& model : {compiled(tree_of_quarters(seed)), compiled(tree_with_laws(seed, seed % 2 == 0))}) {
      const std::vector<KernelFrame> frames = kernel_frames(model);
      for (std::size_t i = 0; i < frames.size(); ++i) {
        const KernelFrame& f = frames[i];
        const Link& link = model.links[i];
        const double c = std::cos(f.offset), s = std::sin(f.offset);
        const Mat3d turn{{f.cos_turn, -f.sin_turn, 0}, {f.sin_turn, f.cos_turn, 0}, {0, 0, 1}};
        const Mat3d tilt{{1, 0, 0}, {0, f.cos_tilt, -f.sin_tilt}, {0, f.sin_tilt, f.cos_tilt}};
        const Mat3d spin{{c, -s, 0}, {s, c, 0}, {0, 0, 1}};
        const bool whole = f.kind == FrameKind::kWhole;
        const Transformd X_PK = whole ? Transformd{f.whole * spin, f.p} : Transformd{turn * tilt * spin, turn * f.p};
        const Transformd X_LP = link.parent < 0 ? Transformd{} : frames[static_cast<std::size_t>(link.parent)].X_LK;
        const Transformd expected = link.X_PF * f.X_LK, found = X_LP * X_PK;
        EXPECT_LT(norm(found.p - expected.p), 1e-14);
        for (int k = 0; k < 3; ++k) EXPECT_LT(norm(found.R[k] - expected.R[k]), 1e-14) << seed << " " << i;
        EXPECT_EQ(f.X_LK.R.r2, (Vec3d{0, 0, 1}));
      }
    }
  }
}

TEST(Batch, AWorldHasTheSameBitsForAnyThreadsPositionNeighboursAndLanes) {
  const Model model = compiled(tree_with_laws(3, true));
  const Start own = start_of(model, 1000);
  for (const BatchPrecision precision : {BatchPrecision::kDouble, BatchPrecision::kFloat32}) {
    Numbers first;
    for (const LaneSet lanes : {LaneSet::kBaseline, LaneSet::kAvx2, LaneSet::kAvx512}) {
      if (!lanes_supported(lanes)) continue;
      for (const int threads : {1, 2, 7}) {
        for (const int position : {0, 5, 41}) {
          ThreadPool pool(threads);
          Batch batch = batch_of(model, 42, {{.pool = &pool}, precision, lanes});
          write(batch, position, own);
          batch.step(20), batch.step(1);
          const Numbers now = numbers(batch, position);
          if (first.empty()) first = now;
          ASSERT_EQ(first, now) << to_string(lanes) << " threads " << threads << " position " << position;
        }
      }
    }
  }
}

// A row in which no law switches takes a shorter way than one in which some world's drives saturate and joints stop, or
// that has parameters of its own: with the same bits.
TEST(Batch, ACalmWorldHasTheSameBitsBesideWorldsWhoseLawsSwitch) {
  Scene smooth = tree_with_laws(4, true);
  for (Joint& joint : smooth.joints) joint.friction = 0;
  for (const Scene& scene : {arm7(), smooth}) {
    const Model model = compiled(scene);
    Start calm = start_of(model, 0);
    calm.q = calm.target_q = model.q_start, calm.target_q.resize(calm.v.size());
    for (std::size_t k = 0; k < calm.v.size(); ++k) calm.v[k] *= 0.01, calm.effort[k] *= 0.01;
    for (const BatchPrecision precision : {BatchPrecision::kDouble, BatchPrecision::kFloat32}) {
      const BatchOptions options{{}, precision, widest_lanes()};
      Batch quiet = batch_of(model, 16, options), loud = batch_of(model, 16, options);
      for (int w = 0; w < 16; ++w) {
        Start wild = start_of(model, w);
        for (double& x : wild.effort) x *= 1000;
        write(quiet, w, calm), write(loud, w, w == 3 ? calm : wild);
      }
      Batch varied = batch_of(model, 16, options);
      varied.restore(quiet.snapshot());
      ASSERT_TRUE(varied.set_parameters(5, {{0, 0, -3}, {}, Numbers(calm.v.size(), 0.5)}));
      EXPECT_EQ(quiet.step(30).iterations, 1);
      EXPECT_GT(loud.step(30).iterations, 1);
      varied.step(30);
      EXPECT_EQ(numbers(quiet, 3), numbers(loud, 3));
      EXPECT_EQ(numbers(quiet, 3), numbers(varied, 3));
      EXPECT_NE(numbers(quiet, 5), numbers(varied, 5));
    }
  }
}

TEST(Batch, ParametersOfAWorldAreThoseOfAModelBuiltWithThem) {
  Scene scene = tree_with_laws(5, false);
  const Model model = compiled(scene);
  Batch batch = batch_of(model, 9);
  WorldParameters p{{0.3, -0.2, -3.7}, Numbers(scene.bodies.size()), {}};
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    const double s = p.mass_scale[b] = 0.5 + 0.3 * static_cast<double>(b);
    auto& mass = scene.bodies[b].mass;
    mass.mass *= s;
    mass.inertia = {s * mass.inertia.xx, s * mass.inertia.yy, s * mass.inertia.zz,
                    s * mass.inertia.xy, s * mass.inertia.xz, s * mass.inertia.yz};
  }
  for (const JointLaw& law : model.laws) p.joint_friction.push_back(3 * law.friction);
  for (Joint& joint : scene.joints) joint.friction *= 3;
  scene.gravity = p.gravity;
  const Start s = start_of(model, 4);
  ASSERT_TRUE(batch.set_parameters(4, p));
  batch.step(50);
  EXPECT_LT(difference(stepped_alone(compiled(scene), s, 50), numbers(batch, 4)), 1e-9);
  EXPECT_LT(difference(stepped_alone(model, start_of(model, 3), 50), numbers(batch, 3)), 1e-9);  // its neighbour
  EXPECT_GT(difference(numbers(batch, 4), stepped_alone(model, s, 50)), 1e-3);
}

// In lanes, and world by world (a spring between bodies); the neighbour feels nothing.
TEST(Batch, AddedMassIsThatOfAModelBuiltWithIt) {
  for (const bool spring : {false, true}) {
    Scene scene = tree_with_laws(5, false);
    if (spring) scene.springs.push_back({"/spring", {}, scene::BodyId{2}, {0, 0, 2}, {}, 30, 1, 0.5});
    const Model model = compiled(scene);
    Batch batch = batch_of(model, 9);
    ASSERT_EQ(batch.in_lanes(), !spring);
    WorldParameters p{model.gravity, {}, {}};
    for (const std::int32_t b : {1, 3}) {
      const scene::MassProperties more{0.7 * b, {0.1, -0.2, 0.05}, {0.01, 0.02, 0.015, 0.001, 0, -0.002}};
      p.added.push_back({scene::BodyId{b}, more});
      auto& mass = scene.bodies[static_cast<std::size_t>(b)].mass;
      mass = scene::combine(mass, more);
    }
    ASSERT_TRUE(batch.set_parameters(4, p));
    const Start s = start_of(model, 4);
    batch.step(50);
    EXPECT_LT(difference(stepped_alone(compiled(scene), s, 50), numbers(batch, 4)), 1e-9);
    EXPECT_LT(difference(stepped_alone(model, start_of(model, 3), 50), numbers(batch, 3)), 1e-9);
    EXPECT_GT(difference(numbers(batch, 4), stepped_alone(model, s, 50)), 1e-3);
    p.added[0].mass.mass = -1;
    EXPECT_FALSE(batch.set_parameters(4, p));
  }
}

// A pendulum of twice the size and the same mass turns half as fast from rest.
TEST(Batch, AScaledWorldIsOfThatSize) {
  const Model model = compiled(pendulum());
  Batch batch = Batch::make(model, 2, {}).value();
  ASSERT_TRUE(batch.set_parameters(1, {model.gravity, {}, {}, 1, 2}));
  batch.step();
  Numbers a0(1), a1(1), tau(1);
  batch.read_efforts(0, a0, tau), batch.read_efforts(1, a1, tau);
  EXPECT_NEAR(a1[0] / a0[0], 0.5, 1e-12);
}

TEST(Batch, ParametersOutOfRangeAreRefusedByName) {
  const Model model = compiled(arm7());
  Batch batch = batch_of(model, 3);
  const Numbers before = numbers(batch, 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto says = [&](const WorldParameters& p, const char* what) {
    const Result<void> r = batch.set_parameters(1, p);
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().message.find(what), std::string::npos) << r.error().message;
  };
  says({{0, nan, 0}, {}, {}}, "gravity");
  says({{}, {}, {}, 1, 2.5}, "geometry_scale");
  says({{}, Numbers(7, 0.0), {}}, "mass_scale");
  says({{}, {}, Numbers(7, -1.0)}, "joint_friction");
  says({{}, {}, {}, -1}, "contact_friction");
  EXPECT_FALSE(Batch::make(model, 0, {}));
  EXPECT_EQ(numbers(batch, 1), before);
}

// In lanes, and world by world with contact.
TEST(Batch, SnapshotRestoreAndForkGoOnWithTheSameBits) {
  Scene touching = tower(3, 1, 1);
  add_ball(touching, "/ball", 1, .05, {.05, 0, 1}, {0.5, 0.3});
  for (const Scene& scene : {tree_with_laws(2, true), touching}) {
    const Model model = compiled(scene);
    Batch batch = Batch::make(model, 10, {}).value();
    for (int w = 0; w < 10; ++w) {
      Start s = start_of(model, w);
      s.q = model.q_start;
      write(batch, w, s);
    }
    ASSERT_TRUE(batch.set_parameters(6, {{0, 0, -5}, {}, {}}));
    batch.step(30);
    const BatchSnapshot all = batch.snapshot();
    const WorldSnapshot six = batch.snapshot(6);
    batch.fork(6, 2);
    batch.step(40);
    const Numbers end = numbers(batch, 6);
    EXPECT_EQ(numbers(batch, 2), end);
    EXPECT_EQ(batch.time(2), batch.time(6));
    batch.restore(all);
    EXPECT_NE(numbers(batch, 6), end);
    batch.step(40);
    EXPECT_EQ(numbers(batch, 6), end);
    EXPECT_NE(numbers(batch, 2), end);
    Batch other = Batch::make(model, 10, {}).value();  // a batch made alike
    other.restore(9, six);
    other.step(40);
    EXPECT_EQ(numbers(other, 9), end);
  }
}

TEST(Batch, AWorldWhoseCommandIsNotANumberKeepsItsStateAndSaysWhy) {
  for (const Scene& scene : {arm7(), tower(2, 1, 1)}) {
    const Model model = compiled(scene);
    Batch batch = batch_of(model, 9), clean = batch_of(model, 9);
    Start s = start_of(model, 4);
    s.effort[2] = std::numeric_limits<double>::quiet_NaN();
    write(batch, 4, s);
    const Numbers before = numbers(batch, 4);
    const BatchReport report = batch.step(3);
    clean.step(3);
    EXPECT_EQ(report.faults, 1);
    EXPECT_EQ(batch.fault(4), WorldFault::kBadAction);
    EXPECT_EQ(batch.fault_message(4), "world 4: bad-action: effort[2] is not finite: write a number");
    EXPECT_EQ(batch.time(4).ns, 0);
    EXPECT_EQ(numbers(batch, 4), before);
    for (const int w : {0, 3, 5, 8}) EXPECT_EQ(numbers(batch, w), numbers(clean, w));
    write(batch, 4, start_of(model, 4));
    EXPECT_EQ(batch.step(3).faults, 0);
    EXPECT_EQ(numbers(batch, 4), numbers(clean, 4));
    EXPECT_EQ(batch.fault_message(4), "");
  }
}

TEST(Batch, AWorldThatLeavesTheFiniteNumbersKeepsItsState) {
  for (const Scene& scene : {arm7(), tower(2, 1, 1)}) {
    const Model model = compiled(scene);
    Batch batch = batch_of(model, 3);
    Start s = start_of(model, 1);
    for (double& v : s.v) v = 1e200;
    batch.write_state(1, s.q, s.v);
    const Numbers before = numbers(batch, 1);
    EXPECT_EQ(batch.step(5).faults, 1);
    EXPECT_EQ(batch.fault(1), WorldFault::kNotFinite);
    EXPECT_NE(batch.fault_message(1).find("not-finite"), std::string::npos);
    EXPECT_EQ(numbers(batch, 1), before);
    write(batch, 1, start_of(model, 1));
    EXPECT_EQ(batch.step(5).faults, 0);
  }
}

// Of more degrees of freedom than lanes take.
TEST(Batch, WorldsInContactOneByOneHaveTheBitsOfTheScalarStep) {
  const Model model = compiled(tower(12, 1, 1));
  ThreadPool pool(3);
  Batch batch = Batch::make(model, 4, {{.pool = &pool}, BatchPrecision::kDouble, widest_lanes()}).value();
  EXPECT_FALSE(batch.in_lanes());
  for (int w = 0; w < 4; ++w) {
    Start s = start_of(model, w);
    s.q = model.q_start;
    write(batch, w, s);
  }
  batch.step(20);
  Start s = start_of(model, 2);
  s.q = model.q_start;
  EXPECT_EQ(stepped_alone(model, s, 20), numbers(batch, 2));
}

// Of two worlds with a box on a slope, the one with less friction slides, by the closed form.
TEST(Batch, ContactFrictionIsOfEachWorld) {
  const Model model = compiled(box_on_slope(0.3, 0.5));
  Batch batch = Batch::make(model, 2, {}).value();
  ASSERT_TRUE(batch.set_parameters(1, {model.gravity, {}, {}, 0.4}));
  batch.step(500);
  Numbers q(7), v(6);
  batch.read_state(0, q, v);
  EXPECT_LT(std::hypot(v[0], v[1], v[2]), 1e-9);
  batch.read_state(1, q, v);
  EXPECT_NEAR(std::hypot(v[0], v[1], v[2]), 9.81 * (std::sin(0.3) - 0.2 * std::cos(0.3)) * 0.5, 2e-3);
}

TEST(Batch, Float32IsWithinItsPrecisionAndOnlyInLanes) {
  const Model model = compiled(arm7());
  Batch exact = batch_of(model, 20), coarse = batch_of(model, 20, {{}, BatchPrecision::kFloat32, widest_lanes()});
  exact.step();
  EXPECT_EQ(coarse.step().precision, BatchPrecision::kFloat32);
  for (int w = 0; w < 20; ++w) {
    Numbers q(7), v(7), qf(7), vf(7);
    exact.read_state(w, q, v), coarse.read_state(w, qf, vf);
    EXPECT_LT(difference(q, qf), 1e-6);
    EXPECT_LT(difference(v, vf), 1e-5);
  }
  const Result<Batch> refused =
      Batch::make(compiled(tower(2, 1, 1)), 4, {{}, BatchPrecision::kFloat32, widest_lanes()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(Batch, NothingIsAllocatedInAStep) {
  for (const Scene& scene : {tree_with_laws(1, true), tower(3, 1, 1)}) {
    const Model model = compiled(scene);
    ThreadPool pool(2);
    Batch batch = Batch::make(model, 20, {{.pool = &pool}, BatchPrecision::kDouble, widest_lanes()}).value();
    batch.step(50);
    const long before = scenarios::allocations();
    batch.step(50);
    EXPECT_EQ(scenarios::allocations() - before, 0);
  }
}

}  // namespace
}  // namespace geoul::dynamics
