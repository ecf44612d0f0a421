#include "geoul/core/math.h"

#include <gtest/gtest.h>

#include "geoul/core/random.h"
#include "geoul/core/spatial.h"

namespace geoul {
namespace {

Vec3d random_vector(Random& r) { return {r.normal(), r.normal(), r.normal()}; }
Transformd random_transform(Random& r) {
  return {rotation_matrix(normalized(Quatd{r.normal(), r.normal(), r.normal(), r.normal()})), random_vector(r)};
}
void expect_near(const Vec3d& a, const Vec3d& b, double tolerance) { EXPECT_LE(norm(a - b), tolerance); }

TEST(Rotation, QuaternionAndMatrixRoundTrip) {
  Random r(1);
  for (int i = 0; i < 1000; ++i) {
    const Quatd q = normalized(Quatd{r.normal(), r.normal(), r.normal(), r.normal()});
    EXPECT_NEAR(angle_between(quaternion(rotation_matrix(q)), q), 0, 1e-14);
    const Quatd back = exp_rotation(log_rotation(q));
    EXPECT_NEAR(angle_between(back, q), 0, 1e-14);
    const Vec3d v = random_vector(r);
    expect_near(rotation_matrix(q) * v, (q * Quatd{0, v.x, v.y, v.z} * conjugate(q)).vec(), 1e-14);
  }
}

TEST(Rotation, ExponentialIsExactForTinyAndHalfTurns) {
  EXPECT_EQ(exp_rotation(Vec3d{1e-200, 0, 0}), (Quatd{1, 5e-201, 0, 0}));
  expect_near(log_rotation(exp_rotation(Vec3d{0, 1e-9, 0})), {0, 1e-9, 0}, 1e-24);
  EXPECT_NEAR(norm(log_rotation(Quatd{0, 0, 1, 0})), 3.14159265358979323846, 1e-15);
}

TEST(Transform, InverseCancels) {
  Random r(2);
  const Transformd X = random_transform(r);
  const Vec3d p = random_vector(r);
  expect_near(inverse(X) * (X * p), p, 1e-14);
  expect_near((X * inverse(X)).p, {}, 1e-14);
}

// Power does not depend on the frame, and the change of frame is its own inverse's inverse.
TEST(Spatial, PowerIsTheSameInEveryFrame) {
  Random r(3);
  for (int i = 0; i < 100; ++i) {
    const Transformd X = random_transform(r);
    const Motiond m{random_vector(r), random_vector(r)};
    const Forced f{random_vector(r), random_vector(r)};
    EXPECT_NEAR(dot(to_parent(X, m), to_parent(X, f)), dot(m, f), 1e-12);
    expect_near(to_child(X, to_parent(X, m)).v, m.v, 1e-13);
    expect_near(to_child(X, to_parent(X, f)).n, f.n, 1e-13);
    const Motiond b{random_vector(r), random_vector(r)};
    EXPECT_NEAR(dot(cross(m, b), f), -dot(b, cross(m, f)), 1e-12);  // crf = -crm^T
  }
}

TEST(Spatial, InertiaChangesFrameAsMomentumDoes) {
  Random r(4);
  for (int i = 0; i < 100; ++i) {
    const Transformd X = random_transform(r);
    const Inertiad M = inertia_about_origin(1.7, random_vector(r), Sym3d{2, 2.5, 3, 0.1, -0.2, 0.3});
    const Motiond V_A{random_vector(r), random_vector(r)};
    const Forced direct = to_parent(X, M) * V_A, carried = to_parent(X, M * to_child(X, V_A));
    expect_near(direct.n, carried.n, 1e-12);
    expect_near(direct.f, carried.f, 1e-13);
  }
}

}  // namespace
}  // namespace geoul
