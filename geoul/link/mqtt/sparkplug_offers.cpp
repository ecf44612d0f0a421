// SparkplugHost: what nodes offer, and what was asked for and nobody offers.
#include "geoul/core/nearest.h"
#include "geoul/link/mqtt/sparkplug_host.h"

namespace geoul::link {

void SparkplugHost::tell_unbound(Node& node) {
  const std::string prefix = node.group + "/" + node.node + "/";
  std::vector<std::string> offered;
  std::map<std::string, SparkplugType> unfit;  // that are no signals
  std::vector<bool> bound(of_device_.size(), false);
  const auto collect = [&](std::string_view device, const Table& table) {
    for (const Metric& metric : table.metrics) {
      const std::string name = signal_name(node.group, node.node, device, metric.name);
      if (is_signal(metric.type))
        offered.push_back(name);
      else
        unfit[name] = metric.type;
      if (metric.signal >= 0) bound[static_cast<std::size_t>(metric.signal)] = true;
    }
  };
  collect({}, node.own);
  for (const auto& [device, table] : node.devices) collect(device, table);
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const std::string& name = intake_.options().signals[i];
    if (bound[i] || !name.starts_with(prefix)) continue;
    const auto at = unfit.find(name);
    intake_.set_problem("node " + node.group + "/" + node.node +
                        (at != unfit.end()
                             ? ": '" + name.substr(prefix.size()) + "' is a " + to_string(at->second) +
                                   ", which is no signal; ask for a metric that is one value"
                             : " offers no '" + name.substr(prefix.size()) + "'; " +
                                   did_you_mean(name, offered, "'geoul link probe' lists what it offers")));
    return;
  }
}

std::vector<OfferedSignal> SparkplugHost::offered() const {
  std::vector<OfferedSignal> all;
  const auto collect = [&](const Node& node, std::string_view device, const Table& table) {
    if (!table.is_alive) return;
    for (const Metric& metric : table.metrics) {
      if (!is_signal(metric.type) || metric.name == kSparkplugRebirth) continue;
      all.push_back({signal_name(node.group, node.node, device, metric.name), value_type(metric.type), metric.unit,
                     metric.description, !metric.is_read_only, metric.is_known ? to_string(metric.newest) : ""});
    }
  };
  for (const auto& [name, node] : nodes_) {
    collect(node, {}, node.own);
    for (const auto& [device, table] : node.devices) collect(node, device, table);
  }
  return all;
}

}  // namespace geoul::link
