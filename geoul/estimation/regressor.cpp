#include "geoul/estimation/regressor.h"

#include "geoul/core/contract.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::estimation {
namespace {

using dynamics::Link;
using Columns = std::array<Forced, kLinkParameters>;

// Wrench that a link of unit parameters needs, one column a parameter, in L, for its velocity V and acceleration A
// (gravity as -g). f = I A + V x* I V, written out.
Columns body_columns(const Motiond& V, const Motiond& A) {
  const Vec3d& w = V.w;
  const Vec3d& d = A.w;
  const Vec3d origin = A.v + cross(w, V.v);  // acceleration of L's origin
  Columns c;
  c[0] = {{}, origin};
  for (int k = 0; k < 3; ++k) {
    Vec3d e{};
    e[k] = 1;
    c[1 + static_cast<std::size_t>(k)] = {cross(e, origin), cross(d, e) + cross(w, cross(w, e))};
  }
  constexpr Sym3d units[] = {{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0},
                             {0, 0, 0, 1, 0, 0}, {0, 0, 0, 0, 1, 0}, {0, 0, 0, 0, 0, 1}};
  for (std::size_t k = 0; k < 6; ++k) c[4 + k] = {units[k] * d + cross(w, units[k] * w), {}};
  return c;
}

}  // namespace

const std::array<const char*, kLinkParameters>& parameter_names() {
  static const std::array<const char*, kLinkParameters> names{"m",   "hx",  "hy",  "hz",  "Ixx",
                                                              "Iyy", "Izz", "Ixy", "Ixz", "Iyz"};
  return names;
}

const std::array<const char*, kLinkParameters>& parameter_units() {
  static const std::array<const char*, kLinkParameters> units{"kg",    "kg m",  "kg m",  "kg m",  "kg m2",
                                                              "kg m2", "kg m2", "kg m2", "kg m2", "kg m2"};
  return units;
}

LinkParameters to_parameters(const Inertiad& i) {
  LinkParameters p;
  p << i.m, i.h.x, i.h.y, i.h.z, i.I.xx, i.I.yy, i.I.zz, i.I.xy, i.I.xz, i.I.yz;
  return p;
}

Inertiad to_inertia(const LinkParameters& p) {
  return {p(0), {p(1), p(2), p(3)}, {p(4), p(5), p(6), p(7), p(8), p(9)}};
}

Eigen::VectorXd link_parameters(const dynamics::Model& model) {
  Eigen::VectorXd p(kLinkParameters * model.nlink);
  for (int i = 0; i < model.nlink; ++i) {
    p.segment<kLinkParameters>(kLinkParameters * i) = to_parameters(model.links[static_cast<std::size_t>(i)].inertia);
  }
  return p;
}

void inertial_regressor(const dynamics::Model& model, std::span<const double> q, std::span<const double> v,
                        std::span<const double> a, dynamics::Data& data, RowMatrix& Y) {
  const auto nv = static_cast<std::size_t>(model.nv);
  GEOUL_EXPECTS(q.size() == static_cast<std::size_t>(model.nq) && v.size() == nv && a.size() == nv);
  Y.setZero(model.nv, kLinkParameters * model.nlink);
  dynamics::forward_kinematics(model, q, v, data);
  for (int i = 0; i < model.nlink; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    GEOUL_EXPECTS(link.weightless_mass == 0);
    dynamics::LinkData& d = data.links[static_cast<std::size_t>(i)];
    d.A = dynamics::kernels::parent_acceleration(model, link, d, data.links.data()) + d.c;
    for (int k = 0; k < dynamics::kernels::degrees(link.motion); ++k) {
      dynamics::kernels::add_along(link.motion, k, a[static_cast<std::size_t>(link.v + k)], d.A);
    }
    Columns columns = body_columns(d.V, d.A);
    // The wrench goes inward; every joint on the way feels its part along the axis.
    for (int at = i; at >= 0; at = model.links[static_cast<std::size_t>(at)].parent) {
      const Link& joint = model.links[static_cast<std::size_t>(at)];
      for (int p = 0; p < kLinkParameters; ++p) {
        Forced& f = columns[static_cast<std::size_t>(p)];
        for (int k = 0; k < dynamics::kernels::degrees(joint.motion); ++k) {
          Y(joint.v + k, kLinkParameters * i + p) = dynamics::kernels::along(joint.motion, k, f);
        }
        f = to_parent(data.links[static_cast<std::size_t>(at)].X_PL, f);
      }
    }
  }
}

}  // namespace geoul::estimation
