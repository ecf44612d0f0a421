#include "geoul/dynamics/world.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

// The scene's start as the world is now.
scene::Scene at_this_instant(const World& world) {
  scene::Scene scene = world.scene;
  for (size_t b = 0; b < scene.bodies.size(); ++b) {
    scene.bodies[b].X_WB = world.state.X_WB[b];
    scene.bodies[b].V_WB = world.state.V_WB[b];
  }
  for (size_t j = 0; j < scene.joints.size(); ++j) {  // positions of joints that go on, with all their turns
    const scene::JointAddress& at = world.model.layout.joints[j];
    if (at.nv == 1) scene.joints[j].position = world.state.q[static_cast<size_t>(at.q)];
  }
  return scene;
}

// Velocities of the new model under which its generalised momentum is that of the bodies' velocities V (world frame,
// about the bodies' origins): M v = sum_b J_b^T I_b V_b. Prescribed motion keeps its own.
void take_momentum(const Model& model, const scene::Scene& scene, const std::vector<Motiond>& V, Data& data,
                   scene::State& state) {
  forward_kinematics(model, state.q, data.zero, data);
  for (LinkData& d : data.links) d.f_ext = {};
  for (size_t b = 0; b < model.bodies.size(); ++b) {
    const BodyAddress& body = model.bodies[b];
    if (body.link < 0) continue;
    LinkData& d = data.links[static_cast<size_t>(body.link)];
    const scene::MassProperties& m = scene.bodies[b].mass;
    const Inertiad I = to_parent(body.X_LB, Inertiad(inertia_about_origin(m.mass, m.center, m.inertia)));
    const Vec3d w = transpose_times(d.X_WL.R, V[b].w);
    const Vec3d v = transpose_times(d.X_WL.R, V[b].v) - cross(w, body.X_LB.p);  // of the link's origin
    d.f_ext += I * Motiond{w, v};
  }
  for (size_t i = 0; i < model.links.size(); ++i) {  // gravity of the kernel's root taken out
    LinkData& d = data.links[i];
    d.f_ext += model.links[i].inertia * Motiond{{}, -transpose_times(d.X_WL.R, model.gravity)};
  }
  std::vector<double> v = state.v;  // prescribed links keep theirs
  std::vector<double> tau(v.size());
  for (const Link& link : model.links) {  // rotors: armature times the joint's own rate, as far as it is known
    for (int k = link.v; k < link.v + kernels::degrees(link.motion); ++k) {
      const auto at = static_cast<size_t>(k);
      tau[at] = model.laws[at].armature * state.v[at];
    }
  }
  kernels::articulated_bodies(model, 0, model.nlink, tau.data(), data.diagonal.data(), data.held.data(),
                              data.links.data(), data.balls.data(), v.data(), data.needed.data());
  state.v = v;
  for (const Island& island : model.islands) {
    if (constrained(island)) project(model, island, data, state.q, state.v);
  }
}

double kinetic(const Model& model, Data& data, const scene::State& state) {
  forward_kinematics(model, state.q, state.v, data);
  return energy(model, data, state.q, state.v).kinetic;
}

// Efforts and targets of joints that both models have.
Controls carried_over(const Model& from, const Controls& old, const Model& to) {
  Controls controls = make_controls(to);
  for (size_t j = 0; j < std::min(from.joints.size(), to.joints.size()); ++j) {
    const scene::JointAddress &a = from.layout.joints[j], &b = to.layout.joints[j];
    for (int k = 0; k < std::min(a.nv, b.nv); ++k) {
      const auto x = static_cast<size_t>(a.v + k), y = static_cast<size_t>(b.v + k);
      controls.effort[y] = old.effort[x];
      controls.target_position[y] = old.target_position[x];
      controls.target_velocity[y] = old.target_velocity[x];
    }
  }
  controls.motion = old.motion;
  controls.wrenches = old.wrenches;
  return controls;
}

// Recompiles the world with `scene` (at this instant's poses) in the place of its own.
Result<double> restructure(World& world, const scene::Scene& scene) {
  Diagnostics diagnostics;
  std::optional<Model> model = compile(scene, diagnostics);
  if (!model) return Error{ErrorCode::kBadInput, diagnostics.text()};
  Data data = make_data(*model);
  scene::State state = make_state(*model);
  const double before = kinetic(world.model, world.data, world.state);
  take_momentum(*model, scene, world.state.V_WB, data, state);
  state.time = world.state.time;
  place_bodies(*model, data, state);
  if (data.contact && world.data.contact) data.contact->contacts = world.data.contact->contacts;
  const double after = kinetic(*model, data, state);
  world.controls = carried_over(world.model, world.controls, *model);
  for (size_t j = 0; j < scene.joints.size(); ++j) {  // the scene keeps what was written; only its joints change
    if (j >= world.scene.joints.size()) world.scene.joints.push_back(scene.joints[j]);
    world.scene.joints[j].enabled = scene.joints[j].enabled;
  }
  world.model = std::move(*model);
  world.data = std::move(data);
  world.state = std::move(state);
  return before - after;
}

bool finite(const Posed& X) { return std::isfinite(norm(X.p)) && std::isfinite(X.R.w + X.R.x + X.R.y + X.R.z); }

}  // namespace

World::World(scene::Scene s)
    : scene(std::move(s)),
      model(compiled(scene)),
      data(make_data(model)),
      state(make_state(model)),
      controls(make_controls(model)) {}

Result<JointChange> attach(World& world, scene::Joint joint, bool at_current_pose) {
  const auto exists = [&](scene::BodyId body) { return !body.valid() || body.index() < world.scene.bodies.size(); };
  if (joint.parent == joint.child) {
    return Error{ErrorCode::kBadInput, "attach " + joint.path + ": it joins " + body_name(world.scene, joint.parent) +
                                           " with itself; name two bodies"};
  }
  if (!exists(joint.parent) || !exists(joint.child)) {
    return Error{ErrorCode::kNotFound, "attach " + joint.path + ": a body does not exist; name bodies of the scene"};
  }
  if (!finite(joint.X_PJ) || (!at_current_pose && !finite(joint.X_CJ))) {
    return Error{ErrorCode::kBadInput, "attach " + joint.path + ": a frame is not finite; write finite numbers"};
  }
  scene::Scene scene = at_this_instant(world);
  if (at_current_pose) {
    const auto pose_of = [&](scene::BodyId body) {
      return body.valid() ? transform(scene.bodies[body.index()].X_WB) : Transformd{};
    };
    joint.X_CJ = pose(inverse(pose_of(joint.child)) * (pose_of(joint.parent) * transform(joint.X_PJ)));
    joint.position.reset();
  }
  joint.enabled = true;
  if (joint.path.empty()) joint.path = "/attached" + std::to_string(scene.joints.size());
  scene.joints.push_back(joint);
  if (!scene.joint_sources.empty()) scene.joint_sources.resize(scene.joints.size());
  const Result<double> loss = restructure(world, scene);
  if (!loss) return loss.error();
  return JointChange{scene::JointId::from_index(scene.joints.size() - 1), *loss};
}

Result<JointChange> detach(World& world, scene::JointId joint) {
  if (!joint.valid() || joint.index() >= world.scene.joints.size() || !world.scene.joints[joint.index()].enabled) {
    return Error{ErrorCode::kNotFound, "detach: no such joint, or it is detached already"};
  }
  scene::Scene scene = at_this_instant(world);
  scene.joints[joint.index()].enabled = false;
  const Result<double> loss = restructure(world, scene);
  if (!loss) return loss.error();
  return JointChange{joint, *loss};
}

std::vector<scene::JointId> break_overloaded(World& world) {
  std::vector<scene::JointId> broken;
  for (size_t j = 0; j < world.scene.joints.size(); ++j) {
    const scene::Joint& joint = world.scene.joints[j];
    const Forced& F = world.state.wrenches[j].F_C_J;
    if (joint.enabled && (norm(F.f) > joint.break_force || norm(F.n) > joint.break_torque)) {
      broken.push_back(scene::JointId::from_index(j));
    }
  }
  for (const scene::JointId joint : broken) {
    if (!detach(world, joint)) GEOUL_EXPECTS(false);  // taking a joint away leaves a scene that compiles
  }
  return broken;
}

}  // namespace geoul::dynamics
