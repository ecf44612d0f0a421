// One TCP connection: TLS where the client begins with it, HTTP requests for files and access, then perhaps the upgrade
// to a WebSocket client of the hub (private to geoul/runtime/server). Runs in the thread of its socket's io_context and
// keeps itself alive until it ends.
#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "geoul/runtime/access/certificate.h"
#include "geoul/runtime/server/hub.h"

namespace boost::asio::ssl {
class context;
}

namespace geoul::runtime {

void start_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub);

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls(const access::Certificate& certificate);

// How an address is counted: IPv4 as it is, also where it comes as ::ffff:a.b.c.d; IPv6 by its /64 network, of which
// one user has all addresses.
std::string counted_address(const boost::asio::ip::address& address);
bool is_loopback(const boost::asio::ip::address& address);
// Whether the process at the other end of this connection runs under this account, or as root.
bool is_own_account(const boost::asio::ip::tcp::endpoint& peer, const boost::asio::ip::tcp::endpoint& own);

// Whether a request with this Host header may be served: IP addresses, localhost, this machine's own name and
// options.allowed_hosts. Other names would be a web page that points its own name at this address (DNS rebinding).
bool host_allowed(const ServerOptions& options, std::string_view host);

// Whether a WebSocket from a page of this origin may be opened. No origin (no browser), the server's own (`host`),
// pages of this machine, and options.allowed_origins.
bool origin_allowed(const ServerOptions& options, std::string_view origin, std::string_view host);

// The first of the client's subprotocols ("a, b") that the server speaks; empty where there is none.
std::string choose_subprotocol(std::string_view offered);

}  // namespace geoul::runtime
