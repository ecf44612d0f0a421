// Formulas and numbers of the standards for distances and contact between people and machines, as data with where each
// was read. SI units. Nothing here is a certificate, or stands in for reading the standard: the numbers come from
// public secondary sources (Source::where), and each must be checked against the standard before it guards anybody.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace geoul::decision::safety {

struct Source {
  std::string_view standard;  // document and clause
  std::string_view where;     // where this number was read
};

// A number with its source.
struct Datum {
  std::string_view name;
  double value = 0;
  std::string_view unit;
  Source source;
};
// Every datum of this file but the body's regions, in a fixed order.
std::span<const Datum> standard_data();

// ---- ISO 13855: how fast people come, and how far they reach through a detection zone ----
inline constexpr double kWalkingSpeed = 1.6;   // K of a body that walks [m/s]
inline constexpr double kReachingSpeed = 2.0;  // K of arms and hands, and of anything within 0.5 m [m/s]
// Separation of a detection zone from what does not move: S = K T + C. K [m/s], T [s] from detection to standstill.
constexpr double separation_of_safeguard(double K, double T, double C) { return K * T + C; }
// Intrusion C [m] by the detection capability d [m] of a zone that is crossed at a right angle: 8 (d - 14 mm), not
// below 0, for d up to 40 mm; 0.85 m above. Needs d >= 0.
double intrusion(double detection_capability);

// ---- ISO/TS 15066 clause 5.5.4, now in ISO 10218-2:2025: speed and separation monitoring ----
struct Separation {
  double S_h = 0;  // what the person may come nearer from now until the robot stands [m]
  double S_r = 0;  // what the robot moves until it begins to brake [m]
  double S_s = 0;  // what it moves while it brakes [m]
  double C = 0;    // intrusion [m]
  double Z_d = 0;  // uncertainty of the person's place [m]
  double Z_r = 0;  // uncertainty of the robot's place [m]
  // The protective separation distance S_p [m].
  double total() const { return S_h + S_r + S_s + C + Z_d + Z_r; }
};
struct SeparationInputs {
  double person_speed = kWalkingSpeed;  // towards the robot [m/s]
  double robot_speed = 0;               // towards the person [m/s]
  double reaction_time = 0;             // T_r: from the measurement until the robot begins to brake [s]
  double stopping_time = 0;             // T_s [s]
  double stopping_distance = 0;         // [m]
  double C = 0, Z_d = 0, Z_r = 0;       // [m]
};
// The form with constant speeds: S_h = v_h (T_r + T_s), S_r = v_r T_r, S_s given.
Separation protective_separation(const SeparationInputs& inputs);

// ---- ISO/TS 15066 annex A, now in ISO 10218-2:2025: contact that a body bears ----
// A region of the body. What was not found in public text is absent, and a speed cannot be had then.
struct BodyRegion {
  std::string_view name;
  double force = 0;                 // quasi-static [N]; transient: twice that
  std::optional<double> stiffness;  // effective spring [N/m]
  std::optional<double> mass;       // effective [kg]
  Source force_source, stiffness_source, mass_source;
};
std::span<const BodyRegion> body_regions();
inline constexpr double kTransientFactor = 2.0;

// Effective mass of the robot at the contact [kg]: moving_mass / 2 + payload.
constexpr double effective_robot_mass(double moving_mass, double payload) { return moving_mass / 2 + payload; }
// Relative speed [m/s] at which a transient contact stays within the region's force: v = F / sqrt(mu k) with mu the
// reduced mass. None where the region lacks a number. Needs robot_mass > 0.
std::optional<double> contact_speed(const BodyRegion& region, double robot_mass);

}  // namespace geoul::decision::safety
