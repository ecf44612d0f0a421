#include "geoul/runtime/drag.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/core/nearest.h"
#include "geoul/runtime/report.h"
#include "geoul/scene/scene.h"

namespace geoul::runtime {
namespace {

constexpr double kFarthest = 1e4;                        // [m]
constexpr double kRate = 2 * std::numbers::pi * 2;       // [rad/s] of a mechanism on the default spring
constexpr double kDefaultPart = 0.1, kGreatestPart = 1;  // of what a step can follow

bool near(const Vec3d& p) { return norm(p) <= kFarthest; }

// Least mass that a force at the point meets in any direction: of the link alone; what hangs on it only adds. [kg]
double apparent_mass(const dynamics::Model& model, scene::BodyId body, const Vec3d& point_B) {
  const dynamics::BodyAddress& address = model.bodies[body.index()];
  const dynamics::Link& link = model.links[static_cast<std::size_t>(address.link)];
  const double m = link.inertia.m;
  const Vec3d center = (1 / m) * link.inertia.h;
  const Vec3d r = address.X_LB.R * point_B + address.X_LB.p - center;
  const double c2 = dot(center, center);
  Sym3d I = link.inertia.I;  // about the link's origin; moved to the centre of mass
  I.xx -= m * (c2 - center.x * center.x), I.yy -= m * (c2 - center.y * center.y),
      I.zz -= m * (c2 - center.z * center.z);
  I.xy += m * center.x * center.y, I.xz += m * center.x * center.z, I.yz += m * center.y * center.z;
  const double least = std::max(scene::principal_moments(I).x, 1e-12 * m);
  return 1 / (1 / m + dot(r, r) / least);
}

double mechanism_mass(const dynamics::Model& model, int link) {
  for (const dynamics::Tree& tree : model.trees) {
    if (link < tree.begin || link >= tree.end) continue;
    double mass = 0;
    for (int l = tree.begin; l < tree.end; ++l) mass += model.links[static_cast<std::size_t>(l)].inertia.m;
    return mass;
  }
  return 0;
}

Error bad(const std::string& words) { return {ErrorCode::kBadInput, "drag: " + words}; }

}  // namespace

Result<void> Drags::set(std::uint64_t client, const Drag& drag, const dynamics::World& world) {
  const auto found = std::find(world.model.body_paths.begin(), world.model.body_paths.end(), drag.body);
  if (found == world.model.body_paths.end()) {
    return Error{ErrorCode::kNotFound,
                 "drag: there is no body '" + drag.body + "'; " +
                     did_you_mean(drag.body, world.model.body_paths, "take the path of a body of the scene")};
  }
  if (!near(drag.point_B) || !near(drag.target_W))
    return bad("the point or the target is not a number, or beyond 10 km; write finite metres");
  const auto body = scene::BodyId::from_index(static_cast<std::size_t>(found - world.model.body_paths.begin()));
  const int link = world.model.bodies[body.index()].link;
  if (link < 0) return bad("'" + drag.body + "' belongs to the ground and cannot move; take a body that moves");
  if (world.model.links[static_cast<std::size_t>(link)].prescribed)
    return bad("the motion of '" + drag.body + "' is prescribed; take a body that moves freely");
  const double dt = world.options.dt.seconds();
  const double meets = apparent_mass(world.model, body, drag.point_B);
  const double most_stiffness = meets / (dt * dt), most_damping = meets / dt;
  const double mass = mechanism_mass(world.model, link);
  Pull pull{drag, body, 0, 0, {}, {}};
  pull.stiffness = drag.stiffness.value_or(std::min(mass * kRate * kRate, kDefaultPart * most_stiffness));
  pull.damping = drag.damping.value_or(std::min(2 * mass * kRate, kDefaultPart * most_damping));
  if (!(pull.stiffness >= 0 && pull.damping >= 0)) return bad("a gain is negative or not a number; write one >= 0");
  if (pull.stiffness > kGreatestPart * most_stiffness || pull.damping > kGreatestPart * most_damping) {
    return bad("the spring is too stiff for a step of " + short_number(1e3 * dt) + " ms: take at most " +
               short_number(most_stiffness) + " N/m and " + short_number(most_damping) + " N.s/m there");
  }
  pulls_.insert_or_assign(client, std::move(pull));
  return {};
}

void Drags::release(std::uint64_t client) { pulls_.erase(client); }

void Drags::apply(dynamics::World& world) {
  if (pulls_.empty() && !applied_) return;
  applied_ = !pulls_.empty();
  world.controls.wrenches.assign(pulls_.empty() ? 0 : static_cast<std::size_t>(world.model.nbody), Forced{});
  for (auto& [client, pull] : pulls_) {
    const std::size_t b = pull.body.index();
    const Posed& X_WB = world.state.X_WB[b];
    const Vec3d r = rotation_matrix(X_WB.R) * pull.drag.point_B;
    const Vec3d velocity = world.state.V_WB[b].v + cross(world.state.V_WB[b].w, r);
    pull.point_W = X_WB.p + r;
    pull.force_W = pull.stiffness * (pull.drag.target_W - pull.point_W) - pull.damping * velocity;
    Forced& wrench = world.controls.wrenches[b];
    wrench.f += pull.force_W;
    wrench.n += cross(r, pull.force_W);
  }
}

}  // namespace geoul::runtime
