// What a step of a row of worlds reads and leaves, and its joint laws degree by degree (law_kernels.h), over lanes T.
// Included by the leaf files alone.
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

// One tree of one row of worlds. Varied: parameters are rows too.
template <class T, bool Varied>
struct TreeRows {
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
  // Pose of link i's kernel frame in its parent's or, of a root, in the world. Needs kinematics.
  Transform<T> pose(int i) const {
    const BatchLink& link = plan.links[i];
    if (link.ball >= 0) return balls[link.ball].X;
    Transform<T> X{whole(i), vector(ParameterLayout::link(i))};
    if (link.parent >= 0) {
      with_frame(i, links[i].joint, [&](const auto& frame_of_link) { X = frame_of_link.transform(); });
    } else if (motion(link) == LinkMotion::kTurn) {
      for (int k = 0; k < 3; ++k) links[i].joint.undo(X.R[k]);
    } else {
      X.p += load(rows.q, link.q) * X.R.column(2);
    }
    return X;
  }
  // A motion of the parent of link i in the link's frame.
  [[gnu::always_inline]] Motion<T> to_child(int i, const Turning<T>& joint, const Motion<T>& parent) const {
    if (plan.links[i].frame == FrameKind::kWhole) return geoul::to_child(balls[plan.links[i].ball].X, parent);
    Motion<T> m;
    with_frame(i, joint, [&](const auto& X) { m = X.to_child(parent); });
    return m;
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

}  // namespace geoul::dynamics
