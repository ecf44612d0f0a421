// The running twin: steps a player as clock and clients ask, and tells everyone. Shared by all jobs.
#pragma once

#include <atomic>
#include <functional>

#include "geoul/runtime/loop.h"
#include "geoul/runtime/publisher.h"
#include "geoul/runtime/twin_server.h"

namespace geoul::runtime {

struct LiveOptions {
  LoopOptions loop;
  const std::atomic<bool>* stop = nullptr;            // set by a signal handler: ends the run within 0.1 s
  std::function<void(const ClockStatus&)> on_status;  // five times a second
  std::function<void(const std::string&)> on_words;   // what a live player says: a link came, or went
  TwinServer* twin_server = nullptr;                  // is told every newest state; null: there is none
  std::function<void()> on_turn;                      // after each turn of the loop; must not wait
  std::function<bool(const ServiceCall&)> on_call;    // answers a call of a service of its own; false: it is none
  std::function<bool()> on_end;                       // the player has reached its end; true ends the run
};

// Runs until stop, or the end of the player with AtEnd::kStop. server may be null.
void run_live(Player& player, Publisher& publisher, Server* server, WallClock& clock, const LiveOptions& options);

}  // namespace geoul::runtime
