#include "geoul/estimation/causes.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// Fit of one signature: gain of log likelihood, unknowns and their covariance.
struct SignatureFit {
  double gain = 0;
  VectorXd p;
  MatrixXd covariance;
};

class Judge {
 public:
  Judge(const dynamics::Model& model, const CauseOptions& options, std::span<const EvidenceFrame> frames,
        std::span<const double> covariance)
      : model_(model), options_(options), frames_(frames), nv_(model.nv), data_(make_data(model)) {
    const MatrixXd S = Eigen::Map<const MatrixXd>(covariance.data(), nv_, nv_);
    const Eigen::LLT<MatrixXd> factor(S);
    GEOUL_EXPECTS(factor.info() == Eigen::Success);
    whitener_ = factor.matrixL().solve(MatrixXd::Identity(nv_, nv_));
    w_.resize(nv_, static_cast<Eigen::Index>(frames.size()));
    for (std::size_t t = 0; t < frames.size(); ++t) {
      w_.col(static_cast<Eigen::Index>(t)) = whitener_ * Eigen::Map<const VectorXd>(frames[t].external.data(), nv_);
    }
  }

  void judge_inertial(Cause cause, int link);
  void judge_friction(int joint);
  void judge_collision(int link);
  void judge_bias(int joint);
  void judge_looseness(int joint);
  std::array<RankedCause, kCauses> ranked();

 private:
  template <class Columns>
  SignatureFit fit(int unknowns, const Columns& columns);
  void offer(Cause cause, double gain, double unknowns, RankedCause ranked);
  MatrixXd slope(const EvidenceFrame& frame, int joint);

  const dynamics::Model& model_;
  CauseOptions options_;
  std::span<const EvidenceFrame> frames_;
  int nv_;
  dynamics::Data data_;
  MatrixXd whitener_, w_;
  std::array<RankedCause, kCauses> best_;
  std::array<bool, kCauses> any_{};
};

// columns(frame) gives (nv x unknowns), before whitening.
template <class Columns>
SignatureFit Judge::fit(int unknowns, const Columns& columns) {
  MatrixXd A = MatrixXd::Zero(unknowns, unknowns);
  VectorXd b = VectorXd::Zero(unknowns);
  for (std::size_t t = 0; t < frames_.size(); ++t) {
    const MatrixXd Phi = whitener_ * columns(frames_[t]);
    A.noalias() += Phi.transpose() * Phi;
    b.noalias() += Phi.transpose() * w_.col(static_cast<Eigen::Index>(t));
  }
  // Directions that the evidence does not show stay at zero.
  const double scale = std::max(A.diagonal().maxCoeff(), 1e-300);
  for (int i = 0; i < unknowns; ++i) A(i, i) += 1e-9 * scale + 1e-12;
  const Eigen::LDLT<MatrixXd> solver(A);
  SignatureFit out;
  out.p = solver.solve(b);
  out.covariance = solver.solve(MatrixXd::Identity(unknowns, unknowns));
  out.gain = 0.5 * b.dot(out.p);
  return out;
}

void Judge::offer(Cause cause, double gain, double unknowns, RankedCause ranked) {
  ranked.cause = cause;
  ranked.evidence = gain - 0.5 * unknowns * std::log(static_cast<double>(frames_.size()));
  const bool wrong = cause == Cause::kWrongModel;
  if (wrong != options_.from_start) ranked.evidence += std::log(options_.start_prior);
  const auto i = static_cast<std::size_t>(cause);
  if (any_[i] && ranked.evidence <= best_[i].evidence) return;
  any_[i] = true;
  best_[i] = ranked;
}

void Judge::judge_inertial(Cause cause, int link) {
  const int first = cause == Cause::kSlippedTool ? 1 : 0;
  dynamics::Model unit = model_;
  for (dynamics::Link& l : unit.links) l.inertia = {};
  for (dynamics::JointLaw& law : unit.laws) law.armature = 0;
  dynamics::Data data = make_data(unit);
  std::vector<double> tau(size(nv_));
  const auto columns = [&](const EvidenceFrame& frame) {
    MatrixXd Phi = MatrixXd::Zero(nv_, 4 - first);
    if (frame.time < 0) return Phi;
    for (int k = first; k < 4; ++k) {
      Inertiad& inertia = unit.links[size(link)].inertia;
      inertia = {};
      if (k == 0) inertia.m = 1;
      if (k > 0) inertia.h[k - 1] = 1;
      inverse_dynamics(unit, frame.q, frame.v, frame.a, {}, data, tau);
      for (int i = 0; i < nv_; ++i) Phi(i, k - first) = -tau[size(i)];  // the drives carry it: w is its opposite
    }
    return Phi;
  };
  const SignatureFit f = fit(4 - first, columns);
  RankedCause r;
  r.place = link, r.of_link = true;
  if (first == 0) {
    r.size = f.p(0), r.deviation = std::sqrt(f.covariance(0, 0)), r.unit = "kg";
    const bool needs_mass = cause == Cause::kPayload;
    if (needs_mass && r.size < 3 * r.deviation) return;
  } else {
    r.size = f.p.norm(), r.unit = "kg m";
    r.deviation = r.size > 0 ? std::sqrt(f.p.dot(f.covariance * f.p)) / r.size : 0;
  }
  offer(cause, f.gain, 4 - first, r);
}

void Judge::judge_friction(int joint) {
  const auto j = size(joint);
  const auto columns = [&](int unknowns) {
    return [&, unknowns](const EvidenceFrame& frame) {
      MatrixXd Phi = MatrixXd::Zero(nv_, unknowns);
      if (frame.time < 0) return Phi;
      Phi(joint, 0) = -std::tanh(frame.v[j] / options_.friction_speed);
      if (unknowns > 1) Phi(joint, 1) = -frame.v[j];
      return Phi;
    };
  };
  SignatureFit f = fit(2, columns(2));
  double unknowns = 2;
  if (f.p(0) <= 0 || f.p(1) <= 0) f = fit(1, columns(1)), unknowns = 1;
  if (f.p(0) <= 0) return;
  offer(Cause::kFrictionRise, f.gain, unknowns,
        {Cause::kFrictionRise, 0, 0, joint, false, f.p(0), std::sqrt(f.covariance(0, 0)), "N.m"});
}

void Judge::judge_collision(int link) {
  std::vector<MatrixXd> jacobians;  // of the link's origin, (6 x nv)
  for (const EvidenceFrame& frame : frames_) {
    forward_kinematics(model_, frame.q, frame.v, data_);
    Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> J(6, nv_);
    int body = 0;
    while (model_.bodies[size(body)].link != link) ++body;
    body_jacobian(model_, data_, scene::BodyId{body}, {}, {J.data(), size(6 * nv_)});
    jacobians.push_back(J);
  }
  // Alternating least squares: F for given s_t, with the prior of a force on the link, then s_t for given F.
  constexpr double kBefore = 0.01, kLongest = 0.2, kForce = 100, kMoment = 10;  // [s], [s], [N], [N.m]
  std::vector<std::size_t> pulse;
  for (std::size_t t = 0; t < frames_.size(); ++t) {
    if (frames_[t].time >= -kBefore && frames_[t].time <= kLongest) pulse.push_back(t);
  }
  if (pulse.empty()) return;
  std::vector<MatrixXd> Phi;
  std::vector<double> shape;
  for (std::size_t t : pulse) {
    Phi.push_back(whitener_ * jacobians[t].transpose());
    shape.push_back(w_.col(static_cast<Eigen::Index>(t)).norm());
  }
  const double strongest = *std::max_element(shape.begin(), shape.end());
  if (!(strongest > 0)) return;
  VectorXd F = VectorXd::Zero(6), prior(6);
  prior << VectorXd::Constant(3, 1 / (kMoment * kMoment)), VectorXd::Constant(3, 1 / (kForce * kForce));
  MatrixXd A;
  double gain = 0;
  for (double& s : shape) s /= strongest;
  for (int iteration = 0; iteration < 12; ++iteration) {
    A = prior.asDiagonal();
    VectorXd b = VectorXd::Zero(6);
    for (std::size_t k = 0; k < pulse.size(); ++k) {
      A.noalias() += shape[k] * shape[k] * Phi[k].transpose() * Phi[k];
      b.noalias() += shape[k] * Phi[k].transpose() * w_.col(static_cast<Eigen::Index>(pulse[k]));
    }
    F = A.ldlt().solve(b);
    double greatest = 0;
    gain = 0;
    for (std::size_t k = 0; k < pulse.size(); ++k) {
      const VectorXd along = Phi[k] * F;
      const double square = along.squaredNorm(), product = along.dot(w_.col(static_cast<Eigen::Index>(pulse[k])));
      shape[k] = square > 0 ? product / square : 0;
      gain += square > 0 ? 0.5 * product * product / square : 0;
      greatest = std::max(greatest, std::abs(shape[k]));
    }
    if (!(greatest > 0)) return;
    for (double& s : shape) s /= greatest;
    F *= greatest;
  }
  const double force = F.tail(3).norm();
  RankedCause r{Cause::kCollision, 0, 0, link, true, force, 0, "N"};
  const VectorXd direction = force > 0 ? VectorXd(F.tail(3) / force) : VectorXd(VectorXd::Zero(3));
  const MatrixXd covariance = A.ldlt().solve(MatrixXd::Identity(6, 6));
  r.deviation = std::sqrt(direction.dot(covariance.bottomRightCorner(3, 3) * direction));
  // A wrench that joints before the link carry has at most as many unknowns as they; and the pulse one a frame.
  offer(Cause::kCollision, gain, std::min(6, link + 1) + static_cast<double>(pulse.size()), r);
}

// d tau / d q_j of inverse dynamics at the frame (nv).
MatrixXd Judge::slope(const EvidenceFrame& frame, int joint) {
  constexpr double kStep = 1e-5;
  std::vector<double> move(size(nv_)), q(size(model_.nq));
  VectorXd side[2] = {VectorXd(nv_), VectorXd(nv_)};
  for (int k = 0; k < 2; ++k) {
    move[size(joint)] = k == 0 ? -kStep : kStep;
    integrate_position(model_, frame.q, move, 1, q);
    inverse_dynamics(model_, q, frame.v, frame.a, {}, data_, {side[k].data(), size(nv_)});
  }
  return (side[1] - side[0]) / (2 * kStep);
}

void Judge::judge_bias(int joint) {
  const SignatureFit torque = fit(1, [&](const EvidenceFrame& frame) {
    MatrixXd Phi = MatrixXd::Zero(nv_, 1);
    if (frame.time >= 0) Phi(joint, 0) = -1;
    return Phi;
  });
  offer(Cause::kSensorBias, torque.gain, 1,
        {Cause::kSensorBias, 0, 0, joint, false, torque.p(0), std::sqrt(torque.covariance(0, 0)), "N.m"});
  const SignatureFit encoder = fit(1, [&](const EvidenceFrame& frame) {
    return frame.time >= 0 ? slope(frame, joint) : MatrixXd(MatrixXd::Zero(nv_, 1));
  });
  offer(Cause::kSensorBias, encoder.gain, 1,
        {Cause::kSensorBias, 0, 0, joint, false, encoder.p(0), std::sqrt(encoder.covariance(0, 0)), "rad"});
}

void Judge::judge_looseness(int joint) {
  constexpr double kHang = 0.15;  // [s]
  const auto j = size(joint);
  double square = 0, frames = 0, reversal = -1e9;
  for (std::size_t t = 0; t < frames_.size(); ++t) {
    const bool reversed = t > 0 && frames_[t].load[j] * frames_[t - 1].load[j] <= 0;
    if (reversed) reversal = frames_[t].time;
    if (frames_[t].time < -0.05 || frames_[t].time - reversal > kHang) continue;
    square += w_.col(static_cast<Eigen::Index>(t)).squaredNorm();
    frames += 1;
  }
  const double values = frames * nv_;
  if (!(values > 0) || square <= values) return;
  const double rise = square / values;
  offer(Cause::kLooseJoint, 0.5 * square - 0.5 * values * (1 + std::log(rise)), 1,
        {Cause::kLooseJoint, 0, 0, joint, false, std::sqrt(rise), std::sqrt(rise / (2 * values)), "times the noise"});
}

std::array<RankedCause, kCauses> Judge::ranked() {
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < best_.size(); ++i) {
    best_[i].cause = static_cast<Cause>(i);
    if (!any_[i]) best_[i].evidence = -std::numeric_limits<double>::infinity();
    most = std::max(most, best_[i].evidence);
  }
  double sum = 0;
  for (RankedCause& r : best_) sum += r.probability = std::exp(r.evidence - most);
  for (RankedCause& r : best_) r.probability /= sum;
  std::stable_sort(best_.begin(), best_.end(),
                   [](const RankedCause& a, const RankedCause& b) { return a.evidence > b.evidence; });
  return best_;
}

}  // namespace

std::array<RankedCause, kCauses> rank_causes(const dynamics::Model& model, const CauseOptions& options,
                                             std::span<const EvidenceFrame> frames,
                                             std::span<const double> covariance) {
  GEOUL_EXPECTS(!frames.empty() && covariance.size() == size(model.nv * model.nv));
  const int tool = options.tool_link < 0 ? model.nlink - 1 : options.tool_link;
  Judge judge(model, options, frames, covariance);
  judge.judge_inertial(Cause::kPayload, tool);
  judge.judge_inertial(Cause::kSlippedTool, tool);
  for (int link = 0; link < model.nlink; ++link) {
    if (model.links[size(link)].group < 0) continue;
    if (link != tool) judge.judge_inertial(Cause::kWrongModel, link);
    judge.judge_collision(link);
  }
  for (int joint = 0; joint < model.nv; ++joint) {
    judge.judge_friction(joint);
    judge.judge_bias(joint);
    judge.judge_looseness(joint);
  }
  return judge.ranked();
}

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::kPayload: return "payload";
    case Cause::kFrictionRise: return "friction rise";
    case Cause::kCollision: return "collision";
    case Cause::kSensorBias: return "sensor bias";
    case Cause::kSlippedTool: return "slipped tool";
    case Cause::kLooseJoint: return "loose joint";
    case Cause::kWrongModel: return "wrong model";
  }
  return "";
}

std::string describe(const RankedCause& cause, const dynamics::Model& model) {
  std::string place = (cause.of_link ? "link " : "joint ") + std::to_string(cause.place + 1);
  for (const dynamics::Link& link : model.links) {
    const bool here = cause.of_link ? &link == &model.links[size(std::max(cause.place, 0))] : link.v == cause.place;
    if (here && link.joint.valid() && !cause.of_link) place = model.joints[link.joint.index()].path;
  }
  char text[200];
  std::snprintf(text, sizeof(text), "%s of %.3g +- %.2g %s at %s (probability %.2g)", to_string(cause.cause),
                cause.size, 2 * cause.deviation, cause.unit, place.c_str(), cause.probability);
  return text;
}

}  // namespace geoul::estimation
