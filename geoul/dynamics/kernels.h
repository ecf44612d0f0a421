// Inner kernels over the links [begin, end) of whole trees, written once over a scalar T of a closed set: double
// (scalar_kernels.h) and SIMD lanes that hold one world each. No branch depends on a T. Model constants are double.
// It is long because one recursion's pieces belong together and all are templates.
// Sources: Featherstone, Rigid Body Dynamics Algorithms (2008), tables 5.1, 6.2, 7.1, 9.1.
#pragma once

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"
#include "geoul/dynamics/sine.h"

namespace geoul::dynamics::kernels {

using std::abs;
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

// X becomes X times the joint's motion q (1, a ball: 4).
template <class T>
void move(LinkMotion motion, const T* q, Transform<T>& X) {
  switch (motion) {
    case LinkMotion::kTurn: {
      const auto [s, c] = sin_cos(q[0]);
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
}

template <class T>
Transform<T> joint_transform(const Link& link, const T* q) {
  Transform<T> X(link.X_PF);
  move(link.motion, q, X);
  return X;
}

// Velocity-product acceleration c = V x S rate of a joint, with V the link's velocity or its parent's, in L.
template <class T>
Motion<T> velocity_product(LinkMotion motion, const Motion<T>& V, const T* rate) {
  switch (motion) {
    case LinkMotion::kTurn:
      return {{V.w.y * rate[0], -(V.w.x * rate[0]), T(0)}, {V.v.y * rate[0], -(V.v.x * rate[0]), T(0)}};
    case LinkMotion::kSlide: return {{}, {V.w.y * rate[0], -(V.w.x * rate[0]), T(0)}};
    default: return cross(V, Motion<T>{{rate[0], rate[1], rate[2]}, {}});
  }
}

template <class T>
void add_rate(LinkMotion motion, const T* rate, Motion<T>& V) {
  for (int k = 0; k < degrees(motion); ++k) add_along(motion, k, rate[k], V);
}

// Position after dt at the rate: along the joint; a ball turns by the exponential of its rotation vector.
template <class T>
void integrate_joint(LinkMotion motion, const T* q, const T* rate, const T& dt, T* out) {
  if (motion != LinkMotion::kBall) {
    out[0] = q[0] + dt * rate[0];
    return;
  }
  const Vec3<T> turn{rate[0] * dt, rate[1] * dt, rate[2] * dt};
  const T half = norm(turn) / T(2);
  const auto [s, c] = sin_cos(half);
  const T sinc = select(half < T(1e-4), T(1) - half * half / T(6), s / half) / T(2);
  const Quat<T> by = normalized(Quat<T>{c, sinc * turn.x, sinc * turn.y, sinc * turn.z});
  const Quat<T> r = normalized(Quat<T>{q[0], q[1], q[2], q[3]} * by);
  out[0] = r.w, out[1] = r.x, out[2] = r.y, out[3] = r.z;
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
    d.c = velocity_product(link.motion, d.V, v + link.v);
    add_rate(link.motion, v + link.v, d.V);
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

// parent += the inertia (I, H, M) about p, axes as the parent's: H + P M, I - (H P + (H P)^T) - P M P with P = skew(p).
template <class T>
void add_shifted(const Vec3<T>& p, const Sym3<T>& I, const Mat3<T>& H, const Sym3<T>& M,
                 ArticulatedInertia<T>& parent) {
  const Mat3<T> G{
      {H.r0.x + (p.y * M.xz - p.z * M.xy), H.r0.y + (p.y * M.yz - p.z * M.yy), H.r0.z + (p.y * M.zz - p.z * M.yz)},
      {H.r1.x + (p.z * M.xx - p.x * M.xz), H.r1.y + (p.z * M.xy - p.x * M.yz), H.r1.z + (p.z * M.xz - p.x * M.zz)},
      {H.r2.x + (p.x * M.xy - p.y * M.xx), H.r2.y + (p.x * M.yy - p.y * M.xy), H.r2.z + (p.x * M.yz - p.y * M.xz)}};
  const Vec3<T> a = cross(H.r0 + G.r0, p), b = cross(H.r1 + G.r1, p), c = cross(H.r2 + G.r2, p);  // rows of (H + G) P
  const T half = T(0.5);
  parent.I.xx += I.xx - a.x, parent.I.yy += I.yy - b.y, parent.I.zz += I.zz - c.z;
  parent.I.xy += I.xy - half * (a.y + b.x), parent.I.xz += I.xz - half * (a.z + c.x);
  parent.I.yz += I.yz - half * (b.z + c.y);
  parent.H += G;
  parent.M += M;
}

// parent += IA written in the parent's frame.
template <class T>
void add_to_parent(const Transform<T>& X, const ArticulatedInertia<T>& IA, ArticulatedInertia<T>& parent) {
  add_shifted(X.p, rotate(X.R, IA.I), X.R * IA.H * transpose(X.R), rotate(X.R, IA.M), parent);
}

// U = IA S of a one-degree joint: a column of IA.
template <class T>
Force<T> joint_column(LinkMotion motion, const ArticulatedInertia<T>& IA) {
  if (motion == LinkMotion::kTurn) return {{IA.I.xz, IA.I.yz, IA.I.zz}, IA.H.r2};
  return {IA.H.column(2), {IA.M.xz, IA.M.yz, IA.M.zz}};
}

// IA c for the velocity product of a one-degree joint, whose z is zero (and w too for a slide).
template <class T>
Force<T> times_product(LinkMotion motion, const ArticulatedInertia<T>& IA, const Motion<T>& c) {
  const T &x = c.v.x, &y = c.v.y;
  const Force<T> slide{{IA.H.r0.x * x + IA.H.r0.y * y, IA.H.r1.x * x + IA.H.r1.y * y, IA.H.r2.x * x + IA.H.r2.y * y},
                       {IA.M.xx * x + IA.M.xy * y, IA.M.xy * x + IA.M.yy * y, IA.M.xz * x + IA.M.yz * y}};
  if (motion == LinkMotion::kSlide) return slide;
  const T &u = c.w.x, &v = c.w.y;
  return Force<T>{{IA.I.xx * u + IA.I.xy * v, IA.I.xy * u + IA.I.yy * v, IA.I.xz * u + IA.I.yz * v},
                  {IA.H.r0.x * u + IA.H.r1.x * v, IA.H.r0.y * u + IA.H.r1.y * v, IA.H.r0.z * u + IA.H.r1.z * v}} +
         slide;
}

// Takes a free one-degree joint out: IA -= D^-1 U U^T. Returns the bias force that the link hands on, from its own, p.
template <class T>
Force<T> reduce_degree(LinkMotion motion, const Force<T>& U, const T& Dinv, const T& u, const Force<T>& p,
                       const Motion<T>& c, ArticulatedInertia<T>& IA) {
  subtract_outer(Dinv, U, U, IA);
  return p + times_product(motion, IA, c) + (u * Dinv) * U;
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
Force<T> reduce_ball(const T* tau, const T* diagonal, LinkDataT<T>& d, BallDataT<T>& w) {
  constexpr LinkMotion kBall = LinkMotion::kBall;
  constexpr int n = 3;
  for (int k = 0; k < n; ++k) {
    Motion<T> S{};
    add_along(kBall, k, T(1), S);
    w.U[k] = d.IA * S;
    w.u[k] = tau[k] - along(kBall, k, d.f);
  }
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) w.Dinv[i][j] = along(kBall, i, w.U[j]);
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
    Force<T> p = d.f;
    if (held[i]) {
      Motion<T> known = d.c;
      for (int k = 0; k < degrees(link.motion); ++k) add_along(link.motion, k, a[link.v + k], known);
      p = d.f + d.IA * known;
    } else if (link.ball >= 0) {
      const Force<T> bias = reduce_ball(tau + link.v, diagonal + link.v, d, balls[link.ball]);
      p = d.f + d.IA * d.c + bias;
    } else {
      d.U = joint_column(link.motion, d.IA);
      d.Dinv = T(1) / (along(link.motion, 0, d.U) + diagonal[link.v]);
      d.u = tau[link.v] - along(link.motion, 0, d.f);
      if (link.parent < 0) continue;
      p = reduce_degree(link.motion, d.U, d.Dinv, d.u, d.f, d.c, d.IA);
    }
    if (link.parent < 0) continue;
    LinkDataT<T>& parent = links[link.parent];
    add_to_parent(d.X_PL, d.IA, parent.IA);
    parent.f += to_parent(d.X_PL, p);
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

// a = M^-1 tau with the M of the last articulated_bodies on these links (its diagonal and held links included), in one
// pass out and in. `needed` gets what held links feel of it. Overwrites f and A.
template <class T>
void response(const Model& model, int begin, int end, const T* tau, const char* held, LinkDataT<T>* links,
              BallDataT<T>* balls, T* a, T* needed) {
  for (int i = begin; i < end; ++i) links[i].f = {};
  for (int i = end - 1; i >= begin; --i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    Force<T> f = d.f;
    if (!held[i] && link.ball >= 0) {
      BallDataT<T>& w = balls[link.ball];
      for (int k = 0; k < 3; ++k) w.u[k] = tau[link.v + k] - along(link.motion, k, d.f);
      for (int k = 0; k < 3; ++k) {
        f += (w.Dinv[k][0] * w.u[0] + w.Dinv[k][1] * w.u[1] + w.Dinv[k][2] * w.u[2]) * w.U[k];
      }
    } else if (!held[i]) {
      d.u = tau[link.v] - along(link.motion, 0, d.f);
      f += (d.u * d.Dinv) * d.U;
    }
    if (link.parent >= 0) links[link.parent].f += to_parent(d.X_PL, f);
  }
  for (int i = begin; i < end; ++i) {
    const Link& link = model.links[i];
    LinkDataT<T>& d = links[i];
    d.A = link.parent >= 0 ? to_child(d.X_PL, links[link.parent].A) : Motion<T>{};
    if (held[i]) {
      const Force<T> through = d.IA * d.A + d.f;
      for (int k = 0; k < degrees(link.motion); ++k) {
        a[link.v + k] = T(0);
        needed[link.v + k] = along(link.motion, k, through) - tau[link.v + k];
      }
    } else if (link.ball >= 0) {
      const BallDataT<T>& w = balls[link.ball];
      T rest[3];
      for (int k = 0; k < 3; ++k) rest[k] = w.u[k] - dot(d.A, w.U[k]);
      for (int k = 0; k < 3; ++k) {
        a[link.v + k] = w.Dinv[k][0] * rest[0] + w.Dinv[k][1] * rest[1] + w.Dinv[k][2] * rest[2];
      }
      for (int k = 0; k < 3; ++k) add_along(link.motion, k, a[link.v + k], d.A);
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
