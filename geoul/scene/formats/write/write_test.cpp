#include "geoul/scene/formats/write/write.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <numbers>

#include "geoul/scene/formats/mjcf/mjcf.h"
#include "geoul/scene/formats/sdf/sdf.h"
#include "geoul/scene/formats/urdf/urdf.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/write/mechanism.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

const std::string kFormats = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/";

struct Folder {
  fs::path path = fs::temp_directory_path() / ("geoul_write_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

// What a format keeps beyond bodies, joints and position limits.
struct Kept {
  bool armature = true, springs = true, drives = true, velocity = true, friction = true, start = true, loops = true,
       ball_damping = true, own_spaces = true, balls = true;
};

double scale_of(double a, double b) { return std::max({1.0, std::abs(a), std::abs(b)}); }
void near(double a, double b, const std::string& what) {
  if (std::isinf(a) || std::isinf(b)) {
    const auto endless = [](double x) { return std::abs(x) >= 1e10; };
    EXPECT_TRUE(a == b || (endless(a) && endless(b) && a * b > 0)) << what << ": " << a << " and " << b;
    return;
  }
  EXPECT_NEAR(a, b, 1e-12 * scale_of(a, b)) << what;
}
void near(const Vec3d& a, const Vec3d& b, const std::string& what) {
  for (int k = 0; k < 3; ++k) near(a[k], b[k], what);
}

// Mass properties in the world with all joints at 0.
MassProperties mass_in_world(const write::Mechanism& tree, const Scene& scene, std::size_t body) {
  return moved(write::rounded(tree.nodes[body].X_WB), scene.bodies[body].mass);
}

std::map<std::string, std::size_t> by_name(const std::vector<std::string>& names) {
  std::map<std::string, std::size_t> out;
  for (std::size_t i = 0; i < names.size(); ++i) out[names[i]] = i;
  return out;
}

void same_joint(const Scene& a, const write::Mechanism& ta, std::size_t i, const Scene& b, const write::Mechanism& tb,
                std::size_t k, const Kept& kept) {
  const Joint &x = a.joints[i], &y = b.joints[k];
  const std::string& name = x.path;
  EXPECT_EQ(x.type == JointType::kContinuous ? JointType::kRevolute : x.type,
            y.type == JointType::kContinuous ? JointType::kRevolute : y.type)
      << name;
  const auto frame = [](const write::Mechanism& t, const Joint& j) {
    return (j.parent.valid() ? t.nodes[j.parent.index()].X_WB : write::TransformL{}) * write::precise(j.X_PJ);
  };
  const auto X = frame(ta, x), Y = frame(tb, y);
  if (velocity_size(x.type) == 1) {
    // Axis, seen from the same end, and a point of it.
    const auto name_of = [](const write::Mechanism& t, BodyId id) {
      return id.valid() ? t.bodies[id.index()] : std::string("world");
    };
    const bool turned = name_of(tb, y.parent) == name_of(ta, x.child) || name_of(tb, y.child) == name_of(ta, x.parent);
    const Vec3d axis(X.R * Vec3<long double>(x.axis)), other(Y.R * Vec3<long double>(y.axis));
    near(axis, (turned ? -1.0 : 1.0) * other, name + " axis");
    if (x.type != JointType::kPrismatic) near(cross(axis, Vec3d(X.p - Y.p)), Vec3d{}, name + " place");
    near(x.lower, y.lower, name + " lower");
    near(x.upper, y.upper, name + " upper");
    // MJCF says the limits of a drive and of its joint as one.
    const auto effort = [](const Joint& j) {
      return j.drive.stiffness != 0 ? std::min(j.effort_limit, j.drive.max_force) : j.effort_limit;
    };
    near(kept.drives ? effort(x) : x.effort_limit, kept.drives ? effort(y) : y.effort_limit, name + " effort");
    if (kept.velocity) near(x.velocity_limit, y.velocity_limit, name + " velocity");
    near(x.friction, y.friction, name + " friction");
    if (kept.springs) near(x.stiffness, y.stiffness, name + " stiffness");
    if (kept.springs && x.stiffness != 0) near(x.spring_position, y.spring_position, name + " spring");
    if (kept.drives) {
      near(x.drive.stiffness, y.drive.stiffness, name + " drive stiffness");
      near(x.drive.damping, y.drive.damping, name + " drive damping");
      near(x.drive.target_position, y.drive.target_position, name + " target");
      near(x.drive.max_force, y.drive.max_force, name + " force");
    }
    if (kept.start && x.position) near(*x.position, y.position.value_or(NAN), name + " start");
  }
  if (x.type == JointType::kSpherical) near(Vec3d(X.p), Vec3d(Y.p), name + " place");
  if (velocity_size(x.type) == 1 || kept.ball_damping) near(x.damping, y.damping, name + " damping");
  if (kept.armature && x.type != JointType::kFixed) near(x.armature, y.armature, name + " armature");
}

// Bodies that have mass, and joints that move or hold such, mean the same in both.
void same_meaning(const Scene& a, const Scene& b, const Kept& kept) {
  const write::Mechanism ta = write::mechanism(a, !kept.own_spaces), tb = write::mechanism(b, !kept.own_spaces);
  const auto bodies = by_name(tb.bodies), joints = by_name(tb.joints);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < a.bodies.size(); ++i) {
    if (a.bodies[i].mass.mass == 0) continue;
    const auto found = bodies.find(ta.bodies[i]);
    ASSERT_NE(found, bodies.end()) << ta.bodies[i];
    const MassProperties x = mass_in_world(ta, a, i), y = mass_in_world(tb, b, found->second);
    near(x.mass, y.mass, ta.bodies[i] + " mass");
    near(x.center, y.center, ta.bodies[i] + " centre");
    near({x.inertia.xx, x.inertia.yy, x.inertia.zz}, {y.inertia.xx, y.inertia.yy, y.inertia.zz},
         ta.bodies[i] + " moments");
    near({x.inertia.xy, x.inertia.xz, x.inertia.yz}, {y.inertia.xy, y.inertia.xz, y.inertia.yz},
         ta.bodies[i] + " products");
    ++compared;
  }
  for (std::size_t i = 0; i < a.joints.size(); ++i) {
    const bool loop = std::find(ta.loops.begin(), ta.loops.end(), static_cast<int>(i)) != ta.loops.end();
    if ((loop && !kept.loops) || (a.joints[i].type == JointType::kSpherical && !kept.balls)) continue;
    if (a.joints[i].type == JointType::kFixed || a.joints[i].type == JointType::kFree || !a.joints[i].enabled) continue;
    const auto found = joints.find(ta.joints[i]);
    ASSERT_NE(found, joints.end()) << ta.joints[i];
    same_joint(a, ta, i, b, tb, found->second, kept);
    ++compared;
  }
  EXPECT_GT(compared, 0u);
}

using Writer = Result<void> (*)(const Scene&, const std::string&, Diagnostics&);

std::optional<Scene> round_trip(const Scene& scene, Writer writer, const std::string& ending, Diagnostics& notes) {
  const Folder folder;
  const std::string file = folder.file("out." + ending);
  const Result<void> written = writer(scene, file, notes);
  EXPECT_TRUE(written) << written.error().message;
  if (!written) return std::nullopt;
  Diagnostics d;
  const auto back = read_scene(file, d);
  EXPECT_TRUE(back) << d.text();
  Diagnostics before, after;
  validate(scene, before);
  if (back) validate(*back, after);
  EXPECT_TRUE(after.ok() || !before.ok()) << after.text();
  return back;
}

Scene read(const std::string& file) {
  Diagnostics d;
  auto scene = read_scene(file, d);
  EXPECT_TRUE(scene) << d.text();
  return scene.value_or(Scene{});
}

constexpr Kept kUrdf{.armature = false,
                     .springs = false,
                     .drives = false,
                     .friction = false,
                     .start = false,
                     .loops = false,
                     .balls = false};
constexpr Kept kSdf{.armature = false, .drives = false, .start = false, .ball_damping = false, .own_spaces = false};
constexpr Kept kMjcf{.velocity = false};

// closed: whether loops close with all joints at 0, which SDF needs.
void all_ways(const Scene& scene, bool closed = true) {
  Diagnostics notes;
  Kept sdf = kSdf;
  sdf.loops = closed;
  if (const auto back = round_trip(scene, write_urdf, "urdf", notes)) same_meaning(scene, *back, kUrdf);
  if (const auto back = round_trip(scene, write_sdf, "sdf", notes)) same_meaning(scene, *back, sdf);
  if (const auto back = round_trip(scene, write_mjcf, "xml", notes)) same_meaning(scene, *back, kMjcf);
}

TEST(Write, UrdfKeepsItsMeaningThroughEveryFormat) {
  Diagnostics d;
  const auto scene = read_urdf(kFormats + "urdf/testdata/two_link.urdf",
                               {.packages = {{"toy", kFormats + "urdf/testdata/package/toy"}}}, d);
  ASSERT_TRUE(scene) << d.text();
  all_ways(*scene);
  // The joints follow each other in all three.
  Diagnostics notes;
  for (const auto& [writer, ending] : {std::pair{&write_urdf, "urdf"}, {&write_sdf, "sdf"}, {&write_mjcf, "xml"}}) {
    const auto back = round_trip(*scene, *writer, ending, notes);
    ASSERT_TRUE(back);
    ASSERT_EQ(back->mimics.size(), 2u) << ending;
    EXPECT_DOUBLE_EQ(back->mimics[0].multiplier, -2) << ending;
    EXPECT_DOUBLE_EQ(back->mimics[0].offset, 0.5) << ending;
  }
}

TEST(Write, MjcfAndSdfKeepTheirMeaningThroughEveryFormat) {
  all_ways(read(kFormats + "mjcf/testdata/two_link.xml"));
  all_ways(read(std::string(GEOUL_SOURCE_DIR) + "/scenarios/ur3e_cell/cell.usda"));
}

// Two links with drives and springs, a tilted axis, a start away from zero, a ball joint, a body in the air.
Scene machine() {
  Scene scene;
  scene.name = "machine";
  scene.gravity = {0, 1, -9};
  for (const char* name : {"base", "arm", "ball", "rock"}) {
    Body body;
    body.path = std::string("/machine/") + name;
    body.mass = {2, {0.1, 0, 0.2}, {0.3, 0.4, 0.5, 0.01, 0.02, 0.03}};
    scene.bodies.push_back(body);
  }
  scene.bodies[3].X_WB = {normalized(Quatd{1, 2, 3, 4}), {1, 2, 3}};
  const auto join = [&](const char* name, JointType type, int parent, int child) -> Joint& {
    Joint joint;
    joint.path = std::string("/machine/joints/") + name;
    joint.type = type;
    joint.parent = BodyId{parent}, joint.child = BodyId{child};
    scene.joints.push_back(joint);
    return scene.joints.back();
  };
  join("weld", JointType::kFixed, -1, 0).X_PJ.p = {0, 0, 1};
  Joint& elbow = join("elbow", JointType::kRevolute, 1, 0);  // from the tip to the root
  elbow.X_PJ = {normalized(Quatd{1, 0.1, 0.2, 0.3}), {0, 0, 0.5}};
  elbow.X_CJ = {normalized(Quatd{1, -0.3, 0.2, 0.1}), {0.2, 0, 0}};
  elbow.axis = {0.6, 0, 0.8};
  elbow.lower = -1, elbow.upper = 2, elbow.effort_limit = 40, elbow.velocity_limit = 3;
  elbow.damping = 0.1, elbow.friction = 0.2, elbow.armature = 0.05, elbow.stiffness = 7, elbow.spring_position = 0.3;
  elbow.drive = {.stiffness = 100, .damping = 5, .target_position = 0.4, .target_velocity = 0, .max_force = 30};
  elbow.position = 0.25;
  Joint& socket = join("socket", JointType::kSpherical, 1, 2);
  socket.X_PJ.p = {0, 0.3, 0};
  socket.damping = 0.4;
  // Where the bodies stand with the elbow at a quarter.
  const write::Mechanism tree = write::mechanism(scene);
  for (const int b : tree.order) {
    const auto k = static_cast<std::size_t>(b);
    const write::Node& node = tree.nodes[k];
    if (node.hinge.joint < 0) continue;
    const double q = node.hinge.joint == 1 ? 0.25 : 0;
    write::TransformL turn;
    turn.R = rotation_matrix(exp_rotation(static_cast<long double>(q) * Vec3<long double>(node.hinge.axis)));
    const write::TransformL X_WP = node.parent < 0
                                       ? write::TransformL{}
                                       : write::precise(scene.bodies[static_cast<std::size_t>(node.parent)].X_WB);
    scene.bodies[k].X_WB = write::rounded(X_WP * node.hinge.X_PJ * turn * inverse(node.hinge.X_CJ));
  }
  return scene;
}

TEST(Write, MachineKeepsItsMeaningInMjcfAndSdfAndUsd) {
  const Scene scene = machine();
  Diagnostics notes;
  const auto mjcf = round_trip(scene, write_mjcf, "xml", notes);
  ASSERT_TRUE(mjcf);
  same_meaning(scene, *mjcf, kMjcf);
  EXPECT_EQ(mjcf->gravity, scene.gravity);
  for (std::size_t b = 0; b < 4; ++b) {  // the start too
    const auto names = by_name(write::mechanism(*mjcf).bodies);
    const Body& back = mjcf->bodies[names.at(write::leaf(scene.bodies[b].path))];
    near(back.X_WB.p, scene.bodies[b].X_WB.p, "start of " + back.path);
    EXPECT_NEAR(angle_between(back.X_WB.R, scene.bodies[b].X_WB.R), 0, 1e-12) << back.path;
  }
  const auto sdf = round_trip(scene, write_sdf, "sdf", notes);
  ASSERT_TRUE(sdf);
  same_meaning(scene, *sdf, kSdf);
  EXPECT_EQ(sdf->gravity, scene.gravity);
  for (const char* code : {"drive", "armature", "start"}) EXPECT_TRUE(notes.has(code)) << notes.text();
  const Folder folder;
  ASSERT_TRUE(write_usda(scene, folder.file("machine.usda")));
  same_meaning(scene, read(folder.file("machine.usda")), {});
}

TEST(Write, UrdfSaysWhatItCannot) {
  const Scene scene = machine();
  Diagnostics notes;
  const auto back = round_trip(scene, write_urdf, "urdf", notes);
  ASSERT_TRUE(back);
  for (const char* code : {"spherical", "drive", "armature", "spring", "start"}) EXPECT_TRUE(notes.has(code)) << code;
  EXPECT_TRUE(find_joint(*back, "/machine/joints/socket_z"));  // three hinges for the ball
  const write::Mechanism tree = write::mechanism(*back);
  const auto rock = by_name(tree.bodies).at("rock");
  EXPECT_EQ(tree.nodes[rock].hinge.type, JointType::kFree);
  near(Vec3d(tree.nodes[rock].X_WB.p), {1, 2, 3}, "rock");
}

TEST(Write, LoopsAndCouplingsGoIntoMjcfAndLoopsIntoSdf) {
  Scene scene = machine();
  Joint loop;
  loop.path = "/machine/joints/rod";
  loop.type = JointType::kSpherical;
  loop.parent = BodyId{3}, loop.child = BodyId{2};
  const auto X = write::precise(scene.bodies[3].X_WB);
  loop.X_PJ.p = Vec3d(inverse(X) * Vec3<long double>(scene.bodies[2].X_WB.p));
  loop.excluded_from_articulation = true;
  scene.joints.push_back(loop);
  scene.couplings.push_back({"/machine/gear", {{JointId{1}, 2}, {JointId{1}, 1}}, 0.5});
  scene.springs.push_back({"/machine/cord", BodyId{0}, BodyId{3}, {0, 0, 1}, {1, 0, 0}, 50, 2, 0.7});
  Diagnostics notes;
  const auto mjcf = round_trip(scene, write_mjcf, "xml", notes);
  ASSERT_TRUE(mjcf);
  const auto rod = std::find_if(mjcf->joints.begin(), mjcf->joints.end(),
                                [](const Joint& j) { return write::leaf(j.path) == "rod"; });
  ASSERT_NE(rod, mjcf->joints.end());
  EXPECT_EQ(rod->type, JointType::kSpherical);
  ASSERT_EQ(mjcf->springs.size(), 1u);
  EXPECT_EQ(mjcf->springs[0].stiffness, 50);
  EXPECT_EQ(mjcf->springs[0].rest_length, 0.7);
  Diagnostics lost;
  round_trip(scene, write_urdf, "urdf", lost);
  for (const char* code : {"loop", "coupling", "spring"}) EXPECT_TRUE(lost.has(code)) << lost.text();
}

// 2 socket + 4 elbow = 0.5: the socket follows the elbow by -2 and 0.25.
TEST(Write, CouplingsOfTwoJointsBecomeMimicsInUrdfAndSdf) {
  Scene scene = machine();
  scene.joints[2].type = JointType::kRevolute;
  scene.couplings.push_back({"/machine/gear", {{JointId{2}, 2}, {JointId{1}, 4}}, 0.5});
  for (const auto& [writer, ending] : {std::pair<Writer, const char*>{write_urdf, "urdf"}, {write_sdf, "sdf"}}) {
    SCOPED_TRACE(ending);
    Diagnostics notes;
    const auto back = round_trip(scene, writer, ending, notes);
    ASSERT_TRUE(back);
    EXPECT_FALSE(notes.has("coupling")) << notes.text();
    const auto found = std::find_if(back->mimics.begin(), back->mimics.end(), [&](const Mimic& m) {
      return write::leaf(back->joints[m.joint.index()].path) == "socket" &&
             write::leaf(back->joints[m.source.index()].path) == "elbow";
    });
    ASSERT_NE(found, back->mimics.end());
    EXPECT_EQ(found->multiplier, -2);
    EXPECT_EQ(found->offset, 0.25);
  }
  // A joint that leads cannot follow, and one follows one alone.
  scene.couplings.push_back({"/machine/second", {{JointId{1}, 1}, {JointId{2}, 1}}, 0.0});
  EXPECT_EQ(write::followers(scene).left, 1);
  EXPECT_EQ(write::followers(scene).mimics.size(), scene.mimics.size() + 1);
}

TEST(Write, ShapesKeepSizePlaceColourAndFriction) {
  Scene scene = machine();
  scene.meshes.push_back(
      {"tetra.stl", {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {}, {{0, 2, 1}, {0, 1, 3}, {1, 2, 3}, {0, 3, 2}}});
  Material material;
  material.path = "/machine/materials/steel";
  material.color = {0.2f, 0.4f, 0.6f, 0.5f};
  material.static_friction = material.dynamic_friction = 0.3;
  material.torsional_friction = 0.01;
  scene.materials.push_back(material);
  const Geometry all[] = {Box{{1, 2, 3}}, Sphere{0.3}, Capsule{0.1, 0.5}, Cylinder{0.2, 0.4},
                          TriangleMesh{MeshId{0}, {1, 2, 3}}};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    Shape shape;
    shape.path = "/machine/arm/shape_" + std::to_string(i);
    shape.body = BodyId{1};
    shape.X_BS = {normalized(Quatd{1, 0.2, 0.1, -0.4}), {0.1, 0.2, 0.3}};
    shape.geometry = all[i];
    shape.material = MaterialId{0};
    shape.collides = true;
    scene.shapes.push_back(shape);
  }
  Diagnostics notes;
  for (const auto& [writer, ending] : {std::pair{&write_sdf, "sdf"}, {&write_mjcf, "xml"}}) {
    const auto back = round_trip(scene, *writer, ending, notes);
    ASSERT_TRUE(back);
    std::size_t touching = 0, seen = 0;
    for (const Shape& s : back->shapes) {
      touching += s.collides, seen += s.visible;
      if (!s.material.valid()) continue;
      const Material& m = back->materials[s.material.index()];
      EXPECT_TRUE(!s.visible || std::abs(m.color[1] - 0.4f) < 1e-6f) << ending;
      if (!s.collides) continue;
      EXPECT_EQ(m.static_friction, 0.3) << ending;
      EXPECT_NEAR(m.torsional_friction, 0.01, 1e-17) << ending;
      if (const auto* box = std::get_if<Box>(&s.geometry)) {
        EXPECT_EQ(box->size, (Vec3d{1, 2, 3}));
        near(s.X_BS.p, {0.1, 0.2, 0.3}, "box");
        EXPECT_NEAR(angle_between(s.X_BS.R, scene.shapes[0].X_BS.R), 0, 1e-12);
      }
    }
    EXPECT_EQ(touching, std::size(all)) << ending;
    EXPECT_GE(seen, std::size(all)) << ending;
  }
}

TEST(Write, ModelsWhoseLinksNeverTouchStaySoInSdf) {
  const Scene scene = read(kFormats + "sdf/testdata/arm_model/arm.sdf");
  ASSERT_FALSE(scene.collision_exclusions.empty());
  Diagnostics notes;
  const auto back = round_trip(scene, write_sdf, "sdf", notes);
  ASSERT_TRUE(back);
  EXPECT_FALSE(notes.has("exclusions")) << notes.text();
  // The base and the upper arm: nothing else touches.
  ASSERT_EQ(back->collision_exclusions.size(), 1u);
  EXPECT_EQ(write::leaf(body_name(*back, back->collision_exclusions[0].first)), "base");
  EXPECT_EQ(write::leaf(body_name(*back, back->collision_exclusions[0].second)), "upper");
}

TEST(Write, WhatCannotBeWrittenIsSaid) {
  Diagnostics notes;
  for (const Writer writer : {&write_urdf, &write_sdf, &write_mjcf, &write_gltf}) {
    const auto written = writer(machine(), "/nowhere/at/all/x.out", notes);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  }
  EXPECT_FALSE(write_urdf(Scene{}, "/tmp/empty.urdf", notes));
}

TEST(Write, RealRobotsKeepTheirMeaning) {
  const fs::path shared = fs::path(GEOUL_SOURCE_DIR) / "../shared/data";
  if (!fs::exists(shared / "urdf") || !fs::exists(shared / "mjcf")) GTEST_SKIP() << "../shared/data is absent";
  int robots = 0;
  for (const char* folder : {"urdf/example_robot_data/robots", "mjcf/menagerie_2022"}) {
    for (const auto& entry : fs::recursive_directory_iterator(shared / folder)) {
      const std::string file = entry.path().string(), ending = entry.path().extension().string();
      std::optional<Scene> scene;
      Diagnostics d;
      if (ending == ".urdf") scene = read_urdf(file, {.load_meshes = false}, d);
      if (ending == ".xml" && !entry.path().filename().string().starts_with("scene")) {
        scene = read_mjcf(file, {.load_meshes = false}, d);
      }
      if (!scene) continue;
      SCOPED_TRACE(file);
      all_ways(*scene, false);
      ++robots;
    }
  }
  std::cout << robots << " robots written as URDF, SDF and MJCF and read again\n";
  EXPECT_GT(robots, 50);
}

}  // namespace
}  // namespace geoul::scene
