// Judgement as messages of geoul.proto, and what people ask of it as bytes. Each list is sent whole, newest first.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "geoul/core/result.h"
#include "geoul/runtime/oversight/records.h"
#include "geoul/runtime/protocol/schemas.h"

namespace geoul::runtime::oversight {

std::string alarms_message(std::span<const Alarm> alarms, Time time);
std::string estimates_message(std::span<const Estimate> estimates, Time time);
std::string advice_message(std::span<const Advice> advice, Time time);
std::string commands_message(std::span<const Command> commands, Time time);
MessageSchema alarms_schema();
MessageSchema estimates_schema();
MessageSchema advice_schema();
MessageSchema commands_schema();

struct AlarmAcknowledgement {
  std::uint64_t alarm = 0;
  std::string note;
};
struct CommandProposal {
  std::string advice, option;
};
struct CommandDecision {
  std::string command;
  bool approve = false;
  std::string reason;
};
struct AdviceQuestion {
  std::string text;
};
MessageSchema acknowledgement_schema();
MessageSchema proposal_schema();
MessageSchema decision_schema();
MessageSchema question_schema();
// kBadInput, in words, where the bytes are no such message, a text is longer than 1,000 bytes or has control
// characters, or a name is empty.
Result<AlarmAcknowledgement> parse_acknowledgement(std::string_view bytes);
Result<CommandProposal> parse_proposal(std::string_view bytes);
Result<CommandDecision> parse_decision(std::string_view bytes);
Result<AdviceQuestion> parse_question(std::string_view bytes);

}  // namespace geoul::runtime::oversight
