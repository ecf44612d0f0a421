// The dynamics of a row of worlds in world axes over lanes T, for steps in contact: poses, twists, joint-space inertia
// and its factor. Twists and wrenches of a tree are written about one point, the origin of its first link that turns,
// so that nothing is transformed from link to link and no lever arm grows with the distance from the world's origin.
// Sources: Featherstone, Rigid Body Dynamics Algorithms (2008), ch. 6 and 8.5 (factor without fill-in).
#pragma once

#include <bit>

#include "geoul/dynamics/batch_kernels_leaf.h"

namespace geoul::dynamics {

template <class T>
struct WorldLink {
  Mat3<T> R;     // in the world
  Vec3<T> p;     // origin, in the world
  Motion<T> V;   // at the begin of the step
  Motion<T> A;   // of the velocity products and gravity alone
  Inertia<T> I;  // of the link, then of all that it carries
  Force<T> f;    // likewise
};

template <class T>
struct WorldTree {
  Vec3<T> origin;  // in the world
};

// One row of worlds. Arrays of the degrees: (nv); matrices (nv x nv), row by row, below the diagonal.
template <class T, bool Varied>
struct WorldRow {
  using S = typename ScalarTraits<T>::Element;
  using Step = TreeRows<T, Varied>;

  const BatchPlan& plan;
  const BatchContactPlan& contact;
  const BatchRows<S>& rows;
  LinkRow<T>* joints;  // (nlink), and balls by BatchLink::ball
  BallRow<T>* balls;
  WorldLink<T>* links;
  WorldTree<T>* trees;
  Motion<T>* axis;  // (nv)
  T* M;             // inertia with armature and implicit laws
  T* L;             // its factor: L^T D L, with 1 / D on the diagonal
  T* free;          // (nv) change of v in the step without contact
  T h;

  // The joints of a tree, for its poses and laws.
  Step step(int tree) const { return {plan, plan.trees[tree], rows, joints, nullptr, balls, nullptr, h}; }
  static T load(const S* array, int i) { return Step::load(array, i); }
  const Vec3<T>& origin(int link) const { return trees[contact.tree_of[link]].origin; }
  int nv() const { return plan.nv; }

  [[gnu::noinline]] void place() {
    for (int t = 0; t < plan.ntree; ++t) {
      const Step of = step(t);
      bool turned = false;
      for (int i = plan.trees[t].begin; i < plan.trees[t].end; ++i) place_link(of, t, i, turned);
    }
  }
  void place_link(const Step& of, int t, int i, bool& turned) {
    const BatchLink& link = plan.links[i];
    WorldLink<T>& d = links[i];
    const bool ball = link.ball >= 0;
    T q[4], rate[3];
    for (int k = 0; k < (ball ? 4 : 1); ++k) q[k] = load(rows.q, link.q + k);
    for (int k = 0; k < (ball ? 3 : 1); ++k) rate[k] = load(rows.v, link.v + k);
    if (ball) {
      Transform<T>& X_PK = balls[link.ball].X;
      X_PK = {of.whole(i), of.vector(ParameterLayout::link(i))};
      kernels::move(LinkMotion::kBall, q, X_PK);
    } else if (Step::motion(link) == LinkMotion::kTurn) {
      const auto [sine, cosine] = sin_cos(q[0] + of.frame_number(i, FrameLayout::kOffset));
      joints[i].joint = {cosine, sine};
    }
    Transform<T> X = of.pose(i);
    d.V = {}, d.A = {{}, -of.vector(ParameterLayout::kGravity)};
    if (link.parent >= 0) {
      const WorldLink<T>& parent = links[link.parent];
      X = Transform<T>{parent.R, parent.p} * X;
      d.V = parent.V, d.A = parent.A;
    }
    d.R = X.R, d.p = X.p;
    const bool slides = Step::motion(link) == LinkMotion::kSlide;
    if (!turned) trees[t].origin = d.p, turned = !slides;
    const Vec3<T> arm = d.p - trees[t].origin;
    Motion<T> own{};
    for (int k = 0; k < (ball ? 3 : 1); ++k) {
      const Vec3<T> e = d.R.column(ball ? k : 2);
      axis[link.v + k] = slides ? Motion<T>{{}, e} : Motion<T>{e, cross(arm, e)};
      own += rate[k] * axis[link.v + k];
    }
    d.V += own;
    d.A += cross(d.V, own);
  }

  // M, its factor, and `free`, the change of the velocities without contact.
  [[gnu::noinline]] void prepare() {
    T* tau = free;
    for (int t = 0; t < plan.ntree; ++t) {
      const Step of = step(t);
      const int begin = plan.trees[t].begin, end = plan.trees[t].end;
      for (int i = begin; i < end; ++i) {
        WorldLink<T>& d = links[i];
        d.I = {}, d.f = {};
        if (!Varied && plan.links[i].massless) continue;
        d.I = to_parent(Transform<T>{d.R, d.p - trees[t].origin}, of.inertia(i));
        d.f = d.I * d.A + cross(d.V, d.I * d.V);
      }
      for (int i = end - 1; i >= begin; --i) {
        const BatchLink& link = plan.links[i];
        const WorldLink<T>& d = links[i];
        for (int k = kernels::degrees(Step::motion(link)) - 1; k >= 0; --k) add_degree(of, link, k, d, tau);
        if (link.parent >= 0) links[link.parent].I += d.I, links[link.parent].f += d.f;
      }
    }
    factor();
    solve(tau);
    for (int k = 0; k < nv(); ++k) free[k] = h * tau[k];
  }
  // Row and column of one degree, and the force that moves it.
  void add_degree(const Step& of, const BatchLink& link, int which, const WorldLink<T>& d, T* tau) {
    const int k = link.v + which;
    const Force<T> F = d.I * axis[k];
    T* row = M + static_cast<std::ptrdiff_t>(k) * nv();
    for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c)
      row[contact.chain[c]] = dot(axis[contact.chain[c]], F);
    T effort, diagonal;
    if (link.ball >= 0) {
      effort = load(rows.effort, k) - of.law_number(k, LawLayout::kDamping) * load(rows.v, k);
      diagonal = of.law_number(k, LawLayout::kPassive);
    } else {
      const LawRow<T> law = of.law(k);
      const auto degree = of.degree(law, link);
      kernels::LawModes<T> modes;  // friction and limits are rows of the contact problem
      const T demand = degree.demand(degree.v);
      modes.drive = kernels::sign_of<T>(demand > law.drive_limit, demand < -law.drive_limit);
      degree.compose(modes, effort, diagonal);
    }
    row[k] = dot(axis[k], F) + diagonal;
    tau[k] = effort - dot(axis[k], d.f);
  }

  void factor() {
    const int n = nv();
    for (int k = 0; k < n; ++k) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(k) * n;
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c)
        L[at + contact.chain[c]] = M[at + contact.chain[c]];
      L[at + k] = M[at + k];
    }
    for (int k = n - 1; k >= 0; --k) {
      T* row = L + static_cast<std::ptrdiff_t>(k) * n;
      const int begin = contact.chain_at[k], end = contact.chain_at[k + 1];
      const T inverse = T(1) / row[k];
      row[k] = inverse;
      for (int c = begin; c < end; ++c) {
        const int i = contact.chain[c];
        const T s = row[i] * inverse;
        T* above = L + static_cast<std::ptrdiff_t>(i) * n;
        for (int e = begin; e <= c; ++e) above[contact.chain[e]] -= s * row[contact.chain[e]];
      }
      for (int c = begin; c < end; ++c) row[contact.chain[c]] = row[contact.chain[c]] * inverse;
    }
  }
  // x = M^-1 x
  void solve(T* x) const {
    const int n = nv();
    for (int k = n - 1; k >= 0; --k) {
      const T* row = L + static_cast<std::ptrdiff_t>(k) * n;
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c)
        x[contact.chain[c]] -= row[contact.chain[c]] * x[k];
    }
    for (int k = 0; k < n; ++k) {
      const T* row = L + static_cast<std::ptrdiff_t>(k) * n;
      T s = x[k] * row[k];
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c)
        s -= row[contact.chain[c]] * x[contact.chain[c]];
      x[k] = s;
    }
  }

  // Twists of all links for joint rates x.
  void twists(const T* x, Motion<T>* U) const {
    for (int i = 0; i < plan.nlink; ++i) {
      const BatchLink& link = plan.links[i];
      Motion<T> m = link.parent >= 0 ? U[link.parent] : Motion<T>{};
      for (int k = 0; k < kernels::degrees(Step::motion(link)); ++k) m += x[link.v + k] * axis[link.v + k];
      U[i] = m;
    }
  }
  // tau += what the wrenches F on the links ask of the joints. Overwrites F.
  void efforts(Force<T>* F, T* tau) const {
    for (int i = plan.nlink - 1; i >= 0; --i) {
      const BatchLink& link = plan.links[i];
      for (int k = 0; k < kernels::degrees(Step::motion(link)); ++k) tau[link.v + k] += dot(axis[link.v + k], F[i]);
      if (link.parent >= 0) F[link.parent] += F[i];
    }
  }
};

}  // namespace geoul::dynamics
