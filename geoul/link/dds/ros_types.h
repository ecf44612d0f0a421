// Types of ROS 2 messages: read from definitions in ROS's own text (.msg files; several of them, parted as in a bag,
// for the types that a type uses), or those that Geoul knows by itself. A type is data: the decoder (ros_decoder.h)
// walks it over the bytes of a message, so that a bag's own types need no generated code.
//   field      TYPE NAME [DEFAULT]      bool byte char [u]int{8,16,32,64} float32 float64 string wstring, a type's
//   name; arrays     TYPE[] TYPE[<=N] TYPE[N]   string<=N; constants (TYPE NAME=VALUE) and '#' comments are passed over
//   parts      a line of '=' (at least 20), then "MSG: package/Type"
// Sources: https://docs.ros.org/en/humble/Concepts/Basic/About-Interfaces.html, https://mcap.dev/spec/registry#ros2msg
//
// Codes of findings: definition-too-large, bad-field, bad-array, duplicate-field, unknown-type, recursive-type,
// duplicate-type, too-many-types.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"

namespace geoul::link {

enum class RosKind : std::uint8_t {
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat32,
  kFloat64,
  kString,
  kWideString,
  kType
};
enum class RosArray : std::uint8_t { kNone, kFixed, kSequence };

struct RosField {
  std::string name;
  RosKind kind = RosKind::kBool;
  RosArray array = RosArray::kNone;
  std::uint32_t size = 0;  // of kFixed
  int type = -1;           // of kType: RosTypes::at
};

struct RosType {
  std::string name;  // "sensor_msgs/msg/JointState"
  std::vector<RosField> fields;
  std::uint64_t least_bytes = 1;  // no message of it is shorter, padding aside; saturates
  int depth = 1;                  // of nesting, at most RosTypes::kMaxDepth
};

class RosTypes {
 public:
  // Adds a type and those that its text holds after it; types that are there already stay as they are. False, and
  // nothing is added, where anything in the text is an error. `name`: "sensor_msgs/msg/JointState" or without "/msg".
  bool add(std::string_view name, std::string_view text, Diagnostics& diagnostics);

  const RosType* find(std::string_view name) const;  // null: not known
  const RosType& at(int type) const { return types_[static_cast<std::size_t>(type)]; }
  std::size_t size() const { return types_.size(); }

  static constexpr std::size_t kMaxText = 1u << 20;
  static constexpr std::size_t kMaxTypes = 2000;
  static constexpr int kMaxDepth = 32;

 private:
  std::vector<RosType> types_;
  std::map<std::string, int, std::less<>> by_name_;
};

// The types that Geoul knows without being told: those of a robot's joints, sensors, transforms, odometry and commands.
const RosTypes& common_ros_types();
// Their definitions, as RosTypes::add takes them (for the judge of the tests).
std::string_view common_ros_definitions();

// "sensor_msgs::msg::dds_::JointState_" <-> "sensor_msgs/msg/JointState"; empty where it is no name of a message type.
std::string ros_type_of_dds(std::string_view dds_type);
std::string dds_type_of_ros(std::string_view ros_type);
// "rt/joint_states" <-> "joint_states" (Geoul leaves the first '/' of a topic out); empty where it is no ROS topic.
std::string ros_topic_of_dds(std::string_view dds_topic);
std::string dds_topic_of_ros(std::string_view ros_topic);

}  // namespace geoul::link
