// Machine: an arm that lives: its true body (friction, masses, motors, faults) simulated at a quarter of a millisecond,
// its sensors, its controller, and the row of signals that each period of 2 ms gives. Deterministic: the same options
// and commands at the same periods give the same bits.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/dynamics/actuators.h"
#include "scenarios/plant/machine/controller.h"
#include "scenarios/plant/machine/faults.h"

namespace geoul::plant {

struct MachineOptions {
  std::string scene;  // file
  Hidden hidden;
  std::array<NominalJoint, kJoints> nominal = nominal_joints();  // what its controller knows of its joints
  std::vector<Fault> faults;
  std::uint64_t seed = 0;  // of the noise
  Duration step{250'000};  // of the physics; divides 2 ms
  bool runs = true;        // the program from the start; else it waits for a command
  bool contact = true;     // shapes of the scene touch
};

// One variable of a row, by its name in RTDE.
struct MachineVariable {
  const char* name;
  std::size_t width;
};
// All of a row, in order; "timestamp" first.
const std::vector<MachineVariable>& machine_variables();
std::size_t machine_row_width();
std::vector<std::string> machine_columns();  // "actual_q_0", ...; (machine_row_width())

// What no one is told, for tests: of the period that the newest row tells of.
struct MachineTruth {
  Joints q{}, v{};    // at its beginning
  Joints end_v{};     // at its end
  Joints torque{};    // [N.m] mean of the motors over it
  Joints friction{};  // [N.m] mean of Coulomb, static and viscous friction, opposing v
  double motor_work = 0, friction_work = 0, outside_work = 0;  // [J] since the start: put in, taken, put in by faults
  int contacts = 0;                                            // most in one step since the start
  bool converged = true;                                       // all steps since the start
};

class Machine {
 public:
  // Errors: those of the scene file, of find_arm, and steps that do not divide the period.
  static Result<Machine> make(const MachineOptions& options, Diagnostics& diagnostics);

  // One period of 2 ms; afterwards row() tells of its beginning.
  Result<void> cycle();
  Answer take(const Command& command) { return controller_.take(command); }
  void set_slider(double fraction) { controller_.set_slider(fraction); }

  double time() const { return static_cast<double>(cycles_) * kControlPeriod.seconds(); }  // [s] true, of its end
  double row_time() const { return row_time_; }            // [s] true, that the row tells of
  const std::vector<double>& row() const { return row_; }  // machine_variables(); the timestamp by its own clock
  const Controller& controller() const { return controller_; }

  const MachineTruth& truth() const { return truth_; }
  const dynamics::Model& true_model() const { return model_; }
  const scene::State& true_state() const { return state_; }
  const Arm& arm() const { return arm_; }

 private:
  Machine(const MachineOptions& options, Arm arm, const Joints& limits, dynamics::Model model, Controller controller,
          std::vector<dynamics::Actuator> actuators, dynamics::ActuatorMemory memory);
  void apply_faults();
  void carry();
  void read_sensors();
  Result<void> move(const ControlOutput& out);
  double push();
  Vec3d specific_force() const;
  void write_row(const ControlOutput& out, const Vec3d& force);
  bool is_on(const Fault& fault, double lasting) const;

  MachineOptions options_;
  Arm arm_;
  dynamics::Model model_;
  dynamics::Data data_;
  dynamics::Controls controls_;
  scene::State state_;
  dynamics::StepOptions step_;
  std::vector<dynamics::Actuator> actuators_, healthy_;
  dynamics::ActuatorMemory memory_;
  dynamics::ActuatorOutput output_;
  Controller controller_;
  Inertiad link_;     // of the last link, without a workpiece
  Inertiad gripper_;  // of it, that is the gripper's
  bool carries_ = false;
  double extra_mass_ = 0;  // of the workpiece in hand

  Random encoder_noise_, current_noise_, accelerometer_noise_;
  Joints q_{}, v_{}, last_q_{}, bias_{}, gain_{};
  std::array<bool, kJoints> encoder_frozen_{}, current_frozen_{}, loose_{};
  Joints current_{}, measured_current_{}, brake_{};
  std::vector<std::optional<Vec3d>> push_direction_;  // by fault
  std::int64_t cycles_ = 0;
  double row_time_ = 0;
  std::vector<double> row_;
  MachineTruth truth_;
};

}  // namespace geoul::plant
