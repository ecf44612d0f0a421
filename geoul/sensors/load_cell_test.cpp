#include "geoul/sensors/load_cell.h"

#include <gtest/gtest.h>

#include <cmath>

namespace geoul::sensors {
namespace {

scene::State with_wrench(const Forced& F, Time t = {}) {
  scene::State state;
  state.time = t;
  state.wrenches = {{F, false}};
  return state;
}

LoadCell cell() {
  LoadCell c;
  c.name = "/arm/flange/cell";
  c.joint = scene::JointId{0};
  return c;
}

const Forced kWrench{{1, -2, 3}, {10, 20, -30}};

TEST(LoadCell, ReadsTheWrenchInItsOwnFrameAndAboutItsOwnOrigin) {
  LoadCell c = cell();
  c.X_JS = {exp_rotation(Vec3d{0.3, -0.8, 0.5}), {0.1, 0.2, -0.05}};
  const Forced F = truth(c, with_wrench(kWrench));
  const Mat3d R_JS = rotation_matrix(c.X_JS.R);
  const Vec3d f = transpose_times(R_JS, kWrench.f);
  const Vec3d n = transpose_times(R_JS, kWrench.n - cross(c.X_JS.p, kWrench.f));
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(F.f[i], f[i], 1e-13);
    EXPECT_NEAR(F.n[i], n[i], 1e-13);
  }
  c.reads_load = true;
  EXPECT_EQ(truth(c, with_wrench(kWrench)), -F);
}

TEST(LoadCell, CrossTalkBiasAndSaturationAct) {
  LoadCell c = cell();
  c.matrix[0][4] = 0.05;  // force x feels moment y
  c.bias[5] = 0.5;        // moment z
  c.force.range = 25;     // force z is beyond
  c.moment.resolution = 0.25;
  LoadCellMemory memory = make_memory(c, Random(1)).value();
  std::vector<LoadCellSample> out;
  ASSERT_TRUE(measure(c, with_wrench(kWrench), memory, out));
  EXPECT_DOUBLE_EQ(out[0].F_S.f.x, 10 - 0.1);
  EXPECT_DOUBLE_EQ(out[0].F_S.f.z, -25);
  EXPECT_DOUBLE_EQ(out[0].F_S.n.z, 3.5);
  EXPECT_EQ(out[0].saturated, 1 << 2);
}

TEST(LoadCell, TareMakesTheReadingZero) {
  LoadCell c = cell();
  c.bias = {1, 2, 3, 4, 5, 6};
  LoadCellMemory memory = make_memory(c, Random(1)).value();
  std::vector<LoadCellSample> out;
  for (int k = 0; k < 3; ++k) {
    ASSERT_TRUE(measure(c, with_wrench(kWrench, Time{k * 1'000'000}), memory, out));
    if (k < 2) tare(out.back(), memory);
  }
  EXPECT_EQ(out[0].F_S.f.x, 11);
  EXPECT_EQ(out[1].F_S, Forced{});
  EXPECT_EQ(out[2].F_S, Forced{});  // a second tare on zero changes nothing
}

TEST(LoadCell, NoiseAndDriftAreTheModelsOwn) {
  LoadCell c = cell();
  c.force_noise.density = 0.1;
  c.moment_noise.drift = 0.2;
  LoadCellMemory memory = make_memory(c, Random(9)).value();
  std::vector<LoadCellSample> out;
  for (std::int64_t k = 1; k <= 20'000; ++k) ASSERT_TRUE(measure(c, with_wrench({}, Time{k * 1'000'000}), memory, out));
  double sum = 0, cross_sum = 0;
  for (const LoadCellSample& s : out) sum += s.F_S.f.x * s.F_S.f.x, cross_sum += s.F_S.f.x * s.F_S.f.y;
  const double n = static_cast<double>(out.size()), variance = 0.1 * 0.1 / 1e-3;
  EXPECT_NEAR(sum / n, variance, 4 * variance * std::sqrt(2 / n));
  EXPECT_NEAR(cross_sum / n, 0, 4 * variance / std::sqrt(n));  // axes draw their own
  EXPECT_NEAR(out.back().F_S.n.y, 0.2 * 20, 1e-12);
}

TEST(LoadCell, PassesOnThatTheShareIsIndeterminate) {
  LoadCellMemory memory = make_memory(cell(), Random(1)).value();
  std::vector<LoadCellSample> out;
  scene::State state = with_wrench(kWrench);
  state.wrenches[0].indeterminate = true;
  ASSERT_TRUE(measure(cell(), state, memory, out));
  EXPECT_TRUE(out[0].indeterminate);
}

TEST(JointTorqueSensor, ReadsTheMomentAboutTheAxisOrTheForceAlongIt) {
  JointTorqueSensor s;
  s.name = "/arm/elbow";
  s.joint = scene::JointId{0};
  s.axis = {0, 0.6, 0.8};
  EXPECT_DOUBLE_EQ(truth(s, with_wrench(kWrench)), -1.2 + 2.4);
  s.cross_talk = {0.01, 0, 0, 0.1, 0, 0};
  EXPECT_DOUBLE_EQ(truth(s, with_wrench(kWrench)), 1.2 + 0.1 + 0.1);
  s.cross_talk = {};
  s.slide = true;
  EXPECT_DOUBLE_EQ(truth(s, with_wrench(kWrench)), 12 - 24);
  s.gain = 2, s.bias = 1, s.converter.range = 20;
  JointTorqueMemory memory = make_memory(s, Random(1)).value();
  std::vector<JointTorqueSample> out;
  ASSERT_TRUE(measure(s, with_wrench(kWrench), memory, out));
  EXPECT_DOUBLE_EQ(out[0].torque, -20);
  EXPECT_TRUE(out[0].saturated);
}

TEST(JointTorqueSensor, NeedsOneDegreeOfFreedom) {
  scene::Scene scene;
  scene.joints.resize(2);
  scene.joints[0].path = "/weld";
  scene.joints[1].type = scene::JointType::kPrismatic;
  scene.joints[1].axis = {1, 0, 0};
  EXPECT_FALSE(joint_torque_sensor(scene, scene::JointId{0}));
  const JointTorqueSensor sensor = joint_torque_sensor(scene, scene::JointId{1}).value();
  EXPECT_TRUE(sensor.slide);
  EXPECT_EQ(sensor.axis, (Vec3d{1, 0, 0}));
}

TEST(LoadCell, WhatIsWrongIsNamedAndChangesNothing) {
  LoadCell c = cell();
  c.force_noise.density = 0.1;
  LoadCellMemory memory = make_memory(c, Random(1)).value();
  const LoadCellMemory before = memory;
  std::vector<LoadCellSample> out;
  const auto result = measure(c, with_wrench({{std::nan(""), 0, 0}, {}}), memory, out);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("/arm/flange/cell"), std::string::npos);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(memory.shown.any, before.shown.any);
  EXPECT_EQ(Random(memory.random).bits(), Random(before.random).bits());

  c.joint = {};
  c.matrix[2][3] = std::nan("");
  c.force.range = -1;
  Diagnostics diagnostics;
  validate(c, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u) << diagnostics.text();
  JointTorqueSensor s;
  s.axis = {0, 0, 2};
  EXPECT_FALSE(make_memory(s, Random(1)));
}

}  // namespace
}  // namespace geoul::sensors
