// UsdPreviewSurface, and of NVIDIA's OmniPBR (MDL) what has a counterpart.
// Sources: UsdPreviewSurface Specification 2.6; Omniverse Materials and Rendering, "OmniPBR" (parameters and defaults).
#include "geoul/scene/formats/usd/surface.h"

#include <algorithm>

namespace geoul::scene::usd {
namespace {

float channel(double x) { return static_cast<float>(x); }

// The shader that an output of the material is connected to; none where it is not connected to one.
const Prim* shader_of(const View& view, const Prim& material, const char* output) {
  if (view.stage.connections(material, output).empty()) return nullptr;
  const Input in = follow(view, material, output);
  return in.shader ? in.prim : nullptr;
}

bool is_preview(const View& view, const Prim& shader) {
  return view.token(shader, "info:id").value_or("") == "UsdPreviewSurface";
}

// The UsdPreviewSurface shader of a material; none where it has another kind.
const Prim* preview(const View& view, const Prim& material) {
  const Prim* shader = shader_of(view, material, "outputs:surface");
  if (shader && is_preview(view, *shader)) return shader;
  for (int child = view.stage.first_child(material); child < material.end; child = view.stage.next_sibling(child)) {
    const Prim& below = view.stage.prims()[static_cast<std::size_t>(child)];
    if (below.type_name == "Shader" && is_preview(view, below)) return &below;
  }
  return nullptr;
}

// Inputs of one shader.
struct Reader {
  View& view;
  const Prim& shader;

  float number(const char* name, double otherwise, TextureMap* map = nullptr) const {
    const Input in = follow(view, shader, name);
    if (!in.shader) return channel(view.number(*in.prim, in.name).value_or(otherwise));
    std::array<float, 4> fallback{};
    TextureMap read;
    if (!read_map(view, in, read, fallback)) return channel(otherwise);
    if (map) *map = read;
    if (!map)
      view.diagnostics.info(shader.where(name), "texture-not-read", std::string("'") + name + "' takes a number");
    const auto i = static_cast<std::size_t>(read.channel);
    return read.texture.valid() ? channel(otherwise) : fallback[i];
  }

  std::array<float, 3> color(const char* name, double otherwise, TextureMap& map) const {
    const float x = channel(otherwise);
    const Input in = follow(view, shader, name);
    if (!in.shader) {
      const Vec3d c = view.vector(*in.prim, in.name).value_or(Vec3d{otherwise, otherwise, otherwise});
      return {channel(c.x), channel(c.y), channel(c.z)};
    }
    std::array<float, 4> fallback{};
    if (!read_map(view, in, map, fallback) || map.texture.valid()) return {x, x, x};
    return {fallback[0], fallback[1], fallback[2]};
  }

  // Whether an input is the mesh's displayColor.
  bool is_display_color(const char* name) const {
    const Input in = follow(view, shader, name);
    if (!in.shader || view.token(*in.prim, "info:id").value_or("") != "UsdPrimvarReader_float3") return false;
    const Input var = follow(view, *in.prim, "inputs:varname");
    return !var.shader && view.token(*var.prim, var.name).value_or("") == "displayColor";
  }
};

void read_preview(View& view, const Prim& shader, Material& out) {
  const Reader in{view, shader};
  out.mesh_colors = in.is_display_color("inputs:diffuseColor");
  const auto color = out.mesh_colors ? std::array<float, 3>{0.18f, 0.18f, 0.18f}
                                     : in.color("inputs:diffuseColor", 0.18, out.color_map);
  out.color = {color[0], color[1], color[2], in.number("inputs:opacity", 1, &out.opacity_map)};
  out.emission = in.color("inputs:emissiveColor", 0, out.emission_map);
  out.metallic = in.number("inputs:metallic", 0, &out.metallic_map);
  out.roughness = in.number("inputs:roughness", 0.5, &out.roughness_map);
  out.opacity_threshold = in.number("inputs:opacityThreshold", 0);
  out.ior = in.number("inputs:ior", 1.5);
  out.clearcoat = in.number("inputs:clearcoat", 0);
  out.clearcoat_roughness = in.number("inputs:clearcoatRoughness", 0.01);
  in.number("inputs:occlusion", 1, &out.occlusion_map);
  TextureMap normal;
  in.color("inputs:normal", 0, normal);
  out.normal_map = normal;
  if (view.token(shader, "inputs:useSpecularWorkflow").has_value() ||
      view.stage.attribute(shader, "inputs:useSpecularWorkflow")) {
    const Value::Integers* flag = view.integers(shader, "inputs:useSpecularWorkflow");
    if (flag && flag->size() == 1 && flag->front() != 0) {
      view.diagnostics.info(shader.where("inputs:useSpecularWorkflow"), "look-not-read",
                            "the specular workflow is not read: the surface is read as one of metallic 0");
    }
  }
}

std::string mdl_name(const View& view, const Prim& shader) {
  std::string name = view.token(shader, "info:mdl:sourceAsset:subIdentifier").value_or("");
  if (!name.empty()) return name;
  name = view.token(shader, "info:mdl:sourceAsset").value_or("");
  name = name.substr(name.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

// A picture of OmniPBR: laid by the first texture coordinates, repeated.
TextureMap omni_map(View& view, const Prim& shader, const char* name, const char* space, int channel_of = 0) {
  TextureMap map;
  map.texture = read_texture(view, shader, name);
  if (!map.texture.valid()) return {};
  map.channel = channel_of;
  map.coordinates = "st";
  map.wrap_s = map.wrap_t = TextureMap::Wrap::kRepeat;
  read_color_space(view, space, map);
  return map;
}

void read_omni(View& view, const Prim& shader, Material& out) {
  const Reader in{view, shader};
  TextureMap none;
  const auto color = in.color("inputs:diffuse_color_constant", 0.2, none);
  const auto tint = in.color("inputs:diffuse_tint", 1, none);
  out.color = {color[0] * tint[0], color[1] * tint[1], color[2] * tint[2], 1};
  out.color_map = omni_map(view, shader, "inputs:diffuse_texture", "auto");
  if (out.color_map.texture.valid()) out.color_map.scale = {tint[0], tint[1], tint[2], 1};
  out.roughness = in.number("inputs:reflection_roughness_constant", 0.5);
  out.metallic = in.number("inputs:metallic_constant", 0);
  if (view.flag(shader, "inputs:enable_opacity").value_or(false)) {
    out.color[3] = in.number("inputs:opacity_constant", 1);
  }
  if (view.flag(shader, "inputs:enable_ORM_texture").value_or(false)) {
    out.occlusion_map = omni_map(view, shader, "inputs:ORM_texture", "raw", 0);
    out.roughness_map = omni_map(view, shader, "inputs:ORM_texture", "raw", 1);
    out.metallic_map = omni_map(view, shader, "inputs:ORM_texture", "raw", 2);
  }
  out.normal_map = omni_map(view, shader, "inputs:normalmap_texture", "raw");
  if (out.normal_map.texture.valid()) {
    out.normal_map.scale = {2, 2, 2, 1};
    out.normal_map.bias = {-1, -1, -1, 0};
  }
  if (view.flag(shader, "inputs:enable_emission").value_or(false)) {
    out.emission = in.color("inputs:emissive_color", 1, none);
  }
}

}  // namespace

bool read_surface(View& view, const Prim& material, Material& out) {
  if (const Prim* shader = preview(view, material)) {
    read_preview(view, *shader, out);
    return true;
  }
  const Prim* mdl = shader_of(view, material, "outputs:mdl:surface");
  if (!mdl) mdl = shader_of(view, material, "outputs:surface");
  if (!mdl) return false;
  const std::string name = mdl_name(view, *mdl);
  if (name.rfind("OmniPBR", 0) == 0) {
    read_omni(view, *mdl, out);
    return true;
  }
  const std::string kind =
      name.empty() ? view.token(*mdl, "info:id").value_or("a shader without a name") : name + " (MDL)";
  view.diagnostics.info(mdl->where(), "look-not-read",
                        kind + " is not read: " + material.path + " keeps the plain look",
                        "give the material a UsdPreviewSurface too");
  return false;
}

}  // namespace geoul::scene::usd
