#include "geoul/runtime/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/dynamics/dynamics.h"

namespace geoul::runtime {

Simulation::Simulation(const Twin& twin, SimulationOptions options)
    : twin_(twin), options_(options), world_(twin.scene, twin.model), watch_(world_) {
  GEOUL_EXPECTS(options_.step.dt.ns > 0);
  world_.options = options_.step;
  snapshot_.layout = &world_.model.layout;
  signals_ = {{"energy/total", "J"}, {"energy/kinetic", "J"}, {"energy/potential", "J"}};
  dynamics::evaluate(world_.model, world_.options, world_.controls, world_.data, world_.state);
  refresh();
  energy_start_ = energy_;
}

void Simulation::refresh() {
  scene::State& state = world_.state;
  dynamics::reaction_wrenches(world_.model, world_.controls.wrenches, world_.data, state);
  measure_welds(twin_, state, snapshot_.welds);
  for (const dynamics::Break& broken : world_.breaks) {
    const auto weld = std::find(twin_.welds.begin(), twin_.welds.end(), broken.joint);
    if (weld != twin_.welds.end()) snapshot_.welds[static_cast<std::size_t>(weld - twin_.welds.begin())] = {};
  }
  for (const WeldError& weld : snapshot_.welds) {
    weld_position_ = std::max(weld_position_, weld.position);
    weld_rotation_ = std::max(weld_rotation_, weld.rotation);
  }
  dynamics::forward_kinematics(world_.model, state.q, state.v, world_.data);
  const dynamics::Energy energy = dynamics::energy(world_.model, world_.data, state.q, state.v);
  energy_ = energy.total();
  kinetic_ = energy.kinetic;
  kinetic_most_ = std::max(kinetic_most_, kinetic_);
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  snapshot_.signals = {{kNothing, energy.total()}, {kNothing, energy.kinetic}, {kNothing, energy.potential}};
  snapshot_.state = state;
}

bool Simulation::step() {
  if (failed_ || (has_end() && snapshot_.state.time >= end())) return false;
  drags_.apply(world_);
  const dynamics::StepReport report = dynamics::step(world_);
  ++steps_;
  if (!report.converged) ++unconverged_;
  if (!report.finite) failed_ = true;
  watch_.look(world_, report);
  refresh();
  return !failed_;
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
              std::to_string(steps_) + " steps of " + short_number(1e3 * options_.step.dt.seconds()) + " ms";
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
