// What the leaf files of a batch see of contact: plain numbers, as batch_plan.h. Made by batch_contacts.cpp.
#pragma once

#include <cstdint>

namespace geoul::dynamics {

inline constexpr int kMostDegrees = 64;   // of a world whose contacts are solved in lanes: one bit each
inline constexpr int kMostContacts = 32;  // of one world, with room ahead; a world with more steps by itself
inline constexpr int kMostRows = 6;       // of one contact: normal, two tangents, torsion, two of rolling

// A collider, as its bounds are seen: everything within `radius` of a segment, a box or a point.
struct BatchShape {
  enum Form { kBall, kBar, kBlock, kPlane };
  Form form = kBall;
  int link = -1;           // -1: stands still; R and p: in its kernel frame (batch_frames.h), or in the world
  double R[9] = {};        // by rows, on its link (in the world)
  double p[3] = {};        // [m]
  double radius = 0;       // of balls and bars [m]
  double half_height = 0;  // of bars, along z
  double half[3] = {};     // of blocks
  double bounding_radius = 0;
  double thickness = 0;  // least half width: see collision::CollisionData::fast
};

// Two colliders that may touch; the normal goes from a to b.
struct BatchPair {
  enum Way { kBallOnPlane, kBarOnPlane, kAsked };  // formulas in lanes, or the narrow phase lane by lane
  Way way = kAsked;
  int a = 0, b = 0;
  int rows = 3;  // 1: without friction; 3, 4, 6 as in contact_solver.h
  double friction = 0, torsion = 0, rolling = 0;
  double stiffness = 0, damping = 0;
};

// Pairs [begin, end) of the same two links.
struct BatchPairGroup {
  int link_a = -1, link_b = -1;
  int begin = 0, end = 0;
};

// A ball about all colliders of a link.
struct BatchReach {
  double p[3] = {};  // in the link's kernel frame [m]
  double radius = 0;
};

struct BatchTouch {
  int count = 0;
  double normal[3] = {};  // from a to b
  struct Point {
    double p[3] = {};
    double distance = 0;
    std::uint64_t id = 0;
  } points[4];
};

struct BatchContactPlan {
  const BatchShape* shapes = nullptr;
  const BatchPair* pairs = nullptr;
  const BatchPairGroup* groups = nullptr;
  const BatchReach* reach = nullptr;  // (nlink)
  const int* link_of = nullptr;       // (nv) of a degree
  const int* tree_of = nullptr;       // (nlink)
  const int* chain = nullptr;     // degrees above each degree, ascending: chain[chain_at[k]] to chain[chain_at[k+1]]
  const int* chain_at = nullptr;  // (nv + 1)
  const std::uint64_t* path = nullptr;  // (nlink) bits of the degrees that move a link
  int nshape = 0, npair = 0, ngroup = 0;
  int rows = 3;                    // most of a pair
  double margin = 0;               // [m]
  double tolerance = 0;            // [m/s]
  const void* geometry = nullptr;  // for narrow
  // Contact points of a pair; poses by rows, then position, of a's and b's frames in the world.
  void (*narrow)(const void* geometry, int a, int b, const double* X_Wa, const double* X_Wb, double margin,
                 BatchTouch* out) = nullptr;
};

// Warm starts of one world, in rows behind its other numbers.
struct WarmLayout {
  static constexpr int kCount = 0;                       // contacts of the last step; 0: nothing of the rest is read
  static constexpr int law(int k) { return 1 + 2 * k; }  // impulses of friction and of the limits of degree k
  static constexpr int slot(int nv, int rows, int i) { return 1 + 2 * nv + (1 + rows) * i; }  // key, impulses
  static constexpr int size(int nv, int rows) { return slot(nv, rows, kMostContacts); }
};
// Of a contact: its pair and the feature that touches. Exact in a double.
inline constexpr double contact_key(int pair, std::uint64_t id) {
  return static_cast<double>(pair) * 4294967296.0 + static_cast<double>(id & 0xffffffffu);
}

}  // namespace geoul::dynamics
