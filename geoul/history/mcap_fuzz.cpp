// Any bytes as an MCAP file, with its CRCs checked and, since nearly every change breaks one, without. Small limits
// keep a run fast.
#include <cstddef>
#include <cstdint>
#include <string>

#include "geoul/history/mcap_reader.h"

namespace {

void read(const std::string& bytes, bool check_crcs) {
  using geoul::history::McapReader;
  auto reader = McapReader::from_bytes(bytes, "fuzz",
                                       {.chunk_bytes = 1 << 20, .loaded_bytes = 4 << 20, .check_crcs = check_crcs});
  if (!reader) return;
  std::size_t total = 0;
  (void)reader->for_each({}, [&total](const auto& message) {
    total += message.channel->topic.size() + message.data.size();
    return true;
  });
  (void)reader->metadata();
  (void)reader->attachment("site.yaml");
  (void)reader->verify();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  read(bytes, true);
  read(bytes, false);
  return 0;
}
