// Volumes and inertias as MuJoCo counts them: solids and shells of primitives, four ways for meshes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "geoul/core/math.h"
#include "geoul/core/spatial.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::mjcf {

using Triangle = std::array<std::uint32_t, 3>;

// Of density 1 (a shell: of 1 kg/m2): volume (or area), centre and inertia about the centre in the shape's frame.
struct Solid {
  double volume = 0;
  Vec3d center;
  Sym3d inertia;
};

constexpr Sym3d scaled(double k, const Sym3d& s) {
  return {k * s.xx, k * s.yy, k * s.zz, k * s.xy, k * s.xz, k * s.yz};
}

// legacy: pyramids over the faces' centroid, each counted as positive; exact: signed, for closed surfaces;
// convex: of the hull; shell: of the surface.
enum class MeshInertia { kConvex, kExact, kLegacy, kShell };

// None where the volume (area) is not positive, or the hull is flat.
std::optional<Solid> solid_of_mesh(std::span<const Vec3d> vertices, std::span<const Triangle> triangles,
                                   MeshInertia kind);

// Surface of a sphere, capsule, cylinder, box or ellipsoid (half axes) of no thickness. An ellipsoid's area is
// Thomsen's approximation and its inertia that of a layer between two ellipsoids, as in MuJoCo.
Solid shell_of_sphere(double radius);
Solid shell_of_capsule(double radius, double height);
Solid shell_of_cylinder(double radius, double height);
Solid shell_of_box(const Vec3d& size);
Solid shell_of_ellipsoid(const Vec3d& half);
Solid solid_of_ellipsoid(const Vec3d& half);

// Convex hull of points, triangles seen counter-clockwise from outside; empty where they lie in a plane, or
// where points times faces go beyond 4e8. O(points x faces), in the order of the points.
std::vector<Triangle> convex_hull(std::span<const Vec3d> points);

// Moments of inertia, descending, and the rotation whose columns are their axes.
struct Principal {
  Vec3d moments;
  Mat3d axes;
};
Principal principal_axes(const Sym3d& inertia);
Sym3d inertia_of(const Principal& principal);

}  // namespace geoul::scene::mjcf
