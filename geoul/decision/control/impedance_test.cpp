// The controllers of dynamics/controllers.h at 1 kHz: a hand under Cartesian impedance is a mass on a spring and
// damper.
#include <gtest/gtest.h>

#include <cmath>

#include "geoul/dynamics/controllers.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/step.h"
#include "scenarios/cells.h"

namespace geoul::decision {
namespace {

using namespace scenarios;

// Two crossed rails carry 2 kg (and 1 kg more along x). Under K and D along each axis: m x'' + d x' + k x = 0 from x0
// at rest, x = x0 exp(-s t) (cos w t + s / w sin w t), s = d / 2m, w = sqrt(k / m - s^2).
TEST(CartesianImpedance, IsAMassOnASpringAndDamper) {
  Scene scene;
  scene.gravity = {};
  const BodyId x = add_box(scene, "/x", 1, {0.1, 0.1, 0.1}, {}), y = add_box(scene, "/y", 2, {0.1, 0.1, 0.1}, {});
  add_joint(scene, JointType::kPrismatic, scene::kWorld, x, {}, {1, 0, 0});
  add_joint(scene, JointType::kPrismatic, x, y, {}, {0, 1, 0});
  scene.sites.push_back({"/hand", y, {}});
  const dynamics::Model model = dynamics::compiled(scene);
  dynamics::CartesianImpedance law;
  law.site = scene::SiteId{0};
  law.stiffness = Mat3d::diagonal({300, 200, 0}), law.damping = Mat3d::diagonal({20, 10, 0});
  dynamics::CartesianMemory memory = make_cartesian_memory(model);
  dynamics::Data data = make_data(model);
  scene::State state = make_state(model);
  dynamics::Controls controls = make_controls(model);
  dynamics::StepOptions options;
  options.integrator = dynamics::Integrator::kSemiImplicitEuler;
  state.q = {0.1, -0.05};
  place_bodies(model, data, state);
  const auto expect = [](double x0, double m, double d, double k, double t) {
    const double s = d / (2 * m), w = std::sqrt(k / m - s * s);
    return x0 * std::exp(-s * t) * (std::cos(w * t) + s / w * std::sin(w * t));
  };
  for (int step = 1; step <= 1000; ++step) {
    ASSERT_TRUE(control(law, model, state, dynamics::CartesianTarget{}, data, memory, controls.effort));
    ASSERT_TRUE(dynamics::step(model, options, controls, data, state).finite);
    const double t = 1e-3 * step;
    // Semi-implicit Euler and a force held for a period: first order, w h x0 / 2 of the motion.
    ASSERT_NEAR(state.q[0], expect(0.1, 3, 20, 300, t), 0.1 * 10 * 1e-3);
    ASSERT_NEAR(state.q[1], expect(-0.05, 2, 10, 200, t), 0.05 * 10 * 1e-3);
  }
}

}  // namespace
}  // namespace geoul::decision
