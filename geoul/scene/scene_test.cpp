#include "geoul/scene/scene.h"

#include <gtest/gtest.h>

#include <limits>

namespace geoul::scene {
namespace {

Scene one_cube() {
  Scene scene;
  scene.bodies.push_back({"/a", {}, {}, {1, {}, {1, 1, 1, 0, 0, 0}}, false, true, {"cube.usda", 7, ""}});
  return scene;
}

TEST(Validate, AcceptsACube) {
  Diagnostics d;
  validate(one_cube(), d);
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(Validate, NamesAnInertiaThatBreaksTheTriangleInequality) {
  Scene scene = one_cube();
  scene.bodies[0].mass.inertia = {1, 1, 3, 0, 0, 0};
  Diagnostics d;
  validate(scene, d);
  EXPECT_TRUE(d.has("bad-inertia"));
  EXPECT_NE(d.text().find("cube.usda:7"), std::string::npos) << d.text();
}

// Found on a real robot file: eigenvalues of a tiny inertia are rounding, not a defect of the file.
TEST(Validate, TakesRoundingForNoDefect) {
  Scene scene = one_cube();
  scene.bodies[0].mass = {0.5, {}, {1e-20, 2e-20, 1e-20, 3e-20, 0, 0}};
  Diagnostics d;
  validate(scene, d);
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(Validate, CollectsEveryProblemOfAJoint) {
  Scene scene = one_cube();
  Joint joint;
  joint.path = "/j";
  joint.type = JointType::kRevolute;
  joint.child = BodyId{0};
  joint.axis = {0, 0, 0};
  joint.lower = 1;
  joint.upper = -1;
  joint.damping = std::numeric_limits<double>::quiet_NaN();
  scene.joints.push_back(joint);
  joint.parent = BodyId{0};
  scene.joints.push_back(joint);
  Diagnostics d;
  validate(scene, d);
  for (const char* code : {"zero-axis", "reversed-limits", "not-finite", "self-joint", "duplicate-path"}) {
    EXPECT_TRUE(d.has(code)) << code << "\n" << d.text();
  }
}

TEST(PrincipalMoments, AreThoseOfARotatedDiagonal) {
  const Mat3d R = rotation_matrix(exp_rotation(Vec3d{0.3, -1.1, 0.7}));
  const Vec3d m = principal_moments(rotate(R, Sym3d{3, 1, 2, 0, 0, 0}));
  EXPECT_NEAR(m.x, 1, 1e-14);
  EXPECT_NEAR(m.y, 2, 1e-14);
  EXPECT_NEAR(m.z, 3, 1e-14);
}

// A box as twelve triangles must weigh what the closed form says, wherever it stands.
TEST(SolidMass, OfAMeshBoxIsThatOfABox) {
  Scene scene;
  Mesh mesh;
  for (int i = 0; i < 8; ++i) mesh.vertices.push_back({i & 1 ? 3.f : 1.f, i & 2 ? 5.f : 2.f, i & 4 ? 0.5f : 0.f});
  mesh.triangles = {{0, 2, 1}, {1, 2, 3}, {4, 5, 6}, {5, 7, 6}, {0, 1, 4}, {1, 5, 4},
                    {2, 6, 3}, {3, 6, 7}, {0, 4, 2}, {2, 4, 6}, {1, 3, 5}, {3, 7, 5}};
  scene.meshes.push_back(mesh);
  const auto box = solid_mass(scene, Box{{2, 3, 0.5}}, 700);
  for (const double mirror : {1.0, -1.0}) {
    const auto m = solid_mass(scene, TriangleMesh{MeshId{0}, {mirror, 1, 1}}, 700);
    ASSERT_TRUE(m);
    EXPECT_NEAR(m->mass, box->mass, 1e-12 * box->mass);
    EXPECT_NEAR(m->center.x, mirror * 2, 1e-12);
    EXPECT_NEAR(m->center.y, 3.5, 1e-12);
    EXPECT_NEAR(m->inertia.xx, box->inertia.xx, 1e-10 * box->inertia.xx);
    EXPECT_NEAR(m->inertia.zz, box->inertia.zz, 1e-10 * box->inertia.zz);
    EXPECT_NEAR(m->inertia.xy, 0, 1e-9);
  }
}

// A capsule is a cylinder and two half spheres; the limits h -> 0 and r -> 0 are known.
TEST(SolidMass, OfACapsuleMeetsItsLimits) {
  Scene scene;
  const auto ball = solid_mass(scene, Sphere{0.3}, 1000), flat = solid_mass(scene, Capsule{0.3, 0}, 1000);
  EXPECT_NEAR(flat->mass, ball->mass, 1e-12);
  EXPECT_NEAR(flat->inertia.xx, ball->inertia.xx, 1e-12);
  const auto rod = solid_mass(scene, Capsule{1e-4, 2}, 1e6);
  EXPECT_NEAR(rod->inertia.xx / (rod->mass * 4 / 12), 1, 1e-3);
}

TEST(Combine, TwoHalvesMakeTheWhole) {
  Scene scene;
  const auto half = solid_mass(scene, Box{{1, 1, 1}}, 1), whole = solid_mass(scene, Box{{2, 1, 1}}, 1);
  const Posed left{{}, {-0.5, 0, 0}}, right{exp_rotation(Vec3d{0, 0, 1.5707963267948966}), {0.5, 0, 0}};
  const MassProperties sum = combine(moved(left, *half), moved(right, *half));
  EXPECT_NEAR(sum.mass, whole->mass, 1e-15);
  EXPECT_NEAR(sum.center.x, 0, 1e-15);
  EXPECT_NEAR(sum.inertia.yy, whole->inertia.yy, 1e-15);
  EXPECT_NEAR(sum.inertia.xx, whole->inertia.xx, 1e-15);
}

}  // namespace
}  // namespace geoul::scene
