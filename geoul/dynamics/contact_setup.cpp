// The constant part of contact: who may touch whom, of what materials.
#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/collision/geometry.h"
#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {

namespace {

using collision::Geometry;
using collision::Kind;

// Least half width over the normals of a hull's faces.
double thickness(const collision::Hull& hull) {
  double least = std::numeric_limits<double>::infinity();
  for (const collision::HullFace& face : hull.faces) {
    double low = face.offset;
    for (const Vec3d& v : hull.vertices) low = std::min(low, dot(face.normal, v));
    least = std::min(least, 0.5 * (face.offset - low));
  }
  return least;
}

double thickness(const Geometry& g) {
  switch (g.kind) {
    case Kind::kSphere:
    case Kind::kCapsule: return g.radius;
    case Kind::kBox: return std::min({g.half.x, g.half.y, g.half.z});
    case Kind::kCylinder: return std::min(g.radius, g.half_height);
    case Kind::kCone: return 0.5 * std::min(g.radius, g.half_height);
    case Kind::kHull: return thickness(*g.hull);
    default: return std::numeric_limits<double>::infinity();
  }
}

}  // namespace

ContactMaterial mean(const ContactMaterial& a, const ContactMaterial& b) {
  const auto half = [](double x, double y) { return 0.5 * (x + y); };
  ContactMaterial m{half(a.static_friction, b.static_friction),
                    half(a.dynamic_friction, b.dynamic_friction),
                    half(a.restitution, b.restitution),
                    half(a.torsion, b.torsion),
                    half(a.rolling, b.rolling),
                    0,
                    half(a.damping, b.damping)};
  // two springs in a row; a rigid one does not count
  if (a.stiffness > 0 && b.stiffness > 0) m.stiffness = a.stiffness * b.stiffness / (a.stiffness + b.stiffness);
  if ((a.stiffness > 0) != (b.stiffness > 0)) m.stiffness = std::max(a.stiffness, b.stiffness);
  return m;
}

std::shared_ptr<const ContactSetup> set_up_contact(const scene::Scene& scene, const Model& model,
                                                   const ContactSetup* before, Diagnostics& diagnostics) {
  if (std::none_of(scene.shapes.begin(), scene.shapes.end(), [](const scene::Shape& s) { return s.collides; })) {
    return nullptr;
  }
  auto setup = std::make_shared<ContactSetup>();
  if (before) {
    setup->geometry = before->geometry;
  } else {
    std::optional<collision::CollisionModel> geometry = collision::compile(scene, diagnostics);
    if (!geometry) return nullptr;
    setup->geometry = std::make_shared<const collision::CollisionModel>(std::move(*geometry));
  }
  const auto group_of = [&](scene::BodyId body) {
    if (!body.valid() || model.bodies[body.index()].link < 0) return -1;
    return model.bodies[body.index()].group;
  };
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    setup->filter.group.push_back(group_of(scene::BodyId::from_index(b)));
  }
  const auto keep_apart = [&](scene::BodyId a, scene::BodyId b) {
    const int x = group_of(a), y = group_of(b);
    if (x != y) setup->filter.apart.emplace_back(std::min(x, y), std::max(x, y));
  };
  for (const scene::Joint& joint : scene.joints) {
    if (joint.enabled && !joint.collision_enabled && joint.parent.valid() && joint.child.valid()) {
      keep_apart(joint.parent, joint.child);
    }
  }
  for (const auto& [a, b] : scene.collision_exclusions) keep_apart(a, b);
  std::sort(setup->filter.apart.begin(), setup->filter.apart.end());
  setup->filter.apart.erase(std::unique(setup->filter.apart.begin(), setup->filter.apart.end()),
                            setup->filter.apart.end());
  setup->reach.assign(scene.bodies.size(), 0);
  for (const collision::Collider& c : setup->geometry->colliders) {
    const scene::MaterialId id = scene.shapes[c.shape.index()].material;
    const scene::Material m = id.valid() ? scene.materials[id.index()] : scene::Material{};
    setup->materials.push_back({m.static_friction, m.dynamic_friction, m.restitution, m.torsional_friction,
                                m.rolling_friction, m.contact_stiffness, m.contact_damping});
    const Geometry& shape = setup->geometry->geometries[static_cast<std::size_t>(c.geometry)];
    if (c.body.valid()) {
      double& reach = setup->reach[c.body.index()];
      reach = std::max(reach, norm(c.X_BC.p) + (std::isfinite(shape.bounding_radius) ? shape.bounding_radius : 1));
    }
    setup->thickness.push_back(thickness(shape));
  }
  for (double& reach : setup->reach) reach = reach > 0 ? reach : 1;
  return setup;
}

}  // namespace geoul::dynamics
