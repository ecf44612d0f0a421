// Figures of anomaly detection on real recordings: NAB's known causes beside Numenta's own detections, and events of a
// UR3 announced from the seconds before them. Prints nothing where ../shared/data/anomaly is absent.
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "bench/figure.h"
#include "geoul/estimation/anomaly/cobotops_files.h"
#include "geoul/estimation/anomaly/detector.h"
#include "geoul/estimation/anomaly/nab_files.h"
#include "geoul/estimation/anomaly/row_detector.h"

namespace {

using namespace geoul;
using namespace geoul::estimation::anomaly;
namespace fs = std::filesystem;

// Numenta HTM on the seven files: its published detections (github.com/numenta/NAB at ea702d7,
// results/numenta/realKnownCause) by our scorer, with the best threshold for these files and with its published one for
// the whole corpus (0.5421877; the sum of numenta_standard_scores.csv over them).
constexpr double kNumentaBest = 57.784, kNumentaCorpus = 55.468;

std::vector<NabFile> detect(const std::vector<NabSeries>& group) {
  std::vector<NabFile> files;
  for (const NabSeries& series : group) {
    NabFile file{series.name, {}, series.windows};
    Detector detector;
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      file.scores.push_back(detector.step(Time{series.time[i] * 1'000'000'000}, series.values[i]).score);
    }
    files.push_back(std::move(file));
  }
  return files;
}

void machine_temperature(const fs::path& nab, const NabFile& ours, const NabProfile& standard, double group_threshold) {
  const NabResult published =
      read_nab_result(nab / "results/numenta/realKnownCause/numenta_machine_temperature_system_failure.csv");
  const NabFile numenta{"numenta", published.scores, ours.windows};
  const double theirs = nab_score(numenta, standard, read_nab_threshold(nab, "numenta", "standard")).score;
  const double theirs_best = nab_best_threshold(std::span(&numenta, 1), standard).score;
  bench::report("estimation/anomaly/machine_temperature/numenta", theirs, "NAB points of 4");
  bench::report("estimation/anomaly/machine_temperature/numenta_best_threshold", theirs_best, "NAB points of 4");
  const NabScore group = nab_score(ours, standard, group_threshold);
  bench::at_least("estimation/anomaly/machine_temperature", group.score, "NAB points of 4", theirs);
  // A threshold for this file alone suits Numenta better than us.
  bench::report("estimation/anomaly/machine_temperature/best_threshold",
                nab_best_threshold(std::span(&ours, 1), standard).score, "NAB points of 4");
}

void known_causes(const fs::path& nab) {
  const std::vector<NabSeries> group = read_nab_group(nab, "realKnownCause");
  const NabProfile standard = read_nab_profile(nab, "standard");
  const std::vector<NabFile> files = detect(group);
  std::size_t windows = 0;
  double fixed = 0;
  for (const NabFile& file : files) {
    windows += file.windows.size();
    fixed += nab_score(file, standard, 0.5).score;
  }
  const NabOptimum best = nab_best_threshold(files, standard);
  bench::at_least("estimation/anomaly/nab_known_causes", nab_normalised(best.score, windows, standard), "of 100",
                  kNumentaBest);
  bench::at_least("estimation/anomaly/nab_known_causes/own_threshold", nab_normalised(fixed, windows, standard),
                  "of 100", kNumentaCorpus);
  for (const NabFile& file : files) {
    const NabScore score = nab_score(file, standard, best.threshold);
    bench::report("estimation/anomaly/" + file.name, score.score, "NAB points");
    bench::report("estimation/anomaly/" + file.name + "/windows_found",
                  static_cast<double>(score.found) / static_cast<double>(score.windows), "share");
    if (file.name.find("machine_temperature") != std::string::npos) {
      machine_temperature(nab, file, standard, best.threshold);
    }
  }
}

// Bounds: what was measured when this was written, less a tenth. With `quiet` the window holds no earlier event.
struct Task {
  const char* name;
  double horizon;  // [s]
  bool quiet;
  double stop_bound, grip_bound;
};
constexpr Task kTasks[] = {{"next_row", 1.5, false, 0.70, 0.61},
                           {"next_row/quiet_before", 1.5, true, 0.78, 0.54},
                           {"5_s", 5, false, 0.64, 0.55},
                           {"5_s/quiet_before", 5, true, 0.63, 0.50},
                           {"10_s", 10, false, 0.55, 0.48}};

void events(const CobotRecording& recording) {
  for (const bool stop : {true, false}) {
    for (const Task& task : kTasks) {
      const Announced r = announce(recording, stop ? recording.stop : recording.grip_lost, task.horizon, task.quiet);
      const std::string name =
          std::string("estimation/announce/") + (stop ? "protective_stop/" : "grip_lost/") + task.name;
      bench::at_least(name + "/auroc_low", r.blocks.low, "share", stop ? task.stop_bound : task.grip_bound);
      bench::report(name + "/auroc", r.rows.value, "share");
      bench::report(name + "/auroc_high", r.blocks.high, "share");
      bench::report(name + "/delong_low", r.rows.low, "share");
      bench::report(name + "/delong_high", r.rows.high, "share");
      const auto positives = static_cast<double>(r.rows.positives), negatives = static_cast<double>(r.rows.negatives);
      bench::report(name + "/base_rate", positives / (positives + negatives), "share");
      bench::report(name + "/precision", r.precision, "share");
      bench::report(name + "/recall", r.recall, "share");
      bench::report(name + "/false_alarms", r.false_alarms, "share");
      bench::report(name + "/events", static_cast<double>(r.events), "1");
      bench::report(name + "/events_announced", static_cast<double>(r.announced), "1");
    }
  }
}

// How strange the 19 signals together are in the rows of an event, without having been told of events.
void strangeness(const CobotRecording& recording) {
  const std::size_t columns = recording.rows.signals.size(), rows = recording.stop.size(), half = rows / 2;
  RowDetector detector(columns);
  std::vector<double> surprise;
  for (std::size_t i = 0; i < rows; ++i) {
    surprise.push_back(detector.step(std::span(recording.rows.values).subspan(i * columns, columns)).surprise);
  }
  for (const bool stop : {true, false}) {
    std::vector<std::uint8_t> during;
    std::vector<std::size_t> minute;
    for (std::size_t i = half; i < rows; ++i) {
      during.push_back((stop ? recording.stop : recording.grip_lost)[i] == Label::kYes);
      minute.push_back((i - half) / 60);
    }
    const Area area = block_bootstrap_area(std::span(surprise).subspan(half), during, minute, 1000, 1);
    const std::string name = std::string("estimation/anomaly/row_detector/during_") + (stop ? "stop" : "grip_lost");
    bench::report(name + "/auroc", area.value, "share");
    bench::report(name + "/auroc_low", area.low, "share");
    bench::report(name + "/auroc_high", area.high, "share");
  }
}

void costs() {
  Detector detector;
  RowDetector rows(19);
  std::vector<double> row(19);
  std::int64_t i = 0;
  const auto value = [&] { return static_cast<double>((i * 7919) % 1000) * 1e-3; };
  bench::report("estimation/anomaly/detector_step",
                bench::nanoseconds([&] { (void)detector.step(Time{++i * 1'000'000'000}, value()); }, 2000), "ns");
  bench::report("estimation/anomaly/row_detector_step/19_signals",
                bench::nanoseconds(
                    [&] {
                      for (double& x : row) x = (++i, value());
                      (void)rows.step(row);
                    },
                    500),
                "ns");
}

}  // namespace

int main() {
  costs();
  const fs::path data = anomaly_data();
  if (!fs::exists(data)) {
    std::fprintf(stderr, "../shared/data/anomaly is absent: no figures of real recordings\n");
    return 0;
  }
  known_causes(data / "nab");
  const CobotRecording recording = read_cobotops(data / "ur3_cobotops/DatasetsTesting/Robot_Data/dataset_02052023.csv");
  strangeness(recording);
  events(recording);
}
