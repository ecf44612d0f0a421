#include "geoul/collision/epa.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace geoul::collision {
namespace {

constexpr int kVertices = 128;
constexpr int kFaces = 2 * kVertices;
constexpr double kStop = 1e-13;    // of the size: between the polytope's face and the support beyond it
constexpr double kSliver = 1e300;  // distance of a face that is not expanded

struct Face {
  int v[3];
  int across[3];  // the face over the edge v[i] v[i + 1]
  Vec3d normal;   // unit, outwards
  int seen = -1;  // the last vertex that saw it
};

// The polytope within A - B.
struct Polytope {
  const Pair& pair;
  double size = 0;
  int hint_A = 0, hint_B = 0;
  int vertices = 0, faces = 0;
  Scratch<Vec3d, kVertices> w, a, b;
  Scratch<Face, kFaces> face;
  double distance[kFaces];  // of the faces' planes from the origin

  explicit Polytope(const Pair& p) : pair(p), size(p.size()) {}

  int sample(const Vec3d& n) {  // farthest of A - B along n
    const int i = vertices++;
    a[i] = pair.support_A(n, hint_A), b[i] = pair.support_B(-n, hint_B), w[i] = a[i] - b[i];
    return i;
  }
  void set_face(int at, int i, int j, int k) {
    Face& f = face[at];
    const Vec3d e1 = w[j] - w[i], e2 = w[k] - w[i], e3 = w[k] - w[j], n = cross(e1, e2);
    const double l = norm(n), longest2 = std::max(dot(e1, e1), std::max(dot(e2, e2), dot(e3, e3)));
    f.v[0] = i, f.v[1] = j, f.v[2] = k, f.seen = -1;
    // A sliver has no normal of its own; it is not expanded, its neighbours are.
    if (l <= 1e-14 * longest2 || l == 0) {
      f.normal = {}, distance[at] = kSliver;
    } else {
      f.normal = (1 / l) * n;
      distance[at] = dot(f.normal, w[i]);
    }
  }
  double height(int at, const Vec3d& p) const {
    const Face& f = face[at];
    if (distance[at] != kSliver) return dot(f.normal, p) - distance[at];
    const Vec3d& o = w[f.v[0]];
    return dot(cross(w[f.v[1]] - o, w[f.v[2]] - o), p - o);
  }
  // The first of the faces nearest to the origin.
  int nearest() const {
    double least[4] = {1e301, 1e301, 1e301, 1e301};
    int i = 0;
    for (; i + 4 <= faces; i += 4) {
      for (int k = 0; k < 4; ++k) least[k] = distance[i + k] < least[k] ? distance[i + k] : least[k];
    }
    double best = std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
    for (; i < faces; ++i) best = std::min(best, distance[i]);
    return static_cast<int>(std::find(distance, distance + faces, best) - distance);
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

// Replaces the faces around `start` that `apex` sees by a fan over their rim. False, and nothing changed, where
// rounding leaves no simple rim or there is no room.
bool expand(Polytope& p, int start, int apex) {
  struct Edge {
    int a, b, outer;
  };
  Edge rim[kFaces];
  int seen[kFaces], count = 0, rims = 0;
  const double above = 1e-15 * p.size;
  seen[count++] = start, p.face[start].seen = apex;
  for (int at = 0; at < count; ++at) {
    const Face& f = p.face[seen[at]];
    for (int i = 0; i < 3; ++i) {
      Face& o = p.face[f.across[i]];
      if (o.seen == apex) continue;
      if (p.height(f.across[i], p.w[apex]) > above) {
        o.seen = apex, seen[count++] = f.across[i];
      } else {
        if (rims == kFaces) return false;
        rim[rims++] = {f.v[i], f.v[i == 2 ? 0 : i + 1], f.across[i]};
      }
    }
  }
  int place[kFaces], from[kVertices];  // of the fan's face over each rim edge; by the vertex where the edge starts
  for (int i = 0; i < p.vertices; ++i) from[i] = -1;
  for (int k = 0; k < rims; ++k) {
    if (from[rim[k].a] >= 0) return false;
    from[rim[k].a] = k;
  }
  if (rims < 3 || p.faces - count + rims > kFaces || rims < count) return false;
  for (int k = 0; k < rims; ++k) {
    if (from[rim[k].b] < 0) return false;
    place[k] = k < count ? seen[k] : p.faces++;
  }
  for (int k = 0; k < rims; ++k) {
    const auto& [a, b, outer] = rim[k];
    p.set_face(place[k], a, b, apex);
    Face& f = p.face[place[k]];
    const int next = place[from[b]];
    f.across[0] = outer, f.across[1] = next;
    p.face[next].across[2] = place[k];
    Face& o = p.face[outer];
    for (int i = 0; i < 3; ++i) {
      if (o.v[i] == b && o.v[i == 2 ? 0 : i + 1] == a) o.across[i] = place[k];
    }
  }
  return true;
}

// The boundary point that the face's plane touches: of triangles in one plane, one holds it.
void deepest_points(const Polytope& p, const Face& face, double distance, Separation& out) {
  double least = 1e300;
  for (int k = 0; k < p.faces; ++k) {
    const Face& f = p.face[k];
    if (std::abs(p.distance[k] - distance) > 1e-10 * p.size || dot(f.normal, face.normal) < 1 - 1e-9) continue;
    double weight[3];
    const Vec3d v = nearest_on_triangle(p.w[f.v[0]], p.w[f.v[1]], p.w[f.v[2]], weight);
    const double d = dot(v, v);
    if (d >= least) continue;
    least = d;
    out.a = out.b = {};
    for (int i = 0; i < 3; ++i) out.a += weight[i] * p.a[f.v[i]], out.b += weight[i] * p.b[f.v[i]];
  }
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

// Round surfaces may need more vertices than there is room for: the direction is then bettered by a search around it,
// whose pattern turns by the golden angle so that no ridge holds it up.
void polish_one(const Pair& pair, double& least, Vec3d& n) {
  double turn = 0;
  for (double step = 0.02; step > 1e-11;) {
    const Vec3d u = any_perpendicular(n), v = cross(n, u);
    bool better = false;
    for (int k = 0; k < 6 && !better; ++k) {
      const double angle = turn + k * 1.0471975511965976;
      Vec3d m = n + (step * std::cos(angle)) * u + (step * std::sin(angle)) * v;
      m = (1 / norm(m)) * m;
      const double depth = -gap_along(pair, m);
      if (depth < least) least = depth, n = m, better = true;
    }
    turn += 2.3999632297286533;
    step *= better ? 1.5 : 0.6;
    if (step > 0.05) return;
  }
}

// The least depth square to the sides of a round shape, by the angle about its axis: where a small shape is deep in a
// large round one, the polytope is far too coarse to tell one angle from another.
void search_round(const Pair& pair, bool of_A, double& least, Vec3d& n) {
  const Core& core = of_A ? pair.A : pair.B;
  if (core.kind != Kind::kCylinder && core.kind != Kind::kCone && core.kind != Kind::kCapsule) return;
  const double up = core.kind == Kind::kCone ? (of_A ? 0.5 : -0.5) * core.radius / core.half_height : 0;
  const double unit = 1 / std::sqrt(1 + up * up);
  const auto along = [&](double angle) {
    const Vec3d d = unit * Vec3d{std::cos(angle), std::sin(angle), up};
    return of_A ? d : pair.X_AB.R * d;
  };
  const auto depth = [&](double angle) { return -gap_along(pair, along(angle)); };
  constexpr int kAngles = 36;
  constexpr double kStep = 6.283185307179586 / kAngles, kGolden = 0.6180339887498949;
  double value[kAngles];
  for (int k = 0; k < kAngles; ++k) value[k] = depth(k * kStep);
  const double lowest = *std::min_element(value, value + kAngles), highest = *std::max_element(value, value + kAngles);
  for (int k = 0; k < kAngles; ++k) {  // every valley that may be the deepest
    if (value[k] > value[k == 0 ? kAngles - 1 : k - 1] || value[k] > value[k + 1 == kAngles ? 0 : k + 1]) continue;
    if (value[k] > lowest + 0.25 * (highest - lowest)) continue;
    double low = (k - 1) * kStep, high = (k + 1) * kStep;
    double at[2] = {high - kGolden * (high - low), low + kGolden * (high - low)};
    double f[2] = {depth(at[0]), depth(at[1])};
    while (high - low > 1e-9) {
      const int far = f[0] <= f[1] ? 1 : 0;
      (far == 1 ? high : low) = at[far];
      at[far] = at[1 - far], f[far] = f[1 - far];
      at[1 - far] = far == 1 ? high - kGolden * (high - low) : low + kGolden * (high - low);
      f[1 - far] = depth(at[1 - far]);
    }
    const int best = f[0] <= f[1] ? 0 : 1;
    if (f[best] < least) least = f[best], n = along(at[best]);
  }
}

// From scratch, where the polytope has no room or lost its way: the best of directions all round, each bettered.
void search_all(const Pair& pair, double& least, Vec3d& n) {
  constexpr int kStarts = 4;
  double depth[kStarts] = {1e300, 1e300, 1e300, 1e300};
  Vec3d start[kStarts];
  const auto offer = [&](Vec3d d) {
    const double l = norm(d);
    if (!(l > 1e-12 * pair.size())) return;
    d = (1 / l) * d;
    double value = -gap_along(pair, d);
    for (int k = 0; k < kStarts; ++k) {
      if (value < depth[k]) std::swap(value, depth[k]), std::swap(d, start[k]);
    }
  };
  for (int k = 0; k < 27; ++k) {
    const Vec3d d{k % 3 - 1.0, k / 3 % 3 - 1.0, k / 9 - 1.0};
    if (k == 13) continue;
    offer((1 / norm(d)) * d);
    offer((1 / norm(d)) * (pair.X_AB.R * d));
  }
  const Vec3d between = pair.X_AB * pair.B.centre - pair.A.centre;
  offer(between), offer(-between);
  for (int k = 0; k < kStarts; ++k) {
    if (!(depth[k] < 1e300)) continue;
    polish_one(pair, depth[k], start[k]);
    if (depth[k] < least) least = depth[k], n = start[k];
  }
}

void polish(const Pair& pair, double& least, Vec3d& n) {
  polish_one(pair, least, n);
  search_all(pair, least, n);
  search_round(pair, true, least, n);
  search_round(pair, false, least, n);
  polish_one(pair, least, n);
}

}  // namespace

void improve(const Pair& pair, double& distance, Vec3d& n) {
  double least = -distance;
  polish_one(pair, least, n);
  distance = -least;
}

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
  const int corners[4][3] = {{i, j, k}, {i, 3, j}, {j, 3, k}, {k, 3, i}};
  const int across[4][3] = {{1, 2, 3}, {3, 2, 0}, {1, 3, 0}, {2, 1, 0}};
  for (int f = 0; f < 4; ++f) {
    p.set_face(f, corners[f][0], corners[f][1], corners[f][2]);
    for (int e = 0; e < 3; ++e) p.face[f].across[e] = across[f][e];
  }
  p.vertices = p.faces = 4;
  double least = 1e300;  // depth along the best direction seen
  Face best;
  double best_distance = 0;
  bool converged = false, lost = false;
  while (p.vertices < kVertices) {
    const int nearest = p.nearest();
    const Face& face = p.face[nearest];
    const double distance = p.distance[nearest];
    if (distance == kSliver) break;
    ++out.iterations;
    const int apex = p.sample(face.normal);
    const double reach = dot(face.normal, p.w[apex]);
    if (reach < least) least = reach, best = face, best_distance = distance;
    if (reach - distance <= kStop * p.size) {
      if (reach <= least + kStop * p.size) best = face, best_distance = distance;
      converged = least >= distance - kStop * p.size;
      break;
    }
    bool known = false;
    for (int v = 0; v < apex; ++v) known |= p.w[v] == p.w[apex];
    if (known) --p.vertices;
    // A face too narrow for a normal of its own, or in the way of a clean rim: its neighbours tell.
    if (known || !expand(p, nearest, apex)) p.distance[nearest] = kSliver, lost = true;
  }
  deepest_points(p, best, best_distance, out);
  out.normal = best.normal;
  if (!converged || lost) polish(pair, least, out.normal);
  out.distance = -least;
}

}  // namespace geoul::collision
