#include "geoul/scene/scene.h"

namespace geoul::scene {
namespace {

template <class IdType, class Item>
std::optional<IdType> find(const std::vector<Item>& items, std::string_view path) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].path == path) return IdType::from_index(i);
  }
  return std::nullopt;
}

// Keeps the items of the triangles that are kept; `each` items a triangle.
template <class Item>
void keep(std::vector<Item>& items, const std::vector<bool>& kept, std::size_t each) {
  if (items.size() != each * kept.size()) return;
  std::size_t out = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (kept[i / each]) items[out++] = items[i];
  }
  items.resize(out);
}

template <class Item>
void turn(std::vector<Item>& corners) {
  for (std::size_t i = 0; i + 2 < corners.size(); i += 3) std::swap(corners[i + 1], corners[i + 2]);
}

}  // namespace

void remove_triangles(Mesh& mesh, const std::vector<bool>& kept) {
  keep(mesh.corner_normals, kept, 3);
  keep(mesh.colors, kept, 3);
  for (TextureCoordinates& t : mesh.textures) keep(t.st, kept, 3);
  keep(mesh.face_sets, kept, 1);
  keep(mesh.triangles, kept, 1);
}

void turn_triangles(Mesh& mesh) {
  for (auto& t : mesh.triangles) std::swap(t[1], t[2]);
  turn(mesh.corner_normals);
  turn(mesh.colors);
  for (TextureCoordinates& t : mesh.textures) turn(t.st);
}

const char* to_string(JointType type) {
  switch (type) {
    case JointType::kFixed: return "fixed";
    case JointType::kRevolute: return "revolute";
    case JointType::kContinuous: return "continuous";
    case JointType::kPrismatic: return "prismatic";
    case JointType::kSpherical: return "spherical";
    case JointType::kPlanar: return "planar";
    case JointType::kFree: return "free";
  }
  return "unknown";
}

const char* to_string(Light::Kind kind) {
  switch (kind) {
    case Light::Kind::kDistant: return "distant";
    case Light::Kind::kSphere: return "sphere";
    case Light::Kind::kDisk: return "disk";
    case Light::Kind::kRectangle: return "rectangle";
    case Light::Kind::kCylinder: return "cylinder";
    case Light::Kind::kDome: return "dome";
  }
  return "unknown";
}

std::optional<BodyId> find_body(const Scene& scene, std::string_view path) { return find<BodyId>(scene.bodies, path); }
std::optional<JointId> find_joint(const Scene& scene, std::string_view path) {
  return find<JointId>(scene.joints, path);
}
std::optional<SiteId> find_site(const Scene& scene, std::string_view path) { return find<SiteId>(scene.sites, path); }

std::string body_name(const Scene& scene, BodyId body) {
  return body.valid() ? scene.bodies[body.index()].path : "the world";
}

}  // namespace geoul::scene
