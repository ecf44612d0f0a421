#include "geoul/collision/box_tree.h"

#include <numeric>

namespace geoul::collision {
namespace {

constexpr int kBins = 12;
constexpr int kBalancedDepth = 48;  // deeper than this only halves: depth is bounded by 48 + 32

float down(double x) {
  const float f = static_cast<float>(x);
  return f > x ? std::nextafter(f, -std::numeric_limits<float>::infinity()) : f;
}
float up(double x) {
  const float f = static_cast<float>(x);
  return f < x ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
}

float half_area(const FloatBounds& b) {
  const float x = b.high[0] - b.low[0], y = b.high[1] - b.low[1], z = b.high[2] - b.low[2];
  return x * y + y * z + z * x;
}

constexpr float kInfinityF = std::numeric_limits<float>::infinity();
constexpr FloatBounds kEmpty{{kInfinityF, kInfinityF, kInfinityF}, {-kInfinityF, -kInfinityF, -kInfinityF}};

void include(FloatBounds& a, const FloatBounds& b) {
  for (int k = 0; k < 3; ++k) a.low[k] = std::min(a.low[k], b.low[k]), a.high[k] = std::max(a.high[k], b.high[k]);
}

struct Builder {
  BoxTree& tree;
  std::span<const Bounds> boxes;
  int leaf_size;

  FloatBounds box(std::int32_t item) const { return rounded_out(boxes[static_cast<std::size_t>(item)]); }
  float middle(std::int32_t item, int axis) const { return tree.middle[static_cast<std::size_t>(item)][axis]; }

  // Reorders items [first, first + count); returns how many go left.
  int split(std::int32_t* items, int count, int depth) const {
    float low[3] = {kInfinityF, kInfinityF, kInfinityF}, high[3] = {-kInfinityF, -kInfinityF, -kInfinityF};
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < 3; ++k) {
        low[k] = std::min(low[k], middle(items[i], k)), high[k] = std::max(high[k], middle(items[i], k));
      }
    }
    int axis = 0;
    for (int k = 1; k < 3; ++k) {
      if (high[k] - low[k] > high[axis] - low[axis]) axis = k;
    }
    const float extent = high[axis] - low[axis];
    if (extent > 0 && depth < kBalancedDepth && count > 4) {
      const int left = split_by_area(items, count, axis, low[axis], extent);
      if (left > 0 && left < count) return left;
    }
    std::nth_element(items, items + count / 2, items + count, [&](std::int32_t a, std::int32_t b) {
      return middle(a, axis) != middle(b, axis) ? middle(a, axis) < middle(b, axis) : a < b;
    });
    return count / 2;
  }

  int split_by_area(std::int32_t* items, int count, int axis, float low, float extent) const {
    FloatBounds bounds[kBins];
    int counts[kBins] = {};
    std::fill(bounds, bounds + kBins, kEmpty);
    const float scale = kBins * (1 - 1e-6f) / extent;
    const auto bin = [&](std::int32_t item) {
      return std::clamp(static_cast<int>((middle(item, axis) - low) * scale), 0, kBins - 1);
    };
    for (int i = 0; i < count; ++i) {
      const int b = bin(items[i]);
      ++counts[b];
      include(bounds[b], box(items[i]));
    }
    float right_cost[kBins] = {};
    FloatBounds sum = kEmpty;
    for (int b = kBins - 1, n = 0; b > 0; --b) {
      include(sum, bounds[b]);
      n += counts[b];
      right_cost[b] = n > 0 ? half_area(sum) * static_cast<float>(n) : 0;
    }
    sum = kEmpty;
    int best = 1;
    float best_cost = kInfinityF;
    for (int b = 1, n = 0; b < kBins; ++b) {
      include(sum, bounds[b - 1]);
      n += counts[b - 1];
      if (n == 0 || n == count) continue;
      const float cost = half_area(sum) * static_cast<float>(n) + right_cost[b];
      if (cost < best_cost) best_cost = cost, best = b;
    }
    return static_cast<int>(std::partition(items, items + count, [&](std::int32_t i) { return bin(i) < best; }) -
                            items);
  }

  void make(int first, int count, int parent, int depth) {
    const int me = static_cast<int>(tree.nodes.size());
    FloatBounds sum = kEmpty;
    for (int i = 0; i < count; ++i) include(sum, box(tree.items[static_cast<std::size_t>(first + i)]));
    tree.nodes.push_back({{sum.low[0], sum.low[1], sum.low[2]}, first, {sum.high[0], sum.high[1], sum.high[2]}, count});
    tree.parent.push_back(parent);
    if (count <= leaf_size) {
      for (int i = 0; i < count; ++i) {
        tree.leaf[static_cast<std::size_t>(tree.items[static_cast<std::size_t>(first + i)])] = me;
      }
      return;
    }
    const int left = split(tree.items.data() + first, count, depth);
    make(first, left, me, depth + 1);
    tree.nodes[static_cast<std::size_t>(me)].next = static_cast<std::int32_t>(tree.nodes.size());
    tree.nodes[static_cast<std::size_t>(me)].count = 0;
    make(first + left, count - left, me, depth + 1);
  }
};

}  // namespace

FloatBounds rounded_out(const Bounds& b) {
  return {{down(b.low.x), down(b.low.y), down(b.low.z)}, {up(b.high.x), up(b.high.y), up(b.high.z)}};
}

void build(BoxTree& tree, std::span<const Bounds> boxes, int leaf_size) {
  const std::size_t n = boxes.size();
  tree.nodes.clear();
  tree.parent.clear();
  tree.nodes.reserve(2 * n);
  tree.parent.reserve(2 * n);
  tree.items.resize(n);
  tree.leaf.resize(n);
  tree.middle.resize(n);
  std::iota(tree.items.begin(), tree.items.end(), 0);
  for (std::size_t i = 0; i < n; ++i) {
    const Vec3d c = boxes[i].low.x <= boxes[i].high.x ? center(boxes[i]) : Vec3d{};
    tree.middle[i] = Vec3<float>(c);
  }
  if (n > 0) Builder{tree, boxes, leaf_size}.make(0, static_cast<int>(n), -1, 0);
}

void enlarge(BoxTree& tree, int item, const Bounds& box) {
  const FloatBounds b = rounded_out(box);
  for (int i = tree.leaf[static_cast<std::size_t>(item)]; i >= 0; i = tree.parent[static_cast<std::size_t>(i)]) {
    BoxTree::Node& node = tree.nodes[static_cast<std::size_t>(i)];
    for (int k = 0; k < 3; ++k) {
      node.low[k] = std::min(node.low[k], b.low[k]), node.high[k] = std::max(node.high[k], b.high[k]);
    }
  }
}

Ray make_ray(const Vec3d& origin, const Vec3d& direction) {
  const double s = 1 / norm(direction);
  const Vec3d d = s * direction;
  return {origin, d, {1 / d.x, 1 / d.y, 1 / d.z}};
}

}  // namespace geoul::collision
