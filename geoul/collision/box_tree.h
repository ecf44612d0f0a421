// Binary tree of axis-aligned boxes over numbered items: colliders, triangles. Boxes are kept in single precision,
// rounded outwards: queries may name an item too many, never one too few. 32 bytes a node.
// Source: binned surface-area heuristic: Wald, "On fast construction of SAH-based bounding volume hierarchies", 2007.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "geoul/collision/bounds.h"

namespace geoul::collision {

struct BoxTree {
  struct Node {
    float low[3];
    std::int32_t next;  // inner: the second child (the first follows its parent); leaf: first of `items`
    float high[3];
    std::int32_t count;  // 0: inner node; else items of this leaf
  };
  static constexpr int kMaxDepth = 96;  // of a query's stack

  std::vector<Node> nodes;           // depth first; empty: no items
  std::vector<std::int32_t> items;   // (nitem) grouped by leaf
  std::vector<std::int32_t> parent;  // (nnode) -1: the root
  std::vector<std::int32_t> leaf;    // (nitem) node that holds the item
  std::vector<Vec3<float>> middle;   // memory of build

  bool empty() const { return nodes.empty(); }
};

// Builds the tree over boxes (nitem); empty boxes are left out of all queries. Same boxes, same tree. O(n log n);
// allocates nothing where the tree has held as many items.
void build(BoxTree& tree, std::span<const Bounds> boxes, int leaf_size);

// Makes the boxes from an item's leaf up to the root hold `box` too. O(depth).
void enlarge(BoxTree& tree, int item, const Bounds& box);

// A box in single precision, rounded outwards.
struct FloatBounds {
  float low[3], high[3];
};
FloatBounds rounded_out(const Bounds& b);

inline bool overlap(const BoxTree::Node& a, const FloatBounds& b) {
  return (a.low[0] <= b.high[0]) & (b.low[0] <= a.high[0]) & (a.low[1] <= b.high[1]) & (b.low[1] <= a.high[1]) &
         (a.low[2] <= b.high[2]) & (b.low[2] <= a.high[2]);
}

// Calls visit(item) for every item whose leaf meets the box; the order is the tree's.
template <class Visit>
void query(const BoxTree& tree, const Bounds& box, Visit&& visit) {
  if (tree.empty()) return;
  const FloatBounds b = rounded_out(box);
  std::int32_t stack[BoxTree::kMaxDepth];
  int top = 0;
  stack[top++] = 0;
  while (top > 0) {
    const std::int32_t i = stack[--top];
    const BoxTree::Node& node = tree.nodes[static_cast<std::size_t>(i)];
    if (!overlap(node, b)) continue;
    if (node.count == 0) {
      stack[top++] = node.next;
      stack[top++] = i + 1;
    } else {
      for (std::int32_t k = 0; k < node.count; ++k) visit(tree.items[static_cast<std::size_t>(node.next + k)]);
    }
  }
}

// A ray o + t d with t in [0, reach]; inverse is 1/d, infinite where d is 0.
struct Ray {
  Vec3d o, d, inverse;
};
Ray make_ray(const Vec3d& origin, const Vec3d& direction);

// Where the ray enters the box, or infinity where it does not by `reach`. Errs towards hitting by a few roundings.
inline double enter(const Ray& ray, const Vec3d& low, const Vec3d& high, double reach) {
  double t0 = 0, t1 = reach;
  for (int k = 0; k < 3; ++k) {
    // 0 * infinity (a ray in a face of the box) is NaN, which the order of arguments drops
    const double a = (low[k] - ray.o[k]) * ray.inverse[k], b = (high[k] - ray.o[k]) * ray.inverse[k];
    t0 = std::max(t0, std::min(a, b)), t1 = std::min(t1, std::max(a, b));
  }
  return t0 <= t1 * (1 + 4e-16 * 4) ? t0 : Bounds::kInfinity;
}

// Nearest first: calls visit(item, reach) -> new reach for items whose box the ray enters before `reach`.
template <class Visit>
void query(const BoxTree& tree, const Ray& ray, double reach, Visit&& visit) {
  if (tree.empty()) return;
  struct Entry {
    std::int32_t node;
    double t;
  } stack[BoxTree::kMaxDepth];
  const auto at = [&](std::int32_t i) {
    const BoxTree::Node& n = tree.nodes[static_cast<std::size_t>(i)];
    return enter(ray, {n.low[0], n.low[1], n.low[2]}, {n.high[0], n.high[1], n.high[2]}, reach);
  };
  int top = 0;
  stack[top++] = {0, at(0)};
  while (top > 0) {
    const Entry entry = stack[--top];
    if (!(entry.t <= reach) || entry.t == Bounds::kInfinity) continue;
    const BoxTree::Node& node = tree.nodes[static_cast<std::size_t>(entry.node)];
    if (node.count > 0) {
      for (std::int32_t k = 0; k < node.count; ++k) {
        reach = visit(tree.items[static_cast<std::size_t>(node.next + k)], reach);
      }
      continue;
    }
    Entry near{entry.node + 1, at(entry.node + 1)}, far{node.next, at(node.next)};
    if (far.t < near.t) std::swap(near, far);
    if (far.t != Bounds::kInfinity) stack[top++] = far;
    if (near.t != Bounds::kInfinity) stack[top++] = near;
  }
}

}  // namespace geoul::collision
