// HTTP: the files of the web application, who signs in, and the upgrade to a WebSocket.
#include "geoul/runtime/server/session.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <optional>

#include "geoul/runtime/server/pace.h"
#include "geoul/runtime/server/static_files.h"
#include "geoul/runtime/server/wire.h"

namespace geoul::runtime {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
namespace asio = boost::asio;
using boost::system::error_code;

constexpr int kSendBuffer = 1 << 20;  // [byte] in the kernel: what a slow client may lag behind

// What a page of this server may do in a browser: load only from here, connect to any twin (?ws=), be framed nowhere.
constexpr const char* kContentPolicy =
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'";

std::chrono::nanoseconds to_chrono(Duration d) { return std::chrono::nanoseconds(d.ns); }
std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

constexpr std::string_view kNoStudio =
    "<!doctype html><title>Geoul</title><body style=\"font:16px sans-serif;margin:4em\"><h1>The twin is running, the "
    "studio is not built</h1><p>Build it with <code>npm ci &amp;&amp; npm run build</code> in <code>studio/</code>, or "
    "start everything with <code>./run</code>, then load this page again.<p>Foxglove and Lichtblick can connect to "
    "this address now: <code>ws://";

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub, std::shared_ptr<Seat> seat)
      : wire_(std::move(socket)),
        hub_(std::move(hub)),
        seat_(std::move(seat)),
        visitor_(seat_->visitor),
        pace_(hub_->options.limits.requests_per_second, hub_->options.limits.request_burst, Pace::Clock::now()),
        pause_(wire_.get_executor()) {}

  // TLS where the client's first bytes are those of its hello, else plain HTTP.
  void start() {
    if (!hub_->tls) return read();
    expire_after(hub_->options.limits.request_timeout);
    beast::async_detect_ssl(wire_.next_layer(), buffer_, [self = shared_from_this()](error_code error, bool is_tls) {
      if (error) return;
      if (!is_tls) return self->read();
      self->wire_.encrypt(*self->hub_->tls)
          .async_handshake(asio::ssl::stream_base::server, self->buffer_.data(),
                           [self](error_code failed, std::size_t used) {
                             if (failed) return;
                             self->buffer_.consume(used);
                             self->visitor_.is_encrypted = true;
                             self->read();
                           });
    });
  }

 private:
  void expire_after(Duration time) { wire_.next_layer().expires_after(to_chrono(time)); }

  void read() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(hub_->options.limits.http_header));
    parser_->body_limit(hub_->options.limits.http_body);
    expire_after(hub_->options.limits.request_timeout);  // for the whole request, however slowly it comes
    http::async_read(wire_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error == http::error::header_limit || error == http::error::body_limit) {
        return self->send_error(http::status::payload_too_large, "the request is too large");
      }
      if (error) return self->end();
      self->request_ = self->parser_->release();
      const auto wait = self->pace_.take(Pace::Clock::now());
      if (wait <= Pace::Clock::duration::zero()) return self->answer();
      self->pause_.expires_after(wait);
      self->pause_.async_wait([self](error_code stopped) {
        if (!stopped) self->answer();
      });
    });
  }

  // The request as access sees it; views into request_.
  Ask ask() const {
    const auto field = [this](auto name) { return view(request_[name]); };
    return {.method = view(request_.method_string()),
            .target = view(request_.target()),
            .host = field(http::field::host),
            .origin = field(http::field::origin),
            .content_type = field(http::field::content_type),
            .authorization = field(http::field::authorization),
            .cookie = field(http::field::cookie),
            .subprotocols = field(http::field::sec_websocket_protocol),
            .csrf = field("X-Geoul-Csrf"),
            .body = request_.body()};
  }

  void answer() {
    if (hub_->is_open && !visitor_.is_encrypted) {
      return send_error(http::status::upgrade_required, "this port speaks TLS only: open https://, connect to wss://");
    }
    const Ask asked = ask();
    if (!host_allowed(hub_->options, asked.host)) {
      return send_error(http::status::forbidden, "this server does not answer to that host name");
    }
    if (websocket::is_upgrade(request_)) return upgrade(asked);
    const std::string_view path = asked.target.substr(0, asked.target.find_first_of("?#"));
    if (path.substr(0, 5) == "/api/") return answer_api(path, asked);
    if (request_.method() != http::verb::get && request_.method() != http::verb::head) {
      return send_error(http::status::method_not_allowed, "only GET and HEAD are offered here");
    }
    send_file(asked.target, asked.host);
  }

  void answer_api(std::string_view path, const Ask& asked) {
    const bool is_post = asked.method == "POST";
    if (path == "/api/session" && asked.method == "GET") return send(answer_session(hub_->gate, visitor_, asked));
    if (path == "/api/logout" && is_post) {
      send(answer_logout(hub_->gate, visitor_, asked));
      return hub_->check_members();
    }
    if (path == "/api/login" && is_post) return login(asked);
    const bool known = path == "/api/session" || path == "/api/logout" || path == "/api/login";
    send(refusal(known ? 405 : 404, known ? "this method is not offered here" : "no such address"));
  }

  void login(const Ask& asked) {
    auto begun = begin_login(hub_->gate, visitor_, asked);
    const bool secure = is_secure(visitor_, asked);
    forget_request();
    if (auto* answered = std::get_if<Answer>(&begun)) return send(std::move(*answered));
    if (hub_->sign_ins >= hub_->options.limits.waiting_sign_ins) {
      Answer busy = refusal(503, "too many sign in at this moment: try again");
      busy.retry_after = 2;
      return send(std::move(busy));
    }
    ++hub_->sign_ins;
    auto request = std::make_shared<access::SignInRequest>(std::get<access::SignInRequest>(std::move(begun)));
    expire_after(hub_->options.limits.idle_timeout);
    hub_->work([self = shared_from_this(), request, secure] {
      Answer done = finish_login(self->hub_->gate, self->visitor_, secure, *request);
      auto answer = std::make_shared<Answer>(std::move(done));
      asio::post(self->wire_.get_executor(), [self, answer] {
        --self->hub_->sign_ins;
        self->send(std::move(*answer));
      });
    });
  }

  // Wipes the body, and what the buffer held of it.
  void forget_request() {
    access::wipe(request_.body());
    const std::size_t room = buffer_.capacity() - buffer_.size();
    const auto area = buffer_.prepare(room);
    access::wipe(area.data(), area.size());
  }

  void upgrade(const Ask& asked) {
    if (!origin_allowed(hub_->options, asked.origin, asked.host)) {
      return send_error(http::status::forbidden, "pages of this origin may not connect");
    }
    std::string subprotocol = choose_subprotocol(asked.subprotocols);
    if (subprotocol.empty()) {
      return send_error(http::status::bad_request, "subprotocol foxglove.websocket.v1 or foxglove.sdk.v1 is needed");
    }
    auto verdict = admit(hub_->gate, visitor_, asked);
    if (auto* refused = std::get_if<Answer>(&verdict)) {
      ++hub_->refused;
      return send(std::move(*refused));
    }
    if (hub_->client_count >= hub_->options.limits.clients) {
      return send_error(http::status::service_unavailable, "too many clients are connected");
    }
    access::Identity identity = std::get<access::Identity>(std::move(verdict));
    if (identity.kind == access::Identity::Kind::kToken) {
      hub_->work([options = hub_->options.gate, identity] { options->note_token_use(identity); });
    }
    wire_.next_layer().expires_never();  // the WebSocket has its own time-outs
    start_web_socket(std::move(wire_), hub_, seat_, std::move(identity), request_, std::move(subprotocol));
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

  void send(Answer answer) {
    http::response<http::string_body> response{static_cast<http::status>(answer.status), request_.version()};
    set_headers(response, "application/json", {});
    response.set(http::field::cache_control, "no-store");
    if (!answer.set_cookie.empty()) response.set(http::field::set_cookie, answer.set_cookie);
    if (answer.retry_after > 0) response.set(http::field::retry_after, std::to_string(answer.retry_after));
    if (answer.status == 401) response.set(http::field::www_authenticate, "Bearer");
    response.body() = std::move(answer.body);
    response.prepare_payload();
    send(std::move(response));
    access::wipe(answer.set_cookie);
  }

  template <class Body>
  void set_headers(http::response<Body>& response, std::string_view mime_type, std::string_view etag) {
    response.set(http::field::server, "Geoul");
    response.set(http::field::content_type, beast::string_view(mime_type.data(), mime_type.size()));
    response.set(http::field::cache_control, "no-cache");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("X-Frame-Options", "DENY");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Content-Security-Policy", kContentPolicy);
    if (!etag.empty()) response.set(http::field::etag, beast::string_view(etag.data(), etag.size()));
    response.keep_alive(request_.keep_alive());
  }

  template <class Body>
  void send(http::response<Body> message) {
    auto response = std::make_shared<http::response<Body>>(std::move(message));
    expire_after(hub_->options.limits.idle_timeout);
    http::async_write(wire_, *response, [self = shared_from_this(), response](error_code error, std::size_t) {
      if (error || response->need_eof()) return self->end();
      self->read();
    });
  }

  void end() {
    error_code ignored;
    wire_.next_layer().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  Wire wire_;
  std::shared_ptr<Hub> hub_;
  std::shared_ptr<Seat> seat_;
  Visitor visitor_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  Pace pace_;
  asio::steady_timer pause_;
};

}  // namespace

void start_session(asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub) {
  error_code failed;
  const asio::ip::tcp::endpoint peer = socket.remote_endpoint(failed), own = socket.local_endpoint(failed);
  if (failed || hub->connections >= hub->options.limits.connections) return;  // closes the socket
  Visitor visitor{counted_address(peer.address()), false, false, hub->port};
  const auto held = hub->connections_of.find(visitor.address);
  if (held != hub->connections_of.end() && held->second >= hub->options.limits.connections_per_address) return;
  if (!hub->is_open && !hub->gate.has_users()) visitor.is_own_account = is_own_account(peer, own);
  socket.set_option(asio::ip::tcp::no_delay(true), failed);
  socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), failed);
  auto seat = std::make_shared<Seat>(hub, std::move(visitor));
  std::make_shared<HttpSession>(std::move(socket), std::move(hub), std::move(seat))->start();
}

}  // namespace geoul::runtime
