#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/sdf/sdf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  geoul::Diagnostics diagnostics;
  const geoul::scene::SdfOptions options{.load_meshes = false, .include_files = false, .max_elements = 2'000};
  const auto scene = geoul::scene::read_sdf_text(text, "fuzz.sdf", options, diagnostics);
  if (scene.has_value() != diagnostics.ok()) __builtin_trap();
  if (scene) {
    geoul::Diagnostics judged;
    geoul::scene::validate(*scene, judged);
    for (const char* code : {"bad-id", "duplicate-path", "zero-axis", "self-joint", "bad-mimic", "bad-coupling",
                             "bad-rotation", "reversed-limits"}) {
      if (judged.has(code)) __builtin_trap();
    }
  }
  return 0;
}
