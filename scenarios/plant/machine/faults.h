// Faults of a machine, each at its time: KIND@TIME[:JOINT][:SIZE], as in friction@30:2:0.6. Nothing of them is told
// over a link. docs/notes/plant.md has them as a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"

namespace geoul::plant {

enum class FaultKind {
  kPayload,        // what is picked up from then on weighs `size` kg more than declared
  kFriction,       // Coulomb, static and viscous friction grow by the share `size`, at once
  kFrictionRamp,   // the same by `size` a minute
  kCollision,      // something pushes against the joint's link: half a sine of `size` N over 0.1 s
  kEncoderBias,    // the encoder reads `size` rad more
  kFreezeEncoder,  // the encoder stays at its reading for `size` s
  kFreezeCurrent,  // the current reported stays for `size` s; the current loop has a sensor of its own
  kSlip,           // the gripper and what it holds move by `size` m along the flange's x
  kLoose,          // the gear gets elastic, with a play of `size` rad
  kCurrentGain,    // the current sensor reads `size` times the current; the current loop believes it
};

struct Fault {
  FaultKind kind = FaultKind::kPayload;
  double time = 0;        // [s] since the machine's start
  std::size_t joint = 0;  // 0 to 5
  double size = 0;        // as the kind says
};

std::string_view to_string(FaultKind kind);
// kBadInput with the words that are known.
Result<Fault> read_fault(const std::string& words);
std::string to_json(const std::vector<Fault>& faults);
std::string fault_help();  // one line a kind

}  // namespace geoul::plant
