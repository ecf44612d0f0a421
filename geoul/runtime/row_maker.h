// RowMaker: all that lies between what links deliver and the rows of a live twin (clocks moved to one axis, staleness,
// rows, accelerations), as a machine that nothing but its inputs moves: no clock is read, nothing is asked of a link.
// The same inputs after the same snapshot make the same rows, bit for bit, while a plant runs and from a recording.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/signal.h"
#include "geoul/runtime/live_rows.h"

namespace geoul::runtime {

struct RowMakerOptions {
  LiveRowOptions rows;
  Duration period;                              // nominal; a gap is three of it
  std::vector<std::vector<std::size_t>> feeds;  // of each link: the column of each signal
};
// Those of a site, with the columns that each link feeds.
RowMakerOptions row_maker_options(const Site& site, const Bindings& bindings);

struct MadeRow {
  LiveRow row;
  std::vector<double> accelerations;  // (Bindings::joints) of the measured motion; 0 where there is no telling
};

class RowMaker {
 public:
  // The bindings must outlive it. start: (Bindings::width()) values before anything came, at the instant `begin`.
  RowMaker(const Bindings& bindings, RowMakerOptions options, std::vector<double> start, Time begin);

  // ---- the inputs ----
  // feed and signal must exist (has()).
  void update(std::size_t feed, const link::Update& update);
  // Our axis minus the source's clock: set anew at the next update (none), or slewed.
  void set_anchor(std::size_t feed, std::optional<Duration> anchor);
  void close_row();  // patience has ended

  bool has(std::size_t feed, std::size_t signal) const {
    return feed < options_.feeds.size() && signal < options_.feeds[feed].size();
  }
  bool has_feed(std::size_t feed) const { return feed < options_.feeds.size(); }
  const std::optional<Duration>& anchor(std::size_t feed) const { return clocks_[feed].anchor; }
  bool is_overdue(Time now) const { return rows_.is_overdue(now); }  // close_row() is due
  std::optional<Time> due() const { return rows_.due(); }            // when it will be; none where no row is open
  std::vector<std::size_t> stale(Time now) const { return rows_.stale(now); }

  // Times that a source's clock went ahead by more than five seconds; its anchor was set anew each time. (That it went
  // back, the link knows.)
  std::uint64_t leaps() const { return leaps_; }

  // ---- the rows ----
  // The next row that is done becomes the newest; false where there is none.
  bool take();
  const MadeRow& newest() const { return newest_; }  // before the first: the start
  std::uint64_t inputs() const { return inputs_; }   // so far
  std::uint64_t rows() const { return row_count_; }

  // All that later rows depend on, and the newest one. Every row that is done must have been taken.
  void save(std::string& out) const;
  // kBadInput where the bytes are none of save() with these bindings; the maker is of no use then.
  Result<void> restore(std::string_view bytes);

 private:
  const Bindings& bindings_;
  RowMakerOptions options_;
  LiveRows rows_;
  struct Clock {
    std::optional<Duration> anchor;
    bool known = false;    // the next two
    Time source, receive;  // of the newest update by source time
  };
  std::vector<Clock> clocks_;  // by feed
  std::uint64_t leaps_ = 0;
  MadeRow newest_;
  std::uint64_t inputs_ = 0, row_count_ = 0;
};

}  // namespace geoul::runtime
