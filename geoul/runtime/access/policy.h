// Who may do what: roles, what needs which, and approvals by a second person.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::runtime::access {

// Each role may do what those before it may.
enum class Role { kView, kOperate, kApprove, kAdminister };
inline constexpr std::array<std::string_view, 4> kRoleNames = {"view", "operate", "approve", "administer"};
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view name);

enum class Action {
  kSee,            // subscribe, read parameters
  kOperate,        // whatever changes the running twin and has no action of its own
  kSteerClock,     // play, pause, seek, speed
  kDrag,           // pull a body
  kSetParameters,  // change parameters
  kActOnPlant,     // whatever leaves the twin and moves something real
  kApprove,        // say yes to what somebody proposed
  kAdminister,     // users, roles, tokens
};
inline constexpr std::size_t kActionCount = 8;

struct Rule {
  Role role = Role::kAdminister;
  bool second_person = false;  // who proposes may not be who approves
};

class Policy {
 public:
  Policy();
  Role role_needed(Action action) const { return rules_[static_cast<std::size_t>(action)].role; }
  bool needs_second_person(Action action) const { return rules_[static_cast<std::size_t>(action)].second_person; }
  bool allows(Role role, Action action) const { return role >= role_needed(action); }
  void set(Action action, Rule rule) { rules_[static_cast<std::size_t>(action)] = rule; }

 private:
  std::array<Rule, kActionCount> rules_;
};

// Who asks, as far as the server could tell.
struct Identity {
  enum class Kind { kLocalAccount, kSession, kToken };
  Kind kind = Kind::kLocalAccount;
  std::string name;  // of the user; "local" for processes of the account that Geoul runs under
  Role role = Role::kView;
  std::string id;  // of the session or token; never the secret itself
};

struct Proposal {
  std::string id;  // 16 random characters
  Action action = Action::kActOnPlant;
  std::string subject;  // what exactly is to be done: who approves sees it, and nothing else is let through
  std::string proposer;
  std::string approver;  // empty while nobody approved
  Time expires;
};

// What waits for a yes. An approval holds for one use, for the very subject that was approved, until it expires.
// Errors are kBadInput with words that a person can read. Not thread-safe.
class Approvals {
 public:
  static constexpr std::size_t kMaxOpen = 256, kMaxSubject = 4096;
  explicit Approvals(Policy policy, Duration life = {300'000'000'000});

  // The id of a new proposal. The proposer needs the role of the action.
  Result<std::string> propose(const Identity& proposer, Action action, std::string subject, Time now);
  // The approver needs the role for Action::kApprove and, where the policy wants a second person, another name. A
  // local account is no person: it can approve nothing that needs a second one.
  Result<void> approve(const std::string& id, const Identity& approver, Time now);
  Result<void> withdraw(const std::string& id, const Identity& who, Time now);  // the proposer, or one who may approve
  // Once, for what was approved: the caller then acts. The proposal is gone, whether this succeeds or not, unless it
  // still waits for its approval.
  Result<Proposal> redeem(const std::string& id, Action action, std::string_view subject, Time now);
  std::vector<Proposal> open(Time now);

 private:
  void forget_expired(Time now);
  Policy policy_;
  Duration life_;
  std::map<std::string, Proposal> proposals_;
};

}  // namespace geoul::runtime::access
