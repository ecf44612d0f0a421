// The way inward of a step in lanes: the articulated-body algorithm joint by joint from the leaves, in kernel frames,
// with joints that some worlds hold. A link's slot holds what its children handed on; its own inertia is added as it is
// visited. Included by the leaf files alone. Sources: see kernels.h; Featherstone 2008, table 7.1.
#pragma once

#include "geoul/dynamics/batch_rows_leaf.h"

namespace geoul::dynamics {

template <class T, bool Varied>
struct TreeInward : TreeRows<T, Varied> {
  using Rows = TreeRows<T, Varied>;
  using Rows::balls;
  using Rows::degree;
  using Rows::degrees;
  using Rows::held;
  using Rows::inertia;
  using Rows::law;
  using Rows::law_number;
  using Rows::links;
  using Rows::load;
  using Rows::motion;
  using Rows::parameter;
  using Rows::plan;
  using Rows::rows;
  using Rows::slots;
  using Rows::tree;
  using Rows::with_frame;
  using typename Rows::Mask;

  // Joint by joint from the leaves.
  [[gnu::noinline]] void inward(bool plain) {
    for (int i = tree.end - 1; i >= tree.begin; --i) {
      const BatchLink& link = plan.links[i];
      if (link.straight) {
        reduce_straight(i, plain);
      } else if (link.ball >= 0) {
        link.on_straight ? reduce_ball_on_straight(i) : reduce_ball(i);
      } else if (link.parent < 0) {
        reduce_root(i, plain);
      } else if (link.on_straight) {
        reduce_on_straight(i, plain);
      } else {
        with_frame(i, links[i].joint, [&](const auto& X) { reduce(i, plain, X); });
      }
    }
  }
  // Zero for links without children.
  const SlotRow<T>& handed(const BatchLink& link) const { return slots[link.slot < 0 ? plan.nslot : link.slot]; }
  // V x* I V = (w x I w + h x (w x v), m w x v + w x (w x h))
  static Force<T> bias(const Inertia<T>& I, const Motion<T>& V) {
    const Vec3<T> e = cross(V.w, V.v);
    return {cross(V.w, I.I * V.w) + cross(I.h, e), I.m * e + cross(V.w, cross(V.w, I.h))};
  }
  Force<T> own_bias(int i, const Inertia<T>& I) const {
    const Force<T>& p = handed(plan.links[i]).p;
    if (plan.links[i].massless) return p;
    return p + bias(I, links[i].V);
  }
  // What a joint takes out: IA -= less U U^T; what stays of U on its own axis is keep U; it hands on push U.
  struct Release {
    T less, keep, push;
  };
  // Leaves U, Dinv and u. axis: along the joint, of U and of the bias force.
  [[gnu::always_inline]] Release release(int i, bool plain, const Force<T>& U, const T& axis, const T& p) {
    LinkRow<T>& row = links[i];
    DegreeRow<T>& degree_row = degrees[plan.links[i].v];
    const T diagonal = degree_row.diagonal, Dinv = T(1) / (axis + diagonal), u = degree_row.tau - p;
    row.U = U, row.Dinv = Dinv, row.u = u;
    Release r{Dinv, diagonal * Dinv, u * Dinv};
    if (!plain) hold(i, p, r);
    return r;
  }
  // Some worlds hold this joint: nothing is taken out of theirs, and the acceleration is known.
  void hold(int i, const T& p, Release& r) {
    const BatchLink& link = plan.links[i];
    const Mask is_held = held(link);
    if (!any(is_held)) return;
    const LawRow<T> law_row = law(link.v);
    DegreeRow<T>& row = degrees[link.v];
    row.a = degree(law_row, link).held_acceleration(row.modes);
    links[i].u = select(is_held, p, links[i].u);
    r = {select(is_held, T(0), r.less), select(is_held, T(1), r.keep), select(is_held, row.a, r.push)};
  }
  void reduce_root(int i, bool plain) {
    const Inertia<T> I = inertia(i);
    const ArticulatedInertia<T>& IA = handed(plan.links[i]).IA;
    const Force<T> p = own_bias(i, I);
    const Force<T> U{{IA.I.xz + I.I.xz, IA.I.yz + I.I.yz, IA.I.zz + I.I.zz},
                     {IA.H.r2.x - I.h.y, IA.H.r2.y + I.h.x, IA.H.r2.z}};
    release(i, plain, U, U.n.z, p.n.z);
  }
  static void add_rigid(const Inertia<T>& I, Sym3<T>& M) { M.xx += I.m, M.yy += I.m, M.zz += I.m; }
  static void add_rigid(const Inertia<T>& I, Mat3<T>& H) {
    H.r0.y -= I.h.z, H.r0.z += I.h.y, H.r1.x += I.h.z, H.r1.z -= I.h.x, H.r2.x -= I.h.y, H.r2.y += I.h.x;
  }

  // Takes a joint that turns out of its link's inertia, part by part, and hands on the rest.
  template <Tilt kTilt, Shift kShift, bool kTurned>
  [[gnu::always_inline]] void reduce(int i, bool plain, const JointFrame<T, true, kTilt, kShift, kTurned>& X) {
    const BatchLink& link = plan.links[i];
    const SlotRow<T>& own = handed(link);
    const Inertia<T> rigid = inertia(i);
    Force<T> p = own_bias(i, rigid);
    const bool massless = link.massless;
    Force<T> U{{own.IA.I.xz, own.IA.I.yz, own.IA.I.zz}, own.IA.H.r2};
    if (!massless)
      U.n.x += rigid.I.xz, U.n.y += rigid.I.yz, U.n.z += rigid.I.zz, U.f.x -= rigid.h.y, U.f.y += rigid.h.x;
    const Release r = release(i, plain, U, U.n.z, p.n.z);
    const Motion<T>& V = links[i].V;
    const T rate = load(rows.v, link.v);
    const T u = V.w.y * rate, v = -(V.w.x * rate), x = V.v.y * rate, y = -(V.v.x * rate);  // c = V x S rate
    const Vec3<T> f = r.less * U.f;
    const T nx = r.less * U.n.x, ny = r.less * U.n.y;
    p.n += r.push * U.n, p.f += r.push * U.f;
    ArticulatedInertia<T> IA;
    Sym3<T>& M = IA.M;
    M = own.IA.M;
    if (!massless) add_rigid(rigid, M);
    M.xx -= U.f.x * f.x, M.yy -= U.f.y * f.y, M.zz -= U.f.z * f.z;
    M.xy -= U.f.x * f.y, M.xz -= U.f.x * f.z, M.yz -= U.f.y * f.z;
    p.f += Vec3<T>{M.xx * x + M.xy * y, M.xy * x + M.yy * y, M.xz * x + M.yz * y};
    X.rotate(M);
    Mat3<T>& H = IA.H;
    H = own.IA.H;
    if (!massless) add_rigid(rigid, H);
    H.r0 -= U.n.x * f, H.r1 -= U.n.y * f, H.r2 = r.keep * U.f;
    p.n += Vec3<T>{H.r0.x * x + H.r0.y * y, H.r1.x * x + H.r1.y * y, H.r2.x * x + H.r2.y * y};
    p.f += Vec3<T>{H.r0.x * u + H.r1.x * v, H.r0.y * u + H.r1.y * v, H.r0.z * u + H.r1.z * v};
    X.rotate(H);
    Sym3<T>& I = IA.I;
    I = own.IA.I;
    if (!massless) I.xx += rigid.I.xx, I.yy += rigid.I.yy, I.xy += rigid.I.xy;
    I.xx -= U.n.x * nx, I.yy -= U.n.y * ny, I.xy -= U.n.x * ny;
    I.xz = r.keep * U.n.x, I.yz = r.keep * U.n.y, I.zz = r.keep * U.n.z;
    p.n += Vec3<T>{I.xx * u + I.xy * v, I.xy * u + I.yy * v, I.xz * u + I.yz * v};
    X.rotate(I);
    hand_on(link, X, IA, p);
  }
  // The same of a joint that slides.
  [[gnu::always_inline]] void reduce(int i, bool plain, const JointFrame<T, false, Tilt::kAny, Shift::kAny, true>& X) {
    const BatchLink& link = plan.links[i];
    const Inertia<T> rigid = inertia(i);
    const Force<T> p = own_bias(i, rigid);
    ArticulatedInertia<T> IA = handed(link).IA;
    add_rigid(rigid, IA.M), add_rigid(rigid, IA.H);
    IA.I += rigid.I;
    const Force<T> U = kernels::joint_column(LinkMotion::kSlide, IA);
    const Release r = release(i, plain, U, U.f.z, p.f.z);
    const T rate = load(rows.v, link.v);
    const Motion<T> c = kernels::velocity_product(LinkMotion::kSlide, links[i].V, &rate);
    kernels::subtract_outer(r.less, U, U, IA);
    const Force<T> handed_on = p + kernels::times_product(LinkMotion::kSlide, IA, c) + r.push * U;
    X.rotate(IA.M), X.rotate(IA.H), X.rotate(IA.I);
    hand_on(link, X, IA, handed_on);
  }
  // Adds IA, which stands in the axes before the frame's shift, and p, in the link's, to what the parent is handed.
  template <class Frame>
  [[gnu::always_inline]] void hand_on(const BatchLink& link, const Frame& X, ArticulatedInertia<T>& IA,
                                      const Force<T>& p) {
    X.shift(IA);
    SlotRow<T>& parent = slots[plan.links[link.parent].slot];
    const Force<T> p_parent = X.to_parent(p);
    if (link.opens) {
      parent = {IA, p_parent};
    } else {
      parent.IA.I += IA.I, parent.IA.H += IA.H, parent.IA.M += IA.M, parent.p += p_parent;
    }
  }

  // Links that slide on links that slide, down from the world, do not turn: of what they are handed only M and the
  // force count.
  void hand_on_straight(const BatchLink& link, const Sym3<T>& M, const Vec3<T>& f) {
    SlotRow<T>& parent = slots[plan.links[link.parent].slot];
    if (link.opens) {
      parent.IA.M = M, parent.p.f = f;
    } else {
      parent.IA.M += M, parent.p.f += f;
    }
  }
  void hand_on_straight(int i, Sym3<T>& M, Vec3<T>& f) {
    with_frame(i, links[i].joint, [&](const auto& X) { X.turn_whole(M), X.turn_whole(f); });
    hand_on_straight(plan.links[i], M, f);
  }
  void reduce_straight(int i, bool plain) {
    const BatchLink& link = plan.links[i];
    const SlotRow<T>& own = handed(link);
    const T m = parameter(ParameterLayout::link(i) + 3);
    Sym3<T> M = own.IA.M;
    M.xx += m, M.yy += m, M.zz += m;
    Vec3<T> f = own.p.f;
    const Force<T> U{{}, {M.xz, M.yz, M.zz}};
    const Release r = release(i, plain, U, U.f.z, f.z);
    if (link.parent < 0) return;
    const T x = r.less * U.f.x, y = r.less * U.f.y;
    M = {M.xx - U.f.x * x, M.yy - U.f.y * y, r.keep * U.f.z, M.xy - U.f.x * y, r.keep * U.f.x, r.keep * U.f.y};
    f += r.push * U.f;
    hand_on_straight(i, M, f);
  }
  // A joint that turns on such a link.
  void reduce_on_straight(int i, bool plain) {
    const BatchLink& link = plan.links[i];
    const SlotRow<T>& own = handed(link);
    const Inertia<T> rigid = inertia(i);
    const Force<T> p = own_bias(i, rigid);
    Sym3<T> M = own.IA.M;
    Mat3<T> H = own.IA.H;
    add_rigid(rigid, M), add_rigid(rigid, H);
    const Force<T> U{{own.IA.I.xz + rigid.I.xz, own.IA.I.yz + rigid.I.yz, own.IA.I.zz + rigid.I.zz}, H.r2};
    const Release r = release(i, plain, U, U.n.z, p.n.z);
    const T rate = load(rows.v, link.v);
    const Motion<T> c = kernels::velocity_product(LinkMotion::kTurn, links[i].V, &rate);
    const Vec3<T> less = r.less * U.f;
    M.xx -= U.f.x * less.x, M.yy -= U.f.y * less.y, M.zz -= U.f.z * less.z;
    M.xy -= U.f.x * less.y, M.xz -= U.f.x * less.z, M.yz -= U.f.y * less.z;
    H.r0 -= U.n.x * less, H.r1 -= U.n.y * less;
    Vec3<T> f = p.f + r.push * U.f + c.w.x * H.r0 + c.w.y * H.r1;
    f += Vec3<T>{M.xx * c.v.x + M.xy * c.v.y, M.xy * c.v.x + M.yy * c.v.y, M.xz * c.v.x + M.yz * c.v.y};
    hand_on_straight(i, M, f);
  }
  // A ball on such a link: a floating base. With D = I + diagonal, M -= H^T D^-1 H, and diagonal D^-1 H is left of H.
  void reduce_ball_on_straight(int i) {
    const BatchLink& link = plan.links[i];
    BallRow<T>& ball = balls[link.ball];
    const Inertia<T> rigid = inertia(i);
    const Force<T> p = own_bias(i, rigid);
    ArticulatedInertia<T> IA = handed(link).IA;
    add_rigid(rigid, IA.M), add_rigid(rigid, IA.H);
    IA.I += rigid.I;
    Vec3<T> u, diagonal, rate;
    for (int k = 0; k < 3; ++k) {
      rate[k] = load(rows.v, link.v + k);
      u[k] = load(rows.effort, link.v + k) - law_number(link.v + k, LawLayout::kDamping) * rate[k] - p.n[k];
      diagonal[k] = law_number(link.v + k, LawLayout::kPassive);
    }
    Sym3<T> D = IA.I;
    D.xx += diagonal.x, D.yy += diagonal.y, D.zz += diagonal.z;
    const Mat3<T> Dinv = full(inverse(D)), W = Dinv * IA.H, I = full(IA.I);
    for (int k = 0; k < 3; ++k) {
      ball.data.U[k] = {I[k], IA.H[k]};
      ball.data.u[k] = u[k];
      for (int j = 0; j < 3; ++j) ball.data.Dinv[k][j] = Dinv[k][j];
    }
    if (link.parent < 0) return;
    Sym3<T>& M = IA.M;
    const Vec3<T> a = IA.H.column(0), b = IA.H.column(1), d = IA.H.column(2);
    M.xx -= dot(a, W.column(0)), M.yy -= dot(b, W.column(1)), M.zz -= dot(d, W.column(2));
    M.xy -= dot(a, W.column(1)), M.xz -= dot(a, W.column(2)), M.yz -= dot(b, W.column(2));
    const T rates[3] = {rate.x, rate.y, rate.z};
    const Motion<T> c = kernels::velocity_product(LinkMotion::kBall, links[i].V, rates);
    const Vec3<T> left{diagonal.x * c.w.x, diagonal.y * c.w.y, diagonal.z * c.w.z};
    const Vec3<T> f = p.f + M * c.v + transpose_times(W, left + u);
    hand_on_straight(link, geoul::rotate(ball.X.R, M), ball.X.R * f);
  }
  // Of a symmetric positive definite matrix, by cofactors.
  static Sym3<T> inverse(const Sym3<T>& s) {
    const Sym3<T> c{s.yy * s.zz - s.yz * s.yz, s.xx * s.zz - s.xz * s.xz, s.xx * s.yy - s.xy * s.xy,
                    s.xz * s.yz - s.xy * s.zz, s.xy * s.yz - s.xz * s.yy, s.xy * s.xz - s.xx * s.yz};
    const T by = T(1) / (s.xx * c.xx + s.xy * c.xy + s.xz * c.xz);
    return {by * c.xx, by * c.yy, by * c.zz, by * c.xy, by * c.xz, by * c.yz};
  }

  void reduce_ball(int i) {
    const BatchLink& link = plan.links[i];
    BallRow<T>& ball = balls[link.ball];
    const Inertia<T> rigid = inertia(i);
    LinkDataT<T> d;
    d.f = own_bias(i, rigid);
    d.IA = handed(link).IA;
    add_rigid(rigid, d.IA.M), add_rigid(rigid, d.IA.H);
    d.IA.I += rigid.I;
    T tau[3], diagonal[3], rate[3];
    for (int k = 0; k < 3; ++k) {
      rate[k] = load(rows.v, link.v + k);
      tau[k] = load(rows.effort, link.v + k) - law_number(link.v + k, LawLayout::kDamping) * rate[k];
      diagonal[k] = law_number(link.v + k, LawLayout::kPassive);
    }
    const Force<T> from_joint = kernels::reduce_ball(tau, diagonal, d, ball.data);
    if (link.parent < 0) return;
    const Motion<T> c = kernels::velocity_product(LinkMotion::kBall, links[i].V, rate);
    SlotRow<T>& parent = slots[plan.links[link.parent].slot];
    if (link.opens) parent = {};
    kernels::add_to_parent(ball.X, d.IA, parent.IA);
    parent.p += to_parent(ball.X, d.f + d.IA * c + from_joint);
  }
};

}  // namespace geoul::dynamics
