// The Newton system of a small island in its impulses: (I + D G) dp = -r, G = J W^T, by dense LU with row pivots.
#include "geoul/core/clones.h"
#include "geoul/dynamics/contact_solver_newton.h"

namespace geoul::dynamics::rows {

namespace {

constexpr int kMostRows = 64;

// Solves A x = b (n x n, rows of length n); false where a pivot vanishes. Rows are scaled to 1 before.
GEOUL_CLONES bool eliminate(double* __restrict A, double* __restrict b, int n) {
  for (int i = 0; i < n; ++i) {
    double most = 0;
    for (int j = 0; j < n; ++j) most = std::max(most, std::abs(A[i * n + j]));
    if (!(most > 0) || !std::isfinite(most)) return false;
    const double scale = 1 / most;
    for (int j = 0; j < n; ++j) A[i * n + j] *= scale;
    b[i] *= scale;
  }
  for (int k = 0; k < n; ++k) {
    int pivot = k;
    for (int i = k + 1; i < n; ++i) {
      if (std::abs(A[i * n + k]) > std::abs(A[pivot * n + k])) pivot = i;
    }
    if (!(std::abs(A[pivot * n + k]) > 0)) return false;
    if (pivot != k) {
      std::swap_ranges(A + k * n + k, A + (k + 1) * n, A + pivot * n + k);
      std::swap(b[k], b[pivot]);
    }
    const double inverse = 1 / A[k * n + k];
    for (int i = k + 1; i < n; ++i) {
      const double s = A[i * n + k] * inverse;
      if (s == 0) continue;
      for (int j = k + 1; j < n; ++j) A[i * n + j] -= s * A[k * n + j];
      b[i] -= s * b[k];
    }
  }
  for (int k = n - 1; k >= 0; --k) {
    b[k] = (b[k] - dot(A + k * n + k + 1, b + k + 1, n - k - 1)) / A[k * n + k];
  }
  return true;
}

}  // namespace

bool prefers_dense(const Island& island) {
  if (island.nrow > kMostRows || island.nu > 4 * kMostRows) return false;
  double primal = 0;  // about the multiplications of the two ways
  for (int k = 0; k < island.nnode; ++k) {
    const double n = island.node_u[k + 1] - island.node_u[k];
    primal += n * n * (3.0 * n + 4.0 * island.nrow / island.nnode);
  }
  const double m = island.nrow;
  return m * m * (m / 3 + 6) < primal;
}

GEOUL_CLONES [[gnu::flatten]] void set_delassus(const Island& island, const Newton& newton) {
  const int n = island.nrow;
  std::fill_n(newton.du, island.nu, 0.0);
  for (int i = 0; i < island.nblock; ++i) {
    const Block& from = island.blocks[i];
    for (int c = 0; c < from.rows; ++c) {
      for (int side = 0; side < 2; ++side) add_scaled(newton.du + from.u[side], from.W[c][side], 1, from.n[side]);
      for (int k = i; k < island.nblock; ++k) {  // symmetric
        const Block& block = island.blocks[k];
        for (int r = 0; r < block.rows; ++r) {
          double s = 0;
          for (int side = 0; side < 2; ++side) s += dot(block.J[r][side], newton.du + block.u[side], block.n[side]);
          newton.G[(block.row + r) * n + from.row + c] = newton.G[(from.row + c) * n + block.row + r] = s;
        }
      }
      for (int side = 0; side < 2; ++side) std::fill_n(newton.du + from.u[side], from.n[side], 0.0);
    }
  }
}

GEOUL_CLONES [[gnu::flatten]] void add_dense(const Island& island, const Newton& newton, int i, bool soft) {
  const Block& block = island.blocks[i];
  const int n = island.nrow;
  for (int r = 0; r < block.rows; ++r) {
    double* row = newton.A + (block.row + r) * n;
    std::fill_n(row, n, 0.0);
    for (int k = 0; soft && k < block.rows; ++k) {
      const double D = newton.D[36 * i + r * block.rows + k];
      if (D != 0) add_scaled(row, newton.G + (block.row + k) * n, D, n);
    }
    row[block.row + r] += 1;
    newton.dp[block.row + r] = -newton.r[block.row + r];
  }
}

GEOUL_CLONES [[gnu::flatten]] bool solve_dense(const Island& island, const Newton& newton, double* dy) {
  const int n = island.nrow;
  if (!eliminate(newton.A, newton.dp, n)) return false;
  for (int r = 0; r < n; ++r) dy[r] = dot(newton.G + r * n, newton.dp, n);
  return true;
}

}  // namespace geoul::dynamics::rows
