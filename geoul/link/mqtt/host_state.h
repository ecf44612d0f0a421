// The STATE message of a Sparkplug host application: {"online":true,"timestamp":1700000000000} on spBv1.0/STATE/HOST,
// kept by the broker. Source: Eclipse Sparkplug Specification 3.0.0, 4.1 and 5.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace geoul::link {

struct HostState {
  bool online = false;
  std::uint64_t timestamp = 0;  // [ms] UNIX, of the host's connection
};
std::string host_state_payload(const HostState& state);
// None where the text is something else.
std::optional<HostState> parse_host_state(std::string_view text);
std::string state_topic(const std::string& host_id);

// Topics of the commands to the nodes that Sparkplug signals name, each once.
std::vector<std::string> asked_nodes(const std::vector<std::string>& signals);

}  // namespace geoul::link
