#include "geoul/decision/safety/robot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/core/random.h"
#include "geoul/decision/safety/encounters.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/mechanics.h"

namespace geoul::decision::safety {
namespace {

double beyond(const Capsule& c, const Ball& ball) {
  const Vec3d u = c.b - c.a;
  const double l2 = dot(u, u), t = l2 > 0 ? std::clamp(dot(u, ball.centre - c.a) / l2, 0.0, 1.0) : 0;
  return norm(ball.centre - (c.a + t * u)) + ball.radius - c.radius;
}

TEST(CapsuleAround, HoldsEveryBall) {
  Random random(1);
  for (int i = 0; i < 2'000; ++i) {
    std::vector<Ball> balls(std::size_t(1 + random.integer(30)));
    for (Ball& ball : balls) {
      ball.centre = {random.uniform(-1, 1), 0.3 * random.uniform(-1, 1), 0.1 * random.uniform(-1, 1)};
      ball.radius = random.uniform() < 0.5 ? 0 : random.uniform(0, 0.2);
    }
    const Capsule c = capsule_around(balls);
    for (const Ball& ball : balls) EXPECT_LE(beyond(c, ball), 1e-9);
  }
}

TEST(CapsuleAround, OfACapsuleIsThatCapsule) {
  const Vec3d u{0.6, 0, 0.8};
  const Capsule c = capsule_around({{{1, 2, 3}, 0.1}, {Vec3d{1, 2, 3} + 0.7 * u, 0.1}});
  EXPECT_NEAR(c.radius, 0.1, 1e-6);
  EXPECT_NEAR(norm(c.b - c.a), 0.7, 1e-3);
}

// A robot whose links carry a box, a cylinder, a cone and a mesh: points of them are in the capsules.
scene::Scene shapes_scene() {
  scene::Scene scene = scenarios::arm7();
  const auto add = [&](int body, scene::Geometry geometry) {
    scene::Shape shape;
    shape.path = "/shape" + std::to_string(scene.shapes.size()), shape.body = scene::BodyId{body};
    shape.X_BS = {exp_rotation(Vec3d{0.3, 0.5, -0.2}), {0.01, -0.02, 0.03}};
    shape.geometry = std::move(geometry), shape.collides = true;
    scene.shapes.push_back(shape);
  };
  scene::Mesh mesh;
  mesh.vertices = {{0, 0, 0}, {.2f, 0, 0}, {0, .1f, 0}, {0, 0, .3f}};
  mesh.triangles = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  scene.meshes.push_back(mesh);
  add(0, scene::Box{{.1, .2, .3}});
  add(2, scene::Cylinder{.06, .2});
  add(3, scene::Cone{.05, .2});
  add(4, scene::Capsule{.05, .2});
  add(6, scene::TriangleMesh{scene::MeshId{0}, {1, 1, -1}});
  return scene;
}
RobotOptions options_of(int n) {
  RobotOptions options;
  options.limits.assign(std::size_t(n), {-2.9, 2.9, 2, 8, 800});
  return options;
}

TEST(SafetyRobot, CapsulesHoldThePointsOfTheShapes) {
  const scene::Scene scene = shapes_scene();
  const dynamics::Model model = dynamics::compiled(scene);
  Diagnostics diagnostics;
  const auto robot = compile_robot(scene, model, options_of(7), diagnostics);
  ASSERT_TRUE(robot) << diagnostics.text();
  ASSERT_EQ(robot->capsules.size(), 5u);
  EXPECT_TRUE(diagnostics.has("no-shape"));  // of the two links without one
  Random random(2);
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    const scene::Shape& shape = scene.shapes[i];
    const Transformd X_LS = model.bodies[shape.body.index()].X_LB * transform(shape.X_BS);
    for (int k = 0; k < 2'000; ++k) {
      Vec3d p;
      if (i == 0) p = {random.uniform(-.05, .05), random.uniform(-.1, .1), random.uniform(-.15, .15)};
      if (i == 1 || i == 2) {
        const double z = random.uniform(-.1, .1), r = i == 1 ? .06 : .05 * (.1 - z) / .2, turn = random.uniform(0, 6.3);
        p = {r * std::cos(turn), r * std::sin(turn), z};
      }
      if (i == 3) p = {.05, 0, random.uniform(-.1, .1)};
      if (i == 4) {
        double w[4] = {random.uniform(), random.uniform(), random.uniform(), random.uniform()};
        const double sum = w[0] + w[1] + w[2] + w[3];
        p = {.2 * w[1] / sum, .1 * w[2] / sum, -.3 * w[3] / sum};
      }
      EXPECT_LE(beyond(robot->capsules[i].shape, {X_LS * p, 0}), 1e-9) << i;
    }
  }
}

TEST(SafetyRobot, ReachHoldsAtAnyPosition) {
  const auto robot = trial_robot();
  dynamics::Data data = dynamics::make_data(robot->model);
  std::vector<double> q(7), v(7);
  Random random(3);
  double closest = 1e9;
  for (int i = 0; i < 5'000; ++i) {
    for (double& x : q) x = random.uniform(-3, 3);
    dynamics::forward_kinematics(robot->model, q, v, data);
    for (const RobotCapsule& c : robot->capsules) {
      for (const Vec3d& end : {c.shape.a, c.shape.b}) {
        const Vec3d p = data.links[std::size_t(c.link)].X_WL * end;
        for (int j = 0; j <= c.link; ++j) {
          const double far = norm(p - data.links[std::size_t(j)].X_WL.p);
          EXPECT_LE(far, c.reach[std::size_t(j)] + 1e-9);
          closest = std::min(closest, c.reach[std::size_t(j)] - far);
        }
      }
    }
  }
  EXPECT_LT(closest, 0.02);  // the bound is not idle
}

TEST(SafetyRobot, WhatItCannotGuardIsRefused) {
  const scene::Scene arm = shapes_scene();
  const dynamics::Model model = dynamics::compiled(arm);
  const auto code = [&](const scene::Scene& scene, const dynamics::Model& m, RobotOptions options) {
    Diagnostics diagnostics;
    EXPECT_FALSE(compile_robot(scene, m, std::move(options), diagnostics));
    for (const Finding& finding : diagnostics.findings()) {
      if (finding.severity == Severity::kError) return finding.code;
    }
    return std::string();
  };
  EXPECT_EQ(code(arm, model, options_of(6)), "limits");
  RobotOptions reversed = options_of(7);
  reversed.limits[2].lower = 3;
  EXPECT_EQ(code(arm, model, reversed), "limits");
  RobotOptions weak = options_of(7);
  weak.limits[2].jerk = 0;
  EXPECT_EQ(code(arm, model, weak), "limits");
  RobotOptions narrow = options_of(7);
  narrow.limits[0].lower = 0.1;
  EXPECT_EQ(code(arm, model, narrow), "start");
  const scene::Scene bare = scenarios::arm7();
  EXPECT_EQ(code(bare, dynamics::compiled(bare), options_of(7)), "no-shape");
  const scene::Scene box = scenarios::free_box();
  const dynamics::Model floating = dynamics::compiled(box);
  EXPECT_EQ(code(box, floating, options_of(floating.nv)), "unsupported");
}

TEST(SafetyRobot, MeshesOfTheWorldBecomeTheirBoxes) {
  scene::Scene scene = shapes_scene();
  scene::Shape shape;
  shape.path = "/statue", shape.body = scene::kWorld, shape.collides = true;
  shape.X_BS.p = {2, 0, 0};
  shape.geometry = scene::TriangleMesh{scene::MeshId{0}, {1, 1, 1}};
  scene.shapes.push_back(shape);
  Diagnostics diagnostics;
  const auto robot = compile_robot(scene, dynamics::compiled(scene), options_of(7), diagnostics);
  ASSERT_TRUE(robot);
  ASSERT_EQ(robot->obstacles.size(), 1u);
  EXPECT_TRUE(diagnostics.has("obstacle-box"));
  EXPECT_NEAR(robot->obstacles[0].X_WO.p.x, 2.1, 1e-6);
  EXPECT_NEAR(robot->obstacles[0].geometry.half.z, 0.15, 1e-6);
}

}  // namespace
}  // namespace geoul::decision::safety
