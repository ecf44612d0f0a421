// The kernels compile for lanes of the baseline instruction set, each lane a world of its own, and give each lane the
// bits of the scalar run.
#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/lanes.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

template <class T>
struct Worlds {
  std::vector<T> q, v, a, tau, diagonal, needed, M;
  std::vector<LinkDataT<T>> links;
  std::vector<BallDataT<T>> balls;

  explicit Worlds(const Model& m) {
    const auto nv = static_cast<std::size_t>(m.nv);
    q.resize(static_cast<std::size_t>(m.nq)), v.resize(nv), a.resize(nv), tau.resize(nv), needed.resize(nv);
    for (const JointLaw& law : m.laws) diagonal.push_back(T(law.armature));
    M.assign(nv * nv, T(0.0));
    links.resize(m.links.size()), balls.resize(m.links.size());
    for (auto& link : links) link.f_ext = {};
  }
  void run(const Model& m, const Data& data) {
    kernels::kinematics(m, 0, m.nlink, q.data(), v.data(), links.data());
    kernels::articulated_bodies(m, 0, m.nlink, tau.data(), diagonal.data(), data.held.data(), links.data(),
                                balls.data(), a.data(), needed.data());
    kernels::composite_inertia(m, 0, m.nlink, links.data());
    kernels::composite_bodies(m, 0, m.nlink, links.data(), M.data());
    kernels::newton_euler(m, 0, m.nlink, a.data(), links.data(), needed.data());
  }
};

TEST(Lanes, EachLaneHasTheBitsOfItsScalarWorld) {
  for (int seed = 0; seed < 20; ++seed) {
    const Model model = compiled(random_tree(8, static_cast<std::uint64_t>(seed), seed % 2 == 0));
    const Data data = make_data(model);
    Worlds<Lanes<double>> lanes(model);
    for (int lane = 0; lane < Lanes<double>::kWidth; ++lane) {
      Random r(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(lane));
      std::vector<double> q = model.q_start, move(static_cast<std::size_t>(model.nv));
      for (double& x : move) x = r.uniform(-1, 1);
      integrate_position(model, q, move, 1.0, q);
      for (std::size_t k = 0; k < q.size(); ++k) lanes.q[k].r[lane] = q[k];
      for (std::size_t k = 0; k < move.size(); ++k)
        lanes.v[k].r[lane] = r.uniform(-1, 1), lanes.tau[k].r[lane] = r.uniform(-1, 1);
    }
    lanes.run(model, data);
    for (int lane = 0; lane < Lanes<double>::kWidth; ++lane) {
      Worlds<double> one(model);
      for (std::size_t k = 0; k < one.q.size(); ++k) one.q[k] = lanes.q[k].r[lane];
      for (std::size_t k = 0; k < one.v.size(); ++k) one.v[k] = lanes.v[k].r[lane], one.tau[k] = lanes.tau[k].r[lane];
      one.run(model, data);
      for (std::size_t k = 0; k < one.a.size(); ++k) {
        ASSERT_EQ(one.a[k], lanes.a[k].r[lane]) << seed;
        ASSERT_EQ(one.needed[k], lanes.needed[k].r[lane]) << seed;
      }
      for (std::size_t k = 0; k < one.M.size(); ++k) ASSERT_EQ(one.M[k], lanes.M[k].r[lane]) << seed;
    }
  }
}

}  // namespace
}  // namespace geoul::dynamics
