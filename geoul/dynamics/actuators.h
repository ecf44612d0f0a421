// Actuators: a motor behind a gear, one for a one-degree joint. Each step turns a commanded joint effort into what
// the joint gets, by the chain   command -> delay -> current, within limits -> torque -> gear -> effort and friction
//   current  i = command / (ratio k), first-order lag, |i| <= peak current (I2t, heat), within the supply's voltage:
//            -U <= R i + k w <= U, w the motor's speed: the torque-speed line, in all four quadrants
//   torque   k(T) i, R(T): by winding temperature, two thermal nodes
//   gear     efficiency with and against the motor; rigid (rotor inertia is the joint's armature), or elastic with
//            play: the rotor then turns by itself
//   friction Stribeck: Coulomb + (static - Coulomb) exp(-|v / vs|^n) + viscous v
// What opposes motion (friction, gear losses) goes to the joint's friction law, which sticks exactly; the rest is
// effort. Explicit in the joint's speed: dt must be short against the mechanical time constant R J / k^2 and, for an
// elastic gear, dt < 2 sqrt(M / stiffness) with M the joint-space inertia. docs/notes/actuators.md has the formulas.
//
//   configure_joint(actuator, joint); ... compile ...          before the run
//   actuate(actuators, model, state, command, dt, memory, out);  each step, then
//   apply(actuators, out, model, controls); step(...)
#pragma once

#include <array>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/dynamics/model.h"
#include "geoul/dynamics/step.h"

namespace geoul::dynamics {

// Greatest torque [N.m] over speed [rad/s], both of the motor's shaft: straight lines between points of ascending
// speed, level outside. No points: no limit.
struct TorqueCurve {
  int points = 0;
  std::array<double, 8> speed{};
  std::array<double, 8> torque{};
};

// Motor winding and housing. Temperatures in degrees Celsius.
struct ThermalModel {
  double winding_capacity = 0;             // [J/K]; 0: no heating, temperatures stay
  double housing_capacity = 1;             // [J/K]
  double winding_to_housing = 1;           // thermal resistance [K/W]
  double housing_to_ambient = 1;           // [K/W]
  double ambient = 25;                     // [degC]
  double derate_from = scene::kUnlimited;  // winding: current limits fall in a line from here ...
  double derate_to = scene::kUnlimited;    // ... to zero here [degC]
  double trip_at = scene::kUnlimited;      // the drive switches off until reset_trip [degC]
};

struct Actuator {
  std::string name;      // for messages
  scene::JointId joint;  // one degree, in the tree
  // motor; constants at reference_temperature
  double torque_constant = 1;                     // k [N.m/A], and of the back-EMF [V.s/rad]
  double torque_constant_slope = 0;               // relative change [1/K]; magnets about -0.001
  double resistance = 1;                          // R, winding [Ohm]
  double resistance_slope = 0.00393;              // [1/K]; copper
  double reference_temperature = 25;              // [degC]
  double rotor_inertia = 0;                       // of the motor's shaft [kg m2]
  double supply_voltage = scene::kUnlimited;      // U [V]
  double current_lag = 0;                         // time constant of the current loop [s]
  TorqueCurve motoring;                           // limit where torque and speed agree
  TorqueCurve braking;                            // limit where they oppose
  double peak_current = scene::kUnlimited;        // [A]
  double continuous_current = scene::kUnlimited;  // [A]; beyond it the I2t budget fills
  double peak_time = 0;                           // that peak_current may last from cold [s]
  ThermalModel thermal;
  // gear
  double ratio = 1;                      // motor's turns per joint's turn; [rad/m] for a slide
  double efficiency = 1;                 // power out over power in, motor drives
  double backdrive_efficiency = 1;       // the same, joint drives the motor
  double stiffness = scene::kUnlimited;  // at the joint [N.m/rad]; finite: the rotor turns by itself
  double damping = 0;                    // of the elastic gear in contact [N.m.s/rad]
  double backlash = 0;                   // whole play at the joint [rad]; needs a finite stiffness
  // friction, all of it seen at the joint
  double static_friction = 0;    // [N.m]
  double coulomb_friction = 0;   // [N.m]
  double stribeck_speed = 0.01;  // vs [rad/s]
  double stribeck_exponent = 2;  // n
  double viscous_friction = 0;   // [N.m.s/rad]
  Duration delay;                // from command to action

  bool elastic() const { return stiffness < scene::kUnlimited; }
  double armature() const { return ratio * ratio * rotor_inertia; }  // at the joint [kg m2]
};

// Why an actuator gave less than was asked.
enum LimitFlag : unsigned char {
  kPeakCurrent = 1,
  kI2t = 2,
  kDerated = 4,
  kTripped = 8,
  kVoltage = 16,
  kTorqueCurve = 32,
};

struct DelayedCommand {
  Time given;
  double effort = 0;
};

// Arrays (n), n actuators. A copy is a snapshot.
struct ActuatorMemory {
  std::vector<double> current;  // [A]
  std::vector<double> budget;   // I2t [A2 s], 0: cold
  std::vector<double> winding;  // [degC]
  std::vector<double> housing;  // [degC]
  std::vector<char> tripped;
  std::vector<double> rotor_position;  // over the ratio [rad at the joint]; elastic gears
  std::vector<double> rotor_velocity;  // the same [rad/s]
  std::vector<DelayedCommand> queue;   // (n x queue_size) ring of each
  std::vector<int> queue_first, queue_count;
  int queue_size = 0;
};

// Arrays (n): what happened in the step.
struct ActuatorOutput {
  std::vector<double> effort;         // for Controls::effort [N.m]
  std::vector<double> friction;       // for JointLaw::friction [N.m]
  std::vector<double> current;        // [A]
  std::vector<double> motor_torque;   // at the motor's shaft [N.m]
  std::vector<double> motor_speed;    // [rad/s]
  std::vector<double> voltage;        // at the winding [V]
  std::vector<double> supply_power;   // voltage current [W]; negative: regenerated
  std::vector<double> heat;           // R i^2 [W]
  std::vector<unsigned char> limits;  // LimitFlag
};

// Every wrong value by name. Codes: not-a-number, out-of-range, no-degree (joint of the actuator).
void validate(const Actuator& actuator, const Model& model, Diagnostics& diagnostics);

// Writes armature (0 where elastic), friction, damping and an unlimited effort into the joint, and takes its own drive
// away, before compile.
void configure_joint(const Actuator& actuator, scene::Joint& joint);

// Cold motors, rotors in the middle of their play, no command under way. shortest_step sizes the delay's ring. Errors:
// those of validate.
Result<ActuatorMemory> make_actuator_memory(std::span<const Actuator> actuators, const Model& model,
                                            const scene::State& state, Duration shortest_step);
ActuatorOutput make_actuator_output(std::size_t n);

// One step of dt from state.time on. command (n): joint efforts [N.m] given at state.time. Allocates nothing. O(n), and
// for elastic gears as many substeps as their rotor's frequency asks for. Errors leave memory and out as they were:
// a command or joint state that is not a number (kBadInput), a delay's ring that is full (kBadInput).
Result<void> actuate(std::span<const Actuator> actuators, const Model& model, const scene::State& state,
                     std::span<const double> command, Duration dt, ActuatorMemory& memory, ActuatorOutput& out);

// Efforts to the controls, and this step's friction levels to the joint laws: the one part of a Model that moves.
void apply(std::span<const Actuator> actuators, const ActuatorOutput& out, Model& model, Controls& controls);

// Switches a tripped drive on again.
void reset_trip(std::size_t actuator, ActuatorMemory& memory);

// Building blocks, also for identification and tests.
double stribeck_friction(const Actuator& actuator, double velocity);  // without the viscous part, >= 0 [N.m]
double curve_torque(const TorqueCurve& curve, double speed);          // [N.m]
struct Temperatures {
  double winding = 25, housing = 25;  // [degC]
};
// After dt seconds of constant heat [W] in the winding: exact.
Temperatures heat_up(const ThermalModel& model, const Temperatures& from, double heat, double dt);

}  // namespace geoul::dynamics
