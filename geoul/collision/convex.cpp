#include "geoul/collision/convex.h"

#include <algorithm>

namespace geoul::collision {
namespace {

constexpr double kHalfRoot = 0.70710678118654752;
constexpr int kClimb = 128;  // hulls of more vertices are climbed along their edges

// Angles of the fixed corners of a disc: 30 degrees apart, in an order that makes {0, 4, 8} a triangle of the largest
// area.
constexpr double kRoot3Half = 0.86602540378443865;
constexpr double kCos[12] = {1, kRoot3Half, 0.5, 0, -0.5, -kRoot3Half, -1, -kRoot3Half, -0.5, 0, 0.5, kRoot3Half};
constexpr double kSin[12] = {0, 0.5, kRoot3Half, 1, kRoot3Half, 0.5, 0, -0.5, -kRoot3Half, -1, -kRoot3Half, -0.5};

constexpr std::uint32_t kTop = 0x100, kBottom = 0x200, kTip = 0x300;

// The round face at height z, turned up (+1) or down (-1). Corner ids: base + 1 + k fixed, base the farthest along n.
void disc_feature(double radius, double z, double up, std::uint32_t base, const Vec3d& n, Feature& out) {
  const double across = std::sqrt(n.x * n.x + n.y * n.y);
  // Straight down there is no farthest point: 15 degrees lies between fixed corners.
  const double c = across > 0 ? n.x / across : 0.96592582628906829, s = across > 0 ? n.y / across : 0.25881904510252076;
  int after = 0;  // fixed corner counter-clockwise before the farthest one
  double best = -2;
  for (int k = 0; k < 12; ++k) {  // the last fixed one that is not to the left of it, and nearest
    const double left = kCos[k] * s - kSin[k] * c, along = kCos[k] * c + kSin[k] * s;
    if (left >= 0 && along > best) best = along, after = k;
  }
  out.count = 0;
  for (int i = 0; i < 12; ++i) {
    const int k = up > 0 ? i : 11 - i;
    const auto put = [&](double x, double y, std::uint32_t id) {
      out.p[out.count] = {radius * x, radius * y, z};
      out.id[out.count++] = id;
    };
    if (up < 0 && k == after) put(c, s, base);
    put(kCos[k], kSin[k], base + 1 + std::uint32_t(k));
    if (up > 0 && k == after) put(c, s, base);
  }
  out.normal = {0, 0, up};
  out.disc = true, out.disc_centre = {0, 0, z}, out.disc_radius = radius;
}

void point(const Vec3d& p, std::uint32_t id, Feature& out) {
  out.count = 1, out.p[0] = p, out.id[0] = id, out.normal = {};
}

void segment(const Vec3d& a, std::uint32_t ia, const Vec3d& b, std::uint32_t ib, const Vec3d& normal, double bend,
             Feature& out) {
  out.count = 2, out.p[0] = a, out.id[0] = ia, out.p[1] = b, out.id[1] = ib, out.normal = normal, out.bend = bend;
}

void cone_feature(const Core& core, const Vec3d& n, Feature& out) {
  const double h = core.half_height, r = core.radius, slant = std::sqrt(r * r + 4 * h * h);
  const double side_across = 2 * h / slant, side_up = r / slant;  // the side's normal
  const double across = std::sqrt(n.x * n.x + n.y * n.y);
  const double side = side_across * across + side_up * n.z;
  if (-n.z >= side) return disc_feature(r, -h, -1, kBottom, n, out);
  const double c = across > 0 ? n.x / across : 1, s = across > 0 ? n.y / across : 0;
  if (side < kHalfRoot) {  // past both of them: over the tip, or over the rim
    if (2 * h * n.z >= r * across) return point({0, 0, h}, kTip, out);
    return point({r * c, r * s, -h}, kBottom, out);
  }
  segment({r * c, r * s, -h}, kBottom, {0, 0, h}, kTip, {side_across * c, side_across * s, side_up}, r, out);
}

// Of the faces that reach as far along n as the hull does, the one most nearly perpendicular to n.
int hull_face(const Hull& hull, const Vec3d& n, double size) {
  int best = 0;
  double most = -2;
  for (int f = 0; f < int(hull.faces.size()); ++f) {
    const double d = dot(hull.faces[f].normal, n);
    if (d > most + 1e-12) most = d, best = f;
  }
  if (most > 1 - 1e-9) return best;
  const double reach = dot(hull.vertices[hull_support(hull, n, 0)], n) - 1e-9 * size;
  const auto reaches = [&](const HullFace& face) {
    for (int i = 0; i < face.count; ++i) {
      if (dot(hull.vertices[hull.corners[face.first + i]], n) >= reach) return true;
    }
    return false;
  };
  if (reaches(hull.faces[best])) return best;
  most = -2;
  for (int f = 0; f < int(hull.faces.size()); ++f) {
    const double d = dot(hull.faces[f].normal, n);
    if (d > most + 1e-12 && reaches(hull.faces[f])) most = d, best = f;
  }
  return best;
}

void hull_feature(const Core& core, const Vec3d& n, Feature& out) {
  const Hull& hull = *core.hull;
  const HullFace& face = hull.faces[hull_face(hull, n, core.size)];
  out.count = std::min(face.count, Feature::kMax);
  for (int i = 0; i < out.count; ++i) {
    const int v = hull.corners[face.first + (face.count <= Feature::kMax ? i : i * face.count / Feature::kMax)];
    out.p[i] = hull.vertices[v], out.id[i] = std::uint32_t(v) & 0x3fff;
  }
  out.normal = face.normal;
}

}  // namespace

void box_feature(const Vec3d& half, const Vec3d& n, Feature& out) {
  const Vec3d a{std::abs(n.x), std::abs(n.y), std::abs(n.z)};
  const int k = a.z >= a.x && a.z >= a.y ? 2 : a.x >= a.y ? 0 : 1;
  const int i = k == 2 ? 0 : k + 1, j = i == 2 ? 0 : i + 1;
  const double up = n[k] < 0 ? -1 : 1;
  static constexpr double kI[4] = {-1, 1, 1, -1}, kJ[4] = {-1, -1, 1, 1};
  out.count = 4;
  for (int c = 0; c < 4; ++c) {
    const int turn = up > 0 ? c : 3 - c;
    Vec3d& p = out.p[c];
    p[k] = up * half[k], p[i] = kI[turn] * half[i], p[j] = kJ[turn] * half[j];
    out.id[c] = (p.x > 0 ? 1u : 0u) | (p.y > 0 ? 2u : 0u) | (p.z > 0 ? 4u : 0u);
  }
  out.normal = {}, out.normal[k] = up;
}

Core core_of(const Geometry& g) {
  Core core;
  core.kind = g.kind, core.half = g.half, core.half_height = g.half_height, core.hull = g.hull.get();
  core.size = g.bounding_radius;
  if (g.kind == Kind::kSphere || g.kind == Kind::kCapsule) {
    core.rounding = g.radius;
  } else {
    core.radius = g.radius;
  }
  if (g.kind == Kind::kHull) {
    core.centre = 0.5 * (g.low + g.high);  // inside every half space: see make_hull's exact surface
    core.size = 0.5 * norm(g.high - g.low);
  }
  return core;
}

Core triangle_core(const std::array<Vec3d, 3>& corners, const Vec3d& unit_normal) {
  Core core;
  core.kind = Kind::kTriangle, core.triangle = corners, core.triangle_normal = unit_normal;
  core.centre = (1.0 / 3) * (corners[0] + corners[1] + corners[2]);
  for (const Vec3d& p : corners) core.size = std::max(core.size, norm(p - core.centre));
  return core;
}

int hull_support(const Hull& hull, const Vec3d& d, int start) {
  const int n = int(hull.vertices.size());
  if (n <= kClimb) {
    const double* x = hull.xs.data();
    const double* y = hull.ys.data();
    const double* z = hull.zs.data();
    double best[4] = {-1e300, -1e300, -1e300, -1e300};
    int at[4] = {0, 0, 0, 0};
    for (int i = 0; i < int(hull.xs.size()); i += 4) {
      for (int k = 0; k < 4; ++k) {
        const double h = x[i + k] * d.x + y[i + k] * d.y + z[i + k] * d.z;
        const bool more = h > best[k];
        best[k] = more ? h : best[k];
        at[k] = more ? i + k : at[k];
      }
    }
    int lane = 0;
    for (int k = 1; k < 4; ++k) {
      if (best[k] > best[lane] || (best[k] == best[lane] && at[k] < at[lane])) lane = k;
    }
    return at[lane] < n ? at[lane] : 0;
  }
  int at = start;
  double best = dot(hull.vertices[at], d);
  for (bool moved = true; moved;) {
    moved = false;
    const int from = at;
    for (int k = hull.neighbour_begin[from]; k < hull.neighbour_begin[from + 1]; ++k) {
      const double h = dot(hull.vertices[hull.neighbours[k]], d);
      if (h > best) best = h, at = hull.neighbours[k], moved = true;
    }
  }
  return at;
}

Vec3d support(const Core& core, const Vec3d& d, int& hint) {
  switch (core.kind) {
    case Kind::kCapsule: return {0, 0, d.z >= 0 ? core.half_height : -core.half_height};
    case Kind::kBox:
      return {std::copysign(core.half.x, d.x), std::copysign(core.half.y, d.y), std::copysign(core.half.z, d.z)};
    case Kind::kCylinder: {
      const double across = std::sqrt(d.x * d.x + d.y * d.y), s = across > 0 ? core.radius / across : 0;
      return {s * d.x, s * d.y, d.z >= 0 ? core.half_height : -core.half_height};
    }
    case Kind::kCone: {
      const double across = std::sqrt(d.x * d.x + d.y * d.y);
      if (2 * core.half_height * d.z >= core.radius * across) return {0, 0, core.half_height};
      const double s = across > 0 ? core.radius / across : 0;
      return {s * d.x, s * d.y, -core.half_height};
    }
    case Kind::kHull: hint = hull_support(*core.hull, d, hint); return core.hull->vertices[hint];
    case Kind::kTriangle: {
      const double a = dot(core.triangle[0], d), b = dot(core.triangle[1], d), c = dot(core.triangle[2], d);
      return core.triangle[a >= b && a >= c ? 0 : b >= c ? 1 : 2];
    }
    default: return {};
  }
}

void feature_along(const Core& core, const Vec3d& n, Feature& out) {
  out.disc = false, out.bend = 0;
  switch (core.kind) {
    case Kind::kCapsule: {
      const double h = core.half_height, across = std::sqrt(n.x * n.x + n.y * n.y);
      if (n.z > kHalfRoot) return point({0, 0, h}, 1, out);
      if (n.z < -kHalfRoot) return point({0, 0, -h}, 2, out);
      return segment({0, 0, h}, 1, {0, 0, -h}, 2, {n.x / across, n.y / across, 0}, 0, out);
    }
    case Kind::kBox: return box_feature(core.half, n, out);
    case Kind::kCylinder: {
      const double h = core.half_height, r = core.radius, across = std::sqrt(n.x * n.x + n.y * n.y);
      if (n.z >= kHalfRoot) return disc_feature(r, h, 1, kTop, n, out);
      if (n.z <= -kHalfRoot) return disc_feature(r, -h, -1, kBottom, n, out);
      const double c = n.x / across, s = n.y / across;
      return segment({r * c, r * s, h}, kTop, {r * c, r * s, -h}, kBottom, {c, s, 0}, r, out);
    }
    case Kind::kCone: return cone_feature(core, n, out);
    case Kind::kHull: return hull_feature(core, n, out);
    case Kind::kTriangle: {
      const bool up = dot(n, core.triangle_normal) >= 0;
      out.count = 3, out.normal = up ? core.triangle_normal : -core.triangle_normal;
      for (int i = 0; i < 3; ++i) {
        const int k = up ? i : 2 - i;
        out.p[i] = core.triangle[k], out.id[i] = std::uint32_t(k);
      }
      return;
    }
    default: return point({}, 0, out);
  }
}

}  // namespace geoul::collision
