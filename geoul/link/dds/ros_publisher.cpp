#include "geoul/link/dds/ros_publisher.h"

#include <map>
#include <mutex>

#include "geoul/core/unix_time.h"
#include "geoul/link/dds/ros_node.h"

namespace geoul::link {
namespace {

RosQos qos_of(const std::string& topic, const std::string& type, bool reliable_sensors) {
  if (type == "tf2_msgs/msg/TFMessage") {
    if (topic.ends_with("tf_static")) return {.is_reliable = true, .is_transient_local = true, .depth = 1};
    return {.is_reliable = true, .is_transient_local = false, .depth = 100};
  }
  const bool is_sensor =
      type == "sensor_msgs/msg/Imu" || type == "sensor_msgs/msg/PointCloud2" || type == "sensor_msgs/msg/Image";
  if (is_sensor) return {.is_reliable = reliable_sensors, .is_transient_local = false, .depth = 5};
  return {};
}

}  // namespace

struct RosPublisher::Impl {
  struct Topic {
    std::string type;
    RosNode::Endpoint endpoint;
  };
  RosPublisherOptions options;
  std::unique_ptr<RosNode> node;
  mutable std::mutex mutex;
  std::map<std::string, Topic> writers, readers;
  std::uint64_t broken = 0;

  Result<Topic> writer(const std::string& topic, const std::string& type) {
    const std::lock_guard lock(mutex);
    const auto at = writers.find(topic);
    if (at != writers.end()) {
      if (at->second.type == type) return at->second;
      return Error{ErrorCode::kBadInput, "dds: '" + topic + "' is written as " + at->second.type + ", not as " + type};
    }
    auto made = node->create_writer(topic, type, qos_of(topic, type, options.reliable_sensors));
    if (!made) return made.error();
    return writers.emplace(topic, Topic{type, *made}).first->second;
  }

  Result<void> listen(const std::string& topic, const std::string& type) {
    const std::lock_guard lock(mutex);
    if (readers.contains(topic)) return Error{ErrorCode::kBadInput, "dds: '" + topic + "' is listened to already"};
    auto made =
        node->create_reader(topic, type, {.is_reliable = true, .is_transient_local = false, .depth = 100}, nullptr);
    if (!made) return made.error();
    readers.emplace(topic, Topic{type, *made});
    return {};
  }
};

RosPublisher::RosPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RosPublisher::~RosPublisher() = default;

Result<std::unique_ptr<RosPublisher>> RosPublisher::open(const RosPublisherOptions& options) {
  auto node = RosNode::open(options.dds);
  if (!node) return node.error();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->node = std::move(*node);
  return std::unique_ptr<RosPublisher>(new RosPublisher(std::move(impl)));
}

Result<void> RosPublisher::publish_bytes(const std::string& topic, const std::string& type, std::string_view message) {
  const auto writer = impl_->writer(topic, type);
  if (!writer) return writer.error();
  const dds_return_t written = write_raw(writer->endpoint.entity, writer->endpoint.topic, message);
  if (written == DDS_RETCODE_OK) return {};
  return Error{ErrorCode::kUnavailable, "dds: '" + topic + "' did not take a message: " + dds_error(written)};
}

Result<void> RosPublisher::advertise(const std::string& topic, const std::string& type) {
  const auto writer = impl_->writer(topic, type);
  if (!writer) return writer.error();
  return {};
}

namespace {
template <class M>
Result<void> publish_message(RosPublisher& publisher, const std::string& topic, const M& message) {
  return publisher.publish_bytes(topic, std::string(ros_type(message)), encode(message));
}
}  // namespace

Result<void> RosPublisher::publish(const std::string& t, const RosJointState& m) {
  return publish_message(*this, t, m);
}
Result<void> RosPublisher::publish(const std::string& t, const RosTransforms& m) {
  return publish_message(*this, t, m);
}
Result<void> RosPublisher::publish(const std::string& t, const RosImu& m) { return publish_message(*this, t, m); }
Result<void> RosPublisher::publish(const std::string& t, const RosWrench& m) { return publish_message(*this, t, m); }
Result<void> RosPublisher::publish(const std::string& t, const RosPointCloud& m) {
  return publish_message(*this, t, m);
}
Result<void> RosPublisher::publish(const std::string& t, const RosImage& m) { return publish_message(*this, t, m); }
Result<void> RosPublisher::publish(const std::string& t, const RosClock& m) { return publish_message(*this, t, m); }
Result<void> RosPublisher::publish(const std::string& t, const RosJointTrajectory& m) {
  return publish_message(*this, t, m);
}
Result<void> RosPublisher::publish(const std::string& t, const RosFloat64Array& m) {
  return publish_message(*this, t, m);
}

int RosPublisher::readers(const std::string& topic) const {
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->writers.find(topic);
  dds_publication_matched_status_t status{};
  if (at == impl_->writers.end()) return 0;
  dds_get_publication_matched_status(at->second.endpoint.entity, &status);
  return static_cast<int>(status.current_count);
}

bool RosPublisher::acknowledged(const std::string& topic) const {
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->writers.find(topic);
  return at == impl_->writers.end() || dds_wait_for_acks(at->second.endpoint.entity, 0) == DDS_RETCODE_OK;
}

Result<void> RosPublisher::listen_trajectories(const std::string& topic) {
  return impl_->listen(topic, std::string(ros_type(RosJointTrajectory())));
}
Result<void> RosPublisher::listen_arrays(const std::string& topic) {
  return impl_->listen(topic, std::string(ros_type(RosFloat64Array())));
}

int RosPublisher::writers(const std::string& topic) const {
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->readers.find(topic);
  dds_subscription_matched_status_t status{};
  if (at == impl_->readers.end()) return 0;
  dds_get_subscription_matched_status(at->second.endpoint.entity, &status);
  return static_cast<int>(status.current_count);
}

void RosPublisher::take_commands(std::vector<RosCommand>& commands) {
  const std::lock_guard lock(impl_->mutex);
  for (const auto& [topic, reader] : impl_->readers) {
    const bool is_trajectory = reader.type == ros_type(RosJointTrajectory());
    take_raw(reader.endpoint.entity, [&](std::string_view message, const dds_sample_info_t&) {
      RosCommand command{.topic = topic, .receive_time = unix_now()};
      if (is_trajectory ? decode(message, command.trajectory) : decode(message, command.array)) {
        commands.push_back(std::move(command));
      } else {
        ++impl_->broken;
      }
    });
  }
}

std::uint64_t RosPublisher::broken_commands() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->broken;
}

}  // namespace geoul::link
