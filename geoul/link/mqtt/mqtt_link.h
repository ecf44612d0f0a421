// A live link over MQTT 3.1.1 or 5: Sparkplug B, or plain topics. Comes back by itself; all traffic is in threads of
// its own.
//   sparkplug   signals are group/node/metric or group/node/device/metric, see sparkplug_topic.h and sparkplug_host.h;
//               with a host id it is a host application that says so on its STATE topic, and nodes may wait for it.
//               A write goes out as NCMD or DCMD with the metric's type (QoS 0): done when the node's data return the
//               value; that the broker took it is not enough.
//   plain       signals are topic or topic#/json/pointer, see plain_topics.h. A write is published with QoS 1; plain
//               MQTT has no answer of the plant: done means that the broker took it, and the message says so.
#pragma once

#include <memory>
#include <string>

#include "geoul/link/link.h"
#include "geoul/link/mqtt/mqtt_client.h"
#include "geoul/link/mqtt/plain_topics.h"
#include "geoul/link/mqtt/sparkplug_host.h"

namespace geoul::link {

enum class MqttMode : std::uint8_t { kSparkplug, kPlain };

struct MqttOptions {
  MqttConnection connection = {};
  MqttMode mode = MqttMode::kSparkplug;
  std::string host_id = {};  // of the Sparkplug host application; empty: it only listens, and publishes no STATE
  SparkplugHostOptions sparkplug = {};
  PlainOptions plain = {};
  Duration first_pause{250'000'000}, longest_pause{30'000'000'000};  // between attempts to connect: see Backoff
};

// What make_mqtt_link would refuse, without making anything.
Result<void> check_mqtt_link(const LinkOptions& options, const MqttOptions& mqtt);

// The link, not started. Errors are those of the options: a bad url, unreadable certificates, a bad signal name, a host
// id that is none.
Result<std::unique_ptr<Link>> make_mqtt_link(LinkOptions options, MqttOptions mqtt);

}  // namespace geoul::link
