// Up to four points of the Minkowski difference A - B and the point of their hull nearest to the origin.
#pragma once

#include "geoul/core/math.h"

namespace geoul::collision {

struct Simplex {
  int n = 0;
  Vec3d w[4];  // a - b
  Vec3d a[4], b[4];
  double weight[4] = {0, 0, 0, 0};  // of the nearest point
};

// Drops the points that do not carry the nearest point, sets the weights and returns it. Four points that stay hold
// the origin inside.
Vec3d reduce_to_nearest(Simplex& simplex);

// Weights of the point of triangle (p, q, r) nearest to the origin; zero for the corners that do not carry it.
Vec3d nearest_on_triangle(const Vec3d& p, const Vec3d& q, const Vec3d& r, double weight[3]);

}  // namespace geoul::collision
