#include "geoul/runtime/anomalies.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "geoul/estimation/anomaly/detector.h"
#include "geoul/estimation/anomaly/row_detector.h"
#include "geoul/link/csv_source.h"
#include "geoul/runtime/files.h"
#include "geoul/runtime/svg_plot.h"

namespace geoul::runtime {
namespace {

namespace anomaly = estimation::anomaly;

constexpr std::size_t kMostTogether = 64;  // signals: the cost of a row grows with their cube
constexpr std::size_t kMostPanels = 6;     // signals in the picture
constexpr std::size_t kBuckets = 1000;     // points of a curve
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kTogether = "all together";

// What the detectors said of every row.
struct Watched {
  std::vector<std::vector<double>> score, expected;  // (ncolumn)(nrow); the last score is of all together
  std::vector<Anomaly> anomalies;
};

std::string words(anomaly::Reason reason) {
  switch (reason) {
    case anomaly::Reason::kSeason: return "unlike this time of the day and week";
    case anomaly::Reason::kShift: return "its level has shifted";
    case anomaly::Reason::kJump: return "unlike the hundred samples before";
  }
  return "";
}

std::string words(anomaly::RowReason reason) {
  switch (reason) {
    case anomaly::RowReason::kSpread: return "the signals do not go together as they did";
    case anomaly::RowReason::kShift: return "the signals have shifted against each other";
    case anomaly::RowReason::kStep: return "the signals do not change together as they did";
  }
  return "";
}

// Times from 1975 on are dates, others seconds.
std::string clock_text(Time time) {
  char out[48];
  if (time.ns < 5 * 365 * 86400LL * 1'000'000'000LL) {
    std::snprintf(out, sizeof out, "%.3f s", time.seconds());
    return out;
  }
  const std::time_t seconds = time.ns / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  const std::size_t n = std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &parts);
  if (const auto ms = static_cast<int>(time.ns % 1'000'000'000 / 1'000'000); ms > 0) {
    std::snprintf(out + n, sizeof out - n, ".%03d", ms);
  }
  return out;
}

std::string number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.5g", value);
  return out;
}

std::string choose_time_column(const std::vector<std::string>& names) {
  for (const char* usual : {"timestamp", "time", "t", "date", "datetime"}) {
    for (const std::string& name : names) {
      const bool same = name.size() == std::string_view(usual).size() &&
                        std::equal(name.begin(), name.end(), usual,
                                   [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
      if (same) return name;
    }
  }
  return names.front();
}

std::optional<link::Recording> read(const AnomaliesOptions& options, Diagnostics& diagnostics) {
  const std::optional<std::vector<std::string>> names = link::read_csv_header(options.file, diagnostics);
  if (!names) return std::nullopt;
  link::CsvOptions csv;
  csv.time_column = options.time_column.empty() ? choose_time_column(*names) : options.time_column;
  csv.time_unit = options.time_unit;
  csv.skip_bad_rows = options.skip_bad_rows;
  for (const std::string& name : options.columns.empty() ? *names : options.columns) {
    if (options.columns.empty() && name == csv.time_column) continue;
    if (std::find(csv.columns.begin(), csv.columns.end(), name) == csv.columns.end()) csv.columns.push_back(name);
  }
  if (csv.columns.empty()) {
    diagnostics.error({options.file, 1, csv.time_column}, "no-column", "there is no column beside the time",
                      "give a recording with the time and a signal");
    return std::nullopt;
  }
  return link::read_csv(options.file, csv, diagnostics);
}

Watched watch(const link::Recording& recording, double sensitivity) {
  const std::size_t rows = recording.rows(), columns = recording.columns.size();
  const bool together = columns >= 2 && columns <= kMostTogether;
  anomaly::DetectorOptions single;
  single.threshold /= sensitivity;
  std::vector<anomaly::Detector> detectors(columns, anomaly::Detector(single));
  anomaly::RowDetectorOptions of_rows;
  of_rows.threshold /= sensitivity;
  anomaly::RowDetector row_detector(together ? columns : 1, of_rows);
  Watched out;
  out.score.assign(columns + (together ? 1 : 0), std::vector<double>(rows, 0));
  out.expected.assign(columns, std::vector<double>(rows, kNone));
  std::vector<anomaly::Reading> readings(columns);
  for (std::size_t r = 0; r < rows; ++r) {
    const Time time = recording.time[r];
    for (std::size_t c = 0; c < columns; ++c) {
      const anomaly::Reading& reading = readings[c] = detectors[c].step(time, recording.value(r, c));
      out.score[c][r] = reading.score;
      out.expected[c][r] = reading.expected;
      if (reading.score < 0.5) continue;
      out.anomalies.push_back({time, recording.columns[c], reading.score, recording.value(r, c), reading.expected,
                               reading.deviation, words(reading.reason)});
    }
    if (!together) continue;
    const auto row = std::span(recording.values).subspan(r * columns, columns);
    const anomaly::RowReading reading = row_detector.step(row);
    out.score[columns][r] = reading.score;
    if (reading.score < 0.5) continue;
    const std::size_t c = reading.column;
    out.anomalies.push_back({time, kTogether, reading.score, row[c], readings[c].expected, readings[c].deviation,
                             words(reading.reason) + "; most by " + recording.columns[c]});
  }
  return out;
}

std::string as_text(const link::Recording& recording, const Watched& watched) {
  std::size_t widest = 6;
  for (const Anomaly& a : watched.anomalies) widest = std::max(widest, a.signal.size());
  std::string out;
  for (const Anomaly& a : watched.anomalies) {
    char line[64];
    std::snprintf(line, sizeof line, "%-23s  %.2f  ", clock_text(a.time).c_str(), a.score);
    out += line + a.signal + std::string(widest - a.signal.size(), ' ') + "  saw " + number(a.seen) + ", expected " +
           number(a.expected) + " within " + number(a.usual_distance) + ": " + a.reason + "\n";
  }
  const std::size_t found = watched.anomalies.size(), signals = recording.columns.size();
  out += found == 0 ? "nothing strange" : found == 1 ? "1 anomaly" : std::to_string(found) + " anomalies";
  out += " in " + std::to_string(recording.rows()) + " rows of " + std::to_string(signals) +
         (signals == 1 ? " signal\n" : " signals\n");
  return out;
}

std::string as_json(const link::Recording& recording, const Watched& watched) {
  nlohmann::json all = nlohmann::json::array();
  for (const Anomaly& a : watched.anomalies) {
    all.push_back({{"time", clock_text(a.time)},
                   {"time_s", a.time.seconds()},
                   {"signal", a.signal},
                   {"score", a.score},
                   {"seen", a.seen},
                   {"expected", a.expected},
                   {"usual_distance", a.usual_distance},
                   {"reason", a.reason}});
  }
  const nlohmann::json out = {{"rows", recording.rows()}, {"signals", recording.columns}, {"anomalies", all}};
  return out.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// Of each bucket of rows two points: the least and the most of the signal; what was expected; and the highest score.
std::string picture(const link::Recording& recording, const Watched& watched, const std::string& title) {
  const std::size_t rows = recording.rows(), per_bucket = (rows + kBuckets - 1) / kBuckets;
  const double seconds = (recording.time.back() - recording.time.front()).seconds();
  const double unit = seconds > 3 * 86400 ? 86400 : seconds > 3 * 3600 ? 3600 : 1;
  Plot plot{title,
            std::to_string(watched.anomalies.size()) + " anomalies, since " + clock_text(recording.time[0]),
            unit == 86400  ? "time [days]"
            : unit == 3600 ? "time [h]"
                           : "time [s]",
            {},
            {},
            {}};
  for (std::size_t c = 0; c < std::min(recording.columns.size(), kMostPanels); ++c) {
    PlotPanel panel{recording.columns[c], "", {{"expected", {}}, {"signal", {}}, {"anomaly", {}}}};
    PlotPanel scores{recording.columns[c] + ": score", "", {{"score", {}}, {"threshold", {}}}};
    for (std::size_t begin = 0; begin < rows; begin += per_bucket) {
      const std::size_t end = std::min(begin + per_bucket, rows);
      double low = recording.value(begin, c), high = low, score = 0;
      for (std::size_t r = begin; r < end; ++r) {
        low = std::min(low, recording.value(r, c));
        high = std::max(high, recording.value(r, c));
        score = std::max(score, watched.score[c][r]);
      }
      const double span = (recording.time[end - 1] - recording.time[begin]).seconds();
      for (const double point : {0.25, 0.75}) {
        const double at = (recording.time[begin] - recording.time[0]).seconds() + point * span;
        if (c == 0) plot.x.push_back((per_bucket == 1 ? at + 1e-9 * seconds * point : at) / unit);
        const double value = point < 0.5 ? low : high;
        panel.series[0].y.push_back(watched.expected[c][begin]);
        panel.series[1].y.push_back(value);
        panel.series[2].y.push_back(score >= 0.5 ? value : kNone);
        scores.series[0].y.push_back(score);
        scores.series[1].y.push_back(0.5);
      }
    }
    plot.panels.push_back(std::move(panel));
    plot.panels.push_back(std::move(scores));
  }
  return to_svg(plot);
}

}  // namespace

Result<AnomaliesAnswer> find_anomalies(const AnomaliesOptions& options, Diagnostics& diagnostics) {
  if (!(options.sensitivity >= 0.1 && options.sensitivity <= 10)) {
    return Error{ErrorCode::kBadInput, "the sensitivity must lie between 0.1 and 10; 1 is usual"};
  }
  if (!(options.time_unit > 0 && std::isfinite(options.time_unit))) {
    return Error{ErrorCode::kBadInput, "the time unit must be a number of seconds above 0"};
  }
  const std::optional<link::Recording> recording = read(options, diagnostics);
  if (!recording) return diagnostics.to_error();
  constexpr std::size_t kLeast = 200;  // rows
  if (recording->rows() < kLeast) {
    return Error{ErrorCode::kBadInput, options.file + ": " + std::to_string(recording->rows()) +
                                           " rows are too few to learn what is usual; give " + std::to_string(kLeast) +
                                           " or more"};
  }
  Watched watched = watch(*recording, options.sensitivity);
  if (!options.plot.empty()) {
    const Result<void> written =
        write_file(options.plot, picture(*recording, watched, std::filesystem::path(options.file).filename().string()));
    if (!written) return written.error();
  }
  AnomaliesAnswer answer{{}, as_text(*recording, watched), as_json(*recording, watched)};
  answer.anomalies = std::move(watched.anomalies);
  return answer;
}

}  // namespace geoul::runtime
