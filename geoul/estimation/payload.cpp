#include "geoul/estimation/payload.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

using dynamics::Model;
using Eigen::Index;
using Eigen::VectorXd;

constexpr int kCommon = 4;    // mass, center
constexpr int kPerJoint = 4;  // gain, viscous, coulomb, offset

// What does not hang on the unknowns, instant by instant.
struct Known {
  int joints = 0;
  RowMatrix arm;       // (instants x joints) torque of the arm
  RowMatrix load;      // (instants joints x 10) regressor of the carrying link
  RowMatrix velocity;  // (instants x joints)
  RowMatrix measured;  // (instants x joints)
  std::vector<int> parts;
};

Known gather(const Model& model, const JointColumns& columns, std::span<const RegularMotion> motions, int link,
             double still) {
  Known known;
  known.joints = columns.count();
  std::vector<std::pair<const RegularMotion*, Index>> instants;
  for (const RegularMotion& motion : motions) {
    known.parts.push_back(static_cast<int>(instants.size()));
    for (Index i = 0; i < motion.size(); ++i) {
      if (motion.v.row(i).cwiseAbs().maxCoeff() >= still) instants.emplace_back(&motion, i);
    }
    if (known.parts.back() == static_cast<int>(instants.size())) known.parts.pop_back();
  }
  const auto n = static_cast<Index>(instants.size());
  known.arm.resize(n, known.joints);
  known.velocity = known.measured = known.arm;
  known.load.resize(n * known.joints, kLinkParameters);
  dynamics::Data data = make_data(model);
  std::vector<double> q = model.q_start, v(static_cast<std::size_t>(model.nv)), a(v.size()), tau(v.size());
  RowMatrix Y;
  for (Index t = 0; t < n; ++t) {
    const auto& [motion, i] = instants[static_cast<std::size_t>(t)];
    for (int j = 0; j < known.joints; ++j) {
      q[static_cast<std::size_t>(columns.q[static_cast<std::size_t>(j)])] = motion->q(i, j);
      v[static_cast<std::size_t>(columns.v[static_cast<std::size_t>(j)])] = motion->v(i, j);
      a[static_cast<std::size_t>(columns.v[static_cast<std::size_t>(j)])] = motion->a(i, j);
    }
    inverse_dynamics(model, q, v, a, {}, data, tau);
    inertial_regressor(model, q, v, a, data, Y);
    for (int j = 0; j < known.joints; ++j) {
      const int at = columns.v[static_cast<std::size_t>(j)];
      known.arm(t, j) = tau[static_cast<std::size_t>(at)];
      known.load.row(t * known.joints + j) = Y.row(at).segment<kLinkParameters>(Index(kLinkParameters) * link);
    }
    known.velocity.row(t) = motion->v.row(i);
    known.measured.row(t) = motion->tau.row(i);
  }
  return known;
}

// Parameters of the payload in the link's frame.
LinkParameters in_link(const Transformd& X_LF, const VectorXd& x, const Sym3d& inertia) {
  return to_parameters(to_parent(X_LF, inertia_about_origin(x(0), Vec3d{x(1), x(2), x(3)}, inertia)));
}

// Derivative of in_link by mass and centre; it is quadratic, so central differences are exact to rounding.
Eigen::Matrix<double, kLinkParameters, kCommon> slope_of(const Transformd& X_LF, const VectorXd& x,
                                                         const Sym3d& inertia) {
  Eigen::Matrix<double, kLinkParameters, kCommon> slope;
  constexpr double kStep = 1e-3;
  for (int k = 0; k < kCommon; ++k) {
    VectorXd up = x, down = x;
    up(k) += kStep, down(k) -= kStep;
    slope.col(k) = (in_link(X_LF, up, inertia) - in_link(X_LF, down, inertia)) / (2 * kStep);
  }
  return slope;
}

// The equations made linear at x: rows.X dx = rows.y, what is left of the measurement at x.
SeriesRows linearised(const Known& known, const Transformd& X_LF, const PayloadOptions& options, const VectorXd& x) {
  SeriesRows rows;
  rows.series = known.joints;
  rows.parts = known.parts;
  rows.X = RowMatrix::Zero(known.load.rows(), x.size());
  rows.y.resize(known.load.rows());
  const LinkParameters p = in_link(X_LF, x, options.inertia);
  const auto slope = slope_of(X_LF, x, options.inertia);
  for (Index t = 0; t < known.arm.rows(); ++t) {
    for (int j = 0; j < known.joints; ++j) {
      const Index r = t * known.joints + j;
      const double torque = known.arm(t, j) + known.load.row(r).dot(p);
      if (!options.currents) {
        rows.X.row(r).head<kCommon>() = known.load.row(r) * slope;
        rows.y(r) = known.measured(t, j) - torque;
        continue;
      }
      const Index at = kCommon + kPerJoint * j;
      const double v = known.velocity(t, j), direction = std::tanh(v / options.softness);
      rows.X.row(r).head<kCommon>() = x(at) * known.load.row(r) * slope;
      rows.X.row(r).segment<kPerJoint>(at) << torque, v, direction, 1;
      rows.y(r) = known.measured(t, j) - (x(at) * torque + x(at + 1) * v + x(at + 2) * direction + x(at + 3));
    }
  }
  return rows;
}

// First values: no payload; of currents each joint's own least squares.
VectorXd first_guess(const Known& known, const PayloadOptions& options) {
  VectorXd x = VectorXd::Zero(kCommon + (options.currents ? kPerJoint * known.joints : 0));
  x(0) = 0.1;
  for (int j = 0; options.currents && j < known.joints; ++j) {
    Eigen::MatrixXd X(known.arm.rows(), kPerJoint);
    X.col(0) = known.arm.col(j);
    X.col(1) = known.velocity.col(j);
    X.col(2) = (known.velocity.col(j) / options.softness).array().tanh().matrix();
    X.col(3).setOnes();
    x.segment<kPerJoint>(kCommon + Index(kPerJoint) * j) =
        Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd>(X).solve(known.measured.col(j));
  }
  return x;
}

PayloadEstimate told(const Known& known, const VectorXd& x, const LinearEstimate& estimate, const VectorXd& left) {
  PayloadEstimate out;
  out.mass = x(0);
  out.center = {x(1), x(2), x(3)};
  out.mass_half_width = estimate.half_width(0);
  out.center_half_width = {estimate.half_width(1), estimate.half_width(2), estimate.half_width(3)};
  for (Index at = kCommon; at < x.size(); at += kPerJoint) {
    out.torque_constant.push_back(1 / x(at));
    out.torque_constant_half_width.push_back(estimate.half_width(at) / (x(at) * x(at)));
    out.viscous.push_back(x(at + 1));
    out.coulomb.push_back(x(at + 2));
    out.offset.push_back(x(at + 3));
  }
  out.error.assign(static_cast<std::size_t>(known.joints), 0.0);
  for (Index r = 0; r < left.size(); ++r) out.error[static_cast<std::size_t>(r % known.joints)] += left(r) * left(r);
  for (double& e : out.error) e = std::sqrt(e / static_cast<double>(known.arm.rows()));
  out.instants = static_cast<int>(known.arm.rows());
  return out;
}

}  // namespace

Result<PayloadEstimate> identify_payload(const Model& model, const JointColumns& columns,
                                         std::span<const RegularMotion> motions, const PayloadOptions& options) {
  GEOUL_EXPECTS(options.body.value >= 0 && options.body.value < model.nbody && options.softness > 0);
  const dynamics::BodyAddress& body = model.bodies[static_cast<std::size_t>(options.body.value)];
  if (body.link < 0) return Error{ErrorCode::kBadInput, "the body that carries the payload does not move"};
  const Known known = gather(model, columns, motions, body.link, options.still);
  constexpr int kFewest = 50;
  if (known.arm.rows() < kFewest) {
    return Error{ErrorCode::kBadInput, std::to_string(known.arm.rows()) +
                                           " instants of motion are too few for a payload; " + std::to_string(kFewest) +
                                           " at least"};
  }
  const Transformd X_LF = body.X_LB * transform(options.X_BF);
  VectorXd x = first_guess(known, options);
  IntervalOptions intervals;
  intervals.level = options.level;
  intervals.max_order = std::min(options.max_order, static_cast<int>(known.arm.rows()) / 20);
  intervals.simulations = 0;
  constexpr int kMost = 50;
  bool converged = false;
  for (int pass = 0; pass < kMost && !converged; ++pass) {
    const SeriesRows rows = linearised(known, X_LF, options, x);
    const VectorXd lengths = rows.X.colwise().norm().cwiseMax(1e-300);
    const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(rows.X * lengths.cwiseInverse().asDiagonal());
    if (qr.rank() < rows.X.cols()) {
      return Error{ErrorCode::kBadInput,
                   "the motion does not tell mass and centre of gravity apart; turn the last joints too"};
    }
    const VectorXd step = estimate_linear(rows, intervals).value;
    // The centre hangs on the mass; a step that would turn the mass round is shortened.
    x += (step(0) < -0.5 * x(0) ? -0.5 * x(0) / step(0) : 1) * step;
    converged = step.head<kCommon>().norm() < 1e-9 * (1 + x.head<kCommon>().norm());
  }
  intervals.simulations = 40;
  const SeriesRows there = linearised(known, X_LF, options, x);
  PayloadEstimate out = told(known, x, estimate_linear(there, intervals), there.y);
  out.converged = converged;
  return out;
}

Model without_bodies(const Model& model, const scene::Scene& scene, std::span<const scene::BodyId> bodies) {
  Model out = model;
  for (const scene::BodyId id : bodies) {
    const auto at = static_cast<std::size_t>(id.value);
    const dynamics::BodyAddress& address = model.bodies[at];
    GEOUL_EXPECTS(address.link >= 0);
    const scene::MassProperties& mass = scene.bodies[at].mass;
    const Inertiad own = to_parent(address.X_LB, inertia_about_origin(mass.mass, mass.center, mass.inertia));
    Inertiad& link = out.links[static_cast<std::size_t>(address.link)].inertia;
    link = to_inertia(to_parameters(link) - to_parameters(own));
  }
  return out;
}

}  // namespace geoul::estimation
