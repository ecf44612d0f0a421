// What is shown with every recommendation: the data it rests on and their age, what it is predicted to do with its
// spread, how sure that is, and what else was thought of and why it was not taken. Futures and planning fill it; a
// person who approves reads it; the audit trail keeps it. A result without its bound is not shown: see check().
#pragma once

#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/time.h"

namespace geoul::decision::chain {

struct DataUsed {
  std::string signal;
  Time newest;           // of its values
  std::string value;     // the newest, with its unit
  double deviation = 0;  // standard deviation of the estimate, in the same unit
};

// What is predicted of one quantity: expected, and the band that holds `confidence` of all futures.
struct Consequence {
  std::string quantity, unit;
  double expected = 0, low = 0, high = 0;
  double confidence = 0.95;
  Duration ahead;  // from the command
};

struct Alternative {
  std::string action;
  std::vector<Consequence> consequences;
  bool rejected = true;
  std::string why;  // it was rejected, or is second
};

struct Recommendation {
  std::string id;  // of the command that it asks for
  std::string action, reason;
  Time made;
  std::vector<DataUsed> data;
  std::vector<Consequence> consequences;
  std::string uncertainty;  // in words: what it rests on that may be wrong
  int futures = 0;          // that were run; 0: none were
  std::vector<Alternative> alternatives;
};

// What is missing before it may be shown, by code: "no-data", "future-data", "no-consequence", "no-spread" (a band that
// is reversed, not finite or without the expected value), "no-confidence", "no-uncertainty", "no-alternative" (doing
// nothing is one), "no-why".
void check(const Recommendation& recommendation, Diagnostics& diagnostics);
// Age of the oldest data at an instant; 0 of none.
Duration oldest_data(const Recommendation& recommendation, Time now);
// For a person, in lines.
std::string words(const Recommendation& recommendation, Time now);
// One JSON object (RFC 8259), numbers that are not finite as null, bytes that are no UTF-8 kept as they are.
std::string to_json(const Recommendation& recommendation);

}  // namespace geoul::decision::chain
