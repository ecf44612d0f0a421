#include "scenarios/loops.h"

#include <cmath>
#include <numbers>

namespace geoul::scenarios {
namespace {

constexpr double kPi = std::numbers::pi;
const Vec3d kX{1, 0, 0}, kY{0, 1, 0}, kZ{0, 0, 1};

// A body with its frame at its centre of mass, turned by angle about z.
BodyId planar_body(Scene& scene, const std::string& path, double mass, double inertia, double x, double y,
                   double angle = 0) {
  scene::Body body;
  body.path = path;
  body.X_WB = {exp_rotation(Vec3d{0, 0, angle}), {x, y, 0}};
  body.mass = {mass, {}, {inertia, inertia, inertia, 0, 0, 0}};
  scene.bodies.push_back(body);
  return BodyId::from_index(scene.bodies.size() - 1);
}

// A thin bar of 1 kg/m from a to b in the plane.
BodyId bar(Scene& scene, const std::string& path, const Vec3d& a, const Vec3d& b) {
  const double length = norm(b - a);
  const Vec3d m = 0.5 * (a + b);
  const BodyId id =
      planar_body(scene, path, length, length * length * length / 12, m.x, m.y, std::atan2(b.y - a.y, b.x - a.x));
  scene.bodies[id.index()].mass.inertia.xx = 0;
  return id;
}

void hinge(Scene& scene, BodyId a, BodyId b, const Vec3d& p, const Vec3d& axis = {0, 0, 1}) {
  add_joint(scene, JointType::kContinuous, a, b, p, axis);
}

}  // namespace

Scene four_bar_windows(int n) {
  Scene scene = four_bar_chain(n);
  scene.joints.clear();
  const auto pillar = [](int k) { return BodyId{2 * k}; };
  const auto beam = [](int k) { return BodyId{2 * k + 1}; };
  for (int k = 0; k <= n; ++k) {
    const double x = k;
    hinge(scene, scene::kWorld, pillar(k), {x, 0, 0});
    scene.bodies[pillar(k).index()].V_WB = {{0, 0, -1}, {0.5, 0, 0}};
    if (k == n) break;
    hinge(scene, pillar(k), beam(k), {x, 1, 0});
    hinge(scene, beam(k), pillar(k + 1), {x + 1, 1, 0});
    scene.bodies[beam(k).index()].V_WB = {{}, {1, 0, 0}};
  }
  return scene;
}

Scene welded_window() {
  Scene scene;
  scene.gravity = {0, -9.81, 0};
  const BodyId left = bar(scene, "/left", {0, 0, 0}, {0, 1, 0}), right = bar(scene, "/right", {1, 0, 0}, {1, 1, 0});
  const BodyId half = bar(scene, "/beam/left", {0, 1, 0}, {0.5, 1, 0}),
               other = bar(scene, "/beam/right", {0.5, 1, 0}, {1, 1, 0});
  hinge(scene, scene::kWorld, left, {0, 0, 0});
  hinge(scene, scene::kWorld, right, {1, 0, 0});
  hinge(scene, left, half, {0, 1, 0});
  hinge(scene, right, other, {1, 1, 0});
  add_joint(scene, JointType::kFixed, half, other, {0.5, 1, 0});
  for (const BodyId pillar : {left, right}) scene.bodies[pillar.index()].V_WB = {{0, 0, -1}, {0.5, 0, 0}};
  for (const BodyId b : {half, other}) scene.bodies[b.index()].V_WB = {{}, {1, 0, 0}};
  return scene;
}

// Angles and constants as in Hairer and Wanner, Solving Ordinary Differential Equations II (1996), VII.7.
Scene andrews() {
  constexpr double d = .028, da = .0115, e = .02, ea = .01421, rr = .007, ra = .00092, sa = .01874, sb = .01043,
                   sc = .018, sd = .02, ta = .02308, tb = .00916, u = .04, ua = .01228, ub = .00449, zf = .02, zt = .04,
                   fa = .01421;
  constexpr double xa = -.06934, ya = -.00227, xb = -.03635, yb = .03273, xc = .014, yc = .072;
  constexpr double beta = -.0617138900142764496, theta = 0, gamma = .455279819163070380, phi = .222668390165885885,
                   delta = .487364979543842550, omega = -.222668390165885885, epsilon = 1.23054744454982119;
  using std::cos, std::sin;
  Scene scene;
  scene.gravity = {};
  const double b2 = beta + theta, pd = phi + delta, oe = omega + epsilon;
  const BodyId k1 = planar_body(scene, "/crank", .04325, 2.194e-6, ra * cos(beta), ra * sin(beta));
  const BodyId k2 =
      planar_body(scene, "/k2", .00365, 4.410e-7, rr * cos(beta) - da * cos(b2), rr * sin(beta) - da * sin(b2));
  const BodyId k3 = planar_body(scene, "/k3", .02373, 5.255e-6, xb + sa * sin(gamma) + sb * cos(gamma),
                                yb - sa * cos(gamma) + sb * sin(gamma));
  const BodyId k4 = planar_body(scene, "/k4", .00706, 5.667e-7, xa + zt * cos(delta) + (e - ea) * sin(pd),
                                ya + zt * sin(delta) - (e - ea) * cos(pd));
  const BodyId k5 = planar_body(scene, "/k5", .07050, 1.169e-5, xa + ta * cos(delta) - tb * sin(delta),
                                ya + ta * sin(delta) + tb * cos(delta));
  const BodyId k6 = planar_body(scene, "/k6", .00706, 5.667e-7, xa + u * sin(epsilon) + (zf - fa) * cos(oe),
                                ya - u * cos(epsilon) + (zf - fa) * sin(oe));
  const BodyId k7 = planar_body(scene, "/k7", .05498, 1.912e-5, xa + ua * sin(epsilon) - ub * cos(epsilon),
                                ya - ua * cos(epsilon) - ub * sin(epsilon));
  const Vec3d crank_end{rr * cos(beta), rr * sin(beta), 0};
  const Vec3d point = crank_end - Vec3d{d * cos(b2), d * sin(b2), 0};  // where K2, K3, K4 and K6 meet
  hinge(scene, scene::kWorld, k1, {});
  hinge(scene, k1, k2, crank_end);
  hinge(scene, scene::kWorld, k3, {xb, yb, 0});
  hinge(scene, scene::kWorld, k5, {xa, ya, 0});
  hinge(scene, scene::kWorld, k7, {xa, ya, 0});
  hinge(scene, k5, k4, {xa + zt * cos(delta), ya + zt * sin(delta), 0});
  hinge(scene, k7, k6, {xa + u * sin(epsilon), ya - u * cos(epsilon), 0});
  for (const BodyId k : {k3, k4, k6}) hinge(scene, k2, k, point);
  const Vec3d on_k3{xb + sd * cos(gamma) + sc * sin(gamma), yb + sd * sin(gamma) - sc * cos(gamma), 0};
  scene.springs.push_back(
      {"/spring", k3, scene::kWorld, on_k3 - scene.bodies[k3.index()].X_WB.p, {xc, yc, 0}, 4530, 0, .07785});
  return scene;
}

Scene bricard() {
  Scene scene;
  scene.gravity = {0, -9.81, 0};
  const Vec3d corners[] = {{0, 0, 0}, {1, 0, 0}, {1, -1, 0}, {1, -1, 1}, {0, -1, 1}, {0, 0, 1}};
  const Vec3d axes[] = {kY, kZ, kX, kY, kZ, kX};
  BodyId last = scene::kWorld;
  for (int i = 0; i < 5; ++i) {
    const Vec3d along = corners[i + 1] - corners[i];
    const Vec3d size{std::abs(along.x) > 0.5 ? 1 : 0.1, std::abs(along.y) > 0.5 ? 1 : 0.1,
                     std::abs(along.z) > 0.5 ? 1 : 0.1};
    const BodyId rod = add_box(scene, "/rod" + std::to_string(i + 1), 1, size, 0.5 * (corners[i] + corners[i + 1]));
    hinge(scene, last, rod, corners[i], axes[i]);
    last = rod;
  }
  hinge(scene, last, scene::kWorld, corners[5], axes[5]);
  return scene;
}

Scene governor() {
  constexpr double density = 3000, alpha = kPi / 6, spin = 2 * kPi;
  Scene scene;
  const BodyId shaft = add_box(scene, "/shaft", density * 1e-4, {.01, .01, 1}, {0, 0, .5});
  hinge(scene, scene::kWorld, shaft, {}, kZ);
  const BodyId slider = add_box(scene, "/slider", density * 1e-3, {.1, .1, .1}, {0, 0, .5});
  add_joint(scene, JointType::kPrismatic, shaft, slider, {0, 0, .5}, kZ);
  for (const double side : {1.0, -1.0}) {
    const std::string name = side > 0 ? "right" : "left";
    const Vec3d hang{side * .05, 0, 1}, down{side * std::cos(alpha), 0, -std::sin(alpha)};
    const BodyId rod = add_box(scene, "/rod/" + name, density * 1e-4, {1, .01, .01}, hang + 0.5 * down);
    scene.bodies[rod.index()].X_WB.R = exp_rotation(Vec3d{0, side > 0 ? alpha : kPi - alpha, 0});
    hinge(scene, shaft, rod, hang, kY);
    scene::Body ball;
    ball.path = "/ball/" + name;
    ball.X_WB.p = hang + down;
    ball.mass.mass = 5;
    scene.bodies.push_back(ball);
    add_joint(scene, JointType::kFixed, rod, BodyId::from_index(scene.bodies.size() - 1), ball.X_WB.p);
    scene.springs.push_back({"/spring/" + name, slider, rod, {side * .05, 0, 0}, {}, 8e5, 4e4, .5});
  }
  for (scene::Body& body : scene.bodies) body.V_WB = {{0, 0, spin}, cross(Vec3d{0, 0, spin}, body.X_WB.p)};
  return scene;
}

Scene crank_rocker() {
  constexpr double crank = .4, coupler = 1.0, rocker = .8, ground = 1.2, rate = 2 * kPi;
  Scene scene;
  scene.gravity = {0, -9.81, 0};
  const Vec3d a{0, crank, 0}, o{ground, 0, 0};  // the crank stands upright
  const double reach = norm(o - a);
  const double angle = std::atan2(o.y - a.y, o.x - a.x) +
                       std::acos((reach * reach + coupler * coupler - rocker * rocker) / (2 * reach * coupler));
  const Vec3d along{std::cos(angle), std::sin(angle), 0};
  const Vec3d middle = a + 0.5 * coupler * along, b = a + coupler * along;
  const BodyId bodies[] = {bar(scene, "/crank", {}, a), bar(scene, "/coupler/left", a, middle),
                           bar(scene, "/coupler/right", middle, b), bar(scene, "/rocker", o, b)};
  hinge(scene, scene::kWorld, bodies[0], {});
  hinge(scene, bodies[0], bodies[1], a);
  hinge(scene, bodies[2], bodies[3], b);
  hinge(scene, scene::kWorld, bodies[3], o);
  add_joint(scene, JointType::kFixed, bodies[1], bodies[2], middle);
  // velocities: v_b is a's plus w_c x along, and across the rocker
  const Vec3d v_a = cross(Vec3d{0, 0, rate}, a), r = b - o;
  const double w_c = -dot(v_a, r) / dot(cross(kZ, coupler * along), r);
  const Vec3d v_b = v_a + w_c * cross(kZ, coupler * along);
  const double w_r = dot(v_b, cross(kZ, r)) / dot(r, r);
  const auto spin = [&](BodyId body, double w, const Vec3d& about, const Vec3d& v) {
    scene::Body& s = scene.bodies[body.index()];
    s.V_WB = {w * kZ, v + cross(w * kZ, s.X_WB.p - about)};
  };
  spin(bodies[0], rate, {}, {});
  spin(bodies[1], w_c, a, v_a);
  spin(bodies[2], w_c, a, v_a);
  spin(bodies[3], w_r, o, {});
  return scene;
}

Scene light_cart_pole() {
  Scene scene;
  scene::Body cart, bob;
  cart.path = "/cart";
  cart.mass.mass = 1e-6;
  bob.path = "/bob";
  bob.X_WB.p = kX;
  bob.mass.mass = 1;
  scene.bodies = {cart, bob};
  add_joint(scene, JointType::kPrismatic, scene::kWorld, BodyId{0}, {}, kX);
  hinge(scene, BodyId{0}, BodyId{1}, {}, kY);
  return scene;
}

Scene gear_pair(double ratio) {
  Scene scene;
  scene.gravity = {};
  const BodyId a = planar_body(scene, "/pinion", 1, 0.01, 0, 0), b = planar_body(scene, "/wheel", 2, 0.05, 1, 0);
  hinge(scene, scene::kWorld, a, {});
  hinge(scene, scene::kWorld, b, kX);
  scene.couplings.push_back({"/mesh", {{scene::JointId{0}, 1}, {scene::JointId{1}, ratio}}, {}});
  return scene;
}

Scene rack_and_pinion(double radius) {
  Scene scene;
  scene.gravity = {0, -9.81, 0};
  const BodyId a = planar_body(scene, "/pinion", 1, 0.01, 0, 0), b = planar_body(scene, "/rack", 2, 0.05, 1, 0);
  hinge(scene, scene::kWorld, a, {});
  add_joint(scene, JointType::kPrismatic, scene::kWorld, b, kX, kY);
  scene.couplings.push_back({"/mesh", {{scene::JointId{1}, 1}, {scene::JointId{0}, -radius}}, {}});
  return scene;
}

}  // namespace geoul::scenarios
