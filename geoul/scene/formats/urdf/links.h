// Links, their mass, shapes and materials, of a URDF document into a scene.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/formats/urdf/urdf.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::urdf {

// Links by their name in the file, in the order of Scene::bodies.
using LinkIds = std::map<std::string, BodyId, std::less<>>;

class LinkReader {
 public:
  // root: USD path of the robot, "/robot".
  LinkReader(Document& document, const UrdfOptions& options, std::string root, Scene& scene);

  // Materials first (they may be used before they are defined), then every link.
  LinkIds read(pugi::xml_node robot);

 private:
  struct MeshEntry {
    bool loaded = false;
    std::vector<MeshPart> parts;
    std::vector<MeshId> part_ids;
    MeshId whole;
  };

  void read_materials(pugi::xml_node robot);
  std::optional<std::array<double, 4>> color(pugi::xml_node material, const std::string& who);
  MaterialId add_material(std::string_view name, const std::array<float, 4>& linear);
  MaterialId visual_material(pugi::xml_node visual, const std::string& who);
  void read_link(pugi::xml_node link, const std::string& name, const std::string& path);
  MassProperties read_mass(pugi::xml_node link, const std::string& who);
  void read_shape(pugi::xml_node element, BodyId body, bool collision, Names& names, const std::string& who);
  void read_mesh_shape(pugi::xml_node mesh, Shape shape, Names& names, std::string_view name, const std::string& who);
  std::optional<Geometry> primitive(pugi::xml_node geometry, const std::string& who);
  double size(pugi::xml_node node, const char* attribute, const std::string& who);
  MeshEntry* load_mesh(pugi::xml_node mesh, const std::string& who);

  Document& document_;
  const UrdfOptions& options_;
  std::string root_;
  Scene& scene_;
  Names link_names_, material_names_;
  struct Named {
    MaterialId id;
    std::array<float, 4> linear{};
    bool global = false;
  };
  std::map<std::string, Named, std::less<>> materials_;
  std::map<std::string, MeshEntry> meshes_;  // by resolved file
  int skipped_meshes_ = 0;
};

}  // namespace geoul::scene::urdf
