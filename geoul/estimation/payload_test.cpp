#include "geoul/estimation/payload.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/estimation/simulated_motion.h"
#include "geoul/estimation/test_records.h"

namespace geoul::estimation {
namespace {

// The UR3e with the controller's own masses, the tool taken off, and the flange to tell centres in.
struct Cell {
  scene::Scene scene;
  dynamics::Model whole, bare;
  JointColumns columns;
  PayloadOptions options;

  explicit Cell(const std::string& name) : scene(ur3e_scene(GEOUL_SOURCE_DIR, name)), whole(dynamics::compiled(scene)) {
    const scene::BodyId tool[] = {*find_body(scene, "/Cell/Tool/load_cell"), *find_body(scene, "/Cell/Tool/payload")};
    bare = without_bodies(whole, scene, tool);
    columns = joint_columns(whole, all_joints(scene)).value();
    const scene::SiteId flange = *find_site(scene, "/Cell/UR3e/wrist_3_link/flange");
    options.body = scene.sites[static_cast<std::size_t>(flange.value)].body;
    options.X_BF = scene.sites[static_cast<std::size_t>(flange.value)].X_BS;
  }
};

constexpr double kMass = 1.07, kHeight = 0.058;

// Real: the controller's torques along its references. It computes with 1.07 kg at (0, 0, 0.058) m (RTDE fields payload
// and payload_cog); 1 % of both.
TEST(Payload, OfTheUr3eIsTheControllersFromItsTorques) {
  const Cell cell("controller.usda");
  const auto motions = ur3e_motions(GEOUL_SOURCE_DIR, false);
  const auto found = identify_payload(cell.bare, cell.columns, motions, cell.options);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->converged);
  EXPECT_EQ(found->instants, 225);
  EXPECT_NEAR(found->mass, kMass, 0.01 * kMass);
  EXPECT_NEAR(found->center.x, 0, 0.01 * kHeight);
  EXPECT_NEAR(found->center.y, 0, 0.01 * kHeight);
  EXPECT_NEAR(found->center.z, kHeight, 0.01 * kHeight);
}

// Real: measured currents, with torque constants and friction unknown.
TEST(Payload, OfTheUr3eLiesInTheIntervalFromItsCurrents) {
  Cell cell("cell.usda");
  cell.options.currents = true;
  cell.options.still = 0.02;
  const auto motions = ur3e_motions(GEOUL_SOURCE_DIR, true);
  const auto found = identify_payload(cell.bare, cell.columns, motions, cell.options);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->converged);
  EXPECT_NEAR(found->mass, kMass, found->mass_half_width);
  EXPECT_LT(found->mass_half_width, 1.5);
  EXPECT_NEAR(found->center.x, 0, found->center_half_width.x);
  EXPECT_NEAR(found->center.y, 0, found->center_half_width.y);
  EXPECT_NEAR(found->center.z, kHeight, found->center_half_width.z);
}

TEST(Payload, IsExactOnSimulatedCurrentsWithoutNoise) {
  Cell cell("controller.usda");
  cell.options.currents = true;
  RegularMotion motion = simulated_motion(cell.whole, cell.columns, 400, 0.02, 3);
  for (Eigen::Index i = 0; i < motion.tau.rows(); ++i) {
    for (Eigen::Index j = 0; j < 6; ++j) {
      const double v = motion.v(i, j);
      motion.tau(i, j) = (motion.tau(i, j) + 2 * v + 3 * std::tanh(v / 0.02)) / 11 + 0.05;
    }
  }
  const auto found = identify_payload(cell.bare, cell.columns, {&motion, 1}, cell.options);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->mass, kMass, 1e-6);
  EXPECT_NEAR(found->center.z, kHeight, 1e-7);
  for (double k : found->torque_constant) EXPECT_NEAR(k, 11, 1e-5);
}

TEST(Payload, SaysWhereTheMotionDoesNotTellIt) {
  const Cell cell("controller.usda");
  RegularMotion motion = simulated_motion(cell.whole, cell.columns, 200, 0.02, 3);
  for (Eigen::Index i = 1; i < motion.q.rows(); ++i) motion.q.row(i) = motion.q.row(0);
  motion.v.setZero();
  motion.a.setZero();
  JointColumns first = cell.columns;  // the pan alone: it turns about the vertical
  first.q.resize(1), first.v.resize(1), first.names.resize(1);
  for (RowMatrix* m : {&motion.q, &motion.v, &motion.a, &motion.tau}) *m = RowMatrix(m->leftCols(1));
  const auto found = identify_payload(cell.bare, first, {&motion, 1}, cell.options);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kBadInput);
}

}  // namespace
}  // namespace geoul::estimation
