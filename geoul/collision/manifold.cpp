#include "geoul/collision/manifold.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace geoul::collision {
namespace {

constexpr double kLateral = 1e-9;    // of the size: what lies this far off an edge is still within
constexpr double kBetter = 1e-6;     // relative: what a choice must win by, so that equals do not alternate
constexpr double kOneCorner = 1e-5;  // of the size: corners of the two nearer than this get one name
constexpr double kAligned = 0.3;     // cosine: steeper polygons measure no gaps
constexpr double kUpright = 0.05;    // cosine: segments that stand more on the normal touch with an end
constexpr double kParallel = 0.1;    // sine: segments at a larger angle touch at one point

// Names do not tell which of the two measures: that may change from step to step without any feature leaving.
constexpr std::uint32_t corner_of(bool A, std::uint32_t id) { return (A ? kCornerOfA : kCornerOfB) | id; }
constexpr std::uint32_t crossing(bool ref_A, std::uint32_t ref, std::uint32_t inc) {
  return kCrossing | (ref_A ? ref << 14 | inc : inc << 14 | ref);
}

// Polygon that is cut down edge by edge. tag[i]: the edge from corner i on: of the incident polygon (its corner's id),
// or of the reference (kCut | its corner's id).
struct Ring {
  static constexpr int kMax = 2 * Feature::kMax + 2;
  static constexpr std::uint32_t kCut = 0x8000;
  int count = 0;
  Scratch<Vec3d, kMax> p;
  std::uint32_t id[kMax], tag[kMax];
  bool rim[kMax];  // on an edge of the reference, or nearly so
};

std::uint32_t cut_id(bool ref_A, std::uint32_t cut, std::uint32_t tag, bool leaves) {
  if (!(tag & Ring::kCut)) return crossing(ref_A, cut, tag);
  // Two edges of the reference meet at one of its corners: the later edge starts at it, or the earlier one does.
  return corner_of(ref_A, leaves ? tag & ~Ring::kCut : cut);
}

// Keeps what is left of the line from a along e, seen along n. False where that is the whole ring, and out is not made.
bool cut(const Vec3d& a, const Vec3d& inward, double size, bool ref_A, std::uint32_t edge, Ring& in, Ring& out) {
  const double slack = kLateral * size, near = kOneCorner * size;
  double d[Ring::kMax], least = 1e300;
  for (int i = 0; i < in.count; ++i) {
    d[i] = dot(in.p[i] - a, inward);
    in.rim[i] |= d[i] <= near;
    least = std::min(least, d[i]);
  }
  if (least >= -slack) return false;
  out.count = 0;
  for (int i = 0, last = in.count - 1; i < in.count; last = i++) {
    const bool was = d[last] >= -slack, is = d[i] >= -slack;
    if (was != is && out.count < Ring::kMax) {
      const double t = clamp(d[last] / (d[last] - d[i]), 0, 1);
      out.p[out.count] = in.p[last] + t * (in.p[i] - in.p[last]);
      out.id[out.count] = cut_id(ref_A, edge, in.tag[last], was);
      out.rim[out.count] = true;
      out.tag[out.count++] = was ? (Ring::kCut | edge) : in.tag[last];
    }
    if (is && out.count < Ring::kMax) {
      out.p[out.count] = in.p[i], out.id[out.count] = in.id[i], out.rim[out.count] = in.rim[i];
      out.tag[out.count++] = in.tag[i];
    }
  }
  return true;
}

struct Side {
  const Feature& feature;
  double rounding;
};

// ref: polygon that measures; n from ref to inc.
struct Measure {
  const Touch& touch;
  const Side& ref;
  const Side& inc;
  bool ref_A;
  Vec3d n;

  double gap(const Vec3d& p) const {
    const Vec3d& m = ref.feature.normal;
    return dot(m, p - ref.feature.p[0]) / dot(m, n) - (ref.rounding + inc.rounding);
  }
  void add(const Vec3d& p, std::uint32_t id, Candidates& out) const {
    const double g = gap(p);
    // Deeper than the shapes are along the normal: beyond the rim of a round face.
    if (g < touch.distance - kSnap * touch.size) return;
    if (g <= touch.margin) out.add(p - (inc.rounding + 0.5 * g) * n, g, id);
  }
};

// Corners of a disc as a boundary stand on a dozen tangents, so that a disc of the same size lies within.
constexpr double kAround = 1.0352761804100830;  // 1 / cos(15 deg)

void edge_line(const Feature& f, int i, const Vec3d& n, bool around, Vec3d& a, Vec3d& inward) {
  const int j = i + 1 == f.count ? 0 : i + 1;
  a = f.p[i];
  const Vec3d e = f.p[j] - f.p[i], m = cross(n, e);
  const double l = norm(m);
  inward = l > 0 ? (1 / l) * m : Vec3d{};
  if (around) a = f.disc_centre + kAround * (a - f.disc_centre);
}

// Corners of the two that lie over each other, or points cut beside a corner, are one place: its name is A's corner's,
// else B's. Of two points of one place the deeper stays.
void name_places(const Measure& m, const Feature& of, bool A, Ring& ring) {
  const double near = kOneCorner * m.touch.size;
  const Vec3d u = any_perpendicular(m.n), v = cross(m.n, u);
  double x[Ring::kMax], y[Ring::kMax];
  for (int i = 0; i < ring.count; ++i) x[i] = dot(ring.p[i], u), y[i] = dot(ring.p[i], v);
  for (int c = 0; c < of.count; ++c) {
    const std::uint32_t name = corner_of(A, of.id[c]);
    const double cx = dot(of.p[c], u), cy = dot(of.p[c], v);
    int first = -1;
    for (int i = 0; i < ring.count; ++i) {
      if (!(std::max(std::abs(x[i] - cx), std::abs(y[i] - cy)) <= near) || !ring.rim[i]) continue;
      if (!A && (ring.id[i] & kCornerOfA) != 0) continue;  // is A's corner already
      ring.id[i] = name;
      if (first < 0) {
        first = i;
        continue;
      }
      if (m.gap(ring.p[i]) < m.gap(ring.p[first])) ring.p[first] = ring.p[i];
      --ring.count;
      for (int k = i; k < ring.count; ++k) {
        ring.p[k] = ring.p[k + 1], ring.id[k] = ring.id[k + 1], ring.rim[k] = ring.rim[k + 1];
        x[k] = x[k + 1], y[k] = y[k + 1];
      }
      --i;
    }
  }
}

void clip_polygons(const Measure& m, Candidates& out) {
  const Feature &ref = m.ref.feature, &inc = m.inc.feature;
  Ring rings[2];
  Ring* ring = &rings[0];
  Ring* spare = &rings[1];
  ring->count = inc.count;
  for (int i = 0; i < inc.count; ++i) {
    ring->p[i] = inc.p[i], ring->id[i] = corner_of(!m.ref_A, inc.id[i]), ring->tag[i] = inc.id[i];
    ring->rim[i] = false;
  }
  // n is along the reference's outside and against the incident's: the corners of the two run in opposite turns.
  for (int i = 0; i < ref.count; ++i) {
    Vec3d a, inward;
    edge_line(ref, i, m.n, ref.disc && inc.disc, a, inward);
    if (cut(a, inward, m.touch.size, m.ref_A, ref.id[i], *ring, *spare)) std::swap(ring, spare);
    if (ring->count == 0) return;
  }
  if (inc.disc && ring->count == inc.count) {  // the whole disc: the farthest corner and a fixed triangle hold it
    bool whole = true;
    for (int i = 0; i < inc.count; ++i) whole &= ring->id[i] == corner_of(!m.ref_A, inc.id[i]);
    if (whole) {
      for (int i = 0; i < inc.count; ++i) {
        const std::uint32_t k = inc.id[i] & 0xff;
        if (k == 0 || k == 1 || k == 5 || k == 9) m.add(inc.p[i], ring->id[i], out);
      }
      return;
    }
  }
  if (!ref.disc && !inc.disc && std::find(ring->rim, ring->rim + ring->count, true) != ring->rim + ring->count) {
    name_places(m, m.ref_A ? ref : inc, true, *ring);
    name_places(m, m.ref_A ? inc : ref, false, *ring);
  }
  for (int i = 0; i < ring->count; ++i) m.add(ring->p[i], ring->id[i], out);
}

// The stretch of the segment that lies over the disc, by the quadratic equation; false where none does.
bool within_disc(const Measure& m, double& from, double& to) {
  const Feature &ref = m.ref.feature, &inc = m.inc.feature;
  const auto onto = [&](const Vec3d& p) {  // the disc's plane, along n; from its centre
    const Vec3d d = p - ref.disc_centre;
    return d - (dot(d, ref.normal) / dot(m.n, ref.normal)) * m.n;
  };
  const Vec3d p = onto(inc.p[0]), e = onto(inc.p[1]) - p;
  const double r = ref.disc_radius * (1 + kLateral), c = dot(p, p) - r * r, b = dot(p, e), a = dot(e, e);
  const double root2 = b * b - a * c;
  if (!(root2 > 0) || !(a > 0)) return c <= 0 && !(a > 0);
  const double root = std::sqrt(root2), enter = (-b - root) / a, leave = (-b + root) / a;
  from = std::max(from, enter), to = std::min(to, leave);
  return from <= to;
}

void clip_segment(const Measure& m, Candidates& out) {
  const Feature &ref = m.ref.feature, &inc = m.inc.feature;
  const Vec3d e = inc.p[1] - inc.p[0];
  const double slack = kLateral * m.touch.size;
  double from = 0, to = 1;
  if (ref.disc && !within_disc(m, from, to)) return;
  for (int i = 0; i < ref.count && !ref.disc; ++i) {
    Vec3d a, inward;
    edge_line(ref, i, m.n, false, a, inward);
    const double d0 = dot(inc.p[0] - a, inward), d1 = dot(inc.p[1] - a, inward);
    if (d0 < -slack && d1 < -slack) return;
    if (d0 >= -slack && d1 >= -slack) continue;
    const double t = clamp(d0 / (d0 - d1), 0, 1);
    if (d0 < d1) from = std::max(from, t);
    if (d0 > d1) to = std::min(to, t);
  }
  if (from > to) return;
  // Named by the end, and that it is cut short there, whatever edge does it.
  constexpr std::uint32_t kAny = 0x3fff;
  const double length = norm(e);
  const auto name = [&](double off, std::uint32_t end) {
    return off * length > kOneCorner * m.touch.size ? crossing(m.ref_A, kAny, end) : corner_of(!m.ref_A, end);
  };
  m.add(inc.p[0] + from * e, name(from, inc.id[0]), out);
  if ((to - from) * length > slack) m.add(inc.p[0] + to * e, name(1 - to, inc.id[1]), out);
}

// Two straight lines of surface side by side: the ends of the stretch they share.
void clip_segments(const Touch& touch, const Side& A, const Side& B, Candidates& out) {
  const Vec3d &n = touch.normal, &p0 = A.feature.p[0], &q0 = B.feature.p[0];
  const Vec3d e = A.feature.p[1] - p0, f = B.feature.p[1] - q0;
  const double le = norm(e), lf = norm(f), slack = kLateral * touch.size;
  if (!(le > 0 && lf > 0) || norm(cross(e, f)) > kParallel * le * lf) return;
  const Vec3d u = (1 / le) * e;
  if (std::abs(dot(u, n)) > kUpright || std::abs(dot(f, n)) > kUpright * lf) return;
  const double s0 = dot(q0 - p0, u), s1 = s0 + dot(f, u), run = s1 - s0;
  const double b_low = std::min(s0, s1), b_high = std::max(s0, s1);
  const double from = std::max(b_low, 0.0), to = std::min(b_high, le);
  if (to - from <= slack) return;
  const double bend = A.feature.bend + B.feature.bend, rounding = A.rounding + B.rounding;
  for (int i = 0; i < 2; ++i) {
    const double s = i == 0 ? from : to;
    const Vec3d a = p0 + s * u, b = q0 + ((s - s0) / run) * f, d = b - a;
    const double h = dot(d, n), lateral = norm(d - h * n), between = h + bend;
    double gap = h - rounding;
    Vec3d middle = 0.5 * (a + b + (A.rounding - B.rounding) * n);
    if (lateral > slack) {  // past each other: round sides part as circles do, sharp edges do not touch
      if (bend + rounding <= 0 || between <= 0) continue;
      const double apart = std::sqrt(between * between + lateral * lateral);
      gap = apart - bend - rounding;
      const Vec3d across = d + bend * n;  // from centre to centre of the circles
      middle = a - A.feature.bend * n + ((A.feature.bend + A.rounding + 0.5 * gap) / apart) * across;
    }
    if (gap <= touch.margin) out.add(middle, gap, corner_of(true, A.feature.id[i]));  // towards A's end
  }
}

}  // namespace

void move_feature(const Transformd& X, Feature& f) {
  for (int i = 0; i < f.count; ++i) f.p[i] = X * f.p[i];
  f.normal = X.R * f.normal;
  if (f.disc) f.disc_centre = X * f.disc_centre;
}

void clip_features(const Touch& touch, const Feature& A, const Feature& B, Candidates& out) {
  if (A.count < 2 || B.count < 2) return;
  const Side a{A, touch.rounding_A}, b{B, touch.rounding_B};
  if (A.count == 2 && B.count == 2) return clip_segments(touch, a, b, out);
  const double along_A = A.count > 2 ? dot(A.normal, touch.normal) : 0;
  const double along_B = B.count > 2 ? -dot(B.normal, touch.normal) : 0;
  bool ref_A = A.count > 2 && (B.count == 2 || along_A >= along_B - kLateral);
  if (A.count > 2 && B.count > 2 && (A.disc || B.disc)) {  // a disc is clipped, not the other way round
    const bool fits = A.disc && B.disc ? A.disc_radius >= B.disc_radius : B.disc;
    if ((fits ? along_A : along_B) >= kAligned) ref_A = fits;
  }
  if ((ref_A ? along_A : along_B) < kAligned) return;
  const Measure m{touch, ref_A ? a : b, ref_A ? b : a, ref_A, ref_A ? touch.normal : -touch.normal};
  if (m.inc.feature.count == 2) {
    clip_segment(m, out);
  } else {
    clip_polygons(m, out);
  }
}

void add_nearest(const Touch& touch, const Feature& A, Candidates& c) {
  for (int i = 0; i < c.count; ++i) {
    if (c.gap[i] <= touch.distance + kSnap * touch.size) return;
  }
  std::uint32_t name = kNearestId;
  for (int k = 0; k < A.count && !A.disc; ++k) {
    if (norm(A.p[k] - touch.a) <= kOneCorner * touch.size) name = corner_of(true, A.id[k]);
  }
  const Vec3d middle = 0.5 * (touch.a + touch.b + (touch.rounding_A - touch.rounding_B) * touch.normal);
  for (int i = 0; i < c.count; ++i) {
    if (c.id[i] != name) continue;
    c.p[i] = middle, c.gap[i] = touch.distance;
    return;
  }
  c.add(middle, touch.distance, name);
}

namespace {

// Four that spread, and one of the deepest.
void choose(const Touch& touch, const Candidates& c, int (&chosen)[4], int& count) {
  double x[Candidates::kMax], y[Candidates::kMax];
  const Vec3d u = any_perpendicular(touch.normal), v = cross(touch.normal, u);
  for (int i = 0; i < c.count; ++i) x[i] = dot(c.p[i], u), y[i] = dot(c.p[i], v);
  count = spread({x, static_cast<std::size_t>(c.count)}, {y, static_cast<std::size_t>(c.count)}, chosen);
  // The deepest takes the place of the chosen one nearest to it.
  const int deepest = int(std::min_element(c.gap, c.gap + c.count) - c.gap);
  double near = 1e300;
  int place = 0;
  for (int k = 0; k < count; ++k) {
    if (c.gap[chosen[k]] <= c.gap[deepest] + kDeeper * touch.size) return;
    const double dx = x[chosen[k]] - x[deepest], dy = y[chosen[k]] - y[deepest], d = dx * dx + dy * dy;
    if (d < near) near = d, place = k;
  }
  chosen[count < 4 ? count++ : place] = deepest;
}

// By id: few, by insertion.
void sort(Candidates& c) {
  for (int i = 1; i < c.count; ++i) {
    for (int k = i; k > 0 && c.id[k] < c.id[k - 1]; --k) {
      std::swap(c.id[k], c.id[k - 1]), std::swap(c.gap[k], c.gap[k - 1]), std::swap(c.p[k], c.p[k - 1]);
    }
  }
}

}  // namespace

// Directions a quarter turn apart, 22.5 degrees off the axes: no side of boxes that stand straight, or at 45 degrees,
// is square to one, so that the least motion does not change what is farthest.
int spread(std::span<const double> x, std::span<const double> y, int chosen[4]) {
  const int n = static_cast<int>(x.size());
  const auto in = [](std::span<const double> values, int i) { return values[static_cast<std::size_t>(i)]; };
  double low[2] = {x[0], y[0]}, high[2] = {x[0], y[0]};
  for (int i = 1; i < n; ++i) {
    low[0] = std::min(low[0], in(x, i)), high[0] = std::max(high[0], in(x, i));
    low[1] = std::min(low[1], in(y, i)), high[1] = std::max(high[1], in(y, i));
  }
  const double extent = (high[0] - low[0]) + (high[1] - low[1]);
  double c = 0.92387953251128674, s = 0.38268343236508977;
  int count = 0;
  for (int k = 0; k < 4; ++k) {
    int at = 0;
    double most = c * x[0] + s * y[0];
    for (int i = 1; i < n; ++i) {
      const double d = c * in(x, i) + s * in(y, i);
      if (d > most + kBetter * extent) most = d, at = i;
    }
    if (std::find(chosen, chosen + count, at) == chosen + count) chosen[count++] = at;
    c = -std::exchange(s, c);
  }
  const auto area = [&](int a, int b, int p) {
    return (in(x, b) - in(x, a)) * (in(y, p) - in(y, a)) - (in(y, b) - in(y, a)) * (in(x, p) - in(x, a));
  };
  if (count == 2) {  // what is farthest off their line
    double most = 1e-6 * extent * extent;
    for (int i = 0; i < n; ++i) {
      const double d = std::abs(area(chosen[0], chosen[1], i));
      if (d > most * (1 + kBetter)) most = d, chosen[2] = i, count = 3;
    }
  }
  if (count == 3) {  // the largest area beyond a side
    const double all = area(chosen[0], chosen[1], chosen[2]), turn = all > 0 ? 1 : -1;
    double most = 1e-3 * std::abs(all);
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < 3; ++k) {
        const double d = -turn * area(chosen[k], chosen[k == 2 ? 0 : k + 1], i);
        if (d > most * (1 + kBetter)) most = d, chosen[3] = i, count = 4;
      }
    }
  }
  return count;
}

void ascend(int chosen[4], int count) {
  for (int i = 1; i < count; ++i) {
    for (int k = i; k > 0 && chosen[k] < chosen[k - 1]; --k) std::swap(chosen[k], chosen[k - 1]);
  }
}

int write_manifold(const Touch& touch, Candidates& c, const Transformd& X_WA, Manifold* out) {
  int chosen[4] = {0, 1, 2, 3}, count = c.count;
  sort(c);
  if (c.count > 4) {
    choose(touch, c, chosen, count);
    ascend(chosen, count);
  }
  out->count = count;
  if (count == 0) return 0;
  out->normal_W = X_WA.R * touch.normal;
  for (int i = 0; i < count; ++i) {
    out->points[i] = {X_WA * c.p[chosen[i]], c.gap[chosen[i]], c.id[chosen[i]]};
  }
  return count;
}

}  // namespace geoul::collision
