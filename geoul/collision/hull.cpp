// Quickhull over integers: every side-of-plane test is exact, so that the surface is closed and convex for any input.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "geoul/collision/geometry.h"

namespace geoul::collision {
namespace {

__extension__ typedef __int128 Wide;

constexpr double kFlat = 1e-9;      // of the extent
constexpr double kCoplanar = 2e-7;  // of the extent

struct Cell {
  std::int64_t x, y, z;  // |.| <= 2^37
};
Cell operator-(const Cell& a, const Cell& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }

struct Triangle {
  int v[3] = {0, 0, 0};
  int across[3] = {0, 0, 0};  // triangle over the edge v[i] v[i+1]
  Wide nx = 0, ny = 0, nz = 0;
  std::vector<int> outside;
  bool alive = true;
  int mark = -1;
};

struct Builder {
  std::vector<Cell> cells;
  std::vector<Triangle> triangles;
  std::vector<int> visible, stack;
  struct Rim {
    int a, b, outer;
  };
  std::vector<Rim> rim;

  Wide height(const Triangle& t, int point) const {
    const Cell d = cells[point] - cells[t.v[0]];
    return t.nx * d.x + t.ny * d.y + t.nz * d.z;
  }
  int add(int a, int b, int c) {
    Triangle t;
    t.v[0] = a, t.v[1] = b, t.v[2] = c;
    const Cell u = cells[b] - cells[a], w = cells[c] - cells[a];
    t.nx = Wide(u.y) * w.z - Wide(u.z) * w.y;
    t.ny = Wide(u.z) * w.x - Wide(u.x) * w.z;
    t.nz = Wide(u.x) * w.y - Wide(u.y) * w.x;
    triangles.push_back(std::move(t));
    return int(triangles.size()) - 1;
  }
  void link(int t, int a, int b, int other) {
    for (int i = 0; i < 3; ++i) {
      if (triangles[t].v[i] == a && triangles[t].v[(i + 1) % 3] == b) triangles[t].across[i] = other;
    }
  }
  bool start();
  void grow(int triangle);
  void find_horizon(int triangle, int apex);
  void run();
};

double length2(const Vec3d& v) { return dot(v, v); }
Vec3d to_vector(const Cell& c) { return {double(c.x), double(c.y), double(c.z)}; }

// First tetrahedron: far apart points. False where all lie in one plane.
bool Builder::start() {
  const int n = int(cells.size());
  int extreme[6] = {0, 0, 0, 0, 0, 0};
  for (int i = 1; i < n; ++i) {
    if (cells[i].x < cells[extreme[0]].x) extreme[0] = i;
    if (cells[i].x > cells[extreme[1]].x) extreme[1] = i;
    if (cells[i].y < cells[extreme[2]].y) extreme[2] = i;
    if (cells[i].y > cells[extreme[3]].y) extreme[3] = i;
    if (cells[i].z < cells[extreme[4]].z) extreme[4] = i;
    if (cells[i].z > cells[extreme[5]].z) extreme[5] = i;
  }
  int a = 0, b = 0, c = -1, d = -1;
  double best = 0;
  for (const int i : extreme) {
    for (const int j : extreme) {
      const double l = length2(to_vector(cells[i] - cells[j]));
      if (l > best) best = l, a = i, b = j;
    }
  }
  if (best == 0) return false;
  const double extent = std::sqrt(best);
  best = 0;
  const Vec3d axis = to_vector(cells[b] - cells[a]);
  for (int i = 0; i < n; ++i) {
    const double l = length2(cross(axis, to_vector(cells[i] - cells[a])));
    if (l > best) best = l, c = i;
  }
  if (c < 0 || std::sqrt(best) <= kFlat * extent * extent) return false;
  const Vec3d normal = cross(axis, to_vector(cells[c] - cells[a]));
  const double unit = 1 / norm(normal);
  best = 0;
  for (int i = 0; i < n; ++i) {
    const double l = std::abs(dot(normal, to_vector(cells[i] - cells[a]))) * unit;
    if (l > best) best = l, d = i;
  }
  if (d < 0 || best <= kFlat * extent) return false;
  add(a, b, c);
  const Wide side = height(triangles[0], d);
  if (side == 0) return false;
  if (side > 0) std::swap(b, c);
  triangles.clear();
  const int f[4] = {add(a, b, c), add(a, d, b), add(b, d, c), add(c, d, a)};
  const int e[6][4] = {{a, b, 0, 1}, {b, c, 0, 2}, {c, a, 0, 3}, {d, b, 1, 2}, {d, c, 2, 3}, {d, a, 3, 1}};
  for (const auto& [p, q, s, t] : e) link(f[s], p, q, f[t]), link(f[t], q, p, f[s]);
  for (int i = 0; i < n; ++i) {
    for (int t = 0; t < 4; ++t) {
      if (height(triangles[t], i) > 0) {
        triangles[t].outside.push_back(i);
        break;
      }
    }
  }
  return true;
}

void Builder::find_horizon(int triangle, int apex) {
  visible.assign(1, triangle), stack.assign(1, triangle);
  rim.clear();
  triangles[triangle].mark = apex;
  while (!stack.empty()) {
    const int t = stack.back();
    stack.pop_back();
    for (int i = 0; i < 3; ++i) {
      const int o = triangles[t].across[i];
      if (triangles[o].mark == apex) continue;
      if (height(triangles[o], apex) > 0) {
        triangles[o].mark = apex;
        visible.push_back(o), stack.push_back(o);
      }
    }
  }
  for (const int t : visible) {
    for (int i = 0; i < 3; ++i) {
      const int o = triangles[t].across[i];
      if (triangles[o].mark != apex) rim.push_back({triangles[t].v[i], triangles[t].v[(i + 1) % 3], o});
    }
  }
}

void Builder::grow(int triangle) {
  const Triangle& from = triangles[triangle];
  int apex = from.outside.front();
  Wide best = 0;
  for (const int i : from.outside) {
    const Wide h = height(from, i);
    if (h > best) best = h, apex = i;
  }
  find_horizon(triangle, apex);
  // A fan from the rim to the apex; the rim's edges start at distinct points, so that they chain.
  std::vector<int> made;
  for (const Rim& r : rim) {
    const int t = add(r.a, r.b, apex);
    triangles[t].across[0] = r.outer;
    link(r.outer, r.b, r.a, t);
    made.push_back(t);
  }
  std::vector<std::pair<int, int>> by_start;
  for (std::size_t i = 0; i < rim.size(); ++i) by_start.push_back({rim[i].a, made[i]});
  std::sort(by_start.begin(), by_start.end());
  for (std::size_t i = 0; i < rim.size(); ++i) {
    const auto next = std::lower_bound(by_start.begin(), by_start.end(), std::pair{rim[i].b, -1});
    triangles[made[i]].across[1] = next->second;
    triangles[next->second].across[2] = made[i];
  }
  for (const int t : visible) {
    triangles[t].alive = false;
    const std::vector<int> points = std::move(triangles[t].outside);
    triangles[t].outside.clear();
    for (const int i : points) {
      if (i == apex) continue;
      for (const int m : made) {
        if (height(triangles[m], i) > 0) {
          triangles[m].outside.push_back(i);
          break;
        }
      }
    }
  }
}

void Builder::run() {
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    if (triangles[t].alive && !triangles[t].outside.empty()) grow(int(t));
  }
  std::vector<int> number(triangles.size(), -1);
  int n = 0;
  for (std::size_t t = 0; t < triangles.size(); ++t) {
    if (triangles[t].alive) number[t] = n++;
  }
  std::vector<Triangle> kept;
  for (Triangle& t : triangles) {
    if (!t.alive) continue;
    for (int& o : t.across) o = number[o];
    kept.push_back(std::move(t));
  }
  triangles = std::move(kept);
}

// Corners of the convex polygon around points of a plane, counter-clockwise about its normal; those on its edges left
// out.
std::vector<int> polygon(const std::vector<Vec3d>& vertices, std::vector<int> points, const Vec3d& normal,
                         double slack) {
  const Vec3d axis = std::abs(normal.x) < 0.6 ? Vec3d{1, 0, 0} : Vec3d{0, 1, 0};
  Vec3d u = cross(axis, normal);
  u = (1 / norm(u)) * u;
  const Vec3d v = cross(normal, u);
  struct Flat {
    double x, y;
    int i;
  };
  std::vector<Flat> flat;
  for (const int i : points) flat.push_back({dot(u, vertices[i]), dot(v, vertices[i]), i});
  std::sort(flat.begin(), flat.end(), [](const Flat& a, const Flat& b) {
    return a.x != b.x ? a.x < b.x : a.y != b.y ? a.y < b.y : a.i < b.i;
  });
  const auto left = [&](const Flat& a, const Flat& b, const Flat& c) {  // distance of c left of a b
    const double dx = b.x - a.x, dy = b.y - a.y, l = std::hypot(dx, dy);
    return l == 0 ? 0 : (dx * (c.y - a.y) - dy * (c.x - a.x)) / l;
  };
  std::vector<Flat> ring;
  for (int pass = 0; pass < 2; ++pass) {
    const std::size_t base = ring.size();
    for (const Flat& f : flat) {
      while (ring.size() >= base + 2 && left(ring[ring.size() - 2], f, ring.back()) >= -slack) ring.pop_back();
      ring.push_back(f);
    }
    ring.pop_back();
    std::reverse(flat.begin(), flat.end());
  }
  std::vector<int> out;
  for (const Flat& f : ring) out.push_back(f.i);
  return out;
}

// How far the hull reaches along a direction. Of large hulls by climbing from a vertex to better neighbours, so that
// all faces together take no time that grows with the square of the vertices.
double farthest(const Hull& hull, const Vec3d& direction, int from) {
  constexpr std::size_t kMany = 2000;
  double best = dot(direction, hull.vertices[from]);
  if (hull.vertices.size() <= kMany) {
    for (const Vec3d& v : hull.vertices) best = std::max(best, dot(direction, v));
    return best;
  }
  for (int at = -1; at != from;) {
    at = from;
    for (int k = hull.neighbour_begin[at]; k < hull.neighbour_begin[at + 1]; ++k) {
      const double reach = dot(direction, hull.vertices[hull.neighbours[k]]);
      if (reach > best) best = reach, from = hull.neighbours[k];
    }
  }
  return best;
}

// Triangles into faces: from the largest on, all that connect and lie within the tolerance of its plane.
void merge_faces(const std::vector<Triangle>& triangles, double extent, Hull& hull) {
  const int n = int(triangles.size());
  std::vector<Vec3d> area(n);
  for (int t = 0; t < n; ++t) {
    const Vec3d& a = hull.vertices[triangles[t].v[0]];
    area[t] = cross(hull.vertices[triangles[t].v[1]] - a, hull.vertices[triangles[t].v[2]] - a);
  }
  std::vector<int> order(n), face(n, -1), stack, points;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return length2(area[a]) > length2(area[b]); });
  for (const int seed : order) {
    if (face[seed] >= 0 || length2(area[seed]) == 0) continue;
    const Vec3d plane = (1 / norm(area[seed])) * area[seed];
    const double at = dot(plane, hull.vertices[triangles[seed].v[0]]);
    Vec3d sum;
    points.clear();
    face[seed] = seed, stack.assign(1, seed);
    while (!stack.empty()) {
      const Triangle& t = triangles[stack.back()];
      sum += area[stack.back()];
      stack.pop_back();
      points.insert(points.end(), t.v, t.v + 3);
      for (const int o : t.across) {
        if (face[o] >= 0) continue;
        bool near = true;
        for (const int v : triangles[o].v) near &= std::abs(dot(plane, hull.vertices[v]) - at) <= kCoplanar * extent;
        near &= dot(area[o], plane) >= 0.5 * norm(area[o]) || norm(area[o]) <= 1e-9 * extent * extent;
        if (near) face[o] = seed, stack.push_back(o);
      }
    }
    std::sort(points.begin(), points.end());
    points.erase(std::unique(points.begin(), points.end()), points.end());
    const Vec3d normal = (1 / norm(sum)) * sum;
    const std::vector<int> ring = polygon(hull.vertices, points, normal, 1e-3 * kCoplanar * extent);
    if (ring.size() < 3) continue;
    HullFace f;
    f.normal = normal, f.first = int(hull.corners.size()), f.count = int(ring.size());
    f.offset = farthest(hull, normal, ring[0]);
    hull.corners.insert(hull.corners.end(), ring.begin(), ring.end());
    hull.faces.push_back(f);
  }
}

}  // namespace

std::optional<Geometry> make_hull(std::span<const Vec3d> points) {
  if (points.size() < 4) return std::nullopt;
  Vec3d low = points[0], high = points[0];
  for (const Vec3d& p : points) {
    for (int i = 0; i < 3; ++i) {
      if (!std::isfinite(p[i])) return std::nullopt;
      low[i] = std::min(low[i], p[i]), high[i] = std::max(high[i], p[i]);
    }
  }
  const double extent = std::max({high.x - low.x, high.y - low.y, high.z - low.z});
  if (!(extent > 0) || !std::isfinite(extent)) return std::nullopt;
  const double scale = std::ldexp(1.0, 38) / extent;
  const Vec3d middle = 0.5 * (low + high);
  Builder builder;
  for (const Vec3d& p : points) {
    const Vec3d c = scale * (p - middle);
    builder.cells.push_back({std::llround(c.x), std::llround(c.y), std::llround(c.z)});
  }
  if (!builder.start()) return std::nullopt;
  builder.run();

  auto hull = std::make_shared<Hull>();
  std::vector<int> number(points.size(), -1);
  for (const Triangle& t : builder.triangles) {
    for (const int v : t.v) number[v] = 0;
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (number[i] < 0) continue;
    number[i] = int(hull->vertices.size());
    hull->vertices.push_back(points[i]);
  }
  std::vector<std::pair<int, int>> edges;
  for (Triangle& t : builder.triangles) {
    for (int& v : t.v) v = number[v];
    for (int i = 0; i < 3; ++i) edges.push_back({t.v[i], t.v[(i + 1) % 3]});
  }
  std::sort(edges.begin(), edges.end());
  hull->neighbour_begin.assign(hull->vertices.size() + 1, 0);
  for (const auto& [a, b] : edges) ++hull->neighbour_begin[a + 1], hull->neighbours.push_back(b);
  for (std::size_t i = 0; i < hull->vertices.size(); ++i) hull->neighbour_begin[i + 1] += hull->neighbour_begin[i];
  merge_faces(builder.triangles, extent, *hull);

  Geometry g;
  g.kind = Kind::kHull, g.low = low, g.high = high;
  for (const Vec3d& v : hull->vertices) g.bounding_radius = std::max(g.bounding_radius, norm(v));
  for (const Vec3d& v : hull->vertices) hull->xs.push_back(v.x), hull->ys.push_back(v.y), hull->zs.push_back(v.z);
  while (hull->xs.size() % 4 != 0) {
    hull->xs.push_back(hull->xs[0]), hull->ys.push_back(hull->ys[0]), hull->zs.push_back(hull->zs[0]);
  }
  g.hull = std::move(hull);
  return g;
}

}  // namespace geoul::collision
