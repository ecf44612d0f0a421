// How far shapes reach: support points, boxes and distances to hulls. Planes and height fields have no extent.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "geoul/scene/scene.h"

namespace geoul::scene::doctor {

// Box along the axes of a frame; empty where low is above high.
struct Bounds {
  Vec3d low{kUnlimited, kUnlimited, kUnlimited};
  Vec3d high{-kUnlimited, -kUnlimited, -kUnlimited};

  bool empty() const { return !(low.x <= high.x); }
  Vec3d size() const { return empty() ? Vec3d{} : high - low; }
  Vec3d center() const { return empty() ? Vec3d{} : 0.5 * (low + high); }
  double diagonal() const { return norm(size()); }
  double volume() const { return size().x * size().y * size().z; }
  // Largest distance [m] from p to a point of the box.
  double reach(const Vec3d& p) const;
  void include(const Vec3d& p);
  void include(const Bounds& b);
};

// A shape in some frame A.
struct Placed {
  const Shape* shape = nullptr;
  Transformd X_AS;
};

// Whether the geometry ends: a primitive of finite sizes, or a mesh that exists, has vertices and finite numbers.
bool has_extent(const Scene& scene, const Geometry& geometry);

// The point of a geometry with extent that lies furthest along a direction, in the shape's frame. O(vertices).
Vec3d support(const Scene& scene, const Geometry& geometry, const Vec3d& direction);

// Smallest box along the axes of A.
Bounds bounds(const Scene& scene, const Placed& placed);

// How far p lies outside the convex hull of all shapes together (each with extent, at least one) [m], never more than
// the truth and, within 200 steps, at most 1 % of the hull's size less; 0 inside. Source: Gilbert, SIAM J. Control
// 4(1), 1966.
double distance_to_hull(const Scene& scene, std::span<const Placed> shapes, const Vec3d& p);

}  // namespace geoul::scene::doctor
