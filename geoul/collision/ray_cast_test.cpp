// Judges: what is inside a shape, written again from its definition; all triangles one by one; another shape with the
// same surface.
#include <gtest/gtest.h>

#include "geoul/collision/mesh.h"
#include "geoul/collision/test_scenes.h"

namespace geoul::collision {
namespace {

CollisionModel one_shape(scene::Geometry geometry, const Posed& X = {}) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, std::move(geometry), X);
  return compiled(scene);
}

// Casts random rays; a hit must be on the rim of `inside`, with nothing inside before it and a normal that points out
// there; a miss must have nothing inside along the ray.
template <class Inside>
void expect_first_surface(const scene::Geometry& geometry, Inside&& inside) {
  Random random(11);
  int hits = 0;
  for (int i = 0; i < 400; ++i) {
    const Posed X = random_pose(random, 0.5);
    const CollisionModel model = one_shape(geometry, X);
    const Transformd X_SW = inverse(transform(X));
    const auto in = [&](const Vec3d& p_W) { return inside(X_SW * p_W); };
    const Vec3d origin = random_point(random, 3);
    const Vec3d aim = random_point(random, 0.8) - origin;
    const Vec3d d = (1 / norm(aim)) * aim;
    const auto hit = cast_ray(model, {}, origin, aim, 20);
    if (in(origin)) {
      EXPECT_FALSE(hit);
      continue;
    }
    const double end = hit ? hit->distance - 1e-7 : 20;
    for (double t = 0; t < end; t += 0.005) ASSERT_FALSE(in(origin + t * d)) << i << " " << t;
    if (!hit) continue;
    ++hits;
    EXPECT_EQ(hit->collider, 0);
    const Vec3d p = origin + hit->distance * d;
    EXPECT_NEAR(norm(hit->normal_W), 1, 1e-12);
    EXPECT_LT(dot(hit->normal_W, d), 1e-12);
    EXPECT_TRUE(in(p - 1e-6 * hit->normal_W)) << i;
    EXPECT_FALSE(in(p + 1e-6 * hit->normal_W)) << i;
  }
  EXPECT_GT(hits, 100);
}

TEST(RayCast, MeetsSphere) {
  expect_first_surface(scene::Sphere{0.7}, [](const Vec3d& p) { return norm(p) < 0.7; });
}
TEST(RayCast, MeetsBox) {
  expect_first_surface(scene::Box{{1, 0.6, 1.4}}, [](const Vec3d& p) {
    return std::abs(p.x) < 0.5 && std::abs(p.y) < 0.3 && std::abs(p.z) < 0.7;
  });
}
TEST(RayCast, MeetsCapsule) {
  expect_first_surface(scene::Capsule{0.3, 1}, [](const Vec3d& p) {
    return norm(p - Vec3d{0, 0, std::clamp(p.z, -0.5, 0.5)}) < 0.3;
  });
}
TEST(RayCast, MeetsCylinder) {
  expect_first_surface(scene::Cylinder{0.4, 1},
                       [](const Vec3d& p) { return std::abs(p.z) < 0.5 && p.x * p.x + p.y * p.y < 0.16; });
}
TEST(RayCast, MeetsCone) {
  expect_first_surface(scene::Cone{0.6, 1.2}, [](const Vec3d& p) {
    const double r = 0.5 * (0.6 - p.z);
    return std::abs(p.z) < 0.6 && p.x * p.x + p.y * p.y < r * r;
  });
}
TEST(RayCast, MeetsPlane) {
  const CollisionModel model = one_shape(scene::Plane{}, {{}, {0, 0, 1}});
  const auto hit = cast_ray(model, {}, {1, 2, 4}, {0, 0.6, -0.8}, 10);
  ASSERT_TRUE(hit);
  EXPECT_NEAR(hit->distance, 3 / 0.8, 1e-14);
  EXPECT_EQ(hit->normal_W, (Vec3d{0, 0, 1}));
  EXPECT_FALSE(cast_ray(model, {}, {1, 2, 4}, {0, 0.6, -0.8}, 3.7));
  EXPECT_FALSE(cast_ray(model, {}, {1, 2, 4}, {0, 0.6, 0.8}, 1e9));
  EXPECT_FALSE(cast_ray(model, {}, {1, 2, 0}, {0, 0.6, -0.8}, 1e9));  // from inside
}

TEST(RayCast, AHullMeshOfABoxGivesTheHitsOfTheBox) {
  Random random(12);
  scene::Scene scene;
  const scene::MeshId mesh = add_box_mesh(scene, {0.5, 0.25, 0.75}, 3);
  const CollisionModel box = one_shape(scene::Box{{1, 0.5, 1.5}});
  for (const bool hull : {true, false}) {
    scene.shapes.clear();
    if (hull) add_shape(scene, scene::kWorld, scene::ConvexHull{mesh, {1, 1, 1}});
    if (!hull) add_shape(scene, scene::kWorld, scene::TriangleMesh{mesh, {1, 1, 1}});
    const CollisionModel model = compiled(scene);
    int hits = 0;
    for (int i = 0; i < 2000; ++i) {
      const Vec3d origin = random_point(random, 2), direction = random_point(random, 0.5) - origin;
      const auto a = cast_ray(box, {}, origin, direction, 10), b = cast_ray(model, {}, origin, direction, 10);
      ASSERT_EQ(a.has_value(), b.has_value()) << i;
      if (!a) continue;
      ++hits;
      EXPECT_NEAR(a->distance, b->distance, 1e-12);
      EXPECT_NEAR(norm(a->normal_W - b->normal_W), 0, 1e-9);
    }
    EXPECT_GT(hits, 500);
  }
}

// Source of this judge: Moeller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
double brute_force(const TriangleTree& mesh, const Vec3d& o, const Vec3d& d) {
  double nearest = Bounds::kInfinity;
  for (const auto& t : mesh.triangles) {
    const Vec3d a = mesh.vertices[static_cast<std::size_t>(t[0])];
    const Vec3d e1 = mesh.vertices[static_cast<std::size_t>(t[1])] - a;
    const Vec3d e2 = mesh.vertices[static_cast<std::size_t>(t[2])] - a;
    const Vec3d p = cross(d, e2);
    const double det = dot(e1, p);
    if (det <= 0) continue;  // seen from behind
    const Vec3d s = o - a, q = cross(s, e1);
    const double u = dot(s, p) / det, v = dot(d, q) / det, at = dot(e2, q) / det;
    if (u >= 0 && v >= 0 && u + v <= 1 && at >= 0) nearest = std::min(nearest, at);
  }
  return nearest;
}

TEST(RayCast, AMeshGivesTheNearestOfAllItsTriangles) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::TriangleMesh{add_ball_mesh(scene, 1, 20), {1, 0.5, 2}});
  const CollisionModel model = compiled(scene);
  Random random(13);
  int hits = 0;
  for (int i = 0; i < 2000; ++i) {
    const Vec3d origin = random_point(random, 3), aim = random_point(random, 1) - origin;
    const Vec3d d = (1 / norm(aim)) * aim;
    const double expected = brute_force(*model.geometries[0].mesh, origin, d);
    const auto hit = cast_ray(model, {}, origin, d, 100);
    ASSERT_EQ(hit.has_value(), expected < 100) << i;
    if (!hit) continue;
    ++hits;
    EXPECT_NEAR(hit->distance, expected, 1e-12);
  }
  EXPECT_GT(hits, 500);
}

TEST(RayCast, NoRaySlipsBetweenTrianglesAtEdgesAndVertices) {
  scene::Scene scene;
  const auto flat = [](double, double) { return 0.25; };
  add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 9, 9, 2, flat), {1, 1, 1}});
  const CollisionModel mesh = compiled(scene);
  const CollisionModel field = one_shape(scene::HeightField{9, 9, 2, 2, std::vector<float>(81, 0.25f)});
  for (int i = -32; i <= 32; ++i) {
    for (int j = -32; j <= 32; ++j) {
      const Vec3d target{i / 32.0, j / 32.0, 0.25};  // on edges, vertices and the rim
      for (const Vec3d from :
           {Vec3d{0.3, -0.2, 3}, Vec3d{0, 0, 1}, Vec3d{target.x, target.y, 2}, Vec3d{-0.5, 0.25, 2}}) {
        const Vec3d inward{target.x * (1 - 1e-12), target.y * (1 - 1e-12), target.z};
        for (const CollisionModel* model : {&mesh, &field}) {
          const auto hit = cast_ray(*model, {}, from, inward - from, 100);
          ASSERT_TRUE(hit) << i << " " << j;
          EXPECT_NEAR(hit->distance, norm(inward - from), 1e-12);
          EXPECT_EQ(hit->normal_W, (Vec3d{0, 0, 1}));
        }
      }
    }
  }
}

TEST(RayCast, AHeightFieldGivesTheHitsOfItsMesh) {
  Random random(14);
  std::vector<float> heights;
  for (int i = 0; i < 13 * 9; ++i) heights.push_back(static_cast<float>(random.uniform(-0.2, 0.2)));
  scene::Scene scene;
  int next = 0;
  const scene::MeshId mesh =
      add_grid_mesh(scene, 13, 9, 2, [&](double, double) { return heights[static_cast<std::size_t>(next++)]; });
  const Posed X = random_pose(random, 0.3);
  add_shape(scene, scene::kWorld, scene::TriangleMesh{mesh, {1, 1, 1}}, X);
  const CollisionModel a = compiled(scene), b = one_shape(scene::HeightField{13, 9, 2, 2, heights}, X);
  const Vec3d up = rotation_matrix(X.R).column(2);
  int hits = 0;
  for (int i = 0; i < 3000; ++i) {
    const Vec3d origin = X.p + 2.0 * up + random_point(random, 1.7), aim = random_point(random, 1.2) - origin;
    const auto on_mesh = cast_ray(a, {}, origin, aim, 100), on_field = cast_ray(b, {}, origin, aim, 100);
    if (on_mesh && dot(on_mesh->normal_W, up) < 0) continue;  // the sheet seen from below: the field is solid there
    ASSERT_EQ(on_mesh.has_value(), on_field.has_value()) << i;
    if (!on_mesh) continue;
    ++hits;
    EXPECT_NEAR(on_mesh->distance, on_field->distance, 1e-6);  // vertices of the mesh are in single precision
  }
  EXPECT_GT(hits, 300);
}

TEST(RayCast, OfManyCollidersTheNearestIsHit) {
  const scene::Scene scene = mixed_scene(60, 15);
  const CollisionModel all = compiled(scene);
  Random random(16);
  std::vector<Posed> X_WB;
  for (int i = 0; i < all.nbody; ++i) X_WB.push_back(random_pose(random, 1));
  std::vector<CollisionModel> each;
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    scene::Scene one = scene;
    one.shapes = {scene.shapes[i]};
    each.push_back(compiled(one));
  }
  int hits = 0;
  for (int i = 0; i < 200; ++i) {
    const Vec3d origin = random_point(random, 2), direction = random_point(random, 1);
    int expected = -1;
    double nearest = 5;
    for (std::size_t k = 0; k < each.size(); ++k) {
      const auto hit = cast_ray(each[k], X_WB, origin, direction, 5);
      if (hit && hit->distance < nearest) nearest = hit->distance, expected = static_cast<int>(k);
    }
    const auto hit = cast_ray(all, X_WB, origin, direction, 5);
    ASSERT_EQ(hit ? hit->collider : -1, expected) << i;
    if (!hit) continue;
    ++hits;
    EXPECT_EQ(hit->distance, nearest);
  }
  EXPECT_GT(hits, 50);
}

}  // namespace
}  // namespace geoul::collision
