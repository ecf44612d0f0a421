// Sensors of force in a joint: the six-axis load cell (force-torque sensor) on any joint, fixed ones included, and the
// torque sensor of a one-degree joint. Both read State::wrenches: what flows through the joint from parent to child,
// in the joint frame J (dynamics::reaction_wrenches writes it after a step or evaluate).
//   load cell      ideal = wrench in frame S, about S; reading = convert(matrix ideal + bias + noise) - tare
//   joint torque   ideal = axis . moment (force for a slide) + cross_talk . wrench; reading = convert(gain ideal + ...)
// Order of six: force x y z, then moment x y z. Units N, N.m. See docs/notes/sensors.md.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/scene/scene.h"
#include "geoul/scene/state.h"
#include "geoul/sensors/noise.h"
#include "geoul/sensors/sampling.h"

namespace geoul::sensors {

using Matrix6 = std::array<std::array<double, 6>, 6>;
inline constexpr Matrix6 kIdentity6 = {{{1, 0, 0, 0, 0, 0},
                                        {0, 1, 0, 0, 0, 0},
                                        {0, 0, 1, 0, 0, 0},
                                        {0, 0, 0, 1, 0, 0},
                                        {0, 0, 0, 0, 1, 0},
                                        {0, 0, 0, 0, 0, 1}}};

struct LoadCell {
  std::string name;  // for messages
  scene::JointId joint;
  Posed X_JS;               // sensor frame in the joint frame
  bool reads_load = false;  // false: what the parent does to the child; true: the opposite, what the load pulls with
  Matrix6 matrix = kIdentity6;  // gains on the diagonal, cross-talk off it [1, N/N.m, N.m/N]
  std::array<double, 6> bias{};
  NoiseModel force_noise;   // [N], each axis with its own draws
  NoiseModel moment_noise;  // [N.m]
  Converter force;          // [N]
  Converter moment;         // [N.m]
  Sampling sampling;
};

struct LoadCellSample {
  SampleTime when;
  Forced F_S;                   // [N.m, N]
  unsigned char saturated = 0;  // bits 0 to 2: force, 3 to 5: moment
  bool indeterminate = false;   // the joint's share is statically indeterminate: the minimum-norm one was read
};

struct LoadCellMemory {
  Random random{0};
  NoiseMemory noise[6];
  Forced tare;
  Shown<Forced> shown;
};

void validate(const LoadCell& cell, Diagnostics& diagnostics);
Result<LoadCellMemory> make_memory(const LoadCell& cell, const Random& random);
// Ideal reading at the State's instant. Throws ContractError where the state has no wrench of this joint.
Forced truth(const LoadCell& cell, const scene::State& state);
// As imu.h.
Result<void> measure(const LoadCell& cell, const scene::State& state, LoadCellMemory& memory,
                     std::vector<LoadCellSample>& out);
// Makes what `sample` read the new zero.
void tare(const LoadCellSample& sample, LoadCellMemory& memory);

struct JointTorqueSensor {
  std::string name;
  scene::JointId joint;
  Vec3d axis{0, 0, 1};  // unit, in the joint frame
  bool slide = false;   // a force along the axis instead of a moment about it
  double gain = 1;
  std::array<double, 6> cross_talk{};  // reading per force [N.m/N] and moment [1] of the whole wrench
  double bias = 0;                     // [N.m, N]
  NoiseModel noise;
  Converter converter;
  Sampling sampling;
};
// Axis and kind of the joint of a scene. kBadInput where it has not one degree of freedom.
Result<JointTorqueSensor> joint_torque_sensor(const scene::Scene& scene, scene::JointId joint);

struct JointTorqueSample {
  SampleTime when;
  double torque = 0;  // on the child about the axis [N.m]; [N] for a slide
  bool saturated = false;
};

struct JointTorqueMemory {
  Random random{0};
  NoiseMemory noise;
  Shown<double> shown;
};

void validate(const JointTorqueSensor& sensor, Diagnostics& diagnostics);
Result<JointTorqueMemory> make_memory(const JointTorqueSensor& sensor, const Random& random);
double truth(const JointTorqueSensor& sensor, const scene::State& state);
Result<void> measure(const JointTorqueSensor& sensor, const scene::State& state, JointTorqueMemory& memory,
                     std::vector<JointTorqueSample>& out);

}  // namespace geoul::sensors
