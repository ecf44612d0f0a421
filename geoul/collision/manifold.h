// Contact points from two features that face each other: clipped against each other across the normal, then at most
// four that span the largest area. All in A's frame until write_manifold.
#pragma once

#include <cstdint>

#include "geoul/collision/collision.h"
#include "geoul/collision/convex.h"
#include "geoul/core/math.h"

namespace geoul::collision {

// How two shapes meet, in A's frame.
struct Touch {
  Vec3d normal;         // unit, from A to B
  double distance = 0;  // along it, roundings taken off
  Vec3d a, b;           // nearest points of the cores
  double rounding_A = 0, rounding_B = 0;
  double margin = 0;
  double size = 0;  // of both: scale of the tolerances
};

constexpr double kSnap = 1e-10;                   // of the size: distances that count as equal
constexpr std::uint32_t kNearestId = 0x7fffffff;  // of the pair of nearest points, where no feature names it

struct Candidates {
  static constexpr int kMax = 2 * Feature::kMax + 16;
  int count = 0;
  Scratch<Vec3d, kMax> p;  // halfway between the surfaces
  double gap[kMax];
  std::uint32_t id[kMax];

  void add(const Vec3d& point, double distance, std::uint32_t name) {
    if (count < kMax) p[count] = point, gap[count] = distance, id[count++] = name;
  }
};

// Points of the two features that lie over each other along the normal, with gaps up to the margin. B's feature is
// given in A's frame.
void clip_features(const Touch& touch, const Feature& A, const Feature& B, Candidates& out);

// The pair of nearest points, unless a candidate is as near already.
void add_nearest(const Touch& touch, Candidates& candidates);

// At most four, the deepest (to kSnap) among them; written in the world, in the order of their ids.
int write_manifold(const Touch& touch, Candidates& candidates, const Transformd& X_WA, Manifold* out);

// A feature in another frame.
void move_feature(const Transformd& X, Feature& feature);

}  // namespace geoul::collision
