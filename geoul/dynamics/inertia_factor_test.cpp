// The sparse factor against the whole joint-space inertia.
#include "geoul/dynamics/inertia_factor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

TEST(InertiaFactor, GivesBackEveryRightSide) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Model model = compiled(random_tree(9, seed, seed % 2 == 0));
    Data data = make_data(model);
    data.inertia = make_inertia_factor(model);
    const auto nv = static_cast<std::size_t>(model.nv);
    Random random(seed, 7);
    std::vector<double> M(nv * nv);
    mass_matrix(model, model.q_start, data, M);
    for (std::size_t k = 0; k < nv; ++k) {
      const double more = random.uniform(0, 2);
      data.diagonal[k] += more, M[k * nv + k] += more;
    }
    double largest = 0;
    for (const double x : M) largest = std::max(largest, std::abs(x));
    for (const Island& island : model.islands) {
      factor_inertia(model, island, data);
      const auto v0 = static_cast<std::size_t>(island.all.v_begin), v1 = static_cast<std::size_t>(island.all.v_end);
      for (const int n : {1, 3, 8, 9, 24}) {
        std::vector<std::vector<double>> b(static_cast<std::size_t>(n), std::vector<double>(v1 - v0)), x = b;
        const double* from[InertiaFactor::kRightSides];
        double* to[InertiaFactor::kRightSides];
        for (std::size_t c = 0; c < b.size(); ++c) {
          for (double& value : b[c]) value = random.uniform(-1, 1);
          from[c] = b[c].data(), to[c] = x[c].data();
        }
        solve_inertia(model, island, n, from, to, data);
        for (std::size_t c = 0; c < b.size(); ++c) {
          double size = 0;
          for (const double value : x[c]) size = std::max(size, std::abs(value));
          for (std::size_t i = v0; i < v1; ++i) {
            double sum = -b[c][i - v0];
            for (std::size_t k = v0; k < v1; ++k) sum += M[i * nv + k] * x[c][k - v0];
            EXPECT_NEAR(sum, 0, 1e-13 * (1 + largest * size)) << "tree " << seed << ", degree " << i;
          }
        }
      }
    }
  }
}

TEST(InertiaFactor, HeldLinksStandStill) {
  const Model model = compiled(arm7());
  Data data = make_data(model);
  data.inertia = make_inertia_factor(model);
  forward_kinematics(model, model.q_start, model.v_start, data);
  data.held[3] = 1;
  factor_inertia(model, model.islands[0], data);
  std::vector<double> b(7, 1.0), x(7);
  const double* from[] = {b.data()};
  double* to[] = {x.data()};
  solve_inertia(model, model.islands[0], 1, from, to, data);
  EXPECT_EQ(x[3], 0);
  std::vector<double> M(49);
  mass_matrix(model, model.q_start, data, M);
  for (std::size_t i = 0; i < 7; ++i) {
    if (i == 3) continue;
    double sum = -1;
    for (std::size_t k = 0; k < 7; ++k) sum += M[i * 7 + k] * x[k];
    EXPECT_NEAR(sum, 0, 1e-12);
  }
}

}  // namespace
}  // namespace geoul::dynamics
