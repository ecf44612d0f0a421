// Unilateral and bounded rows of one island, solved together: contacts with true Coulomb cones, limits, dry friction.
// The solver knows rows only, not bodies. It finds impulses p (nrow) with
//   v = v_free + W^T p        end velocity (nv), W = M^-1 J^T stored row by row
//   w = J v - target + R p    slip of every row [m/s, rad/s]
// such that every block keeps its law:
//   kContact    rows (normal, tangent x, tangent y [, about the normal [, about x, about y]]):
//               0 <= p_n  _|_  w_n >= 0; |p_t| <= friction p_n, and where w_t != 0, p_t = -friction p_n w_t / |w_t|
//               (Coulomb, true cone, maximum dissipation, no gliding: w_n takes no part in the tangent law); the same
//               law for the moment about the normal with `torsion` [m] and for the pair of rolling moments with
//               `rolling` [m]. static friction where it sticks, `friction` where it slips.
//   kUnilateral 0 <= p _|_ w >= 0
//   kBounded    lower <= p <= upper; w < 0 only at upper, w > 0 only at lower
// Static friction: all contacts are first solved with static_friction (at least `friction`); those that then slip keep
// `friction` for the rest of the call, and the island is solved again, until no more start to slip.
// Method, sources and measurements: docs/notes/contact.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "geoul/core/aligned.h"

namespace geoul::dynamics {

enum class RowLaw : std::int8_t { kContact, kUnilateral, kBounded };

struct RowBlock {
  RowLaw law = RowLaw::kContact;
  int row = 0;   // first
  int rows = 3;  // contact: 3, 4 (with torsion) or 6 (with rolling); else 1
  double static_friction = 0, friction = 0, torsion = 0, rolling = 0;
  double lower = 0, upper = 0;  // impulse bounds of kBounded [N.s, N.m.s]; may be infinite
};

// How well one block's law is kept.
struct BlockReport {
  double cone = 0;             // |p_t| - friction p_n, or -p_n; 0 where inside [N.s]
  double complementarity = 0;  // |p_n w_n| [J]
  int iterations = 0;          // of its island
  bool converged = true;       // its island
  double share = 0;            // of the guess in a good one for a next problem that differs by its velocities only
};

// A row's coefficients over velocities [v, v + n): J at `at`, W at the same place.
struct RowPart {
  int v = 0, n = 0;
  std::size_t at = 0;
};
struct Row {
  RowPart part[2];  // either may be empty (n = 0). Parts of one row do not overlap
};

// All parts of the rows of one block are the same velocities. Rows of one block stand together.
struct RowProblem {
  std::vector<RowBlock> blocks;
  std::vector<Row> rows;
  AlignedVector<double> J, W;       // by RowPart::at; rows that begin at multiples of 8 are read fastest
  std::vector<double> target;       // (nrow) [m/s, rad/s]
  std::vector<double> compliance;   // R (nrow), >= 0 [(m/s)/(N.s)]
  std::vector<double> impulse;      // (nrow) in: guess; out: solution [N.s, N.m.s]
  std::vector<double> slip;         // (nrow) out: w
  std::vector<BlockReport> judged;  // (nblock) out
};

struct RowOptions {
  double tolerance = 1e-10;  // largest residual, over the natural map: velocity [m/s] (impulses scaled by diag(J W^T))
  int max_iterations = 200;
};

struct RowReport {
  bool converged = true;
  int iterations = 0;          // sweeps and Newton steps
  double residual = 0;         // of the natural map at the end [m/s]
  double cone = 0;             // largest |p_t| - friction p_n, or -p_n [N.s]
  double complementarity = 0;  // largest |p . w| over laws that ask for 0 [J]
};

// Memory of the solver: grows to what was needed, then nothing is allocated.
struct RowWork {
  AlignedVector<std::byte> memory, pattern, steps;
  AlignedVector<double> values;
  std::vector<int> marks;  // (nv), all -1 between calls
};

// BlockReport::share. Where the guess is nearly right, its slips w0 are those of its own error and those that the
// targets alone ask for (a velocity that is to be stopped, a gap to be closed), which the next problem will not ask for
// again: share = -(target . w0) / (w0 . w0). From (1 - share) solution + share guess what stands comes to rest for
// good; else every second solve would mend the one before. 0 where the guess is far off, or was the solution.
//
// v (nv of the world): in v_free, out v. Deterministic; single thread. Never throws; where there is no solution (or
// none was found) the best found is returned, within all cones, and converged is false. Numbers that are not finite
// in the problem give p = 0, v = v_free and converged false.
RowReport solve_rows(const RowOptions& options, RowProblem& problem, std::span<double> v, RowWork& work);

}  // namespace geoul::dynamics
