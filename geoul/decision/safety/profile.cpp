#include "geoul/decision/safety/profile.h"

#include <algorithm>
#include <cmath>

namespace geoul::decision::safety {
namespace {

constexpr double kRest = 1e-13;  // velocities and accelerations below this are rounding

void add_piece(Profile& profile, double jerk, double dt) {
  if (dt <= 0) return;
  profile.jerk[profile.count] = jerk;
  profile.duration[profile.count++] = dt;
}

// Takes in the displacement at the instants within (0, dt) at which v + a t + jerk t^2 / 2 = 0.
void include_turns(const JointState& s, double jerk, double dt, double from, Travel& out) {
  double roots[2];
  int count = 0;
  if (std::abs(jerk) < 1e-12) {
    if (s.a != 0) roots[count++] = -s.v / s.a;
  } else {
    const double discriminant = s.a * s.a - 2 * jerk * s.v;
    if (discriminant < 0) return;
    const double m = -(s.a + std::copysign(std::sqrt(discriminant), s.a));  // no cancellation
    roots[count++] = m / jerk;
    if (m != 0) roots[count++] = 2 * s.v / m;
  }
  for (int i = 0; i < count; ++i) {
    if (!(roots[i] > 0 && roots[i] < dt)) continue;
    const double dq = from + advanced(s, jerk, roots[i]).q - s.q;
    out.low = std::min(out.low, dq), out.high = std::max(out.high, dq);
  }
}

// Limits that only too much jerk breaks; `sign` -1 looks at the mirrored joint.
bool holds_above(const JointState& state, double jerk, double cycle, const JointLimits& limits) {
  const double a = state.a + jerk * cycle;
  if (a > limits.acceleration) return false;
  const Travel t = travel(cycle_and_stop(state, jerk, cycle, limits));
  return t.fastest <= limits.velocity && state.q + t.high <= limits.upper;
}
double most_jerk(const JointState& state, double cycle, const JointLimits& limits) {
  const double least = std::max(-limits.jerk, (-limits.acceleration - state.a) / cycle);
  const double most = std::min(limits.jerk, (limits.acceleration - state.a) / cycle);
  if (most < least) return -1e300;
  if (holds_above(state, most, cycle, limits)) return most;
  if (!holds_above(state, least, cycle, limits)) return -1e300;
  double good = least, bad = most;
  for (int i = 0; i < 10; ++i) {
    const double middle = 0.5 * (good + bad);
    (holds_above(state, middle, cycle, limits) ? good : bad) = middle;
  }
  return good;
}

}  // namespace

JointState advanced(const JointState& s, double jerk, double dt) {
  return {s.q + dt * (s.v + dt * (s.a / 2 + dt * jerk / 6)), s.v + dt * (s.a + dt * jerk / 2), s.a + dt * jerk};
}

JointState at(const Profile& profile, double t) {
  JointState s = profile.start;
  for (int i = 0; i < profile.count; ++i) {
    if (t < profile.duration[i]) return advanced(s, profile.jerk[i], t);
    s = advanced(s, profile.jerk[i], profile.duration[i]);
    t -= profile.duration[i];
  }
  return {s.q, 0, 0};
}

double duration(const Profile& profile) {
  double sum = 0;
  for (int i = 0; i < profile.count; ++i) sum += profile.duration[i];
  return sum;
}

Profile tail(const Profile& profile, double t) {
  Profile out;
  out.start = at(profile, t);
  for (int i = 0; i < profile.count; ++i) {
    const double left = profile.duration[i] - std::max(t, 0.0);
    t -= profile.duration[i];
    add_piece(out, profile.jerk[i], std::min(left, profile.duration[i]));
  }
  return out;
}

Profile stop_from(const JointState& state, const JointLimits& limits) {
  Profile out;
  out.start = state;
  const double J = limits.jerk;
  // The velocity that would be left if the acceleration went to zero at once decides the side.
  const double left = state.v + state.a * std::abs(state.a) / (2 * J);
  if (std::abs(left) < kRest && std::abs(state.a) < kRest) return out;
  const double side = left > 0 ? 1 : -1;
  const double v = side * state.v, a = side * state.a;
  double peak = std::sqrt(std::max(0.0, J * v + a * a / 2));
  double hold = 0;
  if (peak > limits.acceleration) {
    peak = limits.acceleration;
    hold = (v + (a * a - 2 * peak * peak) / (2 * J)) / peak;
  }
  add_piece(out, -side * J, (a + peak) / J);
  add_piece(out, 0, hold);
  add_piece(out, side * J, peak / J);
  return out;
}

Profile cycle_and_stop(const JointState& state, double jerk, double cycle, const JointLimits& limits) {
  const JointState end = advanced(state, jerk, cycle);
  const Profile stop = stop_from(end, limits);
  Profile out;
  out.start = state;
  add_piece(out, jerk, cycle);
  for (int i = 0; i < stop.count; ++i) add_piece(out, stop.jerk[i], stop.duration[i]);
  return out;
}

Travel travel(const Profile& profile) {
  Travel out;
  JointState s = profile.start;
  out.slowest = std::min(0.0, s.v), out.fastest = std::max(0.0, s.v);
  for (int i = 0; i < profile.count; ++i) {
    const double dt = profile.duration[i], jerk = profile.jerk[i];
    const JointState end = advanced(s, jerk, dt);
    const double dq = end.q - profile.start.q;
    out.low = std::min(out.low, dq), out.high = std::max(out.high, dq);
    double least = std::min(s.v, end.v), most = std::max(s.v, end.v);
    if ((s.a < 0) != (end.a < 0) && jerk != 0) {
      const double turn = s.v - s.a * s.a / (2 * jerk);
      least = std::min(least, turn), most = std::max(most, turn);
    }
    if (least < 0 && most > 0) include_turns(s, jerk, dt, s.q - profile.start.q, out);
    out.slowest = std::min(out.slowest, least), out.fastest = std::max(out.fastest, most);
    out.time += dt;
    s = end;
  }
  return out;
}

bool viable(const JointState& state, const JointLimits& limits, double slack) {
  if (!(std::abs(state.a) <= limits.acceleration + slack)) return false;
  const Travel t = travel(stop_from(state, limits));
  return t.speed() <= limits.velocity + slack && state.q + t.low >= limits.lower - slack &&
         state.q + t.high <= limits.upper + slack;
}

JerkRange jerk_range(const JointState& state, double cycle, const JointLimits& limits) {
  const JointState mirrored{-state.q, -state.v, -state.a};
  JointLimits other = limits;
  other.lower = -limits.upper, other.upper = -limits.lower;
  JerkRange out;
  out.high = most_jerk(state, cycle, limits);
  out.low = -most_jerk(mirrored, cycle, other);
  return out;
}

}  // namespace geoul::decision::safety
