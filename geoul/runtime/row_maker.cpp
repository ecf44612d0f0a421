#include "geoul/runtime/row_maker.h"

#include <algorithm>
#include <bit>

#include "geoul/runtime/links.h"

namespace geoul::runtime {
namespace {

using history::put;

constexpr Duration kUsualPeriod{40'000'000};  // where the site gives none
constexpr std::int64_t kMostPatience = 20'000'000;
constexpr std::int64_t kGapPeriods = 3;
constexpr Duration kLeap{5'000'000'000};  // more than any network holds back

void put_numbers(const std::vector<double>& numbers, std::string& out) {
  for (const double x : numbers) put(std::bit_cast<std::uint64_t>(x), out);
}
void take_numbers(history::Taker& in, std::vector<double>& numbers) {
  for (double& x : numbers) x = std::bit_cast<double>(in.integer<std::uint64_t>());
}

}  // namespace

RowMakerOptions row_maker_options(const Site& site, const Bindings& bindings) {
  RowMakerOptions out;
  out.period = kUsualPeriod;
  for (auto spec = site.links.rbegin(); spec != site.links.rend(); ++spec) {
    if (spec->period.ns > 0) out.period = spec->period;
  }
  out.rows.tolerance = {out.period.ns / 2};
  out.rows.patience = {std::min(out.period.ns / 2, kMostPatience)};
  out.rows.stale_after.resize(bindings.columns.size());
  for (const LinkSpec& spec : site.links) {
    std::vector<std::size_t>& columns = out.feeds.emplace_back();
    for (std::size_t c = 0; c < bindings.columns.size(); ++c) {
      if (bindings.columns[c].source != spec.id) continue;
      columns.push_back(c);
      out.rows.stale_after[c] = stale_after(spec);
    }
  }
  return out;
}

RowMaker::RowMaker(const Bindings& bindings, RowMakerOptions options, std::vector<double> start, Time begin)
    : bindings_(bindings),
      options_(std::move(options)),
      rows_(bindings, options_.rows, start),
      clocks_(options_.feeds.size()),
      newest_{{begin, begin, std::move(start), bindings.columns.size()},
              std::vector<double>(bindings.joints.size(), 0.0)} {}

void RowMaker::update(std::size_t feed, const link::Update& update) {
  ++inputs_;
  const Time source = within_reach(update.source_time), receive = within_reach(update.receive_time);
  const std::size_t column = options_.feeds[feed][update.signal];
  // what turns bad does so on our clock, and tells nothing of the source's
  if (update.quality == link::Quality::kBad) return rows_.add(column, 0, update.quality, receive, receive);
  Clock& clock = clocks_[feed];
  // Between two updates a source's clock goes on as ours does, less what delays have grown: far more is a clock that
  // was set, or a first value that was old.
  const bool is_newer = !clock.known || source > clock.source;
  const bool leapt = clock.known && is_newer &&
                     (source - clock.source).seconds() - (receive - clock.receive).seconds() > kLeap.seconds();
  if (leapt) clock.anchor.reset(), ++leaps_;
  if (is_newer) clock.known = true, clock.source = source, clock.receive = receive;
  std::optional<Duration>& anchor = clock.anchor;
  if (!anchor) anchor = receive - source;
  const double value = bindings_.columns[column].unit.to_si(link::number_of(update.value));
  const Time ours = within_reach({source.ns + within_reach({anchor->ns}).ns});
  rows_.add(column, value, update.quality, ours, receive);
}

void RowMaker::set_anchor(std::size_t feed, std::optional<Duration> anchor) {
  ++inputs_;
  clocks_[feed].anchor = anchor;
  if (!anchor) clocks_[feed].known = false;
}

void RowMaker::close_row() {
  ++inputs_;
  rows_.close();
}

bool RowMaker::take() {
  std::optional<LiveRow> row = rows_.pop();
  if (!row) return false;
  const double elapsed = (row->time - newest_.row.time).seconds();
  // after a gap there is no telling
  const bool known = row_count_ > 0 && elapsed > 0 && elapsed < kGapPeriods * options_.period.seconds();
  for (std::size_t j = 0; j < bindings_.joints.size(); ++j) {
    const auto v = static_cast<std::size_t>(bindings_.joints[j].velocity);
    newest_.accelerations[j] = known ? (row->values[v] - newest_.row.values[v]) / elapsed : 0;
  }
  newest_.row = std::move(*row);
  ++row_count_;
  return true;
}

void RowMaker::save(std::string& out) const {
  put(inputs_, out);
  put(row_count_, out);
  put(leaps_, out);
  put(static_cast<std::uint32_t>(clocks_.size()), out);
  for (const Clock& clock : clocks_) {
    put(static_cast<std::uint8_t>((clock.anchor ? 1 : 0) | (clock.known ? 2 : 0)), out);
    put(clock.anchor.value_or(Duration{}).ns, out);
    put(clock.source.ns, out);
    put(clock.receive.ns, out);
  }
  put(static_cast<std::uint32_t>(newest_.row.values.size()), out);
  put(static_cast<std::uint32_t>(newest_.accelerations.size()), out);
  put(newest_.row.time.ns, out);
  put(newest_.row.receive_time.ns, out);
  put(static_cast<std::uint64_t>(newest_.row.stale), out);
  put_numbers(newest_.row.values, out);
  put_numbers(newest_.accelerations, out);
  rows_.save(out);
}

Result<void> RowMaker::restore(std::string_view bytes) {
  const Error damaged{ErrorCode::kBadInput, "the snapshot is damaged, or of another site"};
  history::Taker in(bytes);
  inputs_ = in.integer<std::uint64_t>();
  row_count_ = in.integer<std::uint64_t>();
  leaps_ = in.integer<std::uint64_t>();
  if (in.integer<std::uint32_t>() != clocks_.size()) return damaged;
  for (Clock& clock : clocks_) {
    const auto flags = in.integer<std::uint8_t>();
    const Duration anchor{in.integer<std::int64_t>()};
    clock.anchor = (flags & 1u) != 0 ? std::optional(anchor) : std::nullopt;
    clock.known = (flags & 2u) != 0;
    clock.source = within_reach({in.integer<std::int64_t>()});
    clock.receive = within_reach({in.integer<std::int64_t>()});
  }
  const auto width = in.integer<std::uint32_t>(), joints = in.integer<std::uint32_t>();
  if (width != newest_.row.values.size() || joints != newest_.accelerations.size()) return damaged;
  newest_.row.time = within_reach({in.integer<std::int64_t>()});
  newest_.row.receive_time = within_reach({in.integer<std::int64_t>()});
  newest_.row.stale = in.integer<std::uint64_t>();
  take_numbers(in, newest_.row.values);
  take_numbers(in, newest_.accelerations);
  if (!rows_.restore(in) || !in.done()) return damaged;
  return {};
}

}  // namespace geoul::runtime
