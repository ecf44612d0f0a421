// Trials of the chain, for tests and bench: a chain and a plant's end on clocks that differ, on a network that loses,
// doubles, delays and reorders, with outages, and with crashes of both between any two of their steps. Everything that
// happens is a function of the seed.
#pragma once

#include <cstdint>

#include "geoul/core/time.h"

namespace geoul::decision::chain {

struct NetworkOptions {
  double loss = 0.2, doubled = 0.1;  // of messages
  Duration least_delay{1'000'000}, most_delay{600'000'000};
  int outages = 2;  // of `outage` each
  Duration outage{30'000'000'000};
  Duration clock_skew{1'000'000'000};  // the plant's clock is anywhere within +- this
  int commands = 6, crashes = 6;
  Duration busy{100'000'000'000}, quiet{90'000'000'000};  // commands begin within the first; no outage in the second
  // What must go wrong where it is true, so that the trial can fail.
  bool plant_forgets = false;  // the register and the log of the plant are lost in crashes
};

struct NetworkResult {
  int commands = 0, messages = 0, lost_messages = 0, crashes = 0;
  int acknowledged = 0, closed = 0, rolled_back = 0, refused = 0, expired = 0, withdrawn = 0;
  int lost = 0;        // acknowledged at the chain, and never applied at the plant
  int doubled = 0;     // applied more than once
  int forbidden = 0;   // applied without the approvals, or after a refusal
  int late = 0;        // applied after the command's expiry, by the true clock
  int unfinished = 0;  // not over at the end
  int apart = 0;       // targets at which the plant holds something else than the chain says
  int violations() const { return lost + doubled + forbidden + late + unfinished + apart; }
};
void add(NetworkResult& sum, const NetworkResult& one);

NetworkResult run_network_trial(std::uint64_t seed, const NetworkOptions& options = {});

}  // namespace geoul::decision::chain
