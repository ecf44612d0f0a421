#include "geoul/estimation/base_parameters.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation {

// Modified Gram-Schmidt with one repetition, column by column in the given order, so that which columns are the base
// does not hang on the data's scale.
BaseParameters find_base(const Eigen::MatrixXd& W, double tolerance) {
  GEOUL_EXPECTS(W.rows() >= W.cols() && tolerance > 0);
  BaseParameters found;
  found.parameters = static_cast<int>(W.cols());
  Eigen::MatrixXd Q(W.rows(), W.cols());
  Eigen::MatrixXd R = Eigen::MatrixXd::Zero(W.cols(), W.cols());
  const double longest = W.colwise().norm().maxCoeff();
  double least = std::numeric_limits<double>::infinity(), greatest = 0;
  for (int c = 0; c < found.parameters; ++c) {
    Eigen::VectorXd column = W.col(c);
    const double length = column.norm();
    const auto r = static_cast<Eigen::Index>(found.base.size());
    for (int pass = 0; pass < 2 && length > 0; ++pass) {
      const Eigen::VectorXd along = Q.leftCols(r).transpose() * column;
      column -= Q.leftCols(r) * along;
      R.col(c).head(r) += along;
    }
    const double left = length > 1e-12 * longest ? column.norm() / length : 0;
    if (left > tolerance) {
      Q.col(r) = column.normalized();
      R(r, c) = column.norm();
      found.base.push_back(c);
      least = std::min(least, left);
    } else {
      found.rest.push_back(c);
      greatest = std::max(greatest, left);
    }
  }
  const auto n = static_cast<Eigen::Index>(found.base.size());
  Eigen::MatrixXd R_base(n, n);
  for (Eigen::Index k = 0; k < n; ++k) R_base.col(k) = R.col(found.base[static_cast<std::size_t>(k)]).head(n);
  found.G.resize(n, static_cast<Eigen::Index>(found.rest.size()));
  for (std::size_t k = 0; k < found.rest.size(); ++k) {
    found.G.col(static_cast<Eigen::Index>(k)) =
        R_base.triangularView<Eigen::Upper>().solve(R.col(found.rest[k]).head(n));
  }
  found.gap = least / std::max(greatest, std::numeric_limits<double>::epsilon());
  return found;
}

BaseParameters base_of_model(const dynamics::Model& model, bool rotors, int samples, std::uint64_t seed) {
  const int columns = kLinkParameters * model.nlink + (rotors ? model.nv : 0);
  if (samples <= 0) samples = 2 * columns / std::max(model.nv, 1) + 20;
  Random random(seed);
  dynamics::Data data = make_data(model);
  RowMatrix Y;
  Eigen::MatrixXd W = Eigen::MatrixXd::Zero(std::max(samples * model.nv, columns), columns);
  std::vector<double> q(static_cast<std::size_t>(model.nq)), v(static_cast<std::size_t>(model.nv)), a(v.size());
  for (int s = 0; s < samples; ++s) {
    std::vector<double> move(v.size());
    for (double& x : move) x = random.uniform(-std::numbers::pi, std::numbers::pi);
    integrate_position(model, model.q_start, move, 1.0, q);
    for (double& x : v) x = random.uniform(-10, 10);
    for (double& x : a) x = random.uniform(-10, 10);
    inertial_regressor(model, q, v, a, data, Y);
    W.block(s * model.nv, 0, model.nv, Y.cols()) = Y;
    for (int k = 0; rotors && k < model.nv; ++k) W(s * model.nv + k, Y.cols() + k) = a[static_cast<std::size_t>(k)];
  }
  return find_base(W);
}

Eigen::VectorXd to_base(const BaseParameters& base, const Eigen::VectorXd& p) {
  GEOUL_EXPECTS(p.size() == base.parameters);
  Eigen::VectorXd b(base.count());
  for (int k = 0; k < base.count(); ++k) b(k) = p(base.base[static_cast<std::size_t>(k)]);
  for (std::size_t k = 0; k < base.rest.size(); ++k) b += p(base.rest[k]) * base.G.col(static_cast<Eigen::Index>(k));
  return b;
}

std::string describe(const BaseParameters& base, int index, const std::vector<std::string>& names) {
  GEOUL_EXPECTS(index >= 0 && index < base.count() && names.size() == static_cast<std::size_t>(base.parameters));
  std::string text = names[static_cast<std::size_t>(base.base[static_cast<std::size_t>(index)])];
  for (std::size_t k = 0; k < base.rest.size(); ++k) {
    const double g = base.G(index, static_cast<Eigen::Index>(k));
    if (std::abs(g) < 1e-9) continue;
    char number[32] = "";
    if (std::abs(std::abs(g) - 1) > 1e-9) std::snprintf(number, sizeof number, "%.4g ", std::abs(g));
    text += (g < 0 ? " - " : " + ") + std::string(number) + names[static_cast<std::size_t>(base.rest[k])];
  }
  return text;
}

}  // namespace geoul::estimation
