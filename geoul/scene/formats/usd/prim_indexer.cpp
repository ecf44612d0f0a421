// Graphs of prims: a child's graph is its parent's, one name deeper, and what the arcs written on the child itself
// bring.
#include <algorithm>
#include <array>

#include "geoul/scene/formats/usd/prim_graph.h"

namespace geoul::scene::usd {
namespace {

constexpr int kMaxArcs = 64;     // one behind another
constexpr int kMaxNesting = 48;  // of targets below the root whose ancestors have arcs of their own
// Nodes of all graphs together, so that references that multiply are stopped: their count is what composing costs. A
// plant of 150,000 prims in references takes 310,000; the hungriest of the real files measured takes 22 a site.
constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::size_t kNodesOfSpec = 200;  // more for each site that files write
constexpr std::size_t kMaxGraph = 20'000;

std::string parent_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}
std::string last_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The place that a relocate of the stack brought here; none where no relocate did.
const std::string* relocated_from(const LayerStack& stack, const std::string& path) {
  for (const auto& [from, to] : stack.relocates.pairs) {
    if (to == path) return &from;
  }
  return nullptr;
}

}  // namespace

// What is still to do for one prim.
struct Indexer::Evaluation {
  enum Task { kRelocates, kReferences, kPayloads, kInherits, kImplied, kSpecializes, kTasks };
  PrimGraph& graph;
  Sites& sites;
  std::array<std::vector<int>, kTasks> tasks = {};
  std::set<std::pair<const Site*, std::string>> absent_variants = {};

  Node& at(int i) const { return graph.nodes[static_cast<std::size_t>(i)]; }

  void enqueue(int i) {
    const Node& node = at(i);
    if (node.inert) return;
    if (!node.site->stack->relocates.pairs.empty() && relocated_from(*node.site->stack, node.site->path())) {
      tasks[kRelocates].push_back(i);
    }
    if (!node.site->has_arcs) return;
    const Site::Arcs& arcs = sites.arcs(*node.site);
    if (!arcs.references.empty()) tasks[kReferences].push_back(i);
    if (!arcs.payloads.empty()) tasks[kPayloads].push_back(i);
    if (!arcs.inherits.empty()) tasks[kInherits].push_back(i);
    if (!arcs.specializes.empty()) tasks[kSpecializes].push_back(i);
  }
  // A class was added: it is implied where the prim that has it came from.
  void enqueue_implied(int class_node) {
    const int depth = graph.below_introduction(class_node);
    int instance = class_node;
    while (is_class_arc(at(instance).type) && graph.below_introduction(instance) == depth)
      instance = at(instance).parent;
    if (at(instance).parent >= 0) tasks[kImplied].push_back(instance);
  }
};

PrimGraph Indexer::root(LayerStack& stack) {
  PrimGraph graph;
  Node& node = graph.nodes.emplace_back();
  node.site = &stack.root;
  return graph;
}

void Indexer::extend(const PrimGraph& parent, Name name, PrimGraph& out, bool relocated) {
  enum Fate : char { kKept, kAlone, kGone };  // kAlone: what hangs on it is gone
  const std::size_t n = parent.nodes.size();
  std::vector<Site*>& sites = sites_of_;
  std::vector<char>&fate = fate_, &keep = keep_;
  sites.assign(n, nullptr);
  fate.assign(n, kKept);
  keep.assign(n, 0);
  keep[0] = 1;
  std::string source;  // where a relocate took the prim from
  if (relocated) {
    source = parent.nodes[0].site->path();
    source = (source == "/" ? "" : source) + "/" + *name;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const Node& node = parent.nodes[i];
    if (i > 0 && fate[static_cast<std::size_t>(node.parent)] != kKept) {
      fate[i] = kGone;
      continue;
    }
    if (!node.instance_depth && !node.inert) sites[i] = sites_.child(*node.site, name);
    const LayerStack& stack = *node.site->stack;
    if (!stack.relocates.pairs.empty() && !node.inert && !(relocated && i == 0)) {
      const std::string& above = node.site->path();
      const std::string path = (above == "/" ? "" : above) + "/" + *name;
      for (const auto& [from, to] : stack.relocates.pairs) {
        const bool taken = relocated && &stack == parent.nodes[0].site->stack && path == source;
        if (from == path && !taken) fate[i] = kGone, sites[i] = nullptr;
        if (to == path) fate[i] = kAlone;
        if (to == path || is_below(path, to)) keep[i] = 1;
      }
    }
    if (relocated && i == 0) sites[i] = nullptr;
    if (sites[i]) keep[i] = 1;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = n; i-- > 1;) {
      if (!keep[i] || fate[i] == kGone) continue;
      for (const int other : {parent.nodes[i].parent, parent.nodes[i].origin}) {
        if (other < 0 || keep[static_cast<std::size_t>(other)]) continue;
        keep[static_cast<std::size_t>(other)] = 1;
        changed = changed || static_cast<std::size_t>(other) > i;
      }
    }
  }
  std::vector<int>& place = place_;
  place.assign(n, -1);
  out.nodes.clear();
  out.specializes = parent.specializes;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0 && (!keep[i] || fate[i] == kGone)) continue;
    place[i] = static_cast<int>(out.nodes.size());
    Node& node = out.nodes.emplace_back(parent.nodes[i]);
    // A graph begins at its own site, which no other begins at; what arcs lead to is met again and again.
    node.site = sites[i] ? sites[i]
                : i > 0  ? sites_.shared_empty_child(*node.site, name)
                         : sites_.empty_child(*node.site, name);
    node.reference = nullptr;
  }
  for (Node& node : out.nodes) {
    if (node.parent < 0) continue;
    node.parent = place[static_cast<std::size_t>(node.parent)];
    const int origin = node.origin < 0 ? -1 : place[static_cast<std::size_t>(node.origin)];
    node.origin = origin < 0 ? node.parent : origin;
  }
  work_.nodes += out.nodes.size();
}

void Indexer::evaluate(PrimGraph& graph) {
  const bool any = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) {
    return n.site->has_arcs || !n.site->stack->relocates.pairs.empty();
  });
  if (!any) return;
  const std::size_t settled = graph.nodes.size();
  Evaluation e{graph, sites_};
  for (std::size_t i = 0; i < settled; ++i) e.enqueue(static_cast<int>(i));
  do {
    while (!work_.exhausted) {
      const auto next = std::find_if(e.tasks.begin(), e.tasks.end(), [](const auto& list) { return !list.empty(); });
      if (next == e.tasks.end()) break;
      const int node = next->front();
      next->erase(next->begin());
      switch (static_cast<Evaluation::Task>(next - e.tasks.begin())) {
        case Evaluation::kRelocates: relocate(e, node); break;
        case Evaluation::kReferences: references(e, node, false); break;
        case Evaluation::kPayloads: references(e, node, true); break;
        case Evaluation::kInherits: classes(e, node, ArcType::kInherit); break;
        case Evaluation::kImplied: imply_classes(e, node); break;
        case Evaluation::kSpecializes: classes(e, node, ArcType::kSpecialize); break;
        case Evaluation::kTasks: break;
      }
    }
    sort_nodes(graph, settled);
  } while (!work_.exhausted && add_variant(e));
  report_missing(graph);
}

bool Indexer::mute_locals(PrimGraph& graph) const {
  std::vector<char> covered(graph.nodes.size(), 0);
  bool any = false;
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool direct = graph.below_introduction(static_cast<int>(i)) == 0 && node.type != ArcType::kRelocate;
    covered[i] = direct || covered[static_cast<std::size_t>(node.parent)];
    any = any || direct;
  }
  if (!any) return false;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!covered[i] && !graph.nodes[i].instance_depth) graph.nodes[i].instance_depth = graph.nodes[i].site->depth;
  }
  return true;
}

// Arcs -------------------------------------------------------------------------------------------------------------

const PathMap* Indexer::keep(PathMap map) {
  work_.nodes += 4;
  return &maps_.emplace_back(std::move(map));
}

const MapChain* Indexer::chained(const MapChain* outer, const PathMap* map) {
  return map ? &chains_.emplace_back(MapChain{map, outer}) : outer;
}

// The graph of a prim by itself, with all that the prims above it have; none while it is being made, as in a circle.
const PrimGraph* Indexer::standalone(LayerStack& stack, const std::string& path) {
  const auto [at, fresh] = standalone_.try_emplace({&stack, path}, nullptr);
  if (!fresh) return at->second.get();
  auto graph = std::make_unique<PrimGraph>();
  if (path == "/") {
    *graph = root(stack);
  } else {
    const PrimGraph* parent = standalone(stack, parent_path(path));
    if (!parent) {
      standalone_.erase({&stack, path});
      return nullptr;
    }
    extend(*parent, sites_.intern(last_name(path)), *graph);
    ++nesting_;
    if (nesting_ > kMaxNesting) work_.exhausted = true;
    evaluate(*graph);
    --nesting_;
  }
  return (standalone_[{&stack, path}] = std::move(graph)).get();
}

bool Indexer::acyclic(const PrimGraph& graph, const NewArc& arc) {
  int length = 0;
  for (int i = arc.parent; i >= 0; i = graph.nodes[static_cast<std::size_t>(i)].parent) {
    const Site& site = *graph.nodes[static_cast<std::size_t>(i)].site;
    if (++length > kMaxArcs) {
      work_.exhausted = true;
      return false;
    }
    if (site.stack != arc.stack) continue;
    const std::string& path = site.path();
    if (!is_below(path, arc.path) && !is_below(arc.path, path)) continue;
    report_cycle(graph, arc);
    return false;
  }
  return true;
}

void Indexer::report_cycle(const PrimGraph& graph, const NewArc& arc) {
  if (!arc.where || !reported_.insert({arc.where->file + arc.where->path, arc.where->line}).second) return;
  std::string text;
  for (int i = arc.parent; i >= 0; i = graph.nodes[static_cast<std::size_t>(i)].parent) {
    const Site& site = *graph.nodes[static_cast<std::size_t>(i)].site;
    text = site.stack->name + "<" + site.path() + "> -> " + text;
  }
  diagnostics_.error(*arc.where, "circular-reference",
                     "arcs lead in a circle: " + text.substr(0, 2000) + arc.stack->name + "<" + arc.path + ">",
                     "remove one of them");
}

bool Indexer::build(const NewArc& arc, PrimGraph& part) {
  if (arc.path.rfind('/') == 0 && arc.stack->relocates.pairs.empty()) {  // a root prim: nothing above it has arcs
    part.nodes.resize(1);
    part.nodes[0].site = sites_.child_or_empty(arc.stack->root, sites_.intern(std::string_view(arc.path).substr(1)));
    ++work_.nodes;
    return true;
  }
  const PrimGraph* above = standalone(*arc.stack, parent_path(arc.path));
  if (!above) return false;
  extend(*above, sites_.intern(last_name(arc.path)), part, arc.type == ArcType::kRelocate);
  return true;
}

// Whether a relocate of the target's layer stack took the target away: an error, since nothing is there.
bool Indexer::is_taken(const NewArc& arc) {
  for (const auto& [from, to] : arc.stack->relocates.pairs) {
    if (!is_below(from, arc.path)) continue;
    if (arc.where && reported_.insert({arc.where->file + arc.where->path, arc.where->line}).second) {
      diagnostics_.error(*arc.where, "relocated-target", "<" + arc.path + "> was relocated from there",
                         "name the place that it was relocated to");
    }
    return true;
  }
  return false;
}

// Index of the new node; -1 where there is none: a circle, said unless the arc is implied.
int Indexer::add_arc(Evaluation& e, const NewArc& arc) {
  if (work_.nodes > kMaxNodes + kNodesOfSpec * sites_.spec_sites() || e.graph.nodes.size() > kMaxGraph)
    work_.exhausted = true;
  if (work_.exhausted || arc.path.size() < 2) return -1;
  if (arc.type != ArcType::kRelocate && (!acyclic(e.graph, arc) || is_taken(arc))) return -1;
  PrimGraph part;
  if (!build(arc, part)) {
    report_cycle(e.graph, arc);
    return -1;
  }
  return insert(e, arc, part);
}

int Indexer::insert(Evaluation& e, const NewArc& arc, const PrimGraph& part) {
  PrimGraph& graph = e.graph;
  const int first = static_cast<int>(graph.nodes.size());
  std::vector<int> place(part.nodes.size(), -1);
  const auto known = [&](const Site* site) {
    return std::any_of(graph.nodes.begin(), graph.nodes.begin() + first, [&](const Node& n) { return n.site == site; });
  };
  for (std::size_t i = 0; i < part.nodes.size(); ++i) {
    Node node = part.nodes[i];
    if (i == 0) {
      node.parent = arc.parent, node.origin = arc.origin;
      node.to_parent = arc.map;
      node.depth = arc.depth, node.sibling = arc.sibling;
      node.type = arc.type;
      node.inert = arc.type == ArcType::kRelocate;
      node.reference = arc.reference;
    } else {
      node.parent = place[static_cast<std::size_t>(node.parent)];
      if (node.parent < 0 || (arc.skip_known_sites && known(node.site))) continue;
      const int origin = place[static_cast<std::size_t>(node.origin)];
      node.origin = origin < 0 ? node.parent : origin;
    }
    node.to_root = chained(graph.nodes[static_cast<std::size_t>(node.parent)].to_root, node.to_parent);
    place[i] = static_cast<int>(graph.nodes.size());
    graph.specializes = graph.specializes || node.type == ArcType::kSpecialize;
    graph.nodes.push_back(node);
  }
  for (const int i : place) {
    if (i < 0) continue;
    e.enqueue(i);
    if (is_class_arc(graph.nodes[static_cast<std::size_t>(i)].type)) e.enqueue_implied(i);
  }
  return first;
}

void Indexer::relocate(Evaluation& e, int node) {
  const Site& site = *e.at(node).site;
  NewArc arc;
  arc.type = ArcType::kRelocate;
  arc.parent = arc.origin = node;
  arc.depth = site.depth;
  arc.stack = site.stack;
  arc.path = *relocated_from(*site.stack, site.path());
  add_arc(e, arc);
}

void Indexer::references(Evaluation& e, int node, bool payload) {
  Site& site = *e.at(node).site;
  const std::vector<ReferenceArc>& list = payload ? sites_.arcs(site).payloads : sites_.arcs(site).references;
  for (std::size_t k = 0; k < list.size(); ++k) {
    PathMap map{{{list[k].path, site.path()}}, list[k].internal, list[k].time};
    NewArc arc;
    arc.type = payload ? ArcType::kPayload : ArcType::kReference;
    arc.parent = arc.origin = node;
    arc.sibling = static_cast<int>(k);
    arc.depth = site.depth;
    arc.stack = list[k].stack;
    arc.path = list[k].path;
    arc.map = keep(site.stack->moves.pairs.empty() ? std::move(map) : compose(site.stack->moves, map));
    arc.where = &list[k].where;
    arc.reference = &list[k];
    add_arc(e, arc);
  }
}

void Indexer::classes(Evaluation& e, int node, ArcType type) {
  Site& site = *e.at(node).site;
  const bool inherit = type == ArcType::kInherit;
  const std::vector<std::string>& list = inherit ? sites_.arcs(site).inherits : sites_.arcs(site).specializes;
  Location where{site.stack->name, 0, site.path()};
  for (const Site::Spec& s : site.specs) {
    if ((inherit ? s.spec->inherits : s.spec->specializes).empty()) continue;
    where.file = site.stack->layers[s.layer].layer->file;
    where.line = s.spec->line;
    break;
  }
  for (std::size_t k = 0; k < list.size(); ++k) {
    PathMap map{{{list[k], site.path()}}, true, {}};
    NewArc arc;
    arc.type = type;
    arc.parent = arc.origin = node;
    arc.sibling = static_cast<int>(k);
    arc.depth = site.depth;
    arc.stack = site.stack;
    arc.path = list[k];
    arc.map = keep(site.stack->moves.pairs.empty() ? std::move(map) : compose(site.stack->moves, map));
    arc.where = &where;
    arc.skip_known_sites = parent_path(arc.path) != "/";
    add_arc(e, arc);
  }
}

// Classes of a prim that came over an arc are classes of who made the arc as well: so who references a part can
// override the part's class.
void Indexer::imply_classes(Evaluation& e, int node) {
  PathMap transfer = e.at(node).to_parent ? *e.at(node).to_parent : PathMap{};
  transfer.root = true;
  imply_tree(e, e.at(node).parent, node, transfer, true);
}

void Indexer::imply_tree(Evaluation& e, int destination, int source, const PathMap& transfer, bool start) {
  std::vector<int> sources;
  for (std::size_t i = 0; i < e.graph.nodes.size(); ++i) {
    const Node& n = e.graph.nodes[i];
    if (n.parent != source || !is_class_arc(n.type)) continue;
    const int at = static_cast<int>(i);
    const bool same_hierarchy = start && is_class_arc(e.at(source).type) &&
                                e.graph.below_introduction(source) == e.graph.below_introduction(at);
    if (!same_hierarchy) sources.push_back(at);
  }
  for (const int at : sources) imply_one(e, destination, at, transfer);
}

void Indexer::imply_one(Evaluation& e, int destination, int source, const PathMap& transfer) {
  const PathMap class_map = e.at(source).to_parent ? *e.at(source).to_parent : PathMap{{}, true, {}};
  const Site& site = *e.at(destination).site;
  const PathMap map = compose(transfer, compose(class_map, inverse(transfer)));
  const std::string here = site.path();
  const std::optional<std::string> path = map.to_source(here);
  if (!path || *path == here) return;
  if (e.at(destination).type == ArcType::kRelocate ||
      (e.at(source).site->stack == site.stack && e.at(source).site->path() == *path)) {
    // The same place as what implies it, as in a variant: it counts once, but goes on outwards.
    const Node& between = e.at(destination);
    if (between.parent < 0) return;
    PathMap outwards = between.to_parent ? *between.to_parent : PathMap{};
    outwards.root = true;
    imply_one(e, between.parent, source, compose(outwards, transfer));
    return;
  }
  int there = -1;
  for (std::size_t i = 0; i < e.graph.nodes.size() && there < 0; ++i) {
    const Node& n = e.graph.nodes[i];
    if (n.parent == destination && n.type == e.at(source).type && n.site->stack == site.stack &&
        n.site->path() == *path) {
      there = static_cast<int>(i);
    }
  }
  if (there < 0) {
    const int instance = e.at(destination).instance_depth;
    if (instance > 0) {  // what stands below an instance says nothing of it
      std::size_t end = 0;
      for (int k = 0; k < instance && end != std::string::npos; ++k) end = here.find('/', end + 1);
      if (is_below(here.substr(0, end), *path)) return;
    }
    NewArc arc;
    arc.type = e.at(source).type;
    arc.parent = destination;
    arc.origin = source;
    arc.sibling = e.at(source).sibling;
    arc.depth = std::max(0, site.depth - e.graph.below_introduction(source));
    arc.stack = site.stack;
    arc.path = *path;
    arc.map = keep(map);
    arc.skip_known_sites = parent_path(arc.path) != "/";
    there = add_arc(e, arc);
  }
  if (there >= 0) imply_tree(e, there, source, compose(inverse(map), compose(transfer, class_map)), false);
}

// Variants ---------------------------------------------------------------------------------------------------------

namespace {

// The selection of a set: the strongest that any site of the prim writes, empty where it is taken back.
const std::string* selection_of(const PrimGraph& graph, const std::vector<int>& order, const std::string& set) {
  for (const int i : order) {
    const Node& node = graph.nodes[static_cast<std::size_t>(i)];
    if (node.inert) continue;
    for (const Site::Spec& s : node.site->specs) {
      for (const auto& [name, selection] : s.spec->variants) {
        if (name == set) return &selection;
      }
    }
  }
  return nullptr;
}

}  // namespace

// The strongest variant set that is selected and not followed yet. One at a time: a variant may bring selections.
bool Indexer::add_variant(Evaluation& e) {
  std::vector<int> order;
  e.graph.by_strength(order);
  for (const int i : order) {
    const Node& owner = e.at(i);
    if (owner.inert || !owner.site->has_arcs) continue;
    Site& site = *owner.site;
    const std::vector<std::string>& sets = sites_.arcs(site).variant_sets;
    for (std::size_t k = 0; k < sets.size(); ++k) {
      const bool followed = std::any_of(e.graph.nodes.begin(), e.graph.nodes.end(), [&](const Node& n) {
        return n.parent == i && n.type == ArcType::kVariant && n.depth == site.depth &&
               n.sibling == static_cast<int>(k);
      });
      if (followed || e.absent_variants.count({&site, sets[k]})) continue;
      const std::string* selection = selection_of(e.graph, order, sets[k]);
      if (!selection) continue;
      Site* body = selection->empty() ? nullptr : sites_.variant(site, sets[k], *selection);
      if (!body) {
        e.absent_variants.insert({&site, sets[k]});
        continue;
      }
      Node node;
      node.site = body;
      node.to_root = owner.to_root;
      node.parent = node.origin = i;
      node.depth = site.depth;
      node.sibling = static_cast<int>(k);
      node.type = ArcType::kVariant;
      ++work_.nodes;
      e.graph.nodes.push_back(node);
      e.enqueue(static_cast<int>(e.graph.nodes.size()) - 1);
      return true;
    }
  }
  return false;
}

void Indexer::report_missing(const PrimGraph& graph) {
  std::vector<char> says(graph.nodes.size(), 0);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {  // those that hang on a node stand behind it
    const Node& node = graph.nodes[i];
    says[i] = says[i] || (!node.site->specs.empty() && !node.inert);
    if (says[i] && node.parent >= 0) says[static_cast<std::size_t>(node.parent)] = 1;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const ReferenceArc* reference = graph.nodes[i].reference;
    if (!reference || says[i] || reference->broken || reference->reported || work_.exhausted) continue;
    reference->reported = true;
    diagnostics_.error(reference->where, "missing-prim",
                       "<" + reference->path + "> does not exist in '" + reference->stack->name + "'",
                       "name a prim of that file");
  }
}

}  // namespace geoul::scene::usd
