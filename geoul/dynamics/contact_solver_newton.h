// Newton steps of the row solver: every law linearised where it stands (open, sticking, slipping), the impulses
// eliminated, and one sparse system in the velocities solved.
#pragma once

#include "geoul/dynamics/contact_solver_island.h"
#include "geoul/dynamics/contact_solver_sparse.h"

namespace geoul::dynamics::rows {

struct Newton {
  bool dense = false;
  double *G = nullptr, *A = nullptr;  // (nrow x padded(nrow)) of a dense one
  double* panel = nullptr;            // (nu x padded(nrow))
  Sparse sparse;
  double* D = nullptr;                                                  // (nblock x 36) dp = -D J du - r
  double *r = nullptr, *dp = nullptr;                                   // (nrow)
  double* du = nullptr;                                                 // (nu)
  double *q = nullptr, *centre = nullptr, *y = nullptr, *dy = nullptr;  // (nrow) of the convex steps
};

constexpr int padded(int n) { return (n + 7) / 8 * 8; }

// Of a small island: G = J W^T once, then its system in the impulses instead of the velocities.
bool prefers_dense(const Island& island);
void set_delassus(const Island& island, const Newton& newton);
void add_dense(const Island& island, const Newton& newton, int i, bool soft);
bool solve_dense(const Island& island, const Newton& newton, double* dy);

// The system (I + W^T D J) du = -W^T r: start, add every block (soft: D is not zero), solve; then dp and dy = J du.
void start_matrix(const Island& island, const Newton& newton);
void add_block(const Island& island, const Newton& newton, int i, bool soft);
bool solve_matrix(const Island& island, const Newton& newton, double* dy);

// dp (newton.dp) of one Newton step from island.p and island.w. `proximal`: compliance added to every row, relative
// to its scale; it acts on the step only, so that the solution stays exact. False where the matrix is singular.
bool newton_step(const Island& island, const Newton& newton, double proximal);

// The inner problem of the proximal point method around island.p: every row gets the compliance `proximal`, relative to
// its scale, for what its impulse departs from island.p.
//   kExact   the law itself; line search on the distance to a solution
//   kConvex  with w_n + friction |w_t| in place of w_n (De Saxce's shift), |w_t| as it is in island.w: a convex problem
//            of the cone; line search on its potential, which always descends
// Newton steps until one changes no row by more than `tolerance` [m/s]. In: island.p and w; out: p. Returns the steps
// made, negative where they ended before that. Uses island.u.
enum class Law { kExact, kConvex };
int inner_steps(const Island& island, const Newton& newton, double proximal, double tolerance, int most_steps, Law law);

}  // namespace geoul::dynamics::rows
