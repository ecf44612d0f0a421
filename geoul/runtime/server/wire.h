// A connection that may be encrypted: one type for both, so that HTTP and WebSocket are compiled once (private to
// geoul/runtime/server; heavy: included by few sources).
#pragma once

#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>

#include "geoul/runtime/server/hub.h"

namespace geoul::runtime {

// An AsyncStream of Beast. Movable; its operations must end before it dies, as of any stream.
class Wire {
 public:
  using Tcp = boost::beast::tcp_stream;
  using Tls = boost::asio::ssl::stream<Tcp&>;
  using executor_type = Tcp::executor_type;
  using next_layer_type = Tcp;
  using error_code = boost::system::error_code;

  explicit Wire(boost::asio::ip::tcp::socket socket) : ends_(std::make_unique<Ends>(std::move(socket))) {}

  executor_type get_executor() { return ends_->tcp.get_executor(); }
  Tcp& next_layer() { return ends_->tcp; }
  const Tcp& next_layer() const { return ends_->tcp; }
  // Everything after this goes through TLS; begin with tls().async_handshake().
  Tls& encrypt(boost::asio::ssl::context& context) { return ends_->tls.emplace(ends_->tcp, context); }
  bool is_encrypted() const { return ends_->tls.has_value(); }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [ends = ends_.get()](auto&& done, const Buffers& into) {
          if (ends->tls) return ends->tls->async_read_some(into, std::forward<decltype(done)>(done));
          ends->tcp.async_read_some(into, std::forward<decltype(done)>(done));
        },
        handler, buffers);
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(error_code, std::size_t)>(
        [ends = ends_.get()](auto&& done, const Buffers& from) {
          if (ends->tls) return ends->tls->async_write_some(from, std::forward<decltype(done)>(done));
          ends->tcp.async_write_some(from, std::forward<decltype(done)>(done));
        },
        handler, buffers);
  }

 private:
  struct Ends {
    explicit Ends(boost::asio::ip::tcp::socket socket) : tcp(std::move(socket)) {}
    Tcp tcp;
    std::optional<Tls> tls;
  };
  std::unique_ptr<Ends> ends_;
};

// How a WebSocket ends: its own closing frame came through TLS before, so the TCP connection may simply be shut.
inline void teardown(boost::beast::role_type role, Wire& wire, Wire::error_code& error) {
  teardown(role, wire.next_layer(), error);
}
template <class Handler>
void async_teardown(boost::beast::role_type role, Wire& wire, Handler&& handler) {
  async_teardown(role, wire.next_layer(), std::forward<Handler>(handler));
}

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Goes on as a WebSocket client of the hub.
void start_web_socket(Wire wire, std::shared_ptr<Hub> hub, std::shared_ptr<Seat> seat, access::Identity identity,
                      const HttpRequest& request, std::string subprotocol);

}  // namespace geoul::runtime
