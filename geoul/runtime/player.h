// Player: what makes the State of a running twin, step by step: a simulation, or a mirror of recordings. Who publishes,
// records or looks at a snapshot cannot tell which one made it.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "geoul/core/log.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/link/link.h"
#include "geoul/runtime/drag.h"
#include "geoul/runtime/report.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

struct SignalValue {
  double measured = std::numeric_limits<double>::quiet_NaN();   // NaN: nothing was measured
  double predicted = std::numeric_limits<double>::quiet_NaN();  // NaN: nothing was predicted
};

struct Snapshot {
  scene::State state;
  const scene::StateLayout* layout = nullptr;  // of the state; null: the twin's (joints that broke have no address)
  std::vector<WeldError> welds;                // (twin.welds)
  std::vector<SignalValue> signals;            // (Player::signals)
};

// A link and what it feeds.
struct LinkStatus {
  std::string id;
  link::LinkHealth health;
  std::vector<std::string> stale;  // columns that are not to be believed now
  std::size_t signals = 0;         // that it was asked for
};

struct PlayerWords {
  log::Level level = log::Level::kInfo;
  std::string text;
};

// What people should know later: a mark on the time line.
struct TwinEvent {
  Time time;
  int severity = 0;    // 0 info, 1 warning, 2 error
  std::string source;  // "link/plc"
  std::string name;    // "link-lost"
  std::string text;
};

class Player {
 public:
  virtual ~Player() = default;

  virtual const Snapshot& snapshot() const = 0;
  virtual const std::vector<link::SignalInfo>& signals() const = 0;
  // Goes one step on; false, and nothing changes, at the end.
  virtual bool step() = 0;
  // Instant of the snapshot after the next step; the present one at the end.
  virtual Time next_time() const = 0;
  virtual Time begin() const = 0;
  virtual Time end() const = 0;  // begin() where there is none
  virtual bool has_end() const = 0;
  virtual bool can_seek() const = 0;
  // To the last step at or before t. Needs can_seek().
  virtual void seek(Time t) = 0;
  virtual Duration dt() const = 0;         // of one step, nominal
  virtual std::string source() const = 0;  // what plays: "L0L1", "simulation"
  // The report so far, and a number that changes with it.
  virtual Report report() const = 0;
  virtual int report_version() const = 0;

  // Of a plant that runs by itself. While it is followed a step takes in what it sent, and the snapshot is the newest;
  // else the past is played, and receive() must be called beside.
  virtual bool is_live() const { return false; }
  virtual bool is_following() const { return false; }
  virtual void follow(bool) {}
  virtual bool receive() { return false; }  // takes in one more row, to be recorded; false: there is none
  virtual Duration look_again() const { return {5'000'000}; }  // when receive() may have one without a delivery
  virtual const Snapshot& newest() const { return snapshot(); }
  virtual std::vector<LinkStatus> links() const { return {}; }
  virtual void on_delivery(std::function<void()>) {}            // called from other threads
  virtual std::vector<PlayerWords> take_words() { return {}; }  // what the log should say
  // The newest events, by time, and a number that changes with them (0: it has none).
  virtual std::vector<TwinEvent> events() const { return {}; }
  virtual int event_version() const { return 0; }

  // Of simulations; recordings have none of it.
  virtual const dynamics::World* world() const { return nullptr; }
  virtual std::vector<ReportLine> figures() const { return {}; }  // newest residuals with their bounds
  virtual const Drags* drags() const { return nullptr; }
  virtual Result<void> drag(std::uint64_t, const Drag&) {
    return Error{ErrorCode::kUnsupported, "drag: a recording cannot be dragged, only a simulation (geoul sim)"};
  }
  virtual void release(std::uint64_t) {}  // what the client drags
};

}  // namespace geoul::runtime
