// Time-optimal path parameterisation: how fast a path may be gone. The path q(s) is given, the time is found: s(t) of
// least duration under limits of velocity, acceleration and effort. Reachability analysis: sets of squared path speeds
// from which the end can still be reached, backwards; then greedily forward. Source: Pham, Pham, IEEE Trans. Robotics
// 34(3), 2018 (TOPP-RA), with the constraints at both ends of a grid interval (their interpolation scheme).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/decision/futures/action.h"
#include "geoul/dynamics/model.h"

namespace geoul::decision {

// A curve through waypoints: cubic spline with continuous curvature, at rest in curvature at both ends (natural), over
// chord length. (nwaypoint x n) row-major.
struct Path {
  int n = 0;
  std::vector<double> s;       // (nwaypoint) ascending from 0
  std::vector<double> q, dds;  // (nwaypoint x n) points, second derivatives
};
// Errors: kBadInput for fewer than two waypoints, numbers that are not finite, neighbours that are the same.
Result<Path> make_path(std::span<const double> waypoints, int n);
// q, dq/ds, d2q/ds2 (n each) at s, which is clamped.
void evaluate(const Path& path, double s, std::span<double> q, std::span<double> dq, std::span<double> ddq);

struct PathLimits {
  std::vector<double> velocity;      // (n) [rad/s, m/s]; infinite: none
  std::vector<double> acceleration;  // (n)
  std::vector<double> effort;        // (n) [N.m, N]; or empty: none. Needs the model
};

struct TimingOptions {
  int intervals = 400;
  double start_speed = 0, end_speed = 0;  // [ds/s]
  Duration period{4'000'000};             // of the action
};

struct Timing {
  bool feasible = false;
  std::string words;                                                    // why not
  double duration = 0;                                                  // [s]
  std::vector<double> s, speed;                                         // (intervals + 1) grid, and ds/dt there
  Action action;                                                        // rows along the path, of `degrees`
  double velocity_share = 0, acceleration_share = 0, effort_share = 0;  // largest over its limit, at the grid's ends
};

// Times the path of `degrees` (n). Other joints stay at now.q; efforts hold gravity, velocity terms, armature, damping
// and friction against the motion. O(intervals n). GEOUL_EXPECTS sizes that fit, positive limits.
Timing time_path(const dynamics::Model& model, const scene::State& now, std::vector<int> degrees, const Path& path,
                 const PathLimits& limits, const TimingOptions& options = {});

}  // namespace geoul::decision
