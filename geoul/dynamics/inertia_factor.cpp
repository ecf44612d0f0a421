#include "geoul/dynamics/inertia_factor.h"

#include "geoul/core/clones.h"
#include "geoul/dynamics/data.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {

namespace {

using std::size_t;
constexpr int kWide = InertiaFactor::kRightSides;

// One entry of eight right sides.
using Eight [[gnu::vector_size(64), gnu::aligned(8), gnu::may_alias]] = double;
[[gnu::always_inline]] inline Eight* eight(double* x, size_t k) { return reinterpret_cast<Eight*>(x + k * kWide); }

// M's columns of the degrees of link i, from its composite inertia, into the rows of L.
void compose(const Model& model, int i, Data& data) {
  const Link& link = model.links[static_cast<size_t>(i)];
  InertiaFactor& f = data.inertia;
  for (int n = 0; n < kernels::degrees(link.motion); ++n) {
    const auto k = static_cast<size_t>(link.v + n);
    double* row = f.L.data() + f.at[k];
    size_t e = f.at[k + 1] - f.at[k] - 1;
    if (data.held[static_cast<size_t>(i)]) {
      std::fill_n(row, e, 0.0);
      row[e] = 1;
      continue;
    }
    Motiond S{};
    kernels::add_along(link.motion, n, 1.0, S);
    Forced F = data.links[static_cast<size_t>(i)].Ic * S;
    row[e] = kernels::along(link.motion, n, F) + data.diagonal[k];
    for (int l = n; l-- > 0;) row[--e] = kernels::along(link.motion, l, F);
    for (int j = i; model.links[static_cast<size_t>(j)].parent >= 0;) {
      F = to_parent(data.links[static_cast<size_t>(j)].X_PL, F);
      j = model.links[static_cast<size_t>(j)].parent;
      const LinkMotion motion = model.links[static_cast<size_t>(j)].motion;
      const bool held = data.held[static_cast<size_t>(j)];
      for (int l = kernels::degrees(motion); l-- > 0;) row[--e] = held ? 0 : kernels::along(motion, l, F);
    }
  }
}

}  // namespace

InertiaFactor make_inertia_factor(const Model& model) {
  InertiaFactor f;
  f.at.push_back(0);
  std::vector<int> chain;
  for (const Link& link : model.links) {
    for (int n = 0; n < kernels::degrees(link.motion); ++n) {
      chain.clear();
      for (int l = n; l >= 0; --l) chain.push_back(link.v + l);
      for (int j = link.parent; j >= 0; j = model.links[static_cast<size_t>(j)].parent) {
        const Link& above = model.links[static_cast<size_t>(j)];
        for (int l = kernels::degrees(above.motion); l-- > 0;) chain.push_back(above.v + l);
      }
      GEOUL_EXPECTS(link.v + n == static_cast<int>(f.at.size()) - 1);
      f.degree.insert(f.degree.end(), chain.rbegin(), chain.rend());
      f.at.push_back(f.degree.size());
    }
  }
  f.L.resize(f.degree.size());
  f.x.resize(static_cast<size_t>(model.nv) * kWide);
  return f;
}

GEOUL_CLONES [[gnu::flatten]] void factor_inertia(const Model& model, const Island& island, Data& data) {
  const Tree& all = island.all;
  InertiaFactor& f = data.inertia;
  kernels::composite_inertia(model, all.begin, all.end, data.links.data());
  for (int i = all.begin; i < all.end; ++i) compose(model, i, data);
  for (auto k = static_cast<size_t>(all.v_end); k-- > static_cast<size_t>(all.v_begin);) {
    double* row = f.L.data() + f.at[k];
    const size_t n = f.at[k + 1] - f.at[k] - 1;
    const double inverse = 1 / row[n];
    for (size_t i = n; i-- > 0;) {
      const double s = row[i] * inverse;
      double* above = f.L.data() + f.at[static_cast<size_t>(f.degree[f.at[k] + i])];
      for (size_t j = 0; j <= i; ++j) above[j] -= s * row[j];
      row[i] = s;
    }
    row[n] = inverse;
  }
}

namespace {

// Right sides [0, 8 G) of x, in place.
template <int G>
[[gnu::always_inline]] inline void back_and_forth(const InertiaFactor& f, size_t v0, size_t v1, double* x) {
  const size_t* at = f.at.data();
  const int* degree = f.degree.data();
  const double* L = f.L.data();
  for (size_t k = v1; k-- > v0;) {
    Eight xk[G];
    for (int g = 0; g < G; ++g) xk[g] = eight(x, k)[g];
    for (size_t e = at[k], end = at[k + 1] - 1; e < end; ++e) {
      Eight* above = eight(x, static_cast<size_t>(degree[e]));
      for (int g = 0; g < G; ++g) above[g] -= L[e] * xk[g];
    }
  }
  for (size_t k = v0; k < v1; ++k) {
    const size_t end = at[k + 1] - 1;
    Eight xk[G];
    for (int g = 0; g < G; ++g) xk[g] = eight(x, k)[g] * L[end];
    for (size_t e = at[k]; e < end; ++e) {
      const Eight* above = eight(x, static_cast<size_t>(degree[e]));
      for (int g = 0; g < G; ++g) xk[g] -= L[e] * above[g];
    }
    for (int g = 0; g < G; ++g) eight(x, k)[g] = xk[g];
  }
}

GEOUL_CLONES void back_and_forth(const InertiaFactor& f, int groups, size_t v0, size_t v1, double* x) {
  static_assert(kWide == 24);
  switch (groups) {
    case 1: return back_and_forth<1>(f, v0, v1, x);
    case 2: return back_and_forth<2>(f, v0, v1, x);
    default: return back_and_forth<3>(f, v0, v1, x);
  }
}

}  // namespace

GEOUL_CLONES [[gnu::flatten]] void solve_inertia(const Model& model, const Island& island, int n,
                                                 const double* const* from, double* const* to, Data& data) {
  const Tree& all = island.all;
  const auto v0 = static_cast<size_t>(all.v_begin), v1 = static_cast<size_t>(all.v_end);
  const int groups = (n + 7) / 8;
  double* x = data.inertia.x.data();
  for (int i = all.begin; i < all.end; ++i) {
    const Link& link = model.links[static_cast<size_t>(i)];
    const bool held = data.held[static_cast<size_t>(i)];
    for (auto k = static_cast<size_t>(link.v); k < static_cast<size_t>(link.v + kernels::degrees(link.motion)); ++k) {
      double* row = x + k * kWide;
      for (int c = 0; c < n; ++c) row[c] = held ? 0 : from[c][k - v0];
      std::fill(row + n, row + 8 * groups, 0.0);
    }
  }
  back_and_forth(data.inertia, groups, v0, v1, x);
  for (size_t k = v0; k < v1; ++k) {
    for (int c = 0; c < n; ++c) to[c][k - v0] = x[k * kWide + static_cast<size_t>(c)];
  }
}

}  // namespace geoul::dynamics
