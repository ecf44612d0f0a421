#include "geoul/runtime/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/dynamics/dynamics.h"

namespace geoul::runtime {

Simulation::Simulation(const Twin& twin, SimulationOptions options)
    : twin_(twin), options_(options), stepped_(twin, options.step), watch_(stepped_.world()) {
  GEOUL_EXPECTS(options_.step.dt.ns > 0);
  snapshot_.layout = &stepped_.world().model.layout;
  signals_ = {{"energy/total", "J"}, {"energy/kinetic", "J"}, {"energy/potential", "J"}};
  refresh();
  energy_start_ = energy_;
}

void Simulation::refresh() {
  dynamics::World& world = stepped_.world();
  const scene::State& state = world.state;
  stepped_.complete();
  measure_welds(twin_, state, snapshot_.welds);
  for (const dynamics::Break& broken : world.breaks) {
    const auto weld = std::find(twin_.welds.begin(), twin_.welds.end(), broken.joint);
    if (weld != twin_.welds.end()) snapshot_.welds[static_cast<std::size_t>(weld - twin_.welds.begin())] = {};
  }
  for (const WeldError& weld : snapshot_.welds) {
    weld_position_ = std::max(weld_position_, weld.position);
    weld_rotation_ = std::max(weld_rotation_, weld.rotation);
  }
  dynamics::forward_kinematics(world.model, state.q, state.v, world.data);
  const dynamics::Energy energy = dynamics::energy(world.model, world.data, state.q, state.v);
  energy_ = energy.total();
  kinetic_ = energy.kinetic;
  kinetic_most_ = std::max(kinetic_most_, kinetic_);
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  snapshot_.signals = {{kNothing, energy.total()}, {kNothing, energy.kinetic}, {kNothing, energy.potential}};
  snapshot_.state = state;
}

bool Simulation::step() {
  if (failed_ || (has_end() && snapshot_.state.time >= end())) return false;
  const dynamics::StepReport report = stepped_.step();
  if (!report.converged) ++unconverged_;
  if (!report.finite) failed_ = true;
  watch_.look(stepped_.world(), report);
  refresh();
  if (observer_ != nullptr) observer_->stepped(*this);
  return !failed_;
}

Result<void> Simulation::drag(std::uint64_t client, const Drag& drag) {
  const SimulationInput input{client, drag};
  const Result<void> done = stepped_.apply(input);
  if (done && observer_ != nullptr) observer_->took(*this, input);
  return done;
}

void Simulation::release(std::uint64_t client) {
  if (stepped_.drags().pulls().count(client) == 0) return;
  const SimulationInput input{client, std::nullopt};
  (void)stepped_.apply(input);  // letting go cannot fail
  if (observer_ != nullptr) observer_->took(*this, input);
}

std::vector<ReportLine> Simulation::figures() const {
  Report out;
  out.add("energy", energy_, "J", std::numeric_limits<double>::quiet_NaN(),
          "since the start " + short_number(energy_ - energy_start_));
  for (ReportLine& line : watch_.figures()) out.lines.push_back(std::move(line));
  return out.lines;
}

Time Simulation::next_time() const {
  if (has_end() && snapshot_.state.time >= end()) return end();
  return snapshot_.state.time + options_.step.dt;
}

void Simulation::seek(Time) { GEOUL_EXPECTS(can_seek()); }

Report Simulation::report() const {
  Report out;
  out.title = twin_.scene.name + ": simulated with " + dynamics::to_string(options_.step.integrator) + ", " +
              std::to_string(steps()) + " steps of " + short_number(1e3 * options_.step.dt.seconds()) + " ms";
  out.add("time simulated", snapshot_.state.time.seconds(), "s");
  out.add("degrees of freedom", twin_.model.nv, "");
  out.add("energy at the start", energy_start_, "J");
  out.add("energy at the end", energy_, "J");
  out.add("energy drift", std::abs(energy_ - energy_start_), "J", std::numeric_limits<double>::quiet_NaN(),
          "friction, damping and drives change energy too");
  if (kinetic_most_ > 0)
    out.add("energy drift over the largest kinetic energy", std::abs(energy_ - energy_start_) / kinetic_most_, "");
  out.add("fixed-joint position error", weld_position_, "m", std::numeric_limits<double>::quiet_NaN(),
          "largest of " + std::to_string(twin_.welds.size()) + " fixed joints, every step");
  out.add("fixed-joint rotation error", weld_rotation_, "rad");
  out.add("steps that did not converge", static_cast<double>(unconverged_), "");
  watch_.add_to(out);
  return out;
}

}  // namespace geoul::runtime
