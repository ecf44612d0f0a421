// What a machine has that no protocol tells: friction, motors, masses, noise, delays and its clock, drawn from a seed
// within stated ranges. docs/notes/plant.md has them as a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "geoul/core/math.h"
#include "geoul/core/spatial.h"

namespace geoul::plant {

inline constexpr std::size_t kJoints = 6;
using Joints = std::array<double, kJoints>;  // by joint, base to flange

// What the maker knows of a joint, and the controller computes with. All at the joint.
struct NominalJoint {
  double torque_constant = 1;  // [N.m/A]
  double viscous = 0;          // [N.m.s/rad]
  double coulomb = 0;          // [N.m]
};
// Of a UR3e, from currents of the recorded robot: scenarios/ur3e_cell/README.md.
std::array<NominalJoint, kJoints> nominal_joints();
// The same motors without any friction.
std::array<NominalJoint, kJoints> frictionless_joints();

struct JointTruth {
  double torque_constant = 1;    // [N.m/A]
  double rotor_factor = 1;       // of the scene's armature
  double viscous = 0;            // [N.m.s/rad]
  double coulomb = 0;            // [N.m]
  double static_friction = 0;    // [N.m] at least Coulomb
  double stribeck_speed = 0.02;  // [rad/s]: Coulomb + (static - Coulomb) exp(-(v / this)^2)
};

// Of one body against the scene: mass and inertia tensor times factors, centre of mass moved in the body's frame [m].
struct BodyTruth {
  double mass_factor = 1;
  Vec3d center_shift;
  double inertia_factor = 1;
};

// What the gripper picks up; in the flange's frame.
struct Workpiece {
  double mass = 0.4;         // [kg]
  Vec3d center{0, 0, 0.15};  // [m]
  double size = 0.05;        // [m] edge of the cube that its inertia is of
  Inertiad inertia() const;  // about the flange's origin
};

struct SensorTruth {
  double encoder_step = 0;         // [rad] of one count; 0: not quantised
  double encoder_noise = 0;        // [rad] deviation
  double velocity_lag = 0;         // [s] of the filter behind the difference of positions; 0: exact velocity
  double current_noise = 0;        // [A] deviation, every joint
  double accelerometer_noise = 0;  // [m/s2] deviation
  double accelerometer_step = 0;   // [m/s2]
  Vec3d accelerometer_bias;        // [m/s2]
};

struct TransportTruth {
  double delay = 0;   // [s] from measurement to sending
  double jitter = 0;  // [s] mean of an exponential delay on top
};

// What the machine's clock shows at true time t since its start: `uptime` + (1 + drift) t as seconds since it was
// switched on (RTDE), start + `offset` + (1 + drift) t as UNIX time (Sparkplug).
struct ClockTruth {
  double uptime = 0;  // [s] at the start
  double offset = 0;  // [s] of its UNIX time
  double drift = 0;   // [s/s]
};

struct Hidden {
  std::array<JointTruth, kJoints> joints;
  std::array<BodyTruth, kJoints + 1> bodies;  // links, base to flange, then the gripper
  Workpiece workpiece;
  SensorTruth sensors;
  TransportTruth transport;
  ClockTruth clock;
};

// The machine as the maker draws it, with these motors: rigid numbers of the scene, perfect sensors, no delay. Friction
// is Coulomb and viscous as given.
Hidden ideal(const std::array<NominalJoint, kJoints>& nominal);
// Each quantity has a stream of its own: the same seed gives the same machine.
Hidden draw(std::uint64_t seed, const std::array<NominalJoint, kJoints>& nominal);

// The object of the truth file, in JSON: keys are the fields' names.
std::string to_json(const Hidden& hidden);

}  // namespace geoul::plant
