// The machine that lives (docs/notes/plant.md): how much faster than the clock it is on one core, and how well it obeys
// the laws that it is simulated by, over one round of its program.
#include <stdexcept>

#include "bench/figure.h"
#include "scenarios/plant/machine/machine.h"

namespace {

using namespace geoul;
using namespace geoul::plant;

constexpr double kRound = 20;  // [s]

Machine make(bool contact) {
  MachineOptions options;
  options.scene = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/cell.usda";
  options.seed = 7;
  options.hidden = draw(options.seed, options.nominal);
  options.contact = contact;
  Diagnostics diagnostics;
  return Machine::make(options, diagnostics).value();
}

void cycle(Machine& machine) {
  if (const auto moved = machine.cycle(); !moved) throw std::runtime_error(moved.error().message);
}

// Seconds of the machine in one of this thread.
double factor(bool contact) {
  Machine machine = make(contact);
  const double begin = bench::thread_clock();
  while (machine.time() < kRound) cycle(machine);
  return machine.time() / (1e-9 * (bench::thread_clock() - begin));
}

// Largest torque [N.m] of a motor that inverse dynamics of the true body and the friction that acted leave over.
double law_residual() {
  Machine machine = make(false);
  const dynamics::Model& model = machine.true_model();
  dynamics::Data data = dynamics::make_data(model);
  std::vector<double> q(kJoints), v(kJoints), a(kJoints), tau(kJoints);
  double worst = 0;
  const double period = kControlPeriod.seconds();
  while (machine.time() < kRound) {
    cycle(machine);
    const MachineTruth& truth = machine.truth();
    for (std::size_t i = 0; i < kJoints; ++i) {
      const std::size_t iv = v_of(machine.arm(), model, i);
      v[iv] = (truth.v[i] + truth.end_v[i]) / 2;
      q[q_of(machine.arm(), model, i)] = truth.q[i] + period / 2 * v[iv];
      a[iv] = (truth.end_v[i] - truth.v[i]) / period;
    }
    dynamics::inverse_dynamics(model, q, v, a, {}, data, tau);
    for (std::size_t i = 0; i < kJoints; ++i) {
      if (std::abs(truth.v[i]) < 0.1) continue;  // dry friction that sticks is whatever holds
      const double left = truth.torque[i] - truth.friction[i] - tau[v_of(machine.arm(), model, i)];
      worst = std::max(worst, std::abs(left));
    }
  }
  return worst;
}

}  // namespace

int main() {
  bench::at_least("plant/machine/real_time_factor", factor(true), "", 3);
  bench::at_least("plant/machine/real_time_factor_without_contact", factor(false), "", 3);
  bench::at_most("plant/machine/law_residual", law_residual(), "N.m", 0.006);
}
