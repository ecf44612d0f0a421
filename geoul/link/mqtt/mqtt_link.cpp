#include "geoul/link/mqtt/mqtt_link.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "geoul/link/intake_link.h"
#include "geoul/link/mqtt/host_state.h"

namespace geoul::link {
namespace {

constexpr std::chrono::milliseconds kTick(20);

class MqttLink final : public IntakeLink {
 public:
  MqttLink(LinkOptions options, MqttOptions mqtt) : IntakeLink(std::move(options)), mqtt_(std::move(mqtt)) {
    intake_.set_peer(mqtt_.connection.url);
    if (mqtt_.mode == MqttMode::kSparkplug)
      host_ = std::make_unique<SparkplugHost>(intake_, mqtt_.sparkplug);
    else
      plain_ = std::make_unique<PlainTopics>(intake_, mqtt_.plain);
  }
  ~MqttLink() override { stop(); }

  void start() override {
    GEOUL_EXPECTS(!keeper_.joinable() && !stopping_);
    keeper_ = std::thread([this] { keep(); });
  }
  void stop() override;
  Result<std::uint64_t> write(const std::string& name, const Value& value) override;
  Result<std::vector<OfferedSignal>> browse(Duration patience) override;

 private:
  void keep();
  Result<void> open(MqttClient& client);
  void serve(MqttClient& client);
  void close(MqttClient& client);
  void on_message(std::string_view topic, std::string_view payload, bool retained);
  void on_lost();
  bool wait(Duration duration);  // false when it is time to stop
  Result<std::uint64_t> write_plain(const std::string& name, const Value& value);

  const MqttOptions mqtt_;
  std::thread keeper_;

  std::mutex protocol_mutex_;  // taken in callbacks of the client: never held in its calls
  std::unique_ptr<SparkplugHost> host_;
  std::unique_ptr<PlainTopics> plain_;
  bool is_state_wrong_ = false;  // the broker says that this host is offline

  std::mutex client_mutex_;  // for the pointer; never taken in callbacks
  std::shared_ptr<MqttClient> client_;
  bool is_live_ = false;

  std::mutex wait_mutex_;
  std::condition_variable woken_;
  bool stopping_ = false, lost_ = false;
  std::uint64_t state_time_ = 0;  // [ms] of this connection's STATE; keeper's alone
};

bool MqttLink::wait(Duration duration) {
  std::unique_lock lock(wait_mutex_);
  woken_.wait_for(lock, std::chrono::nanoseconds(duration.ns), [this] { return stopping_; });
  return !stopping_;
}

void MqttLink::stop() {
  std::shared_ptr<MqttClient> connecting;
  {
    const std::lock_guard lock(client_mutex_);
    if (!is_live_) connecting = client_;
  }
  {
    const std::lock_guard lock(wait_mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (connecting) connecting->cancel();
  if (keeper_.joinable()) keeper_.join();
  intake_.set_stopped();
}

void MqttLink::on_message(std::string_view topic, std::string_view payload, bool retained) {
  const std::lock_guard lock(protocol_mutex_);
  if (plain_) return plain_->message(topic, payload, retained);
  if (!mqtt_.host_id.empty() && topic == state_topic(mqtt_.host_id)) {
    const auto state = parse_host_state(payload);
    if (state && !state->online) is_state_wrong_ = true;
    return;
  }
  host_->message(topic, payload);
}

void MqttLink::on_lost() {
  {
    const std::lock_guard lock(wait_mutex_);
    lost_ = true;
  }
  woken_.notify_all();
}

Result<void> MqttLink::open(MqttClient& client) {
  std::optional<MqttMessage> will;
  state_time_ = ms_of(intake_.now());
  if (!mqtt_.host_id.empty()) {
    will = MqttMessage{state_topic(mqtt_.host_id), host_state_payload({false, state_time_}), 1, true};
  }
  if (auto done = client.connect(will); !done) return done.error();
  std::vector<std::string> filters = host_ ? host_->filters() : plain_->filters();
  if (!mqtt_.host_id.empty()) filters.push_back(state_topic(mqtt_.host_id));
  if (!filters.empty()) {
    if (auto done = client.subscribe(filters, 0); !done) return done.error();
  }
  if (mqtt_.host_id.empty()) return {};
  return client.publish_and_wait({state_topic(mqtt_.host_id), host_state_payload({true, state_time_}), 1, true});
}

// Until the connection is lost, or it is time to stop.
void MqttLink::serve(MqttClient& client) {
  for (;;) {
    std::vector<SparkplugHost::Outgoing> outgoing;
    bool is_state_wrong = false;
    if (host_) {
      const std::lock_guard lock(protocol_mutex_);
      host_->tick();
      outgoing = host_->take_outgoing();
      is_state_wrong = std::exchange(is_state_wrong_, false);
    }
    for (const SparkplugHost::Outgoing& out : outgoing) (void)client.publish({out.topic, out.payload});
    if (is_state_wrong) {  // the will of an earlier connection came late
      (void)client.publish({state_topic(mqtt_.host_id), host_state_payload({true, state_time_}), 1, true});
    }
    std::unique_lock lock(wait_mutex_);
    woken_.wait_for(lock, kTick, [this] { return stopping_ || lost_; });
    if (stopping_ || lost_) return;
  }
}

void MqttLink::close(MqttClient& client) {
  if (!mqtt_.host_id.empty() && client.connected()) {
    const Result<void> heard = client.publish_and_wait(
        {state_topic(mqtt_.host_id), host_state_payload({false, ms_of(intake_.now())}), 1, true},
        MqttClient::kFarewellPatience);
    if (!heard) return client.disconnect(false, Duration{100'000'000});  // it hangs: stop() has two seconds in all
  }
  client.disconnect();
}

void MqttLink::keep() {
  Backoff backoff(std::hash<std::string>{}(intake_.options().id + mqtt_.connection.url), mqtt_.first_pause,
                  mqtt_.longest_pause);
  do {
    intake_.set_connecting();
    {
      const std::lock_guard lock(wait_mutex_);
      lost_ = false;
    }
    const auto client = std::make_shared<MqttClient>(
        mqtt_.connection, MqttClient::Callbacks{[this](std::string_view topic, std::string_view payload,
                                                       bool retained) { on_message(topic, payload, retained); },
                                                [this] { on_lost(); }});
    {
      const std::lock_guard lock(client_mutex_);
      client_ = client;
    }
    std::string problem;
    if (!wait({0})) break;  // after client_ is set: stop() cancels it, or is seen here
    if (const auto opened = open(*client); opened) {
      backoff.succeeded();
      if (host_) {
        const std::lock_guard lock(protocol_mutex_);
        host_->connected();
      }
      {
        const std::lock_guard lock(client_mutex_);
        is_live_ = true;
      }
      intake_.set_live();
      serve(*client);
      problem = mqtt_.connection.url + ": the connection is lost; it is made again";
    } else {
      problem = opened.error().message;
      client->disconnect(true);
    }
    {
      const std::lock_guard lock(client_mutex_);
      is_live_ = false;
    }
    if (!wait({0})) break;
    {
      const std::lock_guard lock(client_mutex_);
      client_.reset();
    }
    if (host_) {
      const std::lock_guard lock(protocol_mutex_);
      host_->disconnected();
    } else {
      intake_.mark_all_bad();
    }
    const Duration pause = backoff.next();
    intake_.set_waiting(problem, intake_.now() + pause);
    if (!wait(pause)) break;
  } while (true);
  std::shared_ptr<MqttClient> last;
  {
    const std::lock_guard lock(client_mutex_);
    last = std::move(client_);
  }
  if (last) close(*last);
}

Result<std::uint64_t> MqttLink::write_plain(const std::string& name, const Value& value) {
  const auto parsed = parse_plain_name(name);
  if (!parsed) return parsed.error();
  const std::uint64_t ticket = intake_.next_ticket();
  const std::lock_guard lock(client_mutex_);
  if (!is_live_) return Error{ErrorCode::kUnavailable, name + ": the link is not live"};
  const auto sent = client_->publish(
      {parsed->topic, plain_payload(value, parsed->pointer), 1, false}, [this, ticket, name](bool taken) {
        intake_.finish_write(
            {ticket, taken,
             name + (taken ? ": taken by the broker (PUBACK); plain MQTT does not tell what the plant did"
                           : ": the broker did not take it")});
      });
  if (!sent) return sent.error();
  return ticket;
}

Result<std::uint64_t> MqttLink::write(const std::string& name, const Value& value) {
  if (plain_) return write_plain(name, value);
  std::shared_ptr<MqttClient> client;
  {
    const std::lock_guard lock(client_mutex_);
    if (is_live_) client = client_;
  }
  if (!client) return Error{ErrorCode::kUnavailable, name + ": the link is not live"};
  const std::uint64_t ticket = intake_.next_ticket();
  std::optional<SparkplugHost::Outgoing> outgoing;
  {
    const std::lock_guard lock(protocol_mutex_);
    auto made = host_->command(name, value, ticket);
    if (!made) return made.error();
    outgoing = std::move(made).value();
  }
  // Where this fails the connection is lost, and with it the command that waits: its outcome says so.
  (void)client->publish({outgoing->topic, outgoing->payload});
  return ticket;
}

Result<std::vector<OfferedSignal>> MqttLink::browse(Duration patience) {
  MqttConnection connection = mqtt_.connection;
  if (!connection.client_id.empty()) connection.client_id += "-browse";
  Intake intake(LinkOptions{.id = "browse", .now = intake_.options().now});
  SparkplugHostOptions options = mqtt_.sparkplug;
  options.learn_all = true;
  std::mutex mutex;
  SparkplugHost host(intake, options);
  std::map<std::string, OfferedSignal> plain;
  MqttClient client(connection, {[&](std::string_view topic, std::string_view payload, bool) {
                                   const std::lock_guard lock(mutex);
                                   if (plain_)
                                     browse_plain(topic, payload, plain);
                                   else
                                     host.message(topic, payload);
                                 },
                                 [] {}});
  if (auto done = client.connect({}); !done) return done.error();
  const std::string filter = plain_ ? mqtt_.plain.browse_filter : "spBv1.0/#";
  if (auto done = client.subscribe({filter}, 0); !done) return done.error();
  if (host_) {
    for (const std::string& asked : asked_nodes(intake_.options().signals)) {
      (void)client.publish({asked, rebirth_command(intake.now())});
    }
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience.ns);
  while (std::chrono::steady_clock::now() < end && client.connected()) {
    std::vector<SparkplugHost::Outgoing> outgoing;
    {
      const std::lock_guard lock(mutex);
      host.tick();
      outgoing = host.take_outgoing();
    }
    for (const auto& out : outgoing) (void)client.publish({out.topic, out.payload});
    std::this_thread::sleep_for(kTick);
  }
  client.disconnect();
  const std::lock_guard lock(mutex);
  if (host_) return host.offered();
  std::vector<OfferedSignal> all;
  for (auto& [name, signal] : plain) all.push_back(std::move(signal));
  return all;
}

}  // namespace

Result<void> check_mqtt_link(const LinkOptions& options, const MqttOptions& mqtt) {
  if (auto checked = check_connection(mqtt.connection); !checked) return checked.error();
  for (const std::string& name : options.signals) {
    if (mqtt.mode == MqttMode::kSparkplug) {
      if (const auto parsed = parse_signal_name(name); !parsed) return parsed.error();
    } else if (const auto parsed = parse_plain_name(name); !parsed) {
      return parsed.error();
    }
  }
  if (!mqtt.host_id.empty()) {
    if (mqtt.mode == MqttMode::kPlain) {
      return Error{ErrorCode::kBadInput,
                   "host_id '" + mqtt.host_id + "' is for Sparkplug; leave it out of a plain link"};
    }
    if (const auto fault = fault_of_id(mqtt.host_id)) {
      return Error{ErrorCode::kBadInput, "host_id '" + mqtt.host_id + "' " + *fault + "; choose a plain word"};
    }
  }
  return {};
}

Result<std::unique_ptr<Link>> make_mqtt_link(LinkOptions options, MqttOptions mqtt) {
  if (const Result<void> checked = check_mqtt_link(options, mqtt); !checked) return checked.error();
  return std::unique_ptr<Link>(std::make_unique<MqttLink>(std::move(options), std::move(mqtt)));
}

}  // namespace geoul::link
