#include "geoul/decision/chain/chain.h"

#include <gtest/gtest.h>

#include "geoul/core/contract.h"
#include "geoul/decision/chain/plant_end.h"

namespace geoul::decision::chain {
namespace {

const Actor kAnn{"ann", true, true, true}, kBob{"bob", true, true, true}, kEve{"eve", false, true, true},
    kAgent{"agent", true, true, false}, kGuest{"guest", false, false, true};

Proposal valve(const std::string& id, const std::string& payload = "10") {
  Proposal p;
  p.id = id, p.target = "valve", p.payload = payload;
  p.data = Time::from_seconds(99), p.expires = Time::from_seconds(160), p.verify_within = Duration::from_seconds(10);
  p.expectations = {{"flow", 9, 11, false}};
  return p;
}

struct Desk {
  Chain chain;
  Time now = Time::from_seconds(100);
  std::string log, notices;
  std::vector<ToPlant> sent;

  explicit Desk(Policy policy = {}) : chain(std::move(policy), 1) {}
  void tell(const Input& input) {
    notices.clear();
    const Effects effects = chain.handle(input, now);
    for (const Record& record : effects.records) log += encode(record);
    sent.insert(sent.end(), effects.messages.begin(), effects.messages.end());
    for (const Notice& notice : effects.notices) notices += notice.words + "\n";
  }
  void later(double seconds) { now = now + Duration::from_seconds(seconds), tell(Tick{}); }
  void bring_to_checked(const Proposal& p, const Actor& actor = kAnn) {
    tell(Propose{actor, p}), tell(Rehearsed{p.id, true, "flow reaches 10"}), tell(Checked{p.id, true, "within limits"});
  }
  void approve(const Actor& actor, const std::string& id) {
    tell(Approve{actor, id, digest(chain.commands().at(id).proposal)});
  }
  void acknowledge(Outcome outcome = Outcome::kApplied) {
    ASSERT_FALSE(sent.empty());
    tell(FromPlant{1, sent.back().sequence, sent.back().command, outcome, now});
  }
  Step step(const std::string& id) const { return chain.commands().at(id).step; }
  bool says(const std::string& words) const { return notices.find(words) != std::string::npos; }
};

TEST(Chain, ACommandGoesItsWholeWay) {
  Desk desk;
  desk.tell(Propose{kAnn, valve("c1")});
  EXPECT_EQ(desk.step("c1"), Step::kProposed);
  desk.tell(Rehearsed{"c1", true, "flow reaches 10"});
  EXPECT_EQ(desk.step("c1"), Step::kRehearsed);
  desk.tell(Checked{"c1", true, "within limits"});
  EXPECT_EQ(desk.step("c1"), Step::kChecked);
  EXPECT_TRUE(desk.sent.empty());
  desk.approve(kBob, "c1");
  EXPECT_EQ(desk.step("c1"), Step::kSent);
  ASSERT_EQ(desk.sent.size(), 1u);
  EXPECT_EQ(desk.sent[0].payload, "10");
  desk.acknowledge();
  EXPECT_EQ(desk.step("c1"), Step::kAcknowledged);
  desk.now = desk.now + Duration{1};
  desk.tell(Observed{"flow", 5, desk.now});  // not there yet
  EXPECT_EQ(desk.step("c1"), Step::kAcknowledged);
  desk.tell(Observed{"flow", 10.5, desk.now});
  EXPECT_EQ(desk.step("c1"), Step::kClosed);
  EXPECT_EQ(desk.chain.held("valve"), "10");
  // Each step stands in the log.
  Diagnostics diagnostics;
  std::string events;
  for (const Record& record : read_records(desk.log, "log", diagnostics))
    events += std::string(to_string(record.event)) + " ";
  EXPECT_EQ(events, "proposed rehearsed checked approved released sent acknowledged closed ");
}

TEST(Chain, NoStepCanBeLeftOut) {
  Desk desk;
  desk.tell(Propose{kAnn, valve("c1")});
  desk.approve(kBob, "c1");
  EXPECT_TRUE(desk.says("wrong time"));
  desk.tell(Checked{"c1", true, ""});
  EXPECT_TRUE(desk.says("wrong time"));
  EXPECT_EQ(desk.step("c1"), Step::kProposed);
  desk.tell(Rehearsed{"c2", true, ""});
  EXPECT_TRUE(desk.says("no command of this name"));
  EXPECT_TRUE(desk.sent.empty());
}

TEST(Chain, AnInfeasibleGoalAndAFailedCheckAreRefusedInWords) {
  Desk desk;
  desk.tell(Propose{kAnn, valve("c1")});
  desk.tell(Rehearsed{"c1", false, "the goal cannot be reached: joint 3 would stand at 3.2 rad"});
  EXPECT_EQ(desk.step("c1"), Step::kRefused);
  EXPECT_TRUE(desk.says("joint 3 would stand"));
  desk.tell(Propose{kAnn, valve("c2")});
  desk.tell(Rehearsed{"c2", true, ""});
  desk.tell(Checked{"c2", false, "it comes too near to the fence"});
  EXPECT_EQ(desk.step("c2"), Step::kRefused);
  EXPECT_TRUE(desk.says("too near to the fence"));
}

TEST(Chain, ProposalsThatCannotBeginAreNotTaken) {
  struct Case {
    const char* words;
    void (*spoil)(Proposal&);
  };
  const Case cases[] = {{"cannot be verified", [](Proposal& p) { p.expectations.clear(); }},
                        {"no band", [](Proposal& p) { p.expectations[0].low = 12; }},
                        {"has expired", [](Proposal& p) { p.expires = Time::from_seconds(100); }},
                        {"live longer", [](Proposal& p) { p.expires = Time::from_seconds(10'000); }},
                        {"of the future", [](Proposal& p) { p.data = Time::from_seconds(101); }},
                        {"needs a name", [](Proposal& p) { p.id.clear(); }},
                        {"too large", [](Proposal& p) { p.payload.assign(100'000, 'x'); }}};
  for (const Case& c : cases) {
    Desk desk;
    Proposal p = valve("c1");
    c.spoil(p);
    desk.tell(Propose{kAnn, p});
    EXPECT_TRUE(desk.says(c.words)) << c.words << ": " << desk.notices;
    EXPECT_TRUE(desk.chain.commands().empty());
    EXPECT_TRUE(desk.log.empty());
  }
  Desk desk;
  desk.tell(Propose{kGuest, valve("c1")});
  EXPECT_TRUE(desk.says("may not propose"));
  desk.tell(Propose{kAnn, valve("c1")});
  desk.tell(Propose{kAnn, valve("c1")});
  EXPECT_TRUE(desk.says("known"));
  desk.tell(Propose{kBob, valve("c1", "99")});
  EXPECT_TRUE(desk.says("another command has this name"));
  EXPECT_EQ(desk.chain.commands().at("c1").proposal.payload, "10");
}

TEST(Chain, WhoMayApproveIsKept) {
  Policy policy;
  policy.otherwise.approvals = 2;
  Desk desk(policy);
  desk.bring_to_checked(valve("c1"));
  desk.approve(kGuest, "c1");
  EXPECT_TRUE(desk.says("may not approve"));
  desk.approve(kAnn, "c1");
  EXPECT_TRUE(desk.says("ann proposed it"));
  desk.approve(kAgent, "c1");
  EXPECT_TRUE(desk.says("a person must"));
  desk.tell(Approve{kBob, "c1", digest(valve("c1", "11"))});
  EXPECT_TRUE(desk.says("is not this command"));
  desk.approve(kBob, "c1");
  EXPECT_EQ(desk.step("c1"), Step::kChecked);
  desk.approve(kBob, "c1");
  EXPECT_TRUE(desk.says("another must"));
  EXPECT_TRUE(desk.sent.empty());
  desk.approve(kEve, "c1");
  EXPECT_EQ(desk.step("c1"), Step::kSent);
}

TEST(Chain, PolicyAloneMayRelease) {
  Policy policy;
  policy.kinds["routine"].approvals = 0;
  Desk desk(policy);
  Proposal p = valve("c1");
  p.kind = "routine";
  desk.bring_to_checked(p, kAgent);
  EXPECT_EQ(desk.step("c1"), Step::kSent);
}

TEST(Chain, ApprovalAfterTheDataWentStaleIsRefused) {
  Desk desk;
  Proposal p = valve("c1");
  p.expires = Time::from_seconds(400);
  desk.bring_to_checked(p);
  desk.later(61);
  desk.approve(kBob, "c1");
  EXPECT_EQ(desk.step("c1"), Step::kRefused);
  EXPECT_TRUE(desk.says("went stale")) << desk.notices;
  EXPECT_TRUE(desk.sent.empty());
}

TEST(Chain, AnApprovalThatWaitsUntilTheDataAreStaleIsRefusedToo) {
  Desk desk;
  desk.bring_to_checked(valve("c1")), desk.approve(kBob, "c1");  // under way: the target is busy
  Proposal p = valve("c2", "10");
  p.expires = Time::from_seconds(400);
  desk.bring_to_checked(p), desk.approve(kBob, "c2");
  EXPECT_EQ(desk.step("c2"), Step::kReleased);
  desk.later(61);
  EXPECT_EQ(desk.step("c2"), Step::kRefused);
  EXPECT_TRUE(desk.says("went stale"));
}

TEST(Chain, TwoWhoApproveAgainstEachOtherSendNothing) {
  Policy policy;
  policy.otherwise.approvals = 2;
  Desk desk(policy);
  desk.bring_to_checked(valve("up", "20"), kAgent), desk.bring_to_checked(valve("down", "0"), kAgent);
  desk.approve(kBob, "up");
  desk.approve(kEve, "down");
  EXPECT_EQ(desk.step("up"), Step::kRefused);
  EXPECT_EQ(desk.step("down"), Step::kRefused);
  EXPECT_TRUE(desk.says("eve approves down, bob approved up")) << desk.notices;
  EXPECT_TRUE(desk.says("neither is sent"));
  EXPECT_TRUE(desk.sent.empty());
  // One is under way already: it stays, the other is refused.
  Desk late;
  late.bring_to_checked(valve("up", "20")), late.bring_to_checked(valve("down", "0"));
  late.approve(kBob, "up"), late.approve(kEve, "down");
  EXPECT_EQ(late.step("up"), Step::kSent);
  EXPECT_EQ(late.step("down"), Step::kRefused);
  EXPECT_TRUE(late.says("up is under way"));
}

TEST(Chain, ANoOutweighsAYes) {
  Policy policy;
  policy.otherwise.approvals = 2;
  Desk desk(policy);
  desk.bring_to_checked(valve("c1"));
  desk.approve(kBob, "c1");
  desk.tell(Refuse{kEve, "c1", "the tank is being cleaned"});
  EXPECT_EQ(desk.step("c1"), Step::kRefused);
  EXPECT_TRUE(desk.says("the tank is being cleaned; bob had approved")) << desk.notices;
  // After it was sent a no rolls back, and the roll-back overrules what may still be on its way.
  Desk sent;
  sent.bring_to_checked(valve("c1")), sent.approve(kBob, "c1");
  sent.tell(Refuse{kEve, "c1", "stop that"});
  EXPECT_EQ(sent.step("c1"), Step::kRollingBack);
  ASSERT_EQ(sent.sent.size(), 2u);
  EXPECT_EQ(sent.sent[1].payload, "stop");
  EXPECT_GT(sent.sent[1].sequence, sent.sent[0].sequence);
  sent.acknowledge();
  EXPECT_EQ(sent.step("c1"), Step::kRolledBack);
}

TEST(Chain, AResponseThatDoesNotComeOrContradictsRollsBackToWhatWasVerified) {
  Desk desk;
  desk.bring_to_checked(valve("c1")), desk.approve(kBob, "c1"), desk.acknowledge();
  desk.now = desk.now + Duration{1};
  desk.tell(Observed{"flow", 10, desk.now});
  ASSERT_EQ(desk.step("c1"), Step::kClosed);
  Proposal p = valve("c2", "20");
  p.expectations = {{"flow", 19, 21, false}};
  desk.bring_to_checked(p), desk.approve(kBob, "c2"), desk.acknowledge();
  desk.tell(Observed{"flow", 20, desk.now - Duration{5}});  // of before: proves nothing
  EXPECT_EQ(desk.step("c2"), Step::kAcknowledged);
  desk.later(10.1);
  EXPECT_EQ(desk.step("c2"), Step::kRollingBack);
  EXPECT_TRUE(desk.says("did not show in time"));
  EXPECT_EQ(desk.sent.back().payload, "10");  // the last that was verified
  desk.acknowledge();
  EXPECT_EQ(desk.step("c2"), Step::kRolledBack);
  EXPECT_EQ(desk.chain.held("valve"), "10");
  p.id = "c3", p.expectations[0].contradicts = true, p.roll_back = "12";
  desk.bring_to_checked(p), desk.approve(kBob, "c3"), desk.acknowledge();
  desk.now = desk.now + Duration{1};
  desk.tell(Observed{"flow", 55, desk.now});
  EXPECT_EQ(desk.step("c3"), Step::kRollingBack);
  EXPECT_TRUE(desk.says("flow shows 55"));
  EXPECT_EQ(desk.sent.back().payload, "12");
}

TEST(Chain, ATwinThatDoesNotTrustItselfSendsNothing) {
  Desk desk;
  Proposal other = valve("c2", "7");
  other.target = "pump";
  desk.bring_to_checked(valve("c1")), desk.approve(kBob, "c1");
  desk.bring_to_checked(other);
  const std::size_t before = desk.sent.size();
  desk.tell(Trust{false, "flow is 3 where the twin predicts 10 +- 0.1: the plant contradicts the model"});
  EXPECT_EQ(desk.step("c2"), Step::kRefused);
  EXPECT_TRUE(desk.says("contradicts the model; the plant is held at stop")) << desk.notices;
  EXPECT_EQ(desk.step("c1"), Step::kRollingBack);  // it may not have arrived: what is known to be safe overrules it
  desk.tell(Propose{kAnn, valve("c3")});
  EXPECT_TRUE(desk.says("does not trust itself"));
  desk.later(5);
  for (std::size_t i = before; i < desk.sent.size(); ++i) EXPECT_EQ(desk.sent[i].payload, "stop");
  desk.tell(Trust{true, "somebody looked"});
  desk.tell(Propose{kAnn, valve("c4")});
  EXPECT_EQ(desk.step("c4"), Step::kProposed);
}

TEST(Chain, ExpiresWhereNobodyApproves) {
  Desk desk;
  desk.bring_to_checked(valve("c1"));
  desk.later(60);
  EXPECT_EQ(desk.step("c1"), Step::kExpired);
}

TEST(Chain, IsSentAgainUntilItIsAnsweredAndOldAnswersCountNothing) {
  Desk desk;
  desk.bring_to_checked(valve("c1")), desk.approve(kBob, "c1");
  for (int i = 0; i < 200; ++i) desk.later(0.1);
  EXPECT_GT(desk.sent.size(), 10u);
  EXPECT_LT(desk.sent.size(), 20u);  // 0.2 s, doubling to 2 s
  for (const ToPlant& message : desk.sent) EXPECT_EQ(message.sequence, desk.sent[0].sequence);
  desk.tell(FromPlant{1, 77, "c1", Outcome::kApplied, desk.now});
  desk.tell(FromPlant{9, desk.sent[0].sequence, "c1", Outcome::kApplied, desk.now});
  EXPECT_EQ(desk.step("c1"), Step::kSent);
  desk.acknowledge(Outcome::kExpired);
  EXPECT_EQ(desk.step("c1"), Step::kExpired);
}

TEST(Chain, IsTheSameAfterACrashAtAnyRecord) {
  Desk desk;
  desk.bring_to_checked(valve("c1")), desk.approve(kBob, "c1"), desk.acknowledge();
  desk.later(10.1);
  desk.acknowledge();
  desk.bring_to_checked(valve("c2"));
  Diagnostics diagnostics;
  const auto records = read_records(desk.log, "log", diagnostics);
  Chain again({}, 1);
  for (const Record& record : records) again.replay(record);
  ASSERT_EQ(again.commands().size(), 2u);
  for (const auto& [id, command] : again.commands()) {
    const Command& other = desk.chain.commands().at(id);
    EXPECT_EQ(command.step, other.step);
    EXPECT_EQ(command.sequence, other.sequence);
    EXPECT_EQ(command.approvers, other.approvers);
    EXPECT_EQ(digest(command.proposal), digest(other.proposal));
  }
  EXPECT_EQ(again.held("valve"), desk.chain.held("valve"));
  EXPECT_THROW(again.replay({99, {}, Event::kProposed, "x", "", "", {"one"}}), ContractError);
}

TEST(Chain, WhatItForgetsCannotBeginAgain) {
  Desk desk;
  for (const char* id : {"c1", "c2", "c3"}) {
    desk.tell(Propose{kAnn, valve(id)});
    desk.tell(Withdraw{kAnn, id});
  }
  desk.chain.forget(1, desk.now);
  EXPECT_EQ(desk.chain.commands().size(), 3u);  // none has expired
  desk.later(60);
  desk.chain.forget(1, desk.now);
  EXPECT_EQ(desk.chain.commands().size(), 1u);
  desk.tell(Propose{kAnn, valve("c1")});
  EXPECT_TRUE(desk.says("has expired"));
}

TEST(PlantEnd, AppliesOnceAndAnswersEveryCopyAlike) {
  PlantEnd plant(Duration::from_seconds(1));
  const ToPlant message{1, 5, "c1", "valve", "10", Time::from_seconds(100), 0};
  const PlantEffects first = plant.handle(message, Time::from_seconds(50));
  ASSERT_TRUE(first.apply);
  const PlantEffects again = plant.handle(message, Time::from_seconds(60));
  EXPECT_FALSE(again.apply);
  EXPECT_TRUE(again.records.empty());
  ASSERT_EQ(again.answers.size(), 1u);
  EXPECT_EQ(again.answers[0].outcome, Outcome::kApplied);
  EXPECT_EQ(again.answers[0].when, first.answers[0].when);
  // An older one of its target comes late, another target does not care.
  EXPECT_EQ(plant.handle({1, 4, "c0", "valve", "9", Time::from_seconds(100), 0}, Time{0}).answers[0].outcome,
            Outcome::kSuperseded);
  EXPECT_TRUE(plant.handle({1, 3, "p", "pump", "9", Time::from_seconds(100), 0}, Time{0}).apply);
}

TEST(PlantEnd, NeverAppliesWhatMayHaveExpired) {
  PlantEnd plant(Duration::from_seconds(1));
  const ToPlant message{1, 5, "c1", "valve", "10", Time::from_seconds(100), 0};
  const PlantEffects late = plant.handle(message, Time::from_seconds(99));
  EXPECT_FALSE(late.apply);
  EXPECT_EQ(late.answers[0].outcome, Outcome::kExpired);
  // Nor later, when its clock was set back.
  EXPECT_EQ(plant.handle(message, Time::from_seconds(10)).answers[0].outcome, Outcome::kExpired);
}

TEST(PlantEnd, ForgetsWhatIsSettledAndAnswersNoCopyOfIt) {
  PlantEnd plant(Duration::from_seconds(1));
  const Time never{0};
  for (int i = 1; i <= 50; ++i) plant.handle({1, i, "c", "valve", "10", never, i}, Time{0});
  EXPECT_EQ(plant.remembered(), 1u);
  const PlantEffects old = plant.handle({1, 7, "c", "valve", "10", never, 7}, Time{0});
  EXPECT_FALSE(old.apply);
  EXPECT_TRUE(old.answers.empty());
}

TEST(PlantEnd, ANewEpochTakesOver) {
  PlantEnd plant(Duration::from_seconds(1));
  const Time never{0};
  EXPECT_TRUE(plant.handle({1, 50, "a", "valve", "1", never, 0}, Time{0}).apply);
  EXPECT_TRUE(plant.handle({2, 1, "b", "valve", "2", never, 0}, Time{0}).apply);
  const PlantEffects old = plant.handle({1, 51, "a", "valve", "1", never, 0}, Time{0});
  EXPECT_FALSE(old.apply);
  EXPECT_EQ(old.answers[0].outcome, Outcome::kOldEpoch);
}

TEST(PlantEnd, ACrashBetweenItsRecordAndItsRegisterLosesNothing) {
  PlantEnd plant(Duration::from_seconds(1));
  const ToPlant message{1, 5, "c1", "valve", "10", Time{0}, 0};
  const PlantEffects effects = plant.handle(message, Time{0});
  PlantEnd before(Duration::from_seconds(1)), after(Duration::from_seconds(1));
  for (const Record& record : effects.records) before.replay(record), after.replay(record);
  before.resume({});  // the register was not written
  EXPECT_TRUE(before.handle(message, Time{0}).apply);
  after.resume({{"valve", {1, 5}}});
  EXPECT_FALSE(after.handle(message, Time{0}).apply);
}

}  // namespace
}  // namespace geoul::decision::chain
