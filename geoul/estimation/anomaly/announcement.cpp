#include "geoul/estimation/anomaly/announcement.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr double kShort = 5;      // [s] of the window's end, a feature of its own
constexpr std::size_t kBack = 4;  // rows before the last, less the last: features of their own

enum class Horizon { kQuiet, kEvent, kUnknown };

class Maker {
 public:
  Maker(const Rows& rows, std::span<const Label> labels, std::size_t begin, std::size_t end,
        const AnnouncementOptions& options)
      : rows_(rows), labels_(labels), begin_(begin), end_(end), options_(options) {
    for (const std::string& signal : rows.signals) {
      const auto& changes = options.changes_only;
      changes_only_.push_back(std::find(changes.begin(), changes.end(), signal) != changes.end());
      std::vector<std::string> kinds = {"now", "mean of 5 s", "mean", "least", "most"};
      for (std::string& kind : kinds) kind += changes_only_.back() ? ", from the window's first" : "";
      kinds.push_back("deviation");
      for (std::size_t back = 1; back <= kBack; ++back) kinds.push_back(std::to_string(back) + " rows before");
      for (const std::string& kind : kinds) out_.features.push_back(signal + ": " + kind);
    }
  }

  Examples make() {
    std::size_t first = begin_;
    for (std::size_t row = begin_; row < end_; ++row) {
      if (row > begin_ && apart(row - 1, row)) broken_ = row;
      while (seconds(first, row) > options_.window) ++first;
      consider(first, row);
    }
    return std::move(out_);
  }

 private:
  double seconds(std::size_t from, std::size_t to) const { return (rows_.time[to] - rows_.time[from]).seconds(); }
  bool apart(std::size_t from, std::size_t to) const { return seconds(from, to) > options_.gap; }
  bool calm(std::size_t row) const { return labels_[row] == Label::kNo; }

  Horizon look_ahead(std::size_t row) const {
    for (std::size_t next = row + 1; next < end_; ++next) {
      if (apart(next - 1, next)) return Horizon::kUnknown;
      if (seconds(row, next) > options_.horizon) return Horizon::kQuiet;
      if (labels_[next] == Label::kYes) return Horizon::kEvent;
      if (labels_[next] == Label::kUnknown) return Horizon::kUnknown;
      if (seconds(row, next) == options_.horizon) return Horizon::kQuiet;
    }
    return Horizon::kUnknown;
  }

  void consider(std::size_t first, std::size_t row) {
    if (!calm(row)) {
      ++out_.in_event;
      return;
    }
    // The window is whole where rows without a gap reach back over nearly all of it.
    if (broken_ > first || seconds(first, row) < options_.window - options_.gap) {
      ++out_.no_window;
      return;
    }
    const Horizon ahead = look_ahead(row);
    if (ahead == Horizon::kUnknown) {
      ++out_.no_horizon;
      return;
    }
    bool quiet = true;
    for (std::size_t i = first; i < row; ++i) quiet = quiet && calm(i);
    if (options_.quiet && !quiet) {
      ++out_.not_quiet;
      return;
    }
    describe(first, row);
    out_.row.push_back(row);
    out_.positive.push_back(ahead == Horizon::kEvent);
  }

  void describe(std::size_t first, std::size_t row) {
    const std::size_t n = rows_.signals.size();
    for (std::size_t c = 0; c < n; ++c) {
      const auto at = [&](std::size_t i) { return rows_.values[i * n + c]; };
      const double base = changes_only_[c] ? at(first) : 0;
      double sum = 0, squares = 0, low = at(row), high = at(row), short_sum = 0, short_count = 0;
      for (std::size_t i = first; i <= row; ++i) {
        const double d = at(i) - at(first);
        sum += d;
        squares += d * d;
        low = std::min(low, at(i));
        high = std::max(high, at(i));
        if (seconds(i, row) <= kShort) {
          short_sum += at(i);
          short_count += 1;
        }
      }
      const auto count = static_cast<double>(row - first + 1);
      const double mean = sum / count;
      const double variance = std::max(0.0, squares / count - mean * mean);
      out_.x.insert(out_.x.end(), {at(row) - base, short_sum / short_count - base, at(first) + mean - base, low - base,
                                   high - base, std::sqrt(variance)});
      for (std::size_t back = 1; back <= kBack; ++back) {
        out_.x.push_back(row >= first + back ? at(row - back) - at(row) : 0);
      }
    }
  }

  const Rows& rows_;
  std::span<const Label> labels_;
  std::size_t begin_, end_;
  const AnnouncementOptions& options_;
  std::vector<bool> changes_only_;
  std::size_t broken_ = 0;  // the first row after the last gap
  Examples out_;
};

}  // namespace

Examples announcement_examples(const Rows& rows, std::span<const Label> labels, std::size_t begin, std::size_t end,
                               const AnnouncementOptions& options) {
  GEOUL_EXPECTS(labels.size() == rows.time.size() && rows.values.size() == rows.time.size() * rows.signals.size());
  GEOUL_EXPECTS(begin <= end && end <= rows.time.size());
  GEOUL_EXPECTS(options.window > 0 && options.horizon > 0 && options.gap > 0);
  for (std::size_t i = begin; i + 1 < end; ++i) GEOUL_EXPECTS(rows.time[i] < rows.time[i + 1]);
  return Maker(rows, labels, begin, end, options).make();
}

}  // namespace geoul::estimation::anomaly
