// Subscription: one reader of a ROS topic that decodes in Cyclone DDS's own threads, as messages come, and delivers to
// the intake of a link. Internal to geoul/link/dds.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "geoul/link/dds/ros_decoder.h"
#include "geoul/link/dds/ros_node.h"

namespace geoul::link {

// What to read, and for whom.
struct Subscribed {
  std::string topic;                   // "joint_states"
  std::string type;                    // "sensor_msgs/msg/JointState"
  RosQos qos;                          // as its writers offer it
  std::vector<std::uint32_t> signals;  // of the link, whose names begin with the topic
  bool operator==(const Subscribed&) const = default;
};

class Subscription {
 public:
  // Messages are asked for at once. `type` and `intake` must outlive it.
  static Result<std::unique_ptr<Subscription>> open(RosNode& node, const RosType& type, Subscribed what,
                                                    Intake& intake);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  const Subscribed& what() const { return what_; }
  int alive_writers() const { return alive_; }
  std::uint64_t messages() const { return messages_; }
  // A name that was asked for and that no message had, though messages came; empty: none.
  std::string missing_signal() const;
  std::string problem() const;  // of the newest message that broke its type, or of the writers' quality of service

 private:
  Subscription(RosNode& node, const RosType& type, Subscribed what, Intake& intake);
  void receive(dds_entity_t reader);
  void count_writers(const dds_liveliness_changed_status_t& status);
  void mark_bad(dds_instance_handle_t writer, bool all);

  RosNode& node_;
  const RosType& type_;
  Subscribed what_;
  Intake& intake_;
  RosDecoder decoder_;
  RosNode::Endpoint endpoint_;
  std::atomic<int> alive_{0};
  std::atomic<std::uint64_t> messages_{0};
  mutable std::mutex mutex_;
  // below under the mutex
  std::vector<dds_instance_handle_t> last_writer_;  // (nsignal of the topic) 0: none yet
  std::string problem_;
  std::vector<Intake::Item> items_;
};

}  // namespace geoul::link
