// The machine's own controller, 500 times a second: runs the program, follows its motions by computed torque with the
// model as its maker draws it and the payload as declared, stops by itself, and takes commands. It sees what sensors
// tell it and nothing of the hidden truth.
//   protective stop  a joint is off its path by more than 0.02 rad: brakes at once; or the feedback asks for more than
//   a
//                    joint's share of torque for 10 ms: slows down along the path within 0.1 s, and holds
// Source of the law: geoul/dynamics/controllers.h, kComputedTorque.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/dynamics/controllers.h"
#include "geoul/dynamics/dynamics.h"
#include "scenarios/plant/machine/arm.h"
#include "scenarios/plant/machine/commands.h"
#include "scenarios/plant/machine/program.h"

namespace geoul::plant {

inline constexpr Duration kControlPeriod{2'000'000};

enum class RunState { kStopped, kPlaying, kPaused, kGoing };

struct ControlOutput {
  Reference target;     // at this instant
  Joints moment{};      // [N.m] inverse dynamics along the target
  Joints effort{};      // [N.m] asked of the motors
  Joints feedback{};    // [N.m] of it, that the error asks for
  bool braked = false;  // motors off, brakes on
};

class Controller {
 public:
  Controller(scene::Scene scene, dynamics::Model model, const Arm& arm, const std::array<NominalJoint, kJoints>& joints,
             bool runs);

  // One period, from what the sensors read at its beginning.
  Result<ControlOutput> update(const Joints& q, const Joints& v);
  Answer take(const Command& command);
  void set_slider(double fraction) { slider_ = fraction; }  // of a client; times the commanded fraction

  const CommandDesk& desk() const { return desk_; }
  RunState run_state() const { return state_; }
  bool is_protected() const { return protected_; }
  const std::string& reason() const { return reason_; }  // of the last protective stop
  int step() const { return static_cast<int>(step_); }   // of the program
  double speed() const { return speed_; }
  double slider() const { return slider_; }
  double rate() const { return rate_; }
  bool is_gripping() const { return gripping_; }
  double payload_mass() const { return payload_mass_; }
  const Vec3d& payload_center() const { return payload_center_; }

  // TCP in the base's frame at joint positions, by nominal kinematics; and its velocity (v, w) in the base's axes.
  struct Tool {
    std::array<double, 6> pose{}, velocity{};
  };
  Tool tool_at(const Joints& q, const Joints& v);
  // Force and moment (base's axes, about the TCP) that the surroundings put on the tool, from what the motors' torque
  // exceeds by: damped least squares near singular poses.
  std::array<double, 6> tool_force(const Joints& missing_torque);

 private:
  Answer execute(const Command& command);
  Answer run();
  Answer reset();
  Answer go(const Command& command);
  void begin_step();
  void run_program();
  void advance_path();
  double next_rate() const;
  void protect(bool brake, std::string why);
  void watch(const Joints& q, const ControlOutput& out);
  void interrupt_go();
  void declare(double mass, const Vec3d& center);
  void declare_gripped(bool gripped);
  Joints last_pose() const;  // of the program's moves before this step
  Transformd base_in_world() const;
  bool is_standing() const { return rate_ == 0 || u_ >= path_.duration; }

  scene::Scene scene_;
  dynamics::Model model_;  // nominal; the last link has the declared payload
  Arm arm_;
  std::array<NominalJoint, kJoints> joints_;
  dynamics::Data data_;
  scene::State measured_;
  dynamics::JointTargets targets_;
  dynamics::ControllerMemory memory_;
  std::vector<dynamics::JointGains> gains_;
  std::vector<double> effort_, moment_, jacobian_;
  Inertiad bare_link_, tool_link_;  // of the last link in its frame: without and with the scene's tool
  double tool_mass_ = 0;
  Vec3d tool_center_;

  std::vector<ProgramStep> program_ = work_cycle();
  std::size_t step_ = 0;
  double waited_ = 0;
  bool is_away_ = false;  // a go command moved it off the program's path
  Segment path_;
  double u_ = 0, rate_ = 0, speed_ = 1, slider_ = 1;
  RunState state_ = RunState::kStopped;
  bool protected_ = false, braked_ = false, gripping_ = false;
  std::array<int, kJoints> over_{};  // periods in a row that a joint's feedback was too large
  std::string reason_;
  CommandDesk desk_;
  std::int64_t go_number_ = 0;
  RunState go_ends_in_ = RunState::kStopped;
  double payload_mass_ = 0;
  Vec3d payload_center_;
};

}  // namespace geoul::plant
