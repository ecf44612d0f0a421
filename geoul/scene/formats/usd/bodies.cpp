// Rigid bodies, sites, cameras, and where every prim stands.
#include <cmath>
#include <numbers>

#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

// Linear velocity in units/s and angular velocity in degrees/s, in the space in which the prim's own transform is
// written (its parent's, or the world's after !resetXformStack!).
Motiond read_velocity(const View& view, const Prim& prim, const Frame& parent) {
  const Mat3d R = rotation_matrix(parent.X.R);
  const bool turned = !(parent.X.R == Quatd{});
  Motiond V;
  if (const auto v = view.vector(prim, "physics:velocity")) {
    V.v = view.meters * (parent.scaled ? parent.S * *v : *v);
    if (turned) V.v = R * V.v;
  }
  if (const auto w = view.vector(prim, "physics:angularVelocity")) {
    V.w = kDegree * *w;
    if (turned) V.w = R * V.w;
  }
  if (const auto w = view.vector(prim, "geoul:angularVelocity")) {
    // [rad/s]: the exact form of the same; left aside where it contradicts the schema's.
    const Vec3d exact = turned ? R * *w : *w;
    if (norm(exact - V.w) <= 1e-5 * (1 + norm(V.w))) {
      V.w = exact;
    } else {
      view.warning(prim, "geoul:angularVelocity", "contradiction",
                   "differs from physics:angularVelocity, which is used", "remove it");
    }
  }
  return V;
}

void read_body(View& view, const Prim& prim, const Frame& parent, Placement& place) {
  if (!prim.has_api("PhysicsRigidBodyAPI") || !view.flag(prim, "physics:rigidBodyEnabled").value_or(true)) return;
  if (place.in_world.scaled && determinant(place.in_world.S) == 0) {
    view.error(prim, "", "bad-transform", "the body is scaled by zero", "write a scale that is not zero");
  }
  Body body;
  body.path = prim.path;
  body.X_WB = place.in_world.X;
  body.V_WB = read_velocity(view, prim, parent);
  body.kinematic = view.flag(prim, "physics:kinematicEnabled").value_or(false);
  body.gravity = view.flag(prim, "geoul:gravity").value_or(vendor_gravity(view, prim));
  body.source = prim.where();
  if (view.flag(prim, "physics:startsAsleep").value_or(false)) {
    view.diagnostics.info(prim.where("physics:startsAsleep"), "not-read", "bodies are never asleep here");
  }
  if (!view.stage.targets(prim, "physics:simulationOwner", view.diagnostics).empty()) {
    view.diagnostics.info(prim.where("physics:simulationOwner"), "not-read", "all bodies are in one physics scene");
  }
  place.body = BodyId::from_index(view.scene.bodies.size());
  place.in_body = {{}, place.in_world.S, place.in_world.scaled};
  view.scene.bodies.push_back(std::move(body));
}

void read_camera(View& view, const Prim& prim, const Placement& place) {
  Camera camera;
  camera.path = prim.path;
  camera.body = place.body;
  camera.X_BC = place.in_body.X;
  const double aperture = view.number(prim, "verticalAperture").value_or(15.2908);
  const double length = view.number(prim, "focalLength").value_or(50);
  if (!(aperture > 0) || !(length > 0)) {
    view.error(prim, "focalLength", "bad-camera", "focal length and aperture must be positive",
               "write focalLength = 50 and verticalAperture = 15.2908, in tenths of a unit");
    return;
  }
  camera.vertical_fov = 2 * std::atan(aperture / (2 * length));
  if (const auto exact = view.number(prim, "geoul:verticalFov")) {
    if (std::abs(*exact - camera.vertical_fov) < 1e-6) camera.vertical_fov = *exact;
  }
  const Value::Reals* range = view.reals(prim, "clippingRange", 2);
  camera.near = view.meters * (range && range->size() == 2 ? (*range)[0] : 1);
  camera.far = view.meters * (range && range->size() == 2 ? (*range)[1] : 1e6);
  if (view.token(prim, "projection").value_or("perspective") != "perspective") {
    view.warning(prim, "projection", "not-read", "orthographic cameras are not supported yet; read as perspective");
  }
  view.scene.cameras.push_back(camera);
}

}  // namespace

void place_prims(View& view) {
  const std::vector<Prim>& prims = view.stage.prims();
  view.placements.resize(prims.size());
  for (std::size_t i = 1; i < prims.size(); ++i) {
    const Prim& prim = prims[i];
    const Placement& above = view.placements[static_cast<std::size_t>(prim.parent)];
    Placement place = above;
    bool reset = false;
    Frame local = local_frame(view, prim, reset);
    if (prim.point >= 0 && !reset) local = view.points[static_cast<std::size_t>(prim.point)] * local;
    const Frame parent = reset ? Frame{} : above.in_world;
    place.in_world = parent * local;
    place.in_body = above.in_body * local;
    if (reset) {
      place.in_body = local;
      if (place.body.valid()) {
        const Quatd R = conjugate(view.scene.bodies[place.body.index()].X_WB.R);
        const Vec3d p = view.scene.bodies[place.body.index()].X_WB.p;
        place.in_body = Frame{{R, -(rotation_matrix(R) * p)}, Mat3d::identity(), false} * local;
      }
    }
    if (view.token(prim, "visibility").value_or("inherited") == "invisible") place.visible = false;
    if (const auto purpose = view.token(prim, "purpose")) {
      if (*purpose == "guide" || *purpose == "proxy") place.visible = false;
    }
    read_body(view, prim, parent, place);
    if (prim.type_name == "Camera") read_camera(view, prim, place);
    if (view.flag(prim, "geoul:site").value_or(false) || prim.has_api("MjcSiteAPI")) {
      view.scene.sites.push_back({prim.path, place.body, place.in_body.X});
    }
    view.placements[i] = std::move(place);
  }
}

}  // namespace geoul::scene::usd
