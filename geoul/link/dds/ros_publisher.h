// RosPublisher: the twin as a robot on a ROS 2 graph: it writes joint states, transforms, sensor data and the clock,
// and takes trajectories and arrays of commands, by Cyclone DDS and ROS's names. A ROS 2 node on the same domain cannot
// tell it from a robot: `ros2 node list` shows it, `ros2 topic echo` and RViz read it.
//   what                                  quality of service (rmw)
//   JointState, Clock, Wrench, commands   reliable, the last 10
//   TFMessage                             reliable, the last 100; topics that end in tf_static: the last one, also for
//                                         readers who come late (transient local)
//   Imu, PointCloud2, Image               best effort, the last 5 (rmw's sensor data), or reliable by the options
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/dds/dds_options.h"
#include "geoul/link/dds/ros_messages.h"

namespace geoul::link {

struct RosPublisherOptions {
  DdsOptions dds = {};
  bool reliable_sensors = false;  // RViz's displays ask for reliable data until they are told otherwise
};

// A command that came. Its sender wants it done: who takes it decides whether that is allowed.
struct RosCommand {
  std::string topic;
  Time receive_time;                   // UNIX
  RosJointTrajectory trajectory = {};  // of listen_trajectories
  RosFloat64Array array = {};          // of listen_arrays
};

// Functions may be called from any thread. publish() encodes and writes, and waits where a reliable reader is slow, up
// to 0.1 s: not for the loop.
class RosPublisher {
 public:
  // kBadInput for wrong options, kUnavailable where the domain cannot be opened.
  static Result<std::unique_ptr<RosPublisher>> open(const RosPublisherOptions& options);
  ~RosPublisher();

  // Writes a message to a topic ("joint_states"); the first one to a topic makes its writer. kUnavailable where DDS did
  // not take it (a reader was slow), kBadInput where the topic has another type.
  Result<void> publish(const std::string& topic, const RosJointState& message);
  Result<void> publish(const std::string& topic, const RosTransforms& message);
  Result<void> publish(const std::string& topic, const RosImu& message);
  Result<void> publish(const std::string& topic, const RosWrench& message);
  Result<void> publish(const std::string& topic, const RosPointCloud& message);
  Result<void> publish(const std::string& topic, const RosImage& message);
  Result<void> publish(const std::string& topic, const RosClock& message);
  Result<void> publish(const std::string& topic, const RosJointTrajectory& message);
  Result<void> publish(const std::string& topic, const RosFloat64Array& message);
  // A message of any type, as bytes.
  Result<void> publish_bytes(const std::string& topic, const std::string& type, std::string_view message);
  // Makes the writer of a topic before its first message, so that readers find it. type: "sensor_msgs/msg/Imu".
  Result<void> advertise(const std::string& topic, const std::string& type);

  int readers(const std::string& topic) const;        // matched now; 0 for a topic without writer
  bool acknowledged(const std::string& topic) const;  // by all reliable readers

  // Takes commands of trajectory_msgs/msg/JointTrajectory, std_msgs/msg/Float64MultiArray from now on.
  Result<void> listen_trajectories(const std::string& topic);
  Result<void> listen_arrays(const std::string& topic);
  int writers(const std::string& topic) const;  // matched now, of a topic that is listened to
  // Appends the commands that came. Those that break their type are counted and left out.
  void take_commands(std::vector<RosCommand>& commands);
  std::uint64_t broken_commands() const;

 private:
  struct Impl;
  explicit RosPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::link
