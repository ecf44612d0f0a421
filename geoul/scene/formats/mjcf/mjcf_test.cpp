#include "geoul/scene/formats/mjcf/mjcf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>

#include "geoul/scene/formats/mjcf/solid.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;
using std::numbers::pi;

const std::string kData = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/mjcf/testdata/";

const Body& body(const Scene& scene, const std::string& path) {
  const auto id = find_body(scene, path);
  if (!id) throw std::runtime_error("no body " + path);
  return scene.bodies[id->index()];
}
const Joint& joint(const Scene& scene, const std::string& path) {
  const auto id = find_joint(scene, path);
  if (!id) throw std::runtime_error("no joint " + path);
  return scene.joints[id->index()];
}
const Shape& shape(const Scene& scene, const std::string& path) {
  for (const Shape& s : scene.shapes) {
    if (s.path == path) return s;
  }
  throw std::runtime_error("no shape " + path);
}

Scene read(const std::string& inner, const MjcfOptions& options = {}) {
  Diagnostics d;
  const auto scene = read_mjcf_text("<mujoco model=\"m\">" + inner + "</mujoco>", "m.xml", options, d);
  EXPECT_TRUE(scene && d.ok()) << d.text();
  return scene.value_or(Scene{});
}
// Findings of a text, whatever becomes of it.
Diagnostics findings(const std::string& inner, const MjcfOptions& options = {}) {
  Diagnostics d;
  read_mjcf_text("<mujoco model=\"m\">" + inner + "</mujoco>", "m.xml", options, d);
  return d;
}

Scene two_link(const MjcfOptions& options = {}) {
  Diagnostics d;
  const auto scene = read_mjcf(kData + "two_link.xml", options, d);
  EXPECT_TRUE(scene && d.ok()) << d.text();
  return scene.value_or(Scene{});
}

void expect_near(const Vec3d& a, const Vec3d& b, double tolerance) {
  EXPECT_NEAR(a.x, b.x, tolerance);
  EXPECT_NEAR(a.y, b.y, tolerance);
  EXPECT_NEAR(a.z, b.z, tolerance);
}
void expect_near(const Sym3d& a, const Sym3d& b, double tolerance) {
  expect_near(Vec3d{a.xx, a.yy, a.zz}, Vec3d{b.xx, b.yy, b.zz}, tolerance);
  expect_near(Vec3d{a.xy, a.xz, a.yz}, Vec3d{b.xy, b.xz, b.yz}, tolerance);
}

// ---- the tree ----

TEST(Mjcf, SeveralJointsOfABodyAreAChainOfMasslessBodies) {
  const Scene scene = two_link({.use_keyframe = false});
  const Body& between = body(scene, "/two_link/upper__swing");
  EXPECT_EQ(between.mass.mass, 0);
  const Joint& swing = joint(scene, "/two_link/joints/swing");
  const Joint& shoulder = joint(scene, "/two_link/joints/shoulder");
  EXPECT_EQ(swing.parent, *find_body(scene, "/two_link/base"));
  EXPECT_EQ(swing.child, *find_body(scene, "/two_link/upper__swing"));
  EXPECT_EQ(shoulder.parent, swing.child);
  EXPECT_EQ(shoulder.child, *find_body(scene, "/two_link/upper"));
  EXPECT_EQ(swing.X_PJ.p, (Vec3d{0, 0, 0.5}));
  EXPECT_EQ(shoulder.X_PJ.p, (Vec3d{0, 0, 0.1}));
  // Base and upper are neighbours through it: they do not touch.
  const std::pair pair{swing.parent, shoulder.child};
  EXPECT_NE(std::find(scene.collision_exclusions.begin(), scene.collision_exclusions.end(), pair),
            scene.collision_exclusions.end());
}

TEST(Mjcf, AtQpos0EverythingStandsAsWritten) {
  const Scene scene = two_link({.use_keyframe = false});
  expect_near(body(scene, "/two_link/base").X_WB.p, {0, 0, 1}, 0);
  expect_near(body(scene, "/two_link/upper").X_WB.p, {0, 0, 1.5}, 1e-15);
  expect_near(body(scene, "/two_link/lower").X_WB.p, {0, 0, 2.5}, 1e-15);
  // In the frame that turns x to -z: 0.1 along x is 0.1 down.
  expect_near(body(scene, "/two_link/carriage").X_WB.p, {0, 0, 2.9}, 1e-15);
  EXPECT_EQ(joint(scene, "/two_link/joints/shoulder").position, pi / 6);  // ref
}

TEST(Mjcf, KeyframesMoveTheBodiesByTheClosedForm) {
  const Scene scene = two_link();  // the first: "bent"
  // Upper: swing 0.2 about z, then shoulder 0.7 - ref about x at 0.1.
  const double a = 0.2, b = 0.7 - pi / 6;
  const auto turned = [&](double y, double z) {  // a point at (0, y, z) of upper, from base's origin
    const double yy = y * std::cos(b) - (z - 0.1) * std::sin(b);
    const double zz = y * std::sin(b) + (z - 0.1) * std::cos(b) + 0.1 + 0.5;
    return Vec3d{-std::sin(a) * yy, std::cos(a) * yy, zz + 2};
  };
  expect_near(body(scene, "/two_link/base").X_WB.p, {0, 0, 2}, 0);
  expect_near(body(scene, "/two_link/upper").X_WB.p, turned(0, 0), 1e-15);
  expect_near(body(scene, "/two_link/lower").X_WB.p, turned(0, 1), 1e-15);
  EXPECT_EQ(joint(scene, "/two_link/joints/elbow").position, 0.5);
  // swing turns at 1 rad/s about the world's z.
  const Motiond& V = body(scene, "/two_link/lower").V_WB;
  expect_near(V.w, {0, 0, 1}, 1e-15);
  expect_near(V.v, cross(Vec3d{0, 0, 1}, turned(0, 1) - Vec3d{0, 0, 2}), 1e-15);
  EXPECT_EQ(joint(scene, "/two_link/joints/swing").velocity, 1);
  const Scene home = two_link({.keyframe = "home"});
  EXPECT_EQ(joint(home, "/two_link/joints/shoulder").position, 0.3);
  Diagnostics d;
  EXPECT_FALSE(read_mjcf(kData + "two_link.xml", {.keyframe = "nowhere"}, d));
  EXPECT_TRUE(d.has("unknown-keyframe"));
}

TEST(Mjcf, JointsTakeWhatTheirClassesSay) {
  const Scene scene = two_link();
  const Joint& shoulder = joint(scene, "/two_link/joints/shoulder");
  EXPECT_EQ(shoulder.type, JointType::kRevolute);
  EXPECT_EQ(shoulder.damping, 0.1);    // of class thin
  EXPECT_EQ(shoulder.armature, 0.02);  // of main
  EXPECT_DOUBLE_EQ(shoulder.upper, pi / 2);
  EXPECT_DOUBLE_EQ(shoulder.spring_position, 20 * pi / 180);
  EXPECT_EQ(joint(scene, "/two_link/joints/swing").type, JointType::kContinuous);
  const Joint& slide = joint(scene, "/two_link/joints/slide");
  EXPECT_EQ(slide.damping, 0.3);  // its own class beats childclass
  // The axis is in the frame, which is turned by 90 degrees about y.
  expect_near(slide.axis, {0, 0, 1}, 1e-15);
  EXPECT_EQ(joint(scene, "/two_link/joints/root").armature, 0);  // a freejoint has no class
  EXPECT_TRUE(joint(scene, "/two_link/joints/root").collision_enabled);
}

TEST(Mjcf, FramesOfJointsTurnTheirAxisAndAnchor) {
  const Scene scene = read(
      "<worldbody><body name=\"b\"><frame pos=\"1 2 3\" euler=\"0 90 0\"><joint name=\"j\" axis=\"0 0 1\" "
      "pos=\"0.5 0 0\"/></frame><geom size=\"1\"/></body></worldbody>");
  expect_near(joint(scene, "/m/joints/j").axis, {1, 0, 0}, 1e-15);
  expect_near(joint(scene, "/m/joints/j").X_PJ.p, {1, 2, 2.5}, 1e-15);
}

TEST(Mjcf, BodiesWithoutJointsAreFixedAndMocapIsKinematic) {
  const Scene scene = read(
      "<worldbody><body name=\"a\" pos=\"1 0 0\"><geom size=\"1\"/><body name=\"b\" pos=\"0 1 0\"/></body>"
      "<body name=\"hand\" mocap=\"true\" pos=\"0 0 5\"/></worldbody>");
  EXPECT_EQ(joint(scene, "/m/joints/a_fixed").type, JointType::kFixed);
  EXPECT_EQ(joint(scene, "/m/joints/a_fixed").parent, kWorld);
  expect_near(body(scene, "/m/b").X_WB.p, {1, 1, 0}, 0);
  EXPECT_TRUE(body(scene, "/m/hand").kinematic);
  expect_near(body(scene, "/m/hand").X_WB.p, {0, 0, 5}, 0);
  EXPECT_EQ(scene.joints.size(), 2u);
}

TEST(Mjcf, ReplicasStandOnTheirCircleWithNumberedNames) {
  const Scene scene = read(
      "<worldbody><replicate count=\"12\" euler=\"0 0 30\" sep=\"-\"><frame pos=\"2 0 0\"><body name=\"b\">"
      "<joint name=\"j\"/><geom size=\"0.1\"/></body></frame></replicate></worldbody>"
      "<actuator><motor joint=\"j\" ctrlrange=\"-3 3\"/></actuator>");
  ASSERT_EQ(scene.bodies.size(), 12u);
  EXPECT_EQ(scene.bodies[4].path, "/m/b_04");
  for (int i = 0; i < 12; ++i) {
    const double angle = i * pi / 6;
    expect_near(scene.bodies[static_cast<std::size_t>(i)].X_WB.p, {2 * std::cos(angle), 2 * std::sin(angle), 0}, 1e-14);
    EXPECT_EQ(scene.joints[static_cast<std::size_t>(i)].effort_limit, 3);  // the motor is replicated too
  }
}

TEST(Mjcf, OrientationsInAllFiveWaysAreOneRotation) {
  const char* ways[] = {"quat=\"1 1 0 0\"", "axisangle=\"3 0 0 90\"", "euler=\"90 0 0\"", "xyaxes=\"1 0 0 0 0 1\"",
                        "zaxis=\"0 -2 0\""};
  for (const char* way : ways) {
    const Scene scene = read("<worldbody><body name=\"b\" " + std::string(way) + "/></worldbody>");
    EXPECT_NEAR(angle_between(scene.bodies[0].X_WB.R, exp_rotation(Vec3d{pi / 2, 0, 0})), 0, 1e-15) << way;
  }
  // Moving axes in small letters, fixed ones in capitals: the reverse order.
  const Scene moving = read("<compiler eulerseq=\"xyz\"/><worldbody><body euler=\"10 20 30\"/></worldbody>");
  const Scene fixed = read("<compiler eulerseq=\"ZYX\"/><worldbody><body euler=\"30 20 10\"/></worldbody>");
  EXPECT_NEAR(angle_between(moving.bodies[0].X_WB.R, fixed.bodies[0].X_WB.R), 0, 1e-15);
  const auto turn = [](double x, double y, double z) { return exp_rotation(Vec3d{x, y, z}); };
  const Quatd expected = turn(pi / 18, 0, 0) * turn(0, pi / 9, 0) * turn(0, 0, pi / 6);
  EXPECT_NEAR(angle_between(moving.bodies[0].X_WB.R, expected), 0, 1e-15);
  const Scene radian = read("<compiler angle=\"radian\"/><worldbody><body euler=\"0 0 1\"/></worldbody>");
  EXPECT_NEAR(angle_between(radian.bodies[0].X_WB.R, turn(0, 0, 1)), 0, 1e-15);
}

// ---- mass ----

TEST(Mjcf, MassComesFromGeomsByTheirClosedForms) {
  const Scene scene = two_link();
  const MassProperties& base = body(scene, "/two_link/base").mass;
  EXPECT_DOUBLE_EQ(base.mass, 12);
  expect_near(base.inertia, Sym3d{12 / 3.0 * 0.05, 12 / 3.0 * 0.10, 12 / 3.0 * 0.13, 0, 0, 0}, 1e-15);
  // Capsule of radius 0.05 and length 1, density 500; the mesh weighs nothing.
  const MassProperties& upper = body(scene, "/two_link/upper").mass;
  EXPECT_NEAR(upper.mass, 500 * pi * (0.0025 + 4.0 / 3 * 0.05 * 0.0025), 1e-12);
  expect_near(upper.center, {0, 0, 0.5}, 1e-15);
  const MassProperties& lower = body(scene, "/two_link/lower").mass;
  EXPECT_EQ(lower.mass, 2);
  expect_near(lower.inertia, Sym3d{0.2, 0.1, 0.25, 0, 0, 0}, 1e-15);  // turned by 90 degrees
}

TEST(Mjcf, TwoGeomsAreComposedByTheParallelAxes) {
  const Scene scene = read(
      "<worldbody><body><geom type=\"sphere\" size=\"0.1\" mass=\"1\" pos=\"1 0 0\"/>"
      "<geom type=\"sphere\" size=\"0.1\" mass=\"3\" pos=\"-1 0 0\"/></body></worldbody>");
  const MassProperties& mass = scene.bodies[0].mass;
  EXPECT_DOUBLE_EQ(mass.mass, 4);
  expect_near(mass.center, {-0.5, 0, 0}, 1e-15);
  const double own = 0.4 * 4 * 0.01, apart = 1 * 2.25 + 3 * 0.25;
  expect_near(mass.inertia, Sym3d{own, own + apart, own + apart, 0, 0, 0}, 1e-14);
}

TEST(Mjcf, CompilerRulesChangeMasses) {
  const std::string geom = "<geom type=\"sphere\" size=\"1\" mass=\"2\" group=\"3\"/>";
  const std::string inertial = "<inertial pos=\"0 0 0\" mass=\"5\" diaginertia=\"1 1 1\"/>";
  const auto mass = [&](const std::string& compiler, const std::string& inner) {
    return read("<compiler " + compiler + "/><worldbody><body><freejoint/>" + inner + "</body></worldbody>")
        .bodies[0]
        .mass;
  };
  EXPECT_EQ(mass("", inertial + geom).mass, 5);
  EXPECT_EQ(mass("inertiafromgeom=\"true\"", inertial + geom).mass, 2);
  EXPECT_EQ(mass("inertiafromgeom=\"false\"", geom).mass, 0);
  EXPECT_EQ(mass("inertiagrouprange=\"0 2\"", geom).mass, 0);
  EXPECT_EQ(mass("settotalmass=\"7\"", geom).mass, 7);
  EXPECT_DOUBLE_EQ(mass("settotalmass=\"7\"", geom).inertia.xx, 0.4 * 7);
  EXPECT_EQ(mass("boundmass=\"3\"", geom).mass, 3);
  EXPECT_DOUBLE_EQ(mass("boundinertia=\"1.5\"", geom).inertia.xx, 1.5);
  const std::string thin = "<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 4\"/>";
  expect_near(mass("balanceinertia=\"true\"", thin).inertia, Sym3d{2, 2, 2, 0, 0, 0}, 1e-14);
}

TEST(MjcfSolid, ShellsHaveTheirClosedForms) {
  const auto sphere = mjcf::shell_of_sphere(2);
  EXPECT_NEAR(sphere.volume, 16 * pi, 1e-12);
  EXPECT_NEAR(sphere.inertia.xx, 2.0 / 3 * 16 * pi * 4, 1e-11);
  // A capsule without a barrel is a sphere, an ellipsoid of equal axes too.
  expect_near(mjcf::shell_of_capsule(2, 0).inertia, sphere.inertia, 1e-11);
  EXPECT_NEAR(mjcf::shell_of_ellipsoid({2, 2, 2}).inertia.xx, sphere.inertia.xx, 1e-3 * sphere.inertia.xx);
  // Box against the difference of two solids one layer apart.
  const double e = 1e-5;
  const auto box = [](double x, double y, double z) {
    const double m = x * y * z;
    return Vec3d{m / 12 * (y * y + z * z), m / 12 * (x * x + z * z), m / 12 * (x * x + y * y)};
  };
  const Vec3d out = box(1 + e, 2 + e, 3 + e), in = box(1 - e, 2 - e, 3 - e);
  const Sym3d shell = mjcf::shell_of_box({1, 2, 3}).inertia;
  expect_near(Vec3d{shell.xx, shell.yy, shell.zz}, (1 / e) * (out - in), 1e-6);
  const double r = 0.5, h = 2, disk = pi * r * r, barrel = 2 * pi * r * h;
  EXPECT_NEAR(mjcf::shell_of_cylinder(r, h).inertia.zz, barrel * r * r + disk * r * r, 1e-14);
}

TEST(MjcfSolid, MeshesAreWeighedInFourWays) {
  // A cube of edge 2 with one corner at the origin.
  std::vector<Vec3d> v;
  for (int i = 0; i < 8; ++i) v.push_back({2.0 * (i & 1), 2.0 * (i >> 1 & 1), 2.0 * (i >> 2 & 1)});
  const auto faces = mjcf::convex_hull(v);
  ASSERT_EQ(faces.size(), 12u);
  for (const auto kind : {mjcf::MeshInertia::kExact, mjcf::MeshInertia::kLegacy, mjcf::MeshInertia::kConvex}) {
    const auto solid = mjcf::solid_of_mesh(v, faces, kind);
    ASSERT_TRUE(solid);
    EXPECT_NEAR(solid->volume, 8, 1e-14);
    expect_near(solid->center, {1, 1, 1}, 1e-14);
    expect_near(solid->inertia, Sym3d{8 / 12.0 * 8, 8 / 12.0 * 8, 8 / 12.0 * 8, 0, 0, 0}, 1e-13);
  }
  const auto shell = mjcf::solid_of_mesh(v, faces, mjcf::MeshInertia::kShell);
  EXPECT_NEAR(shell->volume, 24, 1e-13);
  expect_near(shell->inertia, mjcf::shell_of_box({2, 2, 2}).inertia, 1e-12);
  // Turned inside out, exact has no volume; legacy does not mind.
  auto inside_out = faces;
  for (auto& t : inside_out) std::swap(t[1], t[2]);
  EXPECT_FALSE(mjcf::solid_of_mesh(v, inside_out, mjcf::MeshInertia::kExact));
  EXPECT_NEAR(mjcf::solid_of_mesh(v, inside_out, mjcf::MeshInertia::kLegacy)->volume, 8, 1e-14);
}

TEST(MjcfSolid, HullHoldsEveryPointAndIsClosed) {
  std::vector<Vec3d> points;
  std::uint64_t seed = 1;
  const auto random = [&] {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(seed >> 11) / 9007199254740992.0 - 0.5;
  };
  for (int i = 0; i < 300; ++i) points.push_back({random(), 2 * random(), 0.3 * random()});
  const auto hull = mjcf::convex_hull(points);
  Mesh mesh;
  for (const Vec3d& p : points) mesh.vertices.push_back(Vec3<float>(p));
  mesh.triangles = hull;
  EXPECT_TRUE(is_closed(mesh));
  for (const auto& t : hull) {
    const Vec3d n = cross(points[t[1]] - points[t[0]], points[t[2]] - points[t[0]]);
    for (const Vec3d& p : points) EXPECT_LE(dot(n, p - points[t[0]]), 1e-12);
  }
  EXPECT_TRUE(mjcf::convex_hull(std::vector<Vec3d>{{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}}).empty());
}

TEST(MjcfSolid, PrincipalAxesRebuildTheInertia) {
  const Sym3d inertia{3, 2, 4, 0.5, -0.3, 0.2};
  const auto principal = mjcf::principal_axes(inertia);
  EXPECT_GE(principal.moments.x, principal.moments.y);
  EXPECT_GE(principal.moments.y, principal.moments.z);
  EXPECT_NEAR(determinant(principal.axes), 1, 1e-14);
  expect_near(mjcf::inertia_of(principal), inertia, 1e-14);
}

TEST(Mjcf, MeshMassFollowsScaleAndReference) {
  const auto mass = [](const std::string& how) {
    const Scene scene = read("<asset><mesh name=\"m\" vertex=\"0 0 0 1 0 0 0 1 0 0 0 1\" " + how +
                             "/></asset><worldbody><body><freejoint/><geom type=\"mesh\" mesh=\"m\" density=\"6\"/>"
                             "</body></worldbody>");
    return scene.bodies[0].mass;
  };
  EXPECT_NEAR(mass("").mass, 1, 1e-15);
  expect_near(mass("").center, {0.25, 0.25, 0.25}, 1e-15);
  EXPECT_NEAR(mass("scale=\"-2 1 3\"").mass, 6, 1e-14);  // mirrored: still positive
  expect_near(mass("scale=\"-2 1 3\"").center, {-0.5, 0.25, 0.75}, 1e-15);
  expect_near(mass("refpos=\"1 0 0\"").center, {-0.75, 0.25, 0.25}, 1e-15);
  // refquat is the frame's rotation in the mesh: the mesh turns the other way.
  expect_near(mass("refpos=\"1 0 0\" refquat=\"1 0 0 1\"").center, {0.25, 0.75, 0.25}, 1e-7);
}

// ---- shapes ----

TEST(Mjcf, ShapesHaveSizePoseAndMaterial) {
  const Scene scene = two_link();
  const Shape& floor = shape(scene, "/two_link/world/floor");
  EXPECT_EQ(floor.body, kWorld);
  EXPECT_EQ(std::get<Plane>(floor.geometry).size_x, 10);
  const Material& rough = scene.materials[floor.material.index()];
  EXPECT_EQ(rough.static_friction, 0.8);
  EXPECT_EQ(rough.torsional_friction, 0);  // condim 3
  const Shape& trunk = shape(scene, "/two_link/base/trunk");
  EXPECT_EQ(std::get<Box>(trunk.geometry).size, (Vec3d{0.6, 0.4, 0.2}));
  EXPECT_EQ(scene.materials[trunk.material.index()].color[0], 1);
  const Shape& arm = shape(scene, "/two_link/upper/capsule");
  EXPECT_EQ(std::get<Capsule>(arm.geometry).height, 1);
  EXPECT_EQ(arm.X_BS.p, (Vec3d{0, 0, 0.5}));
  const Material& thin = scene.materials[arm.material.index()];
  EXPECT_EQ(thin.torsional_friction, 0.01);
  EXPECT_EQ(thin.rolling_friction, 0.002);
  const Shape& seen = shape(scene, "/two_link/upper/mesh");
  EXPECT_FALSE(seen.collides);
  EXPECT_EQ(std::get<TriangleMesh>(seen.geometry).scale, (Vec3d{2, 1, 1}));
  ASSERT_EQ(scene.cameras.size(), 1u);
  EXPECT_NEAR(scene.cameras[0].vertical_fov, pi / 3, 1e-15);
  ASSERT_TRUE(find_site(scene, "/two_link/carriage/tip"));
  EXPECT_EQ(scene.gravity, (Vec3d{0, 0, -9.8}));
}

TEST(Mjcf, MeshThatTouchesIsSeenAsASurfaceAndTouchesAsItsHull) {
  const Scene scene = read(
      "<asset><mesh name=\"m\" vertex=\"0 0 0 1 0 0 0 1 0 0 0 1\" face=\"0 2 1 0 1 3 0 3 2 1 2 3\"/></asset>"
      "<worldbody><geom name=\"g\" type=\"mesh\" mesh=\"m\"/></worldbody>");
  ASSERT_EQ(scene.shapes.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<ConvexHull>(scene.shapes[0].geometry));
  EXPECT_TRUE(scene.shapes[0].collides && !scene.shapes[0].visible);
  EXPECT_TRUE(std::holds_alternative<TriangleMesh>(scene.shapes[1].geometry));
  EXPECT_TRUE(!scene.shapes[1].collides && scene.shapes[1].visible);
}

TEST(Mjcf, GeomsWithoutFrictionSlideOnTheirLikeOnly) {
  const std::string ball = "<geom name=\"ball\" size=\"1\" condim=\"1\" friction=\"0.7\"/>";
  const auto friction = [](const Scene& scene) {
    return scene.materials[shape(scene, "/m/world/ball").material.index()].dynamic_friction;
  };
  EXPECT_EQ(friction(read("<worldbody>" + ball + "</worldbody>")), 0);
  EXPECT_EQ(friction(read("<worldbody>" + ball + "<geom type=\"plane\" size=\"1 1 1\"/></worldbody>")), 0.7);
}

TEST(Mjcf, HeightFieldsAreBroughtToTheirHeight) {
  const Scene scene = read(
      "<asset><hfield name=\"h\" nrow=\"2\" ncol=\"3\" size=\"3 2 0.5 1\" elevation=\"5 6 7 3 4 5\"/></asset>"
      "<worldbody><geom type=\"hfield\" hfield=\"h\"/></worldbody>");
  const auto& field = std::get<HeightField>(scene.shapes[0].geometry);
  EXPECT_EQ(field.size_x, 6);
  EXPECT_EQ(field.size_y, 4);
  // Written with the row of largest y first.
  EXPECT_EQ(field.heights, (std::vector<float>{0, 0.125f, 0.25f, 0.25f, 0.375f, 0.5f}));
}

TEST(Mjcf, EllipsoidsAreHullsOfAStretchedSphereWithTheirExactMass) {
  const Scene scene =
      read("<worldbody><body><freejoint/><geom type=\"ellipsoid\" size=\"1 2 3\" density=\"1\"/></body></worldbody>");
  EXPECT_EQ(std::get<ConvexHull>(scene.shapes[0].geometry).scale, (Vec3d{1, 2, 3}));
  EXPECT_NEAR(scene.bodies[0].mass.mass, 8 * pi, 1e-13);
  EXPECT_NEAR(scene.bodies[0].mass.inertia.xx, 8 * pi / 5 * 13, 1e-12);
  Mesh sphere = scene.meshes[0];
  EXPECT_TRUE(is_closed(sphere));
  const auto solid = solid_mass(scene, TriangleMesh{MeshId{0}, {1, 1, 1}}, 1);
  EXPECT_NEAR(solid->mass, 4 * pi / 3, 0.02 * 4 * pi / 3);
}

TEST(Mjcf, MasksBecomePairsThatNeverTouch) {
  // a touches only the floor; b touches everything but a.
  const Scene scene = read(
      "<worldbody><geom name=\"floor\" type=\"plane\" size=\"1 1 1\" contype=\"3\" conaffinity=\"3\"/>"
      "<body name=\"a\"><freejoint/><geom size=\"1\" contype=\"1\" conaffinity=\"0\"/></body>"
      "<body name=\"b\"><freejoint/><geom size=\"1\" contype=\"2\" conaffinity=\"2\"/></body>"
      "<body name=\"ghost\"><freejoint/><geom size=\"1\" contype=\"4\" conaffinity=\"0\"/></body></worldbody>");
  const auto excluded = [&](const char* x, const char* y) {
    const BodyId a = *find_body(scene, x), b = *find_body(scene, y);
    return std::any_of(scene.collision_exclusions.begin(), scene.collision_exclusions.end(), [&](const auto& pair) {
      return (pair.first == a && pair.second == b) || (pair.first == b && pair.second == a);
    });
  };
  EXPECT_TRUE(excluded("/m/a", "/m/b"));
  EXPECT_TRUE(shape(scene, "/m/a/sphere").collides);
  EXPECT_FALSE(shape(scene, "/m/ghost/sphere").collides);
  EXPECT_TRUE(std::none_of(scene.collision_exclusions.begin(), scene.collision_exclusions.end(),
                           [](const auto& pair) { return pair.first == kWorld && pair.second == BodyId{0}; }));
}

// ---- couplings and drives ----

TEST(Mjcf, EqualitiesBecomeLoopsAndMimics) {
  const Scene scene = two_link({.use_keyframe = false});
  ASSERT_EQ(scene.mimics.size(), 1u);
  EXPECT_EQ(scene.mimics[0].joint, *find_joint(scene, "/two_link/joints/slide"));
  EXPECT_EQ(scene.mimics[0].multiplier, 0.5);
  EXPECT_EQ(scene.mimics[0].offset, 0.1);
  const Joint& loop = joint(scene, "/two_link/equalities/loop");
  EXPECT_EQ(loop.type, JointType::kSpherical);
  expect_near(loop.X_CJ.p, {0, 0, 1}, 1e-15);  // the anchor on the other body
  const Joint& grip = joint(scene, "/two_link/equalities/grip");
  EXPECT_EQ(grip.type, JointType::kFixed);
  EXPECT_FALSE(grip.enabled);
  expect_near(grip.X_CJ.p, {0, 0, 0.5}, 0);
}

TEST(Mjcf, WeldsKeepTheRelativePoseOfQpos0OrTheOneWritten) {
  const std::string bodies =
      "<worldbody><body name=\"a\" pos=\"1 0 0\" euler=\"0 0 90\"><freejoint/><geom size=\"0.1\"/></body>"
      "<body name=\"b\" pos=\"1 2 0\"><freejoint/><geom size=\"0.1\"/></body></worldbody>";
  const Scene scene = read(bodies + "<equality><weld body1=\"a\" body2=\"b\"/></equality>");
  const Joint& weld = joint(scene, "/m/equalities/weld");
  expect_near(weld.X_PJ.p, {2, 0, 0}, 1e-15);
  const Posed X = weld.X_CJ;
  EXPECT_EQ(X, Posed{});
  const Scene given = read(bodies + "<equality><weld body1=\"a\" body2=\"b\" relpose=\"0 0 3 1 0 0 0\"/></equality>");
  expect_near(joint(given, "/m/equalities/weld").X_PJ.p, {0, 0, 3}, 0);
}

TEST(Mjcf, ChainsOfJointEqualitiesAndTiesOfTendonsAreCouplings) {
  std::string bodies = "<worldbody>";
  for (const char* name : {"p", "q", "r"}) {
    bodies += std::string("<body><joint name=\"") + name + "\" ref=\"1\"/><geom size=\"0.1\"/></body>";
  }
  bodies = "<compiler angle=\"radian\"/>" + bodies + "</worldbody>";
  const Scene chain =
      read(bodies +
           "<equality><joint joint1=\"p\" joint2=\"q\" polycoef=\"0 2\"/>"
           "<joint joint1=\"q\" joint2=\"r\" polycoef=\"0.5 3\"/><joint joint1=\"r\" polycoef=\"0.25\"/></equality>");
  ASSERT_EQ(chain.mimics.size(), 1u);
  EXPECT_EQ(chain.mimics[0].offset, -1);  // p - 1 = 2 (q - 1)
  ASSERT_EQ(chain.couplings.size(), 2u);
  EXPECT_EQ(chain.couplings[0].terms[1].second, -3);
  EXPECT_EQ(chain.couplings[0].offset, 1 + 0.5 - 3);
  EXPECT_EQ(chain.couplings[1].terms.size(), 1u);
  EXPECT_EQ(chain.couplings[1].offset, 1.25);
  const Scene tied =
      read(bodies +
           "<tendon><fixed name=\"s\"><joint joint=\"p\" coef=\"2\"/><joint joint=\"q\" coef=\"-1\"/></fixed>"
           "<fixed name=\"t\"><joint joint=\"r\" coef=\"4\"/></fixed></tendon>"
           "<equality><tendon tendon1=\"s\" tendon2=\"t\" polycoef=\"0.5 1\"/></equality>");
  ASSERT_EQ(tied.couplings.size(), 1u);
  ASSERT_EQ(tied.couplings[0].terms.size(), 3u);
  EXPECT_EQ(tied.couplings[0].terms[2].second, -4);
  EXPECT_EQ(tied.couplings[0].offset, 1 + 0.5 - 4);  // 2 - 1 at qpos0, and 4
}

// Length c q with c = -2: k (L - rest), d, friction, armature and range at the joint.
TEST(Mjcf, FixedTendonsOverOneJointAreTheJointsOwnLaws) {
  const std::string body =
      "<worldbody><body name=\"b\"><joint name=\"q\" damping=\"1\" armature=\"0.5\"/><geom "
      "size=\"1\"/></body></worldbody>";
  const auto tendon = [&](const std::string& how) {
    return body + "<tendon><fixed name=\"t\" " + how + "><joint joint=\"q\" coef=\"-2\"/></fixed></tendon>";
  };
  const Scene scene =
      read(tendon("stiffness=\"3\" springlength=\"0.5\" damping=\"0.25\" frictionloss=\"0.1\" armature=\"0.125\" "
                  "range=\"-1 3\" limited=\"true\""));
  ASSERT_EQ(scene.joints.size(), 1u);
  const Joint& q = scene.joints[0];
  EXPECT_EQ(q.type, JointType::kRevolute);
  EXPECT_EQ(q.stiffness, 12);
  EXPECT_EQ(q.spring_position, -0.25);
  EXPECT_EQ(q.damping, 2);
  EXPECT_EQ(q.friction, 0.2);
  EXPECT_EQ(q.armature, 1);
  EXPECT_EQ(q.lower, -1.5);
  EXPECT_EQ(q.upper, 0.5);
  EXPECT_TRUE(findings(tendon("stiffness=\"3\"")).findings().empty());
  EXPECT_TRUE(findings(tendon("stiffness=\"3\" springlength=\"0 1\"")).has("fixed-tendon"));
}

TEST(Mjcf, StraightTendonsAreSpringsAndOthersAreRefused) {
  const std::string bodies =
      "<worldbody><site name=\"s\" pos=\"0 0 3\"/><body name=\"b\"><freejoint/><geom size=\"1\"/>"
      "<site name=\"t\" pos=\"0 0 1\"/></body></worldbody>";
  const auto tendon = [&](const std::string& how) {
    return bodies + "<tendon><spatial " + how + "><site site=\"s\"/><site site=\"t\"/></spatial></tendon>";
  };
  const Scene scene = read(tendon("stiffness=\"7\" damping=\"0.5\""));
  ASSERT_EQ(scene.springs.size(), 1u);
  EXPECT_EQ(scene.springs[0].rest_length, 2);  // of qpos0
  EXPECT_EQ(scene.springs[0].stiffness, 7);
  EXPECT_EQ(scene.springs[0].b, BodyId{0});
  EXPECT_EQ(read(tendon("stiffness=\"7\" springlength=\"1.5\"")).springs[0].rest_length, 1.5);
  EXPECT_TRUE(findings(tendon("stiffness=\"7\" springlength=\"0 1.5\"")).has("spatial-tendon"));
  EXPECT_TRUE(findings(tendon("range=\"0 1\"")).has("spatial-tendon"));
  EXPECT_TRUE(findings(tendon("")).ok());  // pushes nothing
  EXPECT_TRUE(findings(tendon("range=\"0 1\""), {.partial = true}).ok());
}

TEST(Mjcf, ActuatorsBecomeDrivesAndLimits) {
  const Scene scene = two_link();
  const Joint& shoulder = joint(scene, "/two_link/joints/shoulder");
  EXPECT_EQ(shoulder.effort_limit, 50);
  EXPECT_EQ(shoulder.drive.stiffness, 0);
  const Joint& elbow = joint(scene, "/two_link/joints/elbow");
  EXPECT_EQ(elbow.drive.stiffness, 100);  // of the class
  EXPECT_EQ(elbow.drive.damping, 4);
  EXPECT_EQ(elbow.drive.max_force, 20);
  EXPECT_EQ(elbow.drive.target_position, 0.5);  // the keyframe's ctrl
  const Joint& slide = joint(scene, "/two_link/joints/slide");
  EXPECT_EQ(slide.drive.stiffness, 10);
  EXPECT_EQ(slide.drive.damping, 2);
  EXPECT_DOUBLE_EQ(slide.drive.target_position, 0.6);  // 3 * 2 / 10
}

TEST(Mjcf, GearsScaleDrivesAndTwoActuatorsAddUp) {
  const Scene scene = read(
      "<worldbody><body><joint name=\"j\"/><geom size=\"1\"/></body></worldbody><actuator>"
      "<position joint=\"j\" kp=\"10\" gear=\"3\" forcerange=\"-2 2\"/><velocity joint=\"j\" kv=\"4\" forcerange=\"-1 "
      "1\"/>"
      "</actuator>");
  const Joint& j = joint(scene, "/m/joints/j");
  EXPECT_EQ(j.drive.stiffness, 90);
  EXPECT_EQ(j.drive.damping, 4);
  EXPECT_EQ(j.drive.max_force, 7);
}

TEST(Mjcf, WhatIsNotUsedIsSaidOnceAndWhatChangesTheMotionWarns) {
  const Diagnostics d = findings(
      "<option timestep=\"0.001\" viscosity=\"2\"/><worldbody><body><joint name=\"j\" solreflimit=\"0.01 1\"/>"
      "<geom size=\"1\" solref=\"0.01 1\"/><geom size=\"1\" solref=\"0.01 1\"/></body></worldbody>"
      "<actuator><muscle joint=\"j\"/></actuator><contact><pair geom1=\"a\" geom2=\"b\"/></contact>"
      "<sensor><jointpos joint=\"j\"/></sensor>");
  EXPECT_TRUE(d.ok()) << d.text();
  for (const char* code : {"fluid", "actuator", "contact-pair", "ignored"}) EXPECT_TRUE(d.has(code)) << code;
  EXPECT_NE(d.text().find("<geom solref> is not used (2 times)"), std::string::npos) << d.text();
  EXPECT_NE(d.text().find("<option timestep> is not used"), std::string::npos);
}

// ---- files ----

TEST(Mjcf, AttachedModelsKeepTheirDefaultsAndGetTheirPrefix) {
  Diagnostics d;
  const std::string text =
      "<mujoco model=\"m\"><asset><model name=\"arm\" file=\"two_link.xml\"/></asset><worldbody>"
      "<frame pos=\"5 0 0\"><attach model=\"arm\" body=\"base\" prefix=\"one_\"/></frame>"
      "<attach model=\"arm\" body=\"base\" prefix=\"two_\"/></worldbody></mujoco>";
  const auto scene = read_mjcf_text(text, kData + "pair.xml", {}, d);
  ASSERT_TRUE(scene) << d.text();
  expect_near(body(*scene, "/m/one_base").X_WB.p, {5, 0, 1}, 0);
  expect_near(body(*scene, "/m/two_base").X_WB.p, {0, 0, 1}, 0);
  EXPECT_EQ(joint(*scene, "/m/joints/one_shoulder").damping, 0.1);
  EXPECT_EQ(joint(*scene, "/m/joints/two_elbow").drive.stiffness, 100);
  EXPECT_EQ(scene->mimics.size(), 2u);
}

TEST(Mjcf, IsReadByItsEndingAndPassesTheJudgement) {
  Diagnostics d;
  const auto scene = read_scene(kData + "two_link.xml", d);
  ASSERT_TRUE(scene) << d.text();
  Diagnostics judged;
  validate(*scene, judged);
  EXPECT_TRUE(judged.ok()) << judged.text();
  Diagnostics missing;
  EXPECT_FALSE(read_mjcf(kData + "none.xml", {}, missing));
  EXPECT_TRUE(missing.has("not-found"));
}

TEST(Mjcf, TextWithoutAFolderReadsNoFile) {
  EXPECT_TRUE(findings("<include file=\"CMakeLists.txt\"/>").has("not-found"));
}

// testdata/bad/expected.txt: file, code, line. Bombs are among them.
TEST(Mjcf, EveryBadFileIsNamedWithItsLine) {
  std::ifstream expected(kData + "bad/expected.txt");
  std::string file, code;
  int line = 0, count = 0;
  while (expected >> file >> code >> line) {
    Diagnostics d;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(read_mjcf(kData + "bad/" + file, {}, d)) << file;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_LT(seconds, 20) << file;  // a bomb would take hours
    if (seconds > 0.5) std::cout << file << " took " << seconds << " s\n";
    const auto hit = std::find_if(d.findings().begin(), d.findings().end(), [&](const Finding& f) {
      return f.severity == Severity::kError && f.code == code && f.where.line == line && !f.mend.empty();
    });
    EXPECT_NE(hit, d.findings().end()) << file << " wants " << code << " in line " << line << "\n" << d.text();
    EXPECT_EQ(d.error_count(), 1u) << file << "\n" << d.text();
    ++count;
  }
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kData + "bad")) files += entry.path().extension() == ".xml";
  EXPECT_EQ(static_cast<std::size_t>(count), files);
  EXPECT_GE(count, 80);
}

// Robots and MuJoCo's own test models. What is refused is refused for a stated reason.
TEST(Mjcf, ModelsFromElsewhereLoadOrSayWhyNot) {
  const fs::path shared = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/mjcf";
  if (!fs::exists(shared)) GTEST_SKIP() << "../shared/data/mjcf is absent";
  int loaded = 0, refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared)) {
    if (entry.path().extension() != ".xml") continue;
    Diagnostics d;
    const auto scene = read_mjcf(entry.path().string(), {.root = shared.string(), .partial = true}, d);
    EXPECT_EQ(scene.has_value(), d.ok());
    (scene ? loaded : refused) += 1;
    if (!scene) continue;
    Diagnostics judged;
    validate(*scene, judged);
    EXPECT_TRUE(judged.ok()) << entry.path() << "\n" << judged.text();
  }
  std::cout << loaded << " models loaded, " << refused << " refused\n";
  EXPECT_GE(loaded, 330);
  Diagnostics d;
  const auto panda = read_mjcf((shared / "menagerie_2022/franka_emika_panda/scene.xml").string(), {}, d);
  ASSERT_TRUE(panda) << d.text();
  EXPECT_EQ(joint(*panda, "/panda_scene/joints/joint1").drive.stiffness, 4500);
}

}  // namespace
}  // namespace geoul::scene
