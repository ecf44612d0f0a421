// SparkplugHost: what a Sparkplug host application makes of the messages of edge nodes. No network here: messages come
// in, updates go to an Intake, commands to nodes come out. Not for several threads at once.
// Source: Eclipse Sparkplug Specification 3.0.0, chapters 5 and 6.
//
//   births    give names, types, aliases and values. A node that is asked for is asked to be born anew when the link
//             comes up, and so is one that sends data without a birth, an alias that its birth does not have, or whose
//             messages are lost. Never twice within `rebirth_pause`.
//   deaths    make the signals of the node or device bad. A node's death counts for the session of its bdSeq alone.
//   seq       a gap starts the reorder timer; what comes meanwhile is delivered at once, for a twin needs the newest
//             value now. What comes late within it is delivered as uncertain; what does not is counted as lost.
//   quality   good; uncertain: historical values (stored while the broker was away), late ones, property Quality 500;
//             bad: null, property Quality 0. Historical and late values have their own source time, older than the
//             newest: who keeps the newest by source time is not misled.
//   skipped   and counted: metrics that are no signals (DataSet, Template, Bytes, File, arrays).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/link/intake.h"
#include "geoul/link/mqtt/sparkplug_payload.h"
#include "geoul/link/mqtt/sparkplug_topic.h"

namespace geoul::link {

inline constexpr std::string_view kSparkplugRebirth = "Node Control/Rebirth";  // the metric that asks for births

struct SparkplugHostOptions {
  Duration reorder_timeout{500'000'000};
  Duration rebirth_pause{5'000'000'000};
  Duration birth_patience{5'000'000'000};  // a node without a birth for so long is a problem
  Duration write_patience{5'000'000'000};  // a command whose value does not come back for so long has failed
  bool learn_all = false;                  // also nodes that no signal names, for browsing
};

class SparkplugHost {
 public:
  // Needs signals that parse_signal_name() takes. The intake must outlive it.
  SparkplugHost(Intake& intake, SparkplugHostOptions options);

  void connected();
  void disconnected();  // all signals are bad until the next births
  void message(std::string_view topic, std::string_view bytes);
  // Timers: to be called a few times a reorder timeout.
  void tick();

  struct Outgoing {
    std::string topic, payload;
  };
  // Commands to be published with QoS 0, in their order.
  std::vector<Outgoing> take_outgoing();

  // The command that writes a metric. Its outcome goes to the intake: done when the node's data return the value (or
  // when the node says that it has it), not done when they do not in time. kNotFound, kUnavailable, kBadInput.
  Result<Outgoing> command(const std::string& name, const Value& value, std::uint64_t ticket);

  // Filters that bring the messages of all nodes that signals name.
  std::vector<std::string> filters() const;
  std::vector<OfferedSignal> offered() const;
  bool all_born() const;  // every node that a signal names

  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t malformed() const { return malformed_; }
  std::uint64_t rebirths() const { return rebirths_; }

  static constexpr std::size_t kMaxNodes = 10'000;          // learnt
  static constexpr std::size_t kMaxDevices = 10'000;        // of one node
  static constexpr std::size_t kMaxNodeMetrics = 1u << 20;  // of one node with its devices

 private:
  struct Metric {
    std::string name;
    std::optional<std::uint64_t> alias;
    SparkplugType type = SparkplugType::kUnknown;
    std::int64_t signal = -1;  // -1: nobody asked
    bool is_read_only = false, is_known = false;
    std::string unit, description;
    Value newest;
  };
  struct Table {  // of a node itself, or of one device
    bool is_alive = false;
    std::vector<Metric> metrics;
    std::unordered_map<std::uint64_t, std::uint32_t> by_alias;
    std::unordered_map<std::string, std::uint32_t> by_name;
  };
  struct Node {
    std::string group, node;
    bool is_asked = false;
    bool is_alive = false;
    std::optional<std::uint64_t> bd_seq;
    std::uint8_t next_seq = 0;
    std::vector<std::uint8_t> missing;                                       // numbers of a gap that did not come yet
    Time reorder_deadline, rebirth_allowed, birth_deadline, names_deadline;  // 0: none
    bool is_silence_told = false;
    Table own;
    std::map<std::string, Table, std::less<>> devices;
    std::size_t metric_count = 0;
  };
  struct Pending {
    std::uint64_t ticket = 0;
    std::string name;
    std::uint32_t index = 0;  // in its table
    const Node* node = nullptr;
    std::string device;
    Value wanted;
    Time deadline;
  };
  enum class Order : std::uint8_t { kNext, kLate, kRepeated };

  Node* find_node(const SparkplugTopic& topic);
  void node_birth(Node& node);
  void device_birth(Node& node, std::string_view device);
  void node_death(Node& node);
  void device_death(Node& node, std::string_view device);
  void data(Node& node, std::string_view device);
  Order order(Node& node);
  void learn(Node& node, std::string_view device, Table& table);
  void bind(Node& node, std::string_view device, Metric& metric);
  void deliver(Node& node, std::string_view device, Table& table, bool is_birth, bool is_late);
  Quality read_properties(const SparkplugMetric& in, Metric& metric, bool is_birth) const;
  void echo(const Node& node, std::string_view device, std::uint32_t index, const Value& value);
  const Metric* find_metric(const Pending& pending) const;
  void kill(Table& table);
  void ask_rebirth(Node& node);
  void tell_unbound(Node& node);
  void fault(const Node& node, const std::string& what);

  Intake& intake_;
  SparkplugHostOptions options_;
  std::map<std::string, Node, std::less<>> nodes_;  // by group/node
  std::vector<bool> of_device_;                     // (nsignal) a device has born it
  std::vector<Outgoing> outgoing_;
  std::vector<Pending> pending_;
  SparkplugPayload payload_;
  std::string key_;
  std::uint64_t skipped_ = 0, malformed_ = 0, rebirths_ = 0;
};

// The time of a Sparkplug timestamp, none where it is beyond what Time holds.
std::optional<Time> time_of_ms(std::optional<std::uint64_t> ms);
std::uint64_t ms_of(Time time);

// The payload of a command that asks a node to be born anew.
std::string rebirth_command(Time now);

}  // namespace geoul::link
