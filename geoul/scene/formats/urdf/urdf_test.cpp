#include "geoul/scene/formats/urdf/urdf.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>
#include <tuple>

#include "geoul/scene/formats/urdf/document.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

const std::string kData = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/urdf/testdata/";

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

Scene two_link(const UrdfOptions& options = {}) {
  Diagnostics d;
  const auto scene = read_urdf(kData + "two_link.urdf", options, d);
  EXPECT_TRUE(d.ok()) << d.text();
  return scene.value_or(Scene{});
}

UrdfOptions with_toy() { return {.packages = {{"toy", kData + "package/toy"}}}; }

std::optional<Scene> read_text(const std::string& text, Diagnostics& d, const UrdfOptions& options = {}) {
  return read_urdf_text(text, "robot.urdf", options, d);
}

// A chain of one joint: "<joint ...>" with the given inner text.
std::string one_joint(const std::string& type, const std::string& inner, const std::string& root = "a") {
  return "<robot name=\"r\"><link name=\"" + root + "\"/><link name=\"b\"/><joint name=\"j\" type=\"" + type +
         "\"><parent link=\"" + root + "\"/><child link=\"b\"/>" + inner + "</joint></robot>";
}

void expect_near(const Vec3d& a, const Vec3d& b, double tolerance) {
  EXPECT_NEAR(a.x, b.x, tolerance);
  EXPECT_NEAR(a.y, b.y, tolerance);
  EXPECT_NEAR(a.z, b.z, tolerance);
}

TEST(Urdf, StartPosesAreThoseOfTheClosedForm) {
  const Scene scene = two_link(with_toy());
  EXPECT_EQ(body(scene, "/two_link/base").X_WB, Posed{});
  const Posed& upper = body(scene, "/two_link/upper").X_WB;
  EXPECT_EQ(upper.p, (Vec3d{0, 0, 1}));
  EXPECT_NEAR(angle_between(upper.R, exp_rotation(Vec3d{std::numbers::pi / 2, 0, 0})), 0, 1e-15);
  // The elbow starts at its offset 0.5; the slide at 0.1 * 0.5 + 0.2 along the lower arm's z.
  const double theta = std::numbers::pi / 2 + 0.5;
  const Vec3d along{0, -std::sin(theta), std::cos(theta)}, across{0, std::cos(theta), std::sin(theta)};
  expect_near(body(scene, "/two_link/lower").X_WB.p, {0, -1, 1}, 1e-15);
  expect_near(body(scene, "/two_link/slider").X_WB.p, Vec3d{0, -1, 1} + 0.25 * along, 1e-15);
  expect_near(body(scene, "/two_link/tool0").X_WB.p, Vec3d{0.1, -1, 1} + 0.55 * along + 0.2 * across, 1e-15);
}

TEST(Urdf, JointsKeepTypeAxisLimitsAndDynamics) {
  const Scene scene = two_link(with_toy());
  ASSERT_EQ(scene.joints.size(), 5u);
  ASSERT_EQ(scene.joint_sources.size(), 5u);
  const Joint& shoulder = joint(scene, "/two_link/joints/shoulder");
  EXPECT_EQ(shoulder.type, JointType::kRevolute);
  EXPECT_EQ(shoulder.axis, (Vec3d{0, 0, 1}));
  EXPECT_EQ(shoulder.lower, -1);
  EXPECT_EQ(shoulder.upper, 2);
  EXPECT_EQ(shoulder.effort_limit, 50);
  EXPECT_EQ(shoulder.velocity_limit, 3);
  EXPECT_EQ(shoulder.damping, 0.3);
  EXPECT_EQ(shoulder.friction, 0.1);
  EXPECT_EQ(shoulder.X_CJ, Posed{});
  const Joint& elbow = joint(scene, "/two_link/joints/elbow");
  EXPECT_EQ(elbow.axis, (Vec3d{1, 0, 0}));  // URDF's default
  EXPECT_EQ(elbow.lower, -kUnlimited);
  EXPECT_EQ(scene.joint_sources[0].line, 24);
  EXPECT_EQ(body(scene, "/two_link/upper").source.line, 5);
}

TEST(Urdf, ChainOfMimicsEndsAtTheJointThatMoves) {
  const Scene scene = two_link(with_toy());
  ASSERT_EQ(scene.mimics.size(), 2u);
  EXPECT_EQ(scene.mimics[0].source, *find_joint(scene, "/two_link/joints/shoulder"));
  EXPECT_EQ(scene.mimics[0].multiplier, -2);
  EXPECT_EQ(scene.mimics[0].offset, 0.5);
  const Mimic& slide = scene.mimics[1];
  EXPECT_EQ(slide.joint, *find_joint(scene, "/two_link/joints/slide"));
  EXPECT_EQ(slide.source, *find_joint(scene, "/two_link/joints/shoulder"));
  EXPECT_DOUBLE_EQ(slide.multiplier, -0.2);
  EXPECT_DOUBLE_EQ(slide.offset, 0.25);
}

TEST(Urdf, InertiaIsTurnedIntoTheLinkFrame) {
  const Scene scene = two_link(with_toy());
  const MassProperties& mass = body(scene, "/two_link/upper").mass;
  EXPECT_EQ(mass.mass, 2);
  EXPECT_EQ(mass.center, (Vec3d{0, 0, 0.5}));
  EXPECT_NEAR(mass.inertia.xx, 0.2, 1e-16);
  EXPECT_NEAR(mass.inertia.yy, 0.1, 1e-16);
  EXPECT_NEAR(mass.inertia.xy, -0.01, 1e-16);
  EXPECT_EQ(body(scene, "/two_link/tool0").mass.mass, 0);
  Diagnostics d;
  validate(scene, d);
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(Urdf, ShapesKeepSizeMaterialAndScale) {
  const Scene scene = two_link(with_toy());
  ASSERT_EQ(scene.shapes.size(), 6u);
  EXPECT_EQ(scene.shapes[0].path, "/two_link/upper/tube");
  EXPECT_EQ(std::get<Cylinder>(scene.shapes[0].geometry).height, 1);
  EXPECT_EQ(scene.shapes[0].X_BS.p, (Vec3d{0, 0, 0.5}));
  ASSERT_TRUE(scene.shapes[0].material.valid());
  EXPECT_NEAR(scene.materials[scene.shapes[0].material.index()].color[0], 0.21404, 1e-5);  // sRGB 0.5, IEC 61966-2-1
  EXPECT_EQ(std::get<Capsule>(scene.shapes[1].geometry).height, 0.9);
  EXPECT_TRUE(scene.shapes[1].collides);
  EXPECT_FALSE(scene.shapes[1].visible);
  EXPECT_EQ(std::get<TriangleMesh>(scene.shapes[2].geometry).scale, (Vec3d{1, 2, 3}));
  // By package and by relative name it is two files' names: one mesh each, the same tetrahedron.
  const auto& mesh = scene.meshes[std::get<TriangleMesh>(scene.shapes[3].geometry).mesh.index()];
  EXPECT_EQ(mesh.vertices.size(), 4u);
  EXPECT_TRUE(is_closed(mesh));
  EXPECT_NEAR(solid_mass(scene, scene.shapes[2].geometry, 1)->mass, 1, 1e-12);  // 6 times the volume 1/6
}

TEST(Urdf, PackageIsFoundByTheEnvironment) {
  Diagnostics d;
  EXPECT_TRUE(read_urdf(kData + "two_link.urdf", {}, d));
  EXPECT_TRUE(d.has("mesh-not-found")) << d.text();
  for (const std::string& folder : {kData + "package", kData + "package/toy", "/nowhere:" + kData + "package:"}) {
    ASSERT_EQ(setenv("ROS_PACKAGE_PATH", folder.c_str(), 1), 0);
    Diagnostics found;
    EXPECT_TRUE(read_urdf(kData + "two_link.urdf", {}, found));
    EXPECT_FALSE(found.has("mesh-not-found")) << folder << "\n" << found.text();
    unsetenv("ROS_PACKAGE_PATH");
  }
}

TEST(Urdf, PackageIsFoundInAFolderAroundTheFile) {
  Diagnostics d;
  const std::string text =
      "<robot name=\"r\"><link name=\"a\"><visual><geometry><mesh filename=\"package://toy/meshes/tetra.stl\"/>"
      "</geometry></visual></link></robot>";
  const auto scene = read_urdf_text(text, kData + "package/toy/meshes/r.urdf", {}, d);
  ASSERT_TRUE(scene);
  EXPECT_EQ(scene->meshes.size(), 1u) << d.text();
}

TEST(Urdf, WithoutMeshesTheShapesAreLeftOutAndSaid) {
  Diagnostics d;
  const auto scene = read_urdf(kData + "two_link.urdf", {.load_meshes = false}, d);
  ASSERT_TRUE(scene);
  EXPECT_EQ(scene->shapes.size(), 4u);
  EXPECT_TRUE(d.has("meshes-not-loaded"));
}

TEST(Urdf, CollisionMeshesAreDecomposedWhereAsked) {
  UrdfOptions options = with_toy();
  options.max_hulls = 8;
  int hulls = 0;
  for (const Shape& shape : two_link(options).shapes) {
    const auto* hull = std::get_if<ConvexHull>(&shape.geometry);
    if (!hull) continue;
    ++hulls;
    EXPECT_TRUE(shape.collides);
    EXPECT_EQ(hull->max_hulls, 8);
  }
  EXPECT_GT(hulls, 0);
}

TEST(Urdf, RootIsWeldedUnlessItShallFloat) {
  const Scene fixed = two_link(with_toy());
  const Joint& weld = joint(fixed, "/two_link/joints/base_to_world");
  EXPECT_EQ(weld.type, JointType::kFixed);
  EXPECT_EQ(weld.parent, kWorld);
  EXPECT_EQ(weld.child, *find_body(fixed, "/two_link/base"));
  UrdfOptions floating = with_toy();
  floating.fixed_base = false;
  EXPECT_FALSE(find_joint(two_link(floating), "/two_link/joints/base_to_world"));
  // A link named "world" is the world, whatever the option; a floating joint stays one.
  Diagnostics d;
  const auto scene = read_text(one_joint("floating", "", "world"), d, {.fixed_base = false});
  ASSERT_TRUE(scene) << d.text();
  EXPECT_TRUE(find_joint(*scene, "/r/joints/world_to_world"));
  EXPECT_EQ(joint(*scene, "/r/joints/j").type, JointType::kFree);
}

TEST(Urdf, WhatIsIgnoredIsSaidOnce) {
  Diagnostics d;
  two_link(with_toy());
  EXPECT_TRUE(read_urdf(kData + "two_link.urdf", with_toy(), d));
  EXPECT_NE(d.text().find("safety_controller"), std::string::npos) << d.text();
  EXPECT_EQ(d.text().find("gazebo"), std::string::npos);
  EXPECT_EQ(d.text().find("transmission"), std::string::npos);
  const auto is_error = [](const Finding& f) { return f.severity != Severity::kInfo; };
  EXPECT_TRUE(std::none_of(d.findings().begin(), d.findings().end(), is_error)) << d.text();
}

TEST(Urdf, AnglesAreKeptAsWritten) {
  EXPECT_EQ(urdf::rotation_of_rpy(0, 0, 0), Quatd{});
  const Quatd q = urdf::rotation_of_rpy(1.5707963, 0, 0);  // not snapped to pi/2
  EXPECT_EQ(q.x, std::sin(1.5707963 / 2));
  EXPECT_EQ(q.y, 0);
  // Fixed axes: roll about x first, then pitch about y, then yaw about z.
  const Mat3d R = rotation_matrix(urdf::rotation_of_rpy(0.3, -0.7, 1.1));
  const Mat3d expected =
      rotation_matrix(exp_rotation(Vec3d{0, 0, 1.1})) *
      (rotation_matrix(exp_rotation(Vec3d{0, -0.7, 0})) * rotation_matrix(exp_rotation(Vec3d{0.3, 0, 0})));
  for (int i = 0; i < 3; ++i) expect_near(R[i], expected[i], 1e-15);
}

TEST(Urdf, AxesOfAnyLengthBecomeUnit) {
  for (const char* axis : {"1e-200 0 0", "1e200 1e200 0", "0 0 -3"}) {
    Diagnostics d;
    const auto scene = read_text(one_joint("continuous", std::string("<axis xyz=\"") + axis + "\"/>"), d);
    ASSERT_TRUE(scene) << d.text();
    EXPECT_NEAR(norm(scene->joints[0].axis), 1, 1e-15);
    EXPECT_TRUE(d.has("axis-not-unit"));
  }
  Diagnostics d;
  const auto scene = read_text(one_joint("planar", "<axis xyz=\"0 1 0\"/>"), d);
  ASSERT_TRUE(scene);
  EXPECT_EQ(scene->joints[0].axis, (Vec3d{0, 1, 0}));
}

TEST(Urdf, NamesBecomePathsThatAreUnique) {
  Diagnostics d;
  const auto scene = read_text(
      "<robot name=\"3 arms\"><link name=\"a-b\"/><link name=\"a b\"/><link name=\"joints\"/><link name=\"로봇\"/>"
      "<joint name=\"j/1\" type=\"fixed\"><parent link=\"a-b\"/><child link=\"a b\"/></joint>"
      "<joint name=\"j.1\" type=\"fixed\"><parent link=\"a-b\"/><child link=\"joints\"/></joint>"
      "<joint name=\"k\" type=\"fixed\"><parent link=\"a-b\"/><child link=\"로봇\"/></joint></robot>",
      d);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->bodies[0].path, "/_3_arms/a_b");
  EXPECT_EQ(scene->bodies[1].path, "/_3_arms/a_b_1");
  EXPECT_EQ(scene->bodies[2].path, "/_3_arms/joints_1");
  EXPECT_EQ(scene->bodies[3].path, "/_3_arms/로봇");
  EXPECT_EQ(scene->joints[1].path, "/_3_arms/joints/j_1_1");
  EXPECT_TRUE(d.has("renamed"));
}

TEST(Urdf, DeepChainsNeedNoDeepStack) {
  std::string text = "<robot name=\"r\"><link name=\"l0\"/>";
  constexpr int kLinks = 20000;
  for (int i = 1; i < kLinks; ++i) {
    const std::string a = std::to_string(i - 1), b = std::to_string(i);
    text += "<link name=\"l" + b + "\"/><joint name=\"j" + b + "\" type=\"continuous\"><origin xyz=\"0 0 0.5\"/>" +
            "<parent link=\"l" + a + "\"/><child link=\"l" + b + "\"/>" +
            (i > 1 ? "<mimic joint=\"j" + a + "\" multiplier=\"-1\"/>" : "") + "</joint>";
  }
  Diagnostics d;
  const auto scene = read_text(text + "</robot>", d);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->bodies.back().X_WB.p, (Vec3d{0, 0, 0.5 * (kLinks - 1)}));
  EXPECT_EQ(scene->mimics.back().source.value, 0);
}

// testdata/bad/expected.txt: file, code, line.
TEST(Urdf, EveryBadFileIsNamedWithItsLine) {
  std::ifstream expected(kData + "bad/expected.txt");
  std::string file, code;
  int line = 0, count = 0;
  while (expected >> file >> code >> line) {
    Diagnostics d;
    EXPECT_FALSE(read_urdf(kData + "bad/" + file, {}, d)) << file;
    const auto hit = std::find_if(d.findings().begin(), d.findings().end(), [&](const Finding& f) {
      return f.severity == Severity::kError && f.code == code && f.where.line == line && !f.mend.empty();
    });
    EXPECT_NE(hit, d.findings().end()) << file << " wants " << code << " in line " << line << "\n" << d.text();
    EXPECT_EQ(d.error_count(), 1u) << d.text();
    ++count;
  }
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kData + "bad")) files += entry.path().extension() == ".urdf";
  EXPECT_EQ(static_cast<std::size_t>(count), files);
  EXPECT_GE(count, 50);
}

TEST(Urdf, AllProblemsAreCollected) {
  Diagnostics d;
  EXPECT_FALSE(read_text(one_joint("revolute", "<axis xyz=\"0 0 0\"/><origin xyz=\"1 2\"/><mimic joint=\"x\"/>"), d));
  for (const char* code : {"zero-axis", "wrong-count", "missing-element", "unknown-joint"}) {
    EXPECT_TRUE(d.has(code)) << code << "\n" << d.text();
  }
}

TEST(Urdf, MissingFilesAndFoldersAreNamed) {
  for (const std::string& file : {kData + "none.urdf", kData}) {
    Diagnostics d;
    EXPECT_FALSE(read_urdf(file, {}, d));
    EXPECT_TRUE(d.has("not-found"));
    Diagnostics scene;
    EXPECT_FALSE(read_scene(file, scene));
    EXPECT_TRUE(scene.has("not-found"));
  }
  Diagnostics d;
  EXPECT_FALSE(read_scene(kData + "bad/expected.txt", d));
  EXPECT_TRUE(d.has("format"));
}

TEST(Urdf, IsReadByItsEnding) {
  Diagnostics d;
  const auto scene = read_scene(kData + "two_link.urdf", d);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->bodies.size(), 5u);
  const std::string usda =
      (fs::temp_directory_path() / ("geoul_read_scene_" + std::to_string(::getpid()) + ".usda")).string();
  std::ofstream(usda) << "#usda 1.0\n(\n    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n"
                         "def Xform \"a\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\"]\n)\n{\n}\n";
  const auto from_usd = read_scene(usda, d);
  ASSERT_TRUE(from_usd) << d.text();
  EXPECT_TRUE(find_body(*from_usd, "/a"));
}

TEST(Urdf, SrdfNamesPairsThatNeverTouch) {
  UrdfOptions options = with_toy();
  options.srdf = kData + "srdf/two_link.srdf";
  Diagnostics d;
  const auto scene = read_urdf(kData + "two_link.urdf", options, d);
  ASSERT_TRUE(scene) << d.text();
  // base-upper once, slider with all but lower.
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [a, b] : scene->collision_exclusions) pairs.emplace_back(body_name(*scene, a), body_name(*scene, b));
  EXPECT_EQ(pairs, (std::vector<std::pair<std::string, std::string>>{{"/two_link/base", "/two_link/upper"},
                                                                     {"/two_link/base", "/two_link/slider"},
                                                                     {"/two_link/upper", "/two_link/slider"},
                                                                     {"/two_link/slider", "/two_link/tool0"}}));
  EXPECT_NE(d.text().find("<robot/group> is not used"), std::string::npos) << d.text();
  const std::tuple<const char*, const char*, int> bad[] = {
      {"self_pair", "self-pair", 2}, {"link_missing", "missing-attribute", 2}, {"broken", "bad-xml", 3}};
  for (const auto& [file, code, line] : bad) {
    Diagnostics found;
    options.srdf = kData + "srdf/" + file + ".srdf";
    EXPECT_FALSE(read_urdf(kData + "two_link.urdf", options, found)) << file;
    ASSERT_TRUE(found.has(code)) << found.text();
    EXPECT_NE(found.text().find(options.srdf + ":" + std::to_string(line) + ": error"), std::string::npos)
        << found.text();
  }
}

TEST(Urdf, SrdfOfARealRobotIsReadWhole) {
  const fs::path panda = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/urdf/example_robot_data/robots/panda_description";
  if (!fs::exists(panda)) GTEST_SKIP() << "../shared/data/urdf is absent";
  Diagnostics d;
  const auto scene = read_urdf((panda / "urdf/panda.urdf").string(),
                               {.load_meshes = false, .srdf = (panda / "srdf/panda.srdf").string()}, d);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->collision_exclusions.size(), 35u);  // its <disable_collisions>
  EXPECT_FALSE(d.has("unknown-link")) << d.text();
}

TEST(Urdf, SrdfBesideTheFileIsRead) {
  const fs::path folder = fs::temp_directory_path() / ("geoul_srdf_" + std::to_string(getpid()));
  fs::create_directories(folder);
  fs::copy_file(kData + "two_link.urdf", folder / "r.urdf");
  fs::copy_file(kData + "srdf/two_link.srdf", folder / "r.srdf");
  Diagnostics d;
  const auto scene = read_urdf((folder / "r.urdf").string(), {}, d);
  fs::remove_all(folder);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->collision_exclusions.size(), 4u);
}

// A program of our own in the place of xacro, which shows what it is given.
TEST(Urdf, XacroIsRunWithItsArgumentsAndNoShell) {
  const fs::path folder = fs::temp_directory_path() / ("geoul_xacro_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string file = (folder / "r; touch hacked.xacro").string();
  std::ofstream(file) << "<robot/>";
  const std::string old = std::getenv("PATH");
  ASSERT_EQ(setenv("PATH", folder.c_str(), 1), 0);
  Diagnostics missing;
  EXPECT_FALSE(read_urdf(file, {}, missing));
  EXPECT_NE(missing.text().find("there is no program 'xacro' on PATH"), std::string::npos) << missing.text();
  const auto program = [&](const std::string& script) {
    std::ofstream(folder / "xacro") << "#!/bin/sh\n" << script;
    fs::permissions(folder / "xacro", fs::perms::owner_all);
  };
  program("test -f \"$1\" || exit 1\necho \"<robot name='$2'><link name='a'/></robot>\"\n");
  Diagnostics d;
  const auto scene = read_urdf(file, {.xacro_arguments = {"$(id) `id`"}}, d);
  program("echo one >&2\necho 'arm.xacro: no such property' >&2\nexit 3\n");
  Diagnostics failed;
  EXPECT_FALSE(read_urdf(file, {}, failed));
  ASSERT_EQ(setenv("PATH", old.c_str(), 1), 0);
  fs::remove_all(folder);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_EQ(scene->name, "$(id) `id`");
  EXPECT_NE(failed.text().find("xacro: arm.xacro: no such property"), std::string::npos) << failed.text();
}

// Robots and hostile files from elsewhere. What is refused is refused for a stated reason.
TEST(Urdf, RobotsFromElsewhereLoadOrSayWhyNot) {
  const fs::path shared = fs::path(GEOUL_SOURCE_DIR) / "../shared/data";
  if (!fs::exists(shared / "urdf")) GTEST_SKIP() << "../shared/data/urdf is absent";
  int loaded = 0, refused = 0;
  std::string reasons;
  for (const fs::path& folder : {shared / "urdf", shared / "usd/newton_assets"}) {
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".urdf") continue;
      Diagnostics d;
      const auto scene = read_urdf(entry.path().string(), {}, d);
      EXPECT_EQ(scene.has_value(), d.ok());
      const std::string name = entry.path().filename().string();
      if (scene) {
        ++loaded;
        EXPECT_FALSE(name.starts_with("error_")) << name;
        EXPECT_EQ(scene->bodies.size(), scene->joints.size()) << name;  // a tree whose root is welded
        continue;
      }
      ++refused;
      reasons += "  " + d.to_error().message.substr(shared.string().size() + 1) + "\n";
    }
  }
  std::cout << loaded << " robots loaded, " << refused << " refused:\n" << reasons;
  EXPECT_GE(loaded, 130);
}

}  // namespace
}  // namespace geoul::scene
