// Inertial measurement unit: accelerometer and gyroscope at a frame S on a body.
//   specific force  f = R_WS^T (a_WS - g)   [m/s2]   at rest: -g in the sensor's axes, +9.81 upwards
//   angular rate    w = R_WS^T w_WS         [rad/s]
// with a_WS = a_WB + alpha x r + w x (w x r), r from the body's origin to S. Each triad then reads
//   convert(gain true + bias + noise)
// Reads State::X_WB, V_WB, A_WB, whoever made them. A_WB must be the acceleration at the State's instant: after
// dynamics::step it is the mean over the step (its middle: half a step late to first order); dynamics::evaluate makes
// it exact. Source: IEEE Std 952-1997, IEEE Std 1293-1998; docs/notes/sensors.md.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/scene/scene.h"
#include "geoul/scene/state.h"
#include "geoul/sensors/noise.h"
#include "geoul/sensors/sampling.h"

namespace geoul::sensors {

// Where a sensor stands: a frame S on a body, or in the world (kWorld).
struct Mount {
  scene::BodyId body;
  Posed X_BS;
};
// The mount at a site of the scene. kNotFound where there is none of this path.
Result<Mount> mount_at(const scene::Scene& scene, const std::string& site);

// Three axes of one kind. u: m/s2 or rad/s.
struct Triad {
  Mat3d gain = Mat3d::identity();  // scale factors on the diagonal (1 + error), misalignment off it [rad, small]
  Vec3d bias;                      // [u]
  NoiseModel noise;                // of each axis, independent draws
  Converter converter;             // of each axis
};

struct Imu {
  std::string name;  // for messages
  Mount mount;
  Vec3d gravity{0, 0, -9.81};  // of the scene [m/s2]
  Sampling sampling;
  Triad accelerometer;
  Triad gyroscope;
  Mat3d g_sensitivity{};  // of the gyroscope: rate read per specific force [rad/s per m/s2]
};

struct ImuTruth {
  Vec3d specific_force;  // [m/s2]
  Vec3d angular_rate;    // [rad/s]
};

struct ImuSample {
  SampleTime when;
  Vec3d specific_force;         // [m/s2]
  Vec3d angular_rate;           // [rad/s]
  unsigned char saturated = 0;  // bit i: axis i of the accelerometer; bit 3 + i: of the gyroscope
};

struct ImuMemory {
  Random random{0};
  NoiseMemory noise[6];  // accelerometer x y z, gyroscope x y z
  Shown<ImuTruth> shown;
};

// Every value that is wrong, by name (codes not-a-number, out-of-range).
void validate(const Imu& imu, Diagnostics& diagnostics);
// At power-up. Errors: those of validate.
Result<ImuMemory> make_memory(const Imu& imu, const Random& random);

// What an ideal IMU reads at the State's instant. Throws ContractError where the state has no such body.
ImuTruth truth(const Imu& imu, const scene::State& state);

// Shows the sensor the next State; samples that fell due are appended to out, in order of time. Allocates only where
// out has no room. Errors (memory and out stay as they were): those of samples_due; a state that is not a number.
Result<void> measure(const Imu& imu, const scene::State& state, ImuMemory& memory, std::vector<ImuSample>& out);

}  // namespace geoul::sensors
