// Whether the twin may be believed: looks at what the plant shows beside what the twin predicted, signal by signal, and
// says in words when they part. Whoever decides must not send anything then (chain::Trust, Inputs::trusted).
//   contradiction  the mean of the last squares of (measured - predicted) / deviation is beyond what chance allows, or
//                  one value is; from the first value on
//   frozen         the same bits again and again while the twin predicts motion, or for longer than a sensor can be
//   still collapsed      the estimate claims to be better than the sensor can make it, or its deviation is no number
//   silent         no value for too long
#pragma once

#include <string>
#include <vector>

#include "geoul/core/time.h"

namespace geoul::decision::safety {

struct WatchedSignal {
  std::string name;
  double least_deviation = 1e-6;  // of an honest estimate [u]: what the sensor's noise and its resolution allow
  double moves = 0;               // predicted travel over which a live sensor must change [u]; 0: not looked at
  Duration longest_still{0};      // of the same bits; 0: any time (a signal without noise)
  Duration longest_silence{1'000'000'000};
};

enum class Fault : std::uint8_t { kNone, kContradiction, kFrozen, kCollapsed, kSilent };

class Watch {
 public:
  static constexpr int kWindow = 20;    // values in the mean
  static constexpr double kMean = 2.6;  // chance of a mean of 20 squares of a normal beyond it: 2e-5 a window
  static constexpr double kOne = 49;    // of one value: 7 deviations

  explicit Watch(std::vector<WatchedSignal> signals, Time now);
  // One value of signal i beside what the twin predicted for it, with the deviation that it claims.
  void observe(std::size_t i, Time when, double measured, double predicted, double deviation);
  // Looks at the clock. A fault stays until clear().
  bool trusted(Time now);
  Fault fault(std::size_t i) const { return states_[i].fault; }
  // Which signals, and what is wrong with each; empty where all is well.
  std::string words() const;
  // A person has looked.
  void clear(Time now);

 private:
  struct State {
    Fault fault = Fault::kNone;
    std::string words;
    double squares[kWindow] = {};
    int count = 0;
    double last = 0, predicted_low = 0, predicted_high = 0;  // since the value last changed
    Time changed, heard;
  };
  void fail(std::size_t i, Fault fault, const std::string& words);
  std::vector<WatchedSignal> signals_;
  std::vector<State> states_;
};

}  // namespace geoul::decision::safety
