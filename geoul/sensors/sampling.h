// When a sensor measures, and what the truth was at that instant. A sensor samples at phase + k period (k whole,
// counted from Time 0, in exact nanoseconds), whatever the steps of the simulation or the rows of a recording are. It
// is shown one State after the other; samples that fell due since the last one are interpolated between the two:
//   IMU, force, torque   first order: straight line between the two states, in the sensor's own axes
//   encoder              third order: Hermite, from the positions and velocities of both
// The first State only gives a sample where it stands at a sampling instant itself.
#pragma once

#include <string>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::sensors {

struct Sampling {
  Duration period{1'000'000};
  Duration phase;    // of the sampling instants, in [0, period)
  Duration latency;  // from the instant to the arrival at the reader
};

// When a sample was taken, and when its reader gets it.
struct SampleTime {
  Time time;
  Time arrival;
};

// What a sensor remembers of the last State it was shown.
template <class Truth>
struct Shown {
  bool any = false;
  Time time;
  Truth truth{};
};

void validate(const Sampling& sampling, const Location& where, Diagnostics& diagnostics);

// Sampling instants in (shown, now], or [now, now] where nothing was shown yet: the first, and how many.
struct Due {
  Time first;
  std::int64_t count = 0;
};
// Errors: kBadInput where time ran backwards (restore the sensor's memory together with the state), or where more than
// kMostDue samples fell due at once (the clock jumped).
Result<Due> samples_due(const Sampling& sampling, bool any, Time shown, Time now, const std::string& sensor);
inline constexpr std::int64_t kMostDue = 1'000'000;

// Calls emit(SampleTime, double s, const Truth& before, const Truth& after) for every sample that is due, in order;
// s in [0, 1] is where it stands between the two. Then remembers `truth`. On an error nothing is called or changed.
template <class Truth, class Emit>
Result<void> each_sample(const Sampling& sampling, Time now, const Truth& truth, const std::string& sensor,
                         Shown<Truth>& shown, Emit emit) {
  const Result<Due> due = samples_due(sampling, shown.any, shown.time, now, sensor);
  if (!due) return due.error();
  const Truth before = shown.any ? shown.truth : truth;
  const Time begin = shown.any ? shown.time : now;
  for (std::int64_t i = 0; i < due->count; ++i) {
    const Time t = due->first + sampling.period * i;
    const double s = now > begin ? static_cast<double>((t - begin).ns) / static_cast<double>((now - begin).ns) : 1;
    emit(SampleTime{t, t + sampling.latency}, s, before, truth);
  }
  shown = {true, now, truth};
  return {};
}

// From a to b: exact at both ends, and everywhere where a equals b.
template <class V>
V between(double s, const V& a, const V& b) {
  return s < 1 ? a + s * (b - a) : b;
}

}  // namespace geoul::sensors
