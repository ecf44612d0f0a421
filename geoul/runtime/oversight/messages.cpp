#include "geoul/runtime/oversight/messages.h"

#include <algorithm>

#include "geoul.pb.h"
#include "geoul/runtime/protocol/timestamp.h"

namespace geoul::runtime::oversight {
namespace {

constexpr std::size_t kLongestText = 1000;  // [bytes]

void fill(::geoul::Cause& out, const Cause& cause) {
  out.set_name(cause.name);
  out.set_probability(cause.probability);
  out.set_size(cause.size.value);
  out.set_deviation(cause.size.deviation);
  out.set_unit(cause.size.unit);
  out.set_evidence(cause.evidence);
}

void fill(::geoul::Alarm& out, const Alarm& alarm) {
  out.set_id(alarm.id);
  out.set_state(static_cast<::geoul::AlarmState>(alarm.state));  // the same order
  set(*out.mutable_onset(), alarm.onset);
  set(*out.mutable_detected(), alarm.detected);
  if (alarm.cleared) set(*out.mutable_cleared(), *alarm.cleared);
  out.set_place(alarm.place);
  out.set_text(alarm.text);
  out.set_size(alarm.size.value);
  out.set_deviation(alarm.size.deviation);
  out.set_unit(alarm.size.unit);
  for (const Cause& cause : alarm.causes) fill(*out.add_causes(), cause);
  out.set_acknowledged_by(alarm.acknowledged_by);
  out.set_note(alarm.note);
}

void fill(::geoul::Option& out, const Option& option) {
  out.set_id(option.id);
  out.set_text(option.text);
  out.set_rank(option.rank);
  out.set_rejected(option.rejected);
  out.set_futures(option.futures);
  for (const Consequence& consequence : option.consequences) {
    ::geoul::Consequence& message = *out.add_consequences();
    message.set_name(consequence.name);
    message.set_unit(consequence.unit);
    message.set_mean(consequence.mean);
    message.set_low(consequence.low);
    message.set_high(consequence.high);
    message.set_limit(consequence.limit);
    message.set_ok(consequence.ok);
  }
  if (option.ghost.times.empty()) return;
  ::geoul::Ghost& ghost = *out.mutable_ghost();
  for (const std::string& body : option.ghost.bodies) ghost.add_bodies(body);
  ghost.mutable_times()->Add(option.ghost.times.begin(), option.ghost.times.end());
  ghost.mutable_poses()->Add(option.ghost.poses.begin(), option.ghost.poses.end());
}

void fill(::geoul::Advice& out, const Advice& advice) {
  out.set_id(advice.id);
  out.set_alarm(advice.alarm);
  out.set_text(advice.text);
  set(*out.mutable_made(), advice.made);
  set(*out.mutable_expires(), advice.expires);
  for (const DataUsed& used : advice.data) {
    ::geoul::DataUsed& message = *out.add_data();
    message.set_name(used.name);
    message.set_age(used.age);
  }
  for (const Option& option : advice.options) fill(*out.add_options(), option);
  out.set_command(advice.command);
}

void fill(::geoul::PlantCommand& out, const Command& command) {
  out.set_id(command.id);
  out.set_text(command.text);
  out.set_advice(command.advice);
  out.set_option(command.option);
  out.set_stage(static_cast<::geoul::CommandStage>(command.stage));  // the same order
  for (const CommandStep& step : command.steps) {
    ::geoul::CommandStep& message = *out.add_steps();
    message.set_stage(static_cast<::geoul::CommandStage>(step.stage));
    set(*message.mutable_time(), step.time);
    message.set_who(step.who);
    message.set_text(step.text);
  }
  for (const std::string& approver : command.approvers) out.add_approvers(approver);
  out.set_approvals_needed(command.approvals_needed);
  set(*out.mutable_expires(), command.expires);
}

// What is wrong with a text that somebody sent; empty: nothing.
std::string wrong_with(const std::string& text, const char* what, bool needed) {
  if (needed && text.empty()) return std::string(what) + " is empty";
  if (text.size() > kLongestText)
    return std::string(what) + " has " + std::to_string(text.size()) + " bytes, at most 1,000 are read";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) return std::string(what) + " has control characters";
  return {};
}

template <class Message>
Result<Message> parse(std::string_view bytes, const char* what) {
  [[maybe_unused]] static const auto before = google::protobuf::SetLogHandler(nullptr);
  Message out;
  if (out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return out;
  return Error{ErrorCode::kBadInput, std::string("the request is no geoul.") + what};
}

Error bad(const char* service, const std::string& why) {
  return Error{ErrorCode::kBadInput, std::string(service) + ": " + why};
}

}  // namespace

std::string alarms_message(std::span<const Alarm> alarms, Time time) {
  ::geoul::Alarms out;
  set(*out.mutable_timestamp(), time);
  for (const Alarm& alarm : alarms) fill(*out.add_alarms(), alarm);
  return out.SerializeAsString();
}

std::string estimates_message(std::span<const Estimate> estimates, Time time) {
  ::geoul::Estimates out;
  set(*out.mutable_timestamp(), time);
  for (const Estimate& estimate : estimates) {
    ::geoul::Estimate& message = *out.add_estimates();
    message.set_name(estimate.name);
    message.set_unit(estimate.quantity.unit);
    message.set_value(estimate.quantity.value);
    message.set_deviation(estimate.quantity.deviation);
    message.set_age(estimate.age);
    message.set_statistic(estimate.statistic);
  }
  return out.SerializeAsString();
}

std::string advice_message(std::span<const Advice> advice, Time time) {
  ::geoul::AdviceList out;
  set(*out.mutable_timestamp(), time);
  for (const Advice& one : advice) fill(*out.add_advice(), one);
  return out.SerializeAsString();
}

std::string commands_message(std::span<const Command> commands, Time time) {
  ::geoul::PlantCommands out;
  set(*out.mutable_timestamp(), time);
  for (const Command& command : commands) fill(*out.add_commands(), command);
  return out.SerializeAsString();
}

MessageSchema alarms_schema() { return schema_of<::geoul::Alarms>(); }
MessageSchema estimates_schema() { return schema_of<::geoul::Estimates>(); }
MessageSchema advice_schema() { return schema_of<::geoul::AdviceList>(); }
MessageSchema commands_schema() { return schema_of<::geoul::PlantCommands>(); }
MessageSchema acknowledgement_schema() { return schema_of<::geoul::AlarmAcknowledgement>(); }
MessageSchema proposal_schema() { return schema_of<::geoul::CommandProposal>(); }
MessageSchema decision_schema() { return schema_of<::geoul::CommandDecision>(); }
MessageSchema question_schema() { return schema_of<::geoul::AdviceQuestion>(); }

Result<AlarmAcknowledgement> parse_acknowledgement(std::string_view bytes) {
  const Result<::geoul::AlarmAcknowledgement> message =
      parse<::geoul::AlarmAcknowledgement>(bytes, "AlarmAcknowledgement");
  if (!message) return message.error();
  if (const std::string wrong = wrong_with(message->note(), "the note", false); !wrong.empty())
    return bad("/alarms/acknowledge", wrong);
  return AlarmAcknowledgement{message->alarm(), message->note()};
}

Result<CommandProposal> parse_proposal(std::string_view bytes) {
  const Result<::geoul::CommandProposal> message = parse<::geoul::CommandProposal>(bytes, "CommandProposal");
  if (!message) return message.error();
  for (const auto& [text, what] : {std::pair{message->advice(), "the advice"}, {message->option(), "the option"}}) {
    if (const std::string wrong = wrong_with(text, what, true); !wrong.empty()) return bad("/commands/propose", wrong);
  }
  return CommandProposal{message->advice(), message->option()};
}

Result<CommandDecision> parse_decision(std::string_view bytes) {
  const Result<::geoul::CommandDecision> message = parse<::geoul::CommandDecision>(bytes, "CommandDecision");
  if (!message) return message.error();
  if (const std::string wrong = wrong_with(message->command(), "the command", true); !wrong.empty())
    return bad("/commands/decide", wrong);
  if (const std::string wrong = wrong_with(message->reason(), "the reason", !message->approve()); !wrong.empty())
    return bad("/commands/decide", wrong);
  return CommandDecision{message->command(), message->approve(), message->reason()};
}

Result<AdviceQuestion> parse_question(std::string_view bytes) {
  const Result<::geoul::AdviceQuestion> message = parse<::geoul::AdviceQuestion>(bytes, "AdviceQuestion");
  if (!message) return message.error();
  if (const std::string wrong = wrong_with(message->text(), "the question", true); !wrong.empty())
    return bad("/advice/ask", wrong);
  return AdviceQuestion{message->text()};
}

}  // namespace geoul::runtime::oversight
