// How much the OPC UA link carries, and how late: a plant (gateway/opcua/src/plant.mjs, node-opcua) plays 100 signals
// over loopback, encrypted; the time of an update is that of its row, on the clock of this machine. Needs the gateway's
// packages.
#include <fstream>

#include "bench/figure.h"
#include "geoul/link/opcua/opcua_link.h"
#include "geoul/link/opcua/peer.h"

namespace {

using namespace geoul;
using link::opcua::Peer;
using namespace std::chrono_literals;

constexpr int kSignals = 100;

// A recording of kSignals columns at `rate` rows a second; each value tells its row.
std::string write_recording(const std::string& folder, double rate, double seconds) {
  const std::string file = folder + "/recording.csv";
  std::ofstream out(file);
  out << "timestamp";
  for (int i = 0; i < kSignals; ++i) out << ",s" << i;
  out.precision(12);
  for (int row = 0; row < rate * seconds; ++row) {
    out << '\n' << row / rate;
    for (int i = 0; i < kSignals; ++i) out << ',' << row + 0.001 * i;
  }
  return file;
}

double resident_megabytes(std::int64_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  }
  return std::nan("");
}

// CPU time of a process so far [s].
double cpu_seconds(std::int64_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  double ticks = 0;
  for (int i = 1; i <= 15 && stat >> word; ++i) {
    if (i >= 14) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string name(const std::string& what, double rate) {
  return "link/opcua/" + what + "/" + std::to_string(std::lround(rate * kSignals)) + "_per_s";
}

void measure(double rate, double seconds) {
  const link::opcua::TemporaryFolder folder;
  const std::string file = write_recording(folder.path(), rate, 600);
  Peer plant({"node", GEOUL_SOURCE_DIR "/gateway/opcua/src/plant.mjs", file, "--port", "0", "--state",
              folder.path() + "/plant"});
  const std::string ready = plant.line(120s);  // "ready URL THUMBPRINT"
  const std::size_t space = ready.find(' ', 6);
  if (ready.rfind("ready ", 0) != 0 || space == std::string::npos) {
    std::fprintf(stderr, "the plant did not start: %s\n", ready.c_str());
    return;
  }
  std::vector<std::string> signals;
  for (int i = 0; i < kSignals; ++i) signals.push_back("ns=1;s=s" + std::to_string(i));
  const auto link =
      link::make_opcua_link({.id = "plant", .signals = signals}, {.url = ready.substr(6, space - 6),
                                                                  .publishing_interval = {20'000'000},
                                                                  .sampling_interval = {},  // as the values come
                                                                  .queue_size = 1000,
                                                                  .state_folder = folder.path() + "/twin"});
  const auto begin = std::chrono::steady_clock::now();
  const auto since = [&](auto from) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  };
  link->start();
  // The certificate comes first, and is trusted as a person would.
  if (!link::opcua::eventually([&] {
        return static_cast<bool>(
            geoul::link::trust_opcua_certificate(folder.path() + "/twin", ready.substr(space + 1)));
      }) ||
      !link::opcua::eventually([&] { return link->health().state == link::LinkState::kLive; })) {
    std::fprintf(stderr, "not live: %s\n", link->health().problem.c_str());
    return;
  }
  std::printf("live after %.1f s, with the making of a certificate and a refusal\n", since(begin));
  std::this_thread::sleep_for(3s);
  std::vector<link::Update> updates;
  link->take(updates);
  updates.clear();
  const double cpu = cpu_seconds(link->gateway_pid());
  const auto from = std::chrono::steady_clock::now();
  std::vector<double> latencies;
  while (since(from) < seconds) {
    std::this_thread::sleep_for(5ms);
    link->take(updates);
    for (const link::Update& update : updates)
      latencies.push_back(1e3 * (update.receive_time - update.source_time).seconds());
    updates.clear();
  }
  const double took = since(from);
  const link::LinkHealth health = link->health();
  bench::at_least(name("delivered", rate), static_cast<double>(latencies.size()) / took / (rate * kSignals), "of sent",
                  0.98);
  bench::at_most(name("lost", rate), static_cast<double>(health.lost + health.dropped), "updates", 0);
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    bench::report(name("latency_p50", rate), latencies[latencies.size() / 2], "ms");
    bench::report(name("latency_p99", rate), latencies[latencies.size() * 99 / 100], "ms");
  }
  bench::report(
      name("gateway_cpu", rate),
      1e6 * (cpu_seconds(link->gateway_pid()) - cpu) / std::max<double>(1, static_cast<double>(latencies.size())),
      "us/update");
  bench::at_most(name("gateway_memory", rate), resident_megabytes(link->gateway_pid()), "MB", 300);
}

// From nothing to live, with a certificate that is there and trusted: five times.
void measure_start() {
  const link::opcua::TemporaryFolder folder;
  Peer plant({"node", GEOUL_SOURCE_DIR "/gateway/opcua/src/plant.mjs", write_recording(folder.path(), 10, 10), "--port",
              "0", "--loop", "--state", folder.path() + "/plant"});
  const std::string ready = plant.line(120s);
  const std::size_t space = ready.find(' ', 6);
  if (ready.rfind("ready ", 0) != 0 || space == std::string::npos) return;
  std::vector<double> seconds;
  for (int i = 0; i < 6; ++i) {
    const auto link = link::make_opcua_link(
        {.id = "plant"}, {.url = ready.substr(6, space - 6), .state_folder = folder.path() + "/twin"});
    const auto begin = std::chrono::steady_clock::now();
    link->start();
    link::opcua::eventually([&] {
      if (i == 0)
        static_cast<void>(
            static_cast<bool>(geoul::link::trust_opcua_certificate(folder.path() + "/twin", ready.substr(space + 1))));
      return link->health().state == link::LinkState::kLive;
    });
    if (i > 0) seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  bench::at_most("link/opcua/start_to_live", bench::median(seconds), "s", 10);
}

}  // namespace

int main() {
  measure_start();
  measure(10, 10);   // 100 signals, 1,000 updates a second
  measure(100, 10);  // 10,000
  return 0;
}
