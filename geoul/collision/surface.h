// Meshes and height fields seen alike: numbered triangles with neighbours, found by box.
#pragma once

#include "geoul/collision/height_field.h"
#include "geoul/collision/mesh.h"

namespace geoul::collision {

inline bool is_surface(Kind kind) { return kind == Kind::kMesh || kind == Kind::kHeightField; }

struct SurfaceTriangle {
  Vec3d p[3];     // in G
  int across[3];  // triangle across edge i (corner i to i + 1); -1: none
  Vec3d normal;   // unit
};
SurfaceTriangle surface_triangle(const Geometry& surface, int t);
Vec3d surface_normal(const Geometry& surface, int t);
void surface_corners(const Geometry& surface, int t, Vec3d p_G[3]);
// Id of corner 0 to 2 of triangle t, and where a vertex stands in G.
int surface_vertex(const Geometry& surface, int t, int corner);
Vec3d surface_point(const Geometry& surface, int vertex);
bool has_inside(const Geometry& surface);

inline TriangleFace triangle_face(const Geometry& surface, const Transformd& X_WG, int t) {
  return surface.mesh ? triangle_face(*surface.mesh, X_WG, t) : triangle_face(*surface.grid, X_WG, t);
}

// Calls visit(t) for triangles near the box (in G): all that meet it and some more.
template <class Visit>
void visit_triangles(const Geometry& surface, const Bounds& box, Visit&& visit) {
  if (surface.mesh) {
    query(surface.mesh->tree, box, visit);
  } else {
    query(*surface.grid, box, visit);
  }
}

// Bounds of triangle t in G.
Bounds triangle_bounds(const Geometry& surface, int t);

// A point where a surface touches something, before points are gathered into manifolds.
struct SurfaceContact {
  Vec3d normal_W;  // from the first to the second of the pair
  Vec3d p_W;
  double distance = 0;
  std::uint64_t id = 0;
  int triangle = 0;
};
// Ids with this bit name a corner of the convex shape, on whatever flat triangle it stands; others also a triangle.
constexpr std::uint64_t kOfConvex = std::uint64_t{1} << 63;

// Contacts of one triangle that overlaps a convex shape, among those of a pair.
struct Overlap {
  Vec3d normal_W;
  double depth = 0;
  int triangle = 0, first = 0, count = 0;  // contacts
  bool dropped = false;
};

// Memory of the functions below.
struct SurfaceWork {
  std::vector<SurfaceContact> contacts;
  std::vector<int> triangles_a, triangles_b, vertices;
  std::vector<std::int8_t> taken;
  std::vector<Overlap> overlaps;
  std::vector<double> x, y;
};

// What collide_surface may be asked: A and B in any order, of which at least one is a surface; the other one convex, a
// plane or a surface. Fills work.contacts with all points nearer than margin.
void collide_surface(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                     SurfaceWork& work);

// Gathers work.contacts into manifolds of at most four points each: contacts whose normals differ by less than one
// degree share the normal of the deepest; four points that spread over their area stand for the rest, one of them
// within 1 % of the deepest. No two points get the same id. Appends to `out` with the colliders a and b, sorted by the
// first point's id.
void gather(int a, int b, SurfaceWork& work, std::vector<Manifold>& out);

}  // namespace geoul::collision
