#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "geoul/core/unix_time.h"
#include "geoul/link/csv_source.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

std::atomic<bool> told_to_end{false};

// The names of a header row, without quotes.
std::vector<std::string> header_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  for (char c = 0; in.get(c) && c != '\r' && c != '\n';) line.push_back(c);
  if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
  std::vector<std::string> names;
  std::size_t begin = 0;
  while (begin <= line.size()) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    std::string name = line.substr(begin, end - begin);
    std::erase(name, '"');
    names.push_back(name);
    begin = end + 1;
  }
  return names;
}

std::optional<link::Recording> read(const std::string& file, const std::vector<std::string>& columns,
                                    const PlayOptions& options, Diagnostics& diagnostics) {
  link::CsvOptions csv;
  csv.time_column = options.time_column;
  csv.time_unit = options.time_unit;
  csv.columns = columns;
  return link::read_csv(file, csv, diagnostics);
}

// Those that hold anything but numbers.
std::set<std::string> bad_columns(const std::string& file, const std::vector<std::string>& columns,
                                  const PlayOptions& options) {
  Diagnostics diagnostics;
  (void)read(file, columns, options, diagnostics);
  std::set<std::string> bad;
  for (const Finding& finding : diagnostics.findings()) {
    const bool is_column = std::find(columns.begin(), columns.end(), finding.where.path) != columns.end();
    if (finding.severity == Severity::kError && is_column) bad.insert(finding.where.path);
  }
  return bad;
}

}  // namespace

void add_play_options(CLI::App& app, PlayOptions& options) {
  app.add_option("files", options.files, "recordings in CSV, played one after the other")->required();
  app.add_option("--time-column", options.time_column, "column that holds the time")->capture_default_str();
  app.add_option("--time-unit", options.time_unit, "seconds of one unit of it")->capture_default_str();
  app.add_option("--columns", options.columns, "columns to play (default: all that hold numbers alone)")
      ->delimiter(',');
  app.add_option("--speed", options.speed, "recorded seconds a second")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--longest-gap", options.longest_gap, "longer pauses are cut to these seconds")->capture_default_str();
  app.add_flag("--loop", options.loop, "play from the start again until stopped");
}

Result<Rows> read_rows(const PlayOptions& options) {
  Rows rows;
  rows.columns = options.columns;
  if (rows.columns.empty()) {
    rows.columns = header_of(options.files.front());
    for (const std::string& file : options.files) {
      // a reader stops after some findings: what else is wrong shows when the first columns are gone
      for (std::set<std::string> bad = bad_columns(file, rows.columns, options); !bad.empty();
           bad = bad_columns(file, rows.columns, options)) {
        std::erase_if(rows.columns, [&bad](const std::string& name) { return bad.contains(name); });
        for (const std::string& name : bad)
          std::fprintf(stderr, "left out: column '%s' is not all numbers\n", name.c_str());
      }
    }
  }
  std::optional<Time> last;
  for (const std::string& file : options.files) {
    Diagnostics diagnostics;
    const auto recording = read(file, rows.columns, options, diagnostics);
    if (!recording) return diagnostics.to_error();
    for (std::size_t r = 0; r < recording->rows(); ++r) {
      const Duration pause = last ? recording->time[r] - *last : Duration{};
      const Duration longest = Duration::from_seconds(options.longest_gap);
      rows.pause.push_back(pause.ns < 0 || pause > longest ? longest : pause);
      last = recording->time[r];
    }
    rows.values.insert(rows.values.end(), recording->values.begin(), recording->values.end());
  }
  return rows;
}

void end_on_signals() {
  std::signal(SIGINT, [](int) { told_to_end = true; });
  std::signal(SIGTERM, [](int) { told_to_end = true; });
}

bool is_told_to_end() { return told_to_end; }

std::size_t play(const Rows& rows, const PlayOptions& options,
                 const std::function<bool(std::span<const double>, Time)>& emit) {
  end_on_signals();
  std::size_t played = 0;
  const auto start = std::chrono::steady_clock::now();
  const Time start_time = unix_now();
  auto due = start;
  do {
    for (std::size_t r = 0; r < rows.count(); ++r) {
      // The pause before the first row of a further round is that between two rows.
      const Duration pause = r == 0 && played > 0 && rows.count() > 1 ? rows.pause[1] : rows.pause[r];
      due += std::chrono::nanoseconds(std::llround(static_cast<double>(pause.ns) / options.speed));
      for (auto now = std::chrono::steady_clock::now(); now < due && !told_to_end;
           now = std::chrono::steady_clock::now()) {
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(due - now, std::chrono::milliseconds(100)));
      }
      if (told_to_end || !emit(rows.row(r), start_time + Duration{(due - start).count()})) return played;
      ++played;
    }
  } while (options.loop);
  return played;
}

}  // namespace geoul::plant
