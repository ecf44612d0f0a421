// Looks: materials with their textures and bindings, what meshes hold by corner, lights, and what writers keep of them.
// Judges: closed forms, the schema's own rules, round trips, and assimp for glTF.
#include <assimp/material.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <assimp/Importer.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/write/write.h"
#include "geoul/scene/image.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;
using std::numbers::pi;

const std::string kUnits = "#usda 1.0\n(\n    defaultPrim = \"W\"\n    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n";

// A PNG of one pixel; color: 0 grey, 2 colours. Chunks made by zlib's and libpng's rules, by hand.
std::string png(int color, int bits = 8) {
  std::string out("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1", 24);
  out += static_cast<char>(bits);
  out += static_cast<char>(color);
  return out + std::string(12, '\0');
}
// The start of a JPEG: an APP0 segment, then the frame header.
std::string jpeg(int channels) {
  std::string out("\xFF\xD8\xFF\xE0\0\4ab\xFF\xC0\0\x0B\x08\0\2\0\3", 17);
  out += static_cast<char>(channels);
  return out + std::string(3, '\0');
}

class Look : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_look_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "t");
    write("t/oak.png", png(2));
    write("t/grey.png", png(0));
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  Scene read(const std::string& text) {
    write("w.usda", kUnits + text);
    const auto scene = read_usd(path("w.usda"), d_);
    EXPECT_TRUE(scene.has_value()) << d_.text();
    return scene.value_or(Scene{});
  }
  const Finding* finding(const std::string& code) const {
    for (const Finding& f : d_.findings()) {
      if (f.code == code) return &f;
    }
    return nullptr;
  }

  fs::path folder_;
  Diagnostics d_;
};

// A square of two faces: a quad of corners 0 1 2 3 and a triangle 3 2 4.
std::string mesh(const std::string& more, const std::string& name = "m") {
  return "def Mesh \"" + name +
         "\"\n{\n    point3f[] points = [(0,0,0), (1,0,0), (1,1,0), (0,1,0), (0.5,2,0)]\n"
         "    int[] faceVertexCounts = [4, 3]\n    int[] faceVertexIndices = [0,1,2,3, 3,2,4]\n" +
         more + "}\n";
}
std::string shader(const std::string& name, const std::string& id, const std::string& body) {
  return "    def Shader \"" + name + "\"\n    {\n        uniform token info:id = \"" + id + "\"\n" + body + "    }\n";
}
// A material "oak" whose colour is a texture behind a transform, its file an input of the material.
std::string oak(const std::string& file, const std::string& more = "", const std::string& texture = "") {
  return "def Material \"oak\"\n{\n    asset inputs:picture = @" + file +
         "@\n    string inputs:set = \"uv\"\n"
         "    token outputs:surface.connect = </oak/s.outputs:surface>\n" +
         shader("s", "UsdPreviewSurface",
                "        color3f inputs:diffuseColor.connect = </oak/t.outputs:rgb>\n        token outputs:surface\n" +
                    more) +
         shader("t", "UsdUVTexture",
                "        asset inputs:file.connect = </oak.inputs:picture>\n"
                "        float2 inputs:st.connect = </oak/x.outputs:result>\n        token inputs:wrapS = \"repeat\"\n"
                "        token inputs:wrapT = \"mirror\"\n        float4 inputs:scale = (0.5, 0.25, 1, 1)\n"
                "        float4 inputs:bias = (0.125, 0, 0, 0)\n        float3 outputs:rgb\n        float outputs:g\n" +
                    texture) +
         shader("x", "UsdTransform2d",
                "        float2 inputs:in.connect = </oak/r.outputs:result>\n        float inputs:rotation = 90\n"
                "        float2 inputs:scale = (2, 3)\n        float2 inputs:translation = (0.5, 0.25)\n"
                "        float2 outputs:result\n") +
         shader("r", "UsdPrimvarReader_float2",
                "        string inputs:varname.connect = </oak.inputs:set>\n        float2 outputs:result\n") +
         "}\n";
}
const std::string kBound =
    "    rel material:binding = </oak>\n    texCoord2f[] primvars:uv = [(0,0), (1,0), (1,1), (0,1)] (\n"
    "        interpolation = \"faceVarying\"\n    )\n    int[] primvars:uv:indices = [0,1,2,3, 3,2,0]\n";

TEST_F(Look, ATextureComesWithItsPlaceAndItsRange) {
  const Scene s = read(oak("./t/oak.png") + mesh(kBound));
  EXPECT_TRUE(d_.findings().empty()) << d_.text();
  ASSERT_EQ(s.textures.size(), 1u);
  EXPECT_EQ(*s.textures[0].bytes, png(2));
  ASSERT_EQ(s.materials.size(), 1u);
  const TextureMap& map = s.materials[0].color_map;
  EXPECT_EQ(map.texture, TextureId{0});
  EXPECT_EQ(map.coordinates, "uv");
  EXPECT_EQ(map.wrap_s, TextureMap::Wrap::kRepeat);
  EXPECT_EQ(map.wrap_t, TextureMap::Wrap::kMirror);
  EXPECT_TRUE(map.srgb);  // "auto": three channels of 8 bits
  EXPECT_EQ(map.scale, (std::array<float, 4>{0.5f, 0.25f, 1, 1}));
  EXPECT_EQ(map.bias, (std::array<float, 4>{0.125f, 0, 0, 0}));
  EXPECT_EQ(map.st_scale, (std::array<float, 2>{2, 3}));
  EXPECT_EQ(map.st_translation, (std::array<float, 2>{0.5f, 0.25f}));
  EXPECT_FLOAT_EQ(map.st_rotation, static_cast<float>(pi / 2));
  ASSERT_EQ(s.meshes.size(), 1u);
  ASSERT_EQ(s.meshes[0].textures.size(), 1u);
  // Triangles 0 1 2, 0 2 3, 3 2 4 with values 0 1 2, 0 2 3, 3 2 0.
  const std::vector<std::array<float, 2>> st = {{0, 0}, {1, 0}, {1, 1}, {0, 0}, {1, 1}, {0, 1}, {0, 1}, {1, 1}, {0, 0}};
  EXPECT_EQ(s.meshes[0].textures[0].st, st);
}

TEST_F(Look, NumbersTakeAChannelAndGreyPicturesAreRaw) {
  const Scene s =
      read(oak("t/grey.png", "        float inputs:roughness.connect = </oak/t.outputs:g>\n") + mesh(kBound));
  ASSERT_EQ(s.materials.size(), 1u);
  EXPECT_FALSE(s.materials[0].color_map.srgb);
  EXPECT_EQ(s.materials[0].roughness_map.channel, 1);
  EXPECT_EQ(s.materials[0].roughness_map.texture, s.materials[0].color_map.texture);
}

TEST_F(Look, AMissingTextureIsAFindingWithThePathAndTheFallbackIsShown) {
  Scene s = read(oak("./t/elm.png") + mesh(kBound));
  const Finding* missing = finding("missing-texture");
  ASSERT_TRUE(missing) << d_.text();
  EXPECT_EQ(missing->severity, Severity::kWarning);
  EXPECT_NE(missing->message.find("t/elm.png"), std::string::npos) << missing->message;
  EXPECT_EQ(missing->where.line, 9);  // the input of the material
  EXPECT_EQ(s.materials.at(0).color[0], 0.18f);
  EXPECT_FALSE(s.materials[0].color_map.texture.valid());
  s = read(oak("./t/elm.png", "", "        float4 inputs:fallback = (0.5, 0.25, 0.75, 1)\n") + mesh(kBound));
  EXPECT_EQ(s.materials.at(0).color, (std::array<float, 4>{0.5f, 0.25f, 0.75f, 1}));
}

TEST_F(Look, WhatIsNoPictureOrNotHereIsSaid) {
  write("t/bad.png", "PNG?");
  const std::pair<const char*, const char*> cases[] = {{"t/bad.png", "texture-not-read"},
                                                       {"t/oak.<UDIM>.png", "texture-not-read"},
                                                       {"omniverse://localhost/oak.png", "remote-asset"},
                                                       {"t", "unreadable-file"}};
  for (const auto& [file, code] : cases) {
    d_ = {};
    read(oak(file) + mesh(kBound));
    EXPECT_TRUE(finding(code)) << file << "\n" << d_.text();
  }
}

TEST_F(Look, ImagesSayWhatTheyAre) {
  const auto info = image_info(jpeg(3));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->format, ImageInfo::Format::kJpeg);
  EXPECT_EQ(info->height, 2);
  EXPECT_EQ(info->width, 3);
  EXPECT_EQ(info->channels, 3);
  EXPECT_EQ(image_info(png(0))->channels, 1);
  EXPECT_EQ(image_info(png(6, 16))->bits, 16);
  for (const std::string& whole : {png(2).substr(0, 33), jpeg(1).substr(0, 18)}) {
    ASSERT_TRUE(image_info(whole));
    for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(image_info(whole.substr(0, n))) << n;
  }
  EXPECT_FALSE(image_info(png(5)));
  EXPECT_FALSE(image_info(jpeg(0)));
}

TEST_F(Look, CornersKeepNormalsByAnyInterpolation) {
  const auto normals = [&](const std::string& values, const std::string& by) {
    const Scene s =
        read(mesh("    normal3f[] normals = [" + values + "] (\n        interpolation = \"" + by + "\"\n    )\n"));
    return s.meshes.at(0);
  };
  const Mesh face = normals("(0,0,2), (1,0,0)", "uniform");
  ASSERT_EQ(face.corner_normals.size(), 9u);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(face.corner_normals[i], (Vec3<float>{0, 0, 1}));
  for (std::size_t i = 6; i < 9; ++i) EXPECT_EQ(face.corner_normals[i], (Vec3<float>{1, 0, 0}));
  const Mesh corner = normals("(0,0,1), (0,1,0), (1,0,0), (0,0,0), (0,0,1), (0,0,1), (0,0,1)", "faceVarying");
  EXPECT_EQ(corner.corner_normals[1], (Vec3<float>{0, 1, 0}));
  EXPECT_EQ(corner.corner_normals[5], (Vec3<float>{0, 0, 1}));  // none is written: the face's
  const Mesh point = normals("(0,0,1), (0,0,1), (0,0,1), (0,0,1), (0,1,0)", "vertex");
  EXPECT_TRUE(point.corner_normals.empty());
  EXPECT_EQ(point.normals.size(), 5u);
  EXPECT_FALSE(finding("bad-primvar"));
  normals("(0,0,1), (0,0,1)", "faceVarying");
  EXPECT_TRUE(finding("bad-primvar"));
}

TEST_F(Look, ColoursOfCornersCountWhereNoSurfaceIsBound) {
  const Scene s =
      read(mesh("    color3f[] primvars:displayColor = [(1,0,0), (0,0.5,1)] (\n"
                "        interpolation = \"uniform\"\n    )\n    float[] primvars:displayOpacity = [0.5]\n"));
  ASSERT_EQ(s.materials.size(), 1u);
  EXPECT_TRUE(s.materials[0].mesh_colors);
  EXPECT_EQ(s.materials[0].color, (std::array<float, 4>{1, 0, 0, 0.5f}));
  ASSERT_EQ(s.meshes[0].colors.size(), 9u);
  EXPECT_EQ(s.meshes[0].colors[5], (std::array<float, 4>{1, 0, 0, 0.5f}));
  EXPECT_EQ(s.meshes[0].colors[6], (std::array<float, 4>{0, 0.5f, 1, 0.5f}));
}

std::string plain(const std::string& name, double red) {
  return "def Material \"" + name + "\"\n{\n    token outputs:surface.connect = </" + name + "/s.outputs:surface>\n" +
         shader("s", "UsdPreviewSurface",
                "        color3f inputs:diffuseColor = (" + std::to_string(red) +
                    ", 0, 0)\n        token outputs:surface\n") +
         "}\n";
}

TEST_F(Look, FaceSetsHaveTheirOwnMaterials) {
  const std::string subset =
      "    def GeomSubset \"top\"\n    {\n        int[] indices = [1]\n        rel material:binding = </b>\n    }\n";
  const Scene s = read(plain("a", 0.25) + plain("b", 0.5) + mesh("    rel material:binding = </a>\n" + subset));
  ASSERT_EQ(s.shapes.size(), 1u);
  EXPECT_EQ(s.meshes[0].face_sets, (std::vector<std::uint32_t>{0, 0, 1}));
  ASSERT_EQ(s.shapes[0].set_materials.size(), 2u);
  EXPECT_FALSE(s.shapes[0].set_materials[0].valid());
  EXPECT_EQ(s.materials[s.shapes[0].set_materials[1].index()].color[0], 0.5f);
  EXPECT_EQ(s.materials[s.shapes[0].material.index()].color[0], 0.25f);
  std::string broken = subset;
  broken.replace(broken.find("[1]"), 3, "[2]");
  Diagnostics d;
  EXPECT_FALSE(read_usda_text(kUnits + plain("b", 1) + mesh(broken), "bad.usda", d));
  EXPECT_TRUE(d.has("bad-mesh")) << d.text();
}

// The rules of UsdShade's binding resolution; usd-core says the same (tools/oracles/usd_look_compare.py).
TEST_F(Look, BindingsFollowStrengthCollectionsAndPurpose) {
  const auto red = [&](const std::string& outer, const std::string& inner) {
    const Scene s = read(plain("a", 0.25) + plain("b", 0.5) +
                         "def Xform \"W\" (\n    prepend apiSchemas = [\"CollectionAPI:c\"]\n"
                         ")\n{\n" +
                         outer + "    def Cube \"x\"\n    {\n" + inner + "    }\n}\n");
    return s.shapes.at(0).material.valid() ? s.materials[s.shapes[0].material.index()].color[0] : 0;
  };
  const std::string a = "    rel material:binding = </a>\n", b = "    rel material:binding = </b>\n";
  EXPECT_EQ(red(a, b), 0.5f);
  EXPECT_EQ(red("    rel material:binding = </a> (\n        bindMaterialAs = \"strongerThanDescendants\"\n    )\n", b),
            0.25f);
  EXPECT_EQ(red(a, "    rel material:binding:preview = </b>\n"), 0.5f);
  EXPECT_EQ(red(a, "    rel material:binding:physics = </b>\n"), 0.25f);
  const std::string binds = "    rel material:binding:collection:c = [</W.collection:c>, </b>]\n";
  EXPECT_EQ(red(a + binds + "    rel collection:c:includes = </W>\n", ""), 0.5f);
  EXPECT_EQ(red(a + binds + "    rel collection:c:includes = </W>\n    rel collection:c:excludes = </W/x>\n", ""),
            0.25f);
  EXPECT_EQ(
      red(a + binds +
              "    rel collection:c:includes = </W>\n    uniform token collection:c:expansionRule = \"explicitOnly\"\n",
          ""),
      0.25f);
  EXPECT_EQ(red(binds + "    rel collection:c:includes = </W/x>\n", a), 0.25f);
}

TEST_F(Look, OmniPbrGivesItsConstantsAndPictures) {
  const Scene s = read(
      "def Material \"o\"\n{\n    token outputs:mdl:surface.connect = </o/s.outputs:out>\n    def Shader \"s\"\n    {\n"
      "        uniform token info:implementationSource = \"sourceAsset\"\n        uniform asset info:mdl:sourceAsset = "
      "@OmniPBR.mdl@\n"
      "        uniform token info:mdl:sourceAsset:subIdentifier = \"OmniPBR\"\n"
      "        color3f inputs:diffuse_color_constant = (0.5, 0.25, 1)\n        color3f inputs:diffuse_tint = (0.5, 1, "
      "1)\n"
      "        asset inputs:diffuse_texture = @t/oak.png@\n        float inputs:metallic_constant = 0.75\n"
      "        token outputs:out\n    }\n}\ndef Cube \"c\"\n{\n    rel material:binding = </o>\n}\n");
  const Material& m = s.materials.at(0);
  EXPECT_EQ(m.color, (std::array<float, 4>{0.25f, 0.25f, 1, 1}));
  EXPECT_EQ(m.metallic, 0.75f);
  EXPECT_EQ(m.roughness, 0.5f);
  ASSERT_TRUE(m.color_map.texture.valid());
  EXPECT_EQ(m.color_map.scale, (std::array<float, 4>{0.5f, 1, 1, 1}));
}

TEST_F(Look, LightsAreInMetresWhateverTheUnits) {
  const std::string lights =
      "def RectLight \"r\" (\n    prepend apiSchemas = [\"ShapingAPI\"]\n)\n{\n    float inputs:intensity = 200\n"
      "    bool inputs:normalize = 1\n    float inputs:width = 50\n    float inputs:height = 20\n    float "
      "inputs:exposure = 3\n"
      "    float inputs:shaping:cone:angle = 30\n}\ndef DistantLight \"d\"\n{\n    float inputs:angle = 0.5\n}\n"
      "def SphereLight \"s\"\n{\n    float inputs:radius = 10\n    bool inputs:enableColorTemperature = 1\n"
      "    float3 xformOp:scale = (2, 2, 2)\n    uniform token[] xformOpOrder = [\"xformOp:scale\"]\n}\n"
      "def DomeLight \"e\"\n{\n    asset inputs:texture:file = @t/oak.png@\n}\n";
  write("cm.usda", "#usda 1.0\n(\n    metersPerUnit = 0.01\n    upAxis = \"Z\"\n)\n" + lights);
  const auto s = read_usd(path("cm.usda"), d_);
  ASSERT_TRUE(s) << d_.text();
  ASSERT_EQ(s->lights.size(), 4u);
  const Light& r = s->lights[0];
  EXPECT_EQ(r.kind, Light::Kind::kRectangle);
  EXPECT_DOUBLE_EQ(r.width, 0.5);
  EXPECT_DOUBLE_EQ(r.height, 0.2);
  // Luminance: 200 / (50 x 20) a unit of area; in metres the same for 0.02 / 0.1.
  EXPECT_NEAR(r.intensity / (r.width * r.height), 200.0 / (50 * 20), 1e-15);
  EXPECT_EQ(r.exposure, 3);
  EXPECT_NEAR(r.cone_angle, pi / 6, 1e-15);
  EXPECT_EQ(s->lights[1].intensity, 50000);
  EXPECT_NEAR(s->lights[1].angle, pi / 360, 1e-15);
  EXPECT_NEAR(s->lights[2].radius, 0.2, 1e-15);
  EXPECT_EQ(s->lights[2].temperature.value_or(0), 6500);
  EXPECT_TRUE(s->lights[3].image.texture.valid());
}

// Text, packages, and what they are read as again: the same scene, textures included.
TEST_F(Look, WritersKeepLooksAndLights) {
  const std::string subset =
      "    def GeomSubset \"top\"\n    {\n        int[] indices = [1]\n        rel material:binding = </b>\n    }\n";
  const std::string light =
      "def DiskLight \"l\"\n{\n    float inputs:radius = 0.25\n    color3f inputs:color = (1, 0.5, 0.25)\n}\n";
  const std::string normals =
      "    normal3f[] normals = [(0,0,1), (0.6,0,0.8)] (\n        interpolation = \"uniform\"\n    )\n";
  const Scene s = read(oak("./t/oak.png") + plain("b", 0.5) + mesh(kBound + normals + subset) + light +
                       mesh("    color3f[] primvars:displayColor = [(1,0,0), (0,0.5,1)] (\n"
                            "        interpolation = \"uniform\"\n    )\n",
                            "paint"));
  ASSERT_TRUE(write_usda(s, path("out/../again.usda")) || write_usda(s, path("again.usda")));
  ASSERT_TRUE(write_usdz(s, path("again.usdz")));
  for (const char* file : {"again.usda", "again.usdz"}) {
    Diagnostics d;
    const auto again = read_usd(path(file), d);
    ASSERT_TRUE(again) << d.text();
    EXPECT_TRUE(d.ok() && !d.has("missing-texture")) << d.text();
    EXPECT_EQ(usda_text(*again), usda_text(s)) << file;
    ASSERT_EQ(again->textures.size(), 1u);
    EXPECT_EQ(*again->textures[0].bytes, png(2));
    ASSERT_EQ(again->lights.size(), 1u);
    EXPECT_EQ(again->lights[0].radius, 0.25);
  }
}

TEST_F(Look, GlbHoldsPicturesCoordinatesAndNormals) {
  const Scene s = read(
      oak("./t/oak.png") + plain("b", 0.5) +
      mesh(kBound + "    normal3f[] normals = [(0,0,1), (0.6,0,0.8)] (\n        interpolation = \"uniform\"\n    )\n"
                    "    def GeomSubset \"top\"\n    {\n        int[] indices = [1]\n"
                    "        rel material:binding = </b>\n    }\n"));
  Diagnostics notes;
  ASSERT_TRUE(write_gltf(s, path("w.glb"), notes));
  EXPECT_TRUE(notes.has("texture-channels")) << notes.text();  // the bias has no word in glTF: the colour is left out
  Scene simple = s;
  simple.materials[0].color_map.bias = {};
  ASSERT_TRUE(write_gltf(simple, path("w.glb"), notes));
  Assimp::Importer importer;
  const aiScene* read = importer.ReadFile(path("w.glb"), 0);
  ASSERT_NE(read, nullptr) << importer.GetErrorString();
  ASSERT_EQ(read->mNumTextures, 1u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(read->mTextures[0]->pcData), read->mTextures[0]->mWidth), png(2));
  ASSERT_EQ(read->mNumMeshes, 2u);  // a primitive a face set
  const aiMesh& quad = *read->mMeshes[0];
  ASSERT_EQ(quad.mNumFaces, 2u);
  ASSERT_TRUE(quad.HasTextureCoords(0) && quad.HasNormals());
  for (unsigned i = 0; i < quad.mNumVertices; ++i) {
    // Turned by 90 degrees: (s, t) -> (0.5 - 3 t, 0.25 + 2 s), and t runs upwards (assimp turns glTF's back).
    const aiVector3D &p = quad.mVertices[i], &uv = quad.mTextureCoords[0][i];
    EXPECT_NEAR(uv.x, 0.5f - 3 * p.y, 1e-6f);
    EXPECT_NEAR(uv.y, 0.25f + 2 * p.x, 1e-6f);
    EXPECT_NEAR(quad.mNormals[i].z, 1, 1e-6f);
  }
  EXPECT_NEAR(read->mMeshes[1]->mNormals[0].x, 0.6f, 1e-6f);
  const auto one = glb_of(simple, simple.shapes[0], notes);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->substr(0, 4), "glTF");
}

TEST_F(Look, OtherFormatsSayWhatTheyLeaveOut) {
  const Scene s = read(
      "def Xform \"W\" (\n    prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n)\n{\n"
      "    float physics:mass = 1\n    float3 physics:diagonalInertia = (1, 1, 1)\n" +
      mesh(kBound) + "    def SphereLight \"l\"\n    {\n    }\n}\n" + oak("./t/oak.png"));
  for (const char* file : {"w.urdf", "w.xml", "w.sdf"}) {
    Diagnostics notes;
    ASSERT_TRUE(write_scene(s, path(file), notes)) << file;
    EXPECT_TRUE(notes.has("texture")) << file << "\n" << notes.text();
    EXPECT_TRUE(notes.has("light")) << file;
  }
}

}  // namespace
}  // namespace geoul::scene
