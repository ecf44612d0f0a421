// Link: one live connection to a plant, whatever protocol it speaks. It connects by itself, comes back by itself, and
// delivers updates of the signals that it was asked for; all traffic is in threads of its own, so that the loop of the
// twin never waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"
#include "geoul/link/units.h"

namespace geoul::link {

// The unit in which a signal is taken, to be held against the one that the plant says at the connection.
struct ExpectedUnit {
  Unit unit;
  std::string text;          // as its owner wrote it; empty: nothing was written, and SI is taken
  bool any_quantity = true;  // false: the dimension counts even where nothing was written
};

// What all links are given. Names of signals are those of the protocol, each as the adapter's header says; a name that
// the plant does not have is a problem in the health, and its signal stays bad: the plant may offer it later.
struct LinkOptions {
  std::string id = {};                    // of the site file: "plant"
  std::vector<std::string> signals = {};  // asked for; Update::signal is the index here
  std::vector<ExpectedUnit> units = {};   // (signals), or empty: the plant's units are not looked at
  std::size_t capacity = 1u << 18;        // updates that wait to be taken; more are dropped, oldest first, and counted
  std::function<Time()> now = {};         // this machine's clock, UNIX; empty: the system's
};

enum class LinkState : std::uint8_t { kConnecting, kLive, kWaiting, kStopped };
std::string to_string(LinkState state);

// How a link is doing. Counts are since the start.
struct LinkHealth {
  LinkState state = LinkState::kStopped;
  std::string peer;           // "mqtts://broker:8883", without secrets
  std::string problem;        // newest, one line with its remedy; empty: none since the link is live
  Time retry_at;              // of kWaiting
  std::uint64_t updates = 0;  // delivered
  std::uint64_t lost = 0;     // that the plant sent and that never came, by its sequence numbers
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;  // older than one that came before, by source time or sequence number
  std::uint64_t dropped = 0;    // came, and were not taken in time
  std::uint64_t reconnects = 0;
  std::uint64_t clock_jumps = 0;  // source time that went back by more than a second
  double rate = 0;                // updates a second, over the last seconds
  Time last_receive;              // of the newest update; 0: none came
  bool has_clock = false;         // the source gives times, and enough came for the next four
  Duration clock_offset;          // this clock minus the source's, least delay included
  double clock_drift = 0;         // [s/s] how fast the offset grows
  Duration delay_median;          // beyond the least delay
  Duration delay_worst;
};

// What became of a write().
struct WriteOutcome {
  std::uint64_t ticket = 0;
  bool done = false;    // the plant acknowledged it; for a protocol that does not (RTDE): it was sent
  std::string message;  // why not, or what is not known of it
};

// What a plant offers, for "geoul link probe".
struct OfferedSignal {
  std::string name;  // as LinkOptions::signals takes it
  ValueType type = ValueType::kDouble;
  std::string unit;  // as the plant says; empty where it does not
  std::string description;
  bool can_write = false;
  std::string value;  // newest, in words; empty where none is known
};

class Link {
 public:
  virtual ~Link() = default;  // stops

  // Begins to connect, in the background, and goes on until stop(). Once.
  virtual void start() = 0;
  // Ends the connection as the protocol wishes, within two seconds. A stopped link delivers nothing more.
  virtual void stop() = 0;
  // Appends what came since the last call, in the order of arrival. Never waits.
  virtual void take(std::vector<Update>& updates) = 0;
  virtual void take_outcomes(std::vector<WriteOutcome>& outcomes) = 0;
  virtual LinkHealth health() const = 0;
  // Called from a thread of the link after each delivery; must return at once. Before start().
  virtual void on_delivery(std::function<void()> wake) = 0;
  // Asks the plant to take a value; the outcome comes by its ticket. kUnsupported where the protocol or the plant does
  // not write, kUnavailable where the link is not live: nothing is kept for later.
  virtual Result<std::uint64_t> write(const std::string& name, const Value& value) = 0;
  // Connects if need be, and lists what the plant offers; waits up to `patience`. Not from the loop. May be called
  // without start().
  virtual Result<std::vector<OfferedSignal>> browse(Duration patience) = 0;
};

}  // namespace geoul::link
