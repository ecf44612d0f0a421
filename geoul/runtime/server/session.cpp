#include "geoul/runtime/server/session.h"

#include <array>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <optional>

#include "geoul/runtime/server/static_files.h"

namespace geoul::runtime {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace asio = boost::asio;
using boost::system::error_code;
using HttpRequest = http::request<http::string_body>;

constexpr std::size_t kMaxHeader = 16 << 10;
constexpr std::size_t kMaxRequestBody = 4 << 10;
constexpr std::size_t kMaxControlMessages = 4096;
constexpr std::size_t kMaxControlBytes = 64u << 20;
constexpr int kSendBuffer = 1 << 20;  // [byte] in the kernel: what a slow client may lag behind

std::chrono::nanoseconds to_chrono(Duration d) { return std::chrono::nanoseconds(d.ns); }
std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// A client of the hub. Control messages (text, service responses) are all sent, in order, before message frames.
class WebSocketSession final : public Client, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(beast::tcp_stream&& stream, std::shared_ptr<Hub> hub)
      : socket_(std::move(stream)), hub_(std::move(hub)), outbox_(hub_->options.outbox) {}

  ~WebSocketSession() override {
    leave();
    hub_->connection_count = --hub_->connections;
  }

  void accept(const HttpRequest& request, std::string subprotocol) {
    auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
    timeout.handshake_timeout =
        std::chrono::duration_cast<std::chrono::milliseconds>(to_chrono(hub_->options.request_timeout));
    timeout.idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(to_chrono(hub_->options.idle_timeout));
    timeout.keep_alive_pings = true;
    socket_.set_option(timeout);
    socket_.set_option(websocket::stream_base::decorator([subprotocol](websocket::response_type& response) {
      response.set(http::field::sec_websocket_protocol, subprotocol);
      response.set(http::field::server, "Geoul");
    }));
    socket_.read_message_max(hub_->options.max_client_message);
    socket_.auto_fragment(false);
    socket_.async_accept(request, [self = shared_from_this()](error_code error) {
      if (error) return;
      self->id_ = self->hub_->join(*self);
      self->read();
    });
  }

  void send_text(std::string text) override { send_control({true, std::move(text)}); }
  void send_binary(std::string bytes) override { send_control({false, std::move(bytes)}); }

  void send_frame(const Frame& frame) override {
    if (!channels_.count(frame.channel_id)) return;
    const std::size_t dropped = outbox_.push(frame);
    if (dropped > 0) report_drops(frame.channel_id, dropped);
    pump();
  }

  void send_time(Time time) override {
    time_ = time;  // only the newest matters
    pump();
  }

  void drop_channel(std::uint32_t channel_id) override {
    const auto it = channels_.find(channel_id);
    if (it == channels_.end()) return;
    subscriptions_.erase(it->second);
    channels_.erase(it);
    outbox_.erase(channel_id);
    hub_->count_subscriber(channel_id, -1);
  }

  void close() override {
    if (closing_) return;
    closing_ = true;
    socket_.async_close(websocket::close_code::going_away, [self = shared_from_this()](error_code) {});
  }

  void abort() override {
    closing_ = true;
    beast::get_lowest_layer(socket_).close();
  }

 private:
  struct Control {
    bool text = true;
    std::string bytes;
  };

  void send_control(Control message) {
    if (closing_) return;
    control_bytes_ += message.bytes.size();
    control_.push_back(std::move(message));
    if (control_.size() > kMaxControlMessages || control_bytes_ > kMaxControlBytes) return abort();
    pump();
  }

  // Tells the client once a second at most, and never queues a second notice before the first one is sent.
  void report_drops(std::uint32_t channel_id, std::size_t count) {
    hub_->messages_dropped += count;
    dropped_ += count;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_report_ || !control_.empty()) return;
    next_report_ = now + std::chrono::seconds(1);
    const Channel* channel = hub_->find_channel(channel_id);
    send_text(
        status_text(StatusLevel::kWarning, std::to_string(dropped_) +
                                               " messages were dropped since this client reads too slowly (last: " +
                                               (channel ? channel->topic : "?") + ")"));
  }

  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->leave();
      self->receive();
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  void receive() {
    const auto data = buffer_.cdata();
    const std::string_view bytes(static_cast<const char*>(data.data()), data.size());
    Result<ClientMessage> message = socket_.got_text() ? parse_client_text(bytes) : parse_client_frame(bytes);
    if (!message) {
      ++hub_->bad_messages;
      return send_text(status_text(StatusLevel::kError, message.error().message));
    }
    std::visit([this](auto& request) { handle(request); }, *message);
  }

  template <class Request>
  void handle(Request& request) {
    hub_->handle(id_, std::move(request));
  }

  void handle(SubscribeRequest& request) {
    for (const Subscription& wish : request.subscriptions) {
      const std::string name = "subscribe: subscription " + std::to_string(wish.id);
      std::string problem;
      if (!hub_->find_channel(wish.channel_id)) {
        problem = name + " names channel " + std::to_string(wish.channel_id) + ", which does not exist";
      } else if (subscriptions_.count(wish.id)) {
        problem = name + " exists already";
      } else if (channels_.count(wish.channel_id)) {
        problem = name + ": the client is already subscribed to channel " + std::to_string(wish.channel_id);
      }
      if (!problem.empty()) {
        ++hub_->bad_messages;
        send_text(status_text(StatusLevel::kError, problem));
        continue;
      }
      subscriptions_[wish.id] = wish.channel_id;
      channels_[wish.channel_id] = wish.id;
      hub_->count_subscriber(wish.channel_id, 1);
      if (const Frame* last = hub_->latched(wish.channel_id)) send_frame(*last);
    }
  }

  void handle(UnsubscribeRequest& request) {
    for (const std::uint32_t id : request.subscription_ids) {
      const auto it = subscriptions_.find(id);
      if (it != subscriptions_.end()) {
        drop_channel(it->second);
        continue;
      }
      ++hub_->bad_messages;
      send_text(status_text(StatusLevel::kError, "unsubscribe: there is no subscription " + std::to_string(id)));
    }
  }

  void leave() {
    closing_ = true;
    if (id_ == 0) return;
    for (const auto& [channel_id, subscription] : channels_) hub_->count_subscriber(channel_id, -1);
    channels_.clear();
    subscriptions_.clear();
    hub_->leave(std::exchange(id_, 0));
  }

  // Sends the next thing, unless something is being sent.
  void pump() {
    if (writing_ || closing_) return;
    if (!control_.empty()) {
      current_ = std::move(control_.front().bytes);
      socket_.text(control_.front().text);
      control_bytes_ -= current_.size();
      control_.pop_front();
      return write(asio::buffer(current_));
    }
    if (time_) {
      current_ = time_frame(*std::exchange(time_, std::nullopt));
      socket_.binary(true);
      return write(asio::buffer(current_));
    }
    if (std::optional<Frame> frame = outbox_.pop()) {
      current_frame_ = std::move(*frame);
      header_ = message_header(channels_.at(current_frame_.channel_id), current_frame_.time);
      socket_.binary(true);
      ++hub_->messages_sent;
      const std::string& payload = *current_frame_.payload;
      write(std::array{asio::const_buffer(header_.data(), header_.size()),
                       asio::const_buffer(payload.data(), payload.size())});
    }
  }

  template <class Buffers>
  void write(Buffers buffers) {
    writing_ = true;
    socket_.async_write(buffers, [self = shared_from_this()](error_code error, std::size_t) {
      self->writing_ = false;
      if (error) return self->abort();
      self->pump();
    });
  }

  websocket::stream<beast::tcp_stream> socket_;
  std::shared_ptr<Hub> hub_;
  std::uint64_t id_ = 0;  // 0: not a client (yet, or any more)
  bool closing_ = false;
  beast::flat_buffer buffer_;

  std::map<std::uint32_t, std::uint32_t> subscriptions_;  // subscription -> channel
  std::map<std::uint32_t, std::uint32_t> channels_;       // channel -> subscription
  Outbox outbox_;
  std::deque<Control> control_;
  std::size_t control_bytes_ = 0;
  std::optional<Time> time_;
  std::uint64_t dropped_ = 0;
  std::chrono::steady_clock::time_point next_report_{};

  bool writing_ = false;  // what is being written:
  std::string current_;
  Frame current_frame_;
  std::array<std::uint8_t, 13> header_{};
};

constexpr std::string_view kNoStudio =
    "<!doctype html><title>Geoul</title><body style=\"font:16px sans-serif;margin:4em\"><h1>The twin is running, the "
    "studio is not built</h1><p>Build it with <code>npm ci &amp;&amp; npm run build</code> in <code>studio/</code>, or "
    "start everything with <code>./run</code>, then load this page again.<p>Foxglove and Lichtblick can connect to "
    "this address now: <code>ws://";

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub)
      : stream_(std::move(socket)), hub_(std::move(hub)) {
    hub_->connection_count = ++hub_->connections;
  }
  ~HttpSession() {
    if (!upgraded_) hub_->connection_count = --hub_->connections;
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(kMaxRequestBody);
    stream_.expires_after(to_chrono(hub_->options.request_timeout));  // for the whole request, however slowly it comes
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error == http::error::header_limit || error == http::error::body_limit) {
        return self->send_error(http::status::payload_too_large, "the request is too large");
      }
      if (error) return self->end();
      self->request_ = self->parser_->release();
      self->answer();
    });
  }

 private:
  void answer() {
    const std::string_view host = view(request_[http::field::host]);
    if (!host_allowed(hub_->options, host)) {
      return send_error(http::status::forbidden, "this server does not answer to that host name");
    }
    if (websocket::is_upgrade(request_)) return upgrade(host);
    if (request_.method() != http::verb::get && request_.method() != http::verb::head) {
      return send_error(http::status::method_not_allowed, "only GET and HEAD are offered here");
    }
    send_file(view(request_.target()), host);
  }

  void upgrade(std::string_view host) {
    if (!origin_allowed(hub_->options, view(request_[http::field::origin]), host)) {
      return send_error(http::status::forbidden, "pages of this origin may not connect");
    }
    std::string subprotocol = choose_subprotocol(view(request_[http::field::sec_websocket_protocol]));
    if (subprotocol.empty()) {
      return send_error(http::status::bad_request, "subprotocol foxglove.websocket.v1 or foxglove.sdk.v1 is needed");
    }
    if (hub_->client_count >= hub_->options.max_clients) {
      return send_error(http::status::service_unavailable, "too many clients are connected");
    }
    upgraded_ = true;
    stream_.expires_never();  // the WebSocket has its own time-outs
    std::make_shared<WebSocketSession>(std::move(stream_), hub_)->accept(request_, std::move(subprotocol));
  }

  void send_file(std::string_view target, std::string_view host) {
    const auto file = hub_->options.files.empty() ? std::nullopt : find_static_file(hub_->options.files, target);
    const std::string_view path = target.substr(0, target.find_first_of("?#"));
    if (!file && (path == "/" || path == "/index.html")) return send_no_studio(host);
    if (!file) return send_error(http::status::not_found, "no such file");
    if (view(request_[http::field::if_none_match]) == file->etag) {
      http::response<http::empty_body> response{http::status::not_modified, request_.version()};
      set_headers(response, file->mime_type, file->etag);
      return send(std::move(response));
    }
    if (request_.method() == http::verb::head) {
      http::response<http::empty_body> response{http::status::ok, request_.version()};
      set_headers(response, file->mime_type, file->etag);
      response.content_length(file->size);
      return send(std::move(response));
    }
    http::response<http::file_body> response{http::status::ok, request_.version()};
    error_code error;
    response.body().open(file->path.c_str(), beast::file_mode::scan, error);
    if (error) return send_error(http::status::not_found, "no such file");
    set_headers(response, file->mime_type, file->etag);
    response.prepare_payload();
    send(std::move(response));
  }

  void send_no_studio(std::string_view host) {
    http::response<http::string_body> response{http::status::service_unavailable, request_.version()};
    set_headers(response, "text/html; charset=utf-8", {});
    response.body() = std::string(kNoStudio) + std::string(host_text(host)) + "</code>";
    response.prepare_payload();
    send(std::move(response));
  }

  // A Host header as it may be put into HTML.
  static std::string host_text(std::string_view host) {
    std::string out;
    for (const char c : host) {
      if (c != '<' && c != '>' && c != '&' && c != '"') out.push_back(c);
    }
    return out;
  }

  void send_error(http::status status, std::string_view words) {
    http::response<http::string_body> response{status, request_.version() ? request_.version() : 11u};
    set_headers(response, "text/plain; charset=utf-8", {});
    response.body() = std::string(words) + "\n";
    response.keep_alive(false);
    response.prepare_payload();
    send(std::move(response));
  }

  template <class Body>
  void set_headers(http::response<Body>& response, std::string_view mime_type, std::string_view etag) {
    response.set(http::field::server, "Geoul");
    response.set(http::field::content_type, beast::string_view(mime_type.data(), mime_type.size()));
    response.set(http::field::cache_control, "no-cache");
    response.set("X-Content-Type-Options", "nosniff");
    if (!etag.empty()) response.set(http::field::etag, beast::string_view(etag.data(), etag.size()));
    response.keep_alive(request_.keep_alive());
  }

  template <class Body>
  void send(http::response<Body> message) {
    auto response = std::make_shared<http::response<Body>>(std::move(message));
    stream_.expires_after(to_chrono(hub_->options.idle_timeout));
    http::async_write(stream_, *response, [self = shared_from_this(), response](error_code error, std::size_t) {
      if (error || response->need_eof()) return self->end();
      self->read();
    });
  }

  void end() {
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Hub> hub_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  bool upgraded_ = false;
};

}  // namespace

void start_session(asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub) {
  error_code ignored;
  if (hub->connections >= hub->options.max_connections) return;  // closes the socket
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), ignored);
  std::make_shared<HttpSession>(std::move(socket), std::move(hub))->read();
}

}  // namespace geoul::runtime
