#include "scenarios/mechanics.h"

#include <cmath>
#include <numbers>

namespace geoul::scenarios {

BodyId add_box(Scene& scene, const std::string& path, double mass, const Vec3d& s, const Vec3d& p) {
  const double i = mass / 12;
  scene::Body body;
  body.path = path;
  body.X_WB.p = p;
  body.mass = {
      mass, {}, {i * (s.y * s.y + s.z * s.z), i * (s.x * s.x + s.z * s.z), i * (s.x * s.x + s.y * s.y), 0, 0, 0}};
  scene.bodies.push_back(body);
  return BodyId::from_index(scene.bodies.size() - 1);
}

scene::JointId add_joint(Scene& scene, JointType type, BodyId parent, BodyId child, const Vec3d& p, const Vec3d& axis) {
  const auto frame = [&](BodyId body) {
    if (!body.valid()) return Posed{{}, p};
    const Posed& X = scene.bodies[body.index()].X_WB;
    return pose(inverse(transform(X)) * Transformd{Mat3d::identity(), p});
  };
  Joint joint;
  joint.path = "/joint" + std::to_string(scene.joints.size());
  joint.type = type;
  joint.parent = parent;
  joint.child = child;
  joint.X_PJ = frame(parent);
  joint.X_CJ = frame(child);
  joint.axis = axis;
  scene.joints.push_back(joint);
  return scene::JointId::from_index(scene.joints.size() - 1);
}

Scene weld_chain(int cubes, double tip_mass, const Vec3d& origin, bool to_world, const std::string& prefix) {
  Scene scene;
  for (int i = 0; i < cubes; ++i) {
    const double mass = i == cubes - 1 ? tip_mass : 1.0;
    add_box(scene, prefix + "/cube" + std::to_string(i), mass, {1, 1, 1}, origin + Vec3d{static_cast<double>(i), 0, 0});
    // frames written in the bodies, as a file has them: the world's offset does not enter
    if (i > 0) {
      Joint weld;
      weld.path = prefix + "/weld" + std::to_string(i);
      weld.parent = BodyId{i - 1};
      weld.child = BodyId{i};
      weld.X_PJ.p = {0.5, 0, 0};
      weld.X_CJ.p = {-0.5, 0, 0};
      scene.joints.push_back(weld);
    }
  }
  if (to_world) {
    Joint anchor;
    anchor.path = prefix + "/anchor";
    anchor.child = BodyId{0};
    anchor.X_PJ.p = origin;
    scene.joints.push_back(anchor);
  }
  return scene;
}

Scene weld_ring(int boxes) {
  Scene scene;
  scene.gravity = {};
  const double step = 2 * std::numbers::pi / boxes;
  const Vec3d spin{3, 2, 1};
  for (int i = 0; i < boxes; ++i) {
    const Quatd r = exp_rotation(Vec3d{0, 0, i * step});
    const BodyId id =
        add_box(scene, "/box" + std::to_string(i), 1, {0.2, 0.2, 0.2}, {std::cos(i * step), std::sin(i * step), 0});
    scene::Body& body = scene.bodies[id.index()];
    body.X_WB.R = r;
    body.V_WB = {spin, cross(spin, body.X_WB.p)};
  }
  for (int i = 0; i < boxes; ++i) {
    const scene::Body& a = scene.bodies[static_cast<std::size_t>(i)];
    const scene::Body& b = scene.bodies[static_cast<std::size_t>((i + 1) % boxes)];
    Joint weld;
    weld.path = "/weld" + std::to_string(i);
    weld.parent = BodyId{i};
    weld.child = BodyId{(i + 1) % boxes};
    const Transformd X_WJ{rotation_matrix(exp_rotation(Vec3d{0, 0, (i + 0.5) * step})), 0.5 * (a.X_WB.p + b.X_WB.p)};
    weld.X_PJ = pose(inverse(transform(a.X_WB)) * X_WJ);
    weld.X_CJ = pose(inverse(transform(b.X_WB)) * X_WJ);
    scene.joints.push_back(weld);
  }
  return scene;
}

Scene triball(bool lumped) {
  Scene scene;
  add_box(scene, "/chassis", 3.9555, {1, 1, 0.3}, {});
  const double volume = 4.0 / 3 * std::numbers::pi * std::pow(0.25, 3);
  const scene::MassProperties ball = *solid_mass(scene, scene::Sphere{0.25}, 1.3185 / volume);
  scene::MassProperties sum = scene.bodies[0].mass;
  for (int i = 0; i < 3; ++i) {
    const double angle = 2 * std::numbers::pi * i / 3;
    scene::Body body;
    body.path = "/ball" + std::to_string(i);
    body.X_WB.p = {0.8333 * std::cos(angle), 0.8333 * std::sin(angle), -0.1 * i};
    body.mass = ball;
    sum = combine(sum, moved(body.X_WB, ball));
    if (lumped) continue;
    scene.bodies.push_back(body);
    add_joint(scene, JointType::kFixed, BodyId{0}, BodyId{i + 1}, 0.5 * body.X_WB.p);
  }
  if (lumped) scene.bodies[0].mass = sum;
  const Vec3d w{0.4, -1.1, 2.3};
  for (scene::Body& body : scene.bodies) body.V_WB = {w, Vec3d{1, 2, 3} + cross(w, body.X_WB.p)};
  return scene;
}

Scene pendulum() {
  Scene scene;
  scene::Body bob;
  bob.path = "/bob";
  bob.X_WB.p = {-1, 0, 0};
  bob.mass.mass = 1;
  scene.bodies.push_back(bob);
  add_joint(scene, JointType::kContinuous, scene::kWorld, BodyId{0}, {}, {0, 1, 0});
  return scene;
}

Scene four_bar_chain(int n) {
  Scene scene;
  scene.gravity = {0, -9.81, 0};
  const auto bar = [&](const std::string& path, const Vec3d& p, bool upright) {
    const double i = 1.0 / 12;
    scene::Body body;
    body.path = path;
    body.X_WB.p = p;
    body.mass = {1, {}, upright ? Sym3d{i, 0, i, 0, 0, 0} : Sym3d{0, i, i, 0, 0, 0}};
    scene.bodies.push_back(body);
    return BodyId::from_index(scene.bodies.size() - 1);
  };
  const Vec3d z{0, 0, 1};
  BodyId pillar = bar("/pillar0", {0, 0.5, 0}, true);
  add_joint(scene, JointType::kContinuous, scene::kWorld, pillar, {}, z);
  for (int k = 0; k < n; ++k) {
    const BodyId beam = bar("/beam" + std::to_string(k), {k + 0.5, 1, 0}, false);
    add_joint(scene, JointType::kContinuous, pillar, beam, {static_cast<double>(k), 1, 0}, z);
    pillar = bar("/pillar" + std::to_string(k + 1), {k + 1.0, 0.5, 0}, true);
    add_joint(scene, JointType::kContinuous, beam, pillar, {k + 1.0, 1, 0}, z);
  }
  return scene;
}

Scene free_box() {
  Scene scene;
  scene.gravity = {0, 0, -9.8};
  add_box(scene, "/box", 10, {0.1, 0.4, 0.9}, {});
  scene.bodies[0].V_WB = {{0.1, 5, 0.1}, {-2, 2, 8}};
  return scene;
}

Quatd random_rotation(Random& r) { return normalized(Quatd{r.normal(), r.normal(), r.normal(), r.normal()}); }
Posed random_pose(Random& r) { return {random_rotation(r), {r.uniform(-1, 1), r.uniform(-1, 1), r.uniform(-1, 1)}}; }

Scene random_tree(int n, std::uint64_t seed, bool floating) {
  Random r(seed);
  Scene scene;
  for (int i = 0; i < n; ++i) {
    scene::Body body;
    body.path = "/body" + std::to_string(i);
    body.X_WB = random_pose(r);
    const double m = r.uniform(0.5, 2);
    const Vec3d size{r.uniform(0.1, 0.5), r.uniform(0.1, 0.5), r.uniform(0.1, 0.5)};
    const Vec3d moments{m / 12 * (size.y * size.y + size.z * size.z), m / 12 * (size.x * size.x + size.z * size.z),
                        m / 12 * (size.x * size.x + size.y * size.y)};
    body.mass = {m,
                 {r.uniform(-0.2, 0.2), r.uniform(-0.2, 0.2), r.uniform(-0.2, 0.2)},
                 rotate(rotation_matrix(random_rotation(r)), Sym3d{moments.x, moments.y, moments.z, 0, 0, 0})};
    scene.bodies.push_back(body);
    if (i == 0 && floating) continue;
    constexpr JointType kTypes[] = {JointType::kRevolute,  JointType::kFixed,  JointType::kPrismatic,
                                    JointType::kSpherical, JointType::kPlanar, JointType::kFree,
                                    JointType::kContinuous};
    Joint joint;
    joint.path = "/joint" + std::to_string(i);
    joint.type = kTypes[r.integer(7)];
    joint.child = BodyId{i};
    if (i > 0) joint.parent = BodyId{static_cast<std::int32_t>(r.integer(floating ? i : i + 1)) - (floating ? 0 : 1)};
    joint.X_PJ = random_pose(r);
    const Vec3d axis{r.normal(), r.normal(), r.normal()};
    joint.axis = (1 / norm(axis)) * axis;
    joint.armature = r.uniform(0, 0.1);
    // the child's frame meets the parent's, so that the start is where the bodies are
    const Posed parent = joint.parent.valid() ? scene.bodies[joint.parent.index()].X_WB : Posed{};
    joint.X_CJ = pose(inverse(transform(body.X_WB)) * transform(parent) * transform(joint.X_PJ));
    scene.joints.push_back(joint);
  }
  return scene;
}

// Frames: Craig's DH of the Panda as published in its documentation (d1 .333, d3 .316, a4 .0825, a5 -.0825, d5 .384, a7
// .088).
Scene arm7() {
  struct Row {
    double a, d, alpha, mass;
    Vec3d center;
  };
  constexpr double kQuarter = std::numbers::pi / 2;
  const Row rows[] = {{0, .333, 0, 4.97, {.004, .002, -.05}},
                      {0, 0, -kQuarter, .65, {-.003, -.03, .003}},
                      {0, .316, kQuarter, 3.23, {.027, .039, -.066}},
                      {.0825, 0, kQuarter, 3.59, {-.053, .104, .027}},
                      {-.0825, .384, -kQuarter, 1.23, {-.012, .041, -.038}},
                      {0, 0, kQuarter, 1.67, {.06, -.014, -.01}},
                      {.088, 0, kQuarter, .74, {.01, -.004, .061}}};
  Scene scene;
  BodyId parent = scene::kWorld;
  Transformd X_WL;
  int i = 0;
  for (const Row& row : rows) {
    const Mat3d tilt = rotation_matrix(exp_rotation(Vec3d{row.alpha, 0, 0}));
    const Transformd X_PJ{tilt, Vec3d{row.a, 0, 0} + tilt * Vec3d{0, 0, row.d}};
    X_WL = X_WL * X_PJ;
    scene::Body body;
    body.path = "/link" + std::to_string(++i);
    body.X_WB = pose(X_WL);
    const double r = 0.06 * 0.06 * row.mass;
    body.mass = {row.mass, row.center, {2 * r, 2.2 * r, r, 0.05 * r, -0.03 * r, 0.04 * r}};
    scene.bodies.push_back(body);
    Joint joint;
    joint.path = "/joint" + std::to_string(i);
    joint.type = JointType::kRevolute;
    joint.parent = parent;
    joint.child = BodyId::from_index(scene.bodies.size() - 1);
    joint.X_PJ = pose(X_PJ);
    joint.lower = -2.9, joint.upper = 2.9;
    joint.effort_limit = i <= 4 ? 87 : 12;
    joint.damping = 0.5;
    joint.drive = {i <= 4 ? 600.0 : 250.0, i <= 4 ? 30.0 : 10.0, 0, 0, scene::kUnlimited};
    scene.joints.push_back(joint);
    parent = joint.child;
  }
  return scene;
}

}  // namespace geoul::scenarios
