#include "geoul/estimation/filter.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/estimation/covariance.h"

namespace geoul::estimation {
namespace {

constexpr double kStep = 1e-6;         // of differences
constexpr double kLongestStep = 5e-3;  // [s] of one prediction

std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace

void position_difference(const dynamics::Model& model, std::span<const double> a, std::span<const double> b,
                         std::span<double> out) {
  for (const dynamics::Link& link : model.links) {
    const auto q = size(link.q), v = size(link.v);
    if (link.motion != dynamics::LinkMotion::kBall) {
      out[v] = b[q] - a[q];
      continue;
    }
    const Vec3d turn =
        log_rotation(conjugate(Quatd{a[q], a[q + 1], a[q + 2], a[q + 3]}) * Quatd{b[q], b[q + 1], b[q + 2], b[q + 3]});
    for (int k = 0; k < 3; ++k) out[v + size(k)] = turn[k];
  }
}

Filter::Filter(const dynamics::Model& model, const EstimatorOptions& options)
    : model_(model), options_(options), nv_(model.nv), n_(3 * model.nv), data_(make_data(model)) {
  GEOUL_EXPECTS(model.nv > 0 && model.constraints.empty());
  GEOUL_EXPECTS(options.torque_noise > 0 && options.external_rate >= 0 && options.friction_speed > 0);
  GEOUL_EXPECTS(options.position_deviation > 0 && options.velocity_deviation > 0 && options.external_deviation > 0);
  const auto nv = size(nv_), n = size(n_);
  for (auto* x : {&force_, &a_, &zero_, &step_}) x->resize(nv);
  for (auto* x : {&gain_, &dx_, &error_, &mean_, &saved_D_}) x->resize(n);
  for (Point* p : {&center_, &moved_, &other_, &moved_other_}) *p = {model.q_start, model.v_start, zero_};
  F_.resize(n * n);
  saved_U_.resize(n * n);
  W_.resize(n * (2 * n + 2 * nv));
  weights_.resize(2 * n + 2 * nv);
  H_.resize(6 * n);
  for (auto* z : {&z0_, &z1_, &z2_}) z->resize(6);
}

FilterState Filter::start(Time time, const scene::State* given) const {
  const auto nv = size(nv_), n = size(n_);
  FilterState s;
  s.q = given ? given->q : model_.q_start;
  s.v = given ? given->v : model_.v_start;
  GEOUL_EXPECTS(s.q.size() == size(model_.nq) && s.v.size() == nv);
  s.d.resize(nv);
  s.tau.resize(nv);
  s.U.resize(n * n);
  s.D.resize(n);
  const double deviations[3] = {options_.position_deviation, options_.velocity_deviation, options_.external_deviation};
  for (std::size_t i = 0; i < n; ++i) s.U[i * n + i] = 1, s.D[i] = deviations[i / nv] * deviations[i / nv];
  s.seen.assign(nv, time);
  s.last.assign(nv, std::nan(""));
  s.last_speed.resize(nv);
  s.deviation.resize(nv);
  s.last_change.assign(nv, time);
  s.frozen.resize(nv);
  s.consistency.assign(nv + 1, 1);
  s.readings.resize(nv + 1);
  s.early_square.resize(nv);
  return s;
}

// tau + d less springs, damping and friction of the joints, into force_.
void Filter::net_force(const double* q, const double* v, const double* d, const double* tau) {
  for (std::size_t i = 0; i < size(nv_); ++i) {
    const dynamics::JointLaw& law = model_.laws[i];
    double f = tau[i] + d[i] - law.damping * v[i];
    if (law.friction > 0) f -= law.friction * std::tanh(v[i] / options_.friction_speed);
    if (law.stiffness != 0 && law.q >= 0) f -= law.stiffness * (q[law.q] - law.spring_position);
    force_[i] = f;
  }
}

void Filter::acceleration(const FilterState& state, std::span<double> a) {
  net_force(state.q.data(), state.v.data(), state.d.data(), state.tau.data());
  forward_dynamics(model_, state.q, state.v, force_, {}, data_, a);
}

void Filter::move(const Point& from, const std::vector<double>& tau, double dt, Point& to) {
  net_force(from.q.data(), from.v.data(), from.d.data(), tau.data());
  forward_dynamics(model_, from.q, from.v, force_, {}, data_, a_);
  const double fade = options_.external_time > 0 ? std::exp(-dt / options_.external_time) : 1;
  for (std::size_t i = 0; i < size(nv_); ++i) {
    to.v[i] = from.v[i] + dt * a_[i];
    step_[i] = 0.5 * (from.v[i] + to.v[i]);
    to.d[i] = fade * from.d[i];
  }
  integrate_position(model_, from.q, step_, dt, to.q);
}

void Filter::displace(const FilterState& state, std::span<const double> error, Point& out) const {
  const auto nv = size(nv_);
  integrate_position(model_, state.q, error.first(nv), 1, out.q);
  for (std::size_t i = 0; i < nv; ++i) {
    out.v[i] = state.v[i] + error[nv + i];
    out.d[i] = state.d[i] + error[2 * nv + i];
  }
}

void Filter::difference(const Point& a, const Point& b, std::span<double> error) const {
  const auto nv = size(nv_);
  position_difference(model_, a.q, b.q, error.first(nv));
  for (std::size_t i = 0; i < nv; ++i) {
    error[nv + i] = b.v[i] - a.v[i];
    error[2 * nv + i] = b.d[i] - a.d[i];
  }
}

void Filter::predict(Duration duration, FilterState& state) {
  const double all = duration.seconds();
  if (!(all > 0)) return;
  const int steps = static_cast<int>(std::ceil(all / kLongestStep));
  for (int i = 0; i < steps; ++i) predict_once(all / steps, state);
}

// Columns `column` on of W_ (row length `row`): what torque noise and the walk of d add over dt.
void Filter::add_noise(const FilterState& state, double dt, int column) {
  const auto nv = size(nv_), n = size(n_), first = size(column), row = first + 2 * nv;
  net_force(state.q.data(), state.v.data(), state.d.data(), state.tau.data());
  forward_dynamics(model_, state.q, state.v, force_, {}, data_, step_);
  for (std::size_t i = 0; i < nv; ++i) {
    force_[i] += 1;
    forward_dynamics(model_, state.q, state.v, force_, {}, data_, a_);
    force_[i] -= 1;
    const double density = options_.torque_noise * std::sqrt(dt);
    for (std::size_t k = 0; k < n; ++k) W_[k * row + first + i] = W_[k * row + first + nv + i] = 0;
    for (std::size_t k = 0; k < nv; ++k) {
      const double dv = (a_[k] - step_[k]) * density;
      W_[k * row + first + i] = 0.5 * dt * dv;
      W_[(nv + k) * row + first + i] = dv;
    }
    W_[(2 * nv + i) * row + first + nv + i] = options_.external_rate * std::sqrt(dt);
    weights_[first + i] = weights_[first + nv + i] = 1;
  }
}

void Filter::predict_once(double dt, FilterState& state) {
  const auto nv = size(nv_), n = size(n_);
  const bool cubature = options_.method == FilterMethod::kCubature;
  const std::size_t columns = cubature ? 2 * n : n, row = columns + 2 * nv;
  center_.q = state.q, center_.v = state.v, center_.d = state.d;
  std::fill(error_.begin(), error_.end(), 0.0);
  if (cubature) {
    move(center_, state.tau, dt, moved_);
    std::fill(dx_.begin(), dx_.end(), 0.0);
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t i = c % n;
      const double reach = (c < n ? 1 : -1) * std::sqrt(static_cast<double>(n) * state.D[i]);
      for (std::size_t k = 0; k < n; ++k) error_[k] = k <= i ? reach * state.U[k * n + i] : 0;
      displace(state, error_, other_);
      move(other_, state.tau, dt, moved_other_);
      difference(moved_, moved_other_, error_);
      for (std::size_t k = 0; k < n; ++k) {
        W_[k * row + c] = error_[k];
        dx_[k] += error_[k] / static_cast<double>(columns);
      }
      weights_[c] = 1 / static_cast<double>(columns);
    }
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t c = 0; c < columns; ++c) W_[k * row + c] -= dx_[k];
    }
  } else {
    move(center_, state.tau, dt, moved_);
    for (std::size_t i = 0; i < n; ++i) {
      error_[i] = kStep;
      displace(state, error_, other_);
      error_[i] = 0;
      move(other_, state.tau, dt, moved_other_);
      difference(moved_, moved_other_, mean_);
      for (std::size_t k = 0; k < n; ++k) F_[k * n + i] = mean_[k] / kStep;
    }
    for (std::size_t k = 0; k < n; ++k) {  // F U
      double* w = &W_[k * row];
      std::fill(w, w + n, 0.0);
      for (std::size_t m = 0; m < n; ++m) {
        const double f = F_[k * n + m];
        if (f == 0) continue;
        const double* u = &state.U[m * n];
        for (std::size_t c = m; c < n; ++c) w[c] += f * u[c];
      }
    }
    std::copy(state.D.begin(), state.D.end(), weights_.begin());
  }
  add_noise(state, dt, static_cast<int>(columns));
  state.q = moved_.q, state.v = moved_.v, state.d = moved_.d;
  if (cubature) correct(dx_, state);
  factor_product(n_, static_cast<int>(row), W_, weights_, state.U, state.D);
}

void Filter::correct(std::span<const double> dx, FilterState& state) {
  displace(state, dx, other_);
  state.q.swap(other_.q);
  state.v.swap(other_.v);
  state.d.swap(other_.d);
}

void Filter::note(int slot, double square, FilterState& state) const {
  const auto i = size(slot);
  state.readings[i] += 1;
  const double share = 1 / std::min(state.readings[i], options_.consistency_memory);
  state.consistency[i] += share * (square - state.consistency[i]);
}

// One scalar measurement that is linear at the state. Returns the normalised innovation squared.
double Filter::apply(std::span<const double> h, double residual, double deviation, FilterState& state) {
  const double variance = update_factors(n_, h, deviation * deviation, state.U, state.D, gain_);
  for (std::size_t i = 0; i < size(n_); ++i) dx_[i] = gain_[i] * residual;
  correct(dx_, state);
  return residual * residual / variance;
}

void Filter::update_position(const Measurement& m, FilterState& state) {
  const auto i = size(m.index), n = size(n_);
  constexpr double kShortest = 20e-3;  // [s] that a value must stand
  constexpr double kClear = 8;         // deviations that the machine must have moved meanwhile
  if (m.value == state.last[i]) {
    const double stood = (m.time - state.last_change[i]).seconds();
    state.frozen[i] = stood >= kShortest && state.last_speed[i] * stood > kClear * m.deviation;
  } else {
    std::fill(error_.begin(), error_.end(), 0.0);
    error_[size(nv_) + i] = 1;
    const double deviation = std::sqrt(variance(n_, error_, state.U, state.D));
    error_[size(nv_) + i] = 0;
    state.last[i] = m.value;
    state.last_change[i] = m.time;
    state.last_speed[i] = std::abs(state.v[i]) - 3 * deviation;
    state.frozen[i] = 0;
  }
  if (state.frozen[i]) return;
  std::fill(H_.begin(), H_.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
  H_[i] = 1;
  const dynamics::JointLaw& law = model_.laws[i];
  note(m.index, apply({H_.data(), n}, m.value - state.q[size(law.q)], m.deviation, state), state);
  state.seen[i] = m.time;
  state.deviation[i] = m.deviation;
}

// What a pose or IMU would show: (position, turn from the body's estimated attitude) or three values.
void Filter::observe(const Measurement& m, const FilterState& state, const Point& at, std::span<double> z) {
  const dynamics::BodyAddress& address = model_.bodies[size(m.index)];
  net_force(at.q.data(), at.v.data(), at.d.data(), state.tau.data());
  if (m.kind == MeasurementKind::kSpecificForce) {
    forward_dynamics(model_, at.q, at.v, force_, {}, data_, a_);
    inverse_dynamics(model_, at.q, at.v, a_, {}, data_, step_);
  } else {
    forward_kinematics(model_, at.q, at.v, data_);
  }
  const dynamics::LinkData& link = data_.links[size(address.link)];
  if (m.kind == MeasurementKind::kPose) {
    const Vec3d p = link.X_WL * address.X_LB.p;
    const Quatd R = quaternion(link.X_WL.R * address.X_LB.R);
    const Vec3d turn = log_rotation(conjugate(reference_) * R);
    for (int k = 0; k < 3; ++k) z[size(k)] = p[k], z[size(3 + k)] = turn[k];
    return;
  }
  const Transformd X_LS = address.X_LB * transform(m.X);
  Vec3d value = link.V.w;
  if (m.kind == MeasurementKind::kSpecificForce) {
    const Vec3d& w = link.V.w;
    value = link.A.v + cross(link.A.w, X_LS.p) + cross(w, link.V.v + cross(w, X_LS.p));
  }
  const Vec3d in_S = transpose_times(X_LS.R, value);
  for (int k = 0; k < 3; ++k) z[size(k)] = in_S[k];
}

void Filter::update(const Measurement& m, Time begin, FilterState& state) {
  const auto n = size(n_);
  switch (m.kind) {
    case MeasurementKind::kTorque: state.tau[size(m.index)] = m.value; return;
    case MeasurementKind::kPosition:
      update_position(m, state);
      if ((m.time - begin).seconds() <= 1) {
        state.early_readings += 1;
        for (std::size_t i = 0; i < size(nv_); ++i) state.early_square[i] += state.d[i] * state.d[i];
      }
      return;
    case MeasurementKind::kVelocity:
      std::fill(H_.begin(), H_.begin() + static_cast<std::ptrdiff_t>(n), 0.0);
      H_[size(nv_ + m.index)] = 1;
      note(m.index, apply({H_.data(), n}, m.value - state.v[size(m.index)], m.deviation, state), state);
      return;
    default: update_vector(m, state);
  }
}

}  // namespace geoul::estimation
