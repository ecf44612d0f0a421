// Pairs whose distance is a formula: a point (a sphere's centre) against every kind, round bars side by side, and
// everything against a plane. Each writes the manifold and returns the number of points.
#pragma once

#include "geoul/collision/collision.h"
#include "geoul/collision/convex.h"
#include "geoul/collision/geometry.h"
#include "geoul/core/math.h"

namespace geoul::collision {

// The point of a shape's surface nearest to a point, all in the shape's frame.
struct Nearest {
  double distance = 0;  // negative: the point is inside
  Vec3d normal;         // unit, outwards
};
// Exact for every kind but the outside of hulls, which is by distance search to 1e-12 of the size. A point on the axis
// or in the middle gets one of the equally near normals, always the same.
Nearest nearest_on(const Geometry& geometry, const Vec3d& p);

int collide_spheres(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                    Manifold* out);
int collide_sphere(const Geometry& sphere, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                   Manifold* out);
int collide_plane(const Geometry& A, const Posed& X_WA, const Posed& X_WP, double margin, Manifold* out);
// Boxes by separating axes; -1: nearest at an edge or corner that no axis measures, ask the distance search.
int collide_boxes(const Geometry& A, const Transformd& X_WA, const Geometry& B, const Transformd& X_WB, double margin,
                  Manifold* out);
// Capsules and cylinders. -1: a cylinder touches with an end; ask the distance search.
int collide_bars(const Geometry& A, const Transformd& X_WA, const Geometry& B, const Transformd& X_WB, double margin,
                 Manifold* out);

}  // namespace geoul::collision
