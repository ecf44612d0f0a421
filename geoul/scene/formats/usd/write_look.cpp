#include "geoul/scene/formats/usd/write_look.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "geoul/scene/formats/usd/write_text.h"
#include "geoul/scene/image.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

std::string four(const std::array<float, 4>& v) {
  return "(" + number(v[0]) + ", " + number(v[1]) + ", " + number(v[2]) + ", " + number(v[3]) + ")";
}
std::string two(const std::array<float, 2>& v) { return "(" + number(v[0]) + ", " + number(v[1]) + ")"; }
std::string three(const std::array<float, 3>& v) { return text_of(Vec3<float>{v[0], v[1], v[2]}); }

const char* word(TextureMap::Wrap wrap) {
  switch (wrap) {
    case TextureMap::Wrap::kBlack: return "black";
    case TextureMap::Wrap::kClamp: return "clamp";
    case TextureMap::Wrap::kRepeat: return "repeat";
    case TextureMap::Wrap::kMirror: return "mirror";
  }
  return "black";
}

// Shaders of one map; `path` is that of the material, `name` of the shader.
void write_map(const TextureMap& map, const std::string& path, const std::string& name, const std::string& file,
               int depth, const Lines& line) {
  const auto shader = [&](const std::string& of, const char* id) {
    line(0, "");
    line(depth, "def Shader " + quoted(of));
    line(depth, "{");
    line(depth + 1, std::string("uniform token info:id = \"") + id + "\"");
  };
  const bool moved = !(map.st_scale == std::array<float, 2>{1, 1}) ||
                     !(map.st_translation == std::array<float, 2>{0, 0}) || map.st_rotation != 0;
  shader(name, "UsdUVTexture");
  line(depth + 1, "asset inputs:file = @" + file + "@");
  line(depth + 1, std::string("token inputs:sourceColorSpace = ") + (map.srgb ? "\"sRGB\"" : "\"raw\""));
  line(depth + 1, std::string("token inputs:wrapS = \"") + word(map.wrap_s) + "\"");
  line(depth + 1, std::string("token inputs:wrapT = \"") + word(map.wrap_t) + "\"");
  line(depth + 1, "float4 inputs:scale = " + four(map.scale));
  line(depth + 1, "float4 inputs:bias = " + four(map.bias));
  line(depth + 1, "float2 inputs:st.connect = <" + path + "/" + name + (moved ? "_place" : "_st") + ".outputs:result>");
  line(depth + 1, "float3 outputs:rgb");
  for (const char* output : {"r", "g", "b", "a"}) line(depth + 1, std::string("float outputs:") + output);
  line(depth, "}");
  if (moved) {
    shader(name + "_place", "UsdTransform2d");
    line(depth + 1, "float2 inputs:in.connect = <" + path + "/" + name + "_st.outputs:result>");
    line(depth + 1, "float2 inputs:scale = " + two(map.st_scale));
    line(depth + 1, "float inputs:rotation = " + number(static_cast<double>(map.st_rotation) / kDegree));
    line(depth + 1, "float2 inputs:translation = " + two(map.st_translation));
    line(depth + 1, "float2 outputs:result");
    line(depth, "}");
  }
  shader(name + "_st", "UsdPrimvarReader_float2");
  line(depth + 1, "string inputs:varname = " + quoted(map.coordinates));
  line(depth + 1, "float2 outputs:result");
  line(depth, "}");
}

}  // namespace

std::vector<std::string> texture_names(const Scene& scene) {
  std::set<std::string> used;
  std::vector<std::string> out;
  for (const Texture& texture : scene.textures) {
    std::string name = texture.path.substr(texture.path.find_last_of("/\\[") + 1);
    name = name.substr(0, name.rfind('.'));
    for (char& c : name) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
      if (!plain) c = '_';
    }
    if (name.empty()) name = "texture";
    const auto info = image_info(*texture.bytes);
    const char* ending = info && info->format == ImageInfo::Format::kJpeg ? ".jpg" : ".png";
    std::string whole = name + ending;
    for (int n = 2; !used.insert(whole).second; ++n) whole = name + "_" + std::to_string(n) + ending;
    out.push_back(whole);
  }
  return out;
}

void write_surface(const Material& m, const std::string& path, const std::vector<std::string>& files, int depth,
                   const Lines& line) {
  struct Slot {
    const TextureMap& map;
    const char* name;
    const char* input;  // with its type
    bool rgb;
    std::string constant;
  };
  const char* channels[] = {"r", "g", "b", "a"};
  const std::array<float, 3> color{m.color[0], m.color[1], m.color[2]};
  const Slot slots[] = {
      {m.color_map, "color_map", "color3f inputs:diffuseColor", true, three(color)},
      {m.opacity_map, "opacity_map", "float inputs:opacity", false, number(m.color[3])},
      {m.emission_map, "emission_map", "color3f inputs:emissiveColor", true, three(m.emission)},
      {m.metallic_map, "metallic_map", "float inputs:metallic", false, number(m.metallic)},
      {m.roughness_map, "roughness_map", "float inputs:roughness", false, number(m.roughness)},
      {m.occlusion_map, "occlusion_map", "float inputs:occlusion", false, ""},
      {m.normal_map, "normal_map", "normal3f inputs:normal", true, ""},
  };
  line(0, "");
  line(depth, "def Shader \"surface\"");
  line(depth, "{");
  line(depth + 1, "uniform token info:id = \"UsdPreviewSurface\"");
  for (const Slot& slot : slots) {
    const bool display = m.mesh_colors && &slot.map == &m.color_map;
    if (display) {
      line(depth + 1, std::string(slot.input) + ".connect = <" + path + "/mesh_colors.outputs:result>");
    } else if (slot.map.texture.valid()) {
      line(depth + 1, std::string(slot.input) + ".connect = <" + path + "/" + slot.name +
                          ".outputs:" + (slot.rgb ? "rgb" : channels[slot.map.channel]) + ">");
    } else if (!slot.constant.empty()) {
      line(depth + 1, std::string(slot.input) + " = " + slot.constant);
    }
  }
  const auto other = [&](const char* input, float x, float otherwise) {
    if (x != otherwise) line(depth + 1, std::string("float inputs:") + input + " = " + number(x));
  };
  other("opacityThreshold", m.opacity_threshold, 0);
  other("ior", m.ior, 1.5f);
  other("clearcoat", m.clearcoat, 0);
  other("clearcoatRoughness", m.clearcoat_roughness, 0.01f);
  line(depth + 1, "token outputs:surface");
  line(depth, "}");
  if (m.mesh_colors) {
    line(0, "");
    line(depth, "def Shader \"mesh_colors\"");
    line(depth, "{");
    line(depth + 1, "uniform token info:id = \"UsdPrimvarReader_float3\"");
    line(depth + 1, "string inputs:varname = \"displayColor\"");
    line(depth + 1, "float3 outputs:result");
    line(depth, "}");
  }
  for (const Slot& slot : slots) {
    if (!slot.map.texture.valid() || (m.mesh_colors && &slot.map == &m.color_map)) continue;
    write_map(slot.map, path, slot.name, files[slot.map.texture.index()], depth, line);
  }
}

void write_mesh_look(const Mesh& mesh, int depth, const Lines& line) {
  const auto primvar = [&](const std::string& declaration, const std::string& values) {
    line(depth, declaration + " = [" + values + "] (");
    line(depth + 1, "interpolation = \"faceVarying\"");
    line(depth, ")");
  };
  std::string normals;
  for (const Vec3<float>& n : mesh.corner_normals) normals += (normals.empty() ? "" : ", ") + text_of(n);
  if (!normals.empty()) primvar("normal3f[] normals", normals);
  for (const TextureCoordinates& t : mesh.textures) {
    std::string st;
    for (const auto& p : t.st) st += (st.empty() ? "" : ", ") + two(p);
    primvar("texCoord2f[] primvars:" + t.name, st);
  }
  std::string colors, opacities;
  for (const auto& c : mesh.colors) {
    colors += (colors.empty() ? "" : ", ") + three({c[0], c[1], c[2]});
    opacities += (opacities.empty() ? "" : ", ") + number(c[3]);
  }
  if (!colors.empty()) {
    primvar("color3f[] primvars:displayColor", colors);
    primvar("float[] primvars:displayOpacity", opacities);
  }
  std::uint32_t sets = 0;
  for (const std::uint32_t set : mesh.face_sets) sets = std::max(sets, set);
  for (std::uint32_t k = 1; k <= sets; ++k) {
    std::string faces;
    for (std::size_t t = 0; t < mesh.face_sets.size(); ++t) {
      if (mesh.face_sets[t] == k) faces += (faces.empty() ? "" : ", ") + std::to_string(t);
    }
    line(0, "");
    line(depth, "def GeomSubset \"set_" + std::to_string(k) + "\"");
    line(depth, "{");
    line(depth + 1, "uniform token elementType = \"face\"");
    line(depth + 1, "uniform token familyName = \"materialBind\"");
    line(depth + 1, "int[] indices = [" + faces + "]");
    line(depth, "}");
  }
}

const char* light_type(Light::Kind kind) {
  switch (kind) {
    case Light::Kind::kDistant: return "DistantLight";
    case Light::Kind::kSphere: return "SphereLight";
    case Light::Kind::kDisk: return "DiskLight";
    case Light::Kind::kRectangle: return "RectLight";
    case Light::Kind::kCylinder: return "CylinderLight";
    case Light::Kind::kDome: return "DomeLight";
  }
  return "SphereLight";
}

void write_light(const Light& light, const std::vector<std::string>& files, int depth, const Lines& line) {
  using Kind = Light::Kind;
  const auto input = [&](const char* type, const char* name, const std::string& value) {
    line(depth, std::string(type) + " inputs:" + name + " = " + value);
  };
  input("color3f", "color", three(light.color));
  input("float", "intensity", number(light.intensity));
  if (light.exposure != 0) input("float", "exposure", number(light.exposure));
  if (light.normalize) input("bool", "normalize", "1");
  if (light.temperature) {
    input("bool", "enableColorTemperature", "1");
    input("float", "colorTemperature", number(*light.temperature));
  }
  const bool round = light.kind == Kind::kSphere || light.kind == Kind::kDisk || light.kind == Kind::kCylinder;
  if (round) input("float", "radius", number(light.radius));
  if (light.kind == Kind::kCylinder) input("float", "length", number(light.width));
  if (light.kind == Kind::kRectangle) {
    input("float", "width", number(light.width));
    input("float", "height", number(light.height));
  }
  if (light.kind == Kind::kDistant) input("float", "angle", number(light.angle / kDegree));
  if (light.cone_angle > 0) {
    input("float", "shaping:cone:angle", number(light.cone_angle / kDegree));
    input("float", "shaping:cone:softness", number(light.cone_softness));
  }
  if (light.image.texture.valid()) input("asset", "texture:file", "@" + files[light.image.texture.index()] + "@");
}

}  // namespace geoul::scene::usd
