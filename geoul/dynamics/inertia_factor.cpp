#include "geoul/dynamics/inertia_factor.h"

#include "geoul/core/clones.h"
#include "geoul/dynamics/data.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {

namespace {

using std::size_t;
constexpr int kWide = InertiaFactor::kRightSides;

// One entry of four and of eight right sides.
using Four [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;
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
    // the wrench in the world's axes, about the origin of i: one moment a link above
    const Transformd& X = data.links[static_cast<size_t>(i)].X_WL;
    const Vec3d force = X.R * F.f, moment = X.R * F.n;
    for (int j = link.parent; j >= 0; j = model.links[static_cast<size_t>(j)].parent) {
      const LinkMotion motion = model.links[static_cast<size_t>(j)].motion;
      const Transformd& X_j = data.links[static_cast<size_t>(j)].X_WL;
      const bool held = data.held[static_cast<size_t>(j)];
      const Vec3d about = motion == LinkMotion::kSlide ? force : moment + cross(X.p - X_j.p, force);
      for (int l = 3; l-- > (motion == LinkMotion::kBall ? 0 : 2);) row[--e] = held ? 0 : dot(X_j.R.column(l), about);
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
  const size_t rows = v1 - v0;
  double* top = x + v0 * kWide;
  const double* none = data.zero.data();  // for right sides that are not there
  for (int c = 0; c < 8 * groups; c += 4) {
    const double* side[4];
    for (int k = 0; k < 4; ++k) side[k] = c + k < n ? from[c + k] : none;
    for (size_t k = 0; k < rows; ++k) {
      *reinterpret_cast<Four*>(top + k * kWide + c) = Four{side[0][k], side[1][k], side[2][k], side[3][k]};
    }
  }
  for (int i = all.begin; i < all.end; ++i) {
    if (!data.held[static_cast<size_t>(i)]) continue;
    const Link& link = model.links[static_cast<size_t>(i)];
    for (int k = link.v; k < link.v + kernels::degrees(link.motion); ++k) {
      std::fill_n(x + static_cast<size_t>(k) * kWide, 8 * groups, 0.0);
    }
  }
  back_and_forth(data.inertia, groups, v0, v1, x);
  int c = 0;
  for (; c + 4 <= n; c += 4) {
    double* const side[] = {to[c], to[c + 1], to[c + 2], to[c + 3]};
    for (size_t k = 0; k < rows; ++k) {
      const Four part = *reinterpret_cast<const Four*>(top + k * kWide + c);
      side[0][k] = part[0], side[1][k] = part[1], side[2][k] = part[2], side[3][k] = part[3];
    }
  }
  for (; c < n; ++c) {
    for (size_t k = 0; k < rows; ++k) to[c][k] = top[k * kWide + static_cast<size_t>(c)];
  }
}

}  // namespace geoul::dynamics
