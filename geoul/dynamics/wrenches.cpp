// Body poses and reaction wrenches of a state.
#include <algorithm>

#include "geoul/core/clones.h"
#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/rigid_groups.h"
#include "geoul/dynamics/scalar_kernels.h"
#include "geoul/dynamics/weld_loops.h"

namespace geoul::dynamics {
namespace {

Motiond link_velocity(const Data& data, int link) {
  return link < 0 ? Motiond{} : data.links[static_cast<std::size_t>(link)].V;
}
// With gravity taken as -g, as newton_euler leaves it.
Motiond link_acceleration(const Model& model, const Data& data, int link) {
  return link < 0 ? Motiond{{}, -model.gravity} : data.links[static_cast<std::size_t>(link)].A;
}
Transformd link_pose(const Data& data, int link) {
  return link < 0 ? Transformd{} : data.links[static_cast<std::size_t>(link)].X_WL;
}

// Wrench that each body of the group needs from its welds, in G about its origin: what its motion asks for, less
// what gravity's exceptions, external wrenches and moving joints give.
void body_needs(const Model& model, const Group& group, const BodyWrenches& wrenches, Data& data) {
  const Motiond V = to_child(group.X_LG, link_velocity(data, group.link));
  const Motiond A = to_child(group.X_LG, link_acceleration(model, data, group.link));
  const Transformd X_WG = link_pose(data, group.link) * group.X_LG;
  for (std::size_t node = 0; node < group.bodies.size(); ++node) {
    const auto body = static_cast<std::size_t>(group.bodies[node]);
    const Inertiad& I = group.inertia_G[node];
    Forced need = I * A + cross(V, I * V) - data.group_load[body];
    if (!model.body_gravity[body]) {
      const Vec3d g = transpose_times(X_WG.R, model.gravity);
      need += Forced{cross(I.h, g), I.m * g};
    }
    if (!wrenches.empty()) {
      const Vec3d f = transpose_times(X_WG.R, wrenches[body].f), n = transpose_times(X_WG.R, wrenches[body].n);
      need -= Forced{n + cross(model.bodies[body].X_GB.p, f), f};
    }
    data.node_wrench[node] = need;
  }
}

void write_wrench(const Weld& weld, const Forced& t, bool indeterminate, scene::State& state) {
  state.wrenches[weld.joint.index()] = {weld.sign * to_child(weld.X_GJ, t), indeterminate};
}

void group_wrenches(const Model& model, const Group& group, const BodyWrenches& wrenches, Data& data,
                    scene::State& state) {
  if (group.tree.empty() && group.loops.empty()) return;
  body_needs(model, group, wrenches, data);
  const std::size_t nnode = group.bodies.size();
  for (std::size_t i = 0; i < nnode; ++i) data.edge_wrench[i] = data.node_wrench[i];
  for (std::size_t i = nnode; i-- > 0;) {  // breadth first: children stand behind their parents
    const int parent = group.parent_node[i];
    if (parent >= 0) data.edge_wrench[static_cast<std::size_t>(parent)] += data.edge_wrench[i];
  }
  if (!group.loops.empty()) share_weld_loops(group, data);
  const bool indeterminate = !group.loops.empty();
  for (const Weld& weld : group.tree)
    write_wrench(weld, data.edge_wrench[static_cast<std::size_t>(weld.to)], indeterminate, state);
  for (std::size_t k = 0; k < group.loops.size(); ++k)
    write_wrench(group.loops[k], data.edge_wrench[nnode + k], true, state);
}

// Wrench of a joint that moves: on the far body, in its link's frame, from newton_euler; noted on both bodies.
void moving_wrench(const Model& model, std::size_t j, Data& data, scene::State& state) {
  const int link = model.joint_link[j];
  const scene::Joint& joint = model.joints[j];
  const bool reversed = model.joint_reversed[j];
  const auto far = (reversed ? joint.parent : joint.child).index();
  const scene::BodyId near = reversed ? joint.child : joint.parent;
  // The first link of the joint carries what the parent feels; massless links between change nothing but the frame.
  const Forced f_L = data.links[static_cast<std::size_t>(link)].f;
  const Transformd& X_WL = data.links[static_cast<std::size_t>(link)].X_WL;
  const Group& far_group = model.groups[static_cast<std::size_t>(model.bodies[far].group)];
  data.group_load[far] += to_child(far_group.X_LG, f_L);
  if (near.valid()) {
    const Group& near_group = model.groups[static_cast<std::size_t>(model.bodies[near.index()].group)];
    const Transformd X_WG = link_pose(data, near_group.link) * near_group.X_LG;
    data.group_load[near.index()] -= to_child(inverse(X_WL) * X_WG, f_L);
  }
  // In the joint frame on the scene's child.
  const Transformd X_BJ = transform(joint.X_CJ);
  Forced F_J;
  if (!reversed) {
    F_J = to_child(model.bodies[far].X_LB * X_BJ, f_L);
  } else {
    const Transformd X_WJ =
        near.valid() ? (link_pose(data, model.bodies[near.index()].link) * model.bodies[near.index()].X_LB) * X_BJ
                     : X_BJ;
    F_J = -to_child(inverse(X_WL) * X_WJ, f_L);
  }
  state.wrenches[j] = {F_J, false};
}

// A wrench in the world about its origin, on a body that is on that link (-1: the world, or none).
void add_load(const Model& model, scene::BodyId body, int link, const Forced& on, Data& data) {
  if (link >= 0) {
    LinkData& d = data.links[static_cast<std::size_t>(link)];
    d.f_ext += to_child(d.X_WL, on);
  }
  if (!body.valid()) return;
  const BodyAddress& address = model.bodies[body.index()];
  const Group& group = model.groups[static_cast<std::size_t>(address.group)];
  data.group_load[body.index()] += to_child(link_pose(data, group.link) * group.X_LG, on);
}

// Wrench of a joint that closes a loop: acts on its two links, noted on both bodies. Needs kinematics.
void closing_wrench(const Model& model, const Constraint& c, Data& data, scene::State& state) {
  const scene::Joint& joint = model.joints[c.joint.index()];
  const Forced F = loop_wrench(model, c, data);  // in W, about the joint's origin
  const auto body_pose = [&](scene::BodyId body) {
    if (!body.valid()) return Transformd{};
    const BodyAddress& address = model.bodies[body.index()];
    return link_pose(data, address.link) * address.X_LB;
  };
  const Transformd X_WJ = body_pose(joint.child) * transform(joint.X_CJ);
  state.wrenches[c.joint.index()] = {to_child({X_WJ.R, {}}, F), true};
  const Forced F_W{F.n + cross(X_WJ.p, F.f), F.f};
  add_load(model, joint.child, c.link_b, F_W, data);
  add_load(model, joint.parent, c.link_a, -F_W, data);
}

// Of the last step, or of evaluate.
void contact_loads(const Model& model, Data& data) {
  for (const Contact& c : data.contact->contacts) {
    const Forced F{c.moment_W + cross(c.p_W, c.force_W), c.force_W};
    const auto add = [&](int collider, const Forced& on) {
      const scene::BodyId body = model.contact->geometry->colliders[static_cast<std::size_t>(collider)].body;
      if (body.valid()) add_load(model, body, model.bodies[body.index()].link, on, data);
    };
    add(c.b, F), add(c.a, -F);
  }
}

}  // namespace

void reset_state(const Model& model, scene::State& state) {
  state.time = {};
  state.q = model.q_start;
  state.v = model.v_start;
  state.a.assign(model.v_start.size(), 0.0);
  state.tau.assign(model.v_start.size(), 0.0);
  state.X_WB.resize(model.bodies.size());
  state.V_WB.resize(model.bodies.size());
  state.A_WB.resize(model.bodies.size());
  state.wrenches.assign(model.joints.size(), {});
}

scene::State make_state(const Model& model) {
  Data data = make_data(model);
  scene::State state;
  reset_state(model, state);
  place_bodies(model, data, state);
  return state;
}

GEOUL_CLONES [[gnu::flatten]] void place_bodies(const Model& model, Data& data, scene::State& state) {
  forward_kinematics(model, state.q, state.v, data);
  for (int i = 0; i < model.nlink; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    LinkData& d = data.links[static_cast<std::size_t>(i)];
    d.A = kernels::parent_acceleration(model, link, d, data.links.data()) + d.c;
    for (int k = 0; k < kernels::degrees(link.motion); ++k) {
      kernels::add_along(link.motion, k, state.a[static_cast<std::size_t>(link.v + k)], d.A);
    }
  }
  for (std::size_t b = 0; b < model.bodies.size(); ++b) {
    const BodyAddress& body = model.bodies[b];
    if (body.link < 0) {
      state.X_WB[b] = body.pose_LB;
      state.V_WB[b] = {};
      state.A_WB[b] = {};
      continue;
    }
    const LinkData& d = data.links[static_cast<std::size_t>(body.link)];
    const Vec3d r = d.X_WL.R * body.X_LB.p;
    state.X_WB[b] = {normalized(unnormalized_quaternion(d.X_WL.R) * body.pose_LB.R), d.X_WL.p + r};
    const Vec3d w = d.X_WL.R * d.V.w, v = d.X_WL.R * d.V.v + cross(w, r);
    const Vec3d dw = d.X_WL.R * d.A.w;
    // spatial to classical: the point's own acceleration, gravity's fiction taken out
    const Vec3d dv = d.X_WL.R * (d.A.v + cross(d.V.w, d.V.v)) + cross(dw, r) + cross(w, cross(w, r)) + model.gravity;
    state.V_WB[b] = {w, v};
    state.A_WB[b] = {dw, dv};
  }
}

void reaction_wrenches(const Model& model, const BodyWrenches& wrenches, Data& data, scene::State& state) {
  GEOUL_EXPECTS(wrenches.empty() || static_cast<int>(wrenches.size()) == model.nbody);
  forward_kinematics(model, state.q, state.v, data);
  for (const Island& island : model.islands) gather_external(model, island, wrenches, data);
  std::fill(data.group_load.begin(), data.group_load.end(), Forced{});
  for (const Constraint& c : model.constraints) {
    if (c.joint.valid()) closing_wrench(model, c, data, state);
  }
  if (data.contact) contact_loads(model, data);
  kernels::newton_euler(model, 0, model.nlink, state.a.data(), data.links.data(), data.tau.data());
  for (std::size_t j = 0; j < model.joints.size(); ++j) {
    if (model.joint_link[j] >= 0) moving_wrench(model, j, data, state);
  }
  for (const Group& group : model.groups) group_wrenches(model, group, wrenches, data, state);
}

Posed relative_pose(const Model& model, const scene::State& state, scene::BodyId A, scene::BodyId B) {
  GEOUL_EXPECTS(A.valid() && B.valid() && A.value < model.nbody && B.value < model.nbody);
  const BodyAddress& a = model.bodies[A.index()];
  const BodyAddress& b = model.bodies[B.index()];
  if (a.group == b.group) return rounded(inverse(Precise(a.X_GB)) * Precise(b.X_GB));
  if (a.link == b.link) return rounded(inverse(Precise(a.X_LB)) * Precise(b.X_LB));
  return rounded(inverse(precise(state.X_WB[A.index()])) * precise(state.X_WB[B.index()]));
}

}  // namespace geoul::dynamics
