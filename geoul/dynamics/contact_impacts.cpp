// Fast bodies: a step is divided at the first impact of a pair that could pass through each other, so that the contact
// is made from the poses at which they meet, whatever their shapes and spins, and pairs that miss stay untouched.
// Source of the time of impact: see collision/time_of_impact.cpp.
#include <algorithm>
#include <cmath>

#include "geoul/dynamics/contacts.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

constexpr double kGap = 1e-6;   // [m] at which a pair meets
constexpr double kAllowed = 8;  // an impact's part is so many times as long as the gap takes to close

// How fast the pair closes where it touches [m/s]; 0 where it has no contact.
double closing_speed(const Model& model, const ContactData& cd, const scene::State& state, std::pair<int, int> pair) {
  double most = 0;
  for (int i = 0; i < cd.solved; ++i) {
    const Contact& c = cd.contacts[static_cast<size_t>(i)];
    if (c.a != pair.first || c.b != pair.second) continue;
    const auto velocity = [&](int collider) {
      const scene::BodyId body = model.contact->geometry->colliders[static_cast<size_t>(collider)].body;
      if (!body.valid()) return Vec3d{};
      const Motiond& V = state.V_WB[body.index()];
      return V.v + cross(V.w, c.p_W - state.X_WB[body.index()].p);
    };
    most = std::max(most, dot(c.normal_W, velocity(c.a) - velocity(c.b)));
  }
  return most;
}

bool is_convex(const Model& model, int collider) {
  const collision::Collider& c = model.contact->geometry->colliders[static_cast<size_t>(collider)];
  return std::isfinite(model.contact->thickness[static_cast<size_t>(collider)]) && c.geometry >= 0;
}

}  // namespace

Duration until_impact(const Model& model, Duration step, Data& data, const scene::State& state) {
  ContactData& cd = *data.contact;
  const ContactSetup& setup = *model.contact;
  const double h = step.seconds();
  Duration first = step;
  cd.passing.clear();
  cd.falling.assign(state.V_WB.begin(), state.V_WB.end());  // mean velocities of the step, as far as gravity tells
  for (size_t b = 0; b < cd.falling.size(); ++b) {
    if (!cd.sleep.rests[b] && model.body_gravity[b]) cd.falling[b].v += 0.5 * h * model.gravity;
  }
  for (const auto& pair : cd.collision.fast) {
    if (!is_convex(model, pair.first) && !is_convex(model, pair.second)) continue;
    const std::optional<double> t =
        collision::time_of_impact(*setup.geometry, pair.first, pair.second, state.X_WB, cd.falling, h, kGap);
    if (t && *t <= 0) {
      const double speed = closing_speed(model, cd, state, pair);
      const double thin =
          std::min(setup.thickness[static_cast<size_t>(pair.first)], setup.thickness[static_cast<size_t>(pair.second)]);
      if (speed * h > 0.5 * thin) first = std::min(first, Duration{std::lround(1e9 * kAllowed * kGap / speed) + 1});
      continue;
    }
    cd.passing.push_back(pair);
    if (t) first = std::min(first, Duration{std::max(1L, static_cast<long>(1e9 * *t))});
  }
  return first;
}

void drop_passing(Data& data) {
  ContactData& cd = *data.contact;
  if (cd.passing.empty()) return;
  const auto passes = [&](const Contact& c) {
    return c.distance > 2 * kGap && std::binary_search(cd.passing.begin(), cd.passing.end(), std::pair(c.a, c.b));
  };
  const auto end = cd.contacts.begin() + cd.solved;
  const auto kept = std::remove_if(cd.contacts.begin(), end, passes);
  cd.solved -= static_cast<int>(end - kept);
  cd.contacts.erase(kept, end);
}

}  // namespace geoul::dynamics
