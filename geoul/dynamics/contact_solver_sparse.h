// Block-sparse LU over the nodes of an island (a node: one free body, or the velocities of one tree), with the nodes
// ordered by least degree. Rows are scaled as those of M^-1 (M + K), so blocks are pivoted only inside the diagonal.
// Source: George, Liu, Computer Solution of Large Sparse Positive Definite Systems (1981), ch. 5.
#pragma once

#include "geoul/dynamics/contact_solver_island.h"

namespace geoul::dynamics::rows {

// All pointers into one arena. Blocks are row-major. After `factor`: diagonal blocks are inverted.
struct Sparse {
  int nnode = 0;
  const int* u = nullptr;                          // (nnode + 1) first velocity of a node
  int* order = nullptr;                            // (nnode) elimination order: node of a step
  int* step = nullptr;                             // (nnode) step of a node
  int* begin = nullptr;                            // (nnode + 1) by step: into `later`
  int* later = nullptr;                            // steps that are coupled with a step and come after it, ascending
  std::size_t* diagonal = nullptr;                 // (nnode) by step, into `values`
  std::size_t *upper = nullptr, *lower = nullptr;  // by entry of `later`
  double* values = nullptr;
  std::size_t nvalue = 0;
};

constexpr int kMostNodes = 3000, kMostSize = 128;

// Orders the nodes and finds the fill; its memory grows. False: too many nodes, or a node that is too large.
bool analyse(const Island& island, AlignedVector<std::byte>& pattern, AlignedVector<double>& values, Sparse& sparse);
// Place of block (a, b) of nodes, row-major size[a] x size[b].
double* block_at(const Sparse& sparse, int a, int b);
// False where a pivot vanishes or is not finite.
bool factor(const Sparse& sparse);
// x (nu): in right side, out solution.
void solve(const Sparse& sparse, double* x);

}  // namespace geoul::dynamics::rows
