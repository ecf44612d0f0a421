// Assets of MJCF models: meshes and height fields, read when a geom first names them, and materials.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "geoul/scene/formats/mjcf/model.h"
#include "geoul/scene/formats/mjcf/solid.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::mjcf {

struct MeshAsset {
  bool readable = false;  // false: missing (said as a warning) or broken (an error)
  MeshId mesh;            // in the scene, with refpos and refquat applied
  Vec3d scale{1, 1, 1};
  bool surface = true;              // false: points without faces
  std::vector<Vec3d> vertices;      // as a geom sees them
  std::vector<Triangle> triangles;  // turned round where the scale mirrors
  MeshInertia inertia = MeshInertia::kLegacy;
  std::optional<Solid> solid;  // made when first asked for
  Principal principal;         // of the solid
  Vec3d low, high;             // bounding box about its centre, along its axes
  bool solid_tried = false;

  void make_solid();
};

struct FieldAsset {
  HeightField field;
  double half_height = 0;  // of the box whose mass MuJoCo gives it
};

struct Look {
  std::array<double, 4> rgba{0.5, 0.5, 0.5, 1};  // as written, for a screen
  double metallic = 0, roughness = 0.6, emission = 0;
  std::string name;  // of the material asset
};

class Assets {
 public:
  Assets(Document& document, Scene& scene, std::string root)
      : document_(document), scene_(scene), root_(std::move(root)) {}

  // Notes the <asset> elements of a model. Models keep their address.
  void add(const Model& model);

  // None where the model has no such asset. Loaded at the first call.
  MeshAsset* mesh(const Model& model, const std::string& name);
  std::optional<FieldAsset> height_field(const Model& model, const std::string& name);
  bool has_field(const Model& model, const std::string& name) const { return fields_.contains({&model, name}); }
  // Of a material asset of this name; false where there is none.
  bool look(const Model& model, const std::string& name, Look& look);
  // The <model> assets of a model, by name.
  std::vector<const Element*> model_assets(const Model& model) const;

  // Scene material of a look and MuJoCo's friction triple. Equal ones are one.
  MaterialId material(const Look& look, const Vec3d& friction);
  // Unit sphere as a mesh, to be scaled to ellipsoids.
  MeshId unit_sphere();
  void report();  // what was left out by the options

 private:
  using Key = std::pair<const Model*, std::string>;
  void load(const Model& model, const Element& element, MeshAsset& asset);
  bool read_file(const Model& model, const Element& element, const Node& node, Mesh& mesh);
  bool read_inline(const Element& element, const Node& node, Mesh& mesh);
  std::string file_of(const Model& model, const std::string& file) const;

  Document& document_;
  Scene& scene_;
  std::string root_;
  std::map<Key, const Element*> meshes_, fields_, materials_, models_;
  std::map<Key, MeshAsset> loaded_;
  std::map<std::tuple<std::string, std::array<double, 4>, double, double, double, std::array<double, 3>>, MaterialId>
      made_;
  std::map<std::string, int> material_names_;
  MeshId sphere_;
  int skipped_ = 0;
};

}  // namespace geoul::scene::mjcf
