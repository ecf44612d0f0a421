#include "geoul/runtime/live_rows.h"

#include <bit>
#include <cmath>
#include <limits>
#include <set>

namespace geoul::runtime {

LiveRows::LiveRows(const Bindings& bindings, LiveRowOptions options, std::vector<double> start)
    : bindings_(bindings),
      options_(std::move(options)),
      columns_(bindings.columns.size()),
      start_(std::move(start)),
      fresh_(columns_.size(), false) {
  GEOUL_EXPECTS(start_.size() == bindings.width() && options_.stale_after.size() == columns_.size());
  for (const BoundJoint& joint : bindings_.joints) {
    columns_[static_cast<std::size_t>(joint.position)].moves = true;
    const auto velocity = static_cast<std::size_t>(joint.velocity);
    if (velocity < columns_.size()) columns_[velocity].moves = true;
  }
  std::set<std::string> moving;  // links
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].moves) moving.insert(bindings_.columns[c].source);
  }
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    columns_[c].makes_row = moving.empty() || moving.contains(bindings_.columns[c].source);
    makes_row_count_ += columns_[c].makes_row ? 1 : 0;
  }
}

void LiveRows::add(std::size_t index, double value, link::Quality quality, Time time, Time receive_time) {
  Column& column = columns_.at(index);
  if (quality == link::Quality::kBad || !std::isfinite(value)) {
    column.bad = true;
    return;
  }
  if (column.makes_row && open_ && time - open_time_ > options_.tolerance) finish();
  const bool is_late = last_time_ && time <= *last_time_;
  if (column.came && time < column.time) {
    ++late_;
    return;
  }
  if (column.makes_row && !open_ && !is_late) {
    open_ = true;
    open_time_ = time;
    opened_at_ = receive_time;
    fresh_.assign(fresh_.size(), false);
    fresh_count_ = 0;
  }
  if (column.came && time > column.time) {
    column.before = column.value;
    column.time_before = column.time;
    column.has_before = true;
  }
  column.value = value;
  column.time = time;
  column.came = true;
  column.bad = false;
  if (!column.makes_row || !open_ || fresh_[index]) return;
  fresh_[index] = true;
  if (++fresh_count_ == makes_row_count_) finish();
}

bool LiveRows::is_stale(std::size_t index, Time now) const {
  const Column& column = columns_[index];
  return column.bad || now - column.time > options_.stale_after[index];
}

std::vector<std::size_t> LiveRows::stale(Time now) const {
  std::vector<std::size_t> out;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (is_stale(c, now)) out.push_back(c);
  }
  return out;
}

void LiveRows::finish() {
  LiveRow row{open_time_, opened_at_, start_, 0};
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    const bool unusable = is_stale(c, open_time_);
    row.stale += unusable ? 1 : 0;
    if (!unusable) {
      row.values[c] = column.value;
    } else if (column.moves && column.came) {
      row.values[c] = column.value;  // a joint stays where it was last seen
    }
  }
  for (const BoundJoint& joint : bindings_.joints) {
    const auto p = static_cast<std::size_t>(joint.position), v = static_cast<std::size_t>(joint.velocity);
    const Column& position = columns_[p];
    if (v < columns_.size()) {
      if (is_stale(v, open_time_)) row.values[v] = 0;
    } else {
      const bool known = position.has_before && !is_stale(p, open_time_);
      row.values[v] = known ? (position.value - position.before) / (position.time - position.time_before).seconds() : 0;
    }
  }
  last_time_ = open_time_;
  open_ = false;
  done_.push_back(std::move(row));
}

std::optional<LiveRow> LiveRows::take(Time now) {
  if (is_overdue(now)) finish();
  return pop();
}

std::optional<LiveRow> LiveRows::pop() {
  if (done_.empty()) return std::nullopt;
  LiveRow row = std::move(done_.front());
  done_.pop_front();
  return row;
}

void LiveRows::save(std::string& out) const {
  GEOUL_EXPECTS(done_.empty());
  using history::put;
  put(static_cast<std::uint32_t>(columns_.size()), out);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column& column = columns_[c];
    const unsigned flags =
        (column.came ? 1u : 0u) | (column.bad ? 2u : 0u) | (column.has_before ? 4u : 0u) | (fresh_[c] ? 8u : 0u);
    put(static_cast<std::uint8_t>(flags), out);
    put(column.time.ns, out);
    put(std::bit_cast<std::uint64_t>(column.value), out);
    put(column.time_before.ns, out);
    put(std::bit_cast<std::uint64_t>(column.before), out);
  }
  put(static_cast<std::uint8_t>((open_ ? 1 : 0) | (last_time_ ? 2 : 0)), out);
  put(open_time_.ns, out);
  put(opened_at_.ns, out);
  put(last_time_.value_or(Time{}).ns, out);
  put(late_, out);
}

bool LiveRows::restore(history::Taker& in) {
  if (in.integer<std::uint32_t>() != columns_.size()) return false;
  fresh_count_ = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    const auto flags = in.integer<std::uint8_t>();
    column.came = (flags & 1u) != 0, column.bad = (flags & 2u) != 0, column.has_before = (flags & 4u) != 0;
    fresh_[c] = (flags & 8u) != 0;
    fresh_count_ += fresh_[c] ? 1 : 0;
    column.time = within_reach({in.integer<std::int64_t>()});
    column.value = std::bit_cast<double>(in.integer<std::uint64_t>());
    column.time_before = within_reach({in.integer<std::int64_t>()});
    column.before = std::bit_cast<double>(in.integer<std::uint64_t>());
  }
  const auto flags = in.integer<std::uint8_t>();
  open_ = (flags & 1u) != 0;
  open_time_ = within_reach({in.integer<std::int64_t>()});
  opened_at_ = within_reach({in.integer<std::int64_t>()});
  const Time last = within_reach({in.integer<std::int64_t>()});
  last_time_ = (flags & 2u) != 0 ? std::optional(last) : std::nullopt;
  late_ = in.integer<std::uint64_t>();
  done_.clear();
  return in.ok();
}

}  // namespace geoul::runtime
