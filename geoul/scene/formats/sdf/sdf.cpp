#include "geoul/scene/formats/sdf/sdf.h"

#include <filesystem>

#include "geoul/scene/formats/sdf/document.h"
#include "geoul/scene/formats/sdf/joints.h"
#include "geoul/scene/formats/sdf/links.h"
#include "geoul/scene/formats/sdf/tree.h"

namespace geoul::scene {
namespace {

std::optional<Scene> read(sdf::Document& document, const sdf::Source& source, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  sdf::Tree tree;
  Scene scene;
  const bool whole = sdf::read_tree(document, source, tree) && diagnostics.error_count() == errors;
  if (whole && !tree.world && tree.models.size() < 2) {  // beside the root
    document.error({source.root, &source}, "", "no-model", "nothing that it includes has a <model>",
                   "include a file that has one");
  } else if (whole) {
    scene.name = urdf::printable(tree.name);
    // Every path begins with the world's name, or with the model's where there is no world.
    const std::string root = tree.world ? tree.models[0].path : tree.models[1].path;
    if (tree.world) {
      const sdf::Element settings = source.version < 106 ? tree.world.child("physics") : tree.world;
      scene.gravity = document.vector(settings, "gravity", "world", {0, 0, -9.8});
    }
    sdf::read_links(document, tree, root, scene);
    sdf::read_sites(tree, scene);
    sdf::read_joints(document, tree, root, scene);
  }
  document.report_ignored();
  if (diagnostics.error_count() != errors) return std::nullopt;
  return scene;
}

}  // namespace

std::optional<Scene> read_sdf_text(std::string_view text, const std::string& name, const SdfOptions& options,
                                   Diagnostics& diagnostics) {
  sdf::Document document(options, diagnostics);
  const sdf::Source* source = document.parse(text, name);
  if (source == nullptr) return std::nullopt;
  return read(document, *source, diagnostics);
}

std::optional<Scene> read_sdf(const std::string& file, const SdfOptions& options, Diagnostics& diagnostics) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) {
    diagnostics.error({file, 0, {}}, "not-found", "there is no such file", "check the path");
    return std::nullopt;
  }
  sdf::Document document(options, diagnostics);
  const sdf::Source* source = document.open(file, {});
  if (source == nullptr) return std::nullopt;
  return read(document, *source, diagnostics);
}

}  // namespace geoul::scene
