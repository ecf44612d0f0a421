// The machine that lives, against its own truth: laws of mechanics that its rows must obey, what each fault does, and
// what commands do.
#include "scenarios/plant/machine/machine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <set>

#include "scenarios/plant/machine/telemetry.h"

namespace geoul::plant {
namespace {

MachineOptions sound(std::uint64_t seed = 7) {
  MachineOptions options;
  options.scene = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda";
  options.seed = seed;
  options.hidden = draw(seed, options.nominal);
  options.contact = false;
  return options;
}
// Friction as given, and all else as the maker draws it.
MachineOptions maker(const std::array<NominalJoint, kJoints>& nominal = frictionless_joints()) {
  MachineOptions options = sound();
  options.nominal = nominal;
  options.hidden = ideal(nominal);
  return options;
}
MachineOptions with(MachineOptions options, const std::string& fault) {
  options.faults.push_back(read_fault(fault).value());
  return options;
}

Machine make(const MachineOptions& options) {
  Diagnostics diagnostics;
  auto machine = Machine::make(options, diagnostics);
  if (!machine) throw std::runtime_error(machine.error().message);
  return std::move(machine).value();
}

void live(Machine& machine, double seconds, const std::function<void()>& each = {}) {
  for (const double end = machine.time() + seconds; machine.time() < end - 1e-6;) {
    const auto moved = machine.cycle();
    ASSERT_TRUE(moved) << moved.error().message;
    if (each) each();
  }
  EXPECT_TRUE(machine.truth().converged);
}

// First element of a variable in a row.
std::size_t place(const std::string& name) {
  std::size_t at = 0;
  for (const MachineVariable& variable : machine_variables()) {
    if (variable.name == name) return at;
    at += variable.width;
  }
  throw std::runtime_error("there is no " + name);
}
double value(const Machine& machine, const std::string& name, std::size_t element = 0) {
  return machine.row()[place(name) + element];
}

// Inverse dynamics of a model in the middle of the row's period, from the motion at its ends.
Joints torque_of(const Machine& machine, const dynamics::Model& model) {
  dynamics::Data data = dynamics::make_data(model);
  std::vector<double> q(kJoints), v(kJoints), a(kJoints), tau(kJoints);
  const MachineTruth& truth = machine.truth();
  const double period = kControlPeriod.seconds();
  for (std::size_t i = 0; i < kJoints; ++i) {
    const std::size_t iq = q_of(machine.arm(), model, i), iv = v_of(machine.arm(), model, i);
    v[iv] = (truth.v[i] + truth.end_v[i]) / 2;
    q[iq] = truth.q[i] + period / 2 * v[iv];
    a[iv] = (truth.end_v[i] - truth.v[i]) / period;
  }
  dynamics::inverse_dynamics(model, q, v, a, {}, data, tau);
  Joints out;
  for (std::size_t i = 0; i < kJoints; ++i) out[i] = tau[v_of(machine.arm(), model, i)];
  return out;
}

Command command(std::int64_t number, CommandKind kind, std::array<double, kJoints> arguments = {}) {
  return {number, static_cast<std::int32_t>(kind), arguments};
}

TEST(Machine, MovesByTheNominalInverseDynamicsWhereNothingIsHidden) {
  Machine machine = make(maker());
  double worst = 0, worst_law = 0;
  live(machine, 21, [&] {
    const Joints law = torque_of(machine, machine.true_model());
    for (std::size_t i = 0; i < kJoints; ++i) {
      worst = std::max(worst, std::abs(machine.truth().torque[i] - value(machine, "target_moment", i)));
      worst_law = std::max(worst_law, std::abs(machine.truth().torque[i] - law[i]));
    }
  });
  // 2 ms of a held command: torques of up to 20 N.m change by up to 15 N.m/s on the way
  EXPECT_LT(worst, 0.03);
  // first order in a step of 0.25 ms
  EXPECT_LT(worst_law, 0.003);
  EXPECT_FALSE(machine.controller().is_protected());
}

TEST(Machine, DiffersFromItsModelByWhatTheTruthSays) {
  MachineOptions options = sound();
  options.hidden.sensors.current_noise = 0;
  Machine machine = make(options);
  Machine nominal = make(maker());  // for its model, with the same steps of the program
  double worst = 0, model_gap = 0;
  int compared = 0;
  live(machine, 21, [&] {
    const Joints law = torque_of(machine, machine.true_model()), drawn = torque_of(machine, nominal.true_model());
    for (std::size_t i = 0; i < kJoints; ++i) {
      const JointTruth& joint = options.hidden.joints[i];
      const double v = (machine.truth().v[i] + machine.truth().end_v[i]) / 2;
      if (std::abs(v) < 3 * joint.stribeck_speed) continue;  // it may stick
      const double x = v / joint.stribeck_speed;
      const double coulomb = joint.coulomb + (joint.static_friction - joint.coulomb) * std::exp(-x * x);
      const double friction = std::copysign(coulomb, v) + joint.viscous * v;
      const double torque = joint.torque_constant * value(machine, "actual_current", i);
      worst = std::max(worst, std::abs(torque - law[i] - friction));
      model_gap = std::max(model_gap, std::abs(law[i] - drawn[i]));
      ++compared;
    }
  });
  EXPECT_GT(compared, 20000);
  EXPECT_LT(worst, 0.006);    // as above, and friction that bends within the period
  EXPECT_GT(model_gap, 0.5);  // masses, centres and inertias are others, and a piece is carried
}

TEST(Machine, KeepsItsBooksOfEnergy) {
  Machine machine = make(with(sound(), "collision@4.2:2:150"));
  dynamics::Data data = dynamics::make_data(machine.true_model());
  const auto energy = [&] {
    const scene::State& state = machine.true_state();
    dynamics::forward_kinematics(machine.true_model(), state.q, state.v, data);
    return dynamics::energy(machine.true_model(), data, state.q, state.v).total();
  };
  const double before = energy();
  live(machine, 6);  // until it picks something up
  const MachineTruth& truth = machine.truth();
  EXPECT_GT(truth.motor_work, 5);
  EXPECT_GT(truth.friction_work, 5);
  EXPECT_GT(std::abs(truth.outside_work), 0.1);
  // first order in a step of 0.25 ms
  EXPECT_NEAR(energy() - before, truth.motor_work - truth.friction_work + truth.outside_work, 0.002 * truth.motor_work);
}

TEST(Machine, GivesTheSameBitsForASeedAndOthersForAnother) {
  const MachineOptions options = with(with(sound(3), "loose@2:2"), "friction_ramp@1:1");
  Machine one = make(options), same = make(options),
          other = make(with(with(sound(4), "loose@2:2"), "friction_ramp@1:1"));
  for (int k = 0; k < 2000; ++k) {
    ASSERT_TRUE(one.cycle() && same.cycle() && other.cycle());
    ASSERT_EQ(one.row(), same.row()) << k;
  }
  EXPECT_NE(one.row(), other.row());
}

TEST(Machine, WorksThroughItsProgramWithoutAStopWhateverTheSeed) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    MachineOptions options = sound(seed);
    options.contact = seed == 0;
    Machine machine = make(options);
    std::set<int> steps;
    bool held = false;
    live(machine, 21, [&] {
      steps.insert(machine.controller().step());
      held = held || value(machine, "payload") > 1.4;
    });
    EXPECT_EQ(steps.size(), work_cycle().size());
    EXPECT_TRUE(held);
    EXPECT_FALSE(machine.controller().is_protected()) << seed << ": " << machine.controller().reason();
    EXPECT_EQ(machine.truth().contacts, 0);
  }
}

TEST(MachineFault, PayloadIsHeavierThanDeclared) {
  Machine healthy = make(sound()), faulty = make(with(sound(), "payload@1:0.5"));
  live(healthy, 8), live(faulty, 8);
  ASSERT_TRUE(healthy.controller().is_gripping() && faulty.controller().is_gripping());
  const auto mass = [](const Machine& machine) {
    return machine.true_model().links[last_link(machine.arm(), machine.true_model())].inertia.m;
  };
  EXPECT_NEAR(mass(faulty) - mass(healthy), 0.5, 1e-12);
  EXPECT_EQ(value(healthy, "payload"), value(faulty, "payload"));
}

TEST(MachineFault, FrictionGrows) {
  Machine step = make(with(sound(), "friction@2:1:0.5")), ramp = make(with(sound(), "friction_ramp@2:1:0.6"));
  const auto damping = [](const Machine& machine) {
    return machine.true_model().laws[v_of(machine.arm(), machine.true_model(), 1)].damping;
  };
  const double before = damping(step);
  live(step, 2.1), live(ramp, 2 + 6 + 0.002);
  EXPECT_DOUBLE_EQ(damping(step), 1.5 * before);
  EXPECT_NEAR(damping(ramp), (1 + 0.6 * 0.1) * before, 1e-9);
}

TEST(MachineFault, CollisionStopsItAndAResetLetsItGoOn) {
  Machine machine = make(with(sound(), "collision@3:2:300"));
  live(machine, 3.5);
  EXPECT_TRUE(machine.controller().is_protected());
  EXPECT_EQ(value(machine, "safety_status"), 3);
  EXPECT_NE(machine.truth().outside_work, 0);
  EXPECT_EQ(machine.take(command(1, CommandKind::kRun)).code, AnswerCode::kRefused);
  EXPECT_EQ(machine.take(command(2, CommandKind::kReset)).code, AnswerCode::kDone);
  EXPECT_EQ(machine.take(command(3, CommandKind::kRun)).code, AnswerCode::kDone);
  const int before = machine.controller().step();
  live(machine, 6);
  EXPECT_FALSE(machine.controller().is_protected()) << machine.controller().reason();
  EXPECT_NE(machine.controller().step(), before);
}

TEST(MachineFault, EncoderIsBiasedOrStays) {
  MachineOptions options = maker();
  Machine biased = make(with(options, "encoder_bias@1:3:0.001")),
          frozen = make(with(options, "freeze_encoder@2.8:1:0.02"));
  live(biased, 1.1);
  EXPECT_NEAR(value(biased, "actual_q", 3) - biased.truth().q[3], 0.001, 1e-12);
  live(frozen, 2.8);
  live(frozen, 0.004);
  const double stays = value(frozen, "actual_q", 1);
  live(frozen, 0.01);
  EXPECT_EQ(value(frozen, "actual_q", 1), stays);
  EXPECT_NE(frozen.truth().q[1], stays);
}

TEST(MachineFault, FrozenEncoderEndsOnBrakesThatHold) {
  Machine machine = make(with(sound(), "freeze_encoder@3:1"));
  live(machine, 5);
  EXPECT_TRUE(machine.controller().is_protected());
  EXPECT_EQ(value(machine, "joint_mode"), 239);
  for (std::size_t i = 0; i < kJoints; ++i) EXPECT_LT(std::abs(machine.truth().v[i]), 1e-9);
}

TEST(MachineFault, CurrentIsReadWrongOrStays) {
  MachineOptions options = maker(nominal_joints());
  Machine wrong = make(with(options, "current_gain@1:1:1.2")), frozen = make(with(options, "freeze_current@3:1:2"));
  live(wrong, 3.5);
  const double true_current = wrong.truth().torque[1] / options.hidden.joints[1].torque_constant;
  EXPECT_NEAR(value(wrong, "actual_current", 1), 1.2 * true_current, 1e-9);
  live(frozen, 3.1);
  const double stays = value(frozen, "actual_current", 1);
  live(frozen, 0.5);
  EXPECT_EQ(value(frozen, "actual_current", 1), stays);
  EXPECT_NE(frozen.truth().torque[1] / options.hidden.joints[1].torque_constant, stays);
}

TEST(MachineFault, GripperSlips) {
  Machine healthy = make(maker()), faulty = make(with(maker(), "slip@1:0.04"));
  live(healthy, 1.1), live(faulty, 1.1);
  const std::size_t link = last_link(faulty.arm(), faulty.true_model());
  const Inertiad &a = healthy.true_model().links[link].inertia, &b = faulty.true_model().links[link].inertia;
  EXPECT_NEAR(norm(b.h - a.h), 0.8 * 0.04, 1e-9);  // the gripper's 0.8 kg
  EXPECT_EQ(a.m, b.m);
}

TEST(MachineFault, LooseJointHasPlayBeforeItsTorqueComesThrough) {
  Machine healthy = make(sound()), loose = make(with(sound(), "loose@2.6:2:0.004"));
  double healthy_error = 0, loose_error = 0;
  const auto error = [](const Machine& machine) {
    return std::abs(value(machine, "actual_q", 2) - value(machine, "target_q", 2));
  };
  live(healthy, 4, [&] { healthy_error = std::max(healthy_error, healthy.time() > 2.6 ? error(healthy) : 0); });
  live(loose, 4, [&] { loose_error = std::max(loose_error, loose.time() > 2.6 ? error(loose) : 0); });
  EXPECT_GT(loose_error, 1.5 * healthy_error);
}

TEST(MachineFault, WordsThatAreWrongAreNamed) {
  for (const char* words : {"friction", "friction@", "friction@x:1", "friction@1", "friction@1:6", "friction@1:1.5",
                            "friction@-1:1", "friction@1:1:1:1", "friction@1:1:99", "nothing@1:1", "payload@1:0.5:1",
                            "payload@nan", "collision@1:0", "slip@1:2", "payload@1e999", "@", ""}) {
    const auto fault = read_fault(words);
    ASSERT_FALSE(fault) << words;
    EXPECT_NE(fault.error().message.find("fault '" + std::string(words) + "'"), std::string::npos);
  }
  const Fault fault = read_fault("friction_ramp@30.5:4:1.25").value();
  EXPECT_EQ(fault.kind, FaultKind::kFrictionRamp);
  EXPECT_EQ(fault.time, 30.5);
  EXPECT_EQ(fault.joint, 4u);
  EXPECT_EQ(fault.size, 1.25);
}

TEST(MachineCommand, HoldsRunsAndGoes) {
  Machine machine = make(sound());
  live(machine, 3);
  EXPECT_EQ(machine.take(command(1, CommandKind::kHold)).code, AnswerCode::kDone);
  live(machine, 0.3);
  EXPECT_EQ(value(machine, "speed_scaling"), 0);
  EXPECT_EQ(value(machine, "runtime_state"), 4);
  const Joints goal{-1.0, -1.2, -1.7, 2.9, 0.6, 12.5};
  EXPECT_EQ(machine.take(command(2, CommandKind::kGo, goal)).code, AnswerCode::kUnderWay);
  EXPECT_EQ(machine.take(command(3, CommandKind::kRun)).code, AnswerCode::kRefused);
  live(machine, 4);
  EXPECT_EQ(machine.take(command(2, CommandKind::kGo, goal)).code, AnswerCode::kDone);
  for (std::size_t i = 0; i < kJoints; ++i) EXPECT_NEAR(value(machine, "actual_q", i), goal[i], 2e-3);
  EXPECT_EQ(machine.take(command(4, CommandKind::kRun)).code, AnswerCode::kDone);
  live(machine, 8);
  EXPECT_FALSE(machine.controller().is_protected()) << machine.controller().reason();
  EXPECT_EQ(value(machine, "runtime_state"), 2);
}

TEST(MachineCommand, AMotionThatIsHeldOnTheWaySaysSo) {
  MachineOptions options = sound();
  options.runs = false;
  Machine machine = make(options);
  live(machine, 0.5);
  Joints goal = home_pose();
  goal[0] += 0.8;
  machine.take(command(5, CommandKind::kGo, goal));
  live(machine, 0.5);
  machine.take(command(6, CommandKind::kHold));
  EXPECT_EQ(machine.take(command(5, CommandKind::kGo, goal)).code, AnswerCode::kInterrupted);
  live(machine, 0.5);
  EXPECT_EQ(value(machine, "speed_scaling"), 0);
  for (std::size_t i = 0; i < kJoints; ++i) EXPECT_EQ(value(machine, "target_qd", i), 0);
}

TEST(MachineCommand, IsExecutedOnceAndAnsweredAgain) {
  CommandDesk desk;
  int executed = 0;
  const auto execute = [&](const Command&) { return ++executed, Answer{0, AnswerCode::kDone, "done"}; };
  EXPECT_EQ(desk.take({5, 1, {}}, execute).number, 5);
  EXPECT_EQ(desk.take({6, 1, {}}, execute).number, 6);
  EXPECT_EQ(desk.take({5, 1, {}}, execute).words, "done");
  EXPECT_EQ(desk.newest().number, 5);
  EXPECT_EQ(executed, 2);
  for (std::int64_t number = 10; number < 6000; ++number) desk.take({number, 1, {}}, execute);
  desk.take({5999, 1, {}}, execute);
  EXPECT_EQ(executed, 2 + 5990);
  EXPECT_EQ(desk.executed(), 2u + 5990u);
}

TEST(MachineCommand, ArgumentsAndStatesThatDoNotFitAreRefused) {
  Machine machine = make(sound());
  live(machine, 1);
  const double nan = std::nan("");
  EXPECT_EQ(machine.take(command(1, CommandKind::kSpeed, {1.5})).code, AnswerCode::kBadArgument);
  EXPECT_EQ(machine.take(command(2, CommandKind::kSpeed, {nan})).code, AnswerCode::kBadArgument);
  EXPECT_EQ(machine.take(command(3, CommandKind::kPayload, {9})).code, AnswerCode::kBadArgument);
  EXPECT_EQ(machine.take(command(4, CommandKind::kGo, home_pose())).code, AnswerCode::kRefused);
  EXPECT_EQ(machine.take(command(5, CommandKind::kRelease)).code, AnswerCode::kRefused);
  EXPECT_EQ(machine.take(command(6, CommandKind::kReset)).code, AnswerCode::kRefused);
  EXPECT_EQ(machine.take({7, 99, {}}).code, AnswerCode::kUnknown);
  EXPECT_EQ(machine.take(command(8, CommandKind::kStop)).code, AnswerCode::kDone);
  live(machine, 1);
  EXPECT_EQ(machine.take(command(9, CommandKind::kGo, {7, 0, 0, 0, 0, 0})).code, AnswerCode::kBadArgument);
  EXPECT_EQ(value(machine, "runtime_state"), 1);
  EXPECT_EQ(value(machine, "output_int_register_24"), 8);
}

TEST(MachineCommand, SpeedPayloadAndGripperAreWhatTheRowsTell) {
  Machine machine = make(sound());
  EXPECT_EQ(machine.take(command(1, CommandKind::kSpeed, {0.5})).code, AnswerCode::kDone);
  double fastest = 0;
  live(machine, 5, [&] {
    for (std::size_t i = 0; i < kJoints; ++i) fastest = std::max(fastest, std::abs(value(machine, "target_qd", i)));
  });
  EXPECT_NEAR(fastest, 0.4, 0.01);  // half the 0.8 rad/s of the first long move
  machine.take(command(2, CommandKind::kPayload, {1.5, 0, 0.01, 0.07}));
  live(machine, 0.01);
  EXPECT_EQ(value(machine, "payload"), 1.5);
  EXPECT_EQ(value(machine, "payload_cog", 1), 0.01);
  machine.take(command(3, CommandKind::kSpeed, {1}));
  live(machine, 5.5, [&] {
    if (machine.controller().is_gripping()) machine.take(command(4, CommandKind::kHold));
  });
  ASSERT_TRUE(machine.controller().is_gripping());
  EXPECT_EQ(machine.take(command(5, CommandKind::kRelease)).code, AnswerCode::kDone);
  live(machine, 0.01);
  EXPECT_NEAR(value(machine, "payload"), 1.07, 1e-6);
}

TEST(Telemetry, SendsEveryRowOnceInOrderAndLate) {
  const MachineOptions options = sound(11);
  Telemetry telemetry(make(options), options.hidden.transport, 11);
  double last_due = 0, last_stamp = 0, late = 0;
  int rows = 0;
  while (telemetry.due() < 2) {
    const double due = telemetry.due();
    const auto row = telemetry.next().value();
    if (!row) continue;
    const double stamp = row->values.front();
    const double measured = (stamp - options.hidden.clock.uptime) / (1 + options.hidden.clock.drift);
    EXPECT_EQ(due, row->due);
    EXPECT_GE(due, last_due);
    EXPECT_GE(due - measured, options.hidden.transport.delay - 1e-9);
    if (rows > 0) {
      EXPECT_NEAR(stamp - last_stamp, 0.002 * (1 + options.hidden.clock.drift), 1e-9);
    }
    last_due = due, last_stamp = stamp;
    late += due - measured;
    ++rows;
  }
  EXPECT_NEAR(rows, 1000, 5);
  // rows that wait for the one before them are later still
  EXPECT_GE(late / rows, options.hidden.transport.delay + 0.8 * options.hidden.transport.jitter);
  EXPECT_LT(late / rows, options.hidden.transport.delay + 3 * options.hidden.transport.jitter);
}

TEST(Hidden, StaysWithinItsRanges) {
  const auto nominal = nominal_joints();
  const auto between = [](double value, double low, double high) {
    EXPECT_TRUE(value >= low && value <= high) << value;
  };
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Hidden hidden = draw(seed, nominal);
    for (std::size_t i = 0; i < kJoints; ++i) {
      const JointTruth& joint = hidden.joints[i];
      between(joint.torque_constant / nominal[i].torque_constant, 0.95, 1.05);
      between(joint.viscous / nominal[i].viscous, 0.75, 1.25);
      between(joint.coulomb / nominal[i].coulomb, 0.75, 1.25);
      between(joint.static_friction / joint.coulomb, 1.05, 1.3);
      between(joint.stribeck_speed, 0.01, 0.04);
    }
    for (const BodyTruth& body : hidden.bodies) {
      between(body.mass_factor, 0.97, 1.03);
      between(norm(body.center_shift), 0, 0.0053);
      between(body.inertia_factor, 0.9, 1.1);
    }
    between(hidden.workpiece.mass, 0.388, 0.412);
    between(hidden.transport.delay, 0.001, 0.005);
    between(hidden.clock.drift, -5e-5, 5e-5);
  }
  EXPECT_EQ(to_json(draw(5, nominal)), to_json(draw(5, nominal)));
  EXPECT_NE(to_json(draw(5, nominal)), to_json(draw(6, nominal)));
}

}  // namespace
}  // namespace geoul::plant
