// One connection to an MQTT broker, over the Eclipse Paho client: connects once and tells when it is lost; coming back
// is the owner's. All calls but the constructor's callbacks may block as they say; none may be made from a callback.
//
// The client library runs one receiving thread for all connections of a process and calls back under a lock of its own:
// callbacks must return at once, and no lock that they take may be held in a call of this class.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"

namespace geoul::link {

enum class MqttVersion : std::uint8_t { k311, k5 };

// Where the broker is and how it lets us in.
struct MqttConnection {
  std::string url = {};  // "mqtt://host:1883", "mqtts://host:8883"; the port may be left out; IPv6 in brackets
  MqttVersion version = MqttVersion::k5;
  std::string user = {}, password = {};  // empty: none
  // PEM files of mqtts. ca_file: who may sign the broker's certificate; empty: the machine's authorities.
  std::string ca_file = {};
  std::string certificate_file = {}, key_file = {};  // of this client, both or none
  std::string client_id = {};                        // empty: drawn anew for each process
  Duration keep_alive{15'000'000'000};               // a silent peer is given up after one and a half of it
  Duration patience{5'000'000'000};                  // for connecting and for each answer
};

struct MqttUrl {
  std::string host;
  int port = 1883;
  bool tls = false;
};
// kBadInput, with the form that is right.
Result<MqttUrl> parse_mqtt_url(const std::string& url);
// Everything about a connection that can be told without the network: the url, pairs of files, files that cannot be
// read. One line with the remedy.
Result<void> check_connection(const MqttConnection& connection);

struct MqttMessage {
  std::string topic;
  std::string payload;
  int qos = 0;
  bool retained = false;
};

class MqttClient {
 public:
  struct Callbacks {
    // topic, payload, whether the broker had kept it
    std::function<void(std::string_view, std::string_view, bool)> message;
    std::function<void()> lost;  // once, after a successful connect(); not after disconnect()
  };
  MqttClient(MqttConnection connection, Callbacks callbacks);
  ~MqttClient();  // disconnects
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  // Connects with a clean session. Waits up to the connection's patience, and as long again to find out why it failed:
  // the error is one line with its remedy. Once.
  Result<void> connect(const std::optional<MqttMessage>& will);
  // Waits for the broker's answer.
  Result<void> subscribe(const std::vector<std::string>& filters, int qos);
  // Hands over a message; waits for nothing. kUnavailable where the connection is lost, or where kMaxBuffered messages
  // wait to be sent: nothing is kept then. `done` is called once, from a callback or within: whether the message is
  // sent (QoS 0), or acknowledged by the broker (QoS 1).
  Result<void> publish(const MqttMessage& message, std::function<void(bool)> done = {});
  // The same, waiting for `done`; no patience given: the connection's.
  Result<void> publish_and_wait(const MqttMessage& message, std::optional<Duration> patience = {});
  bool connected() const;
  // Makes whoever waits in one of the calls above return with an error, now and later. From any thread, also a
  // callback.
  void cancel();
  // Ends the session, within a second. with_will: MQTT 5 brokers publish the will.
  // The patience is for what waits to be sent; a second call does nothing.
  void disconnect(bool with_will = false, Duration patience = Duration{800'000'000});

  static constexpr int kMaxBuffered = 4096;
  static constexpr Duration kFarewellPatience{800'000'000};  // for the last message before disconnect()

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Why a connection to the broker fails, by trying its steps one by one: the name, the port, TLS with both certificates.
// Empty where all of them work: then the broker's answer tells. Within two seconds but for the name.
std::string explain_failure(const MqttConnection& connection);

}  // namespace geoul::link
