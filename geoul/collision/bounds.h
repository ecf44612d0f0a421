// Axis-aligned boxes.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/core/math.h"

namespace geoul::collision {

// All points between low and high, both included; empty where some low > high (the default).
struct Bounds {
  Vec3d low{kInfinity, kInfinity, kInfinity}, high{-kInfinity, -kInfinity, -kInfinity};

  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
};

inline Vec3d min(const Vec3d& a, const Vec3d& b) {
  return {std::min(a.x, b.x), std::min(a.y, b.y), std::min(a.z, b.z)};
}
inline Vec3d max(const Vec3d& a, const Vec3d& b) {
  return {std::max(a.x, b.x), std::max(a.y, b.y), std::max(a.z, b.z)};
}
inline Vec3d abs(const Vec3d& a) { return {std::abs(a.x), std::abs(a.y), std::abs(a.z)}; }

inline void include(Bounds& b, const Vec3d& p) { b = {min(b.low, p), max(b.high, p)}; }
inline Bounds united(const Bounds& a, const Bounds& b) { return {min(a.low, b.low), max(a.high, b.high)}; }
inline Bounds grown(const Bounds& b, double by) { return {b.low - Vec3d{by, by, by}, b.high + Vec3d{by, by, by}}; }
inline Vec3d center(const Bounds& b) { return 0.5 * (b.low + b.high); }
inline bool finite(const Vec3d& p) { return std::isfinite(p.x + p.y + p.z); }

// Branch-free: the outcome is hard to predict.
inline bool overlap(const Bounds& a, const Bounds& b) {
  return (a.low.x <= b.high.x) & (b.low.x <= a.high.x) & (a.low.y <= b.high.y) & (b.low.y <= a.high.y) &
         (a.low.z <= b.high.z) & (b.low.z <= a.high.z);
}
inline bool contains(const Bounds& a, const Bounds& b) {
  return (a.low.x <= b.low.x) & (b.high.x <= a.high.x) & (a.low.y <= b.low.y) & (b.high.y <= a.high.y) &
         (a.low.z <= b.low.z) & (b.high.z <= a.high.z);
}

// Smallest box of axis-aligned in W that holds the box (center, half) of a frame C with pose X_WC.
inline Bounds turned(const Transformd& X_WC, const Vec3d& center_C, const Vec3d& half) {
  const Vec3d c = X_WC * center_C;
  const Vec3d h{dot(abs(X_WC.R.r0), half), dot(abs(X_WC.R.r1), half), dot(abs(X_WC.R.r2), half)};
  return {c - h, c + h};
}

}  // namespace geoul::collision
