// Narrow phase: where two prepared shapes touch or nearly touch. Functions of their arguments alone: no memory from
// call to call, nothing allocated, always finite. Ids of points name features, so that they last while those touch.
#pragma once

#include <cstdint>

#include "geoul/collision/collision.h"
#include "geoul/collision/geometry.h"
#include "geoul/core/math.h"

namespace geoul::collision {

// Contact points of two convex shapes, or of one and a plane (either order; two planes never touch).
//   margin  pairs with a gap above it give no points; points of a pair with a gap above it are left out [m]
//   out     normal_W (A to B), count, points; a and b are left alone. Untouched but for count where there is none.
// Returns out->count, 0 to 4. The deepest point is always one of them (of more than four places one within 1e-6 of the
// size of it, so that the choice does not change with the last bits). The normal is that of the least distance or
// penetration; where a face's normal does equally well to 1e-10 of the shapes' size, it is that face's, exactly.
// Point ids use the lower 32 bits; they name corners and crossing edges of A and B, whichever measures. Distances are
// exact along the normal: 1e-12 of the size for planes, spheres, capsules and boxes, 1e-9 for other pairs.
int collide(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin, Manifold* out);

// One triangle of a mesh or height field.
struct TriangleFace {
  Vec3d p_W[3];          // counter-clockwise seen from outside
  std::uint64_t id = 0;  // below 2^32: the upper half of the ids of its points
  bool one_sided = true;
  // Edge i runs from p_W[i] to p_W[(i + 1) % 3]. A triangle across it, in a mesh that is one surface, narrows the
  // normals that this triangle may give at the edge: nothing catches on the inner edges of a floor.
  bool shared[3] = {false, false, false};
  Vec3d across_W[3];  // outward unit normals of the triangles across the shared edges
};

// Contact points of convex shape A and one triangle; normal_W from A to the triangle. One-sided: the triangle only
// pushes A along its outward normal's half of space, out of the solid behind; A wholly behind it gives no points.
// A point of least distance on a shared edge counts only where its direction lies between the normals of the two
// triangles (else the neighbour sees the nearer point); in penetration the face's own normal stands in for it.
// Triangles of no area give no points. Returns out.count.
int collide_triangle(const Geometry& A, const Posed& X_WA, const TriangleFace& triangle, double margin, Manifold& out);

// The same for a bare two-sided triangle.
int collide_triangle(const Geometry& A, const Posed& X_WA, const Vec3d tri_W[3], double margin,
                     std::uint64_t triangle_id, Manifold& out);

// Signed distance of two convex shapes, or of one and a plane: nearest points, or the deepest where they overlap
// (the least translation that parts them). To 1e-9 of their size. Two planes: infinite.
Distance signed_distance(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB);

}  // namespace geoul::collision
