#include "geoul/collision/surface.h"

#include <algorithm>

#include "geoul/collision/manifold.h"

namespace geoul::collision {
namespace {

constexpr double kSameNormal = 1 - 1.5e-4;  // cosine of one degree

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// Indices into members of at most four that spread, and hold one of the deepest.
int choose(SurfaceWork& work, const Vec3d& n, int chosen[4]) {
  const std::vector<int>& members = work.vertices;
  const auto at = [&](int k) -> const SurfaceContact& { return work.contacts[index(members[index(k)])]; };
  const int count = static_cast<int>(members.size());
  if (count == 1) return chosen[0] = 0, 1;
  work.x.clear(), work.y.clear();
  const Vec3d u = any_perpendicular(n), v = cross(n, u), o = at(0).p_W;
  for (int k = 0; k < count; ++k) work.x.push_back(dot(at(k).p_W - o, u)), work.y.push_back(dot(at(k).p_W - o, v));
  int used = spread(work.x, work.y, chosen);
  int deepest = 0;
  for (int k = 1; k < count; ++k) {
    if (at(k).distance < at(deepest).distance) deepest = k;
  }
  double depth = Bounds::kInfinity;
  int nearest = 0;
  for (int k = 0; k < used; ++k) {
    depth = std::min(depth, at(chosen[k]).distance);
    if (norm(at(chosen[k]).p_W - at(deepest).p_W) < norm(at(chosen[nearest]).p_W - at(deepest).p_W)) nearest = k;
  }
  if (depth - at(deepest).distance > 1e-9 + 0.01 * std::abs(at(deepest).distance)) {
    chosen[used < 4 ? used++ : nearest] = deepest;
  }
  ascend(chosen, used);
  return used;
}

bool before(const SurfaceContact& x, const SurfaceContact& y) {
  return x.id != y.id ? x.id < y.id : x.triangle < y.triangle;
}

// By id. A corner on an edge is one point, though two triangles saw it; a corner in a hollow, on triangles that are not
// in one plane, gets a name for each but the first.
void sort(std::vector<SurfaceContact>& contacts) {
  std::sort(contacts.begin(), contacts.end(), before);
  std::size_t kept = 0, first = 0;
  std::uint64_t id = 0;
  bool renamed = false;
  for (std::size_t i = 0; i < contacts.size(); ++i) {
    SurfaceContact c = contacts[i];
    if (kept == 0 || c.id != id || (c.id & kOfConvex) == 0) {
      first = kept, id = c.id;
    } else if (dot(c.normal_W, contacts[first].normal_W) > kSameNormal) {
      if (c.distance < contacts[first].distance) contacts[first].p_W = c.p_W, contacts[first].distance = c.distance;
      continue;
    } else {
      c.id = (c.id & ~kOfConvex) | (static_cast<std::uint64_t>(c.triangle) << 32);
      renamed = true;
    }
    contacts[kept++] = c;
  }
  contacts.erase(contacts.begin() + static_cast<std::ptrdiff_t>(kept), contacts.end());
  if (renamed) std::sort(contacts.begin(), contacts.end(), before);
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

void surface_corners(const Geometry& surface, int t, Vec3d p_G[3]) {
  if (surface.grid) return triangle_corners(*surface.grid, t, p_G);
  const std::array<int, 3>& v = surface.mesh->triangles[index(t)];
  for (int i = 0; i < 3; ++i) p_G[i] = surface.mesh->vertices[index(v[index(i)])];
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
  sort(contacts);
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
    const int count = choose(work, n, chosen);  // members stand in the order of ids
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
