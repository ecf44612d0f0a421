#include "geoul/dynamics/controllers.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::dynamics {
namespace {

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}
bool finite(const Vec3d& v) { return std::isfinite(v.x) && std::isfinite(v.y) && std::isfinite(v.z); }

std::string degree_name(const Model& model, std::size_t k) {
  for (std::size_t j = 0; j < model.layout.joints.size(); ++j) {
    const scene::JointAddress& a = model.layout.joints[j];
    const auto degree = static_cast<int>(k);
    if (a.v >= 0 && degree >= a.v && degree < a.v + a.nv)
      return "joint '" + model.joints[j].path + "'" + (a.nv > 1 ? " degree " + std::to_string(degree - a.v) : "");
  }
  return "degree " + std::to_string(k);
}

// The first of a target's values that is not a number, as an error.
Result<void> check_numbers(const Model& model, std::span<const double> values, const char* what) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!std::isfinite(values[k]))
      return Error{ErrorCode::kBadInput, degree_name(model, k) + ": " + what + " is not a number; nothing was moved"};
  }
  return {};
}

bool has_integral(ControlMode mode) {
  return mode == ControlMode::kVelocity || mode == ControlMode::kPosition || mode == ControlMode::kComputedTorque;
}

// One degree at this instant.
struct Degree {
  const JointGains& g;
  double e, de;  // position and velocity error
  double integrand() const { return g.ki * (g.mode == ControlMode::kVelocity ? de : e); }
};

Degree degree_at(const JointGains& gains, const Model& model, const scene::State& state, const JointTargets& targets,
                 std::size_t k) {
  const int q = model.laws[k].q;
  const double e = q >= 0 ? targets.position[k] - state.q[static_cast<std::size_t>(q)] : 0;
  return {gains, e, targets.velocity[k] - state.v[k]};
}

// Effort before limits; memory.computed holds inverse dynamics, memory.bias those of no acceleration.
double wanted_effort(const Degree& d, const Model& model, const scene::State& state, const JointTargets& targets,
                     const ControllerMemory& memory, std::size_t k) {
  const double feed = targets.effort[k];
  switch (d.g.mode) {
    case ControlMode::kEffort: return feed;
    case ControlMode::kVelocity: return d.g.kp * d.de + memory.integral[k] + feed;
    case ControlMode::kPosition: return d.g.kp * d.e + d.g.kd * d.de + memory.integral[k] + feed;
    case ControlMode::kImpedance: return d.g.kp * d.e + d.g.kd * d.de + feed + memory.bias[k];
    case ControlMode::kComputedTorque: {
      const JointLaw& law = model.laws[k];
      const double at = state.q[static_cast<std::size_t>(law.q)];
      return memory.computed[k] + law.damping * state.v[k] + law.stiffness * (at - law.spring_position) + feed;
    }
  }
  return feed;
}

// Inverse dynamics where a mode needs them.
void model_efforts(std::span<const JointGains> gains, const Model& model, const scene::State& state,
                   const JointTargets& targets, Data& data, ControllerMemory& memory) {
  const auto uses = [&](ControlMode mode) {
    return std::any_of(gains.begin(), gains.end(), [&](const JointGains& g) { return g.mode == mode; });
  };
  if (uses(ControlMode::kImpedance)) {
    std::fill(memory.wanted.begin(), memory.wanted.end(), 0.0);
    inverse_dynamics(model, state.q, state.v, memory.wanted, {}, data, memory.bias);
  }
  if (!uses(ControlMode::kComputedTorque)) return;
  for (std::size_t k = 0; k < gains.size(); ++k) {
    const Degree d = degree_at(gains[k], model, state, targets, k);
    memory.wanted[k] = gains[k].mode == ControlMode::kComputedTorque
                           ? targets.acceleration[k] + d.g.kp * d.e + d.g.kd * d.de + memory.integral[k]
                           : 0;
  }
  inverse_dynamics(model, state.q, state.v, memory.wanted, {}, data, memory.computed);
}

// ---- Cartesian ----

// Cholesky factor of a symmetric matrix (n x n, row-major) in its lower triangle; false where it is not safely
// positive.
bool factorise(std::span<double> A, std::size_t n) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, A[i * n + i]);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = A[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= A[i * n + k] * A[j * n + k];
      if (i != j) {
        A[i * n + j] = sum / A[j * n + j];
      } else if (sum > 1e-12 * largest) {
        A[i * n + i] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  }
  return true;
}
void solve(std::span<const double> L, std::size_t n, double* x) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) x[i] -= L[i * n + k] * x[k];
    x[i] /= L[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) x[i] -= L[k * n + i] * x[k];
    x[i] /= L[i * n + i];
  }
}

// posture := (1 - J^T L J M^-1) posture; false where L has no inverse.
bool project(const Model& model, const scene::State& state, Data& data, CartesianMemory& memory) {
  const auto n = static_cast<std::size_t>(model.nv);
  mass_matrix(model, state.q, data, memory.M);
  if (!factorise(memory.M, n)) return false;
  // rows of MJ: M^-1 J^T by columns of J^T
  double A[36], x[6];
  std::copy(memory.J.begin(), memory.J.end(), memory.MJ.begin());
  for (std::size_t r = 0; r < 6; ++r) solve(memory.M, n, memory.MJ.data() + r * n);
  for (std::size_t r = 0; r < 6; ++r) {
    x[r] = 0;
    for (std::size_t k = 0; k < n; ++k) x[r] += memory.MJ[r * n + k] * memory.posture[k];
    for (std::size_t c = 0; c < 6; ++c) {
      A[r * 6 + c] = 0;
      for (std::size_t k = 0; k < n; ++k) A[r * 6 + c] += memory.J[r * n + k] * memory.MJ[c * n + k];
    }
  }
  if (!factorise(A, 6)) return false;
  solve(A, 6, x);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t r = 0; r < 6; ++r) memory.posture[k] -= memory.J[r * n + k] * x[r];
  }
  return true;
}

// At most `most` long; tells whether it was cut.
Vec3d cut(const Vec3d& v, double most, bool& was_cut) {
  const double length = norm(v);
  if (length <= most) return v;
  was_cut = true;
  return (most / length) * v;
}

// Wrench that the impedance asks for, in W at the site's origin. memory.J is the site's Jacobian.
Forced impedance_wrench(const CartesianImpedance& law, const Model& model, const scene::State& state,
                        const CartesianTarget& target, const CartesianMemory& memory, bool& was_cut) {
  const auto n = static_cast<std::size_t>(model.nv);
  double V[6] = {};
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t k = 0; k < n; ++k) V[r] += memory.J[r * n + k] * state.v[k];
  }
  const scene::Site& site = model.sites[law.site.index()];
  const Posed X_WB = site.body.valid() ? state.X_WB[site.body.index()] : Posed{};
  const Quatd R_WS = X_WB.R * site.X_BS.R;
  const Vec3d p_WS = transform(X_WB) * site.X_BS.p;
  const Mat3d R_WT = rotation_matrix(target.X_WT.R);
  const auto in_target = [&](const Mat3d& K, const Vec3d& x) { return R_WT * (K * transpose_times(R_WT, x)); };
  const Vec3d turn = rotation_matrix(R_WS) * log_rotation(conjugate(R_WS) * target.X_WT.R);
  const Vec3d f =
      in_target(law.stiffness, target.X_WT.p - p_WS) + in_target(law.damping, target.V_WT.v - Vec3d{V[3], V[4], V[5]});
  const Vec3d m =
      in_target(law.turn_stiffness, turn) + in_target(law.turn_damping, target.V_WT.w - Vec3d{V[0], V[1], V[2]});
  return Forced{cut(m, law.max_moment, was_cut), cut(f, law.max_force, was_cut)} + target.F_W;
}

}  // namespace

JointTargets make_targets(const Model& model, const scene::State& state) {
  const std::vector<double> zero(static_cast<std::size_t>(model.nv));
  JointTargets targets{zero, zero, zero, zero};
  for (std::size_t k = 0; k < zero.size(); ++k) {
    if (model.laws[k].q >= 0) targets.position[k] = state.q[static_cast<std::size_t>(model.laws[k].q)];
  }
  return targets;
}

ControllerMemory make_controller_memory(const Model& model) {
  const std::vector<double> zero(static_cast<std::size_t>(model.nv));
  return {zero, zero, zero, zero, zero};
}

void validate(std::span<const JointGains> gains, const Model& model, Diagnostics& diagnostics) {
  for (std::size_t k = 0; k < gains.size(); ++k) {
    const Location where{{}, 0, degree_name(model, k)};
    const JointGains& g = gains[k];
    const std::pair<double, const char*> values[] = {
        {g.kp, "kp"}, {g.ki, "ki"}, {g.kd, "kd"}, {g.effort_limit, "effort limit"}, {g.effort_rate, "effort rate"}};
    for (const auto& [value, name] : values) {
      if (std::isnan(value))
        diagnostics.error(where, "not-a-number", std::string(name) + " is not a number", "write one");
      if (value < 0 || (name[0] == 'k' && std::isinf(value)))
        diagnostics.error(where, "out-of-range", std::string(name) + " is " + std::to_string(value),
                          "write zero or a positive number");
    }
    if (model.laws[k].q < 0 && g.mode != ControlMode::kEffort)
      diagnostics.error(where, "no-degree", "a ball's degrees have no position of their own",
                        "control them by effort, or the body by Cartesian impedance");
  }
}

Result<void> control(std::span<const JointGains> gains, const Model& model, const scene::State& state,
                     const JointTargets& targets, Duration dt, Data& data, ControllerMemory& memory,
                     std::span<double> effort) {
  const auto n = static_cast<std::size_t>(model.nv);
  GEOUL_EXPECTS(gains.size() == n && effort.size() == n && memory.integral.size() == n && dt.ns > 0);
  GEOUL_EXPECTS(targets.position.size() == n && targets.velocity.size() == n && targets.acceleration.size() == n &&
                targets.effort.size() == n);
  const std::pair<std::span<const double>, const char*> inputs[] = {{targets.position, "target position"},
                                                                    {targets.velocity, "target velocity"},
                                                                    {targets.acceleration, "target acceleration"},
                                                                    {targets.effort, "effort"},
                                                                    {state.v, "velocity"}};
  for (const auto& [values, what] : inputs) {
    if (Result<void> good = check_numbers(model, values, what); !good) return good;
  }
  if (!all_finite(state.q)) return Error{ErrorCode::kBadInput, "a joint position is not a number; nothing was moved"};

  model_efforts(gains, model, state, targets, data, memory);
  const double h = dt.seconds();
  for (std::size_t k = 0; k < n; ++k) {
    const JointGains& g = gains[k];
    const Degree d = degree_at(g, model, state, targets, k);
    const double wanted = wanted_effort(d, model, state, targets, memory, k);
    double given = std::clamp(wanted, -g.effort_limit, g.effort_limit);
    given = std::clamp(given, memory.effort[k] - h * g.effort_rate, memory.effort[k] + h * g.effort_rate);
    const bool pushes = (wanted - given) * d.integrand() > 0;
    if (has_integral(g.mode) && !pushes) memory.integral[k] += h * d.integrand();
    effort[k] = memory.effort[k] = given;
  }
  return {};
}

CartesianMemory make_cartesian_memory(const Model& model) {
  const auto n = static_cast<std::size_t>(model.nv);
  return {std::vector<double>(6 * n), std::vector<double>(n * n), std::vector<double>(6 * n), std::vector<double>(n),
          std::vector<double>(n)};
}

void validate(const CartesianImpedance& law, const Model& model, Diagnostics& diagnostics) {
  const Location where{{}, 0, law.name};
  if (!law.site.valid() || law.site.index() >= model.sites.size())
    diagnostics.error(where, "no-site", "its site does not exist", "name a site of the scene");
  const std::pair<const Mat3d*, const char*> matrices[] = {{&law.stiffness, "stiffness"},
                                                           {&law.damping, "damping"},
                                                           {&law.turn_stiffness, "turn stiffness"},
                                                           {&law.turn_damping, "turn damping"}};
  for (const auto& [m, name] : matrices) {
    if (!finite(m->r0) || !finite(m->r1) || !finite(m->r2)) {
      diagnostics.error(where, "not-a-number", std::string(name) + " is not finite", "write nine finite numbers");
      continue;
    }
    const Mat3d& A = *m;  // symmetric part positive semidefinite: principal minors
    const Sym3d S = symmetric_part(A);
    const double minors[] = {S.xx,
                             S.yy,
                             S.zz,
                             S.xx * S.yy - S.xy * S.xy,
                             S.xx * S.zz - S.xz * S.xz,
                             S.yy * S.zz - S.yz * S.yz,
                             determinant(full(S))};
    if (std::any_of(std::begin(minors), std::end(minors), [](double x) { return x < 0; }))
      diagnostics.error(where, "out-of-range", std::string(name) + " would push away", "write a positive matrix");
  }
  const double limits[] = {law.max_force, law.max_moment, law.effort_limit, law.posture_kp, law.posture_kd};
  if (std::any_of(std::begin(limits), std::end(limits), [](double x) { return !(x >= 0); }))
    diagnostics.error(where, "out-of-range", "a limit or posture gain is negative or not a number",
                      "write zero or positive numbers");
}

Result<CartesianReport> control(const CartesianImpedance& law, const Model& model, const scene::State& state,
                                const CartesianTarget& target, Data& data, CartesianMemory& memory,
                                std::span<double> effort) {
  const auto n = static_cast<std::size_t>(model.nv);
  GEOUL_EXPECTS(effort.size() == n && memory.bias.size() == n && law.site.valid());
  GEOUL_EXPECTS(target.posture.empty() || target.posture.size() == n);
  const bool good = finite(target.X_WT.p) && std::abs(squared_norm(target.X_WT.R) - 1) < 1e-6 &&
                    finite(target.V_WT.w) && finite(target.V_WT.v) && finite(target.F_W.n) && finite(target.F_W.f) &&
                    all_finite(target.posture);
  if (!good)
    return Error{ErrorCode::kBadInput, law.name + ": the target is not a number or its orientation no unit quaternion"};
  if (!all_finite(state.q) || !all_finite(state.v))
    return Error{ErrorCode::kBadInput, law.name + ": a joint's position or velocity is not a number"};

  std::fill(memory.posture.begin(), memory.posture.end(), 0.0);
  inverse_dynamics(model, state.q, state.v, memory.posture, {}, data, memory.bias);
  forward_kinematics(model, state.q, state.v, data);
  site_jacobian(model, data, law.site, memory.J);
  CartesianReport report;
  report.F_W = impedance_wrench(law, model, state, target, memory, report.force_cut);
  if (!target.posture.empty()) {
    for (std::size_t k = 0; k < n; ++k) {
      const int q = model.laws[k].q;
      if (q < 0) continue;
      memory.posture[k] =
          law.posture_kp * (target.posture[k] - state.q[static_cast<std::size_t>(q)]) - law.posture_kd * state.v[k];
    }
    report.singular = !project(model, state, data, memory);
    if (report.singular) std::fill(memory.posture.begin(), memory.posture.end(), 0.0);
  }
  const double F[6] = {report.F_W.n.x, report.F_W.n.y, report.F_W.n.z, report.F_W.f.x, report.F_W.f.y, report.F_W.f.z};
  for (std::size_t k = 0; k < n; ++k) {
    double u = memory.bias[k] + memory.posture[k];
    for (std::size_t r = 0; r < 6; ++r) u += memory.J[r * n + k] * F[r];
    effort[k] = std::clamp(u, -law.effort_limit, law.effort_limit);
  }
  return report;
}

}  // namespace geoul::dynamics
