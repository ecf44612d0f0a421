// Every limit of the server in one place: what a stranger, a client or a user may cost.
#pragma once

#include <cstddef>

#include "geoul/core/time.h"
#include "geoul/runtime/server/outbox.h"

namespace geoul::runtime {

struct Limits {
  // Connections.
  std::size_t clients = 32;                  // WebSocket clients
  std::size_t connections = 128;             // clients and HTTP connections
  std::size_t connections_per_address = 64;  // the same of one address
  Duration request_timeout{10'000'000'000};  // for a whole TLS or WebSocket handshake or HTTP request, however slow
  Duration idle_timeout{60'000'000'000};     // a client that neither speaks nor answers pings is cut off

  // What one connection may send.
  std::size_t http_header = 16 << 10;     // [byte]
  std::size_t http_body = 4 << 10;        // [byte]
  std::size_t client_message = 1 << 20;   // [byte] of a WebSocket message, whole
  double requests_per_second = 500;       // of a connection; what comes faster waits in the client's socket
  double request_burst = 1000;            // requests that may come at once
  std::size_t waiting_requests = 1024;    // of all clients, for the owner of the server; more are refused
  std::size_t waiting_bytes = 64u << 20;  // of their payloads

  // What waits to be sent.
  OutboxLimits outbox{};                    // messages for one client
  std::size_t control_messages = 4096;      // text and answers for one client; beyond, it is cut off
  std::size_t control_bytes = 64u << 20;    // the same [byte]
  std::size_t queued_bytes = 512ull << 20;  // for all clients; beyond, those with more than their share are cut off

  // Sign-in. After free_failures a wait begins at first_wait and doubles up to longest_wait, and is forgotten after
  // forget_failures without a failure.
  std::size_t free_failures = 3;      // of one name from one address
  std::size_t address_failures = 20;  // of one address, whatever the name
  std::size_t name_failures = 30;     // of one name, whatever the address; this wait stays below name_wait
  Duration first_wait{1'000'000'000};
  Duration longest_wait{300'000'000'000};
  Duration name_wait{10'000'000'000};  // short, since a stranger can cause it
  Duration forget_failures{3'600'000'000'000};
  std::size_t remembered_failures = 4096;  // names and addresses
  std::size_t waiting_sign_ins = 8;        // for the one thread that hashes passwords; more are told to come again

  // Sessions.
  std::size_t sessions_per_user = 16;  // the oldest ends
  Duration session_idle{std::int64_t{2} * 3'600'000'000'000};
  Duration session_life{std::int64_t{12} * 3'600'000'000'000};
};

}  // namespace geoul::runtime
