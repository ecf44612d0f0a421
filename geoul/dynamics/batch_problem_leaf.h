// The contact problem of a row of worlds over lanes T: the laws of contact_solver.h, every world with its own contacts,
// joint limits and dry friction. Laws, natural map and linearisation are those of contact_solver_newton.cpp; sources
// there.
#pragma once

#include "geoul/dynamics/batch_touch_leaf.h"

namespace geoul::dynamics {

// Rows of one contact: along n, x, y, then about them.
template <class T>
struct ContactRow {
  Vec3<T> arm_a, arm_b;       // from the origins of the trees
  Vec3<T> axis[3];            // n, x, y
  T linear, angular;          // scales of the natural map: about J M^-1 J^T
  T per_linear, per_angular;  // 1 over them
  T target, R;                // of the normal
  T p[kMostRows], w[kMostRows], guess[kMostRows], start[kMostRows], r[kMostRows], dp[kMostRows];
  T D[kMostRows];    // first column: what follows the normal
  T across[3];       // of the tangents' block: xx, yy, xy
  T twist, roll[3];  // of torsion; of rolling's block
};
// Friction and limits of one degree.
template <class T>
struct LawImpulses {
  T scale, per_scale, bound;  // scale of the natural map; greatest impulse of friction
  T target[2];                // of the lower and the upper limit
  T on[3];                    // friction, lower, upper
  T p[3], guess[3], start[3], r[3], dp[3], D[3];
  bool any[3];
};

template <class T, bool Varied>
struct ContactProblem {
  using S = typename ScalarTraits<T>::Element;
  using Mask = typename T::Mask;

  const WorldRow<T, Varied>& world;
  const Touching<T>* touching;
  int count;
  ContactRow<T>* slots;
  LawImpulses<T>* laws;             // (nv)
  T* dv;                            // (nv) change of v by p
  T* du;                            // (nv) v at the end of the step
  Motion<T>* U;                     // (nlink)
  Force<T>* F;                      // (nlink)
  bool positions = false;           // displacements: normals alone, velocities are lengths
  T share{};                        // of the guess in the next one
  T most{}, squares{}, friction{};  // residual of the natural map: largest square and sum of squares [m2/s2]

  const BatchContactPlan& contact = world.contact;
  const BatchPlan& plan = world.plan;
  T h = world.h;

  int nv() const { return plan.nv; }
  int rows_of(int i) const { return positions ? 1 : touching[i].pair->rows; }
  static T pick(const Mask& m, const T& a) { return select(m, a, T(0)); }

  // ---- the problem ----

  [[gnu::noinline]] void set_up(const S* warm) {
    for (int i = 0; i < count; ++i) set_up_contact(i);
    for (int k = 0; k < nv(); ++k) set_up_law(k);
    if (warm != nullptr) start_warm(warm);
  }
  void set_up_contact(int i) {
    const Touching<T>& t = touching[i];
    ContactRow<T>& c = slots[i];
    c.axis[0] = t.n;
    const auto flat = abs(t.n.x) < T(0.6);
    const Vec3<T> aid{select(flat, T(1), T(0)), select(flat, T(0), T(1)), T(0)};
    const Vec3<T> x = cross(t.n, aid);
    c.axis[1] = (T(1) / norm(x)) * x;
    c.axis[2] = cross(t.n, c.axis[1]);
    c.arm_a = t.link_a >= 0 ? t.p - world.origin(t.link_a) : Vec3<T>{};
    c.arm_b = t.link_b >= 0 ? t.p - world.origin(t.link_b) : Vec3<T>{};
    c.linear = c.angular = T(0);
    const std::uint64_t a = t.link_a >= 0 ? contact.path[t.link_a] : 0, b = t.link_b >= 0 ? contact.path[t.link_b] : 0;
    for (std::uint64_t left = a ^ b; left != 0; left &= left - 1) {
      const int k = std::countr_zero(left);
      const Motion<T>& s = world.axis[k];
      const Vec3<T> v = s.v + cross(s.w, (b >> k & 1) != 0 ? c.arm_b : c.arm_a);
      const T inverse = T(1.0 / 3) / world.M[static_cast<std::ptrdiff_t>(k) * (nv() + 1)];
      c.linear += dot(v, v) * inverse, c.angular += dot(s.w, s.w) * inverse;
    }
    c.linear = select(c.linear > T(0), c.linear, T(1));
    c.angular = select(c.angular > T(0), c.angular, T(1));
    c.per_linear = T(1) / c.linear, c.per_angular = T(1) / c.angular;
    const BatchPair& pair = *t.pair;
    c.target = -(select(t.gap > T(0), t.gap, T(0)) / h);
    c.R = T(0);
    if (pair.stiffness > 0) {
      const T slope = h * (h * T(pair.stiffness) + T(pair.damping));
      c.R = T(1) / slope;
      c.target = -(h * T(pair.stiffness) * t.gap) / slope;
    }
    for (int k = 0; k < kMostRows; ++k) c.p[k] = T(0);
  }
  void set_up_law(int k) {
    LawImpulses<T>& row = laws[k];
    const BatchLink& link = plan.links[contact.link_of[k]];
    for (int n = 0; n < 3; ++n) row.any[n] = false, row.on[n] = row.p[n] = T(0);
    if (link.ball >= 0) return;
    const auto step = world.step(contact.tree_of[contact.link_of[k]]);
    const LawRow<T> law = step.law(k);
    const T q = step.load(step.rows.q, link.q), v = step.load(step.rows.v, k) + world.free[k];
    row.per_scale = world.M[static_cast<std::ptrdiff_t>(k) * (nv() + 1)];
    row.scale = T(1) / row.per_scale;
    row.bound = h * law.friction;
    const auto reach = [&](const T& room) {
      const T r = select(room < T(0), T(0.1) * room, room), least = -(law.velocity_limit * h);
      return select(r > least, r, least);
    };
    const auto target = [&](const T& room) {
      const T r = -(reach(room) / h), least = -law.velocity_limit;
      return select(r > least, r, least);
    };
    const T near = h * (abs(v) + T(1));
    const Mask on[3] = {law.friction > T(0), ((q - law.lower) < near) | (-v > law.velocity_limit),
                        ((law.upper - q) < near) | (v > law.velocity_limit)};
    for (int n = 0; n < 3; ++n) row.any[n] = any(on[n]), row.on[n] = select(on[n], T(1), T(0));
    if (row.any[1]) row.target[0] = target(q - law.lower);
    if (row.any[2]) row.target[1] = target(law.upper - q);
  }
  void start_warm(const S* warm) {
    constexpr int kRow = kRowWidth<S>;
    for (int l = 0; l < T::kWidth; ++l) {
      const auto at = [&](int row) { return warm[static_cast<std::ptrdiff_t>(row) * kRow + l]; };
      const int had = static_cast<int>(at(WarmLayout::kCount));
      if (had == 0) continue;
      int old = 0;
      for (int i = 0; i < count; ++i) {
        const auto place = [&] { return WarmLayout::slot(nv(), contact.rows, old); };
        while (old < had && at(place()) < touching[i].key) ++old;
        if (old == had) break;
        if (at(place()) != touching[i].key || touching[i].on.r[l] == S(0)) continue;
        for (int k = 0; k < rows_of(i); ++k) slots[i].p[k].r[l] = at(place() + 1 + k);
      }
      for (int k = 0; k < nv(); ++k) {
        const S f = at(WarmLayout::law(k)), limit = at(WarmLayout::law(k) + 1);
        LawImpulses<T>& row = laws[k];
        if (row.on[0].r[l] != S(0)) row.p[0].r[l] = f;
        if (row.on[1].r[l] != S(0)) row.p[1].r[l] = limit > 0 ? limit : S(0);
        if (row.on[2].r[l] != S(0)) row.p[2].r[l] = limit < 0 ? -limit : S(0);
      }
    }
  }
  void keep_warm(S* warm) const {
    constexpr int kRow = kRowWidth<S>;
    for (int l = 0; l < T::kWidth; ++l) {
      const auto at = [&](int row) -> S& { return warm[static_cast<std::ptrdiff_t>(row) * kRow + l]; };
      int kept = 0;
      for (int i = 0; i < count && kept < kMostContacts; ++i) {
        if (touching[i].on.r[l] == S(0)) continue;
        const int place = WarmLayout::slot(nv(), contact.rows, kept++);
        at(place) = touching[i].key;
        const ContactRow<T>& c = slots[i];
        for (int k = 0; k < contact.rows; ++k)
          at(place + 1 + k) = k < rows_of(i) ? next_guess(c.p[k].r[l], c.guess[k].r[l], share.r[l]) : S(0);
      }
      at(WarmLayout::kCount) = static_cast<S>(kept);
      for (int k = 0; k < nv(); ++k) {
        const auto guess = [&](int n) { return next_guess(laws[k].p[n].r[l], laws[k].guess[n].r[l], share.r[l]); };
        at(WarmLayout::law(k)) = guess(0);
        at(WarmLayout::law(k) + 1) = guess(1) - guess(2);
      }
    }
  }
  static S next_guess(S p, S guess, S share) { return p != S(0) ? p + share * (guess - p) : S(0); }
  // BlockReport::share of contact_solver.h, with w at the guess, in worlds where the guess is nearly right.
  void keep_guess(const Mask& nearly) {
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < rows_of(i); ++k) slots[i].guess[k] = slots[i].p[k];
    }
    for (int k = 0; k < nv(); ++k) {
      for (int n = 0; n < 3; ++n) laws[k].guess[n] = laws[k].p[n];
    }
    share = T(0);
    if (!any(nearly)) return;
    T asked = T(0), all = T(0);
    const auto count_in = [&](const T& p, const T& before, const T& w) {
      asked += pick(p != T(0), before * w), all += pick(p != T(0), w * w);
    };
    for (int k = 0; k < nv(); ++k) dv[k] = world.load(world.rows.v, k);
    for (int k = 0; k < nv(); ++k) {
      for (int n = 0; n < 3; ++n) {
        if (laws[k].any[n]) count_in(laws[k].p[n], slip(laws[k], n, dv[k]), slip(laws[k], n, du[k]));
      }
    }
    world.twists(dv, U);
    for (int i = 0; i < count; ++i) {
      const ContactRow<T>& c = slots[i];
      T before[kMostRows];
      rates(i, before);
      before[0] -= c.target;
      for (int k = 0; k < rows_of(i); ++k) count_in(c.p[k], before[k], c.w[k]);
    }
    const T part = asked / select(all > T(0), all, T(1));
    share = pick(nearly & (all > T(0)), kernels::clamped(part, T(0), T(1)));
  }
  // The displacements: takes penetrations back, moves nothing else into its neighbour. Impulses start at zero.
  void turn_to_positions(const T* end) {
    world.twists(end, U);
    positions = true;
    for (int i = 0; i < count; ++i) {
      ContactRow<T>& c = slots[i];
      const T moved = h * dot(c.axis[0], relative(i).v), gap = touching[i].gap;
      c.target = select(gap < T(0), T(-0.3) * gap - moved, -(gap + moved));
      if (touching[i].pair->stiffness > 0) c.target = T(-1e100), c.R = T(0);  // gives way: nothing to take back
      c.p[0] = T(0);
    }
    for (int k = 0; k < nv(); ++k) {
      for (int n = 0; n < 3; ++n) laws[k].any[n] = false, laws[k].p[n] = T(0);
    }
  }

  // Twist of b against a at contact i.
  Motion<T> relative(int i) const {
    const Touching<T>& t = touching[i];
    const ContactRow<T>& c = slots[i];
    Motion<T> m{};
    if (t.link_b >= 0) m = {U[t.link_b].w, U[t.link_b].v + cross(U[t.link_b].w, c.arm_b)};
    if (t.link_a >= 0) m = m - Motion<T>{U[t.link_a].w, U[t.link_a].v + cross(U[t.link_a].w, c.arm_a)};
    return m;
  }
  void rates(int i, T* out) const {
    const Motion<T> m = relative(i);
    for (int k = 0; k < rows_of(i); ++k) out[k] = k < 3 ? dot(slots[i].axis[k], m.v) : dot(slots[i].axis[k - 3], m.w);
  }
  // tau = J^T x over contacts and laws, by `x_of(slot)` and `y_of(law)`.
  template <class X, class Y>
  void pull(X x_of, Y y_of, T sign, T* out) {
    for (int k = 0; k < nv(); ++k) {
      out[k] = T(0);
      const T* y = y_of(laws[k]);
      if (laws[k].any[0]) out[k] += sign * y[0];
      if (laws[k].any[1]) out[k] += sign * y[1];
      if (laws[k].any[2]) out[k] -= sign * y[2];
    }
    for (int i = 0; i < plan.nlink; ++i) F[i] = {};
    for (int i = 0; i < count; ++i) {
      const Touching<T>& t = touching[i];
      const ContactRow<T>& c = slots[i];
      const T* x = x_of(c);
      Force<T> f{};
      for (int k = 0; k < rows_of(i); ++k) (k < 3 ? f.f : f.n) += (sign * x[k]) * c.axis[k < 3 ? k : k - 3];
      if (t.link_b >= 0) F[t.link_b] += Force<T>{f.n + cross(c.arm_b, f.f), f.f};
      if (t.link_a >= 0) F[t.link_a] -= Force<T>{f.n + cross(c.arm_a, f.f), f.f};
    }
    world.efforts(F, out);
  }

  // ---- laws ----

  // Disks of a contact: which rows, and the coefficient of the normal impulse.
  template <class Visit>
  void each_disk(int i, Visit visit) const {
    const BatchPair& pair = *touching[i].pair;
    const int rows = rows_of(i);
    const ContactRow<T>& c = slots[i];
    if (rows >= 3) visit(1, 2, T(pair.friction) * friction, c.linear, c.per_linear);
    if (rows >= 4) visit(3, 1, T(pair.torsion), c.angular, c.per_angular);
    if (rows >= 6) visit(4, 2, T(pair.rolling), c.angular, c.per_angular);
  }
  static T length(const T& x, const T& y) { return sqrt(x * x + y * y); }

  void to_cone(int i) {
    ContactRow<T>& c = slots[i];
    c.p[0] = pick(c.p[0] > T(0), c.p[0]);
    each_disk(i, [&](int f, int n, const T& mu, const T&, const T&) {
      const T radius = mu * c.p[0], squared = n == 2 ? c.p[f] * c.p[f] + c.p[f + 1] * c.p[f + 1] : c.p[f] * c.p[f];
      const auto outside = squared > radius * radius;
      if (!any(outside)) return;
      const T s = select(outside, radius / sqrt(select(outside, squared, T(1))), T(1));
      for (int k = f; k < f + n; ++k) c.p[k] = s * c.p[k];
    });
  }

  // u and w from p, and the residual of the natural map.
  [[gnu::noinline]] void evaluate() {
    pull([](const ContactRow<T>& c) { return c.p; }, [](const LawImpulses<T>& l) { return l.p; }, T(1), dv);
    world.solve(dv);
    if (!positions) {
      for (int k = 0; k < nv(); ++k) du[k] = (dv[k] += world.free[k]) + world.load(world.rows.v, k);
    }
    const T* end = positions ? dv : du;
    world.twists(end, U);
    most = squares = T(0);
    const auto count_in = [&](const T& x2) { most = select(x2 > most, x2, most), squares += x2; };
    const auto square = [](const T& x) { return x * x; };
    for (int i = 0; i < count; ++i) {
      ContactRow<T>& c = slots[i];
      rates(i, c.w);
      c.w[0] += c.R * c.p[0] - c.target;
      const T a = c.p[0] - c.w[0] * c.per_linear;
      count_in(touching[i].on * square(c.linear * (c.p[0] - pick(a > T(0), a))));
      each_disk(i, [&](int f, int n, const T& mu, const T& g, const T& per_g) {
        const T x = c.p[f] - c.w[f] * per_g, y = n == 2 ? c.p[f + 1] - c.w[f + 1] * per_g : T(0);
        const T squared = x * x + y * y, radius = mu * c.p[0];
        const auto outside = squared > radius * radius;
        T s = T(1);
        if (any(outside)) s = select(outside, radius / sqrt(select(outside, squared, T(1))), T(1));
        const T ex = c.p[f] - s * x, ey = n == 2 ? c.p[f + 1] - s * y : T(0);
        count_in(touching[i].on * square(g) * (ex * ex + ey * ey));
      });
    }
    for (int k = 0; k < nv(); ++k) {
      LawImpulses<T>& row = laws[k];
      for (int n = 0; n < 3; ++n) {
        if (row.any[n]) count_in(row.on[n] * square(row.scale * (row.p[n] - next(row, n, end[k]))));
      }
    }
  }
  T slip(const LawImpulses<T>& row, int n, const T& u) const {
    return n == 0 ? u : n == 1 ? u - row.target[0] : -u - row.target[1];
  }
  // What the law makes of an impulse.
  T next(const LawImpulses<T>& row, int n, const T& u) const {
    const T a = row.p[n] - slip(row, n, u) * row.per_scale;
    return n == 0 ? kernels::clamped(a, -row.bound, row.bound) : pick(a > T(0), a);
  }

  void linearise(int i, const T& proximal, const T& per_proximal, const T& follows) {
    ContactRow<T>& c = slots[i];
    const int rows = rows_of(i);
    const T a = c.p[0] - c.w[0] * c.per_linear;
    const Mask closed = (a > T(0)) & (touching[i].on != T(0));
    for (int k = 0; k < rows; ++k) c.D[k] = T(0), c.r[k] = c.p[k];
    c.across[0] = c.across[1] = c.across[2] = c.twist = c.roll[0] = c.roll[1] = c.roll[2] = T(0);
    const T D0 = T(1) / (c.R + proximal * c.linear);
    c.D[0] = pick(closed, D0);
    c.r[0] = select(closed, c.w[0] * D0, c.p[0]);
    each_disk(i, [&](int f, int n, const T& mu, const T&, const T& per_g) {
      const T x = c.p[f] - c.w[f] * per_g, y = n == 2 ? c.p[f + 1] - c.w[f + 1] * per_g : T(0);
      const T l = length(x, y), radius = mu * c.p[0];
      const Mask sticks = l<radius, some = l> T(0);
      const T inverse = T(1) / select(some, l, T(1));
      const T ex = pick(some, x * inverse), ey = pick(some, y * inverse);
      T along = radius - ex * c.p[f];
      if (n == 2) along -= ey * c.p[f + 1];
      const T part = f == 1 ? follows : T(1);
      const T soft = per_g * per_proximal, first = part * mu * c.r[0] - along;
      T Dxx = soft, Dyy = soft, Dxy = T(0), rx = ex * first, ry = ey * first, slope_x = T(0), slope_y = T(0);
      const T follow = part * mu * D0;
      slope_x = pick(!sticks, follow * ex), slope_y = pick(!sticks, follow * ey);
      T sxx = T(0), syy = T(0), sxy = T(0);
      if (n == 2) {
        const T beta = pick(some, radius * inverse);
        const T over = T(1) / (T(1) - beta + beta * proximal);
        const T sideways = ex * c.p[f + 1] - ey * c.p[f], slope = beta * per_g * over;
        sxx = slope * ey * ey, syy = slope * ex * ex, sxy = -(slope * ex * ey);
        rx -= ey * sideways * over, ry += ex * sideways * over;
      }
      Dxx = select(sticks, Dxx, sxx), Dyy = select(sticks, Dyy, syy), Dxy = select(sticks, Dxy, sxy);
      c.D[f] = pick(closed, slope_x);
      c.r[f] = select(closed, select(sticks, c.w[f] * soft, rx), c.p[f]);
      if (n == 1) {
        c.twist = pick(closed, Dxx);
        return;
      }
      c.D[f + 1] = pick(closed, slope_y);
      c.r[f + 1] = select(closed, select(sticks, c.w[f + 1] * soft, ry), c.p[f + 1]);
      T* block = f == 1 ? c.across : c.roll;
      block[0] = pick(closed, Dxx), block[1] = pick(closed, Dyy), block[2] = pick(closed, Dxy);
    });
  }
  void linearise_law(LawImpulses<T>& row, const T& u, const T& per_proximal) {
    for (int n = 0; n < 3; ++n) {
      if (!row.any[n]) continue;
      const T w = slip(row, n, u), a = row.p[n] - w * row.per_scale;
      const Mask sloped = (row.on[n] != T(0)) & (n == 0 ? (abs(a) < row.bound) : (a > T(0)));
      const T D = row.per_scale * per_proximal;
      row.D[n] = pick(sloped, D);
      const T kept = n == 0 ? row.p[n] - kernels::clamped(a, -row.bound, row.bound) : row.p[n];
      row.r[n] = select(sloped, w * D, kept);
    }
  }
  // out = D y of a contact.
  void times_D(int i, const T* y, T* out) const {
    const ContactRow<T>& c = slots[i];
    const int rows = rows_of(i);
    for (int k = 0; k < rows; ++k) out[k] = c.D[k] * y[0];
    if (rows >= 3) {
      out[1] += c.across[0] * y[1] + c.across[2] * y[2];
      out[2] += c.across[2] * y[1] + c.across[1] * y[2];
    }
    if (rows >= 4) out[3] += c.twist * y[3];
    if (rows >= 6) {
      out[4] += c.roll[0] * y[4] + c.roll[2] * y[5];
      out[5] += c.roll[2] * y[4] + c.roll[1] * y[5];
    }
  }
};

}  // namespace geoul::dynamics
