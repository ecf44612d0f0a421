// Sources: Alart, Curnier, "A mixed formulation for frictional contact problems prone to Newton like solution
// methods", CMAME 92 (1991); Hueeber, Stadler, Wohlmuth, SISC 30 (2008), for the slip law; Parikh, Boyd, "Proximal
// algorithms" (2014), 4.1, for redundant rows.
#include "geoul/dynamics/contact_solver_newton.h"
#include "geoul/core/clones.h"

namespace geoul::dynamics::rows {

namespace {

// One disk of a closed contact: rows of D and r. c: compliance of the step.
void linearise_disk(const Island& island, const Block& block, const Disk& disk, double proximal, double* D, double* r) {
  const int m = block.rows, f = disk.first;
  const double *p = island.p + block.row, *w = island.w + block.row, *R = island.R + block.row;
  const double g = disk.scale, radius = disk.coefficient * p[0];
  double a[2] = {}, l = 0, softness = 0;
  for (int k = 0; k < disk.n; ++k) {
    a[k] = p[f + k] - w[f + k] / g;
    l += a[k] * a[k];
    softness += R[f + k] / disk.n;
  }
  l = std::sqrt(l);
  if (l < radius) {
    for (int k = f; k < f + disk.n; ++k) {
      D[k * m + k] = 1 / (R[k] + proximal * g);
      r[k] = w[k] * D[k * m + k];
    }
    return;
  }
  const double e[2] = {l > 0 ? a[0] / l : 0, l > 0 ? a[1] / l : 0};
  double along = disk.coefficient * p[0];  // what is missing along e
  for (int k = 0; k < disk.n; ++k) along -= e[k] * p[f + k];
  for (int k = 0; k < disk.n; ++k) {
    D[(f + k) * m] = disk.coefficient * e[k] * D[0];
    r[f + k] = e[k] * (disk.coefficient * r[0] - along);
  }
  if (disk.n == 1) return;
  const double beta = l > 0 ? radius / l : 0;
  const double inverse = 1 / (1 - beta + beta * (softness / g + proximal));
  const double across = -e[1] * p[f] + e[0] * p[f + 1], slope = beta / g * inverse;
  D[f * m + f] += slope * e[1] * e[1], D[f * m + f + 1] -= slope * e[0] * e[1];
  D[(f + 1) * m + f] -= slope * e[0] * e[1], D[(f + 1) * m + f + 1] += slope * e[0] * e[0];
  r[f] -= e[1] * across * inverse, r[f + 1] += e[0] * across * inverse;
}

// False: D is zero.
bool linearise(const Island& island, const Block& block, double proximal, double* D, double* r) {
  const double *p = island.p + block.row, *w = island.w + block.row;
  const int m = block.rows;
  std::fill_n(D, m * m, 0.0);
  std::copy_n(p, m, r);
  const double g = block.scale;
  if (g <= 0) return false;
  const double a = p[0] - w[0] / g;
  const bool bounded = block.law == RowLaw::kBounded;
  if (bounded ? a <= block.lower || a >= block.upper : a <= 0) {
    if (bounded) r[0] = p[0] - std::clamp(a, block.lower, block.upper);
    return false;
  }
  D[0] = 1 / (island.R[block.row] + proximal * g);
  r[0] = w[0] * D[0];
  for (int k = 0; k < block.disks; ++k) linearise_disk(island, block, block.disk[k], proximal, D, r);
  return true;
}

// out (n x m) += W_side^T (D J of the other side), DJ (rows x m).
void add_product(const Block& block, int side, const double* __restrict DJ, int m, double* __restrict out, int stride) {
  for (int i = 0; i < block.n[side]; ++i) {
    double* __restrict row = out + i * stride;
    for (int k = 0; k < block.rows; ++k) {
      const double s = block.W[k][side][i];
      for (int j = 0; j < m; ++j) row[j] += s * DJ[k * m + j];
    }
  }
}

void assemble(const Island& island, const Sparse& sparse, const Block& block, const double* D) {
  double DJ[6 * kMostSize];
  for (int b = 0; b < 2; ++b) {
    const int m = block.n[b];
    if (m == 0) continue;
    for (int i = 0; i < block.rows; ++i) {
      for (int j = 0; j < m; ++j) DJ[i * m + j] = 0;
      for (int k = 0; k < block.rows; ++k) add_scaled(DJ + i * m, block.J[k][b], D[i * block.rows + k], m);
    }
    for (int a = 0; a < 2; ++a) {
      if (block.n[a] == 0) continue;
      const int width = island.node_u[block.node[b] + 1] - island.node_u[block.node[b]];
      double* place = block_at(sparse, block.node[a], block.node[b]);
      place += (block.u[a] - island.node_u[block.node[a]]) * width + block.u[b] - island.node_u[block.node[b]];
      add_product(block, a, DJ, m, place, width);
    }
  }
}

}  // namespace

void start_matrix(const Island& island, const Newton& newton) {
  if (newton.dense) return;
  const Sparse& sparse = newton.sparse;
  std::fill_n(sparse.values, sparse.nvalue, 0.0);
  std::fill_n(newton.du, island.nu, 0.0);
  for (int k = 0; k < island.nnode; ++k) {
    double* D = block_at(sparse, k, k);
    for (int i = 0, n = island.node_u[k + 1] - island.node_u[k]; i < n; ++i) D[i * (n + 1)] = 1;
  }
}

GEOUL_CLONES [[gnu::flatten]] void add_block(const Island& island, const Newton& newton, int i, bool soft) {
  if (newton.dense) return add_dense(island, newton, i, soft);
  const Block& block = island.blocks[i];
  if (soft) assemble(island, newton.sparse, block, newton.D + 36 * i);
  for (int side = 0; side < 2; ++side) {
    for (int k = 0; k < block.rows; ++k) {
      add_scaled(newton.du + block.u[side], block.W[k][side], -newton.r[block.row + k], block.n[side]);
    }
  }
}

GEOUL_CLONES [[gnu::flatten]] bool solve_matrix(const Island& island, const Newton& newton, double* dy) {
  if (newton.dense) return solve_dense(island, newton, dy);
  if (!factor(newton.sparse)) return false;
  solve(newton.sparse, newton.du);
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    const double* D = newton.D + 36 * i;
    double* y = dy + block.row;
    for (int k = 0; k < block.rows; ++k) {
      y[k] = 0;
      for (int side = 0; side < 2; ++side) y[k] += dot(block.J[k][side], newton.du + block.u[side], block.n[side]);
    }
    for (int k = 0; k < block.rows; ++k) {
      double s = newton.r[block.row + k];
      for (int j = 0; j < block.rows; ++j) s += D[k * block.rows + j] * y[j];
      newton.dp[block.row + k] = -s;
    }
  }
  return true;
}

GEOUL_CLONES [[gnu::flatten]] bool newton_step(const Island& island, const Newton& newton, double proximal) {
  start_matrix(island, newton);
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    add_block(island, newton, i, linearise(island, block, proximal, newton.D + 36 * i, newton.r + block.row));
  }
  return solve_matrix(island, newton, newton.dy);
}

}  // namespace geoul::dynamics::rows
