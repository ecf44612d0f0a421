// The step of a row of worlds over lanes T: the formulas of step() with Integrator::kImplicit (kernels.h,
// law_kernels.h), lane by lane. No lane reads another, so a world's bits do not depend on its neighbours or on the
// width. Included by the leaf files alone.
//
// Per link only what the way back needs is kept (LinkRow); articulated inertias live in a few slots that a branch of
// the tree hands back when it is done. Sources: see kernels.h.
#pragma once

#include "geoul/dynamics/batch_plan.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/lanes.h"
#include "geoul/dynamics/law_kernels.h"

namespace geoul::dynamics {

using kernels::operator*;

template <class T>
struct LinkRow {
  Transform<T> X;  // in the parent link
  Motion<T> V, A;
  Force<T> U;
  T Dinv, u;
};
template <class T>
struct SlotRow {
  ArticulatedInertia<T> IA;
  Force<T> p;
};
template <class T>
struct DegreeRow {
  kernels::LawModes<T> modes;
  T a, needed;
};
template <class T>
struct LawRow {
  T armature, damping, friction, stiffness, spring_position, drive_stiffness, drive_damping, drive_limit, lower, upper,
      velocity_limit;
};

// One tree of one row of worlds. Varied: parameters are rows too.
template <class T, bool Varied>
struct TreeStep {
  using S = typename ScalarTraits<T>::Element;
  static constexpr int kRow = kRowWidth<S>;

  const BatchPlan& plan;
  const BatchTree& tree;
  const BatchRows<S>& rows;
  LinkRow<T>* links;
  SlotRow<T>* slots;
  BallDataT<T>* balls;
  DegreeRow<T>* degrees;
  T h;

  static T load(const S* array, int i) { return T::load(array + static_cast<std::ptrdiff_t>(i) * kRow); }
  T parameter(int i) const {
    if constexpr (Varied) return load(rows.parameters, i);
    return T(plan.parameters[i]);
  }
  Vec3<T> vector(int i) const { return {parameter(i), parameter(i + 1), parameter(i + 2)}; }
  Inertia<T> inertia(int i) const {
    const int at = ParameterLayout::link(i) + 3;
    return {parameter(at),
            vector(at + 1),
            {parameter(at + 4), parameter(at + 5), parameter(at + 6), parameter(at + 7), parameter(at + 8),
             parameter(at + 9)}};
  }
  LawRow<T> law(int k) const {
    const int at = ParameterLayout::law(plan.nlink, k);
    return {parameter(at),     parameter(at + 1), parameter(at + 2), parameter(at + 3),
            parameter(at + 4), parameter(at + 5), parameter(at + 6), parameter(at + 7),
            parameter(at + 8), parameter(at + 9), parameter(at + 10)};
  }
  kernels::Degree<T, LawRow<T>> degree(const LawRow<T>& law_row, const BatchLink& link) const {
    return {law_row,
            load(rows.q, link.q),
            load(rows.v, link.v),
            h,
            load(rows.effort, link.v),
            load(rows.target_q, link.v),
            load(rows.target_v, link.v),
            T(0),
            true};
  }
  static LinkMotion motion(const BatchLink& link) { return static_cast<LinkMotion>(link.motion); }
  Motion<T> product(const BatchLink& link, const LinkRow<T>& row) const {
    T rate[3];
    for (int k = 0; k < kernels::degrees(motion(link)); ++k) rate[k] = load(rows.v, link.v + k);
    return kernels::velocity_product(motion(link), row.V, rate);
  }

  void kinematics() {
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      LinkRow<T>& row = links[i];
      const double* R = plan.rotation + 9 * static_cast<std::ptrdiff_t>(i);
      T q[4], rate[3];
      const bool ball = link.ball >= 0;
      for (int k = 0; k < (ball ? 4 : 1); ++k) q[k] = load(rows.q, link.q + k);
      for (int k = 0; k < (ball ? 3 : 1); ++k) rate[k] = load(rows.v, link.v + k);
      Transform<T> X{{{T(R[0]), T(R[1]), T(R[2])}, {T(R[3]), T(R[4]), T(R[5])}, {T(R[6]), T(R[7]), T(R[8])}},
                     vector(ParameterLayout::link(i))};
      kernels::move(motion(link), q, X);
      Motion<T> V{};
      if (link.parent >= 0) V = to_child(X, links[link.parent].V);
      kernels::add_rate(motion(link), rate, V);
      row.X = X;
      row.V = V;
    }
  }

  void open(int i, SlotRow<T>& slot) const {
    if (!Varied && plan.links[i].massless) {
      slot = {};
      return;
    }
    const Inertia<T> I = inertia(i);
    const Motion<T>& V = links[i].V;
    slot.IA = {I.I, skew(I.h), Sym3<T>{I.m, I.m, I.m, T(0), T(0), T(0)}};
    slot.p = cross(V, I * V);
  }

  // Joint by joint from the leaves. Modes are guessed in the first pass.
  void inward(bool first) {
    for (int i = tree.end - 1; i >= tree.begin; --i) {
      const BatchLink& link = plan.links[i];
      LinkRow<T>& row = links[i];
      SlotRow<T>& own = slots[link.slot < 0 ? plan.nslot : link.slot];  // the last one for links without children
      if (link.slot < 0) open(i, own);
      Force<T> p;
      if (link.ball >= 0) {
        p = reduce_ball(i, row, own);
      } else {
        p = reduce_degree(first, link, row, own);
      }
      if (link.parent < 0) continue;
      SlotRow<T>& parent = slots[plan.links[link.parent].slot];
      if (link.opens_slot >= 0) open(link.parent, parent);
      kernels::add_to_parent(row.X, own.IA, parent.IA);
      parent.p += to_parent(row.X, p);
    }
  }

  Force<T> reduce_ball(int i, LinkRow<T>& row, SlotRow<T>& own) {
    const BatchLink& link = plan.links[i];
    LinkDataT<T> d;
    d.IA = own.IA, d.f = own.p;
    T tau[3], diagonal[3];
    for (int k = 0; k < 3; ++k) {
      const int at = ParameterLayout::law(plan.nlink, link.v + k);
      tau[k] = load(rows.effort, link.v + k) - parameter(at + 1) * load(rows.v, link.v + k);
      diagonal[k] = parameter(at) + h * parameter(at + 1);
    }
    const Force<T> bias = kernels::reduce_ball(tau, diagonal, d, balls[link.ball]);
    own.IA = d.IA;
    return own.p + own.IA * product(link, row) + bias;
  }

  Force<T> reduce_degree(bool first, const BatchLink& link, LinkRow<T>& row, SlotRow<T>& own) {
    const LawRow<T> law_row = law(link.v);
    const auto d = degree(law_row, link);
    DegreeRow<T>& degree_row = degrees[link.v];
    if (first) degree_row.modes = d.guess();
    const kernels::LawModes<T> modes = degree_row.modes;
    T tau, diagonal;
    d.compose(modes, tau, diagonal);
    const auto held = d.held(modes);
    const Motion<T> c = product(link, row);
    row.U = kernels::joint_column(motion(link), own.IA);
    const T D = kernels::along(motion(link), 0, row.U) + diagonal;
    const T bias = kernels::along(motion(link), 0, own.p);
    row.Dinv = T(1) / D;
    row.u = tau - bias;
    if (!any(held)) [[likely]]
      return kernels::reduce_degree(motion(link), row.U, row.Dinv, row.u, own.p, c, own.IA);
    // some worlds hold this joint: both answers, lane by lane
    const T a = d.held_acceleration(modes);
    degree_row.a = a;
    Motion<T> known = c;
    kernels::add_along(motion(link), 0, a, known);
    const Force<T> whole = own.p + own.IA * known;
    ArticulatedInertia<T> reduced = own.IA;
    const Force<T> free = kernels::reduce_degree(motion(link), row.U, row.Dinv, row.u, own.p, c, reduced);
    blend(held, own.IA, reduced, own.IA);
    row.u = select(held, bias, row.u);
    Force<T> p;
    for (int n = 0; n < 3; ++n)
      p.n[n] = select(held, whole.n[n], free.n[n]), p.f[n] = select(held, whole.f[n], free.f[n]);
    return p;
  }
  template <class Mask>
  static void blend(const Mask& m, const ArticulatedInertia<T>& a, const ArticulatedInertia<T>& b,
                    ArticulatedInertia<T>& out) {
    const auto sym = [&](const Sym3<T>& x, const Sym3<T>& y, Sym3<T>& z) {
      z = {select(m, x.xx, y.xx), select(m, x.yy, y.yy), select(m, x.zz, y.zz),
           select(m, x.xy, y.xy), select(m, x.xz, y.xz), select(m, x.yz, y.yz)};
    };
    sym(a.I, b.I, out.I);
    sym(a.M, b.M, out.M);
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) out.H[i][j] = select(m, a.H[i][j], b.H[i][j]);
    }
  }

  // Accelerations from the root, and whether every law is kept.
  bool outward() {
    bool settled = true;
    for (int i = tree.begin; i < tree.end; ++i) {
      const BatchLink& link = plan.links[i];
      LinkRow<T>& row = links[i];
      Motion<T> A = link.parent >= 0 ? to_child(row.X, links[link.parent].A)
                                     : Motion<T>{{}, transpose_times(row.X.R, -vector(ParameterLayout::kGravity))};
      A = A + product(link, row);
      if (link.ball >= 0) {
        ball_acceleration(link, A);
      } else {
        const LawRow<T> law_row = law(link.v);
        const auto d = degree(law_row, link);
        DegreeRow<T>& degree_row = degrees[link.v];
        const T free = (row.u - dot(A, row.U)) * row.Dinv;
        const auto held = d.held(degree_row.modes);
        const T a = any(held) ? select(held, degree_row.a, free) : free;
        kernels::add_along(motion(link), 0, a, A);
        degree_row.a = a;
        if (any(held)) {
          degree_row.needed = select(held, dot(A, row.U) + row.u, T(0));
          settled = false;
        } else {
          degree_row.needed = T(0);
          settled = settled && all(d.settled(degree_row.modes, a));
        }
      }
      row.A = A;
    }
    return settled;
  }

  void ball_acceleration(const BatchLink& link, Motion<T>& A) {
    const BallDataT<T>& w = balls[link.ball];
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
  typename T::Mask mend(int pass) {
    typename T::Mask violated{};
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
    inward(true);
    if (outward()) [[likely]]
      return;
    for (int pass = 1;; ++pass) {
      const typename T::Mask violated = mend(pass);
      if (!any(violated)) return;
      if (pass == plan.max_iterations) {
        converged = select(violated, T(0), converged);
        return;
      }
      passes = select(violated, T(pass + 1), passes);
      inward(false);
      outward();
    }
  }

  // Velocities and positions at the end of the step; the last step also tells accelerations and efforts.
  typename T::Mask finish(bool last) {
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
      const T a = degrees[link.v + k].a;
      a.store(rows.a + (link.v + k) * kRow);
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
  BallDataT<T>* balls;
  DegreeRow<T>* degrees;
};

template <class T>
std::size_t scratch_bytes(const BatchPlan& plan) {
  return sizeof(LinkRow<T>) * static_cast<std::size_t>(plan.nlink) +
         sizeof(SlotRow<T>) * static_cast<std::size_t>(plan.nslot + 1) +
         sizeof(BallDataT<T>) * static_cast<std::size_t>(plan.nball) +
         sizeof(DegreeRow<T>) * static_cast<std::size_t>(plan.nv);
}

template <class T, bool Varied>
void step_rows_as(const BatchPlan& plan, const BatchRows<typename ScalarTraits<T>::Element>& rows, int steps,
                  void* scratch) {
  using S = typename ScalarTraits<T>::Element;
  auto* links = static_cast<LinkRow<T>*>(scratch);
  auto* slots = reinterpret_cast<SlotRow<T>*>(links + plan.nlink);
  auto* balls = reinterpret_cast<BallDataT<T>*>(slots + plan.nslot + 1);
  auto* degrees = reinterpret_cast<DegreeRow<T>*>(balls + plan.nball);
  T passes = T(1), converged = T(1);
  typename T::Mask finite = T(0) == T(0);
  for (int s = 0; s < steps; ++s) {
    for (int t = 0; t < plan.ntree; ++t) {
      TreeStep<T, Varied> step{plan, plan.trees[t], rows, links, slots, balls, degrees, T(plan.h)};
      step.kinematics();
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
