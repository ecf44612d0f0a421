// The step of a row of worlds over lanes T: the formulas of step() with Integrator::kImplicit (kernels.h,
// law_kernels.h), lane by lane. No lane reads another, so a world's bits do not depend on its neighbours or on the
// width. Included by the leaf files alone.
//
// Links stand in kernel frames (batch_frames.h). Per link only what the way back needs is kept (LinkRow); articulated
// inertias live in as many slots as links have children, which hold what the children handed on. Sources: see
// kernels.h.
#pragma once

#include "geoul/dynamics/batch_frames_leaf.h"
#include "geoul/dynamics/batch_plan.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/lanes.h"
#include "geoul/dynamics/law_kernels.h"

namespace geoul::dynamics {

using kernels::operator*;

// Of one link, in its kernel frame (batch_frames.h).
template <class T>
struct LinkRow {
  Turning<T> joint;  // of a joint that turns: cosine and sine of q + offset
  Motion<T> V, A;
  Force<T> U;
  T Dinv, u;
};
template <class T>
struct SlotRow {  // what children handed on
  ArticulatedInertia<T> IA;
  Force<T> p;
};
template <class T>
struct BallRow {
  BallDataT<T> data;
  Transform<T> X;  // in the parent link
};
template <class T>
struct DegreeRow {
  kernels::LawModes<T> modes;
  T tau, diagonal;  // of a free degree
  T a, needed;
};
template <class T>
struct LawRow {
  T armature, damping, friction, stiffness, spring_position, drive_stiffness, drive_damping, drive_limit, lower, upper,
      velocity_limit, passive, sloped;
};

// One tree of one row of worlds. Varied: parameters are rows too. A pass of the active set is compose (or kinematics
// for the first, where the whole row is plain: no joint rubs, no drive saturates), inward, outward.
template <class T, bool Varied>
struct TreeStep {
  using S = typename ScalarTraits<T>::Element;
  using Mask = typename T::Mask;
  static constexpr int kRow = kRowWidth<S>;

  const BatchPlan& plan;
  const BatchTree& tree;
  const BatchRows<S>& rows;
  LinkRow<T>* links;
  SlotRow<T>* slots;
  BallRow<T>* balls;
  DegreeRow<T>* degrees;
  T h;

  static T load(const S* array, int i) { return T::load(array + static_cast<std::ptrdiff_t>(i) * kRow); }
  T parameter(int i) const {
    if constexpr (Varied) return load(rows.parameters, i);
    return T(plan.numbers(S()).parameters[i]);
  }
  T law_number(int k, int i) const {
    return T(plan.numbers(S()).laws[static_cast<std::ptrdiff_t>(k) * LawLayout::kSize + i]);
  }
  T frame_number(int link, int i) const {
    return T(plan.numbers(S()).frames[static_cast<std::ptrdiff_t>(link) * FrameLayout::kSize + i]);
  }
  Vec3<T> vector(int i) const { return {parameter(i), parameter(i + 1), parameter(i + 2)}; }
  Inertia<T> inertia(int i) const {
    const int at = ParameterLayout::link(i) + 3;
    return {parameter(at),
            vector(at + 1),
            {parameter(at + 4), parameter(at + 5), parameter(at + 6), parameter(at + 7), parameter(at + 8),
             parameter(at + 9)}};
  }
  T friction(int k) const { return parameter(ParameterLayout::friction(plan.nlink, k)); }
  LawRow<T> law(int k) const {
    using L = LawLayout;
    const auto n = [&](int i) { return law_number(k, i); };
    return {n(L::kArmature),       n(L::kDamping),      friction(k),       n(L::kStiffness), n(L::kSpringPosition),
            n(L::kDriveStiffness), n(L::kDriveDamping), n(L::kDriveLimit), n(L::kLower),     n(L::kUpper),
            n(L::kVelocityLimit),  n(L::kPassive),      n(L::kSloped)};
  }
  kernels::Degree<T, LawRow<T>> degree(const LawRow<T>& law_row, const BatchLink& link) const {
    return {law_row,
            load(rows.q, link.q),
            load(rows.v, link.v),
            h,
            load(rows.effort, link.v),
            load(rows.target_q, link.v),
            load(rows.target_v, link.v)};
  }
  static LinkMotion motion(const BatchLink& link) { return static_cast<LinkMotion>(link.motion); }
  Mat3<T> whole(int i) const {
    const auto row = [&](int r) -> Vec3<T> {
      const int at = FrameLayout::kWhole + 3 * r;
      return {frame_number(i, at), frame_number(i, at + 1), frame_number(i, at + 2)};
    };
    return {row(0), row(1), row(2)};
  }

  // Calls use with the frame of link i, which hangs on another by a joint of one degree that stands at `joint`.
  template <class Use>
  [[gnu::always_inline]] void with_frame(int i, const Turning<T>& joint, Use use) const {
    switch (plan.links[i].frame) {
      case FrameKind::kSame: return use(frame<true, Tilt::kNone, Shift::kNone, false>(i, joint));
      case FrameKind::kQuarter: return use(frame<true, Tilt::kQuarter, Shift::kNone, false>(i, joint));
      case FrameKind::kBackQuarter: return use(frame<true, Tilt::kBackQuarter, Shift::kNone, false>(i, joint));
      case FrameKind::kHalf: return use(frame<true, Tilt::kHalf, Shift::kNone, false>(i, joint));
      case FrameKind::kHalfAway: return use(frame<true, Tilt::kHalf, Shift::kPlane, false>(i, joint));
      case FrameKind::kTilted: return use(frame<true, Tilt::kAny, Shift::kNone, false>(i, joint));
      case FrameKind::kSameAway: return use(frame<true, Tilt::kNone, Shift::kPlane, false>(i, joint));
      case FrameKind::kQuarterAway: return use(frame<true, Tilt::kQuarter, Shift::kPlane, false>(i, joint));
      case FrameKind::kBackQuarterAway: return use(frame<true, Tilt::kBackQuarter, Shift::kPlane, false>(i, joint));
      case FrameKind::kTiltedAway: return use(frame<true, Tilt::kAny, Shift::kPlane, false>(i, joint));
      case FrameKind::kSlide: return use(frame<false, Tilt::kAny, Shift::kAny, true>(i, joint));
      default: return use(frame<true, Tilt::kAny, Shift::kAny, true>(i, joint));
    }
  }
  template <bool kTurns, Tilt kTilt, Shift kShift, bool kTurned>
  [[gnu::always_inline]] JointFrame<T, kTurns, kTilt, kShift, kTurned> frame(int i, const Turning<T>& joint) const {
    const T c = frame_number(i, FrameLayout::kCosTilt), s = frame_number(i, FrameLayout::kSinTilt);
    Vec3<T> p = vector(ParameterLayout::link(i));
    if constexpr (!kTurns) {
      const T q = load(rows.q, plan.links[i].q);
      p.y -= q * s, p.z += q * c;
    }
    return {joint, {c, s}, {frame_number(i, FrameLayout::kCosTurn), frame_number(i, FrameLayout::kSinTurn)}, p};
  }
  // A motion of the parent of link i in the link's frame.
  [[gnu::always_inline]] Motion<T> to_child(int i, const Turning<T>& joint, const Motion<T>& parent) const {
    if (plan.links[i].frame == FrameKind::kWhole) return geoul::to_child(balls[plan.links[i].ball].X, parent);
    Motion<T> m;
    with_frame(i, joint, [&](const auto& X) { m = X.to_child(parent); });
    return m;
  }

  // Joints and velocities, and efforts of the first pass; true where the row is plain.
  [[gnu::noinline]] bool kinematics() {
    Mask plain = T(0) == T(0);
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      LinkRow<T>& row = links[i];
      if (link.ball >= 0) {
        ball_kinematics(i);
        continue;
      }
      const T q = load(rows.q, link.q), rate = load(rows.v, link.v);
      Turning<T> joint{};
      if (motion(link) == LinkMotion::kTurn) {
        const auto [s, c] = sin_cos(q + frame_number(i, FrameLayout::kOffset));
        joint = {c, s};
        row.joint = joint;
      }
      Motion<T> V{};
      if (link.parent >= 0) V = to_child(i, joint, links[link.parent].V);
      kernels::add_along(motion(link), 0, rate, V);
      row.V = V;
      plain = plain & free_effort(link, q, rate);
    }
    return (Varied || !tree.rubs) && all(plain);
  }
  void ball_kinematics(int i) {
    const BatchLink& link = plan.links[i];
    T q[4], rate[3];
    for (int k = 0; k < 4; ++k) q[k] = load(rows.q, link.q + k);
    for (int k = 0; k < 3; ++k) rate[k] = load(rows.v, link.v + k);
    Transform<T>& X = balls[link.ball].X;
    X = {whole(i), vector(ParameterLayout::link(i))};
    kernels::move(LinkMotion::kBall, q, X);
    Motion<T> V{};
    if (link.parent >= 0) V = geoul::to_child(X, links[link.parent].V);
    kernels::add_rate(LinkMotion::kBall, rate, V);
    links[i].V = V;
  }

  // Effort and diagonal of a free degree whose drive does not saturate: the bits of Degree::compose.
  Mask free_effort(const BatchLink& link, const T& q, const T& rate) {
    using L = LawLayout;
    const int k = link.v;
    const auto n = [&](int i) { return law_number(k, i); };
    const T at = q + h * rate;
    const T demand = drive_demand(link, at, rate);
    T passive = -(n(L::kDamping) * rate);
    if (link.sprung) passive = passive - n(L::kStiffness) * (at - n(L::kSpringPosition));
    degrees[k].tau = passive + demand;
    degrees[k].diagonal = n(L::kSloped);
    Mask plain = T(0) == T(0);
    if (link.saturates) plain = abs(demand) <= n(L::kDriveLimit);
    if constexpr (Varied) plain = plain & (friction(k) <= T(0));
    return plain;
  }
  T drive_demand(const BatchLink& link, const T& at, const T& rate) const {
    const int k = link.v;
    T demand = load(rows.effort, k);
    if (link.driven) {
      demand = demand + law_number(k, LawLayout::kDriveStiffness) * (load(rows.target_q, k) - at) +
               law_number(k, LawLayout::kDriveDamping) * (load(rows.target_v, k) - rate);
    }
    return demand;
  }
  // Whether every law of a plain row is surely kept with acceleration a: Degree::settled of what the law has.
  Mask keeps(const BatchLink& link, const T& a) const {
    using L = LawLayout;
    const auto n = [&](int i) { return law_number(link.v, i); };
    const T end = load(rows.v, link.v) + h * a, at = load(rows.q, link.q) + h * end;
    Mask fine = T(0) == T(0);
    if (link.bounded) {
      const T margin = T(kernels::kTouching) * (T(1) + abs(at));
      fine = (at - n(L::kLower) > margin) & (n(L::kUpper) - at > margin);
    }
    if (link.hurried) fine = fine & (abs(end) <= n(L::kVelocityLimit));
    if (link.saturates) fine = fine & (abs(drive_demand(link, at, end)) <= n(L::kDriveLimit));
    return fine;
  }

  // The first guess of the modes, which depends on the state alone.
  void guess() {
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      if (link.ball >= 0) continue;
      const LawRow<T> law_row = law(link.v);
      degrees[link.v].modes = degree(law_row, link).guess();
      degrees[link.v].needed = T(0);
    }
  }
  // Efforts and diagonals by the modes.
  void compose() {
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      if (link.ball >= 0) continue;
      const LawRow<T> law_row = law(link.v);
      DegreeRow<T>& row = degrees[link.v];
      degree(law_row, link).compose(row.modes, row.tau, row.diagonal);
    }
  }
  Mask held(const BatchLink& link) const {
    const kernels::LawModes<T>& modes = degrees[link.v].modes;
    return (modes.bound != T(0)) | ((friction(link.v) > T(0)) & (modes.friction == T(0)));
  }

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

  // Acceleration of the world, which has -g, in the frame of link i.
  Motion<T> root_acceleration(int i) const {
    const Vec3<T> g = vector(ParameterLayout::kGravity);
    const BatchLink& link = plan.links[i];
    if (link.ball >= 0) return {{}, transpose_times(balls[link.ball].X.R, -g)};
    Vec3<T> a = transpose_times(whole(i), -g);
    if (motion(link) == LinkMotion::kTurn) links[i].joint.undo(a);
    return {{}, a};
  }
  // Accelerations from the root, and whether every law is surely kept.
  [[gnu::noinline]] bool outward(bool plain) {
    Mask kept = T(0) == T(0);
    bool settled = true;
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      LinkRow<T>& row = links[i];
      Motion<T> A = link.parent < 0 ? root_acceleration(i) : to_child(i, row.joint, links[link.parent].A);
      T rate[3];
      for (int k = 0; k < kernels::degrees(motion(link)); ++k) rate[k] = load(rows.v, link.v + k);
      A += kernels::velocity_product(motion(link), row.V, rate);
      if (link.ball >= 0) {
        ball_acceleration(link, A);
        row.A = A;
        continue;
      }
      const T along = dot(A, row.U);  // without a
      T a = (row.u - along) * row.Dinv;
      DegreeRow<T>& degree_row = degrees[link.v];
      if (plain) {
        kept = kept & keeps(link, a);
      } else {
        settled = outward_laws(link, row, along, a) && settled;
      }
      degree_row.a = a;
      kernels::add_along(motion(link), 0, a, A);
      row.A = A;
    }
    return settled && all(kept);
  }
  // The same for rows that are not plain: a and the needed force of held worlds, and whether every law is kept.
  bool outward_laws(const BatchLink& link, const LinkRow<T>& own, const T& along, T& a) {
    DegreeRow<T>& row = degrees[link.v];
    const Mask is_held = held(link);
    row.needed = select(is_held, along + kernels::along(motion(link), 0, own.U) * row.a + own.u, T(0));
    a = select(is_held, row.a, a);
    if (any(is_held)) return false;
    const LawRow<T> law_row = law(link.v);
    return all(degree(law_row, link).settled(row.modes, a));
  }

  void ball_acceleration(const BatchLink& link, Motion<T>& A) {
    const BallDataT<T>& w = balls[link.ball].data;
    T rest[3];
    for (int k = 0; k < 3; ++k) rest[k] = w.u[k] - dot(A, w.U[k]);
    for (int k = 0; k < 3; ++k) {
      T s = T(0);
      for (int j = 0; j < 3; ++j) s += w.Dinv[k][j] * rest[j];
      degrees[link.v + k].a = s;
    }
    for (int k = 0; k < 3; ++k) kernels::add_along(LinkMotion::kBall, k, degrees[link.v + k].a, A);
  }

  // Mends the modes after pass number `pass`; true in the worlds where a law was not kept.
  Mask mend(int pass) {
    Mask violated{};
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      if (link.ball >= 0) continue;
      const LawRow<T> law_row = law(link.v);
      const auto d = degree(law_row, link);
      DegreeRow<T>& row = degrees[link.v];
      const kernels::LawModes<T> next = d.mended(row.modes, row.a, row.needed);
      const auto differ = d.differ(row.modes, next);
      if (pass <= kernels::kBlockPasses) {
        row.modes = next;
      } else {  // the first of each world alone
        row.modes.drive = select(violated, row.modes.drive, next.drive);
        row.modes.friction = select(violated, row.modes.friction, next.friction);
        row.modes.bound = select(violated, row.modes.bound, next.bound);
      }
      violated = violated | differ;
    }
    return violated;
  }

  // Passes of the active set; the number of them that each world needed, and whether it came to an end.
  void solve(T& passes, T& converged) {
    passes = T(1);
    const bool plain = kinematics();
    if (!plain) guess(), compose();
    inward(plain);
    if (outward(plain)) [[likely]]
      return;
    if (plain) guess();
    resolve(passes, converged);
  }
  [[gnu::noinline]] void resolve(T& passes, T& converged) {
    for (int pass = 1;; ++pass) {
      const Mask violated = mend(pass);
      if (!any(violated)) return;
      if (pass == plan.max_iterations) {
        converged = select(violated, T(0), converged);
        return;
      }
      passes = select(violated, T(pass + 1), passes);
      compose();
      inward(false);
      outward(false);
    }
  }

  // Velocities and positions at the end of the step; the last step also tells accelerations and efforts.
  Mask finish(bool last) {
    T test = T(0);
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      const bool ball = link.ball >= 0;
      T rate[3], q[4], old[3];
      for (int k = 0; k < (ball ? 3 : 1); ++k) {
        old[k] = load(rows.v, link.v + k);
        rate[k] = old[k] + h * degrees[link.v + k].a;
        test += rate[k] - rate[k];  // not a number where it is not finite
      }
      for (int k = 0; k < (ball ? 4 : 1); ++k) q[k] = load(rows.q, link.q + k);
      if (last) efforts(link, rate);
      for (int k = 0; k < (ball ? 3 : 1); ++k) rate[k].store(rows.v + (link.v + k) * kRow);
      kernels::integrate_joint(motion(link), q, rate, h, q);
      for (int k = 0; k < (ball ? 4 : 1); ++k) {
        q[k].store(rows.q + (link.q + k) * kRow);
        test += q[k] - q[k];
      }
    }
    return test == T(0);
  }

  void efforts(const BatchLink& link, const T* end) {
    for (int k = 0; k < kernels::degrees(motion(link)); ++k) {
      degrees[link.v + k].a.store(rows.a + (link.v + k) * kRow);
      T tau = load(rows.effort, link.v + k);
      if (link.ball < 0) {
        const LawRow<T> law_row = law(link.v);
        const auto d = degree(law_row, link);
        tau = d.drive_at(d.q + d.h * end[0], end[0]);
      }
      tau.store(rows.tau + (link.v + k) * kRow);
    }
  }
};

template <class T>
struct BatchScratch {
  LinkRow<T>* links;
  SlotRow<T>* slots;
  BallRow<T>* balls;
  DegreeRow<T>* degrees;
};

template <class T>
std::size_t scratch_bytes(const BatchPlan& plan) {
  return sizeof(LinkRow<T>) * static_cast<std::size_t>(plan.nlink) +
         sizeof(SlotRow<T>) * static_cast<std::size_t>(plan.nslot + 1) +
         sizeof(BallRow<T>) * static_cast<std::size_t>(plan.nball) +
         sizeof(DegreeRow<T>) * static_cast<std::size_t>(plan.nv);
}

template <class T, bool Varied>
void step_rows_as(const BatchPlan& plan, const BatchRows<typename ScalarTraits<T>::Element>& rows, int steps,
                  void* scratch) {
  using S = typename ScalarTraits<T>::Element;
  auto* links = static_cast<LinkRow<T>*>(scratch);
  auto* slots = reinterpret_cast<SlotRow<T>*>(links + plan.nlink);
  auto* balls = reinterpret_cast<BallRow<T>*>(slots + plan.nslot + 1);
  auto* degrees = reinterpret_cast<DegreeRow<T>*>(balls + plan.nball);
  slots[plan.nslot] = {};
  T passes = T(1), converged = T(1);
  typename T::Mask finite = T(0) == T(0);
  for (int s = 0; s < steps; ++s) {
    for (int t = 0; t < plan.ntree; ++t) {
      TreeStep<T, Varied> step{plan, plan.trees[t], rows, links, slots, balls, degrees, T(plan.h)};
      T tree_passes;
      step.solve(tree_passes, converged);
      passes = select(tree_passes > passes, tree_passes, passes);
      finite = finite & step.finish(s + 1 == steps);
    }
  }
  const T yes = select(finite, T(1), T(0));
  passes.store(rows.report);
  select(finite, converged, T(0)).store(rows.report + kRowWidth<S>);
  yes.store(rows.report + 2 * kRowWidth<S>);
}

template <class T>
void step_rows(const BatchPlan& plan, const BatchRows<typename ScalarTraits<T>::Element>& rows, int steps,
               void* scratch) {
  if (rows.parameters != nullptr) return step_rows_as<T, true>(plan, rows, steps, scratch);
  step_rows_as<T, false>(plan, rows, steps, scratch);
}

template <class S>
BatchKernel<S> batch_kernel() {
  using T = Lanes<S>;
  return {T::kWidth, scratch_bytes<T>, step_rows<T>};
}

}  // namespace geoul::dynamics
