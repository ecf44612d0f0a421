#include "geoul/runtime/publisher.h"

#include <algorithm>
#include <chrono>

namespace geoul::runtime {
namespace {

std::size_t index(TopicId topic) { return static_cast<std::size_t>(topic); }

}  // namespace

Publisher::Publisher(const Twin& twin, const Player& player, Server* server, PublishRates rates)
    : twin_(twin), player_(player), server_(server), rates_(rates), streams_(topics().size()) {
  if (!server_) return;
  for (const Topic& topic : topics()) {
    channels_.push_back(
        server_->add_channel({0, topic.name, topic.schema.encoding, topic.schema.name, topic.schema.encoding,
                              topic.schema.data, topic.latched, topic.page_period.ns > 0, topic.page_period}));
  }
  const Time time = player_.snapshot().state.time;
  send(TopicId::kScene, time, scene_message(twin_, time));
  send(TopicId::kModel, time, model_message(twin_));
}

Result<void> Publisher::start_recording(const std::filesystem::path& file) {
  Result<history::McapWriter> writer = history::McapWriter::create(file);
  if (!writer) return writer.error();
  writer_.emplace(std::move(writer).value());
  record_channels_.clear();
  for (const Topic& topic : topics()) {
    Result<std::uint16_t> channel = writer_->add_channel(
        {topic.name, topic.schema.encoding, topic.schema.name, topic.schema.encoding, topic.schema.data, {}});
    if (!channel) return channel.error();
    record_channels_.push_back(*channel);
  }
  recorded_.reset();
  const Time time = player_.snapshot().state.time;
  record(TopicId::kScene, time, scene_message(twin_, time));
  record(TopicId::kModel, time, model_message(twin_));
  if (recording_error_) return *recording_error_;
  return {};
}

Result<void> Publisher::stop_recording() {
  if (!writer_) return {};
  Result<void> closed = writer_->close();
  writer_.reset();
  return closed;
}

void Publisher::send(TopicId topic, Time time, std::string bytes) {
  if (server_) server_->publish(channels_[index(topic)], time, std::move(bytes));
}

void Publisher::record(TopicId topic, Time time, std::string_view bytes) {
  if (!writer_) return;
  const Time log_time{std::max<std::int64_t>(0, time.ns)};
  const Result<void> written = writer_->write(record_channels_[index(topic)], log_time, log_time, bytes);
  if (written) return;
  recording_error_ = written.error();
  writer_.reset();
}

bool Publisher::is_to_record(Time time) const {
  return writer_ && (!recorded_ || (time > *recorded_ && time - *recorded_ >= rates_.record));
}

void Publisher::publish_state(Time wall, bool force) {
  const Snapshot& snapshot = player_.snapshot();
  const Time time = snapshot.state.time;
  const bool is_past = player_.is_live() && !player_.is_following();
  const bool records = !is_past && is_to_record(time);
  if (records) recorded_ = time;
  std::vector<std::pair<TopicId, std::string>> made;  // who listens goes first, the recording after
  for_each_state_topic(snapshot, [&](TopicId topic, const Make& make) {
    std::string bytes;
    if (server_) send_state(topic, wall, force, snapshot, make, bytes);
    if (records) made.emplace_back(topic, bytes.empty() ? make() : std::move(bytes));
  });
  if (server_ && (force || !time_sent_ || wall - *time_sent_ >= rates_.time)) {
    time_sent_ = wall;
    server_->publish_time(time);
  }
  for (const auto& [topic, bytes] : made) record(topic, time, bytes);
}

void Publisher::flush(Time wall) {
  if (!due() || *due() > wall) return;
  const Snapshot& snapshot = player_.snapshot();
  for_each_state_topic(snapshot, [&](TopicId topic, const Make& make) {
    std::string bytes;
    if (streams_[index(topic)].waits) send_state(topic, wall, false, snapshot, make, bytes);
  });
}

std::optional<Time> Publisher::due() const {
  std::optional<Time> first;
  for (const Stream& stream : streams_) {
    if (stream.waits && (!first || stream.due < *first)) first = stream.due;
  }
  return first;
}

// The topics that tell a snapshot, those that somebody may steer by first.
void Publisher::for_each_state_topic(const Snapshot& snapshot,
                                     const std::function<void(TopicId, const Make&)>& visit) const {
  visit(TopicId::kJoints, [&] { return joints_message(twin_, snapshot); });
  if (!player_.signals().empty())
    visit(TopicId::kSignals, [&] { return signals_message(player_.signals(), snapshot); });
  visit(TopicId::kTransforms, [&] { return transforms_message(twin_, snapshot.state); });
  visit(TopicId::kFixedJoints, [&] { return fixed_joints_message(twin_, snapshot); });
  visit(TopicId::kWrenches, [&] { return wrenches_message(twin_, snapshot); });
  if (const dynamics::World* world = player_.world()) {
    const Time time = snapshot.state.time;
    visit(TopicId::kContacts, [&] { return contacts_message(*world); });
    visit(TopicId::kDrags, [&] { return drags_message(*player_.drags(), time); });
    visit(TopicId::kResiduals, [&] {
      Report residuals;
      residuals.lines = player_.figures();
      return report_message(residuals, time);
    });
  }
}

// Makes and sends a message where it is due and somebody wants it; `bytes` is then the message.
bool Publisher::send_state(TopicId topic, Time wall, bool force, const Snapshot& snapshot, const Make& make,
                           std::string& bytes) {
  Stream& stream = streams_[index(topic)];
  stream.waits = true;
  if (!force && wall < stream.due) return false;
  stream.waits = false;
  const std::optional<Duration> period = server_->period(channels_[index(topic)]);
  if (!period) {
    stream.due = wall + rates_.time;  // asks again then
    return false;
  }
  const auto begin = std::chrono::steady_clock::now();
  bytes = make();
  send(topic, snapshot.state.time, bytes);
  const double cost = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const Duration pause = std::max({*period, rates_.live, Duration::from_seconds(cost / rates_.share)});
  // a row that comes a little late does not thin out the next ones, by a quarter of the pause at most
  stream.due = std::max(stream.due, wall - Duration{pause.ns / 4}) + pause;
  return true;
}

// Of a live player that shows its past: nobody is sent what is recorded.
void Publisher::record_newest() {
  const Snapshot& snapshot = player_.newest();
  const Time time = snapshot.state.time;
  if (!is_to_record(time)) return;
  recorded_ = time;
  for_each_state_topic(snapshot, [&](TopicId topic, const Make& make) { record(topic, time, make()); });
}

void Publisher::publish_links(const std::vector<LinkStatus>& links, Time now) {
  const std::string bytes = links_message(links, now);
  record(TopicId::kLinks, player_.newest().state.time, bytes);
  send(TopicId::kLinks, player_.snapshot().state.time, bytes);
}

bool Publisher::wants(TopicId topic) const { return writer_ || (server_ && server_->wants(channels_[index(topic)])); }

void Publisher::publish(TopicId topic, std::string bytes) {
  const Time time = player_.newest().state.time;
  record(topic, time, bytes);
  send(topic, time, std::move(bytes));
}

void Publisher::publish_events(const std::vector<TwinEvent>& events) {
  const Time time = player_.newest().state.time;
  send(TopicId::kEvents, time, events_message(events, time));
}

void Publisher::publish_clock(const ClockStatus& status) { send(TopicId::kClock, status.now, clock_message(status)); }

void Publisher::publish_report(const Report& report) {
  const Time time = player_.snapshot().state.time;
  const std::string bytes = report_message(report, time);
  record(TopicId::kReport, time, bytes);
  send(TopicId::kReport, time, bytes);
}

void Publisher::publish_log(log::Level level, std::string_view text) {
  const Time time = player_.newest().state.time;
  const std::string bytes = log_message(level, text, time);
  record(TopicId::kLog, time, bytes);
  send(TopicId::kLog, time, bytes);
}

}  // namespace geoul::runtime
