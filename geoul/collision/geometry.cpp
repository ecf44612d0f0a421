#include "geoul/collision/geometry.h"

#include <cmath>
#include <limits>

#include "geoul/collision/convex.h"

namespace geoul::collision {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Geometry with_bounds(Geometry g, const Vec3d& half, double bounding_radius) {
  g.low = -half, g.high = half;
  g.bounding_radius = bounding_radius;
  return g;
}

// Of the core of a sphere, capsule, box or cylinder along the unit vector d.
double half_width(const Geometry& g, const Vec3d& d) {
  switch (g.kind) {
    case Kind::kCapsule: return std::abs(d.z) * g.half_height;
    case Kind::kBox: return std::abs(d.x) * g.half.x + std::abs(d.y) * g.half.y + std::abs(d.z) * g.half.z;
    case Kind::kCylinder: {
      const double across = std::sqrt(d.x * d.x + d.y * d.y), s = across > 0 ? g.radius / across : 0;
      return d.x * (s * d.x) + d.y * (s * d.y) + std::abs(d.z) * g.half_height;
    }
    default: return 0;
  }
}

}  // namespace

Geometry make_sphere(double radius) {
  Geometry g;
  g.kind = Kind::kSphere, g.radius = radius;
  return with_bounds(g, {radius, radius, radius}, radius);
}

Geometry make_capsule(double radius, double half_height) {
  Geometry g;
  g.kind = Kind::kCapsule, g.radius = radius, g.half_height = half_height;
  return with_bounds(g, {radius, radius, radius + half_height}, radius + half_height);
}

Geometry make_box(const Vec3d& half) {
  Geometry g;
  g.kind = Kind::kBox, g.half = half;
  return with_bounds(g, half, norm(half));
}

Geometry make_cylinder(double radius, double half_height) {
  Geometry g;
  g.kind = Kind::kCylinder, g.radius = radius, g.half_height = half_height;
  return with_bounds(g, {radius, radius, half_height}, std::hypot(radius, half_height));
}

Geometry make_cone(double radius, double half_height) {
  Geometry g;
  g.kind = Kind::kCone, g.radius = radius, g.half_height = half_height;
  return with_bounds(g, {radius, radius, half_height}, std::hypot(radius, half_height));
}

Geometry make_plane() {
  Geometry g;
  g.kind = Kind::kPlane;
  g.low = {-kInfinity, -kInfinity, -kInfinity}, g.high = {kInfinity, kInfinity, 0};
  g.bounding_radius = kInfinity;
  return g;
}

void bounds(const Geometry& geometry, const Posed& X_WG, Vec3d& low_W, Vec3d& high_W) {
  const Mat3d R = rotation_matrix(X_WG.R);
  if (geometry.kind == Kind::kPlane) {  // bounded only where its normal is an axis of the world
    for (int i = 0; i < 3; ++i) {
      const bool across = R[i].x == 0 && R[i].y == 0;
      low_W[i] = across && R[i].z < 0 ? X_WG.p[i] : -kInfinity;
      high_W[i] = across && R[i].z > 0 ? X_WG.p[i] : kInfinity;
    }
    return;
  }
  if (geometry.kind <= Kind::kCylinder) {  // the same seen from the other side
    const bool round = geometry.kind == Kind::kSphere || geometry.kind == Kind::kCapsule;
    const double rounding = round ? geometry.radius : 0;
    for (int i = 0; i < 3; ++i) {
      const double up = half_width(geometry, R[i]);
      high_W[i] = X_WG.p[i] + up + rounding;
      low_W[i] = X_WG.p[i] - up - rounding;
    }
    return;
  }
  if (is_convex(geometry.kind)) {
    const Core core = core_of(geometry);
    for (int i = 0; i < 3; ++i) {
      high_W[i] = X_WG.p[i] + dot(R[i], support(core, R[i])) + core.rounding;
      low_W[i] = X_WG.p[i] + dot(R[i], support(core, -R[i])) - core.rounding;
    }
    return;
  }
  const Vec3d centre = 0.5 * (geometry.low + geometry.high), half = 0.5 * (geometry.high - geometry.low);
  for (int i = 0; i < 3; ++i) {
    const double c = X_WG.p[i] + dot(R[i], centre);
    const double h = std::abs(R[i].x) * half.x + std::abs(R[i].y) * half.y + std::abs(R[i].z) * half.z;
    low_W[i] = c - h, high_W[i] = c + h;
  }
}

}  // namespace geoul::collision
