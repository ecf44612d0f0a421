#include "geoul/collision/closed_forms.h"

#include <algorithm>
#include <cmath>

#include "geoul/collision/gjk.h"
#include "geoul/collision/manifold.h"

namespace geoul::collision {
namespace {

Nearest from_point(const Vec3d& to_p, const Vec3d& otherwise) {  // otherwise: normal where the distance is zero
  const double d = norm(to_p);
  return d > 0 ? Nearest{d, (1 / d) * to_p} : Nearest{0, otherwise};
}

Nearest nearest_on_box(const Vec3d& half, const Vec3d& p) {
  Vec3d out;
  int k = 0;
  double shallow = -1e300;
  for (int i = 0; i < 3; ++i) {
    const double d = std::abs(p[i]) - half[i];
    if (d > shallow) shallow = d, k = i;
    if (d > 0) out[i] = std::copysign(d, p[i]);
  }
  Vec3d face;
  face[k] = std::copysign(1.0, p[k]);
  return shallow <= 0 ? Nearest{shallow, face} : from_point(out, face);
}

Nearest nearest_on_cylinder(double radius, double half_height, const Vec3d& p) {
  const double rho = std::sqrt(p.x * p.x + p.y * p.y), side = rho - radius, cap = std::abs(p.z) - half_height;
  const Vec3d across = rho > 0 ? Vec3d{p.x / rho, p.y / rho, 0} : Vec3d{1, 0, 0};
  const Vec3d up{0, 0, std::copysign(1.0, p.z)};
  if (side > 0 && cap > 0) {
    const double d = std::sqrt(side * side + cap * cap);
    return {d, (side / d) * across + (cap / d) * up};
  }
  return side > cap ? Nearest{side, across} : Nearest{cap, up};
}

Nearest nearest_on_cone(double radius, double h, const Vec3d& p) {
  const double rho = std::sqrt(p.x * p.x + p.y * p.y), slant = std::sqrt(radius * radius + 4 * h * h);
  const Vec3d across = rho > 0 ? Vec3d{p.x / rho, p.y / rho, 0} : Vec3d{1, 0, 0};
  const double c = 2 * h / slant, s = radius / slant;  // the side's normal: c across + s up
  const double base = -h - p.z, side = c * (rho - radius) + s * (p.z + h);
  const Vec3d side_normal = c * across + Vec3d{0, 0, s};
  if (base <= 0 && side <= 0) return side >= base ? Nearest{side, side_normal} : Nearest{base, {0, 0, -1}};
  const double along = -s * (rho - radius) + c * (p.z + h);  // up the side from the rim
  if (base > 0 && rho <= radius) return {base, {0, 0, -1}};
  if (along >= slant) return from_point(p - Vec3d{0, 0, h}, {0, 0, 1});
  if (along >= 0) return {side, side_normal};
  return from_point((rho - radius) * across + Vec3d{0, 0, p.z + h}, across);  // the rim
}

Nearest nearest_on_hull(const Geometry& g, const Vec3d& p) {
  const Hull& hull = *g.hull;
  int best = 0;
  double most = -1e300;
  for (int f = 0; f < int(hull.faces.size()); ++f) {
    const double d = dot(hull.faces[f].normal, p) - hull.faces[f].offset;
    if (d > most) most = d, best = f;
  }
  const Nearest face{most, hull.faces[best].normal};
  if (most <= 0) return face;
  const Core core = core_of(g), centre;
  const Separation s = separate({core, centre, {Mat3d::identity(), p}}, 1e300);
  if (s.distance <= most + kSnap * core.size) return face;
  return {s.distance, s.normal};
}

int one_point(const Vec3d& normal, const Vec3d& p, double distance, Manifold* out) {
  out->normal_W = normal, out->count = 1;
  out->points[0] = {p, distance, 0};
  return 1;
}

}  // namespace

Nearest nearest_on(const Geometry& g, const Vec3d& p) {
  switch (g.kind) {
    case Kind::kBox: return nearest_on_box(g.half, p);
    case Kind::kCylinder: return nearest_on_cylinder(g.radius, g.half_height, p);
    case Kind::kCone: return nearest_on_cone(g.radius, g.half_height, p);
    case Kind::kHull: return nearest_on_hull(g, p);
    case Kind::kPlane: return {p.z, {0, 0, 1}};
    default: break;
  }
  const double z = g.kind == Kind::kCapsule ? clamp(p.z, -g.half_height, g.half_height) : 0;
  Nearest n = from_point({p.x, p.y, p.z - z}, g.kind == Kind::kCapsule ? Vec3d{1, 0, 0} : Vec3d{0, 0, 1});
  n.distance -= g.radius;
  return n;
}

int collide_spheres(const Geometry& A, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                    Manifold* out) {
  const Vec3d d = X_WB.p - X_WA.p;
  const double d2 = dot(d, d), reach = A.radius + B.radius + margin;
  if (d2 > reach * reach) return out->count = 0;
  const double l = std::sqrt(d2);
  const Vec3d n = l > 0 ? (1 / l) * d : Vec3d{0, 0, 1};
  return one_point(n, X_WA.p + (0.5 * (l + A.radius - B.radius)) * n, l - A.radius - B.radius, out);
}

int collide_sphere(const Geometry& sphere, const Posed& X_WA, const Geometry& B, const Posed& X_WB, double margin,
                   Manifold* out) {
  const double reach = sphere.radius + margin;
  const Mat3d R = rotation_matrix(X_WB.R);
  const Vec3d c = transpose_times(R, X_WA.p - X_WB.p);
  if (B.kind != Kind::kPlane) {
    for (int i = 0; i < 3; ++i) {
      if (c[i] > B.high[i] + reach || c[i] < B.low[i] - reach) return out->count = 0;
    }
  }
  const Nearest nearest = nearest_on(B, c);
  const double distance = nearest.distance - sphere.radius;
  if (distance > margin) return out->count = 0;
  const Vec3d n = -(R * nearest.normal);
  return one_point(n, X_WA.p + (sphere.radius + 0.5 * distance) * n, distance, out);
}

int collide_plane(const Geometry& A, const Posed& X_WA, const Posed& X_WP, double margin, Manifold* out) {
  const Mat3d R_WA = rotation_matrix(X_WA.R), R_WP = rotation_matrix(X_WP.R);
  const Vec3d up_W = R_WP.column(2);
  const double height = dot(up_W, X_WA.p - X_WP.p);
  out->count = 0;
  if (height > A.bounding_radius + margin) return 0;
  const Core core = core_of(A);
  const Vec3d down = -transpose_times(R_WA, up_W);
  Feature feature;
  feature_along(core, down, feature);
  Candidates c;
  const auto add = [&](const Vec3d& p, std::uint32_t id) {
    const double gap = height - dot(down, p) - core.rounding;
    if (gap <= margin) c.add(p + (core.rounding + 0.5 * gap) * down, gap, id);
  };
  for (int i = 0; i < feature.count; ++i) {
    const std::uint32_t k = feature.id[i] & 0xff;
    if (!feature.disc || k == 0 || k == 1 || k == 5 || k == 9) add(feature.p[i], feature.id[i]);
  }
  if (core.kind == Kind::kHull) {  // round hulls reach further than their lowest face shows
    int v = 0;
    const Vec3d p = support(core, down, v);
    bool there = false;
    for (int i = 0; i < c.count; ++i) there |= c.id[i] == (std::uint32_t(v) & 0x3fff);
    if (!there) add(p, std::uint32_t(v) & 0x3fff);
  }
  Touch touch;
  touch.normal = down, touch.size = core.size;
  return write_manifold(touch, c, {R_WA, X_WA.p}, out);
}

int collide_bars(const Geometry& A, const Transformd& X_WA, const Geometry& B, const Transformd& X_WB, double margin,
                 Manifold* out) {
  // Nearest points of the two axes. Source: Ericson, Real-Time Collision Detection (2005), 5.1.9.
  const Vec3d u = X_WA.R.column(2), v = X_WB.R.column(2), r = X_WA.p - X_WB.p;
  const double hA = A.half_height, hB = B.half_height, cosine = dot(u, v), ur = dot(u, r), vr = dot(v, r);
  const Vec3d uv = cross(u, v);
  const double sine2 = dot(uv, uv);
  double s = sine2 > 1e-24 ? clamp((cosine * vr - ur) / sine2, -hA, hA) : clamp(-ur, -hA, hA);
  double t = cosine * s + vr;
  if (t < -hB || t > hB) {
    t = clamp(t, -hB, hB);
    s = clamp(cosine * t - ur, -hA, hA);
  }
  const Vec3d a = X_WA.p + s * u, b = X_WB.p + t * v, d = b - a;
  const double l = norm(d), distance = l - A.radius - B.radius;
  if (distance > margin) return out->count = 0;  // round ends reach further than flat ones
  const bool along = std::abs(dot(d, u)) <= 1e-9 * l || A.kind == Kind::kCapsule;
  const bool across = std::abs(dot(d, v)) <= 1e-9 * l || B.kind == Kind::kCapsule;
  if (!along || !across) return -1;
  if (distance < 0 && !(A.kind == Kind::kCapsule && B.kind == Kind::kCapsule)) {  // an end may be the shorter way out
    const double shortest = std::min({A.radius, B.radius, hA, hB});
    if (-distance > 0.25 * shortest) return -1;
    if (A.kind == Kind::kCylinder && hA - std::abs(s) < -distance) return -1;
    if (B.kind == Kind::kCylinder && hB - std::abs(t) < -distance) return -1;
  }
  if (l <= 1e-12 * (A.bounding_radius + B.bounding_radius) && sine2 < 1e-24) {
    if (A.kind != Kind::kCapsule || B.kind != Kind::kCapsule) return -1;
  }
  Touch touch;
  touch.normal = l > 1e-14 * (A.bounding_radius + B.bounding_radius) ? (1 / l) * d
                 : sine2 > 1e-24                                     ? (1 / std::sqrt(sine2)) * uv
                                                                     : any_perpendicular(u);
  touch.distance = distance, touch.margin = margin, touch.a = a, touch.b = b;
  touch.rounding_A = A.radius, touch.rounding_B = B.radius, touch.size = A.bounding_radius + B.bounding_radius;
  Feature fA, fB;
  const auto axis = [](const Geometry& g, const Vec3d& p, const Vec3d& w, Feature& f) {
    f.count = 2, f.p[0] = p + g.half_height * w, f.id[0] = 1, f.p[1] = p - g.half_height * w, f.id[1] = 2;
  };
  axis(A, X_WA.p, u, fA), axis(B, X_WB.p, v, fB);
  Candidates c;
  clip_features(touch, fA, fB, c);
  add_nearest(touch, fA, c);
  return write_manifold(touch, c, {}, out);
}

}  // namespace geoul::collision
