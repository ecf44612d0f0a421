// What the sessions of a server share (private to geoul/runtime/server). Everything but the Inbox belongs to the
// server's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/runtime/server/entry.h"
#include "geoul/runtime/server/messages.h"
#include "geoul/runtime/server/outbox.h"
#include "geoul/runtime/server/server.h"

namespace boost::asio::ssl {
class context;
}

namespace geoul::runtime {

class Hub;

// A connection's place among those that an address may hold; given back when the last of its owners dies.
class Seat {
 public:
  Seat(std::shared_ptr<Hub> hub, Visitor visitor);
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  const Visitor visitor;

 private:
  std::shared_ptr<Hub> hub_;
};

// A WebSocket client as the hub sees it. Called in the server's thread.
class Client {
 public:
  virtual ~Client() = default;
  virtual void send_text(std::string text) = 0;
  virtual void send_binary(std::string bytes) = 0;
  virtual void send_frame(const Frame& frame) = 0;  // ignored unless subscribed
  virtual void send_time(Time time) = 0;
  virtual void drop_channel(std::uint32_t channel_id) = 0;
  virtual void close() = 0;                             // says good-bye, then ends
  virtual void dismiss(const std::string& reason) = 0;  // ends since the client may not stay
  virtual void abort() = 0;                             // ends
};

struct StoredParameter {
  Parameter parameter;
  bool writable = false;
};

class Hub {
 public:
  explicit Hub(ServerOptions options);

  // ---- server's thread ----
  std::uint64_t join(Client& client, access::Identity identity);  // sends what every new client is told
  void check_members();                                           // dismisses those who may not stay
  void leave(std::uint64_t client_id);
  // Acts on a message of a client; subscriptions are the session's own business and do not come here.
  void handle(std::uint64_t client_id, GetParametersRequest request);
  void handle(std::uint64_t client_id, SetParametersRequest request);
  void handle(std::uint64_t client_id, WatchParametersRequest request);
  void handle(std::uint64_t client_id, ServiceRequest request);
  const Channel* find_channel(std::uint32_t id) const;
  const Frame* latched(std::uint32_t channel_id) const;  // the last message of a latched channel, or none
  void count_subscriber(std::uint32_t channel_id, bool is_page, int change);

  void add_channel(Channel channel);
  void remove_channel(std::uint32_t id);
  void add_service(Service service);
  void set_parameter(StoredParameter parameter);
  void deliver(const Frame& frame);
  void deliver_time(Time time);
  void broadcast(const std::string& text);
  Client* find_client(std::uint64_t id) const;
  std::vector<Parameter> parameters(const std::vector<std::string>& names) const;  // empty: all; unknown: left out
  std::vector<Client*> clients() const;

  const ServerOptions options;
  access::Gate& gate;
  std::shared_ptr<boost::asio::ssl::context> tls;  // none: no client may speak TLS
  bool is_open = false;                            // beyond the loopback interface: TLS is a must
  std::uint16_t port = 0;
  std::function<void(Request)> enqueue;             // hands a request to the owner of the server
  std::function<void(std::function<void()>)> work;  // runs in another thread
  std::size_t sign_ins = 0;                         // passwords that are being hashed or wait for it
  std::size_t connections = 0;
  std::map<std::string, std::size_t> connections_of;  // by address
  std::size_t queued_bytes = 0;                       // to be sent, of all clients

  // ---- any thread ----
  std::optional<Duration> period(std::uint32_t channel_id) const;              // see Server::period
  void declare(std::uint32_t channel_id, bool latched, Duration page_period);  // before the channel's first publish
  std::atomic<std::size_t> client_count{0};
  std::atomic<std::size_t> connection_count{0};
  std::atomic<std::uint64_t> messages_sent{0};
  std::atomic<std::uint64_t> messages_dropped{0};
  std::atomic<std::uint64_t> messages_replaced{0};
  std::atomic<std::uint64_t> bad_messages{0};
  std::atomic<std::uint64_t> refused{0};

 private:
  struct Member {
    Client* client = nullptr;
    access::Identity identity{};
    std::set<std::string> watched;
    bool watches_all = false;
  };

  // Empty where the client may, else words that say which role is needed.
  std::string refusal(std::uint64_t client_id, access::Action action, const std::string& what) const;

  std::uint64_t next_client_ = 1;
  std::map<std::uint64_t, Member> members_;
  std::map<std::uint32_t, Channel> channels_;
  std::map<std::uint32_t, Frame> latched_;
  std::map<std::uint32_t, Service> services_;
  std::map<std::string, StoredParameter> parameters_;
  std::string session_id_;

  struct Demand {
    int programs = 0, pages = 0;  // subscribed
    bool latched = false;
    Duration page_period;
  };
  mutable std::mutex demand_mutex_;
  std::map<std::uint32_t, Demand> demand_;
};

}  // namespace geoul::runtime
