// Any bytes as a client's text and binary message.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "geoul/runtime/server/messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)geoul::runtime::parse_client_text(bytes);
  (void)geoul::runtime::parse_client_frame(bytes);
  return 0;
}
