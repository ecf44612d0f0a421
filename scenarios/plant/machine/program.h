// What a machine's controller follows: taught poses joined by smooth motions, and the work between them.
#pragma once

#include <string>
#include <vector>

#include "scenarios/plant/machine/hidden.h"

namespace geoul::plant {

// Straight in joint space, by s(x) = 10 x^3 - 15 x^4 + 6 x^5: begins and ends at rest, without a step of acceleration.
struct Segment {
  Joints from{}, to{};
  double duration = 0;  // [s] at full speed
};
// As fast as no joint exceeds `speed` [rad/s] and `acceleration` [rad/s2]: peaks are 15/8 and 10/sqrt(3) of the means.
Segment plan(const Joints& from, const Joints& to, double speed, double acceleration);

struct Reference {
  Joints q{}, v{}, a{};
};
// At path time u [s], which runs at `rate` and changes it by `rate_change` [1/s].
Reference reference_at(const Segment& segment, double u, double rate, double rate_change);

struct ProgramStep {
  enum class Kind { kMove, kGrip, kRelease, kWait };
  Kind kind = Kind::kMove;
  std::string name;
  Joints pose{};            // kMove
  double speed = 0.8;       // [rad/s]
  double acceleration = 2;  // [rad/s2]
  double seconds = 0.3;     // the others last
};
// Picks, carries, places and goes home, again and again, among the stations of the recorded UR3e: every move is between
// two poses that the real robot moved between.
std::vector<ProgramStep> work_cycle();
const Joints& home_pose();

}  // namespace geoul::plant
