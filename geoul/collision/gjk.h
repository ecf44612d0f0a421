// Distance and penetration of two convex cores, in A's frame.
// Sources: Gilbert, Johnson, Keerthi, "A fast procedure for computing the distance between complex objects in
// three-dimensional space", IEEE J. Robotics and Automation 4(2), 1988; van den Bergen, Collision Detection in
// Interactive 3D Environments (2003), ch. 4 (distance, stopping rule, expanding polytope).
#pragma once

#include "geoul/collision/convex.h"
#include "geoul/core/math.h"

namespace geoul::collision {

// Both cores seen from A's frame.
struct Pair {
  const Core& A;
  const Core& B;
  Transformd X_AB;

  Vec3d support_A(const Vec3d& d, int& hint) const { return support(A, d, hint); }
  Vec3d support_B(const Vec3d& d, int& hint) const {
    return X_AB.R * support(B, transpose_times(X_AB.R, d), hint) + X_AB.p;
  }
  double size() const { return A.size + B.size; }
};

struct Separation {
  double distance = 0;    // of the cores; negative: depth of penetration. With beyond: a lower bound
  Vec3d normal{0, 0, 1};  // unit, from A to B
  Vec3d a, b;             // nearest (deepest) points of the cores; not set with beyond
  bool beyond = false;    // farther apart than `reach`: the search was ended
  int iterations = 0;
};

// How far the cores are apart along unit n: the least of B minus the most of A. A lower bound of the distance; of a
// penetrating pair, minus it is the translation along n that parts them.
double gap_along(const Pair& pair, const Vec3d& n);

// Ends after a bounded number of steps whatever the shapes; the direction returned is the best one seen, and the
// distance is what it gives, so that the result is always a true bound: gap_along(normal) to rounding.
Separation separate(const Pair& pair, double reach);

}  // namespace geoul::collision
