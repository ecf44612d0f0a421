// Any bytes as a user store; what is read is written and read again, and must be the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geoul/runtime/access/users.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace access = geoul::runtime::access;
  geoul::Diagnostics diagnostics;
  const auto users = access::read_users({reinterpret_cast<const char*>(data), size}, "users.json", diagnostics);
  if (users.has_value() != diagnostics.ok()) std::abort();
  if (!users) return 0;
  const std::string text = access::to_text(*users);
  const auto again = access::read_users(text, "users.json", diagnostics);
  if (!again || access::to_text(*again) != text) std::abort();
  return 0;
}
