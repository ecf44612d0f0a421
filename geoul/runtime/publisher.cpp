#include "geoul/runtime/publisher.h"

#include <algorithm>

namespace geoul::runtime {
namespace {

std::size_t index(TopicId topic) { return static_cast<std::size_t>(topic); }

}  // namespace

Publisher::Publisher(const Twin& twin, const Player& player, Server* server, PublishRates rates)
    : twin_(twin), player_(player), server_(server), rates_(rates) {
  if (!server_) return;
  for (const Topic& topic : topics()) {
    channels_.push_back(server_->add_channel({0, topic.name, topic.schema.encoding, topic.schema.name,
                                              topic.schema.encoding, topic.schema.data, topic.latched}));
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

bool Publisher::wanted(TopicId topic) const { return server_ && server_->wants(channels_[index(topic)]); }

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
  const bool frame = server_ && (force || !frame_sent_ || wall - *frame_sent_ >= rates_.frame);
  const bool sample = server_ && (force || !sample_sent_ || wall - *sample_sent_ >= rates_.sample);
  if (records) recorded_ = time;
  if (frame) frame_sent_ = wall;
  if (sample) sample_sent_ = wall;
  put_state(snapshot, records, frame, sample);
  if (frame) server_->publish_time(time);
}

// Records the messages of a snapshot, and sends those that are due at this moment and that somebody wants.
void Publisher::put_state(const Snapshot& snapshot, bool records, bool frame, bool sample) {
  const Time time = snapshot.state.time;
  const auto put = [&](TopicId topic, bool live, const auto& make) {
    const bool sends = live && wanted(topic);
    if (!sends && !records) return;
    std::string bytes = make();
    if (records) record(topic, time, bytes);
    if (sends) send(topic, time, std::move(bytes));
  };
  put(TopicId::kTransforms, frame, [&] { return transforms_message(twin_, snapshot.state); });
  put(TopicId::kFixedJoints, frame, [&] { return fixed_joints_message(twin_, snapshot); });
  put(TopicId::kJoints, sample, [&] { return joints_message(twin_, snapshot); });
  if (!player_.signals().empty()) {
    put(TopicId::kSignals, sample, [&] { return signals_message(player_.signals(), snapshot); });
  }
  put(TopicId::kWrenches, frame, [&] { return wrenches_message(twin_, snapshot); });
  if (const dynamics::World* world = player_.world()) {
    put(TopicId::kContacts, frame, [&] { return contacts_message(*world); });
    put(TopicId::kDrags, frame, [&] { return drags_message(*player_.drags(), time); });
    put(TopicId::kResiduals, frame, [&] {
      Report residuals;
      residuals.lines = player_.figures();
      return report_message(residuals, time);
    });
  }
}

void Publisher::record_newest() {
  const Snapshot& snapshot = player_.newest();
  const Time time = snapshot.state.time;
  if (!is_to_record(time)) return;
  recorded_ = time;
  put_state(snapshot, true, false, false);
}

void Publisher::publish_links(const std::vector<LinkStatus>& links, Time now) {
  const std::string bytes = links_message(links, now);
  record(TopicId::kLinks, player_.newest().state.time, bytes);
  send(TopicId::kLinks, player_.snapshot().state.time, bytes);
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
