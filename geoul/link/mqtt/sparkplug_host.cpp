#include "geoul/link/mqtt/sparkplug_host.h"

#include <algorithm>

namespace geoul::link {
namespace {

constexpr std::string_view kBirthDeathSequence = "bdSeq";
// Numbers this far behind the newest are repetitions; those further are ahead, after a long gap: brokers drop hundreds
// of messages of a subscriber that is slow, and a connection does not reorder.
constexpr int kOldWindow = 32;
// Devices are born after their node: names that nobody bore are only told after this.
constexpr Duration kNamesPatience{2'000'000'000};

std::optional<std::uint64_t> birth_death_sequence(const SparkplugPayload& payload) {
  for (const SparkplugMetric& metric : payload.metrics) {
    if (metric.name == kBirthDeathSequence && !metric.is_null) return metric.value.integer;
  }
  return std::nullopt;
}

bool is_equal(const Value& a, const Value& b) {
  const bool a_text = std::holds_alternative<std::string>(a), b_text = std::holds_alternative<std::string>(b);
  if (a_text || b_text) return a_text && b_text && a == b;
  return number_of(a) == number_of(b);
}

}  // namespace

std::optional<Time> time_of_ms(std::optional<std::uint64_t> ms) {
  constexpr std::uint64_t kMost = 9'000'000'000'000;  // the year 2255
  if (!ms || *ms > kMost) return std::nullopt;
  return Time{static_cast<std::int64_t>(*ms) * 1'000'000};
}

std::uint64_t ms_of(Time time) { return time.ns < 0 ? 0 : static_cast<std::uint64_t>(time.ns / 1'000'000); }

std::string rebirth_command(Time now) {
  SparkplugMetric metric;
  metric.name = kSparkplugRebirth;
  metric.timestamp = ms_of(now);
  metric.type = SparkplugType::kBoolean;
  metric.value = {WireValue::Kind::kBoolean, 1, 0, {}};
  SparkplugPayload payload;
  payload.timestamp = ms_of(now);
  payload.metrics.push_back(std::move(metric));
  std::string bytes;
  encode(payload, bytes);
  return bytes;
}

SparkplugHost::SparkplugHost(Intake& intake, SparkplugHostOptions options) : intake_(intake), options_(options) {
  for (const std::string& name : intake.options().signals) {
    const NodeName parsed = parse_signal_name(name).value();
    Node& node = nodes_[parsed.group + "/" + parsed.node];
    node.group = parsed.group;
    node.node = parsed.node;
    node.is_asked = true;
  }
  of_device_.assign(intake.options().signals.size(), false);
}

std::vector<std::string> SparkplugHost::filters() const {
  std::vector<std::string> filters;
  for (const auto& [name, node] : nodes_) {
    if (node.is_asked) filters.push_back("spBv1.0/" + node.group + "/+/" + node.node + "/#");
  }
  return filters;
}

bool SparkplugHost::all_born() const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [](const auto& entry) { return entry.second.is_alive || !entry.second.is_asked; });
}

void SparkplugHost::connected() {
  for (auto& [name, node] : nodes_) {
    node.birth_deadline = intake_.now() + options_.birth_patience;
    node.is_silence_told = false;
    node.rebirth_allowed = {};
    ask_rebirth(node);
  }
}

void SparkplugHost::disconnected() {
  for (auto& [name, node] : nodes_) {
    node.is_alive = false;
    node.bd_seq.reset();
    node.missing.clear();
    node.birth_deadline = node.names_deadline = {};
    node.own.is_alive = false;
    for (auto& [device, table] : node.devices) table.is_alive = false;
  }
  outgoing_.clear();
  for (const Pending& p : pending_) {
    intake_.finish_write({p.ticket, false, p.name + ": sent, and the connection was lost before the node answered"});
  }
  pending_.clear();
  intake_.mark_all_bad();
}

std::vector<SparkplugHost::Outgoing> SparkplugHost::take_outgoing() { return std::exchange(outgoing_, {}); }

void SparkplugHost::fault(const Node& node, const std::string& what) {
  ++malformed_;
  intake_.set_problem("node " + node.group + "/" + node.node + ": " + what);
}

SparkplugHost::Node* SparkplugHost::find_node(const SparkplugTopic& topic) {
  key_.assign(topic.group).append("/").append(topic.node);
  const auto at = nodes_.find(key_);
  if (at != nodes_.end()) return &at->second;
  if (!options_.learn_all || nodes_.size() >= kMaxNodes) return nullptr;
  Node& node = nodes_[key_];
  node.group = topic.group;
  node.node = topic.node;
  return &node;
}

void SparkplugHost::message(std::string_view name, std::string_view bytes) {
  const auto topic = parse_sparkplug_topic(name);
  if (!topic || topic->message == SparkplugMessage::kState || topic->message == SparkplugMessage::kNodeCommand ||
      topic->message == SparkplugMessage::kDeviceCommand) {
    return;
  }
  Node* node = find_node(*topic);
  if (node == nullptr) return;
  if (const auto read = decode(bytes, payload_); !read) {
    return fault(*node, "a message on " + std::string(name) + " is no Sparkplug payload: " + read.error().message +
                            "; mend the node");
  }
  switch (topic->message) {
    case SparkplugMessage::kNodeBirth: return node_birth(*node);
    case SparkplugMessage::kNodeDeath: return node_death(*node);
    case SparkplugMessage::kDeviceBirth: return device_birth(*node, topic->device);
    case SparkplugMessage::kDeviceDeath: return device_death(*node, topic->device);
    default: return data(*node, topic->device);
  }
}

void SparkplugHost::node_birth(Node& node) {
  const auto bd_seq = birth_death_sequence(payload_);
  if (bd_seq != node.bd_seq) {  // another session: its devices are not born yet
    for (auto& [name, device] : node.devices) kill(device);
  }
  node.bd_seq = bd_seq;
  node.is_alive = true;
  node.next_seq = static_cast<std::uint8_t>(payload_.seq.value_or(0) + 1);
  node.missing.clear();
  node.reorder_deadline = {};
  if (node.is_silence_told) intake_.set_problem("");
  node.is_silence_told = false;
  node.birth_deadline = {};
  node.names_deadline = intake_.now() + kNamesPatience;
  learn(node, {}, node.own);
  deliver(node, {}, node.own, true, false);
}

void SparkplugHost::device_birth(Node& node, std::string_view device) {
  if (!node.is_alive) return ask_rebirth(node);
  if (order(node) == Order::kRepeated) return;
  auto at = node.devices.find(device);
  if (at == node.devices.end()) {
    if (node.devices.size() >= kMaxDevices) return fault(node, "more than 10000 devices");
    at = node.devices.emplace(std::string(device), Table()).first;
  }
  learn(node, device, at->second);
  deliver(node, device, at->second, true, false);
}

void SparkplugHost::node_death(Node& node) {
  const auto bd_seq = birth_death_sequence(payload_);
  if (node.bd_seq && bd_seq && *node.bd_seq != *bd_seq) return;  // the will of an earlier session
  node.is_alive = false;
  node.bd_seq.reset();
  node.missing.clear();
  node.names_deadline = {};
  kill(node.own);
  for (auto& [name, device] : node.devices) kill(device);
}

void SparkplugHost::device_death(Node& node, std::string_view device) {
  if (!node.is_alive) return ask_rebirth(node);
  if (order(node) == Order::kRepeated) return;
  if (const auto at = node.devices.find(device); at != node.devices.end()) kill(at->second);
}

void SparkplugHost::data(Node& node, std::string_view device) {
  if (!node.is_alive) return ask_rebirth(node);
  const Order found = order(node);
  if (found == Order::kRepeated) return;
  Table* table = &node.own;
  if (!device.empty()) {
    const auto at = node.devices.find(device);
    if (at == node.devices.end() || !at->second.is_alive) return ask_rebirth(node);
    table = &at->second;
  }
  deliver(node, device, *table, false, found == Order::kLate);
}

SparkplugHost::Order SparkplugHost::order(Node& node) {
  if (!payload_.seq) return Order::kNext;  // against the specification, and nothing can be told
  const auto seq = static_cast<std::uint8_t>(*payload_.seq);
  const auto ahead = static_cast<std::uint8_t>(seq - node.next_seq);
  if (ahead == 0) {
    ++node.next_seq;
    return Order::kNext;
  }
  if (const auto at = std::find(node.missing.begin(), node.missing.end(), seq); at != node.missing.end()) {
    node.missing.erase(at);
    return Order::kLate;
  }
  if (ahead >= 256 - kOldWindow) {
    intake_.count_duplicated(1);
    return Order::kRepeated;
  }
  if (node.missing.empty()) node.reorder_deadline = intake_.now() + options_.reorder_timeout;
  for (; node.next_seq != seq; ++node.next_seq) node.missing.push_back(node.next_seq);
  ++node.next_seq;
  return Order::kNext;
}

void SparkplugHost::learn(Node& node, std::string_view device, Table& table) {
  std::vector<std::int64_t> before;
  for (const Metric& metric : table.metrics) {
    if (metric.signal >= 0) before.push_back(metric.signal);
  }
  node.metric_count -= table.metrics.size();
  std::erase_if(pending_, [&](const Pending& p) {  // their indices are those of the old birth
    if (p.node != &node || p.device != device) return false;
    intake_.finish_write({p.ticket, false, p.name + ": sent, and the node was born anew before it answered"});
    return true;
  });
  table = {};
  table.is_alive = true;
  for (const SparkplugMetric& in : payload_.metrics) {
    if (in.name.empty() || in.name == kBirthDeathSequence) continue;
    if (node.metric_count + table.metrics.size() >= kMaxNodeMetrics) {
      fault(node, "more than a million metrics");
      break;
    }
    const auto index = static_cast<std::uint32_t>(table.metrics.size());
    if (!table.by_name.emplace(in.name, index).second) {
      fault(node, "its birth has the metric '" + std::string(in.name) + "' twice; mend the node");
      continue;
    }
    Metric& metric = table.metrics.emplace_back();
    metric.name = in.name;
    metric.type = in.type;
    metric.alias = in.alias;
    if (in.alias) table.by_alias.emplace(*in.alias, index);
    if (is_signal(in.type)) bind(node, device, metric);
  }
  node.metric_count += table.metrics.size();
  for (const std::int64_t signal : before) {
    const bool is_kept = std::any_of(table.metrics.begin(), table.metrics.end(),
                                     [signal](const Metric& metric) { return metric.signal == signal; });
    if (is_kept) continue;
    if (!device.empty()) of_device_[static_cast<std::size_t>(signal)] = false;
    intake_.mark_bad(static_cast<std::uint32_t>(signal));
  }
}

void SparkplugHost::bind(Node& node, std::string_view device, Metric& metric) {
  const auto signal = intake_.find(signal_name(node.group, node.node, device, metric.name));
  if (!signal) return;
  if (device.empty() && of_device_[*signal]) return;
  metric.signal = *signal;
  if (device.empty()) return;
  of_device_[*signal] = true;
  const auto same = node.own.by_name.find(std::string(device) + "/" + metric.name);
  if (same != node.own.by_name.end()) node.own.metrics[same->second].signal = -1;
}

Quality SparkplugHost::read_properties(const SparkplugMetric& in, Metric& metric, bool is_birth) const {
  Quality quality = Quality::kGood;
  for (const SparkplugProperty& property : in.properties) {
    if (property.key == "Quality" && property.value.kind == WireValue::Kind::kInt) {
      if (property.value.integer == 0) quality = Quality::kBad;
      if (property.value.integer == 500) quality = Quality::kUncertain;
    }
    if (!is_birth) continue;
    if (property.key == "engUnit") metric.unit = property.value.text;
    if (property.key == "documentation") metric.description = property.value.text;
    if (property.key == "readOnly") metric.is_read_only = property.value.integer != 0;
  }
  return quality;
}

void SparkplugHost::deliver(Node& node, std::string_view device, Table& table, bool is_birth, bool is_late) {
  std::vector<Intake::Item> items;
  items.reserve(payload_.metrics.size());
  bool is_unknown = false;
  for (const SparkplugMetric& in : payload_.metrics) {
    if (in.name == kBirthDeathSequence && device.empty()) continue;
    std::uint32_t index = 0;
    if (!in.name.empty()) {
      const auto at = table.by_name.find(std::string(in.name));
      is_unknown |= at == table.by_name.end();
      if (at == table.by_name.end()) continue;
      index = at->second;
    } else {
      const auto at = in.alias ? table.by_alias.find(*in.alias) : table.by_alias.end();
      is_unknown |= at == table.by_alias.end();
      if (at == table.by_alias.end()) continue;
      index = at->second;
    }
    Metric& metric = table.metrics[index];
    if (!is_signal(metric.type)) {
      ++skipped_;
      continue;
    }
    Quality quality = read_properties(in, metric, is_birth);
    if (is_birth && metric.signal >= 0) intake_.offer_unit(static_cast<std::uint32_t>(metric.signal), metric.unit);
    std::optional<Value> value;
    if (in.is_null) {
      value = metric.newest;
      quality = Quality::kBad;
    } else {
      value = from_wire(in.value, metric.type);
    }
    if (!value) {
      fault(node, "metric '" + metric.name + "' is a " + to_string(metric.type) +
                      " by its birth, and its data hold something else; mend the node");
      continue;
    }
    const bool is_old = in.is_historical || is_late;
    if (is_old && quality == Quality::kGood) quality = Quality::kUncertain;
    if (!is_old && !in.is_null) {
      if (!pending_.empty()) echo(node, device, index, *value);
      metric.newest = *value;
      metric.is_known = true;
    }
    if (metric.signal < 0) continue;
    auto time = time_of_ms(in.timestamp);
    if (!time) time = time_of_ms(payload_.timestamp);
    items.push_back({static_cast<std::uint32_t>(metric.signal), std::move(*value), quality, time});
  }
  if (is_unknown && !is_birth) ask_rebirth(node);
  intake_.deliver(std::move(items));
}

void SparkplugHost::echo(const Node& node, std::string_view device, std::uint32_t index, const Value& value) {
  std::erase_if(pending_, [&](const Pending& p) {
    if (p.node != &node || p.index != index || p.device != device || !is_equal(p.wanted, value)) return false;
    intake_.finish_write({p.ticket, true, ""});
    return true;
  });
}

const SparkplugHost::Metric* SparkplugHost::find_metric(const Pending& p) const {
  const Table* table = &p.node->own;
  if (!p.device.empty()) {
    const auto at = p.node->devices.find(p.device);
    if (at == p.node->devices.end()) return nullptr;
    table = &at->second;
  }
  return table->is_alive && p.index < table->metrics.size() ? &table->metrics[p.index] : nullptr;
}

void SparkplugHost::kill(Table& table) {
  table.is_alive = false;
  for (const Metric& metric : table.metrics) {
    if (metric.signal >= 0) intake_.mark_bad(static_cast<std::uint32_t>(metric.signal));
  }
}

void SparkplugHost::ask_rebirth(Node& node) {
  const Time now = intake_.now();
  if (now < node.rebirth_allowed) return;
  node.rebirth_allowed = now + options_.rebirth_pause;
  ++rebirths_;
  outgoing_.push_back({to_topic({SparkplugMessage::kNodeCommand, node.group, node.node, {}}), rebirth_command(now)});
}

void SparkplugHost::tick() {
  const Time now = intake_.now();
  const auto is_due = [now](Time deadline) { return deadline.ns != 0 && now >= deadline; };
  for (auto& [name, node] : nodes_) {
    if (!node.missing.empty() && is_due(node.reorder_deadline)) {
      intake_.count_lost(node.missing.size());
      intake_.set_problem("node " + name + ": " + std::to_string(node.missing.size()) +
                          " messages are lost; it is asked for its births again");
      node.missing.clear();
      node.reorder_deadline = {};
      ask_rebirth(node);
    }
    if (node.is_asked && !node.is_alive && is_due(node.birth_deadline)) {
      node.birth_deadline = {};
      node.is_silence_told = true;
      intake_.set_problem("node " + name +
                          " is silent: no birth came, though asked for; start it, or mend group and node");
    }
    if (is_due(node.names_deadline)) {
      node.names_deadline = {};
      tell_unbound(node);
    }
  }
  std::erase_if(pending_, [&](const Pending& p) {
    if (now < p.deadline) return false;
    if (const Metric* metric = find_metric(p);
        metric != nullptr && metric->is_known && is_equal(metric->newest, p.wanted)) {
      intake_.finish_write({p.ticket, true, ""});  // it had the value already: nodes report changes only
      return true;
    }
    intake_.finish_write({p.ticket, false,
                          p.name + ": sent, but the node did not return " + to_string(p.wanted) + " within " +
                              std::to_string(options_.write_patience.ns / 1'000'000) +
                              " ms; see whether it takes commands"});
    return true;
  });
}

Result<SparkplugHost::Outgoing> SparkplugHost::command(const std::string& name, const Value& value,
                                                       std::uint64_t ticket) {
  const auto parsed = parse_signal_name(name);
  if (!parsed) return parsed.error();
  const auto at = nodes_.find(parsed->group + "/" + parsed->node);
  if (at == nodes_.end() || !at->second.is_alive) {
    return Error{ErrorCode::kUnavailable, name + ": its node is not born; a signal of it must be asked for"};
  }
  Node& node = at->second;
  const std::string rest = name.substr(parsed->group.size() + parsed->node.size() + 2);
  const std::size_t slash = rest.find('/');
  std::string device;
  Table* table = nullptr;
  std::string metric_name = rest;
  if (slash != std::string::npos) {
    const auto found = node.devices.find(rest.substr(0, slash));
    if (found != node.devices.end() && found->second.by_name.contains(rest.substr(slash + 1))) {
      device = found->first;
      table = &found->second;
      metric_name = rest.substr(slash + 1);
    }
  }
  if (table == nullptr && node.own.by_name.contains(rest)) table = &node.own;
  if (table == nullptr) return Error{ErrorCode::kNotFound, name + ": the node's births have no such metric"};
  if (!table->is_alive) return Error{ErrorCode::kUnavailable, name + ": its device is not born"};
  const std::uint32_t index = table->by_name.at(metric_name);
  const Metric& metric = table->metrics[index];
  if (metric.is_read_only) return Error{ErrorCode::kUnsupported, name + ": the node says that it is read only"};
  const auto wire = to_wire(value, metric.type);
  if (!wire) {
    return Error{ErrorCode::kBadInput,
                 name + " is a " + to_string(metric.type) + ", which cannot hold " + to_string(value)};
  }
  const Time now = intake_.now();
  SparkplugPayload payload;
  payload.timestamp = ms_of(now);
  SparkplugMetric& out = payload.metrics.emplace_back();
  if (metric.alias)
    out.alias = metric.alias;
  else
    out.name = metric.name;
  out.timestamp = payload.timestamp;
  out.type = metric.type;  // "should not", and without it known nodes cannot read the value
  out.value = *wire;
  Outgoing outgoing{to_topic({device.empty() ? SparkplugMessage::kNodeCommand : SparkplugMessage::kDeviceCommand,
                              node.group, node.node, device}),
                    {}};
  encode(payload, outgoing.payload);
  const Value wanted = *from_wire(*wire, metric.type);
  pending_.push_back({ticket, name, index, &node, device, wanted, now + options_.write_patience});
  return outgoing;
}

}  // namespace geoul::link
