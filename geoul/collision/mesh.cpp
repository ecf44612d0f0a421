#include "geoul/collision/mesh.h"

#include <algorithm>
#include <numeric>

namespace geoul::collision {
namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Index of the welded vertex of every vertex; fills mesh.vertices.
std::vector<int> weld(std::span<const Vec3d> vertices, TriangleTree& mesh) {
  std::vector<int> order(vertices.size()), welded(vertices.size());
  std::iota(order.begin(), order.end(), 0);
  const auto less = [&](int i, int j) {
    const Vec3d &a = vertices[index(i)], &b = vertices[index(j)];
    return a.x != b.x ? a.x < b.x : a.y != b.y ? a.y < b.y : a.z < b.z;
  };
  std::stable_sort(order.begin(), order.end(), less);
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (k == 0 || less(order[k - 1], order[k])) mesh.vertices.push_back(vertices[index(order[k])]);
    welded[index(order[k])] = static_cast<int>(mesh.vertices.size()) - 1;
  }
  return welded;
}

bool add_triangle(TriangleTree& mesh, int a, int b, int c) {
  const Vec3d &p = mesh.vertices[index(a)], &q = mesh.vertices[index(b)], &r = mesh.vertices[index(c)];
  const Vec3d n = cross(q - p, r - p);
  const double longest = std::max({dot(q - p, q - p), dot(r - p, r - p), dot(r - q, r - q)});
  const double area = norm(n);
  if (!(area > 1e-9 * longest)) return false;
  mesh.triangles.push_back({a, b, c});
  mesh.normals.push_back({n.x / area, n.y / area, n.z / area});  // exact along an axis
  return true;
}

struct Side {
  int low, high;  // vertices of the edge
  int triangle;
  int edge;
  bool forward;  // runs from low to high
};

// Neighbours across edges; counts those that are no part of one closed surface.
void join(TriangleTree& mesh, MeshReport& report) {
  std::vector<Side> sides;
  sides.reserve(3 * mesh.triangles.size());
  for (int t = 0; t < static_cast<int>(mesh.triangles.size()); ++t) {
    for (int e = 0; e < 3; ++e) {
      const int a = mesh.triangles[index(t)][index(e)], b = mesh.triangles[index(t)][index((e + 1) % 3)];
      sides.push_back({std::min(a, b), std::max(a, b), t, e, a < b});
    }
  }
  std::stable_sort(sides.begin(), sides.end(),
                   [](const Side& a, const Side& b) { return a.low != b.low ? a.low < b.low : a.high < b.high; });
  mesh.across.assign(mesh.triangles.size(), {-1, -1, -1});
  for (std::size_t i = 0, j = 0; i < sides.size(); i = j) {
    while (j < sides.size() && sides[j].low == sides[i].low && sides[j].high == sides[i].high) ++j;
    mesh.edges.push_back({sides[i].low, sides[i].high});
    const bool regular = j - i == 2 && sides[i].forward != sides[i + 1].forward;
    mesh.edge_sides.push_back({sides[i].triangle, regular ? sides[i + 1].triangle : -1});
    if (!regular) {
      ++report.open_edges;
      continue;
    }
    mesh.across[index(sides[i].triangle)][index(sides[i].edge)] = sides[i + 1].triangle;
    mesh.across[index(sides[i + 1].triangle)][index(sides[i + 1].edge)] = sides[i].triangle;
  }
}

double six_volumes(const TriangleTree& mesh) {
  const Vec3d o = mesh.vertices.front();
  double sum = 0;
  for (const auto& [a, b, c] : mesh.triangles) {
    sum += dot(mesh.vertices[index(a)] - o, cross(mesh.vertices[index(b)] - o, mesh.vertices[index(c)] - o));
  }
  return sum;
}

void turn(TriangleTree& mesh) {
  for (std::array<int, 3>& t : mesh.triangles) std::swap(t[1], t[2]);
  for (std::array<int, 3>& a : mesh.across) std::swap(a[0], a[2]);
  for (Vec3d& n : mesh.normals) n = -n;
}

}  // namespace

TriangleTree make_triangle_tree(std::span<const Vec3d> vertices,
                                std::span<const std::array<std::uint32_t, 3>> triangles, MeshReport& report) {
  report = {};
  TriangleTree mesh;
  const std::vector<int> welded = weld(vertices, mesh);
  for (const auto& [a, b, c] : triangles) {
    const bool exists = a < welded.size() && b < welded.size() && c < welded.size();
    if (!exists || !add_triangle(mesh, welded[a], welded[b], welded[c])) ++report.degenerate;
  }
  if (mesh.triangles.empty()) return mesh;
  join(mesh, report);
  mesh.closed = report.open_edges == 0;
  if (mesh.closed) {
    report.volume = six_volumes(mesh) / 6;
    report.turned = report.volume < 0;
    if (report.turned) turn(mesh), report.volume = -report.volume;
  }
  std::vector<Bounds> boxes(mesh.triangles.size());
  for (std::size_t t = 0; t < boxes.size(); ++t) {
    for (const int v : mesh.triangles[t]) include(boxes[t], mesh.vertices[index(v)]);
  }
  build(mesh.tree, boxes, 4);
  return mesh;
}

TriangleFace triangle_face(const TriangleTree& mesh, const Transformd& X_WG, int t) {
  TriangleFace face;
  face.id = static_cast<std::uint64_t>(t);
  face.one_sided = mesh.closed;
  for (int i = 0; i < 3; ++i) {
    face.p_W[i] = X_WG * mesh.vertices[index(mesh.triangles[index(t)][index(i)])];
    const int other = mesh.across[index(t)][index(i)];
    face.shared[i] = other >= 0;
    if (other >= 0) face.across_W[i] = X_WG.R * mesh.normals[index(other)];
  }
  return face;
}

TriangleRay::TriangleRay(const Ray& ray) : o_(ray.o) {
  const Vec3d a = abs(ray.d);
  kz_ = a.x > a.y ? (a.x > a.z ? 0 : 2) : (a.y > a.z ? 1 : 2);
  kx_ = (kz_ + 1) % 3, ky_ = (kx_ + 1) % 3;
  if (ray.d[kz_] < 0) std::swap(kx_, ky_);  // keeps the winding
  sz_ = 1 / ray.d[kz_];
  sx_ = ray.d[kx_] * sz_, sy_ = ray.d[ky_] * sz_;
}

double TriangleRay::meet(const Vec3d& a_G, const Vec3d& b_G, const Vec3d& c_G, bool& front) const {
  const Vec3d a = a_G - o_, b = b_G - o_, c = c_G - o_;
  const double ax = a[kx_] - sx_ * a[kz_], ay = a[ky_] - sy_ * a[kz_];
  const double bx = b[kx_] - sx_ * b[kz_], by = b[ky_] - sy_ * b[kz_];
  const double cx = c[kx_] - sx_ * c[kz_], cy = c[ky_] - sy_ * c[kz_];
  const double u = cx * by - cy * bx, v = ax * cy - ay * cx, w = bx * ay - by * ax;
  if ((u < 0 || v < 0 || w < 0) && (u > 0 || v > 0 || w > 0)) return Bounds::kInfinity;
  const double det = u + v + w;
  if (det == 0) return Bounds::kInfinity;
  const double t = (u * a[kz_] + v * b[kz_] + w * c[kz_]) * sz_ / det;
  front = det > 0;
  return t >= 0 ? t : Bounds::kInfinity;
}

double cast_ray(const TriangleTree& mesh, const Ray& ray, double reach, Vec3d& normal) {
  const TriangleRay sheared(ray);
  double nearest = Bounds::kInfinity;
  int hit = -1;
  query(mesh.tree, ray, reach, [&](int t, double limit) {
    const std::array<int, 3>& v = mesh.triangles[index(t)];
    bool front = false;
    const double at =
        sheared.meet(mesh.vertices[index(v[0])], mesh.vertices[index(v[1])], mesh.vertices[index(v[2])], front);
    const bool better = at < nearest || (at == nearest && t < hit);
    if (!better || at > limit || (mesh.closed && !front)) return limit;
    nearest = at, hit = t;
    return at;
  });
  if (hit < 0) return Bounds::kInfinity;
  normal = mesh.normals[index(hit)];
  if (!mesh.closed && dot(normal, ray.d) > 0) normal = -normal;
  return nearest;
}

bool is_inside(const TriangleTree& mesh, const Vec3d& p) {
  constexpr Vec3d kDirections[] = {{0.8017, 0.2673, 0.5345}, {-0.4472, 0.1231, 0.8859}, {0.1826, -0.9129, 0.3651}};
  int votes = 0;
  for (const Vec3d& direction : kDirections) {
    const Ray ray = make_ray(p, direction);
    const TriangleRay sheared(ray);
    int winding = 0;
    query(mesh.tree, ray, 1e300, [&](int t, double limit) {
      const std::array<int, 3>& v = mesh.triangles[index(t)];
      bool front = false;
      const double at =
          sheared.meet(mesh.vertices[index(v[0])], mesh.vertices[index(v[1])], mesh.vertices[index(v[2])], front);
      if (at < Bounds::kInfinity) winding += front ? -1 : 1;
      return limit;
    });
    votes += winding > 0;
  }
  return votes >= 2;
}

}  // namespace geoul::collision
