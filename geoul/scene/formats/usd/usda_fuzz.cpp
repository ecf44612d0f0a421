// libFuzzer: any bytes as a .usda file, its inherits, variants, internal references, relocates and instances composed;
// what is read is written and must be read again. Its seeds are those of testdata/.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "geoul/scene/formats/usd/usd.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  geoul::Diagnostics diagnostics;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scene = geoul::scene::read_usda_text(text, "/nonexistent/fuzz.usda", diagnostics);
  if (scene.has_value() != diagnostics.ok()) std::abort();
  if (scene) {
    geoul::Diagnostics again;
    if (!geoul::scene::read_usda_text(geoul::scene::usda_text(*scene), "/nonexistent/again.usda", again)) std::abort();
  }
  return 0;
}
