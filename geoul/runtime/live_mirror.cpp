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
constexpr Duration kUsualPeriod{40'000'000};  // where the site gives none

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
      started_(options_.now()) {
  GEOUL_EXPECTS(links.size() == site.links.size());
  options_.currents.resize(bindings_.joints.size());
  torque_.resize(bindings_.joints.size());
  LiveRowOptions rows;
  rows.stale_after.resize(bindings_.columns.size());
  for (std::size_t k = 0; k < links.size(); ++k) {
    const LinkSpec& spec = site_.links[k];
    Followed feed{std::move(links[k]), spec.id, asked_of(spec, bindings_).columns, {}, 0, {}, {}, false};
    for (const std::size_t column : feed.columns) rows.stale_after[column] = stale_after(spec);
    feeds_.push_back(std::move(feed));
  }
  rows.tolerance = {dt().ns / 2};
  rows.patience = {std::min<std::int64_t>(dt().ns / 2, 20'000'000)};
  std::vector<double> start(bindings_.width(), std::numeric_limits<double>::quiet_NaN());
  for (const BoundJoint& joint : bindings_.joints) {
    start[static_cast<std::size_t>(joint.position)] = newest_.snapshot().state.q[static_cast<std::size_t>(joint.q)];
    start[static_cast<std::size_t>(joint.velocity)] = 0;
  }
  // before the first row the twin stands at its start
  const std::vector<double> still(bindings_.joints.size(), 0.0);
  newest_.evaluate(started_, start, still, measures_);
  newest_.fill_signals(measures_, options_.currents);
  assembler_.emplace(bindings_, std::move(rows), std::move(start));
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

// Source time, moved to our axis by an offset that is set once and then only slewed, so that the spacing of rows is the
// plant's own.
Time LiveMirror::on_our_axis(Followed& feed, const link::Update& update) {
  if (!feed.anchor) feed.anchor = update.receive_time - update.source_time;
  return update.source_time + *feed.anchor;
}

void LiveMirror::watch(Followed& feed) {
  const link::LinkHealth health = feed.link->health();
  if (health.clock_jumps != feed.jumps) {
    feed.jumps = health.clock_jumps;
    feed.anchor.reset();
  }
  const Time now = options_.now();
  if (feed.anchor && health.has_clock && now - feed.slewed >= kSlewPeriod) {
    feed.slewed = now;
    const std::int64_t off = (health.clock_offset - *feed.anchor).ns;
    feed.anchor = *feed.anchor + Duration{std::clamp(off, -kSlew.ns, kSlew.ns)};
  }
  const bool is_live = health.state == link::LinkState::kLive;
  if (is_live && !feed.was_live) words_.push_back({log::Level::kInfo, "link " + feed.id + ": live, " + health.peer});
  if (!health.problem.empty() && health.problem != feed.said)
    words_.push_back({log::Level::kWarning, "link " + feed.id + ": " + health.problem});
  feed.said = health.problem;
  feed.was_live = is_live;
}

void LiveMirror::take_in() {
  const bool is_due = options_.now() - watched_ >= kWatchPeriod;
  if (is_due) watched_ = options_.now();
  for (Followed& feed : feeds_) {
    updates_.clear();
    feed.link->take(updates_);
    if (is_due || !updates_.empty()) watch(feed);
    for (const link::Update& update : updates_) {
      const std::size_t column = feed.columns[update.signal];
      const double value = bindings_.columns[column].unit.to_si(link::number_of(update.value));
      assembler_->add(column, value, update.quality, on_our_axis(feed, update), update.receive_time);
    }
  }
}

bool LiveMirror::receive() {
  const Time now = options_.now();
  std::optional<LiveRow> row = assembler_->take(now);
  if (!row) {
    take_in();
    row = assembler_->take(now);
  }
  if (now >= next_report_) {
    next_report_ = now + kReportPeriod;
    ++report_version_;
  }
  if (!row) return false;
  accept(*row);
  return true;
}

Duration LiveMirror::look_again() const {
  const std::optional<Time> due = assembler_->due();
  return due ? std::clamp(*due - options_.now(), Duration{0}, Player::look_again()) : Player::look_again();
}

void LiveMirror::accept(const LiveRow& row) {
  keep(row);
  const std::size_t joints = bindings_.joints.size(), last = times_.size() - 1;
  newest_.evaluate(row.time, row.values, {accelerations_.data() + last * joints, joints}, measures_);
  newest_.fill_signals(measures_, options_.currents);
  ++row_count_;
  stale_rows_ += row.stale > 0 ? 1 : 0;
  for (std::size_t j = 0; j < joints; ++j) {
    const RowMeasures::JointRow& r = measures_.joints[j];
    add_known(torque_[j], r.along_measured - r.torque);
  }
  for (const RowMeasures::SiteRow& r : measures_.sites) add_known(pose_, norm(r.position - r.position_twin));
  weld_position_.add(measures_.weld_position);
  weld_rotation_.add(measures_.weld_rotation);
  latency_.add((options_.now() - row.receive_time).seconds());
  if (last > 0) interval_.add((times_[last] - times_[last - 1]).seconds());
}

void LiveMirror::keep(const LiveRow& row) {
  const std::size_t joints = bindings_.joints.size(), width = bindings_.width();
  const std::size_t bytes = times_.size() * (sizeof(Time) + (width + joints) * sizeof(double));
  if (bytes > options_.memory) {
    const std::size_t gone = times_.size() / 4;
    const auto drop = [&](auto& from, std::size_t stride) {
      from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(gone * stride));
    };
    drop(times_, 1);
    drop(values_, width);
    drop(accelerations_, joints);
    cursor_ = cursor_ > gone ? cursor_ - gone : 0;
  }
  const double elapsed = times_.empty() ? 0 : (row.time - times_.back()).seconds();
  const std::size_t before = values_.size() - (times_.empty() ? 0 : width);
  for (const BoundJoint& joint : bindings_.joints) {
    const auto v = static_cast<std::size_t>(joint.velocity);
    // after a gap there is no telling
    const bool known = elapsed > 0 && elapsed < 3 * dt().seconds();
    accelerations_.push_back(known ? (row.values[v] - values_[before + v]) / elapsed : 0);
  }
  times_.push_back(row.time);
  values_.insert(values_.end(), row.values.begin(), row.values.end());
}

void LiveMirror::show_past() {
  const std::size_t joints = bindings_.joints.size(), width = bindings_.width();
  past_.evaluate(times_[cursor_], {values_.data() + cursor_ * width, width},
                 {accelerations_.data() + cursor_ * joints, joints}, past_measures_);
  past_.fill_signals(past_measures_, options_.currents);
}

bool LiveMirror::step() {
  if (following_) return receive();
  if (cursor_ + 1 >= times_.size()) return false;
  ++cursor_;
  show_past();
  return true;
}

Time LiveMirror::next_time() const {
  if (following_ || cursor_ + 1 >= times_.size()) return snapshot().state.time;
  return times_[cursor_ + 1];
}

void LiveMirror::seek(Time t) {
  GEOUL_EXPECTS(can_seek());
  following_ = false;
  const auto after = std::upper_bound(times_.begin(), times_.end(), t);
  cursor_ = static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after - times_.begin()) - 1);
  show_past();
}

void LiveMirror::follow(bool on) {
  if (!on && following_ && !times_.empty()) {
    cursor_ = times_.size() - 1;
    show_past();
  }
  following_ = on || times_.empty();
}

Duration LiveMirror::dt() const {
  for (const LinkSpec& spec : site_.links) {
    if (spec.period.ns > 0) return spec.period;
  }
  return kUsualPeriod;
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
  for (const std::size_t column : assembler_->stale(now)) {
    const BoundColumn& bound = bindings_.columns[column];
    for (LinkStatus& status : out) {
      if (status.id == bound.source) status.stale.push_back(bound.column);
    }
  }
  return out;
}

std::vector<PlayerWords> LiveMirror::take_words() { return std::exchange(words_, {}); }

Report LiveMirror::report() const {
  Report out;
  out.title = site_.name + ": the twin follows " + source() + ", " + std::to_string(row_count_) + " rows";
  if (row_count_ == 0) return out;
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
  return out;
}

}  // namespace geoul::runtime
