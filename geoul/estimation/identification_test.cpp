#include "geoul/estimation/identification.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/estimation/simulated_motion.h"
#include "geoul/estimation/test_records.h"
#include "scenarios/mechanics.h"

namespace geoul::estimation {
namespace {

// The same arm with all masses wrong: what identification starts from.
dynamics::Model wrong(const SimulatedArm& arm) {
  scene::Scene scene = arm.scene;
  for (scene::Body& body : scene.bodies) {
    body.mass.mass *= 1.5;
    body.mass.center += {0.02, -0.02, 0.01};
    body.mass.inertia = {0.02, 0.02, 0.02, 0, 0, 0};
  }
  return dynamics::compiled(scene);
}

StructureOptions one_shape(const FrictionShape& shape) { return {{shape}, {0.01}, 3}; }

TEST(Identification, FindsTheTruthInDataWithoutNoise) {
  const SimulatedArm arm(scenarios::arm7(), 3);
  RegularMotion motion = simulated_motion(arm.model, arm.columns, 3000, 0.005, 1);
  FrictionShape shape;
  shape.lengths = {0.01, 0.1};
  const double truth[] = {0.2, 0.7, 0.4, 0.15, 0.25};  // offset, viscous, coulomb, two levels
  add_friction(shape, truth, motion);
  IdentificationOptions options;
  options.structure = one_shape(shape);
  options.rows = {0, 5};
  const auto found = identify(wrong(arm), arm.columns, {&motion, 1}, options);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->fit.converged);
  for (const BaseEstimate& b : found->base) EXPECT_TRUE(b.told) << b.name;
  for (int j = 0; j < 3; ++j) {
    for (int k = 0; k < 5; ++k) EXPECT_NEAR(found->fit.p(found->fit.layout.term(j, k)), truth[k], 1e-3 * truth[k]);
  }
  // All that torques hang on is the truth's; single parameters need not be.
  const BaseParameters base = base_of_model(arm.model, false);
  const Eigen::VectorXd b = to_base(base, found->fit.p.head(30)), b_true = to_base(base, link_parameters(arm.model));
  EXPECT_LT((b - b_true).norm(), 1e-4 * b_true.norm());
  for (int l = 0; l < 3; ++l) EXPECT_GT(consistency(found->fit.p.segment<10>(10 * l)), 0);
  EXPECT_LT(found->error.maxCoeff(), 1e-3);
}

TEST(Identification, CrossValidationFindsTheFrictionThatIsThere) {
  const SimulatedArm arm(scenarios::arm7(), 2);
  RegularMotion motion = simulated_motion(arm.model, arm.columns, 4000, 0.005, 2);
  FrictionShape shape;
  shape.lengths = {0.003, 0.03, 0.3};
  const double truth[] = {0, 0.3, 0.3, 0.2, 0.2, 0.8};
  add_friction(shape, truth, motion);
  Random random(3);
  for (Eigen::Index i = 0; i < motion.tau.size(); ++i) motion.tau.data()[i] += 0.05 * random.normal();
  StructureOptions options;
  options.shapes = {FrictionShape{}, shape};
  options.beliefs = {1, 1000};
  const auto tried = cross_validate(arm.model, arm.columns, {&motion, 1}, usual_rows(0.005), options);
  ASSERT_EQ(tried.size(), 4u);
  EXPECT_EQ(tried.front().shape.lengths.size(), 3u);
  EXPECT_LT(tried.front().error, 0.03);
  EXPECT_GT(tried.back().error, 3 * tried.front().error);
}

// 95 % intervals of all base parameters and friction terms under noise with memory; 1,000 trials stand in
// bench/figures estimation.
TEST(Identification, IntervalsCoverAtTheirLevel) {
  const SimulatedArm arm(scenarios::arm7(), 3);
  const RegularMotion motion = simulated_motion(arm.model, arm.columns, 2000, 0.01, 4);
  const Layout layout = make_layout(arm.model, arm.columns, {});
  const SeriesRows clean = identification_rows(arm.model, arm.columns, layout, {&motion, 1}, {0, 4});
  const Fit none{layout, Eigen::VectorXd::Zero(layout.size()), {}, {}, 1, true, 0, 0};
  const std::vector<BaseEstimate> truth = base_estimates(arm.model, clean, none, 0.95);
  int held = 0, all = 0;
  for (int trial = 0; trial < 60; ++trial) {
    SeriesRows rows = clean;
    Random random(static_cast<std::uint64_t>(trial) + 10);
    add_noise(0.3, 0.8, rows.series, random, rows.y);
    const std::vector<BaseEstimate> estimates = base_estimates(arm.model, rows, none, 0.95);
    for (std::size_t k = 0; k < truth.size(); ++k) {
      ++all;
      held += std::abs(estimates[k].value - truth[k].value) <= estimates[k].half_width;
    }
  }
  const double coverage = static_cast<double>(held) / all;
  EXPECT_GT(coverage, 0.92);
  EXPECT_LT(coverage, 0.98);
}

// The first joint of an upright arm feels no weight: a motion of the others leaves its inertia unknown; said in words.
TEST(Identification, SaysWhatTheMotionDoesNotTell) {
  const SimulatedArm arm(scenarios::arm7(), 3);
  RegularMotion motion = simulated_motion(arm.model, arm.columns, 2000, 0.01, 5);
  motion.q.col(0) *= 0.003;
  motion.v.col(0) *= 0.003;
  motion.a.col(0) *= 0.003;
  Random random(1);
  for (Eigen::Index i = 0; i < motion.tau.size(); ++i) motion.tau.data()[i] += 0.2 * random.normal();
  IdentificationOptions options;
  options.structure = {{FrictionShape{}}, {1}, 3};
  const auto found = identify(arm.model, arm.columns, {&motion, 1}, options);
  ASSERT_TRUE(found);
  const bool told = std::any_of(found->lacks.begin(), found->lacks.end(), [](const std::string& line) {
    return line.find("joint1: ") != std::string::npos && line.find("viscous") != std::string::npos;
  });
  EXPECT_TRUE(told);
  const auto few = identify(arm.model, arm.columns, std::vector<RegularMotion>{}, options);
  EXPECT_FALSE(few);
}

TEST(JointColumns, RefusesWhatCannotBeIdentified) {
  const SimulatedArm arm(scenarios::arm7(), 3);
  const scene::JointId twice[] = {scene::JointId::from_index(0), scene::JointId::from_index(0)};
  EXPECT_FALSE(joint_columns(arm.model, twice));
  EXPECT_FALSE(joint_columns(arm.model, {}));
  scene::Scene fixed = arm.scene;
  fixed.joints[2].type = scene::JointType::kFixed;
  const scene::JointId last[] = {scene::JointId::from_index(2)};
  EXPECT_FALSE(joint_columns(dynamics::compiled(fixed), last));
}

// The model that goes back into a scene is the predictor: compiled and run by our own dynamics it gives the same
// torque.
TEST(WriteBack, SceneRunsAsThePredictor) {
  scene::Scene scene = scenarios::arm7();
  // A tool welded to the last link: two bodies of one rigid group.
  scenarios::add_box(scene, "/tool", 0.4, {0.1, 0.1, 0.1}, scene.bodies.back().X_WB.p);
  scenarios::add_joint(scene, scene::JointType::kFixed, scene::BodyId::from_index(6), scene::BodyId::from_index(7),
                       scene.bodies.back().X_WB.p);
  scene.joints.back().path = "/weld";
  const dynamics::Model model = dynamics::compiled(scene);
  const JointColumns columns = joint_columns(model, all_joints(scene)).value();
  FrictionShape shape;
  shape.rotor = true;
  shape.offset = false;
  Fit fit;
  fit.layout = make_layout(model, columns, shape);
  fit.p = Eigen::VectorXd::Zero(fit.layout.size());
  Random random(8);
  for (int l = 0; l < 7; ++l) {
    LogCholesky x;
    x << 0.3, -2, -2.2, -1.9, 0.01, -0.02, 0.01, 0.02, 0.03, -0.05;
    for (int k = 0; k < 10; ++k) x(k) += 0.02 * random.normal();
    fit.p.segment<10>(10 * l) = from_log_cholesky(x);
  }
  for (int j = 0; j < 7; ++j) fit.p(fit.layout.term(j, 0)) = 0.1 + 0.01 * j;
  const TorqueModel predictor = make_torque_model(model, columns, fit);
  const RegularMotion motion = simulated_motion(model, columns, 50, 0.01, 9);
  const dynamics::Model written = dynamics::compiled(write_back(fit, model, columns, scene));
  const RegularMotion run = simulated_motion(written, columns, 50, 0.01, 9);
  EXPECT_LT((predict(predictor, motion) - run.tau).cwiseAbs().maxCoeff(), 1e-9);
  EXPECT_DOUBLE_EQ(written.laws[3].armature, 0.13);
}

}  // namespace
}  // namespace geoul::estimation
