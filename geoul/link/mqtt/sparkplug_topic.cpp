#include "geoul/link/mqtt/sparkplug_topic.h"

#include <array>

namespace geoul::link {
namespace {

constexpr std::string_view kNamespace = "spBv1.0";
constexpr std::array<std::string_view, 8> kWords = {"NBIRTH", "NDEATH", "NDATA", "NCMD",
                                                    "DBIRTH", "DDEATH", "DDATA", "DCMD"};

// Cuts off what stands before the next '/'.
std::string_view next_part(std::string_view& rest) {
  const std::size_t slash = rest.find('/');
  const std::string_view part = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return part;
}

}  // namespace

std::optional<std::string> fault_of_id(std::string_view id) {
  if (id.empty()) return "is empty";
  if (id.find_first_of(std::string_view("/+#\0", 4)) != std::string_view::npos) return "holds '/', '+' or '#'";
  return std::nullopt;
}

std::optional<SparkplugTopic> parse_sparkplug_topic(std::string_view topic) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  for (std::string_view rest = topic;; ++count) {
    if (count == parts.size()) return std::nullopt;
    const bool is_last = rest.find('/') == std::string_view::npos;
    parts[count] = next_part(rest);
    if (fault_of_id(parts[count])) return std::nullopt;
    if (is_last) break;
  }
  ++count;
  if (count < 3 || parts[0] != kNamespace) return std::nullopt;
  if (parts[1] == "STATE") {
    if (count != 3) return std::nullopt;
    return SparkplugTopic{SparkplugMessage::kState, {}, parts[2], {}};
  }
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (parts[2] != kWords[i]) continue;
    const bool of_device = i >= static_cast<std::size_t>(SparkplugMessage::kDeviceBirth);
    if (count != (of_device ? 5u : 4u)) return std::nullopt;
    return SparkplugTopic{static_cast<SparkplugMessage>(i), parts[1], parts[3],
                          of_device ? parts[4] : std::string_view()};
  }
  return std::nullopt;
}

std::string to_topic(const SparkplugTopic& topic) {
  std::string text(kNamespace);
  if (topic.message == SparkplugMessage::kState) return text.append("/STATE/").append(topic.node);
  text.append("/").append(topic.group).append("/").append(kWords[static_cast<std::size_t>(topic.message)]);
  text.append("/").append(topic.node);
  if (topic.message >= SparkplugMessage::kDeviceBirth) text.append("/").append(topic.device);
  return text;
}

std::string signal_name(std::string_view group, std::string_view node, std::string_view device,
                        std::string_view metric) {
  std::string name;
  name.append(group).append("/").append(node).append("/");
  if (!device.empty()) name.append(device).append("/");
  return name.append(metric);
}

Result<NodeName> parse_signal_name(std::string_view name) {
  std::string_view rest = name;
  const std::string_view group = next_part(rest), node = next_part(rest);
  const bool is_whole = !fault_of_id(group) && !fault_of_id(node) && !rest.empty();
  if (!is_whole) {
    return Error{ErrorCode::kBadInput, "signal '" + std::string(name) +
                                           "': a Sparkplug signal is group/node/metric or group/node/device/metric"};
  }
  return NodeName{std::string(group), std::string(node)};
}

}  // namespace geoul::link
