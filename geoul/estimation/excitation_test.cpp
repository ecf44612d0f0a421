#include "geoul/estimation/excitation.h"

#include <gtest/gtest.h>

#include "geoul/estimation/test_records.h"

namespace geoul::estimation {
namespace {

// The arm of testdata/panda_arm.urdf, joints 1 to 4: within the maker's limits, at rest at both ends, and told apart
// better than random motions of the same limits do.
TEST(Excitation, KeepsTheLimitsAndLowersTheConditionNumber) {
  const scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  const dynamics::Model model = dynamics::compiled(scene);
  std::vector<scene::JointId> joints = all_joints(scene);
  const JointColumns columns = joint_columns(model, joints).value();
  ExcitationOptions options;
  options.acceleration = {15, 7.5, 10, 12.5, 15, 20, 20};
  options.first = 8;
  options.improve = 60;
  options.sample = 0.1;
  const double lowest = -1.2;  // a table: joint 2 may not lean farther back
  options.free = [&](std::span<const double> q) { return q[1] > lowest; };
  const auto found = design_excitation(model, columns, options);
  ASSERT_TRUE(found);
  EXPECT_LT(found->condition, 0.6 * found->first_condition);
  const RegularMotion m = sampled(*found, 0.01);
  for (int j = 0; j < 7; ++j) {
    const scene::Joint& joint = scene.joints[static_cast<std::size_t>(joints[static_cast<std::size_t>(j)].value)];
    EXPECT_GT(m.q.col(j).minCoeff(), joint.lower);
    EXPECT_LT(m.q.col(j).maxCoeff(), joint.upper);
    EXPECT_LT(m.v.col(j).cwiseAbs().maxCoeff(), joint.velocity_limit);
    EXPECT_LT(m.a.col(j).cwiseAbs().maxCoeff(), options.acceleration[static_cast<std::size_t>(j)]);
  }
  EXPECT_GT(m.q.col(1).minCoeff(), lowest - 0.02);  // between the samples that were judged
  for (Eigen::Index i : {Eigen::Index{0}, m.q.rows() - 1}) {
    EXPECT_LT(m.v.row(i).cwiseAbs().maxCoeff(), 1e-9);
    EXPECT_LT(m.a.row(i).cwiseAbs().maxCoeff(), 1e-9);
  }
  // Rates are the positions' slopes.
  for (Eigen::Index i = 1; i + 1 < m.q.rows(); i += 100) {
    EXPECT_LT(((m.q.row(i + 1) - m.q.row(i - 1)) / 0.02 - m.v.row(i)).cwiseAbs().maxCoeff(), 5e-3);
  }
}

TEST(Excitation, NeedsLimits) {
  scene::Scene scene = panda_arm(GEOUL_SOURCE_DIR);
  for (scene::Joint& joint : scene.joints) joint.velocity_limit = scene::kUnlimited;
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  const auto found = design_excitation(model, columns, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kBadInput);
}

}  // namespace
}  // namespace geoul::estimation
