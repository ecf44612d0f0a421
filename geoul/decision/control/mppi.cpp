#include "geoul/decision/control/mppi.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::decision {

using std::size_t;

Result<Mppi> Mppi::make(const dynamics::Model& model, TrajectoryProblem problem, MppiOptions options) {
  const size_t m = problem.degrees.size(), nv = static_cast<size_t>(model.nv);
  const auto bad = [](const char* what) { return Error{ErrorCode::kBadInput, std::string("MPPI: ") + what}; };
  if (model.nq != model.nv) return bad("the model has joints of several degrees");
  if (m == 0 || problem.limit.size() != m || problem.cost.effort_weight.size() != m || options.deviation.size() != m)
    return bad("degrees, limits, weights of efforts and deviations are not of one size");
  if (problem.cost.q_goal.size() != nv || problem.cost.v_goal.size() != nv || problem.cost.q_weight.size() != nv ||
      problem.cost.v_weight.size() != nv || problem.cost.q_end.size() != nv || problem.cost.v_end.size() != nv)
    return bad("the weights are not of the size of the model");
  if (problem.steps < 1 || options.samples < 2 || options.steps_per_control < 1 || options.hold < 1 ||
      !(options.temperature > 0))
    return bad("steps, samples, steps_per_control, hold and temperature must be positive");
  if (std::abs(problem.dt - options.steps_per_control * options.step.dt.seconds()) > 1e-9)
    return bad("problem.dt is not steps_per_control steps long");
  Result<dynamics::Batch> batch = dynamics::Batch::make(model, options.samples, {options.step});
  if (!batch) return batch.error();
  Mppi out;
  out.problem_ = std::move(problem), out.options_ = std::move(options);
  out.batch_.emplace(std::move(*batch));
  const auto steps = static_cast<size_t>(out.problem_.steps), samples = static_cast<size_t>(out.options_.samples);
  out.u_.assign(steps * m, 0), out.noise_.assign(samples * steps * m, 0), out.cost_.assign(samples, 0);
  out.q_.resize(nv), out.v_.resize(nv), out.asked_.resize(m);
  const dynamics::Controls controls = make_controls(model);
  out.effort_ = controls.effort, out.position_ = controls.target_position, out.velocity_ = controls.target_velocity;
  return out;
}

// Costs of all samples, step by step over all worlds.
void Mppi::roll_out() {
  const size_t m = problem_.degrees.size();
  for (size_t t = 0; t < static_cast<size_t>(problem_.steps); ++t) {
    for (size_t s = 0; s < cost_.size(); ++s) {
      const auto world = static_cast<int>(s);
      if (!std::isfinite(cost_[s])) continue;
      batch_->read_state(world, q_, v_);
      for (size_t i = 0; i < m; ++i) {
        double& noise = noise_[(s * static_cast<size_t>(problem_.steps) + t) * m + i];
        asked_[i] = std::clamp(u_[t * m + i] + noise, -problem_.limit[i], problem_.limit[i]);
        noise = asked_[i] - u_[t * m + i];  // as it acts: the mean of what acts keeps the limits too
        effort_[static_cast<size_t>(problem_.degrees[i])] = asked_[i];
      }
      cost_[s] += problem_.dt * running_cost(problem_.cost, q_, v_, asked_);
      batch_->write_controls(world, effort_, position_, velocity_);
    }
    batch_->step(options_.steps_per_control);
    for (size_t s = 0; s < cost_.size(); ++s) {
      if (batch_->fault(static_cast<int>(s)) != dynamics::WorldFault::kNone)
        cost_[s] = std::numeric_limits<double>::infinity();
    }
  }
  for (size_t s = 0; s < cost_.size(); ++s) {
    if (!std::isfinite(cost_[s])) continue;
    batch_->read_state(static_cast<int>(s), q_, v_);
    cost_[s] += end_cost(problem_.cost, q_, v_);
  }
}

MppiReport Mppi::plan(std::span<const double> q, std::span<const double> v, std::span<double> effort) {
  const size_t m = problem_.degrees.size(), steps = static_cast<size_t>(problem_.steps), samples = cost_.size();
  GEOUL_EXPECTS(q.size() == q_.size() && v.size() == v_.size() && effort.size() == m);
  for (size_t s = 0; s < samples; ++s) {
    batch_->write_state(static_cast<int>(s), q, v);
    Random random(options_.seed, (round_ << 32) | s);
    for (size_t k = 0; k < steps * m; ++k) {  // the first sample is the plan as it stands
      const size_t held = m * static_cast<size_t>(options_.hold);
      double& noise = noise_[s * steps * m + k];
      if (s == 0)
        noise = 0;
      else
        noise = k % held < m ? options_.deviation[k % m] * random.normal() : noise_[s * steps * m + k - m];
    }
    cost_[s] = 0;
  }
  ++round_;
  roll_out();
  MppiReport out;
  out.least = *std::min_element(cost_.begin(), cost_.end());
  int counted = 0;
  double sum = 0, squares = 0;
  std::vector<double> weight(samples, 0), change(steps * m, 0);
  for (size_t s = 0; s < samples; ++s) {
    if (!std::isfinite(cost_[s])) {
      ++out.faults;
      continue;
    }
    weight[s] = std::exp(-(cost_[s] - out.least) / options_.temperature);
    sum += weight[s], squares += weight[s] * weight[s], out.mean += cost_[s], ++counted;
  }
  if (counted > 0) {
    out.mean /= counted;
    out.effective = sum * sum / squares;
    for (size_t s = 0; s < samples; ++s) {
      for (size_t k = 0; k < steps * m && weight[s] > 0; ++k) change[k] += weight[s] / sum * noise_[s * steps * m + k];
    }
  }
  for (size_t k = 0; k < steps * m; ++k) u_[k] += change[k];
  std::copy(u_.begin(), u_.begin() + static_cast<std::ptrdiff_t>(m), effort.begin());
  return out;
}

void Mppi::move_on() {
  const auto m = static_cast<std::ptrdiff_t>(problem_.degrees.size());
  std::copy(u_.begin() + m, u_.end(), u_.begin());  // the last period keeps its efforts
}

}  // namespace geoul::decision
