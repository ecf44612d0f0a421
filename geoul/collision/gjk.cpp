#include "geoul/collision/gjk.h"

#include <cmath>

#include "geoul/collision/epa.h"
#include "geoul/collision/simplex.h"

namespace geoul::collision {
namespace {

constexpr int kSteps = 96;
constexpr double kTouching = 1e-13;  // of the size: nearer cores overlap
constexpr double kSlack = 1e-12;     // of the size: what a direction may lose against the distance

struct Search {
  const Pair& pair;
  int hint_A = 0, hint_B = 0;

  void sample(const Vec3d& d, Simplex& s) {  // farthest of A - B along -d
    s.a[s.n] = pair.support_A(d, hint_A);
    s.b[s.n] = pair.support_B(-d, hint_B);
    s.w[s.n] = s.a[s.n] - s.b[s.n];
    ++s.n;
  }
};

bool repeats(const Simplex& s) {
  const Vec3d& w = s.w[s.n - 1];
  for (int i = 0; i + 1 < s.n; ++i) {
    if (s.w[i] == w) return true;
  }
  return false;
}

void weighted_points(const Simplex& s, Separation& out) {
  out.a = out.b = {};
  for (int i = 0; i < s.n; ++i) out.a += s.weight[i] * s.a[i], out.b += s.weight[i] * s.b[i];
}

// Direction from A to B of a simplex that does not hold the origin. A triangle's own normal does not suffer from a
// small distance.
Vec3d direction(const Simplex& s, const Vec3d& v) {
  if (s.n == 3) {
    const Vec3d e1 = s.w[1] - s.w[0], e2 = s.w[2] - s.w[0], n = cross(e1, e2);
    const double l = norm(n);
    if (l > 1e-7 * norm(e1) * norm(e2)) return ((dot(n, v) > 0 ? -1 : 1) / l) * n;
  }
  return (-1 / norm(v)) * v;
}

}  // namespace

double gap_along(const Pair& pair, const Vec3d& n) {
  int hint = 0, other = 0;
  return dot(pair.support_B(-n, hint) - pair.support_A(n, other), n);
}

Separation separate(const Pair& pair, double reach) {
  Separation out;
  Search search{pair};
  Simplex s;
  const double size = pair.size(), touching = kTouching * size;
  Vec3d v = pair.A.centre - (pair.X_AB * pair.B.centre);
  if (dot(v, v) <= touching * touching) v = {1, 0, 0};
  double least = 1e300;  // |v|^2 of the nearest point
  bool inside = false, first = true;
  for (out.iterations = 1; out.iterations <= kSteps; ++out.iterations) {
    const Simplex before = s;
    search.sample(-v, s);
    const double v2 = dot(v, v), vw = dot(v, s.w[s.n - 1]);
    if (vw > 0 && vw * vw > reach * reach * v2 && reach >= 0) {
      const double l = std::sqrt(v2);
      out.beyond = true, out.distance = vw / l, out.normal = (-1 / l) * v;
      return out;
    }
    if (!first && (v2 - vw <= 1e-14 * v2 || repeats(s))) {
      s = before;
      break;
    }
    const Vec3d next = reduce_to_nearest(s);
    const double d2 = dot(next, next);
    if (s.n == 4 || d2 <= touching * touching) {
      inside = true, v = next;
      break;
    }
    if (!first && d2 >= least) {  // no progress: rounding level
      s = before;
      break;
    }
    v = next, least = d2, first = false;
  }
  if (!inside) {
    out.normal = direction(s, v);
    out.distance = std::sqrt(dot(v, v));
    weighted_points(s, out);
    const double along = gap_along(pair, out.normal);
    if (along >= out.distance - kSlack * size) {
      out.distance = s.n == 3 && along > 0 ? along : out.distance;
      return out;
    }
    if (out.distance > 1e-6 * size) {  // the search came to rest at rounding before the direction was good
      out.distance = along;
      improve(pair, out.distance, out.normal);
      return out;
    }
  }
  penetration(pair, s, out);
  return out;
}

}  // namespace geoul::collision
