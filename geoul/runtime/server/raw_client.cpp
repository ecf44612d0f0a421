#include "geoul/runtime/server/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

namespace geoul::runtime {

RawClient::RawClient(std::uint16_t port, Kind kind, const std::function<void(SSL_CTX*)>& tune) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to what the server has closed
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval wait{5, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (kind == Kind::kPlain || !connected_) return;
  context_ = SSL_CTX_new(TLS_client_method());
  if (tune) tune(context_);
  tls_ = SSL_new(context_);
  SSL_set_fd(tls_, socket_);
  SSL_set_tlsext_host_name(tls_, "localhost");
  connected_ = SSL_connect(tls_) == 1;
}

RawClient::~RawClient() {
  SSL_free(tls_);
  SSL_CTX_free(context_);
  ::close(socket_);
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = tls_ ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string RawClient::receive() {
  if (!rest_.empty()) return std::exchange(rest_, {});
  std::array<char, 16384> part{};
  const auto count =
      tls_ ? SSL_read(tls_, part.data(), static_cast<int>(part.size())) : ::recv(socket_, part.data(), part.size(), 0);
  return count <= 0 ? std::string() : std::string(part.data(), static_cast<std::size_t>(count));
}

std::string RawClient::until_end() {
  std::string out;
  for (std::string part = receive(); !part.empty(); part = receive()) out += part;
  return out;
}

bool RawClient::is_ended() {
  timeval begin{}, end{};
  ::gettimeofday(&begin, nullptr);
  until_end();
  ::gettimeofday(&end, nullptr);
  return end.tv_sec - begin.tv_sec < 5;
}

std::string RawClient::ask(std::string_view request) {
  if (!send(request)) return {};
  std::string out;
  for (std::string part = receive(); !part.empty(); part = receive()) {
    out += part;
    const std::size_t head = out.find("\r\n\r\n"), length = out.find("Content-Length: ");
    if (head == std::string::npos || length == std::string::npos || length > head) continue;
    const std::size_t whole = head + 4 + static_cast<std::size_t>(std::atol(out.c_str() + length + 16));
    if (out.size() < whole) continue;
    rest_ = out.substr(whole);
    out.resize(whole);
    break;
  }
  return out;
}

int RawClient::open_web_socket(const std::string& target, const std::string& lines, const std::string& subprotocols) {
  if (!send("GET " + target +
            " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " +
            subprotocols + "\r\n" + lines + "\r\n")) {
    return 0;
  }
  std::string head;
  for (std::string part = receive(); !part.empty(); part = receive()) {
    head += part;
    const std::size_t end = head.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    rest_ = head.substr(end + 4);
    break;
  }
  return status_of(head);
}

bool RawClient::send_frame(int opcode, std::string_view payload) {
  std::string frame(1, static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    frame.push_back(static_cast<char>(0x80 | payload.size()));
  } else {
    frame.push_back(static_cast<char>(0x80 | 127));
    for (int shift = 56; shift >= 0; shift -= 8) frame.push_back(static_cast<char>(payload.size() >> shift));
  }
  frame.append(4, '\0');  // a mask of zeros changes nothing
  return send(frame.append(payload));
}

std::string RawClient::take(std::size_t count) {
  std::string out = std::exchange(rest_, {});
  while (out.size() < count) {
    const std::string part = receive();
    if (part.empty()) return {};
    out += part;
  }
  rest_ = out.substr(count);
  out.resize(count);
  return out;
}

std::pair<int, std::string> RawClient::next_frame() {
  const std::string head = take(2);
  if (head.empty()) return {-1, {}};
  const int opcode = head[0] & 15;
  std::size_t size = static_cast<std::uint8_t>(head[1]) & 127;
  if (size >= 126) {
    const std::string more = take(size == 126 ? 2 : 8);
    size = 0;
    for (const char byte : more) size = size << 8 | static_cast<std::uint8_t>(byte);
  }
  if (size == 0) return {opcode, {}};
  std::string payload = take(size);
  if (payload.empty()) return {-1, {}};
  return {opcode, std::move(payload)};
}

std::string RawClient::next_text(std::string_view words) {
  for (auto [opcode, text] = next_frame(); opcode >= 0; std::tie(opcode, text) = next_frame()) {
    if (opcode == 1 && text.find(words) != std::string::npos) return text;
  }
  return {};
}

}  // namespace geoul::runtime
