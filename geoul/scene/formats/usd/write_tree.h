// The tree of prims that a scene becomes: where each body, shape, site, camera, light, joint and material stands.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "geoul/scene/scene.h"

namespace geoul::scene::usd {

enum class Kind { kPlain, kBody, kJoint, kShape, kSite, kCamera, kLight, kMaterial };

struct Node {
  std::string name;
  Node* parent = nullptr;
  Kind kind = Kind::kPlain;
  int index = -1;  // in the scene's array of its kind
  std::vector<std::unique_ptr<Node>> children;
  std::map<std::string, Node*, std::less<>> by_name;

  std::string path() const { return parent ? parent->path() + "/" + name : ""; }
};

// The name with what USD does not allow in it replaced by '_'.
std::string valid_name(const std::string& raw);

// Everything on its own path where that is free; shapes, sites, cameras and lights always below their body.
class Tree {
 public:
  explicit Tree(const Scene& scene);

  Node root;
  std::vector<Node*> bodies, joints, materials;  // (nbody), (njoint), (nmaterial)

 private:
  Node* put(const std::string& path, Kind kind, std::size_t index, Node* top = nullptr);
  void below(const std::string& path, BodyId body, Kind kind, std::size_t index);
};

}  // namespace geoul::scene::usd
