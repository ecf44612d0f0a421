// Packing of a problem: its islands (blocks that share no velocity with others) one behind the other, so that each is
// solved alone, to its own end.
#include <numeric>

#include "geoul/core/clones.h"
#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics::rows {

namespace {

// Working arrays of the packing. nodes: ranges of the world's velocities that the rows touch, merged where they
// overlap.
struct Packing {
  int nnode = 0, nisland = 0, most_nodes = 0;
  int *starts = nullptr, *sizes = nullptr;  // (nnode) of the node in the world
  int* root = nullptr;                      // (nnode) union-find
  int* island_of_node = nullptr;            // (nnode)
  int* place = nullptr;                     // (nnode) number of the node in its island
  int* u = nullptr;                         // (nnode) first velocity in its island
  int* island_of_block = nullptr;           // (nblock)
};

template <class F>
void each_part(const RowProblem& problem, const F& f) {
  for (const RowBlock& block : problem.blocks) {
    for (const RowPart& part : problem.rows[static_cast<std::size_t>(block.row)].part) {
      if (part.n > 0) f(part);
    }
  }
}

// Leaves in marks[v] the node of the part that starts at v.
void find_nodes(const RowProblem& problem, std::span<int> marks, Packing& k) {
  int n = 0;
  each_part(problem, [&](const RowPart& part) {
    int& mark = marks[static_cast<std::size_t>(part.v)];
    if (mark < 0) k.starts[n++] = part.v;
    mark = std::max(mark, part.n);
  });
  std::sort(k.starts, k.starts + n);
  int end = -1;
  for (int i = 0; i < n; ++i) {
    int& mark = marks[static_cast<std::size_t>(k.starts[i])];
    const int start = k.starts[i], stop = start + mark;
    if (start >= end) {
      k.starts[k.nnode] = start, k.sizes[k.nnode++] = 0;
      end = start;
    }
    if (stop > end) k.sizes[k.nnode - 1] += stop - end, end = stop;
    mark = k.nnode - 1;
  }
}

int find(int* root, int node) {
  while (root[node] != node) node = root[node] = root[root[node]];
  return node;
}

// Numbers the islands by their first block. A block without velocities is an island.
void find_islands(const RowProblem& problem, std::span<const int> marks, Packing& k) {
  const auto node = [&](const RowPart& part) { return marks[static_cast<std::size_t>(part.v)]; };
  std::iota(k.root, k.root + k.nnode, 0);
  for (const RowBlock& block : problem.blocks) {
    const Row& row = problem.rows[static_cast<std::size_t>(block.row)];
    if (row.part[0].n == 0 || row.part[1].n == 0) continue;
    const int a = find(k.root, node(row.part[0])), b = find(k.root, node(row.part[1]));
    k.root[std::max(a, b)] = std::min(a, b);
  }
  std::fill_n(k.island_of_node, k.nnode, -1);
  for (std::size_t i = 0; i < problem.blocks.size(); ++i) {
    const Row& row = problem.rows[static_cast<std::size_t>(problem.blocks[i].row)];
    const RowPart& part = row.part[row.part[0].n > 0 ? 0 : 1];
    if (part.n == 0) {
      k.island_of_block[i] = k.nisland++;
      continue;
    }
    int& island = k.island_of_node[find(k.root, node(part))];
    if (island < 0) island = k.nisland++;
    k.island_of_block[i] = island;
  }
  for (int i = 0; i < k.nnode; ++i) k.island_of_node[i] = k.island_of_node[find(k.root, i)];
}

void fill_block(const RowProblem& problem, const RowBlock& from, std::span<const int> marks, const Packing& k,
                Block& block) {
  block.law = from.law, block.rows = from.rows;
  block.lower = from.lower, block.upper = from.upper;
  const Row* rows = problem.rows.data() + from.row;
  const int first = rows[0].part[0].n >= rows[0].part[1].n ? 0 : 1;
  for (int side = 0; side < 2; ++side) {
    const RowPart& part = rows[0].part[side ^ first];
    block.n[side] = part.n;
    if (part.n == 0) continue;
    const int node = marks[static_cast<std::size_t>(part.v)];
    block.node[side] = k.place[node];
    block.u[side] = k.u[node] + part.v - k.starts[node];
    for (int r = 0; r < from.rows; ++r) {
      const std::size_t at = rows[r].part[side ^ first].at;
      block.J[r][side] = problem.J.data() + at;
      block.W[r][side] = problem.W.data() + at;
    }
  }
  block.friction = from.friction;
  if (from.law != RowLaw::kContact) return;
  if (from.rows >= 3) block.disk[block.disks++] = {1, 2, std::max(from.static_friction, from.friction), 0};
  if (from.rows >= 4) block.disk[block.disks++] = {3, 1, from.torsion, 0};
  if (from.rows >= 6) block.disk[block.disks++] = {4, 2, from.rolling, 0};
}

// Sizes of the islands, then their places in the arrays that they share.
void lay_out(const RowProblem& problem, const Packing& k, Island& all, Island* islands) {
  for (int i = 0; i < k.nisland; ++i) islands[i] = {};
  for (std::size_t i = 0; i < problem.blocks.size(); ++i) {
    Island& island = islands[k.island_of_block[i]];
    ++island.nblock, island.nrow += problem.blocks[i].rows;
  }
  for (int i = 0; i < k.nnode; ++i) {
    Island& island = islands[k.island_of_node[i]];
    k.place[i] = island.nnode++, k.u[i] = island.nu;
    island.nu += k.sizes[i];
  }
  for (int i = 0; i < k.nisland; ++i) {
    Island& island = islands[i];
    island.blocks = all.blocks, island.u_free = all.u_free, island.u = all.u;
    island.p = all.p, island.w = all.w, island.target = all.target, island.R = all.R;
    island.best = all.best, island.start = all.start, island.direction = all.direction;
    island.node_u = all.node_u, island.node_v = all.node_v, island.origin = all.origin;
    island.node_u[island.nnode] = island.nu;
    all.blocks += island.nblock, all.u_free += island.nu, all.u += island.nu;
    all.p += island.nrow, all.w += island.nrow, all.target += island.nrow, all.R += island.nrow;
    all.best += island.nrow, all.start += island.nrow, all.direction += island.nrow;
    all.node_u += island.nnode + 1, all.node_v += island.nnode, all.origin += island.nblock;
    island.nblock = island.nrow = 0;  // filled again block by block
  }
}

Island take(Arena& arena, int nblock, int nrow, int nu, int nnode, Packing& k, Island** islands) {
  Island all;
  all.blocks = arena.take<Block>(nblock);
  all.u_free = arena.take<double>(nu), all.u = arena.take<double>(nu);
  all.p = arena.take<double>(nrow), all.w = arena.take<double>(nrow);
  all.target = arena.take<double>(nrow), all.R = arena.take<double>(nrow);
  all.best = arena.take<double>(nrow), all.start = arena.take<double>(nrow);
  all.direction = arena.take<double>(nrow);
  all.node_u = arena.take<int>(nnode + nblock), all.node_v = arena.take<int>(nnode);
  all.origin = arena.take<int>(nblock);
  k.starts = arena.take<int>(nnode), k.sizes = arena.take<int>(nnode), k.root = arena.take<int>(nnode);
  k.island_of_node = arena.take<int>(nnode), k.place = arena.take<int>(nnode), k.u = arena.take<int>(nnode);
  k.island_of_block = arena.take<int>(nblock);
  *islands = arena.take<Island>(nblock);
  return all;
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] std::span<Island> pack(const RowProblem& problem, std::span<const double> v,
                                                     RowWork& work) {
  if (work.marks.size() < v.size()) work.marks.resize(v.size(), -1);
  std::size_t parts = 0, most = 0;
  each_part(problem, [&](const RowPart& part) { ++parts, most += static_cast<std::size_t>(part.n); });
  const int nu = static_cast<int>(std::min(most, v.size())), nnode = static_cast<int>(std::min(parts, v.size()));
  const int nblock = static_cast<int>(problem.blocks.size()), nrow = static_cast<int>(problem.rows.size());
  Packing k;
  Island* islands = nullptr;
  Arena arena;
  take(arena, nblock, nrow, nu, nnode, k, &islands);
  if (work.memory.size() < arena.used) work.memory.resize(arena.used);
  arena = {work.memory.data(), 0};
  Island all = take(arena, nblock, nrow, nu, nnode, k, &islands);
  find_nodes(problem, work.marks, k);
  find_islands(problem, work.marks, k);
  lay_out(problem, k, all, islands);
  for (int i = 0; i < nblock; ++i) {
    const RowBlock& from = problem.blocks[static_cast<std::size_t>(i)];
    Island& island = islands[k.island_of_block[i]];
    Block& block = *new (island.blocks + island.nblock) Block;
    fill_block(problem, from, work.marks, k, block);
    block.row = island.nrow;
    const auto row = static_cast<std::size_t>(from.row);
    std::copy_n(problem.impulse.data() + row, from.rows, island.p + block.row);
    std::copy_n(problem.target.data() + row, from.rows, island.target + block.row);
    std::copy_n(problem.compliance.data() + row, from.rows, island.R + block.row);
    island.origin[island.nblock++] = i, island.nrow += from.rows;
  }
  for (int i = 0; i < k.nnode; ++i) {
    const Island& island = islands[k.island_of_node[i]];
    island.node_u[k.place[i]] = k.u[i], island.node_v[k.place[i]] = k.starts[i];
    std::copy_n(v.data() + k.starts[i], k.sizes[i], island.u_free + k.u[i]);
  }
  each_part(problem, [&](const RowPart& part) { work.marks[static_cast<std::size_t>(part.v)] = -1; });
  return {islands, static_cast<std::size_t>(k.nisland)};
}

GEOUL_CLONES [[gnu::flatten]] void unpack(const Island& island, RowProblem& problem, std::span<double> v) {
  problem.slip.resize(problem.rows.size());
  for (int i = 0; i < island.nblock; ++i) {
    const Block& block = island.blocks[i];
    const auto row = static_cast<std::size_t>(problem.blocks[static_cast<std::size_t>(island.origin[i])].row);
    std::copy_n(island.p + block.row, block.rows, problem.impulse.data() + row);
    std::copy_n(island.w + block.row, block.rows, problem.slip.data() + row);
  }
  for (int i = 0; i < island.nnode; ++i) {
    std::copy(island.u + island.node_u[i], island.u + island.node_u[i + 1], v.data() + island.node_v[i]);
  }
}

}  // namespace geoul::dynamics::rows
