#include "geoul/scene/formats/usd/usd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <numbers>
#include <sstream>

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;
using std::numbers::pi;

const std::string kData = std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/usd/testdata/";
const std::string kUnits = "#usda 1.0\n(\n    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n";

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Scene read_good(const std::string& text) {
  Diagnostics d;
  const std::optional<Scene> scene = read_usda_text(text, "test.usda", d);
  EXPECT_TRUE(scene.has_value()) << d.text();
  return scene.value_or(Scene{});
}

bool equal(const Drive& a, const Drive& b) {
  return a.stiffness == b.stiffness && a.damping == b.damping && a.target_position == b.target_position &&
         a.target_velocity == b.target_velocity && a.max_force == b.max_force;
}

bool equal(const Geometry& a, const Geometry& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<Box>(&a)) return x->size == std::get<Box>(b).size;
  if (const auto* x = std::get_if<Sphere>(&a)) return x->radius == std::get<Sphere>(b).radius;
  const auto round = [](const auto& x, const auto& y) { return x.radius == y.radius && x.height == y.height; };
  if (const auto* x = std::get_if<Capsule>(&a)) return round(*x, std::get<Capsule>(b));
  if (const auto* x = std::get_if<Cylinder>(&a)) return round(*x, std::get<Cylinder>(b));
  if (const auto* x = std::get_if<Cone>(&a)) return round(*x, std::get<Cone>(b));
  if (const auto* x = std::get_if<Plane>(&a)) {
    return x->size_x == std::get<Plane>(b).size_x && x->size_y == std::get<Plane>(b).size_y;
  }
  const auto meshes = [](const auto& x, const auto& y) { return x.mesh == y.mesh && x.scale == y.scale; };
  if (const auto* x = std::get_if<TriangleMesh>(&a)) return meshes(*x, std::get<TriangleMesh>(b));
  if (const auto* x = std::get_if<ConvexHull>(&a)) return meshes(*x, std::get<ConvexHull>(b));
  const HeightField &x = std::get<HeightField>(a), &y = std::get<HeightField>(b);
  return x.columns == y.columns && x.rows == y.rows && x.size_x == y.size_x && x.size_y == y.size_y &&
         x.heights == y.heights;
}

// Shapes, materials, meshes and sites by name: they are read in the order of the tree.
Scene by_name(Scene s) {
  const auto sorted = [](auto& items) {
    std::vector<int> order(items.size()), place(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) order[i] = static_cast<int>(i);
    std::stable_sort(order.begin(), order.end(), [&](int x, int y) {
      return items[static_cast<std::size_t>(x)].path < items[static_cast<std::size_t>(y)].path;
    });
    auto copy = items;
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i] = copy[static_cast<std::size_t>(order[i])];
      place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
    }
    return place;
  };
  const std::vector<int> material = sorted(s.materials), mesh = sorted(s.meshes);
  for (Shape& shape : s.shapes) {
    if (shape.material.valid()) shape.material.value = material[shape.material.index()];
    if (auto* g = std::get_if<TriangleMesh>(&shape.geometry)) g->mesh.value = mesh[g->mesh.index()];
    if (auto* g = std::get_if<ConvexHull>(&shape.geometry)) g->mesh.value = mesh[g->mesh.index()];
  }
  sorted(s.shapes), sorted(s.sites), sorted(s.cameras);
  return s;
}

// Number for number; where things were written is not compared, nor the units of the file.
void expect_same(const Scene& written, const Scene& read) {
  const Scene a = by_name(written), b = by_name(read);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.gravity, b.gravity);
  EXPECT_EQ(a.up, b.up);
  ASSERT_EQ(a.bodies.size(), b.bodies.size());
  for (std::size_t i = 0; i < a.bodies.size(); ++i) {
    const Body &x = a.bodies[i], &y = b.bodies[i];
    EXPECT_EQ(x.path, y.path);
    EXPECT_EQ(x.X_WB, y.X_WB) << x.path;
    EXPECT_EQ(x.V_WB, y.V_WB) << x.path;
    EXPECT_EQ(x.mass.mass, y.mass.mass) << x.path;
    EXPECT_EQ(x.mass.center, y.mass.center) << x.path;
    EXPECT_EQ(x.mass.inertia, y.mass.inertia) << x.path;
    EXPECT_EQ(x.kinematic, y.kinematic) << x.path;
    EXPECT_EQ(x.gravity, y.gravity) << x.path;
  }
  ASSERT_EQ(a.joints.size(), b.joints.size());
  for (std::size_t i = 0; i < a.joints.size(); ++i) {
    const Joint &x = a.joints[i], &y = b.joints[i];
    EXPECT_EQ(x.path, y.path);
    EXPECT_EQ(x.type, y.type) << x.path;
    EXPECT_EQ(x.parent, y.parent) << x.path;
    EXPECT_EQ(x.child, y.child) << x.path;
    EXPECT_EQ(x.X_PJ, y.X_PJ) << x.path;
    EXPECT_EQ(x.X_CJ, y.X_CJ) << x.path;
    EXPECT_EQ(x.axis, y.axis) << x.path;
    EXPECT_EQ(x.enabled, y.enabled) << x.path;
    for (const auto field :
         {&Joint::lower, &Joint::upper, &Joint::velocity_limit, &Joint::effort_limit, &Joint::damping, &Joint::friction,
          &Joint::armature, &Joint::stiffness, &Joint::spring_position, &Joint::break_force, &Joint::break_torque}) {
      EXPECT_EQ(x.*field, y.*field) << x.path;
    }
    EXPECT_TRUE(equal(x.drive, y.drive)) << x.path;
    EXPECT_EQ(x.position, y.position) << x.path;
    EXPECT_EQ(x.velocity, y.velocity) << x.path;
    EXPECT_EQ(x.collision_enabled, y.collision_enabled) << x.path;
    EXPECT_EQ(x.excluded_from_articulation, y.excluded_from_articulation) << x.path;
  }
  ASSERT_EQ(a.mimics.size(), b.mimics.size());
  for (std::size_t i = 0; i < a.mimics.size(); ++i) {
    EXPECT_EQ(a.mimics[i].joint, b.mimics[i].joint);
    EXPECT_EQ(a.mimics[i].source, b.mimics[i].source);
    EXPECT_EQ(a.mimics[i].multiplier, b.mimics[i].multiplier);
    EXPECT_EQ(a.mimics[i].offset, b.mimics[i].offset);
  }
  ASSERT_EQ(a.shapes.size(), b.shapes.size());
  for (std::size_t i = 0; i < a.shapes.size(); ++i) {
    const Shape &x = a.shapes[i], &y = b.shapes[i];
    EXPECT_EQ(x.path, y.path);
    EXPECT_EQ(x.body, y.body) << x.path;
    EXPECT_EQ(x.X_BS, y.X_BS) << x.path;
    EXPECT_TRUE(equal(x.geometry, y.geometry)) << x.path;
    EXPECT_EQ(x.material, y.material) << x.path;
    EXPECT_EQ(x.visible, y.visible) << x.path;
    EXPECT_EQ(x.collides, y.collides) << x.path;
  }
  ASSERT_EQ(a.materials.size(), b.materials.size());
  for (std::size_t i = 0; i < a.materials.size(); ++i) {
    const Material &x = a.materials[i], &y = b.materials[i];
    EXPECT_EQ(x.path, y.path);
    EXPECT_EQ(x.color, y.color) << x.path;
    EXPECT_EQ(x.emission, y.emission) << x.path;
    EXPECT_EQ(x.metallic, y.metallic) << x.path;
    EXPECT_EQ(x.roughness, y.roughness) << x.path;
    EXPECT_EQ(x.static_friction, y.static_friction) << x.path;
    EXPECT_EQ(x.dynamic_friction, y.dynamic_friction) << x.path;
    EXPECT_EQ(x.restitution, y.restitution) << x.path;
    EXPECT_EQ(x.density, y.density) << x.path;
  }
  ASSERT_EQ(a.meshes.size(), b.meshes.size());
  for (std::size_t i = 0; i < a.meshes.size(); ++i) {
    EXPECT_EQ(a.meshes[i].path, b.meshes[i].path);
    EXPECT_EQ(a.meshes[i].vertices, b.meshes[i].vertices);
    EXPECT_EQ(a.meshes[i].normals, b.meshes[i].normals);
    EXPECT_EQ(a.meshes[i].triangles, b.meshes[i].triangles);
  }
  ASSERT_EQ(a.sites.size(), b.sites.size());
  for (std::size_t i = 0; i < a.sites.size(); ++i) {
    EXPECT_EQ(a.sites[i].path, b.sites[i].path);
    EXPECT_EQ(a.sites[i].body, b.sites[i].body);
    EXPECT_EQ(a.sites[i].X_BS, b.sites[i].X_BS);
  }
  ASSERT_EQ(a.cameras.size(), b.cameras.size());
  for (std::size_t i = 0; i < a.cameras.size(); ++i) {
    EXPECT_EQ(a.cameras[i].path, b.cameras[i].path);
    EXPECT_EQ(a.cameras[i].body, b.cameras[i].body);
    EXPECT_EQ(a.cameras[i].X_BC, b.cameras[i].X_BC);
    EXPECT_EQ(a.cameras[i].vertical_fov, b.cameras[i].vertical_fov);
    EXPECT_EQ(a.cameras[i].near, b.cameras[i].near);
    EXPECT_EQ(a.cameras[i].far, b.cameras[i].far);
  }
  EXPECT_EQ(a.collision_exclusions, b.collision_exclusions);
}

// One of everything, with numbers that no short decimal hits.
Scene everything() {
  Scene s;
  s.name = "Cell";  // everything in the order of the tree of names, which is that of reading
  s.gravity = {0.1, 0.01 / 3, -9.82};
  const Quatd turn = normalized(Quatd{0.3, -0.7, 0.2, 0.9});
  const Posed X{turn, {1.0 / 3, -2.0 / 7, 1e-9}};
  s.bodies.push_back({"/Cell/base", X, {}, {12, {0, 0.1, 1.0 / 3}, {1, 2, 2.5, 0, 0, 0}}, true, true, {}});
  s.bodies.push_back({"/Cell/base/arm",
                      {turn, {0, 0, 5}},
                      {{0.1, 0.2, 1.0 / 3}, {1, 2, 3}},
                      {1e-3, {0.1, 0, 0}, {3, 2, 2.2, 0.1, -0.2, 1.0 / 30}},
                      false,
                      false,
                      {}});
  s.bodies.push_back({"/Other/hand", {}, {}, {0, {}, {}}, false, true, {}});
  s.meshes.push_back(
      {"part.stl", {{0, 0, 0}, {1, 0, 0}, {0, 0.1f, 0}, {0, 0, 1}}, {}, {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}}});
  s.meshes.push_back(
      {"/Cell/base/skin", {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 0, 1}, {0, 0, 1}, {0, 0, 1}}, {{0, 1, 2}}});
  Material steel;
  steel.path = "/Cell/Looks/steel";
  steel.color = {0.1f, 0.2f, 0.3f, 0.4f};
  steel.metallic = 0.9f, steel.roughness = 0.3f;
  steel.emission = {0.1f, 0, 0};
  steel.static_friction = 0.7, steel.dynamic_friction = 0.6, steel.restitution = 0.1, steel.density = 7800;
  Material rubber;
  rubber.path = "/Cell/Looks/rubber";
  rubber.color = {1, 0, 0, 1};
  rubber.roughness = 1;
  rubber.static_friction = 1.1, rubber.dynamic_friction = 1, rubber.restitution = 0.3;
  s.materials = {steel, rubber};
  const BodyId base{0}, arm{1}, hand{2};
  HeightField hills{3, 2, 1.5, 1.0 / 3, {0, 0.1f, 0, 0.2f, 0, 0.3f}};
  s.shapes = {{"/Cell/base/arm/rod", arm, X, Capsule{0.1, 1.0 / 3}, MaterialId{0}, true, true},
              {"/Cell/base/arm/can", arm, X, Cylinder{0.1, 1.0 / 3}, MaterialId{0}, true, false},
              {"/Cell/base/arm/tip", arm, X, Cone{0.1, 1.0 / 3}, {}, true, false},
              {"/Cell/base/box", base, X, Box{{0.1, 0.2, 1.0 / 3}}, MaterialId{0}, true, true},
              {"/Cell/base/ball", base, X, Sphere{1.0 / 7}, MaterialId{1}, false, true},
              {"/Cell/base/skin", base, X, TriangleMesh{MeshId{0}, {1, -2, 1.0 / 3}}, {}, true, false},
              {"/Cell/base/hull", base, X, ConvexHull{MeshId{0}, {1, 1, 1}}, {}, false, true},
              {"/Other/hand/flap", hand, {}, TriangleMesh{MeshId{1}, {1, 1, 1}}, {}, true, true},
              {"/Floor/ground", kWorld, X, Plane{10, 5}, MaterialId{1}, true, true},
              {"/Floor/hills", kWorld, X, hills, MaterialId{1}, true, true}};
  s.sites = {{"/Cell/base/arm/tcp", arm, X}, {"/Floor/mark", kWorld, X}};
  s.cameras = {{"/Cell/base/arm/eye", arm, X, 1.0 / 3, 0.01, 55}};
  const auto joint = [&](const char* name, JointType type, BodyId parent, BodyId child, const Vec3d& axis) {
    Joint j;
    j.path = std::string("/Cell/Joints/") + name;
    j.type = type, j.parent = parent, j.child = child, j.X_PJ = X, j.X_CJ = {conjugate(turn), {0, 1.0 / 3, 0}};
    j.axis = axis;
    return j;
  };
  Joint hinge = joint("hinge", JointType::kRevolute, base, arm, {1, 0, 0});
  hinge.lower = -1.0 / 3, hinge.upper = 2.1, hinge.effort_limit = 56, hinge.velocity_limit = pi, hinge.damping = 0.1;
  hinge.friction = 0.2, hinge.armature = 1.0 / 30, hinge.stiffness = 3, hinge.spring_position = 0.1;
  hinge.drive = {100.0 / 3, 2.0 / 3, 0.1, -0.7, 40}, hinge.position = 0.1, hinge.velocity = -1.0 / 3;
  hinge.break_force = 100, hinge.break_torque = 50, hinge.collision_enabled = true;
  Joint rail = joint("rail", JointType::kPrismatic, arm, hand, {0, 1, 0});
  rail.lower = -0.1, rail.drive = {1000, 1.0 / 3, 0.2, 0, kUnlimited}, rail.enabled = false;
  rail.excluded_from_articulation = true;
  Joint wheel = joint("wheel", JointType::kContinuous, kWorld, base, {0, 0, 1});
  wheel.drive.max_force = 3;
  s.joints = {hinge,
              rail,
              wheel,
              joint("weld", JointType::kFixed, kWorld, base, {0, 0, 1}),
              joint("ball", JointType::kSpherical, base, hand, {0, 0, 1}),
              joint("table", JointType::kPlanar, base, hand, {0, 1, 0}),
              joint("loose", JointType::kFree, base, hand, {0, 0, 1})};
  s.mimics = {{JointId{1}, JointId{0}, 0.5, 1.0 / 3}};
  s.collision_exclusions = {{kWorld, base}, {base, hand}};
  return s;
}

// Codes and lines that the second line of the file states: "# expect: code line".
TEST(ReadUsd, NamesCodeAndLineOfEveryBadFile) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kData + "bad")) {
    const std::string text = slurp(entry.path());
    const std::size_t at = text.find("# expect: ");
    ASSERT_NE(at, std::string::npos) << entry.path();
    std::istringstream expected(text.substr(at + 10));
    std::string code;
    int line = -1;
    expected >> code >> line;
    Diagnostics d;
    EXPECT_FALSE(read_usd(entry.path().string(), d).has_value()) << entry.path();
    ASSERT_FALSE(d.ok()) << entry.path();
    EXPECT_TRUE(std::any_of(
        d.findings().begin(), d.findings().end(),
        [&](const Finding& f) { return f.severity == Severity::kError && f.code == code && f.where.line == line; }))
        << entry.path() << " should have " << code << " in line " << line << ":\n"
        << d.text();
    ++files;
  }
  EXPECT_GE(files, 45);
}

// Whatever byte a file ends at, or has wrong, the reader returns.
TEST(ReadUsd, SurvivesEveryTruncationAndDamagedByte) {
  const std::string text = usda_text(everything());
  int refused = 0;
  for (std::size_t n = 0; n < text.size(); n += 7) {
    Diagnostics d;
    refused += !read_usda_text(text.substr(0, n), "cut.usda", d);
    std::string damaged = text;
    damaged[n] = static_cast<char>("\0{}()[]<>@\"#,=:.-9a\xff"[n % 20]);
    Diagnostics e;
    read_usda_text(damaged, "damaged.usda", e);
  }
  EXPECT_GT(refused, static_cast<int>(text.size() / 7 * 9 / 10));
}

TEST(ReadUsd, RefusesDeepNesting) {
  std::string prims = kUnits, values = kUnits + "def Xform \"a\" (\n    custom = ", dictionaries = values;
  for (int i = 0; i < 100000; ++i) prims += "def Xform \"a\" {\n";
  values += std::string(100000, '(') + "\n)\n{\n}\n";
  for (int i = 0; i < 100000; ++i) dictionaries += "{ dictionary a = ";
  for (const std::string& text : {prims, values, dictionaries}) {
    Diagnostics d;
    EXPECT_FALSE(read_usda_text(text, "deep.usda", d).has_value());
    EXPECT_TRUE(d.has("too-deep")) << d.text().substr(0, 2000);
  }
}

// Each level refers to the one below ten times: 10^20 prims if followed.
TEST(ReadUsd, RefusesReferencesThatMultiply) {
  std::string text = kUnits;
  for (int level = 0; level < 20; ++level) {
    text += "def Xform \"l" + std::to_string(level) + "\"\n{\n";
    for (int i = 0; i < 10 && level > 0; ++i) {
      text += "    def Xform \"c" + std::to_string(i) + "\" (\n        references = </l" + std::to_string(level - 1) +
              ">\n    )\n    {\n    }\n";
    }
    text += "}\n";
  }
  Diagnostics d;
  EXPECT_FALSE(read_usda_text(text, "bomb.usda", d).has_value());
  EXPECT_TRUE(d.has("too-large")) << d.text();
}

// Lines of the findings of a code, in a text that begins in line 6.
std::vector<int> lines_of(const std::string& code, const std::string& text) {
  Diagnostics d;
  EXPECT_TRUE(read_usda_text(kUnits + text, "test.usda", d).has_value()) << d.text();
  std::vector<int> lines;
  for (const Finding& f : d.findings()) {
    if (f.code == code && f.severity == Severity::kWarning) lines.push_back(f.where.line);
  }
  return lines;
}

TEST(ReadUsd, WarnsOfOverridesBelowAnInstance) {
  const auto text = [](const std::string& fields, const std::string& body) {
    return "def Xform \"p\"\n{\n    def Cube \"c\"\n    {\n    }\n}\n"
           "def \"i\" (\n    references = </p>\n" +
           fields + ")\n{\n" + body + "}\n";
  };
  const std::string instance = "    instanceable = true\n", override = "    over \"c\"\n    {\n    }\n";
  EXPECT_EQ(lines_of("instance-override", text(instance, override)), (std::vector<int>{17}));
  EXPECT_TRUE(lines_of("instance-override", text("", override)).empty());
  EXPECT_TRUE(lines_of("instance-override", text(instance, "")).empty());
}

TEST(ReadUsd, WarnsOnceOfMaterialsOfSubsets) {
  const std::string material = "def Material \"m\" (\n    prepend apiSchemas = [\"PhysicsMaterialAPI\"]\n)\n{\n}\n";
  const std::string mesh =
      "def Mesh \"q\" (\n    prepend apiSchemas = [\"PhysicsCollisionAPI\"]\n)\n{\n"
      "    point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]\n    int[] faceVertexCounts = [3, 3]\n"
      "    int[] faceVertexIndices = [0, 1, 2, 1, 3, 2]\n";
  const std::string subset = "\"\n    {\n        int[] indices = [0]\n        rel material:binding";
  const auto text = [&](const char* purpose) {
    return material + mesh + "    def GeomSubset \"a" + subset + purpose + " = </m>\n    }\n    def GeomSubset \"b" +
           subset + purpose + " = </m>\n    }\n    def GeomSubset \"c\"\n    {\n    }\n}\n";
  };
  EXPECT_EQ(lines_of("subset-material", text("")), (std::vector<int>{18}));
  EXPECT_EQ(lines_of("subset-material", text(":physics")), (std::vector<int>{18}));
  EXPECT_TRUE(lines_of("subset-material", text(":preview")).empty());
}

TEST(ReadUsd, ReportsSeveralErrorsOfOneFile) {
  Diagnostics d;
  read_usda_text(kUnits +
                     "def Sphere \"a\"\n{\n    double radius = big\n    real height = 1\n    double size = 1\n}\n\n"
                     "def Sphere \"b\"\n{\n    double3 x = (1, 2\n    token visibility = 3\n}\n",
                 "several.usda", d);
  for (const int line : {8, 9, 16}) {
    EXPECT_TRUE(
        std::any_of(d.findings().begin(), d.findings().end(), [&](const Finding& f) { return f.where.line == line; }))
        << line << "\n"
        << d.text();
  }
}

TEST(ReadUsd, ComposesSublayersReferencesAndPayloads) {
  Diagnostics d;
  const std::optional<Scene> s = read_usd(kData + "two_links.usda", d);
  ASSERT_TRUE(s.has_value()) << d.text();
  ASSERT_EQ(s->bodies.size(), 2u);
  EXPECT_EQ(s->bodies[0].path, "/Robot/left/body");
  EXPECT_EQ(s->bodies[0].mass.mass, 3);  // the sublayer is stronger than the reference
  EXPECT_EQ(s->bodies[1].mass.mass, 2);
  EXPECT_EQ(s->bodies[0].X_WB.p, (Vec3d{0, 1, 0.5}));
  EXPECT_EQ(s->bodies[1].X_WB.p, (Vec3d{0, -1, 0.5}));
  EXPECT_NEAR(s->bodies[1].mass.inertia.zz, 2.0 / 12 * (0.01 + 0.04), 1e-15);
  ASSERT_EQ(s->joints.size(), 2u);
  EXPECT_EQ(s->joints[0].parent, kWorld);
  EXPECT_EQ(s->joints[0].child, BodyId{0});   // targets follow the reference
  EXPECT_EQ(s->joints[1].parent, BodyId{0});  // the body above the shape that is named
  EXPECT_EQ(s->joints[1].child, BodyId{1});
  EXPECT_EQ(s->joints[1].axis, (Vec3d{0, 1, 0}));
  EXPECT_NEAR(s->joints[1].upper, pi / 4, 1e-15);
  EXPECT_NEAR(s->joints[1].lower, -pi / 2, 1e-15);
  EXPECT_NE(s->bodies[0].source.file.find("link.usda"), std::string::npos);
  EXPECT_EQ(s->bodies[0].source.line, 10);
}

TEST(ReadUsd, ConvertsUnitsAndDegrees) {
  const Scene s = read_good(
      "#usda 1.0\n(\n    metersPerUnit = 0.01\n    kilogramsPerUnit = 0.001\n    upAxis = \"Y\"\n)\n"
      "def PhysicsScene \"p\"\n{\n}\n"
      "def Xform \"a\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n"
      "    float physics:mass = 2000\n    float3 physics:diagonalInertia = (10000, 20000, 20000)\n"
      "    double3 xformOp:translate = (100, 0, 50)\n    vector3f physics:angularVelocity = (0, 180, 0)\n"
      "    vector3f physics:velocity = (300, 0, 0)\n    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n}\n"
      "def PhysicsRevoluteJoint \"j\" (\n    prepend apiSchemas = [\"PhysicsDriveAPI:angular\"]\n)\n{\n"
      "    rel physics:body1 = </a>\n    float drive:angular:physics:stiffness = 10000000\n"
      "    float drive:angular:physics:targetPosition = 90\n}\n");
  EXPECT_EQ(s.gravity, (Vec3d{0, -9.81, 0}));
  EXPECT_NEAR(s.bodies[0].X_WB.p.x, 1, 1e-15);
  EXPECT_NEAR(s.bodies[0].mass.mass, 2, 1e-15);
  EXPECT_NEAR(s.bodies[0].mass.inertia.yy, 20000 * 1e-3 * 1e-4, 1e-15);
  EXPECT_NEAR(s.bodies[0].V_WB.w.y, pi, 1e-15);
  EXPECT_NEAR(s.bodies[0].V_WB.v.x, 3, 1e-15);
  EXPECT_NEAR(s.joints[0].drive.stiffness, 1e7 * 1e-3 * 1e-4 * 180 / pi, 1e-12);
  EXPECT_NEAR(s.joints[0].drive.target_position, pi / 2, 1e-15);
  EXPECT_EQ(s.joints[0].axis, (Vec3d{1, 0, 0}));
}

// Density of the shape before the body's before the material's before 1000 kg/m3; the body's mass before all.
TEST(ReadUsd, KeepsThePrecedenceOfMass) {
  const auto mass = [](const std::string& body, const std::string& shape, const std::string& material) {
    return read_good(
               kUnits + "def Material \"m\" (\n    prepend apiSchemas = [\"PhysicsMaterialAPI\"]\n)\n{\n" + material +
               "\n}\ndef Xform \"a\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", "
               "\"PhysicsMassAPI\"]\n)\n{\n" +
               body +
               "\n    def Cube \"c\" (\n        prepend apiSchemas = [\"PhysicsCollisionAPI\", "
               "\"PhysicsMassAPI\"]\n    )\n    {\n        double size = 0.1\n        rel material:binding = </m>\n" +
               shape + "\n    }\n}\n")
        .bodies.at(0)
        .mass.mass;
  };
  EXPECT_NEAR(mass("", "", ""), 1, 1e-12);
  EXPECT_NEAR(mass("", "", "float physics:density = 2000"), 2, 1e-12);
  EXPECT_NEAR(mass("float physics:density = 3000", "", "float physics:density = 2000"), 3, 1e-12);
  EXPECT_NEAR(mass("float physics:density = 3000", "float physics:density = 4000", ""), 4, 1e-12);
  EXPECT_NEAR(mass("", "float physics:mass = 5\nfloat physics:density = 4000", ""), 5, 1e-12);
  EXPECT_NEAR(mass("float physics:mass = 6", "float physics:mass = 5", ""), 6, 1e-12);
}

TEST(ReadUsd, TakesNoMassFromAMeshThatIsNotClosed) {
  const auto findings = [](const std::string& body, const std::string& faces) {
    Diagnostics d;
    read_usda_text(
        kUnits + "def Xform \"a\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n" +
            body +
            "\n    def Mesh \"m\" (\n        prepend apiSchemas = [\"PhysicsCollisionAPI\"]\n    )\n    {\n"
            "        point3f[] points = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]\n" +
            faces + "\n    }\n}\n",
        "test.usda", d);
    return d;
  };
  const std::string open =
      "        int[] faceVertexCounts = [3, 3, 3]\n        int[] faceVertexIndices = [0, 2, 1, 0, 1, 3, 0, 3, 2]";
  const std::string closed =
      "        int[] faceVertexCounts = [3, 3, 3, 3]\n"
      "        int[] faceVertexIndices = [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3]";
  EXPECT_TRUE(findings("", open).has("mesh-open")) << findings("", open).text();
  EXPECT_GT(findings("", open).error_count(), 0u);
  EXPECT_FALSE(findings("", closed).has("mesh-open"));
  const std::string all =
      "    float physics:mass = 1\n    float3 physics:diagonalInertia = (1, 1, 1)\n"
      "    point3f physics:centerOfMass = (0, 0, 0)";
  EXPECT_FALSE(findings(all, open).has("mesh-open")) << findings(all, open).text();
}

TEST(ReadUsd, ComposesTransformOperations) {
  const auto pose = [](const std::string& ops) {
    const Scene s = read_good(kUnits +
                              "def Xform \"up\"\n{\n    double3 xformOp:translate = (9, 9, 9)\n"
                              "    uniform token[] xformOpOrder = [\"xformOp:translate\"]\n"
                              "    def Xform \"a\"\n    {\n        custom bool geoul:site = true\n" +
                              ops + "\n    }\n}\n");
    return transform(s.sites.at(0).X_BS);
  };
  // A pivot: turning by 90 degrees about z around (1, 0, 0) takes the origin to (1, -1, 0).
  const Transformd pivot = pose(
      "double3 xformOp:translate:pivot = (1, 0, 0)\nfloat xformOp:rotateZ = 90\nuniform token[] xformOpOrder = "
      "[\"!resetXformStack!\", \"xformOp:translate:pivot\", \"xformOp:rotateZ\", \"!invert!xformOp:translate:pivot\"]");
  EXPECT_NEAR(norm(pivot.p - Vec3d{1, -1, 0}), 0, 1e-15);
  // Rotations about x, then y, then z, as Rz Ry Rx.
  const Transformd xyz =
      pose("float3 xformOp:rotateXYZ = (90, 90, 0)\nuniform token[] xformOpOrder = [\"xformOp:rotateXYZ\"]");
  EXPECT_NEAR(norm(xyz * Vec3d{0, 1, 0} - xyz.p - Vec3d{1, 0, 0}), 0, 1e-15);
  EXPECT_EQ(xyz.p, (Vec3d{9, 9, 9}));
  // The rows of a matrix are the images of the axes.
  const Transformd matrix = pose(
      "matrix4d xformOp:transform = ((0, 1, 0, 0), (-1, 0, 0, 0), (0, 0, 1, 0), (1, 2, 3, 1))\n"
      "uniform token[] xformOpOrder = [\"xformOp:transform\"]");
  EXPECT_NEAR(norm(matrix * Vec3d{1, 0, 0} - Vec3d{10, 12, 12}), 0, 1e-14);
}

// Millimetres mirrored by a scale of -0.001: the same place as the plain file in metres.
TEST(ReadUsd, BakesMirroredScalesIntoPlaces) {
  const Scene s = read_good(
      kUnits +
      "def Xform \"a\"\n{\n    double3 xformOp:scale = (-0.001, 0.001, 0.001)\n"
      "    uniform token[] xformOpOrder = [\"xformOp:scale\"]\n"
      "    def Xform \"b\" (\n        prepend apiSchemas = [\"PhysicsRigidBodyAPI\"]\n    )\n    {\n"
      "        double3 xformOp:translate = (1000, 2000, 0)\n        uniform token[] xformOpOrder = "
      "[\"xformOp:translate\"]\n        def Cube \"c\" (\n            prepend apiSchemas = "
      "[\"PhysicsCollisionAPI\"]\n        )\n        {\n            double size = 100\n        }\n    }\n}\n");
  EXPECT_NEAR(norm(s.bodies[0].X_WB.p - Vec3d{-1, 2, 0}), 0, 1e-15);
  EXPECT_NEAR(s.bodies[0].mass.mass, 1, 1e-12);
  EXPECT_NEAR(norm(std::get<Box>(s.shapes[0].geometry).size - Vec3d{0.1, 0.1, 0.1}), 0, 1e-15);
}

TEST(ReadUsd, ClassifiesGenericJoints) {
  const auto type = [](const std::vector<std::string>& locked) {
    std::string apis, limits;
    for (const std::string& axis : locked) {
      apis += (apis.empty() ? "" : ", ") + std::string("\"PhysicsLimitAPI:") + axis + "\"";
      limits += "    float limit:" + axis + ":physics:low = 1\n    float limit:" + axis + ":physics:high = -1\n";
    }
    return read_good(kUnits + "def PhysicsJoint \"j\" (\n    prepend apiSchemas = [" + apis + "]\n)\n{\n" + limits +
                     "}\n")
        .joints.at(0);
  };
  EXPECT_EQ(type({}).type, JointType::kFree);
  EXPECT_EQ(type({"transX", "transY", "transZ"}).type, JointType::kSpherical);
  EXPECT_EQ(type({"transX", "transY", "transZ", "rotX", "rotY", "rotZ"}).type, JointType::kFixed);
  EXPECT_EQ(type({"transX", "transY", "transZ", "rotX", "rotZ"}).axis, (Vec3d{0, 1, 0}));
  EXPECT_EQ(type({"transX", "transY", "rotX", "rotY", "rotZ"}).type, JointType::kPrismatic);
  EXPECT_EQ(type({"transX", "rotY", "rotZ"}).type, JointType::kPlanar);
  EXPECT_EQ(type({"transX", "rotY", "rotZ"}).axis, (Vec3d{1, 0, 0}));
}

TEST(ReadUsd, TurnsCollisionGroupsAndFilteredPairsIntoExclusions) {
  const auto body = [](const std::string& name, const std::string& more) {
    return "def Cube \"" + name +
           "\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsCollisionAPI\", "
           "\"PhysicsFilteredPairsAPI\"]\n)\n{\n" +
           more + "}\n";
  };
  const Scene s =
      read_good(kUnits + body("a", "") + body("b", "    rel physics:filteredPairs = </a>\n") + body("c", "") +
                "def PhysicsCollisionGroup \"g\" (\n    prepend apiSchemas = [\"CollectionAPI:colliders\"]\n)\n{\n"
                "    rel collection:colliders:includes = [</b>, </c>]\n    rel physics:filteredGroups = </g>\n}\n");
  const std::vector<std::pair<BodyId, BodyId>> expected = {{BodyId{0}, BodyId{1}}, {BodyId{1}, BodyId{2}}};
  EXPECT_EQ(s.collision_exclusions, expected);
}

TEST(WriteUsd, RoundTripKeepsEveryNumber) {
  const Scene scene = everything();
  const std::string text = usda_text(scene);
  Diagnostics d;
  const std::optional<Scene> again = read_usda_text(text, "again.usda", d);
  ASSERT_TRUE(again.has_value()) << d.text();
  expect_same(scene, *again);
  EXPECT_TRUE(usda_text(*again) == text);
}

// An axis that USD has no word for is turned to z: the line of motion in both bodies stays where it was.
TEST(WriteUsd, TurnsJointFramesToObliqueAxes) {
  for (const Vec3d& axis : {Vec3d{0, 0, -1}, Vec3d{-1, 0, 0}, Vec3d{0.6, 0, 0.8}}) {
    Scene scene = everything();
    scene.joints[0].axis = axis;
    const Scene again = read_good(usda_text(scene));
    const Joint &a = scene.joints[0], &b = again.joints[0];
    EXPECT_NEAR(norm(rotation_matrix(a.X_PJ.R) * a.axis - rotation_matrix(b.X_PJ.R) * b.axis), 0, 1e-15);
    EXPECT_NEAR(norm(rotation_matrix(a.X_CJ.R) * a.axis - rotation_matrix(b.X_CJ.R) * b.axis), 0, 1e-15);
    // Zero stays zero: the relative rotation at q = 0 is the same.
    EXPECT_NEAR(angle_between(a.X_PJ.R * conjugate(a.X_CJ.R), b.X_PJ.R * conjugate(b.X_CJ.R)), 0, 1e-15);
  }
}

TEST(WriteUsd, LeavesNothingHalfWritten) {
  const fs::path folder = fs::temp_directory_path() / "geoul_usd_write_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const std::string file = (folder / "cell.usda").string();
  ASSERT_TRUE(write_usda(everything(), file));
  EXPECT_EQ(slurp(file), usda_text(everything()));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
  fs::create_directories(folder / "taken.usda" / "full");
  EXPECT_FALSE(write_usda(everything(), (folder / "taken.usda").string()));
  EXPECT_FALSE(write_usda(everything(), (folder / "absent" / "cell.usda").string()));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
  fs::remove_all(folder);
}

// The main job's scene: every joint's two frames must meet in the world at the written poses (q = 0), and a second
// reading of what is written gives the same scene.
TEST(Ur3eCell, JointFramesMeetAtTheWrittenPoses) {
  const std::string file = std::string(GEOUL_SOURCE_DIR) + "/scenarios/ur3e_cell/cell.usda";
  if (!fs::exists(file)) GTEST_SKIP() << "no scenarios/ur3e_cell/cell.usda";
  Diagnostics d;
  const std::optional<Scene> s = read_usd(file, d);
  ASSERT_TRUE(s.has_value()) << d.text();
  EXPECT_TRUE(d.findings().empty()) << d.text();
  EXPECT_EQ(s->bodies.size(), 42u);
  EXPECT_EQ(s->joints.size(), 51u);
  EXPECT_EQ(
      std::count_if(s->joints.begin(), s->joints.end(), [](const Joint& j) { return velocity_size(j.type) == 1; }), 6);
  for (const Joint& j : s->joints) {
    const auto world = [&](BodyId body, const Posed& X) {
      return body.valid() ? transform(s->bodies[body.index()].X_WB) * transform(X) : transform(X);
    };
    const Transformd P = world(j.parent, j.X_PJ), C = world(j.child, j.X_CJ);
    EXPECT_NEAR(norm(P.p - C.p), 0, 1e-12) << j.path;
    EXPECT_NEAR(angle_between(quaternion(P.R), quaternion(C.R)), 0, 1e-7) << j.path;
  }
  // Flange at zero: x = a2 + a3, y = -(d4 + d6), z = d1 - d5 over the base at 0.75 m; maker's DH parameters of the
  // UR3e.
  const std::optional<BodyId> flange = find_body(*s, "/Cell/UR3e/wrist_3_link");
  ASSERT_TRUE(flange.has_value());
  const Vec3d expected{-0.24355 - 0.2132, -0.13105 - 0.0921, 0.75 + 0.15185 - 0.08535};
  EXPECT_NEAR(norm(s->bodies[flange->index()].X_WB.p - expected), 0, 1e-9);
  expect_same(*s, read_good(usda_text(*s)));
}

TEST(SharedUsdData, IsReadOrRefusedForAStatedReason) {
  const fs::path folder = fs::path(GEOUL_SOURCE_DIR).parent_path() / "shared/data/usd";
  if (!fs::exists(folder)) GTEST_SKIP() << "no " << folder;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".usda") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::map<std::string, int> reasons;
  for (const fs::path& file : files) {
    Diagnostics d;
    const std::optional<Scene> scene = read_usd(file.string(), d);
    EXPECT_EQ(scene.has_value(), d.ok()) << file;
    const auto first = std::find_if(d.findings().begin(), d.findings().end(),
                                    [](const Finding& f) { return f.severity == Severity::kError; });
    ++reasons[scene ? "read" : first->code];
    if (!scene) {
      EXPECT_FALSE(first->where.file.empty()) << file << "\n" << d.text();
    }
  }
  for (const auto& [reason, count] : reasons) std::printf("%5d  %s\n", count, reason.c_str());
  EXPECT_GE(reasons["read"], 355);
  EXPECT_EQ(files.size(), 474u);
}

}  // namespace
}  // namespace geoul::scene
