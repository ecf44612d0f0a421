// Judges: closed forms, and fine steps of the distance itself.
#include <gtest/gtest.h>

#include "geoul/collision/prepared.h"
#include "geoul/collision/test_scenes.h"

namespace geoul::collision {
namespace {

constexpr double kSlop = 1e-5;

TEST(TimeOfImpact, OfTwoSpheresIsTheClosedForm) {
  scene::Scene scene;
  add_shape(scene, add_body(scene), scene::Sphere{0.1});
  add_shape(scene, add_body(scene), scene::Sphere{0.2});
  const CollisionModel model = compiled(scene);
  const std::vector<Posed> X = {{{}, {0, 0, 0}}, {{}, {5, 0.1, 0}}};
  const std::vector<Motiond> V = {{{9, 8, 7}, {100, 0, 0}}, {{}, {0, 0, 0}}};
  const auto t = time_of_impact(model, 0, 1, X, V, 1);
  ASSERT_TRUE(t);
  const double expected = (5 - std::sqrt(0.09 - 0.01)) / 100;  // distance 0 there; the slop comes a little earlier
  EXPECT_LE(*t, expected);
  EXPECT_GT(*t, expected - 2 * kSlop / 100);
  EXPECT_FALSE(time_of_impact(model, 0, 1, X, V, expected - 1e-4));
  const std::vector<Motiond> away = {{{}, {-100, 0, 0}}, {}};
  EXPECT_FALSE(time_of_impact(model, 0, 1, X, away, 100));
  const std::vector<Motiond> past = {{{}, {100, 100, 0}}, {}};
  EXPECT_FALSE(time_of_impact(model, 0, 1, X, past, 100));
  const std::vector<Posed> touching = {{{}, {0, 0, 0}}, {{}, {0.25, 0, 0}}};
  EXPECT_EQ(time_of_impact(model, 0, 1, touching, V, 1), 0.0);
}

TEST(TimeOfImpact, ASpinningRodMeetsThePlaneWhenItsTipDoes) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Plane{});
  add_shape(scene, add_body(scene), scene::Capsule{0.01, 2}, {{std::sqrt(0.5), 0, std::sqrt(0.5), 0}, {}});  // along x
  const CollisionModel model = compiled(scene);
  const std::vector<Posed> X = {{{}, {0, 0, 0.5}}};
  const std::vector<Motiond> V = {{{0, 3, 0}, {}}};
  const auto t = time_of_impact(model, 0, 1, X, V, 1);
  ASSERT_TRUE(t);
  const double expected = std::asin(0.49) / 3;
  EXPECT_LE(*t, expected);
  EXPECT_GT(*t, expected - 2 * kSlop);
}

// Distances at fine steps: none before the time is at the slop, the one at the time is.
TEST(TimeOfImpact, IsNeverLateAndNotEarlyForRandomTumblingPairs) {
  Random random(21);
  int hits = 0;
  for (int i = 0; i < 100; ++i) {
    const CollisionModel model = compiled(mixed_scene(2, 100 + static_cast<std::uint64_t>(i)));
    int a = 0, b = 0;  // a collider of each body
    for (int k = 0; k < static_cast<int>(model.colliders.size()); ++k) {
      if (model.colliders[static_cast<std::size_t>(k)].body.value == 0) a = k;
      if (model.colliders[static_cast<std::size_t>(k)].body.value == 1) b = k;
    }
    const std::vector<Posed> X = {random_pose(random, 0.5), random_pose(random, 0.5)};
    const Vec3d v = 10.0 * (X[1].p - X[0].p) + random_point(random, 1);
    const std::vector<Motiond> V = {{random_point(random, 10), v}, {random_point(random, 10), random_point(random, 2)}};
    const double dt = 0.2;
    const auto t = time_of_impact(model, a, b, X, V, dt);
    hits += t.has_value();
    const auto gap = [&](double time) {
      std::vector<Posed> moved;
      for (std::size_t k = 0; k < 2; ++k)
        moved.push_back({exp_rotation(time * V[k].w) * X[k].R, X[k].p + time * V[k].v});
      return distance(model, a, b, moved).distance;
    };
    for (int k = 0; k <= 200; ++k) {
      const double time = (t ? *t : dt) * k / 200;
      if (!t || time < *t) {
        EXPECT_GT(gap(time), t ? kSlop * 0.4 : 0) << i;
      }
    }
    if (t) {
      EXPECT_LE(gap(*t), kSlop * 1.0001) << i;
    }
  }
  EXPECT_GT(hits, 40);
}

TEST(TimeOfImpact, ABulletDoesNotPassThroughAMeshOrHeightField) {
  scene::Scene scene;
  const auto flat = [](double, double) { return 0; };
  add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 11, 11, 2, flat), {1, 1, 1}});
  add_shape(scene, scene::kWorld, scene::HeightField{11, 11, 2, 2, std::vector<float>(121, 0.0f)});
  add_shape(scene, add_body(scene), scene::Sphere{0.01});
  add_shape(scene, add_body(scene), scene::Box{{0.02, 0.02, 0.02}});
  const CollisionModel model = compiled(scene);
  const std::vector<Posed> X = {{{}, {0.2, 0.1, 5}}, {{}, {0.2, 0.1, 5}}};
  const std::vector<Motiond> V(2, {{}, {-50, 0, -500}});
  for (const int surface : {0, 1}) {
    for (const int bullet : {2, 3}) {
      const auto t = time_of_impact(model, surface, bullet, X, V, 0.1);
      ASSERT_TRUE(t);
      EXPECT_NEAR(*t, 4.99 / 500, 1e-7);
      EXPECT_FALSE(time_of_impact(model, bullet, surface, X, V, 0.009));
    }
  }
  const std::vector<Motiond> beside(2, {{}, {500, 0, -500}});
  EXPECT_FALSE(time_of_impact(model, 0, 2, X, beside, 0.1));
}

}  // namespace
}  // namespace geoul::collision
