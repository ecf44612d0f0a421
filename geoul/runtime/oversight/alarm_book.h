// AlarmBook: the alarms of a site, newest first. What is found again at the same place is the same alarm for as long as
// it is not over; what comes again afterwards is a new one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/runtime/oversight/records.h"

namespace geoul::runtime::oversight {

class AlarmBook {
 public:
  static constexpr std::size_t kMost = 200;  // kept; of more, the oldest that are over go first, then the oldest

  // changed: told each alarm as it now is, after every change.
  explicit AlarmBook(std::function<void(const Alarm&)> changed = {}) : changed_(std::move(changed)) {}

  // id and state are set here. Where an alarm at the same place is not over: it takes over size, causes and text, and
  // keeps its onset, its first detection and who has seen it. Returns its id.
  std::uint64_t raise(Alarm alarm);
  // Nothing where no alarm at that place is raised.
  void clear(const std::string& place, Time time);
  // kBadInput, in words: no such alarm, or it was seen already, by whom.
  Result<void> acknowledge(std::uint64_t id, const std::string& who, const std::string& note);

  std::span<const Alarm> alarms() const { return alarms_; }
  const Alarm* find(std::uint64_t id) const;
  std::uint64_t version() const { return version_; }  // changes with the list

 private:
  Alarm* open_at(const std::string& place);
  void tell(const Alarm& alarm);

  std::function<void(const Alarm&)> changed_;
  std::vector<Alarm> alarms_;
  std::uint64_t next_ = 1, version_ = 0;
};

}  // namespace geoul::runtime::oversight
