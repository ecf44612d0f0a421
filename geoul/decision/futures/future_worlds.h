// The worlds of one part of the futures, stepped together in lanes or one by one. Part of futures.cpp.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/decision/futures/disturbance.h"
#include "geoul/dynamics/batch.h"

namespace geoul::decision {

class FutureWorlds {
 public:
  // Worlds at `now`, changed by the draws (n). Model: with the draws' damping and gains in it.
  static Result<FutureWorlds> make(const dynamics::Model& model, const scene::State& now,
                                   std::span<const Draw* const> draws, const dynamics::StepOptions& step);

  // q (nq), v (nv), tau (nv) of the last step.
  void read(int world, std::span<double> q, std::span<double> v, std::span<double> tau) const;
  void control(int world, std::span<const double> effort, std::span<const double> position,
               std::span<const double> velocity);
  void step(int steps, Time now);  // now: after the start
  bool finite(int world) const;
  bool in_lanes() const { return batch_ && batch_->in_lanes(); }

 private:
  struct Alone {
    dynamics::Model model;
    dynamics::Data data;
    scene::State state;
    dynamics::Controls controls;
    const Draw* draw = nullptr;
    bool finite = true;
  };
  std::optional<dynamics::Batch> batch_;  // else `alone_`
  std::vector<Alone> alone_;
  dynamics::StepOptions step_;
  mutable std::vector<double> a_;  // (nv) scratch
};

}  // namespace geoul::decision
