#include "geoul/runtime/opcua_twin.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "geoul/runtime/jobs.h"
#include "geoul/runtime/ros_twin.h"

namespace geoul::runtime {
namespace {

// Which mechanism each body belongs to: bodies that joints hold together, what stands still apart. (nbody)
std::vector<std::size_t> mechanisms(const Twin& twin) {
  std::vector<std::size_t> root(twin.scene.bodies.size());
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&](std::size_t b) {
    while (root[b] != b) b = root[b] = root[root[b]];
    return b;
  };
  const auto moves = [&](scene::BodyId b) { return b.valid() && twin.model.bodies[b.index()].link >= 0; };
  for (const scene::Joint& joint : twin.scene.joints) {
    if (joint.enabled && moves(joint.parent) && moves(joint.child))
      root[find(joint.parent.index())] = find(joint.child.index());
  }
  for (std::size_t b = 0; b < root.size(); ++b) root[b] = find(b);
  return root;
}

// The longest path that all of these lie in: "/Cell/UR3e".
std::string common_folder(const std::vector<std::string>& paths) {
  std::string out = paths.front().substr(0, paths.front().rfind('/'));
  for (const std::string& path : paths) {
    while (!out.empty() && !path.starts_with(out + "/")) out.erase(out.rfind('/'));
  }
  return out;
}

link::OpcuaAxis axis_of(const scene::Joint& joint, const std::string& name) {
  using Profile = link::OpcuaMotionProfile;
  link::OpcuaAxis out;
  out.name = name;
  out.description = joint.path;
  out.is_linear = joint.type == scene::JointType::kPrismatic;
  out.profile = out.is_linear                                 ? Profile::kLinear
                : joint.type == scene::JointType::kContinuous ? Profile::kRotaryEndless
                                                              : Profile::kRotary;
  if (std::isfinite(joint.lower) && std::isfinite(joint.upper)) out.range = {joint.lower, joint.upper};
  return out;
}

}  // namespace

OpcuaTwin::OpcuaTwin(const Twin& twin, const std::string& name, const std::vector<link::SignalInfo>& signals)
    : twin_(twin) {
  description_.name = name;
  const std::vector<std::size_t> mechanism = mechanisms(twin);
  std::map<std::size_t, std::vector<scene::JointId>> joints_of;
  for (const scene::JointId id : twin.moving) {
    const scene::Joint& joint = twin.scene.joints[id.index()];
    const scene::BodyId body = joint.child.valid() ? joint.child : joint.parent;
    if (velocity_size(joint.type) == 1) joints_of[mechanism[body.index()]].push_back(id);
  }
  std::vector<std::string> folders;
  for (const auto& [root, joints] : joints_of) {
    std::vector<std::string> paths;
    for (const scene::JointId id : joints) {
      const scene::Joint& joint = twin.scene.joints[id.index()];
      paths.push_back(joint.path);
      if (joint.child.valid()) paths.push_back(twin.scene.bodies[joint.child.index()].path);
    }
    folders.push_back(common_folder(paths));
  }
  const std::vector<std::string> names = short_names(folders, "mechanism");
  std::size_t device = 0;
  for (const auto& [root, joints] : joints_of) {
    link::OpcuaMotionDevice out;
    out.name = names[device];
    out.description = folders[device++];
    std::vector<std::string> paths;
    std::size_t rotary = 0;
    for (const scene::JointId id : joints) paths.push_back(twin.scene.joints[id.index()].path);
    const std::vector<std::string> axis_names = short_names(paths, "axis");
    for (std::size_t i = 0; i < joints.size(); ++i) {
      out.axes.push_back(axis_of(twin.scene.joints[joints[i].index()], axis_names[i]));
      rotary += out.axes.back().is_linear ? 0 : 1;
      axes_.push_back(joints[i]);
    }
    if (rotary >= 4) out.category = link::OpcuaDeviceCategory::kArticulatedRobot;
    description_.devices.push_back(std::move(out));
  }
  description_.controllers.push_back({.name = "Geoul",
                                      .software_name = "Geoul",
                                      .software_manufacturer = "Geoul",
                                      .software_revision = std::string(version()),
                                      .task_name = "twin",
                                      .program = name});
  signals_ = std::min(signals.size(), kMaxVariables / 2);
  for (std::size_t i = 0; i < signals_; ++i) {
    description_.variables.push_back({signals[i].name, signals[i].unit, "as it was measured"});
    description_.variables.push_back(
        {signals[i].name + "/predicted", signals[i].unit, "as the twin says it should be"});
  }
  axis_values_.resize(axes_.size());
  variable_values_.resize(2 * signals_);
}

link::OpcuaTwinValues OpcuaTwin::values(const Snapshot& snapshot, const std::vector<bool>& stale, Time unix_time) {
  const scene::State& state = snapshot.state;
  const scene::StateLayout& layout = snapshot.layout ? *snapshot.layout : twin_.model.layout;
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const scene::JointAddress address = layout.joints[axes_[i].index()];
    link::OpcuaAxisValue& out = axis_values_[i];
    if (address.v < 0) {  // the joint broke
      out = {kNoBound, kNoBound, kNoBound, link::Quality::kBad};
      continue;
    }
    const auto q = static_cast<std::size_t>(address.q), v = static_cast<std::size_t>(address.v);
    const bool is_stale = axes_[i].index() < stale.size() && stale[axes_[i].index()];
    out = {state.q[q], state.v[v], state.a[v], is_stale ? link::Quality::kUncertain : link::Quality::kGood};
  }
  for (std::size_t i = 0; i < signals_ && i < snapshot.signals.size(); ++i) {
    variable_values_[2 * i] = {snapshot.signals[i].measured};
    variable_values_[2 * i + 1] = {snapshot.signals[i].predicted};
  }
  link::OpcuaTwinValues out;
  out.time = unix_time;
  out.axes = axis_values_;
  out.variables = variable_values_;
  return out;
}

}  // namespace geoul::runtime
