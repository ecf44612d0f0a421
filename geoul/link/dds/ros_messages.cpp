#include "geoul/link/dds/ros_messages.h"

#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/link/dds/cdr.h"

namespace geoul::link {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Reading and writing by one list of fields a message: io(value) for each, in the order of the definition.
class Writer {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void io(const T& value) {
    if constexpr (std::is_same_v<T, bool>)
      cdr_.number(static_cast<std::uint8_t>(value));
    else
      cdr_.number(value);
  }
  void io(const std::string& text) { cdr_.string(text); }
  void io(const Time& time) { stamp(time.ns); }
  void io(const Duration& duration) { stamp(duration.ns); }
  template <class T, std::size_t n>
  void io(const std::array<T, n>& items) {
    cdr_.array(std::span<const T>(items));
  }
  template <class T>
  void io(const std::vector<T>& items) {
    cdr_.count(items.size());
    if constexpr (std::is_arithmetic_v<T>)
      cdr_.array(std::span<const T>(items));
    else {
      for (const T& item : items) {
        if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, RosGid>)
          io(item);
        else
          fields(*this, item);
      }
    }
  }
  std::string take() { return cdr_.take(); }

 private:
  void stamp(std::int64_t ns) {
    const std::int64_t seconds = (ns >= 0 ? ns : ns - (kSecond - 1)) / kSecond;
    GEOUL_EXPECTS(seconds >= INT32_MIN && seconds <= INT32_MAX);
    cdr_.number(static_cast<std::int32_t>(seconds));
    cdr_.number(static_cast<std::uint32_t>(ns - seconds * kSecond));
  }

  CdrWriter cdr_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : cdr_(bytes) {}
  template <class T>
  requires std::is_arithmetic_v<T>
  void io(T& value) {
    if constexpr (std::is_same_v<T, bool>)
      value = cdr_.truth();
    else
      value = cdr_.number<T>();
  }
  void io(std::string& text) { text = cdr_.string(); }
  void io(Time& time) { time.ns = stamp(); }
  void io(Duration& duration) { duration.ns = stamp(); }
  template <class T, std::size_t n>
  void io(std::array<T, n>& items) {
    cdr_.array(std::span<T>(items));
  }
  template <class T>
  void io(std::vector<T>& items) {
    if constexpr (std::is_arithmetic_v<T>) {
      const std::uint32_t count = cdr_.count(sizeof(T));
      // one copy, and no zeroes written before it
      const std::string_view bytes = cdr_.bytes(std::uint64_t{count} * sizeof(T), sizeof(T));
      if constexpr (sizeof(T) == 1) {
        const auto* begin = reinterpret_cast<const T*>(bytes.data());
        items.assign(begin, begin + bytes.size());
      } else {
        items.resize(bytes.size() / sizeof(T));
        if (!bytes.empty()) std::memcpy(items.data(), bytes.data(), bytes.size());
        if (cdr_.swapped()) CdrReader::swap_each(reinterpret_cast<char*>(items.data()), items.size(), sizeof(T));
      }
    } else {
      // grows as items come: a count alone reserves nothing
      const std::uint32_t count = cdr_.count(4);
      items.clear();
      for (std::uint32_t i = 0; i < count && cdr_.ok(); ++i) {
        T& item = items.emplace_back();
        if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, RosGid>)
          io(item);
        else
          fields(*this, item);
      }
    }
  }
  const CdrReader& cdr() const { return cdr_; }

 private:
  std::int64_t stamp() {
    const auto seconds = cdr_.number<std::int32_t>();
    return std::int64_t{seconds} * kSecond + cdr_.number<std::uint32_t>();
  }

  CdrReader cdr_;
};

template <class T, class M>
concept Is = std::is_same_v<std::remove_const_t<M>, T>;

// The lists of fields. M is the message, const where it is written.
template <class Io, class M>
void fields(Io& io, M& m) {
  const auto all = [&io](auto&... values) { (io.io(values), ...); };
  const auto header = [&all](auto& h) { all(h.stamp, h.frame_id); };
  if constexpr (Is<RosJointState, M>) {
    header(m.header);
    all(m.name, m.position, m.velocity, m.effort);
  } else if constexpr (Is<RosTransform, M>) {
    header(m.header);
    all(m.child_frame_id, m.translation, m.rotation);
  } else if constexpr (Is<RosTransforms, M>) {
    all(m.transforms);
  } else if constexpr (Is<RosImu, M>) {
    header(m.header);
    all(m.orientation, m.orientation_covariance, m.angular_velocity, m.angular_velocity_covariance,
        m.linear_acceleration, m.linear_acceleration_covariance);
  } else if constexpr (Is<RosWrench, M>) {
    header(m.header);
    all(m.force, m.torque);
  } else if constexpr (Is<RosPointField, M>) {
    all(m.name, m.offset, m.datatype, m.count);
  } else if constexpr (Is<RosPointCloud, M>) {
    header(m.header);
    all(m.height, m.width, m.fields, m.is_bigendian, m.point_step, m.row_step, m.data, m.is_dense);
  } else if constexpr (Is<RosImage, M>) {
    header(m.header);
    all(m.height, m.width, m.encoding, m.is_bigendian, m.step, m.data);
  } else if constexpr (Is<RosClock, M>) {
    all(m.clock);
  } else if constexpr (Is<RosTrajectoryPoint, M>) {
    all(m.positions, m.velocities, m.accelerations, m.effort, m.time_from_start);
  } else if constexpr (Is<RosJointTrajectory, M>) {
    header(m.header);
    all(m.joint_names, m.points);
  } else if constexpr (Is<RosArrayDimension, M>) {
    all(m.label, m.size, m.stride);
  } else if constexpr (Is<RosFloat64Array, M>) {
    all(m.dim, m.data_offset, m.data);
  } else if constexpr (Is<RosNodeEntities, M>) {
    all(m.node_namespace, m.node_name, m.readers, m.writers);
  } else {
    static_assert(Is<RosParticipantEntities, M>);
    all(m.gid, m.nodes);
  }
}

template <class M>
std::string write(const M& message) {
  Writer writer;
  fields(writer, message);
  return writer.take();
}

template <class M>
Result<void> read(std::string_view bytes, M& message) {
  Reader reader(bytes);
  fields(reader, message);
  if (reader.cdr().ok()) return {};
  return Error{ErrorCode::kBadInput, std::string(ros_type(message)) + ": " + reader.cdr().fault() + " at byte " +
                                         std::to_string(reader.cdr().fault_at()) + " of " +
                                         std::to_string(bytes.size()) +
                                         "; the writer has another version of the type, or the bytes are damaged"};
}

}  // namespace

std::string_view ros_type(const RosJointState&) { return "sensor_msgs/msg/JointState"; }
std::string_view ros_type(const RosTransforms&) { return "tf2_msgs/msg/TFMessage"; }
std::string_view ros_type(const RosImu&) { return "sensor_msgs/msg/Imu"; }
std::string_view ros_type(const RosWrench&) { return "geometry_msgs/msg/WrenchStamped"; }
std::string_view ros_type(const RosPointCloud&) { return "sensor_msgs/msg/PointCloud2"; }
std::string_view ros_type(const RosImage&) { return "sensor_msgs/msg/Image"; }
std::string_view ros_type(const RosClock&) { return "rosgraph_msgs/msg/Clock"; }
std::string_view ros_type(const RosJointTrajectory&) { return "trajectory_msgs/msg/JointTrajectory"; }
std::string_view ros_type(const RosFloat64Array&) { return "std_msgs/msg/Float64MultiArray"; }
std::string_view ros_type(const RosParticipantEntities&) { return "rmw_dds_common/msg/ParticipantEntitiesInfo"; }

std::string encode(const RosJointState& message) { return write(message); }
std::string encode(const RosTransforms& message) { return write(message); }
std::string encode(const RosImu& message) { return write(message); }
std::string encode(const RosWrench& message) { return write(message); }
std::string encode(const RosPointCloud& message) { return write(message); }
std::string encode(const RosImage& message) { return write(message); }
std::string encode(const RosClock& message) { return write(message); }
std::string encode(const RosJointTrajectory& message) { return write(message); }
std::string encode(const RosFloat64Array& message) { return write(message); }
std::string encode(const RosParticipantEntities& message) { return write(message); }

std::string encode_humble(const RosParticipantEntities& message) {
  CdrWriter cdr;
  const auto gid = [&cdr](const RosGid& id) {
    std::array<std::uint8_t, 24> wide{};
    std::copy(id.begin(), id.end(), wide.begin());
    cdr.array(std::span<const std::uint8_t>(wide));
  };
  gid(message.gid);
  cdr.count(message.nodes.size());
  for (const RosNodeEntities& node : message.nodes) {
    cdr.string(node.node_namespace);
    cdr.string(node.node_name);
    for (const auto* list : {&node.readers, &node.writers}) {
      cdr.count(list->size());
      for (const RosGid& id : *list) gid(id);
    }
  }
  return cdr.take();
}

Result<void> decode(std::string_view bytes, RosJointState& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosTransforms& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosImu& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosWrench& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosPointCloud& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosImage& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosClock& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosJointTrajectory& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosFloat64Array& message) { return read(bytes, message); }
Result<void> decode(std::string_view bytes, RosParticipantEntities& message) { return read(bytes, message); }

}  // namespace geoul::link
