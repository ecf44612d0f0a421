// SparkplugNode: an edge node, for a twin that publishes and for a plant that is played. Born with aliases, types,
// units and values; born anew on command; its will is its death. What it is given while the broker (or its primary
// host) is away it stores, and sends later as historical values. Source: Eclipse Sparkplug Specification 3.0.0,
// chapters 5 and 6.
//
// Data go out with QoS 0, as the specification has it: what the network had taken and the broker did not get when a
// connection breaks is lost. Values that still wait here are not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/link.h"
#include "geoul/link/mqtt/mqtt_client.h"
#include "geoul/link/mqtt/sparkplug_payload.h"

namespace geoul::link {

struct SparkplugNodeMetric {
  std::string device = {};  // empty: of the node itself
  std::string name = {};
  SparkplugType type = SparkplugType::kDouble;
  std::string unit = {};   // property engUnit
  Value value = {};        // until the first publish(); must suit the type
  bool can_write = false;  // else commands are refused and property readOnly is true
};

struct SparkplugNodeOptions {
  MqttConnection connection = {};
  std::string group = {}, node = {};
  std::string primary_host = {};  // births wait for its STATE to be online; empty: no host is waited for
  std::vector<SparkplugNodeMetric> metrics = {};
  std::size_t capacity = 1u << 20;  // values that wait or are stored; beyond it the oldest rows are dropped and counted
  std::function<Time()> now = {};   // UNIX; empty: the system's
  // A command wrote metric `index`; true: the node takes the value as its own and publishes it. From the node's thread.
  std::function<bool(std::size_t, const Value&)> on_write = {};
  Duration first_pause{250'000'000}, longest_pause{10'000'000'000};
};

struct SparkplugNodeHealth {
  LinkState state = LinkState::kStopped;  // kLive: born
  std::string problem;
  std::uint64_t sent = 0;        // values, historical ones included
  std::uint64_t historical = 0;  // of these
  std::uint64_t dropped = 0;     // values for which there was no room
  std::uint64_t waiting = 0;     // values that wait or are stored
  std::uint64_t births = 0;      // of the node
  std::uint64_t rebirths = 0;    // of these, on command
};

class SparkplugNode {
 public:
  // kBadInput: the connection, ids, metrics that stand twice, types that are no signals, values that do not suit them.
  static Result<std::unique_ptr<SparkplugNode>> make(SparkplugNodeOptions options);
  ~SparkplugNode();

  void start();  // once
  // Says the node's death and ends, within two seconds. What waits is not sent: see flush().
  void stop();

  struct Item {
    std::uint32_t metric = 0;  // index in options.metrics
    Value value;
  };
  // Publishes values of one instant: one message for the node and one for each device among them. Never waits. Values
  // must suit their types.
  void publish(Time time, std::vector<Item> items);
  // Waits until everything is sent; false when it is not within `patience`.
  bool flush(Duration patience);
  SparkplugNodeHealth health() const;

 private:
  struct State;
  explicit SparkplugNode(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace geoul::link
