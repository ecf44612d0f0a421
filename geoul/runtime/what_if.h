// The job "what if": a scene's twin forked into futures under questions in words (decision/futures/question.h), each
// alone and all together, beside what happens as it is.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/runtime/jobs.h"
#include "geoul/scene/read.h"

namespace geoul::runtime {

struct WhatIfOptions {
  std::string scene;
  scene::ReadOptions read;
  std::vector<std::string> questions;  // "payload 3 kg"
  std::vector<std::string> from, to;   // "JOINT=ANGLE", with a unit (rad, deg, m, mm) or without (rad, m)
  double seconds = 5;
  double speed = 0.5;       // of the joints' velocity limits (of 1 rad/s, m/s where there are none)
  double clearance = 0.01;  // [m] that must be kept
  int draws = 32;
  bool certain = false;  // one draw, without what the twin does not know for sure
  std::uint64_t seed = 1;
  int threads = 0;    // 0: one a core
  std::string plots;  // folder; empty: none
};

struct WhatIfScore {
  double low = 0, median = 0, high = 0, tail = 0;  // quantiles 0.05, 0.5, 0.95; mean of the worst tenth
};
struct WhatIfReason {
  std::string failure, words;
  int count = 0;
};
struct WhatIfRow {
  std::string condition, action;
  int rank = 0;  // within the condition, from 1
  bool rejected = false;
  double risk = 0, risk_low = 0, risk_high = 0;
  WhatIfScore time, energy, clearance, effort_share, following_error, cost;  // [s] [J] [m] [1] [rad, m] [1]
  std::vector<WhatIfReason> reasons;
};
struct WhatIfAnswer {
  std::string scene;
  int draws = 0;
  std::vector<std::string> understood;  // one a question
  std::vector<std::string> notes;       // what is not judged, what changes nothing
  std::vector<WhatIfRow> rows;          // by condition, then by rank
  std::vector<std::string> plots;       // files
};

// Candidates: stay where it is; where `to` says so, move there at full speed, in 1.5 and in 2 times the time. The
// twin's own doubt, the same in every condition: start positions 1 mrad (mm), mass of every body 2 % (both normal),
// joint friction 20 % (uniform). Errors: kBadInput for words that are wrong, with what can be asked.
Result<WhatIfAnswer> what_if(const WhatIfOptions& options, const JobOutput& output, Diagnostics& diagnostics);

std::string to_text(const WhatIfAnswer& answer);
std::string to_json(const WhatIfAnswer& answer);

}  // namespace geoul::runtime
