// 200 random trees with joints of every type: algorithms against each other and against finite differences.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/mechanics.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

struct Sample {
  Model model;
  Data data;
  std::vector<double> q, v, a;

  explicit Sample(std::uint64_t seed) : model(compiled(random_tree(10, seed, seed % 3 == 0))), data(make_data(model)) {
    Random r(seed, 2);
    q = model.q_start;
    std::vector<double> move(static_cast<std::size_t>(model.nv));
    for (double& x : move) x = r.uniform(-1, 1);
    integrate_position(model, q, move, 1.0, q);
    v.resize(move.size());
    a.resize(move.size());
    for (double& x : v) x = r.uniform(-2, 2);
    for (double& x : a) x = r.uniform(-5, 5);
  }
  std::size_t n() const { return v.size(); }
};

double largest(const std::vector<double>& x) {
  double m = 0;
  for (double e : x) m = std::max(m, std::abs(e));
  return m;
}

class RandomTree : public testing::Test {
 protected:
  static constexpr int kTrees = 200;
};

TEST_F(RandomTree, InverseDynamicsUndoesForwardDynamics) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    Random r(static_cast<std::uint64_t>(seed), 3);
    std::vector<Forced> wrenches(static_cast<std::size_t>(s.model.nbody));
    for (Forced& w : wrenches) w = {{r.normal(), r.normal(), r.normal()}, {r.normal(), r.normal(), r.normal()}};
    std::vector<double> tau(s.n()), back(s.n());
    inverse_dynamics(s.model, s.q, s.v, s.a, wrenches, s.data, tau);
    forward_dynamics(s.model, s.q, s.v, tau, wrenches, s.data, back);
    for (std::size_t k = 0; k < s.n(); ++k) ASSERT_NEAR(back[k], s.a[k], 1e-10 * (1 + largest(tau))) << seed;
  }
}

// M a = tau(a) - tau(0), and M is symmetric positive definite.
TEST_F(RandomTree, MassMatrixIsWhatInverseDynamicsSays) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    const std::size_t n = s.n();
    std::vector<double> M(n * n), bias(n), tau(n), zero(n);
    mass_matrix(s.model, s.q, s.data, M);
    inverse_dynamics(s.model, s.q, s.v, zero, {}, s.data, bias);
    inverse_dynamics(s.model, s.q, s.v, s.a, {}, s.data, tau);
    const double scale = largest(tau) + largest(bias);
    for (std::size_t i = 0; i < n; ++i) {
      double row = 0;
      for (std::size_t j = 0; j < n; ++j) {
        ASSERT_EQ(M[i * n + j], M[j * n + i]);
        row += M[i * n + j] * s.a[j];
      }
      ASSERT_NEAR(row, tau[i] - bias[i], 1e-10 * scale) << seed;
    }
  }
}

// M = sum over bodies of J^T I J with Jacobians in the world frame; kinetic energy = v^T M v / 2.
TEST_F(RandomTree, MassMatrixIsTheSumOverBodiesOfTheirJacobians) {
  for (int seed = 0; seed < kTrees; ++seed) {
    const Scene scene = random_tree(10, static_cast<std::uint64_t>(seed), seed % 3 == 0);
    Sample s(static_cast<std::uint64_t>(seed));
    const std::size_t n = s.n();
    std::vector<double> M(n * n), sum(n * n), J(6 * n);
    mass_matrix(s.model, s.q, s.data, M);
    forward_kinematics(s.model, s.q, s.v, s.data);
    scene::State state = make_state(s.model);
    state.q = s.q, state.v = s.v;
    place_bodies(s.model, s.data, state);
    for (std::size_t k = 0; k < n; ++k) sum[k * n + k] = s.model.laws[k].armature;
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      const scene::MassProperties& m = scene.bodies[b].mass;
      body_jacobian(s.model, s.data, BodyId::from_index(b), m.center, J);
      const Mat3d I = full(rotate(rotation_matrix(state.X_WB[b].R), m.inertia));
      for (std::size_t i = 0; i < n; ++i) {
        const Vec3d wi{J[i], J[n + i], J[2 * n + i]}, vi{J[3 * n + i], J[4 * n + i], J[5 * n + i]};
        for (std::size_t j = 0; j < n; ++j) {
          const Vec3d wj{J[j], J[n + j], J[2 * n + j]}, vj{J[3 * n + j], J[4 * n + j], J[5 * n + j]};
          sum[i * n + j] += dot(wi, I * wj) + m.mass * dot(vi, vj);
        }
      }
    }
    const double scale = largest(M);
    for (std::size_t i = 0; i < n * n; ++i) ASSERT_NEAR(M[i], sum[i], 1e-10 * scale) << seed;
    double twice = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) twice += s.v[i] * M[i * n + j] * s.v[j];
    }
    ASSERT_NEAR(energy(s.model, s.data, s.q, s.v).kinetic, twice / 2, 1e-10 * twice) << seed;
  }
}

// d(energy)/dt = tau . v and d(momentum)/dt = weight + reaction, by central differences along the motion.
TEST_F(RandomTree, EnergyChangesByThePowerOfTheEfforts) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    const std::size_t n = s.n();
    std::vector<double> tau(n), q(s.q.size()), v(n);
    inverse_dynamics(s.model, s.q, s.v, s.a, {}, s.data, tau);
    double power = 0, scale = 0;
    for (std::size_t k = 0; k < n; ++k) power += tau[k] * s.v[k], scale += std::abs(tau[k] * s.v[k]);
    const auto energy_at = [&](double t) {  // q(t) = q exp(t v + t^2 a / 2), v(t) = v + t a: right to second order
      std::vector<double> move(n);
      for (std::size_t k = 0; k < n; ++k) move[k] = t * s.v[k] + 0.5 * t * t * s.a[k], v[k] = s.v[k] + t * s.a[k];
      integrate_position(s.model, s.q, move, 1.0, q);
      forward_kinematics(s.model, q, v, s.data);
      return energy(s.model, s.data, q, v).total();
    };
    const auto slope = [&](double h) { return (energy_at(h) - energy_at(-h)) / (2 * h); };
    // Richardson's extrapolation over three steps removes h^2 and h^4
    const double h = 4e-3, a = slope(h), b = slope(h / 2), c = slope(h / 4);
    const double ab = (4 * b - a) / 3, bc = (4 * c - b) / 3;
    ASSERT_NEAR((16 * bc - ab) / 15, power, 1e-9 * scale + 1e-8) << seed;
  }
}

TEST_F(RandomTree, JacobianTimesVelocityIsTheVelocityOfTheBody) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    scene::State state = make_state(s.model);
    state.q = s.q, state.v = s.v;
    place_bodies(s.model, s.data, state);
    std::vector<double> J(6 * s.n());
    for (int b = 0; b < s.model.nbody; ++b) {
      body_jacobian(s.model, s.data, BodyId{b}, {}, J);
      double V[6] = {};
      for (std::size_t row = 0; row < 6; ++row) {
        for (std::size_t k = 0; k < s.n(); ++k) V[row] += J[row * s.n() + k] * s.v[k];
      }
      const Motiond& expected = state.V_WB[static_cast<std::size_t>(b)];
      ASSERT_LE(norm(Vec3d{V[0], V[1], V[2]} - expected.w), 1e-11);
      ASSERT_LE(norm(Vec3d{V[3], V[4], V[5]} - expected.v), 1e-11);
    }
  }
}

// Accelerations of bodies against central differences of their velocities.
TEST_F(RandomTree, BodyAccelerationsAreTheDerivativesOfVelocities) {
  for (int seed = 0; seed < 50; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    scene::State state = make_state(s.model), before = state, after = state;
    state.q = s.q, state.v = s.v, state.a = s.a;
    place_bodies(s.model, s.data, state);
    const double h = 1e-4;
    const auto at = [&](double t, scene::State& out) {
      std::vector<double> move(s.n());
      for (std::size_t k = 0; k < s.n(); ++k)
        move[k] = t * s.v[k] + 0.5 * t * t * s.a[k], out.v[k] = s.v[k] + t * s.a[k];
      integrate_position(s.model, s.q, move, 1.0, out.q);
      place_bodies(s.model, s.data, out);
    };
    at(-h, before);
    at(h, after);
    for (std::size_t b = 0; b < state.X_WB.size(); ++b) {
      const Vec3d dw = (1 / (2 * h)) * (after.V_WB[b].w - before.V_WB[b].w);
      const Vec3d dv = (1 / (2 * h)) * (after.V_WB[b].v - before.V_WB[b].v);
      const double scale = 1 + norm(state.A_WB[b].v) + norm(state.A_WB[b].w);
      ASSERT_LE(norm(dw - state.A_WB[b].w), 1e-5 * scale) << seed;
      ASSERT_LE(norm(dv - state.A_WB[b].v), 1e-5 * scale) << seed;
    }
  }
}

TEST_F(RandomTree, MomentumIsMassTimesTheVelocityOfTheCentreOfMass) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Sample s(static_cast<std::uint64_t>(seed));
    if (s.model.nlink == 0) continue;
    std::vector<double> q(s.q.size());
    const auto center = [&](double t) {
      integrate_position(s.model, s.q, s.v, t, q);
      forward_kinematics(s.model, q, s.v, s.data);
      return center_of_mass(s.model, s.data);
    };
    const double h = 1e-5;
    const Vec3d rate = (1 / (2 * h)) * (center(h) - center(-h));
    forward_kinematics(s.model, s.q, s.v, s.data);
    const Forced p = momentum(s.model, s.data);
    ASSERT_LE(norm(p.f - total_mass(s.model) * rate), 1e-7 * (1 + norm(p.f))) << seed;
  }
}

// Every body, with the wrenches of all its joints, its weight and its inertia, is in equilibrium; welded or not.
TEST_F(RandomTree, ReactionWrenchesHoldEveryBodyInEquilibrium) {
  for (int seed = 0; seed < kTrees; ++seed) {
    Scene scene = random_tree(10, static_cast<std::uint64_t>(seed), seed % 3 == 0);
    Random r(static_cast<std::uint64_t>(seed), 5);
    const Model plain = compiled(scene);
    const scene::State start = make_state(plain);
    for (int k = 0; k < 3;
         ++k) {  // further welds between welded bodies: statically indeterminate, and still in balance
      const auto a = static_cast<std::size_t>(r.integer(10)), b = static_cast<std::size_t>(r.integer(10));
      if (a == b || plain.bodies[a].group != plain.bodies[b].group) continue;
      Joint weld;
      weld.path = "/extra" + std::to_string(k);
      weld.parent = BodyId::from_index(a), weld.child = BodyId::from_index(b);
      weld.X_PJ = random_pose(r);
      weld.X_CJ = pose(inverse(transform(start.X_WB[b])) * transform(start.X_WB[a]) * transform(weld.X_PJ));
      scene.joints.push_back(weld);
    }
    scene.bodies[3].gravity = false;
    const Model model = compiled(scene);
    Data data = make_data(model);
    scene::State state = make_state(model);
    std::vector<Forced> external(scene.bodies.size());
    for (Forced& w : external) w = {{r.normal(), r.normal(), r.normal()}, {r.normal(), r.normal(), r.normal()}};
    for (double& x : state.v) x = r.uniform(-2, 2);
    std::vector<double> tau(state.v.size());
    for (double& x : tau) x = r.uniform(-5, 5);
    if (seed % 3 == 0) std::fill(tau.begin(), tau.begin() + 6, 0.0);  // nothing pushes a floating base
    forward_dynamics(model, state.q, state.v, tau, external, data, state.a);
    place_bodies(model, data, state);
    reaction_wrenches(model, external, data, state);
    std::vector<Forced> sum(scene.bodies.size());  // in the world frame, about each body's origin
    const auto apply = [&](BodyId body, const Posed& X_BJ, const Forced& F_J) {
      if (!body.valid()) return;
      const Transformd X = Transformd{rotation_matrix(state.X_WB[body.index()].R), {}} * transform(X_BJ);
      sum[body.index()] += to_parent(X, F_J);
    };
    double scale = 1;
    for (std::size_t j = 0; j < scene.joints.size(); ++j) {
      const Joint& joint = scene.joints[j];
      const Forced F = state.wrenches[j].F_C_J;
      scale = std::max(scale, norm(F.f) + norm(F.n));
      apply(joint.child, joint.X_CJ, F);
      if (!joint.parent.valid()) continue;
      // the same wrench, taken to the parent at the joint frame that is fixed to the child
      const Transformd X_CP =
          inverse(transform(state.X_WB[joint.child.index()])) * transform(state.X_WB[joint.parent.index()]);
      const Posed X_PJ = joint.child.valid() ? pose(inverse(X_CP) * transform(joint.X_CJ)) : joint.X_PJ;
      apply(joint.parent, X_PJ, -F);
    }
    for (std::size_t b = 0; b < scene.bodies.size(); ++b) {
      const scene::MassProperties& m = scene.bodies[b].mass;
      const Mat3d R = rotation_matrix(state.X_WB[b].R);
      const Vec3d c = R * m.center, w = state.V_WB[b].w, dw = state.A_WB[b].w;
      const Vec3d a_c = state.A_WB[b].v + cross(dw, c) + cross(w, cross(w, c));
      const Vec3d force = m.mass * (a_c - (scene.bodies[b].gravity ? scene.gravity : Vec3d{}));
      const Sym3d I = rotate(R, m.inertia);
      const Vec3d moment = I * dw + cross(w, I * w) + cross(c, force);
      ASSERT_LE(norm(sum[b].f + external[b].f - force), 1e-9 * scale) << seed << " body " << b;
      ASSERT_LE(norm(sum[b].n + external[b].n - moment), 1e-9 * scale) << seed << " body " << b;
    }
  }
}

}  // namespace
}  // namespace geoul::dynamics
