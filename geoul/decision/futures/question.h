// Questions in words: "payload 3 kg", "joint 3 friction doubles", "conveyor 20 % faster". From the command line and the
// studio to disturbances of the futures.
//   payload 3 kg [on BODY] [at X Y Z mm]     mass BODY x1.1            gravity 9.7 m/s2 | x1.01
//   friction JOINT x2 | 4 N.m                damping JOINT x2          gain JOINT x0.5
//   CONVEYOR 20 % faster                     contact friction x0.5     noise 0.002 rad (of the start, normal)
//   push 50 N on BODY along -y [after 1 s] [for 0.2 s]
// A number may be a range, then each draw takes its own, uniformly: "1 to 3 kg", "3 +- 0.5 kg", "x0.8 to 1.2". Factors:
// x2, doubles, halves, +20 %, 20 % more / less / faster / slower. JOINT and BODY: a path, its last part, a part of it
// that only one has, "joint 3" (counted from 1 along the scene); without JOINT all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/decision/futures/disturbance.h"

namespace geoul::decision {

struct Question {
  std::string understood;  // the same, whole: "payload 3 kg on /Cell/Tool/payload at its centre of mass"
  std::vector<Disturbance> disturbances;
};

// Error kBadInput: what of the sentence is not understood, what would be, and what can be asked. Sentences beyond 400
// characters are refused.
Result<Question> understand(std::string_view sentence, const dynamics::Model& model);

// One line a form, with names of this model.
std::vector<std::string> what_can_be_asked(const dynamics::Model& model);

// Degree (address in State::v) of a joint by its words; error with the names that there are.
Result<int> find_degree(std::string_view words, const dynamics::Model& model);

// The body that a payload is on where none is said: the last one of the longest chain of joints.
int last_body(const dynamics::Model& model);

}  // namespace geoul::decision
