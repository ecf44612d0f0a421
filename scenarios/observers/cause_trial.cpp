#include "scenarios/observers/cause_trial.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/core/random.h"
#include "scenarios/mechanics.h"

namespace geoul::scenarios {
namespace {

constexpr int kJoints = 7;
constexpr double kPeriod = 1e-3;
constexpr double kToolMass = 1;  // [kg]
const Vec3d kToolCenter{0.02, 0, 0.16};

struct Fault {
  Cause cause = Cause::kPayload;
  bool any = false;
  double begin = 1e9;  // [s]
  int place = -1;
  double size = 0;
  double duration = 0;   // collision [s]
  bool encoder = false;  // sensor bias: of the encoder
  Inertiad added;        // of payload, slipped tool, wrong model
  Vec3d force, point;    // collision [N], [m] in the link
};

// The arm, swung; what is measured goes to the caller.
class FaultyArm {
 public:
  FaultyArm(const dynamics::Model& model, const Fault& fault, std::uint64_t seed)
      : nominal_(model),
        changed_(model),
        loose_(model),
        fault_(fault),
        random_(seed, 1),
        data_(make_data(model)),
        drive_data_(make_data(model)),
        q_(model.q_start),
        v_(kJoints),
        force_(kJoints),
        a_(kJoints),
        wanted_(kJoints) {
    for (double& p : phase_) p = random_.uniform(0, 2 * std::numbers::pi);
    for (double& f : rate_) f = random_.uniform(1.5, 4.0);
    for (int j = 0; j < kJoints; ++j) q_[at(j)] = target(j, 0), v_[at(j)] = rate_target(j, 0);
    if (fault.any && fault.place >= 0) {
      if (fault.added.m != 0 || dot(fault.added.h, fault.added.h) > 0)
        changed_.links[at(fault.place)].inertia += fault.added;
      if (fault.cause == Cause::kFrictionRise) changed_.laws[at(fault.place)].friction += fault.size;
      if (fault.cause == Cause::kLooseJoint) loose_.laws[at(fault.place)].armature = 0;
    }
    measured_q = q_, measured_v = v_, measured_tau.resize(kJoints);
  }

  // One cycle.
  void step(double t) {
    control(t);
    const bool on = fault_.any && t >= fault_.begin;
    if (on && fault_.cause == Cause::kLooseJoint) {
      hang_loose();
    } else {
      const dynamics::Model& model = on ? changed_ : nominal_;
      drive(model, tau_, t, kPeriod);
      motor_q_ = q_[at(std::max(fault_.place, 0))], motor_v_ = v_[at(std::max(fault_.place, 0))];
    }
    measure(on);
  }

  std::vector<double> measured_q, measured_v, measured_tau;

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  double target(int j, double t) const {
    return nominal_.q_start[at(j)] + middle_[j] + 0.35 * std::sin(rate_[j] * t + phase_[j]);
  }
  double rate_target(int j, double t) const { return 0.35 * rate_[j] * std::cos(rate_[j] * t + phase_[j]); }

  void control(double t) {
    for (int j = 0; j < kJoints; ++j) {
      const double stiffness = j < 4 ? 400 : 100, damping = j < 4 ? 40 : 8;
      const double acceleration = -0.35 * rate_[j] * rate_[j] * std::sin(rate_[j] * t + phase_[j]);
      a_[at(j)] = acceleration;
      wanted_[at(j)] =
          stiffness * (target(j, t) - measured_q[at(j)]) + damping * (rate_target(j, t) - measured_v[at(j)]);
    }
    inverse_dynamics(nominal_, measured_q, measured_v, a_, {}, drive_data_, force_);
    for (int j = 0; j < kJoints; ++j)
      tau_[j] = force_[at(j)] + wanted_[at(j)] + joint_friction(nominal_, j, measured_v[at(j)]);
  }

  static double joint_friction(const dynamics::Model& model, int j, double v) {
    const dynamics::JointLaw& law = model.laws[static_cast<std::size_t>(j)];
    return law.damping * v + law.friction * std::tanh(v / 0.02);
  }

  void drive(const dynamics::Model& model, const double* tau, double t, double dt) {
    for (int j = 0; j < kJoints; ++j) force_[at(j)] = tau[j] - joint_friction(model, j, v_[at(j)]);
    if (fault_.any && fault_.cause == Cause::kCollision && t >= fault_.begin && t < fault_.begin + fault_.duration) {
      const double shape = std::sin(std::numbers::pi * (t - fault_.begin) / fault_.duration);
      double J[6 * kJoints];
      forward_kinematics(model, q_, v_, data_);
      body_jacobian(model, data_, scene::BodyId{fault_.place}, fault_.point, J);
      for (int j = 0; j < kJoints; ++j) {
        for (int k = 0; k < 3; ++k) force_[at(j)] += shape * J[(3 + k) * kJoints + j] * fault_.force[k];
      }
    }
    forward_dynamics(model, q_, v_, force_, {}, data_, a_);
    for (int j = 0; j < kJoints; ++j) {
      const double next = v_[at(j)] + dt * a_[at(j)];
      q_[at(j)] += 0.5 * dt * (v_[at(j)] + next);
      v_[at(j)] = next;
    }
  }

  // The motor of the loose joint turns its rotor; the link follows at the ends of a play of +-size.
  void hang_loose() {
    constexpr int kParts = 50;
    constexpr double kStiffness = 2e4, kDamping = 5, dt = kPeriod / kParts;
    const int j = fault_.place;
    const double rotor = nominal_.laws[at(j)].armature;
    for (int i = 0; i < kParts; ++i) {
      const double gap = motor_q_ - q_[at(j)], over = gap > fault_.size    ? gap - fault_.size
                                                      : gap < -fault_.size ? gap + fault_.size
                                                                           : 0;
      double through = over == 0 ? 0 : kStiffness * over + kDamping * (motor_v_ - v_[at(j)]);
      if (through * over < 0) through = 0;
      double tau[kJoints];
      std::copy(tau_, tau_ + kJoints, tau);
      tau[j] = through + joint_friction(loose_, j, v_[at(j)]);  // friction acts on the motor's side
      drive(loose_, tau, 0, dt);
      motor_v_ += dt * (tau_[j] - joint_friction(loose_, j, motor_v_) - through) / rotor;
      motor_q_ += dt * motor_v_;
    }
  }

  void measure(bool on) {
    for (int j = 0; j < kJoints; ++j) {
      const bool motor = on && fault_.cause == Cause::kLooseJoint && j == fault_.place;
      measured_q[at(j)] = (motor ? motor_q_ : q_[at(j)]) + 1e-5 * random_.normal();
      measured_v[at(j)] = (motor ? motor_v_ : v_[at(j)]) + 3e-4 * random_.normal();
      measured_tau[at(j)] = tau_[j] + 0.05 * random_.normal();
    }
    if (!on || fault_.cause != Cause::kSensorBias) return;
    (fault_.encoder ? measured_q : measured_tau)[at(fault_.place)] += fault_.size;
  }

  const dynamics::Model& nominal_;
  dynamics::Model changed_, loose_;
  Fault fault_;
  Random random_;
  dynamics::Data data_, drive_data_;
  std::vector<double> q_, v_, force_, a_, wanted_;
  double tau_[kJoints] = {}, phase_[kJoints], rate_[kJoints];
  const double middle_[kJoints] = {0, 0.4, 0, -1.4, 0, 1.6, 0};
  double motor_q_ = 0, motor_v_ = 0;
};

double sign(Random& random) { return random.uniform() < 0.5 ? -1 : 1; }

Fault draw(const dynamics::Model& model, Cause cause, Random& r) {
  Fault f;
  f.any = true, f.cause = cause;
  f.begin = 1 + r.uniform();
  const auto direction = [&] {
    const Vec3d d{r.normal(), r.normal(), r.normal()};
    return (1 / norm(d)) * d;
  };
  switch (cause) {
    case Cause::kPayload: {
      f.place = kJoints - 1, f.size = r.uniform(0.5, 3);
      const Vec3d c = kToolCenter + 0.05 * direction();
      f.added = inertia_about_origin(f.size, c, {1e-3 * f.size, 1e-3 * f.size, 1e-3 * f.size, 0, 0, 0});
      break;
    }
    case Cause::kSlippedTool: {
      f.place = kJoints - 1;
      const Vec3d by = r.uniform(0.04, 0.1) * direction(), c = kToolCenter + by;
      f.added = {0, kToolMass * by, point_inertia(kToolMass, c) - point_inertia(kToolMass, kToolCenter)};
      f.size = kToolMass * norm(by);
      break;
    }
    case Cause::kWrongModel: {
      f.place = 1 + static_cast<int>(r.integer(5)), f.begin = 0;
      f.size = model.links[static_cast<std::size_t>(f.place)].inertia.m * r.uniform(0.2, 0.5);
      const Vec3d c = 0.08 * direction();
      f.added = inertia_about_origin(f.size, c, {1e-3 * f.size, 1e-3 * f.size, 1e-3 * f.size, 0, 0, 0});
      break;
    }
    case Cause::kFrictionRise:
      f.place = static_cast<int>(r.integer(kJoints)), f.size = f.place < 4 ? r.uniform(1, 4) : r.uniform(0.4, 1.5);
      break;
    case Cause::kCollision:
      f.place = 2 + static_cast<int>(r.integer(5)), f.size = r.uniform(20, 100), f.duration = r.uniform(0.03, 0.15);
      f.force = f.size * direction(), f.point = 0.1 * direction();
      break;
    case Cause::kSensorBias:
      f.encoder = r.uniform() < 0.5;
      f.place = f.encoder ? 1 + 2 * static_cast<int>(r.integer(3)) : static_cast<int>(r.integer(kJoints));
      f.size = sign(r) * (f.encoder ? r.uniform(0.03, 0.08) : r.uniform(0.5, 2));
      break;
    case Cause::kLooseJoint: f.place = static_cast<int>(r.integer(kJoints)), f.size = r.uniform(0.003, 0.01); break;
  }
  return f;
}

}  // namespace

dynamics::Model cause_trial_model() {
  Scene scene = arm7();
  scene::Body tool;
  tool.path = "/tool";
  tool.mass = {kToolMass, {0, 0, 0}, {1e-3, 1e-3, 1e-3, 0, 0, 0}};
  tool.X_WB = scene.bodies.back().X_WB;
  tool.X_WB.p += rotation_matrix(tool.X_WB.R) * kToolCenter;
  scene::Joint hold;
  hold.path = "/hold";
  hold.type = scene::JointType::kFixed;
  hold.parent = scene::BodyId{kJoints - 1};
  hold.child = scene::BodyId{kJoints};
  hold.X_PJ.p = kToolCenter;
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    scene.joints[j].friction = j < 4 ? 0.8 : 0.3;
    scene.joints[j].armature = j < 4 ? 0.2 : 0.05;
  }
  scene.bodies.push_back(tool);
  scene.joints.push_back(hold);
  return dynamics::compiled(scene);
}

ResidualDetector calibrated_trial_detector(const dynamics::Model& model, double seconds, std::uint64_t seed) {
  ResidualDetector detector(model, {});
  FaultyArm arm(model, {}, seed);
  for (long i = 1; static_cast<double>(i) * kPeriod <= seconds; ++i) {
    const double t = static_cast<double>(i) * kPeriod;
    arm.step(t);
    detector.step(Time::from_seconds(t), arm.measured_q, arm.measured_v, arm.measured_tau);
  }
  detector.calibrate();
  return detector;
}

CauseTrialResult run_cause_trial(const dynamics::Model& model, const ResidualDetector& calibrated, Cause cause,
                                 std::uint64_t seed) {
  Random random(seed, 0);
  const Fault fault = draw(model, cause, random);
  ResidualDetector detector = calibrated;
  FaultyArm arm(model, fault, seed);
  CauseTrialResult result;
  result.true_size = std::abs(fault.size), result.true_place = fault.place;
  for (long i = 1; i <= 5000; ++i) {
    const double t = static_cast<double>(i) * kPeriod;
    arm.step(t);
    const std::optional<Alarm> alarm =
        detector.step(Time::from_seconds(t), arm.measured_q, arm.measured_v, arm.measured_tau);
    if (!alarm) continue;
    if (alarm->revision == 0) {
      result.found = true, result.early = t < fault.begin;
      result.delay = t - fault.begin;
      result.first = *alarm;
    } else {
      result.complete = *alarm;
      result.place_right = alarm->causes[0].cause == cause && alarm->causes[0].place == fault.place;
      break;
    }
  }
  return result;
}

double quiet_run(const ResidualDetector& calibrated, const dynamics::Model& model, double seconds, std::uint64_t seed) {
  ResidualDetector detector = calibrated;
  FaultyArm arm(model, {}, seed);
  for (long i = 1; static_cast<double>(i) * kPeriod <= seconds; ++i) {
    const double t = static_cast<double>(i) * kPeriod;
    arm.step(t);
    if (detector.step(Time::from_seconds(t), arm.measured_q, arm.measured_v, arm.measured_tau)) return t;
  }
  return seconds;
}

}  // namespace geoul::scenarios
