// Contact points from two features that face each other: clipped against each other across the normal, then at most
// four that span the largest area. All in A's frame until write_manifold.
#pragma once

#include <cstdint>
#include <span>

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
constexpr double kDeeper = 1e-6;                  // of the size: what the deepest of many must win by to be kept
constexpr std::uint32_t kNearestId = 0x7fffffff;  // of the pair of nearest points, where no feature names it
constexpr std::uint32_t kCornerOfA = 0x10000000, kCornerOfB = 0x20000000, kCrossing = 0x40000000;  // bits of ids

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

// The pair of nearest points, unless a candidate is as near already. A's feature gives it a name at a corner.
void add_nearest(const Touch& touch, const Feature& A, Candidates& candidates);

// At most four that spread, the deepest (to kDeeper) among them; written in the world, in the order of their ids. Sorts
// the candidates.
int write_manifold(const Touch& touch, Candidates& candidates, const Transformd& X_WA, Manifold* out);

// Indices of at most four of the points (x, y) that span most of their area; returns how many. The choice depends on
// the points' order only where they are equally far out. One point or more.
int spread(std::span<const double> x, std::span<const double> y, int chosen[4]);

void ascend(int chosen[4], int count);  // sorts

// A feature in another frame.
void move_feature(const Transformd& X, Feature& feature);

}  // namespace geoul::collision
