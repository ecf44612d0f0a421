#include "geoul/sensors/load_cell.h"

#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::sensors {
namespace {

std::array<double, 6> six(const Forced& F) { return {F.f.x, F.f.y, F.f.z, F.n.x, F.n.y, F.n.z}; }
Forced wrench(const std::array<double, 6>& a) { return {{a[3], a[4], a[5]}, {a[0], a[1], a[2]}}; }

bool finite(const std::array<double, 6>& values) {
  bool all = true;
  for (const double x : values) all = all && std::isfinite(x);
  return all;
}

const scene::JointWrench& wrench_of(scene::JointId joint, const scene::State& state) {
  GEOUL_EXPECTS(joint.valid() && joint.index() < state.wrenches.size());
  return state.wrenches[joint.index()];
}

double product(const std::array<double, 6>& row, const std::array<double, 6>& column) {
  double sum = 0;
  for (std::size_t i = 0; i < 6; ++i) sum += row[i] * column[i];
  return sum;
}

void validate_joint(scene::JointId joint, const Location& where, Diagnostics& diagnostics) {
  if (!joint.valid()) diagnostics.error(where, "no-joint", "it stands on no joint", "name the joint that it measures");
}

Error not_a_number(const std::string& name) {
  return {ErrorCode::kBadInput, name + ": the wrench of its joint is not a number"};
}

}  // namespace

void validate(const LoadCell& cell, Diagnostics& diagnostics) {
  const Location where{{}, 0, cell.name};
  validate_joint(cell.joint, where, diagnostics);
  validate(cell.sampling, where, diagnostics);
  validate(cell.force_noise, where, "force", diagnostics);
  validate(cell.moment_noise, where, "moment", diagnostics);
  validate(cell.force, where, "force", diagnostics);
  validate(cell.moment, where, "moment", diagnostics);
  bool numbers = finite(cell.bias);
  for (const auto& row : cell.matrix) numbers = numbers && finite(row);
  if (!numbers) diagnostics.error(where, "not-a-number", "matrix or bias has a value that is not finite", "write one");
  expect_finite(norm(cell.X_JS.p), where, "sensor frame", diagnostics);
  if (!(std::abs(squared_norm(cell.X_JS.R) - 1) < 1e-9))
    diagnostics.error(where, "out-of-range", "orientation of the sensor frame is no unit quaternion", "normalise it");
}

Result<LoadCellMemory> make_memory(const LoadCell& cell, const Random& random) {
  Diagnostics diagnostics;
  validate(cell, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  LoadCellMemory memory;
  memory.random = random;
  for (int i = 0; i < 6; ++i) memory.noise[i] = make_noise(i < 3 ? cell.force_noise : cell.moment_noise, memory.random);
  return memory;
}

Forced truth(const LoadCell& cell, const scene::State& state) {
  const Forced F_S = to_child(transform(cell.X_JS), wrench_of(cell.joint, state).F_C_J);
  return cell.reads_load ? -F_S : F_S;
}

Result<void> measure(const LoadCell& cell, const scene::State& state, LoadCellMemory& memory,
                     std::vector<LoadCellSample>& out) {
  const Forced now = truth(cell, state);
  if (!finite(six(now))) return not_a_number(cell.name);
  const bool indeterminate = wrench_of(cell.joint, state).indeterminate;
  return each_sample(
      cell.sampling, state.time, now, cell.name, memory.shown,
      [&](const SampleTime& when, double s, const Forced& a, const Forced& b) {
        const std::array<double, 6> ideal = six(between(s, a, b));
        std::array<double, 6> value;
        LoadCellSample sample{when, {}, 0, indeterminate};
        for (std::size_t i = 0; i < 6; ++i) {
          const NoiseModel& noise = i < 3 ? cell.force_noise : cell.moment_noise;
          const double error = cell.bias[i] + next_noise(noise, cell.sampling.period, memory.random, memory.noise[i]);
          const Reading reading = convert(i < 3 ? cell.force : cell.moment, product(cell.matrix[i], ideal) + error);
          value[i] = reading.value;
          if (reading.saturated) sample.saturated = static_cast<unsigned char>(sample.saturated | (1u << i));
        }
        sample.F_S = wrench(value) - memory.tare;
        out.push_back(sample);
      });
}

void tare(const LoadCellSample& sample, LoadCellMemory& memory) { memory.tare += sample.F_S; }

Result<JointTorqueSensor> joint_torque_sensor(const scene::Scene& scene, scene::JointId joint) {
  GEOUL_EXPECTS(joint.valid() && joint.index() < scene.joints.size());
  const scene::Joint& j = scene.joints[joint.index()];
  if (scene::velocity_size(j.type) != 1)
    return Error{ErrorCode::kBadInput, "joint '" + j.path + "' is " + scene::to_string(j.type) +
                                           ": a torque sensor needs one degree of freedom; use a load cell"};
  JointTorqueSensor sensor;
  sensor.name = j.path;
  sensor.joint = joint;
  sensor.axis = j.axis;
  sensor.slide = j.type == scene::JointType::kPrismatic;
  return sensor;
}

void validate(const JointTorqueSensor& sensor, Diagnostics& diagnostics) {
  const Location where{{}, 0, sensor.name};
  validate_joint(sensor.joint, where, diagnostics);
  validate(sensor.sampling, where, diagnostics);
  validate(sensor.noise, where, "torque", diagnostics);
  validate(sensor.converter, where, "torque", diagnostics);
  expect_finite(sensor.gain, where, "gain", diagnostics);
  expect_finite(sensor.bias, where, "bias", diagnostics);
  if (!finite(sensor.cross_talk))
    diagnostics.error(where, "not-a-number", "cross-talk has a value that is not finite", "write six finite numbers");
  if (!(std::abs(norm(sensor.axis) - 1) < 1e-9))
    diagnostics.error(where, "out-of-range", "axis is no unit vector", "write the joint's axis");
}

Result<JointTorqueMemory> make_memory(const JointTorqueSensor& sensor, const Random& random) {
  Diagnostics diagnostics;
  validate(sensor, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  JointTorqueMemory memory;
  memory.random = random;
  memory.noise = make_noise(sensor.noise, memory.random);
  return memory;
}

double truth(const JointTorqueSensor& sensor, const scene::State& state) {
  const Forced& F = wrench_of(sensor.joint, state).F_C_J;
  return dot(sensor.axis, sensor.slide ? F.f : F.n) + product(sensor.cross_talk, six(F));
}

Result<void> measure(const JointTorqueSensor& sensor, const scene::State& state, JointTorqueMemory& memory,
                     std::vector<JointTorqueSample>& out) {
  const double now = truth(sensor, state);
  if (!std::isfinite(now)) return not_a_number(sensor.name);
  return each_sample(sensor.sampling, state.time, now, sensor.name, memory.shown,
                     [&](const SampleTime& when, double s, double a, double b) {
                       const double error =
                           sensor.bias + next_noise(sensor.noise, sensor.sampling.period, memory.random, memory.noise);
                       const Reading reading = convert(sensor.converter, sensor.gain * between(s, a, b) + error);
                       out.push_back({when, reading.value, reading.saturated});
                     });
}

}  // namespace geoul::sensors
