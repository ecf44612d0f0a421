#include "geoul/collision/manifold.h"

#include <algorithm>
#include <cmath>

namespace geoul::collision {
namespace {

constexpr double kLateral = 1e-9;  // of the size: what lies this far off an edge is still within
constexpr double kBetter = 1e-6;   // relative: what a choice must win by, so that equals do not alternate
constexpr double kAligned = 0.3;   // cosine: steeper polygons measure no gaps
constexpr double kUpright = 0.05;  // cosine: segments that stand more on the normal touch with an end
constexpr double kParallel = 0.1;  // sine: segments at a larger angle touch at one point

constexpr std::uint32_t crossing(std::uint32_t ref, std::uint32_t inc) { return 0x40000000u | ref << 14 | inc; }
constexpr std::uint32_t corner(std::uint32_t ref) { return 0x20000000u | ref; }

// Polygon that is cut down edge by edge. tag[i]: the edge from corner i on: of the incident polygon (its corner's id),
// or of the reference (kCut | its corner's id).
struct Ring {
  static constexpr int kMax = 2 * Feature::kMax + 2;
  static constexpr std::uint32_t kCut = 0x8000;
  int count = 0;
  Scratch<Vec3d, kMax> p;
  std::uint32_t id[kMax], tag[kMax];
};

std::uint32_t cut_id(std::uint32_t cut, std::uint32_t tag, std::uint32_t next_corner, bool leaves) {
  if (!(tag & Ring::kCut)) return crossing(cut, tag);
  // Two edges of the reference meet at one of its corners: the later edge starts at it, or the earlier one does.
  return corner(leaves ? tag & ~Ring::kCut : next_corner);
}

// Keeps what is left of the line from a along e, seen along n.
void cut(const Vec3d& a, const Vec3d& inward, double slack, std::uint32_t edge, Ring& in, Ring& out) {
  out.count = 0;
  if (in.count == 0) return;
  double before = dot(in.p[in.count - 1] - a, inward);
  int last = in.count - 1;
  for (int i = 0; i < in.count; ++i) {
    const double now = dot(in.p[i] - a, inward);
    const bool was = before >= -slack, is = now >= -slack;
    if (was != is && out.count < Ring::kMax) {
      const double t = clamp(before / (before - now), 0, 1);
      out.p[out.count] = in.p[last] + t * (in.p[i] - in.p[last]);
      out.id[out.count] = cut_id(edge, in.tag[last], edge, was);
      out.tag[out.count++] = was ? (Ring::kCut | edge) : in.tag[last];
    }
    if (is && out.count < Ring::kMax) {
      out.p[out.count] = in.p[i], out.id[out.count] = in.id[i], out.tag[out.count++] = in.tag[i];
    }
    before = now, last = i;
  }
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

void clip_polygons(const Measure& m, Candidates& out) {
  const Feature &ref = m.ref.feature, &inc = m.inc.feature;
  Ring rings[2];
  Ring* ring = &rings[0];
  Ring* spare = &rings[1];
  ring->count = inc.count;
  for (int i = 0; i < inc.count; ++i) ring->p[i] = inc.p[i], ring->id[i] = ring->tag[i] = inc.id[i];
  const double slack = kLateral * m.touch.size;
  // n is along the reference's outside and against the incident's: the corners of the two run in opposite turns.
  for (int i = 0; i < ref.count; ++i) {
    Vec3d a, inward;
    edge_line(ref, i, m.n, ref.disc && inc.disc, a, inward);
    cut(a, inward, slack, ref.id[i], *ring, *spare);
    std::swap(ring, spare);
  }
  if (inc.disc && ring->count == inc.count) {  // the whole disc: the farthest corner and a fixed triangle hold it
    bool whole = true;
    for (int i = 0; i < inc.count; ++i) whole &= ring->id[i] == inc.id[i];
    if (whole) {
      for (int i = 0; i < inc.count; ++i) {
        const std::uint32_t k = inc.id[i] & 0xff;
        if (k == 0 || k == 1 || k == 5 || k == 9) m.add(inc.p[i], inc.id[i], out);
      }
      return;
    }
  }
  for (int i = 0; i < ring->count; ++i) m.add(ring->p[i], ring->id[i], out);
}

// The stretch of the segment that lies over the disc, by the quadratic equation; false where none does.
bool within_disc(const Measure& m, double& from, double& to, std::uint32_t& from_id, std::uint32_t& to_id) {
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
  if (enter > from) from = enter, from_id = crossing(ref.id[0] | 0xff, inc.id[0]);
  if (leave < to) to = leave, to_id = crossing(ref.id[0] | 0xff, inc.id[1]);
  return from <= to;
}

void clip_segment(const Measure& m, Candidates& out) {
  const Feature &ref = m.ref.feature, &inc = m.inc.feature;
  const Vec3d e = inc.p[1] - inc.p[0];
  const double slack = kLateral * m.touch.size;
  double from = 0, to = 1;
  std::uint32_t from_id = inc.id[0], to_id = inc.id[1];
  if (ref.disc && !within_disc(m, from, to, from_id, to_id)) return;
  for (int i = 0; i < ref.count && !ref.disc; ++i) {
    Vec3d a, inward;
    edge_line(ref, i, m.n, false, a, inward);
    const double d0 = dot(inc.p[0] - a, inward), d1 = dot(inc.p[1] - a, inward);
    if (d0 < -slack && d1 < -slack) return;
    if (d0 >= -slack && d1 >= -slack) continue;
    const double t = clamp(d0 / (d0 - d1), 0, 1);
    if (d0 < d1 && t > from) from = t, from_id = crossing(ref.id[i], inc.id[0]);
    if (d0 > d1 && t < to) to = t, to_id = crossing(ref.id[i], inc.id[1]);
  }
  if (from > to) return;
  m.add(inc.p[0] + from * e, from_id, out);
  if ((to - from) * norm(e) > slack) m.add(inc.p[0] + to * e, to_id, out);
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
  const int low = run > 0 ? 0 : 1;  // B's end with the smaller s
  const double b_low = low == 0 ? s0 : s1, b_high = low == 0 ? s1 : s0;
  const bool low_of_B = b_low > slack, high_of_B = b_high < le - slack;
  const double from = low_of_B ? b_low : 0, to = high_of_B ? b_high : le;
  if (to - from <= slack) return;
  const std::uint32_t ids[2] = {low_of_B ? B.feature.id[low] : corner(A.feature.id[0]),
                                high_of_B ? B.feature.id[1 - low] : corner(A.feature.id[1])};
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
    if (gap <= touch.margin) out.add(middle, gap, ids[i]);
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
  const Measure m{touch, ref_A ? a : b, ref_A ? b : a, ref_A ? touch.normal : -touch.normal};
  if (m.inc.feature.count == 2) {
    clip_segment(m, out);
  } else {
    clip_polygons(m, out);
  }
}

void add_nearest(const Touch& touch, Candidates& c) {
  for (int i = 0; i < c.count; ++i) {
    if (c.gap[i] <= touch.distance + kSnap * touch.size) return;
  }
  const Vec3d middle = touch.a + touch.b + (touch.rounding_A - touch.rounding_B) * touch.normal;
  c.add(0.5 * middle, touch.distance, kNearestId);
}

namespace {

// Four of many: the one farthest out, the one farthest from it, and the largest areas on both sides.
void choose(const Touch& touch, const Candidates& c, int (&chosen)[4], int& count) {
  double x[Candidates::kMax], y[Candidates::kMax];
  const Vec3d u = any_perpendicular(touch.normal), v = cross(touch.normal, u);
  double cx = 0, cy = 0;
  for (int i = 0; i < c.count; ++i) {
    x[i] = dot(c.p[i], u), y[i] = dot(c.p[i], v);
    cx += x[i], cy += y[i];
  }
  cx /= c.count, cy /= c.count;
  const auto farthest = [&](double ox, double oy) {
    int at = 0;
    double most = -1;
    for (int i = 0; i < c.count; ++i) {
      const double d = (x[i] - ox) * (x[i] - ox) + (y[i] - oy) * (y[i] - oy);
      if (d > most * (1 + kBetter)) most = d, at = i;
    }
    return at;
  };
  const auto area = [&](int a, int b, int p) { return (x[b] - x[a]) * (y[p] - y[a]) - (y[b] - y[a]) * (x[p] - x[a]); };
  chosen[0] = farthest(cx, cy);
  chosen[1] = farthest(x[chosen[0]], y[chosen[0]]);
  count = chosen[1] == chosen[0] ? 1 : 2;
  if (count == 2) {
    double most = kLateral * touch.size * kLateral * touch.size;
    int third = -1;
    for (int i = 0; i < c.count; ++i) {
      const double s = std::abs(area(chosen[0], chosen[1], i));
      if (s > most * (1 + kBetter)) most = s, third = i;
    }
    if (third >= 0) chosen[count++] = third;
  }
  if (count == 3) {
    const double turn = area(chosen[0], chosen[1], chosen[2]) > 0 ? 1 : -1;
    double most = 1e-3 * std::abs(area(chosen[0], chosen[1], chosen[2]));
    int fourth = -1;
    for (int i = 0; i < c.count; ++i) {
      for (int k = 0; k < 3; ++k) {
        const double s = -turn * area(chosen[k], chosen[k == 2 ? 0 : k + 1], i);
        if (s > most * (1 + kBetter)) most = s, fourth = i;
      }
    }
    if (fourth >= 0) chosen[count++] = fourth;
  }
  // The deepest takes the place of the chosen one nearest to it.
  const int deepest = int(std::min_element(c.gap, c.gap + c.count) - c.gap);
  double near = 1e300;
  int place = 0;
  for (int k = 0; k < count; ++k) {
    if (c.gap[chosen[k]] <= c.gap[deepest] + kSnap * touch.size) return;
    const double dx = x[chosen[k]] - x[deepest], dy = y[chosen[k]] - y[deepest], d = dx * dx + dy * dy;
    if (d < near) near = d, place = k;
  }
  if (count < 4) {
    chosen[count++] = deepest;
  } else {
    chosen[place] = deepest;
  }
}

}  // namespace

int write_manifold(const Touch& touch, Candidates& c, const Transformd& X_WA, Manifold* out) {
  int chosen[4] = {0, 1, 2, 3}, count = c.count;
  if (c.count > 4) choose(touch, c, chosen, count);
  for (int i = 1; i < count; ++i) {  // few: by insertion
    for (int k = i; k > 0 && c.id[chosen[k]] < c.id[chosen[k - 1]]; --k) std::swap(chosen[k], chosen[k - 1]);
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
