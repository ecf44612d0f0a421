// Any bytes as an MCAP file. Small limits keep a run fast.
#include <cstddef>
#include <cstdint>
#include <string>

#include "geoul/history/mcap_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using geoul::history::McapReader;
  auto reader = McapReader::from_bytes({reinterpret_cast<const char*>(data), size}, "fuzz",
                                       {.chunk_bytes = 1 << 20, .loaded_bytes = 4 << 20});
  if (!reader) return 0;
  std::size_t bytes = 0;
  (void)reader->for_each({}, [&bytes](const auto& message) {
    bytes += message.data.size();
    return true;
  });
  (void)reader->metadata();
  (void)reader->attachment("a");
  (void)reader->verify();
  return 0;
}
