// Any bytes as an audit trail.
// seeds: geoul/history/testdata/bad_audits
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "geoul/history/audit.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::history;
  geoul::Diagnostics diagnostics;
  const auto rows = read_audit({reinterpret_cast<const char*>(data), size}, "fuzz", diagnostics);
  check_chain(rows, "fuzz", diagnostics);
  // What is read without a finding is what was written.
  if (diagnostics.findings().empty()) {
    std::string again;
    for (const AuditRow& row : rows) again += encode_audit(row);
    if (again != std::string_view(reinterpret_cast<const char*>(data), size)) std::abort();
  }
  return 0;
}
