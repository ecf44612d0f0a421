#include "geoul/estimation/momentum_observer.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation {

MomentumObserver::MomentumObserver(const dynamics::Model& model, const MomentumObserverOptions& options)
    : model_(&model), options_(options), data_(make_data(model)) {
  GEOUL_EXPECTS(model.nv > 0 && model.constraints.empty() && options.bandwidth > 0 && options.friction_speed > 0);
  const auto nv = static_cast<std::size_t>(model.nv);
  for (auto* x : {&p_, &beta_, &r_, &x_, &zero_, &p_next_, &beta_next_, &before_, &after_, &gravity_}) {
    x->resize(nv);
  }
  q_near_.resize(static_cast<std::size_t>(model.nq));
}

void MomentumObserver::momentum(std::span<const double> q, std::span<const double> v, std::vector<double>& p) {
  inverse_dynamics(*model_, q, zero_, v, {}, data_, p);
  inverse_dynamics(*model_, q, zero_, zero_, {}, data_, gravity_);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] -= gravity_[i];
}

void MomentumObserver::step(double dt, std::span<const double> q, std::span<const double> v,
                            std::span<const double> tau) {
  const std::size_t nv = p_.size();
  GEOUL_EXPECTS(q.size() == q_near_.size() && v.size() == nv && tau.size() == nv && dt > 0);
  momentum(q, v, p_next_);
  double fastest = 0;
  for (double rate : v) fastest = std::max(fastest, std::abs(rate));
  inverse_dynamics(*model_, q, v, zero_, {}, data_, beta_next_);
  if (fastest > 0) {
    constexpr double kReach = 1e-4;  // [rad, m]
    const double h = kReach / fastest;
    integrate_position(*model_, q, v, h, q_near_);
    momentum(q_near_, v, after_);
    integrate_position(*model_, q, v, -h, q_near_);
    momentum(q_near_, v, before_);
    for (std::size_t i = 0; i < nv; ++i) beta_next_[i] -= (after_[i] - before_[i]) / (2 * h);
  }
  for (std::size_t i = 0; i < nv; ++i) {
    const dynamics::JointLaw& law = model_->laws[i];
    beta_next_[i] += law.damping * v[i];
    if (law.friction > 0) beta_next_[i] += law.friction * std::tanh(v[i] / options_.friction_speed);
    if (law.stiffness != 0 && law.q >= 0) {
      beta_next_[i] += law.stiffness * (q[static_cast<std::size_t>(law.q)] - law.spring_position);
    }
  }
  if (started_) {
    const double keep = std::exp(-options_.bandwidth * dt);
    for (std::size_t i = 0; i < nv; ++i) {
      x_[i] = (p_next_[i] - p_[i]) / dt - (tau[i] - 0.5 * (beta_[i] + beta_next_[i]));
      r_[i] = keep * r_[i] + (1 - keep) * x_[i];
    }
  }
  p_.swap(p_next_);
  beta_.swap(beta_next_);
  started_ = true;
}

}  // namespace geoul::estimation
