// Figures of the RTDE link: a simulated robot and a link at 500 Hz over loopback, both in this process, and how fast
// packages are read. The recording is that of the real robot, with all its variables.
#include <sys/resource.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "bench/figure.h"
#include "geoul/link/rtde/rtde_link.h"
#include "geoul/link/rtde/rtde_server.h"

namespace geoul::link {
namespace {

using bench::at_least;
using bench::at_most;
using bench::report;

const std::string kData = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/";

double process_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::int64_t steady_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double quantile(std::vector<double> values, double q) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

RtdeColumns columns() {
  Diagnostics diagnostics;
  auto read = read_rtde_columns(
      {kData + "L0L1.csv", kData + "L1L2.csv", kData + "L2L3.csv", kData + "L3L4.csv", kData + "L4L5.csv"},
      diagnostics);
  if (!read) std::fprintf(stderr, "%s\n", diagnostics.text().c_str());
  return std::move(*read);
}

// Signals of a twin: joints, tool and state of the robot; 53 values.
std::vector<std::string> twin_signals() {
  std::vector<std::string> signals = {"timestamp", "robot_mode", "safety_mode", "runtime_state", "speed_scaling"};
  for (const char* vector : {"actual_q", "actual_qd", "actual_current", "target_q", "target_qd", "target_qdd",
                             "target_moment", "actual_TCP_pose"}) {
    for (int i = 0; i < 6; ++i) signals.push_back(std::string(vector) + "_" + std::to_string(i));
  }
  return signals;
}

// 500 packages a second for `seconds`: what is lost, and how long from just before a package is sent until take() has
// it.
void stream(const std::string& name, const std::vector<std::string>& signals, double seconds) {
  std::mutex mutex;
  std::condition_variable delivered;
  std::map<std::int64_t, std::int64_t> sent;  // [ns] steady clock at sending, by the timestamp [us]
  RtdeServerOptions server_options{.port = 0, .loop = true};
  server_options.on_send = [&](double timestamp) {
    const std::lock_guard lock(mutex);
    sent[std::llround(timestamp * 1e6)] = steady_ns();
  };
  auto server = RtdeServer::start(columns(), server_options);
  if (!server) return at_least(name + "/packages of 500 Hz", std::nan(""), "", 1);
  const auto link = make_rtde_link(
      {.link = {.id = "robot", .signals = signals}, .host = "127.0.0.1", .port = (*server)->port(), .frequency = 500});
  bool woken = false;
  link->on_delivery([&] {
    const std::lock_guard lock(mutex);
    woken = true;
    delivered.notify_one();
  });
  link->start();
  std::vector<Update> updates;
  std::vector<double> latency;  // [us]
  std::int64_t first = 0, newest = 0;
  std::size_t packages = 0, taken = 0;
  double cpu = 0;
  std::int64_t begin = 0;
  while (begin == 0 || static_cast<double>(newest - first) < seconds * 1e6) {
    {
      std::unique_lock lock(mutex);
      if (!delivered.wait_for(lock, std::chrono::seconds(5), [&] { return woken; })) break;
      woken = false;
    }
    updates.clear();
    link->take(updates);
    taken += updates.size();
    const std::int64_t now = steady_ns();
    for (const Update& u : updates) {
      const std::int64_t timestamp = std::llround(static_cast<double>(u.source_time.ns) / 1e3);
      if (u.signal != 0 || timestamp <= newest) continue;  // the first signal stands for its package
      if (begin == 0) {
        begin = now;
        first = timestamp;
        cpu = process_seconds();
      }
      newest = timestamp;
      ++packages;
      const std::lock_guard lock(mutex);
      latency.push_back(1e-3 * static_cast<double>(now - sent[timestamp]));
    }
  }
  cpu = process_seconds() - cpu;
  const double wall = 1e-9 * static_cast<double>(steady_ns() - begin);
  const LinkHealth health = link->health();
  link->stop();
  const double expected = std::round(static_cast<double>(newest - first) / 2000) + 1;
  at_least(name + "/packages that came of those due in " + std::to_string(static_cast<int>(seconds)) + " s at 500 Hz",
           static_cast<double>(packages) / expected, "", 1);
  at_most(name + "/packages lost by the link's own count", static_cast<double>(health.lost), "packages", 0);
  at_most(name + "/updates dropped", static_cast<double>(health.dropped), "updates", 0);
  at_least(name + "/updates a package", static_cast<double>(taken) / static_cast<double>(packages), "updates",
           static_cast<double>(signals.size()));
  report(name + "/rate of packages", static_cast<double>(packages) / wall, "1/s");
  report(name + "/latency from sending to take, p50", quantile(latency, 0.5), "us");
  report(name + "/latency from sending to take, p99", quantile(latency, 0.99), "us");
  report(name + "/share of one core, robot and link together", 100 * cpu / wall, "%");
}

// Reading alone: bytes of packages with all variables of the recording, cut and decoded.
void parsing() {
  RtdeController controller(columns(), {5, 11, 0, 0});
  std::vector<RtdeType> types;
  std::vector<std::uint8_t> payload = {1};
  for (const RtdeVariable& variable : controller.columns().variables) {
    types.push_back(variable.type);
    const auto slot = *controller.output(variable.name);
    for (std::size_t e = 0; e < element_count(slot.type); ++e) {
      append_element(slot.type, controller.values()[slot.first + e], payload);
    }
  }
  constexpr int kPackages = 1000;
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < kPackages; ++i) append_package(RtdePackageType::kData, payload, bytes);
  std::vector<Value> values;
  std::size_t read = 0;
  const double ns = bench::nanoseconds(
                        [&] {
                          RtdePackageReader reader;
                          for (std::size_t at = 0; at < bytes.size(); at += 16384) {  // as they come from a socket
                            reader.append(Bytes(bytes).subspan(at, std::min<std::size_t>(16384, bytes.size() - at)));
                            while (true) {
                              const auto package = reader.next();
                              if (!package || !*package) break;
                              read += decode_data(**package, types, values) ? values.size() : 0;
                            }
                          }
                        },
                        1, 15) /
                    kPackages;
  at_least("parsing/values read of those sent", static_cast<double>(read) / (15.0 * kPackages * 172), "", 1);
  at_least("parsing/packages of 172 values", 1e9 / ns, "1/s", 50'000);
  report("parsing/bytes of a package", static_cast<double>(bytes.size()) / kPackages, "bytes");
}

}  // namespace
}  // namespace geoul::link

int main() {
  geoul::link::stream("twin, 53 signals", geoul::link::twin_signals(), 10);
  std::vector<std::string> all;
  for (const geoul::link::RtdeVariable& variable : geoul::link::columns().variables) {
    for (std::string& name : geoul::link::signal_names(variable)) all.push_back(std::move(name));
  }
  geoul::link::stream("whole robot, 172 signals", all, 10);
  geoul::link::parsing();
}
