#include "geoul/dynamics/outlook.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/rigid_groups.h"

namespace geoul::dynamics {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLeastInertiaRatio = 1e-9;
constexpr double kMostMassRatio = 1e3;

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", x);
  return text;
}

std::string milliseconds(Duration dt) { return number(1e3 * dt.seconds()) + " ms"; }

bool turns(const Model& model, int v) {
  for (const Link& link : model.links) {
    if (link.v == v && link.motion != LinkMotion::kBall) return link.motion == LinkMotion::kTurn;
  }
  return true;
}

std::string per_stiffness(const Model& model, int v) { return turns(model, v) ? " N.m/rad" : " N/m"; }
std::string per_damping(const Model& model, int v) { return turns(model, v) ? " N.m.s/rad" : " N.s/m"; }
std::string effort_unit(const Model& model, int v) { return turns(model, v) ? " N.m" : " N"; }
std::string position_unit(const Model& model, int v) { return turns(model, v) ? " rad" : " m"; }

// What one unit of effort accelerates: (M^-1)_vv of some degrees, all others free.
class Response {
 public:
  Response(const Model& model, std::span<const double> q)
      : model_(model), data_(make_data(model)), q_(q.begin(), q.end()) {
    model_.gravity = {};
    const auto n = static_cast<std::size_t>(model.nv);
    v_.assign(n, 0);
    tau_.assign(n, 0);
    a_.assign(n, 0);
    forward_dynamics(model_, q_, v_, tau_, {}, data_, a_);
    rest_ = a_;
  }

  double operator()(int v) {
    const auto i = static_cast<std::size_t>(v);
    tau_[i] = 1;
    std::fill(a_.begin(), a_.end(), 0.0);
    forward_dynamics(model_, q_, v_, tau_, {}, data_, a_);
    tau_[i] = 0;
    return a_[i] - rest_[i];
  }

 private:
  Model model_;
  Data data_;
  std::vector<double> q_, v_, tau_, a_, rest_;
};

void judge_laws(const scene::Scene& scene, const Model& model, const StepOptions& options, std::span<const double> q,
                Diagnostics& diagnostics) {
  for (const LawRate& law : law_rates(model, q)) {
    if (trouble_of(law, options) == LawTrouble::kNone) continue;
    diagnostics.warning(joint_location(scene, law.joint.index()), "stiff-law", describe(model, law, options),
                        mend(model, law, options));
  }
}

// Springs between points act at the begin of the step in every integrator but the midpoint.
void judge_springs(const scene::Scene& scene, const Model& model, const StepOptions& options,
                   Diagnostics& diagnostics) {
  const double dt = options.dt.seconds(), most = options.integrator == Integrator::kRungeKutta4 ? 2.78 : 2;
  for (const scene::Spring& spring : scene.springs) {
    double inverse = 0;
    for (const scene::BodyId body : {spring.a, spring.b}) {
      if (!body.valid() || model.bodies[body.index()].link < 0) continue;
      const double mass = model.links[static_cast<std::size_t>(model.bodies[body.index()].link)].inertia.m;
      inverse += mass > 0 ? 1 / mass : 0;
    }
    const double rate = std::max(std::sqrt(spring.stiffness * inverse), spring.damping * inverse);
    if (rate * dt <= most) continue;
    diagnostics.warning({{}, 0, spring.path}, "stiff-spring",
                        "a spring of " + number(spring.stiffness) + " N/m and " + number(spring.damping) +
                            " N.s/m at dt " + milliseconds(options.dt) + " is too fast for a step: it would explode",
                        "take dt below " + number(1e3 * most / rate) + " ms, or a softer spring");
  }
}

void judge_inertias(const scene::Scene& scene, const Model& model, std::span<const double> q,
                    Diagnostics& diagnostics) {
  Response response(model, q);
  for (const Tree& tree : model.trees) {
    double most[2] = {0, 0};
    std::vector<std::pair<const Link*, double>> seen;
    for (int l = tree.begin; l < tree.end; ++l) {
      const Link& link = model.links[static_cast<std::size_t>(l)];
      if (link.motion == LinkMotion::kBall || !link.joint.valid() || link.prescribed) continue;
      const double inertia = 1 / response(link.v);
      double& largest = most[link.motion == LinkMotion::kTurn];
      largest = std::max(largest, inertia);
      seen.emplace_back(&link, inertia);
    }
    for (const auto& [link, inertia] : seen) {
      const double ratio = inertia / most[link->motion == LinkMotion::kTurn];
      if (!(ratio < kLeastInertiaRatio)) continue;
      const bool turn = link->motion == LinkMotion::kTurn;
      diagnostics.warning(joint_location(scene, link->joint.index()), "tiny-inertia",
                          "it moves only " + number(inertia) + (turn ? " kg m2" : " kg") + ", " + number(ratio) +
                              " of what another joint of its mechanism moves: its accelerations carry rounding of " +
                              number(1e-16 / ratio) + " of their size, and small efforts give huge ones",
                          "give its part a real mass, or the joint the armature of its motor");
    }
  }
}

// Trees that hang on the world by a joint, in islands without loops.
void judge_gravity(const scene::Scene& scene, const Model& model, const scene::State& start, Diagnostics& diagnostics) {
  Data data = make_data(model);
  const std::vector<double> still(static_cast<std::size_t>(model.nv), 0);
  std::vector<double> load(still);
  forward_kinematics(model, start.q, still, data);
  inverse_dynamics(model, start.q, still, still, {}, data, load);
  for (const Island& island : model.islands) {
    if (island.constraint_begin != island.constraint_end || !island.springs.empty()) continue;
    for (int t = island.tree_begin; t < island.tree_end; ++t) {
      const Tree& tree = model.trees[static_cast<std::size_t>(t)];
      const Link& root = model.links[static_cast<std::size_t>(tree.begin)];
      if (!root.joint.valid() || scene.joints[root.joint.index()].type == scene::JointType::kFree) continue;
      for (int l = tree.begin; l < tree.end; ++l) {
        const Link& link = model.links[static_cast<std::size_t>(l)];
        const auto v = static_cast<std::size_t>(link.v);
        const JointLaw& law = model.laws[v];
        if (link.motion == LinkMotion::kBall || law.q < 0 || !(law.drive_stiffness > 0) || link.prescribed) continue;
        const double need = std::abs(load[v]) - law.friction;
        const double sag = need / law.drive_stiffness;
        if (need > law.drive_limit) {
          diagnostics.warning(joint_location(scene, link.joint.index()), "weak-drive",
                              "gravity at the start needs " + number(need) + effort_unit(model, link.v) +
                                  ", its drive gives at most " + number(law.drive_limit),
                              "raise the drive's limit, or it falls");
        } else if (sag > (link.motion == LinkMotion::kTurn ? 0.01 : 1e-3)) {
          diagnostics.info(joint_location(scene, link.joint.index()), "drive-sag",
                           "gravity pulls it " + number(sag) + position_unit(model, link.v) +
                               " off its target: its drive of " + number(law.drive_stiffness) +
                               per_stiffness(model, link.v) + " has to give " + number(need) +
                               effort_unit(model, link.v),
                           "raise the gain, or command the gravity effort besides");
        }
      }
    }
  }
}

void judge_limits(const scene::Scene& scene, const Model& model, const scene::State& start, Diagnostics& diagnostics) {
  for (std::size_t j = 0; j < scene.joints.size(); ++j) {
    const scene::JointAddress address = model.layout.joints[j];
    const scene::Joint& joint = scene.joints[j];
    if (!joint.enabled || address.nv != 1) continue;
    const double q = start.q[static_cast<std::size_t>(address.q)];
    const double beyond = std::max(joint.lower - q, q - joint.upper);
    const std::string unit = position_unit(model, address.v);
    if (beyond > 1e-6) {
      diagnostics.warning(joint_location(scene, j), "beyond-limit",
                          "it starts at " + number(q) + unit + ", " + number(beyond) + " beyond its limit",
                          "start it between " + number(joint.lower) + " and " + number(joint.upper));
    }
    const double target = joint.drive.target_position;
    if (joint.drive.stiffness > 0 && (target < joint.lower - 1e-9 || target > joint.upper + 1e-9)) {
      diagnostics.warning(joint_location(scene, j), "target-beyond-limit",
                          "its drive's target " + number(target) + unit + " lies beyond its limits",
                          "take a target between " + number(joint.lower) + " and " + number(joint.upper));
    }
  }
}

std::string collider_name(const scene::Scene& scene, const Model& model, int collider) {
  return "'" + scene.shapes[model.contact->geometry->colliders[static_cast<std::size_t>(collider)].shape.index()].path +
         "'";
}

double mass_of(const scene::Scene& scene, const Model& model, int collider) {
  const scene::BodyId body = model.contact->geometry->colliders[static_cast<std::size_t>(collider)].body;
  if (!body.valid() || model.bodies[body.index()].link < 0) return 0;
  double mass = 0;  // of all that stands on the same tree
  const int link = model.bodies[body.index()].link;
  for (const Tree& tree : model.trees) {
    if (link < tree.begin || link >= tree.end) continue;
    for (const int b : tree.bodies) mass += scene.bodies[static_cast<std::size_t>(b)].mass.mass;
  }
  return mass;
}

struct Deepest {
  double depth = 0;
  Vec3d normal_W;
};
using Pairs = std::map<std::pair<int, int>, Deepest>;  // of colliders

Pairs touching(const Model& model, const StepOptions& options, const scene::State& start) {
  Pairs pairs;
  if (!model.contact || !options.contact) return pairs;
  collision::CollisionData data;
  collision::detect(*model.contact->geometry, model.contact->filter, start.X_WB, start.V_WB, {options.contact_margin},
                    data);
  for (const collision::Manifold& m : data.manifolds) {
    Deepest& pair = pairs[{m.a, m.b}];
    for (int k = 0; k < m.count; ++k) {
      if (-m.points[k].distance > pair.depth) pair = {-m.points[k].distance, m.normal_W};
    }
  }
  return pairs;
}

bool too_deep(const Model& model, int a, int b, double depth) {
  const double thinner = std::min(model.contact->thickness[static_cast<std::size_t>(a)],
                                  model.contact->thickness[static_cast<std::size_t>(b)]);
  return depth > 1e-4 && !(depth <= 0.02 * thinner && std::isfinite(thinner));
}

Location collider_location(const scene::Scene& scene, const Model& model, int collider) {
  const scene::BodyId body = model.contact->geometry->colliders[static_cast<std::size_t>(collider)].body;
  if (!body.valid()) return {};
  return {scene.bodies[body.index()].source.file, scene.bodies[body.index()].source.line, {}};
}

void judge_contacts(const scene::Scene& scene, const Model& model, const StepOptions& options,
                    const scene::State& start, Diagnostics& diagnostics) {
  for (const auto& [colliders, deepest] : touching(model, options, start)) {
    const auto [a, b] = colliders;
    const std::string names = collider_name(scene, model, a) + " and " + collider_name(scene, model, b);
    Location where = collider_location(scene, model, a);
    if (where.file.empty()) where = collider_location(scene, model, b);
    if (too_deep(model, a, b, deepest.depth)) {
      const Vec3d n = deepest.normal_W;
      diagnostics.warning(
          where, "deep-overlap",
          names + " start " + number(1e3 * deepest.depth) + " mm inside each other: they will be pushed apart",
          "move the second by " + number(1e3 * deepest.depth) + " mm along (" + number(n.x) + " " + number(n.y) + " " +
              number(n.z) + "), or exclude the pair from collision");
    }
    const double ma = mass_of(scene, model, a), mb = mass_of(scene, model, b);
    if (ma > 0 && mb > 0 && std::max(ma, mb) > kMostMassRatio * (1 + 1e-9) * std::min(ma, mb)) {
      diagnostics.warning(where, "mass-ratio",
                          names + " touch, of mechanisms of " + number(ma) + " kg and " + number(mb) +
                              " kg: beyond 1000 : 1 a contact solve may stop before its tolerance",
                          "check the masses, weld what does not move, or allow more contact iterations");
    }
  }
}

// The tree a collider moves with; -1: the world.
int tree_of(const Model& model, int collider) {
  const scene::BodyId body = model.contact->geometry->colliders[static_cast<std::size_t>(collider)].body;
  const int link = body.valid() ? model.bodies[body.index()].link : -1;
  for (std::size_t t = 0; link >= 0 && t < model.trees.size(); ++t) {
    if (link >= model.trees[t].begin && link < model.trees[t].end) return static_cast<int>(t);
  }
  return -1;
}

// Whether a body that moves with the world carries the tree: its base.
bool carries(const Model& model, int collider, int tree) {
  const scene::BodyId body = model.contact->geometry->colliders[static_cast<std::size_t>(collider)].body;
  if (!body.valid() || tree < 0) return false;
  const Link& root = model.links[static_cast<std::size_t>(model.trees[static_cast<std::size_t>(tree)].begin)];
  if (!root.joint.valid()) return false;
  const scene::Joint& joint = model.joints[root.joint.index()];
  const int group = model.bodies[body.index()].group;
  const auto holds = [&](scene::BodyId end) { return end.valid() && model.bodies[end.index()].group == group; };
  return holds(joint.parent) || holds(joint.child);
}

}  // namespace

double LawRate::rate() const { return std::max(std::sqrt(stiffness / inertia), damping / inertia); }
bool LawRate::by_damping() const { return damping / inertia > std::sqrt(stiffness / inertia); }

std::vector<LawRate> law_rates(const Model& model, std::span<const double> q) {
  std::vector<LawRate> out;
  std::optional<Response> response;
  for (const Link& link : model.links) {
    if (link.motion == LinkMotion::kBall || !link.joint.valid() || link.prescribed) continue;
    const JointLaw& law = model.laws[static_cast<std::size_t>(link.v)];
    const double stiffness = law.stiffness + law.drive_stiffness, damping = law.damping + law.drive_damping;
    if (!(stiffness > 0 || damping > 0)) continue;
    if (!response) response.emplace(model, q);
    out.push_back({link.joint, link.v, 1 / (*response)(link.v), stiffness, damping});
  }
  return out;
}

double stable_rate(Integrator integrator) {
  switch (integrator) {
    case Integrator::kSemiImplicitEuler: return 2;
    case Integrator::kRungeKutta4: return 2.78;  // on the real axis; sqrt(8) on the imaginary one
    default: return std::numeric_limits<double>::infinity();
  }
}

LawTrouble trouble_of(const LawRate& law, const StepOptions& options) {
  const double x = law.rate() * options.dt.seconds();
  if (!(x <= stable_rate(options.integrator))) return LawTrouble::kUnstable;
  // Damping that stops a motion within a step is what damping is for.
  return std::sqrt(law.stiffness / law.inertia) * options.dt.seconds() > kPi ? LawTrouble::kUnseen : LawTrouble::kNone;
}

std::string describe(const Model& model, const LawRate& law, const StepOptions& options) {
  const bool damped = law.by_damping();
  std::string out = (damped ? "damping " + number(law.damping) + per_damping(model, law.v)
                            : "drive gain " + number(law.stiffness) + per_stiffness(model, law.v)) +
                    " at dt " + milliseconds(options.dt) + ", on an inertia of " + number(law.inertia) +
                    (turns(model, law.v) ? " kg m2" : " kg") + ": ";
  if (trouble_of(law, options) == LawTrouble::kUnstable) {
    return out + "beyond what " + to_string(options.integrator) + " can step; it would explode";
  }
  const std::string own = "its own " + number(std::sqrt(law.stiffness / law.inertia) / (2 * kPi)) + " Hz ";
  return out + own +
         (options.integrator == Integrator::kImplicit ? "is damped away within a step, it acts as held at its target"
                                                      : "cannot be seen at this step, it rings at a lower frequency");
}

std::string mend(const Model& model, const LawRate& law, const StepOptions& options) {
  const double dt = options.dt.seconds();
  const bool unstable = trouble_of(law, options) == LawTrouble::kUnstable;
  const double most = unstable ? stable_rate(options.integrator) : kPi;
  const double rate = unstable ? law.rate() : std::sqrt(law.stiffness / law.inertia);
  std::string out = "take dt below " + number(1e3 * most / rate) + " ms, or ";
  if (unstable && law.by_damping()) {
    out += "a damping below " + number(law.inertia * most / dt) + per_damping(model, law.v);
  } else {
    out += "a gain below " + number(law.inertia * most * most / (dt * dt)) + per_stiffness(model, law.v);
  }
  return out + (unstable ? ", or the implicit integrator" : "; keep it where only the held pose matters");
}

std::vector<Overlap> deep_overlaps(const Model& model, const StepOptions& options) {
  std::vector<Overlap> out;
  for (const auto& [colliders, deepest] : touching(model, options, make_state(model))) {
    const auto [a, b] = colliders;
    if (!too_deep(model, a, b, deepest.depth)) continue;
    const auto shape = [&](int c) { return model.contact->geometry->colliders[static_cast<std::size_t>(c)].shape; };
    const int ta = tree_of(model, a), tb = tree_of(model, b);
    const bool one = (ta >= 0 && ta == tb) || (tb < 0 && carries(model, b, ta)) || (ta < 0 && carries(model, a, tb));
    out.push_back({shape(a), shape(b), deepest.depth, deepest.normal_W, one});
  }
  return out;
}

void outlook(const scene::Scene& scene, const Model& model, const StepOptions& options, Diagnostics& diagnostics) {
  const scene::State start = make_state(model);
  judge_laws(scene, model, options, start.q, diagnostics);
  judge_springs(scene, model, options, diagnostics);
  judge_inertias(scene, model, start.q, diagnostics);
  judge_limits(scene, model, start, diagnostics);
  judge_gravity(scene, model, start, diagnostics);
  judge_contacts(scene, model, options, start, diagnostics);
}

}  // namespace geoul::dynamics
