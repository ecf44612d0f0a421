#include "geoul/dynamics/spanning_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace geoul::dynamics {
namespace {

struct Sets {
  std::vector<int>& parent;

  Sets(std::size_t n, std::vector<int>& memory) : parent(memory) {
    parent.resize(n);
    std::iota(parent.begin(), parent.end(), 0);
  }
  int find(int i) {
    while (parent[static_cast<std::size_t>(i)] != i) {
      int& up = parent[static_cast<std::size_t>(i)];
      up = parent[static_cast<std::size_t>(up)];
      i = up;
    }
    return i;
  }
  bool unite(int a, int b) {
    a = find(a), b = find(b);
    if (a == b) return false;
    parent[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
    return true;
  }
};

bool has_law(const scene::Joint& j) {
  return j.drive.stiffness != 0 || j.drive.damping != 0 || j.friction != 0 || j.stiffness != 0 || j.armature != 0 ||
         j.damping != 0 || std::isfinite(j.lower) || std::isfinite(j.upper);
}

}  // namespace

void span(const scene::Scene& scene, const RigidGroups& rigid, const std::vector<bool>& kinematic, SpanningWork& work,
          SpanningTree& tree) {
  const auto ngroup = rigid.groups.size();
  const auto njoint = scene.joints.size();
  const int ground = static_cast<int>(ngroup);
  tree.in_tree.assign(njoint, false);
  tree.floating.clear();
  const auto node = [&](scene::BodyId body) {
    if (!body.valid()) return ground;
    const int g = rigid.group_of[body.index()];
    return rigid.grounded[static_cast<std::size_t>(g)] ? ground : g;
  };
  const auto moving = [&](std::size_t j) {
    return scene.joints[j].enabled && scene.joints[j].type != scene::JointType::kFixed;
  };
  const auto closes = [&](std::size_t j) { return scene.joints[j].enabled && scene.joints[j].by_equations; };
  std::vector<bool>& coupled = work.coupled;
  coupled.assign(njoint, false);
  for (const scene::Mimic& m : scene.mimics) coupled[m.joint.index()] = coupled[m.source.index()] = true;
  for (const scene::Coupling& c : scene.couplings) {
    for (const auto& [joint, coefficient] : c.terms) coupled[joint.index()] = true;
  }

  Sets joined(ngroup + 1, work.joined);  // what the tree holds together; roots count as the ground
  for (std::size_t g = 0; g < ngroup; ++g) {
    if (kinematic[g]) joined.unite(static_cast<int>(g), ground);
  }
  std::vector<std::vector<std::size_t>>& edges = work.edges;
  if (edges.size() < ngroup + 1) edges.resize(ngroup + 1);
  for (std::vector<std::size_t>& at : edges) at.clear();
  std::vector<bool>& is_child = work.is_child;
  is_child.assign(ngroup + 1, false);
  for (const int pass : {0, 1}) {
    for (std::size_t j = 0; j < njoint; ++j) {
      if (!moving(j)) continue;
      const int a = node(scene.joints[j].parent), b = node(scene.joints[j].child);
      if (pass == 0) {
        edges[static_cast<std::size_t>(a)].push_back(j);
        edges[static_cast<std::size_t>(b)].push_back(j);
        is_child[static_cast<std::size_t>(b)] = true;
      }
      const bool drive = scene.joints[j].drive.stiffness != 0 || scene.joints[j].drive.damping != 0 || coupled[j];
      if (pass == 0 ? drive : has_law(scene.joints[j])) tree.in_tree[j] = tree.in_tree[j] || joined.unite(a, b);
    }
  }
  std::vector<bool>& seen = work.seen;
  seen.assign(ngroup + 1, false);
  std::vector<int>& open = work.open;
  open.clear();
  std::size_t next = 0;
  const auto visit = [&](int g) {
    if (seen[static_cast<std::size_t>(g)]) return;
    seen[static_cast<std::size_t>(g)] = true;
    open.push_back(g);
  };
  const auto sweep = [&] {
    for (; next < open.size(); ++next) {
      const int group = open[next];
      for (const std::size_t j : edges[static_cast<std::size_t>(group)]) {
        const int a = node(scene.joints[j].parent), b = node(scene.joints[j].child);
        const int other = a == group ? b : a;
        if (!tree.in_tree[j]) tree.in_tree[j] = joined.unite(a, b);
        if (tree.in_tree[j]) visit(other);
      }
    }
  };
  visit(ground);
  for (std::size_t g = 0; g < ngroup; ++g) {
    if (kinematic[g]) visit(static_cast<int>(g));
  }
  sweep();
  for (const bool any : {false, true}) {
    for (std::size_t g = 0; g < ngroup; ++g) {
      if (seen[g] || rigid.grounded[g] || (!any && is_child[g])) continue;
      tree.floating.push_back(static_cast<int>(g));
      visit(static_cast<int>(g));
      sweep();
    }
  }

  Sets tied(ngroup + 1, work.tied);
  const auto tie = [&](int a, int b) {
    if (a != ground && b != ground) tied.unite(a, b);
  };
  const auto moved = [&](scene::JointId j) {  // a group that the joint moves
    const scene::Joint& joint = scene.joints[j.index()];
    const int child = node(joint.child);
    return child != ground ? child : node(joint.parent);
  };
  for (std::size_t j = 0; j < njoint; ++j) {
    if (moving(j) || closes(j)) tie(node(scene.joints[j].parent), node(scene.joints[j].child));
  }
  for (const scene::Mimic& m : scene.mimics) tie(moved(m.joint), moved(m.source));
  for (const scene::Coupling& c : scene.couplings) {
    for (const auto& [joint, coefficient] : c.terms) tie(moved(c.terms.front().first), moved(joint));
  }
  for (const scene::Spring& spring : scene.springs) tie(node(spring.a), node(spring.b));
  tree.island.resize(ngroup);
  for (std::size_t g = 0; g < ngroup; ++g) {
    tree.island[g] = tied.find(static_cast<int>(g));
  }
}

}  // namespace geoul::dynamics
