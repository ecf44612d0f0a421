#include "geoul/decision/futures/action.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::decision {
namespace {

using std::size_t;

const dynamics::Link* link_of(const dynamics::Model& model, int degree) {
  for (const dynamics::Link& link : model.links) {
    if (link.v == degree && link.ball < 0) return &link;
  }
  return nullptr;
}

// Rows of way (n), by s(t) with its derivatives in [0, T], each row (s, ds, dds).
template <class Law>
Action along(std::string name, std::vector<int> degrees, const std::vector<double>& from,
             const std::vector<double>& way, double T, Law law) {
  Action out;
  out.name = std::move(name);
  out.degrees = std::move(degrees);
  const auto last = static_cast<size_t>(std::ceil(T / out.period.seconds() - 1e-9));
  for (size_t k = 0; k <= last; ++k) {
    const double t = std::min(T, static_cast<double>(k) * out.period.seconds());
    const std::array<double, 3> s = law(t);
    for (size_t i = 0; i < way.size(); ++i) {
      out.position.push_back(from[i] + s[0] * way[i]);
      out.velocity.push_back(s[1] * way[i]);
      out.acceleration.push_back(s[2] * way[i]);
    }
  }
  return out;
}

std::vector<double> positions(const dynamics::Model& model, const scene::State& now, std::span<const int> degrees) {
  std::vector<double> out;
  for (const int d : degrees) {
    const dynamics::Link* link = link_of(model, d);
    GEOUL_EXPECTS(link != nullptr);
    out.push_back(now.q[static_cast<size_t>(link->q)]);
  }
  return out;
}

}  // namespace

std::vector<int> controlled_degrees(const dynamics::Model& model) {
  std::vector<int> out;
  for (const dynamics::Link& link : model.links) {
    if (link.ball >= 0 || link.prescribed || !link.joint.valid()) continue;
    const scene::Joint& joint = model.joints[link.joint.index()];
    const bool runs = joint.drive.stiffness == 0 && joint.drive.target_velocity != 0;
    if (scene::velocity_size(joint.type) == 1 && !runs) out.push_back(link.v);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void sample(const Action& action, Time t, Setpoint& out) {
  const size_t n = action.degrees.size(), rows = action.rows();
  GEOUL_EXPECTS(n > 0 && rows > 0);
  out.position.resize(n), out.velocity.resize(n), out.acceleration.resize(n);
  const double h = action.period.seconds();
  const double at = t.seconds() / h;
  if (at <= 0 || at >= static_cast<double>(rows - 1)) {
    const size_t row = at <= 0 ? 0 : (rows - 1);
    const bool inside = at == 0 || at == static_cast<double>(rows - 1);
    for (size_t i = 0; i < n; ++i) {
      out.position[i] = action.position[row * n + i];
      out.velocity[i] = inside && rows > 1 ? action.velocity[row * n + i] : 0;
      out.acceleration[i] = inside && rows > 1 ? action.acceleration[row * n + i] : 0;
    }
    return;
  }
  const auto row = static_cast<size_t>(at);
  const double s = at - static_cast<double>(row);
  for (size_t i = 0; i < n; ++i) {  // cubic Hermite
    const double p0 = action.position[row * n + i], p1 = action.position[(row + 1) * n + i];
    const double m0 = h * action.velocity[row * n + i], m1 = h * action.velocity[(row + 1) * n + i];
    const double c2 = 3 * (p1 - p0) - 2 * m0 - m1, c3 = 2 * (p0 - p1) + m0 + m1;
    out.position[i] = p0 + s * (m0 + s * (c2 + s * c3));
    out.velocity[i] = (m0 + s * (2 * c2 + 3 * s * c3)) / h;
    out.acceleration[i] = (1 - s) * action.acceleration[row * n + i] + s * action.acceleration[(row + 1) * n + i];
  }
}

Action hold(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees) {
  const std::vector<double> from = positions(model, now, degrees), none(degrees.size(), 0);
  return along("hold", std::move(degrees), from, none, 0, [](double) { return std::array<double, 3>{0, 0, 0}; });
}

Action move(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees,
            std::span<const double> goal, const MotionLimits& limits) {
  const size_t n = degrees.size();
  GEOUL_EXPECTS(goal.size() == n && limits.velocity.size() == n && limits.acceleration.size() == n);
  const std::vector<double> from = positions(model, now, degrees);
  std::vector<double> way(n);
  double T = 0;
  for (size_t i = 0; i < n; ++i) {
    GEOUL_EXPECTS(limits.velocity[i] > 0 && limits.acceleration[i] > 0 && std::isfinite(goal[i]));
    way[i] = goal[i] - from[i];
    const double d = std::abs(way[i]);
    T = std::max({T, 15.0 / 8 * d / limits.velocity[i], std::sqrt(10 / std::sqrt(3.0) * d / limits.acceleration[i])});
  }
  return along("move", std::move(degrees), from, way, T, [T](double t) {
    const double s = T > 0 ? t / T : 1;
    const double v = s * s * (30 + s * (-60 + 30 * s)), a = s * (60 + s * (-180 + 120 * s));
    return std::array<double, 3>{s * s * s * (10 + s * (-15 + 6 * s)), T > 0 ? v / T : 0, T > 0 ? a / (T * T) : 0};
  });
}

Action stop(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees,
            const MotionLimits& limits) {
  const size_t n = degrees.size();
  GEOUL_EXPECTS(limits.acceleration.size() == n);
  const std::vector<double> from = positions(model, now, degrees);
  std::vector<double> v(n);
  double T = 0;
  for (size_t i = 0; i < n; ++i) {
    GEOUL_EXPECTS(limits.acceleration[i] > 0);
    v[i] = now.v[static_cast<size_t>(degrees[i])];
    T = std::max(T, std::abs(v[i]) / limits.acceleration[i]);
  }
  return along("stop", std::move(degrees), from, v, T, [T](double t) {
    if (T == 0) return std::array<double, 3>{0, 0, 0};
    return std::array<double, 3>{t - t * t / (2 * T), 1 - t / T, -1 / T};
  });
}

Action slower(const Action& action, double factor) {
  GEOUL_EXPECTS(factor > 0 && std::isfinite(factor));
  Action out = action;
  out.position.clear(), out.velocity.clear(), out.acceleration.clear();
  char words[32];
  std::snprintf(words, sizeof words, " x%.3g time", factor);
  out.name = action.name + words;
  const double length = action.length().seconds() * factor;
  const auto last = static_cast<size_t>(std::ceil(length / out.period.seconds() - 1e-9));
  Setpoint point;
  for (size_t k = 0; k <= last; ++k) {
    const double t = std::min(static_cast<double>(k) * out.period.seconds(), length);
    sample(action, Time::from_seconds(t / factor), point);
    for (size_t i = 0; i < action.degrees.size(); ++i) {
      out.position.push_back(point.position[i]);
      out.velocity.push_back(point.velocity[i] / factor);
      out.acceleration.push_back(point.acceleration[i] / (factor * factor));
    }
  }
  return out;
}

std::string problem(const Action& action, const dynamics::Model& model) {
  const size_t n = action.degrees.size();
  const std::string name = "action '" + action.name + "': ";
  if (n == 0 || action.position.empty()) return name + "it has no rows";
  if (action.period.ns <= 0) return name + "its period is not positive";
  if (action.position.size() % n != 0 || action.velocity.size() != action.position.size() ||
      action.acceleration.size() != action.position.size())
    return name + "positions, velocities and accelerations are not of one size, a whole number of rows";
  for (size_t i = 0; i < n; ++i) {
    if (i > 0 && action.degrees[i] <= action.degrees[i - 1]) return name + "its degrees are not ascending";
    const dynamics::Link* link = link_of(model, action.degrees[i]);
    if (link == nullptr || link->prescribed)
      return name + "a degree of it is not of a joint of one degree that is free to move";
  }
  for (const std::vector<double>* values : {&action.position, &action.velocity, &action.acceleration}) {
    if (!std::all_of(values->begin(), values->end(), [](double x) { return std::isfinite(x); }))
      return name + "a number of it is not finite";
  }
  return {};
}

}  // namespace geoul::decision
