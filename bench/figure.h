// What the figure programs of this folder share: lines for bench/figures, worlds to step, and the clock.
#pragma once

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"

namespace geoul::bench {

// One figure, as a JSON object on a line of its own (form: bench/figures --help).
inline void print(const std::string& name, double value, const char* unit, const char* sense, double bound) {
  std::printf(R"({"name": "%s", "value": )", name.c_str());
  std::isfinite(value) ? std::printf("%.6g", value) : std::printf("null");
  std::printf(R"(, "unit": "%s", "sense": "%s")", unit, sense);
  if (std::string(sense) != "report") std::printf(R"(, "bound": %.6g)", bound);
  std::puts("}");
  std::fflush(stdout);
}
inline void at_most(const std::string& name, double value, const char* unit, double bound) {
  print(name, value, unit, "max", bound);
}
inline void at_least(const std::string& name, double value, const char* unit, double bound) {
  print(name, value, unit, "min", bound);
}
inline void report(const std::string& name, double value, const char* unit) { print(name, value, unit, "report", 0); }

// CPU time of this thread [ns].
inline double thread_clock() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}
// Median over `rounds` of the thread's CPU time of one call [ns].
inline double nanoseconds(const std::function<void()>& call, int repeat, int rounds = 31) {
  std::vector<double> each;
  for (int r = 0; r < rounds; ++r) {
    const double begin = thread_clock();
    for (int i = 0; i < repeat; ++i) call();
    each.push_back((thread_clock() - begin) / repeat);
  }
  return median(each);
}

// A compiled scene with all that a step needs.
struct World {
  dynamics::Model model;
  dynamics::Data data;
  scene::State state;
  dynamics::Controls controls;
  dynamics::StepOptions options;

  World(dynamics::Model compiled, double dt, dynamics::Integrator integrator)
      : model(std::move(compiled)),
        data(make_data(model)),
        state(make_state(model)),
        controls(make_controls(model)),
        options{Duration::from_seconds(dt), integrator, 60, nullptr} {}

  dynamics::StepReport step() { return dynamics::step(model, options, controls, data, state); }
  // The worst of the steps' reports.
  dynamics::StepReport run(double seconds) {
    dynamics::StepReport worst;
    const auto steps = std::llround(seconds / options.dt.seconds());
    for (long long i = 0; i < steps; ++i) {
      const dynamics::StepReport report = step();
      worst.converged = worst.converged && report.converged;
      worst.finite = worst.finite && report.finite;
      worst.closure = std::max(worst.closure, report.closure);
    }
    return worst;
  }
  double energy() {
    forward_kinematics(model, state.q, state.v, data);
    return dynamics::energy(model, data, state.q, state.v).total();
  }
};

}  // namespace geoul::bench
