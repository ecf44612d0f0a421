#include "geoul/dynamics/rigid_groups.h"

#include <algorithm>
#include <cstdio>

namespace geoul::dynamics {
namespace {

using scene::Joint;
using scene::JointType;

constexpr double kClosure = 1e-6;  // [m], [rad]

struct Gap {
  double distance = 0;
  double angle = 0;
  bool open() const { return !(distance <= kClosure && angle <= kClosure); }
};

Gap gap(const Precise& a, const Precise& b) {
  const Precise d = inverse(a) * b;
  return {static_cast<double>(norm(d.p)), static_cast<double>(norm(log_rotation(quaternion(d.R))))};
}

std::string text(const Gap& g) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.3g m and %.3g rad", g.distance, g.angle);
  return buffer;
}

bool holds(const Joint& joint) { return joint.enabled && joint.type == JointType::kFixed && !joint.by_equations; }

// Pose of the joint's other body in `body`; the world's frame counts as a body.
Precise across(const Joint& joint, bool from_parent) {
  return from_parent ? precise(joint.X_PJ) * inverse(precise(joint.X_CJ))
                     : precise(joint.X_CJ) * inverse(precise(joint.X_PJ));
}

struct Builder {
  const scene::Scene& scene;
  Diagnostics& diagnostics;
  RigidWork& work;
  RigidGroups& result;
  std::vector<std::vector<std::size_t>>& welds = work.welds;
  std::vector<bool>& used = work.used;

  void reset() {
    const std::size_t nbody = scene.bodies.size();
    if (welds.size() < nbody) welds.resize(nbody);
    for (std::vector<std::size_t>& at : welds) at.clear();
    work.anchors.clear();
    work.reached_by.assign(nbody, -1);
    used.assign(scene.joints.size(), false);
    for (Group& group : result.groups) work.spare.push_back(std::move(group));
    result.groups.clear();
    result.grounded.clear();
    result.X_WG.clear();
    result.group_of.assign(nbody, -1);
    result.node_of.assign(nbody, -1);
    result.X_GB.assign(nbody, Precise{});
  }

  void run() {
    reset();
    for (std::size_t j = 0; j < scene.joints.size(); ++j) {
      const Joint& joint = scene.joints[j];
      if (!holds(joint)) continue;
      if (joint.parent.valid() && joint.child.valid()) {
        welds[joint.parent.index()].push_back(j);
        welds[joint.child.index()].push_back(j);
      } else {
        work.anchors.push_back(j);
      }
    }
    // Groups on the ground start at their first anchored body, so that trees of welds run from the ground outwards.
    for (const std::size_t j : work.anchors) {
      const std::size_t body = anchored_body(j);
      if (result.group_of[body] < 0) grow(body, static_cast<int>(j));
    }
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      if (result.group_of[b] < 0) grow(b, -1);
    }
    for (const std::size_t j : work.anchors) close_anchor(j);
  }

  // An empty group at the end.
  void add_group() {
    if (work.spare.empty()) {
      result.groups.emplace_back();
      return;
    }
    result.groups.push_back(std::move(work.spare.back()));
    work.spare.pop_back();
    Group& group = result.groups.back();
    group.link = -1, group.length = 1;
    group.bodies.clear(), group.inertia_G.clear(), group.tree.clear();
    group.loops.clear(), group.loop_inverse.clear(), group.parent_node.clear();
  }

  std::size_t anchored_body(std::size_t j) const {
    const Joint& joint = scene.joints[j];
    return joint.parent.valid() ? joint.parent.index() : joint.child.index();
  }

  // Breadth first over the fixed joints from `root`; `anchor` holds it to the world, or is -1.
  void grow(std::size_t root, int anchor) {
    const int g = static_cast<int>(result.groups.size());
    add_group();
    result.grounded.push_back(anchor >= 0);
    Precise X_WG = precise(scene.bodies[root].X_WB);
    if (anchor >= 0)
      X_WG = across(scene.joints[static_cast<std::size_t>(anchor)],
                    !scene.joints[static_cast<std::size_t>(anchor)].parent.valid());
    result.X_WG.push_back(X_WG);
    add_node(g, root, Precise{}, -1, anchor);
    std::vector<std::size_t>& open = work.open;
    open.assign(1, root);
    for (std::size_t next = 0; next < open.size(); ++next) {
      const std::size_t b = open[next];
      for (const std::size_t j : welds[b]) {
        if (used[j]) continue;
        used[j] = true;
        const Joint& joint = scene.joints[j];
        const bool outwards = joint.parent.index() == b;
        const std::size_t other = outwards ? joint.child.index() : joint.parent.index();
        const Precise X_GO = result.X_GB[b] * across(joint, outwards);
        if (result.group_of[other] < 0) {
          add_node(g, other, X_GO, result.node_of[b], static_cast<int>(j));
          open.push_back(other);
        } else {
          close(g, j, result.node_of[b], result.node_of[other], outwards, gap(result.X_GB[other], X_GO));
        }
      }
    }
  }

  void add_node(int g, std::size_t body, const Precise& X_GB, int from, int j) {
    Group& group = result.groups[static_cast<std::size_t>(g)];
    result.group_of[body] = g;
    result.node_of[body] = static_cast<int>(group.bodies.size());
    result.X_GB[body] = X_GB;
    work.reached_by[body] = j;
    group.bodies.push_back(static_cast<int>(body));
    group.parent_node.push_back(from);
    const scene::MassProperties& m = scene.bodies[body].mass;
    const auto inertia = inertia_about_origin(m.mass, m.center, m.inertia);
    group.inertia_G.push_back(from < 0 && j < 0 ? Inertiad(inertia)
                                                : Inertiad(to_parent(X_GB, Inertia<long double>(inertia))));
    if (j >= 0) {
      const auto id = static_cast<std::size_t>(j);
      used[id] = true;
      group.tree.push_back(weld(id, from, result.node_of[body],
                                scene.joints[id].child.index() == body && scene.joints[id].child.valid(), X_GB));
    }
    if (j < 0) return;  // the root stands where it is
    const Gap apart = gap(precise(scene.bodies[body].X_WB), result.X_WG[static_cast<std::size_t>(g)] * X_GB);
    if (apart.distance > 1e-4 || apart.angle > 1e-4) {
      const Joint& joint = scene.joints[static_cast<std::size_t>(j)];
      Location where = joint_location(scene, static_cast<std::size_t>(j));
      diagnostics.warning(where, "joint-apart",
                          "the frames of this fixed joint are " + text(apart) + " apart at the start pose of " +
                              scene.bodies[body].path + ": the joint wins and the body is moved",
                          "make the body's pose agree with " + joint.path);
    }
  }

  Weld weld(std::size_t j, int from, int to, bool child_is_to, const Precise& X_G_to) const {
    const Joint& joint = scene.joints[j];
    const Precise X_GJ = X_G_to * precise(child_is_to ? joint.X_CJ : joint.X_PJ);
    return {scene::JointId::from_index(j), from, to, child_is_to ? 1.0 : -1.0, Transformd(X_GJ)};
  }

  void close(int g, std::size_t j, int from, int to, bool child_is_to, const Gap& open) {
    Group& group = result.groups[static_cast<std::size_t>(g)];
    const auto body = static_cast<std::size_t>(group.bodies[static_cast<std::size_t>(to)]);
    group.loops.push_back(weld(j, from, to, child_is_to, result.X_GB[body]));
    if (open.open()) name_open_loop(group, j, from, to, open);
  }

  // A second fixed joint between a grounded group and the world closes a loop through the world.
  void close_anchor(std::size_t j) {
    if (used[j]) return;
    used[j] = true;
    const Joint& joint = scene.joints[j];
    const std::size_t body = anchored_body(j);
    const auto g = static_cast<std::size_t>(result.group_of[body]);
    const Precise X_WB = across(joint, !joint.parent.valid());
    close(static_cast<int>(g), j, -1, result.node_of[body], !joint.parent.valid(),
          gap(result.X_WG[g] * result.X_GB[body], X_WB));
  }

  void name_open_loop(const Group& group, std::size_t j, int from, int to, const Gap& open) {
    std::vector<int> a = route(group, from), b = route(group, to);
    while (!a.empty() && !b.empty() && a.back() == b.back()) a.pop_back(), b.pop_back();
    std::string names = scene.joints[j].path;
    for (const int k : a) names += ", " + scene.joints[static_cast<std::size_t>(k)].path;
    for (const int k : b) names += ", " + scene.joints[static_cast<std::size_t>(k)].path;
    diagnostics.error(joint_location(scene, j), "open-weld-loop",
                      "this loop of fixed joints does not close: a gap of " + text(open) + " remains over " + names,
                      "correct the frames of one of them, or remove one");
  }

  // Joints from a node up to the root (and the ground).
  std::vector<int> route(const Group& group, int node) const {
    std::vector<int> joints;
    for (; node >= 0; node = group.parent_node[static_cast<std::size_t>(node)]) {
      const int j = work.reached_by[static_cast<std::size_t>(group.bodies[static_cast<std::size_t>(node)])];
      if (j >= 0) joints.push_back(j);
    }
    return joints;
  }
};

}  // namespace

Mat3<long double> z_to(const Vec3d& axis) {
  if (axis == Vec3d{0, 0, 1}) return Mat3<long double>::identity();
  if (axis == Vec3d{1, 0, 0}) return {{0, 0, 1}, {1, 0, 0}, {0, 1, 0}};
  if (axis == Vec3d{0, 1, 0}) return {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}};
  if (axis == Vec3d{0, 0, -1}) return {{1, 0, 0}, {0, -1, 0}, {0, 0, -1}};
  if (axis == Vec3d{-1, 0, 0}) return {{0, 0, -1}, {-1, 0, 0}, {0, 1, 0}};
  if (axis == Vec3d{0, -1, 0}) return {{0, 1, 0}, {0, 0, -1}, {-1, 0, 0}};
  const Vec3<long double> z = (1 / norm(Vec3<long double>(axis))) * Vec3<long double>(axis);
  const Vec3<long double> aid = std::abs(z.x) < 0.5L ? Vec3<long double>{1, 0, 0} : Vec3<long double>{0, 1, 0};
  Vec3<long double> x = cross(aid, z);
  x = (1 / norm(x)) * x;
  return transpose(Mat3<long double>{x, cross(z, x), z});
}

Precise precise(const Posed& X) {
  return {rotation_matrix(normalized(Quat<long double>(X.R))), Vec3<long double>(X.p)};
}

Posed rounded(const Precise& X) { return {Quatd(quaternion(X.R)), Vec3d(X.p)}; }

Location joint_location(const scene::Scene& scene, std::size_t j) {
  Location where = j < scene.joint_sources.size() ? scene.joint_sources[j] : Location{};
  where.path = scene.joints[j].path;
  return where;
}

void find_rigid_groups(const scene::Scene& scene, Diagnostics& diagnostics, RigidWork& work, RigidGroups& result) {
  Builder{scene, diagnostics, work, result}.run();
}

}  // namespace geoul::dynamics
