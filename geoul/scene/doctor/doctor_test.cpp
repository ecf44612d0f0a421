// What files cannot show: closed forms behind the checks, and findings that no reader lets through. Each finding on a
// minimal bad file and a minimal good neighbour: runtime/check_test.cpp.
#include "geoul/scene/doctor/doctor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "geoul/core/random.h"
#include "geoul/scene/doctor/inertia.h"

namespace geoul::scene::doctor {
namespace {

Mesh cube_mesh(float half = 0.5f) {
  Mesh mesh;
  mesh.path = "cube.obj";
  for (int i = 0; i < 8; ++i)
    mesh.vertices.push_back({i & 1 ? half : -half, i & 2 ? half : -half, i & 4 ? half : -half});
  mesh.triangles = {{0, 2, 1}, {1, 2, 3}, {4, 5, 6}, {5, 7, 6}, {0, 1, 4}, {1, 5, 4},
                    {2, 6, 3}, {3, 6, 7}, {0, 4, 2}, {2, 4, 6}, {1, 3, 5}, {3, 7, 5}};
  return mesh;
}

// A cube of 1 kg, 1 m, that falls on nothing; with a mesh of the same cube as its collider.
Scene one_cube() {
  Scene scene;
  Body body;
  body.path = "/cube";
  body.mass = {1, {}, {1.0 / 6, 1.0 / 6, 1.0 / 6, 0, 0, 0}};
  body.source = {"cube.usda", 7, ""};
  scene.bodies.push_back(body);
  scene.meshes.push_back(cube_mesh());
  Shape shape;
  shape.path = "/cube/shape";
  shape.body = BodyId{0};
  shape.geometry = TriangleMesh{MeshId{0}, {1, 1, 1}};
  shape.collides = true;
  scene.shapes.push_back(shape);
  return scene;
}

std::set<std::string, std::less<>> codes(const Scene& scene) {
  std::set<std::string, std::less<>> out;
  for (const Symptom& s : examine(scene)) out.insert(s.finding.code);
  return out;
}

TEST(Doctor, IsSilentOfACube) { EXPECT_TRUE(examine(one_cube()).empty()); }

TEST(Doctor, EveryCodeOfAFindingIsListedAndEveryMendIsAllowed) {
  Scene scene = one_cube();
  scene.bodies[0].mass.inertia = {1, 1, 3, 0, 0, 0};
  scene.bodies.push_back(scene.bodies[0]);
  scene.materials.push_back({});
  scene.gravity = {0, 0, 1};
  for (const Symptom& s : examine(scene)) {
    const Code* code = find_code(s.finding.code);
    ASSERT_TRUE(code) << s.finding.code;
    EXPECT_TRUE(is_own(s.finding.code));
    EXPECT_FALSE(s.finding.message.empty());
    EXPECT_FALSE(s.finding.mend.empty());
    EXPECT_TRUE(!s.mend || code->remedy != Remedy::kByHand) << s.finding.code;
  }
  EXPECT_EQ(codes(scene).count("duplicate-path"), 1u);
}

// ---- inertia ----

Mat3d second_moments(const Sym3d& I) { return (I.xx + I.yy + I.zz) / 2 * Mat3d::identity() - full(I); }
double distance(const Sym3d& a, const Sym3d& b) {
  const Mat3d d = second_moments(a) - second_moments(b);
  return std::sqrt(dot(d.r0, d.r0) + dot(d.r1, d.r1) + dot(d.r2, d.r2));
}

TEST(NearestPhysicalInertia, KeepsWhatIsPhysical) {
  const Sym3d I = rotate(rotation_matrix(exp_rotation(Vec3d{0.3, -0.2, 0.9})), Sym3d{2, 3, 4, 0, 0, 0});
  EXPECT_LT(distance(nearest_physical_inertia(I), I), 1e-14);
}

TEST(NearestPhysicalInertia, IsTheClosedFormOnPrincipalAxes) {
  // second moments (1.5, 1.5, -0.5): the last becomes 0 (thin = 0)
  const Sym3d I = nearest_physical_inertia({1, 1, 3, 0, 0, 0}, 0);
  EXPECT_NEAR(I.xx, 1.5, 1e-15);
  EXPECT_NEAR(I.yy, 1.5, 1e-15);
  EXPECT_NEAR(I.zz, 3, 1e-15);
}

// No physical inertia among many random ones near it is nearer.
TEST(NearestPhysicalInertia, IsNearerThanAnyOtherThatIsPhysical) {
  Random random(7);
  const auto draw = [&] { return 2 * random.uniform() - 1; };
  int tried = 0;
  for (int i = 0; i < 200; ++i) {
    const Sym3d wrong{draw(), draw(), draw(), draw(), draw(), draw()};
    const Sym3d best = nearest_physical_inertia(wrong, 0);
    EXPECT_EQ(inertia_fault({1, {}, best}), InertiaFault::kNone) << i;
    if (inertia_fault({1, {}, wrong}) == InertiaFault::kNone) continue;
    if (!(trace(second_moments(wrong)) > 0)) continue;  // all moments negative: a ball, not the nearest
    for (int k = 0; k < 200; ++k) {
      const double step = k % 2 == 0 ? 0.1 : 1e-3;
      const Sym3d other =
          best + Sym3d{step * draw(), step * draw(), step * draw(), step * draw(), step * draw(), step * draw()};
      const Mat3d S = second_moments(other);  // positive semidefinite by its minors
      const bool physical = S.r0.x >= 0 && S.r1.y >= 0 && S.r2.z >= 0 && S.r0.x * S.r1.y >= S.r0.y * S.r0.y &&
                            S.r0.x * S.r2.z >= S.r0.z * S.r0.z && S.r1.y * S.r2.z >= S.r1.z * S.r1.z &&
                            determinant(S) >= 0;
      if (!physical) continue;
      ++tried;
      EXPECT_GE(distance(other, wrong), distance(best, wrong) * (1 - 1e-9)) << i;
    }
  }
  EXPECT_GT(tried, 500);
}

TEST(NearestPhysicalInertia, GivesEveryMendedBodySomeThickness) {
  const Vec3d m = principal_moments(nearest_physical_inertia({0, 0, 1, 0, 0, 0}));
  EXPECT_GT(m.x, 0);
  EXPECT_LE(m.z, m.x + m.y);
}

TEST(Solids, OfTwoBoxesAreTheirSum) {
  Scene scene = one_cube();
  scene.shapes[0].geometry = Box{{1, 1, 1}};
  Shape second = scene.shapes[0];
  const Placed both[] = {{&scene.shapes[0], {}}, {&second, {Mat3d::identity(), {1, 0, 0}}}};
  const auto m = solids(scene, both);
  ASSERT_TRUE(m);
  const auto whole = solid_mass(scene, Box{{2, 1, 1}}, 1);
  EXPECT_NEAR(m->mass, 2, 1e-15);
  EXPECT_NEAR(m->center.x, 0.5, 1e-15);
  EXPECT_NEAR(m->inertia.yy, whole->inertia.yy, 1e-14);
  EXPECT_NEAR(weighing(*m, 5).inertia.yy, 2.5 * whole->inertia.yy, 1e-14);
}

// ---- extent ----

TEST(DistanceToHull, MeetsClosedForms) {
  Scene scene = one_cube();
  Shape ball = scene.shapes[0];
  ball.geometry = Sphere{0.5};
  const Placed cube[] = {{&scene.shapes[0], {}}};
  const Placed two[] = {{&ball, {Mat3d::identity(), {-2, 0, 0}}}, {&ball, {Mat3d::identity(), {2, 0, 0}}}};
  // never above the truth, and within 1 % of the size
  const auto expect = [&](std::span<const Placed> shapes, const Vec3d& p, double truth, double size) {
    const double d = distance_to_hull(scene, shapes, p);
    EXPECT_LE(d, truth + 1e-12);
    EXPECT_GE(d, truth - 0.02 * size);
  };
  expect(cube, {0.4, 0.4, 0.4}, 0, 1);
  expect(cube, {2, 0, 0}, 1.5, 2);
  expect(cube, {1.5, 1.5, 1.5}, std::sqrt(3.0), 3);
  expect(two, {0, 0, 0.4}, 0, 5);  // between the balls, inside their hull
  expect(two, {0, 3, 0}, 2.5, 6);
}

TEST(Bounds, OfEveryPrimitiveAreItsClosedForm) {
  Scene scene = one_cube();
  Shape shape = scene.shapes[0];
  const Transformd X{rotation_matrix(exp_rotation(Vec3d{0, 1.5707963267948966, 0})), {1, 2, 3}};  // z to x
  const std::pair<Geometry, Vec3d> cases[] = {
      {Box{{1, 2, 3}}, {3, 2, 1}},   {Sphere{0.5}, {1, 1, 1}},  {Capsule{0.5, 2}, {3, 1, 1}},
      {Cylinder{0.5, 2}, {2, 1, 1}}, {Cone{0.5, 2}, {2, 1, 1}}, {TriangleMesh{MeshId{0}, {1, 2, 3}}, {3, 2, 1}}};
  for (const auto& [geometry, size] : cases) {
    shape.geometry = geometry;
    const Bounds b = bounds(scene, {&shape, X});
    EXPECT_NEAR(norm(b.size() - size), 0, 1e-12) << geometry.index();
    EXPECT_NEAR(norm(b.center() - Vec3d{1, 2, 3}), 0, 1e-12) << geometry.index();
  }
}

// ---- meshes ----

TEST(MeshFacts, OfACube) {
  const MeshFacts facts = mesh_facts(cube_mesh());
  EXPECT_TRUE(facts.closed());
  EXPECT_NEAR(facts.volume, 1, 1e-6);
  EXPECT_EQ(facts.degenerate + facts.duplicate, 0u);
}

TEST(MeshFacts, JoinsVerticesThatStandTogether) {
  Mesh soup;
  const Mesh cube = cube_mesh();
  for (const auto& t : cube.triangles) {
    const auto base = static_cast<std::uint32_t>(soup.vertices.size());
    for (const std::uint32_t v : t) soup.vertices.push_back(cube.vertices[v]);
    soup.triangles.push_back({base, base + 1, base + 2});
  }
  EXPECT_TRUE(mesh_facts(soup).closed());
}

TEST(Doctor, SaysAMeshOfManyTrianglesOnlyWhereItCollides) {
  Scene scene = one_cube();
  const std::size_t n = scene.meshes[0].triangles.size();
  while (scene.meshes[0].triangles.size() <= 200'000) {
    for (std::size_t i = 0; i < n; ++i) scene.meshes[0].triangles.push_back(scene.meshes[0].triangles[i]);
  }
  EXPECT_TRUE(codes(scene).contains("mesh-huge"));
  scene.shapes[0].collides = false;
  EXPECT_FALSE(codes(scene).contains("mesh-huge"));
}

// ---- what no reader lets through ----

TEST(Doctor, NamesEveryShapeWithoutSize) {
  for (const Geometry& bad :
       {Geometry(Box{{1, 0, 1}}), Geometry(Sphere{-1}), Geometry(Capsule{0, 1}), Geometry(Cylinder{1, 0}),
        Geometry(Cone{1, 0}), Geometry(TriangleMesh{MeshId{0}, {1, 0, 1}})}) {
    Scene scene = one_cube();
    scene.shapes[0].geometry = bad;
    EXPECT_TRUE(codes(scene).contains("zero-size")) << bad.index();
  }
  Scene scene = one_cube();
  scene.shapes[0].geometry = Capsule{1, 0};  // a ball
  EXPECT_FALSE(codes(scene).contains("zero-size"));
}

TEST(Doctor, RenamesWhatHasANameTwice) {
  Scene scene = one_cube();
  scene.bodies.push_back(scene.bodies[0]);
  scene.bodies.push_back(scene.bodies[0]);
  scene.sites.push_back({"/cube_1", BodyId{0}, {}});
  EXPECT_TRUE(codes(scene).contains("duplicate-path"));
  EXPECT_EQ(treat(scene, {"duplicate-path"}).size(), 1u);
  EXPECT_FALSE(codes(scene).contains("duplicate-path"));
  EXPECT_EQ(scene.bodies[1].path, "/cube_2");  // "/cube_1" is taken
  EXPECT_EQ(scene.bodies[2].path, "/cube_3");
}

TEST(Doctor, RemovesMeshesAndMaterialsThatNothingUses) {
  Scene scene = one_cube();
  scene.meshes.insert(scene.meshes.begin(), cube_mesh(2));
  scene.shapes[0].geometry = TriangleMesh{MeshId{1}, {1, 1, 1}};
  scene.materials.resize(3);
  scene.materials[1].path = "/used";
  scene.shapes[0].material = MaterialId{1};
  const auto found = codes(scene);
  EXPECT_TRUE(found.contains("unused-mesh"));
  EXPECT_TRUE(found.contains("unused-material"));
  treat(scene, {});
  EXPECT_TRUE(examine(scene).empty());
  ASSERT_EQ(scene.meshes.size(), 1u);
  EXPECT_EQ(scene.meshes[0].vertices[0].x, -0.5f);
  EXPECT_EQ(scene.materials.at(scene.shapes[0].material.index()).path, "/used");
}

// A point mass on slides cannot turn, so it needs no inertia; free, or on a hinge somewhere, it does.
TEST(Doctor, AsksForInertiaOnlyOfWhatCanTurn) {
  Scene scene = one_cube();
  scene.bodies[0].mass.inertia = {};
  EXPECT_TRUE(codes(scene).contains("zero-inertia"));
  Body carriage = scene.bodies[0];
  carriage.path = "/carriage";
  scene.bodies.push_back(carriage);
  Joint slide;
  slide.type = JointType::kPrismatic;
  slide.path = "/x";
  slide.child = BodyId{1};
  scene.joints.push_back(slide);
  slide.path = "/y";
  slide.parent = BodyId{1};
  slide.child = BodyId{0};
  scene.joints.push_back(slide);
  EXPECT_FALSE(codes(scene).contains("zero-inertia"));
  scene.joints[0].type = JointType::kRevolute;
  EXPECT_TRUE(codes(scene).contains("zero-inertia"));
}

TEST(Doctor, SurvivesAnything) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Scene scene = one_cube();
  scene.bodies[0].mass.inertia.xy = nan;
  scene.bodies[0].X_WB.p.x = nan;
  scene.meshes[0].triangles[0][1] = 99;
  scene.meshes[0].vertices[0].y = std::numeric_limits<float>::infinity();
  scene.shapes.push_back({"/s", BodyId{7}, {}, ConvexHull{MeshId{5}, {nan, 0, 1}}, {}, true, true});
  scene.shapes.push_back({"/s", BodyId{-1}, {}, Box{{nan, -1, 0}}, MaterialId{4}, true, true});
  Joint joint;
  joint.parent = BodyId{3};
  joint.child = BodyId{0};
  joint.lower = nan;
  scene.joints.push_back(joint);
  joint.type = JointType::kRevolute;
  joint.child = BodyId{9};
  scene.joints.push_back(joint);
  examine(scene);
  treat(scene, {});
  Scene empty;
  EXPECT_TRUE(examine(empty).empty());
}

// All lengths divided by 1000 is what reading the file in millimetres gives.
TEST(Doctor, MillimetresBecomeMetres) {
  Scene scene = one_cube();
  scene.meshes[0] = cube_mesh(500);
  scene.bodies[0].mass.inertia = {1e6 / 6, 1e6 / 6, 1e6 / 6, 0, 0, 0};
  scene.bodies[0].X_WB.p = {0, 0, 2000};
  EXPECT_TRUE(codes(scene).contains("millimetres"));
  treat(scene, {"millimetres"});
  EXPECT_TRUE(examine(scene).empty());
  EXPECT_NEAR(scene.bodies[0].mass.inertia.xx, 1.0 / 6, 1e-12);
  EXPECT_NEAR(scene.bodies[0].X_WB.p.z, 2, 1e-12);
  EXPECT_EQ(scene.bodies[0].mass.mass, 1);
}

}  // namespace
}  // namespace geoul::scene::doctor
