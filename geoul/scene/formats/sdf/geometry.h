// Geometries of SDF visuals and collisions, and their materials.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "geoul/scene/formats/sdf/document.h"
#include "geoul/scene/formats/urdf/document.h"
#include "geoul/scene/scene.h"

namespace geoul::scene::sdf {

// One shape of a geometry; an ellipsoid, a polyline and the parts of a mesh file are meshes.
struct Made {
  Geometry geometry;
  Posed X;                                    // in the frame of the visual or collision
  std::optional<std::array<float, 4>> color;  // of the part of a mesh file
  std::optional<MassProperties> unit;         // of density 1, in that frame, where it is not that of `geometry`
};

class GeometryReader {
 public:
  GeometryReader(Document& document, Scene& scene) : document_(document), scene_(scene) {}

  // The shapes of <geometry>; none with an error, or with a warning where it is left out. `whole`: a mesh is one shape.
  std::vector<Made> read(const Element& geometry, bool whole, const std::string& who);
  void report();  // what was left out by the options

 private:
  struct MeshEntry {
    bool loaded = false;
    std::vector<MeshPart> parts;
    std::vector<MeshId> part_ids;
    MeshId whole;
  };

  std::vector<Made> mesh(const Element& element, bool whole, const std::string& who);
  std::vector<Made> plane(const Element& element, const std::string& who);
  std::vector<Made> ellipsoid(const Element& element, const std::string& who);
  std::vector<Made> polyline(const Element& element, const std::string& who);
  MeshEntry* load(const Element& element, const std::string& who);

  Document& document_;
  Scene& scene_;
  MeshId sphere_;
  std::map<std::string, MeshEntry> meshes_;
  int skipped_ = 0;
};

// Materials of a scene, equal ones once. root: USD path of their folder.
class Materials {
 public:
  Materials(Scene& scene, std::string root) : scene_(scene), root_(std::move(root)) {}
  MaterialId add(const Material& material, const std::string& name);

 private:
  using Key = std::tuple<std::array<float, 4>, float, float, std::array<float, 3>, std::array<double, 5>>;
  Scene& scene_;
  std::string root_;
  std::map<Key, MaterialId> made_;
  urdf::Names names_;
};

}  // namespace geoul::scene::sdf
