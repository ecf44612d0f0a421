#include "geoul/sensors/imu.h"

#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::sensors {
namespace {

bool finite(const Vec3d& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

void validate_matrix(const Mat3d& m, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  if (!finite(m.r0) || !finite(m.r1) || !finite(m.r2))
    diagnostics.error(where, "not-a-number", field + " has a value that is not finite", "write nine finite numbers");
}

void validate_vector(const Vec3d& v, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  if (!finite(v))
    diagnostics.error(where, "not-a-number", field + " has a value that is not finite", "write three finite numbers");
}

void validate_triad(const Triad& triad, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  validate_matrix(triad.gain, where, field + " gain", diagnostics);
  validate_vector(triad.bias, where, field + " bias", diagnostics);
  validate(triad.noise, where, field, diagnostics);
  validate(triad.converter, where, field, diagnostics);
}

Vec3d read_triad(const Triad& triad, const Vec3d& ideal, Duration period, Random& random, NoiseMemory* noise,
                 int first_bit, unsigned char& saturated) {
  Vec3d value = triad.gain * ideal + triad.bias;
  for (int i = 0; i < 3; ++i) {
    const Reading reading = convert(triad.converter, value[i] + next_noise(triad.noise, period, random, noise[i]));
    value[i] = reading.value;
    if (reading.saturated) saturated = static_cast<unsigned char>(saturated | (1u << (first_bit + i)));
  }
  return value;
}

}  // namespace

Result<Mount> mount_at(const scene::Scene& scene, const std::string& site) {
  const auto id = scene::find_site(scene, site);
  if (!id) return Error{ErrorCode::kNotFound, "site '" + site + "' does not exist in scene '" + scene.name + "'"};
  const scene::Site& found = scene.sites[id->index()];
  return Mount{found.body, found.X_BS};
}

void validate(const Imu& imu, Diagnostics& diagnostics) {
  const Location where{{}, 0, imu.name};
  validate(imu.sampling, where, diagnostics);
  validate_vector(imu.gravity, where, "gravity", diagnostics);
  validate_vector(imu.mount.X_BS.p, where, "mount position", diagnostics);
  if (!(std::abs(squared_norm(imu.mount.X_BS.R) - 1) < 1e-9))
    diagnostics.error(where, "out-of-range", "mount orientation is no unit quaternion", "normalise it");
  validate_triad(imu.accelerometer, where, "accelerometer", diagnostics);
  validate_triad(imu.gyroscope, where, "gyroscope", diagnostics);
  validate_matrix(imu.g_sensitivity, where, "g-sensitivity", diagnostics);
}

Result<ImuMemory> make_memory(const Imu& imu, const Random& random) {
  Diagnostics diagnostics;
  validate(imu, diagnostics);
  if (!diagnostics.ok()) return diagnostics.to_error();
  ImuMemory memory;
  memory.random = random;
  for (int i = 0; i < 6; ++i)
    memory.noise[i] = make_noise(i < 3 ? imu.accelerometer.noise : imu.gyroscope.noise, memory.random);
  return memory;
}

ImuTruth truth(const Imu& imu, const scene::State& state) {
  const Mat3d R_BS = rotation_matrix(imu.mount.X_BS.R);
  if (!imu.mount.body.valid()) return {transpose_times(R_BS, -imu.gravity), {}};
  const std::size_t b = imu.mount.body.index();
  GEOUL_EXPECTS(b < state.X_WB.size() && b < state.V_WB.size() && b < state.A_WB.size());
  const Mat3d R_WB = rotation_matrix(state.X_WB[b].R);
  const Mat3d R_WS = R_WB * R_BS;
  const Vec3d r = R_WB * imu.mount.X_BS.p;
  const Vec3d& w = state.V_WB[b].w;
  const Vec3d a = state.A_WB[b].v + cross(state.A_WB[b].w, r) + cross(w, cross(w, r));
  return {transpose_times(R_WS, a - imu.gravity), transpose_times(R_WS, w)};
}

Result<void> measure(const Imu& imu, const scene::State& state, ImuMemory& memory, std::vector<ImuSample>& out) {
  const ImuTruth now = truth(imu, state);
  if (!finite(now.specific_force) || !finite(now.angular_rate))
    return Error{ErrorCode::kBadInput, imu.name + ": pose, velocity or acceleration of its body is not a number"};
  return each_sample(imu.sampling, state.time, now, imu.name, memory.shown,
                     [&](const SampleTime& when, double s, const ImuTruth& a, const ImuTruth& b) {
                       const Vec3d f = between(s, a.specific_force, b.specific_force);
                       const Vec3d w = between(s, a.angular_rate, b.angular_rate);
                       ImuSample sample{when, {}, {}, 0};
                       sample.specific_force = read_triad(imu.accelerometer, f, imu.sampling.period, memory.random,
                                                          memory.noise, 0, sample.saturated);
                       sample.angular_rate = read_triad(imu.gyroscope, w + imu.g_sensitivity * f, imu.sampling.period,
                                                        memory.random, memory.noise + 3, 3, sample.saturated);
                       out.push_back(sample);
                     });
}

}  // namespace geoul::sensors
