#include "geoul/estimation/friction.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/random.h"

namespace geoul::estimation {
namespace {

TEST(Friction, TermsStandInTheNamedOrder) {
  const FrictionShape shape{0.1, true, true, true, 0.5, {0.01, 0.1}};
  ASSERT_EQ(shape.terms(), 8);
  EXPECT_EQ(term_names(shape).size(), 8u);
  EXPECT_EQ(shape.name(),
            "rotor + offset + viscous + coulomb + asymmetry + stribeck + hysteresis(0.01) + hysteresis(0.1)");
  std::vector<double> z{0.3, -0.2}, out(8);
  friction_terms(shape, -0.2, 7, z, out);
  const double s = std::tanh(-2.0);
  const double expected[] = {7, 1, -0.2, s, -s, s * std::exp(-0.16), 0.3, -0.2};
  for (std::size_t k = 0; k < 8; ++k) EXPECT_DOUBLE_EQ(out[k], expected[k]);
}

// dz/dq = (1 - z)/l from z = -1: z = 1 - 2 exp(-q/l), whatever the steps.
TEST(Friction, DahlElementIsTheClosedFormForAnySteps) {
  const FrictionShape shape{0.02, false, false, false, 0, {0.05}};
  for (int steps : {1, 10, 1000}) {
    std::vector<double> z{-1};
    for (int i = 0; i < steps; ++i) advance(shape, 0.1 / steps, z);
    EXPECT_NEAR(z[0], 1 - 2 * std::exp(-2.0), 1e-12);
  }
}

// A closed loop of a Dahl element never gives energy back.
TEST(Friction, HysteresisOnlyTakesEnergy) {
  const FrictionShape shape{0.02, false, false, false, 0, {0.01, 0.1}};
  Random random(3);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> z{0, 0};
    const double stroke = random.uniform(0.001, 0.5);
    double work = 0;
    for (int lap = 0; lap < 3; ++lap) {
      work = 0;
      for (int i = 0; i < 4000; ++i) {
        const double dq = (i < 1000 || i >= 3000 ? 1 : -1) * stroke / 1000;
        const double before = z[0] + z[1];
        advance(shape, dq, z);
        work += 0.5 * (before + z[0] + z[1]) * dq;
      }
    }
    EXPECT_GT(work, 0) << stroke;
    EXPECT_LE(std::abs(z[0]), 1);
  }
}

}  // namespace
}  // namespace geoul::estimation
