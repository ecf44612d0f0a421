// Limits of joints: reversed-limits, degrees, radians.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/scene/doctor/doctor.h"

namespace geoul::scene::doctor {
namespace {

using std::numbers::pi;

constexpr double kDegree = pi / 180;
constexpr double kMostTurns = 4 * pi;     // [rad] two turns either way: more than a robot's joint has
constexpr double kMostDegrees = 720;      // the same in degrees
constexpr double kCertainTurns = 2 * pi;  // [rad] beside another joint that is in degrees

bool turns(const Joint& j) { return j.type == JointType::kRevolute; }
bool whole(double x) { return std::abs(10 * x - std::round(10 * x)) < 1e-6; }  // tenths of a degree
double largest(const Joint& j) { return std::max(std::abs(j.lower), std::abs(j.upper)); }

// Limits that two turns do not reach and that read like angles in degrees.
bool in_degrees(const Joint& j, double beyond) {
  return turns(j) && std::isfinite(j.lower) && std::isfinite(j.upper) && largest(j) > beyond &&
         largest(j) <= kMostDegrees && whole(j.lower) && whole(j.upper);
}

std::string range(const Joint& j) { return number(j.lower) + " to " + number(j.upper); }

void judge_degrees(const Patient& patient, std::vector<Symptom>& out) {
  const std::vector<Joint>& joints = patient.scene.joints;
  const bool any = std::any_of(joints.begin(), joints.end(), [](const Joint& j) { return in_degrees(j, kMostTurns); });
  if (!any) return;
  for (std::size_t i = 0; i < joints.size(); ++i) {
    const Joint& j = joints[i];
    // Where one joint is in degrees, so is a neighbour of more than a turn.
    if (!in_degrees(j, kCertainTurns)) continue;
    const JointId id = JointId::from_index(i);
    Symptom s;
    s.finding = {
        Severity::kWarning, patient.at(id), "degrees",
        "its limits " + range(j) + " rad are " + number(largest(j) / (2 * pi)) + " turns, and read like degrees",
        "write " + number(j.lower * kDegree) + " to " + number(j.upper * kDegree) + " rad; --mend does it"};
    s.mend = [id](Scene& scene) {
      Joint& joint = scene.joints[id.index()];
      const std::string before = range(joint);
      joint.lower *= kDegree, joint.upper *= kDegree;
      return "limits taken as degrees: " + range(joint) + " rad (were " + before + " rad)";
    };
    out.push_back(std::move(s));
  }
}

// Angles that are multiples of a quarter turn, once more divided by 57.3: radians read as degrees.
bool shrunk(double x) {
  const double quarters = std::abs(x) / kDegree / (pi / 2);
  return quarters > 0.5 && quarters < 4.5 && std::abs(quarters - std::round(quarters)) < 2e-3;
}

void judge_radians(const Patient& patient, std::vector<Symptom>& out) {
  for (std::size_t i = 0; i < patient.scene.joints.size(); ++i) {
    const Joint& j = patient.scene.joints[i];
    if (!turns(j) || !std::isfinite(j.lower) || !std::isfinite(j.upper)) continue;
    const bool low = shrunk(j.lower), high = shrunk(j.upper);
    if (!((low && high) || (low && j.upper == 0) || (high && j.lower == 0))) continue;
    const JointId id = JointId::from_index(i);
    Symptom s;
    s.finding = {Severity::kWarning, patient.at(id), "radians",
                 "its limits are " + number(j.lower / kDegree) + " to " + number(j.upper / kDegree) +
                     " degrees, which read like radians",
                 "MJCF: write <compiler angle=\"radian\"/>; or let --mend --only radians take them as such"};
    s.mend = [id](Scene& scene) {
      Joint& joint = scene.joints[id.index()];
      joint.lower /= kDegree, joint.upper /= kDegree;
      return "limits taken as radians: " + range(joint) + " rad";
    };
    out.push_back(std::move(s));
  }
}

}  // namespace

void check_limits(const Patient& patient, std::vector<Symptom>& out) {
  for (std::size_t i = 0; i < patient.scene.joints.size(); ++i) {
    const Joint& j = patient.scene.joints[i];
    if (!(j.lower > j.upper)) continue;
    const JointId id = JointId::from_index(i);
    Symptom s;
    s.finding = {Severity::kError, patient.at(id), "reversed-limits",
                 "its lower limit " + number(j.lower) + " is above its upper " + number(j.upper),
                 "exchange them; --mend does it"};
    s.mend = [id](Scene& scene) {
      Joint& joint = scene.joints[id.index()];
      std::swap(joint.lower, joint.upper);
      return "limits exchanged: " + range(joint);
    };
    out.push_back(std::move(s));
  }
  judge_degrees(patient, out);
  judge_radians(patient, out);
}

}  // namespace geoul::scene::doctor
