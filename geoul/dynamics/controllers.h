// Controllers: from targets and a State to efforts, for Controls::effort or for actuators. Arrays of joints are
// addressed as State::v (nv). With e = q* - q, de = v* - v:
//   kEffort          u = effort
//   kVelocity        u = kp de + ki int(de) + effort
//   kPosition        u = kp e + kd de + ki int(e) + effort
//   kImpedance       u = kp e + kd de + effort + b(q, v)                    b: weight and velocity terms
//   kComputedTorque  u = inverse dynamics of (a* + kp e + kd de + ki int(e)) + springs and damping + effort
// then |u| <= effort_limit, and |du/dt| <= effort_rate. Anti-windup: the integral stands still while u is cut off and
// the error would push it further (conditional integration). A joint's own drive works beside all this: leave it out
// of the scene (Joint::drive = {}). Source: Astrom, Hagglund, Advanced PID Control (2006),
// sec. 3.5; Khalil, Dombre, Modeling, Identification and Control of Robots (2002), ch. 14.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"
#include "geoul/scene/state.h"

namespace geoul::dynamics {

enum class ControlMode : signed char { kEffort, kVelocity, kPosition, kImpedance, kComputedTorque };

// Of one degree. Units for a turning joint; a slide has m and N instead of rad and N.m.
struct JointGains {
  ControlMode mode = ControlMode::kEffort;
  double kp = 0;  // kVelocity [N.m.s/rad]; kPosition, kImpedance [N.m/rad]; kComputedTorque [1/s2]
  double ki = 0;  // kVelocity [N.m/rad]; kPosition [N.m/(rad s)]; kComputedTorque [1/s3]
  double kd = 0;  // kPosition, kImpedance [N.m.s/rad]; kComputedTorque [1/s]
  double effort_limit = scene::kUnlimited;  // [N.m]
  double effort_rate = scene::kUnlimited;   // [N.m/s]
};

// What is asked for, arrays (nv). Made by make_targets, at rest.
struct JointTargets {
  std::vector<double> position, velocity, acceleration, effort;
};

// Arrays (nv). A copy is a snapshot.
struct ControllerMemory {
  std::vector<double> integral;                // of ki e: [N.m], kComputedTorque [rad/s2]
  std::vector<double> effort;                  // last one given [N.m]
  std::vector<double> wanted, bias, computed;  // scratch
};

JointTargets make_targets(const Model& model, const scene::State& state);
ControllerMemory make_controller_memory(const Model& model);

// Wrong gains by name: not-a-number, out-of-range (negative), no-degree (a position or velocity law on a degree of a
// ball or free joint).
void validate(std::span<const JointGains> gains, const Model& model, Diagnostics& diagnostics);

// One control period dt: efforts (nv). inverse_dynamics runs at most twice, and only where a mode asks for it; degrees
// in other modes count as not accelerating then. Allocates nothing. O(nlink). Error kBadInput where a target or the
// state is not a number: memory and effort stay as they were.
Result<void> control(std::span<const JointGains> gains, const Model& model, const scene::State& state,
                     const JointTargets& targets, Duration dt, Data& data, ControllerMemory& memory,
                     std::span<double> effort);

// Cartesian impedance of a site S towards a target frame T:
//   F = K (T - S) + D (V_T - V_S) + F_T,   u = J^T F + b(q, v) + N^T (posture_kp (q0 - q) - posture_kd v)
// K and D are in T's axes, rotation as the vector of the turn from S to T; N^T = 1 - J^T L J M^-1 is the dynamically
// consistent null space, so that the posture does not disturb the site. Source: Khatib, IEEE J. Robotics and Automation
// 3(1), 1987, eq. 51.
struct CartesianImpedance {
  std::string name;  // for messages
  scene::SiteId site;
  Mat3d stiffness{}, damping{};             // [N/m], [N.s/m]
  Mat3d turn_stiffness{}, turn_damping{};   // [N.m/rad], [N.m.s/rad]
  double max_force = scene::kUnlimited;     // of K and D together [N]; direction kept
  double max_moment = scene::kUnlimited;    // [N.m]
  double posture_kp = 0, posture_kd = 0;    // [N.m/rad], [N.m.s/rad], one-degree joints
  double effort_limit = scene::kUnlimited;  // of each degree [N.m]
};

struct CartesianTarget {
  Posed X_WT;
  Motiond V_WT;                 // in W, at T's origin
  Forced F_W;                   // added, in W about S's origin
  std::vector<double> posture;  // q0 (nv); or empty: none
};

struct CartesianMemory {
  std::vector<double> J, M, MJ, bias, posture;  // scratch: (6 nv), (nv nv), (6 nv), (nv), (nv)
};

struct CartesianReport {
  Forced F_W;              // asked of the site [N.m, N]
  bool force_cut = false;  // max_force or max_moment acted
  bool singular = false;   // J M^-1 J^T has no inverse here: no posture term was added
};

CartesianMemory make_cartesian_memory(const Model& model);
void validate(const CartesianImpedance& law, const Model& model, Diagnostics& diagnostics);
// Efforts (nv). O(nv^3) where there is a posture, else O(nlink). Errors as control().
Result<CartesianReport> control(const CartesianImpedance& law, const Model& model, const scene::State& state,
                                const CartesianTarget& target, Data& data, CartesianMemory& memory,
                                std::span<double> effort);

}  // namespace geoul::dynamics
