// Prints what tools/oracles/regressor_compare.py needs: for one random state of a URDF robot, the joints with q, v, a,
// and the inertial regressor of our own (geoul/estimation/regressor.h), row by row.
//   regressor_dump FILE.urdf SEED
#include <cstdio>
#include <cstdlib>

#include "geoul/core/random.h"
#include "geoul/estimation/identify.h"
#include "geoul/scene/formats/urdf/urdf.h"

int main(int argc, char** argv) {
  using namespace geoul;
  if (argc != 3) return std::fputs("regressor_dump FILE.urdf SEED\n", stderr), 2;
  Diagnostics diagnostics;
  auto scene = scene::read_urdf(argv[1], {.load_meshes = false}, diagnostics);
  if (scene) scene->mimics.clear();  // the judge moves every joint by itself
  const auto model = scene ? dynamics::compile(*scene, diagnostics) : std::nullopt;
  if (!model) return std::fputs(diagnostics.text().c_str(), stderr), 1;
  Random random(static_cast<std::uint64_t>(std::atoi(argv[2])));
  std::vector<double> q = model->q_start, v(static_cast<std::size_t>(model->nv)), a(v.size());
  for (double& x : q) x = random.uniform(-1, 1);
  for (double& x : v) x = random.uniform(-2, 2);
  for (double& x : a) x = random.uniform(-5, 5);
  dynamics::Data data = make_data(*model);
  estimation::RowMatrix Y;
  estimation::inertial_regressor(*model, q, v, a, data, Y);
  // One line a link, in its own order: joint, q, v, a. The link's frame is the joint's turned so that z is the axis.
  for (const dynamics::Link& link : model->links) {
    std::printf("joint %s %.17g %.17g %.17g\n", model->joints[static_cast<std::size_t>(link.joint.value)].path.c_str(),
                q[static_cast<std::size_t>(link.q)], v[static_cast<std::size_t>(link.v)],
                a[static_cast<std::size_t>(link.v)]);
  }
  for (Eigen::Index r = 0; r < Y.rows(); ++r) {
    std::printf("row");
    for (Eigen::Index c = 0; c < Y.cols(); ++c) std::printf(" %.17g", Y(r, c));
    std::printf("\n");
  }
}
