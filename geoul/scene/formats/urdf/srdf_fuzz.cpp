// seeds: geoul/scene/formats/urdf/testdata/srdf
#include <cstddef>
#include <cstdint>

#include "geoul/scene/formats/urdf/srdf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  geoul::Diagnostics diagnostics;
  geoul::scene::Scene scene;
  const geoul::scene::urdf::LinkIds links{
      {"base", geoul::scene::BodyId{0}}, {"upper", geoul::scene::BodyId{1}}, {"lower", geoul::scene::BodyId{2}}};
  geoul::scene::urdf::read_srdf_text(text, "fuzz.srdf", 1 << 20, "r", links, scene, diagnostics);
  if (scene.collision_exclusions.size() > 3) __builtin_trap();
  for (const auto& [a, b] : scene.collision_exclusions) {
    if (!(a.value < b.value && a.value >= 0 && b.value < 3)) __builtin_trap();
  }
  return 0;
}
