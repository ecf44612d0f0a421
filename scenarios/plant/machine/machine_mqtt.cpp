// geoul_plant machine --protocol mqtt: a Sparkplug device. Its metrics are the columns of RTDE; commands are writes
// (DCMD) of command/argument_0 to _5 and command/kind, then command/number, by which they are taken. answer/number,
// answer/code and answer/words are told for every number that came, given again where it came before.
#include <chrono>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "geoul/core/unix_time.h"
#include "geoul/link/mqtt/sparkplug_node.h"
#include "scenarios/plant/machine/serve.h"
#include "scenarios/plant/plant.h"

namespace geoul::plant {
namespace {

using link::SparkplugNode;
using link::SparkplugType;

constexpr std::size_t kMostWaiting = 1000;  // commands; more are not answered

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 2;
}

// Commands as they come, from the node's thread.
struct Inbox {
  std::mutex mutex;
  Command written;  // so far
  std::deque<Command> commands;

  // A write of metric `field` of the command: 0 to 5 the arguments, 6 its kind, 7 its number.
  void write(std::size_t field, const link::Value& value) {
    const std::lock_guard lock(mutex);
    if (field < kJoints) written.arguments[field] = link::number_of(value);
    const auto* integer = std::get_if<std::int64_t>(&value);  // as the types of both metrics have it
    if (field < kJoints || !integer) return;
    if (field == kJoints) {
      written.kind = static_cast<std::int32_t>(std::clamp<std::int64_t>(*integer, -1, 1'000'000));
    } else if ((written.number = *integer) != 0 && commands.size() < kMostWaiting) {
      commands.push_back(written);
    }
  }
  std::optional<Command> take() {
    const std::lock_guard lock(mutex);
    if (commands.empty()) return std::nullopt;
    const Command command = commands.front();
    commands.pop_front();
    return command;
  }
};

struct Metrics {
  std::vector<link::SparkplugNodeMetric> all;
  std::size_t rows = 0;     // that columns of rows fill
  std::size_t command = 0;  // first of the command's
  std::size_t answer = 0;   // number, code, words
};

Metrics metrics_of(const Machine& machine, const std::string& device) {
  Metrics metrics;
  const std::vector<std::string> columns = machine_columns();
  for (std::size_t c = 0; c < columns.size(); ++c)
    metrics.all.push_back({.device = device, .name = columns[c], .value = machine.row()[c]});
  metrics.rows = metrics.command = columns.size();
  for (std::size_t i = 0; i < kJoints; ++i)
    metrics.all.push_back(
        {.device = device, .name = "command/argument_" + std::to_string(i), .value = 0.0, .can_write = true});
  const auto integer = [&](const char* name, SparkplugType type, bool can_write) {
    metrics.all.push_back(
        {.device = device, .name = name, .type = type, .value = std::int64_t{0}, .can_write = can_write});
  };
  integer("command/kind", SparkplugType::kInt32, true);
  integer("command/number", SparkplugType::kInt64, true);
  metrics.answer = metrics.all.size();
  integer("answer/number", SparkplugType::kInt64, false);
  integer("answer/code", SparkplugType::kInt32, false);
  metrics.all.push_back(
      {.device = device, .name = "answer/words", .type = SparkplugType::kString, .value = std::string()});
  return metrics;
}

class MqttMachine {
 public:
  MqttMachine(Telemetry telemetry, const Metrics& metrics, const MachineWays& ways, const ClockTruth& clock)
      : telemetry_(std::move(telemetry)),
        metrics_(metrics),
        clock_(clock),
        every_(std::llround(1 / (ways.rate * kControlPeriod.seconds()))) {}

  // Goes on until the process is told to end.
  Result<void> run(SparkplugNode& node, Inbox& inbox) {
    using Clock = std::chrono::steady_clock;
    auto begin = Clock::now();
    const double start = unix_now().seconds();
    while (!is_told_to_end()) {
      const auto due = begin + std::chrono::nanoseconds(Duration::from_seconds(telemetry_.due()).ns);
      if (Clock::now() > due + std::chrono::seconds(5)) begin += Clock::now() - due;  // no one lives faster
      std::this_thread::sleep_until(due);
      while (const auto command = inbox.take()) answer(node, telemetry_.machine().take(*command), start);
      const Answer& newest = telemetry_.machine().controller().desk().newest();
      if (newest.number == told_.number && newest.code != told_.code) answer(node, newest, start);
      const auto event = telemetry_.next();
      if (!event) return event.error();
      log_.watch(telemetry_.machine());
      if (*event && rows_++ % every_ == 0) publish(node, (*event)->values, start);
    }
    return {};
  }

 private:
  Time shown(double start, double since) const { return Time::from_seconds(start + clock_.offset + since); }

  void publish(SparkplugNode& node, const std::vector<double>& row, double start) {
    std::vector<SparkplugNode::Item> items(metrics_.rows);
    for (std::size_t c = 0; c < metrics_.rows; ++c) items[c] = {static_cast<std::uint32_t>(c), row[c]};
    node.publish(shown(start, row[0] - clock_.uptime), std::move(items));
  }

  void answer(SparkplugNode& node, const Answer& answer, double start) {
    told_ = answer;
    log_.tell(answer);
    const auto first = static_cast<std::uint32_t>(metrics_.answer);
    const double since = (1 + clock_.drift) * telemetry_.machine().time();
    node.publish(
        shown(start, since),
        {{first, answer.number}, {first + 1, static_cast<std::int64_t>(answer.code)}, {first + 2, answer.words}});
  }

  Telemetry telemetry_;
  Log log_;
  const Metrics& metrics_;
  ClockTruth clock_;
  std::int64_t every_, rows_ = 0;
  Answer told_;
};

}  // namespace

int serve_mqtt(Telemetry telemetry, const MachineWays& ways, const ClockTruth& clock) {
  const Metrics metrics = metrics_of(telemetry.machine(), ways.device);
  Inbox inbox;
  link::SparkplugNodeOptions options;
  options.connection = ways.connection;
  options.group = ways.group;
  options.node = ways.node;
  options.metrics = metrics.all;
  options.on_write = [&inbox, &metrics](std::size_t metric, const link::Value& value) {
    inbox.write(metric - metrics.command, value);
    return true;
  };
  auto made = link::SparkplugNode::make(std::move(options));
  if (!made) return fail(made.error().message);
  link::SparkplugNode& node = **made;
  end_on_signals();
  node.start();
  std::string told;
  while (node.health().births == 0 && !is_told_to_end()) {
    const std::string problem = node.health().problem;
    if (problem != told && !problem.empty()) std::fprintf(stderr, "%s\n", problem.c_str());
    told = problem;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::printf("a machine at %s as %s/%s/%s\n", ways.connection.url.c_str(), ways.group.c_str(), ways.node.c_str(),
              ways.device.c_str());
  std::fflush(stdout);
  const auto lived = MqttMachine(std::move(telemetry), metrics, ways, clock).run(node, inbox);
  const link::SparkplugNodeHealth health = node.health();
  node.stop();
  if (!lived) return fail(lived.error().message);
  std::printf("%llu values sent, %llu of them late, %llu dropped\n", static_cast<unsigned long long>(health.sent),
              static_cast<unsigned long long>(health.historical), static_cast<unsigned long long>(health.dropped));
  return 0;
}

}  // namespace geoul::plant
