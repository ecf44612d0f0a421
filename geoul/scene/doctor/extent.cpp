#include "geoul/scene/doctor/extent.h"

#include <algorithm>
#include <cmath>

namespace geoul::scene::doctor {
namespace {

Vec3d times(const Vec3d& a, const Vec3d& b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
bool finite(const Vec3d& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

const Mesh* mesh_of(const Scene& scene, MeshId id) {
  return id.valid() && id.index() < scene.meshes.size() ? &scene.meshes[id.index()] : nullptr;
}

// Along z, without the round part: a disc of this radius, a point for capsules.
Vec3d rim(double radius, double z, const Vec3d& d) {
  const double across = std::hypot(d.x, d.y);
  return across > 0 ? Vec3d{radius * d.x / across, radius * d.y / across, z} : Vec3d{0, 0, z};
}

struct SupportOf {
  const Scene& scene;
  const Vec3d& d;

  Vec3d operator()(const Box& b) const {
    return {std::copysign(b.size.x / 2, d.x), std::copysign(b.size.y / 2, d.y), std::copysign(b.size.z / 2, d.z)};
  }
  Vec3d ball(double radius) const {
    const double n = norm(d);
    return n > 0 ? (radius / n) * d : Vec3d{};
  }
  Vec3d operator()(const Sphere& s) const { return ball(s.radius); }
  Vec3d operator()(const Capsule& c) const { return ball(c.radius) + Vec3d{0, 0, std::copysign(c.height / 2, d.z)}; }
  Vec3d operator()(const Cylinder& c) const { return rim(c.radius, std::copysign(c.height / 2, d.z), d); }
  Vec3d operator()(const Cone& c) const {
    const Vec3d base = rim(c.radius, -c.height / 2, d), tip{0, 0, c.height / 2};
    return dot(base, d) > dot(tip, d) ? base : tip;
  }
  Vec3d operator()(const Plane&) const { return {}; }
  Vec3d operator()(const HeightField&) const { return {}; }
  Vec3d operator()(const TriangleMesh& m) const { return of(m.mesh, m.scale); }
  Vec3d operator()(const ConvexHull& m) const { return of(m.mesh, m.scale); }
  Vec3d of(MeshId id, const Vec3d& scale) const {
    const Vec3d along = times(scale, d);
    double most = -kUnlimited;
    Vec3<float> best;
    for (const Vec3<float>& v : mesh_of(scene, id)->vertices) {
      const double x = along.x * v.x + along.y * v.y + along.z * v.z;
      if (x > most) most = x, best = v;
    }
    return times(scale, Vec3d(best));
  }
};

struct ExtentOf {
  const Scene& scene;

  static bool length(double x) { return std::isfinite(x) && x >= 0; }
  bool operator()(const Box& b) const { return length(b.size.x) && length(b.size.y) && length(b.size.z); }
  bool operator()(const Sphere& s) const { return length(s.radius); }
  bool operator()(const Capsule& c) const { return length(c.radius) && length(c.height); }
  bool operator()(const Cylinder& c) const { return length(c.radius) && length(c.height); }
  bool operator()(const Cone& c) const { return length(c.radius) && length(c.height); }
  bool operator()(const Plane&) const { return false; }
  bool operator()(const HeightField&) const { return false; }
  bool operator()(const TriangleMesh& m) const { return of(m.mesh, m.scale); }
  bool operator()(const ConvexHull& m) const { return of(m.mesh, m.scale); }
  bool of(MeshId id, const Vec3d& scale) const {
    const Mesh* mesh = mesh_of(scene, id);
    if (!mesh || mesh->vertices.empty() || !finite(scale)) return false;
    return std::all_of(mesh->vertices.begin(), mesh->vertices.end(),
                       [](const Vec3<float>& v) { return finite(Vec3d(v)); });
  }
};

}  // namespace

double Bounds::reach(const Vec3d& p) const {
  if (empty()) return 0;
  return norm(Vec3d{std::max(p.x - low.x, high.x - p.x), std::max(p.y - low.y, high.y - p.y),
                    std::max(p.z - low.z, high.z - p.z)});
}

void Bounds::include(const Vec3d& p) {
  low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
  high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
}

void Bounds::include(const Bounds& b) {
  if (b.empty()) return;
  include(b.low);
  include(b.high);
}

bool has_extent(const Scene& scene, const Geometry& geometry) { return std::visit(ExtentOf{scene}, geometry); }

Vec3d support(const Scene& scene, const Geometry& geometry, const Vec3d& direction) {
  return std::visit(SupportOf{scene, direction}, geometry);
}

Bounds bounds(const Scene& scene, const Placed& placed) {
  Bounds out;
  const auto include_mesh = [&](MeshId id, const Vec3d& scale) {
    for (const Vec3<float>& v : mesh_of(scene, id)->vertices) out.include(placed.X_AS * times(scale, Vec3d(v)));
  };
  if (const auto* m = std::get_if<TriangleMesh>(&placed.shape->geometry)) {
    include_mesh(m->mesh, m->scale);
  } else if (const auto* h = std::get_if<ConvexHull>(&placed.shape->geometry)) {
    include_mesh(h->mesh, h->scale);
  } else {
    for (int axis = 0; axis < 3; ++axis) {
      for (const double sign : {1.0, -1.0}) {
        Vec3d d;
        d[axis] = sign;
        out.include(placed.X_AS * support(scene, placed.shape->geometry, transpose_times(placed.X_AS.R, d)));
      }
    }
  }
  return out;
}

double distance_to_hull(const Scene& scene, std::span<const Placed> shapes, const Vec3d& p) {
  // Furthest point of the hull along d, from p.
  const auto furthest = [&](const Vec3d& d) {
    Vec3d best;
    double most = -kUnlimited;
    for (const Placed& placed : shapes) {
      const Vec3d s = placed.X_AS * support(scene, placed.shape->geometry, transpose_times(placed.X_AS.R, d)) - p;
      if (dot(s, d) > most) most = dot(s, d), best = s;
    }
    return best;
  };
  Vec3d x = furthest({1, 0, 0});
  const double size = norm(x - furthest({-1, 0, 0})) + norm(x);
  double least = 0;  // the plane through s across x keeps the whole hull this far away
  for (int step = 0; step < 200; ++step) {
    const double length = norm(x);
    if (!(length > 1e-9 * size)) return 0;
    const Vec3d s = furthest(-x);
    least = std::max(least, dot(x, s) / length);
    if (length - least <= 0.01 * size) break;
    const Vec3d back = x - s;  // nearest point of the segment from x to s
    const double t = dot(x, back) / dot(back, back);
    if (!(t > 0)) break;
    x = x - std::min(t, 1.0) * back;
  }
  return least;
}

}  // namespace geoul::scene::doctor
