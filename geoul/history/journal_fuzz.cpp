// Any bytes as a journal, and what its records say.
// seeds: geoul/history/testdata/bad_journals
#include <cstddef>
#include <cstdint>
#include <string>

#include "geoul/history/journal.h"
#include "geoul/history/segments.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::history;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  geoul::Diagnostics diagnostics;
  for (const JournalRecord& record : read_journal(bytes, "fuzz", diagnostics).records) {
    if (record.kind == JournalKind::kCheckpoint) (void)decode_checkpoint(record.payload);
    if (record.kind == JournalKind::kChannel) (void)decode_channel(record.payload);
  }
  // Nearly every change breaks a CRC: the payloads by themselves too.
  (void)decode_checkpoint(bytes);
  (void)decode_channel(bytes);
  return 0;
}
