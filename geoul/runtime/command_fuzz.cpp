// Any bytes as the protobuf of what people ask: of the clock, of a drag, of the judgement.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "geoul/runtime/oversight/messages.h"
#include "geoul/runtime/state_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)geoul::runtime::parse_clock_command(bytes);
  (void)geoul::runtime::parse_drag_command(bytes);
  (void)geoul::runtime::oversight::parse_acknowledgement(bytes);
  (void)geoul::runtime::oversight::parse_proposal(bytes);
  (void)geoul::runtime::oversight::parse_decision(bytes);
  (void)geoul::runtime::oversight::parse_question(bytes);
  return 0;
}
