// Commands of one value each to readers of a ROS graph: Link::write of DDS. Internal to geoul/link/dds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "geoul/link/dds/ros_node.h"
#include "geoul/link/intake.h"

namespace geoul::link {

// The message of std_msgs type `type` ("std_msgs/msg/Float64") that holds a value. kUnsupported where the type is no
// single value, kBadInput where it cannot hold this one.
Result<std::string> encode_command(std::string_view type, const Value& value);

// Not thread-safe.
class CommandWriter {
 public:
  CommandWriter(RosNode& node, Intake& intake) : node_(node), intake_(intake) {}

  // Takes a command for a topic whose readers take `type`; sent and finished by poll().
  Result<std::uint64_t> write(const std::string& topic, const std::string& type, const Value& value);
  // Sends what has found its reader, and finishes what is acknowledged or has waited for two seconds.
  void poll();
  bool is_idle() const { return pending_.empty(); }

 private:
  struct Pending {
    std::uint64_t ticket = 0;
    RosNode::Endpoint writer;
    std::string message;
    bool is_sent = false;
    Time until;
  };
  RosNode& node_;
  Intake& intake_;
  std::map<std::pair<std::string, std::string>, RosNode::Endpoint> writers_;  // by topic and type
  std::vector<Pending> pending_;
};

}  // namespace geoul::link
