#include "geoul/link/mqtt/sparkplug_node.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "geoul/core/unix_time.h"
#include "geoul/link/intake.h"
#include "geoul/link/mqtt/host_state.h"
#include "geoul/link/mqtt/sparkplug_host.h"
#include "geoul/link/mqtt/sparkplug_topic.h"

namespace geoul::link {
namespace {

SparkplugMetric metric_of(std::string_view name, SparkplugType type, Time time, WireValue value) {
  SparkplugMetric metric;
  metric.name = name;
  metric.timestamp = ms_of(time);
  metric.type = type;
  metric.value = value;
  return metric;
}

Result<void> check(const SparkplugNodeOptions& o) {
  if (auto checked = check_connection(o.connection); !checked) return checked.error();
  const auto bad = [](const std::string& what) { return Error{ErrorCode::kBadInput, "Sparkplug node: " + what}; };
  for (const auto& [key, id] : {std::pair("group", &o.group), std::pair("node", &o.node)}) {
    if (const auto fault = fault_of_id(*id)) return bad(std::string(key) + " '" + *id + "' " + *fault);
  }
  if (!o.primary_host.empty()) {
    if (const auto fault = fault_of_id(o.primary_host)) return bad("primary_host '" + o.primary_host + "' " + *fault);
  }
  std::set<std::pair<std::string, std::string>> names;
  for (const SparkplugNodeMetric& metric : o.metrics) {
    const std::string name = metric.device + "/" + metric.name;
    if (!metric.device.empty()) {
      if (const auto fault = fault_of_id(metric.device)) return bad("device '" + metric.device + "' " + *fault);
    }
    if (metric.name.empty()) return bad("a metric has no name");
    if (!names.emplace(metric.device, metric.name).second) return bad("metric '" + name + "' stands twice");
    if (!is_signal(metric.type)) return bad("metric '" + name + "' is a " + to_string(metric.type) + ", no signal");
    if (!to_wire(metric.value, metric.type)) {
      return bad("metric '" + name + "' is a " + to_string(metric.type) + ", which cannot hold " +
                 to_string(metric.value));
    }
  }
  return {};
}

}  // namespace

struct SparkplugNode::State {
  struct Row {
    Time time;
    std::vector<Item> items;
    bool historical = false;
  };
  struct Command {
    std::vector<std::pair<std::uint32_t, Value>> writes;
    bool rebirth = false;
  };
  SparkplugNodeOptions options;
  std::vector<std::string> devices;     // in the order of their metrics
  std::vector<std::int32_t> device_of;  // (nmetric) index of devices, -1: the node itself
  std::map<std::pair<std::string, std::string>, std::uint32_t> by_name;
  std::thread thread;

  mutable std::mutex mutex;  // taken in callbacks of the client: never held in its calls
  std::condition_variable changed;
  std::deque<Row> rows;     // that wait
  std::size_t waiting = 0;  // values in rows and on their way out
  std::deque<Command> commands;
  SparkplugNodeHealth health;
  bool stopping = false, lost = false, born = false;
  bool host_online = false, host_gone = false;
  std::uint64_t host_time = 0;
  std::shared_ptr<MqttClient> client;  // under the mutex; stop() cancels it

  std::vector<Value> newest;         // (nmetric), under the mutex: what births say
  std::vector<Time> newest_time;     // (nmetric)
  std::uint8_t seq = 0, bd_seq = 0;  // the thread's own

  void run();
  Result<void> open(MqttClient& client_now);
  void serve(MqttClient& client_now);
  bool send_births(MqttClient& client_now, bool is_rebirth);
  bool send_row(MqttClient& client_now, Row& row);
  bool send(MqttClient& client_now, SparkplugMessage message, std::string_view device, SparkplugPayload& payload);
  void obey(MqttClient& client_now, const Command& command);
  void take_back(std::vector<Row> unsent);
  void on_message(std::string_view topic, std::string_view payload);
  std::string death(Time now) const;
  std::string topic_of(SparkplugMessage message, std::string_view device) const {
    return to_topic({message, options.group, options.node, device});
  }
  SparkplugMetric data_of(const Item& item, Time time, bool historical) const;
  void enqueue(Row row);  // under the mutex
};

Result<std::unique_ptr<SparkplugNode>> SparkplugNode::make(SparkplugNodeOptions options) {
  if (auto checked = check(options); !checked) return checked.error();
  auto state = std::make_unique<State>();
  if (!options.now) options.now = unix_now;
  state->options = std::move(options);
  for (std::size_t i = 0; i < state->options.metrics.size(); ++i) {
    const SparkplugNodeMetric& metric = state->options.metrics[i];
    state->by_name[{metric.device, metric.name}] = static_cast<std::uint32_t>(i);
    state->newest.push_back(metric.value);
    state->newest_time.push_back(Time{});
    std::int32_t device = -1;
    if (!metric.device.empty()) {
      const auto at = std::find(state->devices.begin(), state->devices.end(), metric.device);
      device = static_cast<std::int32_t>(at - state->devices.begin());
      if (at == state->devices.end()) state->devices.push_back(metric.device);
    }
    state->device_of.push_back(device);
  }
  return std::unique_ptr<SparkplugNode>(new SparkplugNode(std::move(state)));
}

SparkplugNode::SparkplugNode(std::unique_ptr<State> state) : state_(std::move(state)) {}
SparkplugNode::~SparkplugNode() { stop(); }

void SparkplugNode::start() {
  GEOUL_EXPECTS(!state_->thread.joinable());
  state_->thread = std::thread([this] { state_->run(); });
}

void SparkplugNode::stop() {
  std::shared_ptr<MqttClient> client;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    if (!state_->born) client = state_->client;
  }
  state_->changed.notify_all();
  if (client) client->cancel();
  if (state_->thread.joinable()) state_->thread.join();
}

void SparkplugNode::publish(Time time, std::vector<Item> items) {
  State& s = *state_;
  for (const Item& item : items) {
    GEOUL_EXPECTS(item.metric < s.options.metrics.size());
    GEOUL_EXPECTS(to_wire(item.value, s.options.metrics[item.metric].type).has_value());
  }
  {
    const std::lock_guard lock(s.mutex);
    s.enqueue({time, std::move(items), !s.born});
  }
  s.changed.notify_all();
}

void SparkplugNode::State::enqueue(Row row) {
  for (const Item& item : row.items) {
    if (row.time < newest_time[item.metric]) continue;
    newest[item.metric] = item.value;
    newest_time[item.metric] = row.time;
  }
  waiting += row.items.size();
  rows.push_back(std::move(row));
  while (waiting > options.capacity && !rows.empty()) {
    waiting -= rows.front().items.size();
    health.dropped += rows.front().items.size();
    rows.pop_front();
  }
}

bool SparkplugNode::flush(Duration patience) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, std::chrono::nanoseconds(patience.ns), [this] { return state_->waiting == 0; });
}

SparkplugNodeHealth SparkplugNode::health() const {
  const std::lock_guard lock(state_->mutex);
  SparkplugNodeHealth health = state_->health;
  health.waiting = state_->waiting;
  return health;
}

std::string SparkplugNode::State::death(Time now) const {
  SparkplugPayload payload;
  payload.timestamp = ms_of(now);
  payload.metrics.push_back(metric_of("bdSeq", SparkplugType::kInt64, now, {WireValue::Kind::kLong, bd_seq, 0, {}}));
  std::string bytes;
  encode(payload, bytes);
  return bytes;
}

void SparkplugNode::State::on_message(std::string_view name, std::string_view bytes) {
  const auto topic = parse_sparkplug_topic(name);
  if (!topic) return;
  const std::lock_guard lock(mutex);
  if (topic->message == SparkplugMessage::kState) {
    const auto state = topic->node == options.primary_host ? parse_host_state(bytes) : std::nullopt;
    if (!state || state->timestamp < host_time) return;
    if (state->online) host_time = state->timestamp;
    host_gone |= host_online && !state->online;
    host_online = state->online;
    changed.notify_all();
    return;
  }
  const bool of_device = topic->message == SparkplugMessage::kDeviceCommand;
  if (!of_device && topic->message != SparkplugMessage::kNodeCommand) return;
  SparkplugPayload payload;
  if (!decode(bytes, payload)) {
    health.problem = "a command on " + std::string(name) + " is no Sparkplug payload";
    return;
  }
  Command command;
  for (const SparkplugMetric& metric : payload.metrics) {
    if (!of_device && metric.name == "Node Control/Rebirth") {
      command.rebirth |= metric.value.integer != 0;
      continue;
    }
    const auto at = by_name.find({std::string(topic->device), std::string(metric.name)});
    std::uint32_t index = 0;
    if (metric.name.empty() && metric.alias && *metric.alias >= 1 && *metric.alias <= options.metrics.size()) {
      index = static_cast<std::uint32_t>(*metric.alias - 1);
    } else if (at != by_name.end()) {
      index = at->second;
    } else {
      continue;
    }
    const SparkplugNodeMetric& own = options.metrics[index];
    const auto value = own.can_write && own.device == topic->device ? from_wire(metric.value, own.type) : std::nullopt;
    if (value)
      command.writes.emplace_back(index, *value);
    else
      health.problem = "a command for " + own.device + "/" + own.name + " is refused: read only, or another type";
  }
  constexpr std::size_t kMostCommands = 10'000;
  if (commands.size() < kMostCommands) commands.push_back(std::move(command));
  changed.notify_all();
}

Result<void> SparkplugNode::State::open(MqttClient& client_now) {
  if (auto done = client_now.connect(MqttMessage{topic_of(SparkplugMessage::kNodeDeath, {}), death(options.now()), 1});
      !done) {
    return done.error();
  }
  std::vector<std::string> filters = {topic_of(SparkplugMessage::kNodeCommand, {})};
  if (!devices.empty()) filters.push_back(topic_of(SparkplugMessage::kDeviceCommand, "+"));
  if (!options.primary_host.empty()) filters.push_back(state_topic(options.primary_host));
  return client_now.subscribe(filters, 1);
}

// One message with the next sequence number. False: nothing was sent, and the number is not used up.
bool SparkplugNode::State::send(MqttClient& client_now, SparkplugMessage message, std::string_view device,
                                SparkplugPayload& payload) {
  payload.seq = seq;
  MqttMessage out{topic_of(message, device), {}, 0, false};
  encode(payload, out.payload);
  if (!client_now.publish(out)) return false;
  ++seq;
  return true;
}

bool SparkplugNode::State::send_births(MqttClient& client_now, bool is_rebirth) {
  const Time now = options.now();
  std::vector<Value> values;
  std::vector<Time> times;
  {
    const std::lock_guard lock(mutex);
    values = newest;
    times = newest_time;
  }
  seq = 0;
  for (std::int32_t device = -1; device < static_cast<std::int32_t>(devices.size()); ++device) {
    SparkplugPayload payload;
    payload.timestamp = ms_of(now);
    if (device < 0) {
      payload.metrics.push_back(
          metric_of("bdSeq", SparkplugType::kInt64, now, {WireValue::Kind::kLong, bd_seq, 0, {}}));
      payload.metrics.push_back(
          metric_of("Node Control/Rebirth", SparkplugType::kBoolean, now, {WireValue::Kind::kBoolean, 0, 0, {}}));
    }
    for (std::size_t i = 0; i < options.metrics.size(); ++i) {
      if (device_of[i] != device) continue;
      const SparkplugNodeMetric& metric = options.metrics[i];
      SparkplugMetric out =
          metric_of(metric.name, metric.type, times[i].ns == 0 ? now : times[i], *to_wire(values[i], metric.type));
      out.alias = i + 1;
      if (!metric.unit.empty()) {
        out.properties.push_back(
            {"engUnit", SparkplugType::kString, false, {WireValue::Kind::kString, 0, 0, metric.unit}});
      }
      out.properties.push_back(
          {"readOnly", SparkplugType::kBoolean, false, {WireValue::Kind::kBoolean, metric.can_write ? 0u : 1u, 0, {}}});
      payload.metrics.push_back(std::move(out));
    }
    const bool is_node = device < 0;
    const std::string_view name = is_node ? std::string_view() : devices[static_cast<std::size_t>(device)];
    if (!send(client_now, is_node ? SparkplugMessage::kNodeBirth : SparkplugMessage::kDeviceBirth, name, payload)) {
      return false;
    }
  }
  const std::lock_guard lock(mutex);
  ++health.births;
  health.rebirths += is_rebirth ? 1 : 0;
  return true;
}

SparkplugMetric SparkplugNode::State::data_of(const Item& item, Time time, bool historical) const {
  const SparkplugType type = options.metrics[item.metric].type;
  SparkplugMetric metric = metric_of({}, type, time, *to_wire(item.value, type));
  metric.alias = item.metric + 1;
  metric.is_historical = historical;
  return metric;
}

// A message for the node and each device among the values. Sent values leave the row; false where some could not be.
bool SparkplugNode::State::send_row(MqttClient& client_now, Row& row) {
  while (!row.items.empty()) {
    const std::int32_t device = device_of[row.items.front().metric];
    SparkplugPayload payload;
    payload.timestamp = ms_of(row.time);
    std::vector<Item> rest;
    for (const Item& item : row.items) {
      if (device_of[item.metric] == device)
        payload.metrics.push_back(data_of(item, row.time, row.historical));
      else
        rest.push_back(item);
    }
    const bool is_node = device < 0;
    const std::string_view name = is_node ? std::string_view() : devices[static_cast<std::size_t>(device)];
    if (!send(client_now, is_node ? SparkplugMessage::kNodeData : SparkplugMessage::kDeviceData, name, payload)) {
      return false;
    }
    const std::lock_guard lock(mutex);
    const std::size_t count = payload.metrics.size();
    waiting -= count;
    health.sent += count;
    health.historical += row.historical ? count : 0;
    row.items = std::move(rest);
  }
  return true;
}

void SparkplugNode::State::obey(MqttClient& client_now, const Command& command) {
  if (command.rebirth) send_births(client_now, true);
  Row row{options.now(), {}, false};
  for (const auto& [index, value] : command.writes) {
    if (options.on_write && options.on_write(index, value)) row.items.push_back({index, value});
  }
  if (row.items.empty()) return;
  const std::lock_guard lock(mutex);
  enqueue(std::move(row));
}

void SparkplugNode::State::take_back(std::vector<Row> unsent) {
  const std::lock_guard lock(mutex);
  for (auto row = unsent.rbegin(); row != unsent.rend(); ++row) {
    if (!row->items.empty()) rows.push_front(std::move(*row));
  }
}

// Births, then what waits and comes, until the connection or the host is gone or it is time to stop.
void SparkplugNode::State::serve(MqttClient& client_now) {
  const auto is_over = [this] { return stopping || lost || host_gone; };
  {
    std::unique_lock lock(mutex);
    const bool waits = !options.primary_host.empty() && !host_online;
    if (waits) health.problem = "waits for the host application '" + options.primary_host + "' to be online";
    changed.wait(lock, [&] { return is_over() || options.primary_host.empty() || host_online; });
    if (is_over()) return;
  }
  if (!send_births(client_now, false)) return;
  {
    const std::lock_guard lock(mutex);
    born = true;
    health.state = LinkState::kLive;
    health.problem.clear();
  }
  for (;;) {
    std::vector<Row> now;
    std::deque<Command> orders;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return is_over() || !rows.empty() || !commands.empty(); });
      if (is_over()) return;
      orders.swap(commands);
      constexpr std::size_t kRowsAtOnce = 64;
      while (!rows.empty() && now.size() < kRowsAtOnce) {
        now.push_back(std::move(rows.front()));
        rows.pop_front();
      }
    }
    for (const Command& command : orders) obey(client_now, command);
    bool is_sent = true;
    for (Row& row : now) is_sent = is_sent && send_row(client_now, row);
    changed.notify_all();
    if (is_sent) continue;
    take_back(std::move(now));
    std::unique_lock lock(mutex);  // the client's queue is full, or the connection is lost
    changed.wait_for(lock, std::chrono::milliseconds(5), is_over);
  }
}

void SparkplugNode::State::run() {
  Backoff backoff(std::hash<std::string>{}(options.group + options.node), options.first_pause, options.longest_pause);
  for (;;) {
    const auto mine = std::make_shared<MqttClient>(
        options.connection, MqttClient::Callbacks{[this](std::string_view topic, std::string_view payload, bool) {
                                                    on_message(topic, payload);
                                                  },
                                                  [this] {
                                                    const std::lock_guard lock(mutex);
                                                    lost = true;
                                                    changed.notify_all();
                                                  }});
    {
      const std::lock_guard lock(mutex);
      if (stopping) break;
      lost = host_gone = host_online = false;
      host_time = 0;
      commands.clear();
      health.state = LinkState::kConnecting;
      client = mine;
    }
    const auto opened = open(*mine);
    if (opened) {
      backoff.succeeded();
      serve(*mine);
    }
    if (mine->connected()) {  // on purpose: to stop, or because the host is gone
      (void)mine->publish_and_wait({topic_of(SparkplugMessage::kNodeDeath, {}), death(options.now()), 1, false},
                                   MqttClient::kFarewellPatience);
      mine->disconnect(true);
    }
    ++bd_seq;
    std::unique_lock lock(mutex);
    client.reset();
    born = false;
    for (Row& row : rows) row.historical = true;
    if (stopping) break;
    health.state = LinkState::kWaiting;
    health.problem =
        opened ? options.connection.url + ": the connection is lost; it is made again" : opened.error().message;
    if (host_gone) health.problem = "the host application '" + options.primary_host + "' is offline; values are stored";
    changed.wait_for(lock, std::chrono::nanoseconds(backoff.next().ns), [this] { return stopping; });
  }
  const std::lock_guard lock(mutex);
  health.state = LinkState::kStopped;
}

}  // namespace geoul::link
