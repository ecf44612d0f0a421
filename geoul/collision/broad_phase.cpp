#include "geoul/collision/broad_phase.h"

#include <algorithm>

namespace geoul::collision {
namespace {

std::size_t index(int i) { return static_cast<std::size_t>(i); }

constexpr double kRoom = 0.08;  // of a box's largest side, on every side

Bounds roomy(const Bounds& b, const Vec3d& ahead) {
  if (!(b.low.x <= b.high.x)) return b;
  const Vec3d size = b.high - b.low;
  Bounds r = grown(b, kRoom * std::max({size.x, size.y, size.z}));
  if (!finite(ahead)) return r;
  r.low += min(ahead, Vec3d{});
  r.high += max(ahead, Vec3d{});
  return r;
}

void start(const CollisionModel& model, BroadPhase& broad) {
  const CollisionModel::Prepared& prepared = *model.prepared;
  const std::size_t n = model.colliders.size();
  broad.stamp = prepared.stamp;
  broad.room.assign(n, {});
  broad.left.assign(n, 0);
  broad.slot.assign(n, -1);
  for (std::size_t i = 0; i < prepared.moving.size(); ++i) broad.slot[index(prepared.moving[i])] = static_cast<int>(i);
  broad.tree_boxes.resize(prepared.moving.size());
  broad.leavers.reserve(prepared.moving.size());
  broad.tree = {};
  broad.pairs.clear();
}

// Pairs of collider i with all others in reach of its room; of two that both left, the lower one names the pair.
void look_round(const CollisionModel& model, int i, BroadPhase& broad) {
  const CollisionModel::Prepared& prepared = *model.prepared;
  const Bounds& room = broad.room[index(i)];
  const scene::BodyId body = model.colliders[index(i)].body;
  query(broad.tree, room, [&](std::int32_t item) {
    const int j = prepared.moving[index(item)];
    if ((broad.left[index(j)] != 0 && j <= i) || model.colliders[index(j)].body == body) return;
    if (overlap(room, broad.room[index(j)])) broad.fresh.push_back(pair_key(i, j));
  });
  query(prepared.fixed_tree, room, [&](std::int32_t item) {
    const int j = prepared.fixed[index(item)];
    if (overlap(room, prepared.fixed_bounds[index(j)])) broad.fresh.push_back(pair_key(i, j));
  });
}

}  // namespace

void update(const CollisionModel& model, std::span<const Bounds> boxes, std::span<const Vec3d> ahead,
            BroadPhase& broad) {
  const CollisionModel::Prepared& prepared = *model.prepared;
  const bool first = broad.stamp != prepared.stamp;
  if (first) start(model, broad);
  broad.leavers.clear();
  for (const int i : prepared.moving) {
    if (first || !contains(broad.room[index(i)], boxes[index(i)])) broad.leavers.push_back(i);
  }
  if (broad.leavers.empty()) return;
  const std::size_t moving = prepared.moving.size();
  const bool rebuild =
      first || 4 * broad.leavers.size() > moving || index(broad.changes) + broad.leavers.size() > 2 * moving;
  if (rebuild) {
    broad.leavers.assign(prepared.moving.begin(), prepared.moving.end());
    broad.changes = 0;
    broad.pairs.clear();
  } else {
    broad.changes += static_cast<int>(broad.leavers.size());
  }
  for (const int i : broad.leavers) {
    broad.room[index(i)] = roomy(boxes[index(i)], ahead[index(i)]);
    broad.left[index(i)] = 1;
    if (!rebuild) enlarge(broad.tree, broad.slot[index(i)], broad.room[index(i)]);
  }
  if (rebuild) {
    for (std::size_t k = 0; k < moving; ++k) broad.tree_boxes[k] = broad.room[index(prepared.moving[k])];
    build(broad.tree, broad.tree_boxes, 4);
  } else {
    std::erase_if(broad.pairs, [&](PairKey key) {
      return broad.left[index(first_of(key))] != 0 || broad.left[index(second_of(key))] != 0;
    });
  }
  broad.fresh.clear();
  for (const int i : broad.leavers) look_round(model, i, broad);
  std::sort(broad.fresh.begin(), broad.fresh.end());
  // merge from the back, in place
  std::size_t a = broad.pairs.size(), b = broad.fresh.size();
  broad.pairs.resize(a + b);
  for (std::size_t to = a + b; b > 0;) {
    const bool take_old = a > 0 && broad.pairs[a - 1] > broad.fresh[b - 1];
    broad.pairs[--to] = take_old ? broad.pairs[--a] : broad.fresh[--b];
  }
  for (const int i : broad.leavers) broad.left[index(i)] = 0;
}

}  // namespace geoul::collision
