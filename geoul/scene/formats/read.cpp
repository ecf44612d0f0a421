// Any scene file by its ending. Codes: not-found, format, bad-option, open-mesh, mesh-inside-out, and those of the
// reader that is chosen.
#include <algorithm>
#include <filesystem>

#include "geoul/scene/formats/mesh/mesh_check.h"
#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/formats/mjcf/mjcf.h"
#include "geoul/scene/formats/sdf/sdf.h"
#include "geoul/scene/formats/urdf/urdf.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/read.h"

namespace geoul::scene {
namespace {

namespace fs = std::filesystem;

constexpr double kMeshDensity = 1000;  // [kg/m3], water

std::string path_name(const std::string& file) {
  std::string name = fs::path(file).stem().string();
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')); }, '_');
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name = '_' + name;
  return name;
}

// A closed mesh is a solid body of water's density; an open one has no volume and belongs to the world.
std::optional<Scene> read_mesh_scene(const std::string& file, Diagnostics& diagnostics) {
  MeshOptions options;
  options.apply_up_axis = true;  // the file stands alone: z is up in the scene
  auto parts = read_mesh_file(file, options, diagnostics);
  if (!parts) return std::nullopt;
  Scene scene;
  scene.name = path_name(file);
  const std::string root = "/" + scene.name;
  Mesh whole = merged(*parts);
  const MeshCheck check = check_mesh(whole);
  const bool turned = check.volume < 0;
  if (turned) {
    diagnostics.warning({file, 0, root}, "mesh-inside-out", "its triangles face inwards: they are turned round",
                        "reverse their order in the file");
    turn_inside_out(whole);
    for (MeshPart& part : *parts) turn_inside_out(part.mesh);
  }
  scene.meshes.push_back(whole);
  const Geometry geometry = TriangleMesh{MeshId{0}, {1, 1, 1}};
  const auto mass = check.volume != 0 ? solid_mass(scene, geometry, kMeshDensity) : std::nullopt;
  BodyId body = kWorld;
  if (mass) {
    Body solid;
    solid.path = root;
    solid.mass = *mass;
    solid.source = {file, 0, root};
    scene.bodies.push_back(solid);
    body = BodyId{0};
  } else {
    diagnostics.warning({file, 0, root}, "open-mesh",
                        "the surface bounds no solid (" + complaint(check) + "), so it has no mass and stands still",
                        "close its holes, or give its mass in a USD or URDF file");
  }
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const MeshPart& part = (*parts)[i];
    Shape shape;
    shape.path = root + "/visual_" + std::to_string(i);
    shape.body = body;
    scene.meshes.push_back(part.mesh);
    shape.geometry = TriangleMesh{MeshId::from_index(scene.meshes.size() - 1), {1, 1, 1}};
    if (part.color) {
      Material material;
      material.path = root + "/materials/material_" + std::to_string(i);
      material.color = *part.color;
      scene.materials.push_back(material);
      shape.material = MaterialId::from_index(scene.materials.size() - 1);
    }
    scene.shapes.push_back(shape);
  }
  Shape collision;
  collision.path = root + "/collision";
  collision.body = body;
  collision.geometry = geometry;
  collision.visible = false;
  collision.collides = true;
  scene.shapes.push_back(collision);
  return scene;
}

// Says what of the options is wrong, or has no meaning for a file of this ending.
bool check_options(const std::string& file, const std::string& ending, const ReadOptions& options,
                   Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  const Location where{file, 0, {}};
  for (const std::string& argument : options.xacro_arguments) {
    const std::size_t sign = argument.find(":=");
    if (sign == std::string::npos || sign == 0) {
      diagnostics.error(where, "bad-option", "the xacro argument '" + argument + "' names no value",
                        "write it as name:=value");
    }
  }
  if (!options.xacro_arguments.empty() && ending != ".xacro") {
    diagnostics.error(where, "bad-option", "xacro arguments are given, but this is no .xacro file",
                      "name the .xacro file that it was made from, or leave them out");
  }
  if (!options.srdf.empty() && ending != ".xacro" && ending != ".urdf") {
    diagnostics.error(where, "bad-option", "an SRDF file is given, but this is no .urdf or .xacro file",
                      "name the robot's URDF file, or leave the SRDF out");
  }
  if (options.max_hulls && (*options.max_hulls < 0 || *options.max_hulls > ConvexHull::kMostHulls)) {
    diagnostics.error(where, "bad-option", std::to_string(*options.max_hulls) + " hulls a mesh are asked for",
                      "ask for 0 (the surface), 1 (its hull) or up to " + std::to_string(ConvexHull::kMostHulls));
  }
  return diagnostics.error_count() == errors;
}

// Every mesh that touches, with its surface (0), its hull or hulls.
void touch_with(int max_hulls, Scene& scene) {
  for (Shape& shape : scene.shapes) {
    if (!shape.collides) continue;
    const auto* surface = std::get_if<TriangleMesh>(&shape.geometry);
    const auto* hull = std::get_if<ConvexHull>(&shape.geometry);
    if (!surface && !hull) continue;
    const MeshId mesh = surface ? surface->mesh : hull->mesh;
    const Vec3d scale = surface ? surface->scale : hull->scale;
    if (max_hulls == 0) {
      shape.geometry = TriangleMesh{mesh, scale};
    } else {
      shape.geometry = ConvexHull{mesh, scale, max_hulls};
    }
  }
}

std::optional<Scene> read_by_ending(const std::string& file, const std::string& ending, const ReadOptions& options,
                                    Diagnostics& diagnostics) {
  if (ending == ".urdf" || ending == ".xacro") {
    UrdfOptions urdf;
    urdf.srdf = options.srdf;
    urdf.xacro_arguments = options.xacro_arguments;
    return read_urdf(file, urdf, diagnostics);
  }
  if (ending == ".usda" || ending == ".usd" || ending == ".usdc" || ending == ".usdz")
    return read_usd(file, diagnostics);
  if (ending == ".sdf" || ending == ".world") return read_sdf(file, {}, diagnostics);
  if (ending == ".xml" || ending == ".mjcf") return read_mjcf(file, {}, diagnostics);
  if (mesh_format(file)) return read_mesh_scene(file, diagnostics);
  diagnostics.error(
      {file, 0, {}}, "format", "files that end in '" + ending + "' are not read",
      "give a .usda, .usdc, .usdz, .urdf, .sdf, .xml (MJCF), .stl, .obj, .ply, .dae, .gltf, .glb or .3mf file");
  return std::nullopt;
}

}  // namespace

std::optional<Scene> read_scene(const std::string& file, const ReadOptions& options, Diagnostics& diagnostics) {
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) {
    const bool folder = fs::is_directory(file, failed);
    diagnostics.error({file, 0, {}}, "not-found", folder ? "this is a folder" : "there is no such file",
                      folder ? "name a file in it" : "check the path");
    return std::nullopt;
  }
  std::string ending = fs::path(file).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!check_options(file, ending, options, diagnostics)) return std::nullopt;
  std::optional<Scene> scene = read_by_ending(file, ending, options, diagnostics);
  if (scene && options.max_hulls) touch_with(*options.max_hulls, *scene);
  return scene;
}

std::optional<Scene> read_scene(const std::string& file, Diagnostics& diagnostics) {
  return read_scene(file, {}, diagnostics);
}

}  // namespace geoul::scene
