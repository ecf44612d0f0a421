#include "geoul/scene/formats/usd/usd.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene {
namespace {

using usd::Layer;
using usd::Prim;
using usd::Stage;
using usd::Value;
using usd::View;

constexpr double kEarth = 9.81;  // [m/s2]

std::optional<double> metadata_number(const Layer& layer, const char* name, Diagnostics& diagnostics) {
  const Value* value = usd::find(layer.metadata, name);
  if (!value) return std::nullopt;
  const auto* numbers = std::get_if<Value::Reals>(&value->content);
  if (numbers && numbers->size() == 1 && numbers->front() > 0 && std::isfinite(numbers->front()))
    return numbers->front();
  diagnostics.error({layer.file, 0, ""}, "bad-units", std::string(name) + " is no positive number",
                    std::string("write ") + name + " = 1");
  return std::nullopt;
}

void read_units(View& view) {
  const Layer& layer = view.stage.root_layer();
  if (!usd::find(layer.metadata, "metersPerUnit")) {
    view.diagnostics.warning({layer.file, 1, ""}, "no-units",
                             "metersPerUnit is not written, so lengths are in centimetres, USD's default",
                             "write metersPerUnit = 1 for metres, or 0.01");
  }
  view.meters = metadata_number(layer, "metersPerUnit", view.diagnostics).value_or(0.01);
  view.kilograms = metadata_number(layer, "kilogramsPerUnit", view.diagnostics).value_or(1);
  view.scene.meters_per_unit = view.meters;
  view.scene.kilograms_per_unit = view.kilograms;
  std::string up = "Y";
  if (const Value* value = usd::find(layer.metadata, "upAxis")) {
    const auto* text = std::get_if<Value::Strings>(&value->content);
    up = text && !text->empty() ? text->front() : "";
  }
  if (up != "X" && up != "Y" && up != "Z") {
    view.diagnostics.error({layer.file, 1, ""}, "bad-token", "upAxis '" + up + "' is none of Y, Z",
                           "write upAxis = \"Z\"");
  }
  view.scene.up = up == "X" ? Vec3d{1, 0, 0} : up == "Y" ? Vec3d{0, 1, 0} : Vec3d{0, 0, 1};
  view.scene.gravity = -kEarth * view.scene.up;
}

void read_gravity(View& view) {
  const Prim* scene = nullptr;
  for (const Prim& prim : view.stage.prims()) {
    if (prim.type_name != "PhysicsScene") continue;
    if (scene) {
      view.warning(prim, "", "second-physics-scene", "the first PhysicsScene, " + scene->path + ", is used",
                   "keep one PhysicsScene");
      continue;
    }
    scene = &prim;
    Vec3d direction = view.vector(prim, "physics:gravityDirection").value_or(Vec3d{});
    const double length = norm(direction);
    direction = length == 0 ? -view.scene.up : length == 1 ? direction : (1 / length) * direction;
    const double written = view.extended(prim, "physics:gravityMagnitude").value_or(-kUnlimited);
    const double magnitude = written < 0 ? kEarth : view.meters * written;
    if (!std::isfinite(magnitude)) {
      view.error(prim, "physics:gravityMagnitude", "not-finite", "gravity is infinite", "write 9.81");
      continue;
    }
    view.scene.gravity = magnitude * direction;
    // Exact form, where it agrees: a direction and a magnitude round.
    if (const auto exact = view.vector(prim, "geoul:gravity")) {
      if (norm(*exact - view.scene.gravity) <= 1e-6 * (1 + magnitude)) view.scene.gravity = *exact;
    }
  }
}

std::string name_of(const std::string& file, const Layer& layer) {
  const Value* data = usd::find(layer.metadata, "customLayerData");
  const auto* entries = data ? std::get_if<std::shared_ptr<const usd::Dictionary>>(&data->content) : nullptr;
  const Value* name = entries ? usd::find(**entries, "geoulName") : nullptr;
  const auto* text = name ? std::get_if<Value::Strings>(&name->content) : nullptr;
  if (text && !text->empty()) return text->front();
  if (!layer.default_prim.empty()) return layer.default_prim;
  return std::filesystem::path(file).stem().string();
}

std::optional<Scene> scene_of(std::unique_ptr<Layer> layer, usd::AssetFiles& files, Diagnostics& diagnostics,
                              std::size_t errors) {
  if (diagnostics.error_count() != errors) return std::nullopt;
  const std::string name = name_of(layer->file, *layer);
  Stage stage = usd::compose(std::move(layer), files, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  Scene scene;
  scene.name = name;
  View view{stage, diagnostics, scene, files};
  read_units(view);
  usd::expand_instancers(stage, view);
  read_gravity(view);
  usd::place_prims(view);
  usd::read_shapes(view);
  usd::read_lights(view);
  usd::read_mass(view);
  usd::read_joints(view);
  usd::read_filters(view);
  usd::report_unread(view);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return scene;
}

}  // namespace

std::optional<Scene> read_usda_text(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  usd::AssetFiles files;
  return scene_of(usd::parse_layer(text, name, diagnostics), files, diagnostics, errors);
}

std::optional<Scene> read_usd(const std::string& file, Diagnostics& diagnostics) {
  const std::size_t errors = diagnostics.error_count();
  usd::AssetFiles files;
  std::unique_ptr<Layer> layer = files.layer(file, {file, 0, ""}, diagnostics);
  if (!layer) return std::nullopt;
  return scene_of(std::move(layer), files, diagnostics, errors);
}

}  // namespace geoul::scene
