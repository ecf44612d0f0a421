#include "geoul/estimation/covariance.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "geoul/core/random.h"

namespace geoul::estimation {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Rows drawn(int rows, int columns, std::uint64_t seed) {
  Random random(seed);
  Rows out(rows, columns);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) out(i, j) = random.normal();
  }
  return out;
}

std::span<double> all(Rows& m) { return {m.data(), static_cast<std::size_t>(m.size())}; }

// Judged by the plain forms with matrices.
TEST(Covariance, FactorsFollowTheKalmanUpdate) {
  constexpr int n = 9, m = 14;
  Rows W = drawn(n, m, 1), weights = drawn(1, m, 2).cwiseAbs(), U(n, n), D(1, n), h = drawn(1, n, 3), gain(1, n),
       P(n, n);
  const Rows expected = W * weights.row(0).asDiagonal() * W.transpose();
  factor_product(n, m, all(W), all(weights), all(U), all(D));
  expand(n, all(U), all(D), all(P));
  EXPECT_LT((P - expected).norm(), 1e-12 * expected.norm());
  const double r = 0.3, s = (h * expected * h.transpose())(0, 0);
  EXPECT_NEAR(variance(n, all(h), all(U), all(D)), s, 1e-12 * s);
  EXPECT_NEAR(update_factors(n, all(h), r, all(U), all(D), all(gain)), s + r, 1e-12 * s);
  const Rows K = expected * h.transpose() / (s + r);
  EXPECT_LT((gain - K.transpose()).norm(), 1e-11 * K.norm());
  expand(n, all(U), all(D), all(P));
  EXPECT_LT((P - (expected - K * h * expected)).norm(), 1e-11 * expected.norm());
  Rows e = drawn(1, n, 4), work(1, n);
  const double distance = (e * P.inverse() * e.transpose())(0, 0);
  EXPECT_NEAR(squared_distance(n, all(U), all(D), all(e), all(work)), distance, 1e-9 * distance);
}

// Ten thousand readings a billion times finer than the prior, where the plain form loses its sign.
TEST(Covariance, StaysPositiveWhereThePlainFormDoesNot) {
  constexpr int n = 4;
  Rows U = Rows::Identity(n, n), D = Rows::Constant(1, n, 1e12), gain(1, n), plain = 1e12 * Rows::Identity(n, n);
  bool plain_failed = false;
  for (int i = 0; i < 10'000; ++i) {
    Rows h = drawn(1, n, 10 + static_cast<std::uint64_t>(i));
    update_factors(n, all(h), 1e-6, all(U), all(D), all(gain));
    const Rows K = plain * h.transpose() / ((h * plain * h.transpose())(0, 0) + 1e-6);
    plain = plain - K * h * plain;
    plain_failed = plain_failed || plain.diagonal().minCoeff() <= 0;
    ASSERT_GT(D.minCoeff(), 0);
  }
  EXPECT_TRUE(plain_failed);
}

}  // namespace
}  // namespace geoul::estimation
