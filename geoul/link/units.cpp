#include "geoul/link/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "geoul/core/nearest.h"

namespace geoul::link {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kPoundForce = 4.4482216152605;  // exact by definition: 0.45359237 kg x 9.80665 m/s2

struct Named {
  std::string_view name;
  Unit unit;
  bool takes_prefix;
};

constexpr Dimension kNone{0, 0, 0, 0, 0, 0}, kLength{1, 0, 0, 0, 0, 0}, kMass{0, 1, 0, 0, 0, 0},
    kTime{0, 0, 1, 0, 0, 0}, kCurrent{0, 0, 0, 1, 0, 0}, kTemperature{0, 0, 0, 0, 1, 0}, kAngle{0, 0, 0, 0, 0, 1},
    kFrequency{0, 0, -1, 0, 0, 0}, kTurnRate{0, 0, -1, 0, 0, 1}, kForce{1, 1, -2, 0, 0, 0},
    kPressure{-1, 1, -2, 0, 0, 0}, kEnergy{2, 1, -2, 0, 0, 0}, kPower{2, 1, -3, 0, 0, 0}, kVoltage{2, 1, -3, -1, 0, 0},
    kVolume{3, 0, 0, 0, 0, 0}, kAcceleration{1, 0, -2, 0, 0, 0};

constexpr Named kUnits[] = {
    {"m", {kLength, 1, 0}, true},
    {"g", {kMass, 1e-3, 0}, true},
    {"s", {kTime, 1, 0}, true},
    {"A", {kCurrent, 1, 0}, true},
    {"K", {kTemperature, 1, 0}, true},
    {"rad", {kAngle, 1, 0}, true},
    {"deg", {kAngle, kTurn / 360, 0}, false},
    {"°", {kAngle, kTurn / 360, 0}, false},
    {"rev", {kAngle, kTurn, 0}, false},
    {"rpm", {kTurnRate, kTurn / 60, 0}, false},
    {"Hz", {kFrequency, 1, 0}, true},
    {"N", {kForce, 1, 0}, true},
    {"Nm", {kEnergy, 1, 0}, true},  // as plants write torque
    {"kgf", {kForce, 9.80665, 0}, false},
    {"lbf", {kForce, kPoundForce, 0}, false},
    {"Pa", {kPressure, 1, 0}, true},
    {"bar", {kPressure, 1e5, 0}, true},
    {"psi", {kPressure, kPoundForce / (0.0254 * 0.0254), 0}, false},
    {"J", {kEnergy, 1, 0}, true},
    {"W", {kPower, 1, 0}, true},
    {"Wh", {kEnergy, 3600, 0}, true},
    {"V", {kVoltage, 1, 0}, true},
    {"degC", {kTemperature, 1, 273.15}, false},
    {"°C", {kTemperature, 1, 273.15}, false},
    {"degF", {kTemperature, 5.0 / 9, 459.67 * 5 / 9}, false},
    {"°F", {kTemperature, 5.0 / 9, 459.67 * 5 / 9}, false},
    {"min", {kTime, 60, 0}, false},
    {"h", {kTime, 3600, 0}, false},
    {"d", {kTime, 86400, 0}, false},
    {"in", {kLength, 0.0254, 0}, false},
    {"ft", {kLength, 0.3048, 0}, false},
    {"t", {kMass, 1000, 0}, false},
    {"lb", {kMass, 0.45359237, 0}, false},
    {"L", {kVolume, 1e-3, 0}, true},
    {"l", {kVolume, 1e-3, 0}, true},
    {"gn", {kAcceleration, 9.80665, 0}, false},
    {"%", {kNone, 0.01, 0}, false},
    {"1", {kNone, 1, 0}, false},
};

struct Prefix {
  std::string_view name;
  double factor;
};
constexpr Prefix kPrefixes[] = {{"n", 1e-9}, {"u", 1e-6}, {"µ", 1e-6}, {"m", 1e-3}, {"c", 1e-2},
                                {"d", 1e-1}, {"k", 1e3},  {"M", 1e6},  {"G", 1e9}};

const Named* find_named(std::string_view name) {
  for (const Named& named : kUnits) {
    if (named.name == name) return &named;
  }
  return nullptr;
}

std::optional<Unit> find_unit(std::string_view name) {
  if (const Named* named = find_named(name)) return named->unit;
  for (const Prefix& prefix : kPrefixes) {
    if (!name.starts_with(prefix.name)) continue;
    const Named* named = find_named(name.substr(prefix.name.size()));
    if (!named || !named->takes_prefix) continue;
    Unit unit = named->unit;
    unit.factor *= prefix.factor;
    return unit;
  }
  return std::nullopt;
}

Error unknown(std::string_view part, std::string_view text) {
  std::vector<std::string> names;
  for (const Named& named : kUnits) names.emplace_back(named.name);
  return {ErrorCode::kBadInput, "'" + std::string(part) + "' in the unit '" + std::string(text) + "' is not known; " +
                                    did_you_mean(std::string(part), names, "write it in SI, as in 'N.m' or 'rad/s'")};
}

// Ends of a factor: what stands between two signs of multiplication or division.
bool is_sign(char c) { return c == '.' || c == '*' || c == '/'; }

std::string normalised(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (text[i] == ' ') continue;
    if (rest.starts_with("·")) {
      out += '.';
      i += std::string_view("·").size() - 1;
    } else if (rest.starts_with("²") || rest.starts_with("³")) {
      out += rest.starts_with("²") ? '2' : '3';
      i += std::string_view("²").size() - 1;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Result<Unit> parse_unit(std::string_view given) {
  const std::string text = normalised(given);
  Unit out;
  if (text.empty()) return out;
  if (text.size() > 64) return unknown("a text of more than 64 signs", text.substr(0, 64));
  double sign = 1;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = begin;
    while (end < text.size() && !is_sign(text[end])) ++end;
    const std::string_view factor = std::string_view(text).substr(begin, end - begin);
    std::size_t letters = factor.find_last_not_of("0123456789-+^") + 1;
    if (factor == "1") letters = 1;
    const std::string_view name = factor.substr(0, letters);
    std::string_view power = factor.substr(letters);
    if (power.starts_with('^')) power.remove_prefix(1);
    if (power.starts_with('+')) power.remove_prefix(1);
    int exponent = 1;
    if (!power.empty()) {
      const auto [stop, failure] = std::from_chars(power.data(), power.data() + power.size(), exponent);
      if (failure != std::errc() || stop != power.data() + power.size() || std::abs(exponent) > 6)
        return unknown(factor, given);
    }
    const std::optional<Unit> unit = find_unit(name);
    if (!unit) return unknown(factor, given);
    const double signed_exponent = sign * exponent;
    out.factor *= std::pow(unit->factor, signed_exponent);
    for (std::size_t k = 0; k < out.dimension.size(); ++k) {
      const double sum = out.dimension[k] + signed_exponent * unit->dimension[k];
      if (std::abs(sum) > 100) return unknown(factor, given);
      out.dimension[k] = static_cast<std::int8_t>(sum);
    }
    // an offset has a meaning only for the unit alone: degC, not W/degC
    if (factor.size() == text.size() && exponent == 1) out.offset = unit->offset;
    if (end == text.size()) break;
    sign = text[end] == '/' ? -1 : 1;
    begin = end + 1;
  }
  return out;
}

std::string to_string(const Dimension& dimension) {
  constexpr std::string_view kNames[] = {"m", "kg", "s", "A", "K", "rad"};
  std::string out;
  for (std::size_t k = 0; k < dimension.size(); ++k) {
    if (dimension[k] == 0) continue;
    out += (out.empty() ? "" : ".") + std::string(kNames[k]);
    if (dimension[k] != 1) out += std::to_string(dimension[k]);
  }
  return out.empty() ? "1" : out;
}

}  // namespace geoul::link
