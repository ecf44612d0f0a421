// Intake: where the threads of a link deliver, and the loop takes. Keeps the health: rates, losses, clocks. Every link
// holds one; all functions may be called from any thread and never wait for more than a copy.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/link/clock_estimate.h"
#include "geoul/link/link.h"

namespace geoul::link {

class Intake {
 public:
  explicit Intake(LinkOptions options);

  const LinkOptions& options() const { return options_; }
  Time now() const { return options_.now(); }
  // Index of a signal that was asked for by this name.
  std::optional<std::uint32_t> find(std::string_view name) const;

  // Delivers. No source time: the source gave none, and the receive time stands for it. Several of one message share
  // the receive time: see Item. Only good values tell about the source's clock and the order: uncertain ones may be
  // old.
  void deliver(std::uint32_t signal, Value value, Quality quality, std::optional<Time> source_time = {});
  struct Item {
    std::uint32_t signal = 0;
    Value value;
    Quality quality = Quality::kGood;
    std::optional<Time> source_time;
  };
  // All items of one message, in their order, under one lock and with one receive time.
  void deliver(std::vector<Item> items);
  // Marks every signal bad, with its last value: the plant is gone, or has said so (Sparkplug's death).
  void mark_all_bad();
  void mark_bad(std::uint32_t signal);

  // The plant says in which unit it sends a signal (Sparkplug's engUnit, OPC UA's EngineeringUnits). Where that is
  // known and not what is expected (LinkOptions::units), the signal is bad, whatever comes, until the plant says
  // otherwise; the health's problem is then one line with the remedy, behind any other problem.
  void offer_unit(std::uint32_t signal, std::string_view text);

  // A message number of the source, counting up by one modulo `modulus` (0: 2^64), for losses and repetitions.
  // Returns what it was; the numbers of `stream` (an id of the caller's) are watched by themselves.
  enum class Sequence : std::uint8_t { kFirst, kNext, kGap, kRepeated, kOld };
  Sequence sequence(std::uint32_t stream, std::uint64_t number, std::uint64_t modulus);
  // The source's clock began anew, as it should: a device that counts from its start was switched on again. No jump.
  void restart_clock();
  // The source counts anew: after a birth or a reconnection.
  void restart_sequence(std::uint32_t stream);

  void set_peer(std::string peer);
  void set_connecting();
  void set_live();
  // Disconnected; tries again at retry_at. The problem is one line with its remedy, without secrets.
  void set_waiting(std::string problem, Time retry_at);
  void set_stopped();
  // Something is wrong that does not end the connection; said once until it changes.
  void set_problem(std::string problem);
  void count_lost(std::uint64_t count);
  void count_duplicated(std::uint64_t count);

  std::uint64_t next_ticket();
  void finish_write(WriteOutcome outcome);

  void take(std::vector<Update>& updates);
  void take_outcomes(std::vector<WriteOutcome>& outcomes);
  LinkHealth health() const;
  void on_delivery(std::function<void()> wake);  // before any thread delivers

 private:
  struct Stream {
    std::uint32_t id = 0;
    bool started = false;
    std::uint64_t last = 0;
  };
  void append(std::uint32_t signal, Value value, Quality quality, std::optional<Time> source_time, Time receive_time);
  Stream& stream_of(std::uint32_t id);

  LinkOptions options_;
  std::vector<std::pair<std::string, std::uint32_t>> by_name_;  // sorted
  std::function<void()> wake_;
  mutable std::mutex mutex_;
  // all below under the mutex
  std::vector<Update> waiting_;  // ring where it has grown to the capacity: begins at oldest_
  std::size_t oldest_ = 0;
  std::vector<WriteOutcome> outcomes_;
  LinkHealth health_;
  ClockEstimate clock_;
  std::vector<Time> last_source_;                 // (nsignal)
  std::vector<Value> last_value_;                 // (nsignal)
  std::vector<bool> is_bad_;                      // (nsignal)
  std::map<std::uint32_t, std::string> misfits_;  // signals whose unit does not fit, and what is to be said
  std::vector<Stream> streams_;
  std::deque<std::pair<Time, std::uint64_t>> counts_;  // of updates, for the rate
  std::uint64_t ticket_ = 0;
  bool was_live_ = false;
};

// Pauses between attempts to connect: doubling from `first` to `longest`, each drawn between half and the whole, so
// that a hundred twins do not knock at once.
class Backoff {
 public:
  explicit Backoff(std::uint64_t seed, Duration first = {250'000'000}, Duration longest = {30'000'000'000})
      : first_(first), longest_(longest), random_(seed) {}
  Duration next();
  void succeeded() { attempt_ = 0; }

 private:
  Duration first_, longest_;
  Random random_;
  int attempt_ = 0;
};

}  // namespace geoul::link
