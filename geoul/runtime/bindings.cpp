#include "geoul/runtime/bindings.h"

#include <algorithm>

#include "geoul/core/nearest.h"

namespace geoul::runtime {
namespace {

class Binder {
 public:
  Binder(const Site& site, const Twin& twin, Diagnostics& diagnostics)
      : site_(site), twin_(twin), diagnostics_(diagnostics) {}

  Bindings run() {
    out_.has_reference = true;
    for (const JointBinding& binding : site_.joints) add_joint(binding);
    for (const SiteBinding& binding : site_.sites) add_site(binding);
    if (site_.judge.constant_transform) out_.constant_from = frame(site_.judge.constant_transform->from, false);
    for (const scene::JointId id : twin_.moving) {
      const bool bound =
          std::any_of(out_.joints.begin(), out_.joints.end(), [&](const BoundJoint& b) { return b.joint == id; });
      if (bound) continue;
      diagnostics_.warning({site_.file, 0, twin_.scene.joints[id.index()].path}, "joint-not-bound",
                           "no signal moves this joint", "it stays at its start; bind it under bind.joints");
    }
    return std::move(out_);
  }

 private:
  void error(const ScenePath& at, std::string code, std::string message, std::string mend) {
    diagnostics_.error({site_.file, at.line, at.path}, std::move(code), std::move(message), std::move(mend));
  }

  int column(const SignalName& signal) {
    const auto it = std::find(out_.columns.begin(), out_.columns.end(), signal.column);
    if (it != out_.columns.end()) return static_cast<int>(it - out_.columns.begin());
    out_.columns.push_back(signal.column);
    return static_cast<int>(out_.columns.size()) - 1;
  }

  void add_joint(const JointBinding& binding) {
    const auto id = scene::find_joint(twin_.scene, binding.joint.path);
    if (!id) {
      std::vector<std::string> names;
      for (const scene::JointId j : twin_.moving) names.push_back(twin_.scene.joints[j.index()].path);
      error(binding.joint, "unknown-joint", "the scene has no joint of this name",
            did_you_mean(binding.joint.path, names,
                         did_you_mean(label_of(binding.joint.path), names,
                                      "see 'geoul check " + site_.scene + "' for its joints")));
      return;
    }
    const scene::Joint& joint = twin_.scene.joints[id->index()];
    if (velocity_size(joint.type) != 1 || !joint.enabled) {
      error(binding.joint, "joint-type",
            std::string("a ") + (joint.enabled ? scene::to_string(joint.type) : "disabled") +
                " joint cannot follow one signal",
            "bind a revolute, continuous or prismatic joint");
      return;
    }
    const scene::JointAddress address = twin_.model.layout.joints[id->index()];
    BoundJoint out;
    out.joint = *id;
    out.label = label_of(joint.path);
    out.q = address.q;
    out.v = address.v;
    out.position = column(binding.position);
    out.velocity = column(binding.velocity);
    if (binding.current) out.current = column(*binding.current);
    if (binding.reference) {
      out.reference_position = column(binding.reference->position);
      out.reference_velocity = column(binding.reference->velocity);
      out.reference_acceleration = column(binding.reference->acceleration);
      out.reference_torque = column(binding.reference->torque);
    } else {
      out_.has_reference = false;
    }
    out_.joints.push_back(out);
  }

  FrameAddress frame(const ScenePath& at, bool site_only) {
    if (const auto id = scene::find_site(twin_.scene, at.path)) {
      const scene::Site& site = twin_.scene.sites[id->index()];
      return {site.body, transform(site.X_BS)};
    }
    if (!site_only) {
      if (const auto id = scene::find_body(twin_.scene, at.path)) return {*id, {}};
    }
    std::vector<std::string> names;
    for (const scene::Site& site : twin_.scene.sites) names.push_back(site.path);
    if (!site_only) {
      for (const scene::Body& body : twin_.scene.bodies) names.push_back(body.path);
    }
    error(
        at, site_only ? "unknown-site" : "unknown-frame",
        std::string("the scene has no ") + (site_only ? "site" : "site or body") + " of this name",
        did_you_mean(at.path, names,
                     did_you_mean(label_of(at.path), names, "see 'geoul check " + site_.scene + "' for what it has")));
    return {};
  }

  void add_site(const SiteBinding& binding) {
    BoundSite out;
    out.path = binding.site.path;
    out.label = label_of(binding.site.path);
    out.frame = frame(binding.site, true);
    if (binding.relative_to) out.relative_to = frame(*binding.relative_to, false);
    if (binding.pose) {
      out.has_pose = true;
      for (std::size_t i = 0; i < 6; ++i) out.pose[i] = column((*binding.pose)[i]);
    }
    if (binding.specific_force) {
      out.has_force = true;
      for (std::size_t i = 0; i < 3; ++i) out.force[i] = column((*binding.specific_force)[i]);
    }
    out_.sites.push_back(out);
  }

  const Site& site_;
  const Twin& twin_;
  Diagnostics& diagnostics_;
  Bindings out_;
};

}  // namespace

std::optional<Bindings> bind(const Site& site, const Twin& twin, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  Bindings out = Binder(site, twin, diagnostics).run();
  if (diagnostics.error_count() != errors) return std::nullopt;
  return out;
}

}  // namespace geoul::runtime
