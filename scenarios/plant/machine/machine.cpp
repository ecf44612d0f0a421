#include "scenarios/plant/machine/machine.h"

#include <algorithm>
#include <cmath>

#include "geoul/scene/read.h"

namespace geoul::plant {
namespace {

// Streams of the seed for noise; hidden.cpp has the others.
enum Stream : std::uint64_t { kEncoder = 100, kCurrent, kAccelerometer };

constexpr double kPi = 3.141592653589793;
constexpr double kPush = 0.1;        // [s] that a collision lasts
constexpr double kBrakeShare = 1.5;  // of a joint's greatest torque
constexpr double kBrake = 80;        // [N.m] where the scene has no greatest torque
// Of gears that are loose [N.m/rad], by size of the joint: of the order of small harmonic drives.
constexpr Joints kLooseStiffness{60000, 60000, 20000, 3000, 3000, 3000};

// The scene with its bodies and joints as they truly are, at the home pose.
scene::Scene true_scene(const scene::Scene& nominal, const Arm& arm, const Hidden& hidden,
                        const std::vector<dynamics::Actuator>& actuators) {
  scene::Scene scene = nominal;
  for (std::size_t i = 0; i <= kJoints; ++i) {
    const scene::BodyId body = i < kJoints ? arm.bodies[i] : arm.gripper;
    scene::MassProperties& mass = scene.bodies[body.index()].mass;
    mass.mass *= hidden.bodies[i].mass_factor;
    mass.center += hidden.bodies[i].center_shift;
    const double f = hidden.bodies[i].inertia_factor;
    for (double* entry :
         {&mass.inertia.xx, &mass.inertia.yy, &mass.inertia.zz, &mass.inertia.xy, &mass.inertia.xz, &mass.inertia.yz})
      *entry *= f;
  }
  for (std::size_t i = 0; i < kJoints; ++i) {
    scene::Joint& joint = scene.joints[arm.joints[i].index()];
    dynamics::configure_joint(actuators[i], joint);
    joint.position = home_pose()[i];
  }
  return scene;
}

std::vector<dynamics::Actuator> make_actuators(const scene::Scene& scene, const Arm& arm, const Hidden& hidden) {
  std::vector<dynamics::Actuator> actuators(kJoints);
  for (std::size_t i = 0; i < kJoints; ++i) {
    const scene::Joint& joint = scene.joints[arm.joints[i].index()];
    const JointTruth& truth = hidden.joints[i];
    dynamics::Actuator& actuator = actuators[i];
    actuator.name = joint.path;
    actuator.joint = arm.joints[i];
    actuator.torque_constant = truth.torque_constant;
    actuator.rotor_inertia = joint.armature * truth.rotor_factor;
    actuator.coulomb_friction = truth.coulomb;
    actuator.static_friction = truth.static_friction;
    actuator.stribeck_speed = truth.stribeck_speed;
    actuator.viscous_friction = truth.viscous;
  }
  return actuators;
}

double rounded(double value, double step) { return step > 0 ? step * std::round(value / step) : value; }

}  // namespace

const std::vector<MachineVariable>& machine_variables() {
  static const std::vector<MachineVariable> variables = {{"timestamp", 1},
                                                         {"target_q", 6},
                                                         {"target_qd", 6},
                                                         {"target_qdd", 6},
                                                         {"target_current", 6},
                                                         {"target_moment", 6},
                                                         {"actual_q", 6},
                                                         {"actual_qd", 6},
                                                         {"actual_current", 6},
                                                         {"joint_control_output", 6},
                                                         {"actual_TCP_pose", 6},
                                                         {"actual_TCP_speed", 6},
                                                         {"actual_TCP_force", 6},
                                                         {"target_TCP_pose", 6},
                                                         {"target_TCP_speed", 6},
                                                         {"actual_tool_accelerometer", 3},
                                                         {"robot_mode", 1},
                                                         {"joint_mode", 6},
                                                         {"safety_mode", 1},
                                                         {"safety_status", 1},
                                                         {"runtime_state", 1},
                                                         {"speed_scaling", 1},
                                                         {"target_speed_fraction", 1},
                                                         {"payload", 1},
                                                         {"payload_cog", 3},
                                                         {"output_int_register_24", 1},
                                                         {"output_int_register_25", 1},
                                                         {"output_int_register_26", 1},
                                                         {"output_int_register_27", 1},
                                                         {"output_double_register_24", 1}};
  return variables;
}

std::size_t machine_row_width() {
  std::size_t width = 0;
  for (const MachineVariable& variable : machine_variables()) width += variable.width;
  return width;
}

std::vector<std::string> machine_columns() {
  std::vector<std::string> columns;
  for (const MachineVariable& variable : machine_variables()) {
    for (std::size_t e = 0; e < variable.width; ++e)
      columns.push_back(variable.width == 1 ? variable.name : variable.name + ("_" + std::to_string(e)));
  }
  return columns;
}

Result<Machine> Machine::make(const MachineOptions& options, Diagnostics& diagnostics) {
  if (options.step.ns <= 0 || kControlPeriod.ns % options.step.ns != 0)
    return Error{ErrorCode::kBadInput, "the physics' step must divide the controller's 2 ms"};
  const auto scene = scene::read_scene(options.scene, diagnostics);
  if (!scene) return diagnostics.to_error();
  auto nominal = dynamics::compile(*scene, diagnostics);
  if (!nominal) return diagnostics.to_error();
  const auto arm = find_arm(*scene, *nominal);
  if (!arm) return arm.error();
  auto actuators = make_actuators(*scene, *arm, options.hidden);
  auto model = dynamics::compile(true_scene(*scene, *arm, options.hidden, actuators), diagnostics);
  if (!model) return diagnostics.to_error();
  auto memory = dynamics::make_actuator_memory(actuators, *model, dynamics::make_state(*model), options.step);
  if (!memory) return memory.error();
  Joints limits;
  for (std::size_t i = 0; i < kJoints; ++i) limits[i] = scene->joints[arm->joints[i].index()].effort_limit;
  return Machine(options, *arm, limits, std::move(*model),
                 Controller(*scene, std::move(*nominal), *arm, options.nominal, options.runs), std::move(actuators),
                 std::move(*memory));
}

Machine::Machine(const MachineOptions& options, Arm arm, const Joints& limits, dynamics::Model model,
                 Controller controller, std::vector<dynamics::Actuator> actuators, dynamics::ActuatorMemory memory)
    : options_(options),
      arm_(arm),
      model_(std::move(model)),
      data_(dynamics::make_data(model_)),
      controls_(dynamics::make_controls(model_)),
      state_(dynamics::make_state(model_)),
      actuators_(std::move(actuators)),
      healthy_(actuators_),
      memory_(std::move(memory)),
      output_(dynamics::make_actuator_output(kJoints)),
      controller_(std::move(controller)),
      encoder_noise_(options.seed, kEncoder),
      current_noise_(options.seed, kCurrent),
      accelerometer_noise_(options.seed, kAccelerometer),
      row_(machine_row_width()) {
  step_.dt = options.step;
  step_.contact = options.contact;
  step_.sleep_velocity = 0;
  controls_.wrenches.assign(static_cast<std::size_t>(model_.nbody), Forced{});
  link_ = model_.links[last_link(arm_, model_)].inertia;
  const dynamics::BodyAddress& gripper = model_.bodies[arm_.gripper.index()];
  const dynamics::Group& group = model_.groups[static_cast<std::size_t>(gripper.group)];
  const auto node = std::find(group.bodies.begin(), group.bodies.end(), arm_.gripper.value) - group.bodies.begin();
  gripper_ = to_parent(group.X_LG, group.inertia_G[static_cast<std::size_t>(node)]);
  gain_.fill(1);
  push_direction_.resize(options_.faults.size());
  for (std::size_t i = 0; i < kJoints; ++i) {
    last_q_[i] = q_[i] = home_pose()[i];
    brake_[i] = std::isfinite(limits[i]) ? kBrakeShare * limits[i] : kBrake;
  }
  ControlOutput start;  // what it tells before it lives
  start.target.q = home_pose();
  write_row(start, specific_force());
}

bool Machine::is_on(const Fault& fault, double lasting) const {
  return time() >= fault.time && time() < fault.time + lasting;
}

// What faults have made of friction, gears and sensors by now.
void Machine::apply_faults() {
  Joints friction;
  friction.fill(1);
  bias_ = {};
  gain_.fill(1);
  encoder_frozen_ = current_frozen_ = {};
  for (const Fault& fault : options_.faults) {
    if (time() < fault.time) continue;
    const std::size_t i = fault.joint;
    switch (fault.kind) {
      case FaultKind::kFriction: friction[i] *= 1 + fault.size; break;
      case FaultKind::kFrictionRamp: friction[i] *= std::max(0.0, 1 + fault.size * (time() - fault.time) / 60); break;
      case FaultKind::kEncoderBias: bias_[i] += fault.size; break;
      case FaultKind::kFreezeEncoder: encoder_frozen_[i] = encoder_frozen_[i] || is_on(fault, fault.size); break;
      case FaultKind::kFreezeCurrent: current_frozen_[i] = current_frozen_[i] || is_on(fault, fault.size); break;
      case FaultKind::kCurrentGain: gain_[i] *= fault.size; break;
      case FaultKind::kLoose:
        if (loose_[i]) break;
        loose_[i] = true;
        actuators_[i].stiffness = kLooseStiffness[i];
        actuators_[i].damping = 2e-3 * kLooseStiffness[i];
        actuators_[i].backlash = fault.size;
        model_.laws[v_of(arm_, model_, i)].armature = 0;  // the rotor turns by itself from now on
        memory_.rotor_position[i] = state_.q[q_of(arm_, model_, i)];
        memory_.rotor_velocity[i] = state_.v[v_of(arm_, model_, i)];
        break;
      case FaultKind::kPayload:
      case FaultKind::kSlip:
      case FaultKind::kCollision: break;  // carry() and push()
    }
  }
  for (std::size_t i = 0; i < kJoints; ++i) {
    actuators_[i].coulomb_friction = friction[i] * healthy_[i].coulomb_friction;
    actuators_[i].static_friction = friction[i] * healthy_[i].static_friction;
    actuators_[i].viscous_friction = friction[i] * healthy_[i].viscous_friction;
    model_.laws[v_of(arm_, model_, i)].damping = actuators_[i].viscous_friction;
  }
}

// The last link's inertia, with what the gripper holds, where faults have moved it. It takes and leaves pieces at rest.
void Machine::carry() {
  double slipped = 0, extra = 0;
  for (const Fault& fault : options_.faults) {
    if (time() < fault.time) continue;
    if (fault.kind == FaultKind::kSlip) slipped += fault.size;
    if (fault.kind == FaultKind::kPayload) extra += fault.size;
  }
  if (controller_.is_gripping() && !carries_) extra_mass_ = extra;
  carries_ = controller_.is_gripping();
  const Transformd X_LF = flange_in_link(arm_, model_);
  const Transformd slip{Mat3d::identity(), X_LF.R * Vec3d{slipped, 0, 0}};
  Inertiad link = link_;
  if (slipped != 0) {
    const Inertiad moved = to_parent(slip, gripper_);
    link.m += moved.m - gripper_.m;
    link.h += moved.h - gripper_.h;
    link.I = link.I + (moved.I - gripper_.I);
  }
  if (carries_) {
    Workpiece piece = options_.hidden.workpiece;
    piece.mass = std::max(0.05, piece.mass + extra_mass_);
    link += to_parent(slip, to_parent(X_LF, piece.inertia()));
  }
  model_.links[last_link(arm_, model_)].inertia = link;
}

void Machine::read_sensors() {
  const SensorTruth& sensors = options_.hidden.sensors;
  const double period = kControlPeriod.seconds();
  for (std::size_t i = 0; i < kJoints; ++i) {
    const double q = state_.q[q_of(arm_, model_, i)], v = state_.v[v_of(arm_, model_, i)];
    truth_.q[i] = q, truth_.v[i] = v;
    const double noise = sensors.encoder_noise * encoder_noise_.normal();
    if (!encoder_frozen_[i]) q_[i] = rounded(q + bias_[i] + noise, sensors.encoder_step);
    if (sensors.velocity_lag > 0) {
      const double share = 1 - std::exp(-period / sensors.velocity_lag);
      v_[i] += share * ((q_[i] - last_q_[i]) / period - v_[i]);
    } else if (!encoder_frozen_[i]) {
      v_[i] = v;
    }
    last_q_[i] = q_[i];
  }
}

// The force of a collision at this instant, on the far end of the link: against its motion when the collision began,
// sideways where it stood. Tells the power [W] of it.
double Machine::push() {
  double power = 0;
  const double time = state_.time.seconds();
  for (std::size_t f = 0; f < options_.faults.size(); ++f) {
    const Fault& fault = options_.faults[f];
    if (fault.kind != FaultKind::kCollision) continue;
    const std::size_t body = arm_.bodies[fault.joint].index();
    controls_.wrenches[body] = {};
    if (time < fault.time || time >= fault.time + kPush) continue;
    const std::size_t end = (fault.joint + 1 < kJoints ? arm_.bodies[fault.joint + 1] : arm_.gripper).index();
    const Vec3d velocity = state_.V_WB[end].v;
    if (!push_direction_[f]) {
      const double speed = norm(velocity);
      push_direction_[f] = speed > 0.01 ? (-1 / speed) * velocity : rotation_matrix(state_.X_WB[body].R).column(2);
    }
    const Vec3d force = fault.size * std::sin(kPi * (time - fault.time) / kPush) * *push_direction_[f];
    const Vec3d r = state_.X_WB[end].p - state_.X_WB[body].p;
    controls_.wrenches[body] += Forced{cross(r, force), force};
    power += dot(force, velocity);
  }
  return power;
}

// The body moves for one period under the currents of this one.
Result<void> Machine::move(const ControlOutput& out) {
  Joints command;
  for (std::size_t i = 0; i < kJoints; ++i) {
    // the loop holds what its sensor reads at what is asked for
    current_[i] = out.effort[i] / options_.nominal[i].torque_constant / gain_[i];
    command[i] = current_[i] * actuators_[i].torque_constant;
  }
  truth_.torque = truth_.friction = {};
  const double dt = options_.step.seconds();
  const auto steps = kControlPeriod.ns / options_.step.ns;
  for (std::int64_t s = 0; s < steps; ++s) {
    truth_.outside_work += dt * push();
    if (const auto moved = dynamics::actuate(actuators_, model_, state_, command, options_.step, memory_, output_);
        !moved)
      return moved;
    dynamics::apply(actuators_, output_, model_, controls_);
    Joints before;
    for (std::size_t i = 0; i < kJoints; ++i) {
      const std::size_t iv = v_of(arm_, model_, i);
      if (out.braked) model_.laws[iv].friction += brake_[i];
      before[i] = state_.v[iv];
    }
    const dynamics::StepReport report = dynamics::step(model_, step_, controls_, data_, state_);
    if (!report.finite) return Error{ErrorCode::kInternal, "the machine's motion is not finite any more"};
    truth_.converged = truth_.converged && report.converged;
    truth_.contacts = std::max(truth_.contacts, report.contact.count);
    for (std::size_t i = 0; i < kJoints; ++i) {
      const std::size_t iv = v_of(arm_, model_, i);
      const double after = state_.v[iv], mean = (before[i] + after) / 2;  // of the step
      const double side = after > 0 ? 1 : after < 0 ? -1 : 0;
      const double friction = model_.laws[iv].damping * after + side * model_.laws[iv].friction;
      truth_.torque[i] += controls_.effort[iv] / static_cast<double>(steps);
      truth_.friction[i] += friction / static_cast<double>(steps);
      truth_.motor_work += dt * mean * controls_.effort[iv];
      truth_.friction_work += dt * mean * friction;
    }
  }
  for (std::size_t i = 0; i < kJoints; ++i) truth_.end_v[i] = state_.v[v_of(arm_, model_, i)];
  return {};
}

// What an accelerometer in the flange's axes feels, at the end of the last step.
Vec3d Machine::specific_force() const {
  const scene::Site& flange = model_.sites[arm_.flange.index()];
  const std::size_t body = flange.body.index();
  const Mat3d R_WB = rotation_matrix(state_.X_WB[body].R);
  const Vec3d r = R_WB * flange.X_BS.p, w = state_.V_WB[body].w;
  const Motiond& A = state_.A_WB[body];
  const Vec3d a = A.v + cross(A.w, r) + cross(w, cross(w, r));
  return transpose_times(R_WB * rotation_matrix(flange.X_BS.R), a - model_.gravity);
}

void Machine::write_row(const ControlOutput& out, const Vec3d& force) {
  const SensorTruth& sensors = options_.hidden.sensors;
  std::size_t at = 0;
  const auto put = [&](double value) { row_[at++] = value; };
  const auto put_all = [&](const auto& values) {
    for (const double value : values) put(value);
  };
  Joints asked, missing;
  for (std::size_t i = 0; i < kJoints; ++i) {
    const NominalJoint& joint = options_.nominal[i];
    asked[i] = out.effort[i] / joint.torque_constant;
    const double noise = sensors.current_noise * current_noise_.normal();
    if (!current_frozen_[i]) measured_current_[i] = gain_[i] * current_[i] + noise;
    const double friction = joint.coulomb * std::tanh(v_[i] / 0.02) + joint.viscous * v_[i];
    missing[i] = out.braked ? 0 : out.moment[i] + friction - joint.torque_constant * measured_current_[i];
  }
  const Controller::Tool target = controller_.tool_at(out.target.q, out.target.v);
  const Controller::Tool tool = controller_.tool_at(q_, v_);
  put(options_.hidden.clock.uptime + (1 + options_.hidden.clock.drift) * row_time_);
  put_all(out.target.q), put_all(out.target.v), put_all(out.target.a);
  put_all(asked), put_all(out.moment);
  put_all(q_), put_all(v_), put_all(measured_current_), put_all(asked);
  put_all(tool.pose), put_all(tool.velocity), put_all(controller_.tool_force(missing));
  put_all(target.pose), put_all(target.velocity);
  for (int k = 0; k < 3; ++k) {
    const double noise = sensors.accelerometer_noise * accelerometer_noise_.normal();
    put(rounded(force[k] + sensors.accelerometer_bias[k] + noise, sensors.accelerometer_step));
  }
  const RunState state = controller_.run_state();
  const double safety = controller_.is_protected() ? 3 : 1;
  put(7);                                                                 // robot_mode: running
  for (std::size_t i = 0; i < kJoints; ++i) put(out.braked ? 239 : 253);  // joint_mode: power off, running
  put(safety), put(safety);
  put(state == RunState::kStopped ? 1 : state == RunState::kPaused ? 4 : 2);
  put(controller_.rate()), put(controller_.slider());
  put(controller_.payload_mass());
  put(controller_.payload_center().x), put(controller_.payload_center().y), put(controller_.payload_center().z);
  put(static_cast<double>(controller_.desk().newest().number));
  put(static_cast<double>(controller_.desk().newest().code));
  put(static_cast<double>(state)), put(controller_.step()), put(controller_.speed());
  GEOUL_EXPECTS(at == row_.size());
}

Result<void> Machine::cycle() {
  row_time_ = time();
  apply_faults();
  carry();
  read_sensors();
  const auto out = controller_.update(q_, v_);
  if (!out) return out.error();
  const Vec3d force = specific_force();
  if (const auto moved = move(*out); !moved) return moved;
  write_row(*out, force);
  ++cycles_;
  return {};
}

}  // namespace geoul::plant
