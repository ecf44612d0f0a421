// Steps of a row of worlds in which things may touch. Worlds that touch nothing take the step of
// batch_kernels_leaf.h, bit for bit; those in contact the one of contacts.h, lane by lane; the few that need more
// (impacts of fast bodies, many contacts, a problem that Newton steps alone do not solve) step by themselves.
#pragma once

#include "geoul/dynamics/batch_solve_leaf.h"

namespace geoul::dynamics {

// Takes arrays from memory that others own; with base null it only counts.
struct LaneArena {
  std::byte* base = nullptr;
  std::size_t used = 0;

  template <class T>
  [[gnu::always_inline]] T* take(int n) {
    T* place = base != nullptr ? reinterpret_cast<T*>(base + used) : nullptr;
    used += (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
    return place;
  }
};

template <class T>
struct ContactScratch {
  LinkRow<T>* row_links;
  SlotRow<T>* row_slots;
  BallRow<T>* balls;
  DegreeRow<T>* degrees;
  WorldLink<T>* links;
  WorldTree<T>* trees;
  Motion<T>*axis, *U;
  Force<T>* F;
  Stiffness<T>* K;
  T *M, *L, *H, *free, *dv, *du, *tau, *jacobian, *kept;
  Placed<T>* placed;
  Touching<T>* touching;
  ContactRow<T>* slots;
  LawImpulses<T>* laws;
  std::uint64_t* pattern;
  bool* stiff;

  ContactScratch(const BatchPlan& plan, LaneArena& arena) {
    const int n = plan.nv, most = kMostContacts * T::kWidth + 4 * T::kWidth;
    row_links = arena.take<LinkRow<T>>(plan.nlink), row_slots = arena.take<SlotRow<T>>(plan.nslot + 1);
    balls = arena.take<BallRow<T>>(plan.nball), degrees = arena.take<DegreeRow<T>>(n);
    links = arena.take<WorldLink<T>>(plan.nlink), trees = arena.take<WorldTree<T>>(plan.ntree);
    axis = arena.take<Motion<T>>(n), U = arena.take<Motion<T>>(plan.nlink), F = arena.take<Force<T>>(plan.nlink);
    K = arena.take<Stiffness<T>>(plan.nlink);
    M = arena.take<T>(n * n), L = arena.take<T>(n * n), H = arena.take<T>(n * n);
    free = arena.take<T>(n), dv = arena.take<T>(n), du = arena.take<T>(n), tau = arena.take<T>(n);
    jacobian = arena.take<T>(kMostRows * n), kept = arena.take<T>(2 * (plan.nq + 3 * n));
    placed = arena.take<Placed<T>>(plan.contact->nshape);
    touching = arena.take<Touching<T>>(most), slots = arena.take<ContactRow<T>>(most);
    laws = arena.take<LawImpulses<T>>(n);
    pattern = arena.take<std::uint64_t>(n), stiff = arena.take<bool>(plan.nlink);
  }
};

template <class T>
std::size_t contact_scratch_bytes(const BatchPlan& plan) {
  LaneArena arena;
  ContactScratch<T>(plan, arena);
  return arena.used;
}

template <class T, bool Varied>
struct ContactSteps {
  using S = typename ScalarTraits<T>::Element;
  using Mask = typename T::Mask;
  static constexpr int kRow = kRowWidth<S>;

  const BatchPlan& plan;
  const BatchContactPlan& contact;
  const BatchRows<S>& rows;
  ContactScratch<T>& scratch;
  T passes = T(1), converged = T(1);

  T h() const { return T(plan.h); }
  // The numbers of a step: q, v, a, tau.
  int kept_size() const { return plan.nq + 3 * plan.nv; }
  S* kept_row(int i) const {
    if (i < plan.nq) return rows.q + static_cast<std::ptrdiff_t>(i) * kRow;
    i -= plan.nq;
    S* const base[] = {rows.v, rows.a, rows.tau};
    return base[i / plan.nv] + static_cast<std::ptrdiff_t>(i % plan.nv) * kRow;
  }
  void keep(T* out) const {
    for (int i = 0; i < kept_size(); ++i) out[i] = T::load(kept_row(i));
  }
  void give_back(const T* from) const {
    for (int i = 0; i < kept_size(); ++i) from[i].store(kept_row(i));
  }

  void step() {
    WorldRow<T, Varied> world{plan,          contact,      rows,      scratch.row_links, scratch.balls, scratch.links,
                              scratch.trees, scratch.axis, scratch.M, scratch.L,         scratch.free,  h()};
    world.place();
    TouchRow<T, Varied> touch{world, scratch.placed, scratch.touching};
    touch.find();
    const Mask touches = (touch.contacts > T(0)) & !touch.alone, apart = !(touches | touch.alone);
    T *begin = scratch.kept, *end = scratch.kept + kept_size();
    if (all(apart)) {
      T(0).store(rows.warm);
      return step_apart();
    }
    keep(begin);
    if (any(apart)) {
      step_apart();
      keep(end);
      give_back(begin);
    }
    Mask alone = touch.alone;
    if (any(touches)) alone = alone | step_touching(world, touch, touches);
    if (any(apart)) {
      for (int i = 0; i < kept_size(); ++i) {
        S* row = kept_row(i);
        select(apart, end[i], T::load(row)).store(row);
      }
      select(apart, T(0), T::load(rows.warm)).store(rows.warm);
    }
    for (int l = 0; any(alone) && l < T::kWidth; ++l) {
      if (!alone[l]) continue;
      for (int i = 0; i < kept_size(); ++i) kept_row(i)[l] = begin[i].r[l];
      rows.alone(rows.context, l);
    }
  }

  void step_apart() {
    for (int t = 0; t < plan.ntree; ++t) {
      TreeStep<T, Varied> one{plan,          plan.trees[t],   rows, scratch.row_links, scratch.row_slots,
                              scratch.balls, scratch.degrees, h()};
      T tree_passes;
      one.solve(tree_passes, converged);
      passes = select(tree_passes > passes, tree_passes, passes);
      one.finish(true);
    }
  }

  // Steps the worlds that touch; those in which that failed.
  Mask step_touching(WorldRow<T, Varied>& world, const TouchRow<T, Varied>& touch, const Mask& touches) {
    world.prepare();
    SolveRow<T, Varied> solver{{world, scratch.touching, touch.count, scratch.slots, scratch.laws, scratch.dv,
                                scratch.du, scratch.U, scratch.F},
                               scratch.H,
                               scratch.tau,
                               scratch.jacobian,
                               scratch.K,
                               scratch.stiff,
                               scratch.pattern};
    const int friction = ParameterLayout::contact_friction(plan.nlink, plan.nv);
    solver.friction =
        Varied ? WorldRow<T, Varied>::load(rows.parameters, friction) : T(plan.in_double.parameters[friction]);
    solver.set_up(rows.warm);
    solver.set_pattern();
    Mask failed = solver.solve(touches, T(contact.tolerance));
    passes = select(solver.steps > passes, solver.steps, passes);
    finish(solver.dv);
    Mask deep{};
    for (int i = 0; i < touch.count; ++i) {
      if (scratch.touching[i].pair->stiffness > 0) continue;
      deep = deep | ((scratch.touching[i].on != T(0)) & (scratch.touching[i].gap < T(-1e-9)));
    }
    deep = deep & touches;
    solver.keep_warm(rows.warm);
    if (any(deep)) {
      for (int k = 0; k < plan.nv; ++k) scratch.tau[k] = WorldRow<T, Varied>::load(rows.v, k);
      solver.turn_to_positions(scratch.tau);
      failed = failed | solver.solve(deep & !failed, T(1e-11));
      displace(solver.dv, deep);
    }
    return failed;
  }
  // Velocities, positions and efforts at the end of the step. A world that then steps by itself does not count.
  void finish(const T* change) {
    for (int k = 0; k < plan.nv; ++k) scratch.degrees[k].a = change[k] / h();
    for (int t = 0; t < plan.ntree; ++t) {
      TreeStep<T, Varied> of{plan,          plan.trees[t],   rows, scratch.row_links, scratch.row_slots,
                             scratch.balls, scratch.degrees, h()};
      of.finish(true);
    }
  }
  void displace(const T* change, const Mask& deep) {
    for (int i = 0; i < plan.nlink; ++i) {
      const BatchLink& link = plan.links[i];
      const bool ball = link.ball >= 0;
      T q[4], rate[3];
      for (int k = 0; k < (ball ? 4 : 1); ++k) q[k] = WorldRow<T, Varied>::load(rows.q, link.q + k);
      for (int k = 0; k < (ball ? 3 : 1); ++k) rate[k] = select(deep, change[link.v + k], T(0));
      T moved[4];
      kernels::integrate_joint(static_cast<LinkMotion>(link.motion), q, rate, T(1), moved);
      for (int k = 0; k < (ball ? 4 : 1); ++k) select(deep, moved[k], q[k]).store(rows.q + (link.q + k) * kRow);
    }
  }
  // Where the numbers at the end are finite.
  Mask check() const {
    T test = T(0);
    for (int i = 0; i < plan.nq + plan.nv; ++i) {
      const T x = T::load(kept_row(i));
      test += x - x;
    }
    return test == T(0);
  }
};

template <class T, bool Varied>
void step_contacts_as(const BatchPlan& plan, const BatchRows<typename ScalarTraits<T>::Element>& rows, int steps,
                      void* memory) {
  using S = typename ScalarTraits<T>::Element;
  LaneArena arena{static_cast<std::byte*>(memory), 0};
  ContactScratch<T> scratch(plan, arena);
  scratch.row_slots[plan.nslot] = {};
  ContactSteps<T, Varied> run{plan, *plan.contact, rows, scratch};
  typename T::Mask finite = T(0) == T(0);
  for (int s = 0; s < steps; ++s) {
    run.step();
    finite = finite & run.check();
  }
  run.passes.store(rows.report);
  select(finite, run.converged, T(0)).store(rows.report + kRowWidth<S>);
  select(finite, T(1), T(0)).store(rows.report + 2 * kRowWidth<S>);
}

template <class T>
void step_contacts(const BatchPlan& plan, const BatchRows<typename ScalarTraits<T>::Element>& rows, int steps,
                   void* memory) {
  if (rows.parameters != nullptr) return step_contacts_as<T, true>(plan, rows, steps, memory);
  step_contacts_as<T, false>(plan, rows, steps, memory);
}

template <class T>
BatchKernel<double> contact_kernel() {
  return {T::kWidth, contact_scratch_bytes<T>, step_contacts<T>};
}

}  // namespace geoul::dynamics
