#include "geoul/link/mqtt/host_state.h"

#include <nlohmann/json.hpp>
#include <set>

#include "geoul/link/mqtt/sparkplug_topic.h"

namespace geoul::link {

std::string host_state_payload(const HostState& state) {
  return std::string("{\"online\":") + (state.online ? "true" : "false") +
         ",\"timestamp\":" + std::to_string(state.timestamp) + "}";
}

std::optional<HostState> parse_host_state(std::string_view text) {
  const auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto online = document.find("online"), timestamp = document.find("timestamp");
  if (online == document.end() || !online->is_boolean()) return std::nullopt;
  if (timestamp == document.end() || !timestamp->is_number_unsigned()) return std::nullopt;
  return HostState{online->get<bool>(), timestamp->get<std::uint64_t>()};
}

std::string state_topic(const std::string& host_id) { return to_topic({SparkplugMessage::kState, {}, host_id, {}}); }

std::vector<std::string> asked_nodes(const std::vector<std::string>& signals) {
  std::set<std::string> topics;
  for (const std::string& signal : signals) {
    const auto name = parse_signal_name(signal);
    if (name) topics.insert(to_topic({SparkplugMessage::kNodeCommand, name->group, name->node, {}}));
  }
  return {topics.begin(), topics.end()};
}

}  // namespace geoul::link
