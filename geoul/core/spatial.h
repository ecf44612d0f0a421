// Spatial (six-dimensional) vectors of rigid-body mechanics, over a scalar T. Angular part first.
//   Motion  (w, v)  velocity or acceleration of a body: w angular [rad/s], v of the point at the frame's origin [m/s]
//   Force   (n, f)  wrench: n moment about the frame's origin [N.m], f force [N]; also momentum
// Names follow frames: V_B is the velocity of body B in B's own frame unless an expressed-in frame is added.
// Source: Featherstone, Rigid Body Dynamics Algorithms (2008), ch. 2.
#pragma once

#include "geoul/core/math.h"

namespace geoul {

template <class T>
struct Motion {
  Vec3<T> w, v;

  constexpr bool operator==(const Motion&) const = default;
  constexpr Motion& operator+=(const Motion& b) { return w += b.w, v += b.v, *this; }
};

template <class T>
struct Force {
  Vec3<T> n, f;

  constexpr bool operator==(const Force&) const = default;
  constexpr Force& operator+=(const Force& b) { return n += b.n, f += b.f, *this; }
  constexpr Force& operator-=(const Force& b) { return n -= b.n, f -= b.f, *this; }
};

template <class T>
constexpr Motion<T> operator+(const Motion<T>& a, const Motion<T>& b) {
  return {a.w + b.w, a.v + b.v};
}
template <class T>
constexpr Motion<T> operator-(const Motion<T>& a, const Motion<T>& b) {
  return {a.w - b.w, a.v - b.v};
}
template <class T>
constexpr Motion<T> operator*(const T& s, const Motion<T>& a) {
  return {s * a.w, s * a.v};
}
template <class T>
constexpr Force<T> operator+(const Force<T>& a, const Force<T>& b) {
  return {a.n + b.n, a.f + b.f};
}
template <class T>
constexpr Force<T> operator-(const Force<T>& a, const Force<T>& b) {
  return {a.n - b.n, a.f - b.f};
}
template <class T>
constexpr Force<T> operator-(const Force<T>& a) {
  return {-a.n, -a.f};
}
template <class T>
constexpr Force<T> operator*(const T& s, const Force<T>& a) {
  return {s * a.n, s * a.f};
}

// Power [W] of a wrench on a moving body; both in one frame.
template <class T>
constexpr T dot(const Motion<T>& m, const Force<T>& f) {
  return dot(m.w, f.n) + dot(m.v, f.f);
}

// a x b for motions (crm) and a x* f for forces (crf). Featherstone (2.31), (2.32).
template <class T>
constexpr Motion<T> cross(const Motion<T>& a, const Motion<T>& b) {
  return {cross(a.w, b.w), cross(a.w, b.v) + cross(a.v, b.w)};
}
template <class T>
constexpr Force<T> cross(const Motion<T>& a, const Force<T>& f) {
  return {cross(a.w, f.n) + cross(a.v, f.f), cross(a.w, f.f)};
}

// Coordinates of one motion or wrench in another frame. X_AB is the pose of B in A.
template <class T>
constexpr Motion<T> to_parent(const Transform<T>& X_AB, const Motion<T>& m_B) {
  const Vec3<T> w = X_AB.R * m_B.w;
  return {w, X_AB.R * m_B.v + cross(X_AB.p, w)};
}
template <class T>
constexpr Motion<T> to_child(const Transform<T>& X_AB, const Motion<T>& m_A) {
  return {transpose_times(X_AB.R, m_A.w), transpose_times(X_AB.R, m_A.v - cross(X_AB.p, m_A.w))};
}
template <class T>
constexpr Force<T> to_parent(const Transform<T>& X_AB, const Force<T>& f_B) {
  const Vec3<T> f = X_AB.R * f_B.f;
  return {X_AB.R * f_B.n + cross(X_AB.p, f), f};
}
template <class T>
constexpr Force<T> to_child(const Transform<T>& X_AB, const Force<T>& f_A) {
  return {transpose_times(X_AB.R, f_A.n - cross(X_AB.p, f_A.f)), transpose_times(X_AB.R, f_A.f)};
}

// Symmetric 3 x 3 matrix.
template <class T>
struct Sym3 {
  T xx{}, yy{}, zz{}, xy{}, xz{}, yz{};

  constexpr bool operator==(const Sym3&) const = default;
  constexpr Sym3& operator+=(const Sym3& b) {
    return xx += b.xx, yy += b.yy, zz += b.zz, xy += b.xy, xz += b.xz, yz += b.yz, *this;
  }
  template <class U>
  constexpr explicit operator Sym3<U>() const {
    return {U(xx), U(yy), U(zz), U(xy), U(xz), U(yz)};
  }
};

template <class T>
constexpr Vec3<T> operator*(const Sym3<T>& m, const Vec3<T>& v) {
  return {m.xx * v.x + m.xy * v.y + m.xz * v.z, m.xy * v.x + m.yy * v.y + m.yz * v.z,
          m.xz * v.x + m.yz * v.y + m.zz * v.z};
}
template <class T>
constexpr Sym3<T> operator+(const Sym3<T>& a, const Sym3<T>& b) {
  return {a.xx + b.xx, a.yy + b.yy, a.zz + b.zz, a.xy + b.xy, a.xz + b.xz, a.yz + b.yz};
}
template <class T>
constexpr Sym3<T> operator-(const Sym3<T>& a, const Sym3<T>& b) {
  return {a.xx - b.xx, a.yy - b.yy, a.zz - b.zz, a.xy - b.xy, a.xz - b.xz, a.yz - b.yz};
}
template <class T>
constexpr Sym3<T> symmetric_part(const Mat3<T>& m) {
  const T half = T(0.5);
  return {m.r0.x, m.r1.y, m.r2.z, half * (m.r0.y + m.r1.x), half * (m.r0.z + m.r2.x), half * (m.r1.z + m.r2.y)};
}
template <class T>
constexpr Mat3<T> full(const Sym3<T>& s) {
  return {{s.xx, s.xy, s.xz}, {s.xy, s.yy, s.yz}, {s.xz, s.yz, s.zz}};
}
// R s R^T
template <class T>
constexpr Sym3<T> rotate(const Mat3<T>& R, const Sym3<T>& s) {
  const Vec3<T> a = s * R.r0, b = s * R.r1, c = s * R.r2;
  return {dot(R.r0, a), dot(R.r1, b), dot(R.r2, c), dot(R.r0, b), dot(R.r0, c), dot(R.r1, c)};
}
// m (|p|^2 1 - p p^T): inertia of a point mass at p about the origin.
template <class T>
constexpr Sym3<T> point_inertia(const T& m, const Vec3<T>& p) {
  const T xx = m * p.x * p.x, yy = m * p.y * p.y, zz = m * p.z * p.z;
  return {yy + zz, xx + zz, xx + yy, -(m * p.x * p.y), -(m * p.x * p.z), -(m * p.y * p.z)};
}

// Rigid-body inertia about the frame's origin: mass m [kg], first moment h = m c [kg m], inertia I [kg m2].
template <class T>
struct Inertia {
  T m{};
  Vec3<T> h;
  Sym3<T> I;

  constexpr bool operator==(const Inertia&) const = default;
  constexpr Inertia& operator+=(const Inertia& b) { return m += b.m, h += b.h, I += b.I, *this; }
  template <class U>
  constexpr explicit operator Inertia<U>() const {
    return {U(m), Vec3<U>(h), Sym3<U>(I)};
  }
};

// From mass, centre of mass c and inertia about the centre of mass, all in one frame.
template <class T>
constexpr Inertia<T> inertia_about_origin(const T& m, const Vec3<T>& c, const Sym3<T>& I_com) {
  return {m, m * c, I_com + point_inertia(m, c)};
}
// Momentum of a body that moves with V.
template <class T>
constexpr Force<T> operator*(const Inertia<T>& M, const Motion<T>& V) {
  return {M.I * V.w + cross(M.h, V.v), M.m * V.v - cross(M.h, V.w)};
}
// Inertia of B's body written in A. Sources: Featherstone (2.66), with the first moment kept instead of the centre.
template <class T>
constexpr Inertia<T> to_parent(const Transform<T>& X_AB, const Inertia<T>& M) {
  const Vec3<T> h = X_AB.R * M.h;
  const Vec3<T>& p = X_AB.p;
  // I_A = R I R^T - [p][Rh] - [Rh][p] - m [p][p]
  const Mat3<T> ph = skew(p) * skew(h);
  const Sym3<T> sum = symmetric_part(ph);
  return {M.m, h + M.m * p,
          rotate(X_AB.R, M.I) -
              Sym3<T>{T(2) * sum.xx, T(2) * sum.yy, T(2) * sum.zz, T(2) * sum.xy, T(2) * sum.xz, T(2) * sum.yz} +
              point_inertia(M.m, p)};
}

using Motiond = Motion<double>;
using Forced = Force<double>;
using Sym3d = Sym3<double>;
using Inertiad = Inertia<double>;

}  // namespace geoul
