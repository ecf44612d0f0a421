#include "geoul/estimation/pseudo_inertia.h"

#include <gtest/gtest.h>

#include <cmath>

#include "geoul/core/random.h"
#include "geoul/scene/scene.h"

namespace geoul::estimation {
namespace {

// Of `points` random point masses: consistent by construction, for four and more in general position.
LinkParameters point_cloud(Random& random, int points) {
  Inertiad sum{};
  for (int i = 0; i < points; ++i) {
    const Vec3d p{random.uniform(-0.3, 0.3), random.uniform(-0.3, 0.3), random.uniform(-0.3, 0.3)};
    sum += inertia_about_origin(random.uniform(0.1, 2), p, Sym3d{});
  }
  return to_parameters(sum);
}

TEST(PseudoInertia, IsTheSecondMomentOfPointMasses) {
  Random random(1);
  Eigen::Matrix4d P = Eigen::Matrix4d::Zero();
  Inertiad sum{};
  for (int i = 0; i < 5; ++i) {
    const Vec3d p{random.normal(), random.normal(), random.normal()};
    const double m = random.uniform(0.1, 2);
    const Eigen::Vector4d x(p.x, p.y, p.z, 1);
    P += m * x * x.transpose();
    sum += inertia_about_origin(m, p, Sym3d{});
  }
  EXPECT_LT((pseudo_inertia(to_parameters(sum)) - P).norm(), 1e-13);
  EXPECT_LT((from_pseudo_inertia(P) - to_parameters(sum)).norm(), 1e-13);
}

TEST(LogCholesky, GoesThereAndBack) {
  Random random(2);
  for (int trial = 0; trial < 100; ++trial) {
    const LinkParameters p = point_cloud(random, 6);
    const auto x = to_log_cholesky(p);
    ASSERT_TRUE(x);
    EXPECT_NEAR(std::exp(2 * (*x)(0)), p(0), 1e-12);
    EXPECT_LT((from_log_cholesky(*x) - p).norm(), 1e-12);
  }
}

// Any ten numbers give a body that the scene's own judge of inertias accepts.
TEST(LogCholesky, IsAlwaysPhysical) {
  Random random(3);
  for (int trial = 0; trial < 1000; ++trial) {
    LogCholesky x;
    for (int k = 0; k < 10; ++k) x(k) = random.normal();
    const LinkParameters p = from_log_cholesky(x);
    EXPECT_GT(consistency(p), 0);
    const Inertiad i = to_inertia(p);
    const Vec3d c = (1 / i.m) * i.h;
    const scene::MassProperties mass{i.m, c, i.I - point_inertia(i.m, c)};
    EXPECT_EQ(scene::inertia_fault(mass), scene::InertiaFault::kNone);
  }
}

TEST(LogCholesky, DerivativeIsTheDifferenceQuotient) {
  Random random(4);
  for (int trial = 0; trial < 20; ++trial) {
    LogCholesky x;
    for (int k = 0; k < 10; ++k) x(k) = 0.5 * random.normal();
    LinkMatrix J;
    from_log_cholesky(x, &J);
    constexpr double kStep = 1e-6;
    for (int k = 0; k < 10; ++k) {
      const LogCholesky e = kStep * LogCholesky::Unit(k);
      const LinkParameters slope = (from_log_cholesky(x + e) - from_log_cholesky(x - e)) / (2 * kStep);
      EXPECT_LT((slope - J.col(k)).norm(), 1e-7 * (1 + J.col(k).norm()));
    }
  }
}

TEST(PseudoInertia, WhatNoMassCanHaveIsRefused) {
  LinkParameters p = LinkParameters::Zero();
  p << 1, 0, 0, 0, 0.1, 0.1, 0.3, 0, 0, 0;  // Izz > Ixx + Iyy
  EXPECT_FALSE(to_log_cholesky(p));
  EXPECT_LT(consistency(p), 0);
  p << 1, 0.5, 0, 0, 0.1, 0.1, 0.1, 0, 0, 0;  // centre farther out than the inertia allows
  EXPECT_FALSE(to_log_cholesky(p));
  p << -1, 0, 0, 0, 0.1, 0.1, 0.1, 0, 0, 0;
  EXPECT_FALSE(to_log_cholesky(p));
  const LinkParameters point = to_parameters(inertia_about_origin(2.0, Vec3d{0.1, 0.2, 0.3}, Sym3d{}));
  EXPECT_FALSE(to_log_cholesky(point));
  EXPECT_TRUE(to_log_cholesky(spread(point, 0.01)));
}

TEST(Divergence, IsZeroAtHomePositiveElsewhereAndTheSameInEveryFrame) {
  Random random(5);
  for (int trial = 0; trial < 20; ++trial) {
    const LinkParameters p = point_cloud(random, 6), p0 = point_cloud(random, 6);
    EXPECT_NEAR(divergence(p, p).value, 0, 1e-11);
    EXPECT_LT(divergence(p, p).gradient.norm() / p.norm(), 1e-6);
    const double value = divergence(p, p0).value;
    EXPECT_GT(value, 0);
    const Transformd X{rotation_matrix(exp_rotation(Vec3d{0.3, -1, 2})), {0.5, -0.2, 0.1}};
    const LinkParameters moved = to_parameters(to_parent(X, to_inertia(p)));
    const LinkParameters moved0 = to_parameters(to_parent(X, to_inertia(p0)));
    EXPECT_NEAR(divergence(moved, moved0).value, value, 1e-8 * value);
  }
}

TEST(Divergence, DerivativesAreDifferenceQuotients) {
  Random random(6);
  const LinkParameters p = point_cloud(random, 8), p0 = point_cloud(random, 8);
  const Divergence d = divergence(p, p0);
  constexpr double kStep = 1e-7;
  for (int k = 0; k < kLinkParameters; ++k) {
    const LinkParameters e = kStep * LinkParameters::Unit(k);
    const Divergence up = divergence(p + e, p0), down = divergence(p - e, p0);
    EXPECT_NEAR((up.value - down.value) / (2 * kStep), d.gradient(k), 1e-5 * d.gradient.norm());
    EXPECT_LT(((up.gradient - down.gradient) / (2 * kStep) - d.hessian.col(k)).norm(), 1e-5 * d.hessian.norm());
  }
}

}  // namespace
}  // namespace geoul::estimation
