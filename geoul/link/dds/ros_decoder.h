// RosDecoder: from the bytes of a ROS 2 message, whether DDS or a bag brought them, to named signals. A name is
//   TOPIC/FIELD/.../FIELD              imu/linear_acceleration/x, odom/pose/pose/position/x, clock/clock
//   an item of an array of numbers     TOPIC/FIELD/NUMBER from 0: imu/orientation_covariance/0; arrays above 64 items
//                                      (images, clouds) are no signals
//   where the message names the items  by a field name, names or joint_names (string[]): joint_states/position/elbow,
//                                      JOINT_TRAJECTORY/points/0/positions/elbow
//   a transform (TransformStamped)     TOPIC/PARENT/CHILD/translation/x, .../rotation/w, by its frames' names
//   an item of an array of others      TOPIC/FIELD/NUMBER/FIELD..., the first 64
// A topic is written without its first '/'. builtin_interfaces' Time and Duration are one integer in nanoseconds. The
// source time of a signal is the stamp of the nearest std_msgs/Header around it; without one, the source gave none.
//
// Codes of findings: encapsulation, cut-off, string-end, count (cdr.h). A message with a finding gives no signals.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/link/dds/ros_types.h"
#include "geoul/link/intake.h"

namespace geoul::link {

// How a walk over a message names what it meets.
enum class RosNaming : std::uint8_t {
  kSignals,  // as above
  kPlain,    // fields and numbers only, every item, Time as sec and nanosec: a dump for comparisons
};

class RosVisitor {
 public:
  virtual ~RosVisitor() = default;
  virtual void leaf(std::string_view path, const Value& value, std::optional<Time> stamp) = 0;
  // An array of numbers that is no signal: of `count` items, as the message holds them.
  virtual void block(std::string_view, RosKind, std::size_t /*count*/, std::string_view /*bytes*/) {}
};

// Visits every leaf of a message; paths begin with `topic`. False where the message breaks its type: what was visited
// until then is to be forgotten.
bool walk_message(const RosTypes& types, const RosType& type, std::string_view topic, std::string_view message,
                  RosNaming naming, RosVisitor& visitor, Diagnostics& diagnostics);

// Names and types of the leaves that a type has whatever a message holds: without those of sequences.
std::vector<OfferedSignal> leaves_of_type(const RosTypes& types, const RosType& type, std::string_view topic);
// Unit of a leaf by the type's definition: "m/s^2" of Imu's linear_acceleration; empty where ROS sets none.
std::string_view unit_of_leaf(std::string_view type, std::string_view path_below_topic);

// Not thread-safe; one a topic or a bag.
class RosDecoder {
 public:
  // Updates carry the index in `signals`, which are names as above.
  explicit RosDecoder(std::vector<std::string> signals);

  // Appends what the message says of the signals. False, and nothing is appended, where it breaks its type.
  bool decode(const RosTypes& types, const RosType& type, std::string_view topic, std::string_view message,
              std::vector<Intake::Item>& items, Diagnostics& diagnostics);
  // Whether any signal's name begins with the topic.
  bool wants(std::string_view topic) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::uint32_t> order_;  // (nname) by name
};

}  // namespace geoul::link
