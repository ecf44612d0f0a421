#include <algorithm>
#include <cmath>

#include "geoul/decision/safety/filter.h"

namespace geoul::decision::safety {

double toward_velocity(const JointState& state, double velocity, const JointLimits& limits, Duration cycle) {
  const double T = cycle.seconds(), step = limits.jerk * T;
  const double error = std::clamp(velocity, -limits.velocity, limits.velocity) - state.v - 0.5 * T * state.a;
  // The acceleration from which the jerk can still bring it to zero when the velocity is reached.
  const double most = std::max(0.0, std::sqrt(2 * limits.jerk * std::abs(error) + 0.25 * step * step) - 0.5 * step);
  const double a = std::copysign(std::min(most, limits.acceleration), error);
  return std::clamp(a, state.a - step, state.a + step);
}

double toward_position(const JointState& state, double position, const JointLimits& limits, Duration cycle) {
  const double T = cycle.seconds(), error = position - state.q;
  const double slower = 0.7 * limits.acceleration;
  const double v = std::min(std::sqrt(2 * slower * std::abs(error)), std::abs(error) / (4 * T));
  return toward_velocity(state, std::copysign(v, error), limits, cycle);
}

}  // namespace geoul::decision::safety
