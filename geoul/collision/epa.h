// Expanding polytope: depth of penetration of two cores that overlap or touch.
#pragma once

#include "geoul/collision/gjk.h"
#include "geoul/collision/simplex.h"

namespace geoul::collision {

// simplex: points of A - B from the distance search, whose hull holds the origin or nearly so.
void penetration(const Pair& pair, const Simplex& simplex, Separation& out);

// Turns n a little where that parts the cores by more; distance: gap_along(n).
void improve(const Pair& pair, double& distance, Vec3d& n);

}  // namespace geoul::collision
