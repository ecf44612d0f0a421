// Which joints make the spanning tree of the rigid groups and which close loops. A step of compile().
#pragma once

#include <vector>

#include "geoul/dynamics/rigid_groups.h"
#include "geoul/scene/scene.h"

namespace geoul::dynamics {

struct SpanningTree {
  std::vector<bool> in_tree;  // (njoint) moving joints of the tree; the other moving ones close loops
  std::vector<int> floating;  // groups that are roots of trees without a joint to the ground or a given motion
  std::vector<int> island;    // (ngroup) by which joints and couplings tie groups together, the ground left out: the
                              // number of the first group of each island
};

// Joints with laws of their own (drive, limits, friction, spring, armature, coupling) come into the tree first, the
// rest breadth first from the roots, so that paths are short and loops local. O(joints log).
SpanningTree span(const scene::Scene& scene, const RigidGroups& rigid, const std::vector<bool>& kinematic);

}  // namespace geoul::dynamics
