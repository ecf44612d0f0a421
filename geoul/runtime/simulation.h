// A simulation as a player: what the scene does by itself, step by step, with its energy book.
#pragma once

#include "geoul/dynamics/step.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime {

struct SimulationOptions {
  dynamics::StepOptions step;
  Duration length;  // 0: without end
};

class Simulation : public Player {
 public:
  // The twin must outlive it.
  Simulation(const Twin& twin, SimulationOptions options);

  const Snapshot& snapshot() const override { return snapshot_; }
  const std::vector<link::SignalInfo>& signals() const override { return signals_; }
  bool step() override;  // false at the end, and where a step was not finite (see failed())
  Time next_time() const override;
  Time begin() const override { return {0}; }
  Time end() const override { return failed_ ? snapshot_.state.time : Time{0} + options_.length; }
  bool has_end() const override { return failed_ || options_.length.ns > 0; }
  bool can_seek() const override { return false; }
  void seek(Time) override;  // ContractError
  Duration dt() const override { return options_.step.dt; }
  std::string source() const override { return "simulation"; }
  Report report() const override;
  int report_version() const override { return 0; }

  bool failed() const { return failed_; }
  std::uint64_t steps() const { return steps_; }
  std::uint64_t unconverged() const { return unconverged_; }

 private:
  void refresh();

  const Twin& twin_;
  SimulationOptions options_;
  dynamics::Data data_;
  dynamics::Controls controls_;
  Snapshot snapshot_;
  std::vector<link::SignalInfo> signals_;
  double energy_start_ = 0, energy_ = 0, kinetic_ = 0, kinetic_most_ = 0;  // [J]
  double weld_position_ = 0, weld_rotation_ = 0;                           // largest so far
  std::uint64_t steps_ = 0, unconverged_ = 0;
  bool failed_ = false;
};

}  // namespace geoul::runtime
