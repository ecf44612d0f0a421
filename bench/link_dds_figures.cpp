// ROS 2 over DDS: how long a joint state takes from its stamp in the writer to the link's delivery, within this process
// (Cyclone DDS then uses no socket), from another process with Cyclone DDS (geoul_plant) and from one with Fast DDS,
// both over loopback; how many a second come; how fast messages are read and written. What goes between processes
// swings with the machine's load and is reported; reading and writing are of CPU time, and losses are counts.
#include <unistd.h>

#include <chrono>
#include <thread>

#include "bench/figure.h"
#include "geoul/core/unix_time.h"
#include "geoul/link/dds/dds_link.h"
#include "geoul/link/dds/ros_decoder.h"
#include "geoul/link/dds/ros_messages.h"
#include "geoul/link/dds/ros_publisher.h"
#include "geoul/link/dds/test_peer.h"

using namespace geoul;
using namespace geoul::link;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr int kJoints = 6;
constexpr std::size_t kMessages = 3000;  // at 1 kHz

DdsOptions options() {
  DdsOptions out;
  out.domain = 1 + static_cast<int>(::getpid() % 200);
  return out;
}

RosJointState joint_state(double position) {
  RosJointState out;
  out.header = {.stamp = unix_now(), .frame_id = "base"};
  for (int j = 0; j < kJoints; ++j) out.name.push_back("joint_" + std::to_string(j));
  out.position.assign(kJoints, position);
  out.velocity.assign(kJoints, 0.5);
  out.effort.assign(kJoints, -1.25);
  return out;
}

std::vector<Update> collect(Link& link, std::size_t count, milliseconds patience) {
  std::vector<Update> updates;
  const auto end = steady_clock::now() + patience;
  while (updates.size() < count && steady_clock::now() < end) {
    link.take(updates);
    std::this_thread::sleep_for(milliseconds(1));
  }
  return updates;
}

void report_latency(const std::string& name, const std::vector<Update>& updates) {
  std::vector<double> microseconds;
  for (const Update& u : updates)
    microseconds.push_back(static_cast<double>((u.receive_time - u.source_time).ns) * 1e-3);
  std::sort(microseconds.begin(), microseconds.end());
  const auto at = [&](double part) {
    return microseconds.empty()
               ? std::nan("")
               : microseconds[static_cast<std::size_t>(part * static_cast<double>(microseconds.size() - 1))];
  };
  bench::report(name + "/p50", at(0.5), "us");
  bench::report(name + "/p99", at(0.99), "us");
}

std::unique_ptr<Link> joint_link() {
  auto link = make_dds_link({.link = {.id = "ros", .signals = {"joint_states/position/joint_0"}}, .dds = options()});
  link->start();
  return link;
}

// One process: at 1 kHz, then as fast as the writer may.
void measure_in_process() {
  auto publisher = RosPublisher::open({.dds = options()});
  if (!publisher || !(*publisher)->advertise("joint_states", "sensor_msgs/msg/JointState")) return;
  auto link = joint_link();
  for (int i = 0; i < 5000 && (*publisher)->readers("joint_states") == 0; ++i)
    std::this_thread::sleep_for(milliseconds(2));
  std::thread writer([&] {
    auto next = steady_clock::now();
    for (std::size_t i = 0; i < kMessages; ++i) {
      (void)(*publisher)->publish("joint_states", joint_state(static_cast<double>(i)));
      std::this_thread::sleep_until(next += milliseconds(1));
    }
  });
  const auto updates = collect(*link, kMessages, milliseconds(10'000));
  writer.join();
  report_latency("link/dds/in_process/joint_state", updates);
  bench::at_most("link/dds/in_process/lost_at_1_kHz", static_cast<double>(kMessages - updates.size()), "messages", 0);

  constexpr std::size_t kBurst = 50'000;
  const std::string bytes = encode(joint_state(1));
  const auto begin = steady_clock::now();
  std::thread burst([&] {
    for (std::size_t i = 0; i < kBurst; ++i)
      (void)(*publisher)->publish_bytes("joint_states", "sensor_msgs/msg/JointState", bytes);
  });
  const auto received = collect(*link, kBurst, milliseconds(20'000));
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  burst.join();
  bench::report("link/dds/in_process/joint_states_per_second", static_cast<double>(received.size()) / seconds, "1/s");
}

// From geoul_plant, 25 Hz recorded and played 40 times as fast.
void measure_cyclone() {
  const std::string path = TestPeer::path_of("geoul_plant");
  if (path.empty()) return;
  auto link = joint_link();
  TestPeer peer({path, "ros", "--domain", std::to_string(options().domain), "--speed", "40", "--loop",
                 GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L0L1.csv"});
  report_latency("link/dds/cyclone/joint_state", collect(*link, kMessages, milliseconds(30'000)));
  bench::at_most("link/dds/cyclone/lost_at_1_kHz", static_cast<double>(link->health().lost), "messages", 0);
}

// How many joint states a second Fast DDS brings over loopback when it sends as fast as it may, keeping the last 100.
void measure_rate(const std::string& path) {
  constexpr std::size_t kBurst = 50'000;
  auto link = joint_link();
  TestPeer peer({path, std::to_string(options().domain), "10000", "send", "JointState", "rt/joint_states", "joints=6",
                 "quiet", "period_us=0", "count=" + std::to_string(kBurst)});
  (void)peer.until("sent", milliseconds(30'000));
  const auto updates = collect(*link, kBurst, milliseconds(1000));
  if (updates.size() < 2) return;
  const double seconds = (updates.back().receive_time - updates.front().receive_time).seconds();
  bench::report("link/dds/fast_dds/joint_states_per_second", static_cast<double>(updates.size()) / seconds, "1/s");
  bench::report("link/dds/fast_dds/lost_of_50000", static_cast<double>(kBurst - updates.size()), "messages");
}

void measure_fast_dds() {
  const std::string path = TestPeer::path_of("fast_dds_peer");
  if (path.empty()) {
    std::puts("Fast DDS is not installed (tools/setup test): its figures are missing");
    return;
  }
  auto link = joint_link();
  TestPeer peer({path, std::to_string(options().domain), "10000", "send", "JointState", "rt/joint_states", "joints=6",
                 "now", "quiet", "period_us=1000", "count=" + std::to_string(kMessages)});
  const auto updates = collect(*link, kMessages, milliseconds(30'000));
  report_latency("link/dds/fast_dds/joint_state", updates);
  bench::at_most("link/dds/fast_dds/lost_at_1_kHz", static_cast<double>(kMessages - updates.size()), "messages", 0);
  peer.kill();
  measure_rate(path);
}

void measure_messages() {
  RosPointCloud cloud;
  cloud.width = 1 << 20;
  cloud.point_step = 16;
  cloud.row_step = cloud.width * cloud.point_step;
  for (const char* name : {"x", "y", "z", "intensity"}) cloud.fields.push_back({.name = name});
  cloud.data.assign(cloud.row_step, 7);
  const std::string bytes = encode(cloud);
  RosPointCloud read;
  const double decode_ns = bench::nanoseconds([&] { (void)decode(bytes, read); }, 1, 15);
  const double encode_ns = bench::nanoseconds([&] { (void)encode(cloud); }, 1, 15);
  const double size = static_cast<double>(bytes.size());
  bench::at_least("link/dds/cloud_16_MB/decode", size / decode_ns, "GB/s", 0.5);
  bench::at_least("link/dds/cloud_16_MB/encode", size / encode_ns, "GB/s", 0.3);

  std::vector<std::string> signals;
  for (int j = 0; j < kJoints; ++j) {
    for (const char* field : {"position", "velocity", "effort"}) {
      signals.push_back(std::string("joint_states/") + field + "/joint_" + std::to_string(j));
    }
  }
  RosDecoder decoder(signals);
  const RosType& type = *common_ros_types().find("sensor_msgs/msg/JointState");
  const std::string state = encode(joint_state(1));
  std::vector<Intake::Item> items;
  Diagnostics diagnostics;
  const double signals_ns = bench::nanoseconds(
      [&] {
        items.clear();
        (void)decoder.decode(common_ros_types(), type, "joint_states", state, items, diagnostics);
      },
      1000);
  bench::at_most("link/dds/joint_state/18_signals", signals_ns * 1e-3, "us", 10);
  if (items.size() != signals.size()) std::puts("not all signals were found");
}

}  // namespace

int main() {
  measure_messages();
  measure_in_process();
  measure_cyclone();
  measure_fast_dds();
  return 0;
}
