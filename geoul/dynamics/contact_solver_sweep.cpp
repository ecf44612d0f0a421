// Packing of an island, evaluation of its residual, and Gauss-Seidel sweeps over its blocks.
#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics::rows {

namespace {

// Ranges of the world's velocities that the rows touch, merged where they overlap: the nodes. marks[v] is the index
// of the range that starts at v while this runs, afterwards the node's.
void find_nodes(const RowProblem& problem, std::span<int> marks, int* starts, Island& island) {
  int n = 0;
  for (const RowBlock& block : problem.blocks) {
    for (const RowPart& part : problem.rows[static_cast<std::size_t>(block.row)].part) {
      if (part.n == 0) continue;
      int& mark = marks[static_cast<std::size_t>(part.v)];
      if (mark < 0) mark = part.n, starts[n++] = part.v;
      mark = std::max(mark, part.n);
    }
  }
  std::sort(starts, starts + n);
  island.nnode = island.nu = 0;
  int end = -1;
  for (int i = 0; i < n; ++i) {
    int& mark = marks[static_cast<std::size_t>(starts[i])];
    const int stop = starts[i] + mark;
    if (starts[i] >= end) {
      island.node_v[island.nnode] = starts[i];
      island.node_u[island.nnode++] = island.nu;
      end = starts[i];
    }
    if (stop > end) island.nu += stop - end, end = stop;
    mark = island.nnode - 1;
  }
  island.node_u[island.nnode] = island.nu;
}

void fill_block(const RowProblem& problem, const RowBlock& from, const Island& island, std::span<const int> marks,
                Block& block) {
  block.law = from.law, block.row = from.row, block.rows = from.rows;
  block.lower = from.lower, block.upper = from.upper;
  const Row* rows = problem.rows.data() + from.row;
  const int first = rows[0].part[0].n >= rows[0].part[1].n ? 0 : 1;
  for (int side = 0; side < 2; ++side) {
    const RowPart& part = rows[0].part[side ^ first];
    block.n[side] = part.n, block.node[side] = -1, block.u[side] = 0;
    if (part.n == 0) continue;
    block.node[side] = marks[static_cast<std::size_t>(part.v)];
    block.u[side] = island.node_u[block.node[side]] + part.v - island.node_v[block.node[side]];
    for (int k = 0; k < from.rows; ++k) {
      const std::size_t at = rows[k].part[side ^ first].at;
      block.J[k][side] = problem.J.data() + at;
      block.W[k][side] = problem.W.data() + at;
    }
  }
  block.disks = 0;
  block.friction = from.friction;
  if (from.law != RowLaw::kContact) return;
  const double friction = std::max(from.static_friction, from.friction);
  if (from.rows >= 3) block.disk[block.disks++] = {1, 2, friction, 0};
  if (from.rows >= 4) block.disk[block.disks++] = {3, 1, from.torsion, 0};
  if (from.rows >= 6) block.disk[block.disks++] = {4, 2, from.rolling, 0};
}

}  // namespace

void pack(RowProblem& problem, std::span<const double> v, RowWork& work, Island& island) {
  island.nblock = static_cast<int>(problem.blocks.size());
  island.nrow = static_cast<int>(problem.rows.size());
  island.target = problem.target.data(), island.R = problem.compliance.data();
  if (work.marks.size() < v.size()) work.marks.resize(v.size(), -1);
  int parts = 0, most = 0;
  for (const RowBlock& block : problem.blocks) {
    for (const RowPart& part : problem.rows[static_cast<std::size_t>(block.row)].part) {
      parts += part.n > 0, most += part.n;
    }
  }
  most = std::min(most, static_cast<int>(v.size()));
  parts = std::min(parts, most);
  int* starts = nullptr;
  for (Arena arena;;) {
    island.blocks = arena.take<Block>(island.nblock);
    island.u_free = arena.take<double>(most), island.u = arena.take<double>(most);
    island.p = arena.take<double>(island.nrow), island.w = arena.take<double>(island.nrow);
    island.best = arena.take<double>(island.nrow), island.start = arena.take<double>(island.nrow);
    island.node_u = arena.take<int>(parts + 1), island.node_v = arena.take<int>(parts);
    starts = arena.take<int>(parts);
    if (arena.base) break;
    if (work.memory.size() < arena.used + 64) work.memory.resize(arena.used + 64);
    arena.base = work.memory.data(), arena.used = 0;
  }
  find_nodes(problem, work.marks, starts, island);
  for (int i = 0; i < island.nblock; ++i) {
    fill_block(problem, problem.blocks[static_cast<std::size_t>(i)], island, work.marks,
               *new (island.blocks + i) Block);
  }
  for (int i = 0; i < island.nnode; ++i) {
    std::copy_n(v.data() + island.node_v[i], island.node_u[i + 1] - island.node_u[i], island.u_free + island.node_u[i]);
  }
  for (const RowBlock& block : problem.blocks) {
    for (const RowPart& part : problem.rows[static_cast<std::size_t>(block.row)].part) {
      if (part.n > 0) work.marks[static_cast<std::size_t>(part.v)] = -1;
    }
  }
  std::copy_n(problem.impulse.data(), island.nrow, island.p);
}

namespace {

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

void prepare(const Island& island) {
  for (int i = 0; i < island.nblock; ++i) {
    Block& block = island.blocks[i];
    const int m = block.rows;
    double most = 0;
    for (int r = 0; r < m; ++r) {
      for (int c = 0; c < m; ++c) {
        double s = r == c ? island.R[block.row + r] : 0;
        for (int side = 0; side < 2; ++side) {
          if (block.n[side] > 0) s += dot(block.J[r][side], block.W[c][side], block.n[side]);
        }
        block.A[r * m + c] = s;
      }
      most = std::max(most, block.A[r * m + r]);
    }
    block.scale = block.A[0];
    block.eps = 1e-11 * most;
    for (int k = 0; k < block.disks; ++k) {
      Disk& disk = block.disk[k];
      const double sum = block.A[disk.first * (m + 1)] + (disk.n == 2 ? block.A[(disk.first + 1) * (m + 1)] : 0);
      disk.scale = sum > 0 ? sum / disk.n : block.scale;
    }
    if (block.law == RowLaw::kContact && block.scale > 0) invert(block);
  }
}

Residual evaluate(const Island& island) {
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

double sweep(const Island& island, bool backwards, double relaxation) {
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

}  // namespace geoul::dynamics::rows
