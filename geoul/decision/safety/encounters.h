// Trials of the safety filter, for tests and bench: an arm of seven joints between a floor, a table and two fences, and
// people who move against it as badly as the contract allows, or worse where an assumption is to be broken. Everything
// that happens is a function of the seed.
#pragma once

#include <cstdint>
#include <memory>

#include "geoul/decision/safety/filter.h"

namespace geoul::decision::safety {

// The arm of the trials, with a capsule on each link, its surroundings, and limits of its size.
std::shared_ptr<const Robot> trial_robot();
Contract trial_contract();

struct EncounterOptions {
  int cycles = 30;  // of 10 ms
  // What is assumed times this: 1 keeps the contract, more breaks it.
  double person_speed = 1, reaction = 1, noise = 1, tracking = 1;
  bool check_stops = false;   // also walks along the stop behind every step
  double* step_ns = nullptr;  // (cycles) out: CPU time of each step; or null
};

struct EncounterResult {
  int steps = 0, passed = 0, changed = 0, stopping = 0, held = 0;
  int unprojected = 0;     // steps whose projection did not keep its rows (the line search answered)
  int touched_people = 0;  // instants at which a link that moved was nearer to a person than allowed
  int touched_things = 0;  // the same with obstacles and itself, moving or not
  int beyond_limits = 0;   // instants beyond a limit of a joint
  int bad_stops = 0;       // steps whose stop breaks a limit or touches a thing
  double nearest = 1e9;    // of a person to a link that moved [m]
  double travelled = 0;    // by all joints [rad]
  int violations() const { return touched_people + touched_things + beyond_limits + bad_stops; }
};
void add(EncounterResult& sum, const EncounterResult& one);

class Encounters {
 public:
  Encounters();
  ~Encounters();
  EncounterResult run(std::uint64_t seed, const EncounterOptions& options);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::decision::safety
