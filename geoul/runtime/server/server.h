// A server of named channels of bytes: the Foxglove WebSocket protocol v1 (subprotocols "foxglove.websocket.v1" and
// "foxglove.sdk.v1") and the files of a web application, on one port. It runs in a thread of its own and knows nothing
// of robots.
//
// Thread safety: every member may be called from any thread. The calling thread never does I/O and never waits for a
// client: publish() hands its bytes over under a lock that is held for a queue operation only. A client that reads too
// slowly loses the oldest messages of a channel, never the newest, and is told so by a status message. Of a channel
// that tells a state (Channel::newest_only) it is sent the newest at once while its socket takes it, and where that is
// full the newest when it takes it again: what lay between is not kept. Web pages are sent such a channel at their own
// pace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/runtime/access/certificate.h"
#include "geoul/runtime/access/gate.h"
#include "geoul/runtime/access/limits.h"
#include "geoul/runtime/server/messages.h"

namespace geoul::runtime {

struct ServerOptions {
  std::string name = "Geoul";
  // IP address to listen on. "0.0.0.0" opens the server to the network, which takes a gate with users and a
  // certificate.
  std::string address = "127.0.0.1";
  std::uint16_t port = 8765;      // 0: any free one, see Server::port()
  std::filesystem::path files{};  // folder of the web application; empty: none is served
  std::map<std::string, std::string> metadata{};
  // Web pages that may connect beside those of this server and of this machine ("https://app.foxglove.dev").
  std::vector<std::string> allowed_origins = {"https://app.foxglove.dev", "https://lichtblick-suite.github.io",
                                              "file://"};
  std::vector<std::string> allowed_hosts{};  // further names that this machine is reached by, without port

  // Who is let in. None: processes of this account, over the loopback interface; see access/gate.h.
  std::shared_ptr<access::Gate> gate{};
  // Where there is one, clients may speak TLS; beyond the loopback interface they must.
  std::shared_ptr<const access::Certificate> certificate{};
  Limits limits{};
};

// A client's call of a service; answer with Server::respond or Server::fail, at any time, from any thread.
struct ServiceCall {
  std::uint64_t client = 0;
  std::uint32_t service_id = 0;
  std::uint32_t call_id = 0;
  std::string encoding;
  std::string payload;
  access::Identity who;
};

// A client's wish to change parameters: apply what is acceptable with Server::set_parameter, then Server::finish,
// which tells the client the values that now hold.
struct ParameterChange {
  std::uint64_t client = 0;
  std::string request_id;
  std::vector<Parameter> parameters;  // all known and declared writable
};

// A client is gone: whatever it held is to be let go.
struct ClientLeft {
  std::uint64_t client = 0;
};

using Request = std::variant<ServiceCall, ParameterChange, ClientLeft>;

struct ServerStats {
  std::size_t clients = 0;              // WebSocket clients now
  std::size_t connections = 0;          // all connections now
  std::uint64_t messages_sent = 0;      // message frames, to all clients
  std::uint64_t messages_dropped = 0;   // for slow clients
  std::uint64_t messages_replaced = 0;  // by newer ones of their state, before they were sent
  std::uint64_t bad_messages = 0;       // refused messages from clients
  std::uint64_t refused = 0;            // WebSockets that were not let in
};

class Server {
 public:
  // Listens and starts the thread. kUnavailable where the port is in use or the address is not this machine's;
  // kBadInput where it would be open to the network without users or without TLS.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  // Says good-bye to the clients, waits at most a second for them, ends the thread.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  const ServerOptions& options() const;  // as it runs, with its gate
  std::string url() const;               // "http://127.0.0.1:8765", https where nothing else is spoken

  // Offers a channel or service to all clients, now and later; `id` is assigned and returned.
  std::uint32_t add_channel(Channel channel);
  void remove_channel(std::uint32_t id);
  std::uint32_t add_service(Service service);

  // True while any client is subscribed or the channel is latched: where false, publish() has no effect, and the
  // message need not even be made.
  bool wants(std::uint32_t channel_id) const { return period(channel_id).has_value(); }
  // The least time between two messages that somebody takes: 0 where a program is subscribed, the channel's page_period
  // where web pages are or where only the latched message is kept; none where publish() would have no effect.
  std::optional<Duration> period(std::uint32_t channel_id) const;
  void publish(std::uint32_t channel_id, Time time, std::string payload);
  void publish_time(Time time);
  void publish_status(StatusLevel level, std::string message);

  // Declares a parameter or changes its value; clients that watch it are told.
  void set_parameter(Parameter parameter, bool writable);

  // What clients have asked since the last call, in order.
  std::vector<Request> take_requests();
  // Called in the server's thread whenever a request has come; must return at once. For loops that sleep.
  void on_request(std::function<void()> wake);
  void respond(const ServiceCall& call, std::string payload);
  void fail(const ServiceCall& call, std::string message);
  void finish(const ParameterChange& change);

  ServerStats stats() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::runtime
