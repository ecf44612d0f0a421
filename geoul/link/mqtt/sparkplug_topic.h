// Topics of Sparkplug: spBv1.0/GROUP/TYPE/NODE[/DEVICE] and spBv1.0/STATE/HOST.
// Source: Eclipse Sparkplug Specification 3.0.0, chapter 4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "geoul/core/result.h"

namespace geoul::link {

enum class SparkplugMessage : std::uint8_t {
  kNodeBirth,
  kNodeDeath,
  kNodeData,
  kNodeCommand,
  kDeviceBirth,
  kDeviceDeath,
  kDeviceData,
  kDeviceCommand,
  kState,
};

// Points into the topic that it was read from.
struct SparkplugTopic {
  SparkplugMessage message = SparkplugMessage::kState;
  std::string_view group, node, device;  // node is the host of kState; device is empty but for devices' messages
};

// None where the text is no Sparkplug topic.
std::optional<SparkplugTopic> parse_sparkplug_topic(std::string_view topic);
std::string to_topic(const SparkplugTopic& topic);

// The name of a metric as a signal: GROUP/NODE/METRIC or GROUP/NODE/DEVICE/METRIC.
std::string signal_name(std::string_view group, std::string_view node, std::string_view device,
                        std::string_view metric);
// The first two parts of a signal's name. The rest is matched with the births, as metrics' names may hold '/': it is
// the metric of a device where one with that name is born, else a metric of the node itself.
struct NodeName {
  std::string group, node;
};
// kBadInput where the name has fewer than three parts, an empty part, '+' or '#'.
Result<NodeName> parse_signal_name(std::string_view name);
// Nothing, or why the text cannot be the id of a group, node, device or host: empty, or holds '/', '+' or '#'.
std::optional<std::string> fault_of_id(std::string_view id);

}  // namespace geoul::link
