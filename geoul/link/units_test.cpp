#include "geoul/link/units.h"

#include <gtest/gtest.h>

#include <numbers>

namespace geoul::link {
namespace {

double si(const char* unit, double value = 1) { return parse_unit(unit).value().to_si(value); }
std::string dimension(const char* unit) { return to_string(parse_unit(unit).value().dimension); }

TEST(Units, AreFactorsToSi) {
  EXPECT_DOUBLE_EQ(si("deg", 180), std::numbers::pi);
  EXPECT_DOUBLE_EQ(si("°", 90), std::numbers::pi / 2);
  EXPECT_DOUBLE_EQ(si("rpm", 60), 2 * std::numbers::pi);
  EXPECT_DOUBLE_EQ(si("mm/s"), 1e-3);
  EXPECT_DOUBLE_EQ(si("kg"), 1);
  EXPECT_DOUBLE_EQ(si("kWh"), 3.6e6);
  EXPECT_DOUBLE_EQ(si("km/h", 36), 10);
  EXPECT_DOUBLE_EQ(si("degC", 20), 293.15);
  EXPECT_NEAR(si("degF", 212), 373.15, 1e-12);
  EXPECT_DOUBLE_EQ(si("mV"), 1e-3);
  EXPECT_DOUBLE_EQ(si("min"), 60);
  EXPECT_DOUBLE_EQ(si("m"), 1);
  EXPECT_DOUBLE_EQ(si("mm²"), 1e-6);
  EXPECT_DOUBLE_EQ(si("%", 50), 0.5);
  EXPECT_NEAR(si("psi"), 6894.757293168, 1e-8);  // NIST SP 811, table B.8
  EXPECT_NEAR(si("lbf.ft"), 1.3558179483314, 1e-12);
  EXPECT_DOUBLE_EQ(si("", 7), 7);
}

TEST(Units, SpellingsOfOneUnitAreOneUnit) {
  for (const char* text : {"m/s^2", "m/s2", "m/s²", "m.s-2", "m*s^-2", "m / s / s", "m·s-2"})
    EXPECT_EQ(dimension(text), "m.s-2") << text;
  for (const char* text : {"N.m", "N*m", "Nm", "N m", "N·m"}) EXPECT_EQ(dimension(text), dimension("J")) << text;
  EXPECT_EQ(dimension("rad/s"), "s-1.rad");
  EXPECT_EQ(dimension("Hz"), "s-1");
}

TEST(Units, BackIsTheInverse) {
  for (const char* text : {"degC", "mm", "rpm", "bar"}) {
    const Unit unit = parse_unit(text).value();
    EXPECT_NEAR(unit.from_si(unit.to_si(12.5)), 12.5, 1e-12) << text;
  }
}

TEST(Units, AnOffsetIsOnlyOfTheUnitAlone) { EXPECT_DOUBLE_EQ(si("W/degC", 3), 3); }

TEST(Units, WhatIsNotKnownIsNamedWithWhatIsNear) {
  for (const char* text : {"furlong", "m//s", "m/", "m^99", "rad/sx", ".", "1e3"})
    EXPECT_FALSE(parse_unit(text)) << text;
  const std::string words = parse_unit("radd/s").error().message;
  EXPECT_NE(words.find("'radd'"), std::string::npos) << words;
  EXPECT_NE(words.find("rad"), std::string::npos) << words;
  EXPECT_FALSE(parse_unit(std::string(100'000, 'm')));
}

}  // namespace
}  // namespace geoul::link
