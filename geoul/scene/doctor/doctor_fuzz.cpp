// The doctor on whatever the URDF and MJCF readers give, errors set apart included, and the header of USD layers.
// seeds: geoul/runtime/testdata/doctor/bad
// seeds: geoul/scene/formats/urdf/testdata/bad
// seeds: geoul/scene/formats/mjcf/testdata/bad
#include <cstddef>
#include <cstdint>

#include "geoul/scene/doctor/doctor.h"
#include "geoul/scene/doctor/layer_units.h"
#include "geoul/scene/formats/mjcf/mjcf.h"
#include "geoul/scene/formats/urdf/urdf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace geoul::scene;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  doctor::layer_header(text);
  doctor::asset_names(text);
  geoul::Diagnostics diagnostics;
  diagnostics.set_apart(doctor::mendable_errors());
  std::optional<Scene> scene;
  if (text.find("<robot") != std::string_view::npos) {
    const UrdfOptions options{.packages = {}, .fixed_base = size % 2 == 0, .load_meshes = false};
    scene = read_urdf_text(text, "fuzz.urdf", options, diagnostics);
  } else {
    const MjcfOptions options{.partial = true, .load_meshes = false, .max_elements = 1000};
    scene = read_mjcf_text(text, "fuzz.xml", options, diagnostics);
  }
  if (!scene) return 0;
  for (const doctor::Symptom& symptom : doctor::examine(*scene)) {
    if (!doctor::find_code(symptom.finding.code)) __builtin_trap();
  }
  doctor::treat(*scene, {});
  for (const doctor::Symptom& symptom : doctor::examine(*scene)) {
    if (symptom.finding.code == "bad-inertia" || symptom.finding.code == "reversed-limits") __builtin_trap();
  }
  return 0;
}
