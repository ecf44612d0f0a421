#include "geoul/scene/formats/sdf/sdf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

const std::string kData = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/sdf/testdata/";

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

Scene cell() {
  Diagnostics d;
  const auto scene = read_sdf(kData + "cell.sdf", {}, d);
  EXPECT_TRUE(scene) << d.text();
  return scene.value_or(Scene{});
}

std::optional<Scene> read_text(const std::string& text, Diagnostics& d, const std::string& version = "1.9") {
  return read_sdf_text("<sdf version=\"" + version + "\">" + text + "</sdf>", kData + "text.sdf", {}, d);
}
std::optional<Scene> read_model(const std::string& inner, Diagnostics& d, const std::string& version = "1.9") {
  return read_text("<model name=\"m\">" + inner + "</model>", d, version);
}

void expect_near(const Vec3d& a, const Vec3d& b, double tolerance) {
  EXPECT_NEAR(a.x, b.x, tolerance);
  EXPECT_NEAR(a.y, b.y, tolerance);
  EXPECT_NEAR(a.z, b.z, tolerance);
}

TEST(Sdf, PlacementFramePutsTheModelWhereItsFrameShallBe) {
  const Scene scene = cell();
  EXPECT_EQ(scene.name, "cell");
  EXPECT_EQ(scene.gravity, (Vec3d{0, 0, -9.81}));
  // bench at z 0.25, bench_top 0.5 above its model, the arm's foot 0.25 above that, turned by 90 degrees; the base 0.1
  // above the foot.
  const Body& base = body(scene, "/cell/arm/base");
  expect_near(base.X_WB.p, {1, 0, 1.1}, 1e-15);
  EXPECT_NEAR(angle_between(base.X_WB.R, exp_rotation(Vec3d{0, 0, std::numbers::pi / 2})), 0, 1e-15);
  // The link stands 0.2 above its joint, which stands 0.1 above the base: a ring of names that is none of frames.
  expect_near(body(scene, "/cell/arm/upper").X_WB.p, {1, 0, 1.4}, 1e-15);
  const auto site = find_site(scene, "/cell/bench_top");
  ASSERT_TRUE(site);
  EXPECT_EQ(scene.sites[site->index()].body, *find_body(scene, "/cell/bench/top"));
  expect_near(scene.sites[site->index()].X_BS.p, {0, 0, 0.5}, 1e-15);
}

TEST(Sdf, JointsKeepAxisLimitsAndLaws) {
  const Scene scene = cell();
  const Joint& shoulder = joint(scene, "/cell/arm/joints/shoulder");
  EXPECT_EQ(shoulder.type, JointType::kRevolute);
  expect_near(shoulder.axis, {0, 1, 0}, 1e-15);
  expect_near(shoulder.X_PJ.p, {0, 0, 0.1}, 1e-15);
  expect_near(shoulder.X_CJ.p, {0, 0, -0.2}, 1e-15);
  EXPECT_EQ(shoulder.lower, -1);
  EXPECT_EQ(shoulder.upper, 2);
  EXPECT_EQ(shoulder.effort_limit, 30);
  EXPECT_EQ(shoulder.velocity_limit, 4);
  EXPECT_EQ(shoulder.damping, 0.3);
  EXPECT_EQ(shoulder.friction, 0.1);
  EXPECT_EQ(shoulder.stiffness, 5);
  EXPECT_EQ(shoulder.spring_position, 0.2);
  EXPECT_EQ(shoulder.position, 0.0);
}

TEST(Sdf, UniversalJointIsTwoAboutABodyWithoutMass) {
  const Scene scene = cell();
  const Joint &first = joint(scene, "/cell/arm/joints/wrist"), &second = joint(scene, "/cell/arm/joints/wrist_second");
  EXPECT_EQ(first.child, second.parent);
  EXPECT_EQ(scene.bodies[first.child.index()].mass.mass, 0);
  EXPECT_EQ(first.axis, (Vec3d{1, 0, 0}));
  EXPECT_EQ(second.axis, (Vec3d{0, 1, 0}));
  EXPECT_EQ(second.lower, -0.5);
  EXPECT_EQ(first.lower, -kUnlimited);
}

TEST(Sdf, InertiaIsTurnedIntoTheLinkFrame) {
  const Scene scene = cell();
  const MassProperties& mass = body(scene, "/cell/arm/base").mass;  // turned by 90 degrees about z
  EXPECT_EQ(mass.mass, 3);
  EXPECT_NEAR(mass.inertia.xx, 0.2, 1e-16);
  EXPECT_NEAR(mass.inertia.yy, 0.1, 1e-16);
  EXPECT_NEAR(mass.inertia.xy, -0.01, 1e-16);
  EXPECT_EQ(body(scene, "/cell/arm/tip").mass.mass, 1);  // SDF's default
  Diagnostics d;
  validate(scene, d);
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(Sdf, MassOfCollisionsIsThatOfTheClosedForm) {
  const double m = 500 * 4.0 / 3 * std::numbers::pi * 1e-3;
  const MassProperties ball = body(cell(), "/cell/ball/body").mass;
  EXPECT_NEAR(ball.mass, m, 1e-15);
  EXPECT_NEAR(ball.inertia.xx, 0.4 * m * 0.01, 1e-16);
  // Two boxes of different density, and a mass that scales both. Centre: (-1 * 1 + 1 * 3) / 4.
  Diagnostics d;
  const std::string boxes =
      "<collision name=\"a\"><pose>-1 0 0 0 0 0</pose><density>1</density><geometry><box/></geometry></collision>"
      "<collision name=\"b\"><pose>1 0 0 0 0 0</pose><density>3</density><geometry><box/></geometry></collision>";
  const auto scene =
      read_model("<link name=\"a\"><inertial auto=\"true\"><mass>8</mass></inertial>" + boxes + "</link>", d, "1.11");
  ASSERT_TRUE(scene) << d.text();
  EXPECT_DOUBLE_EQ(scene->bodies[0].mass.mass, 8);
  EXPECT_DOUBLE_EQ(scene->bodies[0].mass.center.x, 0.5);
  EXPECT_NEAR(scene->bodies[0].mass.inertia.xx, 8.0 / 6, 1e-15);
  EXPECT_NEAR(scene->bodies[0].mass.inertia.yy, 8.0 / 6 + 2 * 1.5 * 1.5 + 6 * 0.5 * 0.5, 1e-14);
  // An ellipsoid counts as one, not as its hull.
  const auto egg = read_model(
      "<link name=\"a\"><inertial auto=\"true\"/><collision name=\"c\"><geometry><ellipsoid><radii>1 2 3</radii>"
      "</ellipsoid></geometry></collision></link>",
      d, "1.11");
  ASSERT_TRUE(egg) << d.text();
  const double me = 1000 * 4.0 / 3 * std::numbers::pi * 6;
  EXPECT_NEAR(egg->bodies[0].mass.mass, me, 1e-9);
  EXPECT_NEAR(egg->bodies[0].mass.inertia.zz, me / 5 * 5, 1e-9);
}

TEST(Sdf, SurfacesKeepFrictionAndBounce) {
  const Scene scene = cell();
  const auto shape = std::find_if(scene.shapes.begin(), scene.shapes.end(),
                                  [](const Shape& s) { return s.path == "/cell/bench/top/box"; });
  ASSERT_NE(shape, scene.shapes.end());
  const Material& m = scene.materials[shape->material.index()];
  EXPECT_EQ(m.static_friction, 0.7);
  EXPECT_EQ(m.restitution, 0.25);
  EXPECT_NEAR(m.torsional_friction, 3 * std::numbers::pi / 16 * 0.01 * 0.8, 1e-18);
  for (const Shape& other : scene.shapes) {
    if (other.collides && other.path != shape->path) {
      EXPECT_EQ(scene.materials[other.material.index()].static_friction, 1);  // SDF's default
    }
  }
}

TEST(Sdf, CameraLooksAlongXOfItsSensor) {
  const Scene scene = cell();
  ASSERT_EQ(scene.cameras.size(), 1u);
  const Camera& camera = scene.cameras[0];
  expect_near(rotation_matrix(camera.X_BC.R) * Vec3d{0, 0, -1}, {1, 0, 0}, 1e-15);
  expect_near(rotation_matrix(camera.X_BC.R) * Vec3d{0, 1, 0}, {0, 0, 1}, 1e-15);
  EXPECT_NEAR(std::tan(camera.vertical_fov / 2), std::tan(0.6) * 480 / 640, 1e-15);
}

TEST(Sdf, LinksOfOneModelDoNotTouchUnlessItSaysSo) {
  const std::string c = "<collision name=\"c\"><geometry><sphere/></geometry></collision></link>";
  for (const auto& [said, pairs] : {std::pair{"", 1u}, std::pair{"<self_collide>true</self_collide>", 0u}}) {
    Diagnostics d;
    const auto scene = read_model(std::string(said) + "<link name=\"a\">" + c + "<link name=\"b\">" + c, d);
    ASSERT_TRUE(scene) << d.text();
    EXPECT_EQ(scene->collision_exclusions.size(), pairs);
  }
  // Of two models they do, unless their masks have no bit in common.
  const auto world = [&](const std::string& bits) {
    const std::string masked =
        "<link name=\"a\"><collision name=\"c\"><geometry><sphere/></geometry><surface><contact>"
        "<collide_bitmask>" +
        bits + "</collide_bitmask></contact></surface></collision></link>";
    Diagnostics d;
    const auto scene = read_text("<world name=\"w\"><model name=\"m\"><link name=\"a\">" + c +
                                     "</model><model name=\"n\">" + masked + "</model></world>",
                                 d);
    EXPECT_TRUE(scene) << d.text();
    return scene ? scene->collision_exclusions.size() : 99;
  };
  EXPECT_EQ(world("0x01"), 0u);
  EXPECT_EQ(world("0x00"), 1u);
  EXPECT_EQ(world("65536"), 1u);
}

TEST(Sdf, StaticModelsStandStill) {
  const Scene scene = cell();
  const Joint& weld = joint(scene, "/cell/bench/joints/top_static");
  EXPECT_EQ(weld.type, JointType::kFixed);
  EXPECT_EQ(weld.parent, kWorld);
  EXPECT_EQ(weld.X_PJ, body(scene, "/cell/bench/top").X_WB);
}

const std::string kTwo = "<link name=\"a\"/><link name=\"b\"><pose>0 0 1 0 0 0</pose></link>";

TEST(Sdf, ScrewIsATurnAndATravelThatAreCoupled) {
  for (const auto& [pitch, version] : {std::pair{"<screw_thread_pitch>0.5</screw_thread_pitch>", "1.10"},
                                       std::pair{"<thread_pitch>-12.566370614359172</thread_pitch>", "1.8"}}) {
    Diagnostics d;
    const auto scene = read_model(kTwo + "<joint name=\"s\" type=\"screw\"><parent>a</parent><child>b</child>" + pitch +
                                      "<axis><xyz>0 0 1</xyz></axis></joint>",
                                  d, version);
    ASSERT_TRUE(scene) << d.text();
    ASSERT_EQ(scene->couplings.size(), 1u);
    const Coupling& thread = scene->couplings[0];
    EXPECT_EQ(scene->joints[thread.terms[0].first.index()].type, JointType::kRevolute);
    EXPECT_EQ(scene->joints[thread.terms[1].first.index()].type, JointType::kPrismatic);
    // 0.5 m a turn: pitch/(2 pi) angle - travel = 0.
    EXPECT_NEAR(thread.terms[0].second, 0.25 / std::numbers::pi, 1e-16);
    EXPECT_EQ(thread.terms[1].second, -1);
  }
}

TEST(Sdf, GearboxCouplesTheHingesOnItsReferenceBody) {
  const auto hinge = [](const std::string& name, const std::string& parent, const std::string& child, const char* xyz) {
    return "<joint name=\"" + name + "\" type=\"revolute\"><parent>" + parent + "</parent><child>" + child +
           "</child><axis><xyz>" + xyz + "</xyz></axis></joint>";
  };
  Diagnostics d;
  // The second hinge has the reference body as its child and points the other way: both turn its sign, so it stays.
  const auto scene = read_model(
      kTwo + "<link name=\"r\"/>" + hinge("h1", "r", "a", "0 0 1") + hinge("h2", "b", "r", "0 0 -1") +
          "<joint name=\"g\" type=\"gearbox\"><parent>a</parent><child>b</child><gearbox_ratio>3</gearbox_ratio>"
          "<gearbox_reference_body>r</gearbox_reference_body><axis><xyz>0 0 1</xyz></axis><axis2><xyz>0 0 "
          "1</xyz></axis2>"
          "</joint>",
      d);
  ASSERT_TRUE(scene) << d.text();
  ASSERT_EQ(scene->couplings.size(), 1u);
  EXPECT_EQ(scene->couplings[0].terms[0].second, 3);
  EXPECT_EQ(scene->couplings[0].terms[1].second, 1);
}

TEST(Sdf, ChainOfMimicsEndsAtTheJointThatMoves) {
  const auto turn = [](const std::string& name, const std::string& parent, const std::string& child,
                       const std::string& inner) {
    return "<joint name=\"" + name + "\" type=\"revolute\"><parent>" + parent + "</parent><child>" + child +
           "</child><axis><xyz>0 0 1</xyz>" + inner + "</axis></joint>";
  };
  Diagnostics d;
  const auto scene = read_model(kTwo + "<link name=\"c\"/><link name=\"e\"/>" + turn("j1", "a", "b", "") +
                                    turn("j2", "b", "c",
                                         "<mimic joint=\"j1\"><multiplier>2</multiplier><offset>1</offset>"
                                         "<reference>0.25</reference></mimic>") +
                                    turn("j3", "c", "e", "<mimic joint=\"j2\"><multiplier>3</multiplier></mimic>"),
                                d, "1.11");
  ASSERT_TRUE(scene) << d.text();
  ASSERT_EQ(scene->mimics.size(), 2u);
  EXPECT_EQ(scene->mimics[0].offset, 0.5);  // 2 (q - 0.25) + 1
  EXPECT_EQ(scene->mimics[1].source.value, 0);
  EXPECT_EQ(scene->mimics[1].multiplier, 6);
  EXPECT_EQ(scene->mimics[1].offset, 1.5);
}

TEST(Sdf, AxisBeforeSdf17IsInTheModelWhereItSaysSo) {
  const auto axis = [&](const std::string& inner, const std::string& version) {
    Diagnostics d;
    const auto scene = read_model(
        "<link name=\"a\"/><link name=\"b\"><pose>0 0 0 1.5707963267948966 0 0</pose></link>"
        "<joint name=\"j\" type=\"revolute\"><parent>a</parent><child>b</child><axis>"
        "<xyz>0 0 1</xyz>" +
            inner + "</axis></joint>",
        d, version);
    EXPECT_TRUE(scene) << d.text();
    return scene ? scene->joints[0].axis : Vec3d{};
  };
  const std::string model = "<use_parent_model_frame>true</use_parent_model_frame>";
  expect_near(axis("", "1.4"), {0, 1, 0}, 1e-15);
  expect_near(axis("", "1.6"), {0, 0, 1}, 1e-15);
  expect_near(axis(model, "1.6"), {0, 1, 0}, 1e-15);
}

TEST(Sdf, MergedModelsBelongToTheModelAroundThem) {
  Diagnostics d;
  const auto scene = read_model(
      "<link name=\"own\"/><include merge=\"true\"><uri>model://arm_model</uri><pose>1 0 0 0 0 0"
      "</pose></include><joint name=\"j\" type=\"fixed\"><parent>own</parent><child>base</child>"
      "</joint>",
      d);
  ASSERT_TRUE(scene) << d.text();
  expect_near(body(*scene, "/m/base").X_WB.p, {1, 0, 0}, 1e-15);
  expect_near(body(*scene, "/m/upper").X_WB.p, {1, 0, 0.3}, 1e-15);
  EXPECT_EQ(joint(*scene, "/m/joints/j").child, *find_body(*scene, "/m/base"));
}

TEST(Sdf, FilesAreLookedForInTheFoldersGiven) {
  const std::string text =
      "<sdf version=\"1.9\"><world name=\"w\"><include><uri>model://arm_model</uri></include></world></sdf>";
  Diagnostics lost;
  EXPECT_FALSE(read_sdf_text(text, "/nowhere/w.sdf", {}, lost));
  EXPECT_TRUE(lost.has("not-found")) << lost.text();
  Diagnostics d;
  EXPECT_TRUE(read_sdf_text(text, "/nowhere/w.sdf", {.search = {kData}}, d)) << d.text();
  ASSERT_EQ(setenv("GZ_SIM_RESOURCE_PATH", ("/nowhere:" + kData).c_str(), 1), 0);
  EXPECT_TRUE(read_sdf_text(text, "/nowhere/w.sdf", {}, d)) << d.text();
  unsetenv("GZ_SIM_RESOURCE_PATH");
}

TEST(Sdf, WhatIsIgnoredIsSaidOnce) {
  Diagnostics d;
  EXPECT_TRUE(read_sdf(kData + "cell.sdf", {}, d));
  EXPECT_NE(d.text().find("<world/light> is not used"), std::string::npos) << d.text();
  EXPECT_TRUE(d.ok());
}

// testdata/bad/expected.txt: file, code, line. Each is refused within a second.
TEST(Sdf, EveryBadFileIsNamedWithItsLine) {
  std::ifstream expected(kData + "bad/expected.txt");
  std::string file, code;
  int line = 0;
  std::size_t count = 0;
  while (expected >> file >> code >> line) {
    Diagnostics d;
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(read_sdf(kData + "bad/" + file, {}, d)) << file;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20)) << file;  // sanitizers are slow
    const auto hit = std::find_if(d.findings().begin(), d.findings().end(), [&](const Finding& f) {
      return f.severity == Severity::kError && f.code == code && f.where.line == line && !f.mend.empty();
    });
    EXPECT_NE(hit, d.findings().end()) << file << " wants " << code << " in line " << line << "\n" << d.text();
    ++count;
  }
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kData + "bad")) files += entry.path().extension() == ".sdf";
  EXPECT_EQ(count, files);
}

// libsdformat's own test files. What is refused is refused for a reason; docs/notes/sdf_files.md holds the table.
TEST(Sdf, FilesOfLibsdformatLoadOrSayWhyNot) {
  const fs::path shared = fs::path(GEOUL_SOURCE_DIR) / "../shared/data/sdf/sdformat_tests/test";
  if (!fs::exists(shared)) GTEST_SKIP() << "../shared/data/sdf is absent";
  int loaded = 0, refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(shared)) {
    if (entry.path().extension() != ".sdf") continue;
    Diagnostics d;
    const auto scene = read_sdf(entry.path().string(), {.search = {(shared / "integration/model").string()}}, d);
    EXPECT_EQ(scene.has_value(), d.ok());
    ++(scene ? loaded : refused);
    if (!scene) continue;
    Diagnostics judged;
    validate(*scene, judged);
    EXPECT_TRUE(judged.ok()) << entry.path() << "\n" << judged.text();
  }
  std::cout << loaded << " files loaded, " << refused << " refused\n";
  EXPECT_GE(loaded, 130);
}

}  // namespace
}  // namespace geoul::scene
