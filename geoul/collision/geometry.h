// Prepared shapes: what the narrow phase reads. Lengths in metres, in the shape's own frame G.
// Made once by the functions below (meshes and height fields: see compile()), constant afterwards, cheap to copy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "geoul/core/math.h"

namespace geoul::collision {

// In this order: of a pair, the narrow phase handles the lower kind first.
enum class Kind : std::uint8_t {
  kSphere,
  kCapsule,   // along z, a cylinder of half_height with half spheres on it
  kBox,       // +-half
  kCylinder,  // along z, |z| <= half_height
  kCone,      // base at z = -half_height, tip at z = +half_height
  kHull,
  kTriangle,  // flat, of no thickness; only made inside the narrow phase
  kPlane,     // half space z <= 0
  kMesh,
  kHeightField
};
constexpr bool is_convex(Kind kind) { return kind <= Kind::kTriangle; }

struct HullFace {
  Vec3d normal;       // unit, outwards
  double offset = 0;  // every vertex v: dot(normal, v) <= offset
  int first = 0;      // of its corners in Hull::corners
  int count = 0;      // at least 3, counter-clockwise seen from outside
};

// Convex polyhedron with an inside.
struct Hull {
  std::vector<Vec3d> vertices;
  std::vector<HullFace> faces;       // coplanar triangles merged: see make_hull
  std::vector<int> corners;          // vertex indices, face after face
  std::vector<int> neighbour_begin;  // (nvertex + 1) into neighbours: vertices that share an edge
  std::vector<int> neighbours;
  std::vector<double> xs, ys, zs;  // the vertices again, by coordinate, padded to a multiple of 4 with the first vertex
};

struct TriangleTree;  // triangle mesh with its bounding volumes: see mesh.h
struct HeightGrid;    // height field: see height_field.h

struct Geometry {
  Kind kind = Kind::kSphere;
  Vec3d half;              // box
  double radius = 0;       // sphere, capsule, cylinder, cone (of its base)
  double half_height = 0;  // capsule (without caps), cylinder, cone
  std::shared_ptr<const Hull> hull;
  std::shared_ptr<const TriangleTree> mesh;
  std::shared_ptr<const HeightGrid> grid;

  Vec3d low, high;             // axis-aligned bounds in G; a plane's are infinite but for high.z = 0
  double bounding_radius = 0;  // of a sphere about G's origin; infinite for a plane
};

// All sizes > 0.
Geometry make_sphere(double radius);
Geometry make_capsule(double radius, double half_height);
Geometry make_box(const Vec3d& half);
Geometry make_cylinder(double radius, double half_height);
Geometry make_cone(double radius, double half_height);
Geometry make_plane();

// Convex hull of finite points; none where they have no volume (all within 1e-9 of their extent of a plane).
// Topology by exact integer arithmetic on a grid of 2^-38 of the extent, so that any input gives a closed hull; then
// neighbouring triangles within 2e-7 of the extent of one plane (twice what 32-bit coordinates resolve) become one
// face. O(n log n) expected. Source: Barber, Dobkin, Huhdanpaa, "The quickhull algorithm for convex hulls", ACM TOMS
// 22(4), 1996.
std::optional<Geometry> make_hull(std::span<const Vec3d> points);

// Axis-aligned bounds of a shape that stands at X_WG: tight for convex kinds and planes, else of its local bounds' box.
void bounds(const Geometry& geometry, const Posed& X_WG, Vec3d& low_W, Vec3d& high_W);

}  // namespace geoul::collision
