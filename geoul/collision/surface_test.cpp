// Meshes and height fields. Judges: planes, boxes and spheres of the same surface, whose contacts have closed forms.
#include "geoul/collision/surface.h"

#include <gtest/gtest.h>

#include "geoul/collision/test_scenes.h"

namespace geoul::collision {
namespace {

const auto kFlat = [](double, double) { return 0.0; };

std::vector<Manifold> contacts(const CollisionModel& model, const std::vector<Posed>& X, double margin = 1e-3) {
  CollisionData data;
  detect(model, free_bodies(model.nbody), X, std::vector<Motiond>(X.size()), {margin, 0}, data);
  return data.manifolds;
}

// Floors of 20 x 20 squares over 4 m: a mesh and a height field.
scene::Scene floor_scene(bool field) {
  scene::Scene scene;
  if (field) {
    add_shape(scene, scene::kWorld, scene::HeightField{21, 21, 4, 4, std::vector<float>(441, 0.0f)});
  } else {
    add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 21, 21, 4, kFlat), {1, 1, 1}});
  }
  return scene;
}

// A shape slides and turns over the floor: one manifold, normal exactly +z, the depth and support of the plane.
void expect_no_bumps(const scene::Geometry& shape, const Quatd& upright, double height, int points) {
  for (const bool field : {false, true}) {
    scene::Scene scene = floor_scene(field);
    add_shape(scene, add_body(scene), shape);
    const CollisionModel model = compiled(scene);
    for (int step = 0; step < 400; ++step) {
      const double depth = step % 3 == 0 ? 1e-3 : step % 3 == 1 ? 1e-6 : -5e-4;
      const Posed X{exp_rotation(Vec3d{0, 0, 0.017 * step}) * upright,
                    {-1.3 + 0.0061 * step, 0.7 - 0.0043 * step, height - depth}};
      const std::vector<Manifold> found = contacts(model, {X});
      ASSERT_EQ(found.size(), 1u) << "step " << step << (field ? " field" : " mesh");
      EXPECT_EQ(found[0].normal_W, (Vec3d{0, 0, 1})) << step;
      ASSERT_GE(found[0].count, points) << step;
      Vec3d middle;
      for (int k = 0; k < found[0].count; ++k) {
        EXPECT_NEAR(found[0].points[k].distance, -depth, 1e-12) << step;
        EXPECT_NEAR(found[0].points[k].p_W.z, -depth / 2, 1e-12) << step;
        middle += (1.0 / found[0].count) * found[0].points[k].p_W;
      }
      EXPECT_LT(norm(middle - Vec3d{X.p.x, X.p.y, middle.z}), points == 4 ? 0.1 : 0.3) << step;
    }
  }
}

TEST(Surface, ABoxFeelsNoInnerEdges) { expect_no_bumps(scene::Box{{0.5, 0.3, 0.2}}, {}, 0.1, 4); }
TEST(Surface, ASmallBoxFeelsNoInnerEdges) { expect_no_bumps(scene::Box{{0.05, 0.03, 0.02}}, {}, 0.01, 4); }
TEST(Surface, ASphereFeelsNoInnerEdges) { expect_no_bumps(scene::Sphere{0.1}, {}, 0.1, 1); }
TEST(Surface, ACylinderFeelsNoInnerEdges) { expect_no_bumps(scene::Cylinder{0.2, 0.2}, {}, 0.1, 3); }
TEST(Surface, ALyingCapsuleFeelsNoInnerEdges) {
  expect_no_bumps(scene::Capsule{0.05, 0.6}, {std::sqrt(0.5), 0, std::sqrt(0.5), 0}, 0.05, 2);
}

TEST(Surface, FourPointsOfABoxSpanItsFace) {
  scene::Scene scene = floor_scene(false);
  add_shape(scene, add_body(scene), scene::Box{{0.5, 0.3, 0.2}});
  const CollisionModel model = compiled(scene);
  for (int step = 0; step < 50; ++step) {
    const Posed X{exp_rotation(Vec3d{0, 0, 0.1 * step}), {0.013 * step, 0.2, 0.1 - 1e-4}};
    const std::vector<Manifold> found = contacts(model, {X});
    ASSERT_EQ(found.size(), 1u);
    ASSERT_EQ(found[0].count, 4);
    for (int corner = 0; corner < 4; ++corner) {
      const Vec3d p = transform(X) * Vec3d{corner & 1 ? 0.25 : -0.25, corner & 2 ? 0.15 : -0.15, -0.1};
      double nearest = 1;
      for (const ContactPoint& c : found[0].points) nearest = std::min(nearest, norm(c.p_W - p));
      EXPECT_LT(nearest, 1e-3) << step;
    }
  }
}

TEST(Surface, AHeightFieldGivesTheContactsOfItsMesh) {
  Random random(41);
  std::vector<float> heights;
  for (int i = 0; i < 15 * 15; ++i) heights.push_back(static_cast<float>(random.integer(64)) / 1024);  // same in double
  int next = 0;
  const auto height = [&](double, double) { return heights[static_cast<std::size_t>(next++)]; };
  scene::Scene on_mesh, on_field;
  add_shape(on_mesh, scene::kWorld, scene::TriangleMesh{add_grid_mesh(on_mesh, 15, 15, 3.5, height), {1, 1, 1}});
  add_shape(on_field, scene::kWorld, scene::HeightField{15, 15, 3.5, 3.5, heights});
  const scene::Scene shapes = mixed_scene(12, 42);
  for (scene::Scene* scene : {&on_mesh, &on_field}) {
    const int first = static_cast<int>(scene->meshes.size());
    scene->meshes.insert(scene->meshes.end(), shapes.meshes.begin(), shapes.meshes.end());
    for (const scene::Shape& shape : shapes.shapes) {
      if (!shape.body.valid()) continue;
      const scene::BodyId body = add_body(*scene);
      add_shape(*scene, body, shape.geometry);
      if (auto* hull = std::get_if<scene::ConvexHull>(&scene->shapes.back().geometry)) hull->mesh.value += first;
    }
  }
  const CollisionModel a = compiled(on_mesh), b = compiled(on_field);
  std::size_t touching = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Posed> X;
    for (int i = 0; i < a.nbody; ++i) {
      X.push_back(random_pose(random, 1.2));
      X.back().p.z = random.uniform(0.05, 0.25);
    }
    const auto with_floor = [](std::vector<Manifold> all) {
      std::erase_if(all, [](const Manifold& m) { return m.a != 0; });
      return all;
    };
    const std::vector<Manifold> m = with_floor(contacts(a, X)), f = with_floor(contacts(b, X));
    // A sheet pushes both ways, a field up only: what is mostly above is alike.
    for (const Manifold& field : f) {
      if (field.points[0].distance < -0.01) continue;
      bool found = false;
      for (const Manifold& mesh : m) {
        if (mesh.b != field.b || norm(mesh.normal_W - field.normal_W) > 1e-9) continue;
        found |= std::abs(mesh.points[0].distance - field.points[0].distance) < 1e-9;
      }
      touching += found;
      EXPECT_TRUE(found) << round << " " << field.b << " " << field.points[0].distance;
    }
  }
  EXPECT_GT(touching, 100u);
}

TEST(Surface, ASphereOnARoughFieldTouchesItsNearestPoint) {
  Random random(43);
  std::vector<float> heights;
  for (int i = 0; i < 400; ++i) heights.push_back(static_cast<float>(random.uniform(0, 0.1)));
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::HeightField{20, 20, 2, 2, heights});
  add_shape(scene, add_body(scene), scene::Sphere{0.2});
  const CollisionModel model = compiled(scene);
  const HeightGrid& grid = *model.geometries[0].grid;
  int hits = 0;
  for (int i = 0; i < 400; ++i) {
    const Vec3d p{random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7), random.uniform(0.15, 0.3)};
    double nearest = 1;
    for (int t = 0; t < 2 * 19 * 19; ++t) {  // sampled closely: nearest within 2e-5 from above
      Vec3d c[3];
      triangle_corners(grid, t, c);
      if (norm(c[0] - p) > 0.5) continue;
      for (int u = 0; u <= 60; ++u) {
        for (int v = 0; u + v <= 60; ++v) {
          nearest = std::min(nearest, norm(c[0] + (u / 60.0) * (c[1] - c[0]) + (v / 60.0) * (c[2] - c[0]) - p));
        }
      }
    }
    const std::vector<Manifold> found = contacts(model, {{{}, p}});
    double deepest = 1;
    for (const Manifold& m : found) {
      for (int k = 0; k < m.count; ++k) deepest = std::min(deepest, m.points[k].distance);
    }
    if (nearest > 0.201 + 1e-4) {
      EXPECT_TRUE(found.empty()) << i;
    }
    if (nearest > 0.2005) continue;
    ++hits;
    EXPECT_NEAR(deepest, nearest - 0.2, 2e-5) << i;
  }
  EXPECT_GT(hits, 100);
}

TEST(Surface, AClosedMeshOfABoxTouchesLikeTheBox) {
  Random random(44);
  for (const int squares : {1, 4}) {
    scene::Scene with_mesh, with_box;
    add_shape(with_mesh, add_body(with_mesh),
              scene::TriangleMesh{add_box_mesh(with_mesh, {0.5, 0.5, 0.5}, squares), {1, 1, 1}});
    add_shape(with_box, add_body(with_box), scene::Box{{1, 1, 1}});
    for (scene::Scene* scene : {&with_mesh, &with_box}) {
      add_shape(*scene, add_body(*scene), scene::Sphere{0.2});
      add_shape(*scene, add_body(*scene), scene::Box{{0.3, 0.2, 0.1}});
    }
    const CollisionModel mesh = compiled(with_mesh), box = compiled(with_box);
    int touching = 0;
    for (int i = 0; i < 600; ++i) {
      const Vec3d side = random_point(random, 1);
      const double farthest = std::max({std::abs(side.x), std::abs(side.y), std::abs(side.z)});
      const Vec3d p = (random.uniform(0.5, 0.75) / farthest) * side;  // centre outside
      const Posed X = random_pose(random, 0.5);
      for (const int other : {1, 2}) {
        std::vector<Posed> poses = {X, {{}, {50, 0, 0}}, {{}, {90, 0, 0}}};
        poses[static_cast<std::size_t>(other)] = {random_pose(random, 1).R, transform(X) * p};
        const std::vector<Manifold> a = contacts(mesh, poses), b = contacts(box, poses);
        if (b.empty()) {
          EXPECT_TRUE(a.empty());
          continue;
        }
        double deepest = 0.01, expected = 0.01;
        for (const Manifold& m : a) {
          for (int k = 0; k < m.count; ++k) deepest = std::min(deepest, m.points[k].distance);
        }
        for (int k = 0; k < b[0].count; ++k) expected = std::min(expected, b[0].points[k].distance);
        if (expected < -0.02) continue;  // a face pushes along its own normal, which need not be the shortest way out
        ++touching;
        EXPECT_NEAR(deepest, expected, 0.1 * std::abs(expected) + 1e-6) << i << " " << other;
      }
    }
    EXPECT_GT(touching, 50);
  }
}

TEST(Surface, AMeshStandsOnAPlaneOnFourCorners) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Plane{});
  add_shape(scene, add_body(scene), scene::TriangleMesh{add_box_mesh(scene, {0.5, 0.25, 0.125}, 8), {1, 1, 1}});
  const CollisionModel model = compiled(scene);
  for (const double depth : {1e-4, -5e-4}) {
    const std::vector<Manifold> found = contacts(model, {{{}, {0.3, 0.1, 0.125 - depth}}});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].normal_W, (Vec3d{0, 0, 1}));
    ASSERT_EQ(found[0].count, 4);
    for (const ContactPoint& p : found[0].points) {
      EXPECT_NEAR(p.distance, -depth, 1e-12);
      EXPECT_NEAR(std::abs(p.p_W.x - 0.3), 0.5, 1e-12);
      EXPECT_NEAR(std::abs(p.p_W.y - 0.1), 0.25, 1e-12);
    }
  }
}

TEST(Surface, AMeshBoxOnAMeshFloorStandsOnItsCorners) {
  for (const bool field : {false, true}) {
    scene::Scene scene = floor_scene(field);
    add_shape(scene, add_body(scene), scene::TriangleMesh{add_box_mesh(scene, {0.25, 0.15, 0.1}, 2), {1, 1, 1}});
    const CollisionModel model = compiled(scene);
    for (int step = 0; step < 60; ++step) {
      const double depth = step % 2 == 0 ? 1e-4 : -5e-4;
      const Posed X{exp_rotation(Vec3d{0, 0, 0.07 * step}), {-0.6 + 0.0217 * step, 0.2, 0.1 - depth}};
      const std::vector<Manifold> found = contacts(model, {X});
      ASSERT_EQ(found.size(), 1u) << step;
      EXPECT_EQ(found[0].normal_W, (Vec3d{0, 0, 1}));
      ASSERT_EQ(found[0].count, 4);
      for (int corner = 0; corner < 4; ++corner) {
        const Vec3d p = transform(X) * Vec3d{corner & 1 ? 0.25 : -0.25, corner & 2 ? 0.15 : -0.15, -0.1};
        double nearest = 1;
        for (const ContactPoint& c : found[0].points) nearest = std::min(nearest, norm(c.p_W - p));
        EXPECT_LT(nearest, 1e-3) << step;
      }
    }
  }
}

TEST(Surface, TwoMeshesOfBoxesTouchLikeTheBoxes) {
  Random random(45);
  scene::Scene with_mesh, with_box;
  for (const Vec3d half : {Vec3d{0.5, 0.4, 0.3}, Vec3d{0.3, 0.3, 0.6}}) {
    add_shape(with_mesh, add_body(with_mesh), scene::TriangleMesh{add_box_mesh(with_mesh, half, 2), {1, 1, 1}});
    add_shape(with_box, add_body(with_box), scene::Box{2.0 * half});
  }
  const CollisionModel mesh = compiled(with_mesh), box = compiled(with_box);
  int touching = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::vector<Posed> X = {random_pose(random, 0.2), random_pose(random, 0.9)};
    const Distance d = distance(box, 0, 1, X);
    if (d.distance < -0.02) continue;
    const std::vector<Manifold> found = contacts(mesh, X, 0.01);
    if (d.distance > 0.0101) {
      EXPECT_TRUE(found.empty()) << i;
      continue;
    }
    ++touching;
    double nearest = 1;
    Vec3d normal;
    for (const Manifold& m : found) {
      for (int k = 0; k < m.count; ++k) {
        if (m.points[k].distance < nearest) nearest = m.points[k].distance, normal = m.normal_W;
      }
    }
    // apart, the gap is vertex to face or edge to edge unless it turns a corner; overlapping, its depth is the boxes'
    if (d.distance < -1e-6) {
      EXPECT_NEAR(nearest, d.distance, 0.02) << i;
      EXPECT_LT(nearest, 0) << i;
    }
  }
  EXPECT_GT(touching, 60);
}

TEST(Surface, PointIdsLastWhileABoxSlidesOverInnerEdges) {
  for (const bool field : {false, true}) {
    scene::Scene scene = floor_scene(field);
    add_shape(scene, add_body(scene), scene::Box{{0.3, 0.2, 0.1}});
    add_shape(scene, add_body(scene), scene::Sphere{0.1});
    const CollisionModel model = compiled(scene);
    std::vector<std::uint64_t> ids;
    for (int step = 0; step < 300; ++step) {
      const Posed box{exp_rotation(Vec3d{0, 0, 0.01 * step}), {-0.6 + 3e-3 * step, 0.1 + 1e-3 * step, 0.05 - 1e-5}};
      const Posed ball{{}, {-0.61 + 4e-3 * step, -1 + 2e-3 * step, 0.1 - 1e-5}};
      std::vector<std::uint64_t> now;
      for (const Manifold& m : contacts(model, {box, ball})) {
        for (int k = 0; k < m.count; ++k) now.push_back(m.points[k].id);
      }
      ASSERT_EQ(now.size(), 5u);
      if (step > 0) {
        EXPECT_EQ(now, ids) << step;
      }
      ids = now;
    }
  }
}

}  // namespace
}  // namespace geoul::collision
