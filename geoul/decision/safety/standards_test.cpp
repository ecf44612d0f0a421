#include "geoul/decision/safety/standards.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::decision::safety {
namespace {

TEST(Standards, EveryNumberSaysWhereItWasRead) {
  for (const Datum& datum : standard_data()) {
    EXPECT_FALSE(datum.name.empty());
    EXPECT_FALSE(datum.source.standard.empty()) << datum.name;
    EXPECT_FALSE(datum.source.where.empty()) << datum.name;
    EXPECT_GT(datum.value, 0) << datum.name;
  }
  for (const BodyRegion& region : body_regions()) {
    EXPECT_FALSE(region.force_source.where.empty()) << region.name;
    EXPECT_EQ(region.stiffness.has_value(), !region.stiffness_source.where.empty()) << region.name;
    EXPECT_EQ(region.mass.has_value(), !region.mass_source.where.empty()) << region.name;
  }
}

// The worked examples of fsddsk.com/iso-13855-safety-distance-calculator: 416 mm, 628 mm, 688 mm.
TEST(Standards, SeparationOfSafeguardsIsThatOfPublishedExamples) {
  EXPECT_NEAR(separation_of_safeguard(kReachingSpeed, 0.208, intrusion(0.014)), 0.416, 1e-12);
  EXPECT_NEAR(separation_of_safeguard(kReachingSpeed, 0.250, intrusion(0.030)), 0.628, 1e-12);
  EXPECT_NEAR(separation_of_safeguard(kWalkingSpeed, 0.300, intrusion(0.040)), 0.688, 1e-12);
}

TEST(Standards, IntrusionOfCoarseZonesIsAnArmsLength) {
  EXPECT_EQ(intrusion(0), 0);
  EXPECT_EQ(intrusion(0.010), 0);
  EXPECT_EQ(intrusion(0.050), 0.85);
  EXPECT_THROW((void)intrusion(-1), ContractError);
}

TEST(Standards, ProtectiveSeparationIsTheSumOfItsTerms) {
  const Separation s = protective_separation({.person_speed = 1.6,
                                              .robot_speed = 1.0,
                                              .reaction_time = 0.1,
                                              .stopping_time = 0.3,
                                              .stopping_distance = 0.15,
                                              .C = 0.2,
                                              .Z_d = 0.1,
                                              .Z_r = 0.01});
  EXPECT_NEAR(s.S_h, 0.64, 1e-12);
  EXPECT_NEAR(s.S_r, 0.1, 1e-12);
  EXPECT_NEAR(s.total(), 0.64 + 0.1 + 0.15 + 0.2 + 0.1 + 0.01, 1e-12);
}

// F = v sqrt(mu k): the force of a mass against a spring, from energy.
TEST(Standards, ContactSpeedBringsTheTransientForceToItsLimit) {
  for (const BodyRegion& region : body_regions()) {
    const auto v = contact_speed(region, 8);
    EXPECT_EQ(v.has_value(), region.stiffness && region.mass) << region.name;
    if (!v) continue;
    const double mu = 8 * *region.mass / (8 + *region.mass);
    const double squeezed = 2 * region.force / *region.stiffness;  // [m] where the spring pushes with the limit
    EXPECT_NEAR(0.5 * mu * *v * *v, 0.5 * *region.stiffness * squeezed * squeezed, 1e-9) << region.name;
  }
}

}  // namespace
}  // namespace geoul::decision::safety
