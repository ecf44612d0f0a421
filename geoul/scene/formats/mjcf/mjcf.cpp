#include "geoul/scene/formats/mjcf/mjcf.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "geoul/scene/formats/mjcf/couplings.h"

namespace geoul::scene {
namespace {

using namespace mjcf;

// All masses scaled to <compiler settotalmass>.
void scale_masses(const Compiler& compiler, Scene& scene) {
  double sum = 0;
  for (const Body& body : scene.bodies) sum += body.mass.mass;
  if (!(compiler.total_mass > 0) || !(sum > 0)) return;
  const double scale = compiler.total_mass / sum;
  for (Body& body : scene.bodies)
    body.mass = {scale * body.mass.mass, body.mass.center, scaled(scale, body.mass.inertia)};
}

void note_sections(Document& document, const Model& model) {
  for (const Element& section : model.root.children) {
    bool known = false;
    for (const char* name :
         {"compiler", "option", "default", "asset", "worldbody", "equality", "contact", "tendon", "actuator", "sensor",
          "keyframe", "deformable", "custom", "extension", "size", "visual", "statistic"}) {
      known = known || section.name == name;
    }
    if (!known) {
      document.warning(section, section.name, "unknown-element",
                       "<" + urdf::printable(section.name) + "> means nothing here", "remove it, or correct its name");
    }
  }
}

}  // namespace

std::optional<Scene> read_mjcf_text(std::string_view text, const std::string& name, const MjcfOptions& options,
                                    Diagnostics& diagnostics) {
  const std::size_t errors_before = diagnostics.error_count();
  Document document(options, diagnostics);
  auto root = document.parse(text, name);
  if (!root) return std::nullopt;
  Model model;
  model.root = std::move(*root);
  model.folder = std::filesystem::path(name).parent_path().string();
  Scene scene;
  scene.name = urdf::printable(document.text({&model.root, nullptr}, "model"));
  if (scene.name.empty()) scene.name = "mujoco";
  const std::string path = "/" + urdf::Names().unique(scene.name);
  read_settings(document, model, &scene);
  note_sections(document, model);
  Assets assets(document, scene, path);
  assets.add(model);
  TreeReader reader(document, scene, assets, path);
  const Tree tree = reader.read(model);
  if (diagnostics.error_count() == errors_before) {
    scale_masses(model.compiler, scene);
    if (!tree.sliding) {
      for (Material& material : scene.materials) material.static_friction = material.dynamic_friction = 0;
    }
    place_reference(tree, scene);
    std::vector<const Model*> models;
    for (const Scope& scope : tree.scopes) {
      if (std::find(models.begin(), models.end(), scope.model) == models.end()) models.push_back(scope.model);
    }
    for (const Model* each : models) read_couplings(document, *each, tree, path, scene);
    const std::vector<double> ctrl = apply_keyframe(document, model, tree, scene);
    for (const Model* each : models)
      read_actuators(document, *each, tree, each == &model ? ctrl : std::vector<double>{}, scene);
    filter_contacts(document, model, tree, scene);
  }
  assets.report();
  document.note_attributes(model.root);
  document.report_ignored();
  if (diagnostics.error_count() != errors_before) return std::nullopt;
  return scene;
}

std::optional<Scene> read_mjcf(const std::string& file, const MjcfOptions& options, Diagnostics& diagnostics) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const bool regular = fs::is_regular_file(file, failed);
  std::ifstream stream;
  if (regular) stream.open(file, std::ios::binary);
  if (!regular || !stream) {
    diagnostics.error({file, 0, {}}, "not-found", regular ? "the file cannot be opened" : "there is no such file",
                      "check the path");
    return std::nullopt;
  }
  const auto size = fs::file_size(file, failed);
  if (!failed && size > options.max_bytes) {
    diagnostics.error({file, 0, {}}, "too-large", "the file has " + std::to_string(size) + " bytes",
                      "the limit is " + std::to_string(options.max_bytes));
    return std::nullopt;
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const std::string name = fs::path(file).has_parent_path() ? file : "./" + file;
  return read_mjcf_text(text, name, options, diagnostics);
}

}  // namespace geoul::scene
