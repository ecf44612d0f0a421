#include "geoul/collision/narrow.h"

#include <algorithm>
#include <array>
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

// The face of a core whose plane is farthest from a point (in the core's frame) on its outer side; none: false.
bool face_towards(const Core& core, const Vec3d& p, Vec3d& normal) {
  switch (core.kind) {
    case Kind::kBox: {
      const Vec3d d{std::abs(p.x) - core.half.x, std::abs(p.y) - core.half.y, std::abs(p.z) - core.half.z};
      const int k = d.x >= d.y && d.x >= d.z ? 0 : d.y >= d.z ? 1 : 2;
      normal = {}, normal[k] = p[k] < 0 ? -1 : 1;
      return true;
    }
    case Kind::kCylinder: normal = {0, 0, p.z < 0 ? -1.0 : 1.0}; return true;
    case Kind::kCone: normal = {0, 0, -1}; return true;
    case Kind::kHull: {
      double most = -1e300;
      for (const HullFace& face : core.hull->faces) {
        const double d = dot(face.normal, p) - face.offset;
        if (d > most) most = d, normal = face.normal;
      }
      return true;
    }
    case Kind::kTriangle:
      normal = dot(core.triangle_normal, p - core.triangle[0]) < 0 ? -core.triangle_normal : core.triangle_normal;
      return true;
    default: return false;
  }
}

// How far inside its edges a point stands over the polygon.
double inset(const Feature& f, const Vec3d& p) {
  if (f.disc) {
    const Vec3d d = p - f.disc_centre;
    return f.disc_radius - norm(d - dot(d, f.normal) * f.normal);
  }
  double least = 1e300;
  for (int i = 0; i < f.count; ++i) {
    const Vec3d e = f.p[i + 1 == f.count ? 0 : i + 1] - f.p[i], inward = cross(f.normal, e);
    least = std::min(least, dot(p - f.p[i], inward) / norm(e));
  }
  return least;
}

// Whether no direction parts overlapping cores by less than `depth` along n. The points of A - B that lie as far along
// n hold a disc of radius `inset` about the foot of the origin, and with the point farthest the other way they make a
// cone within A - B: enough where it holds the ball of radius `depth`.
bool is_least(const Pair& pair, const Vec3d& n, double depth, double inset) {
  int hint = 0, other = 0;
  const Vec3d q = pair.support_A(-n, hint) - pair.support_B(n, other);
  const double below = -dot(q, n), aside = norm(q + below * n), height = below + depth;
  if (!(height > 0) || !(inset > 0)) return false;
  const double slope = std::sqrt(height * height + (inset + aside) * (inset + aside));
  return inset * below - aside * depth >= depth * slope;
}

enum class Facing { kUnknown, kApart, kFound };

// Where a face of one of the two tells all: the other is beyond it, or meets it within its edges. No search is needed.
Facing meet_faces(const Pair& pair, Touch& touch, Feature& A, Feature& B, Candidates& c) {
  const double rounding = touch.rounding_A + touch.rounding_B;
  double most = -1e300;
  Vec3d n;
  bool of_A = true;
  if (Vec3d m; face_towards(pair.A, pair.X_AB * pair.B.centre, m)) {
    most = gap_along(pair, m), n = m;
    if (most - rounding > touch.margin) return Facing::kApart;
  }
  if (Vec3d m; face_towards(pair.B, transpose_times(pair.X_AB.R, pair.A.centre - pair.X_AB.p), m)) {
    m = -(pair.X_AB.R * m);
    const double gap = gap_along(pair, m);
    if (gap - rounding > touch.margin) return Facing::kApart;
    if (gap > most + kSnap * touch.size) most = gap, n = m, of_A = false;
  }
  if (most == -1e300 || most < -0.2 * std::min(pair.A.size, pair.B.size)) return Facing::kUnknown;
  touch.normal = n, touch.distance = most - rounding;
  features(pair, n, A, B);
  const Feature& face = of_A ? A : B;
  if (face.count < 3) return Facing::kUnknown;
  c.count = 0;
  clip_features(touch, A, B, c);
  Vec3d middle;
  int reaching = 0;
  for (int i = 0; i < c.count; ++i) {
    if (c.gap[i] <= touch.distance + kSnap * touch.size) middle += c.p[i], ++reaching;
  }
  if (reaching == 0) return Facing::kUnknown;
  middle = (1.0 / reaching) * middle;
  const double inside = inset(face, middle);
  if (most > 0 ? inside < 0 : !is_least(pair, n, -most, inside)) return Facing::kUnknown;
  touch.a = middle - (0.5 * touch.distance + touch.rounding_A) * n;
  touch.b = middle + (0.5 * touch.distance + touch.rounding_B) * n;
  return Facing::kFound;
}

// Nearest directions, features and points of two cores; false where they are farther apart than the margin.
bool meet(const Pair& pair, double margin, Touch& touch, Feature& A, Feature& B, Candidates& c) {
  touch.size = pair.size(), touch.margin = margin;
  touch.rounding_A = pair.A.rounding, touch.rounding_B = pair.B.rounding;
  const Facing facing = meet_faces(pair, touch, A, B, c);
  if (facing != Facing::kUnknown) return facing == Facing::kFound;
  const double rounding = touch.rounding_A + touch.rounding_B;
  const Separation s = separate(pair, margin + rounding);
  if (s.beyond || s.distance - rounding > margin) return false;
  touch.normal = s.normal, touch.distance = s.distance - rounding, touch.a = s.a, touch.b = s.b;
  features(pair, touch.normal, A, B);
  snap(pair, touch, A, B);
  c.count = 0;
  clip_features(touch, A, B, c);
  add_nearest(touch, A, c);
  return true;
}

int collide_cores(const Core& A, const Transformd& X_WA, const Core& B, const Transformd& X_WB, double margin,
                  Manifold* out) {
  out->count = 0;
  const Pair pair{A, B, {transpose(X_WA.R) * X_WB.R, transpose_times(X_WA.R, X_WB.p - X_WA.p)}};
  Touch touch;
  Feature fA, fB;
  Candidates c;
  if (!meet(pair, margin, touch, fA, fB, c)) return 0;
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

constexpr double kLean = 1e-7;     // sine that still counts as upright
constexpr double kBend = 0.035;    // sine of a ridge whose sides' normals stand for all between them: two degrees
constexpr double kShallow = 0.05;  // of the shape's size: deeper points over a triangle need not be points in the solid
constexpr double kOver = 0.95;     // cosine to a triangle's normal below which it is left to its neighbours

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

// Whether the triangle's own normal, on the side of A, is all that it may give: every edge leads on to a triangle that
// lies higher, or lower by so little that its own normal does as well.
bool is_inner(const TriangleFace& triangle, const Vec3d& m, double side) {
  for (int i = 0; i < 3; ++i) {
    if (!triangle.shared[i]) return false;
    const Vec3d out = cross(triangle.p_W[i == 2 ? 0 : i + 1] - triangle.p_W[i], m);
    const double limit = side * dot(triangle.across_W[i], out);
    if (limit > 0 && limit * limit > kBend * kBend * dot(out, out)) return false;
  }
  return true;
}

// Points of A's lowest feature and its lowest point, as far as they stand over a triangle, along its normal m (in A's
// frame, towards A).
void stand_on(const Pair& pair, const Vec3d& m, double margin, Touch& touch, Candidates& c) {
  touch.size = pair.size(), touch.margin = margin, touch.rounding_A = pair.A.rounding;
  touch.normal = -m, touch.distance = gap_along(pair, -m) - pair.A.rounding;
  if (touch.distance > margin) return;
  Feature A, B;
  features(pair, touch.normal, A, B);
  clip_features(touch, A, B, c);
  touch.a = support(pair.A, touch.normal);
  if (inset(B, touch.a) < -1e-9 * touch.size) return;
  touch.b = touch.a + (touch.distance + touch.rounding_A) * touch.normal;
  add_nearest(touch, A, c);
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
  std::array<Vec3d, 3> corners;
  for (std::size_t i = 0; i < 3; ++i) corners[i] = transpose_times(X_WAt.R, triangle.p_W[i] - X_WAt.p);
  const Core core = core_of(A), face = triangle_core(corners, transpose_times(X_WAt.R, m_W));
  const Vec3d& m = face.triangle_normal;
  const double top = above + dot(m, support(core, m)) + core.rounding;
  if (triangle.one_sided && top <= 0) return 0;
  const Pair pair{core, face, {}};
  Touch touch;
  Candidates c;
  const auto write = [&] {
    write_manifold(touch, c, X_WAt, &out);
    for (int i = 0; i < out.count; ++i) out.points[i].id |= triangle.id << 32;
    return out.count;
  };
  const double side = triangle.one_sided || above >= 0 ? 1 : -1;
  if (is_inner(triangle, m_W, side)) {
    stand_on(pair, side * m, margin, touch, c);
    const double depth = -touch.distance;
    // Where no point stands over this triangle, those that are deepest stand over its neighbours.
    if (depth < -margin || (depth < kShallow * core.size && depth < side * above)) return c.count > 0 ? write() : 0;
    c.count = 0;
  }
  Feature fA, fB;
  if (!meet(pair, margin, touch, fA, fB, c)) return 0;
  const Vec3d g_W = -(X_WAt.R * touch.normal);
  const bool outwards = !triangle.one_sided || dot(g_W, m_W) >= -kLean;
  if (!outwards || !belongs(triangle, m_W, X_WAt * touch.b, g_W, touch.size)) {
    // Apart: another triangle is nearer; but what of a face lies over this one still rests on it.
    const bool apart = touch.distance + core.rounding > -kSnap * touch.size;
    if (apart && !(dot(g_W, m_W) > kOver)) return 0;
    touch.normal = -m;
    touch.distance = gap_along(pair, -m) - core.rounding;
    features(pair, touch.normal, fA, fB);
    c.count = 0;
    clip_features(touch, fA, fB, c);
    if (c.count == 0 && apart) return 0;
    if (c.count == 0) add_nearest(touch, fA, c);
  }
  return write();
}

int collide_triangle(const Geometry& A, const Posed& X_WA, const Vec3d tri_W[3], double margin,
                     std::uint64_t triangle_id, Manifold& out) {
  TriangleFace triangle;
  for (int i = 0; i < 3; ++i) triangle.p_W[i] = tri_W[i];
  triangle.id = triangle_id, triangle.one_sided = false;
  return collide_triangle(A, X_WA, triangle, margin, out);
}

}  // namespace geoul::collision
