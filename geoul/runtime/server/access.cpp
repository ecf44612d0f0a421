// Who may connect: the checks of session.h that need no socket.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>

#include "geoul/runtime/access/peer_owner.h"
#include "geoul/runtime/server/session.h"

namespace geoul::runtime {
namespace {

// "[::1]:80" -> "::1", "localhost:80" -> "localhost".
std::string name_of(std::string_view host) {
  std::string name;
  if (!host.empty() && host.front() == '[') {
    name = host.substr(1, host.find(']') - 1);
  } else {
    name = host.substr(0, host.find(':'));
  }
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return name;
}

bool is_local_name(const std::string& name) {
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name, error);
  return !error && address.is_loopback();
}

}  // namespace

std::string counted_address(const boost::asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  auto bytes = address.to_v6().to_bytes();
  if (!address.is_loopback()) std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::address_v6(bytes).to_string() + (address.is_loopback() ? "" : "/64");
}

bool is_loopback(const boost::asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

bool is_own_account(const boost::asio::ip::tcp::endpoint& peer, const boost::asio::ip::tcp::endpoint& own) {
  if (!is_loopback(peer.address()) || !is_loopback(own.address())) return false;
  const auto plain = [](const boost::asio::ip::tcp::endpoint& end) {
    access::Endpoint out;
    const auto address = end.address().is_v6() ? end.address().to_v6()
                                               : make_address_v6(boost::asio::ip::v4_mapped, end.address().to_v4());
    const auto bytes = address.to_bytes();
    std::copy(bytes.begin(), bytes.end(), out.address.begin());
    out.port = end.port();
    return out;
  };
  const std::optional<std::uint32_t> owner = access::owner_of(plain(peer), plain(own));
  return owner && (*owner == geteuid() || *owner == 0);
}

bool host_allowed(const ServerOptions& options, std::string_view host) {
  const std::string name = name_of(host);
  if (name.empty()) return false;
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  if (!error || is_local_name(name)) return true;
  std::array<char, 256> machine{};
  if (gethostname(machine.data(), machine.size() - 1) == 0) {
    const std::string own = name_of(machine.data());
    if (name == own || name == own + ".local") return true;
  }
  return std::find(options.allowed_hosts.begin(), options.allowed_hosts.end(), name) != options.allowed_hosts.end();
}

bool origin_allowed(const ServerOptions& options, std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  const auto& allowed = options.allowed_origins;
  if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end()) return true;
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority = origin.substr(scheme + 3);
  return authority == host || is_local_name(name_of(authority));
}

std::string choose_subprotocol(std::string_view offered) {
  while (!offered.empty()) {
    const std::size_t comma = std::min(offered.find(','), offered.size());
    std::string_view name = offered.substr(0, comma);
    offered.remove_prefix(std::min(comma + 1, offered.size()));
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (name == "foxglove.websocket.v1" || name == "foxglove.sdk.v1") return std::string(name);
  }
  return {};
}

}  // namespace geoul::runtime
