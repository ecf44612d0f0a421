#include "geoul/runtime/bindings.h"

#include <algorithm>

#include "geoul/core/nearest.h"

namespace geoul::runtime {
namespace {

class Binder {
 public:
  Binder(const Site& site, const Twin& twin, Feed feed, Diagnostics& diagnostics)
      : site_(site), twin_(twin), feed_(feed), diagnostics_(diagnostics) {}

  Bindings run() {
    out_.has_reference = true;
    for (const JointBinding& binding : site_.joints) add_joint(binding);
    for (const SiteBinding& binding : site_.sites) add_site(binding);
    for (const SensorBinding& binding : site_.sensors) add_sensor(binding);
    for (const ParameterBinding& binding : site_.parameters)
      add_value("parameter/" + binding.name, binding.value, nullptr);
    for (const std::size_t j : derived_) {
      out_.joints[j].velocity = static_cast<int>(out_.width());
      out_.derived.push_back({out_.joints[j].position});
    }
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

  // What the feed says about a signal: its name out there and its unit.
  BoundColumn resolve(const SignalName& signal) {
    BoundColumn out{signal.source, signal.column, signal.column, {}, {}};
    const auto take = [&](const std::vector<SignalEntry>& entries) {
      for (const SignalEntry& entry : entries) {
        if (entry.column != signal.column) continue;
        if (!entry.name.empty()) out.name = entry.name;
        out.unit = entry.unit;
        out.expected.text = entry.unit_text;
        return entry.name.empty();
      }
      return true;
    };
    const auto named = [&](const auto& one) { return one.id == signal.source; };
    const auto source = std::find_if(site_.sources.begin(), site_.sources.end(), named);
    const auto link = std::find_if(site_.links.begin(), site_.links.end(), named);
    if (feed_ == Feed::kRecording && source != site_.sources.end()) {
      take(source->signals);
      out.name = signal.column;
    } else if (feed_ == Feed::kLive && link != site_.links.end()) {
      if (take(link->signals)) out.name = link->prefix + signal.column;
    } else {
      const bool live = feed_ == Feed::kLive;
      diagnostics_.error({site_.file, signal.line, signal.source + "/" + signal.column},
                         live ? "not-live" : "not-recorded",
                         "'" + signal.source + "' is no " + (live ? "link" : "source of recordings"),
                         live ? "list a link of this id under links, or run the recordings"
                              : "list its recordings under sources, or run with --live");
    }
    return out;
  }

  // The column of a signal whose SI unit must be `unit`; null: any.
  int column(const SignalName& signal, const char* unit) {
    const auto it = std::find_if(out_.columns.begin(), out_.columns.end(), [&](const BoundColumn& c) {
      return c.source == signal.source && c.column == signal.column;
    });
    if (it != out_.columns.end()) return static_cast<int>(it - out_.columns.begin());
    BoundColumn out = resolve(signal);
    const link::Dimension wanted = unit ? link::parse_unit(unit)->dimension : out.unit.dimension;
    // a bare number is taken for SI: most plants write none
    if (out.unit.dimension != link::Dimension{} && out.unit.dimension != wanted) {
      diagnostics_.error({site_.file, signal.line, signal.source + "/" + signal.column}, "unit-does-not-fit",
                         "this signal comes in " + link::to_string(out.unit.dimension) + " and is bound where " +
                             std::string(unit) + " is due",
                         "correct its unit in the table 'signals', or bind another signal");
    }
    out.expected.unit = out.unit;
    if (unit) {
      out.expected.any_quantity = false;
      out.expected.unit.dimension = wanted;
    }
    out_.columns.push_back(std::move(out));
    return static_cast<int>(out_.columns.size()) - 1;
  }

  // A joint of one degree of freedom; none, and an error, where there is no such.
  std::optional<scene::JointId> find_joint(const ScenePath& at) {
    const auto id = scene::find_joint(twin_.scene, at.path);
    if (!id) {
      std::vector<std::string> names;
      for (const scene::JointId j : twin_.moving) names.push_back(twin_.scene.joints[j.index()].path);
      error(
          at, "unknown-joint", "the scene has no joint of this name",
          did_you_mean(at.path, names,
                       did_you_mean(label_of(at.path), names, "see 'geoul check " + site_.scene + "' for its joints")));
      return std::nullopt;
    }
    const scene::Joint& joint = twin_.scene.joints[id->index()];
    if (velocity_size(joint.type) == 1 && joint.enabled) return id;
    error(at, "joint-type",
          std::string("a ") + (joint.enabled ? scene::to_string(joint.type) : "disabled") +
              " joint cannot follow one signal",
          "bind a revolute, continuous or prismatic joint");
    return std::nullopt;
  }

  BoundValue& add_value(std::string name, const SignalName& signal, const char* unit) {
    BoundValue out;
    out.name = std::move(name);
    out.column = column(signal, unit);
    const link::Dimension dimension = out_.columns[static_cast<std::size_t>(out.column)].unit.dimension;
    if (unit) {
      out.unit = unit;
    } else if (dimension != link::Dimension{}) {
      out.unit = link::to_string(dimension);
    }
    return out_.values.emplace_back(std::move(out));
  }

  void add_sensor(const SensorBinding& binding) {
    using Measures = SensorBinding::Measures;
    const std::string name = "sensor/" + binding.name;
    if (!binding.joint) {
      add_value(name, binding.value, nullptr);
      return;
    }
    const auto id = find_joint(*binding.joint);
    if (!id) return;
    const bool slides = twin_.scene.joints[id->index()].type == scene::JointType::kPrismatic;
    const char* const kUnits[2][4] = {{"", "rad", "rad/s", "N.m"}, {"", "m", "m/s", "N"}};
    BoundValue& out =
        add_value(name, binding.value, kUnits[slides ? 1 : 0][static_cast<std::size_t>(binding.measures)]);
    const scene::JointAddress address = twin_.model.layout.joints[id->index()];
    out.measures = binding.measures;
    out.at = binding.measures == Measures::kPosition ? address.q : address.v;
  }

  void add_joint(const JointBinding& binding) {
    const auto id = find_joint(binding.joint);
    if (!id) return;
    const scene::Joint& joint = twin_.scene.joints[id->index()];
    const scene::JointAddress address = twin_.model.layout.joints[id->index()];
    BoundJoint out;
    out.joint = *id;
    out.label = label_of(joint.path);
    out.q = address.q;
    out.v = address.v;
    const bool slides = joint.type == scene::JointType::kPrismatic;
    const char* const length = slides ? "m" : "rad";
    const char* const speed = slides ? "m/s" : "rad/s";
    out.position = column(binding.position, length);
    if (binding.velocity) {
      out.velocity = column(*binding.velocity, speed);
    } else {
      derived_.push_back(out_.joints.size());
    }
    if (binding.current) out.current = column(*binding.current, "A");
    if (binding.reference) {
      out.reference_position = column(binding.reference->position, length);
      out.reference_velocity = column(binding.reference->velocity, speed);
      out.reference_acceleration = column(binding.reference->acceleration, slides ? "m/s2" : "rad/s2");
      out.reference_torque = column(binding.reference->torque, slides ? "N" : "N.m");
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
      for (std::size_t i = 0; i < 6; ++i) out.pose[i] = column((*binding.pose)[i], i < 3 ? "m" : "rad");
    }
    if (binding.specific_force) {
      out.has_force = true;
      for (std::size_t i = 0; i < 3; ++i) out.force[i] = column((*binding.specific_force)[i], "m/s2");
    }
    out_.sites.push_back(out);
  }

  const Site& site_;
  const Twin& twin_;
  Feed feed_;
  Diagnostics& diagnostics_;
  Bindings out_;
  std::vector<std::size_t> derived_;  // joints whose velocity is derived
};

}  // namespace

std::optional<Bindings> bind(const Site& site, const Twin& twin, Feed feed, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  Bindings out = Binder(site, twin, feed, diagnostics).run();
  if (diagnostics.error_count() != errors) return std::nullopt;
  return out;
}

}  // namespace geoul::runtime
