#include "scenarios/plant/machine/arm.h"

#include <string_view>

namespace geoul::plant {
namespace {

std::optional<scene::SiteId> site_called(const scene::Scene& scene, std::string_view name) {
  for (std::size_t s = 0; s < scene.sites.size(); ++s) {
    if (scene.sites[s].path.ends_with(name)) return scene::SiteId{static_cast<std::int32_t>(s)};
  }
  return std::nullopt;
}

}  // namespace

Result<Arm> find_arm(const scene::Scene& scene, const dynamics::Model& model) {
  const auto bad = [&](const std::string& why) { return Error{ErrorCode::kBadInput, scene.name + ": " + why}; };
  Arm arm;
  std::size_t found = 0;
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    if (model.layout.joints[j].nv == 0) continue;
    if (model.layout.joints[j].nv > 1 || found == kJoints || model.joint_reversed[j])
      return bad("a machine needs a scene with six joints of one degree from base to flange, and no more");
    arm.joints[found] = scene::JointId{static_cast<std::int32_t>(j)};
    arm.bodies[found++] = scene.joints[j].child;
  }
  if (found < kJoints || model.nv != static_cast<int>(kJoints))
    return bad("a machine needs six joints of one degree and nothing else that moves");
  arm.base = scene.joints[arm.joints[0].index()].parent;
  const auto flange = site_called(scene, "/flange"), tcp = site_called(scene, "/tcp");
  if (!flange || !tcp) return bad("name the sites of flange and tool 'flange' and 'tcp'");
  arm.flange = *flange, arm.tcp = *tcp;
  const int link = static_cast<int>(last_link(arm, model));
  const auto carries = [&](scene::BodyId body) { return model.bodies[body.index()].link == link; };
  if (!carries(scene.sites[arm.flange.index()].body) || !carries(scene.sites[arm.tcp.index()].body))
    return bad("the sites 'flange' and 'tcp' must be on what the last joint moves");
  double heaviest = 0;
  for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
    const scene::BodyId body{static_cast<std::int32_t>(b)};
    if (body == arm.bodies.back() || !carries(body) || scene.bodies[b].mass.mass <= heaviest) continue;
    arm.gripper = body;
    heaviest = scene.bodies[b].mass.mass;
  }
  if (heaviest == 0) return bad("there is no gripper on the flange");
  return arm;
}

std::size_t last_link(const Arm& arm, const dynamics::Model& model) {
  return static_cast<std::size_t>(model.joint_link[arm.joints.back().index()]);
}

Transformd flange_in_link(const Arm& arm, const dynamics::Model& model) {
  const scene::Site& site = model.sites[arm.flange.index()];
  return model.bodies[site.body.index()].X_LB * transform(site.X_BS);
}

std::array<double, 6> pose_vector(const Transformd& X) {
  const Vec3d r = log_rotation(quaternion(X.R));
  return {X.p.x, X.p.y, X.p.z, r.x, r.y, r.z};
}

std::size_t q_of(const Arm& arm, const dynamics::Model& model, std::size_t joint) {
  return static_cast<std::size_t>(model.layout.joints[arm.joints[joint].index()].q);
}
std::size_t v_of(const Arm& arm, const dynamics::Model& model, std::size_t joint) {
  return static_cast<std::size_t>(model.layout.joints[arm.joints[joint].index()].v);
}

}  // namespace geoul::plant
