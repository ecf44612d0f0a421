// Solves the contact problem of a row of worlds over lanes T by semismooth Newton steps on the velocities. A world that
// is solved keeps its numbers while the others go on. The system of a step, M + J^T D J, has the sparsity of M but
// where two moving links touch, and is factored from the leaves to the root without fill-in; contacts with what stands
// still add to the links' inertias. Where no step leads down, the next is shorter and safer: a proximal point step
// around the same impulses (Parikh, Boyd, Proximal Algorithms, 2014, 4.1).
#pragma once

#include "geoul/dynamics/batch_problem_leaf.h"

namespace geoul::dynamics {

// A 6 x 6 matrix that takes twists to wrenches, by rows: moments first.
template <class T>
struct Stiffness {
  T k[6][6];
};

template <class T, bool Varied>
struct SolveRow : ContactProblem<T, Varied> {
  using Problem = ContactProblem<T, Varied>;
  using Problem::contact;
  using Problem::count;
  using Problem::du;
  using Problem::dv;
  using Problem::evaluate;
  using Problem::keep_guess;
  using Problem::laws;
  using Problem::linearise;
  using Problem::linearise_law;
  using Problem::most;
  using Problem::nv;
  using Problem::pick;
  using Problem::plan;
  using Problem::positions;
  using Problem::pull;
  using Problem::rates;
  using Problem::rows_of;
  using Problem::slots;
  using Problem::squares;
  using Problem::times_D;
  using Problem::to_cone;
  using Problem::touching;
  using Problem::U;
  using Problem::world;
  using typename Problem::Mask;
  static constexpr int kMostSteps = 30, kMostMisses = 7, kFrozen = 4;
  static constexpr double kAlmost = 1e-8;  // [m/s]

  T *H, *tau;              // (nv x nv), (nv)
  T* jacobian;             // (kMostRows x nv)
  Stiffness<T>* K;         // (nlink)
  bool* stiff;             // (nlink) whether K is not zero
  std::uint64_t* pattern;  // (nv) degrees below each that the system couples it to
  T steps = T(0);          // of each world

  // ---- the system ----

  void set_pattern() {
    for (int k = 0; k < nv(); ++k) {
      pattern[k] = 0;
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c)
        pattern[k] |= std::uint64_t{1} << contact.chain[c];
    }
    for (int i = 0; i < count; ++i) {
      if (touching[i].link_a < 0 || touching[i].link_b < 0) continue;
      const std::uint64_t both = contact.path[touching[i].link_a] ^ contact.path[touching[i].link_b];
      for (std::uint64_t left = both; left != 0; left &= left - 1) {
        const int k = std::countr_zero(left);
        pattern[k] |= both & ((std::uint64_t{1} << k) - 1);
      }
    }
    for (int k = nv() - 1; k >= 0; --k) {  // fill-in
      for (std::uint64_t left = pattern[k]; left != 0; left &= left - 1) {
        const int j = std::countr_zero(left);
        pattern[j] |= pattern[k] & ((std::uint64_t{1} << j) - 1);
      }
    }
  }
  T& at(int i, int j) { return H[static_cast<std::ptrdiff_t>(i) * nv() + j]; }

  [[gnu::noinline]] void assemble() {
    const int n = nv();
    for (int k = 0; k < n; ++k) {
      const T* row = world.M + static_cast<std::ptrdiff_t>(k) * n;
      for (std::uint64_t left = pattern[k]; left != 0; left &= left - 1) {
        const int j = std::countr_zero(left);
        at(k, j) = at(j, k) = T(0);
      }
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c) {
        const int j = contact.chain[c];
        at(k, j) = at(j, k) = row[j];
      }
      T d = row[k];
      for (int m = 0; m < 3; ++m) {
        if (laws[k].any[m]) d += laws[k].D[m];
      }
      at(k, k) = d;
    }
    for (int i = 0; i < plan.nlink; ++i) stiff[i] = false;
    for (int i = 0; i < count; ++i) {
      if (touching[i].link_a >= 0 && touching[i].link_b >= 0) {
        add_between(i);
      } else {
        add_stiffness(i);
      }
    }
    for (int i = plan.nlink - 1; i >= 0; --i) {
      if (stiff[i]) spread_stiffness(i);
    }
  }
  // A contact with what stands still stiffens its link.
  void add_stiffness(int i) {
    const Touching<T>& t = touching[i];
    const ContactRow<T>& c = slots[i];
    const int link = t.link_b >= 0 ? t.link_b : t.link_a, rows = rows_of(i);
    const Vec3<T>& arm = t.link_b >= 0 ? c.arm_b : c.arm_a;
    T f[kMostRows][6];
    for (int k = 0; k < rows; ++k) {
      const Vec3<T>& e = c.axis[k < 3 ? k : k - 3];
      const Vec3<T> m = k < 3 ? cross(arm, e) : e;
      f[k][0] = m.x, f[k][1] = m.y, f[k][2] = m.z;
      f[k][3] = k < 3 ? e.x : T(0), f[k][4] = k < 3 ? e.y : T(0), f[k][5] = k < 3 ? e.z : T(0);
    }
    Stiffness<T>& s = K[link];
    if (!stiff[link]) s = {};
    stiff[link] = true;
    for (int column = 0; column < rows; ++column) {
      T g[6];
      combine(c, rows, column, f, g);
      for (int x = 0; x < 6; ++x) {
        for (int y = 0; y < 6; ++y) s.k[x][y] += g[x] * f[column][y];
      }
    }
  }
  // Column of f D.
  static void combine(const ContactRow<T>& c, int rows, int column, const T (*f)[6], T* g) {
    for (int x = 0; x < 6; ++x) {
      T sum = T(0);
      switch (column) {
        case 0:
          for (int k = 0; k < rows; ++k) sum += c.D[k] * f[k][x];
          break;
        case 1: sum = c.across[0] * f[1][x] + c.across[2] * f[2][x]; break;
        case 2: sum = c.across[2] * f[1][x] + c.across[1] * f[2][x]; break;
        case 3: sum = c.twist * f[3][x]; break;
        case 4: sum = c.roll[0] * f[4][x] + c.roll[2] * f[5][x]; break;
        default: sum = c.roll[2] * f[4][x] + c.roll[1] * f[5][x];
      }
      g[x] = sum;
    }
  }
  // Rows and columns of a link's degrees, then on to its parent.
  void spread_stiffness(int i) {
    const BatchLink& link = plan.links[i];
    const Stiffness<T>& s = K[i];
    for (int e = kernels::degrees(static_cast<LinkMotion>(link.motion)) - 1; e >= 0; --e) {
      const int k = link.v + e;
      const Motion<T>& a = world.axis[k];
      const T m[6] = {a.w.x, a.w.y, a.w.z, a.v.x, a.v.y, a.v.z};
      T right[6], left[6];  // K S and S^T K
      for (int x = 0; x < 6; ++x) {
        right[x] = left[x] = T(0);
        for (int y = 0; y < 6; ++y) right[x] += s.k[x][y] * m[y], left[x] += s.k[y][x] * m[y];
      }
      const auto times = [&](int j, const T* f) {
        const Motion<T>& b = world.axis[j];
        return b.w.x * f[0] + b.w.y * f[1] + b.w.z * f[2] + b.v.x * f[3] + b.v.y * f[4] + b.v.z * f[5];
      };
      at(k, k) += times(k, right);
      for (int c = contact.chain_at[k]; c < contact.chain_at[k + 1]; ++c) {
        const int j = contact.chain[c];
        at(j, k) += times(j, right), at(k, j) += times(j, left);
      }
    }
    if (link.parent < 0) return;
    Stiffness<T>& parent = K[link.parent];
    if (!stiff[link.parent]) {
      parent = s;
      stiff[link.parent] = true;
      return;
    }
    for (int x = 0; x < 6; ++x) {
      for (int y = 0; y < 6; ++y) parent.k[x][y] += s.k[x][y];
    }
  }
  // A contact of two links that move: J^T D J over the degrees that only one of them has.
  void add_between(int i) {
    const Touching<T>& t = touching[i];
    const ContactRow<T>& c = slots[i];
    const int rows = rows_of(i), n = nv();
    const std::uint64_t a = contact.path[t.link_a], b = contact.path[t.link_b];
    for (std::uint64_t left = a ^ b; left != 0; left &= left - 1) {
      const int k = std::countr_zero(left);
      const bool of_b = (b >> k & 1) != 0;
      const Motion<T>& s = world.axis[k];
      const Vec3<T> v = s.v + cross(s.w, of_b ? c.arm_b : c.arm_a);
      const T sign = T(of_b ? 1 : -1);
      for (int r = 0; r < rows; ++r) jacobian[r * n + k] = sign * (r < 3 ? dot(c.axis[r], v) : dot(c.axis[r - 3], s.w));
    }
    for (std::uint64_t left = a ^ b; left != 0; left &= left - 1) {
      const int k = std::countr_zero(left);
      T y[kMostRows], f[kMostRows];
      for (int r = 0; r < rows; ++r) y[r] = jacobian[r * n + k];
      times_D(i, y, f);
      for (std::uint64_t rest = a ^ b; rest != 0; rest &= rest - 1) {
        const int j = std::countr_zero(rest);
        T sum = T(0);
        for (int r = 0; r < rows; ++r) sum += jacobian[r * n + j] * f[r];
        at(j, k) += sum;
      }
    }
  }
  // H x = x without pivoting, from the leaves to the root.
  [[gnu::noinline]] void solve_system(T* x) {
    const int n = nv();
    for (int k = n - 1; k >= 0; --k) {
      const T inverse = T(1) / at(k, k);
      at(k, k) = inverse;
      const T xk = x[k] * inverse;
      x[k] = xk;
      for (std::uint64_t left = pattern[k]; left != 0; left &= left - 1) {
        const int i = std::countr_zero(left);
        const T s = at(i, k) * inverse;
        x[i] -= at(i, k) * xk;
        T* above = H + static_cast<std::ptrdiff_t>(i) * n;
        const T* row = H + static_cast<std::ptrdiff_t>(k) * n;
        for (std::uint64_t rest = pattern[k]; rest != 0; rest &= rest - 1) {
          const int j = std::countr_zero(rest);
          above[j] -= s * row[j];
        }
      }
    }
    for (int k = 0; k < n; ++k) {
      T s = T(0);
      for (std::uint64_t left = pattern[k]; left != 0; left &= left - 1) {
        const int j = std::countr_zero(left);
        s += at(k, j) * x[j];
      }
      x[k] -= s * at(k, k);
    }
  }

  // ---- the search ----

  // Solves to a natural map of `tolerance` [m/s; of displacements m]; the worlds in which that failed.
  Mask solve(const Mask& asked, const T& tolerance) {
    for (int i = 0; i < count; ++i) to_cone(i);
    evaluate();
    const T bound = tolerance * tolerance;
    T proximal = T(1e-7), limited = T(0), misses = T(0), freezes = T(0), turn = T(0);
    Mask going = asked & !(most <= bound), failed{};
    if (!positions) keep_guess(going & (most < T(kAlmost * kAlmost)));
    for (int n = 0; n < kMostSteps && any(going); ++n) {
      steps += select(going, T(1), T(0));
      const Mask frozen = freezes > T(0);
      newton(proximal, select(frozen, T(0), T(1)));
      keep_start();
      const T before = squares;
      Mask pending = going;
      T full = T(0);
      for (double length = 1; length > 0.1; length *= 0.5) {
        advance(pending, T(length));
        evaluate();
        const Mask better = pending & ((squares < (T(1) - T(0.5 * length)) * before) | frozen);
        if (length == 1) full = select(better, T(1), T(0));
        pending = pending & !better;
        if (!any(pending)) break;
      }
      if (any(pending)) {  // no way down: a shorter, safer step next, around where this one began
        advance(pending, T(0));
        evaluate();
      }
      misses += select(pending, T(1), T(0));
      turn = select(pending, select(turn > T(1), T(0), turn + T(1)), turn);
      freezes = select(pending & (turn == T(0)), T(kFrozen), select(frozen & !pending, freezes - T(1), T(0)));
      const T softer = select(turn == T(2), T(0.1), T(1e-3));
      const Mask slow = (!(squares < T(1e-2) * before)) & (full != T(0));
      limited += select(slow, T(1), T(0));
      const T lower = select(proximal > T(1e-9), T(0.1) * proximal, T(1e-10));
      proximal = select(pending, softer, select(going & slow & (limited > T(1)), lower, proximal));
      proximal = select(going & (proximal > T(1e-7)) & (squares < T(0.1) * before), T(0.01) * proximal, proximal);
      going = going & !(most <= bound);
      const Mask lost = going & (misses > T(kMostMisses));
      failed = failed | lost, going = going & !lost;
    }
    return failed | going;
  }
  [[gnu::noinline]] void newton(const T& proximal, const T& follows) {
    const T per_proximal = T(1) / proximal;
    for (int i = 0; i < count; ++i) linearise(i, proximal, per_proximal, follows);
    for (int k = 0; k < nv(); ++k) linearise_law(laws[k], positions ? dv[k] : du[k], per_proximal);
    pull([](const ContactRow<T>& c) { return c.r; }, [](const LawImpulses<T>& l) { return l.r; }, T(-1), tau);
    assemble();
    solve_system(tau);
    world.twists(tau, U);
    for (int i = 0; i < count; ++i) {
      ContactRow<T>& c = slots[i];
      T y[kMostRows];
      rates(i, y);
      times_D(i, y, c.dp);
      for (int k = 0; k < rows_of(i); ++k) c.dp[k] = -(c.dp[k] + c.r[k]);
    }
    for (int k = 0; k < nv(); ++k) {
      LawImpulses<T>& row = laws[k];
      for (int n = 0; n < 3; ++n) {
        if (row.any[n]) row.dp[n] = -(row.D[n] * (n == 2 ? -tau[k] : tau[k]) + row.r[n]);
      }
    }
  }
  void keep_start() {
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < rows_of(i); ++k) slots[i].start[k] = slots[i].p[k];
    }
    for (int k = 0; k < nv(); ++k) {
      for (int n = 0; n < 3; ++n) {
        if (laws[k].any[n]) laws[k].start[n] = laws[k].p[n];
      }
    }
  }
  // In the worlds of the mask: impulses from where the step began.
  void advance(const Mask& mask, const T& length) {
    for (int i = 0; i < count; ++i) {
      ContactRow<T>& c = slots[i];
      T old[kMostRows];
      const int rows = rows_of(i);
      for (int k = 0; k < rows; ++k) old[k] = c.p[k], c.p[k] = c.start[k] + length * c.dp[k];
      to_cone(i);
      for (int k = 0; k < rows; ++k) c.p[k] = select(mask, c.p[k], old[k]) * touching[i].on;
    }
    for (int k = 0; k < nv(); ++k) {
      LawImpulses<T>& row = laws[k];
      for (int n = 0; n < 3; ++n) {
        if (!row.any[n]) continue;
        T p = row.start[n] + length * row.dp[n];
        p = n == 0 ? kernels::clamped(p, -row.bound, row.bound) : pick(p > T(0), p);
        row.p[n] = select(mask, p, row.p[n]) * row.on[n];
      }
    }
  }
};

}  // namespace geoul::dynamics
