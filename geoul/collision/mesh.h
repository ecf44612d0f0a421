// Triangle meshes that collide: one surface of welded vertices, with the neighbour across every edge and a tree of
// boxes. In the shape's frame G, metres.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "geoul/collision/box_tree.h"
#include "geoul/collision/narrow.h"

namespace geoul::collision {

struct TriangleTree {
  std::vector<Vec3d> vertices;                 // no two alike
  std::vector<std::array<int, 3>> triangles;   // counter-clockwise seen from outside
  std::vector<Vec3d> normals;                  // (ntriangle) unit, outward
  std::vector<std::array<int, 3>> across;      // (ntriangle) triangle across edge i (vertex i to i + 1); -1: none
  std::vector<std::array<int, 2>> edges;       // (nedge) vertices of each edge
  std::vector<std::array<int, 2>> edge_sides;  // (nedge) the triangles at it; second -1: a rim
  bool closed = false;                         // has an inside
  BoxTree tree;                                // over triangles
};

// What was found and mended while a mesh was prepared.
struct MeshReport {
  int degenerate = 0;   // triangles of no area or with an index out of range: left out
  int open_edges = 0;   // edges without exactly two triangles that run through it in opposite directions
  bool turned = false;  // a closed mesh was inside out: its triangles were reversed
  double volume = 0;    // of a closed mesh [m3]
};

// Welds vertices of equal coordinates and finds neighbours. All vertices finite, fewer than 2^31. A triangle is
// degenerate where its height is below 1e-9 of its longest edge. O(n log n).
TriangleTree make_triangle_tree(std::span<const Vec3d> vertices,
                                std::span<const std::array<std::uint32_t, 3>> triangles, MeshReport& report);

// Triangle t as the narrow phase wants it. Closed meshes push one way, open ones both ways.
TriangleFace triangle_face(const TriangleTree& mesh, const Transformd& X_WG, int t);

// Distance along the ray to where it first meets the surface before reach (closed meshes: from outside), and the
// outward normal there (open: the one against the ray); infinite where it does not. Watertight.
double cast_ray(const TriangleTree& mesh, const Ray& ray, double reach, Vec3d& normal);

// Ray against triangles without gaps at shared edges.
// Source: Woop, Benthin, Wald, "Watertight ray/triangle intersection", JCGT 2(1), 2013.
struct TriangleRay {
  explicit TriangleRay(const Ray& ray);
  // Distance to the triangle, or infinity. front: counter-clockwise seen from the ray's origin.
  double meet(const Vec3d& a, const Vec3d& b, const Vec3d& c, bool& front) const;

 private:
  Vec3d o_;
  int kx_, ky_, kz_;
  double sx_, sy_, sz_;
};

// Whether p is inside a closed mesh: crossings of a ray, majority of three directions.
bool is_inside(const TriangleTree& mesh, const Vec3d& p);

}  // namespace geoul::collision
