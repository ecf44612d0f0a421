#include "geoul/scene/formats/mjcf/solid.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace geoul::scene::mjcf {
namespace {

using std::numbers::pi;

Solid diagonal(double volume, double xx, double yy, double zz) { return {volume, {}, {xx, yy, zz, 0, 0, 0}}; }

constexpr std::size_t kMostWork = 400'000'000;  // points times faces of a hull: about a second

// Twice the area times the normal of a triangle.
Vec3d twice_area(const Vec3d& a, const Vec3d& b, const Vec3d& c) { return cross(b - a, c - a); }

}  // namespace

std::optional<Solid> solid_of_mesh(std::span<const Vec3d> vertices, std::span<const Triangle> triangles,
                                   MeshInertia kind) {
  std::vector<Triangle> hull;
  Vec3d apex;
  double area = 0;
  for (const Triangle& t : triangles) {
    const Vec3d &a = vertices[t[0]], &b = vertices[t[1]], &c = vertices[t[2]];
    const double own = norm(twice_area(a, b, c)) / 2;
    area += own;
    apex += (own / 3) * (a + b + c);
  }
  if (area > 0) apex = (1 / area) * apex;
  if (kind == MeshInertia::kConvex || triangles.empty()) {
    hull = convex_hull(vertices);
    triangles = hull;
    if (hull.empty()) return std::nullopt;
    if (area == 0) apex = vertices[0];
  }
  const auto share = [&](const Vec3d& a, const Vec3d& b, const Vec3d& c) {  // a, b, c seen from the apex
    if (kind == MeshInertia::kShell) return norm(twice_area(a, b, c)) / 2;
    const double volume = dot(a, cross(b, c)) / 6;
    return kind == MeshInertia::kLegacy ? std::abs(volume) : volume;
  };
  Solid out;
  Vec3d first;
  for (const Triangle& t : triangles) {
    const Vec3d a = vertices[t[0]] - apex, b = vertices[t[1]] - apex, c = vertices[t[2]] - apex;
    const double v = share(a, b, c);
    out.volume += v;
    first += (kind == MeshInertia::kShell ? v / 3 : v / 4) * (a + b + c);
  }
  if (!(out.volume > 1e-15)) return std::nullopt;
  out.center = apex + (1 / out.volume) * first;
  // Products of inertia from the centre; legacy counts its pyramids from there once more, and so their volume.
  out.volume = 0;
  Mat3d second{};
  for (const Triangle& t : triangles) {
    const Vec3d a = vertices[t[0]] - out.center, b = vertices[t[1]] - out.center, c = vertices[t[2]] - out.center;
    const double v = share(a, b, c);
    const Vec3d s = a + b + c;
    out.volume += v;
    second += (v / (kind == MeshInertia::kShell ? 12 : 20)) * (outer(a, a) + outer(b, b) + outer(c, c) + outer(s, s));
  }
  if (!(out.volume > 0)) return std::nullopt;
  out.inertia = symmetric_part(Mat3d::diagonal(trace(second) * Vec3d{1, 1, 1}) - second);
  return out;
}

Solid shell_of_sphere(double r) {
  const double area = 4 * pi * r * r, i = area * 2 / 3 * r * r;
  return diagonal(area, i, i, i);
}

Solid shell_of_capsule(double r, double h) {
  const double caps = 4 * pi * r * r, barrel = 2 * pi * r * h;
  // The centre of a hemisphere's surface is r/2 from its rim.
  const double away = h / 2 + r / 2;
  const double side = barrel * (6 * r * r + h * h) / 12 + caps * (2.0 / 3 * r * r + away * away - r * r / 4);
  return diagonal(caps + barrel, side, side, barrel * r * r + caps * 2 / 3 * r * r);
}

Solid shell_of_cylinder(double r, double h) {
  const double disk = pi * r * r, barrel = 2 * pi * r * h;
  const double side = barrel * (6 * r * r + h * h) / 12 + 2 * disk * (r * r / 4 + h * h / 4);
  return diagonal(2 * disk + barrel, side, side, barrel * r * r + disk * r * r);
}

Solid shell_of_box(const Vec3d& s) {
  const double xx = s.x * s.x, yy = s.y * s.y, zz = s.z * s.z;
  const double x = 2 * s.y * s.z, y = 2 * s.x * s.z, z = 2 * s.x * s.y;  // areas of the pairs of sides
  return diagonal(x + y + z, x * (yy + zz) / 12 + y * (zz / 12 + yy / 4) + z * (yy / 12 + zz / 4),
                  x * (zz / 12 + xx / 4) + y * (xx + zz) / 12 + z * (xx / 12 + zz / 4),
                  x * (yy / 12 + xx / 4) + y * (xx / 12 + yy / 4) + z * (xx + yy) / 12);
}

Solid solid_of_ellipsoid(const Vec3d& h) {
  const double volume = 4 * pi / 3 * h.x * h.y * h.z, k = volume / 5;
  return diagonal(volume, k * (h.y * h.y + h.z * h.z), k * (h.x * h.x + h.z * h.z), k * (h.x * h.x + h.y * h.y));
}

Solid shell_of_ellipsoid(const Vec3d& h) {
  constexpr double kPower = 1.6075, kLayer = 1e-6;
  const double sum = std::pow(h.x * h.y, kPower) + std::pow(h.y * h.z, kPower) + std::pow(h.z * h.x, kPower);
  const double area = 4 * pi * std::pow(sum / 3, 1 / kPower);
  const Solid in = solid_of_ellipsoid(h), out = solid_of_ellipsoid(h + Vec3d{kLayer, kLayer, kLayer});
  const double k = area / (out.volume - in.volume);
  const Sym3d i = out.inertia - in.inertia;
  return diagonal(area, k * i.xx, k * i.yy, k * i.zz);
}

// ---- convex hull ----

std::vector<Triangle> convex_hull(std::span<const Vec3d> points) {
  const std::size_t n = points.size();
  if (n < 4) return {};
  Vec3d low = points[0], high = points[0];
  for (const Vec3d& p : points) {
    for (int k = 0; k < 3; ++k) low[k] = std::min(low[k], p[k]), high[k] = std::max(high[k], p[k]);
  }
  const double size = norm(high - low), slack = 1e-13 * size;
  // First tetrahedron: the points farthest from the first, from the line, from the plane.
  const auto farthest = [&](auto distance) {
    std::size_t best = 0;
    double most = -1;
    for (std::size_t i = 0; i < n; ++i) {
      if (const double d = distance(points[i]); d > most) most = d, best = i;
    }
    return std::pair{best, most};
  };
  const Vec3d& o = points[0];
  const auto [b, length] = farthest([&](const Vec3d& p) { return norm(p - o); });
  if (!(length > 1e-10 * size)) return {};
  const Vec3d along = (1 / length) * (points[b] - o);
  const auto [c, width] = farthest([&](const Vec3d& p) { return norm(cross(along, p - o)); });
  if (!(width > 1e-10 * size)) return {};
  Vec3d normal = cross(along, points[c] - o);
  normal = (1 / norm(normal)) * normal;
  const auto [d, depth] = farthest([&](const Vec3d& p) { return std::abs(dot(normal, p - o)); });
  if (!(depth > 1e-10 * size)) return {};

  struct Face {
    Triangle corners;
    Vec3d normal;
    double offset;
  };
  std::vector<Face> faces;
  const auto add = [&](std::uint32_t i, std::uint32_t j, std::uint32_t k) {
    Vec3d m = twice_area(points[i], points[j], points[k]);
    const double l = norm(m);
    if (l > 0) m = (1 / l) * m;
    faces.push_back({{i, j, k}, m, dot(m, points[i])});
  };
  std::uint32_t t[4] = {0, static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(d)};
  if (dot(normal, points[d] - o) > 0) std::swap(t[1], t[2]);
  add(t[0], t[1], t[2]), add(t[0], t[2], t[3]), add(t[2], t[1], t[3]), add(t[1], t[0], t[3]);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::size_t work = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    work += faces.size();
    if (work > kMostWork) return {};
    const auto sees = [&](const Face& f) { return dot(f.normal, points[i]) - f.offset > slack; };
    if (std::none_of(faces.begin(), faces.end(), sees)) continue;
    edges.clear();
    for (const Face& f : faces) {
      if (!sees(f)) continue;
      for (int k = 0; k < 3; ++k) edges.emplace_back(f.corners[k], f.corners[(k + 1) % 3]);
    }
    faces.erase(std::remove_if(faces.begin(), faces.end(), sees), faces.end());
    // The rim of what is seen: edges whose other side stays.
    std::sort(edges.begin(), edges.end());
    for (const auto& [from, to] : edges) {
      if (!std::binary_search(edges.begin(), edges.end(), std::pair{to, from})) add(from, to, i);
    }
  }
  std::vector<Triangle> out;
  for (const Face& f : faces) out.push_back(f.corners);
  return out;
}

// ---- principal axes: Jacobi's rotations ----

Principal principal_axes(const Sym3d& inertia) {
  Mat3d A = full(inertia), V = Mat3d::identity();
  for (int sweep = 0; sweep < 60; ++sweep) {
    const double off = std::abs(A.r0.y) + std::abs(A.r0.z) + std::abs(A.r1.z);
    if (off == 0 || off < 1e-300) break;
    for (const auto& [p, q] : {std::pair{0, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
      if (A[p][q] == 0) continue;
      const double theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
      const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::sqrt(theta * theta + 1));
      const double c = 1 / std::sqrt(t * t + 1), s = t * c;
      Mat3d J = Mat3d::identity();
      J[p][p] = J[q][q] = c;
      J[p][q] = s, J[q][p] = -s;
      A = transpose(J) * (A * J);
      A[p][q] = A[q][p] = 0;
      V = V * J;
    }
  }
  int order[3] = {0, 1, 2};
  std::stable_sort(order, order + 3, [&](int a, int b) { return A[a][a] > A[b][b]; });
  Principal out;
  Mat3d rows;
  for (int k = 0; k < 3; ++k) out.moments[k] = A[order[k]][order[k]], rows[k] = V.column(order[k]);
  if (determinant(rows) < 0) rows[2] = -rows[2];
  out.axes = transpose(rows);
  return out;
}

Sym3d inertia_of(const Principal& principal) {
  const Vec3d& m = principal.moments;
  return rotate(principal.axes, Sym3d{m.x, m.y, m.z, 0, 0, 0});
}

}  // namespace geoul::scene::mjcf
