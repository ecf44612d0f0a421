// The messages that Geoul exchanges with ROS 2 as a robot, as plain structs, and their bytes (cdr.h). Fields are those
// of ROS's definitions of the same name; quaternions are x, y, z, w; times are of core. decode() reads what anybody may
// have sent: memory stays below twenty times the size of the message.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::link {

using RosVector3 = std::array<double, 3>;
using RosQuaternion = std::array<double, 4>;  // x, y, z, w
using RosCovariance3 = std::array<double, 9>;

struct RosHeader {
  Time stamp;  // seconds within int32: until 2038
  std::string frame_id;
};

struct RosJointState {  // sensor_msgs/msg/JointState
  RosHeader header;
  std::vector<std::string> name;                   // (njoint)
  std::vector<double> position, velocity, effort;  // (njoint) or empty: rad, rad/s, N m; m, m/s, N
};

struct RosTransform {  // geometry_msgs/msg/TransformStamped
  RosHeader header;    // frame_id: the parent
  std::string child_frame_id;
  RosVector3 translation{};
  RosQuaternion rotation{0, 0, 0, 1};
};

struct RosTransforms {  // tf2_msgs/msg/TFMessage
  std::vector<RosTransform> transforms;
};

struct RosImu {  // sensor_msgs/msg/Imu
  RosHeader header;
  RosQuaternion orientation{0, 0, 0, 1};
  RosCovariance3 orientation_covariance{};  // [0] = -1: no orientation
  RosVector3 angular_velocity{};            // [rad/s]
  RosCovariance3 angular_velocity_covariance{};
  RosVector3 linear_acceleration{};  // [m/s^2] with gravity's reaction: +9.8 upward at rest
  RosCovariance3 linear_acceleration_covariance{};
};

struct RosWrench {  // geometry_msgs/msg/WrenchStamped
  RosHeader header;
  RosVector3 force{}, torque{};
};

struct RosPointField {
  std::string name;           // "x", "intensity"
  std::uint32_t offset = 0;   // [byte] in a point
  std::uint8_t datatype = 7;  // 1 to 8: int8 uint8 int16 uint16 int32 uint32 float32 float64
  std::uint32_t count = 1;
};

struct RosPointCloud {  // sensor_msgs/msg/PointCloud2
  RosHeader header;
  std::uint32_t height = 1, width = 0;
  std::vector<RosPointField> fields;
  bool is_bigendian = false;
  std::uint32_t point_step = 0, row_step = 0;  // [byte]
  std::vector<std::uint8_t> data;              // (height x row_step)
  bool is_dense = true;
};

struct RosImage {  // sensor_msgs/msg/Image
  RosHeader header;
  std::uint32_t height = 0, width = 0;
  std::string encoding;  // "rgb8", "mono16", "32FC1"
  std::uint8_t is_bigendian = 0;
  std::uint32_t step = 0;          // [byte] of a row
  std::vector<std::uint8_t> data;  // (height x step)
};

struct RosClock {  // rosgraph_msgs/msg/Clock
  Time clock;
};

struct RosTrajectoryPoint {
  std::vector<double> positions, velocities, accelerations, effort;  // (njoint) or empty
  Duration time_from_start;
};

struct RosJointTrajectory {  // trajectory_msgs/msg/JointTrajectory
  RosHeader header;
  std::vector<std::string> joint_names;
  std::vector<RosTrajectoryPoint> points;
};

struct RosArrayDimension {
  std::string label;
  std::uint32_t size = 0, stride = 0;
};

struct RosFloat64Array {  // std_msgs/msg/Float64MultiArray
  std::vector<RosArrayDimension> dim;
  std::uint32_t data_offset = 0;
  std::vector<double> data;
};

// Who is on a ROS 2 graph: rmw_dds_common/msg/ParticipantEntitiesInfo with ids of 16 bytes (since Iron).
using RosGid = std::array<std::uint8_t, 16>;
struct RosNodeEntities {
  std::string node_namespace, node_name;
  std::vector<RosGid> readers, writers;
};
struct RosParticipantEntities {
  RosGid gid{};
  std::vector<RosNodeEntities> nodes;
};

// "sensor_msgs/msg/JointState".
std::string_view ros_type(const RosJointState&);
std::string_view ros_type(const RosTransforms&);
std::string_view ros_type(const RosImu&);
std::string_view ros_type(const RosWrench&);
std::string_view ros_type(const RosPointCloud&);
std::string_view ros_type(const RosImage&);
std::string_view ros_type(const RosClock&);
std::string_view ros_type(const RosJointTrajectory&);
std::string_view ros_type(const RosFloat64Array&);
std::string_view ros_type(const RosParticipantEntities&);

// The bytes of a message, encapsulation included. Throws ContractError where a time is outside int32 seconds.
std::string encode(const RosJointState& message);
std::string encode(const RosTransforms& message);
std::string encode(const RosImu& message);
std::string encode(const RosWrench& message);
std::string encode(const RosPointCloud& message);
std::string encode(const RosImage& message);
std::string encode(const RosClock& message);
std::string encode(const RosJointTrajectory& message);
std::string encode(const RosFloat64Array& message);
std::string encode(const RosParticipantEntities& message);
// The same with ids of 24 bytes, as ROS 2 Humble and those before it have them.
std::string encode_humble(const RosParticipantEntities& message);

// kBadInput where the bytes break the type; `message` is then unspecified.
Result<void> decode(std::string_view bytes, RosJointState& message);
Result<void> decode(std::string_view bytes, RosTransforms& message);
Result<void> decode(std::string_view bytes, RosImu& message);
Result<void> decode(std::string_view bytes, RosWrench& message);
Result<void> decode(std::string_view bytes, RosPointCloud& message);
Result<void> decode(std::string_view bytes, RosImage& message);
Result<void> decode(std::string_view bytes, RosClock& message);
Result<void> decode(std::string_view bytes, RosJointTrajectory& message);
Result<void> decode(std::string_view bytes, RosFloat64Array& message);
Result<void> decode(std::string_view bytes, RosParticipantEntities& message);

}  // namespace geoul::link
