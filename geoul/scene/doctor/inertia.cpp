#include "geoul/scene/doctor/inertia.h"

#include <algorithm>
#include <cmath>

#include "geoul/scene/doctor/patient.h"

namespace geoul::scene::doctor {
namespace {

// Jacobi's method: A becomes diagonal, returns the axes R with R diag R^T = the old A.
Mat3d diagonalize(Mat3d& A) {
  Mat3d R = Mat3d::identity();
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (const auto& [p, q] : {std::pair{0, 1}, std::pair{0, 2}, std::pair{1, 2}}) {
      if (A[p][q] == 0) continue;
      const double theta = (A[q][q] - A[p][p]) / (2 * A[p][q]);
      const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::hypot(theta, 1));
      const double c = 1 / std::hypot(t, 1), s = t * c;
      Mat3d G = Mat3d::identity();
      G[p][p] = c, G[q][q] = c, G[p][q] = s, G[q][p] = -s;
      A = transpose(G) * A * G;
      A[p][q] = A[q][p] = 0;
      R = R * G;
    }
  }
  return R;
}

}  // namespace

Sym3d nearest_physical_inertia(const Sym3d& inertia, double thin) {
  const double half = (inertia.xx + inertia.yy + inertia.zz) / 2;
  Mat3d S = half * Mat3d::identity() - full(inertia);
  const Mat3d R = diagonalize(S);
  Vec3d s{S.r0.x, S.r1.y, S.r2.z};
  const double largest = std::max({s.x, s.y, s.z});
  if (!(largest > 0)) {
    const double each = 2 * std::abs(half) / 3;
    return {each, each, each, 0, 0, 0};
  }
  const double least = thin * thin * largest;
  s = {std::max(s.x, least), std::max(s.y, least), std::max(s.z, least)};
  const Vec3d moments{s.y + s.z, s.x + s.z, s.x + s.y};
  return symmetric_part(R * Mat3d::diagonal(moments) * transpose(R));
}

std::optional<MassProperties> solids(const Scene& scene, std::span<const Placed> shapes) {
  std::optional<MassProperties> sum;
  for (const Placed& placed : shapes) {
    const auto use = mesh_use(scene, *placed.shape);
    if (use && !mesh_facts(scene.meshes[use->mesh.index()]).closed()) continue;
    const auto solid = solid_mass(scene, placed.shape->geometry, 1);
    if (!solid || !(solid->mass > 0) || !std::isfinite(solid->mass)) continue;
    const MassProperties here = moved(pose(placed.X_AS), *solid);
    sum = sum ? combine(*sum, here) : here;
  }
  return sum;
}

MassProperties weighing(const MassProperties& solid, double mass) {
  const double k = mass / solid.mass;
  const Sym3d& I = solid.inertia;
  return {mass, solid.center, {k * I.xx, k * I.yy, k * I.zz, k * I.xy, k * I.xz, k * I.yz}};
}

}  // namespace geoul::scene::doctor
