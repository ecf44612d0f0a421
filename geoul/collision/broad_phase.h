// Broad phase: which pairs of boxes overlap. Colliders on the world stand in a tree made once; moving ones keep a box
// with room to move in, and a sorted list holds all pairs of those roomy boxes. A step looks again only at colliders
// that left their room (all of them where many did), so a scene at rest costs one test a pair. What is returned is
// tested against the boxes of this call: the room and all earlier calls change the cost, never the result.
// Source of the roomy boxes: Catto, Box2D v3, "Dynamic bounding volume hierarchies", GDC 2019.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "geoul/collision/box_tree.h"
#include "geoul/collision/prepared.h"

namespace geoul::collision {

// Colliders a < b as one number, in the order of manifolds.
using PairKey = std::uint64_t;
inline PairKey pair_key(int a, int b) {
  const auto low = static_cast<std::uint32_t>(a < b ? a : b), high = static_cast<std::uint32_t>(a < b ? b : a);
  return (static_cast<PairKey>(low) << 32) | high;
}
inline int first_of(PairKey key) { return static_cast<int>(key >> 32); }
inline int second_of(PairKey key) { return static_cast<int>(key & 0xffffffffu); }

struct BroadPhase {
  std::uint64_t stamp = 0;         // of the model that the rest belongs to
  std::vector<Bounds> room;        // (ncollider) of moving ones: what the tree and the pairs were made with
  std::vector<Bounds> tree_boxes;  // (nmoving) memory
  BoxTree tree;                    // over Prepared::moving
  std::vector<int> slot;           // (ncollider) index into Prepared::moving; -1
  std::vector<std::uint8_t> left;  // (ncollider) 1: left its room in this call
  std::vector<int> leavers;
  std::vector<PairKey> pairs;  // sorted: overlapping rooms, and rooms over fixed boxes; not of one body
  std::vector<PairKey> fresh;
  int changes = 0;  // leavers since the tree was built
};

// Brings `pairs` up to date: it then holds every pair of moving colliders, and of a moving and a fixed one, whose
// boxes overlap, and some more. Not in it: planes, pairs of one body.
//   boxes  (ncollider) of this call; empty ones overlap nothing
//   ahead  (ncollider) how far each is about to move in the next steps [m]: room is left on that side
void update(const CollisionModel& model, std::span<const Bounds> boxes, std::span<const Vec3d> ahead,
            BroadPhase& broad);

}  // namespace geoul::collision
