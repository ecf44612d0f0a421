#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "geoul/core/contract.h"
#include "geoul/estimation/estimator.h"

namespace geoul::estimation {

ContactWrench contact_wrench(const dynamics::Model& model, dynamics::Data& data, const Estimate& estimate,
                             scene::BodyId body, const Vec3d& p_B, bool force_only) {
  constexpr int kMost = 32;
  using Square = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, kMost, kMost>;
  using Column = Eigen::Matrix<double, Eigen::Dynamic, 1, 0, kMost, 1>;
  using Jacobian = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor, 6, kMost>;
  const int nv = model.nv, rows = force_only ? 3 : 6;
  GEOUL_EXPECTS(nv <= kMost && nv >= rows && body.valid());
  Jacobian whole(6, nv);
  forward_kinematics(model, estimate.state.q, estimate.state.v, data);
  body_jacobian(model, data, body, p_B, {whole.data(), static_cast<std::size_t>(6 * nv)});
  const Jacobian J = whole.bottomRows(rows);
  Square P(nv, nv);
  for (int i = 0; i < nv; ++i) {
    for (int j = 0; j < nv; ++j)
      P(i, j) = estimate.covariance[static_cast<std::size_t>((2 * nv + i) * 3 * nv + 2 * nv + j)];
  }
  const Eigen::Map<const Column> d(estimate.external.data(), nv);
  const Eigen::LLT<Square> factor(P);
  Square A(nv, rows);  // P^-1 J^T
  A = factor.solve(Square(J.transpose()));
  const Square information = J * A;
  const Eigen::LDLT<Square> solver(information);
  const Column F = solver.solve(Column(A.transpose() * d));
  const Column left = d - J.transpose() * F;
  const Square covariance = solver.solve(Square(Square::Identity(rows, rows)));
  ContactWrench out;
  out.force_only = force_only;
  const int first = 6 - rows;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < rows; ++j)
      out.covariance[static_cast<std::size_t>((first + i) * 6 + first + j)] = covariance(i, j);
  }
  if (!force_only) out.F_W.n = {F(0), F(1), F(2)};
  out.F_W.f = {F(rows - 3), F(rows - 2), F(rows - 1)};
  out.residual = left.dot(factor.solve(left));
  return out;
}

}  // namespace geoul::estimation
