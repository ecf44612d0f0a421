#include "geoul/runtime/access/peer_owner.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace geoul::runtime::access {
namespace {

constexpr std::string_view kEstablished = "01";

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// "0100007F:1F90": words of the address as this machine (little-endian) reads them, then the port.
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  Endpoint out;
  out.address[10] = out.address[11] = 0xff;
  std::size_t at = colon == 8 ? 12 : 0;
  for (std::size_t word = 0; word < colon; word += 8, at += 4) {
    const auto value = number(text.substr(word, 8), 16);
    if (!value) return std::nullopt;
    for (std::size_t k = 0; k < 4; ++k) out.address[at + k] = static_cast<std::uint8_t>(*value >> (8 * k));
  }
  const auto port = number(text.substr(colon + 1), 16);
  if (!port || *port > 65535) return std::nullopt;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::optional<std::uint32_t> owner_in_table(std::string_view table, const Endpoint& peer, const Endpoint& own) {
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    const std::vector<std::string_view> fields = fields_of(table.substr(0, end));
    table.remove_prefix(std::min(end + 1, table.size()));
    // 1 local, 2 remote, 3 state, 7 user id, 9 inode
    if (fields.size() < 10 || fields[3] != kEstablished) continue;
    if (endpoint_of(fields[1]) != peer || endpoint_of(fields[2]) != own) continue;
    const auto user = number(fields[7], 10), inode = number(fields[9], 10);
    if (user && inode && *inode != 0 && *user <= 0xffffffffu) return static_cast<std::uint32_t>(*user);
  }
  return std::nullopt;
}

std::optional<std::uint32_t> owner_of(const Endpoint& peer, const Endpoint& own) {
  for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(name);
    std::stringstream text;
    text << file.rdbuf();
    if (const auto user = owner_in_table(text.str(), peer, own)) return user;
  }
  return std::nullopt;
}

}  // namespace geoul::runtime::access
