#include "geoul/dynamics/world.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "geoul/dynamics/constraints.h"
#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

// The scene starts as the world is now, as long as this lives.
class AtThisInstant {
 public:
  explicit AtThisInstant(World& world) : scene_(world.scene), pool_(world.pool) {
    const size_t nbody = scene_.bodies.size(), njoint = scene_.joints.size();
    pool_.X_WB.resize(nbody), pool_.V_WB.resize(nbody), pool_.position.resize(njoint), pool_.velocity.resize(njoint);
    for (size_t b = 0; b < nbody; ++b) {
      pool_.X_WB[b] = std::exchange(scene_.bodies[b].X_WB, world.state.X_WB[b]);
      pool_.V_WB[b] = std::exchange(scene_.bodies[b].V_WB, world.state.V_WB[b]);
    }
    for (size_t j = 0; j < njoint; ++j) {  // positions of joints that go on, with all their turns
      pool_.position[j] = scene_.joints[j].position, pool_.velocity[j] = scene_.joints[j].velocity;
      if (j >= world.model.layout.joints.size()) continue;
      const scene::JointAddress& at = world.model.layout.joints[j];
      if (at.nv != 1) continue;
      scene_.joints[j].position = world.state.q[static_cast<size_t>(at.q)];
      scene_.joints[j].velocity = world.state.v[static_cast<size_t>(at.v)];
    }
  }
  AtThisInstant(const AtThisInstant&) = delete;
  AtThisInstant& operator=(const AtThisInstant&) = delete;
  ~AtThisInstant() {
    for (size_t b = 0; b < pool_.X_WB.size(); ++b) {
      scene_.bodies[b].X_WB = pool_.X_WB[b], scene_.bodies[b].V_WB = pool_.V_WB[b];
    }
    for (size_t j = 0; j < std::min(pool_.position.size(), scene_.joints.size()); ++j)
      scene_.joints[j].position = pool_.position[j], scene_.joints[j].velocity = pool_.velocity[j];
  }

 private:
  scene::Scene& scene_;
  WorldPool& pool_;
};

// Momentum of the island's bodies at velocities V, gathered on its links as the wrenches that give it in a second.
void gather_momentum(const scene::Scene& scene, const Model& model, const Island& island, const std::vector<Motiond>& V,
                     Data& data) {
  for (int i = island.all.begin; i < island.all.end; ++i) {  // gravity of the kernel's root taken out
    LinkData& d = data.links[static_cast<size_t>(i)];
    d.f_ext = model.links[static_cast<size_t>(i)].inertia * Motiond{{}, -transpose_times(d.X_WL.R, model.gravity)};
  }
  for (const int b : island.all.bodies) {
    const BodyAddress& body = model.bodies[static_cast<size_t>(b)];
    LinkData& d = data.links[static_cast<size_t>(body.link)];
    const scene::MassProperties& m = scene.bodies[static_cast<size_t>(b)].mass;
    const Inertiad I = to_parent(body.X_LB, Inertiad(inertia_about_origin(m.mass, m.center, m.inertia)));
    const Motiond& V_b = V[static_cast<size_t>(b)];
    const Vec3d w = transpose_times(d.X_WL.R, V_b.w);
    const Vec3d v = transpose_times(d.X_WL.R, V_b.v) - cross(w, body.X_LB.p);  // of the link's origin
    d.f_ext += I * Motiond{w, v};
  }
}

// A free body by itself: its coordinates' rates are its velocity, and are the start of the model already.
bool is_free_body(const Model& model, const Island& island) {
  return island.all.bodies.size() == 1 && island.all.v_end - island.all.v_begin == 6 && !constrained(island) &&
         !model.links[static_cast<size_t>(island.all.begin)].joint.valid();
}

// Velocities of the new model under which its generalised momentum is that of the bodies' velocities V (world frame,
// about the bodies' origins): M v = sum_b J_b^T I_b V_b. Prescribed motion keeps its own.
void take_momentum(const scene::Scene& scene, const std::vector<Motiond>& V, WorldPool& pool) {
  const Model& model = pool.model;
  Data& data = pool.data;
  scene::State& state = pool.state;
  std::vector<double>& tau = pool.tau;
  tau.assign(state.v.size(), 0.0);
  for (const Island& island : model.islands) {
    if (is_free_body(model, island)) continue;
    const Tree& all = island.all;
    place_links(model, island, state.q.data(), data.zero.data(), data);
    gather_momentum(scene, model, island, V, data);
    for (auto k = static_cast<size_t>(all.v_begin); k < static_cast<size_t>(all.v_end); ++k) {
      tau[k] = model.laws[k].armature * state.v[k];  // rotors: the joint's own rate, as far as it is known
    }
    kernels::articulated_bodies(model, all.begin, all.end, tau.data(), data.diagonal.data(), data.held.data(),
                                data.links.data(), data.balls.data(), state.v.data(), data.needed.data());
    if (constrained(island)) project(model, island, data, state.q, state.v);
  }
}

double kinetic(const Model& model, Data& data, const scene::State& state) {
  forward_kinematics(model, state.q, state.v, data);
  double sum = 0;
  for (size_t i = 0; i < model.links.size(); ++i)
    sum += 0.5 * dot(data.links[i].V, model.links[i].inertia * data.links[i].V);
  for (size_t k = 0; k < model.laws.size(); ++k) sum += 0.5 * model.laws[k].armature * state.v[k] * state.v[k];
  return sum;
}

// Efforts and targets of joints that both models have.
void carry_over(const Model& from, const Controls& old, const Model& to, Controls& controls) {
  reset_controls(to, controls);
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
}

// Compiles the scene. Where every moving joint of a loop is driven, the joint that was attached last and is fixed
// closes it by equations, as long as the loop stands.
bool compile_now(World& world, scene::JointId added, Diagnostics& diagnostics) {
  WorldPool& pool = world.pool;
  const auto compile_once = [&] {
    return compile_into(world.scene, Trust::kScene, &world.model, pool.compile, pool.model, diagnostics);
  };
  std::vector<scene::Joint>& joints = world.scene.joints;
  for (const scene::JointId joint : pool.attached) joints[joint.index()].by_equations = false;
  if (compile_once()) return true;
  const auto by_equations = [&](scene::JointId joint) {
    if (!joint.valid() || joints[joint.index()].type != scene::JointType::kFixed) return false;
    diagnostics = {};
    joints[joint.index()].by_equations = true;
    if (compile_once()) return true;
    joints[joint.index()].by_equations = false;
    return false;
  };
  if (!diagnostics.has("loop-drive")) return false;
  if (by_equations(added)) return true;
  return std::any_of(pool.attached.rbegin(), pool.attached.rend(), by_equations);
}

// Compiles the world's scene at this instant in the place of its model. Returns the loss of kinetic energy.
Result<double> restructure(World& world, scene::JointId added = {}) {
  WorldPool& pool = world.pool;
  const AtThisInstant now(world);
  Diagnostics diagnostics;
  if (!compile_now(world, added, diagnostics)) return Error{ErrorCode::kBadInput, diagnostics.text()};
  reset_data(pool.model, pool.data);
  reset_state(pool.model, pool.state);
  const double before = kinetic(world.model, world.data, world.state);
  take_momentum(world.scene, world.state.V_WB, pool);
  pool.state.time = world.state.time;
  place_bodies(pool.model, pool.data, pool.state);
  if (pool.data.contact && world.data.contact) pool.data.contact->contacts = world.data.contact->contacts;
  const double after = kinetic(pool.model, pool.data, pool.state);
  carry_over(world.model, world.controls, pool.model, pool.controls);
  std::swap(world.model, pool.model);
  std::swap(world.data, pool.data);
  std::swap(world.state, pool.state);
  std::swap(world.controls, pool.controls);
  return before - after;
}

bool finite(const Posed& X) { return std::isfinite(norm(X.p)) && std::isfinite(X.R.w + X.R.x + X.R.y + X.R.z); }

}  // namespace

World::World(scene::Scene s) : World(s, compiled(s)) {}

World::World(scene::Scene s, Model m)
    : scene(std::move(s)),
      model(std::move(m)),
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
  scene::Scene& scene = world.scene;
  if (at_current_pose) {
    const auto pose_of = [&](scene::BodyId body) {
      return body.valid() ? transform(world.state.X_WB[body.index()]) : Transformd{};
    };
    joint.X_CJ = pose(inverse(pose_of(joint.child)) * (pose_of(joint.parent) * transform(joint.X_PJ)));
    joint.position.reset();
  }
  joint.enabled = true;
  if (joint.path.empty())
    joint.path =
        "/attached" + std::to_string(world.pool.free.empty() ? scene.joints.size() : world.pool.free.back().index());
  WorldPool& pool = world.pool;
  const bool again = !pool.free.empty();
  const auto id = again ? pool.free.back() : scene::JointId::from_index(scene.joints.size());
  if (again) {
    std::swap(scene.joints[id.index()], joint);
  } else {
    scene.joints.push_back(joint);
    if (!scene.joint_sources.empty()) scene.joint_sources.resize(scene.joints.size());
  }
  Diagnostics diagnostics;
  scene::validate_joint(scene, id, diagnostics);
  Result<double> loss = Error{ErrorCode::kBadInput, diagnostics.text()};
  if (diagnostics.error_count() == 0) loss = restructure(world, id);
  if (loss) {
    if (again) pool.free.pop_back();
    pool.attached.push_back(id);
    return JointChange{id, *loss};
  }
  if (again) {
    std::swap(scene.joints[id.index()], joint);
  } else {
    scene.joints.pop_back();
    if (!scene.joint_sources.empty()) scene.joint_sources.pop_back();
  }
  return loss.error();
}

Result<JointChange> detach(World& world, scene::JointId joint) {
  if (!joint.valid() || joint.index() >= world.scene.joints.size() || !world.scene.joints[joint.index()].enabled) {
    return Error{ErrorCode::kNotFound, "detach: no such joint, or it is detached already"};
  }
  world.scene.joints[joint.index()].enabled = false;
  const Result<double> loss = restructure(world);
  if (loss) {
    std::vector<scene::JointId>& attached = world.pool.attached;
    if (const auto at = std::find(attached.begin(), attached.end(), joint); at != attached.end()) {
      attached.erase(at);
      world.pool.free.push_back(joint);
    }
    return JointChange{joint, *loss};
  }
  world.scene.joints[joint.index()].enabled = true;
  return loss.error();
}

StepReport step(World& world) {
  const StepReport report = step(world.model, world.options, world.controls, world.data, world.state);
  const bool any = std::any_of(world.scene.joints.begin(), world.scene.joints.end(), [](const scene::Joint& j) {
    return j.enabled && (std::isfinite(j.break_force) || std::isfinite(j.break_torque));
  });
  if (!any || !report.finite) return report;
  reaction_wrenches(world.model, world.controls.wrenches, world.data, world.state);
  break_overloaded(world);
  return report;
}

std::vector<scene::JointId> break_overloaded(World& world) {
  std::vector<scene::JointId> broken;
  for (size_t j = 0; j < world.scene.joints.size(); ++j) {
    const scene::Joint& joint = world.scene.joints[j];
    const Forced& F = world.state.wrenches[j].F_C_J;
    if (joint.enabled && (norm(F.f) > joint.break_force || norm(F.n) > joint.break_torque)) {
      broken.push_back(scene::JointId::from_index(j));
      world.breaks.push_back(
          {broken.back(), joint.path, norm(F.f), norm(F.n), joint.break_force, joint.break_torque, world.state.time});
    }
  }
  for (const scene::JointId joint : broken) {
    if (!detach(world, joint)) GEOUL_EXPECTS(false);  // taking a joint away leaves a scene that compiles
  }
  return broken;
}

}  // namespace geoul::dynamics
