// RosNode: one participant of a DDS domain that stands as a node on the ROS 2 graph, and what the link and the
// publisher share: topics by ROS names, quality of service in ROS's words, and who else is there. Internal to
// geoul/link/dds.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <dds/dds.h>
#include "geoul/core/result.h"
#include "geoul/link/dds/dds_options.h"
#include "geoul/link/dds/raw_type.h"
#include "geoul/link/dds/ros_messages.h"

namespace geoul::link {

// As rmw's profiles. Partition none, durability volatile unless said, automatic liveliness.
struct RosQos {
  bool is_reliable = true;
  bool is_transient_local = false;  // late readers get the newest `depth`
  int depth = 10;
  bool operator==(const RosQos&) const = default;
};

// A domain of Cyclone DDS is one a process; who asks for it again shares it.
class DdsDomain {
 public:
  // kBadInput where the options are wrong, kUnavailable where the domain is open with other options or cannot be.
  static Result<std::shared_ptr<DdsDomain>> acquire(const DdsOptions& options);
  ~DdsDomain();
  DdsDomain(const DdsDomain&) = delete;
  DdsDomain& operator=(const DdsDomain&) = delete;
  int id() const { return id_; }

 private:
  DdsDomain(int id, std::string config) : id_(id), config_(std::move(config)) {}
  int id_;
  std::string config_;
  dds_entity_t entity_ = 0;
};

// Functions may be called from any thread.
class RosNode {
 public:
  static Result<std::unique_ptr<RosNode>> open(const DdsOptions& options);
  ~RosNode();

  int domain() const { return domain_->id(); }
  dds_entity_t participant() const { return participant_; }

  struct Endpoint {
    RawTopic topic;
    dds_entity_t entity = 0;  // the reader or writer
  };
  // ROS names: "joint_states", "sensor_msgs/msg/JointState". The listener may be null; it is copied.
  Result<Endpoint> create_reader(const std::string& topic, const std::string& type, const RosQos& qos,
                                 const dds_listener_t* listener);
  Result<Endpoint> create_writer(const std::string& topic, const std::string& type, const RosQos& qos);
  void remove(const Endpoint& endpoint);

 private:
  explicit RosNode(const DdsOptions& options) : options_(options) {}
  Result<Endpoint> create(const std::string& topic, const std::string& type, const RosQos& qos, bool is_writer,
                          const dds_listener_t* listener);
  void announce();  // the node's readers and writers, on ros_discovery_info

  DdsOptions options_;
  std::shared_ptr<DdsDomain> domain_;
  dds_entity_t participant_ = 0;
  std::mutex mutex_;
  Endpoint graph_;
  std::map<dds_entity_t, RosGid> readers_, writers_;
};

// Others' readers or writers of ROS topics, by the built-in topics of DDS.
struct RosEndpoint {
  std::string topic;  // "joint_states"
  std::string type;   // "sensor_msgs/msg/JointState"
  bool is_reliable = false, is_transient_local = false;
};
class RosDiscovery {
 public:
  RosDiscovery(const RosNode& node, bool of_writers);
  dds_entity_t reader() const { return reader_; }
  // Takes what is new; true where anything changed.
  bool poll();
  const std::map<dds_instance_handle_t, RosEndpoint>& endpoints() const { return endpoints_; }

 private:
  dds_entity_t reader_ = 0;  // deleted with the participant
  dds_instance_handle_t own_ = 0;
  std::map<dds_instance_handle_t, RosEndpoint> endpoints_;
};

// What Cyclone DDS says of an error: "no writer: Precondition Not Met".
std::string dds_error(dds_return_t code);

}  // namespace geoul::link
