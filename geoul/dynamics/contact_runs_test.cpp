// The contact scenarios of scenarios/contact_runs.h, short; bench runs them at full length.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/contact_runs.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

TEST(Gripper, HoldsACylinderThroughShakingAtOneG) {
  const GripperReport report = run_gripper(3);
  EXPECT_EQ(report.unconverged, 0);
  EXPECT_LE(report.penetration, 1e-9);
  EXPECT_LE(report.slip, 1e-9);
  EXPECT_LE(report.turn, 1e-8);
}

TEST(Gripper, IsStoppedByTheCylinderWhateverItsEffort) {
  for (const double force : {5., 100., 2000.}) {
    const GripperReport report = run_gripper(0.2, 1e-3, {force, 0.9});
    EXPECT_LE(report.penetration, 1e-7) << force;
    EXPECT_LE(report.slip, 1e-9) << force;
  }
}

TEST(Gripper, LetsGoWhereFrictionIsTooSmall) {  // 2 x 0.03 x 30 N < 2.4 N
  EXPECT_GT(run_gripper(0.5, 1e-3, {30, 0.03}).slip, 1e-2);
}

TEST(Stack, NeitherDriftsNorSinks) {
  const TowerReport boxes = run_tower(20, 1, 1, 1, 2e-3, false), heavy = run_tower(2, 1, 1000, 2, 1e-3, false);
  EXPECT_EQ(boxes.unconverged + heavy.unconverged, 0);
  EXPECT_LE(boxes.drift, 1e-8);
  EXPECT_LE(boxes.sink, 1e-8);
  EXPECT_LE(heavy.sink, 1e-9);
}

TEST(Bowl, OfBallsNeverGainsEnergy) {
  const BowlReport report = run_bowl(40, 0.8);
  EXPECT_LE(report.rise, 1e-9 * report.start_energy);
  EXPECT_LE(report.penetration, 1e-3);
  EXPECT_LT(report.kinetic, 0.02 * report.start_energy);
}

// Every kind against every kind, thrown together.
TEST(Heap, OfEveryShapeNeverGainsEnergyAndNeverOverlaps) {
  for (const auto& [restitution, seed] : {std::pair(0., 1), std::pair(0., 2), std::pair(0., 3), std::pair(.3, 4)}) {
    const Model model = compiled(heap(25, restitution, static_cast<std::uint64_t>(seed)));
    Data data = make_data(model);
    scene::State state = make_state(model);
    const Controls controls = make_controls(model);
    const auto total = [&] {
      forward_kinematics(model, state.q, state.v, data);
      return energy(model, data, state.q, state.v).total();
    };
    const double start = total();
    double last = start;
    for (int i = 0; i < 1000; ++i) {
      const StepReport report = step(model, StepOptions{}, controls, data, state);
      EXPECT_LE(report.contact.penetration, 5e-4) << seed << " " << i;
      EXPECT_LE(report.contact.residual, 1e-4) << seed << " " << i;
      const double now = total();
      EXPECT_LE(now, last + 1e-5 * start) << seed << " " << i;
      last = now;
    }
    EXPECT_LT(last, 0.3 * start) << seed;
    for (const Posed& X : state.X_WB) {
      EXPECT_GT(X.p.z, 0) << seed;
      EXPECT_LT(std::max(std::abs(X.p.x), std::abs(X.p.y)), .56) << seed;
    }
  }
}

TEST(SimBenchmark, RollingBallsOnASlidingBoxKeepTheClosedForm) {
  // the best of its table over 4 s: 3.9e-27 diagonally, 7.3e-28 along y (Bullet, 400 iterations and more);
  // RaiSim 4.1e-7
  EXPECT_LE(run_simbenchmark_rolling(true, 1e-3, 4).error, 3.8e-27);
  EXPECT_LE(run_simbenchmark_rolling(false, 1e-3, 4).error, 7.2e-28);
}

TEST(SimBenchmark, BouncingBallsKeepTheirEnergy) {
  // RaiSim: 0.019 J2 at 1 ms, the best of its table; 4.8 at 4 ms
  EXPECT_LE(run_simbenchmark_bouncing(1e-3, 4).error, 1e-12);
  EXPECT_LE(run_simbenchmark_bouncing(4e-3, 4).error, 1e-12);
}

// The rod's inverse mass at its tip, in (normal, along x): A [1/kg].
struct Tip {
  double nn, nt, tt;
};
Tip tip(double angle) {
  const double c = .5 * std::cos(angle), s = .5 * std::sin(angle) + 1e-3, i = 1.0 / 12;  // kg, m
  return {1 + c * c / i, -c * s / i, 1 + s * s / i};
}

TEST(Painleve, TheRodIsStruckWithoutCollision) {
  // tan(angle) = 2, friction 2 > 4/3: no force law keeps the sliding tip on the ground; the answer is an impact that
  // stops the tip at once. Its impulse does not depend on the step.
  const double angle = std::numbers::pi - std::atan(2.0), friction = 2, speed = 1;
  const Tip A = tip(angle);
  ASSERT_LT(A.nn - friction * A.nt, 0);
  for (const double dt : {1e-3, 1e-5}) {
    const Model model = compiled(painleve_rod(angle, speed, friction));
    Data data = make_data(model);
    scene::State state = make_state(model);
    StepOptions options;
    options.dt = Duration::from_seconds(dt);
    const StepReport report = step(model, options, make_controls(model), data, state);
    EXPECT_TRUE(report.converged);
    ASSERT_EQ(data.contact->solved, 1);
    const Contact& c = data.contact->contacts[0];
    EXPECT_LE(norm(c.slip_W), 1e-9);  // stopped
    // A p = -v_free, v_free = (-g dt, speed)
    const double n = 9.81 * dt, t = -speed, det = A.nn * A.tt - A.nt * A.nt;
    EXPECT_NEAR(c.force_W.z * dt, (A.tt * n - A.nt * t) / det, 1e-3);
    EXPECT_NEAR(c.force_W.x * dt, (A.nn * t - A.nt * n) / det, 1e-3);
    EXPECT_GT(c.force_W.z * dt, 0.1);
    EXPECT_LE(std::hypot(c.force_W.x, c.force_W.y), friction * c.force_W.z);
    EXPECT_LT(c.cone, 1e-6);
  }
}

TEST(Painleve, TheRodFallsToRest) {
  for (const double friction : {0.5, 4. / 3, 2., 10.}) {
    const Model model = compiled(painleve_rod(std::numbers::pi - std::atan(2.0), 3, friction));
    Data data = make_data(model);
    scene::State state = make_state(model);
    const Controls controls = make_controls(model);
    StepOptions options;
    double last = INFINITY;
    for (int i = 0; i < 4000; ++i) {
      const StepReport report = step(model, options, controls, data, state);
      ASSERT_LE(report.contact.residual, 1e-9) << friction << " " << i;  // the landing: 3 m/s on a rod of 1 mm
      forward_kinematics(model, state.q, state.v, data);
      const double e = energy(model, data, state.q, state.v).total();
      EXPECT_LE(e, last + 1e-6);
      last = e;
    }
    EXPECT_LE(norm(state.V_WB[0].v), 1e-6) << friction;
    EXPECT_NEAR(state.X_WB[0].p.z, 1e-3, 1e-6) << friction;
  }
}

}  // namespace
}  // namespace geoul::dynamics
