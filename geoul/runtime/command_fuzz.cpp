// Any bytes as the protobuf of a clock command and of a drag.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "geoul/runtime/state_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)geoul::runtime::parse_clock_command(bytes);
  (void)geoul::runtime::parse_drag_command(bytes);
  return 0;
}
