// The Newton system of a small island in its impulses: (I + D G) dp = -r, G = J W^T, by dense LU with row pivots.
#include "geoul/core/clones.h"
#include "geoul/dynamics/contact_solver_newton.h"

namespace geoul::dynamics::rows {

namespace {

constexpr int kMostRows = 64;

// row += s * other, from the eight that hold `first` on; what stands before `first` is not read again.
[[gnu::always_inline]] inline void add_row(double* row, const double* other, double s, int first, int wide) {
  for (int j = first / 8 * 8; j < wide; j += 8) *reinterpret_cast<Eight*>(row + j) += s * eight(other + j);
}

// Solves A x = b (n x n, rows of length `wide`, a multiple of eight); false where a pivot vanishes. Rows are scaled to
// 1 before.
GEOUL_CLONES [[gnu::flatten]] bool eliminate(double* __restrict A, double* __restrict b, int n, int wide) {
  for (int i = 0; i < n; ++i) {
    double most = 0;
    for (int j = 0; j < n; ++j) most = std::max(most, std::abs(A[i * wide + j]));
    if (!(most > 0) || !std::isfinite(most)) return false;
    const double scale = 1 / most;
    for (int j = 0; j < n; ++j) A[i * wide + j] *= scale;
    b[i] *= scale;
  }
  for (int k = 0; k < n; ++k) {
    int pivot = k;
    for (int i = k + 1; i < n; ++i) {
      if (std::abs(A[i * wide + k]) > std::abs(A[pivot * wide + k])) pivot = i;
    }
    if (!(std::abs(A[pivot * wide + k]) > 0)) return false;
    if (pivot != k) {
      std::swap_ranges(A + k * wide + k, A + k * wide + n, A + pivot * wide + k);
      std::swap(b[k], b[pivot]);
    }
    const double inverse = 1 / A[k * wide + k];
    for (int i = k + 1; i < n; ++i) {
      const double s = A[i * wide + k] * inverse;
      if (s == 0) continue;
      add_row(A + i * wide, A + k * wide, -s, k + 1, wide);
      b[i] -= s * b[k];
    }
  }
  for (int k = n - 1; k >= 0; --k) {
    b[k] = (b[k] - dot(A + k * wide + k + 1, b + k + 1, n - k - 1)) / A[k * wide + k];
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

namespace {

// Columns [column, column + R) of G = J W^T, of rows `row` to `row + R` of a block, from their own place down.
template <int R>
[[gnu::always_inline]] inline void columns(const Block& block, int row, const double* panel, int wide, int n,
                                           double* G) {
  const int column = block.row + row;
  for (int first = column / 8 * 8; first < n; first += 8) {
    Eight even[R] = {}, odd[R] = {};
    for (int side = 0; side < 2; ++side) {
      const double* J = panel + block.u[side] * wide + first;
      int i = 0;
      for (; i + 2 <= block.n[side]; i += 2, J += 2 * wide) {
        for (int r = 0; r < R; ++r) {
          even[r] += block.W[row + r][side][i] * eight(J);
          odd[r] += block.W[row + r][side][i + 1] * eight(J + wide);
        }
      }
      if (i < block.n[side]) {
        for (int r = 0; r < R; ++r) even[r] += block.W[row + r][side][i] * eight(J);
      }
    }
    for (int r = 0; r < R; ++r) {
      const Eight sum = even[r] + odd[r];
      for (int k = std::max(0, column + r - first); k < 8 && first + k < n; ++k) {  // symmetric
        G[(column + r) * wide + first + k] = G[(first + k) * wide + column + r] = sum[k];
      }
    }
  }
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] void set_delassus(const Island& island, const Newton& newton) {
  const int n = island.nrow, wide = padded(n);
  std::fill_n(newton.G, n * wide, 0.0);
  std::fill_n(newton.panel, island.nu * wide, 0.0);  // J transposed
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    for (int r = 0; r < block.rows; ++r) {
      for (int side = 0; side < 2; ++side) {
        double* to = newton.panel + block.u[side] * wide + block.row + r;
        for (int k = 0; k < block.n[side]; ++k) to[k * wide] = block.J[r][side][k];
      }
    }
  }
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    for (int r = 0; r < block.rows;) {
      switch (std::min(3, block.rows - r)) {
        case 1: columns<1>(block, r, newton.panel, wide, n, newton.G), r += 1; break;
        case 2: columns<2>(block, r, newton.panel, wide, n, newton.G), r += 2; break;
        default: columns<3>(block, r, newton.panel, wide, n, newton.G), r += 3;
      }
    }
  }
}

GEOUL_CLONES [[gnu::flatten]] void add_dense(const Island& island, const Newton& newton, int i, bool soft) {
  const Block& block = island.blocks[i];
  const int wide = padded(island.nrow);
  for (int r = 0; r < block.rows; ++r) {
    double* row = newton.A + (block.row + r) * wide;
    std::fill_n(row, wide, 0.0);
    for (int k = 0; soft && k < block.rows; ++k) {
      const double D = newton.D[36 * i + r * block.rows + k];
      if (D != 0) add_row(row, newton.G + (block.row + k) * wide, D, 0, wide);
    }
    row[block.row + r] += 1;
    newton.dp[block.row + r] = -newton.r[block.row + r];
  }
}

GEOUL_CLONES [[gnu::flatten]] bool solve_dense(const Island& island, const Newton& newton, double* dy) {
  const int n = island.nrow, wide = padded(n);
  if (!eliminate(newton.A, newton.dp, n, wide)) return false;
  for (int r = 0; r < n; ++r) dy[r] = dot(newton.G + r * wide, newton.dp, n);
  return true;
}

}  // namespace geoul::dynamics::rows
