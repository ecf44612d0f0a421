// What the tests of the MQTT link share: a link that keeps what it is delivered, and an edge node of three metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "geoul/core/unix_time.h"
#include "geoul/link/mqtt/mqtt_link.h"
#include "geoul/link/mqtt/sparkplug_node.h"
#include "geoul/link/mqtt/test_broker.h"
#include "geoul/link/test_peers.h"

namespace geoul::link {

// Sparkplug times are whole milliseconds.
inline Time now() { return {unix_now().ns / 1'000'000 * 1'000'000}; }

inline MqttOptions options_of(const TestBroker& broker, MqttMode mode = MqttMode::kSparkplug,
                              MqttVersion version = MqttVersion::k5) {
  MqttOptions options;
  options.connection.url = broker.url();
  options.connection.version = version;
  options.mode = mode;
  options.first_pause = Duration{20'000'000};
  options.longest_pause = Duration{100'000'000};
  return options;
}

// A link with all that it delivered.
struct Listener {
  std::unique_ptr<Link> link;
  std::vector<Update> updates;
  std::vector<WriteOutcome> outcomes;

  Listener(std::vector<std::string> signals, const MqttOptions& options, std::size_t capacity = 1u << 18) {
    link = std::move(make_mqtt_link({.id = "plant", .signals = std::move(signals), .capacity = capacity}, options))
               .value();
    link->start();
  }
  bool is(LinkState state) {
    return eventually([&] { return link->health().state == state; });
  }
  // Whether a newest update of the signal comes that satisfies the condition.
  bool gets(std::uint32_t signal, const std::function<bool(const Update&)>& holds) {
    return eventually([&] {
      link->take(updates);
      for (auto u = updates.rbegin(); u != updates.rend(); ++u) {
        if (u->signal == signal) return holds(*u);
      }
      return false;
    });
  }
  bool gets_value(std::uint32_t signal, const Value& value, Quality quality = Quality::kGood) {
    return gets(signal, [&](const Update& u) { return u.value == value && u.quality == quality; });
  }
  bool gets_quality(std::uint32_t signal, Quality quality) {
    return gets(signal, [&](const Update& u) { return u.quality == quality; });
  }
  const WriteOutcome* outcome(std::uint64_t ticket) {
    const WriteOutcome* found = nullptr;
    eventually([&] {
      link->take_outcomes(outcomes);
      for (const WriteOutcome& o : outcomes) found = o.ticket == ticket ? &o : found;
      return found != nullptr;
    });
    return found;
  }
};

inline SparkplugNodeOptions node_of(const TestBroker& broker, MqttVersion version = MqttVersion::k5) {
  SparkplugNodeOptions options;
  options.connection.url = broker.url();
  options.connection.version = version;
  options.group = "plant";
  options.node = "cell";
  options.first_pause = Duration{20'000'000};
  options.longest_pause = Duration{100'000'000};
  options.metrics = {
      {.name = "mode", .type = SparkplugType::kString, .value = std::string("idle")},
      {.device = "robot", .name = "q/0", .unit = "rad", .value = 0.5},
      {.device = "robot", .name = "limit", .type = SparkplugType::kInt32, .value = std::int64_t{3}, .can_write = true}};
  return options;
}
inline const std::vector<std::string> kSignals = {"plant/cell/mode", "plant/cell/robot/q/0", "plant/cell/robot/limit"};

}  // namespace geoul::link
