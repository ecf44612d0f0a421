// PrimGraph: the sites that speak of one prim, as a tree of composition arcs, strongest first.
// Source of the rules: AOUSD Core Specification 1.0, composition (LIVERPS: local, inherits, variants, relocates,
// references, payloads, specializes), and the behaviour of OpenUSD 26.11 where the text leaves a choice.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/scene/formats/usd/path_map.h"
#include "geoul/scene/formats/usd/sites.h"

namespace geoul::scene::usd {

enum class ArcType : std::uint8_t { kRoot, kInherit, kVariant, kRelocate, kReference, kPayload, kSpecialize };
inline bool is_class_arc(ArcType type) { return type == ArcType::kInherit || type == ArcType::kSpecialize; }

struct Node {
  Site* site = nullptr;
  const PathMap* to_parent = nullptr;  // none: the same paths and times
  const MapChain* to_root = nullptr;
  int parent = -1;
  int origin = -1;  // the node that the arc comes from: its parent, or the class it is implied by
  int depth = 0;    // names in the parent's path where the arc was made
  int sibling = 0;  // place in the list that names it
  ArcType type = ArcType::kRoot;
  bool inert = false;  // its own opinions do not count: the place that a relocate took the prim from
  const ReferenceArc* reference = nullptr;  // where the prim's own reference or payload made it
  int instance_depth = 0;  // below an instance, where only what the instance's arcs bring counts: names in its path
};

// Nodes in order of strength (a node before what hangs on it), but for specializes, which are weaker than all others.
struct PrimGraph {
  std::vector<Node> nodes;
  bool specializes = false;
  bool implied = false;  // some origin is not the parent

  // How many names were added to the path since the arc of the node was made.
  int below_introduction(int node) const {
    const Node& n = nodes[static_cast<std::size_t>(node)];
    return n.parent < 0 ? n.site->depth : nodes[static_cast<std::size_t>(n.parent)].site->depth - n.depth;
  }
  // All nodes, the strongest opinion first.
  void by_strength(std::vector<int>& order) const;
};

// Brings the nodes into order; those before `settled` stand in order already and keep it.
void sort_nodes(PrimGraph& graph, std::size_t settled);

// Work that was done, against bombs: references that multiply.
struct Work {
  std::size_t nodes = 0;
  bool exhausted = false;
};

class Indexer {
 public:
  Indexer(Sites& sites, Diagnostics& diagnostics) : sites_(sites), diagnostics_(diagnostics) {}

  PrimGraph root(LayerStack& stack);
  // The graph of a child by the arcs of its parent alone. Nodes that say nothing are left out.
  // `relocated`: the child is where a relocate took a prim from.
  void extend(const PrimGraph& parent, Name name, PrimGraph& out, bool relocated = false);
  // Follows the arcs that are written on the prim itself, and all that they lead to.
  void evaluate(PrimGraph& graph);
  // Makes the nodes that do not come from the prim's own arcs silent for all that is below: it is an instance.
  // False where no arc is its own, so that it is none.
  bool mute_locals(PrimGraph& graph) const;

  const Work& work() const { return work_; }
  std::size_t bytes() const { return maps_.size() * 200 + chains_.size() * sizeof(MapChain); }  // about, of all maps
  std::deque<PathMap> take_maps() { return std::move(maps_); }
  std::deque<MapChain> take_chains() { return std::move(chains_); }

 private:
  struct Evaluation;
  struct NewArc {
    ArcType type = ArcType::kReference;
    int parent = 0;
    int origin = 0;
    int sibling = 0;
    int depth = 0;
    LayerStack* stack = nullptr;
    std::string path;
    const PathMap* map = nullptr;
    const Location* where = nullptr;
    const ReferenceArc* reference = nullptr;
    bool skip_known_sites = false;  // of what comes with the arc by prims above its target
  };

  const PrimGraph* standalone(LayerStack& stack, const std::string& path);
  const PathMap* keep(PathMap map);
  const MapChain* chained(const MapChain* outer, const PathMap* map);
  int add_arc(Evaluation& e, const NewArc& arc);
  bool build(const NewArc& arc, PrimGraph& part);
  int insert(Evaluation& e, const NewArc& arc, const PrimGraph& part);
  bool acyclic(const PrimGraph& graph, const NewArc& arc);
  bool is_taken(const NewArc& arc);
  void relocate(Evaluation& e, int node);
  void references(Evaluation& e, int node, bool payload);
  void classes(Evaluation& e, int node, ArcType type);
  void imply_classes(Evaluation& e, int node);
  void imply_tree(Evaluation& e, int destination, int source, const PathMap& transfer, bool start);
  void imply_one(Evaluation& e, int destination, int source, const PathMap& transfer);
  bool add_variant(Evaluation& e);
  void report_missing(const PrimGraph& graph);
  void report_cycle(const PrimGraph& graph, const NewArc& arc);

  Sites& sites_;
  Diagnostics& diagnostics_;
  std::deque<PathMap> maps_;
  std::deque<MapChain> chains_;
  std::map<std::pair<const LayerStack*, std::string>, std::unique_ptr<PrimGraph>> standalone_;  // null: in the making
  std::set<std::pair<std::string, int>> reported_;  // cycles, by file and line
  // Scratch of extend().
  std::vector<Site*> sites_of_;
  std::vector<char> fate_, keep_;
  std::vector<int> place_;
  Work work_;
  int nesting_ = 0;
};

}  // namespace geoul::scene::usd
