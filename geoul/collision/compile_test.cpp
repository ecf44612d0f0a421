// Bad shapes: every one named.
#include <gtest/gtest.h>

#include <limits>

#include "geoul/collision/mesh.h"
#include "geoul/collision/prepared.h"
#include "geoul/collision/test_scenes.h"

namespace geoul::collision {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The findings of a scene with one shape; whether a model came out.
Diagnostics findings(const scene::Scene& scene, bool& made) {
  Diagnostics diagnostics;
  made = compile(scene, diagnostics).has_value();
  return diagnostics;
}

void expect_error(scene::Geometry geometry, const char* code, const Posed& X = {}) {
  scene::Scene scene;
  const scene::BodyId body = add_body(scene);
  scene.bodies[0].source = {"robot.urdf", 12, "/body0"};
  add_shape(scene, body, std::move(geometry), X);
  bool made = true;
  const Diagnostics diagnostics = findings(scene, made);
  EXPECT_FALSE(made) << code;
  EXPECT_TRUE(diagnostics.has(code)) << code << "\n" << diagnostics.text();
  EXPECT_NE(diagnostics.text().find("robot.urdf:12"), std::string::npos) << diagnostics.text();
  EXPECT_NE(diagnostics.text().find("/shape0"), std::string::npos) << diagnostics.text();
}

TEST(CollisionCompile, ShapesWithoutVolumeAreNamed) {
  expect_error(scene::Box{{1, 0, 1}}, "shape-volume");
  expect_error(scene::Box{{1, -2, 1}}, "shape-volume");
  expect_error(scene::Sphere{0}, "shape-volume");
  expect_error(scene::Capsule{0, 1}, "shape-volume");
  expect_error(scene::Capsule{1, -1}, "shape-volume");
  expect_error(scene::Cylinder{1, 0}, "shape-volume");
  expect_error(scene::Cone{-1, 1}, "shape-volume");
  expect_error(scene::HeightField{2, 2, 0, 1, {0, 0, 0, 0}}, "shape-volume");
}

TEST(CollisionCompile, NumbersThatAreNotFiniteAreNamed) {
  expect_error(scene::Box{{1, kNan, 1}}, "not-finite");
  expect_error(scene::Sphere{kNan}, "not-finite");
  expect_error(scene::Sphere{std::numeric_limits<double>::infinity()}, "not-finite");
  expect_error(scene::HeightField{2, 2, 1, 1, {0, 0, 0, static_cast<float>(kNan)}}, "not-finite");
  expect_error(scene::Sphere{1}, "not-finite", {{}, {0, kNan, 0}});
  expect_error(scene::Sphere{1}, "bad-rotation", {{2, 0, 0, 0}, {}});
}

TEST(CollisionCompile, AMovingMeshThatIsClosedButFlatIsNamed) {
  scene::Scene scene;
  const scene::MeshId leaf = add_mesh(scene, {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}, {0, 2, 1}});
  add_shape(scene, scene::kWorld, scene::TriangleMesh{leaf, {1, 1, 1}});
  bool made = false;
  findings(scene, made);
  EXPECT_TRUE(made);  // a wall may be thin
  add_shape(scene, add_body(scene), scene::TriangleMesh{leaf, {1, 1, 1}});
  EXPECT_TRUE(findings(scene, made).has("shape-volume"));
  EXPECT_FALSE(made);
  scene.shapes.pop_back();
  const scene::MeshId thin = add_box_mesh(scene, {1, 1, 1e-5}, 1);
  add_shape(scene, scene::BodyId{0}, scene::TriangleMesh{thin, {1, 1, 1}});
  findings(scene, made);
  EXPECT_TRUE(made);
}

TEST(CollisionCompile, HeightFieldsOfTheWrongSizeAreNamed) {
  expect_error(scene::HeightField{1, 4, 1, 1, {0, 0, 0, 0}}, "height-field-size");
  expect_error(scene::HeightField{3, 2, 1, 1, {0, 0, 0, 0, 0}}, "height-field-size");
}

TEST(CollisionCompile, AllProblemsAreFoundNotOnlyTheFirst) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Box{{0, -1, kNan}});
  add_shape(scene, scene::BodyId{7}, scene::Sphere{1});
  add_shape(scene, scene::kWorld, scene::TriangleMesh{scene::MeshId{3}, {1, 1, 1}});
  bool made = true;
  const Diagnostics diagnostics = findings(scene, made);
  EXPECT_FALSE(made);
  EXPECT_EQ(diagnostics.error_count(), 5u) << diagnostics.text();
}

TEST(CollisionCompile, MeshesThatAreFlatEmptyOrBrokenAreNamed) {
  scene::Scene scene;
  const scene::MeshId flat = add_mesh(scene, {{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}}, {{0, 1, 2}, {0, 2, 3}});
  const scene::MeshId empty = add_mesh(scene, {}, {});
  const scene::MeshId line = add_mesh(scene, {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}}, {{0, 1, 2}});
  const auto nan = static_cast<float>(kNan);
  const scene::MeshId broken = add_mesh(scene, {{0, 0, 0}, {1, nan, 1}, {2, 0, 2}}, {{0, 1, 2}});
  const auto code_of = [&](scene::Geometry geometry) {
    scene::Scene one = scene;
    add_shape(one, scene::kWorld, std::move(geometry));
    bool made = true;
    const Diagnostics diagnostics = findings(one, made);
    EXPECT_FALSE(made);
    return diagnostics.findings().empty() ? "" : diagnostics.findings()[0].code;
  };
  EXPECT_EQ(code_of(scene::ConvexHull{flat, {1, 1, 1}}), "hull-flat");
  EXPECT_EQ(code_of(scene::ConvexHull{empty, {1, 1, 1}}), "mesh-empty");
  EXPECT_EQ(code_of(scene::TriangleMesh{empty, {1, 1, 1}}), "mesh-empty");
  EXPECT_EQ(code_of(scene::TriangleMesh{line, {1, 1, 1}}), "mesh-empty");
  EXPECT_EQ(code_of(scene::TriangleMesh{broken, {1, 1, 1}}), "not-finite");
  EXPECT_EQ(code_of(scene::TriangleMesh{flat, {1, 0, 1}}), "shape-volume");
  EXPECT_EQ(code_of(scene::ConvexHull{flat, {1, kNan, 1}}), "not-finite");
}

TEST(CollisionCompile, AnOpenMeshIsWarnedOfWhereItMovesOnly) {
  scene::Scene scene;
  const scene::MeshId sheet = add_grid_mesh(scene, 3, 3, 1, [](double, double) { return 0; });
  add_shape(scene, scene::kWorld, scene::TriangleMesh{sheet, {1, 1, 1}});
  bool made = false;
  EXPECT_TRUE(findings(scene, made).findings().empty());
  const scene::BodyId body = add_body(scene);
  add_shape(scene, body, scene::TriangleMesh{sheet, {1, 1, 1}});
  EXPECT_TRUE(findings(scene, made).has("mesh-open"));
  EXPECT_TRUE(made);
  scene::Joint weld;  // a body that stands still is no solid that could fall through
  weld.type = scene::JointType::kFixed, weld.child = body;
  scene.joints.push_back(weld);
  EXPECT_FALSE(findings(scene, made).has("mesh-open"));
}

TEST(CollisionCompile, DegenerateTrianglesAreLeftOutWithAWarning) {
  scene::Scene scene;
  const scene::MeshId mesh =
      add_mesh(scene, {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {2, 0, 0}}, {{0, 1, 2}, {0, 1, 3}, {0, 0, 2}, {0, 1, 9}});
  add_shape(scene, scene::kWorld, scene::TriangleMesh{mesh, {1, 1, 1}});
  bool made = false;
  const Diagnostics diagnostics = findings(scene, made);
  EXPECT_TRUE(made);
  EXPECT_TRUE(diagnostics.has("mesh-degenerate")) << diagnostics.text();
  EXPECT_NE(diagnostics.text().find("3 of 4"), std::string::npos) << diagnostics.text();
}

TEST(CollisionCompile, AMeshInsideOutIsTurned) {
  scene::Scene scene;
  const scene::MeshId box = add_box_mesh(scene, {1, 1, 1}, 2);
  for (auto& t : scene.meshes[box.index()].triangles) std::swap(t[0], t[1]);
  add_shape(scene, scene::kWorld, scene::TriangleMesh{box, {1, 1, 1}});
  bool made = false;
  EXPECT_TRUE(findings(scene, made).has("mesh-inside-out"));
  const CollisionModel model = compiled(scene);
  const TriangleTree& mesh = *model.geometries[0].mesh;
  for (std::size_t t = 0; t < mesh.triangles.size(); ++t) {
    EXPECT_GT(dot(mesh.normals[t], mesh.vertices[static_cast<std::size_t>(mesh.triangles[t][0])]), 0);
  }
  for (auto& t : scene.meshes[box.index()].triangles) std::swap(t[0], t[1]);
  std::get<scene::TriangleMesh>(scene.shapes[0].geometry).scale = {-1, 1,
                                                                   1};  // a mirror image of a right mesh is right
  EXPECT_FALSE(findings(scene, made).has("mesh-inside-out"));
}

TEST(TriangleTree, KnowsItsNeighboursAndWhatIsInside) {
  scene::Scene scene;
  const scene::MeshId ball = add_ball_mesh(scene, 1, 12);
  add_shape(scene, scene::kWorld, scene::TriangleMesh{ball, {1, 1, 1}});
  const CollisionModel model = compiled(scene);
  const TriangleTree& mesh = *model.geometries[0].mesh;
  EXPECT_TRUE(mesh.closed);
  EXPECT_EQ(mesh.vertices.size() - mesh.edges.size() + mesh.triangles.size(), 2u);  // Euler
  for (int t = 0; t < static_cast<int>(mesh.triangles.size()); ++t) {
    for (int i = 0; i < 3; ++i) {
      const auto& a = mesh.triangles[static_cast<std::size_t>(t)];
      const int other = mesh.across[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)];
      ASSERT_GE(other, 0);
      const auto& b = mesh.triangles[static_cast<std::size_t>(other)];
      int shared = 0;
      for (const int v : b)
        shared += v == a[static_cast<std::size_t>(i)] || v == a[static_cast<std::size_t>((i + 1) % 3)];
      EXPECT_EQ(shared, 2);
    }
  }
  Random random(5);
  for (int i = 0; i < 500; ++i) {
    const Vec3d p = random_point(random, 1.2);
    if (norm(p) < 0.95) {
      EXPECT_TRUE(is_inside(mesh, p));
    }
    if (norm(p) > 1) {
      EXPECT_FALSE(is_inside(mesh, p));
    }
  }
}

TEST(CollisionCompile, ShapesThatDoNotCollideAreLeftOut) {
  scene::Scene scene;
  add_shape(scene, scene::kWorld, scene::Box{{0, 0, 0}});
  scene.shapes[0].collides = false;
  add_shape(scene, scene::kWorld, scene::Sphere{1});
  const CollisionModel model = compiled(scene);
  ASSERT_EQ(model.colliders.size(), 1u);
  EXPECT_EQ(model.colliders[0].shape.value, 1);
}

}  // namespace
}  // namespace geoul::collision
