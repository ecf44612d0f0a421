// Mass properties by the precedence of UsdPhysicsMassAPI: the body's mass, else its colliders' masses and densities,
// a shape's own before the body's before its material's before 1000 kg/m3.
#include <cmath>

#include "geoul/scene/formats/mesh/mesh_file.h"
#include "geoul/scene/formats/usd/view.h"

namespace geoul::scene::usd {
namespace {

constexpr double kWater = 1000;  // [kg/m3]

MassProperties scaled(const MassProperties& m, double factor) {
  const Sym3d& I = m.inertia;
  return {factor * m.mass,
          m.center,
          {factor * I.xx, factor * I.yy, factor * I.zz, factor * I.xy, factor * I.xz, factor * I.yz}};
}

bool near(const Sym3d& a, const Sym3d& b) {
  const double size = std::abs(a.xx) + std::abs(a.yy) + std::abs(a.zz);
  const Sym3d d = a - b;
  return std::abs(d.xx) + std::abs(d.yy) + std::abs(d.zz) + std::abs(d.xy) + std::abs(d.xz) + std::abs(d.yz) <=
         1e-5 * size;
}

bool is_open(const Scene& scene, const Geometry& geometry) {
  const auto* surface = std::get_if<TriangleMesh>(&geometry);
  if (surface == nullptr || !surface->mesh.valid() || surface->mesh.index() >= scene.meshes.size()) return false;
  return !is_closed(scene.meshes[surface->mesh.index()]);
}

// Sum over the body's colliders.
MassProperties of_colliders(const View& view, BodyId body, double body_density,
                            const std::vector<std::size_t>& shapes) {
  MassProperties sum;
  for (const std::size_t i : shapes) {
    const Shape& shape = view.scene.shapes[i];
    double density = view.densities[i];
    if (!(density > 0)) density = body_density;
    if (!(density > 0) && shape.material.valid()) density = view.scene.materials[shape.material.index()].density;
    if (!(density > 0)) density = kWater;
    if (is_open(view.scene, shape.geometry)) {
      view.diagnostics.error(
          {view.scene.bodies[body.index()].source.file, view.scene.bodies[body.index()].source.line, shape.path},
          "mesh-open", "the body's mass is asked of a mesh that is not closed: it has no volume",
          "close the mesh, or write the body's mass, centre and inertia");
      continue;
    }
    std::optional<MassProperties> own = solid_mass(view.scene, shape.geometry, density);
    if (!own || !(own->mass > 0)) {
      view.diagnostics.warning(
          {view.scene.bodies[body.index()].source.file, view.scene.bodies[body.index()].source.line, shape.path},
          "no-volume", "the collider has no volume, so it adds no mass", "write the body's mass, or close the mesh");
      continue;
    }
    if (view.masses[i] > 0) own = scaled(*own, view.masses[i] / own->mass);
    const MassProperties in_body = moved(shape.X_BS, *own);
    sum = sum.mass > 0 ? combine(sum, in_body) : in_body;
  }
  return sum;
}

// Written inertia [kg m2]; none where it is zero or not written.
std::optional<Sym3d> written_inertia(const View& view, const Prim& prim) {
  const std::optional<Vec3d> moments = view.vector(prim, "physics:diagonalInertia");
  if (!moments || *moments == Vec3d{}) return std::nullopt;
  const Vec3d d = view.kilograms * view.meters * view.meters * *moments;
  Sym3d inertia{d.x, d.y, d.z, 0, 0, 0};
  const Value::Reals* axes = view.reals(prim, "physics:principalAxes", 4);
  const bool none =
      !axes || (axes->size() == 4 && (*axes)[0] == 0 && (*axes)[1] == 0 && (*axes)[2] == 0 && (*axes)[3] == 0);
  if (!none) {
    const std::optional<Quatd> R = view.quaternion(prim, "physics:principalAxes");
    if (R && !(*R == Quatd{})) inertia = rotate(rotation_matrix(*R), inertia);
  }
  // The same along the body's axes, without the rounding of the principal axes.
  if (const Value::Reals* full = view.reals(prim, "geoul:inertia", 1); full && full->size() == 6) {
    const double k = view.kilograms * view.meters * view.meters;
    const auto& f = *full;
    const Sym3d exact{k * f[0], k * f[1], k * f[2], k * f[3], k * f[4], k * f[5]};
    if (near(inertia, exact)) return exact;
    view.warning(prim, "geoul:inertia", "contradiction",
                 "differs from diagonalInertia and principalAxes, which are used", "remove it");
  }
  return inertia;
}

void read_body_mass(const View& view, const Prim& prim, BodyId id, const std::vector<std::size_t>& shapes) {
  Body& body = view.scene.bodies[id.index()];
  const double unit_density = view.kilograms / (view.meters * view.meters * view.meters);
  const bool has_mass = view.applies(prim, "PhysicsMassAPI", "physics:mass");
  const double density = view.applies(prim, "PhysicsMassAPI", "physics:density")
                             ? unit_density * view.positive(prim, "physics:density", 0)
                             : 0;
  const std::optional<double> written = has_mass ? view.number(prim, "physics:mass") : std::nullopt;
  if (written && *written < 0) {
    view.error(prim, "physics:mass", "negative-value", "the mass is negative", "write a positive mass");
    return;
  }
  const double mass = view.kilograms * written.value_or(0);
  const std::optional<Sym3d> inertia = written_inertia(view, prim);
  const std::optional<Vec3d> center = view.extended_vector(prim, "physics:centerOfMass");
  const bool has_center = center && std::isfinite(center->x + center->y + center->z);
  const bool exact = view.flag(prim, "geoul:exactMass").value_or(false);  // nothing comes from colliders
  if (!exact && !(mass > 0 && inertia && has_center)) body.mass = of_colliders(view, id, density, shapes);
  if (mass > 0) {
    if (body.mass.mass > 0) body.mass = scaled(body.mass, mass / body.mass.mass);
    body.mass.mass = mass;
  }
  if (has_center) {
    const Placement& place = view.placement(prim);
    body.mass.center = view.meters * (place.in_body.scaled ? place.in_body.S * *center : *center);
  }
  if (inertia) body.mass.inertia = *inertia;
  const bool moves = !body.kinematic;
  if (moves && !(body.mass.mass > 0)) {
    view.warning(prim, "", "no-mass", "the body has no mass: none is written and no collider gives one",
                 "apply PhysicsMassAPI and write physics:mass");
  } else if (moves && body.mass.inertia == Sym3d{}) {
    view.warning(prim, "", "no-inertia", "the body has no inertia: none is written and no collider gives one",
                 "write physics:diagonalInertia");
  }
}

}  // namespace

void read_mass(View& view) {
  std::vector<std::vector<std::size_t>> shapes(view.scene.bodies.size());
  for (std::size_t i = 0; i < view.scene.shapes.size(); ++i) {
    const Shape& shape = view.scene.shapes[i];
    if (shape.body.valid() && shape.collides) shapes[shape.body.index()].push_back(i);
  }
  for (std::size_t i = 0; i < view.scene.bodies.size(); ++i) {
    const Prim* prim = view.stage.find(view.scene.bodies[i].path);
    read_body_mass(view, *prim, BodyId::from_index(i), shapes[i]);
  }
}

}  // namespace geoul::scene::usd
