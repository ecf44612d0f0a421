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

Scene gripper(const Gripper& options) {
  const Touch touch{options.friction, 0};
  Scene scene;
  const BodyId hand = add_box(scene, "/hand", 1, {.2, .1, .05}, {0, 0, .1});
  scene.bodies[hand.index()].kinematic = true;
  for (const double side : {-1.0, 1.0}) {
    const double pad = .01, x = side * (.017 + .5 * pad);
    const BodyId finger = add_solid_box(scene, side < 0 ? "/left" : "/right", 0.1, {pad, .06, .06}, {x, 0, 0}, touch);
    const scene::JointId slide = add_joint(scene, JointType::kPrismatic, hand, finger, {x, 0, 0}, {-side, 0, 0});
    scene.joints[slide.index()].drive = {2000, 40, options.force / 2000, 0, 2 * options.force};
  }
  scene::Body cylinder;
  cylinder.path = "/cylinder";
  const double m = .25, r = .017, l = .1, across = m * (3 * r * r + l * l) / 12;
  cylinder.mass = {m, {}, {across, across, m * r * r / 2, 0, 0, 0}};
  scene.bodies.push_back(cylinder);
  add_shape(scene, BodyId{3}, scene::Cylinder{r, l}, touch);
  return scene;
}

Scene bowl(int n) {
  const Touch touch{0.4, 0};
  Scene scene;
  scene::HeightField field;
  field.columns = field.rows = 61;
  field.size_x = field.size_y = 1.2;
  for (int j = 0; j < field.rows; ++j) {
    for (int i = 0; i < field.columns; ++i) {
      const double x = .02 * (i - 30), y = .02 * (j - 30);
      field.heights.push_back(static_cast<float>(x * x + y * y));
    }
  }
  add_shape(scene, scene::kWorld, field, touch);
  Random random(7);
  constexpr int kWide = 12;
  constexpr double kRadius = .02, kPitch = .05;
  for (int k = 0; k < n; ++k) {
    const int i = k % kWide, j = k / kWide % kWide, layer = k / (kWide * kWide);
    const auto jitter = [&] { return random.uniform(-.004, .004); };
    const double x = kPitch * (i - .5 * (kWide - 1)) + jitter(), y = kPitch * (j - .5 * (kWide - 1)) + jitter();
    add_ball(scene, "/ball" + std::to_string(k), .033, kRadius, {x, y, .25 + kPitch * layer}, touch);
  }
  return scene;
}

namespace {

// The k-th of six kinds of convex shapes of about `size`.
scene::Geometry solid(Scene& scene, int k, double size, Random& random) {
  switch (k % 6) {
    case 0: return scene::Box{{2 * size, 1.5 * size, size}};
    case 1: return scene::Sphere{size};
    case 2: return scene::Capsule{.6 * size, size};
    case 3: return scene::Cylinder{size, size};
    case 4: return scene::Cone{size, 1.5 * size};
    default: break;
  }
  scene::Mesh mesh;
  mesh.path = "/mesh" + std::to_string(scene.meshes.size());
  const auto coordinate = [&] { return static_cast<float>(random.uniform(-size, size)); };
  for (int i = 0; i < 12; ++i) {
    const float x = coordinate(), y = coordinate(), z = coordinate();
    mesh.vertices.push_back({x, y, z});
  }
  mesh.triangles.push_back({0, 1, 2});
  scene.meshes.push_back(mesh);
  return scene::ConvexHull{scene::MeshId::from_index(scene.meshes.size() - 1)};
}

}  // namespace

Scene heap(int n, double restitution, std::uint64_t seed) {
  const Touch touch{0.5, restitution};
  Random random(seed);
  Scene scene = ground(touch);
  for (int k = 0; k < 4; ++k) {
    const double angle = k * std::numbers::pi / 2;
    const Posed X{exp_rotation(Vec3d{0, 0, angle}), {.6 * std::cos(angle), .6 * std::sin(angle), .5}};
    add_shape(scene, scene::kWorld, scene::Box{{.1, 1.4, 1}}, touch, X);
  }
  const auto vector = [&](double most) {
    const double x = random.uniform(-most, most), y = random.uniform(-most, most), z = random.uniform(-most, most);
    return Vec3d{x, y, z};
  };
  for (int i = 0; i < n; ++i) {
    scene::Body body;
    body.path = "/body" + std::to_string(i);
    const Vec3d grid{.18 * (i % 5 - 2), .18 * (i / 5 % 5 - 2), .2 + .2 * (i / 25)};
    body.X_WB = {random_rotation(random), grid + vector(.01)};
    body.V_WB = {vector(3), vector(1)};
    const double mass = random.uniform(.05, 5), inertia = mass * .004;
    body.mass = {mass, {}, {inertia, inertia, inertia, 0, 0, 0}};
    scene.bodies.push_back(body);
    const double size = random.uniform(.02, .06);
    add_shape(scene, BodyId{i}, solid(scene, i, size, random), touch);
  }
  return scene;
}

Scene painleve_rod(double angle, double speed, double friction) {
  Scene scene;
  add_shape(scene, scene::kWorld, scene::Plane{}, {friction, 0});
  constexpr double kLength = 1, kRadius = 1e-3, kMass = 1;
  scene::Body rod;
  rod.path = "/rod";
  const double i = kMass * kLength * kLength / 12;
  rod.mass = {kMass, {}, {i, i, 1e-6, 0, 0, 0}};
  // z along the rod; the lower end's round cap touches the ground at the origin
  const double tilt = std::numbers::pi / 2 - angle;
  rod.X_WB = {exp_rotation(Vec3d{0, tilt, 0}),
              {.5 * kLength * std::cos(angle), 0, kRadius + .5 * kLength * std::sin(angle)}};
  rod.V_WB.v = {speed, 0, 0};
  scene.bodies.push_back(rod);
  add_shape(scene, BodyId{0}, scene::Capsule{kRadius, kLength}, {friction, 0});
  return scene;
}

Scene simbenchmark_rolling() {
  Scene scene = ground({0, 0});
  const BodyId box = add_solid_box(scene, "/box", 10, {20, 20, 1}, {0, 0, .5}, {.8, 0});
  (void)box;
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) {
      add_ball(scene, "/ball" + std::to_string(5 * i + j), 1, .5, {2. * i - 4, 2. * j - 4, 1.5}, {.8, 0});
    }
  }
  return scene;
}

Scene simbenchmark_bouncing() {
  Scene scene = ground({0, 1});
  for (int i = 0; i < 7; ++i) {
    for (int j = 0; j < 7; ++j) {
      add_ball(scene, "/ball" + std::to_string(7 * i + j), 10, .1, {2. * i, 2. * j, 5}, {0, 1});
    }
  }
  return scene;
}

namespace {

Scene weightless() {
  Scene scene;
  scene.gravity = {};
  return scene;
}

void add_plate(Scene& scene, double thickness) {
  add_shape(scene, scene::kWorld, scene::Box{{thickness, 1, 1}}, {0, 0}, {{}, {1, 0, 0}});
}

}  // namespace

Scene bullet_at_plate(double speed, double thickness) {
  Scene scene = weightless();
  add_plate(scene, thickness);
  const BodyId ball = add_ball(scene, "/ball", .03, .01, {}, {0, 0});
  scene.bodies[ball.index()].V_WB.v = {speed, 0, 0};
  return scene;
}

Scene rod_at_plate(double speed, double thickness) {
  Scene scene = weightless();
  add_plate(scene, thickness);
  const BodyId rod = add_solid_box(scene, "/rod", .05, {.002, .3, .002}, {}, {0, 0});
  scene.bodies[rod.index()].X_WB.R = exp_rotation(Vec3d{0, 0, .7});
  scene.bodies[rod.index()].V_WB.v = {speed, 0, 0};
  return scene;
}

Scene bullets_that_meet(double speed, double offset) {
  Scene scene = weightless();
  for (const double side : {-1.0, 1.0}) {
    const BodyId ball = add_ball(scene, side < 0 ? "/left" : "/right", .03, .01, {side, .5 * side * offset, 0}, {0, 0});
    scene.bodies[ball.index()].V_WB.v = {-side * speed, 0, 0};
  }
  return scene;
}

Scene spinning_blade(double rate) {
  Scene scene = weightless();
  add_ball(scene, "/ball", .03, .01, {0, .45, 0}, {0, 0});
  const BodyId blade = add_solid_box(scene, "/blade", 10, {1, .002, .04}, {0, 0, 0}, {0, 0});
  const scene::JointId hinge = add_joint(scene, JointType::kContinuous, scene::kWorld, blade, {});
  scene.joints[hinge.index()].velocity = rate;
  return scene;
}

}  // namespace geoul::scenarios
