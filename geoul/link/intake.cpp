#include "geoul/link/intake.h"

#include "geoul/core/unix_time.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace geoul::link {
namespace {

constexpr Duration kRateWindow{5'000'000'000};
constexpr Duration kRateBin{250'000'000};
constexpr Duration kClockJump{-1'000'000'000};
// Numbers this far behind the newest one belong to a repetition or a late message, not to a new count.
constexpr std::uint64_t kOldWindow = 32;

}  // namespace

double number_of(const Value& value) {
  switch (value.index()) {
    case 0: return std::get<double>(value);
    case 1: return static_cast<double>(std::get<std::int64_t>(value));
    case 2: return std::get<bool>(value) ? 1 : 0;
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

std::string to_string(ValueType type) {
  constexpr const char* kNames[] = {"double", "integer", "boolean", "text"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string to_string(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", std::get<double>(value));
  return text;
}

std::string to_string(LinkState state) {
  constexpr const char* kNames[] = {"connecting", "live", "waiting", "stopped"};
  return kNames[static_cast<std::size_t>(state)];
}

Intake::Intake(LinkOptions options) : options_(std::move(options)) {
  if (!options_.now) options_.now = unix_now;
  const std::size_t count = options_.signals.size();
  for (std::size_t i = 0; i < count; ++i) by_name_.emplace_back(options_.signals[i], static_cast<std::uint32_t>(i));
  std::sort(by_name_.begin(), by_name_.end());
  last_source_.assign(count, Time{std::numeric_limits<std::int64_t>::min()});
  last_value_.assign(count, Value());
  is_bad_.assign(count, true);
}

std::optional<std::uint32_t> Intake::find(std::string_view name) const {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  if (at == by_name_.end() || at->first != name) return std::nullopt;
  return at->second;
}

void Intake::append(std::uint32_t signal, Value value, Quality quality, std::optional<Time> source_time,
                    Time receive_time) {
  GEOUL_EXPECTS(signal < last_source_.size());
  if (!misfits_.empty() && misfits_.contains(signal)) quality = Quality::kBad;
  if (source_time && quality == Quality::kGood) {
    Time& last = last_source_[signal];
    const bool is_first = last.ns == std::numeric_limits<std::int64_t>::min();
    if (!is_first && *source_time - last < kClockJump) {
      ++health_.clock_jumps;
      clock_.reset();
      health_.problem = "the plant's clock went back by " +
                        std::to_string(std::llround((last - *source_time).seconds())) +
                        " s; its offset is estimated anew: check the plant's time server";
      std::fill(last_source_.begin(), last_source_.end(), Time{std::numeric_limits<std::int64_t>::min()});
      last = *source_time;
    } else if (!is_first && *source_time < last) {
      ++health_.reordered;
    } else {
      last = *source_time;
    }
    clock_.add(*source_time, receive_time);
  }
  last_value_[signal] = value;
  is_bad_[signal] = quality == Quality::kBad;
  ++health_.updates;
  health_.last_receive = receive_time;
  if (counts_.empty() || receive_time - counts_.back().first >= kRateBin) counts_.emplace_back(receive_time, 0);
  ++counts_.back().second;
  while (counts_.size() > 1 && receive_time - counts_.front().first > kRateWindow) counts_.pop_front();
  Update update{signal, quality, std::move(value), source_time.value_or(receive_time), receive_time};
  if (waiting_.size() < options_.capacity) {
    waiting_.push_back(std::move(update));
    return;
  }
  ++health_.dropped;
  if (waiting_.empty()) return;
  waiting_[oldest_] = std::move(update);
  oldest_ = (oldest_ + 1) % waiting_.size();
}

void Intake::deliver(std::uint32_t signal, Value value, Quality quality, std::optional<Time> source_time) {
  {
    const Time receive_time = now();
    const std::lock_guard lock(mutex_);
    append(signal, std::move(value), quality, source_time, receive_time);
  }
  if (wake_) wake_();
}

void Intake::deliver(std::vector<Item> items) {
  if (items.empty()) return;
  {
    const Time receive_time = now();
    const std::lock_guard lock(mutex_);
    for (Item& item : items) append(item.signal, std::move(item.value), item.quality, item.source_time, receive_time);
  }
  if (wake_) wake_();
}

void Intake::mark_bad(std::uint32_t signal) {
  {
    const Time receive_time = now();
    const std::lock_guard lock(mutex_);
    if (is_bad_.at(signal)) return;
    append(signal, last_value_[signal], Quality::kBad, std::nullopt, receive_time);
  }
  if (wake_) wake_();
}

void Intake::mark_all_bad() {
  for (std::uint32_t signal = 0; signal < is_bad_.size(); ++signal) mark_bad(signal);
}

namespace {

bool same_unit(const Unit& a, const Unit& b) {
  return a.dimension == b.dimension && std::abs(a.factor - b.factor) <= 1e-9 * std::abs(b.factor) &&
         std::abs(a.offset - b.offset) <= 1e-9 * std::max(1.0, std::abs(b.offset));
}

// What is wrong with a unit that the plant says, with the remedy; empty where nothing is, or where it cannot be told.
std::string misfit(const std::string& link, const std::string& signal, const std::string& text,
                   const ExpectedUnit& expected) {
  const Result<Unit> offered = parse_unit(text);
  if (!offered || offered->dimension == Dimension{}) return {};  // a unit that is not known, or a bare number
  const bool is_written = !expected.text.empty();
  const bool is_same_quantity = offered->dimension == expected.unit.dimension || (!is_written && expected.any_quantity);
  if (!is_same_quantity) {
    return "signal '" + signal + "' comes in " + text + ", and is taken for " +
           (is_written ? "'" + expected.text + "'" : to_string(expected.unit.dimension)) +
           ", another quantity: it is not used; bind another signal to it, or mend its unit";
  }
  Unit taken = expected.unit;
  taken.dimension = offered->dimension;
  if (same_unit(*offered, taken)) return {};
  return "signal '" + signal + "' comes in " + text + ", and is taken for " +
         (is_written ? "'" + expected.text + "'" : std::string("SI")) + ": it is not used; write 'unit: " + text +
         "' for it in the table 'signals' of link '" + link + "'";
}

}  // namespace

void Intake::offer_unit(std::uint32_t signal, std::string_view text) {
  if (options_.units.empty()) return;
  GEOUL_EXPECTS(signal < options_.units.size());
  std::string wrong = misfit(options_.id, options_.signals[signal], std::string(text), options_.units[signal]);
  const bool is_wrong = !wrong.empty();
  {
    const std::lock_guard lock(mutex_);
    if (is_wrong) {
      misfits_[signal] = std::move(wrong);
    } else {
      misfits_.erase(signal);
    }
  }
  if (is_wrong) mark_bad(signal);
}

Intake::Stream& Intake::stream_of(std::uint32_t id) {
  const auto at = std::find_if(streams_.begin(), streams_.end(), [&](const Stream& s) { return s.id == id; });
  return at != streams_.end() ? *at : streams_.emplace_back(Stream{id});
}

Intake::Sequence Intake::sequence(std::uint32_t stream, std::uint64_t number, std::uint64_t modulus) {
  const std::lock_guard lock(mutex_);
  Stream& s = stream_of(stream);
  if (!s.started) {
    s.started = true;
    s.last = number;
    return Sequence::kFirst;
  }
  const auto distance = [&](std::uint64_t from, std::uint64_t to) {
    return modulus == 0 ? to - from : (to + modulus - from) % modulus;
  };
  const std::uint64_t ahead = distance(s.last, number);
  if (ahead == 0) {
    ++health_.duplicated;
    return Sequence::kRepeated;
  }
  if (distance(number, s.last) <= kOldWindow) {
    ++health_.reordered;
    return Sequence::kOld;
  }
  s.last = number;
  if (ahead == 1) return Sequence::kNext;
  health_.lost += ahead - 1;
  return Sequence::kGap;
}

void Intake::restart_clock() {
  const std::lock_guard lock(mutex_);
  clock_.reset();
  std::fill(last_source_.begin(), last_source_.end(), Time{std::numeric_limits<std::int64_t>::min()});
}

void Intake::restart_sequence(std::uint32_t stream) {
  const std::lock_guard lock(mutex_);
  stream_of(stream).started = false;
}

void Intake::set_peer(std::string peer) {
  const std::lock_guard lock(mutex_);
  health_.peer = std::move(peer);
}

void Intake::set_connecting() {
  const std::lock_guard lock(mutex_);
  health_.state = LinkState::kConnecting;
}

void Intake::set_live() {
  {
    const std::lock_guard lock(mutex_);
    if (health_.state != LinkState::kLive) {
      health_.reconnects += was_live_ ? 1 : 0;
      was_live_ = true;
      health_.problem.clear();
    }
    health_.state = LinkState::kLive;
  }
  if (wake_) wake_();
}

void Intake::set_waiting(std::string problem, Time retry_at) {
  {
    const std::lock_guard lock(mutex_);
    health_.state = LinkState::kWaiting;
    health_.problem = std::move(problem);
    health_.retry_at = retry_at;
  }
  if (wake_) wake_();
}

void Intake::set_stopped() {
  const std::lock_guard lock(mutex_);
  health_.state = LinkState::kStopped;
}

void Intake::set_problem(std::string problem) {
  const std::lock_guard lock(mutex_);
  health_.problem = std::move(problem);
}

void Intake::count_lost(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  health_.lost += count;
}

void Intake::count_duplicated(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  health_.duplicated += count;
}

std::uint64_t Intake::next_ticket() {
  const std::lock_guard lock(mutex_);
  return ++ticket_;
}

void Intake::finish_write(WriteOutcome outcome) {
  {
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(std::move(outcome));
  }
  if (wake_) wake_();
}

void Intake::take(std::vector<Update>& updates) {
  const std::lock_guard lock(mutex_);
  const auto begin = waiting_.begin(), middle = begin + static_cast<std::ptrdiff_t>(oldest_);
  std::move(middle, waiting_.end(), std::back_inserter(updates));
  std::move(begin, middle, std::back_inserter(updates));
  waiting_.clear();
  oldest_ = 0;
}

void Intake::take_outcomes(std::vector<WriteOutcome>& outcomes) {
  const std::lock_guard lock(mutex_);
  std::move(outcomes_.begin(), outcomes_.end(), std::back_inserter(outcomes));
  outcomes_.clear();
}

LinkHealth Intake::health() const {
  const Time here = now();
  const std::lock_guard lock(mutex_);
  LinkHealth health = health_;
  if (health.problem.empty() && !misfits_.empty()) {
    health.problem = misfits_.begin()->second;
    if (misfits_.size() > 1) health.problem += " (and " + std::to_string(misfits_.size() - 1) + " more)";
  }
  std::uint64_t count = 0;
  Time since = here;
  for (const auto& [begin, updates] : counts_) {
    if (here - begin > kRateWindow) continue;
    since = std::min(since, begin);
    count += updates;
  }
  // a young window would show a burst as a rate: no less than one second
  health.rate = static_cast<double>(count) / std::max(1.0, (here - since).seconds());
  health.has_clock = clock_.known();
  if (health.has_clock) {
    health.clock_offset = clock_.offset();
    health.clock_drift = clock_.drift();
    health.delay_median = clock_.delay_median();
    health.delay_worst = clock_.delay_worst();
  }
  return health;
}

void Intake::on_delivery(std::function<void()> wake) { wake_ = std::move(wake); }

Duration Backoff::next() {
  const double whole = std::min(std::ldexp(first_.seconds(), std::min(attempt_, 60)), longest_.seconds());
  ++attempt_;
  return Duration::from_seconds(random_.uniform(0.5 * whole, whole));
}

}  // namespace geoul::link
