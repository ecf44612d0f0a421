// Who is let in by HTTP, and what the addresses under /api/ answer; apart from any socket. Clients are not trusted.
//   GET  /api/session   how this server is entered, and who is signed in
//   POST /api/login     {"name", "password"} -> a session: a cookie (HttpOnly, SameSite=Strict) and a CSRF token
//   POST /api/logout    ends it; the header X-Geoul-Csrf must carry the CSRF token
// A WebSocket is opened with a token ("Authorization: Bearer", "?token=", or the subprotocol "geoul.token.TOKEN") or
// with the cookie; then the page must be this server's own and offer the subprotocol "geoul.csrf.TOKEN" too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "geoul/runtime/access/credentials.h"
#include "geoul/runtime/access/gate.h"

namespace geoul::runtime {

// The other end of a connection.
struct Visitor {
  std::string address;          // for counting: an IPv4 address, or the /64 network of an IPv6 one
  bool is_own_account = false;  // a process of this account (or root), over the loopback interface
  bool is_encrypted = false;
  std::uint16_t port = 0;  // of this server: browsers do not keep cookies of two ports apart, their names must
};

// What a request says, as views into it.
struct Ask {
  std::string_view method, target, host, origin, content_type, authorization, cookie, subprotocols, csrf, body;
};

struct Answer {
  int status = 200;
  std::string body;  // JSON
  std::string set_cookie{};
  std::int64_t retry_after = 0;  // [s]; 0: none
};

// {"error": words}
Answer refusal(int status, std::string_view words);

// Lets a WebSocket in, or says why not.
std::variant<access::Identity, Answer> admit(access::Gate& gate, const Visitor& visitor, const Ask& ask);

Answer answer_session(access::Gate& gate, const Visitor& visitor, const Ask& ask);
Answer answer_logout(access::Gate& gate, const Visitor& visitor, const Ask& ask);
// What can be told without hashing: the answer, or the request to hand to finish_login() in another thread.
std::variant<access::SignInRequest, Answer> begin_login(access::Gate& gate, const Visitor& visitor, const Ask& ask);
Answer finish_login(access::Gate& gate, const Visitor& visitor, bool is_secure, const access::SignInRequest& request);

// Whether the browser reached this server by TLS, its own or a proxy's.
bool is_secure(const Visitor& visitor, const Ask& ask);

}  // namespace geoul::runtime
