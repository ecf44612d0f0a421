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
  if (is_convex(geometry.kind)) {
    const Core core = core_of(geometry);
    const bool even = geometry.kind <= Kind::kCylinder;  // the same seen from the other side
    for (int i = 0; i < 3; ++i) {
      const double up = dot(R[i], support(core, R[i]));
      high_W[i] = X_WG.p[i] + up + core.rounding;
      low_W[i] = X_WG.p[i] + (even ? -up : dot(R[i], support(core, -R[i]))) - core.rounding;
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
