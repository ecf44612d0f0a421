// The chain of a command: proposed, rehearsed in the twin, checked by the safety filter, approved by policy or by
// people, sent, acknowledged by the plant, verified against the plant's response, and closed; or rolled back to what
// was last verified. A state machine without time, files or sockets of its own: inputs go in, effects come out, and the
// same inputs give the same effects.
//
// Whoever runs it must make effects.records durable (and write them to the audit trail) before it sends a message or
// shows a notice; where that fails the chain must be thrown away and made anew from its log. After a crash: a new
// Chain, replay() every record, then Tick. Nothing that was acknowledged is lost or done twice: docs/notes/commands.md.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "geoul/decision/chain/messages.h"
#include "geoul/decision/chain/record.h"

namespace geoul::decision::chain {

// Who acts, as far as the runtime could tell (runtime/access).
struct Actor {
  std::string name;
  bool may_propose = false, may_approve = false;
  bool person = false;  // a program is no second person
};

// What the plant must show after a command, or it is rolled back.
struct Expectation {
  std::string signal;
  double low = 0, high = 0;  // tolerance band, in the signal's unit
  bool contradicts = false;  // a value outside the band at any time refutes the command at once
};

struct Proposal {
  std::string id;         // chosen by who proposes; the same id with the same content is the same command
  std::string kind;       // for the policy
  std::string target;     // what of the plant it changes: one command a target is under way at a time
  std::string payload;    // what the plant is given
  std::string roll_back;  // payload to undo it; empty: what was last verified, or the policy's safe payload
  Time data;              // of the oldest data that it rests on
  Time expires;           // it is never applied after this
  Duration verify_within{5'000'000'000};  // from the acknowledgement
  std::vector<Expectation> expectations;  // at least one: what cannot be verified is not sent
};
// All of it as texts, and back; none where they are no proposal.
std::vector<std::string> encode(const Proposal& proposal);
std::optional<Proposal> decode(const std::vector<std::string>& fields);
// SHA-256 of all of it: an approval names what was seen.
std::string digest(const Proposal& proposal);

struct Rule {
  int approvals = 1;                       // 0: policy alone
  bool second_person = true;               // who proposes does not count, nor does a program
  Duration oldest_data{60'000'000'000};    // of what it rests on, when approved and when sent
  Duration longest_life{600'000'000'000};  // from proposal to expiry
};

struct Policy {
  Rule otherwise;  // of kinds that are not named
  std::map<std::string, Rule> kinds;
  std::string safe_payload = "stop";   // to go back to where nothing was verified yet
  Duration clock_skew{1'000'000'000};  // between this clock and the plant's, at most
  Duration first_retry{200'000'000}, longest_retry{2'000'000'000};
  std::size_t most_open = 256;  // commands that are not over
  const Rule& rule(const std::string& kind) const;
};

enum class Step : std::uint8_t {
  kProposed,
  kRehearsed,
  kChecked,
  kReleased,
  kSent,
  kAcknowledged,
  kRollingBack,  // under way
  kClosed,
  kRolledBack,
  kRefused,
  kExpired,
  kWithdrawn,  // over
};
constexpr bool is_over(Step step) { return step >= Step::kClosed; }
std::string_view to_string(Step step);

// ---- inputs ----
struct Propose {
  Actor actor;
  Proposal proposal;
};
struct Rehearsed {
  std::string command;
  bool good = false;
  std::string words;
};  // words: the predicted consequence
struct Checked {
  std::string command;
  bool good = false;
  std::string words;
};  // by the safety filter
struct Approve {
  Actor actor;
  std::string command;
  std::string digest;
};
struct Refuse {
  Actor actor;
  std::string command;
  std::string words;
};  // once sent: rolls back
struct Withdraw {
  Actor actor;
  std::string command;
};
struct Observed {
  std::string signal;
  double value = 0;
  Time when;
};  // of the plant, by the plant's clock
struct Trust {
  bool good = true;
  std::string words;
};  // of the twin in itself: watch.h
struct Connected {};
struct Tick {};
using Input =
    std::variant<Propose, Rehearsed, Checked, Approve, Refuse, Withdraw, FromPlant, Observed, Trust, Connected, Tick>;

struct Notice {
  std::string command;
  std::string words;
};
struct Effects {
  std::vector<Record> records;    // first, durable
  std::vector<ToPlant> messages;  // then
  std::vector<Notice> notices;    // to who asked and to the studio
};

struct Command {
  Proposal proposal;
  std::string proposer;
  Step step = Step::kProposed;
  std::set<std::string> approvers;
  std::string rehearsal, check, last_words;
  std::int64_t sequence = 0;  // of the message under way
  std::string payload;        // of that message
  Time applied;               // by the plant's clock
  Time verify_until;          // by this clock
  std::vector<bool> seen;     // of the expectations
  bool acknowledged = false;  // the command itself, at any time
  Time retry;                 // not in the log: when to send again
  Duration wait;
};

class Chain {
 public:
  // epoch: greater than that of any log that was lost.
  Chain(Policy policy, std::int64_t epoch);
  void replay(const Record& record);  // throws ContractError where it is none of a chain
  Effects handle(const Input& input, Time now);

  const std::map<std::string, Command>& commands() const { return commands_; }
  // Payload that was last verified for a target, or gone back to; else the policy's safe one.
  const std::string& held(const std::string& target) const;
  bool trusted() const { return trusted_; }
  // Forgets commands that are over and expired, but for the newest `keep` of them: one that is proposed again is
  // refused as expired. They stay in the log.
  void forget(std::size_t keep, Time now);

 private:
  struct Work;
  void apply(const Record& record);
  std::int64_t settled_below() const;
  Policy policy_;
  std::int64_t epoch_, next_record_ = 1, next_sequence_ = 1;
  bool trusted_ = true;
  std::string distrust_;
  std::map<std::string, Command> commands_;
  std::map<std::string, std::string> held_;  // by target
  std::vector<std::string> over_;            // ids, in the order in which they ended
};

}  // namespace geoul::decision::chain
