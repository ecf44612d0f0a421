// The foreign end of link's DDS tests: a program on Fast DDS, ROS 2's other implementation, with its own serialisation
// (Fast CDR) and structs written from the public message definitions; it shares no code with Geoul. It prints every
// field of what it sends or receives, one a line: "/position/0\t0.25"; arrays of bytes as "bytes COUNT FNV-1a".
//   fast_dds_peer DOMAIN LEASE_MS send    TYPE TOPIC [count=N] [period_us=N] [seed=N] [bytes=N] [joints=N] [FLAG...]
//   fast_dds_peer DOMAIN LEASE_MS receive TYPE TOPIC [count=N] [FLAG...]
// flags: best_effort, transient_local, early (sends without waiting for a reader), quiet (no fields), now (stamps are
// the time of sending), by_line (sends one message a line of input), hold (says matched, then waits for a line). Lines:
// ready, match GUID, message I, sent, done. Ends with its input.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fastcdr/Cdr.h>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/DataWriterListener.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>

namespace {

namespace dds = eprosima::fastdds::dds;
namespace rtps = eprosima::fastrtps::rtps;
using eprosima::fastcdr::Cdr;
using eprosima::fastcdr::FastBuffer;

// The messages; visit() names the fields in the order of the definition.
struct Stamp {
  std::int32_t sec = 0;
  std::uint32_t nanosec = 0;
};
struct Header {
  Stamp stamp;
  std::string frame_id;
};
struct JointState {
  Header header;
  std::vector<std::string> name;
  std::vector<double> position, velocity, effort;
};
struct Vector3 {
  double x = 0, y = 0, z = 0;
};
struct Quaternion {
  double x = 0, y = 0, z = 0, w = 1;
};
struct Imu {
  Header header;
  Quaternion orientation;
  std::array<double, 9> orientation_covariance;
  Vector3 angular_velocity;
  std::array<double, 9> angular_velocity_covariance;
  Vector3 linear_acceleration;
  std::array<double, 9> linear_acceleration_covariance;
};
struct Transform {
  Vector3 translation;
  Quaternion rotation;
};
struct TransformStamped {
  Header header;
  std::string child_frame_id;
  Transform transform;
};
struct TFMessage {
  std::vector<TransformStamped> transforms;
};
struct Clock {
  Stamp clock;
};
struct PointField {
  std::string name;
  std::uint32_t offset = 0;
  std::uint8_t datatype = 0;
  std::uint32_t count = 0;
};
struct PointCloud2 {
  Header header;
  std::uint32_t height = 0, width = 0;
  std::vector<PointField> fields;
  bool is_bigendian = false;
  std::uint32_t point_step = 0, row_step = 0;
  std::vector<std::uint8_t> data;
  bool is_dense = false;
};
struct Image {
  Header header;
  std::uint32_t height = 0, width = 0;
  std::string encoding;
  std::uint8_t is_bigendian = 0;
  std::uint32_t step = 0;
  std::vector<std::uint8_t> data;
};
struct Wrench {
  Vector3 force, torque;
};
struct WrenchStamped {
  Header header;
  Wrench wrench;
};
struct JointTrajectoryPoint {
  std::vector<double> positions, velocities, accelerations, effort;
  Stamp time_from_start;
};
struct JointTrajectory {
  Header header;
  std::vector<std::string> joint_names;
  std::vector<JointTrajectoryPoint> points;
};
struct Float64 {
  double data = 0;
};
struct String {
  std::string data;
};
struct Bool {
  bool data = false;
};
struct Int32 {
  std::int32_t data = 0;
};
struct Dimension {
  std::string label;
  std::uint32_t size = 0, stride = 0;
};
struct Layout {
  std::vector<Dimension> dim;
  std::uint32_t data_offset = 0;
};
struct Float64MultiArray {
  Layout layout;
  std::vector<double> data;
};
struct Foreign {
  std::int32_t secret = 0;
};  // of a type that Geoul has not heard of
struct Gid {
  std::array<std::uint8_t, 16> data;
};
struct NodeEntitiesInfo {
  std::string node_namespace, node_name;
  std::vector<Gid> reader_gid_seq, writer_gid_seq;
};
struct ParticipantEntitiesInfo {
  Gid gid;
  std::vector<NodeEntitiesInfo> node_entities_info_seq;
};

#define FIELD(name) a(#name, m.name)
template <class A>
void visit(A& a, Stamp& m) {
  FIELD(sec);
  FIELD(nanosec);
}
template <class A>
void visit(A& a, Header& m) {
  FIELD(stamp);
  FIELD(frame_id);
}
template <class A>
void visit(A& a, JointState& m) {
  FIELD(header);
  FIELD(name);
  FIELD(position);
  FIELD(velocity);
  FIELD(effort);
}
template <class A>
void visit(A& a, Vector3& m) {
  FIELD(x);
  FIELD(y);
  FIELD(z);
}
template <class A>
void visit(A& a, Quaternion& m) {
  FIELD(x);
  FIELD(y);
  FIELD(z);
  FIELD(w);
}
template <class A>
void visit(A& a, Imu& m) {
  FIELD(header);
  FIELD(orientation);
  FIELD(orientation_covariance);
  FIELD(angular_velocity);
  FIELD(angular_velocity_covariance);
  FIELD(linear_acceleration);
  FIELD(linear_acceleration_covariance);
}
template <class A>
void visit(A& a, Transform& m) {
  FIELD(translation);
  FIELD(rotation);
}
template <class A>
void visit(A& a, TransformStamped& m) {
  FIELD(header);
  FIELD(child_frame_id);
  FIELD(transform);
}
template <class A>
void visit(A& a, TFMessage& m) {
  FIELD(transforms);
}
template <class A>
void visit(A& a, Clock& m) {
  FIELD(clock);
}
template <class A>
void visit(A& a, PointField& m) {
  FIELD(name);
  FIELD(offset);
  FIELD(datatype);
  FIELD(count);
}
template <class A>
void visit(A& a, PointCloud2& m) {
  FIELD(header);
  FIELD(height);
  FIELD(width);
  FIELD(fields);
  FIELD(is_bigendian);
  FIELD(point_step);
  FIELD(row_step);
  FIELD(data);
  FIELD(is_dense);
}
template <class A>
void visit(A& a, Image& m) {
  FIELD(header);
  FIELD(height);
  FIELD(width);
  FIELD(encoding);
  FIELD(is_bigendian);
  FIELD(step);
  FIELD(data);
}
template <class A>
void visit(A& a, Wrench& m) {
  FIELD(force);
  FIELD(torque);
}
template <class A>
void visit(A& a, WrenchStamped& m) {
  FIELD(header);
  FIELD(wrench);
}
template <class A>
void visit(A& a, JointTrajectoryPoint& m) {
  FIELD(positions);
  FIELD(velocities);
  FIELD(accelerations);
  FIELD(effort);
  FIELD(time_from_start);
}
template <class A>
void visit(A& a, JointTrajectory& m) {
  FIELD(header);
  FIELD(joint_names);
  FIELD(points);
}
template <class A>
void visit(A& a, Float64& m) {
  FIELD(data);
}
template <class A>
void visit(A& a, String& m) {
  FIELD(data);
}
template <class A>
void visit(A& a, Bool& m) {
  FIELD(data);
}
template <class A>
void visit(A& a, Int32& m) {
  FIELD(data);
}
template <class A>
void visit(A& a, Dimension& m) {
  FIELD(label);
  FIELD(size);
  FIELD(stride);
}
template <class A>
void visit(A& a, Layout& m) {
  FIELD(dim);
  FIELD(data_offset);
}
template <class A>
void visit(A& a, Float64MultiArray& m) {
  FIELD(layout);
  FIELD(data);
}
template <class A>
void visit(A& a, Foreign& m) {
  FIELD(secret);
}
template <class A>
void visit(A& a, Gid& m) {
  FIELD(data);
}
template <class A>
void visit(A& a, NodeEntitiesInfo& m) {
  FIELD(node_namespace);
  FIELD(node_name);
  FIELD(reader_gid_seq);
  FIELD(writer_gid_seq);
}
template <class A>
void visit(A& a, ParticipantEntitiesInfo& m) {
  FIELD(gid);
  FIELD(node_entities_info_seq);
}
#undef FIELD

template <class T>
struct IsPlain : std::bool_constant<std::is_arithmetic_v<T> || std::is_same_v<T, std::string>> {};

struct Serialize {
  Cdr& cdr;
  template <class T>
  void operator()(const char*, T& value) {
    put(value);
  }
  template <class T>
  void put(T& value) {
    if constexpr (IsPlain<T>::value)
      cdr << value;
    else
      visit(*this, value);
  }
  template <class T, std::size_t n>
  void put(std::array<T, n>& value) {
    cdr << value;
  }
  template <class T>
  void put(std::vector<T>& value) {
    if constexpr (IsPlain<T>::value) {
      cdr << value;
    } else {
      cdr << static_cast<std::uint32_t>(value.size());
      for (T& item : value) put(item);
    }
  }
};

struct Deserialize {
  Cdr& cdr;
  template <class T>
  void operator()(const char*, T& value) {
    get(value);
  }
  template <class T>
  void get(T& value) {
    if constexpr (IsPlain<T>::value)
      cdr >> value;
    else
      visit(*this, value);
  }
  template <class T, std::size_t n>
  void get(std::array<T, n>& value) {
    cdr >> value;
  }
  template <class T>
  void get(std::vector<T>& value) {
    if constexpr (IsPlain<T>::value) {
      cdr >> value;
    } else {
      std::uint32_t count = 0;
      cdr >> count;
      value.resize(count);
      for (T& item : value) get(item);
    }
  }
};

struct Print {
  std::string path;
  template <class T>
  void operator()(const char* name, T& value) {
    at(name, value);
  }
  template <class T>
  void at(const std::string& name, T& value) {
    const std::size_t size = path.size();
    path += "/" + name;
    show(value);
    path.resize(size);
  }
  void show(std::string& v) { std::printf("%s\t%s\n", path.c_str(), v.c_str()); }
  void show(bool& v) { std::printf("%s\t%s\n", path.c_str(), v ? "true" : "false"); }
  void show(double& v) { std::printf("%s\t%.17g\n", path.c_str(), v); }
  void show_bytes(const std::uint8_t* data, std::size_t size) {
    std::uint64_t hash = 14695981039346656037u;
    for (std::size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 1099511628211u;
    if (size > 0) std::printf("%s\tbytes %zu %016llx\n", path.c_str(), size, static_cast<unsigned long long>(hash));
  }
  void show(std::vector<std::uint8_t>& v) { show_bytes(v.data(), v.size()); }
  template <std::size_t n>
  void show(std::array<std::uint8_t, n>& v) {
    show_bytes(v.data(), n);
  }
  template <class T>
  void show(T& v) {
    if constexpr (std::is_integral_v<T>)
      std::printf("%s\t%lld\n", path.c_str(), static_cast<long long>(v));
    else
      visit(*this, v);
  }
  template <class T>
  void show_items(T& items) {
    std::size_t i = 0;
    for (auto& item : items) at(std::to_string(i++), item);
  }
  template <class T>
  void show(std::vector<T>& v) {
    show_items(v);
  }
  template <class T, std::size_t n>
  void show(std::array<T, n>& v) {
    show_items(v);
  }
};

struct Options {
  std::size_t count = 1, period_us = 1000, seed = 1, bytes = 1000, joints = 0;
  bool best_effort = false, transient_local = false, early = false, quiet = false, now = false, by_line = false,
       hold = false;
};

struct Fill {
  std::mt19937_64 random;
  const Options& options;
  std::size_t below(std::size_t n) { return random() % n; }
  template <class T>
  void operator()(const char*, T& value) {
    fill(value);
  }
  void fill(std::string& v) {
    v.clear();
    for (std::size_t i = below(13); i > 0; --i) v += static_cast<char>('a' + below(26));
  }
  void fill(bool& v) { v = below(2) == 1; }
  void fill(double& v) { v = std::normal_distribution<double>(0, 1e3)(random); }
  void fill(std::uint32_t& v) { v = static_cast<std::uint32_t>(below(1'000'000'000)); }
  void fill(std::int32_t& v) { v = static_cast<std::int32_t>(below(2'000'000'000)); }
  void fill(std::uint8_t& v) { v = static_cast<std::uint8_t>(random()); }
  template <class T>
  void fill(T& v) {
    visit(*this, v);
  }
  template <class T>
  void fill(std::vector<T>& v) {
    v.resize(sizeof(T) == 1 ? below(options.bytes + 1) : below(6));
    for (T& item : v) fill(item);
  }
  template <class T, std::size_t n>
  void fill(std::array<T, n>& v) {
    for (T& item : v) fill(item);
  }
  // A robot of `joints` joints instead of a random message.
  void robot(JointState& m, std::size_t index) {
    m = {};
    for (std::size_t j = 0; j < options.joints; ++j) {
      m.name.push_back("joint_" + std::to_string(j));
      m.position.push_back(static_cast<double>(index) + 0.125 * static_cast<double>(j));
      m.velocity.push_back(0.5);
      m.effort.push_back(-1.25);
    }
  }
  template <class T>
  void robot(T& m, std::size_t) {
    fill(m);
  }
};

std::pair<std::int64_t, std::int64_t> unix_now() {
  const auto ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}
template <class T>
void stamp(T& m) {
  if constexpr (requires { m.header.stamp; }) {
    const auto [sec, nanosec] = unix_now();
    m.header.stamp = {static_cast<std::int32_t>(sec), static_cast<std::uint32_t>(nanosec)};
  }
}

template <class T>
class Support : public dds::TopicDataType {
 public:
  explicit Support(const char* name) {
    setName(name);
    m_typeSize = 4096;
    m_isGetKeyDefined = false;
  }
  bool serialize(void* data, rtps::SerializedPayload_t* payload) override {
    FastBuffer buffer(reinterpret_cast<char*>(payload->data), payload->max_size);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    payload->encapsulation = CDR_LE;
    cdr.serialize_encapsulation();
    Serialize visitor{cdr};
    visit(visitor, *static_cast<T*>(data));
    payload->length = static_cast<std::uint32_t>(cdr.getSerializedDataLength());
    return true;
  }
  bool deserialize(rtps::SerializedPayload_t* payload, void* data) override {
    FastBuffer buffer(reinterpret_cast<char*>(payload->data), payload->length);
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    try {
      cdr.read_encapsulation();
      Deserialize visitor{cdr};
      visit(visitor, *static_cast<T*>(data));
      return true;
    } catch (const eprosima::fastcdr::exception::Exception& e) {
      std::printf("broken %s\n", e.what());
      return false;
    }
  }
  std::function<std::uint32_t()> getSerializedSizeProvider(void* data) override {
    return [data] {
      FastBuffer buffer;
      Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
      cdr.serialize_encapsulation();
      Serialize visitor{cdr};
      visit(visitor, *static_cast<T*>(data));
      return static_cast<std::uint32_t>(cdr.getSerializedDataLength());
    };
  }
  void* createData() override { return new T(); }
  void deleteData(void* data) override { delete static_cast<T*>(data); }
  bool getKey(void*, rtps::InstanceHandle_t*, bool) override { return false; }
};

bool read_line() {  // false: the input has ended
  char c = 0;
  while (::read(0, &c, 1) == 1) {
    if (c == '\n') return true;
  }
  return false;
}

void say_match(const dds::InstanceHandle_t& handle) {
  std::printf("match ");
  for (int i = 0; i < 16; ++i) std::printf("%02x", static_cast<unsigned>(handle.value[i]));
  std::puts("");
}

class Peer {
 public:
  Peer(int domain, int lease_ms) {
    dds::DomainParticipantQos qos;
    qos.name("fast_dds_peer");
    auto& discovery = qos.wire_protocol().builtin.discovery_config;
    discovery.leaseDuration = eprosima::fastrtps::Duration_t(lease_ms * 1e-3);
    discovery.leaseDuration_announcementperiod = eprosima::fastrtps::Duration_t(lease_ms * 0.3e-3);
    qos.transport().use_builtin_transports = false;  // no shared memory: Cyclone DDS has another
    auto udp = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
    udp->interfaceWhiteList.push_back("127.0.0.1");
    udp->sendBufferSize = udp->receiveBufferSize = 1 << 20;
    qos.transport().user_transports.push_back(udp);
    rtps::Locator_t loopback;
    rtps::IPLocator::setIPv4(loopback, "127.0.0.1");
    qos.wire_protocol().builtin.initialPeersList.push_back(loopback);
    participant_ =
        dds::DomainParticipantFactory::get_instance()->create_participant(static_cast<std::uint32_t>(domain), qos);
    if (participant_ == nullptr) std::exit(2);
  }
  ~Peer() {
    participant_->delete_contained_entities();
    dds::DomainParticipantFactory::get_instance()->delete_participant(participant_);
  }

  template <class T>
  dds::Topic* topic(const char* type, const std::string& name) {
    dds::TypeSupport support(new Support<T>(type));
    support.register_type(participant_);
    return participant_->create_topic(name, type, dds::TOPIC_QOS_DEFAULT);
  }

  template <class T>
  void send(const char* type, const std::string& name, const Options& options) {
    struct Listener : dds::DataWriterListener {
      std::atomic<int> matched{0};
      void on_publication_matched(dds::DataWriter*, const dds::PublicationMatchedStatus& status) override {
        matched = status.current_count;
      }
    } listener;
    dds::DataWriterQos qos;
    qos.reliability().kind = options.best_effort ? dds::BEST_EFFORT_RELIABILITY_QOS : dds::RELIABLE_RELIABILITY_QOS;
    qos.durability().kind =
        options.transient_local ? dds::TRANSIENT_LOCAL_DURABILITY_QOS : dds::VOLATILE_DURABILITY_QOS;
    qos.history().depth = options.transient_local ? 1 : 100;
    qos.endpoint().history_memory_policy = rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE;
    dds::Publisher* publisher = participant_->create_publisher(dds::PUBLISHER_QOS_DEFAULT);
    dds::DataWriter* writer = publisher->create_datawriter(topic<T>(type, name), qos, &listener);
    std::puts("ready");
    while (!options.early && listener.matched == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (options.hold) {
      std::puts("matched");
      if (!read_line()) return;
    } else if (!options.early) {  // the other side may match a little later
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    Fill fill{std::mt19937_64(options.seed), options};
    auto next = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < options.count; ++i) {
      if (options.by_line && !read_line()) return;
      T message;
      if (options.joints > 0)
        fill.robot(message, i);
      else
        fill.fill(message);
      if (options.now) stamp(message);
      if (!options.quiet) {
        std::printf("message %zu\n", i);
        Print print;
        visit(print, message);
      }
      writer->write(&message);
      std::this_thread::sleep_until(next += std::chrono::microseconds(options.period_us));
    }
    std::puts("sent");
    while (read_line()) {
    }
  }

  template <class T>
  void receive(const char* type, const std::string& name, const Options& options) {
    struct Listener : dds::DataReaderListener {
      explicit Listener(const Options& o) : options(o) {}
      const Options& options;
      std::size_t count = 0;
      void on_subscription_matched(dds::DataReader*, const dds::SubscriptionMatchedStatus& status) override {
        if (status.current_count_change > 0) say_match(status.last_publication_handle);
      }
      void on_data_available(dds::DataReader* reader) override {
        T message;
        dds::SampleInfo info;
        while (reader->take_next_sample(&message, &info) == ReturnCode_t::RETCODE_OK) {
          if (!info.valid_data) continue;
          if (!options.quiet) {
            std::printf("message %zu\n", count);
            Print print;
            visit(print, message);
          }
          if (++count == options.count) std::puts("done");
          message = {};
        }
      }
    } listener(options);
    dds::DataReaderQos qos;
    qos.reliability().kind = options.best_effort ? dds::BEST_EFFORT_RELIABILITY_QOS : dds::RELIABLE_RELIABILITY_QOS;
    qos.durability().kind =
        options.transient_local ? dds::TRANSIENT_LOCAL_DURABILITY_QOS : dds::VOLATILE_DURABILITY_QOS;
    qos.history().depth = 1000;
    qos.endpoint().history_memory_policy = rtps::PREALLOCATED_WITH_REALLOC_MEMORY_MODE;
    dds::Subscriber* subscriber = participant_->create_subscriber(dds::SUBSCRIBER_QOS_DEFAULT);
    dds::DataReader* reader = subscriber->create_datareader(topic<T>(type, name), qos, &listener);
    if (reader == nullptr) std::exit(2);
    std::puts("ready");
    while (read_line()) {
    }
    std::printf("received %zu\n", listener.count);
    subscriber->delete_datareader(reader);  // before its listener goes
  }

  template <class T>
  void run(bool is_sender, const char* type, const std::string& name, const Options& options) {
    is_sender ? send<T>(type, name, options) : receive<T>(type, name, options);
  }

 private:
  dds::DomainParticipant* participant_ = nullptr;
};

bool read_option(const std::string& word, Options& options) {
  const std::map<std::string, bool Options::*> flags{{"best_effort", &Options::best_effort},
                                                     {"transient_local", &Options::transient_local},
                                                     {"early", &Options::early},
                                                     {"quiet", &Options::quiet},
                                                     {"now", &Options::now},
                                                     {"by_line", &Options::by_line},
                                                     {"hold", &Options::hold}};
  const std::map<std::string, std::size_t Options::*> numbers{{"count", &Options::count},
                                                              {"period_us", &Options::period_us},
                                                              {"seed", &Options::seed},
                                                              {"bytes", &Options::bytes},
                                                              {"joints", &Options::joints}};
  const std::size_t middle = word.find('=');
  if (middle == word.npos) {
    if (!flags.contains(word)) return false;
    options.*flags.at(word) = true;
    return true;
  }
  if (!numbers.contains(word.substr(0, middle))) return false;
  options.*numbers.at(word.substr(0, middle)) = std::stoul(word.substr(middle + 1));
  return true;
}

using Run = void (Peer::*)(bool, const char*, const std::string&, const Options&);
struct Known {
  const char* dds_name;
  Run run;
};
const std::map<std::string, Known> kTypes{
    {"JointState", {"sensor_msgs::msg::dds_::JointState_", &Peer::run<JointState>}},
    {"Imu", {"sensor_msgs::msg::dds_::Imu_", &Peer::run<Imu>}},
    {"TFMessage", {"tf2_msgs::msg::dds_::TFMessage_", &Peer::run<TFMessage>}},
    {"Clock", {"rosgraph_msgs::msg::dds_::Clock_", &Peer::run<Clock>}},
    {"PointCloud2", {"sensor_msgs::msg::dds_::PointCloud2_", &Peer::run<PointCloud2>}},
    {"Image", {"sensor_msgs::msg::dds_::Image_", &Peer::run<Image>}},
    {"WrenchStamped", {"geometry_msgs::msg::dds_::WrenchStamped_", &Peer::run<WrenchStamped>}},
    {"JointTrajectory", {"trajectory_msgs::msg::dds_::JointTrajectory_", &Peer::run<JointTrajectory>}},
    {"Float64", {"std_msgs::msg::dds_::Float64_", &Peer::run<Float64>}},
    {"String", {"std_msgs::msg::dds_::String_", &Peer::run<String>}},
    {"Bool", {"std_msgs::msg::dds_::Bool_", &Peer::run<Bool>}},
    {"Int32", {"std_msgs::msg::dds_::Int32_", &Peer::run<Int32>}},
    {"Float64MultiArray", {"std_msgs::msg::dds_::Float64MultiArray_", &Peer::run<Float64MultiArray>}},
    {"Foreign", {"house_msgs::msg::dds_::Foreign_", &Peer::run<Foreign>}},
    {"ParticipantEntitiesInfo",
     {"rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_", &Peer::run<ParticipantEntitiesInfo>}},
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool is_good = argc >= 6 && kTypes.contains(argv[4]);
  for (int i = 6; i < argc && is_good; ++i) is_good = read_option(argv[i], options);
  if (!is_good) {
    std::fprintf(stderr, "usage: fast_dds_peer DOMAIN LEASE_MS send|receive TYPE TOPIC [OPTION...]\n");
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Peer peer(std::atoi(argv[1]), std::atoi(argv[2]));
  const Known& type = kTypes.at(argv[4]);
  (peer.*type.run)(std::string(argv[3]) == "send", type.dds_name, argv[5], options);
  return 0;
}
