// Inside of the row solver: one island with its velocities packed together, and the pieces the methods share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "geoul/dynamics/contact_solver.h"

namespace geoul::dynamics::rows {

// A disk of a contact: rows [first, first + n), n = 1 or 2, |p| <= coefficient p_n.
struct Disk {
  int first = 0, n = 0;
  double coefficient = 0;
  double scale = 0;  // of the natural map: mean diagonal of J W^T + R
};

struct Block {
  RowLaw law = RowLaw::kContact;
  int row = 0, rows = 0;
  int disks = 0;
  int u[2] = {0, 0}, n[2] = {0, 0};  // the parts' velocities, packed; n[0] >= n[1]
  int node[2] = {-1, -1};
  const double *J[6][2] = {}, *W[6][2] = {};
  double scale = 0;  // as of a disk, of the first row
  Disk disk[3];
  double lower = 0, upper = 0;
  double friction = 0;   // where it slips
  double A[36] = {};     // J W^T + R of the block, row by row (rows x rows)
  double stick[9] = {};  // contact: inverse of the regularised upper 3 x 3 of A
  double eps = 0;        // what regularised it, on its diagonal
};

// Blocks, rows and velocities of an island, numbered from 0. All pointers are into RowWork.
struct Island {
  int nblock = 0, nrow = 0, nu = 0, nnode = 0;
  Block* blocks = nullptr;
  double *target = nullptr, *R = nullptr;    // (nrow)
  double *u_free = nullptr, *u = nullptr;    // (nu)
  double *p = nullptr, *w = nullptr;         // (nrow)
  double *best = nullptr, *start = nullptr;  // (nrow) kept impulses
  double* direction = nullptr;               // (nrow) of conjugate sweeps
  int* node_u = nullptr;                     // (nnode + 1) first packed velocity of a node
  int* node_v = nullptr;                     // (nnode) its place in the world
  int* origin = nullptr;                     // (nblock) the problem's block
};

// Takes arrays from memory that others own; with base null it only counts.
struct Arena {
  std::byte* base = nullptr;
  std::size_t used = 0;

  template <class T, class N>
  T* take(N n) {
    T* place = base ? reinterpret_cast<T*>(base + used) : nullptr;
    used += (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64;
    return place;
  }
};

// Sums in parts of eight, in an order that the code fixes: the same bits on every machine.
using Two [[gnu::vector_size(16), gnu::aligned(8), gnu::may_alias]] = double;
using Four [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;
using Eight [[gnu::vector_size(64), gnu::aligned(8), gnu::may_alias]] = double;
inline const Two& two(const double* a) { return *reinterpret_cast<const Two*>(a); }
inline const Four& four(const double* a) { return *reinterpret_cast<const Four*>(a); }
inline const Eight& eight(const double* a) { return *reinterpret_cast<const Eight*>(a); }

[[gnu::always_inline]] inline double dot(const double* a, const double* b, int n) {
  if (n == 6) {
    const Two s = two(a) * two(b) + two(a + 2) * two(b + 2) + two(a + 4) * two(b + 4);
    return s[0] + s[1];
  }
  int i = 0;
  double sum = 0;
  if (n >= 8) {
    Eight s = eight(a) * eight(b);
    for (i = 8; i + 8 <= n; i += 8) s += eight(a + i) * eight(b + i);
    const Four f = __builtin_shufflevector(s, s, 0, 1, 2, 3) + __builtin_shufflevector(s, s, 4, 5, 6, 7);
    const Two t = __builtin_shufflevector(f, f, 0, 1) + __builtin_shufflevector(f, f, 2, 3);
    sum = t[0] + t[1];
  }
  if (i + 4 <= n) {
    const Four f = four(a + i) * four(b + i);
    sum += (f[0] + f[1]) + (f[2] + f[3]);
    i += 4;
  }
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

inline void add_scaled(double* __restrict y, const double* __restrict x, double s, int n) {
  for (int i = 0; i < n; ++i) y[i] += s * x[i];
}

// w = J u - target + R p of one block.
inline void slip(const Island& island, const Block& block, double* w) {
  for (int k = 0; k < block.rows; ++k) {
    const int r = block.row + k;
    double s = island.R[r] * island.p[r] - island.target[r];
    if (block.n[0] > 0) s += dot(block.J[k][0], island.u + block.u[0], block.n[0]);
    if (block.n[1] > 0) s += dot(block.J[k][1], island.u + block.u[1], block.n[1]);
    w[k] = s;
  }
}

// u += W^T dp of one block.
inline void push(const Island& island, const Block& block, const double* dp) {
  for (int side = 0; side < 2; ++side) {
    double* __restrict u = island.u + block.u[side];
    const int n = block.n[side];
    if (n == 6 && block.rows == 3) {
      const double *a = block.W[0][side], *b = block.W[1][side], *c = block.W[2][side];
      for (int i = 0; i < 6; ++i) u[i] += a[i] * dp[0] + b[i] * dp[1] + c[i] * dp[2];
    } else {
      for (int k = 0; k < block.rows; ++k) add_scaled(u, block.W[k][side], dp[k], n);
    }
  }
}

// The islands of a problem, in `work`.
std::span<Island> pack(const RowProblem& problem, std::span<const double> v, RowWork& work);
// Impulses and velocities of an island back to the problem and the world.
void unpack(const Island& island, RowProblem& problem, std::span<double> v);
void set_scales(const Island& island);      // needed by all below
void prepare_sweeps(const Island& island);  // A and stick of every block

// Moves p of a block into its cone.
void to_cone(const Block& block, double* p);
// Natural map of a block, scaled to velocities: its largest norm over the normal row and the disks [m/s].
double natural_map(const Block& block, const double* p, const double* w);

// Natural map of all blocks [m/s]: the largest and the sum of squares; NaN where a number is not finite.
struct Residual {
  double most = 0, squares = 0;
};
// u and w from p.
Residual evaluate(const Island& island);
// One Gauss-Seidel sweep with exact solves of each contact, in the order of the blocks (or backwards). Returns the
// largest change of an impulse, as a velocity [m/s].
double sweep(const Island& island, bool backwards, double relaxation);
// One sweep of a nonlinear conjugate gradient method, whose gradient is what a sweep changes: `last` is what the one
// before returned (the gradient's square), 0 to begin anew. Source: Silcowitz, Niebe, Erleben, "A nonsmooth nonlinear
// conjugate gradient method for interactive contact force problems", The Visual Computer 26 (2010).
double conjugate_sweep(const Island& island, double last);

// The impulses p of one block that fulfil its law while all others stand; w: the slip at the present p.
// The upper 3 rows of a contact are solved together, then its torsion, then its rolling.
void solve_block(const Block& block, double* w, double* p);

}  // namespace geoul::dynamics::rows
