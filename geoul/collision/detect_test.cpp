// Convex worlds: judged by all pairs one by one; the same bits whatever came before; nothing allocated.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "geoul/collision/narrow.h"
#include "geoul/collision/prepared.h"
#include "geoul/collision/test_scenes.h"
#include "geoul/core/parallel.h"
#include "scenarios/allocations.h"

namespace geoul::collision {
namespace {

struct World {
  std::vector<Posed> X;
  std::vector<Motiond> V;
};

World random_world(const CollisionModel& model, Random& random, double size) {
  World world;
  for (int i = 0; i < model.nbody; ++i) {
    world.X.push_back(random_pose(random, size));
    world.V.push_back({random_point(random, 3), random_point(random, 3)});
  }
  return world;
}

void move(World& world, double dt) {
  for (std::size_t i = 0; i < world.X.size(); ++i) {
    world.X[i] = {normalized(exp_rotation(dt * world.V[i].w) * world.X[i].R), world.X[i].p + dt * world.V[i].v};
  }
}

// Every number of the manifolds.
std::vector<double> numbers(const std::vector<Manifold>& manifolds) {
  std::vector<double> all;
  for (const Manifold& m : manifolds) {
    all.insert(all.end(), {double(m.a), double(m.b), double(m.count), m.normal_W.x, m.normal_W.y, m.normal_W.z});
    for (int k = 0; k < m.count; ++k) {
      const ContactPoint& p = m.points[k];
      all.insert(all.end(), {p.p_W.x, p.p_W.y, p.p_W.z, p.distance, double(p.id >> 32), double(p.id & 0xffffffffu)});
    }
  }
  return all;
}

TEST(Detect, FindsWhatTestingAllPairsFinds) {
  Random random(31);
  std::size_t touching = 0;
  for (int round = 0; round < 6; ++round) {
    const CollisionModel model = compiled(mixed_scene(30, 200 + static_cast<std::uint64_t>(round)));
    const PairFilter filter = free_bodies(model.nbody);
    CollisionData data;
    for (const double margin : {0.0, 1e-3, 0.05}) {
      const World world = random_world(model, random, 0.8);
      detect(model, filter, world.X, world.V, {margin, 0}, data);
      std::vector<Manifold> expected;
      const int n = static_cast<int>(model.colliders.size());
      for (int a = 0; a < n; ++a) {
        for (int b = a + 1; b < n; ++b) {
          const Collider &A = model.colliders[static_cast<std::size_t>(a)],
                         &B = model.colliders[static_cast<std::size_t>(b)];
          const Geometry &geometry_a = model.geometries[static_cast<std::size_t>(A.geometry)],
                         &geometry_b = model.geometries[static_cast<std::size_t>(B.geometry)];
          if (A.body == B.body) continue;
          Manifold m;
          m.a = a, m.b = b;
          collide(geometry_a, collider_pose(A, world.X), geometry_b, collider_pose(B, world.X), margin, &m);
          if (m.count > 0) expected.push_back(m);
        }
      }
      touching += expected.size();
      EXPECT_EQ(numbers(data.manifolds), numbers(expected));
    }
  }
  EXPECT_GT(touching, 100u);
}

TEST(Detect, HasTheSameBitsWhateverCameBefore) {
  const scene::Scene scene = mixed_scene(60, 7);
  const CollisionModel model = compiled(scene), other = compiled(mixed_scene(20, 8));
  const PairFilter filter = free_bodies(model.nbody), other_filter = free_bodies(other.nbody);
  Random random(32);
  World world = random_world(model, random, 0.8);
  CollisionData used;
  const DetectOptions options{1e-3, 2e-3};
  for (int step = 0; step < 60; ++step) {
    move(world, 2e-3);
    if (step % 10 == 3) {  // elsewhere, and back
      const World away = random_world(model, random, 0.5);
      detect(model, filter, away.X, away.V, {0.1, 0}, used);
    }
    if (step % 20 == 7) {
      const World there = random_world(other, random, 0.5);
      detect(other, other_filter, there.X, there.V, options, used);
    }
    detect(model, filter, world.X, world.V, options, used);
    CollisionData fresh;
    detect(model, filter, world.X, world.V, options, fresh);
    const std::vector<double> a = numbers(used.manifolds), b = numbers(fresh.manifolds);
    ASSERT_EQ(a.size(), b.size()) << step;
    ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(double)), 0) << step;
    ASSERT_GT(a.size(), 100u);
  }
}

TEST(Detect, HasTheSameBitsForAnyNumberOfThreads) {
  scene::Scene scene = mixed_scene(60, 9);
  const auto waves = [](double x, double y) { return 0.1 * std::sin(5 * x) * std::cos(4 * y) - 0.6; };
  add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 30, 30, 3, waves), {1, 1, 1}});
  add_shape(scene, add_body(scene), scene::TriangleMesh{add_ball_mesh(scene, 0.2, 8), {1, 1, 1}});
  const CollisionModel model = compiled(scene);
  const PairFilter filter = free_bodies(model.nbody);
  constexpr std::size_t kWorlds = 12;
  const auto run = [&](int threads) {
    std::vector<std::vector<double>> found(kWorlds);
    ThreadPool pool(threads);
    pool.parallel_for(kWorlds, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        Random random(100 + i);
        World world = random_world(model, random, 0.6);
        CollisionData data;
        for (int step = 0; step < 5; ++step) {
          move(world, 2e-3);
          detect(model, filter, world.X, world.V, {1e-3, 2e-3}, data);
        }
        found[i] = numbers(data.manifolds);
      }
    });
    return found;
  };
  const std::vector<std::vector<double>> alone = run(1);
  EXPECT_GT(alone[0].size(), 100u);
  for (const int threads : {2, 5}) {
    const std::vector<std::vector<double>> together = run(threads);
    for (std::size_t i = 0; i < kWorlds; ++i) {
      ASSERT_EQ(alone[i].size(), together[i].size());
      EXPECT_EQ(std::memcmp(alone[i].data(), together[i].data(), alone[i].size() * sizeof(double)), 0) << i;
    }
  }
}

TEST(Detect, SortsManifoldsByColliders) {
  const CollisionModel model = compiled(mixed_scene(60, 9));
  Random random(33);
  const World world = random_world(model, random, 0.8);
  CollisionData data;
  detect(model, free_bodies(model.nbody), world.X, world.V, {1e-2, 0}, data);
  ASSERT_GT(data.manifolds.size(), 20u);
  for (std::size_t i = 1; i < data.manifolds.size(); ++i) {
    const Manifold &x = data.manifolds[i - 1], &y = data.manifolds[i];
    EXPECT_LT(x.a, x.b);
    EXPECT_TRUE(x.a < y.a || (x.a == y.a && x.b < y.b));
  }
}

TEST(Detect, LetsGroupsPass) {
  scene::Scene scene;
  for (int i = 0; i < 4; ++i) add_shape(scene, add_body(scene), scene::Sphere{0.5});
  add_shape(scene, scene::kWorld, scene::Box{{1, 1, 1}});
  add_shape(scene, scene::kWorld, scene::Plane{});
  const CollisionModel model = compiled(scene);
  const std::vector<Posed> X(4, Posed{{}, {0.1, 0, 0}});
  const std::vector<Motiond> V(4);
  const auto pairs = [&](const PairFilter& filter) {
    CollisionData data;
    detect(model, filter, X, V, {}, data);
    std::string text;
    for (const Manifold& m : data.manifolds) text += std::to_string(m.a) + std::to_string(m.b) + " ";
    return text;
  };
  EXPECT_EQ(pairs({{0, 1, 2, 3}, {}}), "01 02 03 04 05 12 13 14 15 23 24 25 34 35 ");
  EXPECT_EQ(pairs({{0, 0, 1, -1}, {}}), "02 03 04 05 12 13 14 15 23 24 25 ");
  EXPECT_EQ(pairs({{0, 1, 2, 3}, {{-1, 0}, {0, 1}, {1, 3}}}), "02 03 12 14 15 23 24 25 34 35 ");
}

TEST(Detect, FastBodiesAreSeenAStepAhead) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Box{{0.1, 2, 2}});
  add_shape(scene, add_body(scene), scene::Sphere{0.05});
  const CollisionModel model = compiled(scene);
  const PairFilter filter = free_bodies(1);
  CollisionData data;
  const auto count = [&](const Vec3d& p, const Vec3d& v, double dt) {
    const std::vector<Posed> X = {{{}, p}};
    const std::vector<Motiond> V = {{{}, v}};
    detect(model, filter, X, V, {1e-3, dt}, data);
    return data.manifolds.size();
  };
  EXPECT_EQ(count({0.5, 0, 0}, {-100, 0, 0}, 0), 0u);
  EXPECT_EQ(count({0.5, 0, 0}, {-100, 0, 0}, 0.003), 0u);  // 0.4 m to go
  ASSERT_EQ(count({0.5, 0, 0}, {-100, 0, 0}, 0.005), 1u);
  EXPECT_NEAR(data.manifolds[0].points[0].distance, 0.4, 1e-12);
  EXPECT_EQ(count({0.2, 0, 0}, {0, 100, 0}, 0.005), 0u);  // along the wall
  EXPECT_EQ(count({0.2, 0, 0}, {100, 0, 0}, 0.005), 0u);  // away from it
}

TEST(Detect, TheTipOfAFastRodIsSeenAStepAhead) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Plane{});
  add_shape(scene, add_body(scene), scene::Box{{2, 0.1, 0.1}});
  const CollisionModel model = compiled(scene);
  const std::vector<Posed> X = {{{}, {0, 0, 0.2}}};  // the lower face is 0.15 above
  CollisionData data;
  detect(model, free_bodies(1), X, std::vector<Motiond>{{{0, 20, 0}, {}}}, {1e-3, 0.01}, data);
  ASSERT_EQ(data.manifolds.size(), 1u);  // the tip at +x comes down by 0.2
  EXPECT_EQ(data.manifolds[0].count, 2);
  for (int k = 0; k < data.manifolds[0].count; ++k) EXPECT_GT(data.manifolds[0].points[k].p_W.x, 0.9);
  detect(model, free_bodies(1), X, std::vector<Motiond>{{{0, 20, 0}, {}}}, {1e-3, 0.005}, data);
  EXPECT_TRUE(data.manifolds.empty());
}

TEST(Detect, BodiesWithoutAPlaceTouchNothing) {
  const CollisionModel model = compiled(mixed_scene(20, 10));
  Random random(34);
  World world = random_world(model, random, 0.5);
  world.X[3].p.y = std::numeric_limits<double>::quiet_NaN();
  world.X[4].R.w = std::numeric_limits<double>::infinity();
  CollisionData data;
  for (const double dt : {0.0, 1e-2}) {
    detect(model, free_bodies(model.nbody), world.X, world.V, {1e-2, dt}, data);
    EXPECT_GT(data.manifolds.size(), 5u);
    for (const Manifold& m : data.manifolds) {
      for (const int i : {m.a, m.b}) {
        EXPECT_NE(model.colliders[static_cast<std::size_t>(i)].body.value, 3);
        EXPECT_NE(model.colliders[static_cast<std::size_t>(i)].body.value, 4);
      }
    }
  }
}

TEST(Detect, IdsLastWhileABoxSlides) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Box{{4, 4, 1}}, {{}, {0, 0, -0.5}});
  add_shape(scene, add_body(scene), scene::Box{{0.4, 0.4, 0.4}});
  const CollisionModel model = compiled(scene);
  CollisionData data;
  std::vector<std::uint64_t> ids;
  for (int step = 0; step < 100; ++step) {
    const std::vector<Posed> X = {{exp_rotation(Vec3d{0, 0, 0.001 * step}), {0.003 * step, -0.002 * step, 0.2 - 1e-5}}};
    detect(model, free_bodies(1), X, std::vector<Motiond>(1), {}, data);
    ASSERT_EQ(data.manifolds.size(), 1u);
    ASSERT_EQ(data.manifolds[0].count, 4);
    std::vector<std::uint64_t> now;
    for (const ContactPoint& p : data.manifolds[0].points) now.push_back(p.id);
    if (step > 0) {
      EXPECT_EQ(now, ids) << step;
    }
    ids = now;
  }
}

std::vector<std::uint64_t> ids(const std::vector<Manifold>& manifolds) {
  std::vector<std::uint64_t> all;
  for (const Manifold& m : manifolds) {
    for (int k = 0; k < m.count; ++k) all.push_back(m.points[k].id);
  }
  return all;
}

// A shape that lies on another one and trembles by less than a micrometre, a micro-radian.
int changes_of_ids(const scene::Scene& scene, const Posed& X, Random& random) {
  const CollisionModel model = compiled(scene);
  CollisionData data;
  std::vector<std::uint64_t> first;
  int changes = 0;
  for (int i = 0; i < 20; ++i) {
    const Quatd turn = exp_rotation(random_point(random, i == 0 ? 0 : 5e-7));
    const std::vector<Posed> poses = {{normalized(turn * X.R), X.p + random_point(random, i == 0 ? 0 : 5e-7)}};
    detect(model, free_bodies(1), poses, std::vector<Motiond>(1), {}, data);
    if (i == 0) first = ids(data.manifolds);
    changes += ids(data.manifolds) != first;
  }
  EXPECT_GE(first.size(), 2u);
  return changes;
}

TEST(Detect, IdsLastWhileAStackTrembles) {
  Random random(36);
  const scene::Box cube{{0.2, 0.2, 0.2}};
  const auto flat = [](double, double) { return 0.1; };
  for (int floor = 0; floor < 4; ++floor) {
    for (const double turn : {0.0, 0.25, 0.3, 0.5, 0.61}) {  // of a half turn
      for (const Vec3d& shift : {Vec3d{}, Vec3d{0.03, 0, 0}, Vec3d{0.0371, 0.0123, 0}}) {
        scene::Scene scene;
        if (floor == 0) add_shape(scene, scene::kWorld, cube);
        if (floor == 1) add_shape(scene, scene::kWorld, scene::Box{{1, 1, 0.2}});
        if (floor == 2) {
          add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 9, 9, 1.6, flat), {1, 1, 1}});
        }
        if (floor == 3) {
          add_shape(scene, scene::kWorld, scene::HeightField{12, 12, 1.1, 1.1, std::vector<float>(144, 0.1f)});
        }
        add_shape(scene, add_body(scene), cube);
        const Posed X{exp_rotation(Vec3d{0, 0, 3.14159265358979 * turn}), Vec3d{0, 0, 0.2} + shift};
        EXPECT_EQ(changes_of_ids(scene, X, random), 0) << floor << " " << turn << " " << shift.x;
      }
    }
  }
}

TEST(Detect, AllocatesNothingOnceWarm) {
  scene::Scene scene = mixed_scene(100, 11);
  const auto waves = [](double x, double y) { return 0.1 * std::sin(5 * x) * std::cos(4 * y) - 0.6; };
  add_shape(scene, scene::kWorld, scene::TriangleMesh{add_grid_mesh(scene, 30, 30, 3, waves), {1, 1, 1}});
  add_shape(scene, add_body(scene), scene::TriangleMesh{add_ball_mesh(scene, 0.2, 8), {1, 1, 1}});
  add_shape(scene, add_body(scene), scene::TriangleMesh{add_box_mesh(scene, {0.1, 0.2, 0.1}, 3), {1, 1, 1}});
  const CollisionModel model = compiled(scene);
  const PairFilter filter = free_bodies(model.nbody);
  Random random(35);
  const World start = random_world(model, random, 0.8);
  CollisionData data;
  const auto run = [&](World world) {
    for (int step = 0; step < 40; ++step) {
      for (std::size_t i = 0; i < world.X.size(); ++i) world.X[i].p += 2e-3 * world.V[i].v;
      detect(model, filter, world.X, world.V, {1e-3, 2e-3}, data);
    }
  };
  run(start);
  World again = start;
  const long before = scenarios::allocations();
  for (int step = 0; step < 40; ++step) {
    for (std::size_t i = 0; i < again.X.size(); ++i) again.X[i].p += 2e-3 * again.V[i].v;
    detect(model, filter, again.X, again.V, {1e-3, 2e-3}, data);
  }
  EXPECT_EQ(scenarios::allocations() - before, 0);
  EXPECT_GT(data.manifolds.size(), 50u);
  const long count = scenarios::allocations();  // the count itself works
  ::operator delete(::operator new(1));         // a plain call, which no optimiser may leave out
  EXPECT_EQ(scenarios::allocations() - count, 1);
}

}  // namespace
}  // namespace geoul::collision
