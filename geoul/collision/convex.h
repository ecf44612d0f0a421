// Convex shapes as the algorithms see them: a core (point, segment, box, round body, hull, triangle) rounded by a
// radius, its support points, and the flat or straight features that rest on others. In the shape's own frame.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "geoul/collision/geometry.h"
#include "geoul/core/math.h"

namespace geoul::collision {

// Array whose elements start without a value: scratch that would cost more to clear than to use.
template <class T, int N>
struct Scratch {
  union {
    T items[N];
  };
  Scratch() {}  // NOLINT: leaves the items alone
  T& operator[](int i) { return items[i]; }
  const T& operator[](int i) const { return items[i]; }
};

// The shape is the Minkowski sum of the core and a ball of radius `rounding`.
struct Core {
  Kind kind = Kind::kSphere;  // sphere: a point; capsule: a segment
  Vec3d half;
  double radius = 0;  // of a cylinder or cone
  double half_height = 0;
  const Hull* hull = nullptr;
  std::array<Vec3d, 3> triangle;
  Vec3d triangle_normal;  // unit, of the corners counter-clockwise
  double rounding = 0;
  double size = 0;  // radius about `centre` that holds the shape, rounding included
  Vec3d centre;     // a point of the core
};

Core core_of(const Geometry& geometry);  // convex kinds but kTriangle
Core triangle_core(const std::array<Vec3d, 3>& corners, const Vec3d& unit_normal);

// Index of the hull's vertex farthest along d; `start` is where the search in a large hull begins.
int hull_support(const Hull& hull, const Vec3d& d, int start);

// A point of the core farthest along d (any length, also zero). `hint`: vertex to start from; out: the one found.
Vec3d support(const Core& core, const Vec3d& d, int& hint);
inline Vec3d support(const Core& core, const Vec3d& d) {
  int hint = 0;
  return support(core, d, hint);
}

// What of a core's surface is turned along a direction: a point, a segment or a flat convex polygon.
struct Feature {
  static constexpr int kMax = 32;  // hull faces of more corners are thinned out to this many
  int count = 0;                   // 1: point, 2: segment, 3 and more: polygon, counter-clockwise seen from outside
  Scratch<Vec3d, kMax> p;
  std::uint32_t id[kMax];  // of the corners, below 2^14; edge i runs from corner i to the next
  Vec3d normal;            // unit, of a polygon, or of a ruled surface along its segment; zero for points
  double bend = 0;         // radius of curvature across a segment (rounding not included)
  bool disc = false;  // polygon inscribed in a round face: a fixed dozen of corners and the farthest one on the rim
  Vec3d disc_centre;
  double disc_radius = 0;
};
// The feature that holds the point farthest along unit n and is most nearly perpendicular to n.
void feature_along(const Core& core, const Vec3d& n, Feature& out);
void box_feature(const Vec3d& half, const Vec3d& n, Feature& out);  // of a box: leaves `disc` and `bend` alone

inline double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }
inline Vec3d any_perpendicular(const Vec3d& n) {  // unit; n unit
  const Vec3d a{std::abs(n.x), std::abs(n.y), std::abs(n.z)};
  const Vec3d axis = a.x <= a.y && a.x <= a.z ? Vec3d{1, 0, 0} : a.y <= a.z ? Vec3d{0, 1, 0} : Vec3d{0, 0, 1};
  const Vec3d t = cross(n, axis);
  return (1 / norm(t)) * t;
}

}  // namespace geoul::collision
