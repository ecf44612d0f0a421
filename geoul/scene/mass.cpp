// Mass properties of solids.
#include <cmath>
#include <numbers>

#include "geoul/scene/scene.h"

namespace geoul::scene {
namespace {

using std::numbers::pi;

MassProperties centred(double mass, double xx, double yy, double zz) { return {mass, {}, {xx, yy, zz, 0, 0, 0}}; }

struct SolidOf {
  const Scene& scene;
  double density;

  std::optional<MassProperties> operator()(const Box& b) const {
    const double m = density * b.size.x * b.size.y * b.size.z;
    const double x = b.size.x * b.size.x, y = b.size.y * b.size.y, z = b.size.z * b.size.z;
    return centred(m, m / 12 * (y + z), m / 12 * (x + z), m / 12 * (x + y));
  }
  std::optional<MassProperties> operator()(const Sphere& s) const {
    const double m = density * 4 / 3 * pi * s.radius * s.radius * s.radius;
    const double i = 0.4 * m * s.radius * s.radius;
    return centred(m, i, i, i);
  }
  std::optional<MassProperties> operator()(const Cylinder& c) const {
    const double r2 = c.radius * c.radius, m = density * pi * r2 * c.height;
    const double side = m / 12 * (3 * r2 + c.height * c.height);
    return centred(m, side, side, m / 2 * r2);
  }
  std::optional<MassProperties> operator()(const Capsule& c) const {
    const double r = c.radius, r2 = r * r, h = c.height;
    const double barrel = density * pi * r2 * h, caps = density * 4 / 3 * pi * r2 * r;
    const double axial = barrel * r2 / 2 + caps * 0.4 * r2;
    const double side = barrel / 12 * (3 * r2 + h * h) + caps * (0.4 * r2 + h * h / 4 + 3 * h * r / 8);
    return centred(barrel + caps, side, side, axial);
  }
  std::optional<MassProperties> operator()(const Cone& c) const {
    const double r2 = c.radius * c.radius, h2 = c.height * c.height, m = density * pi * r2 * c.height / 3;
    const double side = m * (3.0 / 20 * r2 + 3.0 / 80 * h2);
    return MassProperties{m, {0, 0, -c.height / 4}, {side, side, 0.3 * m * r2, 0, 0, 0}};
  }
  std::optional<MassProperties> operator()(const Plane&) const { return std::nullopt; }
  std::optional<MassProperties> operator()(const HeightField&) const { return std::nullopt; }
  std::optional<MassProperties> operator()(const TriangleMesh& m) const { return of_mesh(m.mesh, m.scale); }
  std::optional<MassProperties> operator()(const ConvexHull& m) const { return of_mesh(m.mesh, m.scale); }

  // Sums signed tetrahedra from the first vertex; the covariance of a tetrahedron (0, a, b, c) of volume V is
  // V/20 (aa + bb + cc + ss) with s = a + b + c. Nothing where the volume is not positive.
  std::optional<MassProperties> of_mesh(MeshId id, const Vec3d& scale) const {
    if (!id.valid() || id.index() >= scene.meshes.size()) return std::nullopt;
    const Mesh& mesh = scene.meshes[id.index()];
    if (mesh.vertices.empty()) return std::nullopt;
    const auto vertex = [&](std::size_t i) {
      const Vec3d v(mesh.vertices[i]);
      return Vec3d{v.x * scale.x, v.y * scale.y, v.z * scale.z};
    };
    const Vec3d origin = vertex(0);
    double volume = 0;
    Vec3d first;
    Mat3d second{};
    for (const auto& t : mesh.triangles) {
      const Vec3d a = vertex(t[0]) - origin, b = vertex(t[1]) - origin, c = vertex(t[2]) - origin;
      const double v = dot(a, cross(b, c)) / 6;
      const Vec3d s = a + b + c;
      volume += v;
      first += (v / 4) * s;
      second += (v / 20) * (outer(a, a) + outer(b, b) + outer(c, c) + outer(s, s));
    }
    const double sign = scale.x * scale.y * scale.z < 0 ? -1 : 1;  // a mirrored mesh is inside out
    volume *= sign;
    if (!(volume > 0)) return std::nullopt;
    const double mass = density * volume;
    const Vec3d center = (sign / volume) * first;
    const Mat3d covariance = (density * sign) * second - mass * outer(center, center);
    const Mat3d inertia = Mat3d::diagonal(trace(covariance) * Vec3d{1, 1, 1}) - covariance;
    return MassProperties{mass, origin + center, symmetric_part(inertia)};
  }
};

}  // namespace

std::optional<MassProperties> solid_mass(const Scene& scene, const Geometry& geometry, double density) {
  return std::visit(SolidOf{scene, density}, geometry);
}

MassProperties combine(const MassProperties& a, const MassProperties& b) {
  const double mass = a.mass + b.mass;
  if (!(mass > 0)) return a;
  const Vec3d center = (1 / mass) * (a.mass * a.center + b.mass * b.center);
  return {mass, center,
          a.inertia + point_inertia(a.mass, a.center - center) + b.inertia + point_inertia(b.mass, b.center - center)};
}

MassProperties moved(const Posed& X_AB, const MassProperties& in_B) {
  const Transformd X = transform(X_AB);
  return {in_B.mass, X * in_B.center, rotate(X.R, in_B.inertia)};
}

}  // namespace geoul::scene
