// Two boxes by the separating axis theorem over 15 axes.
// Source: Gottschalk, Lin, Manocha, "OBBTree", SIGGRAPH 1996.
#include <cmath>

#include "geoul/collision/closed_forms.h"
#include "geoul/collision/manifold.h"

namespace geoul::collision {
namespace {

struct Axes {
  double separation = -1e300;
  int face = -1;  // 0-2 of A, 3-5 of B; -1: an edge of each
  int edge_A = 0, edge_B = 0;
  Vec3d normal;  // A's frame, from A to B
};

// False where an axis parts the boxes by more than the margin.
bool best_axis(const Vec3d& a, const Vec3d& b, const Mat3d& R, const Vec3d& p, double margin, double size, Axes& best) {
  double Q[3][3];
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) Q[i][j] = std::abs(R[i][j]);
  }
  const Vec3d t = transpose_times(R, p);
  for (int i = 0; i < 3; ++i) {
    const double s = std::abs(p[i]) - a[i] - (Q[i][0] * b.x + Q[i][1] * b.y + Q[i][2] * b.z);
    if (s > margin) return false;
    if (s > best.separation) best.separation = s, best.face = i;
  }
  double separation_B = -1e300;
  int face_B = 3;
  for (int j = 0; j < 3; ++j) {
    const double s = std::abs(t[j]) - b[j] - (Q[0][j] * a.x + Q[1][j] * a.y + Q[2][j] * a.z);
    if (s > margin) return false;
    if (s > separation_B) separation_B = s, face_B = 3 + j;
  }
  const double better = kSnap * size;  // what another kind of axis must win by
  if (separation_B > best.separation + better) best.separation = separation_B, best.face = face_B;
  if (best.face < 3) {
    best.normal = {}, best.normal[best.face] = p[best.face] < 0 ? -1 : 1;
  } else {
    const int j = best.face - 3;
    best.normal = (t[j] < 0 ? -1.0 : 1.0) * R.column(j);
  }
  for (int i = 0; i < 3; ++i) {
    const int i1 = i == 2 ? 0 : i + 1, i2 = i == 0 ? 2 : i - 1;
    for (int j = 0; j < 3; ++j) {
      const int j1 = j == 2 ? 0 : j + 1, j2 = j == 0 ? 2 : j - 1;
      const double l2 = Q[i1][j] * Q[i1][j] + Q[i2][j] * Q[i2][j];  // of e_i x R e_j
      if (l2 < 1e-12) continue;                                     // parallel: the faces' axes tell as much
      const double along = p[i2] * R[i1][j] - p[i1] * R[i2][j];
      const double raw = std::abs(along) - (a[i1] * Q[i2][j] + a[i2] * Q[i1][j] + b[j1] * Q[i][j2] + b[j2] * Q[i][j1]);
      if (raw <= 0 && best.separation > 0) continue;
      const double l = std::sqrt(l2), s = raw / l;
      if (s > margin) return false;
      if (s > best.separation + better) {
        best.separation = s, best.face = -1, best.edge_A = i, best.edge_B = j;
        best.normal = {};
        best.normal[i1] = (along < 0 ? 1 : -1) * R[i2][j] / l;
        best.normal[i2] = (along < 0 ? -1 : 1) * R[i1][j] / l;
      }
    }
  }
  return true;
}

// Nearest points of the two edges that face each other. False where they are beyond an edge's end.
bool edge_points(const Vec3d& half_A, const Vec3d& half_B, const Transformd& X_AB, const Axes& axes, Touch& touch) {
  const Vec3d n_B = transpose_times(X_AB.R, axes.normal);
  Vec3d a, b;
  for (int k = 0; k < 3; ++k) {
    a[k] = k == axes.edge_A ? 0 : std::copysign(half_A[k], axes.normal[k]);
    b[k] = k == axes.edge_B ? 0 : -std::copysign(half_B[k], n_B[k]);
  }
  b = X_AB * b;
  Vec3d u, v = X_AB.R.column(axes.edge_B);
  u[axes.edge_A] = 1;
  const double c = dot(u, v), r = dot(u, b - a), q = dot(v, b - a), d = 1 - c * c;
  const double s = (r - c * q) / d, t = (c * r - q) / d;
  const double slack = 1e-9 * touch.size;
  touch.a = a + s * u, touch.b = b + t * v;
  return std::abs(s) <= half_A[axes.edge_A] + slack && std::abs(t) <= half_B[axes.edge_B] + slack;
}

}  // namespace

int collide_boxes(const Geometry& A, const Transformd& X_WA, const Geometry& B, const Transformd& X_WB, double margin,
                  Manifold* out) {
  out->count = 0;
  const Vec3d between = X_WB.p - X_WA.p;
  Touch touch;
  touch.size = A.bounding_radius + B.bounding_radius;
  if (dot(between, between) > (touch.size + margin) * (touch.size + margin)) return 0;
  const Transformd X_AB{transpose(X_WA.R) * X_WB.R, transpose_times(X_WA.R, between)};
  Axes axes;
  if (!best_axis(A.half, B.half, X_AB.R, X_AB.p, margin, touch.size, axes)) return 0;
  touch.normal = axes.normal, touch.distance = axes.separation, touch.margin = margin;
  if (axes.face < 0 && !edge_points(A.half, B.half, X_AB, axes, touch)) return -1;
  Feature fA, fB;
  box_feature(A.half, axes.normal, fA);
  box_feature(B.half, -transpose_times(X_AB.R, axes.normal), fB);
  move_feature(X_AB, fB);
  Candidates c;
  clip_features(touch, fA, fB, c);
  if (axes.face < 0) {
    add_nearest(touch, fA, c);
  } else {  // the axis measures the distance only where a corner lies over the face
    double least = 1e300;
    for (int i = 0; i < c.count; ++i) least = c.gap[i] < least ? c.gap[i] : least;
    if (least > touch.distance + kSnap * touch.size) return -1;
  }
  return write_manifold(touch, c, X_WA, out);
}

}  // namespace geoul::collision
