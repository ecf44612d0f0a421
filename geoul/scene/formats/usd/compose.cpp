// Composition: a prim's opinions are the nodes of a tree, one for the stage's own layer stack and one for each
// reference, in order of strength from the front. A child's tree is its parent's tree, one name deeper, with the arcs
// that are written on the child itself put before those it has from its ancestors.
#include <algorithm>
#include <set>

#include "geoul/scene/formats/usd/stage.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMaxPrims = 200'000;  // about 80 MB; a file whose references multiply is refused within a second
constexpr std::size_t kMaxNodes = 4'000'000;
constexpr std::size_t kMaxArcDepth = 64;
constexpr std::size_t kMaxPathDepth = 400;

struct LayerStack {
  std::vector<const Layer*> layers;  // strongest first
  std::string name;
};

struct Node {
  const LayerStack* stack = nullptr;
  std::string path;                    // in the stack's namespace
  std::vector<const PrimSpec*> specs;  // a layer of the stack each; null where it says nothing
  const PathMap* map = nullptr;
  bool payload = false;
  bool direct = false;     // the arc is written on this prim, not on one above it
  std::vector<Node> arcs;  // strongest first

  bool empty() const {
    return arcs.empty() && std::all_of(specs.begin(), specs.end(), [](const PrimSpec* s) { return !s; });
  }
};

struct Site {
  const LayerStack* stack;
  std::string path;
};

bool contains(const std::string& outer, const std::string& inner) {
  if (outer == "/") return true;
  return inner.compare(0, outer.size(), outer) == 0 && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

}  // namespace

class Composer {
 public:
  Composer(Stage& stage, AssetFiles& files, Diagnostics& diagnostics)
      : stage_(stage), files_(files), diagnostics_(diagnostics) {}

  void run(std::unique_ptr<Layer> root) {
    stage_.root_ = root.get();
    const std::string key = AssetFiles::key(root->file);
    layers_[key] = root.get();
    stage_.layers_.push_back(std::move(root));
    Node node = pseudo_root(stack_of(*stage_.root_, key));
    stage_.prims_.push_back({});
    stage_.prims_[0].path = "/";
    stage_.index_["/"] = 0;
    add_children(node, 0, 0);
  }

 private:
  // Layers -------------------------------------------------------------------------------------------------------

  const Layer* load(const std::string& file, const Location& from) {
    const std::string key = AssetFiles::key(file);
    const auto found = layers_.find(key);
    if (found != layers_.end()) return found->second;
    layers_[key] = nullptr;
    const std::size_t errors = diagnostics_.error_count();
    std::unique_ptr<Layer> layer = files_.layer(file, from, diagnostics_);
    if (!layer) return nullptr;
    const Layer* kept = layer.get();
    if (diagnostics_.error_count() != errors) broken_.insert(kept);
    stage_.layers_.push_back(std::move(layer));
    layers_[key] = kept;
    return kept;
  }

  const LayerStack* stack_of(const Layer& root, const std::string& key) {
    const auto found = stacks_.find(key);
    if (found != stacks_.end()) return found->second;
    LayerStack& stack = owned_stacks_.emplace_back();
    stacks_[key] = &stack;
    stack.name = root.file;
    std::vector<const Layer*> chain;
    add_layers(root, chain, stack);
    return &stack;
  }

  void add_layers(const Layer& layer, std::vector<const Layer*>& chain, LayerStack& stack) {
    stack.layers.push_back(&layer);
    chain.push_back(&layer);
    if (!layer.relocates.empty()) {
      diagnostics_.error({layer.file, 0, ""}, "unsupported-relocates", "relocates is not supported yet",
                         "flatten the file with usdcat --flatten");
    }
    for (const Sublayer& sub : layer.sublayers) {
      const Location where{layer.file, sub.line, ""};
      const Layer* child = load(files_.resolve(sub.asset, layer), where);
      if (!child) continue;
      if (std::find(chain.begin(), chain.end(), child) != chain.end()) {
        std::string text;
        for (const Layer* l : chain) text += l->file + " -> ";
        diagnostics_.error(where, "circular-sublayers", "sublayers lead in a circle: " + text + child->file,
                           "remove one of them");
      } else if (stack.layers.size() > 1000 || chain.size() > kMaxArcDepth) {
        diagnostics_.error(where, "too-deep", "more than 1000 sublayers, or nested deeper than 64 levels");
      } else {
        add_layers(*child, chain, stack);
      }
    }
    chain.pop_back();
  }

  // Trees of nodes -----------------------------------------------------------------------------------------------

  static Node pseudo_root(const LayerStack* stack) {
    Node node;
    node.stack = stack;
    node.path = "/";
    for (const Layer* layer : stack->layers) node.specs.push_back(&layer->root);
    return node;
  }

  Node child_of(const Node& parent, const std::string& name, std::vector<Site>& chain) {
    Node node;
    node.stack = parent.stack;
    node.path = parent.path == "/" ? "/" + name : parent.path + "/" + name;
    node.map = parent.map;
    node.payload = parent.payload;
    bool any = false;
    for (const PrimSpec* spec : parent.specs) {
      node.specs.push_back(spec ? spec->child(name) : nullptr);
      any = any || node.specs.back();
    }
    ++node_count_;
    chain.push_back({node.stack, node.path});
    if (any) add_direct_arcs(node, chain);
    for (const Node& arc : parent.arcs) {
      Node child = child_of(arc, name, chain);
      if (!child.empty()) node.arcs.push_back(std::move(child));
    }
    std::stable_partition(node.arcs.begin(), node.arcs.end(), [](const Node& n) { return !n.payload; });
    chain.pop_back();
    return node;
  }

  void add_direct_arcs(Node& node, std::vector<Site>& chain) {
    struct Arc {
      Reference reference;
      const Layer* layer;
      bool operator==(const Arc& b) const {
        return reference == b.reference && (layer == b.layer || reference.asset.empty());
      }
    };
    for (const bool payload : {false, true}) {
      std::vector<Arc> arcs;
      for (std::size_t i = node.specs.size(); i-- > 0;) {
        const PrimSpec* spec = node.specs[i];
        if (!spec) continue;
        const Layer* layer = node.stack->layers[i];
        if (!payload) refuse_unread(*spec, *layer);
        const ListOp<Reference>& op = payload ? spec->payloads : spec->references;
        if (op.empty()) continue;
        ListOp<Arc> anchored;
        anchored.is_explicit = op.is_explicit;
        const auto anchor = [&](const std::vector<Reference>& from, std::vector<Arc>& to) {
          for (const Reference& r : from) to.push_back({r, layer});
        };
        anchor(op.items, anchored.items), anchor(op.added, anchored.added), anchor(op.prepended, anchored.prepended);
        anchor(op.appended, anchored.appended), anchor(op.deleted, anchored.deleted);
        anchor(op.ordered, anchored.ordered);
        anchored.apply(arcs);
      }
      for (const Arc& arc : arcs) add_arc(node, arc.reference, *arc.layer, chain);
    }
  }

  // Arcs that are not read yet and would change what the scene means: an error once for each spec.
  void refuse_unread(const PrimSpec& spec, const Layer& layer) {
    const bool clips = find(spec.metadata, "clips") || find(spec.metadata, "clipAssetPaths");
    const bool moves = !spec.relocates.empty();
    if (spec.inherits.empty() && spec.specializes.empty() && spec.variant_contents.empty() && !clips && !moves) return;
    if (!refused_.insert(&spec).second) return;
    const Location where{layer.file, spec.line, spec.path};
    const char* mend = "flatten the file with usdcat --flatten";
    if (!spec.inherits.empty())
      diagnostics_.error(where, "unsupported-inherits", "inherits is not supported yet", mend);
    if (!spec.specializes.empty())
      diagnostics_.error(where, "unsupported-specializes", "specializes is not supported yet", mend);
    if (!spec.variant_contents.empty())
      diagnostics_.error(where, "unsupported-variants", "variant sets are not supported yet", mend);
    if (moves) diagnostics_.error(where, "unsupported-relocates", "relocates is not supported yet", mend);
    if (clips) diagnostics_.error(where, "unsupported-clips", "value clips are not supported yet", mend);
  }

  void add_arc(Node& node, const Reference& reference, const Layer& from, std::vector<Site>& chain) {
    const Location where{from.file, reference.line, node.path};
    const LayerStack* stack = node.stack;
    const Layer* layer = stack->layers.front();
    if (!reference.asset.empty()) {
      const std::string file = files_.resolve(reference.asset, from);
      layer = load(file, where);
      if (!layer) return;
      stack = stack_of(*layer, AssetFiles::key(file));
    }
    std::string target = reference.path;
    const bool broken = broken_.count(layer) > 0;  // what it lacks may stand in what could not be read
    if (target.empty()) {
      if (layer->default_prim.empty() && broken) return;
      if (layer->default_prim.empty()) {
        diagnostics_.error(where, "no-default-prim", "'" + layer->file + "' names no default prim to reference",
                           "write defaultPrim = \"...\" in it, or a path behind the reference");
        return;
      }
      target = layer->default_prim.front() == '/' ? layer->default_prim : "/" + layer->default_prim;
    }
    if (!acyclic(stack, target, chain, where)) return;
    std::optional<Node> found = node_at(stack, target, chain);
    if (!found || found->empty()) {
      if (broken) return;
      diagnostics_.error(where, "missing-prim", "<" + target + "> does not exist in '" + layer->file + "'",
                         "name a prim of that file");
      return;
    }
    PathMap& map = stage_.maps_.emplace_back();
    map = {target, node.path, node.map};
    set_map(*found, nullptr, &map);
    found->payload = reference.payload;
    found->direct = true;
    node.arcs.push_back(std::move(*found));
  }

  bool acyclic(const LayerStack* stack, const std::string& target, const std::vector<Site>& chain,
               const Location& where) {
    for (const Site& site : chain) {
      if (site.stack != stack || !(contains(site.path, target) || contains(target, site.path))) continue;
      std::string text;
      for (const Site& s : chain) text += s.stack->name + "<" + s.path + "> -> ";
      diagnostics_.error(where, "circular-reference",
                         "references lead in a circle: " + text.substr(0, 2000) + stack->name + "<" + target + ">",
                         "remove one of them");
      return false;
    }
    if (chain.size() < kMaxArcDepth && node_count_ < kMaxNodes) return true;
    too_large(where);
    return false;
  }

  void too_large(const Location& where) {
    if (too_large_) return;
    too_large_ = true;
    diagnostics_.error(where, "too-large", "references multiply beyond 64 levels or 200000 prims");
  }

  // The tree of a prim in a layer stack by itself, with all its ancestors' arcs.
  std::optional<Node> node_at(const LayerStack* stack, const std::string& path, std::vector<Site>& chain) {
    Node node = pseudo_root(stack);
    std::size_t begin = 1;
    while (begin < path.size()) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      node = child_of(node, path.substr(begin, end - begin), chain);
      if (node.empty()) return std::nullopt;
      begin = end + 1;
    }
    return node;
  }

  // Hangs the tree of a referenced prim below the map of the reference: its own maps end there.
  void set_map(Node& node, const PathMap* old_end, const PathMap* map) {
    if (node.map == old_end) {
      node.map = map;
    } else {
      PathMap& copy = stage_.maps_.emplace_back();
      copy = *node.map;
      PathMap* last = &copy;
      while (last->parent != old_end) {
        PathMap& next = stage_.maps_.emplace_back();
        next = *last->parent;
        last->parent = &next;
        last = &next;
      }
      last->parent = map;
      node.map = &copy;
    }
    for (Node& arc : node.arcs) set_map(arc, old_end, map);
  }

  // Prims --------------------------------------------------------------------------------------------------------

  static void collect(const Node& node, std::vector<Opinion>& out) {
    for (std::size_t i = 0; i < node.specs.size(); ++i) {
      if (node.specs[i]) out.push_back({node.specs[i], node.stack->layers[i], node.map});
    }
    for (const Node& arc : node.arcs) collect(arc, out);
  }

  // Names of all children: those of weaker opinions first, as USD orders them.
  static std::vector<std::string> child_names(const std::vector<Opinion>& opinions) {
    std::vector<std::string> names;
    std::set<std::string_view> seen;
    for (std::size_t i = opinions.size(); i-- > 0;) {
      for (const auto& child : opinions[i].spec->children) {
        if (seen.insert(child->name).second) names.push_back(child->name);
      }
    }
    return names;
  }

  void add_children(const Node& parent, int parent_index, std::size_t depth) {
    std::vector<Opinion> opinions;
    collect(parent, opinions);
    for (const std::string& name : child_names(opinions)) {
      if (too_large_) return;
      std::vector<Site> chain;
      const Node node = child_of(parent, name, chain);
      Prim prim;
      collect(node, prim.opinions);
      if (prim.opinions.empty() || !defined(prim)) continue;
      prim.name = name;
      prim.parent = parent_index;
      prim.path = node.path;
      compose_fields(prim);
      report_instance(node, prim);
      if (stage_.prims_.size() >= kMaxPrims || depth > kMaxPathDepth) return too_large(prim.where());
      const int index = static_cast<int>(stage_.prims_.size());
      stage_.index_[prim.path] = index;
      stage_.prims_[static_cast<std::size_t>(parent_index)].children.push_back(index);
      stage_.prims_.push_back(std::move(prim));
      add_children(node, index, depth + 1);
    }
  }

  // Whether the prim exists: some opinion defines it, none stronger makes it a class or switches it off.
  bool defined(const Prim& prim) {
    const auto active = std::find_if(prim.opinions.begin(), prim.opinions.end(),
                                     [](const Opinion& o) { return o.spec->active.has_value(); });
    if (active != prim.opinions.end() && !*active->spec->active) return false;
    for (const Opinion& o : prim.opinions) {
      if (o.spec->specifier != Specifier::kOver) return o.spec->specifier == Specifier::kDef;
    }
    const Opinion& o = prim.opinions.front();
    if (!o.spec->attributes.empty() || !o.spec->relationships.empty()) {
      diagnostics_.warning({o.layer->file, o.spec->line, o.spec->path}, "over-without-def",
                           "'over' names a prim that no layer defines; it is left out", "write def, or check its name");
    }
    return false;
  }

  // Below an instance USD leaves out what is not in the referenced prims; here it is read like any other opinion.
  void report_instance(const Node& node, const Prim& prim) {
    const auto said = std::find_if(prim.opinions.begin(), prim.opinions.end(),
                                   [](const Opinion& o) { return o.spec->instanceable.has_value(); });
    if (said == prim.opinions.end() || !*said->spec->instanceable || !has_direct_arc(node)) return;
    report_overrides(node);
  }

  static bool has_direct_arc(const Node& node) {
    return std::any_of(node.arcs.begin(), node.arcs.end(), [](const Node& n) { return n.direct || has_direct_arc(n); });
  }

  void report_overrides(const Node& node) {
    for (std::size_t i = 0; i < node.specs.size(); ++i) {
      const PrimSpec* spec = node.specs[i];
      if (!spec || spec->children.empty() || !reported_instances_.insert(spec).second) continue;
      const PrimSpec& child = *spec->children.front();
      diagnostics_.warning({node.stack->layers[i]->file, child.line, child.path}, "instance-override",
                           "stands below an instance ('instanceable = true'), where USD ignores it; it is read here",
                           "remove it, or write instanceable = false");
    }
    for (const Node& arc : node.arcs) {
      if (!arc.direct) report_overrides(arc);
    }
  }

  static void compose_fields(Prim& prim) {
    for (std::size_t i = prim.opinions.size(); i-- > 0;) {
      const PrimSpec& spec = *prim.opinions[i].spec;
      if (!spec.type_name.empty()) prim.type_name = spec.type_name;
      spec.api_schemas.apply(prim.api_schemas);
    }
  }

  Stage& stage_;
  AssetFiles& files_;
  Diagnostics& diagnostics_;
  std::unordered_map<std::string, const Layer*> layers_;
  std::unordered_map<std::string, const LayerStack*> stacks_;
  std::deque<LayerStack> owned_stacks_;
  std::set<const PrimSpec*> refused_;
  std::set<const PrimSpec*> reported_instances_;
  std::set<const Layer*> broken_;  // had errors of their own
  std::size_t node_count_ = 0;
  bool too_large_ = false;
};

Stage compose(std::unique_ptr<Layer> root, AssetFiles& files, Diagnostics& diagnostics) {
  Stage stage;
  Composer(stage, files, diagnostics).run(std::move(root));
  return stage;
}

}  // namespace geoul::scene::usd
