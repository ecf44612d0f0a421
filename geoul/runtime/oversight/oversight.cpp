#include "geoul/runtime/oversight/oversight.h"

#include <algorithm>
#include <cstdio>

#include "geoul/decision/futures/question.h"

namespace geoul::runtime::oversight {
namespace {

using decision::Distribution;
using decision::Parameter;

constexpr double kStopWork = 60;  // [s] until somebody has ended a hold
constexpr double kBraking = 2;    // [rad/s2, m/s2] of a hold

// Actions have their degrees in rising order.
std::vector<BoundJoint> by_degree(const Bindings& bindings) {
  std::vector<BoundJoint> out = bindings.joints;
  std::sort(out.begin(), out.end(), [](const BoundJoint& a, const BoundJoint& b) { return a.v < b.v; });
  return out;
}

std::vector<int> degrees_of(const std::vector<BoundJoint>& joints) {
  std::vector<int> out;
  for (const BoundJoint& joint : joints) out.push_back(joint.v);
  return out;
}

// The outermost body of the last link: what a payload hangs on.
scene::BodyId tool_of(const Twin& twin) {
  scene::BodyId out;
  const int last = static_cast<int>(twin.model.links.size()) - 1;
  for (std::size_t b = 0; b < twin.scene.bodies.size(); ++b) {
    if (twin.model.bodies[b].link == last) out = scene::BodyId{static_cast<std::int32_t>(b)};
  }
  return out;
}

std::string in_kg(double mass) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f kg", mass);
  return out;
}

}  // namespace

Oversight::Oversight(const Twin& twin, const Bindings& bindings, OversightOptions options)
    : twin_(twin),
      bindings_(bindings),
      options_(std::move(options)),
      watcher_(twin, bindings, options_.watcher),
      alarms_(options_.on_alarm),
      joints_(by_degree(bindings)),
      memory_(degrees_of(joints_)),
      tool_(tool_of(twin)) {
  if (watcher_.phase() == Watcher::Phase::kBlind)
    say(log::Level::kInfo, "no joint of the site has a current: nothing watches the plant (bind: joints: current)");
}

void Oversight::observe(const scene::State& state, const RowMeasures& measures) {
  std::vector<double> q, v;
  for (const BoundJoint& joint : joints_) {
    q.push_back(state.q[static_cast<std::size_t>(joint.q)]);
    v.push_back(state.v[static_cast<std::size_t>(joint.v)]);
  }
  memory_.add(state.time, q, v);
  newest_ = state;
  const Watcher::Phase before = watcher_.phase();
  const Watcher::Said said = watcher_.observe(state, measures);
  if (said.words) say(log::Level::kInfo, "watch: " + *said.words);
  if (before == Watcher::Phase::kListening && watcher_.phase() == Watcher::Phase::kWatching) {
    Diagnostics diagnostics;
    if (std::optional<Twin> learnt = make_twin(watcher_.learnt_scene(), diagnostics)) {
      adviser_.reset();
      learnt_ = std::make_unique<Twin>(std::move(*learnt));
      adviser_ = std::make_unique<Adviser>(*learnt_, options_.advice);
    }
  }
  if (said.over) alarms_.clear(*said.over, state.time);
  if (!said.alarm) return;
  const std::uint64_t id = alarms_.raise(*said.alarm);
  say(log::Level::kWarning, "alarm " + std::to_string(id) + ": " + said.alarm->text);
  if (!said.alarm->causes.empty()) advise_on(*said.alarm, id, state);
}

void Oversight::tick(Time now) {
  if (adviser_) {
    for (Adviser::Answer& answer : adviser_->take()) {
      if (!answer.advice) {
        say(log::Level::kWarning, "advice " + answer.id + ": " + answer.advice.error().message);
        continue;
      }
      const bool none = answer.advice->options.front().rank == 0;
      say(log::Level::kInfo,
          "advice " + answer.id + ": " +
              (none ? "every option was rejected" : "best is to " + answer.advice->options.front().text));
      advice_.insert(advice_.begin(), std::move(*answer.advice));
      if (advice_.size() > options_.most_advice) advice_.pop_back();
      ++advice_version_;
    }
  }
  const auto gone = [&](const Advice& advice) { return advice.expires < now && advice.command.empty(); };
  if (std::erase_if(advice_, gone) > 0) ++advice_version_;
}

Result<void> Oversight::acknowledge(const access::Identity& who, const AlarmAcknowledgement& seen) {
  return alarms_.acknowledge(seen.alarm, who.name, seen.note);
}

Result<void> Oversight::ask(const AdviceQuestion& question) {
  const auto bad = [](const std::string& why) { return Error{ErrorCode::kBadInput, "what if: " + why}; };
  if (!adviser_) return bad("the twin does not know the plant's motors yet; ask again when it watches");
  const Result<decision::Question> understood = decision::understand(question.text, learnt_->model);
  if (!understood) return understood.error();
  std::optional<AdviceRequest> asked = request(newest_);
  if (!asked) return bad("the plant has not repeated its motion yet, so that what it will do is not known");
  asked->id = "a" + std::to_string(next_advice_++);
  asked->text = "What if: " + understood->understood;
  asked->disturbances = understood->disturbances;
  return adviser_->ask(std::move(*asked));
}

// What can be done about anything: carry on, slower, or hold. None where the plant does not repeat itself yet.
std::optional<AdviceRequest> Oversight::request(const scene::State& state) const {
  std::optional<decision::Action> carry_on = memory_.expected(options_.look_ahead);
  if (!carry_on) return std::nullopt;
  AdviceRequest out;
  out.made = state.time;
  out.now = state;
  const std::size_t n = carry_on->degrees.size();
  decision::MotionLimits limits;
  for (const int degree : carry_on->degrees) {
    const double speed = twin_.model.laws[static_cast<std::size_t>(degree)].velocity_limit;
    limits.velocity.push_back(std::min(speed, 10.0));
  }
  limits.acceleration.assign(n, kBraking);
  decision::Action half = decision::slower(*carry_on, 2);
  decision::Action hold = decision::stop(twin_.model, state, carry_on->degrees, limits);
  half.name = "half speed";
  hold.name = "hold";
  out.options.push_back({"carry-on", "carry on", std::move(*carry_on), {}, 0});
  out.options.push_back({"half-speed", "carry on at half speed", std::move(half), {}, 0});
  out.options.push_back({"hold", "hold and look at it", std::move(hold), {}, kStopWork});
  for (const BoundJoint& joint : bindings_.joints) out.data.push_back({"position/" + joint.label, 0});
  return out;
}

// What may be otherwise, by the likeliest cause, and what else could be done about it.
void Oversight::blame(const Alarm& alarm, AdviceRequest& request) const {
  const Cause& cause = alarm.causes.front();
  const double deviation =
      std::isfinite(cause.size.deviation) ? cause.size.deviation : 0.2 * std::abs(cause.size.value);
  if (cause.name == "payload" && tool_.valid() && cause.size.value > 0) {
    const Vec3d point = twin_.scene.bodies[tool_.index()].mass.center;
    const double low = std::max(0.0, cause.size.value - 2 * deviation);
    request.disturbances.push_back({Parameter::kPayload,
                                    tool_.value,
                                    Distribution::uniform(low, cause.size.value + 2 * deviation),
                                    point,
                                    {},
                                    {},
                                    {}});
    OptionToRehearse declare = request.options.front();
    declare.id = "declare-payload";
    declare.text = "declare " + in_kg(cause.size.value) + " more payload and carry on";
    declare.declared = DeclaredPayload{tool_, point, cause.size.value};
    request.options.push_back(std::move(declare));
  } else if (cause.name == "friction rise") {
    for (const BoundJoint& joint : bindings_.joints) {
      if (twin_.scene.joints[joint.joint.index()].path != alarm.place) continue;
      const double usual = learnt_->model.laws[static_cast<std::size_t>(joint.v)].friction;
      const double low = std::max(0.0, usual + cause.size.value - 2 * deviation);
      request.disturbances.push_back(
          {Parameter::kFriction,
           joint.v,
           Distribution::uniform(low, std::max(low, usual + cause.size.value) + 2 * deviation),
           {},
           {},
           {},
           {}});
    }
  }
}

void Oversight::advise_on(const Alarm& alarm, std::uint64_t id, const scene::State& state) {
  const std::pair<std::uint64_t, std::string> about{id, alarm.causes.front().name};
  if (!adviser_ || advised_ == about) return;
  std::optional<AdviceRequest> asked = request(state);
  if (!asked) return;
  asked->id = "a" + std::to_string(next_advice_++);
  asked->alarm = id;
  asked->text = label_of(alarm.place) + ": " + alarm.causes.front().evidence + "; what now?";
  blame(alarm, *asked);
  if (const Result<void> taken = adviser_->ask(std::move(*asked)); !taken) {
    say(log::Level::kWarning, "advice: " + taken.error().message);
    return;
  }
  advised_ = about;
}

}  // namespace geoul::runtime::oversight
