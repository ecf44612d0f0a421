// Motors and gears against closed forms: torque-speed line, I2t, two thermal nodes, Stribeck curve, play, power.
#include "geoul/dynamics/actuators.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

// A flywheel of 2 kg m2 on a vertical axis, or a cart of 2 kg, behind one actuator; no gravity.
struct Rig {
  Actuator actuator;
  Model model;
  Data data;
  scene::State state;
  Controls controls;
  StepOptions options;
  ActuatorMemory memory;
  ActuatorOutput out = make_actuator_output(1);
  double load = 0;  // external torque [N.m]

  explicit Rig(const Actuator& a, double dt = 1e-3) : actuator(a) {
    actuator.name = "/wheel/motor";
    actuator.joint = scene::JointId{0};
    Scene scene;
    scene.gravity = {};
    const BodyId wheel = add_box(scene, "/wheel", 12, {1, 1, 0.1}, {});  // I = 12 (1 + 1) / 12
    add_joint(scene, JointType::kContinuous, scene::kWorld, wheel, {});
    configure_joint(actuator, scene.joints[0]);
    model = compiled(scene);
    data = make_data(model);
    state = make_state(model);
    controls = make_controls(model);
    controls.wrenches.resize(1);
    options.dt = Duration::from_seconds(dt);
    memory = make_actuator_memory({&actuator, 1}, model, state, options.dt).value();
  }
  double q() const { return state.q[0]; }
  double v() const { return state.v[0]; }
  double inertia() const { return 2 + (actuator.elastic() ? 0 : actuator.armature()); }

  void act(double command) {
    ASSERT_TRUE(actuate({&actuator, 1}, model, state, {&command, 1}, options.dt, memory, out));
  }
  void advance(double command) {
    act(command);
    apply({&actuator, 1}, out, model, controls);
    controls.wrenches[0].n = {0, 0, load};
    ASSERT_TRUE(step(model, options, controls, data, state).converged);
  }
  void run(double command, double seconds) {
    for (long i = std::llround(seconds / options.dt.seconds()); i > 0; --i) advance(command);
  }
};

Actuator motor() {
  Actuator a;
  a.torque_constant = 0.1;
  a.resistance = 0.5;
  a.rotor_inertia = 1e-4;
  a.ratio = 50;
  return a;
}

// ---- electrical ----

TEST(Actuator, FollowsTheTorqueSpeedLineInAllFourQuadrants) {
  Actuator a = motor();
  a.supply_voltage = 24;
  Rig rig(a);
  const double k = a.torque_constant, R = a.resistance, U = 24;
  for (const double w : {-400.0, -240.0, -100.0, 0.0, 100.0, 240.0, 400.0}) {  // no-load speed U / k = 240 rad/s
    rig.state.v[0] = w / a.ratio;
    for (const double ask : {-1e6, 1e6}) {
      rig.act(ask);
      const double sign = ask > 0 ? 1 : -1;
      EXPECT_NEAR(rig.out.motor_torque[0], k * (sign * U - k * w) / R, 1e-12) << w;
      EXPECT_NEAR(rig.out.voltage[0], sign * U, 1e-12);
      EXPECT_EQ(rig.out.limits[0], kVoltage);
    }
  }
}

TEST(Actuator, SettlesAtTheNoLoadSpeed) {
  Actuator a = motor();
  a.supply_voltage = 24;
  Rig rig(a);
  // first-order closed form, time constant R J / (k N)^2
  const double kN = a.torque_constant * a.ratio, tau = a.resistance * rig.inertia() / (kN * kN);
  const double final = 24 / kN;
  rig.run(1e6, 0.1);
  EXPECT_NEAR(rig.v(), final * (1 - std::exp(-0.1 / tau)), 0.02 * final);  // order 1 in dt / tau = 0.02
  rig.run(1e6, 20 * tau);
  EXPECT_NEAR(rig.v(), final, 1e-6 * final);
}

TEST(Actuator, TorqueCurvesLimitDrivingAndBrakingApart) {
  Actuator a = motor();
  a.motoring = {3, {0, 100, 200}, {4, 4, 1}};
  a.braking = {1, {0}, {5}};
  Rig rig(a);
  const auto torque = [&](double speed, double ask) {
    rig.state.v[0] = speed / a.ratio;
    rig.act(ask);
    return rig.out.motor_torque[0];
  };
  EXPECT_NEAR(torque(50, 1e6), 4, 1e-12);
  EXPECT_NEAR(torque(150, 1e6), 2.5, 1e-12);
  EXPECT_NEAR(torque(500, 1e6), 1, 1e-12);
  EXPECT_NEAR(torque(150, -1e6), -5, 1e-12);
  EXPECT_NEAR(torque(-150, -1e6), -2.5, 1e-12);
  EXPECT_EQ(rig.out.limits[0], kTorqueCurve);
  EXPECT_NEAR(torque(150, 100), 2, 1e-12);  // inside
  EXPECT_EQ(rig.out.limits[0], 0);
}

TEST(Actuator, CurrentLagIsExactlyFirstOrder) {
  Actuator a = motor();
  a.current_lag = 3e-3;
  Rig rig(a);
  const double wanted = 10 / (a.ratio * a.torque_constant);
  for (int i = 1; i <= 20; ++i) {
    rig.advance(10);
    EXPECT_NEAR(rig.out.current[0], wanted * (1 - std::exp(-i * 1e-3 / 3e-3)), 1e-12);
  }
}

TEST(Actuator, PeakCurrentLastsForTheI2tBudgetAndFallsToTheContinuousOne) {
  Actuator a = motor();
  a.peak_current = 10, a.continuous_current = 4, a.peak_time = 0.5;
  Rig rig(a);
  const auto time_at = [&](double current) {
    rig.memory.budget[0] = 0;
    int n = 0;
    do {
      rig.act(current * a.ratio * a.torque_constant);
      ++n;
    } while (rig.out.current[0] > current * (1 - 1e-9) && n < 10'000);
    EXPECT_EQ(rig.out.limits[0], kI2t);
    return 1e-3 * (n - 1);
  };
  EXPECT_NEAR(time_at(10), 0.5, 1.1e-3);
  EXPECT_NEAR(time_at(7), 0.5 * (100 - 16) / (49.0 - 16), 1.1e-3);
  rig.act(1e6);
  EXPECT_NEAR(rig.out.current[0], 4, 1e-9);  // and stays there, without toggling
  rig.act(1e6);
  EXPECT_NEAR(rig.out.current[0], 4, 1e-9);
  for (int i = 0; i < 100; ++i) rig.act(0);
  EXPECT_NEAR(rig.memory.budget[0], 84 * 0.5 - 16 * 0.1, 1e-9);  // recovers by the continuous current squared
}

// ---- heat ----

TEST(Actuator, HeatsByTheExponentialsOfTwoNodes) {
  ThermalModel t;
  t.winding_capacity = 20, t.winding_to_housing = 0.8, t.housing_capacity = 1e12, t.housing_to_ambient = 1;
  // a housing that cannot warm up: one node, first order
  const double tau = 20 * 0.8;
  for (const double s : {0.5, 5.0, 16.0, 50.0})
    EXPECT_NEAR(heat_up(t, {25, 25}, 50, s).winding, 25 + 50 * 0.8 * (1 - std::exp(-s / tau)), 1e-6);
  // both nodes against their steady state, and against the same time in many small pieces
  t.housing_capacity = 300, t.housing_to_ambient = 2;
  const Temperatures end = heat_up(t, {25, 25}, 50, 1e5);
  EXPECT_NEAR(end.housing, 25 + 100, 1e-9);
  EXPECT_NEAR(end.winding, 25 + 140, 1e-9);
  Temperatures pieces{25, 25}, fine{25, 25};
  for (int i = 0; i < 1000; ++i) pieces = heat_up(t, pieces, 50, 0.1);
  const Temperatures once = heat_up(t, {25, 25}, 50, 100);
  EXPECT_NEAR(pieces.winding, once.winding, 1e-9);
  EXPECT_NEAR(pieces.housing, once.housing, 1e-9);
  for (int i = 0; i < 100'000; ++i) {  // Euler with 1 ms
    const double flow = (fine.winding - fine.housing) / t.winding_to_housing;
    fine.winding += 1e-3 * (50 - flow) / t.winding_capacity;
    fine.housing += 1e-3 * (flow - (fine.housing - t.ambient) / t.housing_to_ambient) / t.housing_capacity;
  }
  EXPECT_NEAR(fine.winding, once.winding, 5e-3);
  EXPECT_NEAR(fine.housing, once.housing, 5e-3);
}

TEST(Actuator, DeratesToWhereHeatAndCoolingBalance) {
  Actuator a = motor();
  a.resistance_slope = 0;
  a.peak_current = 20;
  a.thermal = {1, 5, 0.5, 0.5, 25, 80, 120, 130};
  Rig rig(a, 10e-3);
  for (int i = 0; i < 10'000; ++i) rig.act(1e6);
  // R i^2 (0.5 + 0.5) = T - 25 with i = 20 (120 - T) / 40
  const double T = rig.memory.winding[0], i = rig.out.current[0];
  EXPECT_NEAR(i, 20 * (120 - T) / 40, 1e-6);
  EXPECT_NEAR(a.resistance * i * i, T - 25, 1e-6);
  EXPECT_GT(T, 80);
  EXPECT_LT(T, 120);
  EXPECT_EQ(rig.out.limits[0], kPeakCurrent | kDerated);
  EXPECT_FALSE(rig.memory.tripped[0]);
}

TEST(Actuator, TripsAndStaysOffUntilReset) {
  Actuator a = motor();
  a.thermal = {1, 5, 0.5, 0.5, 25, scene::kUnlimited, scene::kUnlimited, 60};
  Rig rig(a, 10e-3);
  int n = 0;
  while (!rig.memory.tripped[0] && n++ < 1000) rig.act(100);
  EXPECT_GE(rig.memory.winding[0], 60);
  EXPECT_LT(rig.memory.winding[0], 70);
  for (int i = 0; i < 5000; ++i) rig.act(100);
  EXPECT_EQ(rig.out.effort[0], 0);
  EXPECT_EQ(rig.out.limits[0], kTripped);
  EXPECT_NEAR(rig.memory.winding[0], 25, 1);
  reset_trip(0, rig.memory);
  rig.act(100);
  EXPECT_GT(rig.out.effort[0], 99);
}

TEST(Actuator, HotCopperTakesMoreVoltageAndHotMagnetsGiveLessTorque) {
  Actuator a = motor();
  a.torque_constant_slope = -0.001;
  Rig rig(a);
  rig.memory.winding[0] = 125;
  rig.act(50);
  EXPECT_NEAR(rig.out.current[0], 10, 1e-12);
  EXPECT_NEAR(rig.out.motor_torque[0], 0.1 * 0.9 * 10, 1e-12);
  EXPECT_NEAR(rig.out.heat[0], 0.5 * 1.393 * 100, 1e-9);
}

// ---- power ----

TEST(Actuator, PowerIsConservedWithEfficiencyInBothDirections) {
  Actuator a = motor();
  a.efficiency = 0.8, a.backdrive_efficiency = 0.6;
  for (const double v : {2.0, -2.0}) {
    for (const double ask : {30.0, -30.0}) {
      Rig rig(a);
      rig.state.v[0] = v;
      rig.advance(ask);
      // what the joint got, friction included, from the flywheel's acceleration
      const double got = rig.inertia() * rig.state.a[0], in = rig.out.motor_torque[0] * rig.out.motor_speed[0];
      const double efficiency = ask * v > 0 ? 0.8 : 1 / 0.6;
      EXPECT_NEAR(got * v, efficiency * in, 1e-9) << v << " " << ask;
      EXPECT_NEAR(rig.out.supply_power[0], in + rig.out.heat[0], 1e-9);
    }
  }
}

TEST(Actuator, AHeldLoadNeitherCreepsNorChattersInsideTheGearsFriction) {
  Actuator a = motor();
  a.efficiency = 0.8, a.backdrive_efficiency = 0.6;
  for (const double load : {-30 * 0.8 - 0.01, -30 / 0.6 + 0.01}) {  // between what it lifts and what it holds
    Rig rig(a);
    rig.load = load;
    rig.run(30, 0.2);
    EXPECT_EQ(rig.v(), 0) << load;
    EXPECT_EQ(rig.q(), 0) << load;
  }
  for (const double load : {-30 * 0.8 + 0.1, -30 / 0.6 - 0.1}) {
    Rig rig(a);
    rig.load = load;
    rig.run(30, 0.2);
    EXPECT_NEAR(rig.v(), std::copysign(0.1, load + 30) * 0.2 / rig.inertia(), 1e-9) << load;
  }
}

// ---- friction ----

TEST(Actuator, SteadySlipCostsTheStribeckCurve) {
  Actuator a = motor();
  a.static_friction = 6, a.coulomb_friction = 4, a.stribeck_speed = 0.1, a.viscous_friction = 3;
  for (const double v : {0.02, 0.05, 0.1, 0.2, 1.0, -0.1}) {
    const double curve = (4 + 2 * std::exp(-std::pow(v / 0.1, 2)) + 3 * std::abs(v)) * (v > 0 ? 1 : -1);
    Rig rig(a);
    rig.state.v[0] = v;
    rig.advance(curve);  // what holds the speed
    // viscous friction is taken at the end of the step, the curve at its beginning: exact where the speed stays
    EXPECT_NEAR(rig.v(), v, 1e-12);
  }
}

TEST(Actuator, SticksBelowStaticFrictionAndBreaksAwayAboveIt) {
  Actuator a = motor();
  a.static_friction = 6, a.coulomb_friction = 4, a.stribeck_speed = 0.1;
  Rig rig(a);
  rig.run(5.99, 1);
  EXPECT_EQ(rig.q(), 0);
  rig.run(7, 0.5);
  EXPECT_GT(rig.v(), 0.2);  // friction has fallen to 4
  rig.run(0, 2);
  EXPECT_EQ(rig.v(), 0);
  const double at = rig.q();
  rig.run(-5.99, 0.5);
  EXPECT_EQ(rig.q(), at);
}

// ---- play ----

Actuator loose() {
  Actuator a = motor();
  a.stiffness = 2e4, a.damping = 20, a.backlash = 0.02;
  return a;
}

TEST(Actuator, NothingPassesInsideThePlay) {
  Rig rig(loose(), 1e-4);
  rig.run(1, 0.02);  // the rotor alone: armature 0.25 kg m2
  const double rotor = rig.memory.rotor_position[0];
  EXPECT_NEAR(rotor, 0.5 * 1 / 0.25 * 0.02 * 0.02, 0.02 * rotor);
  EXPECT_LT(rotor, 0.01);
  EXPECT_EQ(rig.q(), 0);
  rig.run(1, 0.2);
  EXPECT_GT(rig.v(), 0.01);  // then it takes the wheel along
}

TEST(Actuator, RotorAndJointKeepTheirMomentumThroughImpacts) {
  Actuator a = loose();
  a.damping = 0;
  Rig rig(a, 1e-4);
  rig.memory.rotor_velocity[0] = 1;  // thrown against the wheel
  double least = 1, most = -1;
  for (int i = 0; i < 20'000; ++i) {
    rig.advance(0);
    least = std::min(least, rig.v()), most = std::max(most, rig.v());
    EXPECT_NEAR(0.25 * rig.memory.rotor_velocity[0] + 2 * rig.v(), 0.25, 1e-9);
  }
  EXPECT_GT(most, 0.1);
}

// Slow cycles of the motor drag the wheel through the play against Coulomb friction F: a parallelogram with half width
// h = backlash / 2 + F / stiffness, whose area in the plane of motor and joint angles is 4 h (A - h) for amplitude A.
TEST(Actuator, TheHysteresisLoopHasTheAreaOfThePlay) {
  Actuator a = loose();
  a.static_friction = a.coulomb_friction = 2;
  a.damping = 50;
  Rig rig(a, 5e-4);
  const double A = 0.05, period = 4, w = 2 * std::numbers::pi / period;
  double area = 0, work = 0;
  for (int i = 0, n = static_cast<int>(period / 5e-4); i < 2 * n; ++i) {
    const double t = i * 5e-4;
    // a stiff position loop of the motor
    const double x = rig.memory.rotor_position[0], u = rig.memory.rotor_velocity[0], q = rig.q();
    const double want = A * std::sin(w * t), rate = A * w * std::cos(w * t);
    rig.advance(20'000 * (want - x) + 150 * (rate - u));
    if (i < n) continue;                                               // the first cycle comes from the middle
    area += 0.5 * (x + rig.memory.rotor_position[0]) * (rig.q() - q);  // closed integral of x dq
    work += rig.out.effort[0] * (rig.q() - q);
  }
  const double h = 0.01 + 2 / a.stiffness;
  EXPECT_NEAR(std::abs(area), 4 * h * (A - h), 0.01 * 4 * h * (A - h));
  EXPECT_NEAR(work, 2 * 4 * (A - h), 0.02 * 8 * (A - h));  // what friction ate: F times the path
}

// Two inertias on a spring: the closed form of the frequency, sqrt(k (1/J + 1/M)).
TEST(Actuator, AnElasticGearOscillatesAtItsOwnFrequency) {
  Actuator a = loose();
  a.backlash = 0, a.damping = 0;
  Rig rig(a, 1e-4);
  rig.memory.rotor_velocity[0] = 1;
  rig.state.v[0] = -0.125;  // no total momentum
  const double w = std::sqrt(a.stiffness * (1 / 0.25 + 1 / 2.0));
  int crossings = 0;
  double last = 1, first_time = 0, last_time = 0;
  for (int i = 0; i < 5000; ++i) {
    rig.advance(0);
    const double v = rig.memory.rotor_velocity[0];
    if ((v > 0) != (last > 0)) {
      last_time = (i + 1 - v / (v - last)) * 1e-4;
      if (crossings++ == 0) first_time = last_time;
    }
    last = v;
  }
  EXPECT_NEAR((crossings - 1) * std::numbers::pi / (last_time - first_time), w, 0.01 * w);
}

// ---- delay, snapshots, errors ----

TEST(Actuator, CommandsActAfterTheirDelay) {
  Actuator a = motor();
  a.delay = Duration{5'000'000};
  Rig rig(a);
  for (int i = 0; i < 20; ++i) {
    rig.advance(i + 1);
    EXPECT_NEAR(rig.out.effort[0], i < 5 ? 0 : i + 1 - 5, 1e-12) << i;
  }
}

TEST(Actuator, ADelayThatIsNoWholeNumberOfStepsWaitsForTheNextOne) {
  Actuator a = motor();
  a.delay = Duration{2'500'000};
  Rig rig(a);
  for (int i = 0; i < 10; ++i) {
    rig.advance(i + 1);
    EXPECT_NEAR(rig.out.effort[0], i < 3 ? 0 : i + 1 - 3, 1e-12) << i;
  }
}

TEST(Actuator, ACopyOfItsMemoryIsASnapshot) {
  Actuator a = loose();
  a.delay = Duration{3'000'000};
  a.current_lag = 2e-3;
  a.thermal.winding_capacity = 2;
  a.static_friction = 2, a.coulomb_friction = 1;
  Rig rig(a);
  rig.run(10, 0.05);
  const Rig snapshot = rig;
  rig.run(-10, 0.1);
  Rig again = snapshot;
  again.run(-10, 0.1);
  EXPECT_EQ(rig.state.q, again.state.q);
  EXPECT_EQ(rig.state.v, again.state.v);
  EXPECT_EQ(rig.memory.winding, again.memory.winding);
  EXPECT_EQ(rig.memory.rotor_velocity, again.memory.rotor_velocity);
}

TEST(Actuator, ABadCommandIsNamedAndChangesNothing) {
  Actuator a = motor();
  a.delay = Duration{2'000'000};
  Rig rig(a);
  rig.run(5, 0.01);
  const ActuatorMemory before = rig.memory;
  const auto refused = [&](double command) {
    const auto result =
        actuate({&rig.actuator, 1}, rig.model, rig.state, {&command, 1}, rig.options.dt, rig.memory, rig.out);
    EXPECT_EQ(rig.memory.queue_count, before.queue_count);
    EXPECT_EQ(rig.memory.current, before.current);
    return result ? std::string() : result.error().message;
  };
  EXPECT_NE(refused(std::nan("")).find("/wheel/motor: the command is not a number"), std::string::npos);
  EXPECT_NE(refused(scene::kUnlimited), "");
  rig.state.v[0] = std::nan("");
  EXPECT_NE(refused(1).find("velocity is not a number"), std::string::npos);
  rig.state.v[0] = 0;
  rig.state.time = Time{1'000'000};
  EXPECT_NE(refused(1).find("backwards"), std::string::npos);
}

TEST(Actuator, WrongParametersAreNamed) {
  const Rig rig(motor());
  const auto errors = [&](auto change) {
    Actuator a = rig.actuator;
    change(a);
    Diagnostics diagnostics;
    validate(a, rig.model, diagnostics);
    EXPECT_FALSE(make_actuator_memory({&a, 1}, rig.model, rig.state, Duration{1'000'000}) && !diagnostics.ok());
    return diagnostics.text();
  };
  EXPECT_EQ(errors([](Actuator&) {}), "");
  EXPECT_NE(errors([](Actuator& a) { a.ratio = -100; }).find("/wheel/motor: gear ratio is -100"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.efficiency = 1.2; }).find("efficiency is 1.2"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.backlash = 0.1; }).find("finite stiffness"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.resistance = std::nan(""); }).find("resistance"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.static_friction = 1, a.coulomb_friction = 2; }).find("static"),
            std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.motoring = {2, {10, 5}, {1, 1}}; }).find("ascend"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.motoring.points = 9; }).find("0 to 8"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.continuous_current = 3; }).find("peak current"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.joint = scene::JointId{7}; }).find("joint"), std::string::npos);
  EXPECT_NE(errors([](Actuator& a) { a.delay = Duration{-1}; }).find("delay"), std::string::npos);
}

}  // namespace
}  // namespace geoul::dynamics
