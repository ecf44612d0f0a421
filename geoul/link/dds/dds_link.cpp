#include "geoul/link/dds/dds_link.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>

#include "geoul/link/dds/command_writer.h"
#include "geoul/link/dds/subscription.h"
#include "geoul/link/intake_link.h"

namespace geoul::link {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kLook = std::chrono::milliseconds(200);      // how often the state is looked at
constexpr Duration kQuiet{20'000'000};                      // between two rounds of the thread
constexpr Duration kQuick{5'000'000};                       // while commands are under way
constexpr auto kSettled = std::chrono::milliseconds(1500);  // browse(): nothing new for so long

std::string place(const RosNode& node, const DdsOptions& options) {
  return "ROS domain " + std::to_string(node.domain()) + (options.loopback_only ? " (this machine only)" : "");
}

// All writers of one topic as one: the first's type, and what every one of them offers.
std::map<std::string, RosEndpoint> topics_of(const std::map<dds_instance_handle_t, RosEndpoint>& endpoints) {
  std::map<std::string, RosEndpoint> topics;
  for (const auto& [handle, endpoint] : endpoints) {
    const auto [at, is_new] = topics.emplace(endpoint.topic, endpoint);
    if (is_new || at->second.type != endpoint.type) continue;
    at->second.is_reliable &= endpoint.is_reliable;
    at->second.is_transient_local &= endpoint.is_transient_local;
  }
  return topics;
}

RosQos qos_for(const RosEndpoint& writers) {
  return {.is_reliable = writers.is_reliable, .is_transient_local = writers.is_transient_local, .depth = 1000};
}

// The longest topic that a signal's name begins with.
const RosEndpoint* topic_of(const std::string& signal, const std::map<std::string, RosEndpoint>& topics) {
  for (std::size_t end = signal.rfind('/'); end != signal.npos && end > 0; end = signal.rfind('/', end - 1)) {
    const auto at = topics.find(signal.substr(0, end));
    if (at != topics.end()) return &at->second;
  }
  return nullptr;
}

class DdsLink final : public ThreadLink {
 public:
  explicit DdsLink(DdsLinkOptions options) : ThreadLink(std::move(options.link)), options_(std::move(options.dds)) {}
  ~DdsLink() override { stop(); }
  Result<std::uint64_t> write(const std::string& name, const Value& value) override;
  Result<std::vector<OfferedSignal>> browse(Duration patience) override;

 private:
  void run() override;
  void serve(RosNode& node);
  void subscribe(RosNode& node, const std::map<std::string, RosEndpoint>& topics);
  void tell(const RosNode& node, const std::map<std::string, RosEndpoint>& topics);
  std::string find_problem(const RosNode& node, const std::map<std::string, RosEndpoint>& topics) const;

  DdsOptions options_;
  std::mutex mutex_;
  // under the mutex while the node is open
  std::unique_ptr<CommandWriter> commands_;
  std::unique_ptr<RosDiscovery> readers_;
  // of the thread alone
  std::map<std::string, std::unique_ptr<Subscription>> subscriptions_;  // by topic
  std::map<std::string, std::string> refused_;                          // topics that could not be read, and why
  std::string problem_;
  bool was_live_ = false;
};

void DdsLink::run() {
  Backoff backoff(std::hash<std::string>()(intake_.options().id));
  intake_.set_connecting();
  while (true) {
    auto node = RosNode::open(options_);
    if (node) {
      intake_.set_peer("dds://" + std::to_string((*node)->domain()) + (options_.loopback_only ? "@loopback" : ""));
      serve(**node);
      return;
    }
    const Duration pause = backoff.next();
    intake_.set_waiting(node.error().message, intake_.now() + pause);
    if (stop_.wait(pause)) return;
  }
}

void DdsLink::serve(RosNode& node) {
  RosDiscovery writers(node, true);
  {
    const std::lock_guard lock(mutex_);
    commands_ = std::make_unique<CommandWriter>(node, intake_);
    readers_ = std::make_unique<RosDiscovery>(node, false);
  }
  std::map<std::string, RosEndpoint> topics;
  auto next_look = Clock::now();
  Duration pause;
  do {
    if (writers.poll()) {
      topics = topics_of(writers.endpoints());
      subscribe(node, topics);
      next_look = Clock::now();
    }
    {
      const std::lock_guard lock(mutex_);
      commands_->poll();
      readers_->poll();
      pause = commands_->is_idle() ? kQuiet : kQuick;
    }
    if (Clock::now() >= next_look) {
      tell(node, topics);
      next_look = Clock::now() + kLook;
    }
  } while (!stop_.wait(pause));
  subscriptions_.clear();
  const std::lock_guard lock(mutex_);
  commands_.reset();
  readers_.reset();
}

// One subscription a topic that a signal's name begins with, and none else.
void DdsLink::subscribe(RosNode& node, const std::map<std::string, RosEndpoint>& topics) {
  std::map<std::string, Subscribed> wanted;
  const std::vector<std::string>& signals = intake_.options().signals;
  for (std::uint32_t i = 0; i < signals.size(); ++i) {
    const RosEndpoint* topic = topic_of(signals[i], topics);
    if (topic == nullptr) continue;
    Subscribed& subscribed = wanted[topic->topic];
    subscribed.topic = topic->topic;
    subscribed.type = topic->type;
    subscribed.qos = qos_for(*topic);
    subscribed.signals.push_back(i);
  }
  std::erase_if(subscriptions_, [&](const auto& entry) {
    const auto at = wanted.find(entry.first);
    if (at != wanted.end() && at->second == entry.second->what()) return false;
    for (const std::uint32_t signal : entry.second->what().signals) intake_.mark_bad(signal);
    return true;
  });
  refused_.clear();
  for (auto& [topic, subscribed] : wanted) {
    if (subscriptions_.contains(topic)) continue;
    const RosType* type = common_ros_types().find(subscribed.type);
    if (type == nullptr) {
      refused_[topic] = "'" + topic + "' has the type " + subscribed.type + ", which Geoul does not know";
      continue;
    }
    auto made = Subscription::open(node, *type, std::move(subscribed), intake_);
    if (made)
      subscriptions_[topic] = std::move(*made);
    else
      refused_[topic] = made.error().message;
  }
}

void DdsLink::tell(const RosNode& node, const std::map<std::string, RosEndpoint>& topics) {
  const bool is_live = std::any_of(subscriptions_.begin(), subscriptions_.end(),
                                   [](const auto& entry) { return entry.second->alive_writers() > 0; });
  const std::string problem = find_problem(node, topics);
  if (is_live) {
    intake_.set_live();
  } else if (was_live_) {
    intake_.set_waiting(problem, intake_.now());
  }
  if (problem != problem_ || is_live != was_live_) intake_.set_problem(problem);
  problem_ = problem;
  was_live_ = is_live;
}

std::string DdsLink::find_problem(const RosNode& node, const std::map<std::string, RosEndpoint>& topics) const {
  if (!refused_.empty()) return refused_.begin()->second;
  std::size_t lonely = 0;
  std::string first;
  for (const std::string& signal : intake_.options().signals) {
    if (topic_of(signal, topics) != nullptr) continue;
    if (lonely++ == 0) first = signal;
  }
  if (lonely > 0) {
    return "nobody writes the topic of '" + first + "'" +
           (lonely > 1 ? " and " + std::to_string(lonely - 1) + " more" : "") + " on " + place(node, options_) +
           ": check ROS_DOMAIN_ID, and that the node runs";
  }
  for (const auto& [topic, subscription] : subscriptions_) {
    if (std::string problem = subscription->problem(); !problem.empty()) return problem;
    if (const std::string missing = subscription->missing_signal(); !missing.empty()) {
      return "the messages of '" + topic + "' have no '" + missing + "': see what they have with geoul link probe";
    }
  }
  return {};
}

Result<std::uint64_t> DdsLink::write(const std::string& name, const Value& value) {
  const std::lock_guard lock(mutex_);
  if (!commands_) return Error{ErrorCode::kUnavailable, "dds: '" + name + "' is not written: the link is not open"};
  readers_->poll();
  if (!name.ends_with("/data")) {
    return Error{ErrorCode::kUnsupported, "dds: '" + name + "' cannot be written; only TOPIC/data of std_msgs can"};
  }
  const std::string topic = name.substr(0, name.size() - 5);
  for (const auto& [handle, reader] : readers_->endpoints()) {
    if (reader.topic != topic) continue;
    if (!reader.is_reliable) {
      return Error{ErrorCode::kUnsupported, "dds: '" + topic +
                                                "' is read best effort, and acknowledges nothing: a write "
                                                "could be lost unseen"};
    }
    return commands_->write(topic, reader.type, value);
  }
  return Error{ErrorCode::kUnavailable, "dds: nobody reads '" + topic + "': nothing is kept for later"};
}

// What one topic said last, for browse().
class Newest : public RosVisitor {
 public:
  explicit Newest(std::string_view type, std::size_t topic_size) : type_(type), topic_size_(topic_size) {}
  void leaf(std::string_view path, const Value& value, std::optional<Time>) override {
    OfferedSignal& signal = signals[std::string(path)];
    signal.name = path;
    signal.type = static_cast<ValueType>(value.index());
    signal.unit = unit_of_leaf(type_, path.substr(topic_size_ + 1));
    signal.description = type_;
    signal.value = to_string(value).substr(0, 200);
  }
  std::map<std::string, OfferedSignal> signals;

 private:
  std::string_view type_;
  std::size_t topic_size_;
};

class Browser {
 public:
  explicit Browser(RosNode& node) : node_(node), writers_(node, true), readers_(node, false) {}

  void look(Duration patience) {
    const auto end = Clock::now() + std::chrono::nanoseconds(patience.ns);
    auto last_news = Clock::now();
    do {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (poll()) last_news = Clock::now();
    } while (Clock::now() < end && (is_waiting_ || Clock::now() - last_news < kSettled));
  }

  std::vector<OfferedSignal> list() {
    std::map<std::string, OfferedSignal> all;
    for (auto& [topic, read] : reads_) {
      for (auto& [name, signal] : read.newest.signals) all[name] = signal;
      if (read.count > 0) continue;
      for (OfferedSignal& signal : leaves_of_type(common_ros_types(), *read.type, topic)) {
        signal.description = read.type->name + ": no message came";
        all[signal.name] = signal;
      }
    }
    for (const auto& [handle, reader] : readers_.endpoints()) {
      const bool is_command = reader.is_reliable && reader.type.starts_with("std_msgs/msg/");
      const RosType* type = is_command ? common_ros_types().find(reader.type) : nullptr;
      if (type == nullptr || type->fields.size() != 1 || type->fields[0].name != "data") continue;
      const std::vector<OfferedSignal> leaves = leaves_of_type(common_ros_types(), *type, reader.topic);
      OfferedSignal& signal = all.emplace(leaves[0].name, leaves[0]).first->second;
      signal.can_write = true;
      signal.description = reader.type;
    }
    std::vector<OfferedSignal> out;
    for (auto& [name, signal] : all) out.push_back(std::move(signal));
    return out;
  }

 private:
  struct Read {
    const RosType* type = nullptr;
    RosNode::Endpoint endpoint;
    Newest newest;
    std::size_t count = 0;
  };

  // Whether there was anything that was not known before.
  bool poll() {
    bool has_news = readers_.poll();
    if (writers_.poll()) {
      has_news = true;
      for (const auto& [topic, writer] : topics_of(writers_.endpoints())) {
        const RosType* type = common_ros_types().find(writer.type);
        if (type == nullptr || reads_.contains(topic)) continue;
        const auto made = node_.create_reader(topic, writer.type, qos_for(writer), nullptr);
        if (made) reads_.emplace(topic, Read{type, *made, Newest(type->name, topic.size()), 0});
      }
    }
    is_waiting_ = reads_.empty();
    for (auto& entry : reads_) {
      const std::string& topic = entry.first;
      Read& read = entry.second;
      const std::size_t before = read.newest.signals.size();
      take_raw(read.endpoint.entity, [&](std::string_view message, const dds_sample_info_t&) {
        Diagnostics diagnostics;
        ++read.count;
        (void)walk_message(common_ros_types(), *read.type, topic, message, RosNaming::kSignals, read.newest,
                           diagnostics);
      });
      has_news |= read.newest.signals.size() != before;
      is_waiting_ |= read.count == 0;
    }
    return has_news;
  }

  RosNode& node_;
  RosDiscovery writers_, readers_;
  std::map<std::string, Read> reads_;
  bool is_waiting_ = true;
};

Result<std::vector<OfferedSignal>> DdsLink::browse(Duration patience) {
  DdsOptions options = options_;
  options.node_name += "_probe";
  auto node = RosNode::open(options);
  if (!node) return node.error();
  Browser browser(**node);
  browser.look(patience);
  return browser.list();
}

}  // namespace

std::unique_ptr<Link> make_dds_link(DdsLinkOptions options) { return std::make_unique<DdsLink>(std::move(options)); }

}  // namespace geoul::link
