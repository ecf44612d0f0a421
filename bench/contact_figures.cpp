// Figures of contact and friction, at the lengths that the requirements name. One JSON object a line, for
// bench/figures. Scenes: scenarios/contacts.h; what is judged, and why so: docs/notes/contact.md.
#include <numbers>

#include "bench/figure.h"
#include "geoul/dynamics/contacts.h"
#include "scenarios/allocations.h"
#include "scenarios/contact_runs.h"

namespace geoul::bench {
namespace {

using namespace scenarios;
using dynamics::compiled;
using dynamics::Integrator;

constexpr double kMu = 0.5;

void slope() {
  const auto boxed = [](double share) {
    return World(compiled(box_on_slope(std::atan(kMu) * share, kMu)), 1e-3, Integrator::kImplicit);
  };
  World below = boxed(0.99), above = boxed(1.01);
  below.options.sleep_velocity = 0;  // or it would be held
  const Vec3d start = below.state.X_WB[0].p;
  below.run(10);
  at_most("slope at 0.99 of the friction angle/creep in 10 s", norm(below.state.X_WB[0].p - start), "m", 1e-6);
  above.run(1);
  const double angle = std::atan(kMu) * 1.01, a = 9.81 * (std::sin(angle) - kMu * std::cos(angle));
  at_most("slope at 1.01 of the friction angle/acceleration", std::abs(norm(above.state.V_WB[0].v) / a - 1), "relative",
          1e-3);
}

void stacks() {
  const TowerReport boxes = run_tower(20, 1, 1, 60, 1e-3, false);
  at_most("tower of 20 boxes, 60 s/drift", boxes.drift, "m", 1e-4);
  at_most("tower of 20 boxes, 60 s/sink", boxes.sink, "m", 1e-5);
  at_most("tower of 20 boxes, 60 s/steps not solved", static_cast<double>(boxes.unconverged), "steps", 0);
  const TowerReport heavy = run_tower(2, 1, 1000, 10, 1e-3, false);
  at_most("mass ratio 1000:1, 10 s/sink", heavy.sink, "m", 1e-5);
}

void balls() {
  World elastic(compiled(bouncing_ball(1)), 1e-3, Integrator::kRungeKutta4);
  int bounces = 0;
  double height = 0, worst = 0, last = -1;
  while (bounces < 50 && elastic.state.time.ns < 100'000'000'000) {
    elastic.step();
    const double v = elastic.state.V_WB[0].v.z;
    height = std::max(height, elastic.state.X_WB[0].p.z - 0.1);
    if (last < 0 && v > 0) {
      if (bounces > 0) worst = std::max(worst, std::abs(height - 1));
      ++bounces, height = 0;
    }
    last = v;
  }
  at_least("bouncing ball, e 1/bounces", bounces, "", 50);
  at_most("bouncing ball, e 1/height over 50 bounces", worst, "relative", 0.01);
  World half(compiled(bouncing_ball(0.5)), 1e-3, Integrator::kImplicit);
  half.run(4);
  at_most("bouncing ball, e 0.5/height above rest after 4 s", std::abs(half.state.X_WB[0].p.z - 0.1), "m", 1e-6);
  World rolling(compiled(rolling_ball(2, 0.3)), 1e-3, Integrator::kImplicit);
  rolling.run(2);
  const Motiond& V = rolling.state.V_WB[0];
  at_most("rolling ball/v less w r", std::abs(V.v.x - V.w.y * 0.1), "m/s", 1e-8);
  at_most("rolling ball/v against 5/7 of the start's", std::abs(V.v.x - 10.0 / 7), "m/s", 1e-3);
}

void rod() {
  World world(compiled(painleve_rod(std::numbers::pi - std::atan(2.0), 1, 2)), 1e-3, Integrator::kImplicit);
  const dynamics::StepReport first = world.step();
  at_most("Painleve's rod/steps not solved", first.converged ? 0 : 1, "steps", 0);
  at_most("Painleve's rod/tip's speed after the impact without collision", norm(world.data.contact->contacts[0].slip_W),
          "m/s", 1e-9);
  world.run(10);
  at_most("Painleve's rod/speed at rest", norm(world.state.V_WB[0].v), "m/s", 1e-6);
}

void grip() {
  const GripperReport r = run_gripper(60);
  at_most("gripper, 34 mm cylinder, 60 s at 1 g/penetration", r.penetration, "m", 5e-5);
  at_most("gripper, 34 mm cylinder, 60 s at 1 g/slip", r.slip, "m", 1e-6);
  at_most("gripper, 34 mm cylinder, 60 s at 1 g/turn", r.turn, "rad", 1e-6);
  report("gripper/steps a second", static_cast<double>(r.steps) / r.wall, "1/s");
}

void heap() {
  const BowlReport r = run_bowl(1000, 10);
  at_most("bowl of 1,000 balls/rise of energy", r.rise, "J", 1e-3 * r.start_energy);
  at_most("bowl of 1,000 balls/fastest ball after 10 s", r.fastest, "m/s", 1e-3);
  report("bowl of 1,000 balls/penetration, at impacts", r.penetration, "m");
  report("bowl of 1,000 balls/contacts, most", r.most_contacts, "");
  report("bowl of 1,000 balls/steps beyond the tolerance", static_cast<double>(r.unconverged), "steps");
  report("bowl of 1,000 balls/a step, busiest tenth", r.busiest_step * 1000, "ms");
  report("bowl of 1,000 balls/a step, last tenth", r.last_step * 1000, "ms");
}

// The best entry of SimBenchmark's tables is the bound (mean squared errors at 1 ms).
void simbenchmark() {
  at_most("SimBenchmark rolling/velocity error", run_simbenchmark_rolling(false).error, "m2/s2", 7.52e-6);
  at_most("SimBenchmark rolling, diagonal/velocity error", run_simbenchmark_rolling(true).error, "m2/s2", 7.52e-6);
  at_most("SimBenchmark bouncing/energy error", run_simbenchmark_bouncing().error, "J2", 185);
}

void fast() {
  World world(compiled(bullet_at_plate(300, 1e-3)), 1e-3, Integrator::kImplicit);
  world.run(0.02);
  at_most("ball of 10 mm at 300 m/s against 1 mm/position beyond the plate", world.state.X_WB[0].p.x - 1, "m", 0);
}

void allocated() {
  World world(compiled(tower(20, 1, 1)), 1e-3, Integrator::kImplicit);
  world.options.sleep_velocity = 0;
  world.run(0.1);
  const long before = allocations();
  world.run(0.5);
  at_most("tower of 20 boxes/allocations of 500 steps", static_cast<double>(allocations() - before), "", 0);
}

}  // namespace
}  // namespace geoul::bench

int main() {
  using namespace geoul::bench;
  slope();
  stacks();
  balls();
  rod();
  grip();
  simbenchmark();
  fast();
  allocated();
  heap();
}
