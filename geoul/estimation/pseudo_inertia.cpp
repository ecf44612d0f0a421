#include "geoul/estimation/pseudo_inertia.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <array>
#include <cmath>
#include <limits>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

using Eigen::Matrix4d;

// dP / dp_k: pseudo_inertia is linear.
const std::array<Matrix4d, kLinkParameters>& basis() {
  static const std::array<Matrix4d, kLinkParameters> matrices = [] {
    std::array<Matrix4d, kLinkParameters> all;
    for (int k = 0; k < kLinkParameters; ++k) {
      all[static_cast<std::size_t>(k)] = pseudo_inertia(LinkParameters::Unit(k));
    }
    return all;
  }();
  return matrices;
}

}  // namespace

Matrix4d pseudo_inertia(const LinkParameters& p) {
  const double half = 0.5 * (p(4) + p(5) + p(6));
  Matrix4d P;
  P << half - p(4), -p(7), -p(8), p(1),  //
      -p(7), half - p(5), -p(9), p(2),   //
      -p(8), -p(9), half - p(6), p(3),   //
      p(1), p(2), p(3), p(0);
  return P;
}

LinkParameters from_pseudo_inertia(const Matrix4d& P) {
  const double trace = P(0, 0) + P(1, 1) + P(2, 2);
  LinkParameters p;
  p << P(3, 3), P(0, 3), P(1, 3), P(2, 3), trace - P(0, 0), trace - P(1, 1), trace - P(2, 2), -P(0, 1), -P(0, 2),
      -P(1, 2);
  return p;
}

double consistency(const LinkParameters& p) {
  if (!(p(0) > 0)) return -1;
  Matrix4d P = pseudo_inertia(p);
  const double radius = std::sqrt(std::abs(P.topLeftCorner<3, 3>().trace()) / p(0) / 3);
  if (!(radius > 0)) return 0;
  P.topRows<3>() /= radius;
  P.leftCols<3>() /= radius;
  return Eigen::SelfAdjointEigenSolver<Matrix4d>(P / p(0), Eigen::EigenvaluesOnly).eigenvalues()(0);
}

LinkParameters from_log_cholesky(const LogCholesky& x, LinkMatrix* jacobian) {
  const double scale = std::exp(x(0));
  Matrix4d U;
  U << std::exp(x(1)), x(4), x(6), x(7),  //
      0, std::exp(x(2)), x(5), x(8),      //
      0, 0, std::exp(x(3)), x(9),         //
      0, 0, 0, 1;
  U *= scale;
  if (jacobian != nullptr) {
    constexpr int at[10][2] = {{-1, -1}, {0, 0}, {1, 1}, {2, 2}, {0, 1}, {1, 2}, {0, 2}, {0, 3}, {1, 3}, {2, 3}};
    for (int k = 0; k < 10; ++k) {
      Matrix4d dU = Matrix4d::Zero();
      if (k == 0) {
        dU = U;
      } else {
        dU(at[k][0], at[k][1]) = k <= 3 ? U(k - 1, k - 1) : scale;
      }
      const Matrix4d half = dU * U.transpose();
      jacobian->col(k) = from_pseudo_inertia(half + half.transpose());
    }
  }
  return from_pseudo_inertia(U * U.transpose());
}

std::optional<LogCholesky> to_log_cholesky(const LinkParameters& p) {
  if (!p.allFinite() || !(p(0) > 0)) return std::nullopt;
  const Eigen::Vector3d t = p.segment<3>(1) / p(0);
  const Eigen::Matrix3d S = pseudo_inertia(p).topLeftCorner<3, 3>() / p(0) - t * t.transpose();
  // Upper factor: the lower one of the matrix turned end for end.
  const Eigen::LLT<Eigen::Matrix3d> factor(S.reverse());
  const Eigen::Matrix3d lower = factor.matrixL();
  if (factor.info() != Eigen::Success || !(lower.diagonal().minCoeff() > 0)) return std::nullopt;
  const Eigen::Matrix3d U = lower.reverse();
  LogCholesky x;
  x << 0.5 * std::log(p(0)), std::log(U(0, 0)), std::log(U(1, 1)), std::log(U(2, 2)), U(0, 1), U(1, 2), U(0, 2), t;
  if (!x.allFinite()) return std::nullopt;
  return x;
}

LinkParameters spread(const LinkParameters& p, double radius) {
  Matrix4d P = pseudo_inertia(p);
  P.diagonal().head<3>().array() += p(0) * radius * radius;
  return from_pseudo_inertia(P);
}

Divergence divergence(const LinkParameters& p, const LinkParameters& p0) {
  const Eigen::LLT<Matrix4d> here(pseudo_inertia(p)), there(pseudo_inertia(p0));
  GEOUL_EXPECTS(there.info() == Eigen::Success);
  if (here.info() != Eigen::Success) {
    return {std::numeric_limits<double>::infinity(), LinkParameters::Zero(), LinkMatrix::Zero()};
  }
  const Matrix4d inverse = here.solve(Matrix4d::Identity()), inverse0 = there.solve(Matrix4d::Identity());
  const auto log_determinant = [](const Eigen::LLT<Matrix4d>& factor) {
    return 2 * factor.matrixLLT().diagonal().array().log().sum();
  };
  Divergence d;
  d.value = (inverse0 * pseudo_inertia(p)).trace() - log_determinant(here) + log_determinant(there) - 4;
  std::array<Matrix4d, kLinkParameters> along;
  for (int k = 0; k < kLinkParameters; ++k) {
    const Matrix4d& E = basis()[static_cast<std::size_t>(k)];
    d.gradient(k) = ((inverse0 - inverse) * E).trace();
    along[static_cast<std::size_t>(k)] = inverse * E;
  }
  for (int k = 0; k < kLinkParameters; ++k) {
    for (int l = 0; l <= k; ++l) {
      const double h = (along[static_cast<std::size_t>(k)] * along[static_cast<std::size_t>(l)]).trace();
      d.hessian(k, l) = d.hessian(l, k) = h;
    }
  }
  return d;
}

}  // namespace geoul::estimation
