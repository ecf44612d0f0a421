// Order of strength among the nodes of a prim.
#include "geoul/scene/formats/usd/prim_graph.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace geoul::scene::usd {
namespace {

struct Order {
  const std::vector<Node>& nodes;
  int settled;

  const Node& at(int i) const { return nodes[static_cast<std::size_t>(i)]; }

  // Whether sibling a is stronger than b.
  bool siblings(int a, int b) const {
    const Node &x = at(a), &y = at(b);
    if (x.type != y.type) return x.type < y.type;
    if (a < settled && b < settled) return a < b;
    if (x.depth != y.depth) return x.depth > y.depth;  // arcs of the prim itself before those of prims above it
    if (x.origin != y.origin && x.origin >= 0 && y.origin >= 0) return any(x.origin, y.origin);
    if (x.sibling != y.sibling) return x.sibling < y.sibling;
    return a < b;
  }

  // Whether a is stronger than b, anywhere in the tree.
  bool any(int a, int b) const {
    std::vector<int> up_a, up_b;
    for (int i = a; i >= 0; i = at(i).parent) up_a.push_back(i);
    for (int i = b; i >= 0; i = at(i).parent) up_b.push_back(i);
    std::size_t i = up_a.size(), j = up_b.size();
    while (i > 0 && j > 0 && up_a[i - 1] == up_b[j - 1]) --i, --j;
    if (i == 0 || j == 0) return i == 0 && j > 0;  // who hangs on the other is weaker
    return siblings(up_a[i - 1], up_b[j - 1]);
  }
};

std::vector<std::vector<int>> child_lists(const std::vector<Node>& nodes) {
  std::vector<std::vector<int>> children(nodes.size());
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    children[static_cast<std::size_t>(nodes[i].parent)].push_back(static_cast<int>(i));
  }
  return children;
}

}  // namespace

void sort_nodes(PrimGraph& graph, std::size_t settled) {
  std::vector<Node>& nodes = graph.nodes;
  if (settled >= nodes.size()) return;
  const Order order{nodes, static_cast<int>(settled)};
  std::vector<std::vector<int>> children = child_lists(nodes);
  for (auto& list : children) {
    std::stable_sort(list.begin(), list.end(), [&](int a, int b) { return order.siblings(a, b); });
  }
  std::vector<int> place(nodes.size(), -1), open = {0};
  std::vector<Node> sorted;
  sorted.reserve(nodes.size());
  while (!open.empty()) {
    const auto i = static_cast<std::size_t>(open.back());
    open.pop_back();
    place[i] = static_cast<int>(sorted.size());
    sorted.push_back(nodes[i]);
    open.insert(open.end(), children[i].rbegin(), children[i].rend());
  }
  for (Node& n : sorted) {
    if (n.parent >= 0) n.parent = place[static_cast<std::size_t>(n.parent)];
    if (n.origin >= 0) n.origin = place[static_cast<std::size_t>(n.origin)];
  }
  nodes = std::move(sorted);
}

// Specializes are weaker than everything else of the prim, wherever they hang. Among them: in the order of the arcs
// that brought them, and what is implied in a stronger layer stack before what implied it.
void PrimGraph::by_strength(std::vector<int>& out) const {
  out.clear();
  if (!specializes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) out.push_back(static_cast<int>(i));
    return;
  }
  const std::vector<std::vector<int>> children = child_lists(nodes);
  std::vector<std::pair<std::pair<int, int>, int>> later;  // place of the origin, length of the chain to it, node
  const std::function<void(int)> emit = [&](int node) {
    out.push_back(node);
    for (const int child : children[static_cast<std::size_t>(node)]) {
      if (nodes[static_cast<std::size_t>(child)].type != ArcType::kSpecialize) emit(child);
    }
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].type != ArcType::kSpecialize) continue;
    int origin = static_cast<int>(i), length = 0;
    while (true) {
      const Node& n = nodes[static_cast<std::size_t>(origin)];
      if (n.type != ArcType::kSpecialize || n.origin == n.parent || n.origin < 0) break;
      origin = n.origin, ++length;
    }
    later.push_back({{origin, -length}, static_cast<int>(i)});
  }
  std::stable_sort(later.begin(), later.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  emit(0);
  for (const auto& [key, node] : later) emit(node);
}

}  // namespace geoul::scene::usd
