// A client for tests, of POSIX sockets and OpenSSL only: it shares no code with the server, and can misbehave.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace geoul::runtime {

class RawClient {
 public:
  enum class Kind { kPlain, kTls };
  // Connects to 127.0.0.1. tune may restrict versions, ciphers, or say whom to trust.
  explicit RawClient(std::uint16_t port, Kind kind = Kind::kTls, const std::function<void(SSL_CTX*)>& tune = {});
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool is_connected() const { return connected_; }  // TLS included
  bool send(std::string_view bytes);
  // What has come, at least one byte; empty where the connection has ended or nothing comes within five seconds.
  std::string receive();
  bool is_ended();  // waits up to five seconds for the end
  std::string until_end();
  // One HTTP answer, whole.
  std::string ask(std::string_view request);

  // WebSocket: the status of the handshake with these further header lines, then frames.
  int open_web_socket(const std::string& target, const std::string& lines = {},
                      const std::string& subprotocols = "foxglove.websocket.v1");
  bool send_frame(int opcode, std::string_view payload);
  // opcode and payload of the next frame; opcode -1 at the end.
  std::pair<int, std::string> next_frame();
  // Skips to the next text that holds `words`; empty where none comes.
  std::string next_text(std::string_view words);

 private:
  std::string take(std::size_t count);
  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
  bool connected_ = false;
  std::string rest_;  // received and not taken
};

inline int status_of(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::atoi(std::string(answer.substr(9, 3)).c_str());
}

}  // namespace geoul::runtime
