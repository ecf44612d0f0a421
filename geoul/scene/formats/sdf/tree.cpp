#include "geoul/scene/formats/sdf/tree.h"

#include <algorithm>
#include <filesystem>

#include "geoul/scene/formats/sdf/files.h"

namespace geoul::scene::sdf {
namespace {

namespace fs = std::filesystem;

constexpr int kDeepest = 64;  // models in models

// What a frame says by name, until all names are known.
struct Pending {
  int frame = -1;
  std::string who = {};
  Element pose = {};
  std::string relative_to = {}, attached_to = {}, placement = {}, canonical = {};
  bool has_canonical = false;
  int inner = -1;      // of a model: its scope
  int reader = -1;     // scope in which the names are looked up
  bool joint = false;  // relative to its child where nothing is said
};

// What an <include> says over the model that it includes.
struct Override {
  Element include;
  std::string name;
  bool merge = false;
};

class TreeReader {
 public:
  TreeReader(Document& document, Tree& tree) : document_(document), tree_(tree) {}

  bool read(const Source& source) {
    const std::size_t errors = document_.diagnostics().error_count();
    root(source);
    if (document_.diagnostics().error_count() != errors) return false;
    // First what moves with what, which may be asked for a default; then where everything stands.
    for (const Pending& p : pending_) attach(p);
    for (const Pending& p : pending_) place(p);
    if (document_.diagnostics().error_count() != errors) return false;
    if (const auto ring = frames().solve()) {
      const Frame& frame = frames().frames[static_cast<std::size_t>(*ring)];
      document_.error(frame.element, "'" + printable(frame.name) + "'", "frame-cycle",
                      "its pose is relative to itself, by way of other frames", "break the ring of relative_to");
      return false;
    }
    for (const Pending& p : pending_) {
      if (frames().link_of(p.frame)) continue;
      document_.error(frames().frames[static_cast<std::size_t>(p.frame)].element, p.who, "frame-cycle",
                      "it is attached to itself, by way of other frames", "break the ring of attached_to");
      return false;
    }
    return true;
  }

 private:
  Frames& frames() { return tree_.frames; }
  Scope& scope(int s) { return tree_.frames.scopes[static_cast<std::size_t>(s)]; }

  void root(const Source& source) {
    const Element sdf{source.root, &source};
    std::vector<Element> worlds, models;
    for (const pugi::xml_node node : source.root.children()) {
      if (node.type() != pugi::node_element) continue;
      if (std::string_view(node.name()) == "world") worlds.push_back({node, &source});
      const std::string_view kind = node.name();
      if (kind == "model" || kind == "include") models.push_back({node, &source});
    }
    document_.check_children(sdf, {"world", "model", "include"});
    frames().scopes.push_back({.parent = -1, .frame = -1, .world = true, .version = source.version});
    scope(0).frame = frames().add({.kind = FrameKind::kWorld, .name = "world", .element = sdf});
    tree_.models.emplace_back();
    if (worlds.size() > 1) {
      document_.error(worlds[1], "world", "several-worlds", "the file holds several worlds", "keep one a file");
    } else if (worlds.size() == 1 && !models.empty()) {
      document_.error(models[0], "model", "model-beside-world", "a model stands beside a world",
                      "put it into the world");
    } else if (worlds.size() == 1) {
      world(worlds[0]);
    } else if (models.size() > 1) {
      document_.error(models[1], "model", "several-models", "the file holds several models", "put them into a <world>");
    } else if (models.empty()) {
      document_.error(sdf, "", "no-model", "there is neither a <world> nor a <model>", "add one");
    } else if (models[0].name() == "include") {
      tree_.name = models[0].child("name").text();
      include(models[0], 0, &tree_.models[0], false, 0);
    } else {
      tree_.name = models[0].attribute("name");
      model(models[0], 0, &tree_.models[0], {}, false, 0);
    }
    if (tree_.name.empty() && tree_.models.size() > 1) tree_.name = tree_.models[1].path.substr(1);
  }

  void world(const Element& element) {
    tree_.world = element;
    tree_.name = element.attribute("name");
    if (!named(element, "world")) return;
    tree_.models[0].path = "/" + urdf::Names().unique(tree_.name);
    tree_.models[0].names.reserve("joints");
    tree_.models[0].names.reserve("materials");
    document_.check_children(element, {"gravity", "model", "include", "frame", "joint", "plugin", "physics", "gui"});
    children(element, 0, &tree_.models[0], false, 0);
  }

  // Whether an element has a name that may be used.
  bool named(const Element& element, const std::string& kind) {
    const std::string name = element.attribute("name");
    const std::string who = kind + " '" + printable(name) + "'";
    if (name.empty()) {
      document_.error(element, kind, "missing-name", "a " + kind + " has no name", "write name=\"...\"");
      return false;
    }
    const bool underscores = name.size() > 3 && name.starts_with("__") && name.ends_with("__");
    if (kind != "world" && (name == "world" || underscores)) {
      document_.error(element, who, "reserved-name", "this name is reserved", "choose another");
      return false;
    }
    if (name.find("::") != std::string::npos && element.source->version >= 108) {
      document_.error(element, who, "reserved-name", "a name may not hold '::'", "nest the models instead");
      return false;
    }
    return true;
  }

  // Enters a name in its scope; in SDF 1.6 and before a joint or frame may share the name of a link.
  bool enter(const Element& element, int s, const std::string& name, const std::string& kind, const Target& target) {
    std::string key = name;
    const auto taken = scope(s).names.find(name);
    if (taken != scope(s).names.end()) {
      const Frame& other = frames().frames[static_cast<std::size_t>(taken->second.frame)];
      const FrameKind own = frames().frames[static_cast<std::size_t>(target.frame)].kind;
      if (element.source->version >= 107 || other.kind == own) {
        document_.error(element, kind + " '" + printable(name) + "'", "duplicate-name",
                        "this name is used in its model already", "give every part of a model a name of its own");
        return false;
      }
      document_.warning(element, kind + " '" + printable(name) + "'", "duplicate-name",
                        "this name is used in its model already; frames cannot be relative to it",
                        "give every part of a model a name of its own");
      key += "_" + kind;
    }
    scope(s).names.try_emplace(key, target);
    return true;
  }

  void children(const Element& element, int s, ModelInfo* info, bool fixed, int depth) {
    for (const pugi::xml_node node : element.node.children()) {
      if (node.type() != pugi::node_element) continue;
      const Element child{node, element.source};
      const std::string_view kind = child.name();
      if (kind == "link" && !scope(s).world) {
        part(child, s, info, "link", tree_.links);
      } else if (kind == "joint") {
        part(child, s, info, "joint", tree_.joints);
      } else if (kind == "frame") {
        part(child, s, info, "frame", tree_.sites);
      } else if (kind == "model") {
        model(child, s, info, {}, fixed, depth + 1);
      } else if (kind == "include") {
        include(child, s, info, fixed, depth + 1);
      }
    }
  }

  void part(const Element& element, int s, ModelInfo* info, const std::string& kind, std::vector<Part>& parts) {
    if (!named(element, kind) || !document_.take(element)) return;
    const std::string name = element.attribute("name");
    const std::string who = kind + " '" + printable(name) + "'";
    Frame frame{.kind = kind == "link"    ? FrameKind::kLink
                        : kind == "joint" ? FrameKind::kJoint
                                          : FrameKind::kFrame,
                .name = name,
                .scope = s,
                .element = element};
    const auto pose = document_.pose(element, who);
    frame.X = precise(pose.X);
    Pending p{.who = who, .pose = pose.element, .relative_to = pose.relative_to, .reader = s, .joint = kind == "joint"};
    p.frame = frames().add(std::move(frame));
    if (kind == "frame") p.attached_to = element.attribute("attached_to");
    if (kind == "joint") p.attached_to = element.child("child").text();
    if (!enter(element, s, name, kind, {{p.frame}, p.frame})) return;
    parts.push_back({element, p.frame, s, info, name, usd_path(info, name, kind == "joint" ? "/joints/" : "/")});
    pending_.push_back(std::move(p));
  }

  // "::" in names of SDF 1.7 and before, where nested models were written flat, nests again. kind: "/" or "/joints/".
  std::string usd_path(ModelInfo* info, const std::string& name, const std::string& kind) {
    std::string folder = info->path, leaf = name;
    for (std::size_t colons; (colons = leaf.find("::")) != std::string::npos; leaf = leaf.substr(colons + 2)) {
      folder += "/" + urdf::Names().unique(leaf.substr(0, colons));
    }
    if (folder == info->path) return folder + kind + (kind == "/" ? info->names : info->joints).unique(name);
    return folder + kind + flat_[folder + kind].unique(leaf);
  }

  void model(const Element& element, int s, ModelInfo* around, const Override& over, bool fixed, int depth) {
    if (!named(element, "model") || !document_.take(element)) return;
    const std::string name = over.name.empty() ? element.attribute("name") : over.name;
    const std::string who = "model '" + printable(name) + "'";
    if (depth > kDeepest) {
      document_.error(element, who, "too-deep", "models are nested in more than 64 levels", "flatten the file");
      return;
    }
    document_.check_children(element, {"pose", "link", "joint", "frame", "model", "include", "static", "self_collide",
                                       "plugin", "allow_auto_disable", "enable_wind"});
    const bool given_pose = over.include && over.include.child("pose");
    const auto pose = document_.pose(given_pose ? over.include : element, who);
    Pending p{.who = who, .pose = pose.element, .relative_to = pose.relative_to, .reader = s};
    p.placement = over.include ? over.include.child("placement_frame").text() : "";
    if (p.placement.empty()) p.placement = element.attribute("placement_frame");
    p.has_canonical = !element.attribute("canonical_link").empty();
    p.canonical = element.attribute("canonical_link");
    Frame frame{.kind = FrameKind::kModel, .name = name, .scope = s, .element = element};
    frame.X = precise(pose.X);
    p.frame = frames().add(std::move(frame));
    p.inner = static_cast<int>(frames().scopes.size());
    frames().scopes.push_back({.parent = s, .frame = p.frame, .world = false, .version = element.source->version});
    const int inner = p.inner, own = p.frame;
    pending_.push_back(std::move(p));

    ModelInfo* info = around;
    bool still = document_.boolean(element, "static", who, false);
    if (over.include) still = document_.boolean(over.include, "static", who, still);
    const bool merged = over.merge && !scope(s).world;
    if (merged) {
      still = fixed;
    } else {
      tree_.models.emplace_back();
      info = &tree_.models.back();
      info->path = usd_path(around, name, "/");
      info->names.reserve("joints");
      info->names.reserve("materials");
      info->is_static = still || fixed;
      info->self_collide = document_.boolean(element, "self_collide", who, false);
    }
    const std::size_t first_link = tree_.links.size();
    children(element, inner, info, still || fixed, depth);
    canonical(element, who, inner, own, first_link, still || fixed);
    if (over.merge) {
      merge(over, name, s, inner, own);
    } else if (enter(element, s, name, "model", {{own}, own})) {
      scope(s).models.try_emplace(name, inner, Target{{own}, own});
    }
  }

  // Without canonical_link it is the model's first own link, or that of its first nested model that has one.
  void canonical(const Element& element, const std::string& who, int inner, int own, std::size_t first_link,
                 bool still) {
    int found = -1;
    for (std::size_t i = first_link; i < tree_.links.size(); ++i) {
      if (tree_.links[i].scope == inner) {
        found = tree_.links[i].frame;
        break;
      }
    }
    if (found < 0 && first_link < tree_.links.size()) found = tree_.links[first_link].frame;
    frames().frames[static_cast<std::size_t>(own)].attached = found;
    if (found < 0 && !still && scope(inner).models.empty()) {
      document_.error(element, who, "no-link", "the model has no link", "add one, or write <static>true</static>");
    }
  }

  // A merged model's parts are named in the model around it; its own frame stays as _merged__NAME__model__.
  void merge(const Override& over, const std::string& name, int s, int inner, int own) {
    const auto outward = [&](const Target& t) {
      Target out{{own}, t.frame};
      out.path.insert(out.path.end(), t.path.begin(), t.path.end());
      return out;
    };
    enter(over.include, s, "_merged__" + name + "__model__", "model", {{own}, own});
    const auto names = scope(inner).names;
    for (const auto& [key, target] : names) enter(over.include, s, key, "part", outward(target));
    const auto models = scope(inner).models;
    for (const auto& [key, entry] : models) scope(s).models.try_emplace(key, entry.first, outward(entry.second));
  }

  std::optional<std::string> model_file(const Element& element, const std::string& folder) {
    const fs::path config = fs::path(folder) / "model.config";
    std::error_code failed;
    pugi::xml_document parsed;
    if (!fs::is_regular_file(config, failed) || fs::file_size(config, failed) > (1u << 20) ||
        !parsed.load_file(config.c_str())) {
      document_.error(element, "include", "no-config", "'" + printable(config.string()) + "' cannot be read",
                      "name the .sdf file itself");
      return std::nullopt;
    }
    int best = -1;
    std::string file;
    for (const pugi::xml_node node : parsed.document_element().children("sdf")) {
      const int version = version_number(node.attribute("version").value()).value_or(0);
      if (version > kNewest || version <= best) continue;
      best = version;
      file = Element{node, nullptr}.text();
    }
    const fs::path path = fs::path(file).lexically_normal();
    if (file.empty() || path.is_absolute() || *path.begin() == ".." || !fs::is_regular_file(folder / path, failed)) {
      document_.error(element, "include", "no-config",
                      "'" + printable(config.string()) + "' names no SDF file of a version that is read",
                      "name the .sdf file itself");
      return std::nullopt;
    }
    return (folder / path).string();
  }

  void include(const Element& element, int s, ModelInfo* info, bool fixed, int depth) {
    if (!document_.take(element)) return;
    document_.check_children(element, {"uri", "name", "pose", "static", "placement_frame", "plugin"});
    const std::string uri = element.child("uri").text();
    const std::string who = "include '" + printable(uri) + "'";
    if (uri.empty()) {
      document_.error(element, "include", "missing-element", "<include> has no <uri>", "write <uri>model://...</uri>");
      return;
    }
    if (!document_.options().include_files) {
      document_.error(element, who, "include", "no other file may be read", "allow it in the options");
      return;
    }
    if (const Element params = element.child("experimental:params")) {
      document_.error(params, who, "not-supported", "experimental:params changes the included model and is not read",
                      "write the changed model into a file of its own");
      return;
    }
    const Lookup found = find_file(uri, element.source->folder, document_.options().search, true);
    if (!found.file) {
      document_.error(element.child("uri"), who, found.code.c_str(), found.failure, found.mend);
      return;
    }
    std::error_code failed;
    std::string file = *found.file;
    if (fs::is_directory(file, failed)) {
      const auto inside = model_file(element, file);
      if (!inside) return;
      file = *inside;
    }
    if (fs::path(file).extension() != ".sdf" && fs::path(file).extension() != ".world") {
      document_.error(element, who, "include", "'" + printable(file) + "' is no .sdf file",
                      "convert it first: geoul convert IN OUT.sdf");
      return;
    }
    if (std::find(open_.begin(), open_.end(), file) != open_.end() || element.source->file == file) {
      document_.error(element, who, "include-cycle", "the file includes itself", "remove one of the includes");
      return;
    }
    const Source* source = document_.open(file, element);
    if (source == nullptr) return;
    open_.push_back(file);
    included(element, who, *source, s, info, fixed, depth);
    open_.pop_back();
  }

  void included(const Element& element, const std::string& who, const Source& source, int s, ModelInfo* info,
                bool fixed, int depth) {
    const Element inner{source.root.child("model"), &source};
    if (!inner) {
      if (source.root.child("light") || source.root.child("actor")) return document_.note_ignored(element);
      document_.error(element, who, "no-model", "the file has no <model>", "include a file that has one");
      return;
    }
    if (const pugi::xml_node second = inner.node.next_sibling("model")) {
      document_.error({second, &source}, who, "several-models", "the included file holds several models",
                      "keep one a file");
      return;
    }
    if (element.child("placement_frame") && !element.child("pose")) {
      document_.error(element, who, "missing-element", "a <placement_frame> needs a <pose>", "write <pose/>");
      return;
    }
    Override over{element, element.child("name").text(), false};
    const std::string merge = element.attribute("merge");
    over.merge = merge == "true" || merge == "1";
    model(inner, s, info, over, fixed, depth);
  }

  std::optional<Target> find(const Pending& p, int s, const std::string& name, const Element& element,
                             const char* what) {
    if (const auto target = frames().find(s, name)) return target;
    document_.error(element, p.who, "unknown-frame", std::string(what) + " '" + printable(name) + "' does not exist",
                    "name a link, joint, frame or model of the same model");
    return std::nullopt;
  }

  void attach(const Pending& p) {
    Frame& frame = frames().frames[static_cast<std::size_t>(p.frame)];
    if (frame.kind == FrameKind::kLink) return;
    if (frame.kind == FrameKind::kModel) {
      if (!p.has_canonical) return;
      const auto target = find(p, p.inner, p.canonical, frame.element, "canonical_link");
      if (!target) return;
      if (frames().frames[static_cast<std::size_t>(target->frame)].kind != FrameKind::kLink) {
        document_.error(frame.element, p.who, "unknown-frame",
                        "canonical_link '" + printable(p.canonical) + "' is no link", "name one of its links");
      }
      frame.attached = target->frame;
      return;
    }
    if (p.joint && (p.attached_to.empty() || p.attached_to == "world")) return;  // what joints.cpp says
    if (p.attached_to.empty()) {
      frame.attached = scope(p.reader).frame;
      return;
    }
    if (const auto target = find(p, p.reader, p.attached_to, frame.element, p.joint ? "its child" : "attached_to")) {
      frame.attached = target->frame;
      attached_path_[p.frame] = target->path;
    }
  }

  void place(const Pending& p) {
    Frame& frame = frames().frames[static_cast<std::size_t>(p.frame)];
    if (!p.relative_to.empty()) {
      if (const auto target = find(p, p.reader, p.relative_to, p.pose, "relative_to")) frame.base = target->path;
    } else if (const auto path = attached_path_.find(p.frame); path != attached_path_.end()) {
      frame.base = path->second;
    }
    if (std::find(frame.base.begin(), frame.base.end(), p.frame) != frame.base.end()) {
      document_.error(frame.element, p.who, "frame-cycle", "its pose is relative to itself", "name another frame");
    }
    if (frame.kind == FrameKind::kModel && !p.placement.empty()) {
      const auto target = find(p, p.inner, p.placement, frame.element, "placement_frame");
      if (target) frame.within = target->path;
    }
  }

  Document& document_;
  Tree& tree_;
  std::vector<Pending> pending_;
  std::map<int, std::vector<int>> attached_path_;
  std::map<std::string, urdf::Names> flat_;  // by folder, of parts with "::" in their names
  std::vector<std::string> open_;            // files that are being included
};

}  // namespace

std::string link_word(const Part& part) { return "link '" + printable(part.name) + "'"; }
std::string joint_word(const Part& part) { return "joint '" + printable(part.name) + "'"; }

std::optional<Target> resolve(Document& document, const Tree& tree, const Element& element, const std::string& who,
                              int scope, const std::string& name, const std::string& what) {
  if (name == "world") return Target{{}, tree.frames.scopes[0].frame};
  if (const auto target = tree.frames.find(scope, name)) return target;
  document.error(element, who, "unknown-frame", what + " '" + printable(name) + "' does not exist",
                 "name a link, joint, frame or model of the same model");
  return std::nullopt;
}

bool read_tree(Document& document, const Source& source, Tree& tree) { return TreeReader(document, tree).read(source); }

}  // namespace geoul::scene::sdf
