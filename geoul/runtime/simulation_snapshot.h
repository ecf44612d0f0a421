// A simulation at an instant as bytes, and the world that goes on from them. A joint that breaks changes the model for
// good, and a model is compiled at the poses of its instant: so a snapshot keeps, for each step in which something
// broke, the bytes from before that step, and restoring takes those steps again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/dynamics/world.h"
#include "geoul/runtime/drag.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

// What people do to a simulation: a client drags, or lets go.
struct SimulationInput {
  std::uint64_t client = 0;
  std::optional<Drag> drag;  // none: it lets go
};
std::string encode(const SimulationInput& input);
std::optional<SimulationInput> decode_input(std::string_view bytes);

// A world with the drags on it, stepped as Simulation steps it.
class SteppedWorld {
 public:
  // The twin must outlive it.
  SteppedWorld(const Twin& twin, const dynamics::StepOptions& options);

  dynamics::World& world() { return world_; }
  const dynamics::World& world() const { return world_; }
  Drags& drags() { return drags_; }
  const Drags& drags() const { return drags_; }
  std::uint64_t steps() const { return steps_; }

  dynamics::StepReport step();
  // Reaction wrenches and what else people look at, at this instant.
  void complete();
  // Whether it was taken, as Drags::set.
  Result<void> apply(const SimulationInput& input);

  void save(std::string& out) const;
  // kBadInput where the bytes are none of save() with this twin.
  Result<void> restore(std::string_view bytes);

 private:
  void save_now(std::string& out) const;
  Result<void> restore_now(std::string_view bytes);

  const Twin* twin_;
  dynamics::World world_;
  Drags drags_;
  std::uint64_t steps_ = 0;
  bool can_break_ = false;
  std::string before_;               // the last step
  std::vector<std::string> breaks_;  // before each step in which something broke
};

}  // namespace geoul::runtime
