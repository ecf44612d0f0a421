// Prints what Geoul makes of an MJCF file, for mjcf_compare.py, and its mechanics at states read from stdin.
//   mjcf_dump FILE [ROOT]   "body path mass cx cy cz ixx iyy izz ixy ixz iyz" a body (body frame, inertia about the
//                           centre), "joint type q v" a tree joint that moves (addresses in the answers), "sizes nq nv"
//   each line of nq numbers one answer: "poses" (7 a body), "gravity" (nv), "M" (nv x nv)
// Joints of equalities are switched off and mimics removed: the judge's inertia and bias forces have no constraints
// either. Mocap bodies are fixed where they are.
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "geoul/dynamics/dynamics.h"
#include "geoul/scene/formats/mjcf/mjcf.h"

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) return std::fputs("usage: mjcf_dump FILE [ROOT]\n", stderr), 2;
  geoul::Diagnostics diagnostics;
  auto scene = geoul::scene::read_mjcf(
      argv[1], {.root = argc == 3 ? argv[2] : "", .use_keyframe = false, .partial = true}, diagnostics);
  if (!scene) return std::fputs(diagnostics.to_error().message.c_str(), stderr), 1;
  scene->mimics.clear();
  scene->couplings.clear();
  scene->springs.clear();
  for (auto& joint : scene->joints) {
    if (joint.path.find("/equalities/") != std::string::npos) joint.enabled = false;
  }
  for (std::size_t b = 0; b < scene->bodies.size(); ++b) {
    if (!scene->bodies[b].kinematic) continue;
    scene->bodies[b].kinematic = false;
    geoul::scene::Joint weld;
    weld.path = scene->bodies[b].path + "_mocap";
    weld.child = geoul::scene::BodyId::from_index(b);
    weld.X_PJ = scene->bodies[b].X_WB;
    scene->joints.push_back(weld);
    if (!scene->joint_sources.empty()) scene->joint_sources.emplace_back();
  }
  const auto model = geoul::dynamics::compile(*scene, diagnostics);
  if (!model) return std::fputs(("compile: " + diagnostics.to_error().message).c_str(), stderr), 3;
  for (const auto& body : scene->bodies) {
    const auto& m = body.mass;
    const auto& i = m.inertia;
    std::printf("body %s %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", body.path.c_str(), m.mass,
                m.center.x, m.center.y, m.center.z, i.xx, i.yy, i.zz, i.xy, i.xz, i.yz);
  }
  for (std::size_t j = 0; j < scene->joints.size(); ++j) {
    const auto& address = model->layout.joints[j];
    if (!scene->joints[j].enabled || address.nv <= 0) continue;
    std::printf("joint %s %d %d\n", geoul::scene::to_string(scene->joints[j].type), address.q, address.v);
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
    for (const auto& X : state.X_WB)
      std::printf(" %.17g %.17g %.17g %.17g %.17g %.17g %.17g", X.p.x, X.p.y, X.p.z, X.R.w, X.R.x, X.R.y, X.R.z);
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
