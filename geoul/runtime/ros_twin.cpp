#include "geoul/runtime/ros_twin.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace geoul::runtime {
namespace {

link::RosVector3 ros(const Vec3d& v) { return {v.x, v.y, v.z}; }
link::RosQuaternion ros(const Quatd& q) { return {q.x, q.y, q.z, q.w}; }

link::RosTransform transform_of(Time stamp, const std::string& parent, const std::string& child, const Posed& X) {
  return {{stamp, parent}, child, ros(X.p), ros(X.R)};
}

// Whether "imu" is a word of the name: "imu", "base_imu", "imu_2"; not "aluminium".
bool names_imu(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::size_t at = name.find("imu");
  if (at == std::string::npos) return false;
  const auto is_letter = [&](std::size_t i) {
    return i < name.size() && std::isalpha(static_cast<unsigned char>(name[i]));
  };
  return !(at > 0 && is_letter(at - 1)) && !is_letter(at + 3);
}

}  // namespace

std::vector<std::string> short_names(const std::vector<std::string>& paths, const std::string& empty) {
  std::map<std::string, int> count;
  for (const std::string& path : paths) ++count[label_of(path)];
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (const std::string& path : paths) {
    std::string name = label_of(path);
    if (count[name] > 1) {
      name = path.substr(path.starts_with('/') ? 1 : 0);
      std::replace(name.begin(), name.end(), '/', '_');
    }
    if (name.empty()) name = empty;
    std::string unique = name;
    for (int i = 2; !taken.insert(unique).second; ++i) unique = name + "_" + std::to_string(i);
    out.push_back(std::move(unique));
  }
  return out;
}

RosTwin::RosTwin(const Twin& twin, const Site* site) : twin_(twin) {
  std::vector<std::string> paths;
  for (const scene::Body& body : twin.scene.bodies) paths.push_back(body.path);
  bodies_ = short_names(paths, "body");
  paths.clear();
  for (const scene::Joint& joint : twin.scene.joints) paths.push_back(joint.path);
  joints_ = short_names(paths, "joint");
  std::vector<std::string> sites;
  std::vector<FrameAddress> frames;
  for (const scene::Site& s : twin.scene.sites) {
    const bool is_bound = site && std::any_of(site->sites.begin(), site->sites.end(), [&](const SiteBinding& b) {
                            return b.specific_force && b.site.path == s.path;
                          });
    if (!is_bound && !names_imu(label_of(s.path))) continue;
    sites.push_back(s.path);
    frames.push_back({s.body, transform(s.X_BS)});
  }
  const std::vector<std::string> names = short_names(sites, "imu");
  for (std::size_t i = 0; i < names.size(); ++i) imus_.push_back({names[i], frames[i]});
  for (std::size_t j = 0; j < twin.scene.joints.size() && wrenches_.size() < kMaxWrenches; ++j) {
    const scene::Joint& joint = twin.scene.joints[j];
    const bool moves = joint.enabled && joint.child.valid() && twin.model.bodies[joint.child.index()].link >= 0;
    if (moves) wrenches_.push_back({static_cast<std::int32_t>(j)});
  }
}

link::RosJointState RosTwin::joint_states(const Snapshot& snapshot, const std::vector<bool>& stale) const {
  const scene::State& state = snapshot.state;
  const scene::StateLayout& layout = snapshot.layout ? *snapshot.layout : twin_.model.layout;
  link::RosJointState out;
  out.header.stamp = state.time;
  for (const scene::JointId id : twin_.moving) {
    const scene::JointAddress address = layout.joints[id.index()];
    if (address.nv != 1 || address.v < 0 || (id.index() < stale.size() && stale[id.index()])) continue;
    out.name.push_back(joints_[id.index()]);
    out.position.push_back(state.q[static_cast<std::size_t>(address.q)]);
    out.velocity.push_back(state.v[static_cast<std::size_t>(address.v)]);
    out.effort.push_back(state.tau[static_cast<std::size_t>(address.v)]);
  }
  return out;
}

link::RosTransforms RosTwin::transforms(const scene::State& state) const {
  link::RosTransforms out;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    if (twin_.model.bodies[b].link >= 0)
      out.transforms.push_back(transform_of(state.time, "world", bodies_[b], state.X_WB[b]));
  }
  return out;
}

link::RosTransforms RosTwin::static_transforms(const scene::State& state) const {
  link::RosTransforms out;
  for (std::size_t b = 0; b < bodies_.size(); ++b) {
    if (twin_.model.bodies[b].link < 0)
      out.transforms.push_back(transform_of(state.time, "world", bodies_[b], state.X_WB[b]));
  }
  const auto add = [&](scene::BodyId body, const std::string& name, const Posed& X) {
    out.transforms.push_back(
        transform_of(state.time, body.valid() ? bodies_[body.index()] : std::string("world"), name, X));
  };
  for (const NamedFrame& imu : imus_)
    add(imu.frame.body, imu.name + "_frame", {quaternion(imu.frame.X_BF.R), imu.frame.X_BF.p});
  for (const scene::JointId id : wrenches_) {
    const scene::Joint& joint = twin_.scene.joints[id.index()];
    add(joint.child, joints_[id.index()] + "_joint_frame", joint.X_CJ);
  }
  return out;
}

std::vector<std::pair<std::string, link::RosImu>> RosTwin::imus(const scene::State& state) const {
  std::vector<std::pair<std::string, link::RosImu>> out;
  for (const NamedFrame& imu : imus_) {
    const Transformd X_WF = frame_pose(state, imu.frame);
    const Vec3d w = imu.frame.body.valid() ? state.V_WB[imu.frame.body.index()].w : Vec3d{};
    link::RosImu message;
    message.header = {state.time, imu.name + "_frame"};
    message.orientation = ros(quaternion(X_WF.R));
    message.angular_velocity = ros(transpose_times(X_WF.R, w));
    message.linear_acceleration = ros(specific_force(state, imu.frame, twin_.model.gravity));
    out.emplace_back("imu/" + imu.name, std::move(message));
  }
  return out;
}

std::vector<std::pair<std::string, link::RosWrench>> RosTwin::wrenches(const scene::State& state) const {
  std::vector<std::pair<std::string, link::RosWrench>> out;
  for (const scene::JointId id : wrenches_) {
    const scene::JointWrench& wrench = state.wrenches[id.index()];
    if (wrench.indeterminate) continue;
    link::RosWrench message;
    message.header = {state.time, joints_[id.index()] + "_joint_frame"};
    message.force = ros(wrench.F_C_J.f);
    message.torque = ros(wrench.F_C_J.n);
    out.emplace_back("wrench/" + joints_[id.index()], std::move(message));
  }
  return out;
}

}  // namespace geoul::runtime
