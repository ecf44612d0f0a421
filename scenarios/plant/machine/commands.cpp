#include "scenarios/plant/machine/commands.h"

namespace geoul::plant {
namespace {

constexpr std::size_t kRemembered = 4096;

}  // namespace

Answer CommandDesk::take(const Command& command, const std::function<Answer(const Command&)>& execute) {
  if (const auto known = answers_.find(command.number); known != answers_.end()) return newest_ = known->second;
  ++executed_;
  Answer answer = execute(command);
  answer.number = command.number;
  remember(answer);
  return newest_ = answer;
}

void CommandDesk::settle(const Answer& answer) {
  const auto known = answers_.find(answer.number);
  if (known == answers_.end()) return;
  known->second = answer;
  if (newest_.number == answer.number) newest_ = answer;
}

void CommandDesk::remember(const Answer& answer) {
  answers_[answer.number] = answer;
  order_.push_back(answer.number);
  if (order_.size() <= kRemembered) return;
  answers_.erase(order_.front());
  order_.pop_front();
}

}  // namespace geoul::plant
