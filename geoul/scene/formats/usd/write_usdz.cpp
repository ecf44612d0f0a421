// USDZ writer: the text of the USDA writer, meshes and all, as the one member of a package.
#include <filesystem>

#include "geoul/scene/formats/usd/package.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {

Result<void> write_usdz(const Scene& scene, const std::string& file) {
  const std::string text = usda_text(scene);
  std::string name = std::filesystem::path(file).stem().string();
  for (char& c : name) {  // what a member may not be called by
    if (c == '[' || c == ']' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  const std::optional<std::string> bytes = usd::package_bytes({{name + ".usda", text}});
  if (!bytes) return Error{ErrorCode::kUnsupported, file + ": the scene is larger than 4 GiB; write a .usda file"};
  return write_atomically(file, *bytes);
}

}  // namespace geoul::scene
