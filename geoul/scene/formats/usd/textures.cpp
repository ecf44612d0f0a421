// Textures: image files that shaders name, and UsdUVTexture, UsdTransform2d and UsdPrimvarReader_float2 nodes.
// Source: UsdPreviewSurface Specification 2.6, "Texture Reader", "Transform2d", "Primvar Reader".
#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/usd/surface.h"
#include "geoul/scene/image.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr std::size_t kMostBytes = std::size_t{256} << 20;   // of one picture
constexpr std::size_t kMostInAll = std::size_t{1024} << 20;  // of all pictures of a scene
constexpr int kMaxNodes = 16;                                // one behind another

TextureId keep(View& view, const std::string& name, const Prim& shader, const Location& where) {
  const std::string key = AssetFiles::key(name);
  const auto [at, fresh] = view.textures.try_emplace(key);
  if (!fresh) return at->second;
  const auto refuse = [&](const char* code, const std::string& what, const std::string& mend) {
    view.diagnostics.warning(where, code, what + "; " + shader.path + " shows what it shows without it", mend);
    return TextureId{};
  };
  if (name.find("<UDIM>") != std::string::npos) {
    return refuse("texture-not-read", "'" + name + "' is a set of tiles (UDIM)", "bake the tiles into one picture");
  }
  Diagnostics trouble;
  std::optional<std::string> bytes = view.files.bytes(name, where, kMostBytes, trouble);
  if (!bytes) {
    const Finding& first = trouble.findings().front();
    const bool missing = first.code == "missing-file";
    return refuse(missing ? "missing-texture" : first.code.c_str(),
                  missing ? "texture '" + name + "' does not exist" : first.message, first.mend);
  }
  if (!image_info(*bytes)) {
    return refuse("texture-not-read", "'" + name + "' is neither a PNG nor a JPEG file", "convert it to PNG");
  }
  view.texture_bytes += bytes->size();
  if (view.texture_bytes > kMostInAll) {
    return refuse("texture-not-read", "the textures have more than 1 GiB in all", "reduce them");
  }
  at->second = TextureId::from_index(view.scene.textures.size());
  view.scene.textures.push_back({name, std::make_shared<const std::string>(std::move(*bytes))});
  return at->second;
}

TextureMap::Wrap wrap_of(const View& view, const Prim& shader, const char* input) {
  const Input in = follow(view, shader, input);
  const std::string word = in.shader ? "" : view.token(*in.prim, in.name).value_or("useMetadata");
  if (word == "repeat") return TextureMap::Wrap::kRepeat;
  if (word == "mirror") return TextureMap::Wrap::kMirror;
  if (word == "clamp") return TextureMap::Wrap::kClamp;
  return TextureMap::Wrap::kBlack;  // also where the file should say it: PNG and JPEG have no word for it
}

std::array<float, 4> four(const View& view, const Prim& shader, const char* input, std::array<float, 4> otherwise) {
  const Value::Reals* v = view.reals(shader, input, 4);
  if (v && v->size() == 4) std::transform(v->begin(), v->end(), otherwise.begin(), [](double x) { return float(x); });
  return otherwise;
}
std::array<float, 2> two(const View& view, const Prim& shader, const char* input, std::array<float, 2> otherwise) {
  const Value::Reals* v = view.reals(shader, input, 2);
  if (v && v->size() == 2) otherwise = {float((*v)[0]), float((*v)[1])};
  return otherwise;
}

// What the st of a texture is: a primvar of the mesh, or one behind a UsdTransform2d.
void read_coordinates(const View& view, const Prim& texture, TextureMap& map) {
  Input in = follow(view, texture, "inputs:st");
  bool moved = false;
  for (int i = 0; i < kMaxNodes && in.shader; ++i) {
    const std::string id = view.token(*in.prim, "info:id").value_or("");
    if (id == "UsdTransform2d" && !moved) {
      moved = true;
      map.st_scale = two(view, *in.prim, "inputs:scale", {1, 1});
      map.st_translation = two(view, *in.prim, "inputs:translation", {0, 0});
      map.st_rotation = float(kDegree * view.number(*in.prim, "inputs:rotation").value_or(0));
      in = follow(view, *in.prim, "inputs:in");
    } else if (id == "UsdPrimvarReader_float2") {
      const Input name = follow(view, *in.prim, "inputs:varname");
      map.coordinates = name.shader ? "" : view.token(*name.prim, name.name).value_or("");
      return;
    } else {
      view.diagnostics.info(in.prim->where(), "shader-not-read",
                            "'" + id + "' between a texture and its coordinates is not read: the primvar st is used");
      break;
    }
  }
  map.coordinates = "st";
}

}  // namespace

Input follow(const View& view, const Prim& prim, const std::string& name) {
  Input at{&prim, name, false};
  for (int i = 0; i < kMaxNodes; ++i) {
    const std::vector<std::string> sources = view.stage.connections(*at.prim, at.name);
    if (sources.empty()) return at;
    const std::size_t dot = sources.front().rfind('.');
    const Prim* source = dot == std::string::npos ? nullptr : view.stage.find(sources.front().substr(0, dot));
    if (!source) {
      view.warning(*at.prim, at.name, "missing-target",
                   "'" + at.name + "' is connected to <" + sources.front() + ">, which does not exist",
                   "check the path");
      return at;
    }
    at = {source, sources.front().substr(dot + 1), false};
    if (source->type_name == "Shader" && at.name.rfind("outputs:", 0) == 0) {
      at.shader = true;
      return at;
    }
  }
  view.warning(prim, name, "circular-connection",
               "'" + name + "' is connected in a circle, or through more than 16 prims", "connect it to a shader");
  return {&prim, name, false};
}

TextureId read_texture(View& view, const Prim& shader, const std::string& attribute) {
  const Input in = follow(view, shader, attribute);
  const std::optional<Resolved> asset = in.shader ? std::nullopt : view.stage.attribute(*in.prim, in.name);
  const auto* text = asset ? std::get_if<Value::Strings>(&asset->value->content) : nullptr;
  if (!text || text->size() != 1 || text->front().empty()) return {};
  return keep(view, view.files.resolve(text->front(), *asset->opinion->layer), shader, in.prim->where(in.name));
}

void read_color_space(const View& view, const std::string& word, TextureMap& map) {
  if (!map.texture.valid()) return;
  const auto info = image_info(*view.scene.textures[map.texture.index()].bytes);
  map.srgb = word == "sRGB" || (word != "raw" && info && info->channels >= 3 && info->bits == 8);
}

bool read_map(View& view, const Input& in, TextureMap& map, std::array<float, 4>& fallback) {
  const Prim& shader = *in.prim;
  const std::string id = view.token(shader, "info:id").value_or("");
  if (id != "UsdUVTexture") {
    view.diagnostics.info(shader.where(), "shader-not-read", "'" + id + "' is not read: the input keeps its constant");
    return false;
  }
  fallback = four(view, shader, "inputs:fallback", {0, 0, 0, 1});
  map.texture = read_texture(view, shader, "inputs:file");
  const std::string output = in.name.substr(std::string("outputs:").size());
  map.channel = output == "g" ? 1 : output == "b" ? 2 : output == "a" ? 3 : 0;
  map.wrap_s = wrap_of(view, shader, "inputs:wrapS"), map.wrap_t = wrap_of(view, shader, "inputs:wrapT");
  map.scale = four(view, shader, "inputs:scale", {1, 1, 1, 1});
  map.bias = four(view, shader, "inputs:bias", {0, 0, 0, 0});
  read_color_space(view, view.token(shader, "inputs:sourceColorSpace").value_or("auto"), map);
  read_coordinates(view, shader, map);
  if (!map.texture.valid()) map = {};
  return map.texture.valid() || view.stage.attribute(shader, "inputs:fallback").has_value();
}

}  // namespace geoul::scene::usd
