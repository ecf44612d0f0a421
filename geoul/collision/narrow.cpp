#include "geoul/collision/narrow.h"

#include <cmath>
#include <limits>
#include <utility>

#include "geoul/collision/closed_forms.h"
#include "geoul/collision/convex.h"
#include "geoul/collision/gjk.h"
#include "geoul/collision/manifold.h"
#include "geoul/collision/simplex.h"
#include "geoul/core/contract.h"

namespace geoul::collision {
namespace {

// The features along the normal, B's in A's frame.
void features(const Pair& pair, const Vec3d& n, Feature& A, Feature& B) {
  feature_along(pair.A, n, A);
  feature_along(pair.B, -transpose_times(pair.X_AB.R, n), B);
  move_feature(pair.X_AB, B);
}

// Where a face's normal, or one across a straight line of surface, parts the cores as well as the found direction
// does, it is taken: it is the same from step to step.
void snap(const Pair& pair, Touch& touch, Feature& A, Feature& B) {
  const double rounding = touch.rounding_A + touch.rounding_B;
  for (const int corners : {3, 2}) {
    for (const bool of_A : {true, false}) {
      const Feature& f = of_A ? A : B;
      if (corners == 3 ? f.count < 3 : f.count != 2) continue;
      const Vec3d n = of_A ? f.normal : -f.normal;
      if (n == Vec3d{} || n == touch.normal) continue;
      const double gap = gap_along(pair, n) - rounding;
      if (gap < touch.distance - kSnap * touch.size) continue;
      const bool turned = dot(n, touch.normal) < 1 - 1e-12;
      touch.normal = n, touch.distance = gap;
      if (turned) features(pair, n, A, B);
      return;
    }
  }
}

// Nearest directions and features of two cores; false where they are farther apart than the margin.
bool meet(const Pair& pair, double margin, Touch& touch, Feature& A, Feature& B) {
  touch.size = pair.size(), touch.margin = margin;
  touch.rounding_A = pair.A.rounding, touch.rounding_B = pair.B.rounding;
  const double rounding = touch.rounding_A + touch.rounding_B;
  const Separation s = separate(pair, margin + rounding);
  if (s.beyond || s.distance - rounding > margin) return false;
  touch.normal = s.normal, touch.distance = s.distance - rounding, touch.a = s.a, touch.b = s.b;
  features(pair, touch.normal, A, B);
  snap(pair, touch, A, B);
  return true;
}

int collide_cores(const Core& A, const Transformd& X_WA, const Core& B, const Transformd& X_WB, double margin,
                  Manifold* out) {
  out->count = 0;
  const Pair pair{A, B, {transpose(X_WA.R) * X_WB.R, transpose_times(X_WA.R, X_WB.p - X_WA.p)}};
  Touch touch;
  Feature fA, fB;
  if (!meet(pair, margin, touch, fA, fB)) return 0;
  Candidates c;
  clip_features(touch, fA, fB, c);
  add_nearest(touch, fA, c);
  return write_manifold(touch, c, X_WA, out);
}

bool is_bar(Kind kind) { return kind == Kind::kCapsule || kind == Kind::kCylinder; }

int collide_ordered(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                    Manifold* out) {
  if (A.kind == Kind::kSphere) {
    return B.kind == Kind::kSphere ? collide_spheres(A, X_WA, B, X_WB, margin, out)
                                   : collide_sphere(A, X_WA, B, X_WB, margin, out);
  }
  if (B.kind == Kind::kPlane) {
    return A.kind == Kind::kPlane ? (out->count = 0) : collide_plane(A, X_WA, X_WB, margin, out);
  }
  const Vec3d between = X_WB.p - X_WA.p;
  const double reach = A.bounding_radius + B.bounding_radius + margin;
  if (dot(between, between) > reach * reach) return out->count = 0;
  const Transformd T_WA = transform(X_WA), T_WB = transform(X_WB);
  int count = -1;
  if (A.kind == Kind::kBox && B.kind == Kind::kBox) count = collide_boxes(A, T_WA, B, T_WB, margin, out);
  if (is_bar(A.kind) && is_bar(B.kind)) count = collide_bars(A, T_WA, B, T_WB, margin, out);
  return count >= 0 ? count : collide_cores(core_of(A), T_WA, core_of(B), T_WB, margin, out);
}

}  // namespace

int collide(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin, Manifold* out) {
  GEOUL_EXPECTS(A.kind <= Kind::kPlane && B.kind <= Kind::kPlane && A.kind != Kind::kTriangle &&
                B.kind != Kind::kTriangle);
  if (A.kind <= B.kind) return collide_ordered(A, X_WA, B, X_WB, margin, out);
  if (collide_ordered(B, X_WB, A, X_WA, margin, out) > 0) out->normal_W = -out->normal_W;
  return out->count;
}

Distance signed_distance(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB) {
  if (A.kind > B.kind) {
    const Distance d = signed_distance(B, X_WB, A, X_WA);
    return {d.distance, d.p_b_W, d.p_a_W, -d.normal_W};
  }
  GEOUL_EXPECTS(B.kind <= Kind::kPlane && A.kind != Kind::kTriangle && B.kind != Kind::kTriangle);
  const Transformd T_WA = transform(X_WA), T_WB = transform(X_WB);
  if (A.kind == Kind::kPlane) {
    return {std::numeric_limits<double>::infinity(), T_WA.p, T_WB.p, T_WA.R.column(2)};
  }
  if (A.kind == Kind::kSphere) {
    const Nearest at = nearest_on(B, inverse(T_WB) * T_WA.p);
    const Vec3d n = -(T_WB.R * at.normal);
    return {at.distance - A.radius, T_WA.p + A.radius * n, T_WA.p + at.distance * n, n};
  }
  const Core core = core_of(A);
  if (B.kind == Kind::kPlane) {
    const Vec3d n = -T_WB.R.column(2);
    const Vec3d p = T_WA * support(core, transpose_times(T_WA.R, n)) + core.rounding * n;
    const double d = dot(n, T_WB.p - p);
    return {d, p, p + d * n, n};
  }
  const Core other = core_of(B);
  const Separation s = separate({core, other, inverse(T_WA) * T_WB}, std::numeric_limits<double>::infinity());
  const Vec3d n = T_WA.R * s.normal;
  return {s.distance - core.rounding - other.rounding, T_WA * s.a + core.rounding * n, T_WA * s.b - other.rounding * n,
          n};
}

namespace {

constexpr double kLean = 1e-7;  // sine that still counts as upright
constexpr double kOver = 0.95;  // cosine to a triangle's normal below which it is left to its neighbours

// Whether the direction g, outwards from the triangle at point p of it, belongs to this triangle rather than to one
// that shares an edge with it: between the normals of the two at every shared edge on which p lies.
bool belongs(const TriangleFace& triangle, const Vec3d& m, const Vec3d& p, const Vec3d& g, double size) {
  for (int i = 0; i < 3; ++i) {
    if (!triangle.shared[i]) continue;
    const Vec3d& from = triangle.p_W[i];
    const Vec3d e = triangle.p_W[i == 2 ? 0 : i + 1] - from, across = cross(e, m);
    const double l = norm(across);
    const Vec3d t = (1 / l) * across;  // in the plane, out over the edge
    if (dot(p - from, t) < -1e-7 * size) continue;
    const double lean = dot(g, t), limit = dot(triangle.across_W[i], t);
    if (lean <= kLean) continue;
    if (limit <= kLean || dot(g, m) * limit - lean * dot(triangle.across_W[i], m) < -kLean) return false;
  }
  return true;
}

int sphere_on_triangle(const Geometry& A, const Vec3d& centre, const TriangleFace& triangle, const Vec3d& m,
                       double margin, Manifold& out) {
  const double height = dot(m, centre - triangle.p_W[0]);
  if (triangle.one_sided && height < -A.radius) return 0;
  double weight[3];
  const Vec3d v =
      nearest_on_triangle(triangle.p_W[0] - centre, triangle.p_W[1] - centre, triangle.p_W[2] - centre, weight);
  const double l = norm(v);
  if (l - A.radius > margin) return 0;
  const double side = triangle.one_sided || height >= 0 ? 1 : -1;
  const bool over = weight[0] > 0 && weight[1] > 0 && weight[2] > 0;
  Vec3d n = -side * m;  // from the sphere to the triangle
  double distance = side * height - A.radius;
  if (!over && l > 1e-14 * (A.radius + norm(triangle.p_W[1] - triangle.p_W[0]))) {
    if (triangle.one_sided && height < 0) return 0;
    n = (1 / l) * v, distance = l - A.radius;
    if (!belongs(triangle, m, centre + v, -n, A.radius + l)) return 0;
  }
  out.normal_W = n, out.count = 1;
  out.points[0] = {centre + (A.radius + 0.5 * distance) * n, distance, triangle.id << 32};
  return 1;
}

}  // namespace

int collide_triangle(const Geometry& A, const Posed& X_WA, const TriangleFace& triangle, double margin, Manifold& out) {
  GEOUL_EXPECTS(is_convex(A.kind) && A.kind != Kind::kTriangle);
  out.count = 0;
  const Vec3d e1 = triangle.p_W[1] - triangle.p_W[0], e2 = triangle.p_W[2] - triangle.p_W[0], area = cross(e1, e2);
  const double l = norm(area), longest2 = std::fmax(dot(e1, e1), std::fmax(dot(e2, e2), dot(e2 - e1, e2 - e1)));
  if (!(l > 1e-14 * longest2)) return 0;
  const Vec3d m_W = (1 / l) * area;
  if (A.kind == Kind::kSphere) return sphere_on_triangle(A, X_WA.p, triangle, m_W, margin, out);
  const double above = dot(m_W, X_WA.p - triangle.p_W[0]);
  if (std::abs(above) > A.bounding_radius + margin) return 0;

  const Transformd X_WAt = transform(X_WA);
  const auto to_A = [&](const Vec3d& p) { return transpose_times(X_WAt.R, p - X_WAt.p); };
  const Core core = core_of(A),
             face = triangle_core({to_A(triangle.p_W[0]), to_A(triangle.p_W[1]), to_A(triangle.p_W[2])},
                                  transpose_times(X_WAt.R, m_W));
  const Vec3d& m = face.triangle_normal;
  const double top = above + dot(m, support(core, m)) + core.rounding;
  if (triangle.one_sided && top <= 0) return 0;
  const Pair pair{core, face, {}};
  Touch touch;
  Feature fA, fB;
  if (!meet(pair, margin, touch, fA, fB)) return 0;
  const Vec3d g_W = -(X_WAt.R * touch.normal);
  const bool outwards = !triangle.one_sided || dot(g_W, m_W) >= -kLean;
  if (!outwards || !belongs(triangle, m_W, X_WAt * touch.b, g_W, touch.size)) {
    // Apart: another triangle is nearer; but what of a face lies over this one still rests on it.
    const bool apart = touch.distance + core.rounding > -kSnap * touch.size;
    if (apart && !(dot(g_W, m_W) > kOver)) return 0;
    touch.normal = -m;
    touch.distance = gap_along(pair, -m) - core.rounding;
    features(pair, touch.normal, fA, fB);
    Candidates c;
    clip_features(touch, fA, fB, c);
    if (c.count == 0 && apart) return 0;
    if (c.count == 0) add_nearest(touch, fA, c);
    write_manifold(touch, c, X_WAt, &out);
  } else {
    Candidates c;
    clip_features(touch, fA, fB, c);
    add_nearest(touch, fA, c);
    write_manifold(touch, c, X_WAt, &out);
  }
  for (int i = 0; i < out.count; ++i) out.points[i].id |= triangle.id << 32;
  return out.count;
}

int collide_triangle(const Geometry& A, const Posed& X_WA, const Vec3d tri_W[3], double margin,
                     std::uint64_t triangle_id, Manifold& out) {
  TriangleFace triangle;
  for (int i = 0; i < 3; ++i) triangle.p_W[i] = tri_W[i];
  triangle.id = triangle_id, triangle.one_sided = false;
  return collide_triangle(A, X_WA, triangle, margin, out);
}

}  // namespace geoul::collision
