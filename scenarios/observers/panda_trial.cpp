#include "scenarios/observers/panda_trial.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <fstream>

#include "geoul/core/contract.h"

namespace geoul::scenarios {
namespace {

constexpr int kJoints = PandaCycles::kJoints;
constexpr double kPeriod = 1e-3;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::vector<double> read_numbers(const std::string& file) {
  std::ifstream in(file);
  std::vector<double> numbers;
  for (double x; in >> x;) numbers.push_back(x);
  return numbers;
}

// Cycles from each row to the row before it.
int cycles_between(const double* q0, const double* q1, const double* v0, const double* v1) {
  double along = 0, square = 0, moved = 0;
  for (int j = 0; j < kJoints; ++j) {
    const double step = q1[j] - q0[j], mean = 0.5 * (v0[j] + v1[j]);
    moved += std::abs(step);
    along += step * mean;
    square += mean * mean;
  }
  if (moved == 0) return 0;
  return std::max(1, static_cast<int>(std::lround(along / (square * kPeriod + 1e-12))));
}

Rows smooth(const Rows& x) {
  constexpr int kHalf = 30;
  Rows out = x;
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    const Eigen::Index begin = std::max<Eigen::Index>(0, i - kHalf), end = std::min(x.rows(), i + kHalf + 1);
    out.row(i) = x.middleRows(begin, end - begin).colwise().mean();
  }
  return out;
}

constexpr int kJointTerms = 5;  // rotor, offset, viscous, tanh, tanh
constexpr int kTerms = 10 * kJoints + kJointTerms * kJoints;

void joint_terms(double v, double a, double* out) {
  out[0] = a, out[1] = 1, out[2] = v, out[3] = std::tanh(v / 0.02), out[4] = std::tanh(v / 0.2);
}

}  // namespace

std::optional<PandaCycles> read_panda_cycles(const std::string& source_folder) {
  const std::string log = source_folder + "/../shared/data/panda_log/exciting_traj_";
  const std::vector<double> q = read_numbers(log + "positions.txt"), v = read_numbers(log + "velocity.txt"),
                            tau = read_numbers(log + "torques.txt");
  if (q.empty() || q.size() != v.size() || q.size() != tau.size()) return std::nullopt;
  PandaCycles out;
  const auto push = [&](const double* from_q, const double* from_v, const double* from_tau, bool observed) {
    out.q.insert(out.q.end(), from_q, from_q + kJoints);
    out.v.insert(out.v.end(), from_v, from_v + kJoints);
    out.tau.insert(out.tau.end(), from_tau, from_tau + kJoints);
    out.observed.push_back(observed);
  };
  push(q.data(), v.data(), tau.data(), true);
  std::size_t last = 0;  // row that stands for the last cycle
  for (std::size_t row = 1; row < q.size() / kJoints; ++row) {
    const std::size_t a = last * kJoints, b = row * kJoints, before = (row - 1) * kJoints;
    const int cycles = cycles_between(&q[a], &q[b], &v[a], &v[b]);
    if (cycles == 0) continue;
    for (int k = 1; k < cycles; ++k) {
      double between[3][kJoints];
      const double s = static_cast<double>(k) / cycles;
      for (std::size_t j = 0; j < kJoints; ++j) {
        between[0][j] = q[a + j] + s * (q[b + j] - q[a + j]);
        between[1][j] = v[a + j] + s * (v[b + j] - v[a + j]);
        between[2][j] = tau[a + j] + s * (tau[b + j] - tau[a + j]);
      }
      push(between[0], between[1], between[2], false);
    }
    const bool held = std::equal(&tau[before], &tau[before] + kJoints, &tau[b]);
    push(&q[b], &v[b], &tau[b], !held);
    last = row;
  }
  return out;
}

PandaModel::PandaModel(const dynamics::Model& arm, const PandaCycles& cycles, long count)
    : arm_(arm), data_(make_data(arm)), friction_(4 * kJoints), rotor_(kJoints) {
  GEOUL_EXPECTS(arm.nv == kJoints && arm.nlink == kJoints && count > 1000 && count <= cycles.count());
  for (dynamics::JointLaw& law : arm_.laws) law.armature = 0;
  std::vector<dynamics::Model> units;  // one a parameter: all inertias zero but for it
  for (int p = 0; p < 10 * kJoints; ++p) {
    dynamics::Model unit = arm_;
    for (dynamics::Link& link : unit.links) link.inertia = {};
    Inertiad& inertia = unit.links[static_cast<std::size_t>(p / 10)].inertia;
    double* const entries[10] = {&inertia.m,    &inertia.h.x,  &inertia.h.y,  &inertia.h.z,  &inertia.I.xx,
                                 &inertia.I.yy, &inertia.I.zz, &inertia.I.xy, &inertia.I.xz, &inertia.I.yz};
    *entries[p % 10] = 1;
    units.push_back(std::move(unit));
  }
  const Rows q = Eigen::Map<const Rows>(cycles.q.data(), count, kJoints);
  const Rows v = smooth(Eigen::Map<const Rows>(cycles.v.data(), count, kJoints));
  const Rows tau = smooth(Eigen::Map<const Rows>(cycles.tau.data(), count, kJoints));
  const Rows twice = smooth(v);
  Eigen::MatrixXd G = Eigen::MatrixXd::Zero(kTerms, kTerms);
  Eigen::VectorXd g = Eigen::VectorXd::Zero(kTerms);
  constexpr double kWeights[kJoints] = {4, 1.9, 4, 3.8, 8, 12, 20};  // [1/(N.m)] about one over the residual
  Eigen::MatrixXd row(kJoints, kTerms);
  std::vector<double> a(kJoints), one(kJoints);
  constexpr long kMargin = 100, kEvery = 4;
  for (long i = kMargin; i + kMargin < count; i += kEvery) {
    row.setZero();
    for (int j = 0; j < kJoints; ++j)
      a[static_cast<std::size_t>(j)] = (twice(i + 1, j) - twice(i - 1, j)) / (2 * kPeriod);
    for (int p = 0; p < 10 * kJoints; ++p) {
      inverse_dynamics(units[static_cast<std::size_t>(p)], {q.row(i).data(), kJoints}, {v.row(i).data(), kJoints}, a,
                       {}, data_, one);
      for (int j = 0; j < kJoints; ++j) row(j, p) = one[static_cast<std::size_t>(j)];
    }
    for (int j = 0; j < kJoints; ++j) {
      double terms[kJointTerms];
      joint_terms(v(i, j), a[static_cast<std::size_t>(j)], terms);
      for (int k = 0; k < kJointTerms; ++k) row(j, 10 * kJoints + kJointTerms * j + k) = terms[k];
      row.row(j) *= kWeights[j];
      g += row.row(j).transpose() * (kWeights[j] * tau(i, j));
    }
    G.selfadjointView<Eigen::Lower>().rankUpdate(row.transpose());
  }
  const Eigen::VectorXd inverse = (G.diagonal().array() + 1e-9).sqrt().inverse();
  Eigen::MatrixXd A = inverse.asDiagonal() * Eigen::MatrixXd(G.selfadjointView<Eigen::Lower>()) * inverse.asDiagonal();
  A.diagonal().array() += 1e-6;  // parameters that no motion tells stay near zero
  const Eigen::VectorXd x = inverse.cwiseProduct(A.ldlt().solve(inverse.cwiseProduct(g)));
  for (int l = 0; l < kJoints; ++l) {
    const double* p = x.data() + 10 * l;
    arm_.links[static_cast<std::size_t>(l)].inertia = {p[0], {p[1], p[2], p[3]}, {p[4], p[5], p[6], p[7], p[8], p[9]}};
    const double* t = x.data() + 10 * kJoints + kJointTerms * l;
    rotor_[static_cast<std::size_t>(l)] = t[0];
    std::copy(t + 1, t + kJointTerms, friction_.begin() + 4 * l);
  }
}

void PandaModel::evaluate(const double* q, const double* v, double* bias, double* M) {
  const std::span<const double> at(q, kJoints), rate(v, kJoints);
  double zero[kJoints] = {}, terms[kJointTerms];
  mass_matrix(arm_, at, data_, {M, kJoints * kJoints});
  inverse_dynamics(arm_, at, rate, zero, {}, data_, {bias, kJoints});
  for (int j = 0; j < kJoints; ++j) {
    M[j * kJoints + j] += rotor_[static_cast<std::size_t>(j)];
    joint_terms(v[j], 0, terms);
    for (int k = 1; k < kJointTerms; ++k) bias[j] += friction_[static_cast<std::size_t>(4 * j + k - 1)] * terms[k];
  }
}

PandaFrames::PandaFrames(const PandaCycles& all, PandaModel& model) : cycles(&all) {
  const auto n = static_cast<std::size_t>(all.count());
  bias.resize(n * kJoints);
  M.resize(n * kJoints * kJoints);
  for (std::size_t i = 0; i < n; ++i) {
    model.evaluate(&all.q[i * kJoints], &all.v[i * kJoints], &bias[i * kJoints], &M[i * kJoints * kJoints]);
  }
}

TorqueFrame PandaFrames::operator()(long i) const {
  const auto at = static_cast<std::size_t>(i) * kJoints;
  return {{&cycles->v[at], kJoints},
          {&cycles->tau[at], kJoints},
          {&bias[at], kJoints},
          {&M[at * kJoints], kJoints * kJoints},
          cycles->observed[static_cast<std::size_t>(i)] != 0};
}

long find_step(TorqueWatch watch, const PandaFrames& frames, int joint, long onset, double size, long allowed) {
  std::vector<double> tau(kJoints);
  for (long i = onset; i < onset + allowed; ++i) {
    TorqueFrame frame = frames(i);
    std::copy(frame.tau.begin(), frame.tau.end(), tau.begin());
    tau[static_cast<std::size_t>(joint)] += size;
    frame.tau = tau;
    const TorqueStep step = watch.step(frame);
    if (step.found) return step.joint == joint ? i - onset + 1 : -1;
  }
  return -1;
}

TorqueWatchOptions panda_watch_options() {
  TorqueWatchOptions options;
  options.lags = {40, 40, 40, 40, 0, 0, 0};
  options.windows = {56, 56, 56, 56, 14, 14, 14};
  options.autoregression = 16;
  options.past = 24;
  options.spread = 12;
  options.others = 6;
  return options;
}

}  // namespace geoul::scenarios
