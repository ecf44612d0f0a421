#include "geoul/decision/chain/chain.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::decision::chain {
namespace {

std::string seconds(Duration d) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g s", d.seconds());
  return text;
}

}  // namespace

// One call of handle().
struct Chain::Work {
  Chain& chain;
  Time now;
  Effects out;

  void emit(Event event, const std::string& command, const std::string& actor, const std::string& words,
            std::vector<std::string> fields = {}) {
    // Words and names of others are cut, so that a record stays readable.
    out.records.push_back(
        {chain.next_record_, now, event, command, actor.substr(0, 256), words.substr(0, 4096), std::move(fields)});
    chain.apply(out.records.back());
    out.notices.push_back({command, words});
  }
  void tell(const std::string& command, const std::string& words) { out.notices.push_back({command, words}); }
  Command* find(const std::string& id) {
    const auto it = chain.commands_.find(id);
    if (it == chain.commands_.end()) return tell(id, "there is no command of this name"), nullptr;
    return &it->second;
  }
  bool expect(const Command& command, Step step, const char* what) {
    if (command.step == step) return true;
    tell(command.proposal.id,
         std::string(what) + " comes at the wrong time: the command is " + std::string(to_string(command.step)));
    return false;
  }
  bool is_stale(const Command& command) const {
    return now - command.proposal.data > chain.policy_.rule(command.proposal.kind).oldest_data ||
           command.proposal.data > now;
  }
  std::string stale_words(const Command& command) const {
    return "refused: the data that it rests on went stale, they are " + seconds(now - command.proposal.data) +
           " old and may be " + seconds(chain.policy_.rule(command.proposal.kind).oldest_data) +
           "; propose again with new data";
  }

  void operator()(const Propose& in);
  void operator()(const Rehearsed& in);
  void operator()(const Checked& in);
  void operator()(const Approve& in);
  void operator()(const Refuse& in);
  void operator()(const Withdraw& in);
  void operator()(const FromPlant& in);
  void operator()(const Observed& in);
  void operator()(const Trust& in);
  void operator()(const Connected&);
  void operator()(const Tick&) {}
  std::string fault(const Propose& in) const;
  bool conflicts(Command& command, const Actor& actor);
  void release(const std::string& id, const std::string& actor, const std::string& words);
  void roll_back(Command& command, const std::string& actor, const std::string& words);
  void drive();
  void send(Command& command);
};

// Why a proposal cannot begin; empty where it can.
std::string Chain::Work::fault(const Propose& in) const {
  const Proposal& p = in.proposal;
  const Rule& rule = chain.policy_.rule(p.kind);
  if (!in.actor.may_propose) return in.actor.name + " may not propose";
  if (p.id.empty() || p.id.size() > 256 || p.target.empty())
    return "a command needs a name of up to 256 bytes and a target";
  if (p.expectations.empty()) return "it says nothing that the plant must show: what cannot be verified is not sent";
  for (const Expectation& e : p.expectations) {
    if (!(std::isfinite(e.low) && std::isfinite(e.high) && e.low <= e.high)) return "an expectation is no band";
  }
  if (p.expires <= now) return "it has expired";
  if (p.expires - now > rule.longest_life) return "it would live longer than " + seconds(rule.longest_life);
  if (p.data > now) return "its data are of the future";
  if (!chain.trusted_) return "the twin does not trust itself: " + chain.distrust_;
  std::size_t size = 0, open = 0;
  for (const std::string& field : encode(p)) size += field.size();
  if (size > kMostRecordBytes / 4 || encode(p).size() > kMostFields) return "it is too large";
  for (const auto& [id, command] : chain.commands_) open += !is_over(command.step);
  if (open >= chain.policy_.most_open) return "too many commands wait";
  return {};
}

void Chain::Work::operator()(const Propose& in) {
  const auto it = chain.commands_.find(in.proposal.id);
  if (it != chain.commands_.end()) {  // said again after a reconnect
    const bool same = digest(it->second.proposal) == digest(in.proposal);
    return tell(in.proposal.id, same ? "known: it is " + std::string(to_string(it->second.step))
                                     : "another command has this name; nothing was changed");
  }
  if (const std::string why = fault(in); !why.empty()) return tell(in.proposal.id, "not taken: " + why);
  emit(Event::kProposed, in.proposal.id, in.actor.name, "proposed by " + in.actor.name, encode(in.proposal));
}

void Chain::Work::operator()(const Rehearsed& in) {
  Command* command = find(in.command);
  if (!command || !expect(*command, Step::kProposed, "a rehearsal")) return;
  if (in.good) return emit(Event::kRehearsed, in.command, "", in.words);
  emit(Event::kRefused, in.command, "", "refused: the rehearsal in the twin failed: " + in.words);
}

void Chain::Work::operator()(const Checked& in) {
  Command* command = find(in.command);
  if (!command || !expect(*command, Step::kRehearsed, "a check")) return;
  if (!in.good) return emit(Event::kRefused, in.command, "", "refused by the safety filter: " + in.words);
  emit(Event::kChecked, in.command, "", in.words);
  if (chain.policy_.rule(command->proposal.kind).approvals == 0) release(in.command, "policy", "released by policy");
}

// Two who approve against each other: another payload for the same target was released, or is under way.
bool Chain::Work::conflicts(Command& command, const Actor& actor) {
  for (auto& [id, other] : chain.commands_) {
    if (&other == &command || other.proposal.target != command.proposal.target || is_over(other.step)) continue;
    if (other.proposal.payload == command.proposal.payload) continue;
    const bool approved = other.step == Step::kReleased || (other.step == Step::kChecked && !other.approvers.empty());
    const bool under_way = other.step > Step::kReleased;
    if (!approved && !under_way) continue;
    const std::string who = other.approvers.empty() ? "policy" : *other.approvers.begin();
    const std::string words = "refused: " + actor.name + " approves " + command.proposal.id + ", " + who +
                              " approved " + id + ", and both move " + command.proposal.target + "; ";
    const std::string command_id = command.proposal.id, other_id = id;
    if (under_way) {
      emit(Event::kRefused, command_id, actor.name, words + other_id + " is under way");
    } else {
      emit(Event::kRefused, command_id, actor.name, words + "neither is sent until they agree");
      emit(Event::kRefused, other_id, actor.name, words + "neither is sent until they agree");
    }
    return true;
  }
  return false;
}

void Chain::Work::release(const std::string& id, const std::string& actor, const std::string& words) {
  emit(Event::kReleased, id, actor, words);
}

void Chain::Work::operator()(const Approve& in) {
  Command* command = find(in.command);
  if (!command || !expect(*command, Step::kChecked, "an approval")) return;
  const Rule& rule = chain.policy_.rule(command->proposal.kind);
  const std::string& who = in.actor.name;
  if (!in.actor.may_approve) return tell(in.command, who + " may not approve");
  if (in.digest != digest(command->proposal))
    return tell(in.command, "not approved: what " + who + " saw is not this command");
  if (rule.second_person && !in.actor.person)
    return tell(in.command, "not approved: a person must, and " + who + " is none");
  if (rule.second_person && who == command->proposer) return tell(in.command, "not approved: " + who + " proposed it");
  if (command->approvers.count(who)) return tell(in.command, who + " has approved it before; another must");
  if (now >= command->proposal.expires) return emit(Event::kExpired, in.command, who, "expired before it was approved");
  if (is_stale(*command)) return emit(Event::kRefused, in.command, who, stale_words(*command));
  if (!chain.trusted_) {
    return emit(Event::kRefused, in.command, who, "refused: the twin does not trust itself: " + chain.distrust_);
  }
  if (conflicts(*command, in.actor)) return;
  emit(Event::kApproved, in.command, who, "approved by " + who);
  if (int(command->approvers.size()) >= rule.approvals) release(in.command, who, "approved as the policy asks");
}

void Chain::Work::operator()(const Refuse& in) {
  Command* command = find(in.command);
  if (!command) return;
  if (!in.actor.may_approve) return tell(in.command, in.actor.name + " may not refuse");
  if (is_over(command->step) || command->step == Step::kRollingBack) {
    return tell(in.command, "too late: it is " + std::string(to_string(command->step)));
  }
  std::string words = "refused by " + in.actor.name + ": " + in.words;
  if (!command->approvers.empty())
    words += "; " + *command->approvers.begin() + " had approved, and a no outweighs a yes";
  if (command->step >= Step::kSent) return roll_back(*command, in.actor.name, words);
  emit(Event::kRefused, in.command, in.actor.name, words);
}

void Chain::Work::operator()(const Withdraw& in) {
  Command* command = find(in.command);
  if (!command) return;
  if (in.actor.name != command->proposer) return tell(in.command, "only " + command->proposer + " can withdraw it");
  if (command->step >= Step::kSent) return tell(in.command, "too late: it is " + std::string(to_string(command->step)));
  emit(Event::kWithdrawn, in.command, in.actor.name, "withdrawn by " + in.actor.name);
}

void Chain::Work::operator()(const FromPlant& in) {
  const auto it = chain.commands_.find(in.command);
  if (it == chain.commands_.end() || in.epoch != chain.epoch_ || it->second.sequence != in.sequence)
    return;  // an old copy
  Command& command = it->second;
  const std::string when = std::to_string(in.when.ns);
  if (command.step == Step::kSent) {
    if (in.outcome == Outcome::kApplied) {
      emit(Event::kAcknowledged, in.command, "plant", "applied by the plant", {when});
    } else if (in.outcome == Outcome::kExpired) {
      emit(Event::kExpired, in.command, "plant", "reached the plant too late and was not applied");
    } else {
      emit(Event::kRefused, in.command, "plant", "not applied by the plant: " + std::string(to_string(in.outcome)));
    }
  } else if (command.step == Step::kRollingBack) {
    if (in.outcome == Outcome::kApplied) {
      emit(Event::kRolledBack, in.command, "plant", "rolled back to " + command.payload, {when});
    } else {
      emit(Event::kRolledBack, in.command, "plant", "a later command took the place of the roll-back", {when});
    }
  }
}

void Chain::Work::operator()(const Observed& in) {
  std::vector<std::string> ids;
  for (const auto& [id, command] : chain.commands_) {
    if (command.step == Step::kAcknowledged && in.when > command.applied) ids.push_back(id);
  }
  for (const std::string& id : ids) {
    Command& command = chain.commands_.at(id);
    bool all = true;
    for (std::size_t i = 0; i < command.proposal.expectations.size(); ++i) {
      const Expectation& e = command.proposal.expectations[i];
      if (e.signal == in.signal) {
        const bool inside = in.value >= e.low && in.value <= e.high;
        if (!inside && (e.contradicts || !std::isfinite(in.value))) {
          roll_back(command, "plant",
                    "rolled back: " + e.signal + " shows " + std::to_string(in.value) + ", outside " +
                        std::to_string(e.low) + " to " + std::to_string(e.high));
          break;
        }
        command.seen[i] = inside;  // the newest value counts
      }
      all = all && command.seen[i];
    }
    if (all && command.step == Step::kAcknowledged) {
      emit(Event::kClosed, id, "plant", "verified: the plant shows what was predicted");
    }
  }
}

void Chain::Work::operator()(const Trust& in) {
  if (in.good == chain.trusted_) return;
  if (in.good) return emit(Event::kTrusted, "", "", in.words);
  emit(Event::kDistrusted, "", "", in.words);
  std::vector<std::string> waiting, sent;
  for (const auto& [id, command] : chain.commands_) {
    if (command.step < Step::kSent) waiting.push_back(id);
    if (command.step == Step::kSent) sent.push_back(id);  // not sent again: the roll-back overrules it
  }
  for (const std::string& id : sent) {
    roll_back(chain.commands_.at(id), "", "rolled back: the twin does not trust itself: " + in.words);
  }
  for (const std::string& id : waiting) {
    emit(Event::kRefused, id, "",
         "refused: the twin does not trust itself: " + in.words + "; the plant is held at " +
             chain.held(chain.commands_.at(id).proposal.target));
  }
}

void Chain::Work::operator()(const Connected&) {
  for (auto& [id, command] : chain.commands_) command.retry = now, command.wait = {};
}

void Chain::Work::roll_back(Command& command, const std::string& actor, const std::string& words) {
  const std::string& payload =
      command.proposal.roll_back.empty() ? chain.held(command.proposal.target) : command.proposal.roll_back;
  emit(Event::kRollingBack, command.proposal.id, actor, words + "; back to " + payload,
       {std::to_string(chain.next_sequence_), payload});
}

void Chain::Work::send(Command& command) {
  const bool back = command.step == Step::kRollingBack;
  out.messages.push_back({chain.epoch_, command.sequence, command.proposal.id, command.proposal.target, command.payload,
                          back ? Time{0} : command.proposal.expires, chain.settled_below()});
  const Duration doubled = command.wait * 2;
  command.wait = std::clamp(doubled, chain.policy_.first_retry, chain.policy_.longest_retry);
  command.retry = now + command.wait;
}

// What time and the state ask for: expiry, sending, sending again, deadlines.
void Chain::Work::drive() {
  std::vector<std::string> ids;
  std::set<std::string> busy;  // targets
  for (const auto& [id, command] : chain.commands_) {
    if (is_over(command.step)) continue;
    ids.push_back(id);
    if (command.step >= Step::kSent) busy.insert(command.proposal.target);
  }
  for (const std::string& id : ids) {
    Command& command = chain.commands_.at(id);
    if (command.step < Step::kSent && now >= command.proposal.expires) {
      emit(Event::kExpired, id, "", "expired before it was sent");
    } else if (command.step == Step::kReleased && is_stale(command)) {
      emit(Event::kRefused, id, "", stale_words(command));
    } else if (command.step == Step::kReleased && busy.insert(command.proposal.target).second) {
      emit(Event::kSent, id, "", "sent to the plant", {std::to_string(chain.next_sequence_)});
    } else if (command.step == Step::kAcknowledged && now >= command.verify_until) {
      roll_back(command, "", "rolled back: the plant did not show in time what was predicted");
    }
    if ((command.step == Step::kSent || command.step == Step::kRollingBack) && now >= command.retry) send(command);
  }
}

Chain::Chain(Policy policy, std::int64_t epoch) : policy_(std::move(policy)), epoch_(epoch) {
  GEOUL_EXPECTS(epoch > 0 && policy_.first_retry.ns > 0 && policy_.longest_retry >= policy_.first_retry);
}

const std::string& Chain::held(const std::string& target) const {
  const auto it = held_.find(target);
  return it == held_.end() ? policy_.safe_payload : it->second;
}

std::int64_t Chain::settled_below() const {
  std::int64_t least = next_sequence_;
  for (const auto& [id, command] : commands_) {
    if (!is_over(command.step) && command.sequence > 0) least = std::min(least, command.sequence);
  }
  return least;
}

void Chain::replay(const Record& record) { apply(record); }

// The only place where the state changes; handle() and a log that is read again both come through here.
void Chain::apply(const Record& record) {
  next_record_ = record.sequence + 1;
  if (record.event == Event::kDistrusted || record.event == Event::kTrusted) {
    trusted_ = record.event == Event::kTrusted, distrust_ = record.words;
    return;
  }
  if (record.event == Event::kProposed) {
    const auto proposal = decode(record.fields);
    GEOUL_EXPECTS(proposal.has_value());
    Command& command = commands_[record.command];
    command = {}, command.proposal = *proposal, command.proposer = record.actor;
    command.seen.assign(proposal->expectations.size(), false);
    return;
  }
  const auto it = commands_.find(record.command);
  if (it == commands_.end()) return;
  Command& command = it->second;
  command.last_words = record.words;
  std::int64_t number = 0;
  const bool has_number = !record.fields.empty() && parse_integer(record.fields[0], number);
  const auto end = [&](Step step) { command.step = step, over_.push_back(record.command); };
  switch (record.event) {
    case Event::kRehearsed: command.step = Step::kRehearsed, command.rehearsal = record.words; break;
    case Event::kChecked: command.step = Step::kChecked, command.check = record.words; break;
    case Event::kApproved: command.approvers.insert(record.actor); break;
    case Event::kReleased: command.step = Step::kReleased; break;
    case Event::kSent:
      GEOUL_EXPECTS(has_number);
      command.step = Step::kSent, command.sequence = number, command.payload = command.proposal.payload;
      next_sequence_ = number + 1;
      break;
    case Event::kAcknowledged:
      GEOUL_EXPECTS(has_number);
      command.step = Step::kAcknowledged, command.acknowledged = true, command.applied = Time{number};
      command.verify_until = record.time + command.proposal.verify_within;
      break;
    case Event::kRollingBack:
      GEOUL_EXPECTS(has_number && record.fields.size() == 2);
      command.step = Step::kRollingBack, command.sequence = number, command.payload = record.fields[1];
      command.retry = {}, command.wait = {};
      next_sequence_ = number + 1;
      break;
    case Event::kClosed: held_[command.proposal.target] = command.proposal.payload, end(Step::kClosed); break;
    case Event::kRolledBack: held_[command.proposal.target] = command.payload, end(Step::kRolledBack); break;
    case Event::kRefused: end(Step::kRefused); break;
    case Event::kExpired: end(Step::kExpired); break;
    case Event::kWithdrawn: end(Step::kWithdrawn); break;
    default: break;
  }
}

Effects Chain::handle(const Input& input, Time now) {
  Work work{*this, now, {}};
  std::visit(work, input);
  work.drive();
  return std::move(work.out);
}

void Chain::forget(std::size_t keep, Time now) {
  std::size_t gone = 0;
  while (over_.size() - gone > keep && commands_.at(over_[gone]).proposal.expires <= now)
    commands_.erase(over_[gone++]);
  over_.erase(over_.begin(), over_.begin() + std::ptrdiff_t(gone));
}

}  // namespace geoul::decision::chain
