// Two surfaces: meshes and height fields against each other.
#pragma once

#include "geoul/collision/surface.h"

namespace geoul::collision {

// Appends to work.contacts all points where surfaces A and B are nearer than margin, normals from A to B:
//   vertices of one over or under a face of the other, at the face nearest to them;
//   edges that cross, where the direction between them lies between the normals at either edge.
// A vertex or edge counts as inside where it is less deep than a tenth of the smaller surface's extent; a vertex
// under a face only if it is inside a closed mesh (or below a height field). Open meshes face the other surface's
// middle. Cost: triangles of A near B, times a query of B.
void collide_surfaces(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                      SurfaceWork& work);

}  // namespace geoul::collision
