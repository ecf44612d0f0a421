// Futures: the twin of this instant forked into actions x draws worlds, stepped faster than real time, scored and
// ranked. The bits depend on the arguments alone, for any number of threads.
//   control  the joints follow the action by their drives (those without get one: servo_*), fed forward with what the
//            undisturbed model needs for it, as robot controllers do; a payload that the controller does not know shows
//   lanes    all worlds without pushes and without contact or with convex contact (dynamics/batch.h); others step() one
//            by one
//   ends     a future ends at its first hit (clearance <= 0): what comes after is not scored
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/parallel.h"
#include "geoul/core/result.h"
#include "geoul/decision/futures/action.h"
#include "geoul/decision/futures/clearance.h"
#include "geoul/decision/futures/disturbance.h"

namespace geoul::decision {

// What a future must keep; beyond it, it is a failure of its action.
struct FutureBounds {
  double clearance = 0;          // [m] least
  double following_error = 0.1;  // [rad, m] most, of any controlled joint against its setpoint
  double settle = 0.01;          // [rad, m] arrived: all joints this near to the last setpoint until the end
  bool arrive = true;            // whether not to arrive within the horizon is a failure
  double risk = 0;               // share of failing draws that an action may have and still be ranked
};

// cost = time time + energy energy + effort effort_share + near max(0, 1 - clearance / comfort). What is not reached
// counts as the horizon.
struct FutureWeights {
  double time = 1;       // [1/s]
  double energy = 0.01;  // [1/J]
  double effort = 0.1;
  double near = 1;
  double comfort = 0.05;  // [m]
};

struct FutureOptions {
  Duration horizon{5'000'000'000};
  Duration control_period{4'000'000};  // scores are taken at its end; a whole number of steps. The setpoints of
                                       // every step lie on a line from one to the next
  Duration check_period{20'000'000};   // clearance; a whole number of control periods
  Duration dt{1'000'000};
  int draws = 1;
  std::uint64_t seed = 1;
  bool contact = false;  // whether hits push back (objects that are pushed on purpose)
  bool feedforward = true;
  double servo_frequency = 20;  // [Hz] of the drives given to controlled joints without one: natural, damped critically
  double hit_stiffness = 75e3;  // [N/m] of what is hit: ISO/TS 15066:2016, table A.3, hands and fingers
  double tail = 0.1;            // CVaR: mean of the worst such share of the draws
  FutureBounds bounds;
  FutureWeights weights;
  ThreadPool* pool = nullptr;
};

enum class Failure : std::uint8_t {
  kNone,
  kNotFinite,
  kHit,            // clearance <= 0
  kTooNear,        // clearance below the bound
  kPositionLimit,  // a joint ran into its limit
  kFollowing,      // left its setpoint by more than the bound
  kNotArrived,
};
const char* to_string(Failure failure);

struct Future {
  int action = 0, draw = 0;
  double time = 0;       // [s] of arrival; the horizon where it did not arrive
  double energy = 0;     // [J] positive work of the joints' efforts; braking gives nothing back
  double clearance = 0;  // [m] least seen; infinite where nothing may touch
  double clearance_slack =
      0;                      // [m] between two looks it may have been less by half of this body's way, at most so much
  double effort_share = 0;    // largest |effort| over its limit; 0 where there are no limits
  double velocity_share = 0;  // largest |velocity| over its limit
  double following_error = 0;  // [rad, m] largest
  double hit_energy = 0;       // [J] of the approach along the normal at the first hit
  double hit_force = 0;        // [N] v sqrt(m k): ISO/TS 15066:2016, A.3.6
  double cost = 0;
  int pair = -1;    // of ClearanceModel, nearest
  int degree = -1;  // that failed or has the largest effort share
  Failure failure = Failure::kNone;
  double failed_at = 0;  // [s]
};

// Of one score over the draws of an action.
struct Spread {
  double mean = 0, deviation = 0;        // of the sample
  double low = 0, median = 0, high = 0;  // quantiles 0.05, 0.5, 0.95 (linear between order statistics)
  double cvar = 0;                       // mean of the worst share FutureOptions::tail
};
// worst_high: whether large is bad. Values (n >= 1); infinite ones allowed.
Spread spread(std::vector<double> values, bool worst_high, double tail);

struct Rejection {
  Failure failure;
  int count = 0;  // draws
  int draw = 0;   // the first of them
  std::string words;
};

struct RankedAction {
  int action = 0;
  Spread time, energy, clearance, effort_share, following_error, cost;
  int failures = 0;
  double risk = 0, risk_low = 0, risk_high = 0;  // share of failing draws; 95 % interval (Wilson 1927)
  bool rejected = false;                         // risk > bounds.risk
  std::vector<Rejection> reasons;                // by failure
};

struct Futures {
  std::vector<Future> all;            // (action x draw), action-major
  std::vector<RankedAction> ranking;  // kept ones first, by CVaR of the cost, then by number; rejected ones by risk
  ClearanceModel clearance;
  std::vector<std::string> notes;  // what is not judged, what changes nothing
  int in_lanes = 0;                // worlds
};

// Errors: kBadInput for what problem() says of an action or a disturbance, for periods that do not divide each other;
// kUnsupported for what the batch cannot vary.
Result<Futures> foresee(const dynamics::Model& model, const scene::State& now, std::span<const Action> actions,
                        std::span<const Disturbance> disturbances, const FutureOptions& options);

// Share k / n of a yes or no: 95 % score interval. Source: Wilson, J. American Statistical Association 22(158), 1927.
std::array<double, 2> wilson(int k, int n);

}  // namespace geoul::decision
