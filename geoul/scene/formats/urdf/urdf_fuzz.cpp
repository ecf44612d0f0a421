#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/urdf/urdf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  geoul::Diagnostics diagnostics;
  const geoul::scene::UrdfOptions options{.packages = {}, .fixed_base = size % 2 == 0, .load_meshes = false};
  const auto scene = geoul::scene::read_urdf_text(text, "fuzz.urdf", options, diagnostics);
  if (scene.has_value() != diagnostics.ok()) __builtin_trap();
  if (scene) {
    geoul::Diagnostics judged;
    geoul::scene::validate(*scene, judged);
    for (const char* code : {"bad-id", "duplicate-path", "zero-axis", "self-joint", "bad-mimic", "bad-rotation"}) {
      if (judged.has(code)) __builtin_trap();
    }
  }
  return 0;
}
