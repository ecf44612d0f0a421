#include "geoul/sensors/sampling.h"

namespace geoul::sensors {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

}  // namespace

void validate(const Sampling& sampling, const Location& where, Diagnostics& diagnostics) {
  if (sampling.period.ns <= 0)
    diagnostics.error(where, "out-of-range", "sampling period is " + std::to_string(sampling.period.ns) + " ns",
                      "write a positive period");
  if (sampling.phase.ns < 0 || (sampling.period.ns > 0 && sampling.phase >= sampling.period))
    diagnostics.error(where, "out-of-range", "sampling phase is " + std::to_string(sampling.phase.ns) + " ns",
                      "write a phase from 0 to less than the period");
  if (sampling.latency.ns < 0)
    diagnostics.error(where, "out-of-range", "latency is " + std::to_string(sampling.latency.ns) + " ns",
                      "write 0 or a positive latency");
}

Result<Due> samples_due(const Sampling& sampling, bool any, Time shown, Time now, const std::string& sensor) {
  if (any && now < shown)
    return Error{ErrorCode::kBadInput, sensor + ": time runs backwards, from " + std::to_string(shown.ns) + " to " +
                                           std::to_string(now.ns) +
                                           " ns; restore the sensor's memory together with the state"};
  const std::int64_t last = floor_divide(now.ns - sampling.phase.ns, sampling.period.ns);
  const std::int64_t before = floor_divide((any ? shown.ns : now.ns - 1) - sampling.phase.ns, sampling.period.ns);
  const std::int64_t count = last - before;
  if (count > kMostDue)
    return Error{ErrorCode::kBadInput, sensor + ": " + std::to_string(count) +
                                           " samples fell due at once; has the clock jumped? Make the sensor anew"};
  return Due{Time{sampling.phase.ns} + sampling.period * (before + 1), count};
}

}  // namespace geoul::sensors
