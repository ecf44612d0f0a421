// Which account of this machine owns the other end of a connection over the loopback interface, as the kernel tells.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace geoul::runtime::access {

// An end of a TCP connection: an IPv6 address (IPv4 as ::ffff:a.b.c.d), in network order, and a port.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

// The user id of the process whose socket is bound to `peer` and connected to `own`: Linux' /proc/net/tcp and tcp6.
// None where there is no such established connection in this network namespace. O(sockets of the machine).
std::optional<std::uint32_t> owner_of(const Endpoint& peer, const Endpoint& own);

// The same of the text of such a table. Sockets that no process holds any more (their user id reads 0) are left out.
std::optional<std::uint32_t> owner_in_table(std::string_view table, const Endpoint& peer, const Endpoint& own);

}  // namespace geoul::runtime::access
