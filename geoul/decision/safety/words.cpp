#include <cmath>
#include <cstdio>

#include "geoul/decision/safety/filter.h"

namespace geoul::decision::safety {
namespace {

std::string number(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.3g %s", value, unit);
  return text;
}

std::string joint(const Robot& robot, int j) {
  return j >= 0 && j < robot.joints() ? robot.joint_names[std::size_t(j)] : "a joint";
}
// The part of the robot that a capsule stands for, by the joint that carries it.
std::string part(const Robot& robot, int capsule) {
  if (capsule < 0 || capsule >= int(robot.capsules.size())) return "the robot";
  return "the link behind " + joint(robot, robot.capsules[std::size_t(capsule)].link);
}

std::string because(const Filter& filter, const Reason& r) {
  const Robot& robot = filter.robot();
  const std::string short_of = number(-r.margin, "m");
  switch (r.cause) {
    case Cause::kNoProposal: return "nobody proposed a motion";
    case Cause::kNotFinite:
      return r.subject >= 0 ? "the motion proposed for " + joint(robot, r.subject) + " is no number"
                            : "a measured person is no number";
    case Cause::kLate:
      return r.margin < 0 ? "the filter was asked at the wrong time, " + number(-r.margin, "s") + " off" : "late";
    case Cause::kJointLimit: return "a limit of " + joint(robot, r.subject);
    case Cause::kPerson:
      return part(robot, r.subject) + " would come " + short_of + " too near to person part " +
             std::to_string(r.object);
    case Cause::kObstacle:
      return part(robot, r.subject) + " would come " + short_of + " too near to " +
             robot.obstacles[std::size_t(r.object)].name;
    case Cause::kSelf:
      return part(robot, r.subject) + " would come " + short_of + " too near to " + part(robot, r.object);
    case Cause::kWorkspace: {
      const KeptPoint& point = robot.options.points[std::size_t(r.subject)];
      return point.name + " would pass " + point.planes[std::size_t(r.object)].name + " by " + short_of;
    }
    case Cause::kSpeed:
      return robot.options.points[std::size_t(r.subject)].name + " would be " + number(-r.margin / 0.1, "m/s") +
             " too fast";
    case Cause::kTorque: return joint(robot, r.subject) + " would need " + number(-r.margin, "N.m") + " too much";
    case Cause::kToolForce: return "the force at the tool is " + number(-r.margin, "N") + " too great";
    case Cause::kOldPeople:
      return "the measurement of people is " + number(-r.margin, "s") + " too old, or of the future";
    case Cause::kOldPlant: return "the plant's joints or forces were not measured lately enough";
    case Cause::kDiverged:
      return joint(robot, r.subject) + " is " + number(-r.margin, "rad or m") +
             " farther from its reference than assumed";
    case Cause::kDistrust: return "the twin and the plant contradict each other";
    case Cause::kTooManyPeople: return "more is near the robot than the filter can look at in time";
  }
  return "";
}

}  // namespace

const char* to_string(Cause cause) {
  constexpr const char* kNames[] = {
      "no-proposal", "not-finite", "late",       "joint-limit", "person",    "obstacle", "self",     "workspace",
      "speed",       "torque",     "tool-force", "old-people",  "old-plant", "diverged", "distrust", "too-many-people"};
  return kNames[static_cast<std::size_t>(cause)];
}

const char* to_string(Verdict verdict) {
  constexpr const char* kNames[] = {"passed", "changed", "stopping", "held"};
  return kNames[static_cast<std::size_t>(verdict)];
}

std::string words(const Filter& filter, const Decision& decision) {
  std::string out;
  switch (decision.verdict) {
    case Verdict::kPassed: out = "passed as proposed"; break;
    case Verdict::kChanged: out = "changed by " + number(decision.change, "of the accelerations' limits"); break;
    case Verdict::kStopping: out = "stopping along the checked stop"; break;
    case Verdict::kHeld: out = "held at rest"; break;
  }
  for (int i = 0; i < decision.reasons; ++i) out += (i == 0 ? ": " : "; ") + because(filter, decision.reason[i]);
  if (std::isfinite(decision.distance)) out += "; nearest person at " + number(decision.distance, "m");
  if (decision.separation.total() > 0) out += ", asked for " + number(decision.separation.total(), "m");
  return out;
}

}  // namespace geoul::decision::safety
