// Shapes, and what holds of them written anew, that the tests of the narrow phase share.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "geoul/collision/bounds.h"
#include "geoul/collision/narrow.h"
#include "geoul/core/random.h"

namespace geoul::collision {

inline Vec3d random_vector(Random& r) { return {r.normal(), r.normal(), r.normal()}; }
inline Vec3d unit(const Vec3d& v) { return (1 / norm(v)) * v; }
inline Quatd random_rotation(Random& r) { return normalized(Quatd{r.normal(), r.normal(), r.normal(), r.normal()}); }

inline Geometry random_hull(Random& r, int points) {
  std::vector<Vec3d> p;
  for (int i = 0; i < points; ++i) p.push_back(0.5 * unit(random_vector(r)));
  return *make_hull(p);
}

inline Geometry random_shape(Random& r, Kind kind) {
  const double a = r.uniform(0.2, 1), b = r.uniform(0.2, 1);
  switch (kind) {
    case Kind::kSphere: return make_sphere(a);
    case Kind::kCapsule: return make_capsule(a, b);
    case Kind::kBox: return make_box({a, b, r.uniform(0.2, 1)});
    case Kind::kCylinder: return make_cylinder(a, b);
    case Kind::kCone: return make_cone(a, b);
    default: return random_hull(r, 30);
  }
}

constexpr Kind kSolids[] = {Kind::kSphere, Kind::kCapsule, Kind::kBox, Kind::kCylinder, Kind::kCone, Kind::kHull};

// Farthest extent along d, written anew.
inline double extent(const Geometry& g, const Posed& X, const Vec3d& d_W) {
  const Vec3d d = transpose_times(rotation_matrix(X.R), d_W);
  const double across = std::hypot(d.x, d.y);
  double h = -1e300;
  switch (g.kind) {
    case Kind::kSphere: h = g.radius; break;
    case Kind::kCapsule: h = g.radius + g.half_height * std::abs(d.z); break;
    case Kind::kBox: h = g.half.x * std::abs(d.x) + g.half.y * std::abs(d.y) + g.half.z * std::abs(d.z); break;
    case Kind::kCylinder: h = g.radius * across + g.half_height * std::abs(d.z); break;
    case Kind::kCone: h = std::max(g.half_height * d.z, g.radius * across - g.half_height * d.z); break;
    default:
      for (const Vec3d& v : g.hull->vertices) h = std::max(h, dot(v, d));
  }
  return h + dot(X.p, d_W);
}

inline double gap(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, const Vec3d& n) {
  return -extent(B, X_WB, -n) - extent(A, X_WA, n);
}

inline bool contains(const Geometry& g, const Posed& X, const Vec3d& p_W, double slack) {
  const Vec3d p = transpose_times(rotation_matrix(X.R), p_W - X.p);
  const double rho = std::hypot(p.x, p.y);
  switch (g.kind) {
    case Kind::kSphere: return norm(p) <= g.radius + slack;
    case Kind::kCapsule:
      return norm(Vec3d{p.x, p.y, p.z - std::clamp(p.z, -g.half_height, g.half_height)}) <= g.radius + slack;
    case Kind::kBox:
      return std::abs(p.x) <= g.half.x + slack && std::abs(p.y) <= g.half.y + slack &&
             std::abs(p.z) <= g.half.z + slack;
    case Kind::kCylinder: return rho <= g.radius + slack && std::abs(p.z) <= g.half_height + slack;
    case Kind::kCone:
      return p.z >= -g.half_height - slack && (rho - g.radius) * 2 * g.half_height + (p.z + g.half_height) * g.radius <=
                                                  slack * std::hypot(g.radius, 2 * g.half_height);
    default:
      for (const HullFace& f : g.hull->faces) {
        if (dot(f.normal, p) > f.offset + slack) return false;
      }
      return true;
  }
}

inline std::string name(const Geometry& A, const Geometry& B) {
  return "kinds " + std::to_string(int(A.kind)) + " " + std::to_string(int(B.kind));
}

}  // namespace geoul::collision
