// LiveRows: turns the updates of live links, which come one by one, late, twice or not at all, into rows: one instant,
// one value a column. An update opens a row at its time; the row is done when all columns have come, when one comes
// that is clearly later, or when patience ends. Columns that did not come keep their last value until it is stale.
// Links that move no joint make no rows and none waits for them: their newest values are in the next one (where no link
// moves a joint, all make rows).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "geoul/history/little_endian.h"
#include "geoul/link/signal.h"
#include "geoul/runtime/bindings.h"

namespace geoul::runtime {

// Times beyond this (146 years before or after 1970) are taken for it, whatever a plant says: differences do not
// overflow.
inline Time within_reach(Time t) {
  constexpr std::int64_t kFarthest = (std::int64_t{1} << 62) - 1;
  return {std::clamp(t.ns, -kFarthest, kFarthest)};
}

struct LiveRow {
  Time time;                   // on our axis
  Time receive_time;           // of its first update
  std::vector<double> values;  // (Bindings::width()), SI; NaN where stale or bad, but for what moves joints
  std::size_t stale = 0;       // columns that are stale, bad or never came
};

struct LiveRowOptions {
  Duration tolerance{0};              // updates within this of a row's time belong to it
  Duration patience{10'000'000};      // by the receive time
  std::vector<Duration> stale_after;  // (columns)
};

class LiveRows {
 public:
  //   start  (Bindings::width()) values before anything came: positions of the joints, 0 for their velocities, NaN
  LiveRows(const Bindings& bindings, LiveRowOptions options, std::vector<double> start);

  // time and receive_time on our axis; value in SI. Bad updates and NaN turn the column bad.
  void add(std::size_t column, double value, link::Quality quality, Time time, Time receive_time);
  // The next row that is done at this time. Their times increase.
  std::optional<LiveRow> take(Time now);
  // The same in parts: whether the open row's patience has ended, its end, and the next row that is done.
  bool is_overdue(Time now) const { return done_.empty() && open_ && now - opened_at_ >= options_.patience; }
  void close() {
    if (open_) finish();
  }
  std::optional<LiveRow> pop();
  bool is_open() const { return open_; }
  // When the open row's patience ends; none where no row is open.
  std::optional<Time> due() const { return open_ ? std::optional(opened_at_ + options_.patience) : std::nullopt; }

  // Columns that are not to be believed at this time.
  std::vector<std::size_t> stale(Time now) const;
  // Updates that came after their row was done and were older than what their column held.
  std::uint64_t late() const { return late_; }

  // All that later rows depend on. No row may be done and not taken.
  void save(std::string& out) const;
  bool restore(history::Taker& in);  // false, and useless, where the bytes are none of save() with these bindings

 private:
  struct Column {
    Time time;  // of the value
    double value = 0;
    bool came = false, bad = true;
    bool moves = false;      // position or velocity of a joint
    bool makes_row = false;  // its link moves a joint
    double before = 0;       // the value before, of another time
    Time time_before;
    bool has_before = false;
  };
  bool is_stale(std::size_t column, Time now) const;
  void finish();

  const Bindings& bindings_;
  LiveRowOptions options_;
  std::vector<Column> columns_;
  std::vector<double> start_;
  std::vector<bool> fresh_;
  std::size_t fresh_count_ = 0, makes_row_count_ = 0;
  bool open_ = false;
  Time open_time_, opened_at_;
  std::optional<Time> last_time_;
  std::deque<LiveRow> done_;
  std::uint64_t late_ = 0;
};

}  // namespace geoul::runtime
