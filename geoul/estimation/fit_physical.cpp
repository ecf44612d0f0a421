#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/estimation/identify.h"

namespace geoul::estimation {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// What is minimised, as a function of the parameters p: quadratic in the data, divergences of the prior.
class Cost {
 public:
  Cost(const SeriesRows& rows, const Layout& layout, const VectorXd& prior, const VectorXd& noise,
       const VectorXd& correlation, double belief)
      : layout_(layout), prior_(prior), belief_(belief) {
    const std::vector<bool> one = term_positive(layout.shape);
    for (int j = 0; j < layout.joints(); ++j) positive_.insert(positive_.end(), one.begin(), one.end());
    VectorXd weight(rows.y.size());
    for (Index r = 0; r < weight.size(); ++r) {
      const Index j = r % rows.series;
      weight(r) = 1 / (noise(j) * std::sqrt(correlation(j)));
    }
    const MatrixXd X = weight.asDiagonal() * rows.X;
    const VectorXd y = weight.cwiseProduct(rows.y);
    H_ = X.transpose() * X;
    g_ = X.transpose() * y;
    square_ = y.squaredNorm();
    term_scales(rows);
  }

  // Value; gradient and curvature by p where asked for.
  double operator()(const VectorXd& p, VectorXd* gradient = nullptr, MatrixXd* curvature = nullptr) const {
    const VectorXd Hp = H_ * p;
    double value = 0.5 * p.dot(Hp) - g_.dot(p) + 0.5 * square_;
    if (gradient != nullptr) *gradient = Hp - g_, *curvature = H_;
    for (Index at = 0; at < layout_.inertial(); at += kLinkParameters) {
      const Divergence d = divergence(p.segment<kLinkParameters>(at), prior_.segment<kLinkParameters>(at));
      value += belief_ * d.value;
      if (gradient == nullptr) continue;
      gradient->segment<kLinkParameters>(at) += belief_ * d.gradient;
      curvature->block<kLinkParameters, kLinkParameters>(at, at) += belief_ * d.hessian;
    }
    for (std::size_t k = 0; k < positive_.size(); ++k) {
      const Index at = layout_.inertial() + static_cast<Index>(k);
      const double scale = scale_(static_cast<Index>(k)), ratio = p(at) / scale;
      value += belief_ * (positive_[k] ? ratio - std::log(ratio) - 1 : 0.5 * ratio * ratio);
      if (gradient == nullptr) continue;
      (*gradient)(at) += belief_ / scale * (positive_[k] ? 1 - 1 / ratio : ratio);
      (*curvature)(at, at) += belief_ / (scale * scale) * (positive_[k] ? 1 / (ratio * ratio) : 1);
    }
    return value;
  }

  // Coordinates x without bounds: log-Cholesky of links, logarithms of what must be positive. Of the prior.
  VectorXd start() const {
    VectorXd x(layout_.size());
    for (Index at = 0; at < layout_.inertial(); at += kLinkParameters) {
      x.segment<kLinkParameters>(at) = *to_log_cholesky(prior_.segment<kLinkParameters>(at));
    }
    for (std::size_t k = 0; k < positive_.size(); ++k) {
      const double scale = scale_(static_cast<Index>(k));
      x(layout_.inertial() + static_cast<Index>(k)) = positive_[k] ? std::log(scale) : 0;
    }
    return x;
  }

  // Of consistent parameters.
  VectorXd coordinates(const VectorXd& p) const {
    VectorXd x(p.size());
    for (Index at = 0; at < layout_.inertial(); at += kLinkParameters) {
      x.segment<kLinkParameters>(at) = to_log_cholesky(p.segment<kLinkParameters>(at)).value();
    }
    for (std::size_t k = 0; k < positive_.size(); ++k) {
      const Index at = layout_.inertial() + static_cast<Index>(k);
      x(at) = positive_[k] ? std::log(p(at)) : p(at);
    }
    return x;
  }

  // p of x, and dp/dx (block diagonal).
  VectorXd parameters(const VectorXd& x, MatrixXd* J = nullptr) const {
    VectorXd p(x.size());
    if (J != nullptr) J->setZero(x.size(), x.size());
    for (Index at = 0; at < layout_.inertial(); at += kLinkParameters) {
      LinkMatrix own;
      p.segment<kLinkParameters>(at) = from_log_cholesky(x.segment<kLinkParameters>(at), J != nullptr ? &own : nullptr);
      if (J != nullptr) J->block<kLinkParameters, kLinkParameters>(at, at) = own;
    }
    for (std::size_t k = 0; k < positive_.size(); ++k) {
      const Index at = layout_.inertial() + static_cast<Index>(k);
      p(at) = positive_[k] ? std::exp(x(at)) : x(at);
      if (J != nullptr) (*J)(at, at) = positive_[k] ? p(at) : 1;
    }
    return p;
  }

 private:
  // Where nothing is known a term makes a twentieth of the joint's torque; a free one may make a fifth.
  void term_scales(const SeriesRows& rows) {
    scale_.resize(static_cast<Index>(positive_.size()));
    const int terms = layout_.shape.terms();
    for (int j = 0; j < layout_.joints(); ++j) {
      double torque = 0;
      VectorXd size = VectorXd::Zero(terms);
      for (Index r = j; r < rows.y.size(); r += rows.series) {
        torque += rows.y(r) * rows.y(r);
        for (int k = 0; k < terms; ++k) size(k) += rows.X(r, layout_.term(j, k)) * rows.X(r, layout_.term(j, k));
      }
      for (int k = 0; k < terms; ++k) {
        const Index at = Index(j) * terms + k;
        const double share = positive_[static_cast<std::size_t>(at)] ? 0.05 : 0.2;
        scale_(at) = torque > 0 && size(k) > 0 ? share * std::sqrt(torque / size(k)) : 1;
      }
    }
  }

  const Layout& layout_;
  const VectorXd& prior_;
  double belief_;
  std::vector<bool> positive_;
  VectorXd scale_;
  MatrixXd H_;
  VectorXd g_;
  double square_ = 0;
};

// Steps longer than this in coordinates are not trusted: a factor of about 7 in a mass.
constexpr double kLongestStep = 2;

}  // namespace

Fit fit_physical(const SeriesRows& rows, const Layout& layout, const VectorXd& prior, const VectorXd& noise,
                 const VectorXd& correlation, const FitOptions& options) {
  GEOUL_EXPECTS(rows.X.cols() == layout.size() && prior.size() == layout.inertial() && rows.series == layout.joints());
  GEOUL_EXPECTS(noise.size() == rows.series && correlation.size() == rows.series && options.belief > 0);
  const Cost cost(rows, layout, prior, noise, correlation, options.belief);
  Fit fit{layout, {}, noise, correlation, options.belief, false, 0, 0};
  VectorXd x = options.start != nullptr ? cost.coordinates(*options.start) : cost.start(), gradient;
  MatrixXd J, curvature;
  fit.p = cost.parameters(x);
  double value = cost(fit.p), damping = 1e-3;
  while (fit.iterations < options.max_iterations && !fit.converged) {
    ++fit.iterations;
    cost(cost.parameters(x, &J), &gradient, &curvature);
    const MatrixXd A = J.transpose() * curvature * J;
    const VectorXd b = J.transpose() * gradient;
    bool better = false;
    for (int attempt = 0; attempt < 30 && !better; ++attempt) {
      MatrixXd damped = A;
      damped.diagonal() += damping * A.diagonal();
      VectorXd step = -damped.ldlt().solve(b);
      const double longest = step.head(layout.inertial()).cwiseAbs().maxCoeff();
      if (longest > kLongestStep) step *= kLongestStep / longest;
      const VectorXd p = cost.parameters(x + step);
      const double next = p.allFinite() ? cost(p) : value;
      better = next < value;
      if (!better) {
        damping *= 4;
        continue;
      }
      fit.decrease = (value - next) / std::abs(value);
      x += step;
      fit.p = p;
      value = next;
      damping = std::max(damping / 5, 1e-12);
    }
    // No way down: at a minimum to rounding.
    fit.converged = !better || fit.decrease < 1e-8;
  }
  return fit;
}

Fit fit_physical(const SeriesRows& rows, const Layout& layout, const VectorXd& prior, const FitOptions& options) {
  // Unknowns that these rows tell at all; a base by the data, so that least squares has an answer.
  const BaseParameters base = find_base(rows.X, 1e-6);
  const SeriesRows told = with_columns(rows, base.base);
  IntervalOptions plain;
  plain.max_order = std::min(12, rows.instants() / 20);
  plain.simulations = 0;
  plain.robust = false;
  const LinearEstimate estimate = estimate_linear(told, plain);
  const VectorXd residual = told.y - told.X * estimate.value;
  VectorXd correlation(rows.series), noise(rows.series);
  for (int j = 0; j < rows.series; ++j) {
    std::vector<double> own;
    for (Index r = j; r < residual.size(); r += rows.series) own.push_back(residual(r));
    // Data without noise would weigh without bound.
    constexpr double kLeast = 1e-5;
    double square = 0;
    for (Index r = j; r < residual.size(); r += rows.series) square += rows.y(r) * rows.y(r);
    noise(j) = std::max(estimate.noise(j), kLeast * std::sqrt(square / rows.instants()));
    correlation(j) = correlation_steps(own, estimate.autoregression[static_cast<std::size_t>(j)]);
  }
  return fit_physical(rows, layout, prior, noise, correlation, options);
}

}  // namespace geoul::estimation
