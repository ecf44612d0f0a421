#include "geoul/link/csv_link.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "geoul/core/nearest.h"
#include "geoul/link/intake_link.h"

namespace geoul::link {
namespace {

using Clock = std::chrono::steady_clock;

// The files as one stream, with the columns that are asked for and exist.
struct Stream {
  std::vector<std::uint32_t> signals;  // (ncolumn) of each column
  std::vector<Recording> files;
  std::string problem;  // of a column that is missing; empty where none is
  Duration lap;         // from the first row to the first of the next lap
};

Error first_error(const Diagnostics& diagnostics) { return diagnostics.to_error(); }

Result<Stream> read_stream(const CsvLinkOptions& options) {
  Diagnostics diagnostics;
  Stream stream;
  const auto header = read_csv_header(options.files.front(), diagnostics);
  if (!header) return first_error(diagnostics);
  CsvOptions csv{.time_column = options.time_column, .time_unit = options.time_unit, .period = options.period};
  const std::vector<std::string>& wanted = options.link.signals;
  for (std::uint32_t signal = 0; signal < wanted.size(); ++signal) {
    const bool is_there = std::find(header->begin(), header->end(), wanted[signal]) != header->end();
    if (is_there) {
      csv.columns.push_back(wanted[signal]);
      stream.signals.push_back(signal);
    } else if (stream.problem.empty()) {
      stream.problem = options.files.front() + ": no column '" + wanted[signal] + "'; " +
                       did_you_mean(wanted[signal], *header, "see its header row");
    }
  }
  for (const std::string& file : options.files) {
    auto recording = read_csv(file, csv, diagnostics);
    if (!recording) return first_error(diagnostics);
    if (!stream.files.empty() && recording->time.front() <= stream.files.back().time.back()) {
      return Error{ErrorCode::kBadInput, file +
                                             ": begins before the file before it ends; give the files in the order of "
                                             "their times"};
    }
    stream.files.push_back(std::move(*recording));
  }
  const std::vector<Time>& last = stream.files.back().time;
  const Duration step = last.size() > 1 ? last.back() - last[last.size() - 2] : Duration{40'000'000};
  stream.lap = last.back() - stream.files.front().time.front() + step;
  return stream;
}

class CsvLink final : public ThreadLink {
 public:
  explicit CsvLink(CsvLinkOptions options) : ThreadLink(options.link), options_(std::move(options)) {
    intake_.set_peer("file:" + options_.files.front() +
                     (options_.files.size() > 1 ? " and " + std::to_string(options_.files.size() - 1) + " more" : ""));
  }
  ~CsvLink() override { stop(); }
  Result<std::uint64_t> write(const std::string& name, const Value&) override {
    return Error{ErrorCode::kUnsupported, "'" + name + "' is of a recording, which takes no values"};
  }
  Result<std::vector<OfferedSignal>> browse(Duration) override {
    Diagnostics diagnostics;
    const auto header = read_csv_header(options_.files.front(), diagnostics);
    if (!header) return first_error(diagnostics);
    std::vector<OfferedSignal> offers;
    for (const std::string& name : *header) {
      if (!name.empty()) offers.push_back({name, ValueType::kDouble, "", "column", false, ""});
    }
    return offers;
  }

 private:
  void run() override {
    Backoff backoff(static_cast<std::uint64_t>(intake_.now().ns), options_.retry_first, options_.retry_longest);
    while (!stopping_) {
      intake_.set_connecting();
      const auto stream = read_stream(options_);
      if (stream) return play(*stream);
      const Duration pause = backoff.next();
      intake_.set_waiting(stream.error().message, intake_.now() + pause);
      stop_.wait(pause);
    }
  }

  void play(const Stream& stream) {
    intake_.set_live();
    if (!stream.problem.empty()) intake_.set_problem(stream.problem);
    const Clock::time_point begin = Clock::now();
    const Time first = stream.files.front().time.front();
    for (std::int64_t lap = 0; lap == 0 || options_.loop; ++lap) {
      for (const Recording& file : stream.files) {
        for (std::size_t row = 0; row < file.rows(); ++row) {
          const Time time = file.time[row] + stream.lap * lap;
          const double seconds = (time - first).seconds() / options_.speed;
          const auto due = begin + std::chrono::nanoseconds(std::llround(seconds * 1e9));
          const Duration left{std::chrono::nanoseconds(due - Clock::now()).count()};
          if (left.ns > 0) stop_.wait(left);
          if (stopping_) return;
          deliver(stream, file, row, time);
        }
      }
    }
    intake_.mark_all_bad();
    intake_.set_stopped();
    intake_.set_problem("the recording has ended; start again, or let it loop");
  }

  void deliver(const Stream& stream, const Recording& file, std::size_t row, Time time) {
    std::vector<Intake::Item> items;
    for (std::size_t c = 0; c < stream.signals.size(); ++c) {
      items.push_back({stream.signals[c], Value(file.value(row, c)), file.quality[row], time});
    }
    intake_.deliver(std::move(items));
  }

  const CsvLinkOptions options_;
};

}  // namespace

std::unique_ptr<Link> make_csv_link(CsvLinkOptions options) {
  GEOUL_EXPECTS(!options.files.empty() && !options.time_column.empty());
  GEOUL_EXPECTS(options.speed > 0 && options.time_unit > 0);
  return std::make_unique<CsvLink>(std::move(options));
}

}  // namespace geoul::link
