// Vectors, rotations and poses in three dimensions, over a scalar T: double for one world, a SIMD type for a
// batch, long double where constants are composed. Plain aggregates; every function is inline and exact to its formula.
//   R_AB  rotation that takes coordinates in B to coordinates in A:  p_A = R_AB * p_B
//   X_AB  pose of frame B in frame A:                                p_A = X_AB.R * p_B + X_AB.p
// Adjacent letters cancel: X_AC = X_AB * X_BC.
#pragma once

#include <cmath>

namespace geoul {

template <class T>
struct Vec3 {
  T x{}, y{}, z{};

  constexpr T& operator[](int i) { return i == 0 ? x : i == 1 ? y : z; }
  constexpr const T& operator[](int i) const { return i == 0 ? x : i == 1 ? y : z; }
  constexpr bool operator==(const Vec3&) const = default;

  constexpr Vec3& operator+=(const Vec3& b) { return x += b.x, y += b.y, z += b.z, *this; }
  constexpr Vec3& operator-=(const Vec3& b) { return x -= b.x, y -= b.y, z -= b.z, *this; }
  template <class U>
  constexpr explicit operator Vec3<U>() const {
    return {U(x), U(y), U(z)};
  }
};

template <class T>
constexpr Vec3<T> operator+(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class T>
constexpr Vec3<T> operator-(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class T>
constexpr Vec3<T> operator-(const Vec3<T>& a) {
  return {-a.x, -a.y, -a.z};
}
template <class T>
constexpr Vec3<T> operator*(const T& s, const Vec3<T>& a) {
  return {s * a.x, s * a.y, s * a.z};
}
template <class T>
constexpr Vec3<T> operator*(const Vec3<T>& a, const T& s) {
  return {a.x * s, a.y * s, a.z * s};
}
template <class T>
constexpr T dot(const Vec3<T>& a, const Vec3<T>& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class T>
constexpr Vec3<T> cross(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class T>
T norm(const Vec3<T>& a) {
  using std::sqrt;
  return sqrt(dot(a, a));
}

// 3 x 3 matrix by rows.
template <class T>
struct Mat3 {
  Vec3<T> r0, r1, r2;

  static constexpr Mat3 identity() { return {{T(1), T(0), T(0)}, {T(0), T(1), T(0)}, {T(0), T(0), T(1)}}; }
  static constexpr Mat3 diagonal(const Vec3<T>& d) { return {{d.x, T(0), T(0)}, {T(0), d.y, T(0)}, {T(0), T(0), d.z}}; }
  constexpr Vec3<T>& operator[](int i) { return i == 0 ? r0 : i == 1 ? r1 : r2; }
  constexpr const Vec3<T>& operator[](int i) const { return i == 0 ? r0 : i == 1 ? r1 : r2; }
  constexpr Vec3<T> column(int i) const { return {r0[i], r1[i], r2[i]}; }
  constexpr bool operator==(const Mat3&) const = default;
  constexpr Mat3& operator+=(const Mat3& b) { return r0 += b.r0, r1 += b.r1, r2 += b.r2, *this; }
  template <class U>
  constexpr explicit operator Mat3<U>() const {
    return {Vec3<U>(r0), Vec3<U>(r1), Vec3<U>(r2)};
  }
};

template <class T>
constexpr Mat3<T> transpose(const Mat3<T>& m) {
  return {m.column(0), m.column(1), m.column(2)};
}
template <class T>
constexpr Vec3<T> operator*(const Mat3<T>& m, const Vec3<T>& v) {
  return {dot(m.r0, v), dot(m.r1, v), dot(m.r2, v)};
}
// transpose(m) * v
template <class T>
constexpr Vec3<T> transpose_times(const Mat3<T>& m, const Vec3<T>& v) {
  return {m.r0.x * v.x + m.r1.x * v.y + m.r2.x * v.z, m.r0.y * v.x + m.r1.y * v.y + m.r2.y * v.z,
          m.r0.z * v.x + m.r1.z * v.y + m.r2.z * v.z};
}
template <class T>
constexpr Mat3<T> operator*(const Mat3<T>& a, const Mat3<T>& b) {
  return {transpose_times(b, a.r0), transpose_times(b, a.r1), transpose_times(b, a.r2)};
}
template <class T>
constexpr Mat3<T> operator*(const T& s, const Mat3<T>& m) {
  return {s * m.r0, s * m.r1, s * m.r2};
}
template <class T>
constexpr Mat3<T> operator+(const Mat3<T>& a, const Mat3<T>& b) {
  return {a.r0 + b.r0, a.r1 + b.r1, a.r2 + b.r2};
}
template <class T>
constexpr Mat3<T> operator-(const Mat3<T>& a, const Mat3<T>& b) {
  return {a.r0 - b.r0, a.r1 - b.r1, a.r2 - b.r2};
}
// skew(a) * b == cross(a, b)
template <class T>
constexpr Mat3<T> skew(const Vec3<T>& a) {
  return {{T(0), -a.z, a.y}, {a.z, T(0), -a.x}, {-a.y, a.x, T(0)}};
}
template <class T>
constexpr Mat3<T> outer(const Vec3<T>& a, const Vec3<T>& b) {
  return {a.x * b, a.y * b, a.z * b};
}
template <class T>
constexpr T trace(const Mat3<T>& m) {
  return m.r0.x + m.r1.y + m.r2.z;
}
template <class T>
constexpr T determinant(const Mat3<T>& m) {
  return dot(m.r0, cross(m.r1, m.r2));
}

// Unit quaternion, Hamilton convention; (w, x, y, z) = (1, 0, 0, 0) is no rotation.
template <class T>
struct Quat {
  T w = T(1), x{}, y{}, z{};

  constexpr Vec3<T> vec() const { return {x, y, z}; }
  constexpr bool operator==(const Quat&) const = default;
  template <class U>
  constexpr explicit operator Quat<U>() const {
    return {U(w), U(x), U(y), U(z)};
  }
};

template <class T>
constexpr Quat<T> operator*(const Quat<T>& a, const Quat<T>& b) {
  return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
          a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
template <class T>
constexpr Quat<T> conjugate(const Quat<T>& q) {
  return {q.w, -q.x, -q.y, -q.z};
}
template <class T>
constexpr T squared_norm(const Quat<T>& q) {
  return q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
}
// q / |q|. A q of exactly unit norm keeps its bits. Needs |q| > 0.
template <class T>
Quat<T> normalized(const Quat<T>& q) {
  using std::sqrt;
  const T s = T(1) / sqrt(squared_norm(q));
  return {q.w * s, q.x * s, q.y * s, q.z * s};
}
// Rotation matrix of a unit quaternion.
template <class T>
constexpr Mat3<T> rotation_matrix(const Quat<T>& q) {
  const T xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z, xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z;
  const T wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z, one = T(1), two = T(2);
  return {{one - two * (yy + zz), two * (xy - wz), two * (xz + wy)},
          {two * (xy + wz), one - two * (xx + zz), two * (yz - wx)},
          {two * (xz - wy), two * (yz + wx), one - two * (xx + yy)}};
}
// Quaternion (w >= 0) of a rotation matrix, of any length that is not small. Source: Shepperd, J. Guidance and Control
// 1(3), 1978.
template <class T>
Quat<T> unnormalized_quaternion(const Mat3<T>& m) {
  const T t = trace(m);
  Quat<T> q;
  if (t >= m.r0.x && t >= m.r1.y && t >= m.r2.z) {
    q = {T(1) + t, m.r2.y - m.r1.z, m.r0.z - m.r2.x, m.r1.x - m.r0.y};
  } else if (m.r0.x >= m.r1.y && m.r0.x >= m.r2.z) {
    q = {m.r2.y - m.r1.z, T(1) + m.r0.x - m.r1.y - m.r2.z, m.r0.y + m.r1.x, m.r0.z + m.r2.x};
  } else if (m.r1.y >= m.r2.z) {
    q = {m.r0.z - m.r2.x, m.r0.y + m.r1.x, T(1) + m.r1.y - m.r0.x - m.r2.z, m.r1.z + m.r2.y};
  } else {
    q = {m.r1.x - m.r0.y, m.r0.z + m.r2.x, m.r1.z + m.r2.y, T(1) + m.r2.z - m.r0.x - m.r1.y};
  }
  if (q.w < T(0)) q = {-q.w, -q.x, -q.y, -q.z};
  return q;
}
// The same of length 1.
template <class T>
Quat<T> quaternion(const Mat3<T>& m) {
  return normalized(unnormalized_quaternion(m));
}

// sin(x)/x, smooth at 0.
template <class T>
T sinc(T x) {
  using std::abs;
  using std::sin;
  return abs(x) < T(1e-4) ? T(1) - x * x / T(6) : sin(x) / x;
}
// Rotation by |phi| [rad] about phi. Source: exponential map of SO(3).
template <class T>
Quat<T> exp_rotation(const Vec3<T>& phi) {
  using std::cos;
  const T half = norm(phi) / T(2);
  const T s = sinc(half) / T(2);
  return normalized(Quat<T>{cos(half), s * phi.x, s * phi.y, s * phi.z});
}
// Rotation vector [rad] of a unit quaternion, |phi| <= pi. exp_rotation(log_rotation(q)) = +-q.
template <class T>
Vec3<T> log_rotation(const Quat<T>& q) {
  using std::atan2;
  const T s = norm(q.vec());
  if (s < T(1e-12)) return (q.w < T(0) ? T(-2) : T(2)) * q.vec();
  const T angle = T(2) * (q.w < T(0) ? atan2(-s, -q.w) : atan2(s, q.w));
  return (angle / s) * q.vec();
}
// Angle [rad] of the rotation between two unit quaternions, in [0, pi]; exact near 0.
template <class T>
T angle_between(const Quat<T>& a, const Quat<T>& b) {
  return norm(log_rotation(conjugate(a) * b));
}

// Pose X_AB of frame B in frame A with a rotation matrix: for computing.
template <class T>
struct Transform {
  Mat3<T> R = Mat3<T>::identity();
  Vec3<T> p;

  constexpr bool operator==(const Transform&) const = default;
  template <class U>
  constexpr explicit operator Transform<U>() const {
    return {Mat3<U>(R), Vec3<U>(p)};
  }
};

template <class T>
constexpr Transform<T> operator*(const Transform<T>& X_AB, const Transform<T>& X_BC) {
  return {X_AB.R * X_BC.R, X_AB.R * X_BC.p + X_AB.p};
}
template <class T>
constexpr Vec3<T> operator*(const Transform<T>& X_AB, const Vec3<T>& p_B) {
  return X_AB.R * p_B + X_AB.p;
}
template <class T>
constexpr Transform<T> inverse(const Transform<T>& X_AB) {
  return {transpose(X_AB.R), -transpose_times(X_AB.R, X_AB.p)};
}

// Pose X_AB with a unit quaternion: for storing, files and messages.
template <class T>
struct Pose {
  Quat<T> R;
  Vec3<T> p;

  constexpr bool operator==(const Pose&) const = default;
};

template <class T>
Transform<T> transform(const Pose<T>& X) {
  return {rotation_matrix(X.R), X.p};
}
template <class T>
Pose<T> pose(const Transform<T>& X) {
  return {quaternion(X.R), X.p};
}

using Vec3d = Vec3<double>;
using Mat3d = Mat3<double>;
using Quatd = Quat<double>;
using Transformd = Transform<double>;
using Posed = Pose<double>;

}  // namespace geoul
