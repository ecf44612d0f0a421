#include "geoul/collision/epa.h"

#include <cmath>

namespace geoul::collision {
namespace {

constexpr int kVertices = 128;
constexpr int kFaces = 512;
constexpr double kStop = 1e-13;  // of the size: between the polytope's face and the support beyond it

struct Face {
  int v[3];
  Vec3d normal;         // unit, outwards
  double distance = 0;  // of its plane from the origin
};

// The polytope within A - B, as a bag of faces; small enough to search through.
struct Polytope {
  const Pair& pair;
  double size = 0;
  int hint_A = 0, hint_B = 0;
  int vertices = 0, faces = 0;
  Vec3d w[kVertices], a[kVertices], b[kVertices];
  Face face[kFaces];

  explicit Polytope(const Pair& p) : pair(p), size(p.size()) {}

  int sample(const Vec3d& n) {  // farthest of A - B along n
    const int i = vertices++;
    a[i] = pair.support_A(n, hint_A), b[i] = pair.support_B(-n, hint_B), w[i] = a[i] - b[i];
    return i;
  }
  bool add_face(int i, int j, int k) {
    if (faces == kFaces) return false;
    Face& f = face[faces];
    const Vec3d e1 = w[j] - w[i], e2 = w[k] - w[i], e3 = w[k] - w[j], n = cross(e1, e2);
    const double l = norm(n), longest = std::fmax(norm(e1), std::fmax(norm(e2), norm(e3)));
    f.v[0] = i, f.v[1] = j, f.v[2] = k;
    // A sliver has no normal of its own; it is not expanded, its neighbours are.
    if (l <= 1e-14 * longest * longest || l == 0) {
      f.normal = {}, f.distance = 1e300;
    } else {
      f.normal = (1 / l) * n;
      f.distance = dot(f.normal, w[i]);
    }
    ++faces;
    return true;
  }
};

// A third, then a fourth point; returns how many dimensions the points span (at most 3).
int span_space(Polytope& p, const Simplex& s) {
  for (int i = 0; i < s.n; ++i) p.w[i] = s.w[i], p.a[i] = s.a[i], p.b[i] = s.b[i];
  p.vertices = s.n;
  const double tiny = 1e-13 * p.size;
  if (p.vertices == 1) {
    for (int k = 0; k < 6 && p.vertices == 1; ++k) {
      Vec3d d;
      d[k / 2] = k % 2 ? -1 : 1;
      p.sample(d);
      if (norm(p.w[1] - p.w[0]) <= tiny) p.vertices = 1;
    }
    if (p.vertices == 1) return 0;
  }
  if (p.vertices == 2) {
    const Vec3d e = p.w[1] - p.w[0], axis = (1 / norm(e)) * e;
    const Vec3d u = any_perpendicular(axis), t = cross(axis, u);
    static constexpr double kC[6] = {1, -0.5, -0.5, -1, 0.5, 0.5};
    static constexpr double kS[6] = {0, 0.86602540378443865,  -0.86602540378443865,
                                     0, -0.86602540378443865, 0.86602540378443865};
    for (int k = 0; k < 6 && p.vertices == 2; ++k) {
      p.sample(kC[k] * u + kS[k] * t);
      if (norm(cross(p.w[2] - p.w[0], axis)) <= tiny) p.vertices = 2;
    }
    if (p.vertices == 2) return 1;
  }
  const Vec3d n = cross(p.w[1] - p.w[0], p.w[2] - p.w[0]);
  const double l = norm(n);
  if (p.vertices == 4) {
    if (l > 0 && std::abs(dot(n, p.w[3] - p.w[0])) > tiny * l) return 3;
    p.vertices = 3;  // flat: its fourth point is found anew
  }
  if (l == 0) return 1;
  for (const double side : {1 / l, -1 / l}) {
    p.sample(side * n);
    if (std::abs(dot(n, p.w[3] - p.w[0])) > tiny * l) return 3;
    p.vertices = 3;
  }
  return 2;
}

// Replaces the faces that `apex` sees by a fan over their rim. False where rounding leaves no clean rim.
bool expand(Polytope& p, int apex) {
  int rim[2 * kFaces][2], count = 0;
  const auto edge = [&](int i, int j) {  // an edge seen from both sides cancels
    for (int k = 0; k < count; ++k) {
      if (rim[k][0] == j && rim[k][1] == i) {
        --count;
        rim[k][0] = rim[count][0], rim[k][1] = rim[count][1];
        return;
      }
    }
    if (count < kFaces) rim[count][0] = i, rim[count][1] = j, ++count;
  };
  const Vec3d& w = p.w[apex];
  const double above = 1e-15 * p.size;
  for (int f = 0; f < p.faces;) {
    const Face& face = p.face[f];
    const bool sliver = face.distance == 1e300;
    const Vec3d e1 = p.w[face.v[1]] - p.w[face.v[0]], e2 = p.w[face.v[2]] - p.w[face.v[0]];
    const double height = sliver ? dot(cross(e1, e2), w - p.w[face.v[0]]) : dot(face.normal, w) - face.distance;
    if (height > (sliver ? 0 : above)) {
      edge(face.v[0], face.v[1]), edge(face.v[1], face.v[2]), edge(face.v[2], face.v[0]);
      p.face[f] = p.face[--p.faces];
    } else {
      ++f;
    }
  }
  if (count < 3 || p.faces + count > kFaces) return false;
  for (int k = 0; k < count; ++k) p.add_face(rim[k][0], rim[k][1], apex);
  return true;
}

void deepest_points(const Polytope& p, const Face& f, Separation& out) {
  double weight[3];
  nearest_on_triangle(p.w[f.v[0]], p.w[f.v[1]], p.w[f.v[2]], weight);
  out.a = out.b = {};
  for (int i = 0; i < 3; ++i) out.a += weight[i] * p.a[f.v[i]], out.b += weight[i] * p.b[f.v[i]];
}

// A - B has no volume: the cores lie in one plane or along one line, and part across it without moving.
void flat_contact(const Polytope& p, int dimensions, Separation& out) {
  Vec3d n{0, 0, 1};
  if (dimensions == 1) {
    const Vec3d e = p.w[1] - p.w[0];
    n = any_perpendicular((1 / norm(e)) * e);
  } else if (dimensions == 2) {
    n = cross(p.w[1] - p.w[0], p.w[2] - p.w[0]);
    n = (1 / norm(n)) * n;
  }
  if (dot(p.pair.X_AB * p.pair.B.centre - p.pair.A.centre, n) < 0) n = -n;
  out.normal = n;
  out.distance = gap_along(p.pair, n);
}

}  // namespace

void penetration(const Pair& pair, const Simplex& simplex, Separation& out) {
  Polytope p(pair);
  const int dimensions = span_space(p, simplex);
  if (simplex.n > 0) {
    out.a = out.b = {};
    double total = 0;
    for (int i = 0; i < simplex.n; ++i) total += simplex.weight[i];
    for (int i = 0; i < simplex.n; ++i) {
      const double weight = total > 0 ? simplex.weight[i] / total : 1.0 / simplex.n;
      out.a += weight * simplex.a[i], out.b += weight * simplex.b[i];
    }
  }
  if (dimensions < 3) return flat_contact(p, dimensions, out);
  const bool turned = dot(cross(p.w[1] - p.w[0], p.w[2] - p.w[0]), p.w[3] - p.w[0]) > 0;
  const int i = 0, j = turned ? 2 : 1, k = turned ? 1 : 2;  // 3 lies behind (i, j, k)
  p.add_face(i, j, k), p.add_face(i, 3, j), p.add_face(j, 3, k), p.add_face(k, 3, i);
  p.vertices = 4;
  double least = 1e300;  // depth along the best direction seen
  while (true) {
    int nearest = 0;
    for (int f = 1; f < p.faces; ++f) {
      if (p.face[f].distance < p.face[nearest].distance) nearest = f;
    }
    const Face face = p.face[nearest];
    if (p.faces == 0 || face.distance >= least || face.distance == 1e300 || p.vertices == kVertices) return;
    ++out.iterations;
    const int apex = p.sample(face.normal);
    const double reach = dot(face.normal, p.w[apex]);
    if (reach < least) {
      least = reach;
      out.distance = -reach, out.normal = face.normal;
      deepest_points(p, face, out);
    }
    if (reach - face.distance <= kStop * p.size) return;
    for (int v = 0; v < apex; ++v) {
      if (p.w[v] == p.w[apex]) return;
    }
    if (!expand(p, apex)) return;
  }
}

}  // namespace geoul::collision
