#include "geoul/dynamics/integrators.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/joint_laws.h"
#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {
namespace {

using std::size_t;

// One step of one island.
constexpr double kLeap = 0.02;  // of the largest velocity, in half a step

struct Stepper {
  const Model& model;
  const Island& island;
  const StepOptions& options;
  const Controls& controls;
  Data& data;
  scene::State& state;
  const Tree& tree = island.all;
  double h = options.dt.seconds();
  size_t v0 = static_cast<size_t>(tree.v_begin), v1 = static_cast<size_t>(tree.v_end);
  size_t q0 = static_cast<size_t>(tree.q_begin), q1 = static_cast<size_t>(tree.q_end);
  StepReport report = {};

  const Link& link(int i) const { return model.links[static_cast<size_t>(i)]; }

  template <class Visit>
  void each_prescribed(Visit visit) {
    for (int i = tree.begin; i < tree.end; ++i) {
      if (link(i).prescribed) visit(link(i), kernels::degrees(link(i).motion), link(i).ball >= 0 ? 4 : 1);
    }
  }
  void take_given(const std::vector<double>& from, std::vector<double>& to, bool positions) {
    each_prescribed([&](const Link& l, int nv, int nq) {
      const int at = positions ? l.q : l.v;
      for (int k = at; k < at + (positions ? nq : nv); ++k) to[static_cast<size_t>(k)] = from[static_cast<size_t>(k)];
    });
  }

  void prepare(const std::vector<double>& q, const std::vector<double>& v) {
    place_links(model, island, q.data(), v.data(), data);
    gather_external(model, island, controls.wrenches, data);
  }

  void solve(const std::vector<double>& tau, std::vector<double>& a) {
    kernels::articulated_bodies(model, tree.begin, tree.end, tau.data(), data.diagonal.data(), data.held.data(),
                                data.links.data(), data.balls.data(), a.data(), data.needed.data());
  }
  void solve(const std::vector<double>& tau, const ConstraintSolve& constraints, std::vector<double>& a) {
    solve(tau, a);
    if (constrained(island)) constrain(model, island, constraints, data, a);
  }

  // Leaves the links so that articulated_bodies is the plain product with the inverse of the joint-space inertia:
  // no velocity, no gravity, no wrench.
  void make_linear() {
    data.placed[static_cast<size_t>(&island - model.islands.data())] = 0;
    for (int i = tree.begin; i < tree.end; ++i) {
      LinkData& d = data.links[static_cast<size_t>(i)];
      d.V = d.c = {};
      d.f_ext = link(i).inertia * Motiond{{}, -transpose_times(d.X_WL.R, model.gravity)};
    }
  }

  void note(const LawReport& laws) {
    report.converged = report.converged && laws.converged;
    report.iterations = std::max(report.iterations, laws.iterations);
  }

  // ---- Euler ----

  void accelerate() {
    const bool implicit = options.integrator != Integrator::kSemiImplicitEuler;
    take_given(data.given[0].q, state.q, true);
    take_given(data.given[0].v, state.v, false);
    each_prescribed([&](const Link& l, int nv, int) {  // the mean over the step, so that its velocity arrives
      for (size_t k = static_cast<size_t>(l.v); k < static_cast<size_t>(l.v + nv); ++k) {
        state.a[k] = (data.given[2].v[k] - data.given[0].v[k]) / h;
      }
    });
    prepare(state.q, state.v);
    smooth_efforts(model, tree, controls, state.q, state.v, data.work[7]);
    note(solve_joint_laws(model, island, {h, implicit, options.max_iterations, {}}, controls, state.q, state.v, data,
                          state.tau, state.a));
  }

  // Prescribed links get the velocity that takes them exactly to where they will be: what touches them goes along, and
  // does not slip by the difference of two ways to integrate.
  void accelerate_freely() {
    take_given(data.given[0].q, state.q, true);
    each_prescribed([&](const Link& l, int nv, int) {
      const std::vector<double>&from = data.given[0].q, &to = data.given[2].q;
      const auto q = static_cast<size_t>(l.q), v = static_cast<size_t>(l.v);
      double mean[3] = {(to[q] - from[q]) / h};
      if (l.ball >= 0) {
        const Quatd R{from[q], from[q + 1], from[q + 2], from[q + 3]}, S{to[q], to[q + 1], to[q + 2], to[q + 3]};
        const Vec3d w = (1 / h) * log_rotation(conjugate(R) * S);
        mean[0] = w.x, mean[1] = w.y, mean[2] = w.z;
      }
      for (size_t k = 0; k < static_cast<size_t>(nv); ++k) {
        const double change = data.given[2].v[v + k] - data.given[0].v[v + k];
        state.v[v + k] = mean[k] - change, state.a[v + k] = change / h;
      }
    });
    prepare(state.q, state.v);
    implicit_efforts(model, tree, h, controls, state.q, state.v, data, state.tau);
    if (constrained(island)) return solve(state.tau, ConstraintSolve{}, state.a);
    // (M + diagonal) a = tau - bias by the factor that the contacts need anyway
    std::vector<double>&known = data.work[0], &force = data.work[1];
    for (size_t k = v0; k < v1; ++k) known[k] = 0;
    take_given(state.a, known, false);
    kernels::newton_euler(model, tree.begin, tree.end, known.data(), data.links.data(), force.data());
    for (size_t k = v0; k < v1; ++k) force[k] = state.tau[k] - force[k];
    factor_inertia(model, island, data);
    const double* from = force.data() + v0;
    double* to = force.data() + v0;
    solve_inertia(model, island, 1, &from, &to, data);
    for (size_t k = v0; k < v1; ++k) state.a[k] = known[k] + force[k];
  }

  void euler() {
    accelerate();
    for (size_t k = v0; k < v1; ++k) state.v[k] += h * state.a[k];
    integrate_position(model, tree, state.q, state.v, h, state.q);
    take_given(data.given[2].q, state.q, true);
    take_given(data.given[2].v, state.v, false);
    close();
  }

  // Back onto the constraints: both q and v.
  void close() {
    if (constrained(island)) report.closure = project(model, island, data, state.q, state.v);
  }

  static void turn(const double* from, const Quatd& by, double* to) {
    const Quatd r = normalized(Quatd{from[0], from[1], from[2], from[3]} * by);
    to[0] = r.w, to[1] = r.x, to[2] = r.y, to[3] = r.z;
  }

  // ---- Runge-Kutta-Munthe-Kaas ----

  // Rates of the local coordinates u (q = q0 exp u) and of v at one stage.
  void stage(const std::vector<double>* u, const std::vector<double>& v, int given, std::vector<double>& du,
             std::vector<double>& dv) {
    if (u != nullptr) {
      integrate_position(model, tree, state.q, *u, 1, data.stage.q);
    } else {
      std::copy(state.q.begin() + tree.q_begin, state.q.begin() + tree.q_end, data.stage.q.begin() + tree.q_begin);
    }
    std::copy(v.begin() + tree.v_begin, v.begin() + tree.v_end, data.stage.v.begin() + tree.v_begin);
    take_given(data.given[given].q, data.stage.q, true);
    take_given(data.given[given].v, data.stage.v, false);
    take_given(data.given[given].a, dv, false);
    prepare(data.stage.q, data.stage.v);
    smooth_efforts(model, tree, controls, data.stage.q, data.stage.v, data.tau);
    solve(data.tau, {}, dv);
    for (int i = tree.begin; i < tree.end; ++i) {
      const Link& l = link(i);
      const auto k = static_cast<size_t>(l.v);
      if (l.ball < 0 || u == nullptr) {
        for (size_t n = k; n < k + static_cast<size_t>(kernels::degrees(l.motion)); ++n) du[n] = data.stage.v[n];
        continue;
      }
      // du = w + u x w / 2 + u x (u x w) / 12: inverse differential of the exponential, to the order needed
      const Vec3d x{(*u)[k], (*u)[k + 1], (*u)[k + 2]}, w{data.stage.v[k], data.stage.v[k + 1], data.stage.v[k + 2]};
      const Vec3d xw = cross(x, w);
      const Vec3d d = w + 0.5 * xw + (1.0 / 12) * cross(x, xw);
      du[k] = d.x, du[k + 1] = d.y, du[k + 2] = d.z;
    }
  }

  void runge_kutta() {
    std::vector<double>&du = data.work[0], &dv = data.work[1], &u = data.work[2], &v = data.work[3];
    std::vector<double>&sum_u = data.work[4], &sum_v = data.work[5];
    const double weight[] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, reach[] = {0, 0.5, 0.5, 1};
    for (int s = 0; s < 4; ++s) {
      for (size_t k = v0; k < v1; ++k) {
        u[k] = s == 0 ? 0 : h * reach[s] * du[k];
        v[k] = state.v[k] + (s == 0 ? 0 : h * reach[s] * dv[k]);
      }
      stage(s == 0 ? nullptr : &u, v, s == 0 ? 0 : s == 3 ? 2 : 1, du, dv);
      mean_force(s, weight[s]);
      for (size_t k = v0; k < v1; ++k) {
        sum_u[k] = (s == 0 ? 0 : sum_u[k]) + weight[s] * h * du[k];
        sum_v[k] = (s == 0 ? 0 : sum_v[k]) + weight[s] * h * dv[k];
      }
    }
    integrate_position(model, tree, state.q, sum_u, 1, state.q);
    finish(sum_v);
  }

  // Force of the constraints, summed over stages.
  void mean_force(int stage, double weight) {
    ConstraintData& cd = data.constraints;
    for (int r = island.row_begin; r < island.row_end; ++r) {
      const auto at = static_cast<size_t>(r);
      cd.work[2][at] = (stage == 0 ? 0 : cd.work[2][at]) + weight * cd.force[at];
      if (stage == 3) cd.force[at] = cd.work[2][at];
    }
  }

  // v += dv, then friction and limits as impulses; a is the mean over the step.
  void finish(const std::vector<double>& dv) {
    for (size_t k = v0; k < v1; ++k) state.v[k] += dv[k];
    take_given(data.given[2].q, state.q, true);
    take_given(data.given[2].v, state.v, false);
    for (size_t k = v0; k < v1; ++k) state.a[k] = dv[k] / h;
    applied_efforts(model, tree, controls, state.q, state.v, state.tau);
    close();
    if (needs_impulses()) impulses();
  }

  bool needs_impulses() const {
    for (size_t k = v0; k < v1; ++k) {
      const JointLaw& law = model.laws[k];
      if (law.friction > 0 || std::abs(state.v[k]) > law.velocity_limit) return true;
      if (law.q < 0) continue;
      const double q = state.q[static_cast<size_t>(law.q)];
      if (q < law.lower || q > law.upper) return true;
    }
    return false;
  }

  void impulses() {
    prepare(state.q, state.v);
    make_linear();
    std::vector<double>&change = data.work[0], &tau = data.work[1];
    each_prescribed([&](const Link& l, int nv, int) {
      for (size_t k = static_cast<size_t>(l.v); k < static_cast<size_t>(l.v + nv); ++k) change[k] = 0;
    });
    for (size_t k = v0; k < v1; ++k) {  // what has passed a limit goes back to it; its velocity may not stay outwards
      const JointLaw& law = model.laws[k];
      data.work[7][k] = 0;
      if (law.q < 0) continue;
      double& q = state.q[static_cast<size_t>(law.q)];
      q = std::clamp(q, law.lower, law.upper);
    }
    const std::vector<double>& v = state.v;
    std::vector<double>&force = data.constraints.force, &smooth = data.constraints.work[2];
    std::copy(force.begin() + island.row_begin, force.begin() + island.row_end, smooth.begin() + island.row_begin);
    note(solve_joint_laws(model, island, {h, false, options.max_iterations, {ConstraintLevel::kVelocity, v, 1 / h}},
                          controls, state.q, v, data, tau, change));
    for (size_t k = v0; k < v1; ++k) {
      state.v[k] += h * change[k];
      state.a[k] += change[k];
    }
    for (int r = island.row_begin; r < island.row_end; ++r)
      force[static_cast<size_t>(r)] += smooth[static_cast<size_t>(r)];
  }

  // ---- implicit midpoint in (q, p) ----

  // Generalised momentum p = M v at the kinematics in data, and (where rate is given) its rate of change without the
  // joints' efforts: p_i = S_i h_i, dp_i/dt = S_i (w_i - V_i x* h_i), with h and w the momentum and the external
  // wrench of the subtree that i carries.
  void momentum(const std::vector<double>& v, std::vector<double>& p, std::vector<double>* rate) {
    for (int i = tree.begin; i < tree.end; ++i) {
      LinkData& d = data.links[static_cast<size_t>(i)];
      d.f = link(i).inertia * d.V;
      const Motiond g{{}, transpose_times(d.X_WL.R, model.gravity)};
      d.U = link(i).inertia * g + d.f_ext;
    }
    for (int i = tree.end - 1; i >= tree.begin; --i) {
      const Link& l = link(i);
      const LinkData& d = data.links[static_cast<size_t>(i)];
      const Forced turning = d.U - cross(d.V, d.f);
      for (int n = 0; n < kernels::degrees(l.motion); ++n) {
        const auto k = static_cast<size_t>(l.v + n);
        p[k] = kernels::along(l.motion, n, d.f) + model.laws[k].armature * v[k];
        if (rate != nullptr) (*rate)[k] = kernels::along(l.motion, n, turning);
      }
      if (l.parent < 0) continue;
      LinkData& parent = data.links[static_cast<size_t>(l.parent)];
      parent.f += to_parent(d.X_PL, d.f);
      parent.U += to_parent(d.X_PL, d.U);
    }
  }

  // q moved by the Cayley map of dt v; `half` bisects its rotation.
  void move_cayley(const std::vector<double>& q, const std::vector<double>& v, double dt, bool half,
                   std::vector<double>& out) {
    for (int i = tree.begin; i < tree.end; ++i) {
      const Link& l = link(i);
      const auto qi = static_cast<size_t>(l.q), vi = static_cast<size_t>(l.v);
      if (l.ball < 0) {
        out[qi] = q[qi] + (half ? dt / 2 : dt) * v[vi];
        continue;
      }
      Quatd r = normalized(Quatd{1, v[vi] * dt / 2, v[vi + 1] * dt / 2, v[vi + 2] * dt / 2});
      if (half) r = normalized(Quatd{1 + r.w, r.x, r.y, r.z});
      turn(&q[qi], r, &out[qi]);
    }
  }

  // Near a singular pose of loops the midpoint has no solution, or another branch's: it is not where the acceleration
  // of the last step leads.
  bool leapt(const std::vector<double>& v) const {
    if (!report.converged) return true;
    double leap = 0, size = 0;
    for (size_t k = v0; k < v1; ++k) {
      leap = std::max(leap, std::abs(v[k] - (state.v[k] + 0.5 * h * state.a[k])));
      size = std::max(size, std::abs(v[k]));
    }
    return leap > kLeap * size;
  }

  void symplectic() {
    std::vector<double>&p0 = data.work[0], &v = data.work[1], &p = data.work[2], &rate = data.work[3];
    std::vector<double>&residual = data.work[4], &dv = data.work[5];
    take_given(data.given[0].q, state.q, true);
    take_given(data.given[0].v, state.v, false);
    prepare(state.q, state.v);
    momentum(state.v, p0, nullptr);
    for (size_t k = v0; k < v1; ++k) v[k] = state.v[k] + 0.5 * h * state.a[k];
    std::vector<double>& impulse = data.constraints.work[2];  // of the constraints, over half the step
    std::fill(impulse.begin() + island.row_begin, impulse.begin() + island.row_end, 0.0);
    double last = INFINITY;
    for (int i = 1; i <= options.max_iterations; ++i) {
      move_cayley(state.q, v, h, true, data.stage.q);
      take_given(data.given[1].q, data.stage.q, true);
      take_given(data.given[1].v, v, false);
      prepare(data.stage.q, v);
      momentum(v, p, &rate);
      smooth_efforts(model, tree, controls, data.stage.q, v, data.tau);
      for (size_t k = v0; k < v1; ++k) {
        rate[k] += data.tau[k];
        residual[k] = p0[k] + 0.5 * h * rate[k] - p[k];
      }
      if (constrained(island)) {
        constraint_jacobian(model, island, data);
        add_constraint_forces(model, island, impulse, data, residual);
      }
      each_prescribed([&](const Link& l, int nv, int) {
        for (int k = l.v; k < l.v + nv; ++k) dv[static_cast<size_t>(k)] = 0;
      });
      make_linear();
      smooth_diagonal(model, tree, 0.5 * h, 0.25 * h * h, data);
      solve(residual, {ConstraintLevel::kVelocity, v, 1}, dv);
      for (int r = island.row_begin; r < island.row_end; ++r) {
        impulse[static_cast<size_t>(r)] += data.constraints.force[static_cast<size_t>(r)];
      }
      double change = 0, size = 0;
      for (size_t k = v0; k < v1; ++k) {
        v[k] += dv[k];
        change = std::max(change, std::abs(dv[k]));
        size = std::max(size, std::abs(v[k]));
      }
      report.iterations = i;
      report.residual = change;
      // done where the change is rounding, or where it stays at the rounding of an ill-conditioned inertia
      report.converged = change <= 4e-16 * size || (change <= 1e-10 * size && change >= 0.5 * last);
      if (report.converged || !std::isfinite(change)) break;
      last = change;
    }
    for (size_t k = v0; k < v1; ++k) data.diagonal[k] = model.laws[k].armature;
    if (constrained(island) && leapt(v)) {
      report.converged = true;
      report.residual = 0;
      return runge_kutta();
    }
    // end of the step: q by the midpoint's velocity, v from p0 + h rate
    for (size_t k = v0; k < v1; ++k) p[k] = p0[k] + h * rate[k];
    for (int r = island.row_begin; r < island.row_end; ++r) impulse[static_cast<size_t>(r)] *= 2;
    if (constrained(island)) add_constraint_forces(model, island, impulse, data, p);
    for (int r = island.row_begin; r < island.row_end; ++r) {
      data.constraints.force[static_cast<size_t>(r)] = impulse[static_cast<size_t>(r)] / h;
    }
    move_cayley(state.q, v, h, false, state.q);
    take_given(data.given[2].q, state.q, true);
    prepare(state.q, v);
    make_linear();
    take_given(data.given[2].v, dv, false);
    solve(p, dv);
    for (size_t k = v0; k < v1; ++k) dv[k] -= state.v[k];
    finish(dv);
  }

  StepReport run() {
    switch (options.integrator) {
      case Integrator::kImplicit:
      case Integrator::kSemiImplicitEuler: euler(); break;
      case Integrator::kRungeKutta4: runge_kutta(); break;
      case Integrator::kSymplectic: symplectic(); break;
    }
    for (size_t k = v0; k < v1; ++k) report.finite = report.finite && std::isfinite(state.v[k]);
    for (size_t k = q0; k < q1; ++k) report.finite = report.finite && std::isfinite(state.q[k]);
    return report;
  }
};

}  // namespace

StepReport step_island(const Model& model, const Island& island, const StepOptions& options, const Controls& controls,
                       Data& data, scene::State& state) {
  Stepper stepper{model, island, options, controls, data, state};
  return stepper.run();
}

StepReport island_accelerations(const Model& model, const Island& island, const StepOptions& options,
                                const Controls& controls, Data& data, scene::State& state) {
  Stepper stepper{model, island, options, controls, data, state};
  stepper.accelerate();
  return stepper.report;
}

void free_accelerations(const Model& model, const Island& island, const StepOptions& options, const Controls& controls,
                        Data& data, scene::State& state) {
  Stepper{model, island, options, controls, data, state}.accelerate_freely();
}

namespace {

// The diagonal back, and what is prescribed as it is at the begin (0) or the end (2) of the step.
void put_back(const Model& model, const Island& island, int given, Data& data, scene::State& state) {
  for (auto k = static_cast<size_t>(island.all.v_begin); k < static_cast<size_t>(island.all.v_end); ++k) {
    data.diagonal[k] = model.laws[k].armature;
  }
  Stepper stepper{model, island, {}, {}, data, state};
  stepper.take_given(data.given[given].q, state.q, true);
  stepper.take_given(data.given[given].v, state.v, false);
}

}  // namespace

double finish_island(const Model& model, const Island& island, Data& data, scene::State& state) {
  put_back(model, island, 2, data, state);
  return constrained(island) ? project(model, island, data, state.q, state.v) : 0;
}

void restore_island(const Model& model, const Island& island, Data& data, scene::State& state) {
  put_back(model, island, 0, data, state);
}

}  // namespace geoul::dynamics
