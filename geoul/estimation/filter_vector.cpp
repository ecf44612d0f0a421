// Measurements of several values that are not linear in the state: poses and IMUs.
#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/estimation/covariance.h"
#include "geoul/estimation/filter.h"

namespace geoul::estimation {
namespace {

constexpr double kStep = 1e-6;
std::size_t size(int n) { return static_cast<std::size_t>(n); }
int values_of(MeasurementKind kind) { return kind == MeasurementKind::kPose ? 6 : 3; }

}  // namespace

// H_ (values x n) and z0_ at the state: differences, or over the cubature points. Returns the number of values.
int Filter::linearize(const Measurement& m, const FilterState& state) {
  const int values = values_of(m.kind);
  const auto n = size(n_);
  if (m.kind == MeasurementKind::kPose) {
    const dynamics::BodyAddress& address = model_.bodies[size(m.index)];
    forward_kinematics(model_, state.q, state.v, data_);
    reference_ = quaternion(data_.links[size(address.link)].X_WL.R * address.X_LB.R);
  }
  std::fill(error_.begin(), error_.end(), 0.0);
  displace(state, error_, other_);
  observe(m, state, other_, z0_);
  const bool cubature = options_.method == FilterMethod::kCubature;
  for (std::size_t i = 0; i < n; ++i) {
    if (!cubature) {
      error_[i] = kStep;
      displace(state, error_, other_);
      error_[i] = 0;
      observe(m, state, other_, z1_);
      for (int k = 0; k < values; ++k) H_[size(k) * n + i] = (z1_[size(k)] - z0_[size(k)]) / kStep;
      continue;
    }
    const double root = std::sqrt(state.D[i]), reach = std::sqrt(static_cast<double>(n)) * root;
    for (int side : {1, -1}) {
      for (std::size_t k = 0; k < n; ++k) error_[k] = k <= i ? side * reach * state.U[k * n + i] : 0;
      displace(state, error_, other_);
      observe(m, state, other_, side > 0 ? z1_ : z2_);
    }
    // H S = G with S = U sqrt(D), column by column.
    for (int k = 0; k < values; ++k) {
      double* h = &H_[size(k) * n];
      double rest = (z1_[size(k)] - z2_[size(k)]) / (2 * reach);  // over root(n) S_ii: G_i / S_ii
      for (std::size_t j = 0; j < i; ++j) rest -= h[j] * state.U[j * n + i];
      h[i] = rest;
    }
  }
  return values;
}

void Filter::update_vector(const Measurement& m, FilterState& state) {
  const auto n = size(n_);
  const int values = linearize(m, state);
  std::array<double, 6> residual{};
  if (m.kind == MeasurementKind::kPose) {
    const Vec3d turn = log_rotation(conjugate(reference_) * m.X.R);
    for (int k = 0; k < 3; ++k) residual[size(k)] = m.X.p[k] - z0_[size(k)], residual[size(3 + k)] = turn[k];
  } else {
    for (int k = 0; k < 3; ++k) residual[size(k)] = m.vector[k] - z0_[size(k)];
  }
  saved_U_ = state.U;
  saved_D_ = state.D;
  std::fill(dx_.begin(), dx_.end(), 0.0);
  double square = 0;
  for (int k = 0; k < values; ++k) {
    const std::span<const double> h(&H_[size(k) * n], n);
    const double deviation = k < 3 ? m.deviation : m.second_deviation;
    double left = residual[size(k)];
    for (std::size_t i = 0; i < n; ++i) left -= h[i] * dx_[i];
    const double variance = update_factors(n_, h, deviation * deviation, state.U, state.D, gain_);
    for (std::size_t i = 0; i < n; ++i) dx_[i] += gain_[i] * left;
    square += left * left / variance;
  }
  if (m.kind == MeasurementKind::kPose && options_.outlier > 0 && square > options_.outlier) {
    state.U = saved_U_;
    state.D = saved_D_;
    ++state.left_out;
    return;
  }
  note(nv_, square / values, state);
  correct(dx_, state);
  if (m.kind != MeasurementKind::kPose) return;
  // A pose tells the positions of all degrees that carry the body.
  for (int link = model_.bodies[size(m.index)].link; link >= 0; link = model_.links[size(link)].parent) {
    const dynamics::Link& l = model_.links[size(link)];
    const int degrees = l.motion == dynamics::LinkMotion::kBall ? 3 : 1;
    for (int k = 0; k < degrees; ++k) state.seen[size(l.v + k)] = std::max(state.seen[size(l.v + k)], m.time);
  }
}

}  // namespace geoul::estimation
