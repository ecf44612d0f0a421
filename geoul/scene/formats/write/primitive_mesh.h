// Triangles of simple shapes, for formats that know meshes alone.
#pragma once

#include <vector>

#include "geoul/core/math.h"
#include "geoul/scene/geometry.h"

namespace geoul::scene::write {

// Rings of a surface of revolution about z, from the lowest point up: radius and height, with the normal's slope.
struct Ring {
  double radius, z, normal_out, normal_z;
};

Mesh revolved(const std::vector<Ring>& rings);
// Half circle of a cap: from angle `low` to `high` [rad] over the horizon, centred at height z.
void cap(std::vector<Ring>& rings, double radius, double z, double low, double high);
// Of a box about the origin, with the normals of its sides. [m]
Mesh box_mesh(const Vec3d& size);

}  // namespace geoul::scene::write
