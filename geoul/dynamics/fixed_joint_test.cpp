// Law 1: a fixed joint is structure, it cannot move. Scenes and values of the reference page.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

constexpr double kEps = std::numeric_limits<double>::epsilon();

StepOptions every(double dt, Integrator integrator = Integrator::kImplicit) {
  return {Duration::from_seconds(dt), integrator, 60, nullptr};
}

struct Chain {
  const char* name;
  int cubes;
  double tip;
};
const Chain kChains[] = {{"C10", 10, 1}, {"H5", 6, 100}, {"V2", 2, 1000}, {"30 bodies", 30, 1}};

// Largest error of the pose of each body in the first one against the exact one, i metres along x.
double relative_error(const Model& model, const scene::State& state, int first, int count) {
  double error = 0;
  for (int i = 0; i < count; ++i) {
    const Posed X = relative_pose(model, state, BodyId{first}, BodyId{first + i});
    error = std::max(error, norm(X.p - Vec3d{static_cast<double>(i), 0, 0}) + angle_between(X.R, Quatd{}));
  }
  return error;
}

// Steps for 5 s and demands that no pair's relative pose changes a bit.
void expect_rigid(const Scene& scene, const StepOptions& options, const PrescribedMotion& motion, double length) {
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  Controls controls = make_controls(model);
  controls.motion = motion;
  const int n = model.nbody;
  std::vector<Posed> first;
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) first.push_back(relative_pose(model, state, BodyId{a}, BodyId{b}));
  }
  const auto steps = static_cast<int>(5 / options.dt.seconds());
  for (int i = 0; i < steps; ++i) {
    ASSERT_TRUE(step(model, options, controls, data, state).converged);
    if (i % 50 != 0) continue;
    std::size_t pair = 0;
    for (int a = 0; a < n; ++a) {
      for (int b = 0; b < n; ++b) ASSERT_EQ(relative_pose(model, state, BodyId{a}, BodyId{b}), first[pair++]);
    }
  }
  EXPECT_LE(relative_error(model, state, 0, n), 4 * kEps * length);
}

// The base of a chain follows a sine in position and a tilt.
PrescribedMotion sine_base() {
  return [](Time t, std::vector<double>& q, std::vector<double>& v, std::vector<double>& a) {
    const double s = t.seconds(), w = 2 * 3.14159265358979323846 * 1.3;
    q[0] = 0.2 * std::sin(w * s), v[0] = 0.2 * w * std::cos(w * s), a[0] = -0.2 * w * w * std::sin(w * s);
    const double tilt = 0.3 * std::sin(w * s);
    q[3] = std::cos(tilt / 2), q[4] = 0, q[5] = std::sin(tilt / 2), q[6] = 0;
    v[4] = 0.3 * w * std::cos(w * s), a[4] = -0.3 * w * w * std::sin(w * s);
  };
}

TEST(FixedJoint, ChainsOnAFixedAndOnAMovingBaseDoNotMove) {
  for (const Chain& chain : kChains) {
    for (const double dt : {1.0 / 60, 1.0 / 240, 1e-3}) {
      SCOPED_TRACE(chain.name);
      expect_rigid(weld_chain(chain.cubes, chain.tip), every(dt), {}, chain.cubes);
      Scene moving = weld_chain(chain.cubes, chain.tip, {}, false);
      moving.bodies[0].kinematic = true;
      expect_rigid(moving, every(dt), sine_base(), chain.cubes);
      // swinging freely from a hinge, so that all of it is dynamic
      Scene swinging = weld_chain(chain.cubes, chain.tip, {}, false);
      add_joint(swinging, JointType::kRevolute, scene::kWorld, BodyId{0}, {-0.5, 0, 0}, {0, 1, 0});
      expect_rigid(swinging, every(dt), {}, chain.cubes);
    }
  }
}

TEST(FixedJoint, HoldsAtMassRatiosOfAMillionEitherWay) {
  for (const double ratio : {1e-6, 1e6}) {
    Scene scene = weld_chain(10, ratio, {}, false);
    add_joint(scene, JointType::kRevolute, scene::kWorld, BodyId{0}, {-0.5, 0, 0}, {0, 1, 0});
    expect_rigid(scene, every(1.0 / 240), {}, 10);
  }
}

TEST(FixedJoint, HoldsTenKilometresFromTheOrigin) {
  const Vec3d far{10'000.1, -7'777.7, 123.4};
  expect_rigid(weld_chain(10, 1, far), every(1.0 / 60), {}, 10);
  expect_rigid(weld_chain(10, 1, far, false), every(1.0 / 60), {}, 10);
}

TEST(FixedJoint, FourThousandClonesAreAllAlike) {
  Scene scene;
  const Scene chain = weld_chain(4, 1, {}, false);
  for (int c = 0; c < 4096; ++c) {
    const Vec3d offset{2.5 * (c % 64), 2.5 * (c / 64), 0.1};
    const int first = static_cast<int>(scene.bodies.size());
    for (scene::Body body : chain.bodies) {
      body.path = "/env" + std::to_string(c) + body.path;
      body.X_WB.p += offset;
      scene.bodies.push_back(body);
    }
    for (Joint joint : chain.joints) {
      joint.path = "/env" + std::to_string(c) + joint.path;
      joint.parent.value += first, joint.child.value += first;
      scene.joints.push_back(joint);
    }
    if (c % 2 == 0) {  // one-sided: no parent named, and the other way round
      Joint anchor;
      anchor.path = "/env" + std::to_string(c) + "/anchor";
      anchor.child = BodyId{first};
      anchor.X_PJ.p = offset;
      if (c % 4 == 0) std::swap(anchor.parent, anchor.child), std::swap(anchor.X_PJ, anchor.X_CJ);
      scene.joints.push_back(anchor);
    }
  }
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  for (int i = 0; i < 20; ++i) step(model, every(1.0 / 60), controls, data, state);
  for (int c = 0; c < 4096; ++c) {
    for (int i = 0; i < 4; ++i) {
      ASSERT_EQ(relative_pose(model, state, BodyId{4 * c}, BodyId{4 * c + i}),
                relative_pose(model, state, BodyId{0}, BodyId{i}));
    }
    ASSERT_LE(relative_error(model, state, 4 * c, 4), 4 * kEps * 4);
  }
}

TEST(FixedJoint, PublishedPosesOfWeldedBodiesAgreeToRounding) {
  Scene scene = weld_chain(10, 1, {}, false);
  add_joint(scene, JointType::kSpherical, scene::kWorld, BodyId{0}, {-0.5, 0.1, 0.2});
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  for (int i = 0; i < 2000; ++i) step(model, every(1e-3), make_controls(model), data, state);
  for (int i = 0; i < 10; ++i) {  // from the world poses alone, as a viewer sees them
    const Transformd X = inverse(transform(state.X_WB[0])) * transform(state.X_WB[static_cast<std::size_t>(i)]);
    EXPECT_LE(norm(X.p - Vec3d{static_cast<double>(i), 0, 0}), 16 * kEps * 10);
  }
}

// 12 bodies welded in a loop, spinning freely for 10 s at 1 kHz.
TEST(FixedJoint, ARingOfWeldsKeepsEnergyAndMomentum) {
  const Model model = compiled(weld_ring(12));
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  forward_kinematics(model, state.q, state.v, data);
  const double e0 = energy(model, data, state.q, state.v).total();
  const Vec3d l0 = momentum(model, data).n;
  double energy_drift = 0, momentum_drift = 0;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(step(model, every(1e-3, Integrator::kSymplectic), controls, data, state).converged);
    forward_kinematics(model, state.q, state.v, data);
    energy_drift = std::max(energy_drift, std::abs(energy(model, data, state.q, state.v).total() / e0 - 1));
    momentum_drift = std::max(momentum_drift, norm(momentum(model, data).n - l0) / norm(l0));
  }
  EXPECT_LE(energy_drift, 1e-11);
  EXPECT_LE(momentum_drift, 1e-11);
  RecordProperty("energy_drift", std::to_string(energy_drift));
}

// A chassis with three balls: welded, and lumped into one body. The same motion to 1e-12.
TEST(FixedJoint, WeldedAndLumpedMoveIdentically) {
  for (const Integrator integrator : {Integrator::kImplicit, Integrator::kRungeKutta4, Integrator::kSymplectic}) {
    const Model a = compiled(triball(false)), b = compiled(triball(true));
    Data da = make_data(a), db = make_data(b);
    scene::State sa = make_state(a), sb = make_state(b);
    for (int i = 0; i < 2000; ++i) {
      step(a, every(1e-3, integrator), make_controls(a), da, sa);
      step(b, every(1e-3, integrator), make_controls(b), db, sb);
      ASSERT_LE(norm(sa.X_WB[0].p - sb.X_WB[0].p), 1e-12 * (1 + norm(sb.X_WB[0].p)));
      ASSERT_LE(angle_between(sa.X_WB[0].R, sb.X_WB[0].R), 1e-12);
    }
  }
}

// A body that is pushed does not move against the one it is welded to (PhysX issue 308).
TEST(FixedJoint, AnImpulseMovesTheGroupAsOneBody) {
  Scene scene = weld_chain(3, 1, {}, false);
  scene.gravity = {};
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  Controls controls = make_controls(model);
  controls.wrenches.assign(3, {});
  controls.wrenches[1].f = {0, 10'000, 0};  // 10 N.s in 1 ms
  step(model, every(1e-3), controls, data, state);
  EXPECT_NEAR(state.V_WB[0].v.y, 10.0 / 3, 1e-12);
  EXPECT_EQ(relative_pose(model, state, BodyId{0}, BodyId{2}).p, (Vec3d{2, 0, 0}));
}

TEST(LoadCell, OfTheHeavyCantileverReadsTheTruth) {
  const Model model = compiled(weld_chain(6, 100));
  Data data = make_data(model);
  scene::State state = make_state(model);
  const Controls controls = make_controls(model);
  std::vector<Forced> first;
  for (int i = 0; i < 300; ++i) {
    step(model, every(1.0 / 60), controls, data, state);
    evaluate(model, every(1.0 / 60), controls, data, state);
    reaction_wrenches(model, {}, data, state);
    const Forced F = state.wrenches[0].F_C_J;  // /weld1, between the first cube and the rest
    EXPECT_NEAR(norm(F.f), 1020.24, 1e-10 * 1020.24);
    EXPECT_NEAR(norm(F.n), 4492.98, 1e-10 * 4492.98);
    EXPECT_FALSE(state.wrenches[0].indeterminate);
    if (i == 0) first.push_back(F);
    ASSERT_EQ(F, first[0]);  // no noise: the same bits
  }
}

TEST(LoadCell, OfAPendulumReadsThreeTimesItsWeightAtTheBottom) {
  Scene scene = pendulum();
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  state.q[0] -= 3.14159265358979323846 / 2;
  state.v[0] = std::sqrt(2 * 9.81);
  evaluate(model, every(1e-3), make_controls(model), data, state);
  reaction_wrenches(model, {}, data, state);
  EXPECT_NEAR(norm(state.wrenches[0].F_C_J.f), 29.43, 1e-10);
}

// A ring that stands between two anchors shares its load at minimum norm, and says that it is indeterminate.
TEST(LoadCell, OfAnIndeterminateGroupIsTheSymmetricShareAndIsFlagged) {
  Scene scene = weld_chain(3, 1);
  Joint right;
  right.path = "/right";
  right.child = BodyId{2};
  right.X_PJ.p = {2, 0, 0};
  scene.joints.push_back(right);
  const Model model = compiled(scene);
  Data data = make_data(model);
  scene::State state = make_state(model);
  reaction_wrenches(model, {}, data, state);
  const Forced left_anchor = state.wrenches[2].F_C_J, right_anchor = state.wrenches[3].F_C_J;
  EXPECT_TRUE(state.wrenches[0].indeterminate);
  EXPECT_NEAR(left_anchor.f.z, 1.5 * 9.81, 1e-9);
  EXPECT_NEAR(right_anchor.f.z, 1.5 * 9.81, 1e-9);
  EXPECT_NEAR(left_anchor.n.y, -right_anchor.n.y, 1e-9);
}

}  // namespace
}  // namespace geoul::dynamics
