// IMU on bodies whose motion is written down in closed form.
#include "geoul/sensors/imu.h"

#include <gtest/gtest.h>

#include <cmath>

namespace geoul::sensors {
namespace {

scene::State one_body(const Posed& X, const Motiond& V, const Motiond& A, Time t = {}) {
  scene::State state;
  state.time = t;
  state.X_WB = {X};
  state.V_WB = {V};
  state.A_WB = {A};
  return state;
}

Imu ideal() {
  Imu imu;
  imu.name = "/arm/imu";
  imu.mount.body = scene::BodyId{0};
  return imu;
}

void expect_near(const Vec3d& a, const Vec3d& b, double tolerance) {
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(a[i], b[i], tolerance) << "axis " << i;
}

TEST(Imu, AtRestReadsMinusGravityInItsOwnAxes) {
  Imu imu = ideal();
  imu.mount.X_BS = {exp_rotation(Vec3d{0.3, -0.2, 0.9}), {1, 2, 3}};
  const Quatd R_WB = exp_rotation(Vec3d{-1.1, 0.4, 0.2});
  const ImuTruth t = truth(imu, one_body({R_WB, {4, 5, 6}}, {}, {}));
  expect_near(t.specific_force, transpose_times(rotation_matrix(R_WB * imu.mount.X_BS.R), Vec3d{0, 0, 9.81}), 1e-14);
  expect_near(t.angular_rate, {}, 0);
  imu.mount = {};  // fixed to the world
  expect_near(truth(imu, {}).specific_force, {0, 0, 9.81}, 0);
}

TEST(Imu, InFreeFallReadsNothing) {
  const ImuTruth t = truth(ideal(), one_body({}, {{}, {1, 2, 3}}, {{}, {0, 0, -9.81}}));
  expect_near(t.specific_force, {}, 0);
}

// Spinning at w about z with angular acceleration a, the IMU at radius r along x: f = (-w^2 r, a r, g).
TEST(Imu, OnASpinningBodyReadsTheCentripetalAndTangentialTerms) {
  Imu imu = ideal();
  imu.mount.X_BS.p = {0.25, 0, 0};
  const double angle = 0.7, w = 3, a = 5;
  const Posed X{exp_rotation(Vec3d{0, 0, angle}), {1, 1, 1}};
  const ImuTruth t = truth(imu, one_body(X, {{0, 0, w}, {}}, {{0, 0, a}, {}}));
  expect_near(t.specific_force, {-w * w * 0.25, a * 0.25, 9.81}, 1e-14);
  expect_near(t.angular_rate, {0, 0, w}, 1e-15);
}

// A general motion: the reading against second differences of the sensor's own path.
TEST(Imu, EqualsTheSecondDifferenceOfItsPath) {
  Imu imu = ideal();
  imu.mount.X_BS = {exp_rotation(Vec3d{0.2, 0.5, -0.4}), {0.1, -0.3, 0.2}};
  const Vec3d w{1.2, -0.7, 2.1}, v{0.3, 0.1, -0.2}, a{2, -1, 0.5};
  const Quatd R0 = exp_rotation(Vec3d{0.9, 0.1, -0.3});
  const auto pose_at = [&](double t) -> Posed {  // steady rate about a fixed axis, accelerating origin
    return {exp_rotation(t * w) * R0, t * v + 0.5 * t * t * a};
  };
  const auto sensor_at = [&](double t) { return transform(pose_at(t)) * imu.mount.X_BS.p; };
  const double h = 1e-4;
  const Vec3d second = (1 / (h * h)) * (sensor_at(h) - 2.0 * sensor_at(0) + sensor_at(-h));
  const ImuTruth t = truth(imu, one_body(pose_at(0), {w, v}, {{}, a}));
  const Mat3d R_WS = rotation_matrix(R0 * imu.mount.X_BS.R);
  expect_near(t.specific_force, transpose_times(R_WS, second - imu.gravity), 1e-6);
  expect_near(t.angular_rate, transpose_times(R_WS, w), 1e-14);
}

// Sampling at 1.5 ms between states every 1 ms: instants are exact and values are the line between the states.
TEST(Imu, SamplesAtItsOwnInstantsBetweenTheStates) {
  Imu imu = ideal();
  imu.sampling = {Duration{1'500'000}, Duration{250'000}, Duration{4'000'000}};
  ImuMemory memory = make_memory(imu, Random(1)).value();
  std::vector<ImuSample> out;
  for (int k = 0; k <= 12; ++k) {
    const double t = 1e-3 * k;
    const auto state = one_body({}, {{0, 0, 2 * t}, {}}, {{}, {7 * t, 0, 0}}, Time{k * 1'000'000});
    ASSERT_TRUE(measure(imu, state, memory, out));
  }
  ASSERT_EQ(out.size(), 8u);  // 0.25 + 1.5 k ms up to 12 ms
  for (std::size_t k = 0; k < out.size(); ++k) {
    const auto ns = 250'000 + 1'500'000 * static_cast<std::int64_t>(k);
    EXPECT_EQ(out[k].when.time.ns, ns);
    EXPECT_EQ(out[k].when.arrival.ns, ns + 4'000'000);
    EXPECT_NEAR(out[k].specific_force.x, 7e-9 * static_cast<double>(ns), 1e-15);
    EXPECT_NEAR(out[k].angular_rate.z, 2e-9 * static_cast<double>(ns), 1e-15);
  }
}

TEST(Imu, TheStepsOfTheWorldDoNotChangeTheNumberOrTimeOfSamples) {
  Imu imu = ideal();
  imu.sampling.period = Duration{700'000};
  imu.accelerometer.noise.density = 0.01;
  std::vector<ImuSample> fine, coarse;
  for (const auto& [step, out] : {std::pair{100'000, &fine}, std::pair{2'000'000, &coarse}}) {
    ImuMemory memory = make_memory(imu, Random(1)).value();
    for (std::int64_t t = 0; t <= 20'000'000; t += step)
      ASSERT_TRUE(measure(imu, one_body({}, {}, {}, Time{t}), memory, *out));
  }
  ASSERT_EQ(fine.size(), coarse.size());
  for (std::size_t k = 0; k < fine.size(); ++k) {
    EXPECT_EQ(fine[k].when.time, coarse[k].when.time);
    EXPECT_EQ(fine[k].specific_force, coarse[k].specific_force);  // noise too
  }
}

// Analogue chain: misalignment and scale, bias, g-sensitivity, range, digits.
TEST(Imu, ErrorsAddInTheOrderOfTheChain) {
  Imu imu = ideal();
  imu.accelerometer.gain = {{1.01, 0.002, 0}, {0, 1, 0}, {0, -0.003, 0.98}};
  imu.accelerometer.bias = {0.1, -0.2, 0.3};
  imu.accelerometer.converter = {8.0, 0.5};
  imu.gyroscope.bias = {0.01, 0, 0};
  imu.g_sensitivity = Mat3d::diagonal({0, 0.001, 0});
  ImuMemory memory = make_memory(imu, Random(1)).value();
  std::vector<ImuSample> out;
  ASSERT_TRUE(measure(imu, one_body({}, {}, {{}, {2, 5, 0}}), memory, out));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_DOUBLE_EQ(out[0].specific_force.x, 2.0);  // 2.02 + 0.01 + 0.1 = 2.13
  EXPECT_DOUBLE_EQ(out[0].specific_force.y, 5.0);  // 4.8
  EXPECT_DOUBLE_EQ(out[0].specific_force.z, 8.0);  // 9.6138 - 0.015 + 0.3, beyond the range
  EXPECT_EQ(out[0].saturated, 1 << 2);
  EXPECT_DOUBLE_EQ(out[0].angular_rate.x, 0.01);
  EXPECT_DOUBLE_EQ(out[0].angular_rate.y, 0.005);
}

TEST(Imu, ACopyOfItsMemoryIsASnapshot) {
  Imu imu = ideal();
  imu.accelerometer.noise = {0.1, 0.01, 0.02, 10, 0.003, 0.001};
  imu.gyroscope.noise = imu.accelerometer.noise;
  ImuMemory memory = make_memory(imu, Random(5, 2)).value();
  std::vector<ImuSample> first, second;
  const auto run = [&](int begin, std::vector<ImuSample>& out) {
    for (int k = begin; k < begin + 5; ++k)
      ASSERT_TRUE(measure(imu, one_body({}, {}, {}, Time{k * 1'000'000}), memory, out));
  };
  run(0, first);
  const ImuMemory snapshot = memory;
  first.clear();
  run(5, first);
  memory = snapshot;
  run(5, second);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t k = 0; k < first.size(); ++k) {
    EXPECT_EQ(first[k].specific_force, second[k].specific_force);
    EXPECT_EQ(first[k].angular_rate, second[k].angular_rate);
  }
}

TEST(Imu, WhatIsWrongIsNamedAndChangesNothing) {
  Imu imu = ideal();
  imu.accelerometer.noise.density = 0.1;
  ImuMemory memory = make_memory(imu, Random(1)).value(), twin = memory;
  std::vector<ImuSample> out, expected;
  const auto rest = [&](std::int64_t t) { return one_body({}, {}, {}, Time{t}); };
  ASSERT_TRUE(measure(imu, rest(1'000'000), memory, out));
  const auto broken = measure(imu, one_body({}, {}, {{}, {std::nan(""), 0, 0}}, Time{2'000'000}), memory, out);
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("/arm/imu"), std::string::npos);
  const auto backwards = measure(imu, rest(0), memory, out);
  ASSERT_FALSE(backwards);
  EXPECT_NE(backwards.error().message.find("backwards"), std::string::npos);
  EXPECT_FALSE(measure(imu, rest(1'700'000'000'000'000'000), memory, out));  // the clock jumped to UNIX time
  EXPECT_EQ(out.size(), 1u);
  ASSERT_TRUE(measure(imu, rest(2'000'000), memory, out));
  ASSERT_TRUE(measure(imu, rest(1'000'000), twin, expected));
  ASSERT_TRUE(measure(imu, rest(2'000'000), twin, expected));
  EXPECT_EQ(out.back().specific_force, expected.back().specific_force);

  imu.sampling.period = Duration{0};
  imu.gyroscope.noise.drift = std::nan("");
  imu.mount.X_BS.R = {2, 0, 0, 0};
  Diagnostics diagnostics;
  validate(imu, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u) << diagnostics.text();
  EXPECT_FALSE(make_memory(imu, Random(1)));
  EXPECT_EQ(mount_at({}, "/nowhere").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace geoul::sensors
