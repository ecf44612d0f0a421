// The joint-space inertia of an island as a factor that keeps the tree's zeros, M + diagonal = L^T D L: answers to many
// right sides at once. Where there are few, kernels::response is as good.
// Source: Featherstone, Rigid Body Dynamics Algorithms (2008), tables 6.2, 6.4 and 6.5.
#pragma once

#include <span>
#include <vector>

#include "geoul/core/aligned.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics {

struct Data;

// Row k of L holds the degrees between the root and k (without k), then D_k, at [at[k], at[k + 1]).
struct InertiaFactor {
  std::vector<std::size_t> at;  // (nv + 1)
  std::vector<int> degree;      // of every entry: ancestors from the root on, then k
  std::vector<double> L;
  AlignedVector<double> x;  // (nv x kRightSides)

  static constexpr int kRightSides = 24;
};

InertiaFactor make_inertia_factor(const Model& model);

// Of the island's links where they are placed, with data.diagonal on its diagonal; held links have no degrees.
// O(degrees x depth^2).
void factor_inertia(const Model& model, const Island& island, Data& data);

// to[i] = (M + diagonal)^-1 from[i] over the island's velocities, i < n <= kRightSides. from[i][0] and to[i][0] belong
// to island.all.v_begin; they may be the same.
void solve_inertia(const Model& model, const Island& island, int n, const double* const* from, double* const* to,
                   Data& data);

}  // namespace geoul::dynamics
