#include "geoul/estimation/anomaly/cobotops_files.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "geoul/estimation/anomaly/boosted_trees.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr std::size_t kFirstSignal = 2, kSignals = 19, kStop = 22, kGripLost = 23, kFields = 35;

[[noreturn]] void fail(const std::filesystem::path& file, std::size_t line, const std::string& what) {
  throw std::runtime_error(file.string() + ":" + std::to_string(line) + ": " + what);
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(';', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

// "2022-10-26T08:17:21.847Z"
Time to_time(const std::string& text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &y, &mo, &d, &h, &mi, &s, &ms) != 7) {
    throw std::runtime_error("'" + text + "' is no time");
  }
  using namespace std::chrono;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  const auto days = std::int64_t{sys_days(date).time_since_epoch().count()};
  return Time{((days * 86400 + h * 3600 + mi * 60 + s) * 1000 + ms) * 1'000'000};
}

double to_number(std::string text) {
  std::replace(text.begin(), text.end(), ',', '.');
  std::size_t end = 0;
  const double value = std::stod(text, &end);
  if (end != text.size()) throw std::runtime_error("'" + text + "' is no number");
  return value;
}

Label to_label(const std::string& text) {
  if (text == "True") return Label::kYes;
  if (text == "False") return Label::kNo;
  if (text.empty()) return Label::kUnknown;
  throw std::runtime_error("'" + text + "' is no label");
}

void add_row(const std::vector<std::string>& fields, CobotRecording& out) {
  const Time time = to_time(fields[1]);
  const auto signals = fields.begin() + kFirstSignal;
  if (std::any_of(signals, signals + kSignals, [](const std::string& text) { return text.empty(); })) {
    ++out.incomplete;
    return;
  }
  if (!out.rows.time.empty() && out.rows.time.back() >= time) {
    ++out.duplicated;
    return;
  }
  for (std::size_t c = 0; c < kSignals; ++c) out.rows.values.push_back(to_number(fields[kFirstSignal + c]));
  out.rows.time.push_back(time);
  out.stop.push_back(to_label(fields[kStop]));
  out.grip_lost.push_back(to_label(fields[kGripLost]));
}

constexpr std::size_t kFolds = 5, kApart = 40;  // rows between a fold and the rows it is judged by: window and horizon
constexpr double kFalseAlarms = 0.05;

std::vector<double> predict(const BoostedTrees& trees, const Examples& examples, std::size_t begin, std::size_t end) {
  std::vector<double> scores;
  for (std::size_t i = begin; i < end; ++i) scores.push_back(trees.predict(examples.example(i)));
  return scores;
}

// Scores of negative examples by trees that saw neither them nor their neighbours.
std::vector<double> negative_scores(const Examples& examples) {
  std::vector<double> scores;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    const std::size_t begin = fold * examples.size() / kFolds, end = (fold + 1) * examples.size() / kFolds;
    std::vector<double> x;
    std::vector<std::uint8_t> positive;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (i + kApart >= begin && i < end + kApart) continue;
      const auto example = examples.example(i);
      x.insert(x.end(), example.begin(), example.end());
      positive.push_back(examples.positive[i]);
    }
    const BoostedTrees trees = BoostedTrees::train(x, positive, examples.features.size());
    const std::vector<double> fold_scores = predict(trees, examples, begin, end);
    for (std::size_t i = begin; i < end; ++i) {
      if (examples.positive[i] == 0) scores.push_back(fold_scores[i - begin]);
    }
  }
  return scores;
}

// Rows, flagged rows and events at a threshold.
void operate(const Examples& test, const std::vector<double>& scores, std::span<const Label> labels, double threshold,
             Announced& out) {
  std::size_t hits = 0, false_alarms = 0;
  std::vector<std::size_t> events, announced;  // first rows
  for (std::size_t i = 0; i < test.size(); ++i) {
    const bool flagged = scores[i] > threshold;
    hits += flagged && test.positive[i] != 0;
    false_alarms += flagged && test.positive[i] == 0;
    if (test.positive[i] == 0) continue;
    std::size_t first = test.row[i] + 1;
    while (labels[first] != Label::kYes) ++first;
    if (events.empty() || events.back() != first) events.push_back(first);
    if (flagged && (announced.empty() || announced.back() != first)) announced.push_back(first);
  }
  out.events = events.size();
  out.announced = announced.size();
  out.precision = hits > 0 ? static_cast<double>(hits) / static_cast<double>(hits + false_alarms) : 0;
  out.recall = static_cast<double>(hits) / static_cast<double>(out.rows.positives);
  out.false_alarms = static_cast<double>(false_alarms) / static_cast<double>(out.rows.negatives);
}

}  // namespace

CobotRecording read_cobotops(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) fail(file, 0, "cannot be opened");
  CobotRecording out;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    const std::vector<std::string> fields = split(line);
    if (fields.size() != kFields) fail(file, number, "has another number of fields");
    if (number == 1) {
      out.rows.signals.assign(fields.begin() + kFirstSignal, fields.begin() + kFirstSignal + kSignals);
      continue;
    }
    ++out.lines;
    try {
      add_row(fields, out);
    } catch (const std::exception& e) {
      fail(file, number, e.what());
    }
  }
  return out;
}

Announced announce(const CobotRecording& recording, std::span<const Label> labels, double horizon, bool quiet) {
  AnnouncementOptions options{.horizon = horizon, .quiet = quiet};
  for (const std::string& signal : recording.rows.signals) {
    if (signal.starts_with("Temperature")) options.changes_only.push_back(signal);
  }
  const std::size_t rows = labels.size(), half = rows / 2;
  const Examples train = announcement_examples(recording.rows, labels, 0, half, options);
  const Examples test = announcement_examples(recording.rows, labels, half, rows, options);
  const BoostedTrees trees = BoostedTrees::train(train.x, train.positive, train.features.size());
  const std::vector<double> scores = predict(trees, test, 0, test.size());
  Announced out;
  out.train_rows = train.size();
  out.train_positives = static_cast<std::size_t>(std::count(train.positive.begin(), train.positive.end(), 1));
  out.rows = delong_area(scores, test.positive);
  std::vector<std::size_t> block;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const bool next = i > 0 && test.row[i] / 60 != test.row[i - 1] / 60;
    block.push_back(i == 0 ? 0 : block.back() + (next ? 1 : 0));
  }
  out.blocks = block_bootstrap_area(scores, test.positive, block, 1000, 1);
  std::vector<double> negatives = negative_scores(train);
  std::sort(negatives.begin(), negatives.end());
  const auto at = static_cast<std::size_t>((1 - kFalseAlarms) * static_cast<double>(negatives.size()));
  operate(test, scores, labels, negatives[at], out);
  return out;
}

}  // namespace geoul::estimation::anomaly
