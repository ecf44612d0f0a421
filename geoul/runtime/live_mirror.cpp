#include "geoul/runtime/live_mirror.h"

#include <algorithm>
#include <cmath>

#include "geoul/runtime/links.h"

namespace geoul::runtime {
namespace {

constexpr Duration kWatchPeriod{50'000'000};  // of links that deliver nothing
constexpr Duration kSlewPeriod{1'000'000'000};
constexpr Duration kSlew{500'000};  // at most this a period: 500 ppm, as NTP slews
constexpr Duration kReportPeriod{2'000'000'000};
constexpr Duration kFloodPeriod{10'000'000'000};  // between two words about dropped updates
constexpr std::size_t kBatchBytes = 256u << 10;
constexpr std::size_t kMostText = 1u << 20;  // of a text that is recorded; nothing is made of texts
constexpr std::size_t kMostEvents = 1000;
constexpr std::size_t kMostLast = 10'000;  // rows that are still taken in at the end

// What nothing measured counts nowhere.
void add_known(RunningFigures& figures, double x) {
  if (std::isfinite(x)) figures.add(x);
}

}  // namespace

LiveMirror::Asked LiveMirror::asked_of(const LinkSpec& spec, const Bindings& bindings) {
  Asked out;
  for (std::size_t c = 0; c < bindings.columns.size(); ++c) {
    if (bindings.columns[c].source != spec.id) continue;
    out.names.push_back(bindings.columns[c].name);
    out.columns.push_back(c);
    out.units.push_back(bindings.columns[c].expected);
  }
  return out;
}

LiveMirror::LiveMirror(const Twin& twin, const Site& site, Bindings bindings,
                       std::vector<std::unique_ptr<link::Link>> links, LiveMirrorOptions options)
    : twin_(twin),
      site_(site),
      bindings_(std::move(bindings)),
      options_(std::move(options)),
      newest_(twin_, site_, bindings_),
      past_(twin_, site_, bindings_),
      signals_(newest_.signals()),
      started_(options_.now()),
      period_(row_maker_options(site_, bindings_).period),
      maker_(bindings_, row_maker_options(site_, bindings_), start_values(twin_, bindings_), started_) {
  GEOUL_EXPECTS(links.size() == site.links.size());
  options_.currents.resize(bindings_.joints.size());
  torque_.resize(bindings_.joints.size());
  for (std::size_t k = 0; k < links.size(); ++k) {
    Followed feed;
    feed.link = std::move(links[k]);
    feed.id = site_.links[k].id;
    feed.columns = asked_of(site_.links[k], bindings_).columns;
    feeds_.push_back(std::move(feed));
  }
  // before the first row the twin stands at its start
  newest_.evaluate(started_, maker_.newest().row.values, maker_.newest().accelerations, measures_);
  newest_.fill_signals(measures_, options_.currents);
  for (Followed& feed : feeds_) {
    feed.link->on_delivery([this] {
      if (wake_) wake_();
    });
  }
  for (Followed& feed : feeds_) feed.link->start();
}

LiveMirror::~LiveMirror() {
  for (Followed& feed : feeds_) feed.link->stop();
}

void LiveMirror::record(LiveHistory* history) {
  history_ = history;
  inputs_.take();
  batch_ = {maker_.inputs(), 0, {}, {}, {}, std::vector<std::uint32_t>(feeds_.size(), 0)};
}

void LiveMirror::remember(std::unique_ptr<LivePast> past) {
  disk_ = std::move(past);
  const auto known = disk_->events(kMostEvents);
  if (!known) {
    words_.push_back({log::Level::kWarning, "history: " + known.error().message});
    return;
  }
  events_.clear();
  for (const history::EntryRow& row : *known)
    events_.push_back({row.time, static_cast<int>(row.severity), row.source, row.name, row.text});
  ++event_version_;
}

void LiveMirror::note(TwinEvent event) {
  if (history_) history_->event({event.time, event.severity, event.source, event.name, event.text, {}});
  if (events_.size() >= kMostEvents) events_.erase(events_.begin());
  events_.push_back(std::move(event));
  ++event_version_;
}

void LiveMirror::set_anchor(std::size_t feed, std::optional<Duration> anchor) {
  maker_.set_anchor(feed, anchor);
  if (history_) inputs_.anchor(feed, anchor);
}

// Updates of the plant are on its clock; our axis is moved against it by an anchor that is set once and then only
// slewed, so that the spacing of rows is the plant's own.
void LiveMirror::watch(Followed& feed) {
  const link::LinkHealth health = feed.link->health();
  const auto index = static_cast<std::size_t>(&feed - feeds_.data());
  const Time now = options_.now();
  const std::string source = "link/" + feed.id;
  const bool has_jumped = health.clock_jumps != feed.jumps;
  if (has_jumped) {
    feed.jumps = health.clock_jumps;
    set_anchor(index, std::nullopt);
    note({now, 1, source, "clock-jump", health.problem});
  }
  const std::optional<Duration> anchor = maker_.anchor(index);
  if (anchor && health.has_clock && now - feed.slewed >= kSlewPeriod) {
    feed.slewed = now;
    const std::int64_t off = (health.clock_offset - *anchor).ns;
    if (off != 0) set_anchor(index, *anchor + Duration{std::clamp(off, -kSlew.ns, kSlew.ns)});
  }
  const bool is_live = health.state == link::LinkState::kLive;
  const bool is_news = !health.problem.empty() && health.problem != feed.said;
  if (is_live && !feed.was_live) {
    words_.push_back({log::Level::kInfo, "link " + feed.id + ": live, " + health.peer});
    note({now, 0, source, "link-live", health.peer});
  }
  if (is_news) words_.push_back({log::Level::kWarning, "link " + feed.id + ": " + health.problem});
  if (!is_live && feed.was_live) {
    note({now, 2, source, "link-lost", health.problem.empty() ? "the link ended" : health.problem});
  } else if (is_news && !has_jumped && is_live) {
    note({now, 1, source, "link-problem", health.problem});
  }
  feed.said = health.problem;
  feed.was_live = is_live;
  watch_flood(feed, health, now);
}

void LiveMirror::watch_flood(Followed& feed, const link::LinkHealth& health, Time now) {
  if (health.dropped == feed.dropped || now - feed.dropped_at < kFloodPeriod) return;
  const std::string text = std::to_string(health.dropped - feed.dropped) +
                           " updates were dropped: they come faster than the twin takes them in; ask the plant for "
                           "fewer, or less often";
  feed.dropped = health.dropped, feed.dropped_at = now;
  words_.push_back({log::Level::kWarning, "link " + feed.id + ": " + text});
  note({now, 1, "link/" + feed.id, "flood", text});
}

void LiveMirror::take_in() {
  const bool is_due = options_.now() - watched_ >= kWatchPeriod;
  if (is_due) watched_ = options_.now();
  for (std::size_t k = 0; k < feeds_.size(); ++k) {
    Followed& feed = feeds_[k];
    updates_.clear();
    feed.link->take(updates_);
    if (is_due || !updates_.empty()) watch(feed);
    for (link::Update& update : updates_) {
      maker_.update(k, update);
      if (!history_) continue;
      if (auto* text = std::get_if<std::string>(&update.value); text && text->size() > kMostText)
        text->resize(kMostText);
      inputs_.update(k, update);
      ++batch_.links[k];
      if (batch_.received.ns == 0) batch_.received = update.receive_time;
      if (inputs_.bytes().size() >= kBatchBytes) hand_over();
    }
    if (maker_.leaps() == leaps_) continue;
    leaps_ = maker_.leaps();
    const std::string text =
        "the plant's clock went ahead by more than 5 s; its offset is set anew: check the plant's "
        "time server";
    words_.push_back({log::Level::kWarning, "link " + feed.id + ": " + text});
    note({options_.now(), 1, "link/" + feed.id, "clock-jump", text});
  }
}

// Gives the history what has come.
void LiveMirror::hand_over() {
  if (!history_ || inputs_.empty()) return;
  LiveHistory::Batch next{maker_.inputs(), 0, {}, {}, {}, std::vector<std::uint32_t>(feeds_.size(), 0)};
  batch_.count = next.first - batch_.first;
  batch_.time = maker_.newest().row.time;
  batch_.bytes = inputs_.take();
  history_->inputs(std::exchange(batch_, std::move(next)));
}

// Every row that is done has been taken.
void LiveMirror::save_if_due(Time now) {
  if (!history_ || !history_->wants_snapshot(now, maker_.inputs())) return;
  hand_over();
  std::string bytes;
  maker_.save(bytes);
  history_->snapshot(now, maker_.inputs(), maker_.newest().row.time, std::move(bytes));
}

void LiveMirror::settle(const std::function<void()>& on_row) {
  for (std::size_t rows = 0; rows < kMostLast && receive(); ++rows) {
    if (on_row) on_row();
  }
  while (maker_.take()) {
    accept();
    if (on_row) on_row();
  }
  if (!history_) return;
  std::string bytes;
  maker_.save(bytes);
  history_->snapshot(options_.now(), maker_.inputs(), maker_.newest().row.time, std::move(bytes));
}

bool LiveMirror::next_row(Time now) {
  if (maker_.is_overdue(now)) {
    maker_.close_row();
    if (history_) inputs_.close_row();
  }
  return maker_.take();
}

bool LiveMirror::receive() {
  const Time now = options_.now();
  bool row = next_row(now);
  if (!row) {
    save_if_due(now);
    take_in();
    row = next_row(now);
  }
  hand_over();
  if (now >= next_report_) {
    next_report_ = now + kReportPeriod;
    ++report_version_;
  }
  if (row) accept();
  return row;
}

Duration LiveMirror::look_again() const {
  const std::optional<Time> due = maker_.due();
  return due ? std::clamp(*due - options_.now(), Duration{0}, Player::look_again()) : Player::look_again();
}

void LiveMirror::accept() {
  const LiveRow& row = maker_.newest().row;
  keep(maker_.newest());
  newest_.evaluate(row.time, row.values, maker_.newest().accelerations, measures_);
  newest_.fill_signals(measures_, options_.currents);
  stale_rows_ += row.stale > 0 ? 1 : 0;
  for (std::size_t j = 0; j < bindings_.joints.size(); ++j) {
    const RowMeasures::JointRow& r = measures_.joints[j];
    add_known(torque_[j], r.along_measured - r.torque);
  }
  for (const RowMeasures::SiteRow& r : measures_.sites) add_known(pose_, norm(r.position - r.position_twin));
  weld_position_.add(measures_.weld_position);
  weld_rotation_.add(measures_.weld_rotation);
  latency_.add((options_.now() - row.receive_time).seconds());
  if (kept_.size() > 1) interval_.add((row.time - kept_[kept_.size() - 2].row.time).seconds());
  if (options_.on_row) options_.on_row(newest_.snapshot().state, measures_);
}

void LiveMirror::keep(const MadeRow& made) {
  const std::size_t row = sizeof(MadeRow) + (bindings_.width() + bindings_.joints.size()) * sizeof(double);
  while (!kept_.empty() && kept_.size() * row > options_.memory) {
    kept_.pop_front();
    cursor_ = cursor_ > 0 ? cursor_ - 1 : 0;
  }
  kept_.push_back(made);
}

Time LiveMirror::begin() const {
  const Time memory = kept_.empty() ? started_ : kept_.front().row.time;
  return disk_ && !disk_->empty() ? std::min(memory, disk_->begin()) : memory;
}

void LiveMirror::show_past() {
  const MadeRow& made = kept_[cursor_];
  past_.evaluate(made.row.time, made.row.values, made.accelerations, past_measures_);
  past_.fill_signals(past_measures_, options_.currents);
}

std::deque<MadeRow>::const_iterator LiveMirror::after(Time t) const {
  return std::upper_bound(kept_.begin(), kept_.end(), t,
                          [](Time at, const MadeRow& made) { return at < made.row.time; });
}

void LiveMirror::show_disk() {
  on_disk_ = true;
  const MadeRow& made = disk_->row();
  past_.evaluate(made.row.time, made.row.values, made.accelerations, past_measures_);
  past_.fill_signals(past_measures_, options_.currents);
}

// The oldest row of memory that is later than what is shown.
void LiveMirror::enter_memory() {
  const auto next = after(past_.snapshot().state.time) - kept_.begin();
  on_disk_ = false;
  cursor_ = std::min(static_cast<std::size_t>(next), kept_.size() - 1);
  show_past();
}

bool LiveMirror::step_on_disk() {
  const std::optional<Time> next = disk_->next_time();
  if (!next || (!kept_.empty() && *next >= kept_.front().row.time)) {
    if (kept_.empty()) return false;
    enter_memory();
    return true;
  }
  if (const Result<bool> done = disk_->step(); !done || !*done) {
    if (!done) words_.push_back({log::Level::kWarning, "history: " + done.error().message});
    return false;
  }
  show_disk();
  return true;
}

bool LiveMirror::step() {
  if (following_) return receive();
  if (on_disk_) return step_on_disk();
  if (cursor_ + 1 >= kept_.size()) return false;
  ++cursor_;
  show_past();
  return true;
}

Time LiveMirror::next_time() const {
  if (!following_ && on_disk_) {
    const std::optional<Time> next = disk_->next_time();
    const Time memory = kept_.empty() ? snapshot().state.time : kept_.front().row.time;
    return next ? std::min(*next, std::max(memory, snapshot().state.time)) : memory;
  }
  if (following_ || cursor_ + 1 >= kept_.size()) return snapshot().state.time;
  return kept_[cursor_ + 1].row.time;
}

void LiveMirror::seek(Time t) {
  GEOUL_EXPECTS(can_seek());
  following_ = false;
  on_disk_ = false;
  if (disk_ && (kept_.empty() || t < kept_.front().row.time)) {
    Result<void> done = t > disk_->end() ? disk_->refresh() : Result<void>();
    if (done) done = disk_->seek(t);
    // retention may have taken what was known: what is there now, once
    if (!done && disk_->refresh()) done = disk_->seek(t);
    if (done) return show_disk();
    words_.push_back({log::Level::kWarning, "history: " + done.error().message});
    if (kept_.empty()) return follow(true);
  }
  cursor_ = static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after(t) - kept_.begin()) - 1);
  show_past();
}

void LiveMirror::follow(bool on) {
  if (!on && following_ && !kept_.empty()) {
    cursor_ = kept_.size() - 1;
    on_disk_ = false;
    show_past();
  }
  following_ = on || (kept_.empty() && !on_disk_);
}

std::string LiveMirror::source() const {
  std::string out;
  for (const Followed& feed : feeds_) out += (out.empty() ? "" : ", ") + feed.id;
  return out;
}

std::vector<LinkStatus> LiveMirror::links() const {
  const Time now = options_.now();
  std::vector<LinkStatus> out;
  for (const Followed& feed : feeds_) {
    LinkStatus status{feed.id, feed.link->health(), {}, feed.columns.size()};
    out.push_back(std::move(status));
  }
  for (const std::size_t column : maker_.stale(now)) {
    const BoundColumn& bound = bindings_.columns[column];
    for (LinkStatus& status : out) {
      if (status.id == bound.source) status.stale.push_back(bound.column);
    }
  }
  return out;
}

std::vector<PlayerWords> LiveMirror::take_words() {
  std::vector<PlayerWords> out = std::exchange(words_, {});
  if (!history_) return out;
  for (PlayerWords& words : history_->take_words()) {
    if (words.level != log::Level::kInfo)
      events_.push_back(
          {options_.now(), words.level == log::Level::kError ? 2 : 1, "history", "recording", words.text}),
          ++event_version_;
    out.push_back(std::move(words));
  }
  return out;
}

Report LiveMirror::report() const {
  Report out;
  out.title = site_.name + ": the twin follows " + source() + ", " + std::to_string(rows()) + " rows";
  if (rows() == 0) return out;
  out.add("fixed-joint position error", weld_position_.max, "m", site_.judge.fixed_position);
  out.add("fixed-joint rotation error", weld_rotation_.max, "rad", site_.judge.fixed_rotation);
  for (std::size_t j = 0; j < torque_.size(); ++j) {
    if (torque_[j].n == 0) continue;
    out.add("torque along the measured motion, " + bindings_.joints[j].label, torque_[j].rms(), "N.m", kNoBound,
            "root of the mean square against the reference torque; the acceleration looks back only");
  }
  if (pose_.n > 0) out.add("pose error, largest", pose_.max, "m");
  out.add("rows with stale signals", static_cast<double>(stale_rows_), "");
  out.add("time between rows, root mean square", interval_.rms(), "s");
  out.add("time from arrival to state, root mean square", latency_.rms(), "s");
  for (const Followed& feed : feeds_) {
    const link::LinkHealth health = feed.link->health();
    out.add("link " + feed.id + ": updates lost", static_cast<double>(health.lost), "");
    out.add("link " + feed.id + ": updates dropped", static_cast<double>(health.dropped), "", 0);
    out.add("link " + feed.id + ": reconnections", static_cast<double>(health.reconnects), "");
  }
  if (history_) {
    const LiveHistoryFigures figures = history_->figures();
    out.add("history: inputs on the disk", static_cast<double>(figures.durable), "");
    out.add("history: updates not recorded", static_cast<double>(figures.lost), "", 0);
    out.add("history: time from arrival to the disk, 99 % below", figures.delay_p99.seconds(), "s");
  }
  return out;
}

}  // namespace geoul::runtime
