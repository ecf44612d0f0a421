#include "geoul/dynamics/batch_frames.h"

#include <algorithm>
#include <cmath>

namespace geoul::dynamics {
namespace {

constexpr double kRounding = 4e-15;  // of cosines and shares of lengths that are meant to be 0 or 1

double snapped(double x, double scale) { return std::abs(x) <= kRounding * scale ? 0 : x; }

// Cosine and sine of an angle, with quarters exact.
struct Angle {
  double c = 1, s = 0;
};
Angle angle(double c, double s) {
  const double length = std::hypot(c, s);
  c = snapped(c / length, 1), s = snapped(s / length, 1);
  if (c == 0) return {0, std::copysign(1, s)};
  if (s == 0) return {std::copysign(1, c), 0};
  return {c, s};
}
Mat3d about_z(const Angle& a) { return {{a.c, -a.s, 0}, {a.s, a.c, 0}, {0, 0, 1}}; }
Mat3d about_x(const Angle& a) { return {{1, 0, 0}, {0, a.c, -a.s}, {0, a.s, a.c}}; }

// R = Rz(turn) Rx(tilt) Rz(spin), -90 < turn <= 90 degrees. Where the axes are parallel the turn is towards p.
struct Decomposed {
  Angle turn, tilt, spin;
};
Decomposed decomposed(const Transformd& X) {
  const Vec3d z = X.R.column(2);
  double c = -z.y, s = z.x;  // times the sine of the tilt
  double sine = std::hypot(c, s);
  if (sine <= kRounding) {
    sine = 0, c = snapped(X.p.x, norm(X.p)), s = snapped(X.p.y, norm(X.p));
    if (c == 0 && s == 0) c = 1;
  }
  Decomposed d;
  d.turn = angle(c, s);
  if (d.turn.c < 0 || (d.turn.c == 0 && d.turn.s < 0)) d.turn = {-d.turn.c, -d.turn.s}, sine = -sine;
  d.tilt = angle(z.z, sine);
  const Mat3d spin = transpose(about_z(d.turn) * about_x(d.tilt)) * X.R;
  d.spin = angle(spin.r0.x, spin.r1.x);
  return d;
}

FrameKind kind_of(const Angle& tilt, bool away) {
  if (tilt.s == 0 && tilt.c > 0) return away ? FrameKind::kSameAway : FrameKind::kSame;
  if (tilt.c == 0 && tilt.s > 0) return away ? FrameKind::kQuarterAway : FrameKind::kQuarter;
  if (tilt.c == 0) return away ? FrameKind::kBackQuarterAway : FrameKind::kBackQuarter;
  if (tilt.s == 0) return away ? FrameKind::kHalfAway : FrameKind::kHalf;
  return away ? FrameKind::kTiltedAway : FrameKind::kTilted;
}

struct Maker {
  const Model& model;
  std::vector<int> heir;  // (nlink) the child that a link's frame is turned to; -1: none
  std::vector<KernelFrame> frames;

  explicit Maker(const Model& m) : model(m), heir(m.links.size(), -1), frames(m.links.size()) {
    for (std::size_t i = 0; i < m.links.size(); ++i) {
      const Link& link = m.links[i];
      if (link.parent < 0 || link.motion == LinkMotion::kBall) continue;
      int& first = heir[static_cast<std::size_t>(link.parent)];
      if (first < 0) first = static_cast<int>(i);
    }
  }
  // The turn about its own z that takes the turn out of the heir's frame.
  Angle turn_of(std::size_t i) const {
    if (heir[i] < 0) return {};
    return decomposed(model.links[static_cast<std::size_t>(heir[i])].X_PF).turn;
  }

  void root(std::size_t i) {
    const Link& link = model.links[i];
    KernelFrame& f = frames[i];
    const Angle turn = turn_of(i);
    f.kind = FrameKind::kWhole, f.p = link.X_PF.p, f.whole = link.X_PF.R;
    f.X_LK.R = about_z(turn);
    if (link.motion == LinkMotion::kTurn) f.offset = std::atan2(turn.s, turn.c);
    if (link.motion == LinkMotion::kSlide) f.whole = f.whole * f.X_LK.R;
  }
  void ball(std::size_t i, const Transformd& X) {
    frames[i].kind = FrameKind::kWhole, frames[i].whole = X.R, frames[i].p = X.p;
  }
  void child(std::size_t i, const Transformd& X) {
    const Link& link = model.links[i];
    KernelFrame& f = frames[i];
    const Decomposed d = decomposed(X);
    const double size = norm(link.X_PF.p) + norm(X.p);
    f.cos_tilt = d.tilt.c, f.sin_tilt = d.tilt.s, f.cos_turn = d.turn.c, f.sin_turn = d.turn.s;
    f.p = transpose_times(about_z(d.turn), X.p);
    f.p.y = snapped(f.p.y, size);
    if (link.motion == LinkMotion::kSlide) {
      f.kind = FrameKind::kSlide;
      f.X_LK.R = transpose(about_z(d.spin));
      return;
    }
    const Angle turn = turn_of(i);
    f.X_LK.R = about_z(turn);
    f.offset = snapped(std::atan2(d.spin.s, d.spin.c) + std::atan2(turn.s, turn.c), 1);
    // along the joint's axis to the foot of the common normal, where that is near
    const double along = f.p.y / d.tilt.s;
    if (f.p.y != 0 && std::abs(along) <= 2 * norm(link.X_PF.p)) {
      f.X_LK.p = {0, 0, along};
      f.p = {f.p.x, 0, f.p.z + along * d.tilt.c};
    }
    f.p.x = snapped(f.p.x, size), f.p.z = snapped(f.p.z, size);
    const bool any = f.p.y != 0 || d.turn.s != 0;
    f.kind = any ? FrameKind::kAny : kind_of(d.tilt, f.p != Vec3d{});
  }
};

}  // namespace

std::vector<KernelFrame> kernel_frames(const Model& model) {
  Maker maker(model);
  for (std::size_t i = 0; i < model.links.size(); ++i) {
    const Link& link = model.links[i];
    const bool is_ball = link.motion == LinkMotion::kBall;
    if (link.parent < 0) {
      is_ball ? maker.ball(i, link.X_PF) : maker.root(i);
      continue;
    }
    const Transformd X = inverse(maker.frames[static_cast<std::size_t>(link.parent)].X_LK) * link.X_PF;
    is_ball ? maker.ball(i, X) : maker.child(i, X);
  }
  return std::move(maker.frames);
}

}  // namespace geoul::dynamics
