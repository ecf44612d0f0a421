#include "geoul/runtime/oversight/alarm_book.h"

#include <algorithm>

namespace geoul::runtime::oversight {

void AlarmBook::tell(const Alarm& alarm) {
  ++version_;
  if (changed_) changed_(alarm);
}

Alarm* AlarmBook::open_at(const std::string& place) {
  const auto it = std::find_if(alarms_.begin(), alarms_.end(), [&](const Alarm& alarm) {
    return alarm.place == place && alarm.state != AlarmState::kCleared;
  });
  return it == alarms_.end() ? nullptr : &*it;
}

const Alarm* AlarmBook::find(std::uint64_t id) const {
  const auto it = std::find_if(alarms_.begin(), alarms_.end(), [&](const Alarm& alarm) { return alarm.id == id; });
  return it == alarms_.end() ? nullptr : &*it;
}

std::uint64_t AlarmBook::raise(Alarm alarm) {
  if (Alarm* open = open_at(alarm.place)) {
    open->text = std::move(alarm.text);
    open->size = std::move(alarm.size);
    open->causes = std::move(alarm.causes);
    tell(*open);
    return open->id;
  }
  if (alarms_.size() >= kMost) {
    const auto over = std::find_if(alarms_.rbegin(), alarms_.rend(),
                                   [](const Alarm& one) { return one.state == AlarmState::kCleared; });
    alarms_.erase(over == alarms_.rend() ? alarms_.end() - 1 : std::prev(over.base()));
  }
  alarm.id = next_++;
  alarm.state = AlarmState::kRaised;
  alarms_.insert(alarms_.begin(), std::move(alarm));
  tell(alarms_.front());
  return alarms_.front().id;
}

void AlarmBook::clear(const std::string& place, Time time) {
  Alarm* open = open_at(place);
  if (!open) return;
  open->state = AlarmState::kCleared;
  open->cleared = time;
  tell(*open);
}

Result<void> AlarmBook::acknowledge(std::uint64_t id, const std::string& who, const std::string& note) {
  const auto bad = [&](const std::string& why) {
    return Error{ErrorCode::kBadInput, "alarm " + std::to_string(id) + ": " + why};
  };
  const Alarm* found = find(id);
  if (!found) return bad("there is none of that number");
  if (!found->acknowledged_by.empty()) return bad("was seen already, by " + found->acknowledged_by);
  Alarm& alarm = alarms_[static_cast<std::size_t>(found - alarms_.data())];
  alarm.acknowledged_by = who;
  alarm.note = note;
  if (alarm.state == AlarmState::kRaised) alarm.state = AlarmState::kAcknowledged;
  tell(alarm);
  return {};
}

}  // namespace geoul::runtime::oversight
