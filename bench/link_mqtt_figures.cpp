// Figures of the MQTT link: Sparkplug payloads decoded, messages turned into updates, and both through a real broker
// (mosquitto on the loopback) from another process. One JSON object a line, for bench/figures.
//   link_mqtt_figures                            the figures
//   link_mqtt_figures publish URL ROWS HERTZ     the other process: rows of 100 doubles and the time; 0 Hz: at once
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "bench/figure.h"
#include "geoul/link/mqtt/mqtt_link.h"
#include "geoul/link/mqtt/sparkplug_node.h"
#include "geoul/link/mqtt/test_broker.h"

namespace geoul::link {
namespace {

constexpr std::size_t kMetrics = 100;  // of a row, and one more: the instant of publishing

std::int64_t monotonic() {  // [ns] the same clock in all processes of a machine
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

std::string metric_name(std::size_t i) { return "metric " + std::to_string(i); }

int publish(const std::string& url, int rows, double hertz) {
  SparkplugNodeOptions options;
  options.connection.url = url;
  options.group = "bench";
  options.node = "node";
  options.primary_host = "bench";
  for (std::size_t i = 0; i < kMetrics; ++i)
    options.metrics.push_back({.device = "device", .name = metric_name(i), .value = 0.0});
  options.metrics.push_back(
      {.device = "device", .name = "instant", .type = SparkplugType::kInt64, .value = std::int64_t{0}});
  options.capacity = std::size_t{1} << 30;
  auto made = SparkplugNode::make(std::move(options));
  if (!made) return std::fprintf(stderr, "%s\n", made.error().message.c_str()), 2;
  SparkplugNode& node = **made;
  node.start();
  while (node.health().state != LinkState::kLive) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  for (int r = 0; r < rows; ++r) {
    if (hertz > 0) std::this_thread::sleep_for(std::chrono::duration<double>(1 / hertz));
    while (node.health().waiting > 100 * kMetrics) std::this_thread::sleep_for(std::chrono::microseconds(100));
    std::vector<SparkplugNode::Item> items(kMetrics + 1);
    for (std::size_t i = 0; i < kMetrics; ++i)
      items[i] = {static_cast<std::uint32_t>(i), 0.001 * r + static_cast<double>(i)};
    items[kMetrics] = {kMetrics, monotonic()};
    node.publish(Time{1'700'000'000'000'000'000 + r * std::int64_t{1'000'000}}, std::move(items));
  }
  const bool is_sent = node.flush(Duration{60'000'000'000});
  node.stop();
  return is_sent ? 0 : 2;
}

std::string row_bytes(std::uint64_t seq, bool is_birth) {
  SparkplugPayload payload;
  payload.timestamp = 1'700'000'000'000;
  payload.seq = seq;
  std::vector<std::string> names(kMetrics);
  for (std::size_t i = 0; i < kMetrics; ++i) {
    SparkplugMetric& metric = payload.metrics.emplace_back();
    names[i] = metric_name(i);
    if (is_birth) metric.name = names[i];
    metric.alias = i + 1;
    metric.timestamp = payload.timestamp;
    metric.type = SparkplugType::kDouble;
    metric.value = to_wire(0.1 * static_cast<double>(i), SparkplugType::kDouble).value();
  }
  std::string bytes;
  encode(payload, bytes);
  return bytes;
}

void payload_figures() {
  const std::string bytes = row_bytes(1, false);
  SparkplugPayload payload;
  double sum = 0;
  const double decode_ns = bench::nanoseconds(
      [&] {
        if (!decode(bytes, payload)) std::abort();
        for (const SparkplugMetric& metric : payload.metrics) sum += metric.value.number;
      },
      1000);
  bench::at_least("link/sparkplug/decode", kMetrics / decode_ns * 1e3, "million metrics a second of CPU time", 5);
  std::string out;
  const double encode_ns = bench::nanoseconds([&] { out.clear(), encode(payload, out); }, 1000);
  bench::at_least("link/sparkplug/encode", kMetrics / encode_ns * 1e3, "million metrics a second of CPU time", 5);

  LinkOptions options{.id = "bench"};
  for (std::size_t i = 0; i < kMetrics; ++i) options.signals.push_back("g/n/" + metric_name(i));
  Intake intake(options);
  SparkplugHost host(intake, {});
  host.message("spBv1.0/g/NBIRTH/n", row_bytes(0, true));
  std::vector<std::string> rows;
  for (std::uint64_t seq = 0; seq < 256; ++seq) rows.push_back(row_bytes(seq, false));
  std::size_t next = 1;
  std::vector<Update> updates;
  const double host_ns = bench::nanoseconds(
      [&] {
        host.message("spBv1.0/g/NDATA/n", rows[next++ % 256]);
        if (next % 100 == 0) updates.clear(), intake.take(updates);
      },
      1000);
  bench::at_least("link/sparkplug/bytes to updates", kMetrics / host_ns * 1e3, "million updates a second of CPU time",
                  1);
  if (sum == 0 || intake.health().lost != 0) std::abort();
}

struct Run {
  std::vector<double> latencies;  // [s] of rows, from publishing to taking
  double updates = 0, seconds = 0;
  LinkHealth health;
};

// Rows from another process, until it ends and everything came.
Run run(TestBroker& broker, const char* self, int rows, double hertz) {
  MqttOptions mqtt;
  mqtt.connection.url = broker.url();
  mqtt.host_id = "bench";
  LinkOptions options{.id = "bench"};
  for (std::size_t i = 0; i < kMetrics; ++i) options.signals.push_back("bench/node/device/" + metric_name(i));
  options.signals.push_back("bench/node/device/instant");
  auto link = std::move(make_mqtt_link(options, mqtt)).value();
  std::mutex mutex;
  std::condition_variable woken;
  bool is_woken = false;
  link->on_delivery([&] {
    {
      const std::lock_guard lock(mutex);
      is_woken = true;
    }
    woken.notify_one();
  });
  link->start();
  TestProcess publisher({self, "publish", broker.url(), std::to_string(rows), std::to_string(hertz)},
                        broker.folder() / "publisher");
  Run out;
  std::vector<Update> updates;
  std::int64_t first = 0, last = 0;
  int seen = 0;
  while (seen < rows) {
    {
      std::unique_lock lock(mutex);
      if (!woken.wait_for(lock, std::chrono::seconds(30), [&] { return is_woken; })) break;
      is_woken = false;
    }
    updates.clear();
    link->take(updates);
    const std::int64_t now = monotonic();
    for (const Update& u : updates) {
      const auto* instant = std::get_if<std::int64_t>(&u.value);
      if (u.quality != Quality::kGood || u.signal != kMetrics || instant == nullptr || *instant == 0) continue;
      ++seen;
      out.latencies.push_back(1e-9 * static_cast<double>(now - *instant));
      if (first == 0) first = now;
      last = now;
    }
  }
  out.updates = static_cast<double>(seen - 1) * (kMetrics + 1);
  out.seconds = 1e-9 * static_cast<double>(last - first);
  out.health = link->health();
  std::sort(out.latencies.begin(), out.latencies.end());
  if (publisher.wait() != 0) std::fprintf(stderr, "%s", text_of(broker.folder() / "publisher").c_str());
  return out;
}

// Median [ms] at most `bound`; 0: only reported.
void latency_figures(TestBroker& broker, const char* self, const std::string& where, double bound) {
  const Run paced = run(broker, self, 2500, 500);
  const auto at = [&](double part) {
    return 1e3 * paced.latencies.at(static_cast<std::size_t>(part * static_cast<double>(paced.latencies.size() - 1)));
  };
  const std::string name = "link/mqtt/latency of rows at 500 Hz" + where;
  if (bound > 0)
    bench::at_most(name + ", median", at(0.5), "ms", bound);
  else
    bench::report(name + ", median", at(0.5), "ms");
  bench::report(name + ", 99 %", at(0.99), "ms");
  bench::at_most(name + ", lost", static_cast<double>(paced.health.lost + paced.health.dropped), "updates", 0);
}

int figures(const char* self) {
  payload_figures();
  TestBroker broker({.lines = {"max_queued_messages 0", "max_queued_bytes 0", "set_tcp_nodelay true"}});
  if (!broker.start()) return std::fprintf(stderr, "%s", broker.log().c_str()), 2;
  const Run fast = run(broker, self, 10'000, 0);
  bench::at_least("link/mqtt/through the broker", fast.updates / fast.seconds / 1e6, "million updates a second", 0.1);
  bench::at_most("link/mqtt/through the broker/lost", static_cast<double>(fast.health.lost + fast.health.dropped),
                 "updates", 0);
  latency_figures(broker, self, "", 5);
  TestBroker waiting;  // mosquitto's default leaves Nagle's algorithm on
  if (!waiting.start()) return std::fprintf(stderr, "%s", waiting.log().c_str()), 2;
  latency_figures(waiting, self, ", broker without set_tcp_nodelay", 0);
  return 0;
}

}  // namespace
}  // namespace geoul::link

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "publish") == 0) {
    return geoul::link::publish(argv[2], std::atoi(argv[3]), std::atof(argv[4]));
  }
  return geoul::link::figures(argv[0]);
}
