// Collision groups and filtered pairs, as pairs of bodies that never touch.
#include <algorithm>
#include <map>
#include <set>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr std::size_t kMaxPairs = 1'000'000;

using Bodies = std::set<BodyId>;

// The bodies of colliders at or below a prim; the world for static ones.
Bodies bodies_of(const View& view, const Prim& prim) {
  Bodies out;
  out.insert(view.placement(prim).body);
  if (prim.has_api("PhysicsRigidBodyAPI")) return out;  // bodies below are bodies of their own
  bool any_below = false;
  for (int i = view.stage.first_child(prim); i < prim.end; ++i) {
    const Prim& p = view.stage.prims()[static_cast<std::size_t>(i)];
    if (!p.has_api("PhysicsCollisionAPI") && !p.has_api("PhysicsRigidBodyAPI")) continue;
    out.insert(view.placement(p).body);
    any_below = true;
  }
  // A plain Xform above bodies stands for them, not for the world.
  if (any_below && !view.placement(prim).body.valid() && !prim.has_api("PhysicsCollisionAPI")) out.erase(kWorld);
  return out;
}

struct Group {
  const Prim* prim = nullptr;
  Bodies members;
};

Bodies members(const View& view, const Prim& prim) {
  Bodies out;
  for (const char* side : {"collection:colliders:includes", "collection:colliders:excludes"}) {
    for (const std::string& path : view.stage.targets(prim, side, view.diagnostics)) {
      const Prim* named = view.stage.find(path);
      if (!named) {
        view.warning(prim, side, "missing-target",
                     std::string("'") + side + "' names <" + path + ">, which does not exist", "check the path");
        continue;
      }
      for (const BodyId body : bodies_of(view, *named)) {
        if (std::string_view(side).back() == 's' && std::string_view(side).find("includes") != std::string_view::npos) {
          out.insert(body);
        } else {
          out.erase(body);
        }
      }
    }
  }
  return out;
}

struct Pairs {
  const View& view;
  std::set<std::pair<BodyId, BodyId>> pairs;
  bool full = false;

  void add(const Prim& prim, const Bodies& a, const Bodies& b) {
    for (const BodyId x : a) {
      for (const BodyId y : b) {
        if (x == y || full) continue;
        pairs.insert({std::min(x, y), std::max(x, y)});
        if (pairs.size() < kMaxPairs) continue;
        full = true;
        view.error(prim, "", "too-large", "filters name more than a million pairs of bodies", "filter fewer bodies");
      }
    }
  }
};

// Groups of one mergeGroup are one: each has the members of all.
void merge(const View& view, std::vector<Group>& groups) {
  std::map<std::string, Bodies> merged;
  const auto name = [&](const Group& group) { return view.token(*group.prim, "physics:mergeGroup").value_or(""); };
  for (const Group& group : groups) {
    if (const std::string key = name(group); !key.empty())
      merged[key].insert(group.members.begin(), group.members.end());
  }
  if (merged.empty()) return;
  for (Group& group : groups) {
    if (const std::string key = name(group); !key.empty()) group.members = merged[key];
  }
}

// The bodies that joints link with those of an articulation root, the world aside.
Bodies articulation(const View& view, const Prim& root, const std::vector<std::vector<BodyId>>& linked) {
  std::vector<BodyId> open;
  for (int i = view.index(root); i < root.end; ++i) {
    const Prim& prim = view.stage.prims()[static_cast<std::size_t>(i)];
    if (prim.has_api("PhysicsRigidBodyAPI")) open.push_back(view.placement(prim).body);
    const auto joint = view.joints.find(i);
    if (joint != view.joints.end()) open.push_back(view.scene.joints[joint->second.index()].child);
  }
  Bodies out;
  while (!open.empty()) {
    const BodyId body = open.back();
    open.pop_back();
    if (!body.valid() || !out.insert(body).second) continue;
    open.insert(open.end(), linked[body.index()].begin(), linked[body.index()].end());
  }
  return out;
}

// Articulations whose links do not touch each other.
void exclude_articulations(const View& view, Pairs& out) {
  std::vector<std::vector<BodyId>> linked(view.scene.bodies.size());
  for (const Joint& j : view.scene.joints) {
    if (!j.parent.valid() || !j.child.valid() || j.excluded_from_articulation) continue;
    linked[j.parent.index()].push_back(j.child);
    linked[j.child.index()].push_back(j.parent);
  }
  for (const Prim& prim : view.stage.prims()) {
    if (!prim.has_api("PhysicsArticulationRootAPI")) continue;
    const bool touch = view.flag(prim, "physxArticulation:enabledSelfCollisions").value_or(true) &&
                       view.flag(prim, "newton:selfCollisionEnabled").value_or(true);
    if (touch) continue;
    const Bodies links = articulation(view, prim, linked);
    out.add(prim, links, links);
  }
}

}  // namespace

void read_filters(View& view) {
  Pairs out{view, {}, false};
  std::vector<Group> groups;
  for (const Prim& prim : view.stage.prims()) {
    if (prim.type_name == "PhysicsCollisionGroup") groups.push_back({&prim, members(view, prim)});
    if (prim.has_api("PhysicsRigidBodyAPI") && view.flag(prim, "geoul:ignoresWorld").value_or(false)) {
      out.add(prim, {kWorld}, {view.placement(prim).body});
    }
    if (!prim.has_api("PhysicsFilteredPairsAPI")) continue;
    const Bodies own = bodies_of(view, prim);
    for (const std::string& path : view.stage.targets(prim, "physics:filteredPairs", view.diagnostics)) {
      if (const Prim* other = view.stage.find(path)) {
        out.add(prim, own, bodies_of(view, *other));
      } else {
        view.error(prim, "physics:filteredPairs", "missing-target",
                   "'physics:filteredPairs' names <" + path + ">, which does not exist", "check the path");
      }
    }
  }
  merge(view, groups);
  exclude_articulations(view, out);
  for (const Group& group : groups) {
    const Prim& prim = *group.prim;
    const bool inverted = view.flag(prim, "physics:invertFilteredGroups").value_or(false);
    const std::vector<std::string> filtered = view.stage.targets(prim, "physics:filteredGroups", view.diagnostics);
    for (const std::string& path : filtered) {
      const Prim* named = view.stage.find(path);
      if (!named || named->type_name != "PhysicsCollisionGroup") {
        view.warning(prim, "physics:filteredGroups", "missing-target", "<" + path + "> is no collision group",
                     "name a PhysicsCollisionGroup");
      }
    }
    for (const Group& other : groups) {
      const bool named = std::find(filtered.begin(), filtered.end(), other.prim->path) != filtered.end();
      if (named != inverted) out.add(prim, group.members, other.members);
    }
  }
  for (const auto& [a, b] : view.scene.collision_exclusions)
    out.pairs.insert({std::min(a, b), std::max(a, b)});  // joints'
  view.scene.collision_exclusions.assign(out.pairs.begin(), out.pairs.end());
}

}  // namespace geoul::scene::usd
