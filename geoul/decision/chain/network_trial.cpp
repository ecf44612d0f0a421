#include "geoul/decision/chain/network_trial.h"

#include <algorithm>
#include <map>
#include <memory>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"
#include "geoul/decision/chain/chain.h"
#include "geoul/decision/chain/plant_end.h"

namespace geoul::decision::chain {
namespace {

constexpr Duration kTick{100'000'000};
constexpr int kTargets = 2;

struct Held {  // of the plant's register
  std::string payload = "stop";
  RegisterMark mark;
};

struct Trial {
  NetworkOptions options;
  Random random;
  NetworkResult result;
  Time now{10'000'000'000};  // true, and the chain's
  Duration skew;             // of the plant's clock
  Policy policy;
  std::unique_ptr<Chain> chain;
  std::unique_ptr<PlantEnd> plant;
  std::string chain_log, plant_log;
  std::map<std::string, Held> held;    // by target
  std::map<std::string, int> applied;  // of each command's own message
  std::map<std::string, Time> first_applied;
  std::multimap<std::int64_t, ToPlant> down;  // on their way, by arrival
  std::multimap<std::int64_t, FromPlant> up;
  std::multimap<std::int64_t, Observed> shown;
  std::multimap<std::int64_t, Input> script;  // what people and modules do
  std::vector<Time> outages, chain_crashes, plant_crashes;
  std::map<std::string, Proposal> proposals;
  std::map<std::string, bool> disobeyed;  // commands whose payload the plant does not follow

  explicit Trial(std::uint64_t seed, const NetworkOptions& o) : options(o), random(seed, 23) {}

  Duration between(Duration low, Duration high) { return {low.ns + random.integer(high.ns - low.ns + 1)}; }
  Time plant_now() const { return now + skew; }
  bool is_out() const {
    return std::any_of(outages.begin(), outages.end(), [&](Time t) { return now >= t && now < t + options.outage; });
  }
  // Arrivals of one message: none, one or two.
  template <class T>
  void post(const T& message, std::multimap<std::int64_t, T>& to) {
    ++result.messages;
    if (is_out() || random.uniform() < options.loss) {
      ++result.lost_messages;
      return;
    }
    to.emplace((now + between(options.least_delay, options.most_delay)).ns, message);
    if (random.uniform() < options.doubled)
      to.emplace((now + between(options.least_delay, options.most_delay * 5)).ns, message);
  }

  void restart_chain() {
    ++result.crashes;
    chain = std::make_unique<Chain>(policy, 1);
    Diagnostics diagnostics;
    for (const Record& record : read_records(chain_log, "chain", diagnostics)) chain->replay(record);
    GEOUL_EXPECTS(diagnostics.ok());
  }
  void restart_plant() {
    ++result.crashes;
    if (options.plant_forgets) plant_log.clear(), held.clear();
    plant = std::make_unique<PlantEnd>(options.clock_skew);
    Diagnostics diagnostics;
    for (const Record& record : read_records(plant_log, "plant", diagnostics)) plant->replay(record);
    GEOUL_EXPECTS(diagnostics.ok());
    std::map<std::string, RegisterMark> marks;
    for (const auto& [target, h] : held) {
      if (h.mark.sequence > 0) marks[target] = h.mark;
    }
    plant->resume(marks);
  }

  // How many of the steps of some effects happen before a crash that comes in their middle; all where none comes.
  std::size_t survives(std::size_t steps, std::vector<Time>& crashes) {
    if (crashes.empty() || now < crashes.back()) return steps + 1;
    crashes.pop_back();
    return std::size_t(random.integer(std::int64_t(steps) + 1));
  }

  void tell_chain(const Input& input) {
    const Effects effects = chain->handle(input, now);
    const std::size_t steps = effects.records.size() + effects.messages.size();
    const std::size_t until = survives(steps, chain_crashes);
    std::size_t step = 0;
    for (const Record& record : effects.records) {
      if (step++ >= until) return restart_chain();
      chain_log += encode(record);
    }
    for (const ToPlant& message : effects.messages) {
      if (step++ >= until) return restart_chain();
      post(message, down);
    }
    if (until <= steps) restart_chain();
  }

  void tell_plant(const ToPlant& message) {
    const PlantEffects effects = plant->handle(message, plant_now());
    const std::size_t steps = effects.records.size() + (effects.apply ? 1 : 0) + effects.answers.size();
    const std::size_t until = survives(steps, plant_crashes);
    std::size_t step = 0;
    for (const Record& record : effects.records) {
      if (step++ >= until) return restart_plant();
      plant_log += encode(record);
    }
    if (effects.apply) {
      if (step++ >= until) return restart_plant();
      apply(*effects.apply);
    }
    for (const FromPlant& answer : effects.answers) {
      if (step++ >= until) return restart_plant();
      post(answer, up);
    }
    if (until <= steps) restart_plant();
  }

  void apply(const ToPlant& message) {
    Held& h = held[message.target];
    h.payload = message.payload, h.mark = {message.epoch, message.sequence};
    const Proposal& p = proposals.at(message.command);
    if (message.expires.ns == 0) return;  // a roll-back: may bring back the payload of another command
    ++applied[message.command];
    first_applied.emplace(message.command, now);
    result.late += now >= p.expires;
  }

  void show() {  // the plant's response, every second, over the same network
    for (int i = 0; i < kTargets; ++i) {
      const std::string target = "valve" + std::to_string(i);
      const Held& h = held[target];
      double value = h.payload == "stop" ? 0 : std::stod(h.payload);
      const auto& p = std::find_if(proposals.begin(), proposals.end(), [&](const auto& one) {
        return one.second.payload == h.payload && one.second.target == target && disobeyed[one.first];
      });
      if (p != proposals.end()) value = -1;
      post(Observed{target, value + 0.01 * random.normal(), plant_now()}, shown);
    }
  }

  void plan();
  void plan_command(int i);
  void judge();
  void run();
};

void Trial::plan_command(int i) {
  const Actor ann{"ann", true, true, true}, bob{"bob", true, true, true}, eve{"eve", false, true, true},
      robot{"agent", true, true, false};
  Proposal p;
  p.id = "c" + std::to_string(i), p.target = "valve" + std::to_string(random.integer(kTargets));
  p.kind = random.uniform() < 0.3 ? "routine" : random.uniform() < 0.3 ? "grave" : "usual";
  p.payload = std::to_string(10 + i);
  if (random.uniform() < 0.3) p.roll_back = std::to_string(100 + i);
  const Time at = now + between({0}, options.busy);
  p.data = at - between({0}, {20'000'000'000});
  p.expires = at + between({5'000'000'000}, {80'000'000'000});
  p.verify_within = between({3'000'000'000}, {20'000'000'000});
  p.expectations = {{p.target, 10 + i - 0.2, 10 + i + 0.2, random.uniform() < 0.1}};
  proposals[p.id] = p, disobeyed[p.id] = random.uniform() < 0.15;
  script.emplace(at.ns, Propose{random.uniform() < 0.5 ? ann : robot, p});
  if (random.uniform() < 0.3) script.emplace(at.ns + 1'000'000, Propose{ann, p});  // said twice
  const Time next = at + between({100'000'000}, {2'000'000'000});
  script.emplace(next.ns, Rehearsed{p.id, random.uniform() < 0.95, "the valve opens"});
  script.emplace(next.ns + 100'000'000, Checked{p.id, random.uniform() < 0.95, "within limits"});
  for (const Actor& actor : {bob, eve, ann}) {
    const double draw = random.uniform();
    const Time when = next + between({200'000'000}, {40'000'000'000});
    if (draw < 0.7) script.emplace(when.ns, Approve{actor, p.id, digest(p)});
    if (draw > 0.92) script.emplace(when.ns, Refuse{actor, p.id, "I see it otherwise"});
  }
  if (random.uniform() < 0.1) script.emplace((next + between({0}, {20'000'000'000})).ns, Withdraw{ann, p.id});
}

void Trial::plan() {
  Rule usual, routine, grave;
  routine.approvals = 0, routine.second_person = false;
  grave.approvals = 2;
  policy.otherwise = usual, policy.kinds = {{"routine", routine}, {"grave", grave}};
  policy.clock_skew = options.clock_skew;
  skew = between({-options.clock_skew.ns}, options.clock_skew);
  for (int i = 0; i < options.outages; ++i) outages.push_back(now + between({0}, options.busy));
  for (int i = 0; i < options.crashes; ++i) {
    (random.uniform() < 0.5 ? chain_crashes : plant_crashes).push_back(now + between({0}, options.busy + options.busy));
  }
  for (auto* crashes : {&chain_crashes, &plant_crashes}) std::sort(crashes->rbegin(), crashes->rend());
  for (int i = 0; i < options.commands; ++i) plan_command(i);
  if (random.uniform() < 0.2) {
    const Time at = now + between({0}, options.busy);
    script.emplace(at.ns, Trust{false, "the plant does not move as predicted"});
    script.emplace((at + between({1'000'000'000}, {20'000'000'000})).ns, Trust{true, "it does again"});
  }
  chain = std::make_unique<Chain>(policy, 1);
  plant = std::make_unique<PlantEnd>(options.clock_skew);
}

void Trial::judge() {
  Diagnostics diagnostics;
  std::map<std::string, std::map<Event, int>> events;
  for (const Record& record : read_records(chain_log, "chain", diagnostics)) ++events[record.command][record.event];
  GEOUL_EXPECTS(diagnostics.ok());
  std::map<std::string, bool> settled;
  for (const auto& [id, command] : chain->commands()) {
    ++result.commands;
    const int times = applied.count(id) ? applied.at(id) : 0;
    std::map<Event, int>& log = events[id];
    result.acknowledged += command.acknowledged;
    result.closed += command.step == Step::kClosed, result.rolled_back += command.step == Step::kRolledBack;
    result.refused += command.step == Step::kRefused, result.expired += command.step == Step::kExpired;
    result.withdrawn += command.step == Step::kWithdrawn;
    result.lost += command.acknowledged && times == 0;
    result.doubled += times > 1 || log[Event::kAcknowledged] > 1;
    const int approvals = policy.rule(command.proposal.kind).approvals;
    result.forbidden += times > 0 && (log[Event::kReleased] != 1 || log[Event::kApproved] < approvals ||
                                      log[Event::kRefused] + log[Event::kWithdrawn] + log[Event::kExpired] > 0);
    result.unfinished += !is_over(command.step);
  }
  for (const auto& [target, h] : held) result.apart += h.payload != chain->held(target);
}

void Trial::run() {
  plan();
  const Time end = now + options.busy + options.outage + options.quiet;
  bool was_out = false;
  for (int tick = 0; now < end; ++tick, now = now + kTick) {
    const auto due = [&](auto& queue, auto&& what) {
      while (!queue.empty() && queue.begin()->first <= now.ns) {
        const auto message = queue.begin()->second;
        queue.erase(queue.begin());
        what(message);
      }
    };
    due(script, [&](const Input& input) { tell_chain(input); });
    due(down, [&](const ToPlant& message) { tell_plant(message); });
    due(up, [&](const FromPlant& answer) { tell_chain(answer); });
    due(shown, [&](const Observed& observed) { tell_chain(observed); });
    if (tick % 10 == 0) show();
    const bool out = is_out();
    tell_chain(was_out && !out ? Input(Connected{}) : Input(Tick{}));
    was_out = out;
  }
  judge();
}

}  // namespace

void add(NetworkResult& sum, const NetworkResult& one) {
  sum.commands += one.commands, sum.messages += one.messages, sum.lost_messages += one.lost_messages;
  sum.crashes += one.crashes, sum.acknowledged += one.acknowledged, sum.closed += one.closed;
  sum.rolled_back += one.rolled_back, sum.refused += one.refused, sum.expired += one.expired;
  sum.withdrawn += one.withdrawn, sum.lost += one.lost, sum.doubled += one.doubled, sum.forbidden += one.forbidden;
  sum.late += one.late, sum.unfinished += one.unfinished, sum.apart += one.apart;
}

NetworkResult run_network_trial(std::uint64_t seed, const NetworkOptions& options) {
  Trial trial(seed, options);
  trial.run();
  return trial.result;
}

}  // namespace geoul::decision::chain
