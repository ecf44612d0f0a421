#include <gtest/gtest.h>

#include "geoul/runtime/access/policy.h"

namespace geoul::runtime::access {
namespace {

constexpr Time kNow{1'000'000'000'000};
constexpr Duration kLife{300'000'000'000};

Identity person(const std::string& name, Role role) { return {Identity::Kind::kSession, name, role, "s"}; }
const Identity kAnn = person("ann", Role::kOperate), kCas = person("cas", Role::kApprove),
               kDora = person("dora", Role::kAdminister);

TEST(Policy, EachRoleMayWhatThoseBeforeItMay) {
  const Policy policy;
  for (std::size_t a = 0; a < kActionCount; ++a) {
    for (std::size_t r = 1; r < kRoleNames.size(); ++r) {
      const auto action = static_cast<Action>(a);
      EXPECT_LE(policy.allows(static_cast<Role>(r - 1), action), policy.allows(static_cast<Role>(r), action));
    }
    EXPECT_TRUE(policy.allows(Role::kAdminister, static_cast<Action>(a)));
  }
  EXPECT_TRUE(policy.allows(Role::kView, Action::kSee));
  EXPECT_FALSE(policy.allows(Role::kView, Action::kSteerClock));
  EXPECT_FALSE(policy.allows(Role::kOperate, Action::kApprove));
  EXPECT_FALSE(policy.allows(Role::kApprove, Action::kAdminister));
  EXPECT_TRUE(policy.needs_second_person(Action::kActOnPlant));
  for (const std::string_view name : kRoleNames) EXPECT_EQ(to_string(*parse_role(name)), name);
  EXPECT_FALSE(parse_role("root"));
}

TEST(Approvals, ASecondPersonLetsThroughWhatWasApprovedOnce) {
  Approvals approvals{Policy{}};
  const std::string id = *approvals.propose(kAnn, Action::kActOnPlant, "valve 3 to 40 %", kNow);
  EXPECT_FALSE(approvals.redeem(id, Action::kActOnPlant, "valve 3 to 40 %", kNow));  // not approved yet
  EXPECT_TRUE(approvals.approve(id, kCas, kNow));
  EXPECT_FALSE(approvals.approve(id, kDora, kNow));
  const auto done = approvals.redeem(id, Action::kActOnPlant, "valve 3 to 40 %", kNow);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->proposer, "ann");
  EXPECT_EQ(done->approver, "cas");
  EXPECT_FALSE(approvals.redeem(id, Action::kActOnPlant, "valve 3 to 40 %", kNow));  // replayed
  EXPECT_FALSE(approvals.approve(id, kCas, kNow));
}

TEST(Approvals, NobodyApprovesHisOwnNorWithoutTheRole) {
  Approvals approvals{Policy{}};
  const std::string id = *approvals.propose(kCas, Action::kActOnPlant, "open", kNow);
  EXPECT_FALSE(approvals.approve(id, kCas, kNow));
  EXPECT_FALSE(approvals.approve(id, person("ben", Role::kOperate), kNow));
  // The same person by a token is the same person, and a local account is none.
  EXPECT_FALSE(approvals.approve(id, {Identity::Kind::kToken, "cas", Role::kApprove, "t"}, kNow));
  EXPECT_FALSE(approvals.approve(id, {Identity::Kind::kLocalAccount, "local", Role::kAdminister, {}}, kNow));
  EXPECT_TRUE(approvals.approve(id, kDora, kNow));
  EXPECT_FALSE(approvals.propose(person("vic", Role::kView), Action::kActOnPlant, "open", kNow));
}

TEST(Approvals, WithoutTheNeedOfASecondPersonOneMayDoBoth) {
  Policy policy;
  policy.set(Action::kActOnPlant, {Role::kOperate, false});
  Approvals approvals(policy);
  const std::string id = *approvals.propose(kCas, Action::kActOnPlant, "open", kNow);
  EXPECT_TRUE(approvals.approve(id, kCas, kNow));
}

TEST(Approvals, HoldForTheVerySubjectAndNoLongerThanTheirLife) {
  Approvals approvals(Policy{}, kLife);
  const auto approved = [&](const std::string& subject) {
    const std::string id = *approvals.propose(kAnn, Action::kActOnPlant, subject, kNow);
    EXPECT_TRUE(approvals.approve(id, kCas, kNow));
    return id;
  };
  const std::string other = approved("valve 3 to 40 %");
  EXPECT_FALSE(approvals.redeem(other, Action::kActOnPlant, "valve 3 to 90 %", kNow));
  EXPECT_FALSE(approvals.redeem(other, Action::kActOnPlant, "valve 3 to 40 %", kNow));  // spent by the attempt
  const std::string late = approved("x");
  EXPECT_FALSE(approvals.redeem(late, Action::kActOnPlant, "x", kNow + kLife));
  EXPECT_TRUE(approvals.open(kNow + kLife).empty());
  EXPECT_FALSE(approvals.propose(kAnn, Action::kActOnPlant, std::string(5000, 'x'), kNow));
}

TEST(Approvals, CanBeWithdrawnByTheirProposerAndThoseWhoApprove) {
  Approvals approvals{Policy{}};
  const std::string id = *approvals.propose(kAnn, Action::kActOnPlant, "open", kNow);
  EXPECT_FALSE(approvals.withdraw(id, person("ben", Role::kOperate), kNow));
  EXPECT_TRUE(approvals.withdraw(id, kAnn, kNow));
  EXPECT_FALSE(approvals.approve(id, kCas, kNow));
  for (std::size_t i = 0; i < Approvals::kMaxOpen; ++i) {
    EXPECT_TRUE(approvals.propose(kAnn, Action::kActOnPlant, "open", kNow));
  }
  EXPECT_FALSE(approvals.propose(kAnn, Action::kActOnPlant, "one more", kNow));
  EXPECT_TRUE(approvals.propose(kAnn, Action::kActOnPlant, "later", kNow + kLife));
}

}  // namespace
}  // namespace geoul::runtime::access
