// The kernels compile for lanes of the baseline instruction set, each lane a world of its own, and give each lane the
// bits of the scalar run.
#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/batch.h"
#include "geoul/dynamics/batch_kernels_leaf.h"
#include "geoul/dynamics/batch_plan_data.h"
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

// A frame of a kind known to the compiler does what the same pose does in general.
template <bool kTurns, Tilt kTilt, Shift kShift, bool kTurned>
void expect_general(std::uint64_t seed) {
  Random r(5, seed);
  const auto number = [&] { return r.uniform(-1, 1); };
  const auto vector = [&]() -> Vec3d { return {number(), number(), number()}; };
  const auto symmetric = [&]() -> Sym3d { return {number(), number(), number(), number(), number(), number()}; };
  const auto turning = [&]() -> Turning<double> {
    const double angle = 3 * number();
    return {std::cos(angle), std::sin(angle)};
  };
  const Turning<double> tilt = turning();
  JointFrame<double, kTurns, kTilt, kShift, kTurned> X{turning(), {tilt.c, tilt.s}, turning(), vector()};
  if (kShift == Shift::kPlane) X.p.y = 0;
  const Transformd general = X.transform();
  for (int k = 0; k < 3; ++k) EXPECT_NEAR(norm(general.R[k]), 1, 1e-15);
  EXPECT_NEAR(determinant(general.R), 1, 1e-14);
  const Motiond m{vector(), vector()};
  const Forced f{vector(), vector()};
  const Motiond dm = X.to_child(m) - to_child(general, m);
  const Forced df = X.to_parent(f) - to_parent(general, f);
  EXPECT_LT(norm(dm.w) + norm(dm.v) + norm(df.n) + norm(df.f), 1e-14);
  ArticulatedInertia<double> IA{symmetric(), {vector(), vector(), vector()}, symmetric()}, sum{};
  kernels::add_to_parent(general, IA, sum);
  X.rotate(IA.I), X.rotate(IA.H), X.rotate(IA.M);
  X.shift(IA);
  for (const Sym3d& d : {IA.I - sum.I, IA.M - sum.M}) {
    for (const double x : {d.xx, d.yy, d.zz, d.xy, d.xz, d.yz}) EXPECT_LT(std::abs(x), 1e-13);
  }
  for (int k = 0; k < 3; ++k) EXPECT_LT(norm(IA.H[k] - sum.H[k]), 1e-13);
}
template <Tilt kTilt>
void expect_general_tilt(std::uint64_t seed) {
  expect_general<true, kTilt, Shift::kNone, false>(seed), expect_general<true, kTilt, Shift::kPlane, false>(seed);
  expect_general<true, kTilt, Shift::kAny, true>(seed), expect_general<false, kTilt, Shift::kAny, true>(seed);
}

TEST(Lanes, FramesOfEveryKindActAsTheirPose) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    expect_general_tilt<Tilt::kNone>(seed), expect_general_tilt<Tilt::kQuarter>(seed);
    expect_general_tilt<Tilt::kBackQuarter>(seed), expect_general_tilt<Tilt::kHalf>(seed);
    expect_general_tilt<Tilt::kAny>(seed);
  }
}

// One row of worlds as a batch lays it out, at random positions and velocities.
template <class T>
struct Row {
  static constexpr std::size_t kRow = kRowWidth<double>;
  PlanData data;
  LaneArray<double> q, v, zero;
  std::vector<LinkRow<T>> links;
  std::vector<SlotRow<T>> slots;
  std::vector<BallRow<T>> balls;
  std::vector<DegreeRow<T>> degrees;
  BatchRows<double> rows{};

  Row(const Model& m, std::uint64_t seed) {
    make_plan(m, {}, data);
    const auto nq = static_cast<std::size_t>(m.nq), nv = static_cast<std::size_t>(m.nv);
    q.resize(nq * kRow), v.resize(nv * kRow), zero.resize(nv * kRow);
    links.resize(m.links.size()), slots.resize(m.links.size() + 1), balls.resize(m.links.size()), degrees.resize(nv);
    for (std::size_t lane = 0; lane < kRow; ++lane) {
      Random r(seed, lane);
      std::vector<double> at = m.q_start, move(nv);
      for (double& x : move) x = r.uniform(-1, 1);
      integrate_position(m, at, move, 1.0, at);
      for (std::size_t k = 0; k < nq; ++k) q[k * kRow + lane] = at[k];
      for (std::size_t k = 0; k < nv; ++k) v[k * kRow + lane] = r.uniform(-1, 1);
    }
    rows.q = q.data(), rows.v = v.data();
    rows.effort = rows.target_q = rows.target_v = zero.data();
  }
  TreeStep<T, false> step(int tree) {
    return {data.plan, data.plan.trees[tree], rows, links.data(), slots.data(), balls.data(), degrees.data(), T(1e-3)};
  }
};

// Kernel frames, brought back to the links' own, have the poses and velocities of the scalar kinematics.
TEST(Lanes, PosesAndVelocitiesOfABatchAreThoseOfTheScalarKinematics) {
  using T = Lanes<double>;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Model model = compiled(random_tree(8, seed, seed % 2 == 0));
    Row<T> row(model, seed);
    std::vector<Transform<T>> X_WK(model.links.size());
    for (int t = 0; t < row.data.plan.ntree; ++t) {
      TreeStep<T, false> step = row.step(t);
      step.kinematics();
      for (int i = step.tree.begin; i < step.tree.end; ++i) {
        const int parent = model.links[static_cast<std::size_t>(i)].parent;
        auto& X = X_WK[static_cast<std::size_t>(i)];
        X = parent < 0 ? step.pose(i) : X_WK[static_cast<std::size_t>(parent)] * step.pose(i);
      }
    }
    Worlds<double> one(model);
    for (std::size_t k = 0; k < one.q.size(); ++k) one.q[k] = row.q[k * Row<T>::kRow + 1];
    for (std::size_t k = 0; k < one.v.size(); ++k) one.v[k] = row.v[k * Row<T>::kRow + 1];
    kernels::kinematics(model, 0, model.nlink, one.q.data(), one.v.data(), one.links.data());
    const auto lane = [](const Vec3<T>& a) -> Vec3d { return {a.x.r[1], a.y.r[1], a.z.r[1]}; };
    for (std::size_t i = 0; i < model.links.size(); ++i) {
      const Transformd& X_LK = row.data.frames[i].X_LK;
      const Transformd expected = one.links[i].X_WL * X_LK;
      EXPECT_LT(norm(lane(X_WK[i].p) - expected.p), 1e-13);
      for (int k = 0; k < 3; ++k) EXPECT_LT(norm(lane(X_WK[i].R[k]) - expected.R[k]), 1e-13) << seed << " " << i;
      const Motion<T>& V = row.links[i].V;
      const Motiond d = to_parent(X_LK, Motiond{lane(V.w), lane(V.v)}) - one.links[i].V;
      EXPECT_LT(norm(d.w) + norm(d.v), 1e-12) << seed << " " << i;
    }
  }
}

}  // namespace
}  // namespace geoul::dynamics
