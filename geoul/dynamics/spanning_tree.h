// Which joints make the spanning tree of the rigid groups and which close loops. A step of compile().
#pragma once

#include <vector>

#include "geoul/dynamics/rigid_groups.h"
#include "geoul/scene/scene.h"

namespace geoul::dynamics {

// Memory that span() uses again.
struct SpanningWork {
  std::vector<int> joined, tied;                // union-find
  std::vector<std::vector<std::size_t>> edges;  // (ngroup + 1)
  std::vector<bool> coupled, is_child, seen;
  std::vector<int> open;
};

struct SpanningTree {
  std::vector<bool> in_tree;  // (njoint) moving joints of the tree; the other moving ones close loops
  std::vector<int> floating;  // groups that are roots of trees without a joint to the ground or a given motion
  std::vector<int> island;    // (ngroup) by which joints and couplings tie groups together, the ground left out: the
                              // number of the first group of each island
};

// Joints with laws of their own (drive, limits, friction, spring, armature, coupling) come into the tree first, the
// rest breadth first from the roots, so that paths are short and loops local. O(joints log).
void span(const scene::Scene& scene, const RigidGroups& rigid, const std::vector<bool>& kinematic, SpanningWork& work,
          SpanningTree& tree);

}  // namespace geoul::dynamics
