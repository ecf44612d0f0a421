// Why a plant left its model, by what it shows over some seconds, where joints that stand still say nothing: dry
// friction holds them whatever the motor's torque is (up to what breaks them loose). Causes that last are fitted to
// what the joints that move leave unexplained, w = Phi p + noise; causes.h does the same for instants at which all
// joints are seen.
//   payload        w = -Y_tool (m, m c), m > 0
//   slipped tool   w = -Y_tool (0, m c)
//   wrong model    w = -Y_link (m, m c) of another link
//   friction rise  w_j = -(a tanh(v_j / s) + b v_j), more torque, of one joint
//   sensor bias    w_j = -c, the torque of one joint reads c too much
//   collision      anything within `transient` of the onset, nothing afterwards
//   E = -(rows / 2) log max(1, RSS / rows) - (unknowns / 2) log(rows) + log prior
// with RSS in units of the usual deviation: noise is never taken for smaller than usual, and for larger where even the
// best cause leaves more. Sources: as causes.h.
#pragma once

#include <span>
#include <vector>

#include "geoul/estimation/causes.h"

namespace geoul::estimation {

// Means over a time that is long against the noise's memory.
struct EpisodeSample {
  double time = 0;               // [s] since the onset
  std::vector<double> q, v, a;   // (nq), (nv), (nv)
  std::vector<double> external;  // w (nv)
  std::vector<char> known;       // (nv) whether the joint moved, to one side, all the time
};

struct EpisodeOptions {
  int tool_link = -1;  // that carries the tool; -1: the last
  double friction_speed = 0.02;
  double transient = 0.4;  // [s]
  double wrong_model_prior = 1e-2;
};

struct EpisodeRanking {
  std::vector<RankedCause> causes;  // likeliest first, each at its likeliest place
  double nothing = 0;               // evidence of nothing at all: what a cause must exceed
};

// No causes where fewer than 8 values are known. deviation (nv): usual, of a known value. Some ms.
EpisodeRanking rank_episode(const dynamics::Model& model, const EpisodeOptions& options,
                            std::span<const EpisodeSample> samples, std::span<const double> deviation);

}  // namespace geoul::estimation
