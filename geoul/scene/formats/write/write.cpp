#include "geoul/scene/formats/write/write.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "geoul/scene/formats/usd/usd.h"

namespace geoul::scene {
namespace {

struct Writer {
  const char* ending;
  Result<void> (*write)(const Scene& scene, const std::string& file, Diagnostics& notes);
};
constexpr Writer kWriters[] = {
    {".usda", [](const Scene& s, const std::string& file, Diagnostics&) { return write_usda(s, file); }},
    {".usdz", [](const Scene& s, const std::string& file, Diagnostics&) { return write_usdz(s, file); }},
    {".urdf", write_urdf},
    {".sdf", write_sdf},
    {".xml", write_mjcf},
    {".mjcf", write_mjcf},
    {".glb", write_gltf},
    {".gltf", write_gltf},
};

std::string ending_of(const std::string& file) {
  std::string ending = std::filesystem::path(file).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending;
}

const Writer* writer_of(const std::string& ending) {
  for (const Writer& writer : kWriters) {
    if (ending == writer.ending) return &writer;
  }
  return nullptr;
}

}  // namespace

bool writes_scene(const std::string& file) { return writer_of(ending_of(file)) != nullptr; }

Result<void> write_scene(const Scene& scene, const std::string& file, Diagnostics& notes) {
  const std::string ending = ending_of(file);
  if (const Writer* writer = writer_of(ending)) return writer->write(scene, file, notes);
  return Error{ErrorCode::kUnsupported,
               file + ": files that end in '" + ending +
                   "' are not written; name it .usda, .usdz, .urdf, .sdf, .xml (MJCF), .glb or .gltf"};
}

}  // namespace geoul::scene
