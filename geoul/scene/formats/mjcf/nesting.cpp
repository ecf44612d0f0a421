// Frames, replicas and attached models: what an element's children are, and under which names.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "geoul/scene/formats/mjcf/tree.h"

namespace geoul::scene::mjcf {

using urdf::printable;

Scope TreeReader::with_class(const Element& element, const Scope& scope) {
  const std::string* childclass = document_.find({&element, nullptr}, "childclass");
  if (childclass == nullptr) return scope;
  Scope inner = scope;
  inner.childclass = *childclass;
  if (!scope.model->defaults.has(*childclass)) {
    document_.error(element, who(element), "unknown-class",
                    "there is no default class '" + printable(*childclass) + "'", "define it in <default>");
    inner.childclass.clear();
  }
  return inner;
}

void TreeReader::each(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit) {
  constexpr int kDeepest = 600;
  if (level_ > kDeepest) {
    document_.error(element, who(element), "too-deep", "bodies and frames are nested too deep", "flatten the model");
    return;
  }
  ++level_;
  for (const Element& child : element.children) {
    if (child.name == "frame") {
      const Posed X_FG = read_pose(document_, scope.model->compiler, {&child, nullptr}, who(child));
      each(child, compose(X_BF, X_FG), with_class(child, scope), visit);
    } else if (child.name == "replicate") {
      replicate(child, X_BF, scope, visit);
    } else if (child.name == "attach") {
      attach(child, X_BF, scope, visit);
    } else {
      visit(child, X_BF, scope);
    }
  }
  --level_;
}

void TreeReader::note_scope(const Scope& scope) {
  constexpr std::size_t kMost = 10'000;
  if (tree_.scopes.size() < kMost && scope_keys_.emplace(scope.model, scope.prefix, scope.suffix).second) {
    tree_.scopes.push_back(scope);
  }
}

void TreeReader::replicate(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit) {
  const Node node{&element, nullptr};
  const std::string whom = "replicate";
  const int count = document_.integer(node, "count", whom, 0);
  if (count < 1) {
    document_.error(element, whom, "bad-value", "count is not positive", "write count=\"2\" or more");
    return;
  }
  const Vec3d offset = document_.vector(node, "offset", whom, {});
  Vec3d euler = document_.vector(node, "euler", whom, {});
  const Compiler& compiler = scope.model->compiler;
  for (int k = 0; k < 3; ++k) euler[k] = compiler.angle(euler[k]);
  const std::string separator = document_.text(node, "sep");
  Posed X;
  const std::size_t digits = std::to_string(count).size();
  for (int i = 0; i < count; ++i) {
    if (!document_.take(element, 1)) return;
    X.R = euler_rotation(compiler, static_cast<double>(i) * euler);
    std::string number = std::to_string(i);
    number.insert(0, digits - number.size(), '0');
    Scope inner = with_class(element, scope);
    inner.suffix = separator + number + scope.suffix;
    note_scope(inner);
    each(element, compose(X_BF, X), inner, visit);
    X.p += rotation_matrix(X.R) * offset;
  }
}

const Model* TreeReader::opened(const Element& asset, const Model& from) {
  constexpr std::size_t kMostModels = 64;
  const auto [place, is_new] = attached_.try_emplace(&asset);
  if (!is_new) return place->second.get();
  if (attached_.size() > kMostModels) {
    document_.error(asset, who(asset), "too-many", "more than 64 models are attached", "attach fewer");
    return nullptr;
  }
  const std::string file = document_.text({&asset, nullptr}, "file");
  auto root = document_.open(asset, file, from.folder);
  if (!root) return nullptr;
  auto model = std::make_unique<Model>();
  model->root = std::move(*root);
  model->folder = (std::filesystem::path(from.folder) / file).parent_path().string();
  read_settings(document_, *model, nullptr);
  assets_.add(*model);
  place->second = std::move(model);
  return place->second.get();
}

// A <model> asset goes by its name; one without a name by that of the model in its file.
const Model* TreeReader::attached_model(const Element& element, const Scope& scope) {
  const std::string name = document_.text({&element, nullptr}, "model");
  if (name.empty()) return scope.model;
  const auto [place, is_new] = by_name_.try_emplace({scope.model, name}, nullptr);
  if (is_new) by_name_[{scope.model, name}] = find_attached(element, scope);
  return by_name_[{scope.model, name}];
}

const Model* TreeReader::find_attached(const Element& element, const Scope& scope) {
  const std::string name = document_.text({&element, nullptr}, "model");
  const std::vector<const Element*> assets = assets_.model_assets(*scope.model);
  for (const Element* asset : assets) {
    if (document_.text({asset, nullptr}, "name") == name) return opened(*asset, *scope.model);
  }
  for (const Element* asset : assets) {
    if (document_.has({asset, nullptr}, "name")) continue;
    const Model* model = opened(*asset, *scope.model);
    if (model == nullptr) return nullptr;
    if (document_.text({&model->root, nullptr}, "model") == name) return model;
  }
  document_.error(element, "attach", "unknown-model", "there is no <model> '" + printable(name) + "' in <asset>",
                  "define it in <asset>");
  return nullptr;
}

const Element* TreeReader::find_named(const Model& model, const char* kind, const std::string& name) {
  const auto [place, is_new] = named_.try_emplace({&model, kind, name}, nullptr);
  if (!is_new) return place->second;
  for (const Element& section : model.root.children) {
    if (section.name != "worldbody") continue;
    std::vector<const Element*> open{&section};
    while (!open.empty()) {
      const Element* now = open.back();
      open.pop_back();
      const auto given = now->attributes.find("name");
      if (now->name == kind && given != now->attributes.end()) {
        named_.try_emplace({&model, kind, given->second}, nullptr).first->second = now;
      }
      for (const Element& child : now->children) open.push_back(&child);
    }
  }
  return named_[{&model, kind, name}];
}

void TreeReader::attach(const Element& element, const Posed& X_BF, const Scope& scope, const Visit& visit) {
  constexpr int kDeepest = 8;
  const Model* model = attached_model(element, scope);
  if (model == nullptr || !document_.take(element, 1)) return;
  if (depth_ >= kDeepest) {
    document_.error(element, "attach", "too-deep", "models are attached to each other in more than 8 levels",
                    "attach no model to itself");
    return;
  }
  const Node node{&element, nullptr};
  Scope inner{model, {}, scope.prefix + document_.text(node, "prefix"), scope.suffix};
  note_scope(inner);
  ++depth_;
  const std::string body = document_.text(node, "body"), frame = document_.text(node, "frame");
  if (body.empty() && frame.empty()) {
    for (const Element& section : model->root.children) {
      if (section.name == "worldbody") each(section, X_BF, with_class(section, inner), visit);
    }
  } else {
    const Element* found = find_named(*model, body.empty() ? "frame" : "body", body.empty() ? frame : body);
    if (found == nullptr) {
      document_.error(element, "attach", "unknown-body",
                      "the attached model has no '" + printable(body.empty() ? frame : body) + "'",
                      "name one of its bodies");
    } else if (!body.empty()) {
      visit(*found, X_BF, inner);
    } else {
      const Posed X_FG = read_pose(document_, model->compiler, {found, nullptr}, who(*found));
      each(*found, compose(X_BF, X_FG), with_class(*found, inner), visit);
    }
  }
  --depth_;
}

}  // namespace geoul::scene::mjcf
