#include "geoul/runtime/server/server.h"

#include <utility>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "geoul/runtime/server/hub.h"
#include "geoul/runtime/server/session.h"

namespace geoul::runtime {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kCheckPeriod{1};  // how long a client that may not stay does so at most

Error listen_error(const ServerOptions& options, const error_code& error) {
  const std::string where = "port " + std::to_string(options.port) + " on " + options.address;
  if (error == asio::error::address_in_use) {
    return {ErrorCode::kUnavailable, where + " is in use; stop the other program or choose another with --port N"};
  }
  if (error == asio::error::access_denied) {
    return {ErrorCode::kUnavailable, where + " is reserved; choose one from 1024 up with --port N"};
  }
  return {ErrorCode::kUnavailable, where + ": " + error.message()};
}

std::size_t size_of(const Request& request) {
  std::size_t bytes = 64;
  if (const auto* call = std::get_if<ServiceCall>(&request)) bytes += call->payload.size() + call->encoding.size();
  if (const auto* change = std::get_if<ParameterChange>(&request)) {
    for (const Parameter& one : change->parameters) {
      bytes += 64 + one.name.size();
      if (const auto* text = std::get_if<std::string>(&one.value)) bytes += text->size();
      if (const auto* list = std::get_if<std::vector<double>>(&one.value)) bytes += list->size() * sizeof(double);
    }
  }
  return bytes;
}

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions options)
      : hub(std::make_shared<Hub>(std::move(options))),
        inbox(hub->options.limits.outbox),
        acceptor(io),
        retry(io),
        check(io) {}

  // Beyond the loopback interface nobody is let in unknown, and nothing is sent in the clear.
  Result<void> guard(const asio::ip::address& address) {
    if (hub->options.certificate) {
      auto tls = make_tls(*hub->options.certificate);
      if (!tls) return tls.error();
      hub->tls = std::move(tls).value();
    }
    hub->is_open = !is_loopback(address);
    if (!hub->is_open) return {};
    const std::string opens = "listening on " + hub->options.address + " opens the twin to the network, which needs ";
    if (!hub->gate.has_users()) {
      return Error{ErrorCode::kBadInput, opens +
                                             "users; add one with 'geoul user add NAME --role operate', or leave "
                                             "the address at 127.0.0.1"};
    }
    if (!hub->tls) return Error{ErrorCode::kBadInput, opens + "TLS; give a certificate"};
    return {};
  }

  Result<void> listen() {
    error_code error;
    const auto address = asio::ip::make_address(hub->options.address, error);
    if (error) return Error{ErrorCode::kBadInput, "'" + hub->options.address + "' is not an IP address"};
    if (Result<void> guarded = guard(address); !guarded) return guarded;
    const tcp::endpoint endpoint(address, hub->options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return listen_error(hub->options, error);
    port = hub->port = acceptor.local_endpoint(error).port();
    return {};
  }

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        start_session(std::move(socket), hub);
        return accept();
      }
      retry.expires_after(std::chrono::milliseconds(100));  // out of file descriptors, most likely
      retry.async_wait([this](error_code stopped) {
        if (!stopped) accept();
      });
    });
  }

  void watch_members() {
    check.expires_after(kCheckPeriod);
    check.async_wait([this](error_code stopped) {
      if (stopped) return;
      hub->check_members();
      watch_members();
    });
  }

  // Runs `action` in the server's thread, before any message that is published after this call.
  void command(std::function<void()> action) {
    const std::lock_guard lock(mutex);
    commands.push_back(std::move(action));
    wake();
  }

  void wake() {
    if (std::exchange(awake, true)) return;
    asio::post(io, [this] { drain(); });
  }

  void drain() {
    std::vector<std::function<void()>> actions;
    Outbox frames(hub->options.limits.outbox);
    std::optional<Time> newest;
    {
      const std::lock_guard lock(mutex);
      actions.swap(commands);
      std::swap(frames, inbox);
      newest = std::exchange(time, std::nullopt);
      awake = false;
    }
    for (auto& action : actions) action();
    if (newest) hub->deliver_time(*newest);
    while (std::optional<Frame> frame = frames.pop()) hub->deliver(*frame);
  }

  void enqueue(Request request) {
    std::function<void()> notify;
    {
      const std::lock_guard lock(request_mutex);
      const std::size_t bytes = size_of(request);
      const bool fits = requests.size() < hub->options.limits.waiting_requests &&
                        request_bytes + bytes <= hub->options.limits.waiting_bytes;
      if (fits || std::holds_alternative<ClientLeft>(request)) {
        request_bytes += bytes;
        requests.push_back(std::move(request));
        notify = on_request;
      }
    }
    if (notify) return notify();
    if (const auto* call = std::get_if<ServiceCall>(&request)) {
      if (Client* client = hub->find_client(call->client)) {
        client->send_text(service_failure_text(call->service_id, call->call_id, "too many requests are waiting"));
      }
    }
  }

  void stop() {
    asio::post(io, [this] {
      error_code ignored;
      acceptor.close(ignored);
      for (Client* client : hub->clients()) client->close();
      wait_for_clients(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    });
    thread.join();
    worker.join();
  }

  void wait_for_clients(std::chrono::steady_clock::time_point until) {
    if (hub->client_count == 0 || std::chrono::steady_clock::now() > until) return io.stop();
    retry.expires_after(std::chrono::milliseconds(5));
    retry.async_wait([this, until](error_code) { wait_for_clients(until); });
  }

  std::shared_ptr<Hub> hub;
  std::uint16_t port = 0;
  std::atomic<std::uint32_t> next_channel{1};
  std::atomic<std::uint32_t> next_service{1};

  std::mutex mutex;  // of what other threads hand over:
  std::vector<std::function<void()>> commands;
  Outbox inbox;
  std::set<std::uint32_t> states;  // channels of which only the newest counts
  std::optional<Time> time;
  bool awake = false;  // drain() is posted

  std::mutex request_mutex;
  std::vector<Request> requests;
  std::size_t request_bytes = 0;
  std::function<void()> on_request;

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  tcp::acceptor acceptor;
  asio::steady_timer retry, check;
  asio::thread_pool worker{1};  // hashes passwords, writes the user store
  std::thread thread;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  Impl* raw = impl.get();
  if (Result<void> listening = raw->listen(); !listening) return listening.error();
  raw->hub->enqueue = [raw](Request request) { raw->enqueue(std::move(request)); };
  raw->hub->work = [raw](std::function<void()> job) { asio::post(raw->worker, std::move(job)); };
  raw->accept();
  raw->watch_members();
  raw->thread = std::thread([raw] { raw->io.run(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() { impl_->stop(); }

std::uint16_t Server::port() const { return impl_->port; }

const ServerOptions& Server::options() const { return impl_->hub->options; }

std::string Server::url() const {
  std::string host = impl_->hub->options.address;
  if (host == "0.0.0.0" || host == "::") host = "localhost";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return (impl_->hub->is_open ? "https://" : "http://") + host + ":" + std::to_string(impl_->port);
}

std::uint32_t Server::add_channel(Channel channel) {
  const std::uint32_t id = channel.id = impl_->next_channel++;
  impl_->hub->declare(id, channel.latched, channel.page_period);
  if (channel.newest_only) {
    const std::lock_guard lock(impl_->mutex);
    impl_->states.insert(id);
  }
  impl_->command([this, channel = std::move(channel)]() mutable { impl_->hub->add_channel(std::move(channel)); });
  return id;
}

void Server::remove_channel(std::uint32_t id) {
  impl_->command([this, id] { impl_->hub->remove_channel(id); });
}

std::uint32_t Server::add_service(Service service) {
  const std::uint32_t id = service.id = impl_->next_service++;
  impl_->command([this, service = std::move(service)]() mutable { impl_->hub->add_service(std::move(service)); });
  return id;
}

std::optional<Duration> Server::period(std::uint32_t channel_id) const { return impl_->hub->period(channel_id); }

void Server::publish(std::uint32_t channel_id, Time time, std::string payload) {
  if (!wants(channel_id)) return;
  Frame frame{channel_id, time, std::make_shared<const std::string>(std::move(payload))};
  const std::lock_guard lock(impl_->mutex);
  const std::size_t gone = impl_->inbox.push(std::move(frame));
  (impl_->states.contains(channel_id) ? impl_->hub->messages_replaced : impl_->hub->messages_dropped) += gone;
  impl_->wake();
}

void Server::publish_time(Time time) {
  const std::lock_guard lock(impl_->mutex);
  impl_->time = time;
  impl_->wake();
}

void Server::publish_status(StatusLevel level, std::string message) {
  impl_->command([this, text = status_text(level, message)] { impl_->hub->broadcast(text); });
}

void Server::set_parameter(Parameter parameter, bool writable) {
  impl_->command([this, stored = StoredParameter{std::move(parameter), writable}]() mutable {
    impl_->hub->set_parameter(std::move(stored));
  });
}

std::vector<Request> Server::take_requests() {
  const std::lock_guard lock(impl_->request_mutex);
  impl_->request_bytes = 0;
  return std::exchange(impl_->requests, {});
}

void Server::on_request(std::function<void()> wake) {
  const std::lock_guard lock(impl_->request_mutex);
  impl_->on_request = std::move(wake);
}

void Server::respond(const ServiceCall& call, std::string payload) {
  std::string frame = service_response_frame(call.service_id, call.call_id, call.encoding, payload);
  impl_->command([this, client_id = call.client, frame = std::move(frame)]() mutable {
    if (Client* client = impl_->hub->find_client(client_id)) client->send_binary(std::move(frame));
  });
}

void Server::fail(const ServiceCall& call, std::string message) {
  std::string text = service_failure_text(call.service_id, call.call_id, message);
  impl_->command([this, client_id = call.client, text = std::move(text)]() mutable {
    if (Client* client = impl_->hub->find_client(client_id)) client->send_text(std::move(text));
  });
}

void Server::finish(const ParameterChange& change) {
  std::vector<std::string> names;
  for (const Parameter& parameter : change.parameters) names.push_back(parameter.name);
  if (change.request_id.empty() || names.empty()) return;
  impl_->command([this, client_id = change.client, id = change.request_id, names = std::move(names)] {
    Client* client = impl_->hub->find_client(client_id);
    if (client) client->send_text(parameter_values_text(impl_->hub->parameters(names), id));
  });
}

ServerStats Server::stats() const {
  const Hub& hub = *impl_->hub;
  return {hub.client_count,      hub.connection_count, hub.messages_sent, hub.messages_dropped,
          hub.messages_replaced, hub.bad_messages,     hub.refused};
}

}  // namespace geoul::runtime
