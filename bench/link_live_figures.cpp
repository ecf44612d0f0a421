// How long an update takes from the link that delivers it to a WebSocket subscriber that has it: a plant of one arm
// whose joints come 1,000 times a second, and 100 sensors beside it that bring 100,000 updates a second more, through
// the running twin with everything that 'geoul run --live --history' does (rows, State, durable history, server).
// Beside it the floor: a round trip of a bare socket. All on the loopback, before other programs of the machine where
// it allows that (SCHED_FIFO, else nice -15; load_before says how many of them want to run).
//   link_live_figures [SECONDS]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include "bench/figure.h"
#include "geoul/core/unix_time.h"
#include "geoul/link/intake_link.h"
#include "geoul/runtime/live.h"
#include "geoul/runtime/live_history.h"
#include "geoul/runtime/live_mirror.h"
#include "geoul/runtime/server/raw_client.h"

namespace {

using namespace geoul;
using namespace geoul::runtime;
using Steady = std::chrono::steady_clock;

constexpr int kJoints = 6, kSensors = 100, kRows = 1000;  // rows a second
constexpr double kStep = 1e-5;  // [rad] that the first joint moves from row to row: it counts them

// Delivers what the plant's threads give it.
class GivenLink : public link::IntakeLink {
 public:
  explicit GivenLink(link::LinkOptions options) : IntakeLink(std::move(options)), intake(intake_) {}
  void start() override { intake.set_live(); }
  void stop() override { intake.set_stopped(); }
  Result<std::uint64_t> write(const std::string&, const link::Value&) override {
    return Error{ErrorCode::kUnsupported, "given links do not write"};
  }
  Result<std::vector<link::OfferedSignal>> browse(Duration) override { return std::vector<link::OfferedSignal>(); }
  link::Intake& intake;
};

std::string site_text() {
  std::string out =
      "site: latency\nscene: cell.usda\nlinks:\n"
      "  - {id: arm, url: \"modbus://127.0.0.1:1\", period_s: 0.001}\n"
      "  - {id: plant, url: \"modbus://127.0.0.1:2\"}\nbind:\n  joints:\n";
  int i = 0;
  for (const char* joint : {"shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3"}) {
    const std::string n = std::to_string(i++);
    out += std::string("    - {joint: /Cell/UR3e/Joints/") + joint + ", position: arm/q" + n + ", velocity: arm/v" + n +
           "}\n";
  }
  out += "  sensors:\n";
  for (int s = 0; s < kSensors; ++s) {
    const std::string n = std::to_string(s);
    out += "    - {sensor: s" + n + ", value: plant/s" + n + "}\n";
  }
  return out;
}

// Returns the 99th percentile [s].
double report_latencies(const std::string& name, std::vector<double> seconds, double bound_ms) {
  std::sort(seconds.begin(), seconds.end());
  if (seconds.empty()) return 0;
  bench::report(name + "/median", 1e3 * seconds[seconds.size() / 2], "ms");
  const double p99 = 1e3 * seconds[seconds.size() * 99 / 100];
  bound_ms > 0 ? bench::at_most(name + "/p99", p99, "ms", bound_ms) : bench::report(name + "/p99", p99, "ms");
  bench::report(name + "/worst", 1e3 * seconds.back(), "ms");
  return 1e-3 * p99;
}

// 600 bytes there and back between two threads, kRows times a second.
std::vector<double> bare_round_trips(double seconds) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  listen(listener, 1);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const int here = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(here, reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
  const int there = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  const int on = 1;
  setsockopt(here, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::array<char, 600> bytes{};
  std::thread echo([&] {
    std::array<char, 600> got{};
    while (recv(there, got.data(), got.size(), MSG_WAITALL) == static_cast<ssize_t>(got.size())) {
      if (write(there, got.data(), got.size()) < 0) return;
    }
  });
  std::vector<double> out;
  const auto begin = Steady::now();
  for (int k = 0; k < seconds * kRows; ++k) {
    std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000 / kRows) * k);
    const auto sent = Steady::now();
    if (write(here, bytes.data(), bytes.size()) < 0) break;
    recv(here, bytes.data(), bytes.size(), MSG_WAITALL);
    out.push_back(std::chrono::duration<double>(Steady::now() - sent).count());
  }
  shutdown(here, SHUT_RDWR);
  echo.join();
  for (const int fd : {here, there, listener}) close(fd);
  return out;
}

struct Plant {
  GivenLink *arm = nullptr, *sensors = nullptr;
  std::vector<Steady::time_point> sent;  // of each row
  std::atomic<bool> over = false;

  void move_arm() {
    const auto begin = Steady::now();
    for (std::size_t k = 0; k < sent.size() && !over; ++k) {
      std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000 / kRows) * k);
      std::vector<link::Intake::Item> items;
      const Time now = unix_now();
      for (std::uint32_t c = 0; c < 2 * kJoints; ++c) {
        const double value = c == 0 ? kStep * static_cast<double>(k) : c % 2 == 0 ? 0.3 : 0.01;
        items.push_back({c, value, link::Quality::kGood, now});
      }
      sent[k] = Steady::now();
      arm->intake.deliver(std::move(items));
    }
    over = true;
  }
  void sense() {
    const auto begin = Steady::now();
    for (std::int64_t k = 0; !over; ++k) {
      std::this_thread::sleep_until(begin + std::chrono::microseconds(1'000'000 / kRows) * k +
                                    std::chrono::microseconds(370));
      std::vector<link::Intake::Item> items;
      const Time now = unix_now();
      for (std::uint32_t s = 0; s < kSensors; ++s)
        items.push_back({s, 0.1 * s + static_cast<double>(k), link::Quality::kGood, now});
      sensors->intake.deliver(std::move(items));
    }
  }
};

// Whether these bytes hold this number, which no other field of the message has.
bool tells(const std::string& message, double value) {
  std::array<char, sizeof value> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  return message.find(std::string_view(bytes.data(), bytes.size())) != std::string::npos;
}

// What a subscriber of /joints gets, until the plant is over: the time from each row's delivery.
std::vector<double> subscribe(std::uint16_t port, const Plant& plant) {
  std::vector<double> out;
  RawClient client(port, RawClient::Kind::kPlain);
  if (client.open_web_socket("/") != 101) return out;
  const std::string advertised = client.next_text("\"advertise\"");
  const std::size_t topic = advertised.find("\"/joints\"");
  const std::size_t begin = advertised.rfind('{', topic), id = advertised.find("\"id\":", begin);
  if (topic == std::string::npos || id == std::string::npos) return out;
  client.send_frame(1, R"({"op":"subscribe","subscriptions":[{"id":1,"channelId":)" +
                           std::to_string(std::atoi(advertised.c_str() + id + 5)) + "}]}");
  std::size_t last = 0;
  while (!plant.over) {
    const auto [opcode, frame] = client.next_frame();
    const auto now = Steady::now();
    if (opcode < 0) break;
    if (opcode != 2 || frame.size() < 13 || frame[0] != 1) continue;
    for (std::size_t row = last + 1; row < std::min(last + 1000, plant.sent.size()); ++row) {
      if (!tells(frame, kStep * static_cast<double>(row))) continue;
      out.push_back(std::chrono::duration<double>(now - plant.sent[row]).count());
      last = row;
      break;
    }
  }
  return out;
}

// floor: 99th percentile of a bare round trip [s].
int measure(double seconds, bool with_sensors, double floor) {
  Diagnostics diagnostics;
  const std::optional<runtime::Site> site =
      parse_site(site_text(), GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/latency.yaml", diagnostics);
  const std::optional<Twin> twin = site ? load_twin(site->scene, diagnostics) : std::nullopt;
  std::optional<Bindings> bindings = twin ? bind(*site, *twin, Feed::kLive, diagnostics) : std::nullopt;
  if (!bindings) return std::fprintf(stderr, "%s\n", diagnostics.text().c_str()), 2;
  Plant plant;
  plant.sent.resize(static_cast<std::size_t>(seconds * kRows));
  std::vector<std::unique_ptr<link::Link>> links;
  for (GivenLink** given : {&plant.arm, &plant.sensors}) {
    const LinkSpec& spec = site->links[links.size()];
    links.push_back(std::make_unique<GivenLink>(
        link::LinkOptions{.id = spec.id, .signals = LiveMirror::asked_of(spec, *bindings).names, .now = unix_now}));
    *given = static_cast<GivenLink*>(links.back().get());
  }
  LiveMirrorOptions mirror_options;
  mirror_options.now = unix_now;
  LiveMirror mirror(*twin, *site, std::move(*bindings), std::move(links), std::move(mirror_options));
  auto server = Server::start({.port = 0});
  if (!server) return std::fprintf(stderr, "%s\n", server.error().message.c_str()), 2;
  Publisher publisher(*twin, mirror, server->get(), {});
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("geoul_latency_" + std::to_string(getpid()));
  LiveHistoryOptions recording;
  recording.folder = folder, recording.name = site->name;
  for (const LinkSpec& spec : site->links) recording.links.push_back(spec.id);
  auto history = LiveHistory::start(std::move(recording), diagnostics);
  if (!history) return std::fprintf(stderr, "%s\n", history.error().message.c_str()), 2;
  mirror.record(history->get());

  std::vector<double> latencies;
  std::thread client([&] { latencies = subscribe((*server)->port(), plant); });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  std::thread arm([&] { plant.move_arm(); });
  std::thread sensors([&] {
    if (with_sensors) plant.sense();
  });
  SteadyClock clock;
  LiveOptions live;
  live.stop = &plant.over;
  run_live(mirror, publisher, server->get(), clock, live);
  const LiveHistoryFigures figures = (*history)->figures();
  arm.join();
  sensors.join();
  server->reset();
  client.join();
  const std::string name = with_sensors ? "link/live/update_to_subscriber" : "link/live/update_to_subscriber/arm_alone";
  const link::LinkHealth beside = plant.sensors->health(), of_arm = plant.arm->health();
  if (with_sensors)
    bench::at_least("link/live/updates_beside", static_cast<double>(beside.updates) / seconds, "1/s", 99'000);
  bench::report(name + "/messages", static_cast<double>(latencies.size()) / seconds, "1/s");
  bench::at_most(name + "/dropped", static_cast<double>(of_arm.dropped + beside.dropped), "updates", 0);
  const double p99 = report_latencies(name, std::move(latencies), 1);
  if (floor > 0) bench::report(name + "/p99_of_bare_round_trip", p99 / floor, "times");
  if (with_sensors)
    bench::at_least("link/live/updates_on_the_disk", static_cast<double>(figures.durable) / seconds, "1/s", 100'000);
  bench::at_most(name + "/not_recorded", static_cast<double>(figures.lost), "updates", 0);
  mirror.record(nullptr);
  const bool recorded = static_cast<bool>((*history)->finish());
  std::filesystem::remove_all(folder);
  return recorded ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 20;
  const sched_param first{.sched_priority = 10};
  const bool is_first = sched_setscheduler(0, SCHED_FIFO, &first) == 0;
  if (!is_first && setpriority(PRIO_PROCESS, 0, -15) != 0)
    std::fprintf(stderr, "this user may not raise the priority\n");
  bench::report("link/live/before_others", is_first ? 1 : 0, "");
  std::array<double, 1> load{};
  getloadavg(load.data(), 1);
  bench::report("link/live/load_before", load[0], "");
  const double floor = report_latencies("link/live/bare_socket_round_trip", bare_round_trips(seconds / 4), 0);
  if (const int failed = measure(seconds / 2, false, floor)) return failed;
  return measure(seconds, true, floor);
}
