// Inverse kinematics against the closed form of two links, against itself (poses that are reached by construction), and
// the rank of its tasks by the conditions of optimality.
#include "geoul/decision/planning/inverse_kinematics.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "geoul/core/random.h"
#include "geoul/decision/futures/action.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

// Two links of 1 m in the plane x z, turning about y; the tip is the end of the second.
Scene two_links() {
  Scene scene;
  const BodyId a = add_box(scene, "/a", 1, {1, 0.1, 0.1}, {0.5, 0, 0});
  const BodyId b = add_box(scene, "/b", 1, {1, 0.1, 0.1}, {1.5, 0, 0});
  for (const scene::JointId id : {add_joint(scene, JointType::kRevolute, scene::kWorld, a, {}, {0, -1, 0}),
                                  add_joint(scene, JointType::kRevolute, a, b, {1, 0, 0}, {0, -1, 0})})
    scene.joints[id.index()].lower = -3, scene.joints[id.index()].upper = 3;
  return scene;
}

InverseKinematics tip_at(double x, double z) {
  return {{{BodyId{1}, {{}, {0.5, 0, 0}}, {{}, {x, 0, z}}, true, false}}, {0, 1}, {}};
}

TEST(InverseKinematics, OfTwoLinksIsTheLawOfCosines) {
  const dynamics::Model model = dynamics::compiled(two_links());
  const std::vector<double> start = {0.1, 0.2};
  for (const auto& [x, z] : {std::pair{1.2, 0.5}, {0.3, -1.1}, {-0.9, 0.9}, {1.9, 0.1}}) {
    const InverseKinematicsReport out = solve(model, tip_at(x, z), start);
    ASSERT_TRUE(out.converged) << x << " " << z;
    EXPECT_NEAR(std::cos(out.q[1]), (x * x + z * z - 2) / 2, 5e-6);
    EXPECT_NEAR(std::cos(out.q[0]) + std::cos(out.q[0] + out.q[1]), x, 2e-6);
    EXPECT_NEAR(std::sin(out.q[0]) + std::sin(out.q[0] + out.q[1]), z, 2e-6);
  }
}

TEST(InverseKinematics, WhatIsOutOfReachIsSaidWithTheGap) {
  const dynamics::Model model = dynamics::compiled(two_links());
  const InverseKinematicsReport far = solve(model, tip_at(2.5, 0), std::vector<double>{0.5, 0.5});
  EXPECT_FALSE(far.converged);
  EXPECT_NEAR(far.residual[0].position, 0.5, 1e-4);  // stretched out towards it
  EXPECT_NE(far.words.find("not reached from 40 starts"), std::string::npos) << far.words;
  Scene stiff = two_links();
  stiff.joints[1].lower = -0.5, stiff.joints[1].upper = 0.5;  // cannot bend far: the tip stays 2 cos 0.25 m away
  const InverseKinematicsReport bent = solve(dynamics::compiled(stiff), tip_at(0.5, 0), std::vector<double>{0, 0});
  EXPECT_FALSE(bent.converged);
  EXPECT_NEAR(bent.residual[0].position, 2 * std::cos(0.25) - 0.5, 1e-4);
  EXPECT_EQ(bent.at_limit, std::vector<int>{1});
  EXPECT_NE(bent.words.find("at their limits: "), std::string::npos) << bent.words;
}

struct Arm {
  dynamics::Model model = dynamics::compiled(arm7());
  std::vector<int> degrees = controlled_degrees(model);
  dynamics::Data data = make_data(model);
  std::vector<double> home = {0, 0.3, 0, -1.5, 0, 1.8, 0.5};

  Posed hand(const std::vector<double>& q) {
    forward_kinematics(model, q, std::vector<double>(7), data);
    return pose(data.links[6].X_WL * model.bodies[6].X_LB * Transformd{Mat3d::identity(), {0, 0, 0.1}});
  }
  InverseKinematics problem(const Posed& X_WG) {
    return {{{BodyId{6}, {{}, {0, 0, 0.1}}, X_WG, true, true}}, degrees, {}};
  }
};

// Every pose is one of a random q within the limits; a success is checked by forward kinematics of its own.
TEST(InverseKinematics, ReachesRandomPosesOfSevenJoints) {
  Arm arm;
  Random random(3);
  int reached = 0;
  constexpr int kPoses = 500;
  for (int k = 0; k < kPoses; ++k) {
    std::vector<double> q(7);
    for (double& x : q) x = random.uniform(-2.8, 2.8);
    const Posed goal = arm.hand(q);
    const InverseKinematicsReport out = solve(arm.model, arm.problem(goal), arm.home);
    if (!out.converged) continue;
    ++reached;
    const Posed got = arm.hand(out.q);
    ASSERT_LT(norm(got.p - goal.p), 2e-6);
    ASSERT_LT(angle_between(got.R, goal.R), 2e-6);
    for (const double x : out.q) ASSERT_LE(std::abs(x), 2.9);
  }
  EXPECT_GE(reached, kPoses * 995 / 1000);
}

// At the solution the posture can be bettered by no motion that leaves the hand alone and keeps the limits.
TEST(InverseKinematics, PostureUsesTheNullSpaceAndNoMore) {
  Arm arm;
  const Posed goal = arm.hand({0.4, 0.6, -0.3, -1.6, 0.2, 1.5, -0.2});
  InverseKinematics problem = arm.problem(goal);
  problem.posture = {1.0, 0.2, 0.3, -1.2, 0.5, 1.2, 0.4};
  InverseKinematicsOptions options;
  options.iterations = 400;
  const InverseKinematicsReport out = solve(arm.model, problem, arm.home, options);
  ASSERT_TRUE(out.converged);
  EXPECT_LT(out.residual[0].position, 1e-6);
  arm.hand(out.q);
  Eigen::Matrix<double, 6, 7, Eigen::RowMajor> J;
  body_jacobian(arm.model, arm.data, BodyId{6}, {0, 0, 0.1}, {J.data(), 42});
  Eigen::Matrix<double, 7, 1> gradient, plain;
  for (int i = 0; i < 7; ++i)
    gradient[i] = problem.posture[static_cast<std::size_t>(i)] - out.q[static_cast<std::size_t>(i)];
  ASSERT_TRUE(out.at_limit.empty());
  const Eigen::Matrix<double, 7, 1> free = gradient - J.completeOrthogonalDecomposition().solve(J * gradient);
  EXPECT_LT(free.norm(), 1e-5);
  // Without the posture it ends elsewhere, farther from it.
  const InverseKinematicsReport bare = solve(arm.model, arm.problem(goal), arm.home);
  for (int i = 0; i < 7; ++i)
    plain[i] = problem.posture[static_cast<std::size_t>(i)] - bare.q[static_cast<std::size_t>(i)];
  EXPECT_LT(gradient.norm(), plain.norm() - 0.05);
}

// Second task: the elbow's height by its position; the hand must not feel it.
TEST(InverseKinematics, LaterTasksDoNotDisturbTheFirst) {
  Arm arm;
  const Posed goal = arm.hand({0.4, 0.6, -0.3, -1.6, 0.2, 1.5, -0.2});
  InverseKinematics problem = arm.problem(goal);
  problem.tasks.push_back({BodyId{3}, {}, {{}, {0, 2, 2}}, true, false});  // far away: as near as the hand allows
  InverseKinematicsOptions options;
  options.iterations = 400;
  const InverseKinematicsReport out = solve(arm.model, problem, arm.home, options);
  ASSERT_TRUE(out.converged);
  EXPECT_LT(out.residual[0].position, 1e-6);
  EXPECT_LT(out.residual[0].rotation, 1e-6);
  const InverseKinematicsReport bare = solve(arm.model, arm.problem(goal), arm.home);
  arm.hand(bare.q);
  const Vec3d elbow = (arm.data.links[3].X_WL * arm.model.bodies[3].X_LB).p;
  EXPECT_LT(out.residual[1].position, norm(Vec3d{0, 2, 2} - elbow) - 0.05);
}

TEST(InverseKinematics, IsTheSameForTheSameSeed) {
  Arm arm;
  const Posed goal = arm.hand({2.4, -1.6, 2.3, -1.6, -2.2, 1.5, -2.2});
  const auto once = solve(arm.model, arm.problem(goal), arm.home),
             again = solve(arm.model, arm.problem(goal), arm.home);
  EXPECT_EQ(once.q, again.q);
  EXPECT_EQ(once.iterations, again.iterations);
}

}  // namespace
}  // namespace geoul::decision
