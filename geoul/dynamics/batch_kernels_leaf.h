// The step of a row of worlds over lanes T: the formulas of step() with Integrator::kImplicit (kernels.h,
// law_kernels.h), lane by lane. No lane reads another, so a world's bits do not depend on its neighbours or on the
// width. Included by the leaf files alone.
//
// Links stand in kernel frames (batch_frames.h). Per link only what the way back needs is kept (LinkRow); articulated
// inertias live in as many slots as links have children, which hold what the children handed on. Sources: see
// kernels.h.
#pragma once

#include "geoul/dynamics/batch_inward_leaf.h"

namespace geoul::dynamics {

// A pass of the active set is compose (or kinematics for the first, where the whole row is plain: no joint rubs, no
// drive saturates), inward, outward.
template <class T, bool Varied>
struct TreeStep : TreeInward<T, Varied> {
  using Rows = TreeRows<T, Varied>;
  using Rows::balls;
  using Rows::compose;
  using Rows::degree;
  using Rows::degrees;
  using Rows::efforts;
  using Rows::frame_number;
  using Rows::free_effort;
  using Rows::guess;
  using Rows::h;
  using Rows::held;
  using Rows::keeps;
  using Rows::kRow;
  using Rows::law;
  using Rows::links;
  using Rows::load;
  using Rows::mend;
  using Rows::motion;
  using Rows::plan;
  using Rows::rows;
  using Rows::to_child;
  using Rows::tree;
  using Rows::vector;
  using Rows::whole;
  using typename Rows::Mask;
  using typename Rows::S;
  using TreeInward<T, Varied>::inward;

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
      if (link.ball >= 0) {
        finish_ball(link, last, test);
        continue;
      }
      const T rate = load(rows.v, link.v) + h * degrees[link.v].a, q = load(rows.q, link.q) + h * rate;
      if (last) efforts(link, &rate);
      rate.store(rows.v + link.v * kRow), q.store(rows.q + link.q * kRow);
      test += q - q;  // not a number where it or the rate is not finite
    }
    return test == T(0);
  }
  [[gnu::noinline]] void finish_ball(const BatchLink& link, bool last, T& test) {
    T rate[3], q[4];
    for (int k = 0; k < 4; ++k) q[k] = load(rows.q, link.q + k);
    for (int k = 0; k < 3; ++k) rate[k] = load(rows.v, link.v + k) + h * degrees[link.v + k].a;
    if (last) efforts(link, rate);
    kernels::integrate_joint(LinkMotion::kBall, q, rate, h, q);
    for (int k = 0; k < 3; ++k) rate[k].store(rows.v + (link.v + k) * kRow), test += rate[k] - rate[k];
    for (int k = 0; k < 4; ++k) q[k].store(rows.q + (link.q + k) * kRow), test += q[k] - q[k];
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
