// Any bytes as a log of commands.
// seeds: geoul/decision/chain/testdata/bad
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "geoul/decision/chain/chain.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::decision::chain;
  geoul::Diagnostics diagnostics;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto records = read_records(text, "fuzz", diagnostics);
  std::string again;
  for (const Record& record : records) {
    again += encode(record);
    if (const auto proposal = decode(record.fields)) (void)digest(*proposal);
  }
  // What was read is what was written, up to the first fault.
  if (text.substr(0, again.size()) != again) std::abort();
  if (diagnostics.findings().empty() && again.size() != size) std::abort();
  return 0;
}
