// Motion of one joint with bounded jerk: pieces of constant jerk, and the quickest stop. All closed forms; nothing
// allocates. Source of the stop's shape (double S with two jerk phases): Biagiotti, Melchiorri, Trajectory Planning for
// Automatic Machines and Robots (2008), ch. 3.4.
#pragma once

#include "geoul/scene/joint.h"

namespace geoul::decision::safety {

// Position, velocity and acceleration of one joint [rad or m, per s, per s2].
struct JointState {
  double q = 0, v = 0, a = 0;
};

struct JointLimits {
  double lower = -scene::kUnlimited, upper = scene::kUnlimited;  // [rad or m]
  double velocity = 1;                                           // [rad/s]
  double acceleration = 1;  // [rad/s2]: what the joint always can, braking included
  double jerk = 10;         // [rad/s3]
};

// From `start`, constant jerk for each duration, then at rest. Never more than four pieces: one cycle and a stop.
struct Profile {
  static constexpr int kMost = 4;
  JointState start;
  int count = 0;
  double duration[kMost] = {};  // [s]
  double jerk[kMost] = {};      // [rad/s3]
};

// dt [s] later under one jerk.
JointState advanced(const JointState& state, double jerk, double dt);
// At time t >= 0 of the profile; after its end: at rest, exactly.
JointState at(const Profile& profile, double t);
double duration(const Profile& profile);
// What is left of the profile after t.
Profile tail(const Profile& profile, double t);

// The quickest way to v = 0, a = 0 with |jerk| <= limits.jerk and |a| <= limits.acceleration; needs |a| within the
// latter. Position limits do not enter: see Travel.
Profile stop_from(const JointState& state, const JointLimits& limits);
// One cycle of a jerk, then the quickest stop.
Profile cycle_and_stop(const JointState& state, double jerk, double cycle, const JointLimits& limits);

// Where a profile goes, relative to its start.
struct Travel {
  double low = 0, high = 0;  // least and greatest displacement [rad], low <= 0 <= high
  double slowest = 0;        // least and greatest velocity [rad/s]
  double fastest = 0;
  double time = 0;  // until it rests [s]
  double greatest() const { return high > -low ? high : -low; }
  double speed() const { return fastest > -slowest ? fastest : -slowest; }
};
Travel travel(const Profile& profile);

// Whether a stop exists from a state and along it every limit holds, to `slack` [rad, rad/s, rad/s2].
bool viable(const JointState& state, const JointLimits& limits, double slack = 1e-9);

// The jerks for one cycle after which a stop within all limits exists, and within which none is broken: an interval,
// since the greatest displacement, velocity and acceleration all rise with the jerk. empty where low > high: then only
// the profile that is being followed will do. To 2e-3 of the jerk limit, on the safe side.
struct JerkRange {
  double low = 0, high = -1;
  bool empty() const { return low > high; }
};
JerkRange jerk_range(const JointState& state, double cycle, const JointLimits& limits);

}  // namespace geoul::decision::safety
