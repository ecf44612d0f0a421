#include "geoul/decision/safety/watch.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::decision::safety {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g", value);
  return text;
}

}  // namespace

Watch::Watch(std::vector<WatchedSignal> signals, Time now) : signals_(std::move(signals)), states_(signals_.size()) {
  for (const WatchedSignal& signal : signals_) GEOUL_EXPECTS(signal.least_deviation > 0);
  clear(now);
}

void Watch::clear(Time now) {
  for (State& state : states_) state = {}, state.heard = state.changed = now;
}

void Watch::fail(std::size_t i, Fault fault, const std::string& words) {
  if (states_[i].fault != Fault::kNone) return;  // the first one tells most
  states_[i].fault = fault, states_[i].words = signals_[i].name + " " + words;
}

void Watch::observe(std::size_t i, Time when, double measured, double predicted, double deviation) {
  GEOUL_EXPECTS(i < states_.size());
  State& s = states_[i];
  const WatchedSignal& signal = signals_[i];
  if (when < s.heard) return;  // out of order
  if (!(std::isfinite(deviation) && deviation >= signal.least_deviation)) {
    return fail(i, Fault::kCollapsed,
                "is claimed to be known to " + number(deviation) + ", better than the " +
                    number(signal.least_deviation) + " that the sensor allows");
  }
  if (!std::isfinite(measured) || !std::isfinite(predicted)) {
    return fail(i, Fault::kContradiction, "is no number, measured or predicted");
  }
  const bool fresh = s.count == 0 || measured != s.last;
  if (fresh) s.changed = when, s.predicted_low = s.predicted_high = predicted;
  s.predicted_low = std::min(s.predicted_low, predicted), s.predicted_high = std::max(s.predicted_high, predicted);
  if (signal.moves > 0 && s.predicted_high - s.predicted_low > signal.moves) {
    fail(i, Fault::kFrozen,
         "has not changed by a bit while the twin moved it by " + number(s.predicted_high - s.predicted_low) +
             ": the sensor is frozen");
  }
  if (signal.longest_still.ns > 0 && when - s.changed > signal.longest_still) {
    fail(i, Fault::kFrozen,
         "has not changed by a bit for " + number((when - s.changed).seconds()) + " s: the sensor is frozen");
  }
  const double square = (measured - predicted) * (measured - predicted) / (deviation * deviation);
  s.squares[s.count % kWindow] = square;
  ++s.count, s.last = measured, s.heard = when;
  double mean = 0;
  for (const double one : s.squares) mean += one / kWindow;
  if (square > kOne || mean > kMean) {
    fail(i, Fault::kContradiction,
         "is " + number(measured) + " where the twin predicts " + number(predicted) + " +- " + number(deviation) +
             ": the plant contradicts the model");
  }
}

bool Watch::trusted(Time now) {
  bool good = true;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Duration silence = now - states_[i].heard;
    if (silence > signals_[i].longest_silence) {
      fail(i, Fault::kSilent, "has not been heard for " + number(silence.seconds()) + " s");
    }
    good = good && states_[i].fault == Fault::kNone;
  }
  return good;
}

std::string Watch::words() const {
  std::string out;
  for (const State& state : states_) {
    if (state.fault != Fault::kNone) out += (out.empty() ? "" : "; ") + state.words;
  }
  return out;
}

}  // namespace geoul::decision::safety
