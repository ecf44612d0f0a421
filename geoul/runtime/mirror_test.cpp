// The mirror of the real robot against bench/oracles/ur3e/oracle.py: an independent program (Denavit-Hartenberg
// matrices and d'Alembert's principle, no spatial algebra) over the same recordings. Its figures are printed to four
// digits.
#include "geoul/runtime/mirror.h"

#include <gtest/gtest.h>

#include <memory>

namespace geoul::runtime {
namespace {

struct Played {
  std::optional<Site> site;
  std::optional<Twin> twin;
  std::unique_ptr<Mirror> mirror;
  Report report;
};

Played play(const std::string& scene) {
  Played out;
  Diagnostics diagnostics;
  out.site = read_site(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/site.yaml", diagnostics);
  if (!out.site) throw std::runtime_error(diagnostics.text());
  out.twin = load_twin(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/" + scene, diagnostics);
  if (!out.twin) throw std::runtime_error(diagnostics.text());
  auto bindings = bind(*out.site, *out.twin, Feed::kRecording, diagnostics);
  if (!bindings) throw std::runtime_error(diagnostics.text());
  auto stream = load_stream(out.site->sources.front(), *bindings, diagnostics);
  if (!stream) throw std::runtime_error(diagnostics.text());
  out.mirror = std::make_unique<Mirror>(*out.twin, *out.site, std::move(*bindings), std::move(*stream));
  while (out.mirror->step()) {
  }
  out.report = out.mirror->report();
  return out;
}

Played& nominal() {
  static Played played = play("cell.usda");
  return played;
}

double figure(const Report& report, const std::string& name) {
  for (const ReportLine& line : report.lines) {
    if (line.name == name) return line.value;
  }
  ADD_FAILURE() << "no figure '" << name << "' in\n" << to_text(report);
  return 0;
}

const std::vector<double>& cells(const Report& report, const std::string& title, const std::string& row) {
  static const std::vector<double> none(16);
  for (const ReportTable& table : report.tables) {
    if (table.title.find(title) == std::string::npos) continue;
    for (const auto& [name, values] : table.rows) {
      if (name.starts_with(row)) return values;
    }
  }
  ADD_FAILURE() << "no row '" << row << "' in a table '" << title << "'";
  return none;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_GE(got.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << "column " << i;
}

constexpr double kFourDigits = 0.5e-4 + 1e-9;
const std::vector<std::string> kJoints = {"shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"};

TEST(MirrorOfTheRobot, KeepsEveryBoundOfItsSiteFile) {
  EXPECT_TRUE(nominal().report.ok()) << to_text(nominal().report);
  EXPECT_EQ(nominal().mirror->stream().rows(), 225u);
}

TEST(MirrorOfTheRobot, PredictsGravityTorqueAtRestAsTheOracleDoes) {
  EXPECT_NEAR(figure(nominal().report, "gravity torque at rest, shoulder_lift"), 0.0182, kFourDigits);
  EXPECT_NEAR(figure(nominal().report, "gravity torque at rest, elbow"), 0.0082, kFourDigits);
  EXPECT_NEAR(figure(nominal().report, "gravity torque at rest, wrist_1"), 0.0254, kFourDigits);
}

// The scene rounds inertia tensors to nine digits on the way through principal axes: 1e-7 N.m at most.
TEST(MirrorOfTheRobot, PredictsTorquesInMotionAsTheOracleDoes) {
  const std::vector<double> reference = {0.0293, 0.0573, 0.0085, 0.0020, 0.0019, 0.0001};
  const std::vector<double> measured = {0.1510, 0.1731, 0.0381, 0.0227, 0.0270, 0.0018};
  for (std::size_t j = 0; j < kJoints.size(); ++j) {
    EXPECT_NEAR(figure(nominal().report, "torque RMSE, reference motion, " + kJoints[j]), reference[j], kFourDigits);
    EXPECT_NEAR(figure(nominal().report, "torque RMSE, measured motion, " + kJoints[j]), measured[j], kFourDigits);
  }
  const Report& report = nominal().report;
  expect_near(cells(report, "reference motion, by recording", "L0L1"), {0.0641, 0.0270, 0.0042, 0.0006, 0.0025, 0.0001},
              kFourDigits);
  expect_near(cells(report, "reference motion, by recording", "L3L4"), {0.0251, 0.0988, 0.0157, 0.0012, 0.0007, 0.0002},
              kFourDigits);
  expect_near(cells(report, "measured motion, by recording", "L0L1"), {0.1451, 0.0531, 0.0278, 0.0100, 0.0602, 0.0003},
              kFourDigits);
  expect_near(cells(report, "measured motion, by recording", "L4L5"), {0.0978, 0.0923, 0.0484, 0.0101, 0.0184, 0.0003},
              kFourDigits);
}

TEST(MirrorOfTheRobot, PlacesTheToolAsTheOracleDoes) {
  const Report& report = nominal().report;
  EXPECT_NEAR(figure(report, "tcp position error, mean"), 0.730, 5.1e-4);
  EXPECT_NEAR(figure(report, "tcp position error, max"), 1.220, 5.1e-4);
  EXPECT_NEAR(figure(report, "flange-to-tcp transform, spread between recordings"), 0.973, 5.1e-4);
  // error mean, error max, turn mean, x, y, z, deviation mean, deviation max
  expect_near(cells(report, "Pose of tcp", "L0L1"), {0.560, 0.575, 1.249, 0.027, 0.556, 150.043, 0.036, 0.075}, 5.1e-4);
  expect_near(cells(report, "Pose of tcp", "L4L5"), {0.419, 0.520, 1.279, -0.269, 0.104, 149.939, 0.279, 0.482},
              5.1e-4);
}

TEST(MirrorOfTheRobot, FeelsAtTheFlangeWhatTheOracleDoes) {
  const Report& report = nominal().report;
  expect_near(cells(report, "Accelerometer", "in motion, measured"), {0.3544, 0.2734, 0.3555, 0.5716}, kFourDigits);
  expect_near(cells(report, "Accelerometer", "in motion, reference"), {0.3597, 0.2728, 0.3552, 0.5744}, kFourDigits);
}

TEST(MirrorOfTheRobot, FitsMotorsFromCurrentsAsTheOracleDoes) {
  const Report& report = nominal().report;
  // k, relative error in %, viscous, Coulomb, rows judged, RMSE own, others, others in N.m
  const auto expect_motor = [&](const std::string& joint, const std::vector<double>& expected) {
    const std::vector<double>& got = cells(report, "Motors from currents", joint);
    const std::vector<double> tolerance = {5.1e-4, 0.051, 5.1e-4, 5.1e-4, 0, kFourDigits, kFourDigits, kFourDigits};
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], tolerance[i]) << joint << " column " << i;
  };
  expect_motor("shoulder_pan", {12.038, 7.7, 6.273, 3.526, 88, 0.0556, 0.0772, 0.9298});
  expect_motor("elbow", {8.158, 2.5, 2.283, 2.338, 143, 0.0703, 0.0528, 0.4310});
  expect_motor("wrist_1", {3.570, 2.2, 1.371, 0.773, 123, 0.0356, 0.0547, 0.1951});
}

TEST(MirrorOfTheRobot, ShowsWeldsThatDoNotGapeBeyondRounding) {
  // Poses of bodies up to 2 m from the origin: a few units in the last place of 2 m.
  EXPECT_LE(figure(nominal().report, "fixed-joint position error"), 16 * 2.3e-16 * 2);
  EXPECT_LE(figure(nominal().report, "fixed-joint rotation error"), 16 * 2.3e-16);
  EXPECT_GT(nominal().twin->welds.size(), 10u);
}

TEST(MirrorOfTheRobot, SeekGivesTheSameBitsAsPlaying) {
  Mirror& mirror = *nominal().mirror;
  mirror.seek(mirror.begin());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(mirror.step());
  const scene::State played = mirror.snapshot().state;
  mirror.seek(mirror.end());
  mirror.seek(played.time + Duration{1'000'000});
  EXPECT_EQ(mirror.snapshot().state.time, played.time);
  EXPECT_EQ(mirror.snapshot().state.tau, played.tau);
  EXPECT_EQ(mirror.snapshot().state.X_WB, played.X_WB);
  EXPECT_EQ(mirror.source(), "L2L3");
}

// The load cell carries the payload: at rest its reading is the payload's weight.
TEST(MirrorOfTheRobot, ReadsThePayloadInTheLoadCellAtRest) {
  Played& played = nominal();
  const auto joint = scene::find_joint(played.twin->scene, "/Cell/Joints/load_cell_mount");
  ASSERT_TRUE(joint);
  played.mirror->seek(played.mirror->end());
  const auto& rows = played.mirror->measures();
  ASSERT_TRUE(rows.back().at_rest);
  const scene::JointWrench& wrench = played.mirror->snapshot().state.wrenches[joint->index()];
  EXPECT_FALSE(wrench.indeterminate);
  EXPECT_NEAR(norm(wrench.F_C_J.f), 1.07 * 9.82, 0.05);  // the derivative of the measured velocity is not quite zero
}

TEST(MirrorOfTheRobot, FollowsTheOneArmBetterWithItsOwnKinematics) {
  const Played calibrated = play("calibrated.usda");
  EXPECT_NEAR(figure(calibrated.report, "tcp position error, mean"), 0.024, 1.1e-3);
  EXPECT_NEAR(figure(calibrated.report, "tcp position error, max"), 0.126, 1.1e-3);
  for (const std::string& name : calibrated.mirror->stream().names) {
    EXPECT_LE(figure(calibrated.report, "flange-to-tcp transform, " + name + ", max deviation"), 0.3);
  }
}

TEST(MirrorOfTheRobot, ReproducesTheControllersTorquesWithItsPointMasses) {
  const Played controller = play("controller.usda");
  const std::vector<double> expected = {0.0003, 0.0125, 0.0019, 0.0020, 0.0003, 0.0000};
  for (std::size_t j = 0; j < kJoints.size(); ++j) {
    EXPECT_NEAR(figure(controller.report, "torque RMSE, reference motion, " + kJoints[j]), expected[j],
                2 * kFourDigits);
  }
}

}  // namespace
}  // namespace geoul::runtime
