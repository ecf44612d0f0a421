// Prints what Geoul makes of any scene file, and its mechanics at states read from stdin: for urdf_compare.py and
// write_compare.py. Meshes are left out of a URDF.
//   mechanics_dump FILE     "body name mass cx cy cz ixx iyy izz ixy ixz iyz" a body (body frame, inertia about the
//                           centre), "joint name type q v lower upper effort velocity armature" a joint of the tree
//                           that moves (addresses in the answers), "sizes nq nv"; names are the last parts of paths
//   each line of nq numbers one answer: "poses" (7 a body: x y z qw qx qy qz), "gravity" (nv), "M" (nv x nv)
// Mimics, couplings, springs and joints that close loops are left out: the judges have no constraints either.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/formats/urdf/urdf.h"
#include "geoul/scene/scene.h"

namespace {

std::string leaf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: mechanics_dump FILE\n", stderr), 2;
  geoul::Diagnostics diagnostics;
  const std::string file = argv[1];
  auto scene = file.ends_with(".urdf") ? geoul::scene::read_urdf(file, {.load_meshes = false}, diagnostics)
                                       : geoul::scene::read_scene(file, diagnostics);
  if (!scene) return std::fputs(diagnostics.to_error().message.c_str(), stderr), 1;
  scene->mimics.clear();
  scene->couplings.clear();
  scene->springs.clear();
  scene->gravity = {0, 0, -9.81};
  const auto model = geoul::dynamics::compile(*scene, diagnostics);
  if (!model) return std::fputs(("compile: " + diagnostics.to_error().message).c_str(), stderr), 3;
  for (const auto& body : scene->bodies) {
    const auto& m = body.mass;
    const auto& i = m.inertia;
    std::printf("body %s %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", leaf(body.path).c_str(),
                m.mass, m.center.x, m.center.y, m.center.z, i.xx, i.yy, i.zz, i.xy, i.xz, i.yz);
  }
  for (std::size_t j = 0; j < scene->joints.size(); ++j) {
    const auto& address = model->layout.joints[j];
    const auto& joint = scene->joints[j];
    if (!joint.enabled || address.nv <= 0) continue;
    std::printf("joint %s %s %d %d %.17g %.17g %.17g %.17g %.17g\n", leaf(joint.path).c_str(),
                geoul::scene::to_string(joint.type), address.q, address.v, joint.lower, joint.upper, joint.effort_limit,
                joint.velocity_limit, joint.armature);
  }
  std::printf("sizes %d %d\n", model->nq, model->nv);
  std::fflush(stdout);
  auto data = geoul::dynamics::make_data(*model);
  auto state = geoul::dynamics::make_state(*model);
  const auto nv = static_cast<std::size_t>(model->nv);
  std::vector<double> zero(nv), tau(nv), M(nv * nv);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    for (double& q : state.q) words >> q;
    state.v.assign(nv, 0);
    state.a.assign(nv, 0);
    geoul::dynamics::place_bodies(*model, data, state);
    std::printf("poses");
    for (const auto& X : state.X_WB) {
      std::printf(" %.17g %.17g %.17g %.17g %.17g %.17g %.17g", X.p.x, X.p.y, X.p.z, X.R.w, X.R.x, X.R.y, X.R.z);
    }
    geoul::dynamics::inverse_dynamics(*model, state.q, zero, zero, {}, data, tau);
    geoul::dynamics::mass_matrix(*model, state.q, data, M);
    std::printf("\ngravity");
    for (const double x : tau) std::printf(" %.17g", x);
    std::printf("\nM");
    for (const double x : M) std::printf(" %.17g", x);
    std::printf("\n");
  }
  return 0;
}
