#include "scenarios/contacts.h"

#include <cmath>
#include <numbers>

namespace geoul::scenarios {

void add_shape(Scene& scene, BodyId body, const scene::Geometry& geometry, const Touch& touch, const Posed& X_BS) {
  scene::Material material;
  material.path = "/material" + std::to_string(scene.materials.size());
  material.static_friction = material.dynamic_friction = touch.friction;
  material.restitution = touch.restitution;
  scene.materials.push_back(material);
  scene::Shape shape;
  shape.path = "/shape" + std::to_string(scene.shapes.size());
  shape.body = body;
  shape.X_BS = X_BS;
  shape.geometry = geometry;
  shape.material = scene::MaterialId::from_index(scene.materials.size() - 1);
  shape.collides = true;
  scene.shapes.push_back(shape);
}

BodyId add_solid_box(Scene& scene, const std::string& path, double mass, const Vec3d& size, const Vec3d& p,
                     const Touch& touch) {
  const BodyId id = add_box(scene, path, mass, size, p);
  add_shape(scene, id, scene::Box{size}, touch);
  return id;
}

BodyId add_ball(Scene& scene, const std::string& path, double mass, double radius, const Vec3d& p, const Touch& touch) {
  scene::Body body;
  body.path = path;
  body.X_WB.p = p;
  const double i = 0.4 * mass * radius * radius;
  body.mass = {mass, {}, {i, i, i, 0, 0, 0}};
  scene.bodies.push_back(body);
  const BodyId id = BodyId::from_index(scene.bodies.size() - 1);
  add_shape(scene, id, scene::Sphere{radius}, touch);
  return id;
}

Scene ground(const Touch& touch) {
  Scene scene;
  add_shape(scene, scene::kWorld, scene::Plane{}, touch);
  return scene;
}

Scene box_on_slope(double angle, double friction) {
  Scene scene;
  const Posed tilt{exp_rotation(Vec3d{0, angle, 0}), {}};
  add_shape(scene, scene::kWorld, scene::Plane{}, {friction, 0}, tilt);
  const BodyId box = add_solid_box(scene, "/box", 1, {0.4, 0.3, 0.2}, {}, {friction, 0});
  scene.bodies[box.index()].X_WB = {tilt.R, rotation_matrix(tilt.R) * Vec3d{0, 0, 0.1}};
  return scene;
}

Scene tower(int n, double first, double growth) {
  Scene scene = ground({0.5, 0});
  double mass = first;
  for (int i = 0; i < n; ++i, mass *= growth) {
    add_solid_box(scene, "/box" + std::to_string(i), mass, {.2, .2, .2}, {0, 0, .1 + .2 * i}, {0.5, 0});
  }
  return scene;
}

Scene bouncing_ball(double restitution) {
  Scene scene = ground({0.5, restitution});
  add_ball(scene, "/ball", 1, 0.1, {0, 0, 1.1}, {0.5, restitution});
  return scene;
}

Scene rolling_ball(double speed, double friction) {
  Scene scene = ground({friction, 0});
  const BodyId ball = add_ball(scene, "/ball", 1, 0.1, {0, 0, 0.1}, {friction, 0});
  scene.bodies[ball.index()].V_WB.v = {speed, 0, 0};
  return scene;
}

}  // namespace geoul::scenarios
