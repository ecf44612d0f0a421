// What compile() prepares besides the colliders: constant, shared by all worlds of a model.
#pragma once

#include <cstdint>
#include <vector>

#include "geoul/collision/box_tree.h"
#include "geoul/collision/collision.h"
#include "geoul/collision/geometry.h"

namespace geoul::collision {

struct CollisionModel::Prepared {
  std::uint64_t stamp = 0;           // no two models of a program have the same
  std::vector<int> moving;           // colliders on bodies, without planes, ascending
  std::vector<int> fixed;            // colliders on the world, without planes, ascending
  std::vector<int> planes;           // ascending
  BoxTree fixed_tree;                // over `fixed`
  std::vector<Posed> X_WC;           // (ncollider) of those on the world
  std::vector<Bounds> fixed_bounds;  // (ncollider) of those on the world
};

// Pose of a collider in the world.
inline Posed collider_pose(const Collider& collider, std::span<const Posed> X_WB) {
  if (!collider.body.valid()) return collider.X_BC;
  const Posed& X = X_WB[collider.body.index()];
  return {X.R * collider.X_BC.R, rotation_matrix(X.R) * collider.X_BC.p + X.p};
}

inline Bounds bounds_of(const Geometry& geometry, const Posed& X_WG) {
  Bounds b;
  bounds(geometry, X_WG, b.low, b.high);
  return b;
}

}  // namespace geoul::collision
