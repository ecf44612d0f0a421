// Inner kernels over the links [begin, end) of whole trees, written once over a scalar T of a closed set: double
// (kernels.cpp) and SIMD lanes that hold one world each. No branch depends on a T. Model constants are double.
// Sources: Featherstone, Rigid Body Dynamics Algorithms (2008), tables 5.1, 6.2, 7.1, 9.1.
#pragma once

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics::kernels {

using std::cos;
using std::sin;
using std::sqrt;

constexpr int degrees(LinkMotion motion) { return motion == LinkMotion::kBall ? 3 : 1; }

// S_k^T f, S_k a, and a += S_k s: the motion subspaces are unit vectors in L.
template <class T>
T along(LinkMotion motion, int k, const Force<T>& f) {
  switch (motion) {
    case LinkMotion::kTurn: return f.n.z;
    case LinkMotion::kSlide: return f.f.z;
    default: return f.n[k];
  }
}
template <class T>
void add_along(LinkMotion motion, int k, const T& s, Motion<T>& m) {
  switch (motion) {
    case LinkMotion::kTurn: m.w.z += s; break;
    case LinkMotion::kSlide: m.v.z += s; break;
    default: m.w[k] += s;
  }
}

template <class T>
Transform<T> joint_transform(const Link& link, const T* q) {
  Transform<T> X(link.X_PF);
  switch (link.motion) {
    case LinkMotion::kTurn: {
      const T s = sin(q[0]), c = cos(q[0]);
      Mat3<T>& R = X.R;
      for (int i = 0; i < 3; ++i) {
        const T x = R[i].x, y = R[i].y;
        R[i].x = c * x + s * y;
        R[i].y = c * y - s * x;
      }
      break;
    }
    case LinkMotion::kSlide: X.p += q[0] * X.R.column(2); break;
    case LinkMotion::kBall: X.R = X.R * rotation_matrix(Quat<T>{q[0], q[1], q[2], q[3]}); break;
  }
  return X;
}

// X_PL, X_WL, V and c.
template <class T>
void kinematics(const Model& model, int begin, int end, const T* q, const T* v, LinkDataT<T>* links) {
  for (int i = begin; i < end; ++i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    d.X_PL = joint_transform(link, q + link.q);
    if (link.parent < 0) {
      d.X_WL = d.X_PL;
      d.V = {};
    } else {
      d.X_WL = links[link.parent].X_WL * d.X_PL;
      d.V = to_child(d.X_PL, links[link.parent].V);
    }
    const T* rate = v + link.v;
    switch (link.motion) {
      case LinkMotion::kTurn:  // c = V x S rate
        d.c = {{d.V.w.y * rate[0], -(d.V.w.x * rate[0]), T(0)}, {d.V.v.y * rate[0], -(d.V.v.x * rate[0]), T(0)}};
        d.V.w.z += rate[0];
        break;
      case LinkMotion::kSlide:
        d.c = {{}, {d.V.w.y * rate[0], -(d.V.w.x * rate[0]), T(0)}};
        d.V.v.z += rate[0];
        break;
      case LinkMotion::kBall: {
        const Motion<T> joint{{rate[0], rate[1], rate[2]}, {}};
        d.c = cross(d.V, joint);
        d.V += joint;
        break;
      }
    }
  }
}

// Acceleration that the parent hands on, in L; the world accelerates with -g.
template <class T>
Motion<T> parent_acceleration(const Model& model, const Link& link, const LinkDataT<T>& d, const LinkDataT<T>* links) {
  if (link.parent >= 0) return to_child(d.X_PL, links[link.parent].A);
  return {{}, transpose_times(d.X_PL.R, -Vec3<T>(model.gravity))};
}

// tau for acceleration a; leaves A and f (force through the joint, on the link). Needs kinematics and f_ext.
template <class T>
void newton_euler(const Model& model, int begin, int end, const T* a, LinkDataT<T>* links, T* tau) {
  for (int i = begin; i < end; ++i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    d.A = parent_acceleration(model, link, d, links) + d.c;
    for (int k = 0; k < degrees(link.motion); ++k) add_along(link.motion, k, a[link.v + k], d.A);
    const Inertia<T> inertia(link.inertia);
    d.f = inertia * d.A + cross(d.V, inertia * d.V) - d.f_ext;
  }
  for (int i = end - 1; i >= begin; --i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    for (int k = 0; k < degrees(link.motion); ++k) {
      tau[link.v + k] = along(link.motion, k, d.f) + T(model.laws[link.v + k].armature) * a[link.v + k];
    }
    if (link.parent >= 0) links[link.parent].f += to_parent(d.X_PL, d.f);
  }
}

template <class T>
Force<T> operator*(const ArticulatedInertia<T>& IA, const Motion<T>& m) {
  return {IA.I * m.w + IA.H * m.v, transpose_times(IA.H, m.w) + IA.M * m.v};
}

// IA -= s U U^T
template <class T>
void subtract_outer(const T& s, const Force<T>& U, const Force<T>& W, ArticulatedInertia<T>& IA) {
  const Vec3<T> n = s * W.n, f = s * W.f;
  IA.I.xx -= U.n.x * n.x, IA.I.yy -= U.n.y * n.y, IA.I.zz -= U.n.z * n.z;
  IA.I.xy -= U.n.x * n.y, IA.I.xz -= U.n.x * n.z, IA.I.yz -= U.n.y * n.z;
  IA.H.r0 -= U.n.x * f, IA.H.r1 -= U.n.y * f, IA.H.r2 -= U.n.z * f;
  IA.M.xx -= U.f.x * f.x, IA.M.yy -= U.f.y * f.y, IA.M.zz -= U.f.z * f.z;
  IA.M.xy -= U.f.x * f.y, IA.M.xz -= U.f.x * f.z, IA.M.yz -= U.f.y * f.z;
}

// parent += IA written in the parent's frame.
template <class T>
void add_to_parent(const Transform<T>& X, const ArticulatedInertia<T>& IA, ArticulatedInertia<T>& parent) {
  const Mat3<T> P = skew(X.p);
  const Sym3<T> M = rotate(X.R, IA.M);
  const Mat3<T> H = X.R * IA.H * transpose(X.R);
  const Mat3<T> PM = P * full(M);
  const Sym3<T> twist = symmetric_part((H + T(0.5) * PM) * P);
  const Sym3<T> I = rotate(X.R, IA.I);
  parent.I += Sym3<T>{I.xx - T(2) * twist.xx, I.yy - T(2) * twist.yy, I.zz - T(2) * twist.zz,
                      I.xy - T(2) * twist.xy, I.xz - T(2) * twist.xz, I.yz - T(2) * twist.yz};
  parent.H += H + PM;
  parent.M += M;
}

// Inverse of the symmetric positive definite D (3 x 3), by Cholesky.
template <class T>
void invert(T (&D)[3][3]) {
  constexpr int n = 3;
  T L[3][3];
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      T s = D[i][j];
      for (int k = 0; k < j; ++k) s -= L[i][k] * L[j][k];
      L[i][j] = i == j ? sqrt(s) : s / L[j][j];
    }
  }
  for (int c = 0; c < n; ++c) {
    T x[3];
    for (int i = 0; i < n; ++i) {
      T s = T(i == c ? 1.0 : 0.0);
      for (int k = 0; k < i; ++k) s -= L[i][k] * x[k];
      x[i] = s / L[i][i];
    }
    for (int i = n - 1; i >= 0; --i) {
      T s = x[i];
      for (int k = i + 1; k < n; ++k) s -= L[k][i] * x[k];
      x[i] = s / L[i][i];
    }
    for (int i = 0; i < n; ++i) D[i][c] = x[i];
  }
}

// Takes the joint of a ball out of its articulated inertia; leaves U, Dinv, u and gives S qdd's bias.
template <class T>
Force<T> reduce_ball(const Link& link, const T* tau, const T* diagonal, LinkDataT<T>& d, BallDataT<T>& w) {
  constexpr int n = 3;
  for (int k = 0; k < n; ++k) {
    Motion<T> S{};
    add_along(link.motion, k, T(1), S);
    w.U[k] = d.IA * S;
    w.u[k] = tau[k] - along(link.motion, k, d.f);
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) w.Dinv[i][j] = along(link.motion, i, w.U[j]);
    w.Dinv[i][i] += diagonal[i];
  }
  invert(w.Dinv);
  Force<T> bias{};
  for (int i = 0; i < n; ++i) {
    Force<T> W{};  // sum_j Dinv_ij U_j
    T x = T(0);
    for (int j = 0; j < n; ++j) {
      W += w.Dinv[i][j] * w.U[j];
      x += w.Dinv[i][j] * w.u[j];
    }
    subtract_outer(T(1), w.U[i], W, d.IA);
    bias += x * w.U[i];
  }
  return bias;
}

// Accelerations a from efforts tau; held links keep a and get their force in `needed`. Needs kinematics and f_ext.
// diagonal (nv) is added to the joint-space inertia: armature and implicit laws.
template <class T>
void articulated_bodies(const Model& model, int begin, int end, const T* tau, const T* diagonal, const char* held,
                        LinkDataT<T>* links, BallDataT<T>* balls, T* a, T* needed) {
  for (int i = begin; i < end; ++i) {
    LinkDataT<T>& d = links[i];
    const Inertia<T> inertia(model.links[i].inertia);
    d.IA = {inertia.I, skew(inertia.h), Sym3<T>{inertia.m, inertia.m, inertia.m, T(0), T(0), T(0)}};
    d.f = cross(d.V, inertia * d.V) - d.f_ext;
  }
  for (int i = end - 1; i >= begin; --i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    Force<T> bias{};  // of the joint: what its motion or its free effort passes on
    if (held[i]) {
      Motion<T> joint{};
      for (int k = 0; k < degrees(link.motion); ++k) add_along(link.motion, k, a[link.v + k], joint);
      bias = d.IA * joint;
    } else if (link.ball >= 0) {
      bias = reduce_ball(link, tau + link.v, diagonal + link.v, d, balls[link.ball]);
    } else {
      const bool turn = link.motion == LinkMotion::kTurn;
      d.U = turn ? Force<T>{{d.IA.I.xz, d.IA.I.yz, d.IA.I.zz}, d.IA.H.r2}
                 : Force<T>{d.IA.H.column(2), {d.IA.M.xz, d.IA.M.yz, d.IA.M.zz}};
      d.Dinv = T(1) / ((turn ? d.U.n.z : d.U.f.z) + diagonal[link.v]);
      d.u = tau[link.v] - along(link.motion, 0, d.f);
      if (link.parent < 0) continue;
      subtract_outer(d.Dinv, d.U, d.U, d.IA);
      bias = (d.u * d.Dinv) * d.U;
    }
    if (link.parent < 0) continue;
    LinkDataT<T>& parent = links[link.parent];
    add_to_parent(d.X_PL, d.IA, parent.IA);
    parent.f += to_parent(d.X_PL, d.f + d.IA * d.c + bias);
  }
  for (int i = begin; i < end; ++i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    d.A = parent_acceleration(model, link, d, links) + d.c;
    if (held[i]) {
      for (int k = 0; k < degrees(link.motion); ++k) add_along(link.motion, k, a[link.v + k], d.A);
      const Force<T> through = d.IA * d.A + d.f;
      for (int k = 0; k < degrees(link.motion); ++k) needed[link.v + k] = along(link.motion, k, through);
    } else if (link.ball >= 0) {
      const BallDataT<T>& w = balls[link.ball];
      constexpr int n = 3;
      T rest[3];
      for (int k = 0; k < n; ++k) rest[k] = w.u[k] - dot(d.A, w.U[k]);
      for (int k = 0; k < n; ++k) {
        T s = T(0);
        for (int j = 0; j < n; ++j) s += w.Dinv[k][j] * rest[j];
        a[link.v + k] = s;
      }
      for (int k = 0; k < n; ++k) add_along(link.motion, k, a[link.v + k], d.A);
    } else {
      a[link.v] = (d.u - dot(d.A, d.U)) * d.Dinv;
      add_along(link.motion, 0, a[link.v], d.A);
    }
  }
}

// Composite inertias Ic. Needs kinematics.
template <class T>
void composite_inertia(const Model& model, int begin, int end, LinkDataT<T>* links) {
  for (int i = begin; i < end; ++i) links[i].Ic = Inertia<T>(model.links[i].inertia);
  for (int i = end - 1; i >= begin; --i) {
    const int parent = model.links[i].parent;
    if (parent >= 0) links[parent].Ic += to_parent(links[i].X_PL, links[i].Ic);
  }
}

// Rows and columns of M that belong to the links [begin, end). Needs composite_inertia.
template <class T>
void composite_bodies(const Model& model, int begin, int end, const LinkDataT<T>* links, T* M) {
  const auto nv = static_cast<std::size_t>(model.nv);
  for (int i = begin; i < end; ++i) {
    const Link& link = model.links[i];
    for (int k = 0; k < degrees(link.motion); ++k) {
      const auto row = static_cast<std::size_t>(link.v + k);
      Motion<T> S{};
      add_along(link.motion, k, T(1), S);
      Force<T> F = links[i].Ic * S;
      for (int l = 0; l < degrees(link.motion); ++l) {
        M[row * nv + static_cast<std::size_t>(link.v + l)] =
            along(link.motion, l, F) + T(k == l ? model.laws[row].armature : 0.0);
      }
      for (int j = i; model.links[j].parent >= 0;) {
        F = to_parent(links[j].X_PL, F);
        j = model.links[j].parent;
        const Link& above = model.links[j];
        for (int l = 0; l < degrees(above.motion); ++l) {
          const auto column = static_cast<std::size_t>(above.v + l);
          M[row * nv + column] = M[column * nv + row] = along(above.motion, l, F);
        }
      }
    }
  }
}

}  // namespace geoul::dynamics::kernels
