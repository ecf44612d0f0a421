#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "geoul/scene/formats/mesh/mesh_check.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/scene.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

// One triangle (0,0,0) (1,0,0) (0,2,0) in the file's units, by any header and nodes.
std::string dae(const std::string& asset, const std::string& nodes, const std::string& library = "") {
  return "<?xml version=\"1.0\"?><COLLADA xmlns=\"http://www.collada.org/2005/11/COLLADASchema\" version=\"1.4.1\">"
         "<asset>" +
         asset +
         "</asset>"
         "<library_effects><effect id=\"e\"><profile_COMMON><technique sid=\"c\"><lambert><diffuse>"
         "<color>1 0.5 0 1</color></diffuse></lambert></technique></profile_COMMON></effect></library_effects>"
         "<library_materials><material id=\"m\" name=\"m\"><instance_effect url=\"#e\"/></material></library_materials>"
         "<library_geometries><geometry id=\"g\"><mesh><source id=\"p\"><float_array id=\"f\" count=\"9\">"
         "0 0 0 1 0 0 0 2 0</float_array><technique_common><accessor source=\"#f\" count=\"3\" stride=\"3\">"
         "<param name=\"X\" type=\"float\"/><param name=\"Y\" type=\"float\"/><param name=\"Z\" type=\"float\"/>"
         "</accessor></technique_common></source><vertices id=\"v\"><input semantic=\"POSITION\" source=\"#p\"/>"
         "</vertices><triangles material=\"s\" count=\"1\"><input semantic=\"VERTEX\" source=\"#v\" offset=\"0\"/>"
         "<p>0 1 2</p></triangles></mesh></geometry></library_geometries>" +
         library + "<library_visual_scenes><visual_scene id=\"w\">" + nodes +
         "</visual_scene></library_visual_scenes><scene><instance_visual_scene url=\"#w\"/></scene></COLLADA>";
}
const std::string kGeometry =
    "<instance_geometry url=\"#g\"><bind_material><technique_common><instance_material symbol=\"s\" target=\"#m\"/>"
    "</technique_common></bind_material></instance_geometry>";
const std::string kPlain = "<node id=\"n\">" + kGeometry + "</node>";

std::vector<MeshPart> parts_of(const std::string& bytes, MeshFormat format, const MeshOptions& options = {}) {
  Diagnostics d;
  auto parts = read_mesh_bytes(bytes, format, "mesh", options, d);
  EXPECT_TRUE(parts && d.ok()) << d.text();
  return parts ? *parts : std::vector<MeshPart>(1);
}
std::string refusal(const std::string& bytes, MeshFormat format, const MeshOptions& options = {}) {
  Diagnostics d;
  EXPECT_FALSE(read_mesh_bytes(bytes, format, "mesh", options, d));
  return d.ok() ? "" : d.findings().front().code;
}

Vec3<float> largest(const Mesh& mesh) {
  Vec3<float> m{-1e9f, -1e9f, -1e9f};
  for (const auto& v : mesh.vertices) m = {std::max(m.x, v.x), std::max(m.y, v.y), std::max(m.z, v.z)};
  return m;
}

TEST(Mesh, DaeUnitIsAppliedAndUpAxisIsNotUnlessAsked) {
  for (const std::string up : {"Y_UP", "Z_UP", "X_UP"}) {
    const std::string text = dae("<unit meter=\"0.01\"/><up_axis>" + up + "</up_axis>", kPlain);
    const Vec3<float> m = largest(parts_of(text, MeshFormat::kDae)[0].mesh);
    EXPECT_FLOAT_EQ(m.x, 0.01f) << up;
    EXPECT_FLOAT_EQ(m.y, 0.02f) << up;
    EXPECT_FLOAT_EQ(m.z, 0) << up;
  }
}

TEST(Mesh, DaeIsTurnedUprightWhenAsked) {
  const MeshOptions upright{.apply_up_axis = true};
  const auto turned = [&](const std::string& up) {
    return largest(parts_of(dae("<up_axis>" + up + "</up_axis>", kPlain), MeshFormat::kDae, upright)[0].mesh);
  };
  EXPECT_EQ(turned("Z_UP"), (Vec3<float>{1, 2, 0}));
  EXPECT_EQ(turned("Y_UP"), (Vec3<float>{1, 0, 2}));  // x stays, y becomes z
  EXPECT_EQ(turned("X_UP"), (Vec3<float>{0, 0, 1}));  // x becomes z, y becomes -x
}

TEST(Mesh, DaeNodesAreApplied) {
  const std::string nodes =
      "<node id=\"a\"><translate>10 0 0</translate><node id=\"b\"><scale>2 3 4</scale>" + kGeometry + "</node></node>";
  const Mesh mesh = parts_of(dae("<unit meter=\"0.1\"/>", nodes), MeshFormat::kDae)[0].mesh;
  const Vec3<float> m = largest(mesh);
  EXPECT_FLOAT_EQ(m.x, 1.2f);
  EXPECT_FLOAT_EQ(m.y, 0.6f);
}

TEST(Mesh, MirroredDaeNodesKeepTheOutside) {
  const auto normal_z = [](const Mesh& mesh) {
    const auto& t = mesh.triangles.at(0);
    return cross(mesh.vertices[t[1]] - mesh.vertices[t[0]], mesh.vertices[t[2]] - mesh.vertices[t[0]]).z;
  };
  const std::string mirrored = "<node id=\"a\"><scale>-1 1 1</scale>" + kGeometry + "</node>";
  EXPECT_GT(normal_z(parts_of(dae("", kPlain), MeshFormat::kDae)[0].mesh), 0);
  EXPECT_GT(normal_z(parts_of(dae("", mirrored), MeshFormat::kDae)[0].mesh), 0);
}

TEST(Mesh, DaeDiffuseColourIsLinear) {
  const auto color = parts_of(dae("", kPlain), MeshFormat::kDae)[0].color;
  ASSERT_TRUE(color);
  EXPECT_FLOAT_EQ((*color)[0], 1);
  EXPECT_NEAR((*color)[1], 0.21404, 1e-5);
  EXPECT_FLOAT_EQ((*color)[2], 0);
  EXPECT_FLOAT_EQ((*color)[3], 1);
}

// dae_fuzz_seeds/primitives.dae: unit cubes as triangles, polygons, polylists with normals, strips and fans, and an L
// of area 3, under every kind of transform, instanced.
TEST(Mesh, DaeReadsEveryPrimitiveUnderEveryTransform) {
  Diagnostics d;
  const auto parts =
      read_mesh_file(std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/mesh/dae_fuzz_seeds/primitives.dae", {}, d);
  ASSERT_TRUE(parts) << d.text();
  EXPECT_TRUE(d.findings().empty()) << d.text();
  struct Expected {
    std::size_t triangles;
    double volume;
    bool color;
    double alpha;
  };
  // Red: 2 x 1 x 3 and the two cubes of polygons; glass, mirrored: 1; without a material: strip and fans, the triangles
  // of both pairs. RGB_ZERO: 1 - 0.5 * luminance of (0.5, 0.5, 0.5).
  const Expected expected[] = {{36, 8, true, 1}, {12, 1, true, 0.75}, {36, 3, false, 1}};
  ASSERT_EQ(parts->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Mesh& mesh = (*parts)[i].mesh;
    double volume = 0;
    for (const auto& t : mesh.triangles) {
      volume += dot(Vec3d(mesh.vertices[t[0]]), cross(Vec3d(mesh.vertices[t[1]]), Vec3d(mesh.vertices[t[2]]))) / 6;
    }
    EXPECT_EQ(mesh.triangles.size(), expected[i].triangles) << i;
    EXPECT_NEAR(volume, expected[i].volume, 1e-4) << i;
    ASSERT_EQ((*parts)[i].color.has_value(), expected[i].color) << i;
    EXPECT_NEAR((*parts)[i].color.value_or(std::array{1.0f, 1.0f, 1.0f, 1.0f})[3], expected[i].alpha, 1e-6) << i;
  }
  EXPECT_FALSE((*parts)[1].mesh.normals.empty());
  const Vec3<float> m = largest((*parts)[0].mesh);  // the matrix: x to 2 x + 10, y to 3 z; the pairs reach 1 along y
  EXPECT_EQ(m.x, 12);
  EXPECT_EQ(m.y, 1);
  EXPECT_EQ(m.z, 3);
}

// An L of area 3 as one polygon, which a fan from its first corner would not fill rightly from every corner.
TEST(Mesh, DaePolygonsMayBeConcave) {
  Diagnostics d;
  const auto parts =
      read_mesh_file(std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/mesh/dae_fuzz_seeds/concave.dae", {}, d);
  ASSERT_TRUE(parts) << d.text();
  EXPECT_EQ(parts->at(0).mesh.triangles.size(), 4u);
  EXPECT_NEAR(check_mesh(parts->at(0).mesh).area, 3, 1e-6);
}

TEST(Mesh, WhatADaeLacksIsSaidAndTheRestIsRead) {
  Diagnostics d;
  const auto parts =
      read_mesh_file(std::string(GEOUL_SOURCE_DIR) + "/geoul/scene/formats/mesh/dae_fuzz_seeds/hole.dae", {}, d);
  ASSERT_TRUE(parts) << d.text();
  EXPECT_EQ(parts->at(0).mesh.triangles.size(), 2u);
  ASSERT_EQ(d.findings().size(), 3u) << d.text();
  for (const Finding& f : d.findings()) {
    EXPECT_EQ(f.code, "mesh-incomplete");
    EXPECT_GT(f.where.line, 1);
  }
}

// Exporters that know no opacity write <transparency> 0 and mean a solid surface.
TEST(Mesh, DaeTransparencyOfZeroAloneIsSolid) {
  for (const auto& [text, alpha] :
       {std::pair<std::string, double>{"<transparency><float>0</float></transparency>", 1},
        {"<transparency><float>0.25</float></transparency>", 0.25},
        {"<transparent><color>1 1 1 0.5</color></transparent>", 0.5},
        {"<transparent opaque=\"A_ZERO\"><color>0 0 0 0.2</color></transparent>", 0.8},
        {"<transparent opaque=\"RGB_ONE\"><color>0.5 0.5 0.5 0</color></transparent>", 0.5}}) {
    std::string file = dae("", kPlain);
    file.insert(file.find("</lambert>"), text);
    const auto color = parts_of(file, MeshFormat::kDae)[0].color;
    ASSERT_TRUE(color) << text;
    EXPECT_NEAR((*color)[3], alpha, 1e-5) << text;
  }
}

// Nodes that would be walked without end, or number 10^10.
TEST(Mesh, HostileDaeNodesAreRefused) {
  const std::string self = "<library_nodes><node id=\"a\"><instance_node url=\"#a\"/></node></library_nodes>";
  const std::string use = "<node><instance_node url=\"#a\"/></node>";
  EXPECT_EQ(refusal(dae("", use, self), MeshFormat::kDae), "bad-mesh");
  const std::string ring =
      "<library_nodes><node id=\"a\"><instance_node url=\"#b\"/></node>"
      "<node id=\"b\"><instance_node url=\"#a\"/></node></library_nodes>";
  EXPECT_EQ(refusal(dae("", use, ring), MeshFormat::kDae), "bad-mesh");
  // Ten levels of ten instances: 10^10 nodes.
  std::string bomb = "<library_nodes><node id=\"a0\">" + kGeometry + "</node>";
  for (int i = 1; i <= 10; ++i) {
    bomb += "<node id=\"a" + std::to_string(i) + "\">";
    for (int k = 0; k < 10; ++k) bomb += "<instance_node url=\"#a" + std::to_string(i - 1) + "\"/>";
    bomb += "</node>";
  }
  bomb += "</library_nodes>";
  EXPECT_EQ(refusal(dae("", "<node><instance_node url=\"#a10\"/></node>", bomb), MeshFormat::kDae), "mesh-too-large");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "<node>";
  for (int i = 0; i < 100000; ++i) deep += "</node>";
  EXPECT_EQ(refusal(dae("", deep), MeshFormat::kDae), "bad-mesh");
  EXPECT_EQ(refusal(dae("<unit meter=\"-1\"/>", kPlain), MeshFormat::kDae), "bad-mesh");
}

// Found by the fuzzer in the reader before this one: memory for what a count says.
TEST(Mesh, DaeCountsBeyondTheFileAreRefused) {
  std::string text = dae("", kPlain);
  text.replace(text.find("count=\"9\""), 9, "count=\"3000000000\"");
  EXPECT_EQ(refusal(text, MeshFormat::kDae), "bad-mesh");
}

// Found by the fuzzer in the reader before this one: a letter among the indices, and memory without end.
TEST(Mesh, DaeIndicesThatAreNoNumbersAreRefused) {
  for (const std::string bad : {"0 1 x2", "0 1 2.0", "0 1 -2", "0 1 \xFF"}) {
    std::string text = dae("", kPlain);
    text.replace(text.find("0 1 2</p>"), 5, bad);
    EXPECT_EQ(refusal(text, MeshFormat::kDae), "bad-mesh") << bad;
  }
}

// Found by the fuzzer in the reader before this one: numbers from beyond the array.
TEST(Mesh, DaeAccessorsBeyondTheirArrayAreRefused) {
  for (const auto& [good, bad] : {std::pair<std::string, std::string>{"count=\"9\"", "count=\"0\""},
                                  {"stride=\"3\"", "stride=\"4\""},
                                  {"stride=\"3\"", "stride=\"2\""},
                                  {"stride=\"3\"", "stride=\"3\" offset=\"1\""}}) {
    std::string text = dae("", kPlain);
    text.replace(text.find(good), good.size(), bad);
    EXPECT_EQ(refusal(text, MeshFormat::kDae), "bad-mesh") << bad;
  }
}

std::string binary_stl(std::uint32_t count, const std::vector<std::array<float, 9>>& triangles) {
  std::string bytes(80, ' ');
  bytes.append(reinterpret_cast<const char*>(&count), 4);
  for (const auto& t : triangles) {
    bytes.append(12, '\0');
    bytes.append(reinterpret_cast<const char*>(t.data()), 36);
    bytes.append(2, '\0');
  }
  return bytes;
}
const std::vector<std::array<float, 9>> kTetrahedron = {
    {0, 0, 0, 0, 1, 0, 1, 0, 0}, {0, 0, 0, 1, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1, 0, 1, 0}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};

TEST(Mesh, BinaryStlSharesItsVertices) {
  const Mesh mesh = parts_of(binary_stl(4, kTetrahedron), MeshFormat::kStl)[0].mesh;
  EXPECT_EQ(mesh.vertices.size(), 4u);
  EXPECT_EQ(mesh.triangles.size(), 4u);
  EXPECT_TRUE(is_closed(mesh));
  Mesh open = mesh;
  open.triangles.pop_back();
  EXPECT_FALSE(is_closed(open));
}

TEST(Mesh, BadStlIsRefused) {
  EXPECT_EQ(refusal(binary_stl(4000000000u, kTetrahedron), MeshFormat::kStl), "bad-mesh");
  EXPECT_EQ(refusal(binary_stl(4, kTetrahedron).substr(0, 150), MeshFormat::kStl), "bad-mesh");
  EXPECT_EQ(refusal("", MeshFormat::kStl), "bad-mesh");
  EXPECT_EQ(refusal("solid a\nendsolid a\n", MeshFormat::kStl), "bad-mesh");
  auto infinite = kTetrahedron;
  infinite[0][3] = std::numeric_limits<float>::infinity();
  const std::string code = refusal(binary_stl(4, infinite), MeshFormat::kStl);
  EXPECT_TRUE(code == "not-finite" || code == "bad-mesh") << code;
}

TEST(Mesh, LimitsAreKept) {
  EXPECT_EQ(refusal(binary_stl(4, kTetrahedron), MeshFormat::kStl, {.max_bytes = 100}), "mesh-too-large");
  EXPECT_EQ(refusal(binary_stl(4, kTetrahedron), MeshFormat::kStl, {.max_vertices = 11}), "mesh-too-large");
}

TEST(Mesh, ObjPolygonsAreCutAndPointsDropped) {
  const std::string text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 5 5 5\nf 1 2 3 4\np 5\n";
  const Mesh mesh = parts_of(text, MeshFormat::kObj)[0].mesh;
  EXPECT_EQ(mesh.triangles.size(), 2u);
  EXPECT_EQ(mesh.vertices.size(), 4u);
  EXPECT_EQ(refusal("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 9\n", MeshFormat::kObj), "bad-mesh");
}

// A folder of its own under the test's working directory.
fs::path scratch() {
  const fs::path folder = fs::temp_directory_path() / ("geoul_mesh_test_" + std::to_string(::getpid()));
  fs::create_directories(folder / "inner");
  return folder;
}

TEST(Mesh, ObjTakesColoursFromItsFolderOnly) {
  const fs::path folder = scratch();
  std::ofstream(folder / "red.mtl") << "newmtl red\nKd 1 0 0\n";
  std::ofstream(folder / "inner/red.mtl") << "newmtl red\nKd 0 1 0\n";
  const std::string shape = "v 0 0 0\nv 1 0 0\nv 1 1 0\nusemtl red\nf 1 2 3\n";
  std::ofstream(folder / "a.obj") << "mtllib red.mtl\n" << shape;
  std::ofstream(folder / "inner/b.obj") << "mtllib ../red.mtl\n" << shape;
  Diagnostics d;
  const auto a = read_mesh_file((folder / "a.obj").string(), {}, d);
  ASSERT_TRUE(a) << d.text();
  ASSERT_TRUE(a->at(0).color);
  EXPECT_EQ(a->at(0).color->at(0), 1);
  EXPECT_EQ(a->at(0).color->at(1), 0);
  const auto b = read_mesh_file((folder / "inner/b.obj").string(), {}, d);
  ASSERT_TRUE(b) << d.text();
  EXPECT_FALSE(b->at(0).color && b->at(0).color->at(0) == 1);
}

TEST(Mesh, AloneIsABodyOfWaterWhenClosedAndStandsStillWhenOpen) {
  const fs::path folder = scratch();
  std::ofstream(folder / "2 tetra.stl", std::ios::binary) << binary_stl(4, kTetrahedron);
  Diagnostics d;
  const auto solid = read_scene((folder / "2 tetra.stl").string(), d);
  ASSERT_TRUE(solid) << d.text();
  ASSERT_EQ(solid->bodies.size(), 1u);
  EXPECT_EQ(solid->bodies[0].path, "/_2_tetra");
  EXPECT_NEAR(solid->bodies[0].mass.mass, 1000.0 / 6, 1e-9);
  auto open = kTetrahedron;
  open.pop_back();
  std::ofstream(folder / "open.stl", std::ios::binary) << binary_stl(3, open);
  const auto still = read_scene((folder / "open.stl").string(), d);
  ASSERT_TRUE(still) << d.text();
  EXPECT_TRUE(still->bodies.empty());
  EXPECT_TRUE(d.has("open-mesh"));
  validate(*solid, d);
  validate(*still, d);
  EXPECT_TRUE(d.ok()) << d.text();
}

TEST(Mesh, MissingFilesAndOtherKindsAreNamed) {
  Diagnostics d;
  EXPECT_FALSE(read_mesh_file("/nowhere/a.stl", {}, d));
  EXPECT_FALSE(read_mesh_file("/dev/zero", {}, d));
  EXPECT_TRUE(d.has("mesh-not-found"));
  EXPECT_TRUE(d.has("mesh-format"));
  EXPECT_EQ(mesh_format("A.STL"), MeshFormat::kStl);
  EXPECT_EQ(mesh_format("stl"), std::nullopt);
}

}  // namespace
}  // namespace geoul::scene
