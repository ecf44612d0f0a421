#include "geoul/runtime/site.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include "geoul/core/nearest.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/yaml_reader.h"

namespace geoul::runtime {
namespace {

class SiteReader {
 public:
  SiteReader(const std::string& file, Diagnostics& diagnostics)
      : file_(file, diagnostics), folder_(std::filesystem::path(file).parent_path()) {
    site_.file = file;
  }

  Site read() { return take(file_.load()); }
  Site parse(const std::string& text) { return take(file_.parse(text)); }

 private:
  Site take(const YAML::Node& root) {
    if (!root.IsDefined()) return site_;
    YamlMap top(file_, root, "", {"site", "scene", "sources", "links", "bind", "judge", "serve", "record"});
    if (!top.ok()) return site_;
    site_.name = top.text("site", true);
    site_.scene = existing_file(top.text("scene", true), top.get("scene", false), "scene");
    read_sources(top);
    read_links(top);
    if (!top.has("sources") && !top.has("links")) {
      file_.error(root, "", "missing-key", "there is neither 'sources' nor 'links'",
                  "name recordings to play, or a live link to follow");
    }
    read_bind(top);
    if (top.has("judge")) read_judge(top.get("judge", false));
    if (top.has("serve")) read_serve(top.get("serve", false));
    if (top.has("record")) {
      YamlMap record(file_, top.get("record", false), "record", {"folder"});
      site_.record_folder = record.text("folder", true, site_.record_folder);
    }
    return site_;
  }

  std::string existing_file(const std::string& name, const YAML::Node& at, const std::string& path) {
    if (name.empty()) return {};
    const std::string full = (folder_ / name).string();
    std::error_code failure;
    if (!std::filesystem::is_regular_file(full, failure)) {
      std::vector<std::string> names;
      const auto parent = std::filesystem::path(full).parent_path();
      for (std::filesystem::directory_iterator it(parent.empty() ? "." : parent, failure), end; !failure && it != end;
           it.increment(failure)) {
        if (names.size() == 1000) break;
        names.push_back(it->path().filename().string());
      }
      std::sort(names.begin(), names.end());
      const std::string wanted = std::filesystem::path(name).filename().string();
      file_.error(at, path, "not-found", "there is no file '" + full + "'",
                  did_you_mean(wanted, names, "paths are relative to the site file"));
    }
    return full;
  }

  void read_sources(YamlMap& top) {
    for (const YAML::Node& node : top.list("sources", false)) {
      YamlMap map(file_, node, "sources", {"id", "kind", "files", "time", "period_s", "signals"});
      if (!map.ok()) continue;
      Source source;
      source.line = line_of(node);
      source.id = map.text("id", true);
      if (find_source(source.id)) {
        file_.error(node, map.path("id"), "duplicate-name", "two sources are called '" + source.id + "'",
                    "rename one of them");
      }
      const std::string kind = map.text("kind", true);
      if (!kind.empty() && kind != "csv") {
        file_.error(map.get("kind", false), map.path("kind"), "bad-value", "there is no kind '" + kind + "'",
                    "recordings are csv; a live plant goes under links");
      }
      source.names = map.texts("files", true);
      if (map.has("files") && source.names.empty()) {
        file_.error(map.get("files", false), map.path("files"), "bad-value", "no file is named",
                    "name at least one recording");
      }
      for (const std::string& name : source.names) {
        source.files.push_back(existing_file(name, map.get("files", false), map.path("files")));
      }
      YamlMap time(file_, map.get("time", true), map.path("time"), {"column", "unit"});
      source.time_column = time.text("column", true);
      source.time_unit = time_unit(time);
      source.period = Duration::from_seconds(std::min(1e9, map.number("period_s", false, 0)));
      source.signals = read_signals(map);
      site_.sources.push_back(source);
    }
    if (top.has("sources") && site_.sources.size() > 1) {
      file_.error_at(site_.sources[1].line, "sources", "bad-value", "there is more than one source",
                     "this version plays one; its files may be many");
    }
  }

  void read_links(YamlMap& top) {
    const std::vector<std::string> own = {"id", "url", "period_s", "stale_after_s", "prefix", "signals"};
    for (const YAML::Node& node : top.list("links", false)) {
      std::vector<std::string> known = own;
      known.insert(known.end(), link_option_keys().begin(), link_option_keys().end());
      YamlMap map(file_, node, "links", known);
      if (!map.ok()) continue;
      LinkSpec link;
      link.line = line_of(node);
      link.folder = folder_.string();
      link.id = map.text("id", true);
      link.url = map.text("url", true);
      link.prefix = map.text("prefix", false);
      link.period = Duration::from_seconds(std::min(1e9, map.number("period_s", false, 0)));
      link.stale_after = Duration::from_seconds(std::min(1e9, map.number("stale_after_s", false, 0)));
      for (const std::string& key : link_option_keys()) {
        if (map.has(key)) link.options[key] = map.text(key, true);
      }
      link.signals = read_signals(map);
      for (const LinkSpec& other : site_.links) {
        if (other.id != link.id) continue;
        file_.error(node, map.path("id"), "duplicate-name", "two links are called '" + link.id + "'",
                    "rename one of them");
      }
      if (const std::optional<Error> wrong = check_link(link)) {
        file_.error(map.get("url", false), "links", "bad-value", wrong->message);
      }
      site_.links.push_back(link);
    }
  }

  // signals: {column: unit} or {column: {name: ..., unit: ...}}
  std::vector<SignalEntry> read_signals(YamlMap& map) {
    std::vector<SignalEntry> out;
    if (!map.has("signals")) return out;
    const YAML::Node table = map.get("signals", false);
    if (!table.IsMap()) {
      file_.error(table, map.path("signals"), "bad-type", "this is not a mapping of signals",
                  "write column: {name: ..., unit: ...}");
      return out;
    }
    for (const auto& item : table) {
      SignalEntry entry;
      const YAML::Node key = item.first, value = item.second;
      entry.column = key.IsScalar() ? key.Scalar() : "";
      entry.line = line_of(key);
      if (value.IsScalar()) {
        entry.unit_text = value.Scalar();
      } else {
        YamlMap words(file_, value, map.path("signals"), {"name", "unit"});
        if (!words.ok()) continue;
        entry.name = words.text("name", false);
        entry.unit_text = words.text("unit", false);
      }
      const Result<link::Unit> unit = link::parse_unit(entry.unit_text);
      if (unit) {
        entry.unit = *unit;
      } else {
        file_.error(key, map.path("signals"), "bad-unit", unit.error().message);
      }
      out.push_back(entry);
    }
    return out;
  }

  double time_unit(YamlMap& time) {
    const std::string unit = time.text("unit", false, "s");
    if (unit == "s") return 1;
    if (unit == "ms") return 1e-3;
    if (unit == "us") return 1e-6;
    if (unit == "ns") return 1e-9;
    file_.error(time.get("unit", false), time.path("unit"), "bad-value", "'" + unit + "' is not a unit of time here",
                "write s, ms, us or ns");
    return 1;
  }

  const Source* find_source(const std::string& id) const {
    const auto it =
        std::find_if(site_.sources.begin(), site_.sources.end(), [&](const Source& s) { return s.id == id; });
    return it == site_.sources.end() ? nullptr : &*it;
  }

  SignalName signal(const YAML::Node& node, const std::string& path) {
    SignalName out;
    out.line = line_of(node);
    const std::string text = node.IsDefined() && node.IsScalar() ? node.Scalar() : "";
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
      if (node.IsDefined())
        file_.error(node, path, "bad-value", "'" + text + "' is not a signal", "write source/column");
      return out;
    }
    out.source = text.substr(0, slash);
    out.column = text.substr(slash + 1);
    std::vector<std::string> ids;
    for (const Source& source : site_.sources) ids.push_back(source.id);
    for (const LinkSpec& link : site_.links) ids.push_back(link.id);
    if (std::find(ids.begin(), ids.end(), out.source) == ids.end()) {
      file_.error(node, path, "unknown-source", "there is no source or link '" + out.source + "'",
                  did_you_mean(out.source, ids, "list it under sources or links"));
    }
    return out;
  }

  SignalName signal(YamlMap& map, const std::string& key) { return signal(map.get(key, true), map.path(key)); }

  template <std::size_t N>
  void signals(YamlMap& map, const std::string& key, std::array<SignalName, N>& out, std::size_t at,
               std::size_t count) {
    const std::vector<YAML::Node> items = map.list(key, true);
    if (map.has(key) && items.size() != count) {
      file_.error(map.get(key, false), map.path(key), "bad-value",
                  "there are " + std::to_string(items.size()) + " signals", "name " + std::to_string(count));
    }
    for (std::size_t i = 0; i < std::min(count, items.size()); ++i) out[at + i] = signal(items[i], map.path(key));
  }

  ScenePath scene_path(YamlMap& map, const std::string& key, bool required = true) {
    return {map.text(key, required), line_of(map.get(key, false))};
  }

  void read_bind(YamlMap& top) {
    YamlMap bind(file_, top.get("bind", true), "bind", {"joints", "sites", "sensors", "parameters"});
    for (const YAML::Node& node : bind.list("joints", true)) read_joint(node);
    for (const YAML::Node& node : bind.list("sites", false)) read_site_binding(node);
    for (const YAML::Node& node : bind.list("sensors", false)) read_sensor(node);
    for (const YAML::Node& node : bind.list("parameters", false)) read_parameter(node);
    if (bind.has("joints") && site_.joints.empty()) {
      file_.error(bind.get("joints", false), "bind.joints", "bad-value", "no joint is bound",
                  "bind at least one joint");
    }
  }

  void read_joint(const YAML::Node& node) {
    YamlMap map(file_, node, "bind.joints", {"joint", "position", "velocity", "current", "reference"});
    if (!map.ok()) return;
    JointBinding binding;
    binding.joint = scene_path(map, "joint");
    binding.position = signal(map, "position");
    if (map.has("velocity")) binding.velocity = signal(map, "velocity");
    if (map.has("current")) binding.current = signal(map, "current");
    if (map.has("reference")) {
      YamlMap reference(file_, map.get("reference", false), map.path("reference"),
                        {"position", "velocity", "acceleration", "torque"});
      if (reference.ok()) {
        binding.reference = JointBinding::Reference{signal(reference, "position"), signal(reference, "velocity"),
                                                    signal(reference, "acceleration"), signal(reference, "torque")};
      }
    }
    for (const JointBinding& other : site_.joints) {
      if (other.joint.path != binding.joint.path || binding.joint.path.empty()) continue;
      file_.error_at(binding.joint.line, binding.joint.path, "joint-bound-twice",
                     "this joint is bound on line " + std::to_string(other.joint.line) + " already",
                     "delete one of the two bindings");
    }
    site_.joints.push_back(binding);
  }

  void read_site_binding(const YAML::Node& node) {
    YamlMap map(file_, node, "bind.sites", {"site", "relative_to", "pose", "specific_force"});
    if (!map.ok()) return;
    SiteBinding binding;
    binding.site = scene_path(map, "site");
    if (map.has("relative_to")) binding.relative_to = scene_path(map, "relative_to");
    if (map.has("pose")) {
      YamlMap pose(file_, map.get("pose", false), map.path("pose"), {"position", "rotation_vector"});
      binding.pose.emplace();
      signals(pose, "position", *binding.pose, 0, 3);
      signals(pose, "rotation_vector", *binding.pose, 3, 3);
    }
    if (map.has("specific_force")) {
      binding.specific_force.emplace();
      signals(map, "specific_force", *binding.specific_force, 0, 3);
    }
    if (!binding.pose && !binding.specific_force) {
      file_.error(node, "bind.sites", "missing-key", "neither 'pose' nor 'specific_force' is bound", "add one of them");
    }
    for (const SiteBinding& other : site_.sites) {
      if (other.site.path != binding.site.path) continue;
      file_.error_at(binding.site.line, binding.site.path, "site-bound-twice",
                     "this site is bound on line " + std::to_string(other.site.line) + " already",
                     "put both into one binding");
    }
    site_.sites.push_back(binding);
  }

  // The name of a sensor or parameter, which no other one of the list has.
  template <class Binding>
  std::string own_name(YamlMap& map, const std::string& key, const std::vector<Binding>& others, int line) {
    const std::string name = map.text(key, true);
    for (const Binding& other : others) {
      if (other.name != name || name.empty()) continue;
      file_.error_at(line, map.path(key), "duplicate-name",
                     "'" + name + "' is bound on line " + std::to_string(other.line) + " already",
                     "rename one of them");
    }
    return name;
  }

  void read_sensor(const YAML::Node& node) {
    using Measures = SensorBinding::Measures;
    YamlMap map(file_, node, "bind.sensors", {"sensor", "value", "joint", "measures"});
    if (!map.ok()) return;
    SensorBinding binding;
    binding.line = line_of(node);
    binding.name = own_name(map, "sensor", site_.sensors, binding.line);
    binding.value = signal(map, "value");
    if (map.has("joint")) {
      binding.joint = scene_path(map, "joint");
      const std::string words = map.text("measures", true);
      const std::vector<std::string> known = {"position", "velocity", "effort"};
      const auto at = std::find(known.begin(), known.end(), words);
      if (at != known.end()) {
        binding.measures = static_cast<Measures>(1 + (at - known.begin()));
      } else if (!words.empty()) {
        file_.error(map.get("measures", false), map.path("measures"), "bad-value",
                    "no joint has a '" + words + "' here",
                    did_you_mean(words, known, "write position, velocity or effort"));
      }
    } else if (map.has("measures")) {
      file_.error(map.get("measures", false), map.path("measures"), "missing-key", "it is not said of which joint",
                  "add 'joint:', or delete this key");
    }
    site_.sensors.push_back(binding);
  }

  void read_parameter(const YAML::Node& node) {
    YamlMap map(file_, node, "bind.parameters", {"parameter", "value"});
    if (!map.ok()) return;
    ParameterBinding binding;
    binding.line = line_of(node);
    binding.name = own_name(map, "parameter", site_.parameters, binding.line);
    binding.value = signal(map, "value");
    site_.parameters.push_back(binding);
  }

  void read_judge(const YAML::Node& node) {
    YamlMap map(file_, node, "judge",
                {"rest", "gravity_torque", "torque", "constant_transform", "pose", "current", "fixed_joints",
                 "specific_force"});
    Judge& judge = site_.judge;
    section(map, "rest", {"velocity", "acceleration"}, [&](YamlMap& m) {
      judge.rest_velocity = m.number("velocity", true, judge.rest_velocity);
      judge.rest_acceleration = m.number("acceleration", true, judge.rest_acceleration);
    });
    section(map, "gravity_torque", {"joints", "max_relative_error"}, [&](YamlMap& m) {
      judge.gravity_torque.emplace();
      for (const YAML::Node& item : m.list("joints", true)) {
        judge.gravity_torque->joints.push_back(bound_joint(item, m.path("joints")));
      }
      judge.gravity_torque->max_relative_error = m.number("max_relative_error", false, kNoBound);
    });
    section(map, "torque", {"reference_motion", "measured_motion"}, [&](YamlMap& m) {
      section(m, "reference_motion", {"max_rmse"},
              [&](YamlMap& r) { judge.torque_reference_rmse = bounds(r, "max_rmse"); });
      section(m, "measured_motion", {"max_rmse"},
              [&](YamlMap& r) { judge.torque_measured_rmse = bounds(r, "max_rmse"); });
    });
    section(map, "constant_transform", {"from", "to", "max_mean_deviation", "max_deviation", "report_max_deviation"},
            [&](YamlMap& m) {
              judge.constant_transform = Judge::ConstantTransform{scene_path(m, "from"), bound_pose(m, "to"),
                                                                  m.number("max_mean_deviation", false, kNoBound),
                                                                  m.number("max_deviation", false, kNoBound)};
              m.flag("report_max_deviation", true);
            });
    section(map, "pose", {"site", "max_mean_error", "max_error"}, [&](YamlMap& m) {
      judge.pose = Judge::PoseError{bound_pose(m, "site"), m.number("max_mean_error", false, kNoBound),
                                    m.number("max_error", false, kNoBound)};
    });
    section(map, "current", {"moving_above", "fit"}, [&](YamlMap& m) { read_current(m); });
    section(map, "fixed_joints", {"max_position_error", "max_rotation_error"}, [&](YamlMap& m) {
      judge.fixed_position = m.number("max_position_error", false, kNoBound);
      judge.fixed_rotation = m.number("max_rotation_error", false, kNoBound);
    });
    section(map, "specific_force", {"max_rmse"},
            [&](YamlMap& m) { judge.specific_force_rmse = m.number("max_rmse", true, kNoBound); });
  }

  void section(YamlMap& parent, const std::string& key, std::vector<std::string> known,
               const std::function<void(YamlMap&)>& read) {
    if (!parent.has(key)) return;
    YamlMap map(file_, parent.get(key, false), parent.path(key), std::move(known));
    if (map.ok()) read(map);
  }

  std::vector<double> bounds(YamlMap& map, const std::string& key) {
    std::vector<double> out = map.numbers(key, true);
    if (map.has(key) && out.size() != site_.joints.size()) {
      file_.error(map.get(key, false), map.path(key), "bad-value",
                  "there are " + std::to_string(out.size()) + " bounds for " + std::to_string(site_.joints.size()) +
                      " bound joints",
                  "give one a joint, in the order of bind");
    }
    return out;
  }

  // A joint that the judge names must be bound, or there is nothing to judge.
  ScenePath bound_joint(const YAML::Node& node, const std::string& path) {
    const std::string name = node.IsScalar() ? node.Scalar() : "";
    std::vector<std::string> names;
    for (const JointBinding& binding : site_.joints) names.push_back(binding.joint.path);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      file_.error(node, path, "unknown-name", "the joint '" + name + "' is not bound",
                  did_you_mean(name, names, "bind it under bind.joints"));
    }
    return {name, line_of(node)};
  }

  ScenePath bound_pose(YamlMap& map, const std::string& key) {
    const ScenePath out = scene_path(map, key);
    const bool bound = std::any_of(site_.sites.begin(), site_.sites.end(),
                                   [&](const SiteBinding& s) { return s.pose && s.site.path == out.path; });
    if (!bound && !out.path.empty()) {
      file_.error_at(out.line, map.path(key), "unknown-name", "the site '" + out.path + "' has no measured pose",
                     "bind its pose under bind.sites");
    }
    return out;
  }

  void read_current(YamlMap& map) {
    site_.judge.moving_above = map.number("moving_above", false, site_.judge.moving_above);
    const YAML::Node fit = map.get("fit", true);
    if (!fit.IsDefined() || !fit.IsMap()) {
      if (fit.IsDefined())
        file_.error(fit, map.path("fit"), "bad-type", "this is not a mapping of joints", "write joint: {file: ...}");
      return;
    }
    for (const auto& item : fit) {
      const YAML::Node key = item.first, value = item.second;
      Judge::CurrentFit out;
      out.joint = bound_joint(key, map.path("fit"));
      YamlMap entry(file_, value, map.path("fit"), {"file", "max_rmse"});
      out.file = entry.text("file", true);
      out.max_rmse = entry.number("max_rmse", false, kNoBound);
      const Source* source = site_.sources.empty() ? nullptr : &site_.sources.front();
      if (source && !out.file.empty() &&
          std::find(source->names.begin(), source->names.end(), out.file) == source->names.end()) {
        file_.error(value, map.path("fit"), "unknown-file", "'" + out.file + "' is not a file of the source",
                    did_you_mean(out.file, source->names, "name it as under sources"));
      }
      for (const JointBinding& binding : site_.joints) {
        if (binding.joint.path == out.joint.path && !binding.current) {
          file_.error(key, map.path("fit"), "unknown-name", "no current is bound to '" + out.joint.path + "'",
                      "add 'current:' to its binding");
        }
      }
      site_.judge.current.push_back(out);
    }
  }

  void read_serve(const YAML::Node& node) {
    YamlMap map(file_, node, "serve", {"host", "port", "opcua", "ros2"});
    site_.host = map.text("host", false, site_.host);
    site_.port = port(map, site_.port, "write a whole number up to 65535; 0 takes any free one", 0);
    section(map, "opcua", {"host", "port"}, [&](YamlMap& m) {
      OpcuaServe& out = site_.serve.opcua.emplace();
      out.host = m.text("host", false, out.host);
      out.port = port(m, out.port, "write a whole number from 1 to 65535; 4840 is usual", 1);
    });
    section(map, "ros2", {"domain", "network", "namespace", "reliable_sensors"}, [&](YamlMap& m) {
      RosServe& out = site_.serve.ros.emplace();
      const double domain = m.number("domain", false, 0);
      if (domain > 232 || domain != std::floor(domain)) {
        file_.error(m.get("domain", false), m.path("domain"), "bad-value", "this is no ROS 2 domain",
                    "write a whole number from 0 to 232");
      } else if (m.has("domain")) {
        out.domain = static_cast<int>(domain);
      }
      out.network = m.text("network", false);
      out.node_namespace = m.text("namespace", false, out.node_namespace);
      out.reliable_sensors = m.flag("reliable_sensors", out.reliable_sensors);
    });
  }

  std::uint16_t port(YamlMap& map, std::uint16_t usual, const char* mend, double least) {
    const double port = map.number("port", false, usual);
    if (port <= 65535 && port >= least && port == std::floor(port)) return static_cast<std::uint16_t>(port);
    file_.error(map.get("port", false), map.path("port"), "bad-value", "this is not a port", mend);
    return usual;
  }

  YamlFile file_;
  std::filesystem::path folder_;
  Site site_;
};

}  // namespace

std::optional<Site> read_site(const std::string& file, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  Site site = SiteReader(file, diagnostics).read();
  if (diagnostics.error_count() != errors) return std::nullopt;
  return site;
}

std::optional<Site> parse_site(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  Site site = SiteReader(file, diagnostics).parse(text);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return site;
}

}  // namespace geoul::runtime
