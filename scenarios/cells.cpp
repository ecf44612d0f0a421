#include "scenarios/cells.h"

#include <string>

namespace geoul::scenarios {

void add_collider(scene::Scene& scene, BodyId body, const Posed& X_BS, const scene::Geometry& geometry) {
  scene::Shape shape;
  shape.path = "/shape" + std::to_string(scene.shapes.size());
  shape.body = body, shape.X_BS = X_BS, shape.geometry = geometry, shape.collides = true;
  scene.shapes.push_back(shape);
}

Scene cart(double mass, const Vec3d& axis, double stiffness, double damping) {
  Scene scene;
  const BodyId body = add_box(scene, "/cart", mass, {0.1, 0.1, 0.1}, {});
  const scene::JointId id = add_joint(scene, JointType::kPrismatic, scene::kWorld, body, {}, axis);
  Joint& joint = scene.joints[id.index()];
  joint.path = "/rail";
  joint.effort_limit = 1000;
  joint.drive.stiffness = stiffness, joint.drive.damping = damping;
  scene.shapes.clear();
  add_collider(scene, body, {}, scene::Sphere{0.1});
  return scene;
}

Scene arm7_cell() {
  Scene scene = arm7();
  for (Joint& joint : scene.joints) joint.velocity_limit = 2.2;
  const auto capsule = [&](int body, const Vec3d& p, double radius, double height, const Vec3d& turn) {
    add_collider(scene, BodyId{body}, {exp_rotation(turn), p}, scene::Capsule{radius, height});
  };
  capsule(0, {0, 0, -0.12}, 0.07, 0.2, {});
  capsule(1, {0, 0, 0}, 0.06, 0.1, {1.5707963267948966, 0, 0});
  capsule(2, {0, 0, -0.14}, 0.05, 0.06, {});
  capsule(3, {-0.04, 0.05, 0}, 0.055, 0.1, {1.5707963267948966, 0, 0});
  capsule(4, {0, 0.05, -0.22}, 0.045, 0.16, {});
  capsule(5, {0.05, 0, 0}, 0.045, 0.06, {});
  capsule(6, {0, 0, 0.11}, 0.035, 0.06, {});
  const auto box = [&](const Vec3d& p, const Vec3d& size) {
    add_collider(scene, scene::kWorld, {{}, p}, scene::Box{size});
  };
  box({0, 0, -0.06}, {2, 2, 0.1});
  box({0.75, 0.35, 0.4}, {0.06, 0.06, 0.8});
  box({-0.7, 0, 0.3}, {0.3, 1, 0.04});
  box({-0.7, 0, 0.6}, {0.3, 1, 0.04});
  box({-0.86, 0, 0.5}, {0.02, 1, 1});
  box({0.55, -0.3, 0.08}, {0.1, 0.1, 0.16});
  add_collider(scene, scene::kWorld, {{}, {0.3, 0.6, 0.3}}, scene::Sphere{0.12});
  return scene;
}

}  // namespace geoul::scenarios
