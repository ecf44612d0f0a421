#include "geoul/decision/planning/inverse_kinematics.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::decision {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using std::size_t;

constexpr double kLongestStep = 0.5;  // [rad, m] of a joint
constexpr double kLeastDamping = 1e-9;
constexpr double kStill = 1e-8;  // [rad, m] largest step that is no progress of later tasks
constexpr int kPatience = 12;    // iterations without a hundredth of progress

struct Joint {
  int q = 0, v = 0;
  double lower = 0, upper = 0;
};

struct Solver {
  const dynamics::Model& model;
  const InverseKinematics& problem;
  const InverseKinematicsOptions& options;
  dynamics::Data data = make_data(model);
  std::vector<Joint> joints = {};
  std::vector<double> zero = std::vector<double>(static_cast<size_t>(model.nv)), J = {};
  std::vector<double> q = {};           // (nq)
  std::vector<MatrixXd> jacobian = {};  // by level (rows x n)
  std::vector<VectorXd> error = {};
  size_t levels = 0;  // that take part
  VectorXd step = {};
  std::vector<bool> held = {};
  std::vector<TaskResidual> residual = {};

  Index n() const { return static_cast<Index>(joints.size()); }

  void begin(std::span<const double> from) {
    q.assign(from.begin(), from.end());
    J.resize(6 * zero.size());
    for (const int d : problem.degrees) {
      const auto link = std::find_if(model.links.begin(), model.links.end(),
                                     [&](const dynamics::Link& l) { return l.ball < 0 && l.v == d; });
      GEOUL_EXPECTS(link != model.links.end() && !link->prescribed);
      const dynamics::JointLaw& law = model.laws[static_cast<size_t>(d)];
      joints.push_back({link->q, d, law.lower, law.upper});
    }
    const size_t count = problem.tasks.size() + (problem.posture.empty() ? 0 : 1);
    jacobian.resize(count), error.resize(count), residual.resize(problem.tasks.size());
    step.resize(n());
    held.resize(joints.size());
    if (!problem.posture.empty()) jacobian.back() = MatrixXd::Identity(n(), n()), error.back().resize(n());
  }

  void clamp() {
    for (const Joint& j : joints)
      q[static_cast<size_t>(j.q)] = std::clamp(q[static_cast<size_t>(j.q)], j.lower, j.upper);
  }

  // Errors and Jacobians of all levels at q, in W.
  void look() {
    forward_kinematics(model, q, zero, data);
    for (size_t t = 0; t < problem.tasks.size(); ++t) look_at_task(t);
    if (problem.posture.empty()) return;
    for (Index i = 0; i < n(); ++i) {
      const auto at = static_cast<size_t>(i);
      error.back()[i] = problem.posture[at] - q[static_cast<size_t>(joints[at].q)];
    }
  }
  void look_at_task(size_t t) {
    const PoseTask& task = problem.tasks[t];
    const dynamics::BodyAddress& at = model.bodies[task.body.index()];
    const Transformd X_WB = at.link < 0 ? at.X_LB : data.links[static_cast<size_t>(at.link)].X_WL * at.X_LB;
    const Transformd X_WT = X_WB * transform(task.X_BT);
    const Vec3d p = task.X_WG.p - X_WT.p;
    const Vec3d r = log_rotation(task.X_WG.R * conjugate(quaternion(X_WT.R)));
    residual[t] = {task.position ? norm(p) : 0, task.rotation ? norm(r) : 0};
    body_jacobian(model, data, task.body, task.X_BT.p, J);
    const int rows = (task.position ? 3 : 0) + (task.rotation ? 3 : 0);
    MatrixXd& out = jacobian[t];
    out.resize(rows, n());
    error[t].resize(rows);
    int row = 0;
    const auto take = [&](int first, const Vec3d& e) {
      for (int k = 0; k < 3; ++k, ++row) {
        error[t][row] = e[k];
        for (Index i = 0; i < n(); ++i)
          out(row, i) =
              J[static_cast<size_t>(first + k) * zero.size() + static_cast<size_t>(joints[static_cast<size_t>(i)].v)];
      }
    };
    if (task.position) take(3, p);
    if (task.rotation) take(0, r);
  }

  bool met() const {
    return residual[0].position <= options.position_tolerance && residual[0].rotation <= options.rotation_tolerance;
  }

  // Steps of all levels with the held joints left out.
  void solve_levels() {
    step.setZero();
    MatrixXd N = MatrixXd::Identity(n(), n());
    for (Index i = 0; i < n(); ++i) N(i, i) = held[static_cast<size_t>(i)] ? 0 : 1;
    for (size_t k = 0; k < levels; ++k) {
      const MatrixXd A = jacobian[k] * N;
      const VectorXd wanted = error[k] - jacobian[k] * step;
      const double damping = 0.5 * error[k].squaredNorm() + kLeastDamping;
      MatrixXd H = A * A.transpose();
      H.diagonal().array() += k == problem.tasks.size() ? kLeastDamping : damping;  // a posture is linear
      // Half of what a posture wants: the motion that it is left bends, and whole steps may swing about the best place.
      const double share = k == problem.tasks.size() ? 0.5 : 1;
      step += share * (A.transpose() * H.ldlt().solve(wanted));
      if (k + 1 == levels) break;
      Eigen::CompleteOrthogonalDecomposition<MatrixXd> inverse;
      inverse.setThreshold(1e-6);
      inverse.compute(A);
      N -= inverse.pseudoInverse() * A;
    }
  }

  // The step, with joints held that it would push beyond their limits.
  void make_step() {
    std::fill(held.begin(), held.end(), false);
    for (Index round = 0; round <= n(); ++round) {
      solve_levels();
      bool more = false;
      for (Index i = 0; i < n(); ++i) {
        const auto at = static_cast<size_t>(i);
        const double now = q[static_cast<size_t>(joints[at].q)];
        const bool out = (now >= joints[at].upper && step[i] > 0) || (now <= joints[at].lower && step[i] < 0);
        if (out && !held[at]) held[at] = more = true;
      }
      if (!more) break;
    }
    const double longest = step.cwiseAbs().maxCoeff();
    if (longest > kLongestStep) step *= kLongestStep / longest;
  }

  void apply() {
    for (Index i = 0; i < n(); ++i)
      q[static_cast<size_t>(joints[static_cast<size_t>(i)].q)] += held[static_cast<size_t>(i)] ? 0 : step[i];
    clamp();
  }

  // From q on; whether the first task is met. Iterations are counted into `count`.
  bool descend(int& count) {
    clamp();
    levels = jacobian.size();
    double best = std::numeric_limits<double>::infinity();
    int since = 0;
    bool reached = false;
    for (int i = 0; i < options.iterations; ++i, ++count) {
      look();
      reached = reached || met();
      if (met() && levels == 1) return true;
      make_step();
      if (met() && step.cwiseAbs().maxCoeff() < kStill) return true;
      const double now = error[0].norm();
      if (now < 0.99 * best) {
        best = now, since = 0;
      } else if (!reached && ++since > kPatience) {
        return false;
      }
      apply();
    }
    levels = 1;  // the last steps of later tasks moved the first by their curvature
    for (int i = 0; reached && i < kPatience; ++i, ++count) {
      look();
      if (met()) return true;
      make_step();
      apply();
    }
    look();
    return met();
  }

  void start_anywhere(Random& random, std::span<const double> from) {
    for (const Joint& j : joints) {
      const double at = from[static_cast<size_t>(j.q)];
      const double low = std::isfinite(j.lower) ? j.lower : at - std::numbers::pi;
      const double high = std::isfinite(j.upper) ? j.upper : at + std::numbers::pi;
      q[static_cast<size_t>(j.q)] = random.uniform(low, high);
    }
  }
};

std::string joint_name(const dynamics::Model& model, int degree) {
  for (size_t j = 0; j < model.joints.size(); ++j) {
    if (model.layout.joints[j].v == degree) return model.joints[j].path;
  }
  return "degree " + std::to_string(degree);
}

std::string words_of(const dynamics::Model& model, const InverseKinematicsReport& report) {
  char text[160];
  std::snprintf(text, sizeof text, "not reached from %d starts: the nearest is %.3g mm and %.3g rad off", report.starts,
                1e3 * report.residual[0].position, report.residual[0].rotation);
  std::string out = text;
  for (size_t i = 0; i < report.at_limit.size(); ++i)
    out += (i == 0 ? "; at their limits: " : ", ") + joint_name(model, report.at_limit[i]);
  return out;
}

}  // namespace

InverseKinematicsReport solve(const dynamics::Model& model, const InverseKinematics& problem, std::span<const double> q,
                              const InverseKinematicsOptions& options) {
  GEOUL_EXPECTS(!problem.tasks.empty() && !problem.degrees.empty() && options.starts >= 1);
  GEOUL_EXPECTS(q.size() == static_cast<size_t>(model.nq));
  GEOUL_EXPECTS(problem.posture.empty() || problem.posture.size() == problem.degrees.size());
  for (const PoseTask& task : problem.tasks) {
    GEOUL_EXPECTS(task.position || task.rotation);
    GEOUL_EXPECTS(std::isfinite(task.X_WG.p.x + task.X_WG.p.y + task.X_WG.p.z + squared_norm(task.X_WG.R)));
  }
  Solver solver{model, problem, options};
  solver.begin(q);
  Random random(options.seed);
  InverseKinematicsReport out;
  double best = std::numeric_limits<double>::infinity();
  while (out.starts < options.starts && !out.converged) {
    if (out.starts > 0) solver.start_anywhere(random, q);
    ++out.starts;
    out.converged = solver.descend(out.iterations);
    solver.look();
    if (const double now = solver.error[0].norm(); now < best || out.converged)
      best = now, out.q = solver.q, out.residual = solver.residual;
  }
  for (const Joint& j : solver.joints) {
    const double at = out.q[static_cast<size_t>(j.q)];
    if (at <= j.lower || at >= j.upper) out.at_limit.push_back(j.v);
  }
  if (!out.converged) out.words = words_of(model, out);
  return out;
}

}  // namespace geoul::decision
