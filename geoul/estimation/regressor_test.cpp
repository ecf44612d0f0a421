#include "geoul/estimation/regressor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/estimation/base_parameters.h"
#include "scenarios/mechanics.h"

namespace geoul::estimation {
namespace {

using dynamics::Model;

struct Motion {
  std::vector<double> q, v, a;
};

Motion random_motion(const Model& model, std::uint64_t seed) {
  Random r(seed, 2);
  Motion m{model.q_start, std::vector<double>(static_cast<std::size_t>(model.nv)), {}};
  m.a = m.v;
  std::vector<double> move = m.v;
  for (double& x : move) x = r.uniform(-1, 1);
  integrate_position(model, m.q, move, 1.0, m.q);
  for (double& x : m.v) x = r.uniform(-2, 2);
  for (double& x : m.a) x = r.uniform(-5, 5);
  return m;
}

TEST(Regressor, TimesParametersIsInverseDynamicsOnRandomTrees) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Model model = dynamics::compiled(scenarios::random_tree(10, seed, seed % 3 == 0));
    for (auto& law : model.laws) law.armature = 0;
    dynamics::Data data = make_data(model);
    const Motion m = random_motion(model, seed);
    std::vector<double> tau(m.v.size());
    inverse_dynamics(model, m.q, m.v, m.a, {}, data, tau);
    RowMatrix Y;
    inertial_regressor(model, m.q, m.v, m.a, data, Y);
    const Eigen::VectorXd predicted = Y * link_parameters(model);
    double scale = 1;
    for (double t : tau) scale = std::max(scale, std::abs(t));
    for (std::size_t k = 0; k < tau.size(); ++k) {
      ASSERT_NEAR(predicted(static_cast<Eigen::Index>(k)), tau[k], 1e-12 * scale) << "seed " << seed << " degree " << k;
    }
  }
}

TEST(Regressor, RefusesBodiesThatGravityLeavesOut) {
  scene::Scene scene = scenarios::arm7();
  scene.bodies[3].gravity = false;
  const Model model = dynamics::compiled(scene);
  dynamics::Data data = make_data(model);
  const std::vector<double> zero(7);
  RowMatrix Y;
  EXPECT_THROW(inertial_regressor(model, zero, zero, zero, data, Y), ContractError);
}

// A serial arm from its Denavit-Hartenberg rows (a, alpha, d), standing upright; gravity -z.
scene::Scene serial_arm(const std::vector<std::array<double, 3>>& rows) {
  scene::Scene scene = scenarios::arm7();
  scene.bodies.resize(rows.size());
  scene.joints.resize(rows.size());
  Transformd X_WL;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Craig's convention: Rot_x(alpha) Trans_x(a) Trans_z(d) before the joint's turn.
    const Mat3d tilt = rotation_matrix(exp_rotation(Vec3d{rows[i][1], 0, 0}));
    const Transformd X_PJ{tilt, Vec3d{rows[i][0], 0, 0} + tilt * Vec3d{0, 0, rows[i][2]}};
    X_WL = X_WL * X_PJ;
    scene.bodies[i].X_WB = pose(X_WL);
    scene.joints[i].X_PJ = pose(X_PJ);
  }
  return scene;
}

constexpr double kQuarter = std::numbers::pi / 2;

// Published: 7 n - 4 b - 2 for n turning joints, the first b of them parallel and along gravity: 36 for six, 43 for
// seven (Mayeda, Yoshida, Osuka, IEEE Trans. Robotics and Automation 6(3), 1990); Panda 43 (Gaz et al., IEEE RA-L 4(4),
// 2019).
TEST(BaseParameters, CountIsThePublishedOne) {
  const scene::Scene puma = serial_arm({{0, 0, 0},
                                        {0, -kQuarter, 0.2435},
                                        {0.4318, 0, -0.0934},
                                        {-0.0203, kQuarter, 0.4331},
                                        {0, -kQuarter, 0},
                                        {0, kQuarter, 0}});
  const BaseParameters base = base_of_model(dynamics::compiled(puma), false);
  EXPECT_EQ(base.count(), 36);
  EXPECT_GT(base.gap, 1e6);

  const scene::Scene ur = serial_arm({{0, 0, 0.1519},
                                      {0, kQuarter, 0},
                                      {-0.2437, 0, 0},
                                      {-0.2132, 0, 0.1311},
                                      {0, kQuarter, 0.0854},
                                      {0, -kQuarter, 0.0921}});
  EXPECT_EQ(base_of_model(dynamics::compiled(ur), false).count(), 36);
  EXPECT_EQ(base_of_model(dynamics::compiled(scenarios::arm7()), false).count(), 43);
}

// A pendulum about a level axis: m and the two moments across are not seen; Izz, hx, hy are. About the vertical: Izz.
TEST(BaseParameters, OfOneJointAreTheTextbooks) {
  scene::Scene scene = serial_arm({{0, kQuarter, 0}});
  const BaseParameters level = base_of_model(dynamics::compiled(scene), true);
  EXPECT_EQ(level.base, (std::vector<int>{1, 2, 6}));
  std::vector<std::string> names(parameter_names().begin(), parameter_names().end());
  names.push_back("rotor");
  EXPECT_EQ(describe(level, 2, names), "Izz + rotor");
  EXPECT_EQ(base_of_model(dynamics::compiled(serial_arm({{0, 0, 0}})), false).base, (std::vector<int>{6}));
}

TEST(BaseParameters, PredictTheSameTorquesOnMotionsTheyWereNotFoundOn) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Model model = dynamics::compiled(scenarios::random_tree(5, seed, false));
    const BaseParameters base = base_of_model(model, false);
    dynamics::Data data = make_data(model);
    const Motion m = random_motion(model, seed + 1000);
    RowMatrix Y;
    inertial_regressor(model, m.q, m.v, m.a, data, Y);
    const Eigen::VectorXd p = link_parameters(model), b = to_base(base, p), all = Y * p;
    Eigen::VectorXd some = Eigen::VectorXd::Zero(model.nv);
    for (int k = 0; k < base.count(); ++k) some += b(k) * Y.col(base.base[static_cast<std::size_t>(k)]);
    const double scale = 1 + all.cwiseAbs().maxCoeff();
    ASSERT_LT((some - all).cwiseAbs().maxCoeff(), 1e-9 * scale) << seed;
  }
}

}  // namespace
}  // namespace geoul::estimation
