#include "geoul/collision/simplex.h"

namespace geoul::collision {
namespace {

Vec3d nearest_on_segment(const Vec3d& p, const Vec3d& q, double weight[2]) {
  const Vec3d e = q - p;
  const double l2 = dot(e, e), t = -dot(p, e);
  if (!(t > 0)) {
    weight[0] = 1, weight[1] = 0;
    return p;
  }
  if (t >= l2) {
    weight[0] = 0, weight[1] = 1;
    return q;
  }
  const double s = t / l2;
  weight[0] = 1 - s, weight[1] = s;
  // The part of the nearer end across the segment: exact where the segment passes close by.
  const Vec3d& end = s < 0.5 ? p : q;
  return end - (dot(end, e) / l2) * e;
}

void keep(Simplex& s, const int* corners, const double* weight, int n) {
  Simplex out;
  for (int i = 0; i < n; ++i) {
    if (weight[i] <= 0) continue;
    const int k = corners[i];
    out.w[out.n] = s.w[k], out.a[out.n] = s.a[k], out.b[out.n] = s.b[k], out.weight[out.n] = weight[i];
    ++out.n;
  }
  s = out;
}

}  // namespace

Vec3d nearest_on_triangle(const Vec3d& p, const Vec3d& q, const Vec3d& r, double weight[3]) {
  const Vec3d u = q - p, v = r - p, n = cross(u, v);
  const double n2 = dot(n, n);
  if (n2 > 0) {
    // Areas of the origin's projection against the edges.
    const double wp = dot(cross(q, r), n), wq = dot(cross(r, p), n), wr = dot(cross(p, q), n);
    if (wp > 0 && wq > 0 && wr > 0) {
      const double sum = wp + wq + wr;
      weight[0] = wp / sum, weight[1] = wq / sum, weight[2] = wr / sum;
      return (dot(p, n) / n2) * n;
    }
  }
  Vec3d best;
  double least = -1;
  const Vec3d* corner[3] = {&p, &q, &r};
  for (int i = 0; i < 3; ++i) {
    const int j = i == 2 ? 0 : i + 1;
    double w[2];
    const Vec3d at = nearest_on_segment(*corner[i], *corner[j], w);
    const double d = dot(at, at);
    if (least < 0 || d < least) {
      least = d, best = at;
      weight[0] = weight[1] = weight[2] = 0;
      weight[i] = w[0], weight[j] = w[1];
    }
  }
  return best;
}

Vec3d reduce_to_nearest(Simplex& s) {
  if (s.n == 1) {
    s.weight[0] = 1;
    return s.w[0];
  }
  static constexpr int kAll[3] = {0, 1, 2};
  if (s.n == 2) {
    double weight[2];
    const Vec3d v = nearest_on_segment(s.w[0], s.w[1], weight);
    keep(s, kAll, weight, 2);
    return v;
  }
  if (s.n == 3) {
    double weight[3];
    const Vec3d v = nearest_on_triangle(s.w[0], s.w[1], s.w[2], weight);
    keep(s, kAll, weight, 3);
    return v;
  }
  static constexpr int kFaces[4][3] = {{0, 1, 2}, {0, 2, 3}, {0, 3, 1}, {1, 3, 2}};
  static constexpr int kApex[4] = {3, 1, 2, 0};
  const Vec3d e1 = s.w[1] - s.w[0], e2 = s.w[2] - s.w[0], e3 = s.w[3] - s.w[0];
  const double volume = dot(cross(e1, e2), e3);
  const bool flat = std::abs(volume) <= 1e-15 * norm(e1) * norm(e2) * norm(e3);
  bool inside = true;
  int face = 0;
  double least = -1, best_weight[3];
  Vec3d best;
  for (int f = 0; f < 4; ++f) {
    const Vec3d &p = s.w[kFaces[f][0]], &q = s.w[kFaces[f][1]], &r = s.w[kFaces[f][2]];
    const Vec3d n = cross(q - p, r - p);
    const double origin = -dot(p, n), apex = dot(s.w[kApex[f]] - p, n);
    if (!flat && origin * apex > 0) continue;  // on the inner side
    inside = false;
    double weight[3];
    const Vec3d v = nearest_on_triangle(p, q, r, weight);
    const double d = dot(v, v);
    if (least < 0 || d < least) {
      least = d, best = v, face = f;
      for (int i = 0; i < 3; ++i) best_weight[i] = weight[i];
    }
  }
  if (inside) return {};
  keep(s, kFaces[face], best_weight, 3);
  return best;
}

}  // namespace geoul::collision
