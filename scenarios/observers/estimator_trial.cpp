#include "scenarios/observers/estimator_trial.h"

#include <cmath>

namespace geoul::scenarios {

TrialPlant::TrialPlant(const dynamics::Model& model, const EstimatorOptions& options, const TrialNoise& noise,
                       std::uint64_t seed)
    : q(model.q_start),
      v(model.v_start),
      random(seed),
      model_(model),
      options_(options),
      noise_(noise),
      data_(make_data(model)) {
  const auto nv = static_cast<std::size_t>(model.nv);
  for (auto* x : {&d, &tau, &force_, &a_, &hold_, &zero_}) x->resize(nv);
  std::vector<double> away(nv);
  for (std::size_t i = 0; i < nv; ++i) {
    away[i] = options.position_deviation * random.normal();
    v[i] += options.velocity_deviation * random.normal();
    d[i] = options.external_deviation * random.normal();
  }
  integrate_position(model, model.q_start, away, 1, q);
  plan();
}

void TrialPlant::plan() {
  // Gravity and a swing, with drives that know the truth: the estimator sees the torques only.
  const auto nv = static_cast<std::size_t>(model_.nv);
  const double t = time.seconds();
  inverse_dynamics(model_, q, zero_, zero_, {}, data_, hold_);
  for (std::size_t i = 0; i < nv; ++i) {
    const dynamics::JointLaw& law = model_.laws[i];
    tau[i] = hold_[i] - d[i] - 2 * v[i];
    if (law.q >= 0) {
      const auto at = static_cast<std::size_t>(law.q);
      tau[i] += 20 * (model_.q_start[at] + 0.4 * std::sin((2 + 0.3 * static_cast<double>(i)) * t) - q[at]);
    }
    drives_.push_back({MeasurementKind::kTorque, static_cast<int>(i), time, tau[i], 0, 0, {}, {}});
  }
}

void TrialPlant::step(Duration duration) {
  const double dt = duration.seconds();
  const auto nv = static_cast<std::size_t>(model_.nv);
  for (std::size_t i = 0; i < nv; ++i) {
    const dynamics::JointLaw& law = model_.laws[i];
    force_[i] = tau[i] + d[i] - law.damping * v[i] + options_.torque_noise / std::sqrt(dt) * random.normal();
    if (law.friction > 0) force_[i] -= law.friction * std::tanh(v[i] / options_.friction_speed);
    d[i] += options_.external_rate * std::sqrt(dt) * random.normal();
  }
  forward_dynamics(model_, q, v, force_, {}, data_, a_);
  for (std::size_t i = 0; i < nv; ++i) {
    const double next = v[i] + dt * a_[i];
    force_[i] = 0.5 * (v[i] + next);
    v[i] = next;
  }
  integrate_position(model_, q, force_, dt, q);
  time = time + duration;
  plan();
}

void TrialPlant::measure(std::vector<Measurement>& out) {
  out.insert(out.end(), drives_.begin(), drives_.end());
  drives_.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(model_.nv); ++i) {
    const int at = model_.laws[i].q;
    if (at < 0) continue;
    Measurement m{MeasurementKind::kPosition, static_cast<int>(i), time, 0, noise_.position, 0, {}, {}};
    m.value = q[static_cast<std::size_t>(at)] + noise_.position * random.normal();
    out.push_back(m);
    if (!noise_.velocity) continue;
    m.kind = MeasurementKind::kVelocity;
    m.value = v[i] + noise_.velocity_noise * random.normal();
    m.deviation = noise_.velocity_noise;
    out.push_back(m);
  }
}

}  // namespace geoul::scenarios
