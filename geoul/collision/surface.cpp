#include "geoul/collision/surface.h"

#include <algorithm>

namespace geoul::collision {
namespace {

constexpr double kSameNormal = 1 - 1.5e-4;  // cosine of one degree

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Indices into contacts[first, end) of at most four that span the widest area, and hold one of the deepest.
int choose(const std::vector<SurfaceContact>& contacts, const std::vector<int>& members, const Vec3d& n,
           int chosen[4]) {
  const auto at = [&](int k) -> const SurfaceContact& { return contacts[index(members[index(k)])]; };
  const int count = static_cast<int>(members.size());
  if (count <= 4) {
    for (int k = 0; k < count; ++k) chosen[k] = k;
    return count;
  }
  Vec3d mean;
  for (int k = 0; k < count; ++k) mean += at(k).p_W;
  mean = (1.0 / count) * mean;
  // the largest by more than rounding: of equals the first stays
  const auto farthest = [&](auto&& measure) {
    int best = 0;
    double most = measure(at(0));
    for (int k = 1; k < count; ++k) {
      const double m = measure(at(k));
      if (m > most + 1e-9 * std::abs(most)) most = m, best = k;
    }
    return std::pair(best, most);
  };
  const auto across = [&](const Vec3d& v) { return v - dot(v, n) * n; };
  chosen[0] = farthest([&](const SurfaceContact& c) { return dot(across(c.p_W - mean), across(c.p_W - mean)); }).first;
  const Vec3d p = at(chosen[0]).p_W;
  const auto [second, length2] =
      farthest([&](const SurfaceContact& c) { return dot(across(c.p_W - p), across(c.p_W - p)); });
  int used = 1;
  if (length2 > 0) chosen[used++] = second;
  const Vec3d side = used > 1 ? cross(n, at(second).p_W - p) : Vec3d{};
  for (const double sign : {1.0, -1.0}) {
    const auto [k, area] = farthest([&](const SurfaceContact& c) { return sign * dot(side, c.p_W - p); });
    if (area > 1e-6 * length2) chosen[used++] = k;
  }
  const auto [deepest, depth] = farthest([](const SurfaceContact& c) { return -c.distance; });
  double chosen_depth = -Bounds::kInfinity;
  for (int k = 0; k < used; ++k) chosen_depth = std::max(chosen_depth, -at(chosen[k]).distance);
  if (depth - chosen_depth > 1e-9 + 0.01 * std::abs(depth)) {
    if (used < 4) {
      chosen[used++] = deepest;
    } else {
      int nearest = 0;
      for (int k = 1; k < used; ++k) {
        if (norm(at(chosen[k]).p_W - at(deepest).p_W) < norm(at(chosen[nearest]).p_W - at(deepest).p_W)) nearest = k;
      }
      chosen[nearest] = deepest;
    }
  }
  return used;
}

}  // namespace

SurfaceTriangle surface_triangle(const Geometry& surface, int t) {
  SurfaceTriangle s;
  s.normal = surface_normal(surface, t);
  if (surface.grid) {
    triangle_corners(*surface.grid, t, s.p);
    triangle_neighbours(*surface.grid, t, s.across);
    return s;
  }
  for (int i = 0; i < 3; ++i) {
    s.p[i] = surface.mesh->vertices[index(surface.mesh->triangles[index(t)][index(i)])];
    s.across[i] = surface.mesh->across[index(t)][index(i)];
  }
  return s;
}

int surface_vertex(const Geometry& surface, int t, int corner) {
  if (surface.mesh) return surface.mesh->triangles[index(t)][index(corner)];
  const int columns = surface.grid->columns, cell = t / 2;
  const int first = cell / (columns - 1) * columns + cell % (columns - 1);
  const int ahead[2][3] = {{0, 1, columns + 1}, {0, columns + 1, columns}};
  return first + ahead[t % 2][corner];
}

Vec3d surface_point(const Geometry& surface, int vertex) {
  if (surface.mesh) return surface.mesh->vertices[index(vertex)];
  return surface.grid->point(vertex % surface.grid->columns, vertex / surface.grid->columns);
}

Vec3d surface_normal(const Geometry& surface, int t) {
  return surface.mesh ? surface.mesh->normals[index(t)] : triangle_normal(*surface.grid, t);
}

bool has_inside(const Geometry& surface) { return surface.grid || surface.mesh->closed; }

Bounds triangle_bounds(const Geometry& surface, int t) {
  Bounds b;
  if (surface.mesh) {
    for (const int v : surface.mesh->triangles[index(t)]) include(b, surface.mesh->vertices[index(v)]);
  } else {
    Vec3d p[3];
    triangle_corners(*surface.grid, t, p);
    for (const Vec3d& c : p) include(b, c);
  }
  return b;
}

void gather(int a, int b, SurfaceWork& work, std::vector<Manifold>& out) {
  std::vector<SurfaceContact>& contacts = work.contacts;
  std::sort(contacts.begin(), contacts.end(),
            [](const SurfaceContact& x, const SurfaceContact& y) { return x.id < y.id; });
  work.taken.assign(contacts.size(), 0);
  const std::size_t first = out.size();
  for (;;) {
    int deepest = -1;
    for (int i = 0; i < static_cast<int>(contacts.size()); ++i) {
      if (work.taken[index(i)] != 0) continue;
      if (deepest < 0 || contacts[index(i)].distance < contacts[index(deepest)].distance) deepest = i;
    }
    if (deepest < 0) break;
    const Vec3d n = contacts[index(deepest)].normal_W;
    work.vertices.clear();
    for (int i = 0; i < static_cast<int>(contacts.size()); ++i) {
      if (work.taken[index(i)] != 0 || (i != deepest && !(dot(contacts[index(i)].normal_W, n) > kSameNormal))) continue;
      work.taken[index(i)] = 1;
      work.vertices.push_back(i);
    }
    int chosen[4];
    const int count = choose(contacts, work.vertices, n, chosen);
    for (int i = 1; i < count; ++i) {  // members stand in the order of ids
      for (int k = i; k > 0 && chosen[k] < chosen[k - 1]; --k) std::swap(chosen[k], chosen[k - 1]);
    }
    Manifold& m = out.emplace_back();
    m.a = a, m.b = b, m.normal_W = n, m.count = count;
    for (int k = 0; k < count; ++k) {
      const SurfaceContact& c = contacts[index(work.vertices[index(chosen[k])])];
      m.points[k] = {c.p_W, c.distance, c.id};
    }
  }
  std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
            [](const Manifold& x, const Manifold& y) { return x.points[0].id < y.points[0].id; });
}

}  // namespace geoul::collision
