#include "geoul/dynamics/joint_laws.h"

#include <algorithm>
#include <cmath>

#include "geoul/dynamics/kernels.h"
#include "geoul/dynamics/scalar_kernels.h"

namespace geoul::dynamics {
namespace {

constexpr int kBlockPasses = 8;     // all violated laws change at once, then one at a time (Murty 1974)
constexpr double kRecovery = 0.1;   // share of a position limit's violation that one step takes back
constexpr double kTouching = 1e-9;  // [rad, m] deeper violations are taken back by kRecovery

enum Bound : signed char { kBelow = -1, kInside = 0, kAbove = 1 };

// Command and PD drive at (q, v), within the limit.
double drive_demand(const JointLaw& law, double effort, double target_q, double target_v, double q, double v) {
  double force = effort;
  if (law.drive_stiffness > 0) force += law.drive_stiffness * (target_q - q);
  if (law.drive_damping > 0) force += law.drive_damping * (target_v - v);
  return force;
}
double drive_force(const JointLaw& law, double effort, double target_q, double target_v, double q, double v) {
  return std::clamp(drive_demand(law, effort, target_q, target_v, q, v), -law.drive_limit, law.drive_limit);
}
double passive_force(const JointLaw& law, double q, double v) {
  return -law.damping * v - law.stiffness * (q - law.spring_position);
}

// One degree of freedom as the active set sees it.
struct Degree {
  const JointLaw& law;
  double q, v, h;
  double effort, target_q, target_v;
  double explicit_force;  // where laws are not implicit
  bool implicit;

  // Least and greatest velocity at the end of the step.
  double low() const { return reach(law.lower, q < law.lower - kTouching); }
  double high() const { return reach(law.upper, q > law.upper + kTouching); }
  double reach(double limit, bool beyond) const {
    return std::clamp((beyond ? kRecovery : 1) * (limit - q) / h, -law.velocity_limit, law.velocity_limit);
  }
  double demand(double v_end) const { return drive_demand(law, effort, target_q, target_v, q + h * v_end, v_end); }
  // All smooth forces at the end of the step.
  double smooth(double v_end) const {
    if (!implicit) return explicit_force;
    return passive_force(law, q + h * v_end, v_end) +
           drive_force(law, effort, target_q, target_v, q + h * v_end, v_end);
  }
};

struct Solver {
  const Model& model;
  const Island& island;
  const Tree& tree;
  const LawSetting& setting;
  const Controls& controls;
  std::span<const double> q, v;
  Data& data;
  std::span<const double> explicit_tau;
  std::span<double> tau, a;
  signed char* drive;     // -1, +1: saturated
  signed char* friction;  // 0: sticks; -1, +1: slips that way
  signed char* bound;

  Degree degree(int i) const {
    const auto k = static_cast<std::size_t>(i);
    const JointLaw& law = model.laws[k];
    return {law,
            q[static_cast<std::size_t>(law.q)],
            v[k],
            setting.dt,
            controls.effort[k],
            controls.target_position[k],
            controls.target_velocity[k],
            explicit_tau[k],
            setting.implicit};
  }

  template <class Visit>
  void each_degree(Visit visit) {
    for (int i = tree.begin; i < tree.end; ++i) {
      const Link& link = model.links[static_cast<std::size_t>(i)];
      if (link.ball < 0 && !link.prescribed) visit(i, link.v);
    }
  }

  // A first guess that depends on the state alone, so that a restart has the same bits.
  void guess() {
    each_degree([&](int, int k) {
      const Degree d = degree(k);
      friction[k] = static_cast<signed char>(d.law.friction > 0 ? (d.v > 0) - (d.v < 0) : 1);
      bound[k] = kInside;
      drive[k] = 0;
      if (std::isfinite(d.law.drive_limit) && setting.implicit) {
        const double f = d.demand(d.v);
        drive[k] = static_cast<signed char>((f > d.law.drive_limit) - (f < -d.law.drive_limit));
      }
    });
  }

  void solve() {
    for (int i = tree.begin; i < tree.end; ++i) {
      const Link& link = model.links[static_cast<std::size_t>(i)];
      if (link.ball < 0 || link.prescribed) continue;
      for (int n = 0; n < 3; ++n) ball_degree(static_cast<std::size_t>(link.v + n));
    }
    each_degree([&](int i, int k) { compose(i, static_cast<std::size_t>(k)); });
    kernels::articulated_bodies(model, tree.begin, tree.end, tau.data(), data.diagonal.data(), data.held.data(),
                                data.links.data(), data.balls.data(), a.data(), data.needed.data());
    if (constrained(island)) constrain(model, island, setting.constraints, data, a);
  }

  void ball_degree(std::size_t k) {
    const JointLaw& law = model.laws[k];
    tau[k] = setting.implicit ? controls.effort[k] - law.damping * v[k] : explicit_tau[k];
    data.diagonal[k] = law.armature + (setting.implicit ? setting.dt * law.damping : 0);
  }

  void compose(int i, std::size_t k) {
    const Degree d = degree(static_cast<int>(k));
    const bool sticks = d.law.friction > 0 && friction[k] == 0;
    data.held[static_cast<std::size_t>(i)] = bound[k] != kInside || sticks;
    if (data.held[static_cast<std::size_t>(i)]) {
      const double end = bound[k] == kBelow ? d.low() : bound[k] == kAbove ? d.high() : 0;
      a[k] = (end - d.v) / d.h;
      return;
    }
    double t = d.explicit_force, diagonal = d.law.armature;
    if (setting.implicit) {
      t = passive_force(d.law, d.q + d.h * d.v, d.v);
      diagonal += d.h * d.law.damping + d.h * d.h * d.law.stiffness;
      if (drive[k] == 0) {
        t += d.demand(d.v);  // at q + h v: its change with a goes to the diagonal
        diagonal += d.h * d.law.drive_damping + d.h * d.h * d.law.drive_stiffness;
      } else {
        t += drive[k] * d.law.drive_limit;
      }
    }
    if (d.law.friction > 0) t -= friction[k] * d.law.friction;
    tau[k] = t;
    data.diagonal[k] = diagonal;
  }

  // Whether degree k contradicts its law; its mode is mended where `change`.
  bool violates(int i, std::size_t k, bool change) {
    const Degree d = degree(static_cast<int>(k));
    const double end = d.v + d.h * a[k];
    const double slack = 1e-12 * (1 + std::abs(d.v) + d.h * std::abs(a[k]));
    signed char new_drive = drive[k], new_friction = friction[k], new_bound = bound[k];
    if (data.held[static_cast<std::size_t>(i)]) {
      // force that friction and stops must give beyond the smooth ones
      const double rest = data.needed[k] + d.law.armature * a[k] - d.smooth(end);
      const double f = d.law.friction, tiny = 1e-12 * (f + std::abs(data.needed[k]));
      if (bound[k] != kInside) {
        // a stop only pushes inwards; friction is known where the joint moves, and helps either way where it does not
        const int way = (end > 0) - (end < 0);
        const double push = (bound[k] == kBelow ? 1 : -1) * (rest + way * f);
        if (push < -(way == 0 ? f : 0) - tiny) {
          new_bound = kInside;
          if (f > 0) new_friction = static_cast<signed char>(way != 0 ? way : -bound[k]);
        }
      } else if (std::abs(rest) > f + tiny) {
        new_friction = rest > 0 ? -1 : 1;  // friction gives +f where it slips backwards
      } else if (end < d.low() - slack) {
        new_bound = kBelow;
      } else if (end > d.high() + slack) {
        new_bound = kAbove;
      }
    } else {
      if (end < d.low() - slack) {
        new_bound = kBelow;
      } else if (end > d.high() + slack) {
        new_bound = kAbove;
      } else if (d.law.friction > 0 && friction[k] * end < -slack) {
        new_friction = 0;
      }
      if (setting.implicit && std::isfinite(d.law.drive_limit)) {
        // a saturated drive goes back to its slope first: from limit to limit at once, the modes may go round in
        // circles
        const double f = d.demand(end), over = d.law.drive_limit * (1 + 1e-12), under = d.law.drive_limit * (1 - 1e-12);
        new_drive = drive[k] == 0          ? static_cast<signed char>((f > over) - (f < -over))
                    : drive[k] * f > under ? drive[k]
                                           : static_cast<signed char>(0);
      }
    }
    if (new_drive == drive[k] && new_friction == friction[k] && new_bound == bound[k]) return false;
    if (change) drive[k] = new_drive, friction[k] = new_friction, bound[k] = new_bound;
    return true;
  }

  LawReport run() {
    guess();
    LawReport report;
    for (report.iterations = 1;; ++report.iterations) {
      solve();
      bool violated = false;
      each_degree([&](int i, int k) {
        const bool change = report.iterations <= kBlockPasses || !violated;
        if (violates(i, static_cast<std::size_t>(k), change)) violated = true;
      });
      if (!violated) return report;
      if (report.iterations == setting.max_iterations) {
        report.converged = false;
        return report;
      }
    }
  }
};

}  // namespace

void smooth_efforts(const Model& model, const Tree& tree, const Controls& controls, std::span<const double> q,
                    std::span<const double> v, std::span<double> tau) {
  for (auto k = static_cast<std::size_t>(tree.v_begin); k < static_cast<std::size_t>(tree.v_end); ++k) {
    const JointLaw& law = model.laws[k];
    if (law.q < 0) {
      tau[k] = controls.effort[k] - law.damping * v[k];
      continue;
    }
    const double at = q[static_cast<std::size_t>(law.q)];
    tau[k] = passive_force(law, at, v[k]) +
             drive_force(law, controls.effort[k], controls.target_position[k], controls.target_velocity[k], at, v[k]);
  }
}

void applied_efforts(const Model& model, const Tree& tree, const Controls& controls, std::span<const double> q,
                     std::span<const double> v, std::span<double> tau) {
  for (auto k = static_cast<std::size_t>(tree.v_begin); k < static_cast<std::size_t>(tree.v_end); ++k) {
    const JointLaw& law = model.laws[k];
    tau[k] = law.q < 0 ? controls.effort[k]
                       : drive_force(law, controls.effort[k], controls.target_position[k], controls.target_velocity[k],
                                     q[static_cast<std::size_t>(law.q)], v[k]);
  }
}

void smooth_diagonal(const Model& model, const Tree& tree, double dt_v, double dt_q, Data& data) {
  for (auto k = static_cast<std::size_t>(tree.v_begin); k < static_cast<std::size_t>(tree.v_end); ++k) {
    const JointLaw& law = model.laws[k];
    data.diagonal[k] =
        law.armature + dt_v * (law.damping + law.drive_damping) + dt_q * (law.stiffness + law.drive_stiffness);
  }
}

void implicit_efforts(const Model& model, const Tree& tree, double dt, const Controls& controls,
                      std::span<const double> q, std::span<const double> v, Data& data, std::span<double> tau) {
  for (auto k = static_cast<std::size_t>(tree.v_begin); k < static_cast<std::size_t>(tree.v_end); ++k) {
    const JointLaw& law = model.laws[k];
    double stiffness = 0, damping = law.damping;
    if (law.q < 0) {
      tau[k] = controls.effort[k] - law.damping * v[k];
    } else {
      const double at = q[static_cast<std::size_t>(law.q)] + dt * v[k];
      const double demand =
          drive_demand(law, controls.effort[k], controls.target_position[k], controls.target_velocity[k], at, v[k]);
      const double given = std::clamp(demand, -law.drive_limit, law.drive_limit);
      tau[k] = passive_force(law, at, v[k]) + given;
      stiffness = law.stiffness;
      if (given == demand) stiffness += law.drive_stiffness, damping += law.drive_damping;
    }
    data.diagonal[k] = law.armature + dt * damping + dt * dt * stiffness;
  }
}

LawReport solve_joint_laws(const Model& model, const Island& island, const LawSetting& setting,
                           const Controls& controls, std::span<const double> q, std::span<const double> v, Data& data,
                           std::span<double> tau, std::span<double> a) {
  const std::size_t nv = model.laws.size();
  const Tree& tree = island.all;
  Solver solver{model,
                island,
                tree,
                setting,
                controls,
                q,
                v,
                data,
                data.work[7],
                tau,
                a,
                data.modes.data(),
                data.modes.data() + nv,
                data.modes.data() + 2 * nv};
  const LawReport report = solver.run();
  for (int i = tree.begin; i < tree.end; ++i) {  // leave data as other algorithms expect it
    const Link& link = model.links[static_cast<std::size_t>(i)];
    data.held[static_cast<std::size_t>(i)] = link.prescribed ? 1 : 0;
    for (int k = link.v; k < link.v + kernels::degrees(link.motion); ++k) {
      data.diagonal[static_cast<std::size_t>(k)] = model.laws[static_cast<std::size_t>(k)].armature;
    }
  }
  // Efforts of drives and commands as they were applied.
  for (int i = tree.begin; i < tree.end; ++i) {
    const Link& link = model.links[static_cast<std::size_t>(i)];
    const auto k = static_cast<std::size_t>(link.v);
    if (link.ball >= 0) std::copy_n(controls.effort.begin() + link.v, 3, tau.begin() + link.v);
    if (link.ball >= 0 || link.prescribed) continue;
    const Degree d = solver.degree(link.v);
    const double end = setting.implicit ? d.v + d.h * a[k] : d.v;
    const double at = setting.implicit ? d.q + d.h * end : d.q;
    tau[k] = drive_force(d.law, d.effort, d.target_q, d.target_v, at, end);
  }
  return report;
}

}  // namespace geoul::dynamics
