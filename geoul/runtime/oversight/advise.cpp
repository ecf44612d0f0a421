#include "geoul/runtime/oversight/advise.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"

namespace geoul::runtime::oversight {
namespace {

using decision::Distribution;
using decision::Disturbance;
using decision::RankedAction;
using decision::Spread;

constexpr Duration kGhostPeriod{100'000'000}, kShortest{1'000'000'000};

// The twin as the machine's controller sees it once the payload is declared.
std::optional<Twin> with_payload(const Twin& twin, const DeclaredPayload& payload) {
  scene::Scene scene = twin.scene;
  scene::MassProperties& mass = scene.bodies[payload.body.index()].mass;
  mass = scene::combine(mass, {payload.mass, payload.point, {}});
  Diagnostics diagnostics;
  return make_twin(std::move(scene), diagnostics);
}

// What is left of an uncertain payload once its mean is declared: never less than declared, so on the heavy side.
std::vector<Disturbance> beside_declared(std::vector<Disturbance> disturbances) {
  for (Disturbance& d : disturbances) {
    if (d.parameter != decision::Parameter::kPayload) continue;
    const double half = d.value.kind == Distribution::Kind::kNormal    ? 2 * d.value.b
                        : d.value.kind == Distribution::Kind::kUniform ? (d.value.b - d.value.a) / 2
                                                                       : 0;
    d.value = Distribution::uniform(0, std::max(half, 1e-6));
  }
  return disturbances;
}

Ghost ghost_of(const Twin& twin, const scene::State& now, const decision::Action& action) {
  Ghost out;
  std::vector<std::size_t> moving;
  for (std::size_t b = 0; b < twin.scene.bodies.size(); ++b) {
    if (twin.model.bodies[b].link < 0) continue;
    moving.push_back(b);
    out.bodies.push_back(twin.scene.bodies[b].path);
  }
  dynamics::Data data = dynamics::make_data(twin.model);
  scene::State state = now;
  decision::Setpoint point;
  for (Duration t{0}; t <= action.length(); t = t + kGhostPeriod) {
    decision::sample(action, Time{0} + t, point);
    for (std::size_t k = 0; k < action.degrees.size(); ++k) {
      const auto v = static_cast<std::size_t>(action.degrees[k]);
      state.q[static_cast<std::size_t>(twin.model.laws[v].q)] = point.position[k];
    }
    dynamics::place_bodies(twin.model, data, state);
    out.times.push_back(t.seconds());
    for (const std::size_t b : moving) {
      const Posed& X = state.X_WB[b];
      for (const double x : {X.p.x, X.p.y, X.p.z, X.R.x, X.R.y, X.R.z, X.R.w})
        out.poses.push_back(static_cast<float>(x));
    }
  }
  return out;
}

Consequence line(const char* name, const char* unit, const Spread& spread, double limit, bool at_most) {
  const bool ok = std::isnan(limit) || (at_most ? spread.high <= limit : spread.low >= limit);
  return {name, unit, spread.mean, spread.low, spread.high, limit, ok};
}

std::vector<Consequence> consequences_of(const RankedAction& ranked, const AdviceOptions& options) {
  std::vector<Consequence> out;
  if (std::isfinite(ranked.clearance.mean))
    out.push_back(line("least clearance", "m", ranked.clearance, options.clearance, false));
  out.push_back(line("following error", "rad", ranked.following_error, options.following_error, true));
  if (ranked.effort_share.high > 0) out.push_back(line("effort of its limit", "1", ranked.effort_share, 1, true));
  out.push_back(line("energy", "J", ranked.energy, kUnknown, true));
  out.push_back({"risk", "1", ranked.risk, ranked.risk_low, ranked.risk_high, options.risk, !ranked.rejected});
  return out;
}

std::string reason_of(const RankedAction& ranked, int draws) {
  std::string out;
  for (const decision::Rejection& reason : ranked.reasons) {
    out += out.empty() ? "" : "; ";
    out += std::to_string(reason.count) + " of " + std::to_string(draws) + " futures: " + reason.words;
  }
  return out;
}

struct Rehearsed {
  Option option;
  double cost = 0;
};

Result<Rehearsed> rehearse(const Twin& twin, const AdviceRequest& request, const OptionToRehearse& asked,
                           const AdviceOptions& options) {
  decision::FutureOptions future;
  future.draws = options.draws;
  future.seed = options.seed;
  future.pool = options.pool;
  future.bounds = {options.clearance, options.following_error, 0.01, false, options.risk};
  // a stop is looked at for a while
  const Duration horizon{std::clamp(asked.action.length().ns, kShortest.ns, options.longest.ns)};
  const std::int64_t ticks = horizon.ns / future.control_period.ns;
  future.horizon = future.control_period * ticks;
  std::optional<Twin> declared;
  if (asked.declared) {
    declared = with_payload(twin, *asked.declared);
    if (!declared) return Error{ErrorCode::kBadInput, "advice: the scene does not compile with the declared payload"};
  }
  const std::vector<Disturbance> disturbances = declared ? beside_declared(request.disturbances) : request.disturbances;
  const Result<decision::Futures> futures =
      decision::foresee(declared ? declared->model : twin.model, request.now, {&asked.action, 1}, disturbances, future);
  if (!futures) return futures.error();
  const RankedAction& ranked = futures->ranking.front();
  Rehearsed out;
  out.option.id = asked.id;
  out.option.text = asked.text;
  out.option.futures = static_cast<std::uint32_t>(options.draws);
  out.option.consequences = consequences_of(ranked, options);
  if (ranked.rejected) out.option.rejected = reason_of(ranked, options.draws);
  out.option.ghost = ghost_of(twin, request.now, asked.action);
  const double time = asked.action.length().seconds() + asked.lost;
  out.option.consequences.insert(out.option.consequences.begin(),
                                 {"time for the work", "s", time, time, time, kUnknown, true});
  out.cost = ranked.cost.cvar - ranked.time.cvar + time;  // the work takes as long as it is told to
  return out;
}

}  // namespace

Result<Advice> advise(const Twin& twin, const AdviceRequest& request, const AdviceOptions& options) {
  Advice out;
  out.id = request.id;
  out.alarm = request.alarm;
  out.text = request.text;
  out.made = request.made;
  out.expires = request.made + request.life;
  out.data = request.data;
  std::vector<Rehearsed> rehearsed;
  for (const OptionToRehearse& asked : request.options) {
    Result<Rehearsed> one = rehearse(twin, request, asked, options);
    if (!one) return Error{one.error().code, "option '" + asked.id + "': " + one.error().message};
    rehearsed.push_back(std::move(*one));
  }
  std::stable_sort(rehearsed.begin(), rehearsed.end(), [](const Rehearsed& a, const Rehearsed& b) {
    const bool ra = !a.option.rejected.empty(), rb = !b.option.rejected.empty();
    return ra != rb ? rb : a.cost < b.cost;
  });
  std::uint32_t rank = 0;
  for (Rehearsed& one : rehearsed) {
    one.option.rank = one.option.rejected.empty() ? ++rank : 0;
    out.options.push_back(std::move(one.option));
  }
  return out;
}

}  // namespace geoul::runtime::oversight
