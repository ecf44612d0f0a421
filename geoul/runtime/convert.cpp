// The job "convert": any scene into the format that the ending of the output names.
#include <algorithm>
#include <cctype>
#include <filesystem>

#include "geoul/runtime/jobs.h"
#include "geoul/scene/formats/usd/usd.h"
#include "geoul/scene/formats/write/write.h"

namespace geoul::runtime {
namespace {

std::string counted(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

Result<void> write(const scene::Scene& scene, const std::string& out, Diagnostics& diagnostics) {
  std::string ending = std::filesystem::path(out).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  if (ending == ".usda") return scene::write_usda(scene, out);
  if (ending == ".urdf") return scene::write_urdf(scene, out, diagnostics);
  if (ending == ".sdf") return scene::write_sdf(scene, out, diagnostics);
  if (ending == ".xml" || ending == ".mjcf") return scene::write_mjcf(scene, out, diagnostics);
  if (ending == ".glb" || ending == ".gltf") return scene::write_gltf(scene, out, diagnostics);
  return Error{ErrorCode::kUnsupported,
               out + ": files that end in '" + ending +
                   "' are not written; name it .usda, .urdf, .sdf, .xml (MJCF), .glb or .gltf"};
}

}  // namespace

Result<std::string> convert(const std::string& in, const std::string& out, Diagnostics& diagnostics) {
  const std::optional<scene::Scene> scene = scene::read_scene(in, diagnostics);
  if (!scene) return diagnostics.to_error();
  const Result<void> written = write(*scene, out, diagnostics);
  if (!written) return written.error();
  return counted(scene->bodies.size(), "body", "bodies") + ", " + counted(scene->joints.size(), "joint", "joints") +
         ", " + counted(scene->shapes.size(), "shape", "shapes");
}

}  // namespace geoul::runtime
