// Time as int64 nanoseconds: a type, so that seconds and nanoseconds cannot be mixed.
// Time and Duration are exact to 292 years; conversions from seconds round to the nearest nanosecond.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>

namespace geoul {

struct Duration {
  std::int64_t ns = 0;

  static Duration from_seconds(double s) { return {std::llround(s * 1e9)}; }
  double seconds() const { return static_cast<double>(ns) * 1e-9; }
  auto operator<=>(const Duration&) const = default;
};

// An instant: nanoseconds since the epoch of its source (UNIX for the wall clock, 0 = start for a simulation).
struct Time {
  std::int64_t ns = 0;

  static Time from_seconds(double s) { return {std::llround(s * 1e9)}; }
  double seconds() const { return static_cast<double>(ns) * 1e-9; }
  auto operator<=>(const Time&) const = default;
};

constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
constexpr Duration operator*(Duration a, std::int64_t n) { return {a.ns * n}; }
constexpr Time operator+(Time t, Duration d) { return {t.ns + d.ns}; }
constexpr Time operator-(Time t, Duration d) { return {t.ns - d.ns}; }
constexpr Duration operator-(Time a, Time b) { return {a.ns - b.ns}; }

}  // namespace geoul
