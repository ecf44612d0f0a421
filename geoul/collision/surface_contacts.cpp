// Surfaces against convex shapes and planes. Surfaces against each other: surface_pairs.cpp.
#include <algorithm>

#include "geoul/collision/manifold.h"
#include "geoul/collision/surface.h"
#include "geoul/collision/surface_pairs.h"

namespace geoul::collision {
namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

constexpr double kOnFace = 1e-6;    // angle to the face's normal that is rounding
constexpr double kTouching = 1e-6;  // of the shape's size: a gap that still counts as a way out of deeper overlaps

Posed relative(const Posed& X_WA, const Posed& X_WB) {
  const Quatd R = conjugate(X_WA.R);
  return {R * X_WB.R, rotation_matrix(R) * (X_WB.p - X_WA.p)};
}

// At a convex edge a shape can overlap two faces, and its depth under one may be far more than the way out past the
// other. Drops the contacts of a triangle that the shape has left once it moved out along a normal of less depth; in a
// hollow, where that takes off no more than the angle between the two, both stay.
void drop_resolved(const Geometry& convex, const Posed& X_WA, const Geometry& surface, const Transformd& X_WB,
                   SurfaceWork& work) {
  std::vector<Overlap>& overlaps = work.overlaps;
  std::sort(overlaps.begin(), overlaps.end(), [](const Overlap& a, const Overlap& b) {
    return a.depth != b.depth ? a.depth < b.depth : a.triangle < b.triangle;
  });
  bool any = false;
  for (std::size_t i = 1; i < overlaps.size(); ++i) {
    Overlap& deep = overlaps[i];
    for (std::size_t k = 0; k < i && !deep.dropped; ++k) {
      const Overlap& shallow = overlaps[k];
      if (shallow.dropped || !(deep.depth > 1.05 * shallow.depth + 1e-6 * convex.bounding_radius)) continue;
      const double cosine = dot(deep.normal_W, shallow.normal_W);
      if (cosine > 1 - 1e-3) continue;
      Manifold m;
      m.count = 0;
      const TriangleFace face = triangle_face(surface, X_WB, deep.triangle);
      const double clear = 1e-9 * (convex.bounding_radius + norm(face.p_W[1] - face.p_W[0]));
      const Posed out{X_WA.R, X_WA.p - (1.001 * shallow.depth + clear) * shallow.normal_W};
      collide_triangle(convex, out, face.p_W, 0, 0, m);  // by itself, whichever neighbour is nearer
      const double still = deep.depth - shallow.depth * std::max(0.0, cosine);  // if the triangle went on for ever
      deep.dropped = true;
      for (int j = 0; j < m.count; ++j) deep.dropped &= m.points[j].distance > -0.1 * still;
    }
    any |= deep.dropped;
  }
  if (!any) return;
  for (const Overlap& o : overlaps) {
    if (!o.dropped) continue;
    for (int k = 0; k < o.count; ++k) work.contacts[index(o.first + k)].distance = Bounds::kInfinity;
  }
  std::erase_if(work.contacts, [](const SurfaceContact& c) { return c.distance == Bounds::kInfinity; });
}

// Whether a point's name is that of the convex shape alone: a corner, or the only point of a sphere.
bool names_convex(const Geometry& convex, std::uint32_t name) {
  return convex.kind == Kind::kSphere || (name & (kCornerOfA | kCrossing)) == kCornerOfA;
}

// Normals from the convex shape to the surface.
void collide_convex(const Geometry& convex, const Posed& X_WA, const Geometry& surface, const Posed& X_WB,
                    double margin, SurfaceWork& work) {
  Bounds box;
  bounds(convex, relative(X_WB, X_WA), box.low, box.high);
  box = grown(box, margin + 1e-12 * convex.bounding_radius);
  const Transformd X = transform(X_WB);
  work.overlaps.clear();
  Manifold m;
  const Transformd X_AG = inverse(transform(X_WA)) * X;
  const Bounds around = grown({convex.low, convex.high}, margin + 1e-12 * convex.bounding_radius);
  visit_triangles(surface, box, [&](int t) {
    Vec3d p[3];
    surface_corners(surface, t, p);
    Bounds b{min(p[0], min(p[1], p[2])), max(p[0], max(p[1], p[2]))};
    if (!overlap(b, box)) return;
    for (Vec3d& corner : p) corner = X_AG * corner;
    b = {min(p[0], min(p[1], p[2])), max(p[0], max(p[1], p[2]))};
    if (!overlap(b, around)) return;
    m.count = 0;
    const TriangleFace face = triangle_face(surface, X, t);
    if (collide_triangle(convex, X_WA, face, margin, m) == 0) return;
    const Vec3d outward = X.R * surface_normal(surface, t);
    const Vec3d n = dot(m.normal_W, outward) > 0 ? outward : -outward;
    const bool on_face = norm(m.normal_W - n) < kOnFace;
    bool touches = false;
    Overlap overlapping{m.normal_W, 0, t, static_cast<int>(work.contacts.size()), m.count};
    for (int k = 0; k < m.count; ++k) {
      SurfaceContact c{m.normal_W, m.points[k].p_W, m.points[k].distance, m.points[k].id, t};
      if (on_face) {  // all triangles of a flat floor give the same bits, and points halfway to its plane
        c.normal_W = n;
        c.p_W += (dot(n, face.p_W[0] - c.p_W) - 0.5 * c.distance) * n;
        const auto name = static_cast<std::uint32_t>(c.id);
        if (names_convex(convex, name)) c.id = kOfConvex | name;
      }
      work.contacts.push_back(c);
      overlapping.depth = std::max(overlapping.depth, -c.distance);
      touches |= c.distance < kTouching * convex.bounding_radius;
    }
    if (overlapping.depth > 0 || touches) work.overlaps.push_back(overlapping);
  });
  if (work.overlaps.size() > 1) drop_resolved(convex, X_WA, surface, X, work);
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
    work.contacts.push_back({-n_W, X * p_G - (0.5 * d) * n_W, d, static_cast<std::uint64_t>(vertex), 0});
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
