#include "geoul/dynamics/weld_loops.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>

namespace geoul::dynamics {
namespace {

// (n, f) about G -> (n about J / length^2 brought back to G, f): the gradient of the norm.
Forced gradient(const Group& group, const Weld& weld, const Forced& t) {
  const Vec3d n = (1 / (group.length * group.length)) * (t.n - cross(weld.X_GJ.p, t.f));
  return {n, t.f + cross(weld.X_GJ.p, n)};
}

}  // namespace

void prepare_weld_loops(Group& group) {
  if (group.loops.empty()) return;
  group.length = 0;
  for (const auto* welds : {&group.tree, &group.loops}) {
    for (const Weld& weld : *welds) group.length = std::max(group.length, norm(weld.X_GJ.p - group.tree[0].X_GJ.p));
  }
  if (!(group.length > 0)) group.length = 1;
  const auto nnode = group.bodies.size();
  const auto n = static_cast<Eigen::Index>(6 * group.loops.size());
  Eigen::MatrixXd H = Eigen::MatrixXd::Zero(n, n);
  std::vector<std::vector<double>> s(group.loops.size(), std::vector<double>(nnode, 0.0));
  for (std::size_t k = 0; k < group.loops.size(); ++k) {
    for (int node = group.loops[k].to; node >= 0; node = group.parent_node[static_cast<std::size_t>(node)])
      s[k][static_cast<std::size_t>(node)] -= 1;
    for (int node = group.loops[k].from; node >= 0; node = group.parent_node[static_cast<std::size_t>(node)])
      s[k][static_cast<std::size_t>(node)] += 1;
  }
  const auto metric = [&](const Weld& weld) {  // |moment about the joint / length|^2 + |force|^2, for (n, f) about G
    const Vec3d& p = weld.X_GJ.p;
    Eigen::Matrix<double, 6, 6> Y = Eigen::Matrix<double, 6, 6>::Identity();
    Y.topRightCorner<3, 3>() << 0, p.z, -p.y, -p.z, 0, p.x, p.y, -p.x, 0;
    Y.topRows<3>() /= group.length;
    return Eigen::Matrix<double, 6, 6>(Y.transpose() * Y);
  };
  for (const Weld& weld : group.tree) {
    const Eigen::Matrix<double, 6, 6> B = metric(weld);
    const auto node = static_cast<std::size_t>(weld.to);
    for (std::size_t k = 0; k < s.size(); ++k) {
      if (s[k][node] == 0) continue;
      for (std::size_t l = 0; l < s.size(); ++l) {
        if (s[l][node] != 0)
          H.block<6, 6>(static_cast<Eigen::Index>(6 * k), static_cast<Eigen::Index>(6 * l)) +=
              s[k][node] * s[l][node] * B;
      }
    }
  }
  for (std::size_t k = 0; k < s.size(); ++k) {
    H.block<6, 6>(static_cast<Eigen::Index>(6 * k), static_cast<Eigen::Index>(6 * k)) += metric(group.loops[k]);
  }
  const Eigen::MatrixXd inverse = H.llt().solve(Eigen::MatrixXd::Identity(n, n));
  group.loop_inverse.assign(inverse.data(), inverse.data() + inverse.size());  // symmetric: row-major too
}

void share_weld_loops(const Group& group, Data& data) {
  const std::size_t nloop = group.loops.size(), n = 6 * nloop;
  double* rhs = data.loop_work.data();
  double* w = rhs + n;
  std::fill(rhs, rhs + n, 0.0);
  const int first = group.tree.empty() ? 0 : group.tree[0].to;  // 1 where the root hangs on nothing
  for (std::size_t k = 0; k < nloop; ++k) {
    const auto add = [&](int node, double s) {
      for (; node >= first; node = group.parent_node[static_cast<std::size_t>(node)]) {
        const Weld& weld = group.tree[static_cast<std::size_t>(node - first)];
        const Forced g = gradient(group, weld, data.edge_wrench[static_cast<std::size_t>(node)]);
        for (std::size_t i = 0; i < 3; ++i) {
          rhs[6 * k + i] -= s * g.n[static_cast<int>(i)];
          rhs[6 * k + 3 + i] -= s * g.f[static_cast<int>(i)];
        }
      }
    };
    add(group.loops[k].to, -1);
    add(group.loops[k].from, +1);
  }
  for (std::size_t i = 0; i < n; ++i) {
    w[i] = 0;
    for (std::size_t j = 0; j < n; ++j) w[i] += group.loop_inverse[i * n + j] * rhs[j];
  }
  for (std::size_t k = 0; k < nloop; ++k) {
    const Forced share{{w[6 * k], w[6 * k + 1], w[6 * k + 2]}, {w[6 * k + 3], w[6 * k + 4], w[6 * k + 5]}};
    for (int node = group.loops[k].to; node >= 0; node = group.parent_node[static_cast<std::size_t>(node)]) {
      data.edge_wrench[static_cast<std::size_t>(node)] -= share;
    }
    for (int node = group.loops[k].from; node >= 0; node = group.parent_node[static_cast<std::size_t>(node)]) {
      data.edge_wrench[static_cast<std::size_t>(node)] += share;
    }
    data.edge_wrench[group.bodies.size() + k] = share;
  }
}

}  // namespace geoul::dynamics
