// What the kernel frames of a batch (batch_frames.h) make of motions, wrenches and articulated inertias over lanes T: a
// pose X_PK = Rz(turn) T(p) Rx(tilt) Rz(c, s), one plane at a time; the kind of the frame is known to the compiler, and
// what is known to be nothing is not there. Included by the leaf files and their test alone.
// Sources: turning a symmetric matrix in a plane, Golub and Van Loan, Matrix Computations, 8.5; shifting articulated
// inertias, Featherstone, Rigid Body Dynamics Algorithms (2008), 2.5 and appendix A.
#pragma once

#include "geoul/dynamics/data.h"

namespace geoul::dynamics {

// (x, y) turned by the angle of cosine c and sine s.
template <class T>
[[gnu::always_inline]] inline void turn_pair(const T& c, const T& s, T& x, T& y) {
  const T a = c * x - s * y;
  y = s * x + c * y;
  x = a;
}
template <class T>
[[gnu::always_inline]] inline void turn_pair_back(const T& c, const T& s, T& x, T& y) {
  const T a = c * x + s * y;
  y = c * y - s * x;
  x = a;
}
// R m R^T of the block [xx xy; yx yy], with c c + s s = 1: four products.
template <class T>
[[gnu::always_inline]] inline void turn_block(const T& c, const T& s, T& xx, T& yy, T& xy, T& yx) {
  const T t = s * (xx - yy) + c * (xy + yx), along = s * t, across = c * t, a = xy;
  xx = xx - along, yy = yy + along;
  xy = across - yx, yx = across - a;
}
template <class T>
[[gnu::always_inline]] inline void turn_symmetric(const T& c, const T& s, T& xx, T& yy, T& xy) {
  const T t = s * (xx - yy) + (c + c) * xy, along = s * t;
  xx = xx - along, yy = yy + along;
  xy = c * t - xy;
}

// About x.
enum class Tilt { kNone, kQuarter, kBackQuarter, kHalf, kAny };

template <Tilt kTilt, class T>
struct Tilting {
  T c, s;

  [[gnu::always_inline]] void apply(Vec3<T>& v) const {
    const T y = v.y;
    if constexpr (kTilt == Tilt::kQuarter) v.y = -v.z, v.z = y;
    if constexpr (kTilt == Tilt::kBackQuarter) v.y = v.z, v.z = -y;
    if constexpr (kTilt == Tilt::kHalf) v.y = -v.y, v.z = -v.z;
    if constexpr (kTilt == Tilt::kAny) turn_pair(c, s, v.y, v.z);
  }
  [[gnu::always_inline]] void undo(Vec3<T>& v) const {
    const T y = v.y;
    if constexpr (kTilt == Tilt::kQuarter) v.y = v.z, v.z = -y;
    if constexpr (kTilt == Tilt::kBackQuarter) v.y = -v.z, v.z = y;
    if constexpr (kTilt == Tilt::kHalf) v.y = -v.y, v.z = -v.z;
    if constexpr (kTilt == Tilt::kAny) turn_pair_back(c, s, v.y, v.z);
  }
  [[gnu::always_inline]] void apply(Sym3<T>& m) const {
    if constexpr (kTilt == Tilt::kQuarter) m = {m.xx, m.zz, m.yy, -m.xz, m.xy, -m.yz};
    if constexpr (kTilt == Tilt::kBackQuarter) m = {m.xx, m.zz, m.yy, m.xz, -m.xy, -m.yz};
    if constexpr (kTilt == Tilt::kHalf) m.xy = -m.xy, m.xz = -m.xz;
    if constexpr (kTilt == Tilt::kAny) {
      turn_symmetric(c, s, m.yy, m.zz, m.yz);
      turn_pair(c, s, m.xy, m.xz);
    }
  }
  [[gnu::always_inline]] void apply(Mat3<T>& m) const {
    const Vec3<T> a = m.r0, b = m.r1, d = m.r2;
    if constexpr (kTilt == Tilt::kQuarter) m = {{a.x, -a.z, a.y}, {-d.x, d.z, -d.y}, {b.x, -b.z, b.y}};
    if constexpr (kTilt == Tilt::kBackQuarter) m = {{a.x, a.z, -a.y}, {d.x, d.z, -d.y}, {-b.x, -b.z, b.y}};
    if constexpr (kTilt == Tilt::kHalf) m = {{a.x, -a.y, -a.z}, {-b.x, b.y, b.z}, {-d.x, d.y, d.z}};
    if constexpr (kTilt == Tilt::kAny) {
      turn_block(c, s, m.r1.y, m.r2.z, m.r1.z, m.r2.y);
      turn_pair(c, s, m.r0.y, m.r0.z), turn_pair(c, s, m.r1.x, m.r2.x);
    }
  }
};

// About z.
template <class T>
struct Turning {
  T c, s;

  [[gnu::always_inline]] void apply(Vec3<T>& v) const { turn_pair(c, s, v.x, v.y); }
  [[gnu::always_inline]] void undo(Vec3<T>& v) const { turn_pair_back(c, s, v.x, v.y); }
  [[gnu::always_inline]] void apply(Sym3<T>& m) const {
    turn_symmetric(c, s, m.xx, m.yy, m.xy);
    turn_pair(c, s, m.xz, m.yz);
  }
  [[gnu::always_inline]] void apply(Mat3<T>& m) const {
    turn_block(c, s, m.r0.x, m.r1.y, m.r0.y, m.r1.x);
    turn_pair(c, s, m.r0.z, m.r1.z), turn_pair(c, s, m.r2.x, m.r2.y);
  }
};

enum class Shift { kNone, kPlane, kAny };  // kPlane: p.y = 0

// kTurns: the joint turns (by c, s). kTurned: there is a constant turn.
template <class T, bool kTurns, Tilt kTilt, Shift kShift, bool kTurned>
struct JointFrame {
  Turning<T> joint;
  Tilting<kTilt, T> tilt;
  Turning<T> turn;
  Vec3<T> p;

  // p x a
  [[gnu::always_inline]] Vec3<T> moment(const Vec3<T>& a) const {
    if constexpr (kShift == Shift::kPlane) return {-(p.z * a.y), p.z * a.x - p.x * a.z, p.x * a.y};
    return cross(p, a);
  }
  [[gnu::always_inline]] Motion<T> to_child(const Motion<T>& parent) const {
    Motion<T> m = parent;
    if constexpr (kTurned) turn.undo(m.w), turn.undo(m.v);
    if constexpr (kShift != Shift::kNone) m.v -= moment(m.w);
    tilt.undo(m.w), tilt.undo(m.v);
    if constexpr (kTurns) joint.undo(m.w), joint.undo(m.v);
    return m;
  }
  [[gnu::always_inline]] Force<T> to_parent(const Force<T>& child) const {
    Force<T> f = child;
    if constexpr (kTurns) joint.apply(f.n), joint.apply(f.f);
    tilt.apply(f.n), tilt.apply(f.f);
    if constexpr (kShift != Shift::kNone) f.n += moment(f.f);
    if constexpr (kTurned) turn.apply(f.n), turn.apply(f.f);
    return f;
  }
  Transform<T> transform() const {
    Vec3<T> x{T(1), T(0), T(0)}, y{T(0), T(1), T(0)}, z{T(0), T(0), T(1)}, at = p;
    for (Vec3<T>* a : {&x, &y, &z}) {
      if constexpr (kTurns) joint.apply(*a);
      tilt.apply(*a);
      if constexpr (kTurned) turn.apply(*a);
    }
    if constexpr (kShift == Shift::kNone) at = {T(0), T(0), T(0)};
    if constexpr (kTurned) turn.apply(at);
    return {transpose(Mat3<T>{x, y, z}), at};
  }

  // The parts of an articulated inertia in the axes before the turn.
  template <class Part>
  [[gnu::always_inline]] void rotate(Part& part) const {
    if constexpr (kTurns) joint.apply(part);
    tilt.apply(part);
  }
  // A part in the parent's axes.
  template <class Part>
  [[gnu::always_inline]] void turn_whole(Part& part) const {
    rotate(part);
    if constexpr (kTurned) turn.apply(part);
  }
  // H + P M with P = skew(p)
  [[gnu::always_inline]] Mat3<T> shifted(const Mat3<T>& H, const Sym3<T>& M) const {
    if constexpr (kShift == Shift::kPlane) {
      return {
          {H.r0.x - p.z * M.xy, H.r0.y - p.z * M.yy, H.r0.z - p.z * M.yz},
          {H.r1.x + (p.z * M.xx - p.x * M.xz), H.r1.y + (p.z * M.xy - p.x * M.yz), H.r1.z + (p.z * M.xz - p.x * M.zz)},
          {H.r2.x + p.x * M.xy, H.r2.y + p.x * M.yy, H.r2.z + p.x * M.yz}};
    }
    return {
        {H.r0.x + (p.y * M.xz - p.z * M.xy), H.r0.y + (p.y * M.yz - p.z * M.yy), H.r0.z + (p.y * M.zz - p.z * M.yz)},
        {H.r1.x + (p.z * M.xx - p.x * M.xz), H.r1.y + (p.z * M.xy - p.x * M.yz), H.r1.z + (p.z * M.xz - p.x * M.zz)},
        {H.r2.x + (p.x * M.xy - p.y * M.xx), H.r2.y + (p.x * M.yy - p.y * M.xy), H.r2.z + (p.x * M.yz - p.y * M.xz)}};
  }
  // I - (H P)^T - G P with G = H + P M
  [[gnu::always_inline]] Sym3<T> shifted(const Sym3<T>& I, const Mat3<T>& H, const Mat3<T>& G) const {
    if constexpr (kShift == Shift::kPlane) {
      return {I.xx - p.z * (H.r0.y + G.r0.y),       I.yy - (p.x * (H.r1.z + G.r1.z) - p.z * (H.r1.x + G.r1.x)),
              I.zz + p.x * (H.r2.y + G.r2.y),       I.xy - (p.z * (H.r1.y - G.r0.x) + p.x * G.r0.z),
              I.xz - (p.z * H.r2.y - p.x * G.r0.y), I.yz - (p.x * (H.r2.z - G.r1.y) - p.z * H.r2.x)};
    }
    return {I.xx - (p.z * (H.r0.y + G.r0.y) - p.y * (H.r0.z + G.r0.z)),
            I.yy - (p.x * (H.r1.z + G.r1.z) - p.z * (H.r1.x + G.r1.x)),
            I.zz - (p.y * (H.r2.x + G.r2.x) - p.x * (H.r2.y + G.r2.y)),
            I.xy - (p.z * (H.r1.y - G.r0.x) + p.x * G.r0.z - p.y * H.r1.z),
            I.xz - (p.z * H.r2.y - p.x * G.r0.y + p.y * (G.r0.x - H.r2.z)),
            I.yz - (p.x * (H.r2.z - G.r1.y) - p.z * H.r2.x + p.y * G.r1.x)};
  }
  // IA, rotated, in the parent's frame.
  [[gnu::always_inline]] void shift(ArticulatedInertia<T>& IA) const {
    if constexpr (kShift != Shift::kNone) {
      const Mat3<T> G = shifted(IA.H, IA.M);
      IA.I = shifted(IA.I, IA.H, G);
      IA.H = G;
    }
    if constexpr (kTurned) turn.apply(IA.M), turn.apply(IA.H), turn.apply(IA.I);
  }
};

}  // namespace geoul::dynamics
