#include "geoul/decision/planning/time_parameterisation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <utility>

#include "geoul/core/contract.h"
#include "geoul/dynamics/dynamics.h"

namespace geoul::decision {
namespace {

using std::size_t;

// Beyond any motion: speeds squared and accelerations along a path of about unit length.
constexpr double kMost = 1e8;
constexpr double kSlack = 1e-9;  // of a constraint, against rounding

// a u + b x <= c, with u = d2s/dt2 and x = (ds/dt)^2.
struct Constraint {
  double a, b, c;
};

struct Interval {
  double low, high;
};

// Values of x for which some u fits all constraints: the projection of a polygon on x, by Fourier and Motzkin in one
// variable: every upper bound of u must lie above every lower one. O(m^2) with m below a hundred. None where empty.
std::optional<Interval> project(const std::vector<Constraint>& rows) {
  Interval out{0, kMost};
  const auto add = [&](double b, double c) {  // b x <= c
    if (std::abs(b) < 1e-14) {
      if (c < -kSlack) out.high = -1;
    } else if (b > 0) {
      out.high = std::min(out.high, c / b);
    } else {
      out.low = std::max(out.low, c / b);
    }
  };
  for (const Constraint& up : rows) {
    if (std::abs(up.a) < 1e-14) add(up.b, up.c);
    if (!(up.a >= 1e-14)) continue;
    for (const Constraint& down : rows) {
      // u <= (c1 - b1 x) / a1 and u >= (c2 - b2 x) / a2 with a2 < 0.
      if (down.a <= -1e-14) add(up.b / up.a - down.b / down.a, up.c / up.a - down.c / down.a);
    }
  }
  if (out.low > out.high) {
    if (out.low - out.high > kSlack * (1 + out.low)) return {};
    out.high = out.low = 0.5 * (out.low + out.high);
  }
  return out;
}

// Range of u at one x.
Interval controls_at(const std::vector<Constraint>& rows, double x) {
  Interval out{-kMost, kMost};
  for (const Constraint& r : rows) {
    const double room = r.c - r.b * x;
    if (r.a > 1e-14) out.high = std::min(out.high, room / r.a);
    if (r.a < -1e-14) out.low = std::max(out.low, room / r.a);
  }
  return out;
}

struct Timer {
  const dynamics::Model& model;
  const std::vector<int>& degrees;
  const Path& path;
  const PathLimits& limits;
  const TimingOptions& options;
  std::vector<double> q_all, v_all, a_all;  // of the model
  dynamics::Data data = make_data(model);
  size_t n = degrees.size();
  std::vector<int> q_of = std::vector<int>(n);
  std::vector<double> q = std::vector<double>(n), dq = q, ddq = q;
  std::vector<std::vector<Constraint>> rows = {};  // by grid place
  std::vector<double> s = {};
  double step = 0;

  void begin(const scene::State& now) {
    q_all = now.q;
    v_all.assign(static_cast<size_t>(model.nv), 0);
    a_all = v_all;
    for (size_t i = 0; i < n; ++i) {
      const auto link = std::find_if(model.links.begin(), model.links.end(),
                                     [&](const dynamics::Link& l) { return l.ball < 0 && l.v == degrees[i]; });
      GEOUL_EXPECTS(link != model.links.end());
      q_of[i] = link->q;
    }
  }

  // inverse dynamics with velocity and acceleration along the path; friction and damping left out.
  std::vector<double> efforts(std::span<const double> v, std::span<const double> a) {
    for (size_t i = 0; i < n; ++i) {
      const auto d = static_cast<size_t>(degrees[i]);
      q_all[static_cast<size_t>(q_of[i])] = q[i], v_all[d] = v[i], a_all[d] = a[i];
    }
    std::vector<double> tau(v_all.size()), out(n);
    inverse_dynamics(model, q_all, v_all, a_all, {}, data, tau);
    for (size_t i = 0; i < n; ++i) out[i] = tau[static_cast<size_t>(degrees[i])];
    return out;
  }

  // tau = a u + b x + c, friction's sign that of the motion. Viscous damping grows with the root of x: where it adds to
  // the effort it counts as at the velocity limit, where it helps it does not count.
  void add_efforts(std::vector<Constraint>& out) {
    const std::vector<double> none(n, 0);
    const std::vector<double> rest = efforts(none, none), by_u = efforts(none, dq), by_x = efforts(dq, ddq);
    for (size_t i = 0; i < n; ++i) {
      const dynamics::JointLaw& law = model.laws[static_cast<size_t>(degrees[i])];
      const double limit = limits.effort[i];
      if (!std::isfinite(limit)) continue;
      const double way = dq[i] > 0 ? 1 : dq[i] < 0 ? -1 : 0;
      const double rubs = rest[i] + way * law.friction;  // the part that neither u nor x changes
      const double drag = std::isfinite(limits.velocity[i]) ? law.damping * limits.velocity[i] : 0;
      const double a = by_u[i] - rest[i], b = by_x[i] - rest[i];
      out.push_back({a, b, limit - rubs - std::max(0.0, way * drag)});
      out.push_back({-a, -b, limit + rubs - std::max(0.0, -way * drag)});
    }
  }

  void make_rows() {
    const auto count = static_cast<size_t>(options.intervals);
    step = path.s.back() / options.intervals;
    for (size_t k = 0; k <= count; ++k) {
      s.push_back(path.s.back() * static_cast<double>(k) / options.intervals);
      evaluate(path, s.back(), q, dq, ddq);
      std::vector<Constraint> at;
      for (size_t i = 0; i < n; ++i) {
        if (std::isfinite(limits.velocity[i]))
          at.push_back({0, dq[i] * dq[i], limits.velocity[i] * limits.velocity[i]});
        if (!std::isfinite(limits.acceleration[i])) continue;
        at.push_back({dq[i], ddq[i], limits.acceleration[i]});
        at.push_back({-dq[i], -ddq[i], limits.acceleration[i]});
      }
      if (!limits.effort.empty()) add_efforts(at);
      rows.push_back(std::move(at));
    }
  }

  // Constraints of interval k on (u, x) at its begin: those there, those at its end where x' = x + 2 step u, and x' in
  // `next`.
  std::vector<Constraint> of_interval(size_t k, const Interval& next) const {
    std::vector<Constraint> out = rows[k];
    for (const Constraint& r : rows[k + 1]) out.push_back({r.a + 2 * step * r.b, r.b, r.c});
    out.push_back({2 * step, 1, next.high});
    out.push_back({-2 * step, -1, -next.low});
    return out;
  }

  void give_up(size_t k, const char* why, Timing& out) const {
    char text[160];
    std::snprintf(text, sizeof text, "at %.3g of the path's length %s", s[k] / path.s.back(), why);
    out.words = text;
  }

  // The sets from which the end is reached.
  bool backward(std::vector<Interval>& sets, Timing& out) const {
    const double end = options.end_speed * options.end_speed;
    const std::optional<Interval> last = project(rows.back());
    if (!last || end > last->high + kSlack || end < last->low - kSlack) {
      give_up(rows.size() - 1, "the speed asked for at the end breaks a limit", out);
      return false;
    }
    sets.assign(rows.size(), Interval{end, end});
    for (size_t k = rows.size() - 1; k-- > 0;) {
      const std::optional<Interval> set = project(of_interval(k, sets[k + 1]));
      if (!set) {
        give_up(k,
                project(rows[k]) ? "no speed can be kept that still reaches the end"
                                 : "the efforts cannot even hold the arm",
                out);
        return false;
      }
      sets[k] = *set;
    }
    return true;
  }

  bool forward(const std::vector<Interval>& sets, std::vector<double>& x, Timing& out) const {
    const double begin = options.start_speed * options.start_speed;
    if (begin > sets[0].high + kSlack || begin < sets[0].low - kSlack) {
      give_up(0, "the speed asked for at the start breaks a limit", out);
      return false;
    }
    x.assign(rows.size(), begin);
    for (size_t k = 0; k + 1 < rows.size(); ++k) {
      const Interval u = controls_at(of_interval(k, sets[k + 1]), x[k]);
      x[k + 1] = std::clamp(x[k] + 2 * step * u.high, sets[k + 1].low, sets[k + 1].high);
      x[k + 1] = std::max(0.0, x[k + 1]);
    }
    return true;
  }

  // Shares of the limits at both ends of interval k with its u.
  void measure(const std::vector<double>& x, Timing& out) {
    for (size_t k = 0; k + 1 < rows.size(); ++k) {
      const double u = (x[k + 1] - x[k]) / (2 * step);
      for (const size_t end : {k, k + 1}) {
        evaluate(path, s[end], q, dq, ddq);
        std::vector<double> v(n), a(n);
        for (size_t i = 0; i < n; ++i) {
          v[i] = dq[i] * std::sqrt(x[end]), a[i] = dq[i] * u + ddq[i] * x[end];
          out.velocity_share = std::max(out.velocity_share, std::abs(v[i]) / limits.velocity[i]);
          out.acceleration_share = std::max(out.acceleration_share, std::abs(a[i]) / limits.acceleration[i]);
        }
        if (limits.effort.empty()) continue;
        const std::vector<double> tau = efforts(v, a);
        for (size_t i = 0; i < n; ++i) {
          const dynamics::JointLaw& law = model.laws[static_cast<size_t>(degrees[i])];
          const double way = dq[i] > 0 ? 1 : dq[i] < 0 ? -1 : 0;  // of the motion, also where it begins and ends
          const double all = tau[i] + way * law.friction + law.damping * v[i];
          out.effort_share = std::max(out.effort_share, std::abs(all) / limits.effort[i]);
        }
      }
    }
  }

  void make_action(const std::vector<double>& x, const std::vector<double>& t, Timing& out) {
    out.action.name = "along the path";
    out.action.degrees = degrees;
    out.action.period = options.period;
    const auto last = static_cast<size_t>(std::ceil(t.back() / options.period.seconds() - 1e-9));
    size_t k = 0;
    for (size_t row = 0; row <= last; ++row) {
      const double at = std::min(t.back(), static_cast<double>(row) * options.period.seconds());
      while (k + 2 < t.size() && at > t[k + 1]) ++k;
      const double u = (x[k + 1] - x[k]) / (2 * step), since = at - t[k];
      const double speed = std::max(0.0, std::sqrt(x[k]) + u * since);
      evaluate(path, s[k] + since * (std::sqrt(x[k]) + 0.5 * u * since), q, dq, ddq);
      for (size_t i = 0; i < n; ++i) {
        out.action.position.push_back(q[i]);
        out.action.velocity.push_back(dq[i] * speed);
        out.action.acceleration.push_back(dq[i] * u + ddq[i] * speed * speed);
      }
    }
  }
};

}  // namespace

Result<Path> make_path(std::span<const double> waypoints, int n) {
  if (n < 1 || waypoints.size() % static_cast<size_t>(n) != 0 || waypoints.size() < 2 * static_cast<size_t>(n))
    return Error{ErrorCode::kBadInput, "a path needs two waypoints, each of as many numbers as there are joints"};
  if (!std::all_of(waypoints.begin(), waypoints.end(), [](double x) { return std::isfinite(x); }))
    return Error{ErrorCode::kBadInput, "a number of a waypoint is not finite"};
  const auto width = static_cast<size_t>(n), count = waypoints.size() / width;
  Path out{n, {0}, {waypoints.begin(), waypoints.end()}, std::vector<double>(waypoints.size(), 0)};
  for (size_t k = 1; k < count; ++k) {
    double sum = 0;
    for (size_t i = 0; i < width; ++i) {
      const double d = waypoints[k * width + i] - waypoints[(k - 1) * width + i];
      sum += d * d;
    }
    if (!(sum > 1e-24))
      return Error{ErrorCode::kBadInput,
                   "waypoints " + std::to_string(k) + " and " + std::to_string(k + 1) + " are the same"};
    out.s.push_back(out.s.back() + std::sqrt(sum));
  }
  // Natural cubic spline: the tridiagonal system of the second derivatives, by elimination without pivots (diagonally
  // dominant). Source: Press et al., Numerical Recipes (2007), sec. 3.3.
  std::vector<double> c(count, 0), d(count, 0);
  for (size_t i = 0; i < width; ++i) {
    for (size_t k = 1; k + 1 < count; ++k) {
      const double h0 = out.s[k] - out.s[k - 1], h1 = out.s[k + 1] - out.s[k];
      const double right = 6 * ((out.q[(k + 1) * width + i] - out.q[k * width + i]) / h1 -
                                (out.q[k * width + i] - out.q[(k - 1) * width + i]) / h0);
      const double pivot = 2 * (h0 + h1) - h0 * c[k - 1];
      c[k] = h1 / pivot;
      d[k] = (right - h0 * d[k - 1]) / pivot;
    }
    for (size_t k = count - 1; k-- > 1;) out.dds[k * width + i] = d[k] - c[k] * out.dds[(k + 1) * width + i];
  }
  return out;
}

void evaluate(const Path& path, double s, std::span<double> q, std::span<double> dq, std::span<double> ddq) {
  const auto n = static_cast<size_t>(path.n);
  s = std::clamp(s, 0.0, path.s.back());
  const auto above = std::upper_bound(path.s.begin(), path.s.end() - 1, s);
  const auto k = static_cast<size_t>(std::max<std::ptrdiff_t>(1, above - path.s.begin())) - 1;
  const double h = path.s[k + 1] - path.s[k], b = (s - path.s[k]) / h, a = 1 - b;
  for (size_t i = 0; i < n; ++i) {
    const double q0 = path.q[k * n + i], q1 = path.q[(k + 1) * n + i];
    const double m0 = path.dds[k * n + i], m1 = path.dds[(k + 1) * n + i];
    q[i] = a * q0 + b * q1 + ((a * a * a - a) * m0 + (b * b * b - b) * m1) * h * h / 6;
    dq[i] = (q1 - q0) / h + ((3 * b * b - 1) * m1 - (3 * a * a - 1) * m0) * h / 6;
    ddq[i] = a * m0 + b * m1;
  }
}

Timing time_path(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees, const Path& path,
                 const PathLimits& limits, const TimingOptions& options) {
  GEOUL_EXPECTS(degrees.size() == static_cast<size_t>(path.n) && limits.velocity.size() == degrees.size());
  GEOUL_EXPECTS(limits.acceleration.size() == degrees.size() && options.intervals >= 2);
  GEOUL_EXPECTS(limits.effort.empty() || limits.effort.size() == degrees.size());
  for (const std::vector<double>* of : {&limits.velocity, &limits.acceleration, &limits.effort}) {
    for (const double x : *of) GEOUL_EXPECTS(x > 0);
  }
  Timing out;
  Timer timer{model, degrees, path, limits, options, {}, {}, {}};
  timer.begin(now);
  timer.make_rows();
  std::vector<Interval> sets;
  std::vector<double> x;
  if (!timer.backward(sets, out) || !timer.forward(sets, x, out)) return out;
  std::vector<double> t = {0};
  for (size_t k = 0; k + 1 < x.size(); ++k) {
    const double speed = std::sqrt(x[k]) + std::sqrt(x[k + 1]);
    if (!(speed > 0)) {
      timer.give_up(k, "the arm must stand still: its efforts or limits allow no motion", out);
      return out;
    }
    t.push_back(t.back() + 2 * timer.step / speed);
  }
  out.feasible = true;
  out.duration = t.back();
  out.s = timer.s;
  for (const double square : x) out.speed.push_back(std::sqrt(square));
  timer.measure(x, out);
  timer.make_action(x, t, out);
  return out;
}

}  // namespace geoul::decision
