// Statistics over the draws, and the order of the actions.
#include "geoul/decision/futures/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "geoul/core/contract.h"

namespace geoul::decision {
namespace {

using std::size_t;

double quantile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(at);
  const size_t high = std::min(low + 1, sorted.size() - 1);
  const double part = at - static_cast<double>(low);
  if (part == 0 || sorted[low] == sorted[high]) return sorted[low];  // infinite ones too
  return (1 - part) * sorted[low] + part * sorted[high];
}

Spread of(std::span<const Future> futures, double Future::*score, bool worst_high, double tail) {
  std::vector<double> values;
  for (const Future& f : futures) values.push_back(f.*score);
  return spread(std::move(values), worst_high, tail);
}

std::string joint_name(const dynamics::Model& model, int degree) {
  for (size_t j = 0; j < model.layout.joints.size(); ++j) {
    const scene::JointAddress& at = model.layout.joints[j];
    if (degree >= at.v && degree < at.v + at.nv) return model.joints[j].path;
  }
  return "degree " + std::to_string(degree);
}

std::string words_of(const dynamics::Model& model, const ClearanceModel& clearance, const FutureOptions& options,
                     const Future& f) {
  char at[64], number[96];
  std::snprintf(at, sizeof at, " at %.3g s", f.failed_at);
  switch (f.failure) {
    case Failure::kHit:
      std::snprintf(number, sizeof number, "; %.3g J, up to %.3g N", f.hit_energy, f.hit_force);
      return pair_name(clearance, model, f.pair) + " hit each other" + at + number;
    case Failure::kTooNear:
      std::snprintf(number, sizeof number, " come to %.3g mm (bound %.3g mm)", 1e3 * f.clearance,
                    1e3 * options.bounds.clearance);
      return pair_name(clearance, model, f.pair) + number;
    case Failure::kPositionLimit: return joint_name(model, f.degree) + " runs into its limit" + at;
    case Failure::kFollowing:
      std::snprintf(number, sizeof number, " is %.3g off its setpoint (bound %.3g)", f.following_error,
                    options.bounds.following_error);
      return joint_name(model, f.degree) + number + at;
    case Failure::kNotArrived:
      return joint_name(model, f.degree) + " has not arrived within " +
             std::to_string(options.horizon.seconds()).substr(0, 5) + " s";
    case Failure::kNotFinite: return std::string("the simulation left the finite numbers") + at;
    default: return {};
  }
}

}  // namespace

Spread spread(std::vector<double> values, bool worst_high, double tail) {
  GEOUL_EXPECTS(!values.empty() && tail > 0 && tail <= 1);
  std::sort(values.begin(), values.end());
  Spread out;
  const auto n = static_cast<double>(values.size());
  for (const double x : values) out.mean += x / n;
  for (const double x : values) out.deviation += values.size() > 1 ? (x - out.mean) * (x - out.mean) / (n - 1) : 0;
  out.deviation = std::isfinite(out.mean) ? std::sqrt(out.deviation) : 0;
  out.low = quantile(values, 0.05), out.median = quantile(values, 0.5), out.high = quantile(values, 0.95);
  const auto worst = static_cast<size_t>(std::max(1.0, std::ceil(tail * n - 1e-9)));
  for (size_t i = 0; i < worst; ++i)
    out.cvar += values[worst_high ? values.size() - 1 - i : i] / static_cast<double>(worst);
  return out;
}

std::array<double, 2> wilson(int k, int n) {
  GEOUL_EXPECTS(n > 0 && k >= 0 && k <= n);
  constexpr double z = 1.959963984540054;
  const double m = n, p = k / m, d = 1 + z * z / m;
  const double middle = (p + z * z / (2 * m)) / d;
  const double half = z / d * std::sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  return {k == 0 ? 0 : middle - half, k == n ? 1 : middle + half};
}

const char* to_string(Failure failure) {
  switch (failure) {
    case Failure::kNone: return "none";
    case Failure::kNotFinite: return "not finite";
    case Failure::kHit: return "hit";
    case Failure::kTooNear: return "too near";
    case Failure::kPositionLimit: return "position limit";
    case Failure::kFollowing: return "following error";
    default: return "not arrived";
  }
}

RankedAction judge(const dynamics::Model& model, const ClearanceModel& clearance, const FutureOptions& options,
                   std::span<const Future> draws) {
  RankedAction out;
  out.action = draws.front().action;
  out.time = of(draws, &Future::time, true, options.tail);
  out.energy = of(draws, &Future::energy, true, options.tail);
  out.clearance = of(draws, &Future::clearance, false, options.tail);
  out.effort_share = of(draws, &Future::effort_share, true, options.tail);
  out.following_error = of(draws, &Future::following_error, true, options.tail);
  out.cost = of(draws, &Future::cost, true, options.tail);
  for (const Future& f : draws) {
    if (f.failure == Failure::kNone) continue;
    ++out.failures;
    const auto known = std::find_if(out.reasons.begin(), out.reasons.end(),
                                    [&](const Rejection& r) { return r.failure == f.failure; });
    if (known != out.reasons.end()) {
      ++known->count;
    } else {
      out.reasons.push_back({f.failure, 1, f.draw, words_of(model, clearance, options, f)});
    }
  }
  std::sort(out.reasons.begin(), out.reasons.end(),
            [](const Rejection& a, const Rejection& b) { return a.failure < b.failure; });
  const auto n = static_cast<int>(draws.size());
  out.risk = static_cast<double>(out.failures) / n;
  const std::array<double, 2> interval = wilson(out.failures, n);
  out.risk_low = interval[0], out.risk_high = interval[1];
  out.rejected = out.risk > options.bounds.risk;
  return out;
}

void rank(std::vector<RankedAction>& ranking) {
  std::sort(ranking.begin(), ranking.end(), [](const RankedAction& a, const RankedAction& b) {
    if (a.rejected != b.rejected) return b.rejected;
    const double first = a.rejected ? a.risk : a.cost.cvar, second = b.rejected ? b.risk : b.cost.cvar;
    return first != second ? first < second : a.action < b.action;
  });
}

}  // namespace geoul::decision
