// USDZ writer: the text of the USDA writer, meshes and all, as the one member of a package.
#include <filesystem>
#include <fstream>

#include "geoul/scene/formats/usd/package.h"
#include "geoul/scene/formats/usd/usd.h"

namespace geoul::scene {

Result<void> write_usdz(const Scene& scene, const std::string& file) {
  const std::string text = usda_text(scene);
  std::string name = std::filesystem::path(file).stem().string();
  for (char& c : name) {  // what a member may not be called by
    if (c == '[' || c == ']' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  const std::optional<std::string> bytes = usd::package_bytes({{name + ".usda", text}});
  if (!bytes) return Error{ErrorCode::kUnsupported, file + ": the scene is larger than 4 GiB; write a .usda file"};
  const std::string beside = file + ".part";
  std::error_code failed;
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
    out.close();
    if (!out) {
      std::filesystem::remove(beside, failed);
      return Error{ErrorCode::kUnavailable,
                   file + ": cannot be written; check the folder, its rights and the free space"};
    }
  }
  std::filesystem::rename(beside, file, failed);
  if (!failed) return {};
  const std::string why = failed.message();
  std::filesystem::remove(beside, failed);
  return Error{ErrorCode::kUnavailable, file + ": cannot be written: " + why};
}

}  // namespace geoul::scene
