// USDZ writer: the text of the USDA writer, meshes and all, and the textures, as members of a package.
#include <filesystem>

#include "geoul/scene/formats/usd/package.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/usd/write_look.h"
#include "geoul/scene/formats/write_file.h"

namespace geoul::scene {
namespace {

const std::string kTextures = "textures";  // folder in the package

}  // namespace

Result<void> write_usdz(const Scene& scene, const std::string& file) {
  const std::string text = usda_text(scene, kTextures);
  std::string name = std::filesystem::path(file).stem().string();
  for (char& c : name) {  // what a member may not be called by
    if (c == '[' || c == ']' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  std::vector<std::pair<std::string, std::string_view>> members = {{name + ".usda", text}};
  const std::vector<std::string> pictures = usd::texture_names(scene);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    members.emplace_back(kTextures + ("/" + pictures[i]), *scene.textures[i].bytes);
  }
  const std::optional<std::string> bytes = usd::package_bytes(members);
  if (!bytes) return Error{ErrorCode::kUnsupported, file + ": the scene is larger than 4 GiB; write a .usda file"};
  return write_atomically(file, *bytes);
}

}  // namespace geoul::scene
