// Scales of an island's blocks, its residual, and Gauss-Seidel sweeps over it.
#include "geoul/core/clones.h"
#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics::rows {

namespace {

// Entry of J W^T + R of a block.
double delassus(const Island& island, const Block& block, int r, int c) {
  double s = r == c ? island.R[block.row + r] : 0;
  for (int side = 0; side < 2; ++side) {
    if (block.n[side] > 0) s += dot(block.J[r][side], block.W[c][side], block.n[side]);
  }
  return s;
}

// Inverse of the upper 3 x 3 of A + eps.
void invert(Block& block) {
  const int m = block.rows;
  double a[9];
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) a[3 * i + k] = block.A[m * i + k] + (i == k ? block.eps : 0);
  }
  double* b = block.stick;
  b[0] = a[4] * a[8] - a[5] * a[7], b[1] = a[2] * a[7] - a[1] * a[8], b[2] = a[1] * a[5] - a[2] * a[4];
  b[3] = a[5] * a[6] - a[3] * a[8], b[4] = a[0] * a[8] - a[2] * a[6], b[5] = a[2] * a[3] - a[0] * a[5];
  b[6] = a[3] * a[7] - a[4] * a[6], b[7] = a[1] * a[6] - a[0] * a[7], b[8] = a[0] * a[4] - a[1] * a[3];
  const double inverse = 1 / (a[0] * b[0] + a[1] * b[3] + a[2] * b[6]);
  for (int i = 0; i < 9; ++i) b[i] *= inverse;
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] void set_scales(const Island& island) {
  for (int i = 0; i < island.nblock; ++i) {
    Block& block = island.blocks[i];
    double diagonal[6], most = 0;
    for (int r = 0; r < block.rows; ++r) {
      diagonal[r] = delassus(island, block, r, r);
      most = std::max(most, diagonal[r]);
    }
    block.scale = diagonal[0];
    block.eps = 1e-11 * most;
    for (int k = 0; k < block.disks; ++k) {
      Disk& disk = block.disk[k];
      const double sum = diagonal[disk.first] + (disk.n == 2 ? diagonal[disk.first + 1] : 0);
      disk.scale = sum > 0 ? sum / disk.n : block.scale;
    }
  }
}

GEOUL_CLONES [[gnu::flatten]] void prepare_sweeps(const Island& island) {
  for (int i = 0; i < island.nblock; ++i) {
    Block& block = island.blocks[i];
    const int m = block.rows;
    for (int r = 0; r < m; ++r) {
      for (int c = 0; c < m; ++c) block.A[r * m + c] = delassus(island, block, r, c);
    }
    if (block.law == RowLaw::kContact && block.scale > 0) invert(block);
  }
}

GEOUL_CLONES [[gnu::flatten]] Residual evaluate(const Island& island) {
  std::copy_n(island.u_free, island.nu, island.u);
  for (int i = 0; i < island.nblock; ++i) push(island, island.blocks[i], island.p + island.blocks[i].row);
  Residual sum;
  double poison = 0;
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    double* w = island.w + block.row;
    slip(island, block, w);
    for (int k = 0; k < block.rows; ++k) poison += w[k] * 0;
    const double worst = natural_map(block, island.p + block.row, w);
    sum.most = std::max(sum.most, worst), sum.squares += worst * worst;
  }
  return {sum.most + poison, sum.squares + poison};
}

GEOUL_CLONES [[gnu::flatten]] double sweep(const Island& island, bool backwards, double relaxation) {
  double change = 0;
  for (int k = 0; k < island.nblock; ++k) {
    const Block& block = island.blocks[backwards ? island.nblock - 1 - k : k];
    double* p = island.p + block.row;
    double w[6], old[6];
    slip(island, block, w);
    for (int r = 0; r < block.rows; ++r) old[r] = p[r];
    solve_block(block, w, p);
    double most = 0;
    for (int r = 0; r < block.rows; ++r) {
      if (relaxation != 1) p[r] = old[r] + relaxation * (p[r] - old[r]);
      old[r] = p[r] - old[r];
      most = std::max(most, std::abs(old[r]) * block.A[r * (block.rows + 1)]);
    }
    if (most > 0) push(island, block, old);
    change = std::max(change, most);
  }
  return change;
}

GEOUL_CLONES [[gnu::flatten]] double conjugate_sweep(const Island& island, double last) {
  double* old = island.start;
  std::copy_n(island.p, island.nrow, old);
  sweep(island, false, 1);
  double square = 0;
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    for (int k = 0; k < block.rows; ++k) {
      const double g = island.p[block.row + k] - old[block.row + k];
      square += g * g * block.A[k * (block.rows + 1)];
    }
  }
  if (!(last > 0) || square > last) {
    for (int r = 0; r < island.nrow; ++r) island.direction[r] = island.p[r] - old[r];
    return square;
  }
  const double beta = square / last;
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    double *p = island.p + block.row, *d = island.direction + block.row, before[6];
    for (int k = 0; k < block.rows; ++k) {
      const double g = p[k] - old[block.row + k];
      before[k] = p[k], p[k] += beta * d[k];
      d[k] = beta * d[k] + g;
    }
    to_cone(block, p);
    for (int k = 0; k < block.rows; ++k) before[k] = p[k] - before[k];
    push(island, block, before);
  }
  return square;
}

}  // namespace geoul::dynamics::rows
