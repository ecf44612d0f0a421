// Composition of a stage: from the root down, every prim's graph from its parent's, and its opinions from the graph.
#include <algorithm>
#include <unordered_set>

#include "geoul/scene/formats/usd/prim_graph.h"
#include "geoul/scene/formats/usd/stage.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxDepth = 400;
// Memory that a stage may take beyond what its files hold, so that references that multiply are stopped.
constexpr std::size_t kMaxBytes = 180'000'000;
constexpr std::size_t kBytesOfSpec = 4'000;  // more for each site that files write

bool below_class_arc(const PrimGraph& graph, int node, bool& direct) {
  for (int i = node; i >= 0; i = graph.nodes[static_cast<std::size_t>(i)].parent) {
    if (graph.nodes[static_cast<std::size_t>(i)].type != ArcType::kInherit) continue;
    direct = graph.below_introduction(i) == 0;
    return true;
  }
  return false;
}

}  // namespace

class Composer {
 public:
  Composer(Stage& stage, AssetFiles& files, Diagnostics& diagnostics)
      : stage_(stage), diagnostics_(diagnostics), sites_(files, diagnostics), indexer_(sites_, diagnostics) {}

  void run(std::unique_ptr<Layer> root) {
    stage_.root_ = root.get();
    LayerStack* stack = sites_.root_stack(std::move(root));
    stage_.api_lists_.emplace_back();
    Prim& top = stage_.prims_.emplace_back();
    top.path = "/";
    top.api_schemas = &stage_.api_lists_.front();
    add_children(indexer_.root(*stack), 0, 0);
    stage_.prims_[0].end = static_cast<int>(stage_.prims_.size());
    stage_.index_.reserve(stage_.prims_.size());
    for (std::size_t i = 0; i < stage_.prims_.size(); ++i) {
      stage_.index_.emplace(stage_.prims_[i].path, static_cast<int>(i));
    }
    if (indexer_.work().exhausted) too_large({stage_.root_->file, 0, "/"});
    stage_.layers_ = sites_.take_layers();
    stage_.maps_ = indexer_.take_maps();
    stage_.chains_ = indexer_.take_chains();
  }

 private:
  void too_large(const Location& where) {
    if (too_large_) return;
    too_large_ = true;
    diagnostics_.error(where, "too-large",
                       "references multiply beyond 64 levels, 1,000,000 opinions or 180 MB of prims",
                       "check for a file that references itself by way of many others");
  }

  // Names of all children: those of weaker opinions first, as USD orders them.
  std::vector<Name> child_names(const PrimGraph& graph) {
    graph.by_strength(order_);
    const std::vector<int>& order = order_;
    std::vector<Name> names;
    std::unordered_set<Name> seen;
    std::size_t speaking = 0;
    for (const Node& node : graph.nodes) speaking += !node.site->specs.empty();
    for (std::size_t i = order.size(); i-- > 0;) {
      const Node& node = graph.nodes[static_cast<std::size_t>(order[i])];
      add_relocated(node, names, seen);
      if (node.inert || node.instance_depth || node.site->specs.empty()) continue;
      for (const auto& [name, site] : sites_.children(*node.site)) {
        if ((speaking == 1 && seen.empty()) || seen.insert(name).second) names.push_back(name);
      }
      if (!node.site->reorders) continue;
      for (std::size_t k = node.site->specs.size(); k-- > 0;) {
        std::vector<Name> wanted;
        for (const std::string& name : node.site->specs[k].spec->child_order) wanted.push_back(sites_.intern(name));
        apply_order(names, wanted);
      }
    }
    return names;
  }

  // Takes out the children that the stack relocates from here, and adds those that it relocates to here.
  void add_relocated(const Node& node, std::vector<Name>& names, std::unordered_set<Name>& seen) {
    const auto& pairs = node.site->stack->relocates.pairs;
    if (pairs.empty() || node.inert || node.site->variant) return;
    const std::string path = node.site->path();
    const auto child_of = [&](const std::string& p) {
      const std::size_t slash = p.rfind('/');
      return slash != std::string::npos && !p.empty() && p.substr(0, std::max<std::size_t>(slash, 1)) == path;
    };
    const auto name_of = [&](const std::string& p) {
      return sites_.intern(std::string_view(p).substr(p.rfind('/') + 1));
    };
    for (const auto& [from, to] : pairs) {
      if (!child_of(from)) continue;
      const Name name = name_of(from);
      seen.erase(name);
      const auto at = std::find(names.begin(), names.end(), name);
      if (at == names.end()) continue;
      if (child_of(to) && seen.insert(name_of(to)).second) {
        *at = name_of(to);  // renamed where it stands
      } else {
        names.erase(at);
      }
    }
    for (const auto& [from, to] : pairs) {
      if (!child_of(to)) continue;
      if (seen.insert(name_of(to)).second) names.push_back(name_of(to));
    }
  }

  void add_children(const PrimGraph& parent, int parent_index, int depth) {
    PrimGraph graph;
    for (const Name name : child_names(parent)) {
      if (too_large_ || indexer_.work().exhausted) return;
      indexer_.extend(parent, name, graph);
      indexer_.evaluate(graph);
      Prim prim;
      collect(graph, prim);
      const std::string& above = stage_.prims_[static_cast<std::size_t>(parent_index)].path;
      prim.path.reserve(above.size() + name->size() + 1);
      if (parent_index > 0) prim.path = above;
      prim.path += '/';
      prim.path += *name;
      if (prim.opinions.empty() || !exists(graph, prim)) continue;
      prim.parent = parent_index;
      compose_fields(prim);
      if (is_instance(prim)) {
        if (stage_.prims_.size() > 0) report_overrides(graph);
        prim.instance = indexer_.mute_locals(graph);
      }
      bytes_ += sizeof(Prim) + 2 * prim.path.size() + prim.opinions.size() * sizeof(Opinion) + 100;
      const std::size_t bytes = bytes_ + sites_.bytes() + indexer_.bytes();
      if (depth > kMaxDepth || bytes > kMaxBytes + kBytesOfSpec * sites_.spec_sites()) {
        return too_large({stage_.root_->file, 0, prim.path});
      }
      const int index = static_cast<int>(stage_.prims_.size());
      stage_.prims_.push_back(std::move(prim));
      add_children(graph, index, depth + 1);
      stage_.prims_[static_cast<std::size_t>(index)].end = static_cast<int>(stage_.prims_.size());
    }
  }

  void collect(const PrimGraph& graph, Prim& prim) {
    graph.by_strength(order_);
    std::size_t count = 0;
    for (const Node& node : graph.nodes) count += node.inert ? 0 : node.site->specs.size();
    prim.opinions.reserve(count);
    for (const int i : order_) {
      const Node& node = graph.nodes[static_cast<std::size_t>(i)];
      if (node.inert) continue;
      for (const Site::Spec& s : node.site->specs) {
        const LayerStack::Entry& entry = node.site->stack->layers[s.layer];
        prim.opinions.push_back({s.spec, entry.layer, node.to_root, time_of(entry.time)});
      }
      if (!node.site->checked) report_unread(*node.site);
    }
  }
  const TimeMap* time_of(const TimeMap& time) {
    if (time == TimeMap{}) return nullptr;
    for (const TimeMap& known : stage_.times_) {
      if (known == time) return &known;
    }
    return &stage_.times_.emplace_back(time);
  }

  // What is not read and would change what the scene means.
  void report_unread(Site& site) {
    site.checked = true;
    for (const Site::Spec& s : site.specs) {
      const Location where{site.stack->layers[s.layer].layer->file, s.spec->line, s.spec->path};
      if (s.spec->metadata.empty() && s.spec->relocates.empty()) continue;
      if (find(s.spec->metadata, "clips") || find(s.spec->metadata, "clipAssetPaths")) {
        diagnostics_.error(where, "unsupported-clips", "value clips are not supported",
                           "write the values as time samples: usdcat --flatten");
      }
      if (!s.spec->relocates.empty()) {
        diagnostics_.warning(where, "old-relocates", "relocates of a prim are an old form, which USD ignores; so here",
                             "write relocates in the layer's metadata");
      }
    }
  }

  // Whether the prim is there: active, and some opinion defines it, not as a class. Inherited classes define less than
  // any `def`, since what inherits them may be one.
  bool exists(const PrimGraph& graph, const Prim& prim) {
    for (const Opinion& o : prim.opinions) {
      if (!o.spec->active) continue;
      if (!*o.spec->active) return false;
      break;
    }
    int best = 0;  // 0 none, 1 inherited class, 2 directly inherited class, 3 defined
    bool is_class = false;
    for (const int i : order_) {
      const Node& node = graph.nodes[static_cast<std::size_t>(i)];
      if (node.inert) continue;
      for (const Site::Spec& s : node.site->specs) {
        if (s.spec->specifier == Specifier::kOver || best == 3) continue;
        bool direct = false;
        const bool inherited = s.spec->specifier == Specifier::kClass && below_class_arc(graph, i, direct);
        const int strength = !inherited ? 3 : direct ? 2 : 1;
        if (strength > best) best = strength, is_class = s.spec->specifier == Specifier::kClass;
      }
      if (best == 3) break;
    }
    if (best > 0) return !is_class;
    const Opinion& o = prim.opinions.front();
    if (!o.spec->attributes.empty() || !o.spec->relationships.empty()) {
      diagnostics_.warning({o.layer->file, o.spec->line, o.spec->path}, "over-without-def",
                           "'over' names a prim that no layer defines; it is left out", "write def, or check its name");
    }
    return false;
  }

  static bool is_instance(const Prim& prim) {
    for (const Opinion& o : prim.opinions) {
      if (o.spec->instanceable) return *o.spec->instanceable;
    }
    return false;
  }

  // Said once for a spec: what stands below an instance and does not come with it.
  void report_overrides(const PrimGraph& graph) {
    if (graph.nodes.size() < 2) return;
    for (const Site::Spec& s : graph.nodes.front().site->specs) {
      if (s.spec->children.empty() || !reported_.insert(s.spec).second) continue;
      const PrimSpec& child = *s.spec->children.front();
      diagnostics_.warning({graph.nodes.front().site->stack->layers[s.layer].layer->file, child.line, child.path},
                           "instance-override",
                           "stands below an instance ('instanceable = true'), where USD ignores it",
                           "remove it, or write instanceable = false");
    }
  }

  void compose_fields(Prim& prim) {
    bool any = false;
    for (const Opinion& o : prim.opinions) {
      if (prim.type_name.empty()) prim.type_name = o.spec->type_name;
      any = any || !o.spec->api_schemas.empty();
    }
    prim.api_schemas = &stage_.api_lists_.front();
    if (!any) return;
    std::vector<std::string> list;
    for (std::size_t i = prim.opinions.size(); i-- > 0;) prim.opinions[i].spec->api_schemas.apply(list);
    std::string key;
    for (const std::string& name : list) key += name + '\n';
    const auto [at, fresh] = api_index_.try_emplace(key, nullptr);
    if (fresh) at->second = &stage_.api_lists_.emplace_back(std::move(list));
    prim.api_schemas = at->second;
  }

  Stage& stage_;
  Diagnostics& diagnostics_;
  Sites sites_;
  Indexer indexer_;
  std::vector<int> order_;  // of the graph that was looked at last
  std::unordered_set<const PrimSpec*> reported_;
  std::unordered_map<std::string, const std::vector<std::string>*> api_index_;
  std::size_t bytes_ = 0;
  bool too_large_ = false;
};

Stage compose(std::unique_ptr<Layer> root, AssetFiles& files, Diagnostics& diagnostics) {
  Stage stage;
  Composer(stage, files, diagnostics).run(std::move(root));
  return stage;
}

}  // namespace geoul::scene::usd
