// Oversight: the judgement of a followed plant beside its mirror. It watches every row, keeps the alarms, and rehearses
// what could be done about them. Nothing in it waits: rehearsals run in a thread of their own. Not thread-safe: of the
// loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/runtime/access/policy.h"
#include "geoul/runtime/oversight/adviser.h"
#include "geoul/runtime/oversight/alarm_book.h"
#include "geoul/runtime/oversight/expected_motion.h"
#include "geoul/runtime/oversight/messages.h"
#include "geoul/runtime/oversight/watcher.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime::oversight {

struct OversightOptions {
  WatcherOptions watcher;
  AdviceOptions advice;
  Duration look_ahead{6'000'000'000};
  std::size_t most_advice = 20;                  // kept; the oldest go
  std::function<void(const Alarm&)> on_alarm{};  // after every change, to be kept by a history
};

class Oversight {
 public:
  // All must outlive it.
  Oversight(const Twin& twin, const Bindings& bindings, OversightOptions options);

  // A new row of the plant, and what there is to do between rows.
  void observe(const scene::State& state, const RowMeasures& measures);
  void tick(Time now);

  // What people do; `who` was let in by the server. Errors are kBadInput with words for them.
  Result<void> acknowledge(const access::Identity& who, const AlarmAcknowledgement& seen);

  // What if: rehearsed with the motion that the plant is in; the answer comes with the advice.
  Result<void> ask(const AdviceQuestion& question);

  std::span<const Alarm> alarms() const { return alarms_.alarms(); }
  std::span<const Estimate> estimates() const { return watcher_.estimates(); }
  Time estimated() const { return newest_.time; }  // instant of the newest row
  std::span<const Advice> advice() const { return advice_; }
  Watcher::Phase phase() const { return watcher_.phase(); }
  // Numbers that change with the lists.
  std::uint64_t alarms_version() const { return alarms_.version(); }
  std::uint64_t advice_version() const { return advice_version_; }
  std::vector<PlayerWords> take_words() { return std::exchange(words_, {}); }

 private:
  void advise_on(const Alarm& alarm, std::uint64_t id, const scene::State& state);
  std::optional<AdviceRequest> request(const scene::State& state) const;
  void blame(const Alarm& alarm, AdviceRequest& request) const;
  void say(log::Level level, std::string text) { words_.push_back({level, std::move(text)}); }

  const Twin& twin_;
  const Bindings& bindings_;
  OversightOptions options_;
  Watcher watcher_;
  AlarmBook alarms_;
  std::vector<BoundJoint> joints_;  // by degree, as actions have them
  MotionMemory memory_;
  scene::BodyId tool_;
  std::unique_ptr<Twin> learnt_;      // what is rehearsed in, once the motors are known
  std::unique_ptr<Adviser> adviser_;  // in it
  std::vector<Advice> advice_;
  std::uint64_t advice_version_ = 0, next_advice_ = 1;
  std::pair<std::uint64_t, std::string> advised_;  // alarm and cause of the newest request
  std::vector<PlayerWords> words_;
  scene::State newest_;  // of the newest row
};

}  // namespace geoul::runtime::oversight
