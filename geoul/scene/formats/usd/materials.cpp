// Materials: what a shape binds, UsdPhysics material properties, displayColor.
#include "geoul/scene/formats/usd/surface.h"

namespace geoul::scene::usd {
namespace {

float channel(double x) { return static_cast<float>(x); }

void read_physics(const View& view, const Prim& prim, Material& out) {
  read_vendor_material(view, prim, out);
  if (!prim.has_api("PhysicsMaterialAPI")) return;
  out.static_friction = view.positive(prim, "physics:staticFriction", 0);
  out.dynamic_friction = view.positive(prim, "physics:dynamicFriction", 0);
  out.restitution = view.positive(prim, "physics:restitution", 0);
  out.density = view.positive(prim, "physics:density", 0) * view.kilograms / (view.meters * view.meters * view.meters);
}

// displayColor and displayOpacity of a shape that binds no surface: the first of them, and by corner where the mesh has
// them so.
bool read_display(const View& view, const Prim& shape, Material& out) {
  const Value::Reals* color = view.reals(shape, "primvars:displayColor", 3);
  const Value::Reals* opacity = view.reals(shape, "primvars:displayOpacity", 1);
  if (color && color->size() >= 3) out.color = {channel((*color)[0]), channel((*color)[1]), channel((*color)[2]), 1};
  if (opacity && !opacity->empty()) out.color[3] = channel(opacity->front());
  out.mesh_colors = shape.type_name == "Mesh" && color && color->size() > 3 &&
                    interpolation(view, shape, "primvars:displayColor", "constant") != "constant";
  return (color && color->size() >= 3) || (opacity && !opacity->empty());
}

}  // namespace

MaterialId read_material(View& view, const Prim& shape) {
  const Prim* look = bound_material(view, shape, {"preview", "", "full"});
  const Prim* physics = bound_material(view, shape, {"physics", ""});
  const std::string physics_path = physics ? physics->path : "";
  if (look) {
    const auto found = view.materials.find({look->path, physics_path});
    if (found != view.materials.end()) return found->second;
  }
  Material material;
  const bool surface = look && read_surface(view, *look, material);
  const bool display = !surface && read_display(view, shape, material);
  if (!look && !physics && !display) return {};

  const std::string look_name = display ? shape.path + "/displayColor" : look ? look->path : "";
  const std::pair<std::string, std::string> key{look_name, physics_path};
  if (const auto found = view.materials.find(key); found != view.materials.end()) return found->second;
  if (physics) read_physics(view, *physics, material);
  material.path = look_name.empty() ? physics->path : look_name;
  if (physics && physics != look && !look_name.empty()) material.path += "_" + std::string(physics->name());
  const MaterialId id = MaterialId::from_index(view.scene.materials.size());
  view.scene.materials.push_back(material);
  view.materials[key] = id;
  return id;
}

}  // namespace geoul::scene::usd
