#include "geoul/scene/formats/write/write.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "geoul/scene/formats/usd/usd.h"

namespace geoul::scene {

Result<void> write_scene(const Scene& scene, const std::string& file, Diagnostics& notes) {
  std::string ending = std::filesystem::path(file).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending == ".usda") return write_usda(scene, file);
  if (ending == ".usdz") return write_usdz(scene, file);
  if (ending == ".urdf") return write_urdf(scene, file, notes);
  if (ending == ".sdf") return write_sdf(scene, file, notes);
  if (ending == ".xml" || ending == ".mjcf") return write_mjcf(scene, file, notes);
  if (ending == ".glb" || ending == ".gltf") return write_gltf(scene, file, notes);
  return Error{ErrorCode::kUnsupported,
               file + ": files that end in '" + ending +
                   "' are not written; name it .usda, .usdz, .urdf, .sdf, .xml (MJCF), .glb or .gltf"};
}

}  // namespace geoul::scene
