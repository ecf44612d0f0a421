// Controllers against closed forms of the closed loop, and what they do at their limits.
#include "geoul/dynamics/controllers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

struct Loop {
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;
  std::vector<JointGains> gains;
  JointTargets targets;
  ControllerMemory memory;

  Loop(const Scene& scene, const JointGains& g, double dt = 1e-3)
      : model(compiled(scene)),
        data(make_data(model)),
        state(make_state(model)),
        controls(make_controls(model)),
        gains(static_cast<std::size_t>(model.nv), g),
        targets(make_targets(model, state)),
        memory(make_controller_memory(model)) {
    controls.wrenches.resize(static_cast<std::size_t>(model.nbody));
    options.dt = Duration::from_seconds(dt);
    options.integrator = Integrator::kSemiImplicitEuler;
    Diagnostics diagnostics;
    validate(gains, model, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  }
  void advance() {
    ASSERT_TRUE(control(gains, model, state, targets, options.dt, data, memory, controls.effort));
    ASSERT_TRUE(step(model, options, controls, data, state).finite);
  }
  void run(double seconds) {
    for (long i = std::llround(seconds / options.dt.seconds()); i > 0; --i) advance();
  }
};

// A flywheel of 2 kg m2, no gravity.
Scene flywheel() {
  Scene scene;
  scene.gravity = {};
  const BodyId wheel = add_box(scene, "/wheel", 12, {1, 1, 0.1}, {});
  add_joint(scene, JointType::kContinuous, scene::kWorld, wheel, {});
  return scene;
}

// The seven-joint arm with rotors, springs and damping, bent.
Scene arm() {
  Scene scene = arm7();
  int k = 0;
  for (Joint& joint : scene.joints) {
    if (scene::velocity_size(joint.type) != 1) continue;
    joint.drive = {};  // else it would work beside the controller
    joint.armature = 0.1;
    joint.damping = 0.3;
    joint.stiffness = 2;
    joint.lower = -scene::kUnlimited, joint.upper = scene::kUnlimited;
    joint.effort_limit = scene::kUnlimited, joint.velocity_limit = scene::kUnlimited;
    joint.position = (k++ % 2 == 0 ? 0.4 : -0.7);
  }
  return scene;
}

// ---- computed torque ----

// A perfect model and a step that does what the efforts say: position stays on a path that was made for this step.
TEST(ComputedTorque, TracksAtRoundingWithAPerfectModel) {
  Loop loop(arm(), {ControlMode::kComputedTorque, 400, 0, 40});
  const std::size_t n = loop.gains.size();
  const double h = loop.options.dt.seconds();
  const auto rate = [](std::size_t k, double t) {
    const double w = 1 + 0.3 * static_cast<double>(k);
    return 0.8 * w * std::sin(w * t);
  };
  double worst = 0, effort = 0;
  for (int i = 0; i < 2000; ++i) {
    const double t = i * h;
    for (std::size_t k = 0; k < n; ++k) loop.targets.acceleration[k] = (rate(k, t + h) - rate(k, t)) / h;
    loop.advance();
    for (std::size_t k = 0; k < n; ++k) {
      loop.targets.velocity[k] += h * loop.targets.acceleration[k];
      loop.targets.position[k] += h * loop.targets.velocity[k];
      worst = std::max(worst, std::abs(loop.targets.position[k] - loop.state.q[k]));
      effort = std::max(effort, std::abs(loop.controls.effort[k]));
    }
  }
  EXPECT_LE(worst, 1e-12);
  EXPECT_GT(effort, 20);  // the arm was worked, not hung
}

// e'' + kd e' + kp e = 0, critically damped: e = e0 (1 + w t) exp(-w t), whatever the arm's inertia.
TEST(ComputedTorque, ErrorsDecayAsTheGainsSayInEveryJoint) {
  const double w = 10;
  Loop loop(arm(), {ControlMode::kComputedTorque, w * w, 0, 2 * w}, 1e-4);
  for (double& q : loop.targets.position) q += 0.1;
  loop.run(0.2);
  for (std::size_t k = 0; k < loop.gains.size(); ++k) {
    const double e = loop.targets.position[k] - loop.state.q[k];
    EXPECT_NEAR(e, 0.1 * (1 + w * 0.2) * std::exp(-w * 0.2), 1e-4) << k;  // order 1 in the step
  }
}

TEST(ComputedTorque, ItsIntegralTakesAwayAConstantDisturbance) {
  Loop loop(arm(), {ControlMode::kComputedTorque, 300, 800, 40});
  std::fill(loop.targets.effort.begin(), loop.targets.effort.end(), 1.0);  // an unknown motor offset
  loop.run(10);
  for (std::size_t k = 0; k < loop.gains.size(); ++k) EXPECT_NEAR(loop.state.q[k], loop.targets.position[k], 1e-6) << k;
}

// ---- joints ----

TEST(PositionControl, ADampedSpringMovesAsItsClosedForm) {
  const double w = 5, M = 2;
  Loop loop(flywheel(), {ControlMode::kPosition, M * w * w, 0, 2 * M * w}, 1e-4);
  loop.targets.position[0] = 1;
  loop.run(0.4);
  EXPECT_NEAR(loop.state.q[0], 1 - (1 + w * 0.4) * std::exp(-w * 0.4), 1e-3);
}

TEST(VelocityControl, ItsIntegralHoldsTheSpeedUnderALoad) {
  Loop loop(flywheel(), {ControlMode::kVelocity, 20, 50, 0});
  loop.targets.velocity[0] = 3;
  loop.controls.wrenches[0].n = {0, 0, -7};
  loop.run(8);
  EXPECT_NEAR(loop.state.v[0], 3, 1e-6);
  EXPECT_NEAR(loop.controls.effort[0], 7, 1e-4);
}

// Held at rest by a spring around its target: K (q* - q) = - J^T F, with the weight carried.
TEST(JointImpedance, GivesWayByTheLoadOverTheStiffness) {
  Loop loop(arm(), {ControlMode::kImpedance, 500, 0, 60});
  for (const Joint& joint : loop.model.joints) ASSERT_EQ(joint.friction, 0);
  for (JointLaw& law : loop.model.laws) law.stiffness = 0;  // a spring of its own would share the load
  const auto last = static_cast<std::size_t>(loop.model.nbody - 1);
  loop.controls.wrenches[last].f = {10, -5, 8};
  loop.run(8);
  std::vector<double> J(6 * loop.gains.size());
  forward_kinematics(loop.model, loop.state.q, loop.state.v, loop.data);
  body_jacobian(loop.model, loop.data, scene::BodyId::from_index(last), {}, J);
  for (std::size_t k = 0; k < loop.gains.size(); ++k) {
    const std::size_t n = loop.gains.size();
    const double load = J[3 * n + k] * 10 - J[4 * n + k] * 5 + J[5 * n + k] * 8;
    EXPECT_NEAR(loop.state.q[k] - loop.targets.position[k], load / 500, 1e-7) << k;
  }
}

// ---- limits ----

TEST(Limits, EffortAndItsRateAreKept) {
  JointGains g{ControlMode::kPosition, 1000, 0, 10};
  g.effort_limit = 8, g.effort_rate = 100;
  Loop loop(flywheel(), g);
  loop.targets.position[0] = 1;
  double last = 0, most = 0;
  for (int i = 0; i < 2000; ++i) {
    loop.advance();
    EXPECT_LE(std::abs(loop.controls.effort[0] - last), 0.1 * (1 + 1e-12));
    last = loop.controls.effort[0];
    most = std::max(most, std::abs(last));
  }
  EXPECT_EQ(most, 8);
}

// Beside the same loop with a plain integral, written down here.
TEST(Limits, TheIntegralDoesNotWindUpWhileTheEffortIsCut) {
  JointGains g{ControlMode::kPosition, 40, 30, 40};
  g.effort_limit = 4;
  Loop loop(flywheel(), g);
  loop.targets.position[0] = 5;
  double most = 0, gathered = 0;
  double q = 0, v = 0, integral = 0, most_plain = 0;
  for (int i = 0; i < 30'000; ++i) {
    loop.advance();
    most = std::max(most, loop.state.q[0] - 5);
    if (loop.controls.effort[0] == 4) gathered = std::max(gathered, loop.memory.integral[0]);
    const double u = std::clamp(40 * (5 - q) - 40 * v + integral, -4.0, 4.0);
    integral += 1e-3 * 30 * (5 - q);
    v += 1e-3 * u / 2;
    q += 1e-3 * v;
    most_plain = std::max(most_plain, q - 5);
  }
  EXPECT_EQ(gathered, 0);
  EXPECT_NEAR(loop.state.q[0], 5, 1e-3);
  EXPECT_LT(most, 0.5 * most_plain);
  EXPECT_GT(most_plain, 1);
}

// ---- Cartesian ----

struct Hand {
  Loop loop;
  CartesianImpedance law;
  CartesianTarget target;
  CartesianMemory memory;

  Hand() : loop(with_site(), {ControlMode::kEffort}) {
    for (JointLaw& joint : loop.model.laws) joint.stiffness = joint.damping = 0;
    law.name = "/hand";
    law.site = scene::SiteId{0};
    law.stiffness = Mat3d::diagonal({400, 800, 600});
    law.damping = Mat3d::diagonal({60, 60, 60});
    law.turn_stiffness = Mat3d::diagonal({40, 60, 50});
    law.turn_damping = Mat3d::diagonal({4, 4, 4});
    memory = make_cartesian_memory(loop.model);
    target.X_WT = pose(site_pose());
    Diagnostics diagnostics;
    validate(law, loop.model, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  }
  static Scene with_site() {
    Scene scene = arm();
    const double bent[] = {0.3, -0.4, 0.2, -2.0, 0.1, 1.8, 0.4};  // away from stretched elbow and wrist
    for (std::size_t k = 0; k < 7; ++k) scene.joints[k].position = bent[k];
    scene.sites.push_back({"/hand", scene::BodyId::from_index(scene.bodies.size() - 1), {{}, {0.05, 0, 0.1}}});
    return scene;
  }
  Transformd site_pose() const {
    const scene::Site& site = loop.model.sites[0];
    return transform(loop.state.X_WB[site.body.index()]) * transform(site.X_BS);
  }
  CartesianReport advance() {
    const auto report = control(law, loop.model, loop.state, target, loop.data, memory, loop.controls.effort);
    EXPECT_TRUE(report);
    EXPECT_TRUE(step(loop.model, loop.options, loop.controls, loop.data, loop.state).finite);
    return report.value();
  }
};

TEST(CartesianImpedance, GivesWayByTheLoadOverTheStiffnessInTheTargetsAxes) {
  Hand hand;
  hand.target.X_WT.R = hand.target.X_WT.R * exp_rotation(Vec3d{0.02, -0.03, 0.01});
  hand.target.posture = hand.loop.targets.position;
  hand.law.posture_kp = 100;  // else it glides along the null space for ever
  hand.law.posture_kd = 5;
  const Vec3d f{6, -4, 9};
  for (int i = 0; i < 20'000; ++i) {
    const Vec3d r = hand.site_pose().p - hand.loop.state.X_WB.back().p;
    hand.loop.controls.wrenches.back() = {cross(r, f), f};  // at the site
    hand.advance();
  }
  const Mat3d R = rotation_matrix(hand.target.X_WT.R);
  const Vec3d moved = transpose_times(R, hand.site_pose().p - hand.target.X_WT.p), load = transpose_times(R, f);
  EXPECT_NEAR(moved.x, load.x / 400, 1e-7);
  EXPECT_NEAR(moved.y, load.y / 800, 1e-7);
  EXPECT_NEAR(moved.z, load.z / 600, 1e-7);
  EXPECT_LT(norm(log_rotation(conjugate(quaternion(R)) * quaternion(hand.site_pose().R))), 1e-7);
}

TEST(CartesianImpedance, ThePostureDoesNotAccelerateTheHand) {
  Hand hand;
  const auto n = hand.loop.gains.size();
  hand.target.posture.assign(n, 0.3);
  const auto acceleration = [&](double kp) {
    hand.law.posture_kp = kp;
    EXPECT_TRUE(control(hand.law, hand.loop.model, hand.loop.state, hand.target, hand.loop.data, hand.memory,
                        hand.loop.controls.effort));
    std::vector<double> a(n), J(6 * n);
    const std::vector<double>& tau = hand.loop.controls.effort;
    forward_dynamics(hand.loop.model, hand.loop.state.q, hand.loop.state.v, tau, {}, hand.loop.data, a);
    forward_kinematics(hand.loop.model, hand.loop.state.q, hand.loop.state.v, hand.loop.data);
    site_jacobian(hand.loop.model, hand.loop.data, hand.law.site, J);
    std::vector<double> out(6);  // at rest: J a is all of the site's acceleration
    for (std::size_t r = 0; r < 6; ++r) {
      for (std::size_t k = 0; k < n; ++k) out[r] += J[r * n + k] * a[k];
    }
    double joints = 0;
    for (const double x : a) joints = std::max(joints, std::abs(x));
    out.push_back(joints);
    return out;
  };
  const auto without = acceleration(0), with = acceleration(50);
  for (std::size_t r = 0; r < 6; ++r) EXPECT_NEAR(with[r], without[r], 1e-10) << r;
  EXPECT_GT(with[6], without[6] + 0.1);  // though the joints move
}

TEST(CartesianImpedance, ForceLimitsKeepTheDirection) {
  Hand hand;
  hand.law.max_force = 20;
  hand.target.X_WT.p += Vec3d{0.5, 0.2, -0.4};
  const CartesianReport report = hand.advance();
  EXPECT_TRUE(report.force_cut);
  EXPECT_NEAR(norm(report.F_W.f), 20, 1e-12);
  hand.law.max_force = 1e9;
  const auto free = control(hand.law, hand.loop.model, hand.loop.state, hand.target, hand.loop.data, hand.memory,
                            hand.loop.controls.effort);
  EXPECT_FALSE(free.value().force_cut);
}

// ---- snapshots, errors ----

TEST(Controllers, ACopyOfTheMemoryIsASnapshot) {
  Loop loop(arm(), {ControlMode::kPosition, 100, 50, 20, 40, 500});
  for (double& q : loop.targets.position) q += 0.2;
  loop.run(0.1);
  Loop copy = loop;
  loop.run(0.1);
  copy.run(0.1);
  EXPECT_EQ(loop.state.q, copy.state.q);
  EXPECT_EQ(loop.memory.integral, copy.memory.integral);
}

TEST(Controllers, ABadTargetIsNamedAndChangesNothing) {
  Loop loop(arm(), {ControlMode::kComputedTorque, 100, 50, 20});
  for (double& q : loop.targets.position) q += 0.1;
  loop.run(0.01);
  const ControllerMemory before = loop.memory;
  const std::vector<double> effort = loop.controls.effort;
  for (auto* array :
       {&loop.targets.position, &loop.targets.velocity, &loop.targets.acceleration, &loop.targets.effort}) {
    const double good = std::exchange((*array)[2], std::nan(""));
    const auto result = control(loop.gains, loop.model, loop.state, loop.targets, loop.options.dt, loop.data,
                                loop.memory, loop.controls.effort);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("joint '"), std::string::npos) << result.error().message;
    (*array)[2] = good;
  }
  EXPECT_EQ(loop.memory.integral, before.integral);
  EXPECT_EQ(loop.memory.effort, before.effort);
  EXPECT_EQ(loop.controls.effort, effort);

  Hand hand;
  hand.target.X_WT.R = {2, 0, 0, 0};
  EXPECT_FALSE(control(hand.law, hand.loop.model, hand.loop.state, hand.target, hand.loop.data, hand.memory,
                       hand.loop.controls.effort));
}

TEST(Controllers, WrongGainsAreNamed) {
  const Loop loop(arm(), {});
  std::vector<JointGains> gains(loop.gains.size(), {ControlMode::kPosition, 1, 1, 1});
  gains[1].kp = -3;
  gains[2].kd = std::nan("");
  gains[3].effort_limit = -1;
  Diagnostics diagnostics;
  validate(gains, loop.model, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u) << diagnostics.text();
  const Model free = compiled(free_box());
  gains.assign(6, {ControlMode::kPosition, 1, 0, 0});
  Diagnostics balls;
  validate(gains, free, balls);
  EXPECT_TRUE(balls.has("no-degree"));

  Hand hand;
  hand.law.stiffness.r0.x = -1;
  hand.law.site = scene::SiteId{9};
  hand.law.max_force = std::nan("");
  Diagnostics cartesian;
  validate(hand.law, hand.loop.model, cartesian);
  EXPECT_EQ(cartesian.error_count(), 3u) << cartesian.text();
}

}  // namespace
}  // namespace geoul::dynamics
