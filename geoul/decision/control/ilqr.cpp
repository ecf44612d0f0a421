#include "geoul/decision/control/ilqr.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "geoul/core/contract.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using std::size_t;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kDifference = 1e-5;  // of q, v [rad, m, per s]; error of central differences about its square
constexpr double kMostDamping = 1e12;

// Rows of the box-constrained Newton step: minimum of 1/2 d^T H d + g^T d with low <= d <= high, by sets of held
// entries; those held get no feedback. m is small.
struct BoxStep {
  VectorXd d;
  std::vector<bool> held;
  bool definite = true;
};
BoxStep box_step(const MatrixXd& H, const VectorXd& g, const VectorXd& low, const VectorXd& high) {
  const Index m = g.size();
  BoxStep out{VectorXd::Zero(m), std::vector<bool>(static_cast<size_t>(m), false), true};
  for (Index round = 0; round <= 2 * m; ++round) {
    MatrixXd K = H;
    VectorXd right = -g;
    for (Index i = 0; i < m; ++i) {
      if (!out.held[static_cast<size_t>(i)]) continue;
      right -= H.col(i) * out.d[i];
    }
    for (Index i = 0; i < m; ++i) {
      if (!out.held[static_cast<size_t>(i)]) continue;
      K.row(i).setZero(), K.col(i).setZero();
      K(i, i) = 1, right[i] = out.d[i];
    }
    const Eigen::LLT<MatrixXd> factor(K);
    if (factor.info() != Eigen::Success) return {VectorXd::Zero(m), {}, false};
    out.d = factor.solve(right);
    bool changed = false;
    for (Index i = 0; i < m; ++i) {
      const auto at = static_cast<size_t>(i);
      if (out.held[at]) {  // let go where the slope points inwards
        const double slope = g[i] + H.row(i).dot(out.d);
        if ((out.d[i] <= low[i] && slope < -1e-12) || (out.d[i] >= high[i] && slope > 1e-12))
          out.held[at] = false, changed = true;
      } else if (out.d[i] < low[i] || out.d[i] > high[i]) {
        out.d[i] = std::clamp(out.d[i], low[i], high[i]);
        out.held[at] = changed = true;
      }
    }
    if (!changed) break;
  }
  for (Index i = 0; i < m; ++i) out.d[i] = std::clamp(out.d[i], low[i], high[i]);
  return out;
}

struct Optimizer {
  const dynamics::Model& model;
  const TrajectoryProblem& problem;
  dynamics::Data data = make_data(model);
  size_t nv = static_cast<size_t>(model.nv), m = problem.degrees.size();
  size_t steps = static_cast<size_t>(problem.steps);
  std::vector<double> q = {}, v = {}, u = {};  // (steps + 1 x nv), the same, (steps x m)
  std::vector<MatrixXd> A = {}, B = {}, K = {};
  std::vector<VectorXd> k = {};
  double damping = 1e-6;
  double expected_1 = 0, expected_2 = 0;  // linear and quadratic part of the decrease that the way back expects

  std::span<const double> row(const std::vector<double>& of, size_t t, size_t n) const { return {&of[t * n], n}; }

  double cost_of(const std::vector<double>& qs, const std::vector<double>& vs, const std::vector<double>& us) const {
    double out = 0;
    for (size_t t = 0; t < steps; ++t)
      out += problem.dt * running_cost(problem.cost, row(qs, t, nv), row(vs, t, nv), row(us, t, m));
    return out + end_cost(problem.cost, row(qs, steps, nv), row(vs, steps, nv));
  }

  void linearise() {
    RowMatrix a(2 * nv, 2 * nv), b(2 * nv, m);
    for (size_t t = 0; t < steps; ++t) {
      smooth_derivatives(model, problem, row(q, t, nv), row(v, t, nv), row(u, t, m), data,
                         {a.data(), static_cast<size_t>(a.size())}, {b.data(), static_cast<size_t>(b.size())});
      A[t] = a, B[t] = b;
    }
  }

  // Slope and curvature of the cost in the state at t, with the given weights.
  void state_cost(size_t t, const std::vector<double>& wq, const std::vector<double>& wv, double scale, VectorXd& slope,
                  MatrixXd& curve) const {
    slope.resize(static_cast<Index>(2 * nv));
    curve = MatrixXd::Zero(slope.size(), slope.size());
    for (size_t i = 0; i < nv; ++i) {
      const auto a = static_cast<Index>(i), b = static_cast<Index>(i + nv);
      slope[a] = scale * wq[i] * (q[t * nv + i] - problem.cost.q_goal[i]);
      slope[b] = scale * wv[i] * (v[t * nv + i] - problem.cost.v_goal[i]);
      curve(a, a) = scale * wq[i], curve(b, b) = scale * wv[i];
    }
  }

  bool way_back() {
    VectorXd Vx, lx;
    MatrixXd Vxx, lxx;
    state_cost(steps, problem.cost.q_end, problem.cost.v_end, 1, Vx, Vxx);
    expected_1 = expected_2 = 0;
    for (size_t t = steps; t-- > 0;) {
      state_cost(t, problem.cost.q_weight, problem.cost.v_weight, problem.dt, lx, lxx);
      VectorXd Qu = B[t].transpose() * Vx, low(m), high(m);
      MatrixXd Quu = B[t].transpose() * Vxx * B[t];
      for (size_t i = 0; i < m; ++i) {
        const auto at = static_cast<Index>(i);
        const double now = u[t * m + i], weight = problem.dt * problem.cost.effort_weight[i];
        Qu[at] += weight * now, Quu(at, at) += weight;
        low[at] = -problem.limit[i] - now, high[at] = problem.limit[i] - now;
      }
      const MatrixXd Qux = B[t].transpose() * Vxx * A[t];
      MatrixXd damped = Quu;
      damped.diagonal().array() += damping;
      const BoxStep box = box_step(damped, Qu, low, high);
      if (!box.definite) return false;
      k[t] = box.d;
      MatrixXd right = -Qux;
      for (size_t i = 0; i < m; ++i) {
        const auto at = static_cast<Index>(i);
        if (!box.held[i]) continue;
        damped.row(at).setZero(), damped.col(at).setZero();
        damped(at, at) = 1, right.row(at).setZero();
      }
      K[t] = damped.llt().solve(right);
      expected_1 += k[t].dot(Qu), expected_2 += 0.5 * k[t].dot(Quu * k[t]);
      const VectorXd Qx = lx + A[t].transpose() * Vx;
      const MatrixXd Qxx = lxx + A[t].transpose() * Vxx * A[t];
      Vx = Qx + K[t].transpose() * (Quu * k[t] + Qu) + Qux.transpose() * k[t];
      Vxx = Qxx + K[t].transpose() * Quu * K[t] + K[t].transpose() * Qux + Qux.transpose() * K[t];
      Vxx = (0.5 * (Vxx + Vxx.transpose())).eval();
    }
    return true;
  }

  // Efforts u + part k + K dx, run forward.
  void way_forward(double part, std::vector<double>& qs, std::vector<double>& vs, std::vector<double>& us) {
    qs.assign(q.begin(), q.begin() + static_cast<std::ptrdiff_t>(nv)), qs.resize(q.size());
    vs.assign(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(nv)), vs.resize(v.size());
    us.resize(u.size());
    VectorXd dx(static_cast<Index>(2 * nv));
    for (size_t t = 0; t < steps; ++t) {
      for (size_t i = 0; i < nv; ++i) {
        dx[static_cast<Index>(i)] = qs[t * nv + i] - q[t * nv + i];
        dx[static_cast<Index>(i + nv)] = vs[t * nv + i] - v[t * nv + i];
      }
      const VectorXd du = part * k[t] + K[t] * dx;
      for (size_t i = 0; i < m; ++i)
        us[t * m + i] = std::clamp(u[t * m + i] + du[static_cast<Index>(i)], -problem.limit[i], problem.limit[i]);
      smooth_step(model, problem, row(qs, t, nv), row(vs, t, nv), row(us, t, m), data, {&qs[(t + 1) * nv], nv},
                  {&vs[(t + 1) * nv], nv});
    }
  }

  // A step that lowers the cost by a part of what was expected; whether there was one.
  bool improve(double& cost) {
    std::vector<double> qs, vs, us;
    for (double part = 1; part > 1e-4; part *= 0.5) {
      way_forward(part, qs, vs, us);
      const double now = cost_of(qs, vs, us);
      const double expected = part * expected_1 + part * part * expected_2;
      if (!std::isfinite(now) || now - cost > 1e-4 * std::min(0.0, expected) || now > cost) continue;
      cost = now;
      q = std::move(qs), v = std::move(vs), u = std::move(us);
      return true;
    }
    return false;
  }

  double largest_step() const {
    double out = 0;
    for (const VectorXd& step : k) out = std::max(out, step.cwiseAbs().maxCoeff());
    return out;
  }
};

}  // namespace

void smooth_step(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                 std::span<const double> v, std::span<const double> u, dynamics::Data& data, std::span<double> q_next,
                 std::span<double> v_next) {
  std::vector<double>& tau = data.work[6];
  std::vector<double>& a = data.work[7];
  const double h = problem.dt;
  for (size_t i = 0; i < v.size(); ++i) {
    const dynamics::JointLaw& law = model.laws[i];
    tau[i] = -law.damping * v[i] - law.stiffness * (q[i] + h * v[i] - law.spring_position);
    data.diagonal[i] = law.armature + h * law.damping + h * h * law.stiffness;
  }
  for (size_t i = 0; i < u.size(); ++i) tau[static_cast<size_t>(problem.degrees[i])] += u[i];
  forward_dynamics(model, q, v, tau, {}, data, a);
  for (size_t i = 0; i < v.size(); ++i) {
    data.diagonal[i] = model.laws[i].armature;
    v_next[i] = v[i] + h * a[i];
    q_next[i] = q[i] + h * v_next[i];
  }
}

void smooth_derivatives(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                        std::span<const double> v, std::span<const double> u, dynamics::Data& data, std::span<double> A,
                        std::span<double> B) {
  const size_t nv = v.size(), m = u.size(), columns = 2 * nv + m;
  std::vector<double> x(q.begin(), q.end()), up(2 * nv), down(2 * nv);
  x.insert(x.end(), v.begin(), v.end()), x.insert(x.end(), u.begin(), u.end());
  const auto run = [&](std::vector<double>& out) {
    smooth_step(model, problem, {x.data(), nv}, {x.data() + nv, nv}, {x.data() + 2 * nv, m}, data, {out.data(), nv},
                {out.data() + nv, nv});
  };
  for (size_t c = 0; c < columns; ++c) {
    // The dynamics are linear in u: any difference is exact, a large one loses no digits.
    const double at = x[c], h = c < 2 * nv ? kDifference : 1;
    x[c] = at + h, run(up);
    x[c] = at - h, run(down);
    x[c] = at;
    for (size_t r = 0; r < 2 * nv; ++r) {
      const double slope = (up[r] - down[r]) / (2 * h);
      if (c < 2 * nv)
        A[r * 2 * nv + c] = slope;
      else
        B[r * m + c - 2 * nv] = slope;
    }
  }
}

IlqrReport ilqr(const dynamics::Model& model, const TrajectoryProblem& problem, std::span<const double> q,
                std::span<const double> v, std::span<const double> u, const IlqrOptions& options) {
  const auto nv = static_cast<size_t>(model.nv), m = problem.degrees.size(), steps = static_cast<size_t>(problem.steps);
  GEOUL_EXPECTS(model.nq == model.nv && model.constraints.empty() && problem.steps >= 1 && problem.dt > 0);
  GEOUL_EXPECTS(q.size() == nv && v.size() == nv && (u.empty() || u.size() == steps * m));
  GEOUL_EXPECTS(m > 0 && problem.limit.size() == m && problem.cost.effort_weight.size() == m);
  for (const std::vector<double>* of : {&problem.cost.q_goal, &problem.cost.v_goal, &problem.cost.q_weight,
                                        &problem.cost.v_weight, &problem.cost.q_end, &problem.cost.v_end})
    GEOUL_EXPECTS(of->size() == nv);
  Optimizer o{model, problem};
  o.q.assign(q.begin(), q.end()), o.q.resize((steps + 1) * nv);
  o.v.assign(v.begin(), v.end()), o.v.resize((steps + 1) * nv);
  o.u.assign(steps * m, 0);
  for (size_t i = 0; i < u.size(); ++i) o.u[i] = std::clamp(u[i], -problem.limit[i % m], problem.limit[i % m]);
  o.A.resize(steps), o.B.resize(steps);
  o.K.assign(steps, MatrixXd::Zero(static_cast<Index>(m), static_cast<Index>(2 * nv)));
  o.k.assign(steps, VectorXd::Zero(static_cast<Index>(m)));
  {
    std::vector<double> qs, vs, us;
    o.way_forward(0, qs, vs, us);
    o.q = qs, o.v = vs;
  }
  IlqrReport out;
  out.cost = o.cost_of(o.q, o.v, o.u);
  while (out.iterations < options.iterations && !out.converged) {
    ++out.iterations;
    o.linearise();
    while (!o.way_back() && o.damping < kMostDamping) o.damping *= 10;
    const double before = out.cost;
    const bool better = o.improve(out.cost);
    out.costs.push_back(out.cost);
    if (better) {
      o.damping = std::max(1e-9, 0.3 * o.damping);
      out.converged = before - out.cost <= options.tolerance * std::abs(before);
    } else {  // no decrease to be had: done where the model expects none either, else a safer step
      out.converged = std::abs(o.expected_1) <= options.tolerance * std::max(std::abs(before), 1e-12);
      if (o.damping >= kMostDamping) break;
      o.damping *= 10;
    }
  }
  // Gains of the trajectory that was found, without damping where the cost curves upwards there.
  o.linearise();
  const double damping = std::exchange(o.damping, 0.0);
  if (!o.way_back()) {
    o.damping = damping;
    (void)o.way_back();
  }
  out.gradient = o.largest_step();
  out.q = o.q, out.v = o.v, out.u = o.u;
  for (const MatrixXd& K : o.K) {
    for (Index r = 0; r < K.rows(); ++r) {
      for (Index c = 0; c < K.cols(); ++c) out.gain.push_back(-K(r, c));
    }
  }
  return out;
}

}  // namespace geoul::decision
