// Prints Geoul's dynamics of a URDF at a random state, for dynamics_compare.py: "joint name q v a tau" a moving joint,
// then "M" and the joint-space inertia, row by row, and "acceleration" and the articulated-body answer to tau.
#include <cstdio>
#include <cstdlib>

#include "geoul/core/random.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/formats/urdf/urdf.h"

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: dynamics_dump FILE SEED\n", stderr), 2;
  geoul::Diagnostics diagnostics;
  auto scene = geoul::scene::read_urdf(argv[1], {.load_meshes = false}, diagnostics);
  if (!scene) return std::fputs(diagnostics.text().c_str(), stderr), 2;
  scene->mimics.clear();  // the judge moves every joint by itself
  for (auto& joint : scene->joints) joint.armature = 0;
  const auto model = geoul::dynamics::compile(*scene, diagnostics);
  if (!model) return std::fputs(diagnostics.text().c_str(), stderr), 2;
  auto data = geoul::dynamics::make_data(*model);
  geoul::Random random(std::strtoull(argv[2], nullptr, 10));
  const auto nv = static_cast<std::size_t>(model->nv);
  std::vector<double> q = model->q_start, v(nv), a(nv), tau(nv), back(nv), M(nv * nv);
  for (std::size_t k = 0; k < nv; ++k)
    q[k] = random.uniform(-1.5, 1.5), v[k] = random.normal(), a[k] = 3 * random.normal();
  geoul::dynamics::inverse_dynamics(*model, q, v, a, {}, data, tau);
  geoul::dynamics::forward_dynamics(*model, q, v, tau, {}, data, back);
  geoul::dynamics::mass_matrix(*model, q, data, M);
  for (std::size_t j = 0; j < model->joints.size(); ++j) {
    const auto& address = model->layout.joints[j];
    if (address.nv != 1) continue;
    const auto k = static_cast<std::size_t>(address.v);
    std::printf("joint %s %.17g %.17g %.17g %.17g %.17g\n", model->joints[j].path.c_str(), q[k], v[k], a[k], tau[k],
                back[k]);
  }
  std::printf("order");
  std::vector<const char*> names(nv);
  for (std::size_t j = 0; j < model->joints.size(); ++j) {
    if (model->layout.joints[j].nv == 1)
      names[static_cast<std::size_t>(model->layout.joints[j].v)] = model->joints[j].path.c_str();
  }
  for (const char* name : names) std::printf(" %s", name);
  std::printf("\nM");
  for (double x : M) std::printf(" %.17g", x);
  std::printf("\n");
  return 0;
}
