#include "geoul/decision/chain/plant_end.h"

#include <array>

#include "geoul/core/contract.h"

namespace geoul::decision::chain {

std::string_view to_string(Outcome outcome) {
  constexpr std::array<std::string_view, kOutcomeCount> kNames = {"applied", "expired", "superseded", "old-epoch"};
  return kNames[static_cast<std::size_t>(outcome)];
}

PlantEnd::PlantEnd(Duration clock_skew) : skew_(clock_skew) { GEOUL_EXPECTS(clock_skew.ns >= 0); }

void PlantEnd::apply(const Record& record) {
  next_ = record.sequence + 1;
  std::int64_t number = 0, outcome = 0, when = 0;
  if (record.event == Event::kEpoch && record.fields.size() == 1 && parse_integer(record.fields[0], number)) {
    epoch_ = number, settled_ = 0;
    outcomes_.clear(), register_.clear();
  }
  if (record.event == Event::kOutcome && record.fields.size() == 4 && parse_integer(record.fields[0], number) &&
      parse_integer(record.fields[1], outcome) && parse_integer(record.fields[2], when) && outcome >= 0 &&
      outcome < kOutcomeCount) {
    outcomes_[number] = {static_cast<Outcome>(outcome), Time{when}, record.fields[3]};
  }
}

void PlantEnd::replay(const Record& record) { apply(record); }

void PlantEnd::resume(const std::map<std::string, RegisterMark>& marks) {
  register_.clear();
  for (const auto& [target, mark] : marks) {
    if (mark.epoch == epoch_) register_[target] = mark.sequence;
  }
  // A record says "applied" before the register is written: what the register does not hold was not applied.
  for (auto it = outcomes_.begin(); it != outcomes_.end();) {
    const auto held = register_.find(it->second.target);
    const bool reached = held != register_.end() && held->second >= it->first;
    it = it->second.outcome == Outcome::kApplied && !reached ? outcomes_.erase(it) : std::next(it);
  }
}

void PlantEnd::emit(Record record, PlantEffects& effects) {
  record.sequence = next_;
  apply(record);
  effects.records.push_back(std::move(record));
}

PlantEffects PlantEnd::handle(const ToPlant& message, Time now) {
  PlantEffects out;
  const auto answer = [&](Outcome outcome, Time when) {
    out.answers.push_back({message.epoch, message.sequence, message.command, outcome, when});
  };
  if (message.epoch < epoch_) return answer(Outcome::kOldEpoch, now), out;
  if (message.epoch > epoch_) {
    emit({0, now, Event::kEpoch, "", "", "a chain with a new log took over", {std::to_string(message.epoch)}}, out);
  }
  if (message.settled_below > settled_) {
    settled_ = message.settled_below;
    outcomes_.erase(outcomes_.begin(), outcomes_.lower_bound(settled_));
  }
  if (message.sequence < settled_) return out;  // an old copy of what is over
  if (const auto it = outcomes_.find(message.sequence); it != outcomes_.end()) {
    return answer(it->second.outcome, it->second.when), out;
  }
  const auto conclude = [&](Outcome outcome, const char* words) {
    emit({0,
          now,
          Event::kOutcome,
          message.command,
          "",
          words,
          {std::to_string(message.sequence), std::to_string(int(outcome)), std::to_string(now.ns), message.target}},
         out);
    answer(outcome, now);
  };
  const auto held = register_.find(message.target);
  if (held != register_.end() && held->second == message.sequence) {  // before a crash took its record
    conclude(Outcome::kApplied, "was applied before");
  } else if (held != register_.end() && held->second > message.sequence) {
    conclude(Outcome::kSuperseded, "a later one was applied before");
  } else if (message.expires.ns != 0 && now + skew_ >= message.expires) {
    conclude(Outcome::kExpired, "came when it may have expired");
  } else {
    conclude(Outcome::kApplied, "applied");
    register_[message.target] = message.sequence;
    out.apply = message;
  }
  return out;
}

}  // namespace geoul::decision::chain
