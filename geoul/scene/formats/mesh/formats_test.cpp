// All mesh formats against one box of known volume, and the folder of bad files.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "geoul/scene/formats/mesh/mesh_check.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/formats/mesh/parts.h"
#include "geoul/scene/formats/mjcf/mjcf.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;
const std::string kData = GEOUL_SOURCE_DIR "/geoul/scene/formats/mesh/testdata/";

std::vector<MeshPart> read_good(const std::string& file) {
  Diagnostics d;
  auto parts = read_mesh_file(kData + file, {.apply_up_axis = true}, d);
  EXPECT_TRUE(parts && d.ok()) << d.text();
  return parts ? std::move(*parts) : std::vector<MeshPart>(1);
}

// Every file but those of bad/ holds the box [0.5, 1.5] x [0, 2] x [-1, 2] m, in units, axes and node transforms of its
// own (some mirrored): volume, centre and inertia in closed form.
TEST(MeshFormats, AllGiveTheSameSolid) {
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kData)) {
    const std::string file = fs::relative(entry.path(), kData).string();
    if (!entry.is_regular_file() || !mesh_format(file) || file.rfind("bad/", 0) == 0) continue;
    SCOPED_TRACE(file);
    ++files;
    Scene scene;
    scene.meshes.push_back(merged(read_good(file)));
    const MeshCheck check = check_mesh(scene.meshes[0]);
    EXPECT_EQ(complaint(check), "");
    EXPECT_EQ(check.triangles, 12u);
    EXPECT_EQ(check.pieces, 1u);
    EXPECT_NEAR(check.area, 22, 1e-5);
    const auto mass = solid_mass(scene, TriangleMesh{MeshId{0}, {1, 1, 1}}, 1);
    ASSERT_TRUE(mass);
    EXPECT_NEAR(mass->mass, 6, 1e-5);  // vertices are floats
    EXPECT_NEAR(norm(mass->center - Vec3d{1, 1, 0.5}), 0, 1e-6);
    EXPECT_NEAR(mass->inertia.xx, 6.0 / 12 * (4 + 9), 1e-5);
    EXPECT_NEAR(mass->inertia.yy, 6.0 / 12 * (1 + 9), 1e-5);
    EXPECT_NEAR(mass->inertia.zz, 6.0 / 12 * (1 + 4), 1e-5);
    EXPECT_NEAR(mass->inertia.xy, 0, 1e-5);
  }
  EXPECT_EQ(files, 16);
}

TEST(MeshFormats, MaterialsBecomePartsWithLinearColours) {
  const auto obj = read_good("obj/quads.obj");
  ASSERT_EQ(obj.size(), 2u);
  EXPECT_EQ(obj[0].color, (std::array<float, 4>{1, 0, 0, 1}));
  EXPECT_EQ(obj[1].color, (std::array<float, 4>{0, 0, 1, 0.5f}));
  const auto model = read_good("three_mf/millimetre.3mf");
  ASSERT_EQ(model.size(), 2u);
  EXPECT_EQ(model[0].color, (std::array<float, 4>{1, 0, 0, 1}));
  EXPECT_NEAR(model[1].color.value()[3], 128 / 255.0, 1e-6);
  EXPECT_EQ(read_good("gltf/chunk.glb")[0].color, (std::array<float, 4>{1, 0.5f, 0, 1}));
  EXPECT_FALSE(read_good("gltf/sparse.glb")[0].color);
}

TEST(MeshFormats, NormalsOfTheFileStay) {
  const Mesh mesh = read_good("obj/normals.obj")[0].mesh;
  ASSERT_EQ(mesh.vertices.size(), 24u);  // three normals a corner
  ASSERT_EQ(mesh.normals.size(), 24u);
  for (const auto& t : mesh.triangles) {
    const Vec3<float> n = cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]);
    EXPECT_GT(dot(n, mesh.normals[t[0]]), 0.99f * norm(n));
  }
}

// An L, with its reflex corner first: a fan from there would leave the shape.
TEST(MeshFormats, ConcavePolygonsAreCutByEars) {
  const std::string text =
      "v 1 1 0\nv 1 2 0\nv 0 2 0\nv 0 0 0\nv 2 0 0\nv 2 1 0\nv 5 5 5\nf 2 3 4 5 6 1\nf 1 6 5 4 3 2\n";
  Diagnostics d;
  const auto parts = read_mesh_bytes(text, MeshFormat::kObj, "l", {}, d);
  ASSERT_TRUE(parts) << d.text();
  EXPECT_EQ(parts->at(0).mesh.triangles.size(), 8u);
  EXPECT_NEAR(check_mesh(parts->at(0).mesh).area, 6, 1e-12);  // 3 from either side
  for (const auto& t : parts->at(0).mesh.triangles) {
    const auto& v = parts->at(0).mesh.vertices;
    const Vec3<float> middle = (1.0f / 3) * (v[t[0]] + v[t[1]] + v[t[2]]);
    EXPECT_FALSE(middle.x > 1 && middle.y > 1);
  }
}

TEST(MeshFormats, ChecksSayWhatKeepsASurfaceFromBeingASolid) {
  const Mesh box = merged(read_good("stl/text.stl"));
  Mesh turned = box;
  turn_inside_out(turned);
  EXPECT_NEAR(check_mesh(turned).volume, -6, 1e-6);
  EXPECT_EQ(complaint(check_mesh(turned)), "its triangles face inwards");
  Mesh open = box;
  open.triangles.pop_back();
  EXPECT_EQ(check_mesh(open).open_edges, 3u);
  EXPECT_EQ(complaint(check_mesh(open)), "3 open edges");
  Mesh mixed = box;
  std::swap(mixed.triangles[0][0], mixed.triangles[0][1]);
  EXPECT_EQ(check_mesh(mixed).reversed_edges, 3u);
  EXPECT_FALSE(is_closed(mixed));
  Mesh two = box;
  mesh::append(box, {Mat3d::identity(), {10, 0, 0}}, two);
  EXPECT_EQ(check_mesh(two).pieces, 2u);
  EXPECT_NEAR(check_mesh(two).volume, 12, 1e-5);
  EXPECT_EQ(complaint(check_mesh(two)), "");
}

TEST(MeshFormats, AMeshTurnedInsideOutIsTurnedRoundAndSaid) {
  const fs::path file = fs::temp_directory_path() / ("geoul_inside_out_" + std::to_string(::getpid()) + ".obj");
  std::ofstream(file) << "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 4 2\nf 1 3 4\nf 2 4 3\n";
  Diagnostics d;
  const auto scene = read_scene(file.string(), d);
  fs::remove(file);
  ASSERT_TRUE(scene) << d.text();
  EXPECT_TRUE(d.has("mesh-inside-out"));
  ASSERT_EQ(scene->bodies.size(), 1u);
  EXPECT_NEAR(scene->bodies[0].mass.mass, 1000.0 / 6, 1e-9);
}

// testdata/bad/expected.txt: file, code. Each refused by its first error, with at most 256 MiB and a second of
// processor time in a process of its own (not measured under sanitizers).
TEST(MeshFormats, BadFilesAreRefusedForTheirReason) {
  std::ifstream expected(kData + "bad/expected.txt");
  std::string file, code;
  int count = 0;
  while (expected >> file >> code) {
    SCOPED_TRACE(file);
    ++count;
    Diagnostics d;
    EXPECT_FALSE(read_mesh_file(kData + "bad/" + file, {}, d));
    ASSERT_FALSE(d.ok());
    EXPECT_EQ(d.findings().front().code, code) << d.text();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Diagnostics own;
      _exit(read_mesh_file(kData + "bad/" + file, {}, own) ? 1 : 0);
    }
    int status = 0;
    struct rusage used {};
    ASSERT_EQ(::wait4(child, &status, 0, &used), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_LT(used.ru_maxrss, 256 << 10);
    EXPECT_LT(static_cast<double>(used.ru_utime.tv_sec) + 1e-6 * static_cast<double>(used.ru_utime.tv_usec), 1);
#endif
  }
  int files = 0;
  for (const auto& entry : fs::directory_iterator(kData + "bad")) files += entry.path().filename() != "expected.txt";
  EXPECT_EQ(count, files);
}

// A zigzag of 200,000 corners has an ear everywhere and nowhere: cutting it would take hours.
TEST(MeshFormats, PolygonBombsAreRefused) {
  std::string text, face = "f";
  for (int i = 0; i < 200'000; ++i) {
    text += "v " + std::to_string(i) + " " + std::to_string(i % 2 == 0 ? i % 97 : -(i % 89)) + " 0\n";
    face += " " + std::to_string(i + 1);
  }
  Diagnostics d;
  EXPECT_FALSE(read_mesh_bytes(text + face + "\n", MeshFormat::kObj, "zigzag", {}, d));
  EXPECT_TRUE(d.has("mesh-too-large")) << d.text();
}

// A hundred thousand nodes, each with the same mesh of a thousand vertices: counted before anything is made.
TEST(MeshFormats, InstanceBombsAreRefused) {
  std::string nodes, roots;
  for (int i = 0; i < 90'000; ++i) nodes += R"({"mesh":0},)", roots += std::to_string(i) + ",";
  nodes.pop_back(), roots.pop_back();
  const std::string text =
      R"({"asset":{"version":"2.0"},"scenes":[{"nodes":[)" + roots + R"(]}],"nodes":[)" + nodes +
      R"(],"meshes":[{"primitives":[{"attributes":{"POSITION":0}}]}],"accessors":[{"componentType":5126,"count":1000,)"
      R"("type":"VEC3","bufferView":0}],"bufferViews":[{"buffer":0,"byteLength":12000}],"buffers":[{"byteLength":12000,)"
      R"("uri":"data:;base64,)" +
      std::string(16000, 'A') + "\"}]}";
  Diagnostics d;
  EXPECT_FALSE(read_mesh_bytes(text, MeshFormat::kGltf, "bomb", {}, d));
  EXPECT_TRUE(d.has("mesh-too-large")) << d.text();
}

TEST(MeshFormats, UpAxisOfGltfIsTurnedOnlyWhenAsked) {
  Diagnostics d;
  const auto parts = read_mesh_file(kData + "gltf/chunk.glb", {}, d);
  ASSERT_TRUE(parts);
  float highest = -100;
  for (const auto& v : parts->at(0).mesh.vertices) highest = std::max(highest, v.y);
  EXPECT_FLOAT_EQ(highest, 2);  // z of the box
}

// UsdPhysics' convexDecomposition, written and read; MJCF by an option.
TEST(MeshFormats, DecompositionIsAskedForInUsdAndByAnOption) {
  Scene scene;
  scene.name = "cell";
  scene.meshes.push_back(merged(read_good("stl/text.stl")));
  Shape shape;
  shape.path = "/cell/part";
  shape.geometry = ConvexHull{MeshId{0}, {1, 1, 1}, 32};
  shape.collides = true;
  scene.shapes.push_back(shape);
  const fs::path file = fs::temp_directory_path() / ("geoul_parts_" + std::to_string(::getpid()) + ".usda");
  ASSERT_TRUE(write_usda(scene, file.string()));
  Diagnostics d;
  const auto back = read_scene(file.string(), d);
  fs::remove(file);
  ASSERT_TRUE(back) << d.text();
  ASSERT_EQ(back->shapes.size(), 1u);
  EXPECT_EQ(std::get<ConvexHull>(back->shapes[0].geometry).max_hulls, 32);
  const auto model = read_mjcf_text(
      "<mujoco><asset><mesh name=\"m\" vertex=\"0 0 0 1 0 0 0 1 0 0 0 1\"/></asset>"
      "<worldbody><geom type=\"mesh\" mesh=\"m\"/></worldbody></mujoco>",
      "model.xml", {.max_hulls = 5}, d);
  ASSERT_TRUE(model) << d.text();
  EXPECT_EQ(std::get<ConvexHull>(model->shapes[0].geometry).max_hulls, 5);
}

}  // namespace
}  // namespace geoul::scene
