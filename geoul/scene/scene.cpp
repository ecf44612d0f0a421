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

}  // namespace

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

std::optional<BodyId> find_body(const Scene& scene, std::string_view path) { return find<BodyId>(scene.bodies, path); }
std::optional<JointId> find_joint(const Scene& scene, std::string_view path) {
  return find<JointId>(scene.joints, path);
}
std::optional<SiteId> find_site(const Scene& scene, std::string_view path) { return find<SiteId>(scene.sites, path); }

std::string body_name(const Scene& scene, BodyId body) {
  return body.valid() ? scene.bodies[body.index()].path : "the world";
}

}  // namespace geoul::scene
