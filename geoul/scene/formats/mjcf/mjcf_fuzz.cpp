#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/mjcf/mjcf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  geoul::Diagnostics diagnostics;
  const geoul::scene::MjcfOptions options{
      .use_keyframe = size % 2 == 0, .partial = size % 3 == 0, .max_elements = 2000};
  const auto scene = geoul::scene::read_mjcf_text(text, "fuzz.xml", options, diagnostics);
  if (scene.has_value() != diagnostics.ok()) __builtin_trap();
  if (scene) {
    geoul::Diagnostics judged;
    geoul::scene::validate(*scene, judged);
    for (const char* code : {"bad-id", "duplicate-path", "zero-axis", "self-joint", "bad-mimic", "bad-rotation",
                             "bad-coupling", "bad-spring"}) {
      if (judged.has(code)) __builtin_trap();
    }
  }
  return 0;
}
