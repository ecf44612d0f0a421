#include "scenarios/plant/machine/hidden.h"

#include <cstdio>

#include "geoul/core/random.h"

namespace geoul::plant {
namespace {

// Streams of the seed, one a kind of quantity; machine.cpp has those of noise, from 100 on.
enum Stream : std::uint64_t { kMotor = 1, kRotor, kFriction, kBodies, kWorkpiece, kSensors, kTransport, kClock };

constexpr double kTurn = 6.283185307179586;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}
std::string list(const Vec3d& v) { return "[" + number(v.x) + "," + number(v.y) + "," + number(v.z) + "]"; }

std::string to_json(const JointTruth& j) {
  return "{\"torque_constant\":" + number(j.torque_constant) + ",\"rotor_factor\":" + number(j.rotor_factor) +
         ",\"viscous\":" + number(j.viscous) + ",\"coulomb\":" + number(j.coulomb) +
         ",\"static_friction\":" + number(j.static_friction) + ",\"stribeck_speed\":" + number(j.stribeck_speed) + "}";
}

std::string to_json(const BodyTruth& b) {
  return "{\"mass_factor\":" + number(b.mass_factor) + ",\"center_shift\":" + list(b.center_shift) +
         ",\"inertia_factor\":" + number(b.inertia_factor) + "}";
}

template <class Items>
std::string array_json(const Items& items) {
  std::string text = "[";
  for (const auto& item : items) text += (text.size() > 1 ? "," : "") + to_json(item);
  return text + "]";
}

}  // namespace

Inertiad Workpiece::inertia() const {
  const double side = mass * size * size / 6;
  return inertia_about_origin(mass, center, Sym3d{side, side, side, 0, 0, 0});
}

std::array<NominalJoint, kJoints> nominal_joints() {
  return {{{12.038, 6.273, 3.526},
           {12.636, 5.227, 3.461},
           {8.158, 2.283, 2.338},
           {3.570, 1.371, 0.773},
           {3.097, 0.549, 0.557},
           {2.836, 0.348, 0.583}}};
}

std::array<NominalJoint, kJoints> frictionless_joints() {
  auto joints = nominal_joints();
  for (NominalJoint& joint : joints) joint.viscous = joint.coulomb = 0;
  return joints;
}

Hidden ideal(const std::array<NominalJoint, kJoints>& nominal) {
  Hidden hidden;
  for (std::size_t i = 0; i < kJoints; ++i) {
    hidden.joints[i].torque_constant = nominal[i].torque_constant;
    hidden.joints[i].viscous = nominal[i].viscous;
    hidden.joints[i].coulomb = hidden.joints[i].static_friction = nominal[i].coulomb;
  }
  return hidden;
}

Hidden draw(std::uint64_t seed, const std::array<NominalJoint, kJoints>& nominal) {
  Hidden hidden = ideal(nominal);
  Random motor(seed, kMotor), rotor(seed, kRotor), friction(seed, kFriction), bodies(seed, kBodies);
  for (JointTruth& joint : hidden.joints) {
    joint.torque_constant *= motor.uniform(0.95, 1.05);
    joint.rotor_factor = rotor.uniform(0.97, 1.03);
    joint.viscous *= friction.uniform(0.75, 1.25);
    joint.coulomb *= friction.uniform(0.75, 1.25);
    joint.static_friction = joint.coulomb * friction.uniform(1.05, 1.3);
    joint.stribeck_speed = friction.uniform(0.01, 0.04);
  }
  const auto shift = [](Random& random, double most) {
    const double x = random.uniform(-most, most), y = random.uniform(-most, most);
    return Vec3d{x, y, random.uniform(-most, most)};
  };
  for (BodyTruth& body : hidden.bodies) {
    body.mass_factor = bodies.uniform(0.97, 1.03);
    body.inertia_factor = bodies.uniform(0.9, 1.1);
    body.center_shift = shift(bodies, 0.003);
  }
  Random workpiece(seed, kWorkpiece);
  hidden.workpiece.mass *= workpiece.uniform(0.97, 1.03);
  hidden.workpiece.center += shift(workpiece, 0.004);
  Random sensors(seed, kSensors);
  hidden.sensors.encoder_step = kTurn / 524288;  // 19 bits, as the steps in the recordings of the real robot
  hidden.sensors.encoder_noise = hidden.sensors.encoder_step * sensors.uniform(0.5, 1.5);
  hidden.sensors.velocity_lag = sensors.uniform(0.003, 0.005);
  hidden.sensors.current_noise = sensors.uniform(0.01, 0.04);
  hidden.sensors.accelerometer_noise = sensors.uniform(0.08, 0.2);
  hidden.sensors.accelerometer_step = 0.019153614;  // of the real robot's
  hidden.sensors.accelerometer_bias = shift(sensors, 0.25);
  Random transport(seed, kTransport), clock(seed, kClock);
  hidden.transport.delay = transport.uniform(0.001, 0.005);
  hidden.transport.jitter = transport.uniform(0, 0.001);
  hidden.clock.uptime = clock.uniform(100, 10000);
  hidden.clock.offset = clock.uniform(-0.5, 0.5);
  hidden.clock.drift = clock.uniform(-5e-5, 5e-5);
  return hidden;
}

std::string to_json(const Hidden& hidden) {
  const SensorTruth& s = hidden.sensors;
  return "{\"joints\":" + array_json(hidden.joints) + ",\n\"bodies\":" + array_json(hidden.bodies) +
         ",\n\"workpiece\":{\"mass\":" + number(hidden.workpiece.mass) +
         ",\"center\":" + list(hidden.workpiece.center) + ",\"size\":" + number(hidden.workpiece.size) +
         "},\n\"sensors\":{\"encoder_step\":" + number(s.encoder_step) +
         ",\"encoder_noise\":" + number(s.encoder_noise) + ",\"velocity_lag\":" + number(s.velocity_lag) +
         ",\"current_noise\":" + number(s.current_noise) + ",\"accelerometer_noise\":" + number(s.accelerometer_noise) +
         ",\"accelerometer_step\":" + number(s.accelerometer_step) +
         ",\"accelerometer_bias\":" + list(s.accelerometer_bias) +
         "},\n\"transport\":{\"delay\":" + number(hidden.transport.delay) +
         ",\"jitter\":" + number(hidden.transport.jitter) + "},\n\"clock\":{\"uptime\":" + number(hidden.clock.uptime) +
         ",\"offset\":" + number(hidden.clock.offset) + ",\"drift\":" + number(hidden.clock.drift) + "}}";
}

}  // namespace geoul::plant
