// The job "convert": any scene into the format that the ending of the output names.
#include "geoul/runtime/jobs.h"
#include "geoul/scene/formats/write/write.h"

namespace geoul::runtime {
namespace {

std::string counted(std::size_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

}  // namespace

Result<std::string> convert(const std::string& in, const scene::ReadOptions& read, const std::string& out,
                            Diagnostics& diagnostics) {
  const std::optional<scene::Scene> scene = scene::read_scene(in, read, diagnostics);
  if (!scene) return diagnostics.to_error();
  const Result<void> written = write_scene(*scene, out, diagnostics);
  if (!written) return written.error();
  return counted(scene->bodies.size(), "body", "bodies") + ", " + counted(scene->joints.size(), "joint", "joints") +
         ", " + counted(scene->shapes.size(), "shape", "shapes");
}

}  // namespace geoul::runtime
