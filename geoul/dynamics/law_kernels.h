// Joint laws of one degree of freedom over lanes T: what the active set of joint_laws.h asks of it in every pass, with
// the smooth forces at the end of the step (Integrator::kImplicit). No branch depends on a T. Law has the fields of
// JointLaw, and the joint-space diagonal without (`passive`) and with its drive (`sloped`).
#pragma once

#include <cmath>

#include "geoul/dynamics/sine.h"

namespace geoul::dynamics::kernels {

using std::abs;

constexpr int kBlockPasses = 8;     // all violated laws change at once, then one at a time (Murty 1974)
constexpr double kRecovery = 0.1;   // share of a position limit's violation that one step takes back
constexpr double kTouching = 1e-9;  // [rad, m] deeper violations are taken back by kRecovery

// Which piece of its law a degree is on; each -1, 0 or +1.
//   drive     +-1: saturated
//   friction  0: sticks (where there is friction), else slips that way
//   bound     -1: stopped from below, +1: from above
template <class T>
struct LawModes {
  T drive{}, friction{}, bound{};
};

template <class T, class Positive, class Negative>
T sign_of(const Positive& positive, const Negative& negative) {
  return select(positive, T(1), select(negative, T(-1), T(0)));
}
template <class T>
T clamped(const T& x, const T& low, const T& high) {
  return select(x < low, low, select(high < x, high, x));
}

template <class T, class Law>
struct Degree {
  const Law& law;
  T q, v, h;
  T effort, target_q, target_v;

  // Command and PD drive at (q, v), before and after its limit; spring and damping.
  T demand_at(const T& at, const T& rate) const {
    return effort + law.drive_stiffness * (target_q - at) + law.drive_damping * (target_v - rate);
  }
  T drive_at(const T& at, const T& rate) const {
    return clamped(demand_at(at, rate), -T(law.drive_limit), T(law.drive_limit));
  }
  T passive_at(const T& at, const T& rate) const {
    return -(law.damping * rate) - law.stiffness * (at - law.spring_position);
  }
  // The same at the end of the step, for the velocity there.
  T demand(const T& end) const { return demand_at(q + h * end, end); }
  T smooth(const T& end) const { return passive_at(q + h * end, end) + drive_at(q + h * end, end); }
  // Least and greatest velocity at the end of the step.
  T low() const { return reach(law.lower, q < law.lower - T(kTouching)); }
  T high() const { return reach(law.upper, q > law.upper + T(kTouching)); }
  template <class Mask>
  T reach(const T& limit, const Mask& beyond) const {
    return clamped(select(beyond, T(kRecovery), T(1)) * (limit - q) / h, -T(law.velocity_limit), T(law.velocity_limit));
  }

  // A first guess that depends on the state alone, so that a restart has the same bits.
  LawModes<T> guess() const {
    LawModes<T> modes;
    modes.friction = select(law.friction > T(0), sign_of<T>(v > T(0), v < T(0)), T(1));
    const T f = demand(v);
    modes.drive = sign_of<T>(f > law.drive_limit, f < -T(law.drive_limit));
    return modes;
  }

  auto held(const LawModes<T>& modes) const {
    return (modes.bound != T(0)) | ((law.friction > T(0)) & (modes.friction == T(0)));
  }
  // Acceleration of a held degree.
  T held_acceleration(const LawModes<T>& modes) const {
    return (select(modes.bound < T(0), low(), select(modes.bound > T(0), high(), T(0))) - v) / h;
  }
  // Effort and joint-space diagonal of a free one.
  void compose(const LawModes<T>& modes, T& tau, T& diagonal) const {
    const auto sloped = modes.drive == T(0);
    const T at = q + h * v;
    tau = passive_at(at, v) + select(sloped, demand_at(at, v), saturated(modes.drive));
    tau -= modes.friction * law.friction;
    diagonal = select(sloped, T(law.sloped), T(law.passive));
  }
  T saturated(const T& way) const {
    return select(way > T(0), T(law.drive_limit), select(way < T(0), -T(law.drive_limit), T(0)));
  }

  // True only where a free degree surely keeps its law with acceleration a: without a division, for most steps.
  auto settled(const LawModes<T>& modes, const T& a) const {
    const T end = v + h * a, at = q + h * end;
    const T margin = T(kTouching) * (T(1) + abs(at));
    return (at - law.lower > margin) & (law.upper - at > margin) & (abs(end) <= law.velocity_limit) &
           (T(0) <= law.friction * modes.friction * end) & (modes.drive == T(0)) &
           (abs(demand(end)) <= law.drive_limit);
  }

  // Modes as acceleration a and, of held degrees, the force `needed` ask for them; the same where the law is kept.
  // Every degree, free or held.
  LawModes<T> mended(const LawModes<T>& modes, const T& a, const T& needed) const {
    const T end = v + h * a;
    const T slack = T(1e-12) * (T(1) + abs(v) + h * abs(a));
    const auto is_held = held(modes), stopped = modes.bound != T(0), rubs = law.friction > T(0);
    const auto below = end < low() - slack, above = (end > high() + slack) & !below;
    const T outside = sign_of<T>(above, below);
    LawModes<T> next = modes;

    // free: limits, then friction against the motion, and the drive's limit
    const auto pushes = rubs & !below & !above & (modes.friction * end < -slack);
    const T f = demand(end), over = law.drive_limit * T(1 + 1e-12), under = law.drive_limit * T(1 - 1e-12);
    const auto sloped = modes.drive == T(0);  // a saturated drive goes back to its slope first
    const auto high_drive = (sloped & (f > over)) | ((modes.drive > T(0)) & (f > under));
    const auto low_drive = (sloped & (f < -over)) | ((modes.drive < T(0)) & (-f > under));

    // held: force that friction and stops must give beyond the smooth ones. A stop only pushes inwards; friction is
    // known where the joint moves, and helps either way where it does not
    const T rest = needed + law.armature * a - smooth(end);
    const T tiny = T(1e-12) * (law.friction + abs(needed));
    const T way = sign_of<T>(end > T(0), end < T(0));
    const auto rests = way == T(0);
    const T push = select(modes.bound < T(0), T(1), T(-1)) * (rest + way * law.friction);
    const auto releases = stopped & (push < -select(rests, T(law.friction), T(0)) - tiny);
    const auto breaks = (!stopped) & (abs(rest) > law.friction + tiny);

    next.bound =
        select(is_held, select(stopped, select(releases, T(0), modes.bound), select(breaks, T(0), outside)), outside);
    next.friction = select(is_held,
                           select(releases & rubs, select(rests, -modes.bound, way),
                                  select(breaks, select(rest > T(0), T(-1), T(1)), modes.friction)),
                           select(pushes, T(0), modes.friction));
    next.drive = select(is_held, modes.drive, sign_of<T>(high_drive, low_drive));
    return next;
  }
  auto differ(const LawModes<T>& a, const LawModes<T>& b) const {
    return (a.drive != b.drive) | (a.friction != b.friction) | (a.bound != b.bound);
  }
};

}  // namespace geoul::dynamics::kernels
