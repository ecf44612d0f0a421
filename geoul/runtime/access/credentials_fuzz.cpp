// Any bytes as the body of a sign-in, a Cookie header, a target, a list of subprotocols, an Authorization header, an
// Origin and a table of sockets.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geoul/runtime/access/credentials.h"
#include "geoul/runtime/access/peer_owner.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace access = geoul::runtime::access;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto request = access::parse_sign_in(bytes);
  if (request && request->password.reveal().size() > size) std::abort();
  for (const access::Secret& value :
       {access::cookie_value(bytes, "geoul_session_8765"), access::query_value(bytes, "token"),
        access::list_value(bytes, "geoul.csrf."), access::bearer_value(bytes)}) {
    if (value.reveal().size() > size) std::abort();
    (void)access::looks_like_token(value.reveal());
  }
  const std::string_view head = bytes.substr(0, size / 2), tail = bytes.substr(size / 2);
  (void)access::is_own_origin(head, tail);
  (void)access::owner_in_table(bytes, {}, {});
  (void)access::is_password_hash(std::string(bytes));
  return 0;
}
