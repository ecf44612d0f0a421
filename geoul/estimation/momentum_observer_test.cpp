#include "geoul/estimation/momentum_observer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scenarios/allocations.h"
#include "scenarios/mechanics.h"

namespace geoul::estimation {
namespace {

// Trees of every joint type, floating, under random torques and a constant external one: the filtered torque comes to
// it within what a cycle of 0.1 ms leaves (order dt), and nothing is allocated.
TEST(MomentumObserver, FindsAnExternalForceOnAnyTree) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const dynamics::Model model = dynamics::compiled(scenarios::random_tree(6, seed, true));
    const auto nv = static_cast<std::size_t>(model.nv);
    dynamics::Data data = make_data(model);
    MomentumObserver observer(model, {});
    Random random(seed);
    std::vector<double> q = model.q_start, v(nv), a(nv), tau(nv), external(nv), force(nv), middle(nv), hold(nv),
                        zero(nv);
    for (std::size_t i = 0; i < nv; ++i) external[i] = random.normal(), v[i] = 0.3 * random.normal();
    constexpr double dt = 1e-4;
    observer.step(dt, q, v, tau);
    for (int step = 0; step < 2000; ++step) {
      inverse_dynamics(model, q, zero, zero, {}, data, hold);
      for (std::size_t i = 0; i < nv; ++i) {
        tau[i] = hold[i] + 0.2 * std::sin(7 * step * dt + static_cast<double>(i)) - external[i] - 0.3 * v[i];
        const dynamics::JointLaw& law = model.laws[i];
        force[i] = tau[i] + external[i] - law.damping * v[i] - law.friction * std::tanh(v[i] / 0.02);
        if (law.stiffness != 0 && law.q >= 0)
          force[i] -= law.stiffness * (q[static_cast<std::size_t>(law.q)] - law.spring_position);
      }
      forward_dynamics(model, q, v, force, {}, data, a);
      for (std::size_t i = 0; i < nv; ++i) {
        const double next = v[i] + dt * a[i];
        middle[i] = 0.5 * (v[i] + next);
        v[i] = next;
      }
      integrate_position(model, q, middle, dt, q);
      const long before = scenarios::allocations();
      observer.step(dt, q, v, tau);
      ASSERT_EQ(scenarios::allocations(), before);
    }
    for (std::size_t i = 0; i < nv; ++i) EXPECT_NEAR(observer.external()[i], external[i], 0.02) << seed << " " << i;
  }
}

}  // namespace
}  // namespace geoul::estimation
