// Why a plant left its model: each cause has a signature, external torques w over the evidence that are linear in a few
// unknowns, w = Phi p + noise, noise of covariance S from frame to frame. A cause's evidence is
//   E = max_p log L(w | Phi p) - log L(w | 0) - (unknowns / 2) log(frames) + log prior        (BIC)
// over its places (joints, links), and causes are ranked by exp(E) / sum.
//   payload        a mass at the tool: the tool link's regressor of m and h = m c, m > 0
//   slipped tool   the same of h alone
//   wrong model    the same of another link, from the first moments on
//   friction rise  -tanh(v_j / s), -v_j at one joint, both growing
//   collision      s_t J^T F at one link: F six numbers, s_t a pulse of any form within 0.2 s, then nothing
//   sensor bias    a constant torque at one joint, or -d tau / d q_j: an encoder that is off
//   loose joint    after the load of one joint changed sign it hangs in its play: noise of unknown size for 0.15 s
// Sources: Schwarz, Annals of Statistics 6(2), 1978 (BIC); Haddadin et al., IEEE T-RO 33(6), 2017 (what torques tell).
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "geoul/dynamics/dynamics.h"

namespace geoul::estimation {

enum class Cause : std::int8_t {
  kPayload,
  kFrictionRise,
  kCollision,
  kSensorBias,
  kSlippedTool,
  kLooseJoint,
  kWrongModel
};
inline constexpr int kCauses = 7;
const char* to_string(Cause cause);

// One frame of evidence: means over some cycles.
struct EvidenceFrame {
  double time = 0;               // [s] since the onset; negative before it
  std::vector<double> q, v, a;   // (nq), (nv), (nv)
  std::vector<double> external;  // w (nv): what the model does not explain [N.m]
  std::vector<double> load;      // (nv) torque that the model sends through each joint
};

struct RankedCause {
  Cause cause = Cause::kPayload;
  double probability = 0;
  double evidence = 0;  // E, in units of log likelihood
  int place = -1;       // joint (degree in v) or link
  bool of_link = false;
  double size = 0;       // first unknown, with its deviation: kg (payload, wrong model), kg m (|h|, slipped tool),
  double deviation = 0;  // N.m (friction, torque sensor), rad (encoder), N (collision), 1 (loose: rise of noise)
  const char* unit = "";
};

struct CauseOptions {
  int tool_link = -1;            // that carries the tool; -1: the last
  double friction_speed = 0.02;  // s [rad/s]
  bool from_start = false;       // the onset is at the first moments: a model that is wrong is likelier then
  double start_prior = 1e-4;     // of a wrong model otherwise, and of the others if from_start
};

// All causes, likeliest first. covariance (nv x nv) of a frame's noise. Allocates: for alarms, not for steps. Some ms.
std::array<RankedCause, kCauses> rank_causes(const dynamics::Model& model, const CauseOptions& options,
                                             std::span<const EvidenceFrame> frames, std::span<const double> covariance);

// In words: "payload of 1.52 +- 0.03 kg at link 7 (probability 0.98)".
std::string describe(const RankedCause& cause, const dynamics::Model& model);

}  // namespace geoul::estimation
