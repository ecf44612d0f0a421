// A WebSocket client of the hub, from its handshake on.
#include "geoul/runtime/server/wire.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <optional>

#include "geoul/runtime/server/pace.h"

namespace geoul::runtime {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kGoodBye{1};  // from the closing frame to the end of the connection
constexpr int kUnsent = 16 << 10;  // [byte] that the kernel holds unsent: with more, the socket counts as full

std::chrono::milliseconds to_chrono(Duration d) { return std::chrono::milliseconds(d.ns / 1'000'000); }

// A client of the hub. Control messages (text, service responses) are all sent, in order, before message frames.
class WebSocketSession final : public Client, public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Wire wire, std::shared_ptr<Hub> hub, std::shared_ptr<Seat> seat, access::Identity identity)
      : socket_(std::move(wire)),
        hub_(std::move(hub)),
        seat_(std::move(seat)),
        identity_(std::move(identity)),
        outbox_(hub_->options.limits.outbox),
        pace_(hub_->options.limits.requests_per_second, hub_->options.limits.request_burst, Pace::Clock::now()),
        pause_(socket_.get_executor()),
        deadline_(socket_.get_executor()),
        turn_(socket_.get_executor()) {}

  ~WebSocketSession() override {
    leave();
    hub_->queued_bytes -= queued_;
  }

  void accept(const HttpRequest& request, std::string subprotocol) {
    is_page_ = request.count(http::field::origin) > 0;  // browsers always tell, and nobody else needs to
    (void)::setsockopt(handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsent, sizeof kUnsent);
    auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
    timeout.handshake_timeout = to_chrono(hub_->options.limits.request_timeout);
    timeout.idle_timeout = to_chrono(hub_->options.limits.idle_timeout);
    timeout.keep_alive_pings = true;
    socket_.set_option(timeout);
    socket_.set_option(websocket::stream_base::decorator([subprotocol](websocket::response_type& response) {
      response.set(http::field::sec_websocket_protocol, subprotocol);
      response.set(http::field::server, "Geoul");
    }));
    socket_.read_message_max(hub_->options.limits.client_message);
    socket_.auto_fragment(false);
    socket_.async_accept(request, [self = shared_from_this()](error_code error) {
      if (error) return;
      self->id_ = self->hub_->join(*self, self->identity_);
      self->read();
    });
  }

  void send_text(std::string text) override { send_control({true, std::move(text)}); }
  void send_binary(std::string bytes) override { send_control({false, std::move(bytes)}); }

  void send_frame(const Frame& frame) override {
    const auto at = channels_.find(frame.channel_id);
    if (at == channels_.end()) return;
    if (at->second.newest_only) {
      hub_->messages_replaced += outbox_.replace(frame) ? 1 : 0;
    } else if (const std::size_t dropped = outbox_.push(frame); dropped > 0) {
      report_drops(frame.channel_id, dropped);
    }
    if (account()) pump();
  }

  void send_time(Time time) override {
    time_ = time;  // only the newest matters
    pump();
  }

  void drop_channel(std::uint32_t channel_id) override {
    const auto it = channels_.find(channel_id);
    if (it == channels_.end()) return;
    subscriptions_.erase(it->second.subscription);
    channels_.erase(it);
    outbox_.erase(channel_id);
    account();
    hub_->count_subscriber(channel_id, is_page_, -1);
  }

  void close() override { end({websocket::close_code::going_away}); }

  void dismiss(const std::string& reason) override {
    end({websocket::close_code::policy_error, beast::string_view(reason)});
    leave();
  }

  void abort() override {
    closing_ = true;
    beast::get_lowest_layer(socket_).close();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Control {
    bool text = true;
    std::string bytes;
  };
  struct Subscribed {
    std::uint32_t subscription = 0;
    bool newest_only = false;
    Clock::duration period{};  // least time between two messages
    Clock::time_point next{};  // not before
  };

  int handle() { return beast::get_lowest_layer(socket_).socket().native_handle(); }

  void end(const websocket::close_reason& reason) {
    if (closing_) return;
    closing_ = true;
    socket_.async_close(reason, [self = shared_from_this()](error_code) { self->deadline_.cancel(); });
    deadline_.expires_after(kGoodBye);  // a client need not answer
    deadline_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->abort();
    });
  }

  void send_control(Control message) {
    if (closing_) return;
    control_bytes_ += message.bytes.size();
    control_.push_back(std::move(message));
    const Limits& limits = hub_->options.limits;
    if (control_.size() > limits.control_messages || control_bytes_ > limits.control_bytes) return abort();
    if (account()) pump();
  }

  // Tells the hub what waits here. Where all clients together hold too much, one with more than its share is cut off;
  // false then.
  bool account() {
    const std::size_t now = outbox_.bytes() + control_bytes_;
    hub_->queued_bytes += now - queued_;  // modulo 2^64
    queued_ = now;
    const std::size_t most = hub_->options.limits.queued_bytes;
    if (hub_->queued_bytes <= most || now <= most / std::max<std::size_t>(1, hub_->client_count)) return true;
    abort();
    return false;
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
      const auto wait = self->pace_.take(Pace::Clock::now());
      if (wait <= Pace::Clock::duration::zero()) return self->read();
      self->pause_.expires_after(wait);
      self->pause_.async_wait([self](error_code stopped) {
        if (!stopped) self->read();
      });
    });
  }

  void receive() {
    if (closing_) return;
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
      const Channel* channel = hub_->find_channel(wish.channel_id);
      if (!channel) {
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
      const Duration period = is_page_ ? channel->page_period : Duration{0};
      channels_[wish.channel_id] = {wish.id, channel->newest_only, std::chrono::nanoseconds(period.ns), {}};
      hub_->count_subscriber(wish.channel_id, is_page_, 1);
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
    for (const auto& [channel_id, subscribed] : channels_) hub_->count_subscriber(channel_id, is_page_, -1);
    channels_.clear();
    subscriptions_.clear();
    hub_->leave(std::exchange(id_, 0));
  }

  // Sends the next thing, unless something is being sent.
  void pump() {
    if (writing_ || full_ || closing_) return;
    if (!control_.empty()) {
      current_ = std::move(control_.front().bytes);
      socket_.text(control_.front().text);
      control_bytes_ -= current_.size();
      control_.pop_front();
      account();
      return write(asio::buffer(current_));
    }
    if (time_) {
      current_ = time_frame(*std::exchange(time_, std::nullopt));
      socket_.binary(true);
      return write(asio::buffer(current_));
    }
    if (outbox_.empty()) return;
    if (is_full()) return wait_for_room();
    send_next_frame();
  }

  // Whether what is written now would only wait in the kernel, and grow old there.
  bool is_full() {
    int unsent = 0;
    return ::ioctl(handle(), SIOCOUTQNSD, &unsent) == 0 && unsent > kUnsent;
  }

  void wait_for_room() {
    full_ = true;
    auto& socket = beast::get_lowest_layer(socket_).socket();
    socket.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](error_code error) {
      self->full_ = false;
      if (!error) self->pump();
    });
  }

  void send_next_frame() {
    const auto now = Clock::now();
    std::optional<Frame> frame = outbox_.pop([&](std::uint32_t id) { return channels_.at(id).next <= now; });
    if (!frame) return wait_for_turn();
    current_frame_ = std::move(*frame);
    account();
    Subscribed& subscribed = channels_.at(current_frame_.channel_id);
    // a message that comes a little late does not delay the next one, by a quarter at most
    if (subscribed.period.count() > 0)
      subscribed.next = std::max(subscribed.next, now - subscribed.period / 4) + subscribed.period;
    header_ = message_header(subscribed.subscription, current_frame_.time);
    socket_.binary(true);
    ++hub_->messages_sent;
    const std::string& payload = *current_frame_.payload;
    write(std::array{asio::const_buffer(header_.data(), header_.size()),
                     asio::const_buffer(payload.data(), payload.size())});
  }

  // All that waits comes too soon for this client.
  void wait_for_turn() {
    Clock::time_point first = Clock::time_point::max();
    for (const auto& [id, subscribed] : channels_) {
      if (outbox_.holds(id)) first = std::min(first, subscribed.next);
    }
    turn_.expires_at(first);
    turn_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->pump();
    });
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

  websocket::stream<Wire> socket_;
  std::shared_ptr<Hub> hub_;
  std::shared_ptr<Seat> seat_;
  access::Identity identity_;
  std::uint64_t id_ = 0;  // 0: not a client (yet, or any more)
  bool closing_ = false;
  beast::flat_buffer buffer_;

  std::map<std::uint32_t, std::uint32_t> subscriptions_;  // subscription -> channel
  std::map<std::uint32_t, Subscribed> channels_;          // by channel
  bool is_page_ = false;                                  // the client is a web page
  Outbox outbox_;
  std::deque<Control> control_;
  std::size_t control_bytes_ = 0;
  std::size_t queued_ = 0;  // as the hub knows it
  std::optional<Time> time_;
  std::uint64_t dropped_ = 0;
  std::chrono::steady_clock::time_point next_report_{};
  Pace pace_;
  asio::steady_timer pause_, deadline_, turn_;

  bool full_ = false;     // the socket takes no more just now
  bool writing_ = false;  // what is being written:
  std::string current_;
  Frame current_frame_;
  std::array<std::uint8_t, 13> header_{};
};

}  // namespace

void start_web_socket(Wire wire, std::shared_ptr<Hub> hub, std::shared_ptr<Seat> seat, access::Identity identity,
                      const HttpRequest& request, std::string subprotocol) {
  std::make_shared<WebSocketSession>(std::move(wire), std::move(hub), std::move(seat), std::move(identity))
      ->accept(request, std::move(subprotocol));
}

}  // namespace geoul::runtime
