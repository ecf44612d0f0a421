// One TCP connection: HTTP requests for files, then perhaps the upgrade to a WebSocket client of the hub (private to
// geoul/runtime/server). Runs in the thread of its socket's io_context and keeps itself alive until it ends.
#pragma once

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "geoul/runtime/server/hub.h"

namespace geoul::runtime {

void start_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<Hub> hub);

// Whether a request with this Host header may be served: IP addresses, localhost, this machine's own name and
// options.allowed_hosts. Other names would be a web page that points its own name at this address (DNS rebinding).
bool host_allowed(const ServerOptions& options, std::string_view host);

// Whether a WebSocket from a page of this origin may be opened. No origin (no browser), the server's own (`host`),
// pages of this machine, and options.allowed_origins.
bool origin_allowed(const ServerOptions& options, std::string_view origin, std::string_view host);

// The first of the client's subprotocols ("a, b") that the server speaks; empty where there is none.
std::string choose_subprotocol(std::string_view offered);

}  // namespace geoul::runtime
