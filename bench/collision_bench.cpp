// Detection alone: time of detect() a step while bodies tremble where they rest.
//   build/PRESET/bin/collision_bench
// counters: manifolds and points found a step; a_manifold: time a manifold [s].
#include <benchmark/benchmark.h>

#include <cmath>

#include "geoul/collision/test_scenes.h"

namespace {

using namespace geoul;
using namespace geoul::collision;

struct World {
  scene::Scene scene;
  std::vector<Posed> X;
};

void put(World& world, scene::Geometry geometry, const Posed& X) {
  add_shape(world.scene, add_body(world.scene), std::move(geometry));
  world.X.push_back(X);
}

// Hexagonal close packing, each a micrometre into its twelve neighbours, over five planes.
World heap(int n) {
  World world;
  const double r = 0.05, d = 2 * r - 1e-6, h = std::sqrt(0.5);
  add_shape(world.scene, scene::kWorld, scene::Plane{});
  for (const Quatd& q : {Quatd{h, h, 0, 0}, Quatd{h, -h, 0, 0}, Quatd{h, 0, h, 0}, Quatd{h, 0, -h, 0}}) {
    add_shape(world.scene, scene::kWorld, scene::Plane{}, {q, rotation_matrix(q) * Vec3d{0, 0, -1}});
  }
  const int side = static_cast<int>(std::lround(std::cbrt(n)));
  for (int k = 0; k < side; ++k) {
    for (int j = 0; j < side; ++j) {
      for (int i = 0; i < side; ++i) {
        const double x = d * (i + 0.5 * ((j + k) % 2)), y = d * std::sqrt(0.75) * (j + (k % 2) / 3.0);
        put(world, scene::Sphere{r}, {{}, {x - 0.5, y - 0.45, r + d * std::sqrt(2.0 / 3) * k}});
      }
    }
  }
  return world;
}

World tower(int n) {
  World world;
  add_shape(world.scene, scene::kWorld, scene::Plane{});
  for (int i = 0; i < n; ++i) {
    put(world, scene::Box{{0.1, 0.1, 0.1}}, {exp_rotation(Vec3d{0, 0, 0.003 * i}), {0, 0, 0.05 + i * (0.1 - 1e-6)}});
  }
  return world;
}

// 100 boxes of 0.2 m on waves of 0.1 m cells: 10,000 to 20,000 triangles.
World terrain(bool field) {
  World world;
  constexpr int kSide = 81;
  const auto z = [](double x, double y) { return 0.15 * std::sin(1.3 * x) * std::cos(1.1 * y); };
  if (field) {
    std::vector<float> heights;
    for (int j = 0; j < kSide; ++j) {
      for (int i = 0; i < kSide; ++i) heights.push_back(static_cast<float>(z(-4 + 0.1 * i, -4 + 0.1 * j)));
    }
    add_shape(world.scene, scene::kWorld, scene::HeightField{kSide, kSide, 8, 8, heights});
  } else {
    add_shape(world.scene, scene::kWorld,
              scene::TriangleMesh{add_grid_mesh(world.scene, kSide, kSide, 8, z), {1, 1, 1}});
  }
  for (int i = 0; i < 100; ++i) {
    const double x = -3.5 + 0.75 * (i % 10), y = -3.5 + 0.75 * (i / 10);
    const double gx = 0.195 * std::cos(1.3 * x) * std::cos(1.1 * y),
                 gy = -0.165 * std::sin(1.3 * x) * std::sin(1.1 * y);
    const Quatd R = exp_rotation(Vec3d{std::atan(gy), -std::atan(gx), 0});
    const Vec3d up = rotation_matrix(R).column(2);
    put(world, scene::Box{{0.2, 0.2, 0.2}}, {R, Vec3d{x, y, z(x, y)} + 0.0999 * up});
  }
  return world;
}

// A pile of one kind, layers of 5 x 5, each a little turned and touching the layer below.
World pile(const scene::Geometry& shape, double height, const Quatd& lie) {
  World world;
  add_shape(world.scene, scene::kWorld, scene::Plane{});
  if (std::holds_alternative<scene::ConvexHull>(shape)) {
    Random random(3);
    std::vector<Vec3<float>> points;
    for (int i = 0; i < 32; ++i) {
      Vec3d p = random_point(random, 1);
      p = (0.084 / norm(p)) * p;
      p.z = std::abs(p.z) < 0.05 ? p.z : std::copysign(0.05, p.z);  // flat above and below
      points.push_back(Vec3<float>(p));
    }
    add_mesh(world.scene, points, {{0, 1, 2}});
  }
  for (int i = 0; i < 100; ++i) {
    const int layer = i / 25;
    const Vec3d p{0.17 * (i % 5) + 0.01 * layer, 0.17 * (i / 5 % 5) + 0.02 * layer,
                  height * (0.5 + layer) - 1e-6 * layer};
    put(world, shape, {exp_rotation(Vec3d{0, 0, 0.05 * i}) * lie, p});
  }
  return world;
}

void measure(benchmark::State& state, const World& world) {
  const CollisionModel model = compiled(world.scene);
  const PairFilter filter = free_bodies(model.nbody);
  Random random(7);
  std::vector<std::vector<Posed>> poses(8, world.X);
  for (std::vector<Posed>& X : poses) {
    for (Posed& x : X) {
      x.R = normalized(exp_rotation(random_point(random, 1e-6)) * x.R);
      x.p += random_point(random, 1e-7);
    }
  }
  const std::vector<Motiond> V(world.X.size());
  CollisionData data;
  std::size_t step = 0, points = 0;
  for (auto _ : state) detect(model, filter, poses[step++ % 8], V, {1e-3, 2e-3}, data);
  for (const Manifold& m : data.manifolds) points += static_cast<std::size_t>(m.count);
  state.counters["manifolds"] = static_cast<double>(data.manifolds.size());
  state.counters["points"] = static_cast<double>(points);
  state.counters["a_manifold"] =
      benchmark::Counter(static_cast<double>(data.manifolds.size()),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

const double kHalf = std::sqrt(0.5);

BENCHMARK_CAPTURE(measure, heap_of_1000_spheres, heap(1000))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, tower_of_20_boxes, tower(20))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, mesh_terrain_100_boxes, terrain(false))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, height_field_100_boxes, terrain(true))->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, pile_of_100_boxes, pile(scene::Box{{0.16, 0.16, 0.1}}, 0.1, {}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, pile_of_100_cylinders, pile(scene::Cylinder{0.084, 0.1}, 0.1, {}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, pile_of_100_lying_capsules, pile(scene::Capsule{0.05, 0.1}, 0.1, {kHalf, kHalf, 0, 0}))
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(measure, pile_of_100_hulls, pile(scene::ConvexHull{scene::MeshId{0}, {1, 1, 1}}, 0.1, {}))
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
