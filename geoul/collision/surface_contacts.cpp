// Surfaces against convex shapes and planes. Surfaces against each other: surface_pairs.cpp.
#include <algorithm>

#include "geoul/collision/surface.h"
#include "geoul/collision/surface_pairs.h"

namespace geoul::collision {
namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

Posed relative(const Posed& X_WA, const Posed& X_WB) {
  const Quatd R = conjugate(X_WA.R);
  return {R * X_WB.R, rotation_matrix(R) * (X_WB.p - X_WA.p)};
}

// Normals from the convex shape to the surface.
void collide_convex(const Geometry& convex, const Posed& X_WA, const Geometry& surface, const Posed& X_WB,
                    double margin, SurfaceWork& work) {
  Bounds box;
  bounds(convex, relative(X_WB, X_WA), box.low, box.high);
  box = grown(box, margin + 1e-12 * convex.bounding_radius);
  const Transformd X = transform(X_WB);
  Manifold m;
  visit_triangles(surface, box, [&](int t) {
    if (!overlap(triangle_bounds(surface, t), box)) return;
    m.count = 0;
    collide_triangle(convex, X_WA, triangle_face(surface, X, t), margin, m);
    for (int k = 0; k < m.count; ++k) {
      work.contacts.push_back({m.normal_W, m.points[k].p_W, m.points[k].distance, m.points[k].id});
    }
  });
}

struct HalfSpace {
  Vec3d n_G;  // unit, out of the solid
  double offset;
};

// Whether any point of the box can be nearer to the half space than margin.
bool near(const HalfSpace& plane, const Vec3d& low, const Vec3d& high, double margin) {
  const Vec3d h = 0.5 * (high - low);
  return dot(plane.n_G, low + h) - dot(abs(plane.n_G), h) - plane.offset <= margin;
}

// Vertices that the plane holds or nearly touches. Normals from the surface to the plane.
void collide_plane(const Geometry& surface, const Posed& X_WA, const Posed& X_WB, double margin, SurfaceWork& work) {
  const Transformd X = transform(X_WA);
  const Vec3d n_W = rotation_matrix(X_WB.R).column(2);
  const HalfSpace plane{transpose_times(X.R, n_W), dot(n_W, X_WB.p - X.p)};
  work.vertices.clear();
  const auto add = [&](int vertex, const Vec3d& p_G) {
    const double d = dot(plane.n_G, p_G) - plane.offset;
    if (!(d <= margin)) return;
    work.contacts.push_back({-n_W, X * p_G - (0.5 * d) * n_W, d, static_cast<std::uint64_t>(vertex)});
  };
  if (surface.grid) {
    const HeightGrid& grid = *surface.grid;
    for (int row = 0; row < grid.rows; ++row) {
      for (int column = 0; column < grid.columns; ++column) add(row * grid.columns + column, grid.point(column, row));
    }
    return;
  }
  const TriangleTree& mesh = *surface.mesh;
  std::int32_t stack[BoxTree::kMaxDepth];
  int top = 0;
  stack[top++] = 0;
  while (top > 0) {
    const std::int32_t i = stack[--top];
    const BoxTree::Node& node = mesh.tree.nodes[index(i)];
    if (!near(plane, {node.low[0], node.low[1], node.low[2]}, {node.high[0], node.high[1], node.high[2]}, margin)) {
      continue;
    }
    if (node.count == 0) {
      stack[top++] = node.next;
      stack[top++] = i + 1;
      continue;
    }
    for (std::int32_t k = 0; k < node.count; ++k) {
      for (const int v : mesh.triangles[index(mesh.tree.items[index(node.next + k)])]) work.vertices.push_back(v);
    }
  }
  std::sort(work.vertices.begin(), work.vertices.end());
  work.vertices.erase(std::unique(work.vertices.begin(), work.vertices.end()), work.vertices.end());
  for (const int v : work.vertices) add(v, mesh.vertices[index(v)]);
}

}  // namespace

void collide_surface(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                     SurfaceWork& work) {
  work.contacts.clear();
  const bool a_is_surface = is_surface(A.kind), b_is_surface = is_surface(B.kind);
  if (a_is_surface && b_is_surface) {
    collide_surfaces(A, X_WA, B, X_WB, margin, work);
    return;
  }
  bool swapped = false;  // normals point from B to A
  if (a_is_surface && B.kind == Kind::kPlane) {
    collide_plane(A, X_WA, X_WB, margin, work);
  } else if (A.kind == Kind::kPlane) {
    collide_plane(B, X_WB, X_WA, margin, work), swapped = true;
  } else if (a_is_surface) {
    collide_convex(B, X_WB, A, X_WA, margin, work), swapped = true;
  } else {
    collide_convex(A, X_WA, B, X_WB, margin, work);
  }
  if (!swapped) return;
  for (SurfaceContact& c : work.contacts) c.normal_W = -c.normal_W;
}

}  // namespace geoul::collision
