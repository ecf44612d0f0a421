#include "geoul/estimation/excitation.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation {
namespace {

using dynamics::Model;
using Eigen::Index;

struct Limits {
  Eigen::VectorXd low, high, velocity, acceleration;  // (njoint), margin taken off
};

Result<Limits> limits_of(const Model& model, const JointColumns& columns, const ExcitationOptions& options) {
  const Index n = columns.count();
  GEOUL_EXPECTS(options.acceleration.empty() || static_cast<Index>(options.acceleration.size()) == n);
  Limits limits{Eigen::VectorXd(n), Eigen::VectorXd(n), Eigen::VectorXd(n), Eigen::VectorXd(n)};
  for (Index j = 0; j < n; ++j) {
    const auto at = static_cast<std::size_t>(j);
    const dynamics::JointLaw& law = model.laws[static_cast<std::size_t>(columns.v[at])];
    if (!std::isfinite(law.lower) || !std::isfinite(law.upper) || !std::isfinite(law.velocity_limit)) {
      return Error{ErrorCode::kBadInput, "joint '" + columns.names[at] +
                                             "' has no limits of position and velocity; write them into the scene"};
    }
    const double middle = 0.5 * (law.lower + law.upper), half = 0.5 * options.margin * (law.upper - law.lower);
    limits.low(j) = middle - half;
    limits.high(j) = middle + half;
    limits.velocity(j) = options.margin * law.velocity_limit;
    limits.acceleration(j) = options.margin * (options.acceleration.empty() ? 10 : options.acceleration[at]);
  }
  return limits;
}

// At rest at t = 0: the rates sum_k k sine_k and the accelerations sum_k k^2 cosine_k are taken off, evenly.
void rest_at_ends(Excitation& e) {
  const Index harmonics = e.sine.cols();
  Eigen::RowVectorXd first(harmonics), second(harmonics);
  for (Index k = 0; k < harmonics; ++k) first(k) = static_cast<double>(k + 1), second(k) = first(k) * first(k);
  for (Index j = 0; j < e.sine.rows(); ++j) {
    e.sine.row(j) -= e.sine.row(j).dot(first) / first.squaredNorm() * first;
    e.cosine.row(j) -= e.cosine.row(j).dot(second) / second.squaredNorm() * second;
  }
}

// Shrinks each joint's series until it keeps its limits, and moves its centre to where the range fits.
void fit_into(const Limits& limits, double sample, Excitation& e) {
  rest_at_ends(e);
  e.center.setZero();
  const RegularMotion m = sampled(e, sample);
  for (Index j = 0; j < e.sine.rows(); ++j) {
    const double low = m.q.col(j).minCoeff(), high = m.q.col(j).maxCoeff();
    double scale = std::min((limits.high(j) - limits.low(j)) / std::max(high - low, 1e-9),
                            limits.velocity(j) / std::max(m.v.col(j).cwiseAbs().maxCoeff(), 1e-9));
    scale = std::min(scale, limits.acceleration(j) / std::max(m.a.col(j).cwiseAbs().maxCoeff(), 1e-9));
    e.sine.row(j) *= scale;
    e.cosine.row(j) *= scale;
    // As near the middle as it was drawn; the whole range stays inside.
    e.center(j) = std::clamp(0.5 * (limits.low(j) + limits.high(j) - scale * (low + high)), limits.low(j) - scale * low,
                             limits.high(j) - scale * high);
  }
}

// Condition number, or infinity where the machine may not stand somewhere on the way.
double judge(const Model& model, const JointColumns& columns, const Layout& layout, const BaseParameters& base,
             const ExcitationOptions& options, const Excitation& e) {
  const RegularMotion m = sampled(e, options.sample);
  for (Index i = 0; options.free && i < m.q.rows(); ++i) {
    if (!options.free({m.q.row(i).data(), static_cast<std::size_t>(m.q.cols())})) {
      return std::numeric_limits<double>::infinity();
    }
  }
  return condition_number(identification_rows(model, columns, layout, {&m, 1}, {0, 1}), base);
}

Excitation random_series(const JointColumns& columns, const ExcitationOptions& options, Random& random) {
  Excitation e;
  e.period = options.period;
  e.center = Eigen::VectorXd::Zero(columns.count());
  e.sine = e.cosine = RowMatrix::Zero(columns.count(), options.harmonics);
  for (Index i = 0; i < e.sine.size(); ++i) {
    e.sine.data()[i] = random.normal();
    e.cosine.data()[i] = random.normal();
  }
  return e;
}

}  // namespace

double condition_number(const SeriesRows& rows, const BaseParameters& base) {
  Eigen::MatrixXd X(rows.X.rows(), base.count());
  for (int k = 0; k < base.count(); ++k) X.col(k) = rows.X.col(base.base[static_cast<std::size_t>(k)]);
  const Eigen::VectorXd length = X.colwise().norm().transpose();
  if (!(length.minCoeff() > 0)) return std::numeric_limits<double>::infinity();
  const Eigen::MatrixXd scaled = X * length.cwiseInverse().asDiagonal();
  const Eigen::MatrixXd gram = scaled.transpose() * scaled;
  const Eigen::VectorXd values =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(gram, Eigen::EigenvaluesOnly).eigenvalues();
  return values(0) > 0 ? std::sqrt(values(values.size() - 1) / values(0)) : std::numeric_limits<double>::infinity();
}

RegularMotion sampled(const Excitation& e, double sample) {
  GEOUL_EXPECTS(sample > 0 && e.period > 0);
  const auto n = static_cast<Index>(std::floor(e.period / sample)) + 1;
  RegularMotion m;
  m.period = sample;
  m.q = m.v = m.a = m.tau = RowMatrix::Zero(n, e.sine.rows());
  for (Index i = 0; i < n; ++i) {
    m.q.row(i) = e.center.transpose();
    for (Index k = 0; k < e.sine.cols(); ++k) {
      const double w = 2 * std::numbers::pi * static_cast<double>(k + 1) / e.period;
      const double angle = w * sample * static_cast<double>(i), s = std::sin(angle), c = std::cos(angle);
      m.q.row(i) += (s * e.sine.col(k) + (c - 1) * e.cosine.col(k)).transpose();
      m.v.row(i) += w * (c * e.sine.col(k) - s * e.cosine.col(k)).transpose();
      m.a.row(i) -= w * w * (s * e.sine.col(k) + c * e.cosine.col(k)).transpose();
    }
  }
  return m;
}

Result<Excitation> design_excitation(const Model& model, const JointColumns& columns,
                                     const ExcitationOptions& options) {
  GEOUL_EXPECTS(options.harmonics >= 3 && options.period > 0 && options.first >= 1 && options.sample > 0);
  const Result<Limits> limits = limits_of(model, columns, options);
  if (!limits) return limits.error();
  const Layout layout = make_layout(model, columns, options.friction);
  Random random(options.seed);
  std::vector<double> conditions;
  Excitation best;
  best.condition = std::numeric_limits<double>::infinity();
  BaseParameters base;
  for (int i = 0; i < options.first; ++i) {
    Excitation e = random_series(columns, options, random);
    fit_into(*limits, options.sample, e);
    if (i == 0) {
      const RegularMotion m = sampled(e, options.sample);
      base = find_base(identification_rows(model, columns, layout, {&m, 1}, {0, 1}).X, 1e-7);
    }
    e.condition = judge(model, columns, layout, base, options, e);
    conditions.push_back(e.condition);
    if (e.condition < best.condition) best = e;
  }
  if (!std::isfinite(best.condition)) {
    return Error{ErrorCode::kBadInput, "none of " + std::to_string(options.first) +
                                           " random motions is free of obstacles; lower `margin` or make room"};
  }
  std::nth_element(conditions.begin(), conditions.begin() + options.first / 2, conditions.end());
  double step = 0.3;
  for (int i = 0; i < options.improve; ++i) {
    Excitation child = best;
    for (Index k = 0; k < child.sine.size(); ++k) {
      const double size = child.sine.row(k / child.sine.cols()).norm() + child.cosine.row(k / child.sine.cols()).norm();
      child.sine.data()[k] += step * size * random.normal() / options.harmonics;
      child.cosine.data()[k] += step * size * random.normal() / options.harmonics;
    }
    fit_into(*limits, options.sample, child);
    child.condition = judge(model, columns, layout, base, options, child);
    const bool better = child.condition < best.condition;
    if (better) best = child;
    step = std::clamp(step * (better ? 1.5 : 0.9), 0.01, 1.0);
  }
  best.first_condition = conditions[static_cast<std::size_t>(options.first / 2)];
  return best;
}

}  // namespace geoul::estimation
