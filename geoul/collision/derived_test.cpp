#include "geoul/collision/derived.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "geoul/collision/collision.h"
#include "geoul/core/random.h"

namespace geoul::collision {
namespace {

namespace fs = std::filesystem;

struct DerivedTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("geoul_derived_" + std::to_string(::getpid()));
  void SetUp() override { fs::remove_all(folder); }
  void TearDown() override { fs::remove_all(folder); }
};

// A bumpy closed ball of 2 x rings x rings triangles or so.
scene::Mesh ball(int rings) {
  scene::Mesh mesh;
  mesh.path = "/ball";
  const int sectors = 2 * rings;
  for (int i = 0; i <= rings; ++i) {
    for (int k = 0; k < sectors; ++k) {
      const double p = std::numbers::pi * i / rings, a = 2 * std::numbers::pi * k / sectors;
      const double r = 1 + (i % rings == 0 ? 0 : 0.2 * std::sin(5 * a) * std::sin(p));
      mesh.vertices.push_back(Vec3<float>(Vec3d{r * std::sin(p) * std::cos(a), r * std::sin(p) * std::sin(a),
                                                i % rings == 0 ? std::cos(p) : r * std::cos(p)}));
      if (i % rings == 0) mesh.vertices.back() = {0, 0, i == 0 ? 1.0f : -1.0f};
    }
  }
  const auto at = [&](int i, int k) { return static_cast<std::uint32_t>(i * sectors + k % sectors); };
  for (int i = 0; i < rings; ++i) {
    for (int k = 0; k < sectors; ++k) {
      if (i + 1 < rings) mesh.triangles.push_back({at(i, k), at(i + 1, k), at(i + 1, k + 1)});
      if (i > 0) mesh.triangles.push_back({at(i, k), at(i + 1, k + 1), at(i, k + 1)});
    }
  }
  return mesh;
}

// The ball as a surface, a hull and parts, the hull at two scales and shown twice.
scene::Scene balls(int rings) {
  scene::Scene scene;
  scene.meshes.push_back(ball(rings));
  const auto add = [&](scene::Geometry geometry) {
    scene::Shape shape;
    shape.path = "/shape_" + std::to_string(scene.shapes.size());
    shape.geometry = std::move(geometry);
    shape.collides = true;
    scene.shapes.push_back(shape);
  };
  add(scene::TriangleMesh{scene::MeshId{0}, {1, 1, 1}});
  add(scene::ConvexHull{scene::MeshId{0}, {1, 1, 1}});
  add(scene::ConvexHull{scene::MeshId{0}, {1, -2, 1}});
  add(scene::ConvexHull{scene::MeshId{0}, {1, 1, 1}});
  add(scene::ConvexHull{scene::MeshId{0}, {1, 1, 1}, 6});
  return scene;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_same(const CollisionModel& a, const CollisionModel& b) {
  ASSERT_EQ(a.geometries.size(), b.geometries.size());
  for (std::size_t i = 0; i < a.geometries.size(); ++i) {
    const Geometry &x = a.geometries[i], &y = b.geometries[i];
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.low, y.low);
    EXPECT_EQ(x.high, y.high);
    EXPECT_EQ(x.bounding_radius, y.bounding_radius);
    ASSERT_EQ(x.hull == nullptr, y.hull == nullptr);
    if (x.hull) {
      EXPECT_TRUE(same_bits(x.hull->vertices, y.hull->vertices) && same_bits(x.hull->corners, y.hull->corners) &&
                  same_bits(x.hull->neighbours, y.hull->neighbours) && same_bits(x.hull->xs, y.hull->xs) &&
                  same_bits(x.hull->neighbour_begin, y.hull->neighbour_begin) &&
                  x.hull->faces.size() == y.hull->faces.size());
    }
    ASSERT_EQ(x.mesh == nullptr, y.mesh == nullptr);
    if (x.mesh) {
      EXPECT_TRUE(same_bits(x.mesh->vertices, y.mesh->vertices) && same_bits(x.mesh->triangles, y.mesh->triangles) &&
                  same_bits(x.mesh->normals, y.mesh->normals) && same_bits(x.mesh->across, y.mesh->across) &&
                  same_bits(x.mesh->tree.nodes, y.mesh->tree.nodes) && x.mesh->closed == y.mesh->closed);
    }
  }
}

CollisionModel compiled(const scene::Scene& scene, const CompileOptions& options) {
  Diagnostics d;
  auto model = compile(scene, d, options);
  EXPECT_TRUE(model) << d.text();
  return model ? std::move(*model) : CollisionModel{};
}

// Without the cache, when it is filled, when it answers, and after every entry was damaged: the same bits.
TEST_F(DerivedTest, BitsAreTheSameWithAndWithoutTheCache) {
  scene::Scene scene = balls(110);
  scene.meshes.push_back(ball(24));
  std::get<scene::ConvexHull>(scene.shapes.back().geometry).mesh = scene::MeshId{1};
  ASSERT_GT(scene.meshes[0].triangles.size(), kFewTriangles);
  const CollisionModel without = compiled(scene, {.cache = nullptr});
  Cache cache(folder.string());
  expect_same(compiled(scene, {.cache = &cache}), without);
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  EXPECT_EQ(entries.size(), 4u);  // the tree, two hulls, the parts
  expect_same(compiled(scene, {.cache = &cache}), without);
  for (const fs::path& entry : entries) {
    std::fstream stream(entry, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(fs::file_size(entry) / 2));
    stream << "damage";
  }
  expect_same(compiled(scene, {.cache = &cache}), without);
  expect_same(compiled(scene, {.cache = &cache}), without);  // mended
}

TEST_F(DerivedTest, BitsAreTheSameForAnyNumberOfThreads) {
  const scene::Scene scene = balls(24);
  const CollisionModel alone = compiled(scene, {.cache = nullptr, .threads = 1});
  for (const int threads : {2, 3, 7}) expect_same(compiled(scene, {.cache = nullptr, .threads = threads}), alone);
}

TEST_F(DerivedTest, AFolderThatCannotBeWrittenIsOneInfo) {
  std::ofstream(folder) << "a file, no folder";
  const scene::Scene scene = balls(24);
  Cache cache(folder.string());
  Diagnostics d;
  EXPECT_TRUE(compile(scene, d, {.cache = &cache}));
  EXPECT_TRUE(compile(scene, d, {.cache = &cache}));
  EXPECT_TRUE(d.ok());
  int notes = 0;
  for (const Finding& finding : d.findings()) notes += finding.code == "cache";
  EXPECT_EQ(notes, 1);
}

TEST_F(DerivedTest, PartsAreCollidersOfOneShapeAndSaid) {
  scene::Scene scene = balls(30);
  scene.shapes.erase(scene.shapes.begin(), scene.shapes.begin() + 4);
  Diagnostics d;
  const auto model = compile(scene, d, {.cache = nullptr});
  ASSERT_TRUE(model) << d.text();
  EXPECT_TRUE(d.has("decomposition"));
  EXPECT_GT(model->colliders.size(), 1u);
  EXPECT_LE(model->colliders.size(), 6u);
  for (const Collider& c : model->colliders) EXPECT_EQ(c.shape.value, 0);
  std::get<scene::ConvexHull>(scene.shapes[0].geometry).max_hulls = 1000;
  EXPECT_FALSE(compile(scene, d, {.cache = nullptr}));
  EXPECT_TRUE(d.has("hull-count"));
}

}  // namespace
}  // namespace geoul::collision
