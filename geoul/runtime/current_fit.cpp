#include "geoul/runtime/current_fit.h"

#include <Eigen/Dense>
#include <cmath>
#include <vector>

#include "geoul/core/contract.h"

namespace geoul::runtime {

double predict_current(const CurrentModel& model, double tau, double v) {
  return model.per_torque * tau + model.per_velocity * v + model.per_sign * std::tanh(v / model.softness);
}

std::optional<CurrentModel> fit_current(std::span<const double> tau, std::span<const double> v,
                                        std::span<const double> current, double softness) {
  GEOUL_EXPECTS(tau.size() == v.size() && v.size() == current.size() && softness > 0);
  constexpr int kFewest = 8;
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (std::abs(v[i]) > softness) rows.push_back(i);
  }
  const auto n = static_cast<Eigen::Index>(rows.size());
  if (n < kFewest) return std::nullopt;
  Eigen::MatrixXd X(n, 3);
  Eigen::VectorXd y(n);
  for (Eigen::Index r = 0; r < n; ++r) {
    const std::size_t i = rows[static_cast<std::size_t>(r)];
    X.row(r) << tau[i], v[i], std::tanh(v[i] / softness);
    y(r) = current[i];
  }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(X);
  if (qr.rank() < 3) return std::nullopt;
  const Eigen::Vector3d c = qr.solve(y);
  if (c(0) == 0) return std::nullopt;
  const double variance = (y - X * c).squaredNorm() / static_cast<double>(n - 3);
  const Eigen::Matrix3d covariance = variance * (X.transpose() * X).inverse();
  return CurrentModel{c(0), c(1), c(2), softness, std::sqrt(covariance(0, 0)) / std::abs(c(0)), static_cast<int>(n)};
}

}  // namespace geoul::runtime
