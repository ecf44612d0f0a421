// From options to an advice: each is rehearsed in the twin as it stands now, under what may be otherwise; those whose
// futures break a bound too often are rejected, with the reason, and kept. The bits depend on the arguments alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/decision/futures/futures.h"
#include "geoul/runtime/oversight/records.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime::oversight {

// What the machine is told that it carries; its own model then has it.
struct DeclaredPayload {
  scene::BodyId body;
  Vec3d point;      // in the body's frame [m]
  double mass = 0;  // [kg]
};

struct OptionToRehearse {
  std::string id, text;
  decision::Action action;
  std::optional<DeclaredPayload> declared;
  double lost = 0;  // [s] of work that it costs beside its own time: a stop that somebody must end
};

struct AdviceRequest {
  std::string id;
  std::uint64_t alarm = 0;
  std::string text;
  Time made;
  Duration life{120'000'000'000};
  scene::State now;
  std::vector<decision::Disturbance> disturbances;
  std::vector<OptionToRehearse> options;
  std::vector<DataUsed> data;
};

struct AdviceOptions {
  int draws = 100;
  std::uint64_t seed = 1;
  double following_error = 0.05;  // [rad, m] beyond which machines stop themselves
  double clearance = 0.01;        // [m]
  double risk = 0.02;             // share of failing futures that an option may have
  Duration longest{12'000'000'000};
  ThreadPool* pool = nullptr;
};

// Errors: those of decision::foresee.
Result<Advice> advise(const Twin& twin, const AdviceRequest& request, const AdviceOptions& options);

}  // namespace geoul::runtime::oversight
