#include "geoul/runtime/oversight/desk.h"

namespace geoul::runtime::oversight {
namespace {

ServiceType type(const MessageSchema& schema) { return {schema.name, schema.encoding, schema.encoding, schema.data}; }

}  // namespace

Desk::Desk(Oversight& oversight, Publisher& publisher, Server* server)
    : oversight_(oversight), publisher_(publisher), server_(server) {
  publisher_.publish(TopicId::kAlarms, alarms_message(oversight_.alarms(), {}));
  publisher_.publish(TopicId::kAdvice, advice_message(oversight_.advice(), {}));
  if (!server_) return;
  acknowledge_ =
      server_->add_service({0, "/alarms/acknowledge", "geoul.AlarmAcknowledgement", type(acknowledgement_schema()),
                            type(alarms_schema()), access::Action::kOperate});
  ask_ = server_->add_service({0, "/advice/ask", "geoul.AdviceQuestion", type(question_schema()), type(advice_schema()),
                               access::Action::kOperate});
}

void Desk::publish(Time now, const std::function<void(const PlayerWords&)>& on_words) {
  oversight_.tick(now);
  for (const PlayerWords& words : oversight_.take_words()) {
    publisher_.publish_log(words.level, words.text);
    on_words(words);
  }
  if (alarms_ != oversight_.alarms_version()) {
    alarms_ = oversight_.alarms_version();
    publisher_.publish(TopicId::kAlarms, alarms_message(oversight_.alarms(), now));
  }
  if (advice_ != oversight_.advice_version()) {
    advice_ = oversight_.advice_version();
    publisher_.publish(TopicId::kAdvice, advice_message(oversight_.advice(), now));
  }
  const Time estimated = oversight_.estimated();
  if (estimated == estimated_ || oversight_.estimates().empty() || !publisher_.wants(TopicId::kEstimates)) return;
  estimated_ = estimated;
  publisher_.publish(TopicId::kEstimates, estimates_message(oversight_.estimates(), estimated));
}

bool Desk::answer(const ServiceCall& call, Time now) {
  if (!server_ || (call.service_id != acknowledge_ && call.service_id != ask_)) return false;
  const auto reply = [&](const Result<void>& done, const auto& message) {
    if (done) {
      server_->respond(call, message());
    } else {
      server_->fail(call, done.error().message);
    }
  };
  if (call.service_id == acknowledge_) {
    const Result<AlarmAcknowledgement> seen = parse_acknowledgement(call.payload);
    reply(seen ? oversight_.acknowledge(call.who, *seen) : Result<void>(seen.error()),
          [&] { return alarms_message(oversight_.alarms(), now); });
  } else {
    const Result<AdviceQuestion> question = parse_question(call.payload);
    reply(question ? oversight_.ask(*question) : Result<void>(question.error()),
          [&] { return advice_message(oversight_.advice(), now); });
  }
  return true;
}

}  // namespace geoul::runtime::oversight
