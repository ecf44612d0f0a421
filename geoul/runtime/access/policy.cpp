#include "geoul/runtime/access/policy.h"

#include <algorithm>
#include <utility>

#include "geoul/runtime/access/secret.h"

namespace geoul::runtime::access {
namespace {

Error refused(std::string words) { return {ErrorCode::kBadInput, std::move(words)}; }

Error no_proposal(const std::string& id) {
  return refused("there is no open proposal '" + id.substr(0, 32) + "': it was used, withdrawn or has expired");
}

}  // namespace

std::string_view to_string(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view name) {
  const auto found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
  if (found == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(found - kRoleNames.begin());
}

Policy::Policy() {
  set(Action::kSee, {Role::kView});
  for (const Action action : {Action::kOperate, Action::kSteerClock, Action::kDrag, Action::kSetParameters}) {
    set(action, {Role::kOperate});
  }
  set(Action::kActOnPlant, {Role::kOperate, true});
  set(Action::kApprove, {Role::kApprove});
  set(Action::kAdminister, {Role::kAdminister});
}

Approvals::Approvals(Policy policy, Duration life) : policy_(policy), life_(life) {}

void Approvals::forget_expired(Time now) {
  std::erase_if(proposals_, [now](const auto& entry) { return now >= entry.second.expires; });
}

Result<std::string> Approvals::propose(const Identity& proposer, Action action, std::string subject, Time now) {
  forget_expired(now);
  if (!policy_.allows(proposer.role, action)) {
    return refused("the role '" + std::string(to_string(policy_.role_needed(action))) + "' is needed to propose this");
  }
  if (subject.empty() || subject.size() > kMaxSubject) return refused("say what is proposed, in at most 4096 bytes");
  if (proposals_.size() >= kMaxOpen) return refused("too many proposals are open; withdraw some");
  Proposal proposal{random_name(16), action, std::move(subject), proposer.name, {}, now + life_};
  const std::string id = proposal.id;
  proposals_.emplace(id, std::move(proposal));
  return id;
}

Result<void> Approvals::approve(const std::string& id, const Identity& approver, Time now) {
  forget_expired(now);
  const auto found = proposals_.find(id);
  if (found == proposals_.end()) return no_proposal(id);
  Proposal& proposal = found->second;
  if (!policy_.allows(approver.role, Action::kApprove)) {
    return refused("the role '" + std::string(to_string(policy_.role_needed(Action::kApprove))) +
                   "' is needed to approve");
  }
  if (!proposal.approver.empty()) return refused("'" + id + "' was approved already");
  if (policy_.needs_second_person(proposal.action)) {
    if (approver.kind == Identity::Kind::kLocalAccount) {
      return refused("a person with a name must approve this: sign in");
    }
    if (approver.name == proposal.proposer) return refused("a second person must approve what you proposed");
  }
  proposal.approver = approver.name;
  return {};
}

Result<void> Approvals::withdraw(const std::string& id, const Identity& who, Time now) {
  forget_expired(now);
  const auto found = proposals_.find(id);
  if (found == proposals_.end()) return no_proposal(id);
  if (who.name != found->second.proposer && !policy_.allows(who.role, Action::kApprove)) {
    return refused("only who proposed it, or who may approve, can withdraw it");
  }
  proposals_.erase(found);
  return {};
}

Result<Proposal> Approvals::redeem(const std::string& id, Action action, std::string_view subject, Time now) {
  forget_expired(now);
  const auto found = proposals_.find(id);
  if (found == proposals_.end()) return no_proposal(id);
  if (found->second.approver.empty()) return refused("'" + id + "' waits for its approval");
  Proposal proposal = std::move(found->second);
  proposals_.erase(found);
  if (proposal.action != action || proposal.subject != subject) {
    return refused("what was approved is not what is to be done; propose it again");
  }
  return proposal;
}

std::vector<Proposal> Approvals::open(Time now) {
  forget_expired(now);
  std::vector<Proposal> out;
  for (const auto& [id, proposal] : proposals_) out.push_back(proposal);
  return out;
}

}  // namespace geoul::runtime::access
