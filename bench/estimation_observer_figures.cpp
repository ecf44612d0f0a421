// Figures of the observers of geoul/estimation: filters, the real Panda log, hidden causes, cost.
//   estimation_observer_figures [filter | panda | causes]
#include <array>
#include <cstring>

#include "bench/figure.h"
#include "scenarios/mechanics.h"
#include "scenarios/observers/cause_trial.h"
#include "scenarios/observers/estimator_trial.h"
#include "scenarios/observers/panda_trial.h"

namespace {

using namespace geoul;
using namespace geoul::estimation;
using namespace geoul::scenarios;

double percentile(std::vector<double> x, double share) {
  if (x.empty()) return std::nan("");
  std::sort(x.begin(), x.end());
  return x[std::min(x.size() - 1, static_cast<std::size_t>(share * static_cast<double>(x.size())))];
}

// 100 runs of 0.3 s of the seven-joint arm: consistency, errors and cost of both filters.
void filter_figures() {
  const dynamics::Model model = dynamics::compiled(scenarios::arm7());
  for (FilterMethod method : {FilterMethod::kExtended, FilterMethod::kCubature}) {
    const std::string name = std::string("filter/") + (method == FilterMethod::kExtended ? "extended" : "cubature");
    double nees = 0, v2 = 0, d2 = 0, count = 0;
    std::vector<double> cost;
    constexpr int kRuns = 100;
    for (int run = 0; run < kRuns; ++run) {
      EstimatorOptions options;
      options.method = method;
      options.position_deviation = 0.01, options.velocity_deviation = 0.05;
      TrialPlant plant(model, options, {}, 2000 + static_cast<std::uint64_t>(run));
      Estimator estimator(model, options, Time{});
      std::vector<Measurement> m;
      for (int i = 0; i < 300; ++i) {
        m.clear();
        plant.step(Duration{1'000'000});
        plant.measure(m);
        const double begin = bench::thread_clock();
        const Estimate& e = estimator.step(plant.time, m);
        cost.push_back((bench::thread_clock() - begin) * 1e-3);
        if (i < 50) continue;
        for (std::size_t k = 0; k < 7; ++k) {
          v2 += (e.state.v[k] - plant.v[k]) * (e.state.v[k] - plant.v[k]);
          d2 += (e.external[k] - plant.d[k]) * (e.external[k] - plant.d[k]);
          count += 1;
        }
      }
      nees += estimator.squared_error(plant.q, plant.v, plant.d) / kRuns;
    }
    // Chi-square of 21 degrees over 100 runs: 999 of 1000 means are within 3.3 sqrt(42 / 100) = 2.14.
    bench::at_most(name + "/mean_squared_error_off_21", std::abs(nees - 21), "", 2.14);
    bench::report(name + "/velocity_error", std::sqrt(v2 / count), "rad/s");
    bench::report(name + "/external_torque_error", std::sqrt(d2 / count), "N.m");
    bench::at_most(name + "/step_7_joints", bench::median(cost), "us", 200);
  }
  EstimatorOptions options;
  TrialPlant plant(model, options, {}, 1);
  Estimator estimator(model, options, Time{});
  std::vector<Measurement> m, late;
  std::vector<double> cost;
  for (int i = 0; i < 1000; ++i) {
    m.clear();
    plant.step(Duration{1'000'000});
    plant.measure(m);
    std::vector<Measurement> now = m;
    if (i % 10 == 0) now.insert(now.end(), late.begin(), late.end()), late.clear();
    if (i % 10 == 1) late = {m.back()}, now.pop_back();  // comes 9 ms late
    const double begin = bench::thread_clock();
    estimator.step(plant.time, now);
    if (i % 10 == 0) cost.push_back((bench::thread_clock() - begin) * 1e-3);
  }
  bench::report("filter/extended/step_with_9_ms_late", bench::median(cost), "us");
  MomentumObserver observer(model, {});
  bench::report("momentum_observer/step_7_joints",
                bench::nanoseconds([&] { observer.step(1e-3, plant.q, plant.v, plant.tau); }, 200) * 1e-3, "us");
}

// 1,000 steps of 1 N.m a joint, up or down, at random times of the second half of the real log.
bool panda_figures() {
  const auto cycles = read_panda_cycles(GEOUL_SOURCE_DIR);
  if (!cycles) return std::fputs("skipped: ../shared/data/panda_log is not on this machine\n", stderr), true;
  const long half = cycles->count() / 2;
  PandaModel model(dynamics::compiled(scenarios::arm7()), *cycles, half);
  const PandaFrames frames(*cycles, model);
  const TorqueWatchModel fitted = fit_torque_watch(panda_watch_options(), PandaCycles::kJoints, half, frames);
  TorqueWatch watch(fitted);
  int false_alarms = 0;
  std::array<double, PandaCycles::kJoints> largest{};
  const double begin = bench::thread_clock();
  for (long i = 0; i < cycles->count(); ++i) {
    false_alarms += watch.step(frames(i)).found;
    if (i < half) continue;
    for (std::size_t j = 0; j < largest.size(); ++j)
      largest[j] = std::max(largest[j], watch.score(static_cast<int>(j)));
  }
  bench::report("panda/step", (bench::thread_clock() - begin) * 1e-3 / static_cast<double>(cycles->count()), "us");
  bench::at_most("panda/false_alarms_whole_log", false_alarms, "", 0);
  for (int joint = 0; joint < PandaCycles::kJoints; ++joint) {
    const std::string name = "panda/joint" + std::to_string(joint + 1);
    const auto j = static_cast<std::size_t>(joint);
    Random random(9000 + static_cast<std::uint64_t>(joint));
    std::vector<long> onsets;
    for (int k = 0; k < 1000; ++k) onsets.push_back(half + random.integer(cycles->count() - half - 200));
    std::sort(onsets.begin(), onsets.end());
    TorqueWatch run(fitted);
    std::vector<double> delays;
    const long allowed = joint < 4 ? 100 : 20;
    long at = 0;
    for (long onset : onsets) {
      for (; at < onset; ++at) run.step(frames(at));
      const long delay = find_step(run, frames, joint, onset, random.uniform() < 0.5 ? -1 : 1, allowed);
      if (delay > 0) delays.push_back(static_cast<double>(delay));
    }
    bench::report(name + "/innovation", fitted.joints[j].sigma[0], "N.m");
    bench::report(name + "/largest_score_over_threshold", largest[j] / fitted.joints[j].threshold, "");
    bench::report(name + "/delay_median", percentile(delays, 0.5), "ms");
    bench::report(name + "/delay_p99", percentile(delays, 0.99), "ms");
    bench::at_most(name + "/missed_of_1000", 1000 - static_cast<double>(delays.size()), "", 0);
  }
  return true;
}

void cause_figures() {
  const dynamics::Model model = cause_trial_model();
  const ResidualDetector calibrated = calibrated_trial_detector(model, 120, 1);
  std::array<std::array<int, kCauses + 1>, kCauses> table{};
  constexpr int kTrials = 100;
  for (int c = 0; c < kCauses; ++c) {
    const auto row = static_cast<std::size_t>(c);
    int right = 0, place = 0, found = 0;
    std::vector<double> delays, errors;
    for (int k = 0; k < kTrials; ++k) {
      const auto seed = static_cast<std::uint64_t>(10'000 + 100 * c + k);
      const CauseTrialResult r = run_cause_trial(model, calibrated, static_cast<Cause>(c), seed);
      const bool good = r.found && !r.early && r.complete.revision == 1;
      ++table[row][good ? static_cast<std::size_t>(r.complete.causes[0].cause) : kCauses];
      if (!good) continue;
      ++found;
      delays.push_back(r.delay * 1e3);
      const bool first = r.complete.causes[0].cause == static_cast<Cause>(c);
      right += first, place += r.place_right;
      if (first) errors.push_back(std::abs(std::abs(r.complete.causes[0].size) - r.true_size) / r.true_size);
    }
    std::string name = std::string("causes/") + to_string(static_cast<Cause>(c));
    std::replace(name.begin(), name.end(), ' ', '_');
    bench::report(name + "/found", found, "%");
    bench::at_least(name + "/named_first", right, "%", 90);
    bench::report(name + "/place_right", place, "%");
    bench::report(name + "/delay_median", percentile(delays, 0.5), "ms");
    bench::report(name + "/delay_p99", percentile(delays, 0.99), "ms");
    bench::report(name + "/size_error_median", 100 * percentile(errors, 0.5), "%");
  }
  std::fprintf(stderr, "%-14s", "named first:");
  for (int c = 0; c < kCauses; ++c) std::fprintf(stderr, "%14s", to_string(static_cast<Cause>(c)));
  std::fprintf(stderr, "%14s\n", "not found");
  for (int c = 0; c < kCauses; ++c) {
    std::fprintf(stderr, "%-14s", to_string(static_cast<Cause>(c)));
    for (int count : table[static_cast<std::size_t>(c)]) std::fprintf(stderr, "%14d", count);
    std::fprintf(stderr, "\n");
  }
  double quiet = 0;
  for (std::uint64_t k = 0; k < 10; ++k) quiet += quiet_run(calibrated, model, 60, 800 + k) == 60;
  bench::at_least("causes/quiet_minutes_of_10", quiet, "", 9);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string which = argc > 1 ? argv[1] : "";
  if (which.empty() || which == "filter") filter_figures();
  if ((which.empty() || which == "panda") && !panda_figures()) return 1;
  if (which.empty() || which == "causes") cause_figures();
  return 0;
}
