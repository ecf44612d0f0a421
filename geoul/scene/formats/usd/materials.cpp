// Materials: UsdShade bindings, UsdPreviewSurface, UsdPhysics material properties, displayColor.
#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

// The material that the prim or the nearest prim above it binds for a purpose; none where nothing is bound.
const Prim* bound(const View& view, const Prim& shape, const std::string& relationship) {
  for (const Prim* p = &shape; p;
       p = p->parent >= 0 ? &view.stage.prims()[static_cast<std::size_t>(p->parent)] : nullptr) {
    if (!view.stage.has_relationship(*p, relationship)) continue;
    bool broken = false;
    if (const Prim* material = view.target(*p, relationship, broken, true)) return material;
    return nullptr;
  }
  return nullptr;
}

// The UsdPreviewSurface shader of a material; none where it has another kind.
const Prim* surface(const View& view, const Prim& material) {
  for (const std::string& path : view.stage.connections(material, "outputs:surface")) {
    const Prim* shader = view.stage.find(path.substr(0, path.find('.')));
    if (shader && view.token(*shader, "info:id").value_or("") == "UsdPreviewSurface") return shader;
  }
  for (int child = view.stage.first_child(material); child < material.end; child = view.stage.next_sibling(child)) {
    const Prim& shader = view.stage.prims()[static_cast<std::size_t>(child)];
    if (shader.type_name == "Shader" && view.token(shader, "info:id").value_or("") == "UsdPreviewSurface")
      return &shader;
  }
  return nullptr;
}

float channel(double x) { return static_cast<float>(x); }

void read_surface(const View& view, const Prim& shader, Material& out) {
  for (const char* input :
       {"inputs:diffuseColor", "inputs:roughness", "inputs:metallic", "inputs:opacity", "inputs:emissiveColor"}) {
    if (!view.stage.connections(shader, input).empty()) {
      view.diagnostics.info(shader.where(input), "texture-not-read",
                            std::string("'") + input + "' is connected to a texture, which is not supported yet");
    }
  }
  const Vec3d color = view.vector(shader, "inputs:diffuseColor").value_or(Vec3d{0.18, 0.18, 0.18});
  const Vec3d glow = view.vector(shader, "inputs:emissiveColor").value_or(Vec3d{});
  out.color = {channel(color.x), channel(color.y), channel(color.z),
               channel(view.number(shader, "inputs:opacity").value_or(1))};
  out.emission = {channel(glow.x), channel(glow.y), channel(glow.z)};
  out.metallic = channel(view.number(shader, "inputs:metallic").value_or(0));
  out.roughness = channel(view.number(shader, "inputs:roughness").value_or(0.5));
}

void read_physics(const View& view, const Prim& prim, Material& out) {
  read_vendor_material(view, prim, out);
  if (!prim.has_api("PhysicsMaterialAPI")) return;
  out.static_friction = view.positive(prim, "physics:staticFriction", 0);
  out.dynamic_friction = view.positive(prim, "physics:dynamicFriction", 0);
  out.restitution = view.positive(prim, "physics:restitution", 0);
  out.density = view.positive(prim, "physics:density", 0) * view.kilograms / (view.meters * view.meters * view.meters);
}

// The first displayColor and displayOpacity of a shape that binds no surface.
bool read_display(const View& view, const Prim& shape, Material& out) {
  const Value::Reals* color = view.reals(shape, "primvars:displayColor", 3);
  const Value::Reals* opacity = view.reals(shape, "primvars:displayOpacity", 1);
  if (color && color->size() >= 3) out.color = {channel((*color)[0]), channel((*color)[1]), channel((*color)[2]), 1};
  if (opacity && !opacity->empty()) out.color[3] = channel(opacity->front());
  return (color && color->size() >= 3) || (opacity && !opacity->empty());
}

}  // namespace

MaterialId read_material(View& view, const Prim& shape) {
  const Prim* look = bound(view, shape, "material:binding");
  const Prim* physics = bound(view, shape, "material:binding:physics");
  if (!physics) physics = look;
  const Prim* shader = look ? surface(view, *look) : nullptr;
  Material material;
  const bool display = !shader && read_display(view, shape, material);
  if (!look && !physics && !display) return {};

  const std::string look_name = display ? shape.path + "/displayColor" : look ? look->path : "";
  const std::pair<std::string, std::string> key{look_name, physics ? physics->path : ""};
  const auto found = view.materials.find(key);
  if (found != view.materials.end()) return found->second;
  if (shader) read_surface(view, *shader, material);
  if (physics) read_physics(view, *physics, material);
  material.path = look_name.empty() ? physics->path : look_name;
  if (physics && physics != look && !look_name.empty()) material.path += "_" + std::string(physics->name());
  const MaterialId id = MaterialId::from_index(view.scene.materials.size());
  view.scene.materials.push_back(material);
  view.materials[key] = id;
  return id;
}

}  // namespace geoul::scene::usd
