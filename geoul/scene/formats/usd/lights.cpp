// UsdLux lights, kept as the file says them. Source: UsdLux LightAPI, ShapingAPI and the typed lights (openusd.org).
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/usd/surface.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

std::optional<Light::Kind> kind_of(const std::string& type) {
  if (type == "DistantLight") return Light::Kind::kDistant;
  if (type == "SphereLight") return Light::Kind::kSphere;
  if (type == "DiskLight") return Light::Kind::kDisk;
  if (type == "RectLight") return Light::Kind::kRectangle;
  if (type == "CylinderLight") return Light::Kind::kCylinder;
  if (type == "DomeLight" || type == "DomeLight_1") return Light::Kind::kDome;
  return std::nullopt;
}

// Sizes of the light's kind [m], by the scale of its place: round ones take the mean over their round section.
void read_sizes(const View& view, const Prim& prim, const Mat3d& S, Light& light) {
  const double x = norm(S.column(0)), y = norm(S.column(1)), z = norm(S.column(2));
  const double m = view.meters;
  const double radius = m * view.positive(prim, "inputs:radius", 0.5);
  light.radius = radius * (light.kind == Light::Kind::kSphere ? std::cbrt(x * y * z)
                           : light.kind == Light::Kind::kDisk ? std::sqrt(x * y)
                                                              : std::sqrt(y * z));
  light.width = m * x * view.positive(prim, light.kind == Light::Kind::kCylinder ? "inputs:length" : "inputs:width", 1);
  light.height = m * y * view.positive(prim, "inputs:height", 1);
}

void read_light(View& view, const Prim& prim, Light::Kind kind) {
  const Placement& place = view.placement(prim);
  if (!place.visible) return;
  Light light;
  light.path = prim.path;
  light.body = place.body;
  light.X_BL = place.in_body.X;
  light.kind = kind;
  const Vec3d color = view.vector(prim, "inputs:color").value_or(Vec3d{1, 1, 1});
  light.color = {float(color.x), float(color.y), float(color.z)};
  light.intensity = view.positive(prim, "inputs:intensity", kind == Light::Kind::kDistant ? 50000 : 1);
  light.exposure = view.number(prim, "inputs:exposure").value_or(0);
  light.normalize = view.flag(prim, "inputs:normalize").value_or(false);
  // The area is that of the file's units: the same light in metres.
  if (light.normalize && kind != Light::Kind::kDistant && kind != Light::Kind::kDome) {
    light.intensity *= view.meters * view.meters;
  }
  if (view.flag(prim, "inputs:enableColorTemperature").value_or(false)) {
    light.temperature = view.positive(prim, "inputs:colorTemperature", 6500);
  }
  read_sizes(view, prim, place.in_world.S, light);
  light.angle = kind == Light::Kind::kDistant ? kDegree * view.positive(prim, "inputs:angle", 0.53) : 0;
  if (prim.has_api("ShapingAPI")) {
    const double cone = view.positive(prim, "inputs:shaping:cone:angle", 90);
    light.cone_angle = cone < 90 ? kDegree * cone : 0;
    light.cone_softness = view.positive(prim, "inputs:shaping:cone:softness", 0);
  }
  if (kind == Light::Kind::kRectangle || kind == Light::Kind::kDome) {
    light.image.texture = read_texture(view, prim, "inputs:texture:file");
    if (light.image.texture.valid()) read_color_space(view, "auto", light.image);
  }
  view.scene.lights.push_back(std::move(light));
}

}  // namespace

void read_lights(View& view) {
  for (const Prim& prim : view.stage.prims()) {
    if (const auto kind = kind_of(prim.type_name)) {
      read_light(view, prim, *kind);
    } else if (prim.type_name == "GeometryLight" || prim.type_name == "PortalLight" ||
               prim.type_name == "PluginLight") {
      view.diagnostics.info(prim.where(), "not-read", prim.type_name + " is not read: it gives no light");
    }
  }
}

}  // namespace geoul::scene::usd
