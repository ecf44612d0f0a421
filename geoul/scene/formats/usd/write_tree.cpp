#include "geoul/scene/formats/usd/write_tree.h"

#include <algorithm>

namespace geoul::scene::usd {
namespace {

// What stands below its body, and has nothing below it.
bool is_placed(Kind kind) {
  return kind == Kind::kShape || kind == Kind::kSite || kind == Kind::kCamera || kind == Kind::kLight;
}

Node* child(Node& parent, const std::string& name) {
  const auto found = parent.by_name.find(name);
  if (found != parent.by_name.end()) return found->second;
  parent.children.push_back(std::make_unique<Node>());
  Node* node = parent.children.back().get();
  node->name = name;
  node->parent = &parent;
  parent.by_name[name] = node;
  return node;
}

std::vector<std::string> parts(const std::string& path) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) out.push_back(valid_name(path.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (out.empty()) out.push_back("unnamed");
  if (out.size() > 150) out.erase(out.begin() + 1, out.end() - 1);  // readers limit the depth
  return out;
}

}  // namespace

std::string valid_name(const std::string& raw) {
  std::string name;
  for (const char c : raw) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      static_cast<unsigned char>(c) >= 0x80;
    name += good ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(name.begin(), '_');
  return name;
}

Tree::Tree(const Scene& scene) : bodies(scene.bodies.size()) {
  for (std::size_t i = 0; i < scene.bodies.size(); ++i) bodies[i] = put(scene.bodies[i].path, Kind::kBody, i);
  for (std::size_t i = 0; i < scene.shapes.size(); ++i) {
    below(scene.shapes[i].path, scene.shapes[i].body, Kind::kShape, i);
  }
  for (std::size_t i = 0; i < scene.sites.size(); ++i) {
    below(scene.sites[i].path, scene.sites[i].body, Kind::kSite, i);
  }
  for (std::size_t i = 0; i < scene.cameras.size(); ++i) {
    below(scene.cameras[i].path, scene.cameras[i].body, Kind::kCamera, i);
  }
  for (std::size_t i = 0; i < scene.lights.size(); ++i) {
    below(scene.lights[i].path, scene.lights[i].body, Kind::kLight, i);
  }
  for (std::size_t i = 0; i < scene.joints.size(); ++i) joints.push_back(put(scene.joints[i].path, Kind::kJoint, i));
  for (std::size_t i = 0; i < scene.materials.size(); ++i) {
    materials.push_back(put(scene.materials[i].path, Kind::kMaterial, i));
  }
}

// The node of a path, made where it is not there yet; its last name is changed until the node is free.
Node* Tree::put(const std::string& path, Kind kind, std::size_t index, Node* top) {
  const std::vector<std::string> names = parts(path);
  Node* above = top ? top : &root;
  for (std::size_t i = 0; !top && i + 1 < names.size(); ++i) above = child(*above, names[i]);
  std::string name = names.back();
  const bool moves = is_placed(kind);  // what is below it
  Node* node = child(*above, name);
  for (int n = 2; node->kind != Kind::kPlain || (moves && !node->children.empty()); ++n) {
    node = child(*above, name + "_" + std::to_string(n));
  }
  node->kind = kind;
  node->index = static_cast<int>(index);
  return node;
}

// On its own path where that is below its body and nothing else that has a pose; else right below the body.
void Tree::below(const std::string& path, BodyId body, Kind kind, std::size_t index) {
  const std::vector<std::string> names = parts(path);
  Node* at = &root;
  int found = -1;
  bool clear = true;
  for (std::size_t i = 0; i + 1 < names.size() && at; ++i) {
    const auto next = at->by_name.find(names[i]);
    at = next == at->by_name.end() ? nullptr : next->second;
    if (!at) break;
    if (at->kind == Kind::kBody) found = at->index, clear = true;
    if (is_placed(at->kind)) clear = false;
  }
  if (clear && found == body.value) {
    put(path, kind, index);
  } else {
    put(path, kind, index, body.valid() ? bodies[body.index()] : &root);
  }
}

}  // namespace geoul::scene::usd
