#include "geoul/dynamics/step.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/contacts.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/integrators.h"

namespace geoul::dynamics {
namespace {

// Prescribed motion at the begin, middle and end of the step.
void ask_motion(const Model& model, const Controls& controls, Time t, Duration dt, const scene::State& state,
                Data& data) {
  if (!std::any_of(model.links.begin(), model.links.end(), [](const Link& l) { return l.prescribed; })) return;
  const Time times[] = {t, t + Duration{dt.ns / 2}, t + dt};
  for (int i = 0; i < 3; ++i) {
    Coordinates& given = data.given[i];
    if (controls.motion) {
      controls.motion(times[i], given.q, given.v, given.a);
    } else {  // stands still
      std::copy(state.q.begin(), state.q.end(), given.q.begin());
      std::fill(given.v.begin(), given.v.end(), 0.0);
      std::fill(given.a.begin(), given.a.end(), 0.0);
    }
  }
}

void check_sizes(const Model& model, const Controls& controls, const scene::State& state) {
  const auto nv = static_cast<std::size_t>(model.nv);
  GEOUL_EXPECTS(state.q.size() == static_cast<std::size_t>(model.nq) && state.v.size() == nv && state.a.size() == nv);
  GEOUL_EXPECTS(controls.effort.size() == nv && controls.target_position.size() == nv &&
                controls.target_velocity.size() == nv);
  GEOUL_EXPECTS(controls.wrenches.empty() || controls.wrenches.size() == static_cast<std::size_t>(model.nbody));
}

}  // namespace

const char* to_string(Integrator integrator) {
  switch (integrator) {
    case Integrator::kImplicit: return "implicit";
    case Integrator::kSemiImplicitEuler: return "semi-implicit-euler";
    case Integrator::kRungeKutta4: return "runge-kutta-4";
    case Integrator::kSymplectic: return "symplectic";
  }
  return "unknown";
}

Controls make_controls(const Model& model) {
  const auto nv = static_cast<std::size_t>(model.nv);
  Controls controls{std::vector<double>(nv), std::vector<double>(nv), std::vector<double>(nv), {}, {}};
  for (std::size_t j = 0; j < model.joints.size(); ++j) {
    const scene::JointAddress& address = model.layout.joints[j];
    if (address.nv != 1) continue;
    controls.target_position[static_cast<std::size_t>(address.v)] = model.joints[j].drive.target_position;
    controls.target_velocity[static_cast<std::size_t>(address.v)] = model.joints[j].drive.target_velocity;
  }
  return controls;
}

StepReport step(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                scene::State& state) {
  check_sizes(model, controls, state);
  GEOUL_EXPECTS(options.dt.ns > 0 && options.max_iterations > 0);
  ask_motion(model, controls, state.time, options.dt, state, data);
  const bool touching = model.contact && options.contact && find_contacts(model, options, data, state);
  const StepReport contacts = touching ? step_contacts(model, options, controls, data, state) : StepReport{};
  const auto islands = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      data.reports[i] = touching && data.contact->touched[i]
                            ? StepReport{}
                            : step_island(model, model.islands[i], options, controls, data, state);
  };
  if (options.pool != nullptr) {
    options.pool->parallel_for(model.islands.size(), 16, islands);
  } else {
    islands(0, model.islands.size());
  }
  StepReport report = contacts;
  for (std::size_t i = 0; i < model.islands.size(); ++i) {
    const StepReport& island = data.reports[i];
    report.converged = report.converged && island.converged;
    report.finite = report.finite && island.finite;
    report.iterations = std::max(report.iterations, island.iterations);
    report.residual = std::max(report.residual, island.residual);
    report.closure = std::max(report.closure, island.closure);
  }
  report.converged = report.converged && report.finite;
  state.time = state.time + options.dt;
  place_bodies(model, data, state);
  return report;
}

StepReport evaluate(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                    scene::State& state) {
  check_sizes(model, controls, state);
  ask_motion(model, controls, state.time, options.dt, state, data);
  StepReport report;
  for (const Island& island : model.islands) {
    const StepReport r = island_accelerations(model, island, options, controls, data, state);
    report.converged = report.converged && r.converged;
    report.iterations = std::max(report.iterations, r.iterations);
  }
  place_bodies(model, data, state);
  return report;
}

}  // namespace geoul::dynamics
