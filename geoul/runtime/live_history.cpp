#include "geoul/runtime/live_history.h"

#include <algorithm>
#include <ctime>

#include "geoul/core/unix_time.h"
#include "geoul/history/little_endian.h"
#include "geoul/history/timeline.h"

namespace geoul::runtime {
namespace {

constexpr std::size_t kDelays = 4096;
constexpr std::size_t kMostKept = 10'000;
constexpr std::chrono::milliseconds kLook{200};  // at a retry that is due

std::string clock_time(Time time) {
  const std::time_t seconds = time.ns / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[32];
  std::strftime(out, sizeof(out), "%H:%M:%S", &parts);
  return out;
}

std::uint64_t sum(const std::vector<std::uint64_t>& counts) {
  std::uint64_t out = 0;
  for (const std::uint64_t count : counts) out += count;
  return out;
}

}  // namespace

LiveHistory::LiveHistory(LiveHistoryOptions options) : options_(std::move(options)), retry_(options_.retry_first) {
  if (!options_.now) options_.now = unix_now;
  options_.recorder.segment.span = options_.segment_span;
  overflow_.assign(options_.links.size(), 0);
}

Result<std::unique_ptr<LiveHistory>> LiveHistory::start(LiveHistoryOptions options, Diagnostics& diagnostics) {
  std::unique_ptr<LiveHistory> out(new LiveHistory(std::move(options)));
  if (Result<void> done = out->open(diagnostics); !done) return done.error();
  out->thread_ = std::thread([it = out.get()] { it->work(); });
  return out;
}

LiveHistory::~LiveHistory() { (void)finish(); }

// ---- of the loop ----

void LiveHistory::push(Item item) {
  const std::lock_guard guard(mutex_);
  if (queued_ >= 2 * options_.queue_bytes) return;
  queued_ += item.bytes();
  queue_.push_back(std::move(item));
  changed_.notify_one();
}

void LiveHistory::inputs(Batch batch) {
  {
    const std::lock_guard guard(mutex_);
    if (queued_ >= options_.queue_bytes) {
      if (sum(overflow_) == 0) overflow_from_ = batch.time;
      overflow_to_ = batch.time;
      for (std::size_t k = 0; k < batch.links.size(); ++k) overflow_[k] += batch.links[k];
      wants_snapshot_ = true;  // nothing goes on from here without one
      return;
    }
  }
  push({Item::Kind::kInputs, std::move(batch), {}});
}

bool LiveHistory::wants_snapshot(Time now, std::uint64_t inputs) const {
  if (wants_snapshot_) return true;
  if (inputs == snapshot_inputs_) return false;  // nothing has come
  return now - snapshot_at_ >= options_.snapshot_every || inputs - snapshot_inputs_ >= options_.snapshot_inputs;
}

void LiveHistory::snapshot(Time now, std::uint64_t inputs, Time time, std::string bytes) {
  {
    const std::lock_guard guard(mutex_);
    if (queued_ >= options_.queue_bytes) return;
  }
  wants_snapshot_ = false;
  snapshot_at_ = now, snapshot_inputs_ = inputs;
  push({Item::Kind::kSnapshot, {inputs, 0, time, {}, std::move(bytes), {}}, {}});
}

void LiveHistory::event(history::JournalEntry entry) { push({Item::Kind::kEvent, {}, std::move(entry)}); }

void LiveHistory::alarm(AlarmChange change, history::JournalEntry entry, std::string who) {
  const auto kind = change == AlarmChange::kRaised         ? Item::Kind::kRaise
                    : change == AlarmChange::kAcknowledged ? Item::Kind::kAcknowledge
                                                           : Item::Kind::kClear;
  push({kind, {}, std::move(entry), std::move(who)});
}

void LiveHistory::act(Time time, std::string actor, std::string action, std::string payload) {
  push({Item::Kind::kAct, {}, {time, 0, std::move(actor), std::move(action), std::move(payload), {}}});
}

std::vector<PlayerWords> LiveHistory::take_words() {
  const std::lock_guard guard(mutex_);
  return std::exchange(words_, {});
}

LiveHistoryFigures LiveHistory::figures() const {
  const std::lock_guard guard(mutex_);
  return figures_;
}

Result<void> LiveHistory::finish() {
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  return end_ ? Result<void>(*end_) : Result<void>();
}

// ---- of the thread ----

void LiveHistory::say(log::Level level, std::string text) {
  const std::lock_guard guard(mutex_);
  words_.push_back({level, "history: " + std::move(text)});
}

Result<void> LiveHistory::open(Diagnostics& diagnostics) {
  history::StoreOptions place;
  place.catalogue = options_.catalogue;
  place.site = options_.name;
  place.recorder = options_.recorder;
  place.most_bytes = options_.most_bytes;
  Result<history::Store> opened = history::Store::open(options_.folder, place, true, options_.now(), diagnostics);
  if (!opened) return opened.error();
  store_.emplace(std::move(*opened));
  return begin_run(diagnostics);
}

Result<void> LiveHistory::begin_run(Diagnostics& diagnostics) {
  history::RunRow run;
  run.name = options_.name, run.source = options_.source, run.started = options_.now();
  run.begin = run.end = run.started;
  run.setup.bytes = options_.setup;
  const Result<history::RunRow> begun = store_->begin_run(std::move(run), diagnostics);
  if (!begun) return begun.error();
  for (const auto& [topic, id] :
       {std::pair{history::kSnapshotTopic, &snapshot_channel_}, {history::kInputTopic, &input_channel_}}) {
    const Result<std::uint16_t> added = store_->recorder().add_channel({topic, "geoul", {}, {}, {}, {}});
    if (!added) return added.error();
    *id = *added;
  }
  auto journal = history::SiteJournal::open(*store_, begun->id);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);
  run_id_ = begun->id;
  run_begun_ = options_.now();
  next_input_.reset();
  wants_snapshot_ = true;
  const std::lock_guard guard(mutex_);
  figures_.recording = true;
  figures_.trouble.clear();
  return {};
}

Result<void> LiveHistory::end_run() {
  journal_.reset();
  return store_->end_run(run_begin_, newest_);
}

void LiveHistory::work() {
  std::unique_lock guard(mutex_);
  for (;;) {
    changed_.wait_for(guard, kLook, [&] { return stop_ || !queue_.empty(); });
    std::deque<Item> items = std::exchange(queue_, {});
    const bool over = stop_;
    if (sum(overflow_) > 0) {
      Batch lost{0, 0, overflow_to_, {}, {}, {}};
      for (std::uint64_t& count : overflow_) lost.links.push_back(static_cast<std::uint32_t>(std::exchange(count, 0)));
      const Time from = overflow_from_;
      guard.unlock();
      // what came before the queue was full is written first
      put(items);
      lose(lost, "the disk is slower than the plant; give the history a faster one, or bind fewer signals");
      loss_->from = std::min(loss_->from, from);
    } else {
      guard.unlock();
      put(items);
    }
    if (!store_ && !over && options_.now() >= retry_at_) try_again();
    std::size_t bytes = 0;
    for (const Item& item : items) bytes += item.bytes();
    items.clear();
    guard.lock();
    queued_ -= bytes;
    if (over && queue_.empty()) break;
  }
  guard.unlock();
  tell_loss();
  if (!store_) {
    end_ = Error{ErrorCode::kUnavailable, figures_.trouble};
    return;
  }
  if (const Result<void> done = end_run(); !done) end_ = done.error();
  store_.reset();
}

void LiveHistory::put(std::deque<Item>& items) {
  std::vector<const Item*> written;
  std::uint64_t last = 0;
  for (Item& item : items) {
    if (!item.is_record()) continue;
    const Result<void> done = put_record(item, written, last);
    if (done) continue;
    fail(done.error());
  }
  if (!store_) {
    for (const Item* item : written) lose(item->batch, {});
    written.clear();
  }
  if (last > 0 && store_) {
    if (const Result<void> done = store_->recorder().wait(last); done) {
      measure(written);
    } else {
      fail(done.error());
      for (const Item* item : written) lose(item->batch, {});
    }
  }
  if (loss_ && next_input_) tell_loss();
  for (Item& item : items) {
    if (item.is_record()) continue;
    if (store_) {
      const Result<void> done = put_entry(item);
      if (done) continue;
      fail(done.error());
    }
    kept_.size() < kMostKept ? kept_.push_back(item) : void(++kept_lost_);
  }
}

Result<void> LiveHistory::put_record(Item& item, std::vector<const Item*>& written, std::uint64_t& last) {
  const bool is_snapshot = item.kind == Item::Kind::kSnapshot;
  if (!store_) {
    if (!is_snapshot) lose(item.batch, {});
    return {};
  }
  if (is_snapshot) return put_snapshot(item, last);
  if (next_input_ != item.batch.first) {  // inputs before it were lost
    next_input_.reset();
    wants_snapshot_ = true;
    lose(item.batch, {});
    return {};
  }
  scratch_.clear();
  history::put(item.batch.first, scratch_);
  scratch_ += item.batch.bytes;
  newest_ = std::max(newest_, item.batch.time);
  const Time received = item.batch.received.ns > 0 ? item.batch.received : newest_;
  const Result<std::uint64_t> done = store_->recorder().write(input_channel_, newest_, received, scratch_);
  if (!done) return lose(item.batch, {}), done.error();
  last = *done;
  next_input_ = item.batch.first + item.batch.count;
  written.push_back(&item);
  return {};
}

Result<void> LiveHistory::put_snapshot(const Item& item, std::uint64_t& last) {
  const auto write = [&]() -> Result<void> {
    scratch_.clear();
    history::put(item.batch.first, scratch_);
    scratch_ += item.batch.bytes;
    newest_ = std::max(newest_, item.batch.time);
    const Result<std::uint64_t> done = store_->recorder().write(snapshot_channel_, newest_, newest_, scratch_);
    if (!done) return done.error();
    last = *done;
    return {};
  };
  // After a gap a run begins anew too, so that within a run nothing is missing.
  const bool goes_on = next_input_ == item.batch.first;
  const bool is_long = options_.now() - run_begun_ >= options_.run_length;
  if (run_begin_.ns != 0 && (is_long || !goes_on)) {
    if (goes_on) {
      if (Result<void> done = write(); !done) return done;
    }
    if (Result<void> done = end_run(); !done) return done;
    Diagnostics ignored;  // nothing is recovered in a folder that was just in use
    if (Result<void> done = begin_run(ignored); !done) return done;
    wants_snapshot_ = false;
    run_begin_ = {};
  }
  if (Result<void> done = write(); !done) return done;
  if (run_begin_.ns == 0) run_begin_ = newest_;
  next_input_ = item.batch.first;
  return {};
}

Result<void> LiveHistory::put_entry(const Item& item) {
  const history::JournalEntry& e = item.entry;
  const auto done = [](const Result<bool>& changed) { return changed ? Result<void>() : changed.error(); };
  switch (item.kind) {
    case Item::Kind::kEvent: return journal_->event(e);
    case Item::Kind::kRaise: return done(journal_->raise(e));
    case Item::Kind::kAcknowledge: return done(journal_->acknowledge(e.time, e.source, e.name, item.who));
    case Item::Kind::kClear: return done(journal_->clear(e.time, e.source, e.name, e.text));
    default: break;
  }
  const Result<history::AuditRow> noted = store_->note(e.time, e.source, e.name, e.text);
  return noted ? Result<void>() : noted.error();
}

void LiveHistory::lose(const Batch& batch, const std::string& why) {
  if (!loss_) {
    loss_.emplace(Loss{std::vector<std::uint64_t>(options_.links.size(), 0), batch.time, batch.time, why});
    if (!why.empty()) say(log::Level::kWarning, why + "; the twin goes on, what is not recorded is counted");
  }
  if (loss_->why.empty() && !store_) loss_->why = figures_.trouble;
  std::uint64_t count = 0;
  for (std::size_t k = 0; k < batch.links.size(); ++k) loss_->links[k] += batch.links[k], count += batch.links[k];
  loss_->to = std::max(loss_->to, batch.time);
  const std::lock_guard guard(mutex_);
  figures_.lost += count;
}

// In one line, and into the journal.
void LiveHistory::tell_loss() {
  if (!loss_) return;
  const std::uint64_t count = sum(loss_->links);
  if (count > 0) {
    std::string names, data;
    for (std::size_t k = 0; k < loss_->links.size(); ++k) {
      if (loss_->links[k] == 0) continue;
      names += (names.empty() ? "" : ", ") + options_.links[k] + " " + std::to_string(loss_->links[k]);
    }
    const std::string text = std::to_string(count) + " updates from " + clock_time(loss_->from) + " to " +
                             clock_time(loss_->to) + " UTC were not recorded (" + names +
                             "): " + (loss_->why.empty() ? "no snapshot had come" : loss_->why);
    say(log::Level::kWarning, text);
    Item item;
    item.kind = Item::Kind::kEvent;
    item.entry = {loss_->from, 2, "history", "not-recorded", text, {}};
    if (!store_ || !put_entry(item)) kept_.push_back(std::move(item));
  }
  loss_.reset();
}

void LiveHistory::fail(const Error& error) {
  if (!store_) return;
  journal_.reset();
  store_.reset();  // what was acknowledged stays in the journals, and is recovered when it is opened again
  next_input_.reset();
  run_begin_ = {};
  retry_at_ = options_.now() + retry_;
  retry_ = std::min(retry_ * 2, options_.retry_longest);
  const std::string text = error.message + "; free the disk, or check that it is there";
  {
    const std::lock_guard guard(mutex_);
    figures_.recording = false;
    figures_.trouble = text;
  }
  if (loss_ && loss_->why.empty()) loss_->why = text;
  say(log::Level::kError, text + ": the twin goes on, what is not recorded is counted, and recording is tried again");
}

void LiveHistory::try_again() {
  Diagnostics findings;
  const Result<void> done = open(findings);
  for (const Finding& finding : findings.findings()) say(log::Level::kWarning, to_string(finding));
  if (!done) {
    journal_.reset();
    store_.reset();
    retry_at_ = options_.now() + retry_;
    retry_ = std::min(retry_ * 2, options_.retry_longest);
    const std::lock_guard guard(mutex_);
    figures_.recording = false;
    figures_.trouble = done.error().message;
    return;
  }
  retry_ = options_.retry_first;
  say(log::Level::kInfo, "recording again, run " + std::to_string(run_id_));
  for (const Item& item : std::exchange(kept_, {})) {
    if (!put_entry(item)) ++kept_lost_;
  }
  if (kept_lost_ > 0) say(log::Level::kWarning, std::to_string(std::exchange(kept_lost_, 0)) + " events were not kept");
}

void LiveHistory::measure(const std::vector<const Item*>& written) {
  const Time now = options_.now();
  std::uint64_t count = 0;
  for (const Item* item : written) {
    count += item->batch.count;
    if (item->batch.received.ns == 0) continue;
    const std::int64_t delay = (now - item->batch.received).ns;
    delays_.size() < kDelays ? delays_.push_back(delay) : void(delays_[next_delay_] = delay);
    next_delay_ = (next_delay_ + 1) % kDelays;
  }
  const std::lock_guard guard(mutex_);
  figures_.durable += count;
  if (delays_.empty()) return;
  figures_.delay_worst = std::max(figures_.delay_worst, {*std::max_element(delays_.begin(), delays_.end())});
  if (next_delay_ % 64 != 0 && figures_.delay_p99.ns != 0) return;  // sorting is not for every batch
  std::vector<std::int64_t> sorted = delays_;
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() * 99 / 100);
  std::nth_element(sorted.begin(), at, sorted.end());
  figures_.delay_p99 = {*at};
}

}  // namespace geoul::runtime
