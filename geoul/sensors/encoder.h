// Encoder of a one-degree joint: counts of a shaft that turns with the joint (revolute) or drives it (prismatic).
//   turns = (q - offset) / travel_per_turn        of the encoder's shaft
//   count = floor(turns counts_per_turn + 1/2)    exact counts of the shaft since `offset`
// and what the reader gets depends on the kind. Between two States the shaft's position is a Hermite cubic of q and v,
// so that counts at sampling instants are right to fourth order in the step. Index pulses are found where the count
// passes index_count (modulo a turn) between two samples; motion is taken to be monotone in between.
#pragma once

#include <numbers>
#include <string>
#include <vector>

#include "geoul/core/random.h"
#include "geoul/scene/ids.h"
#include "geoul/scene/state.h"
#include "geoul/sensors/sampling.h"

namespace geoul::sensors {

enum class EncoderKind {
  kMultiTurn,    // absolute over all turns
  kSingleTurn,   // absolute within one turn: count in [0, counts_per_turn)
  kIncremental,  // counts from power-up; from the first index pulse on, counts from that index
};

struct Encoder {
  std::string name;      // for messages
  scene::JointId joint;  // one degree
  EncoderKind kind = EncoderKind::kMultiTurn;
  std::int64_t counts_per_turn = 0;               // of the shaft, after quadrature; > 0
  double travel_per_turn = 2 * std::numbers::pi;  // of the joint [rad, m]; 2 pi / gear ratio on the motor's shaft,
                                                  // the lead of a screw; negative: turns the other way
  double offset = 0;                              // joint position at count 0 [rad, m]
  std::int64_t index_count = 0;                   // where the index mark stands, in [0, counts_per_turn)
  Sampling sampling;

  double resolution() const { return travel_per_turn / static_cast<double>(counts_per_turn); }  // [rad, m]
};

struct EncoderSample {
  SampleTime when;
  std::int64_t count = 0;   // as its kind says
  double position = 0;      // what the reader makes of it [rad, m]: offset + count resolution; kIncremental: count
                            // resolution from power-up, and offset + (index_count + count) resolution once
                            // referenced, right but for whole turns
  double velocity = 0;      // difference of counts over the period [rad/s, m/s]; 0 in the first sample
  bool referenced = false;  // the count is absolute
  bool index = false;       // an index pulse came since the last sample
};

struct EncoderTruth {
  double q = 0;
  double v = 0;
};

struct EncoderMemory {
  bool any = false;  // a sample was taken
  bool referenced = false;
  std::int64_t last = 0;    // shaft count at the last sample
  std::int64_t origin = 0;  // shaft count that reads zero (kIncremental)
  Shown<EncoderTruth> shown;
};

// Codes: not-a-number, out-of-range; no-degree (the joint has none, or more than one).
void validate(const Encoder& encoder, const scene::StateLayout& layout, Diagnostics& diagnostics);
Result<EncoderMemory> make_memory(const Encoder& encoder, const scene::StateLayout& layout);

// As imu.h: appends the samples that fell due. Errors leave memory and out as they were: those of samples_due; a state
// that is not a number, or too far out to count in 64 bits.
Result<void> measure(const Encoder& encoder, const scene::StateLayout& layout, const scene::State& state,
                     EncoderMemory& memory, std::vector<EncoderSample>& out);

}  // namespace geoul::sensors
