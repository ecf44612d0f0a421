#include "geoul/dynamics/contact_solver_sparse.h"
#include "geoul/core/clones.h"

#include <bit>

namespace geoul::dynamics::rows {

namespace {

using Word = std::uint64_t;

// C -= A B, (l x m)(m x n), row-major.
template <int M, int N>
void subtract_fixed(double* __restrict C, const double* __restrict A, const double* __restrict B, int l) {
  for (int i = 0; i < l; ++i) {
    double row[N];
    for (int k = 0; k < N; ++k) row[k] = C[i * N + k];
    for (int j = 0; j < M; ++j) {
      const double s = A[i * M + j];
      for (int k = 0; k < N; ++k) row[k] -= s * B[j * N + k];
    }
    for (int k = 0; k < N; ++k) C[i * N + k] = row[k];
  }
}

void subtract(double* __restrict C, const double* __restrict A, const double* __restrict B, int l, int m, int n) {
  if (m == 6 && n == 6) return subtract_fixed<6, 6>(C, A, B, l);
  for (int i = 0; i < l; ++i) {
    for (int j = 0; j < m; ++j) {
      const double s = A[i * m + j];
      for (int k = 0; k < n; ++k) C[i * n + k] -= s * B[j * n + k];
    }
  }
}

// Inverse in place, Gauss-Jordan with row pivots.
bool invert(double* __restrict A, int n) {
  int swaps[kMostSize];
  for (int k = 0; k < n; ++k) {
    int pivot = k;
    for (int i = k + 1; i < n; ++i) {
      if (std::abs(A[i * n + k]) > std::abs(A[pivot * n + k])) pivot = i;
    }
    const double a = A[pivot * n + k];
    if (!(std::abs(a) > 0) || !std::isfinite(a)) return false;
    swaps[k] = pivot;
    if (pivot != k) {
      for (int j = 0; j < n; ++j) std::swap(A[k * n + j], A[pivot * n + j]);
    }
    const double inverse = 1 / a;
    A[k * n + k] = 1;
    for (int j = 0; j < n; ++j) A[k * n + j] *= inverse;
    for (int i = 0; i < n; ++i) {
      if (i == k) continue;
      const double s = A[i * n + k];
      A[i * n + k] = 0;
      for (int j = 0; j < n; ++j) A[i * n + j] -= s * A[k * n + j];
    }
  }
  for (int k = n - 1; k >= 0; --k) {
    if (swaps[k] == k) continue;
    for (int i = 0; i < n; ++i) std::swap(A[i * n + k], A[i * n + swaps[k]]);
  }
  return true;
}

// Eliminates the nodes of the graph in `edges` (n rows of `words` words), least degree first. Afterwards row k holds
// the neighbours node k had when it was eliminated. Returns the number of entries.
std::size_t eliminate(Word* edges, int n, std::size_t words, int* degree, int* order, int* step) {
  std::size_t entries = 0;
  for (int k = 0; k < n; ++k) step[k] = -1;
  for (int s = 0; s < n; ++s) {
    int node = -1;
    for (int k = 0; k < n; ++k) {
      if (step[k] < 0 && (node < 0 || degree[k] < degree[node])) node = k;
    }
    order[s] = node, step[node] = s;
    const Word* row = edges + static_cast<std::size_t>(node) * words;
    entries += static_cast<std::size_t>(degree[node]);
    for (std::size_t i = 0; i < words; ++i) {
      for (Word bits = row[i]; bits != 0; bits &= bits - 1) {
        const std::size_t other = i * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        Word* to = edges + other * words;
        int count = 0;
        for (std::size_t j = 0; j < words; ++j) to[j] |= row[j];
        to[other / 64] &= ~(Word{1} << other % 64);
        to[static_cast<std::size_t>(node) / 64] &= ~(Word{1} << static_cast<std::size_t>(node) % 64);
        for (std::size_t j = 0; j < words; ++j) count += std::popcount(to[j]);
        degree[other] = count;
      }
    }
  }
  return entries;
}

void connect(const Island& island, Word* edges, std::size_t words, int* degree) {
  for (int i = 0; i < island.nblock; ++i) {
    const int a = island.blocks[i].node[0], b = island.blocks[i].node[1];
    if (a < 0 || b < 0 || a == b) continue;
    const auto x = static_cast<std::size_t>(a), y = static_cast<std::size_t>(b);
    edges[x * words + y / 64] |= Word{1} << y % 64;
    edges[y * words + x / 64] |= Word{1} << x % 64;
  }
  for (int k = 0; k < island.nnode; ++k) {
    degree[k] = 0;
    for (std::size_t j = 0; j < words; ++j) degree[k] += std::popcount(edges[static_cast<std::size_t>(k) * words + j]);
  }
}

// Entries of `later` and places of the blocks, from the eliminated graph.
void lay_out(const Island& island, const Word* edges, std::size_t words, Sparse& sparse) {
  std::size_t at = 0;
  int entry = 0;
  for (int s = 0; s < sparse.nnode; ++s) {
    const int node = sparse.order[s], n = island.node_u[node + 1] - island.node_u[node];
    sparse.begin[s] = entry;
    for (std::size_t i = 0; i < words; ++i) {
      for (Word bits = edges[static_cast<std::size_t>(node) * words + i]; bits != 0; bits &= bits - 1) {
        sparse.later[entry++] = sparse.step[i * 64 + static_cast<std::size_t>(std::countr_zero(bits))];
      }
    }
    std::sort(sparse.later + sparse.begin[s], sparse.later + entry);
    sparse.diagonal[s] = at, at += static_cast<std::size_t>(n * n);
    for (int e = sparse.begin[s]; e < entry; ++e) {
      const int other = sparse.order[sparse.later[e]];
      const auto size = static_cast<std::size_t>(n * (island.node_u[other + 1] - island.node_u[other]));
      sparse.upper[e] = at, sparse.lower[e] = at + size, at += 2 * size;
    }
  }
  sparse.begin[sparse.nnode] = entry;
  sparse.nvalue = at;
}

}  // namespace

bool analyse(const Island& island, AlignedVector<std::byte>& pattern, AlignedVector<double>& values, Sparse& sparse) {
  const int n = island.nnode;
  if (n > kMostNodes) return false;
  for (int k = 0; k < n; ++k) {
    if (island.node_u[k + 1] - island.node_u[k] > kMostSize) return false;
  }
  const std::size_t words = (static_cast<std::size_t>(n) + 63) / 64;
  // the graph is eliminated at the front of the memory; the entries are known only then
  Word* edges = nullptr;
  int* degree = nullptr;
  const auto carve = [&](Arena& arena) {
    edges = arena.take<Word>(static_cast<std::size_t>(n) * words);
    degree = arena.take<int>(n), sparse.order = arena.take<int>(n), sparse.step = arena.take<int>(n);
  };
  Arena arena;
  carve(arena);
  if (pattern.size() < arena.used) pattern.resize(arena.used);
  arena = {pattern.data(), 0};
  carve(arena);
  std::fill_n(edges, static_cast<std::size_t>(n) * words, Word{0});
  connect(island, edges, words, degree);
  const std::size_t entries = eliminate(edges, n, words, degree, sparse.order, sparse.step);
  const auto carve_rest = [&](Arena& rest) {
    sparse.begin = rest.take<int>(n + 1), sparse.later = rest.take<int>(entries);
    sparse.diagonal = rest.take<std::size_t>(n);
    sparse.upper = rest.take<std::size_t>(entries), sparse.lower = rest.take<std::size_t>(entries);
  };
  Arena count{nullptr, arena.used};
  carve_rest(count);
  if (pattern.size() < count.used) {
    pattern.resize(count.used);
    arena = {pattern.data(), 0};
    carve(arena);
  }
  carve_rest(arena);
  sparse.nnode = n, sparse.u = island.node_u;
  lay_out(island, edges, words, sparse);
  if (values.size() < sparse.nvalue) values.resize(sparse.nvalue);
  sparse.values = values.data();
  return true;
}

double* block_at(const Sparse& sparse, int a, int b) {
  const int s = sparse.step[a], t = sparse.step[b];
  if (s == t) return sparse.values + sparse.diagonal[s];
  const int first = std::min(s, t);
  const int* place =
      std::lower_bound(sparse.later + sparse.begin[first], sparse.later + sparse.begin[first + 1], std::max(s, t));
  const auto e = place - sparse.later;
  return sparse.values + (s < t ? sparse.upper[e] : sparse.lower[e]);
}

GEOUL_CLONES [[gnu::flatten]] bool factor(const Sparse& sparse) {
  const auto size = [&](int step) { return sparse.u[sparse.order[step] + 1] - sparse.u[sparse.order[step]]; };
  double product[kMostSize * kMostSize];
  for (int s = 0; s < sparse.nnode; ++s) {
    const int n = size(s);
    double* D = sparse.values + sparse.diagonal[s];
    if (!invert(D, n)) return false;
    for (int e = sparse.begin[s]; e < sparse.begin[s + 1]; ++e) {  // upper: D^-1 A
      const int m = size(sparse.later[e]);
      double* U = sparse.values + sparse.upper[e];
      std::fill_n(product, n * m, 0.0);
      subtract(product, D, U, n, n, m);
      for (int i = 0; i < n * m; ++i) U[i] = -product[i];
    }
    for (int e = sparse.begin[s]; e < sparse.begin[s + 1]; ++e) {
      const int row = sparse.later[e], l = size(row);
      const double* L = sparse.values + sparse.lower[e];
      subtract(sparse.values + sparse.diagonal[row], L, sparse.values + sparse.upper[e], l, n, l);
      int place = sparse.begin[row];
      for (int f = e + 1; f < sparse.begin[s + 1]; ++f) {
        const int column = sparse.later[f], m = size(column);
        while (sparse.later[place] != column) ++place;
        subtract(sparse.values + sparse.upper[place], L, sparse.values + sparse.upper[f], l, n, m);
        subtract(sparse.values + sparse.lower[place], sparse.values + sparse.lower[f], sparse.values + sparse.upper[e],
                 m, n, l);
      }
    }
  }
  return true;
}

GEOUL_CLONES [[gnu::flatten]] void solve(const Sparse& sparse, double* x) {
  const auto at = [&](int step) { return sparse.u[sparse.order[step]]; };
  const auto size = [&](int step) { return sparse.u[sparse.order[step] + 1] - sparse.u[sparse.order[step]]; };
  double y[kMostSize];
  for (int s = 0; s < sparse.nnode; ++s) {
    const int n = size(s);
    const double* D = sparse.values + sparse.diagonal[s];
    for (int i = 0; i < n; ++i) y[i] = dot(D + i * n, x + at(s), n);
    std::copy_n(y, n, x + at(s));
    for (int e = sparse.begin[s]; e < sparse.begin[s + 1]; ++e) {
      const double* L = sparse.values + sparse.lower[e];
      double* to = x + at(sparse.later[e]);
      for (int i = 0, m = size(sparse.later[e]); i < m; ++i) to[i] -= dot(L + i * n, y, n);
    }
  }
  for (int s = sparse.nnode - 1; s >= 0; --s) {
    const int n = size(s);
    double* to = x + at(s);
    for (int e = sparse.begin[s]; e < sparse.begin[s + 1]; ++e) {
      const int m = size(sparse.later[e]);
      const double* U = sparse.values + sparse.upper[e];
      for (int i = 0; i < n; ++i) to[i] -= dot(U + i * m, x + at(sparse.later[e]), m);
    }
  }
}

}  // namespace geoul::dynamics::rows
