#include "geoul/runtime/oversight/messages.h"

#include <gtest/gtest.h>

#include "geoul.pb.h"

namespace geoul::runtime::oversight {
namespace {

TEST(OversightMessages, SayAllOfAnAlarm) {
  Alarm alarm;
  alarm.id = 3;
  alarm.state = AlarmState::kAcknowledged;
  alarm.onset = {1'500'000'000};
  alarm.detected = {-1};
  alarm.place = "/cell/elbow";
  alarm.size = {2.1, 0.2, "N.m"};
  alarm.causes = {{"friction rise", 0.9, {2.1, kUnknown, "N.m"}, "follows the sign of the velocity"}};
  ::geoul::Alarms read;
  ASSERT_TRUE(read.ParseFromString(alarms_message(std::span(&alarm, 1), {7})));
  ASSERT_EQ(read.alarms_size(), 1);
  const ::geoul::Alarm& one = read.alarms(0);
  EXPECT_EQ(one.state(), ::geoul::ALARM_ACKNOWLEDGED);
  EXPECT_EQ(one.onset().seconds(), 1);
  EXPECT_EQ(one.onset().nanos(), 500'000'000);
  EXPECT_EQ(one.detected().seconds(), -1);  // nanos are never negative
  EXPECT_EQ(one.detected().nanos(), 999'999'999);
  EXPECT_FALSE(one.has_cleared());
  EXPECT_EQ(one.causes(0).evidence(), "follows the sign of the velocity");
}

TEST(OversightMessages, StagesKeepTheirOrder) {
  Command command;
  for (const auto& [stage, told] : {std::pair{CommandStage::kProposed, ::geoul::COMMAND_PROPOSED},
                                    {CommandStage::kChecked, ::geoul::COMMAND_CHECKED},
                                    {CommandStage::kClosed, ::geoul::COMMAND_CLOSED},
                                    {CommandStage::kExpired, ::geoul::COMMAND_EXPIRED}}) {
    command.stage = stage;
    ::geoul::PlantCommands read;
    ASSERT_TRUE(read.ParseFromString(commands_message(std::span(&command, 1), {})));
    EXPECT_EQ(read.commands(0).stage(), told);
  }
}

TEST(OversightMessages, WhatPeopleSendIsCheckedInWords) {
  ::geoul::CommandDecision decision;
  decision.set_command("c1");
  EXPECT_EQ(parse_decision(decision.SerializeAsString()).error().message, "/commands/decide: the reason is empty");
  decision.set_approve(true);
  EXPECT_TRUE(parse_decision(decision.SerializeAsString()));
  decision.set_reason(std::string(1001, 'x'));
  EXPECT_NE(parse_decision(decision.SerializeAsString()).error().message.find("1001 bytes"), std::string::npos);
  decision.set_reason("two\nlines");
  EXPECT_NE(parse_decision(decision.SerializeAsString()).error().message.find("control"), std::string::npos);
  EXPECT_EQ(parse_question("\xff\xff").error().message, "the request is no geoul.AdviceQuestion");
  EXPECT_EQ(parse_question("").error().message, "/advice/ask: the question is empty");
  ::geoul::CommandProposal proposal;
  proposal.set_advice("a1");
  EXPECT_EQ(parse_proposal(proposal.SerializeAsString()).error().message, "/commands/propose: the option is empty");
  ::geoul::AlarmAcknowledgement seen;
  seen.set_alarm(4);
  EXPECT_EQ(parse_acknowledgement(seen.SerializeAsString())->alarm, 4u);
}

}  // namespace
}  // namespace geoul::runtime::oversight
