#include "geoul/collision/surface_pairs.h"

#include <algorithm>

namespace geoul::collision {
namespace {

enum : std::uint64_t { kVertexOfA = 0, kVertexOfB = 1, kEdges = 2 };

std::uint64_t id_of(std::uint64_t kind, int a, int b) {
  // 2 + 31 + 31 bits; edge ids may need more: they are mixed
  return (kind << 62) | (static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 31) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(b));
}

// One of the two surfaces, and what of it is near the other.
struct Part {
  const Geometry& geometry;
  Transformd X_WG;
  Bounds box;          // of the other surface, in G
  Vec3d other_middle;  // in G
};

Bounds turned_bounds(const Transformd& X, const Geometry& g) {
  return turned(X, 0.5 * (g.low + g.high), 0.5 * (g.high - g.low));
}

double least_extent(const Geometry& g) {
  const Vec3d size = g.high - g.low;
  const double flat = 1e-3 * std::max({size.x, size.y, size.z});
  const double most = std::max({size.x, size.y, size.z});
  double least = most;
  for (int k = 0; k < 3; ++k) {
    if (size[k] > flat) least = std::min(least, size[k]);
  }
  return least;
}

void near_triangles(const Part& part, std::vector<int>& out) {
  out.clear();
  visit_triangles(part.geometry, part.box, [&](int t) {
    if (overlap(triangle_bounds(part.geometry, t), part.box)) out.push_back(t);
  });
  std::sort(out.begin(), out.end());
}

// Whether p, in the plane of the triangle, is in it; on its edges counts.
bool is_over(const SurfaceTriangle& t, const Vec3d& p) {
  const double slack = 1e-9 * (norm(t.p[1] - t.p[0]) + norm(t.p[2] - t.p[0]));
  for (int i = 0; i < 3; ++i) {
    const Vec3d edge = t.p[(i + 1) % 3] - t.p[i];
    if (dot(cross(t.normal, edge), p - t.p[i]) < -slack * norm(edge)) return false;
  }
  return true;
}

bool is_inside(const Geometry& surface, const Vec3d& p_G) {
  return surface.grid != nullptr || is_inside(*surface.mesh, p_G);  // under a height field's triangle is inside
}

// Vertices of V (its triangles in `near`) against faces of F. sign: +1 where V is A.
void vertices_on_faces(const Part& V, const std::vector<int>& near, const Part& F, double margin, double depth,
                       double sign, std::vector<int>& vertices, std::vector<SurfaceContact>& out) {
  vertices.clear();
  const Transformd X_FV = inverse(F.X_WG) * V.X_WG;
  for (const int t : near) {
    for (int i = 0; i < 3; ++i) vertices.push_back(surface_vertex(V.geometry, t, i));
  }
  std::sort(vertices.begin(), vertices.end());
  vertices.erase(std::unique(vertices.begin(), vertices.end()), vertices.end());
  for (const int vertex : vertices) {
    const Vec3d p_V = surface_point(V.geometry, vertex);
    if (!overlap(V.box, {p_V, p_V})) continue;
    const Vec3d p = X_FV * p_V;
    int face = -1;
    double d_face = 0;
    Vec3d n_face;
    const double reach = std::max(margin, depth);
    visit_triangles(F.geometry, grown({p, p}, reach), [&](int t) {
      const SurfaceTriangle s = surface_triangle(F.geometry, t);
      double d = dot(s.normal, p - s.p[0]);
      Vec3d n = s.normal;
      if (!has_inside(F.geometry) && dot(n, F.other_middle - s.p[0]) < 0) d = -d, n = -n;
      if (d > margin || d < -depth || !is_over(s, p - dot(s.normal, p - s.p[0]) * s.normal)) return;
      if (face >= 0 && (std::abs(d) > std::abs(d_face) || (std::abs(d) == std::abs(d_face) && t > face))) return;
      face = t, d_face = d, n_face = n;
    });
    if (face < 0 || (d_face < 0 && has_inside(F.geometry) && !is_inside(F.geometry, p))) continue;
    const Vec3d n_W = F.X_WG.R * n_face;
    out.push_back({-sign * n_W, F.X_WG * (p - (0.5 * d_face) * n_face), d_face,
                   id_of(sign > 0 ? kVertexOfA : kVertexOfB, vertex, 0), face});
  }
}

// Edge of a triangle with the normals on its two sides; only of the lower triangle of the two, so that each comes once.
struct Edge {
  Vec3d p, q;    // in W
  Vec3d n0, n1;  // unit, in W; alike at a rim
  Vec3d inward;  // in the plane of n0's triangle, into it
  bool rim;
};

bool make_edge(const Part& part, const SurfaceTriangle& s, int t, int i, Edge& out) {
  const int other = s.across[i];
  if (other >= 0 && other < t) return false;
  out.p = part.X_WG * s.p[i], out.q = part.X_WG * s.p[(i + 1) % 3];
  out.n0 = part.X_WG.R * s.normal;
  out.rim = other < 0;
  out.n1 = out.rim ? out.n0 : part.X_WG.R * surface_normal(part.geometry, other);
  out.inward = cross(out.n0, out.q - out.p);
  if (out.rim) return true;
  return dot(out.n1, out.inward) < -1e-6 * norm(out.inward);  // the far side bends away: convex, not flat
}

// Whether direction n, perpendicular to the edge, lies between the normals of its sides (a rim: away from its side).
bool faces(const Edge& e, const Vec3d& n) {
  constexpr double kSlack = 1e-9;
  if (e.rim) return dot(n, e.inward) <= kSlack * norm(e.inward);
  const Vec3d u = cross(e.n0, e.n1);  // along the edge
  return dot(cross(e.n0, n), u) >= -kSlack && dot(cross(n, e.n1), u) >= -kSlack;
}

void edge_pair(const Edge& a, const Edge& b, double margin, double depth, std::uint64_t id,
               std::vector<SurfaceContact>& out) {
  const Vec3d u = a.q - a.p, v = b.q - b.p, w = b.p - a.p;
  Vec3d n = cross(u, v);
  const double area = norm(n);
  if (!(area > 1e-6 * norm(u) * norm(v))) return;  // parallel: their ends are over faces
  n = (1 / area) * n;
  const double s = dot(cross(w, v), n) / area, t = dot(cross(w, u), n) / area;
  if (s < 0 || s > 1 || t < 0 || t > 1) return;
  double d = dot(w, n);
  if (!(faces(a, n) && faces(b, -n))) {
    n = -n, d = -d;
    if (!(faces(a, n) && faces(b, -n))) return;
  }
  if (d > margin || d < -depth || (d < 0 && (a.rim || b.rim))) return;
  out.push_back({n, 0.5 * (a.p + s * u + b.p + t * v), d, id, 0});
}

void edges_on_edges(const Part& A, const Part& B, const SurfaceWork& work, double margin, double depth,
                    std::vector<SurfaceContact>& out) {
  const Transformd X_BA = inverse(B.X_WG) * A.X_WG;
  const double reach = std::max(margin, depth);
  for (const int ta : work.triangles_a) {
    const SurfaceTriangle sa = surface_triangle(A.geometry, ta);
    for (int i = 0; i < 3; ++i) {
      Edge a, b;
      if (!make_edge(A, sa, ta, i, a)) continue;
      Bounds box;
      include(box, X_BA * sa.p[i]);
      include(box, X_BA * sa.p[(i + 1) % 3]);
      visit_triangles(B.geometry, grown(box, reach), [&](int tb) {
        const SurfaceTriangle sb = surface_triangle(B.geometry, tb);
        for (int j = 0; j < 3; ++j) {
          if (make_edge(B, sb, tb, j, b)) edge_pair(a, b, margin, depth, id_of(kEdges, 3 * ta + i, 3 * tb + j), out);
        }
      });
    }
  }
}

}  // namespace

void collide_surfaces(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                      SurfaceWork& work) {
  const Transformd X_A = transform(X_WA), X_B = transform(X_WB);
  const Transformd X_AB = inverse(X_A) * X_B, X_BA = inverse(X_AB);
  const double depth = 0.1 * std::min(least_extent(A), least_extent(B));
  const double reach = std::max(margin, depth);
  const Part a{A, X_A, grown(turned_bounds(X_AB, B), reach), X_AB * (0.5 * (B.low + B.high))};
  const Part b{B, X_B, grown(turned_bounds(X_BA, A), reach), X_BA * (0.5 * (A.low + A.high))};
  near_triangles(a, work.triangles_a);
  near_triangles(b, work.triangles_b);
  vertices_on_faces(a, work.triangles_a, b, margin, depth, 1, work.vertices, work.contacts);
  vertices_on_faces(b, work.triangles_b, a, margin, depth, -1, work.vertices, work.contacts);
  edges_on_edges(a, b, work, margin, depth, work.contacts);
}

}  // namespace geoul::collision
