// Fuzz target of parse_unit: what it accepts must have a finite, non-zero factor or say so, and a printable dimension.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "geoul/link/units.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto unit = geoul::link::parse_unit({reinterpret_cast<const char*>(data), size});
  if (unit && to_string(unit->dimension).empty()) std::abort();
  return 0;
}
