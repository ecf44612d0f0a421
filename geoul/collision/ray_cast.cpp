// Rays against every shape. A ray meets surfaces from outside: one that starts inside a solid does not see it.
#include <cmath>

#include "geoul/collision/broad_phase.h"
#include "geoul/collision/collision.h"
#include "geoul/collision/height_field.h"
#include "geoul/collision/mesh.h"
#include "geoul/core/contract.h"

namespace geoul::collision {
namespace {

constexpr double kNever = Bounds::kInfinity;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

// The part of a ray that is inside all half spaces so far, and the normal where it enters.
struct Clip {
  double in = -kNever, out = kNever;
  Vec3d normal;

  // Half space dot(n, x) <= offset.
  void half_space(const Ray& ray, const Vec3d& n, double offset) {
    const double along = dot(n, ray.d), gap = offset - dot(n, ray.o);
    if (along == 0) {
      if (gap < 0) out = -kNever;
    } else if (along > 0) {
      out = std::min(out, gap / along);
    } else if (gap / along > in) {
      in = gap / along, normal = n;
    }
  }
  // Where the ray enters from outside; never where it starts inside or misses.
  double entry() const { return in >= 0 && in <= out ? in : kNever; }
};

double meet_sphere(const Ray& ray, const Vec3d& center, double radius, Vec3d& normal) {
  const Vec3d o = ray.o - center;
  const double along = dot(o, ray.d);
  const Vec3d nearest = o - along * ray.d;
  const double half2 = radius * radius - dot(nearest, nearest);  // without cancelling for distant origins
  if (half2 < 0) return kNever;
  const double t = -along - std::sqrt(half2);
  if (t < 0) return kNever;
  normal = (1 / radius) * (o + t * ray.d);
  return t;
}

double meet_box(const Ray& ray, const Vec3d& half, Vec3d& normal) {
  Clip clip;
  for (int k = 0; k < 3; ++k) {
    Vec3d n;
    n[k] = 1;
    clip.half_space(ray, n, half[k]);
    clip.half_space(ray, -n, half[k]);
  }
  normal = clip.normal;
  return clip.entry();
}

// Where a ray is inside the infinite cylinder about z; false where it never is.
bool inside_tube(const Ray& ray, double radius, double& in, double& out) {
  const double a = ray.d.x * ray.d.x + ray.d.y * ray.d.y;
  in = -kNever, out = kNever;
  if (a == 0) return ray.o.x * ray.o.x + ray.o.y * ray.o.y <= radius * radius;
  const double s = -(ray.o.x * ray.d.x + ray.o.y * ray.d.y) / a;
  const double x = ray.o.x + s * ray.d.x, y = ray.o.y + s * ray.d.y;
  const double half2 = (radius * radius - x * x - y * y) / a;
  if (half2 < 0) return false;
  in = s - std::sqrt(half2), out = s + std::sqrt(half2);
  return true;
}

double meet_cylinder(const Ray& ray, double radius, double half_height, Vec3d& normal) {
  double in, out;
  if (!inside_tube(ray, radius, in, out)) return kNever;
  Clip clip{in, out, {}};
  if (in > -kNever) {
    clip.normal = {(ray.o.x + in * ray.d.x) / radius, (ray.o.y + in * ray.d.y) / radius, 0};
  }
  clip.half_space(ray, {0, 0, 1}, half_height);
  clip.half_space(ray, {0, 0, -1}, half_height);
  normal = clip.normal;
  return clip.entry();
}

double meet_capsule(const Ray& ray, double radius, double half_height, Vec3d& normal) {
  const Vec3d axis_point{0, 0, std::clamp(ray.o.z, -half_height, half_height)};
  if (dot(ray.o - axis_point, ray.o - axis_point) < radius * radius) return kNever;
  double nearest = kNever, in, out;
  if (inside_tube(ray, radius, in, out) && in >= 0 && std::abs(ray.o.z + in * ray.d.z) <= half_height) {
    nearest = in;
    normal = {(ray.o.x + in * ray.d.x) / radius, (ray.o.y + in * ray.d.y) / radius, 0};
  }
  for (const double z : {-half_height, half_height}) {
    Vec3d n;
    const double t = meet_sphere(ray, {0, 0, z}, radius, n);
    if (t < nearest) nearest = t, normal = n;
  }
  return nearest;
}

double meet_cone(const Ray& ray, double radius, double half_height, Vec3d& normal) {
  double nearest = kNever;
  if (ray.d.z > 0) {  // the base
    const double t = (-half_height - ray.o.z) / ray.d.z;
    const double x = ray.o.x + t * ray.d.x, y = ray.o.y + t * ray.d.y;
    if (t >= 0 && x * x + y * y <= radius * radius) nearest = t, normal = {0, 0, -1};
  }
  // x^2 + y^2 = k^2 (half_height - z)^2, seen from a point of the ray near the cone's middle
  const double k = radius / (2 * half_height), from = -dot(ray.o, ray.d);
  const Vec3d o = ray.o + from * ray.d;
  const double w = half_height - o.z;
  const double a = ray.d.x * ray.d.x + ray.d.y * ray.d.y - k * k * ray.d.z * ray.d.z;
  const double b = o.x * ray.d.x + o.y * ray.d.y + k * k * w * ray.d.z;
  const double c = o.x * o.x + o.y * o.y - k * k * w * w;
  const double discriminant = b * b - a * c;
  if (discriminant < 0) return nearest;
  const double q = -(b + std::copysign(std::sqrt(discriminant), b));
  for (const double s : {q / a, c / q}) {
    const double t = from + s, z = o.z + s * ray.d.z;
    if (!(t >= 0 && t < nearest && std::abs(z) <= half_height)) continue;
    const Vec3d outward{o.x + s * ray.d.x, o.y + s * ray.d.y, k * k * (half_height - z)};
    const double length = norm(outward);
    if (length > 0 && dot(outward, ray.d) < 0) nearest = t, normal = (1 / length) * outward;
  }
  return nearest;
}

double meet_hull(const Ray& ray, const Hull& hull, Vec3d& normal) {
  Clip clip;
  for (const HullFace& face : hull.faces) clip.half_space(ray, face.normal, face.offset);
  normal = clip.normal;
  return clip.entry();
}

double meet(const Ray& ray, const Geometry& g, double reach, Vec3d& normal) {
  switch (g.kind) {
    case Kind::kSphere: return meet_sphere(ray, {}, g.radius, normal);
    case Kind::kCapsule: return meet_capsule(ray, g.radius, g.half_height, normal);
    case Kind::kBox: return meet_box(ray, g.half, normal);
    case Kind::kCylinder: return meet_cylinder(ray, g.radius, g.half_height, normal);
    case Kind::kCone: return meet_cone(ray, g.radius, g.half_height, normal);
    case Kind::kHull: return meet_hull(ray, *g.hull, normal);
    case Kind::kPlane: normal = {0, 0, 1}; return ray.o.z >= 0 && ray.d.z < 0 ? -ray.o.z / ray.d.z : kNever;
    case Kind::kMesh: return cast_ray(*g.mesh, ray, reach, normal);
    case Kind::kHeightField: return cast_ray(*g.grid, ray, reach, normal);
    case Kind::kTriangle: break;
  }
  return kNever;
}

struct Caster {
  const CollisionModel& model;
  Ray ray;
  RayHit best;

  void test(int i, const Posed& X_WC) {
    const Mat3d R = rotation_matrix(X_WC.R);
    const Vec3d d = transpose_times(R, ray.d);
    const Ray in_G{transpose_times(R, ray.o - X_WC.p), d, {1 / d.x, 1 / d.y, 1 / d.z}};
    Vec3d normal;
    const Geometry& geometry = model.geometries[index(model.colliders[index(i)].geometry)];
    const double t = meet(in_G, geometry, best.distance, normal);
    if (t < best.distance || (t == best.distance && (best.collider < 0 || i < best.collider))) {
      best = {i, t, R * normal};
    }
  }
};

}  // namespace

std::optional<RayHit> cast_ray(const CollisionModel& model, std::span<const Posed> X_WB, const Vec3d& origin_W,
                               const Vec3d& direction_W, double reach) {
  GEOUL_EXPECTS(model.prepared != nullptr && index(model.nbody) <= X_WB.size());
  GEOUL_EXPECTS(norm(direction_W) > 0 && finite(direction_W) && finite(origin_W));
  const CollisionModel::Prepared& prepared = *model.prepared;
  Caster caster{model, make_ray(origin_W, direction_W), {-1, std::min(reach, std::numeric_limits<double>::max()), {}}};
  query(prepared.fixed_tree, caster.ray, caster.best.distance, [&](std::int32_t item, double) {
    const int i = prepared.fixed[index(item)];
    caster.test(i, prepared.X_WC[index(i)]);
    return caster.best.distance;
  });
  for (const int i : prepared.moving) {
    const Collider& collider = model.colliders[index(i)];
    const Posed X_WC = collider_pose(collider, X_WB);
    const double radius = model.geometries[index(collider.geometry)].bounding_radius;
    const Vec3d o = X_WC.p - caster.ray.o;
    const double along = dot(o, caster.ray.d);
    const Vec3d aside = o - along * caster.ray.d;
    const double slack = radius * (1 + 1e-9) + 1e-12 * std::abs(along);
    if (along < -slack || along - slack > caster.best.distance || dot(aside, aside) > slack * slack) continue;
    caster.test(i, X_WC);
  }
  for (const int i : prepared.planes) {
    const Collider& collider = model.colliders[index(i)];
    caster.test(i, collider_pose(collider, X_WB));
  }
  if (caster.best.collider < 0) return std::nullopt;
  return caster.best;
}

}  // namespace geoul::collision
