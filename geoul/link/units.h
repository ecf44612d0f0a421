// Units: what a plant writes beside its numbers ("deg", "mm/s", "kW"), as a factor to SI and a dimension, so that a
// signal whose unit does not fit is found before its value is believed.
// Source: SI Brochure 9 (2019), tables 2 to 8; UCUM for the spellings; angle is kept as a dimension of its own, so that
// degrees and radians, and torque and energy, cannot pass for one another silently.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "geoul/core/result.h"

namespace geoul::link {

// Exponents of metre, kilogram, second, ampere, kelvin, radian.
using Dimension = std::array<std::int8_t, 6>;

struct Unit {
  Dimension dimension{};
  double factor = 1;  // SI = factor * value + offset
  double offset = 0;

  double to_si(double value) const { return factor * value + offset; }
  double from_si(double value) const { return (value - offset) / factor; }
};

// Reads products, quotients and powers of units with SI prefixes: "N.m", "N*m", "m/s^2", "m/s2", "rad/s", "deg",
// "degC", "rpm", "%", "mm", "bar", "kWh", "1" and the empty text for a bare number. kBadInput names the part that is
// not known, and what is near.
Result<Unit> parse_unit(std::string_view text);

// In SI base units: "m.s-2"; "1" for none.
std::string to_string(const Dimension& dimension);

}  // namespace geoul::link
