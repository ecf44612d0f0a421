// A simulation as a player: what the scene does by itself, step by step, with its energy book.
#pragma once

#include "geoul/dynamics/world.h"
#include "geoul/runtime/player.h"
#include "geoul/runtime/simulation_snapshot.h"
#include "geoul/runtime/watch.h"

namespace geoul::runtime {

struct SimulationOptions {
  dynamics::StepOptions step;
  Duration length;  // 0: without end
};

class Simulation;

// Who wants to know what a simulation does: a recorder of history (time_machine.h).
class SimulationObserver {
 public:
  virtual ~SimulationObserver() = default;
  virtual void stepped(const Simulation& simulation) = 0;
  virtual void took(const Simulation& simulation, const SimulationInput& input) = 0;  // it acts from the next step on
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
  std::uint64_t steps() const { return stepped_.steps(); }
  std::uint64_t unconverged() const { return unconverged_; }
  // Newest values for people who watch: energy, contacts, residuals with their bounds.
  std::vector<ReportLine> figures() const override;
  std::vector<std::string> take_warnings() { return watch_.take(); }    // see Watch
  std::string cause() const { return watch_.cause(stepped_.world()); }  // of a step that was not finite
  const dynamics::World* world() const override { return &stepped_.world(); }
  const Drags* drags() const override { return &stepped_.drags(); }
  Result<void> drag(std::uint64_t client, const Drag& drag) override;
  void release(std::uint64_t client) override;
  const SteppedWorld& stepped() const { return stepped_; }
  void observe(SimulationObserver* observer) { observer_ = observer; }  // null: nobody

 private:
  void refresh();

  const Twin& twin_;
  SimulationOptions options_;
  SteppedWorld stepped_;
  Watch watch_;
  SimulationObserver* observer_ = nullptr;
  Snapshot snapshot_;
  std::vector<link::SignalInfo> signals_;
  double energy_start_ = 0, energy_ = 0, kinetic_ = 0, kinetic_most_ = 0;  // [J]
  double weld_position_ = 0, weld_rotation_ = 0;                           // largest so far
  std::uint64_t unconverged_ = 0;
  bool failed_ = false;
};

}  // namespace geoul::runtime
