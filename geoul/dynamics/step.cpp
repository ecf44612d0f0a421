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

// 0 where all are finite, NaN otherwise.
double spoiled(std::span<const double> values) {
  double sum = 0;
  for (const double x : values) sum += x * 0;
  return sum;
}

bool all_finite(const Controls& controls, const scene::State& state) {
  double sum = spoiled(controls.effort) + spoiled(controls.target_position) + spoiled(controls.target_velocity) +
               spoiled(state.q) + spoiled(state.v);
  for (const Forced& F : controls.wrenches) sum += 0 * (F.n.x + F.n.y + F.n.z + F.f.x + F.f.y + F.f.z);
  return sum == 0;
}

StepReport refusal() {
  StepReport report;
  report.refused = true;
  report.converged = report.finite = false;
  return report;
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

std::string bad_input(const Model& model, const Controls& controls, const scene::State& state) {
  const auto owner = [&](std::size_t address, bool velocity) {
    for (std::size_t j = 0; j < model.layout.joints.size(); ++j) {
      const scene::JointAddress& a = model.layout.joints[j];
      const int first = velocity ? a.v : a.q, n = velocity ? a.nv : a.nq;
      if (n > 0 && static_cast<int>(address) >= first && static_cast<int>(address) < first + n)
        return "joint '" + model.joints[j].path + "'";
    }
    for (const Tree& tree : model.trees) {
      const int first = velocity ? tree.v_begin : tree.q_begin, end = velocity ? tree.v_end : tree.q_end;
      if (static_cast<int>(address) >= first && static_cast<int>(address) < end && !tree.bodies.empty())
        return "body '" + model.body_paths[static_cast<std::size_t>(tree.bodies.front())] + "'";
    }
    return "degree " + std::to_string(address);
  };
  const struct {
    const std::vector<double>& values;
    const char* name;
    bool velocity;
  } arrays[] = {{controls.effort, "effort", true},
                {controls.target_position, "target position", true},
                {controls.target_velocity, "target velocity", true},
                {state.q, "position", false},
                {state.v, "velocity", true}};
  for (const auto& [values, name, velocity] : arrays) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!std::isfinite(values[k])) {
        return std::string("the ") + name + " of " + owner(k, velocity) + " is " + std::to_string(values[k]) +
               "; write a finite number";
      }
    }
  }
  for (std::size_t b = 0; b < controls.wrenches.size(); ++b) {
    const Forced& F = controls.wrenches[b];
    if (!std::isfinite(F.n.x + F.n.y + F.n.z + F.f.x + F.f.y + F.f.z))
      return "the wrench on body '" + model.body_paths[b] + "' is not finite; write finite numbers";
  }
  return {};
}

void reset_controls(const Model& model, Controls& controls) {
  const auto nv = static_cast<std::size_t>(model.nv);
  for (std::vector<double>* values : {&controls.effort, &controls.target_position, &controls.target_velocity})
    values->assign(nv, 0.0);
  controls.wrenches.clear();
  controls.motion = nullptr;
  for (std::size_t j = 0; j < model.joints.size(); ++j) {
    const scene::JointAddress& address = model.layout.joints[j];
    if (address.nv != 1) continue;
    controls.target_position[static_cast<std::size_t>(address.v)] = model.joints[j].drive.target_position;
    controls.target_velocity[static_cast<std::size_t>(address.v)] = model.joints[j].drive.target_velocity;
  }
}

Controls make_controls(const Model& model) {
  Controls controls;
  reset_controls(model, controls);
  return controls;
}

namespace {

// What two parts of a step report.
StepReport both(const StepReport& a, const StepReport& b) {
  StepReport r = b;
  r.converged = a.converged && b.converged, r.finite = a.finite && b.finite;
  r.iterations = std::max(a.iterations, b.iterations), r.residual = std::max(a.residual, b.residual);
  r.closure = std::max(a.closure, b.closure);
  const ContactReport& c = a.contact;
  r.contact.penetration = std::max(c.penetration, b.contact.penetration);
  r.contact.cone = std::max(c.cone, b.contact.cone);
  r.contact.complementarity = std::max(c.complementarity, b.contact.complementarity);
  r.contact.residual = std::max(c.residual, b.contact.residual);
  r.contact.iterations = std::max(c.iterations, b.contact.iterations);
  r.contact.converged = c.converged && b.contact.converged;
  return r;
}

// Whether contact moves the island, or it sleeps.
bool elsewhere(const Data& data, bool touching, std::size_t island) {
  if (!data.contact) return false;
  const ContactData& cd = *data.contact;
  return cd.sleep.group[island] >= 0 || (touching && cd.touched[island] && !cd.idle[island]);
}

// One part of a step, contacts found.
StepReport advance(const Model& model, const StepOptions& options, const Controls& controls, bool touching, Data& data,
                   scene::State& state) {
  ask_motion(model, controls, state.time, options.dt, state, data);
  StepReport report = touching ? step_contacts(model, options, controls, data, state) : StepReport{};
  const auto islands = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i)
      data.reports[i] = elsewhere(data, touching, i)
                            ? StepReport{}
                            : step_island(model, model.islands[i], options, controls, data, state);
  };
  if (options.pool != nullptr) {
    options.pool->parallel_for(model.islands.size(), 16, islands);
  } else {
    islands(0, model.islands.size());
  }
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
  return report;
}

// A step of a world where things may touch: in parts where fast bodies meet.
StepReport advance_touching(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                            scene::State& state) {
  ContactData& cd = *data.contact;
  wake_disturbed(model, controls, state, data);
  cd.impacts.clear();
  StepReport report;
  Duration left = options.dt;
  for (int part = 1; left.ns > 0; ++part) {
    StepOptions now = options;
    now.dt = left;
    bool touching = find_contacts(model, now, data, state);
    if (!cd.collision.fast.empty() && part < kMostParts) {
      now.dt = until_impact(model, left, data, state);
      if (now.dt < left) touching = find_contacts(model, now, data, state);
      drop_passing(data);
      touching = cd.solved > 0;
    }
    if (part == 1 && now.dt < left) std::copy(state.v.begin(), state.v.end(), cd.start.begin());
    const StepReport one = advance(model, now, controls, touching, data, state);
    report = part == 1 ? one : both(report, one);
    left = left - now.dt;
    if (left.ns > 0) {
      for (int i = 0; i < cd.solved; ++i) {
        if (cd.contacts[static_cast<std::size_t>(i)].impulse[0] > 0) {
          cd.impacts.push_back(cd.contacts[static_cast<std::size_t>(i)]);
        }
      }
      place_bodies(model, data, state);
    } else if (part > 1) {
      const double h = options.dt.seconds();
      for (std::size_t k = 0; k < state.v.size(); ++k) state.a[k] = (state.v[k] - cd.start[k]) / h;
    }
  }
  report.contact.count = static_cast<int>(cd.contacts.size());
  return report;
}

}  // namespace

StepReport step(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                scene::State& state) {
  check_sizes(model, controls, state);
  if (!all_finite(controls, state)) return refusal();
  GEOUL_EXPECTS(options.dt.ns > 0 && options.max_iterations > 0);
  const bool touching = model.contact && options.contact;
  if (!touching) wake(model, data);
  const StepReport report = touching ? advance_touching(model, options, controls, data, state)
                                     : advance(model, options, controls, false, data, state);
  place_bodies(model, data, state);
  if (touching) fall_asleep(model, options, controls, data, state);
  return report;
}

StepReport evaluate(const Model& model, const StepOptions& options, const Controls& controls, Data& data,
                    scene::State& state) {
  check_sizes(model, controls, state);
  if (!all_finite(controls, state)) return refusal();
  ask_motion(model, controls, state.time, options.dt, state, data);
  const bool touching = model.contact && options.contact && find_contacts(model, options, data, state);
  StepReport report = touching ? contact_accelerations(model, options, controls, data, state) : StepReport{};
  for (std::size_t i = 0; i < model.islands.size(); ++i) {
    if (elsewhere(data, touching, i)) continue;
    const StepReport r = island_accelerations(model, model.islands[i], options, controls, data, state);
    report.converged = report.converged && r.converged;
    report.iterations = std::max(report.iterations, r.iterations);
  }
  place_bodies(model, data, state);
  return report;
}

}  // namespace geoul::dynamics
