// The time machine: any past instant of a simulated site as a full State, by the nearest snapshot and by stepping anew
// with the recorded inputs. The bits are those of the run, on the same machine and with the same build of geoul.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "geoul/history/store.h"
#include "geoul/history/timeline.h"
#include "geoul/runtime/simulation.h"

namespace geoul::runtime {

// What a run is made of, beside its inputs; in the catalogue as JSON.
struct RunSetup {
  std::string scene;         // file
  std::string scene_sha256;  // of its content; empty where there is no file
  std::string version;       // of geoul
  dynamics::StepOptions step;
  std::uint64_t fingerprint = 0;  // hash_state at the start: tells whether a twin is that of the run
};
std::string to_json(const RunSetup& setup);
Result<RunSetup> parse_setup(const std::string& json);

// Records snapshots and inputs of a simulation as a run of a store; both must outlive it.
class HistoryWriter : public SimulationObserver {
 public:
  struct Options {
    std::string scene;                   // file
    std::string name;                    // of the run
    std::uint64_t snapshot_steps = 500;  // between snapshots: a seek takes at most so many
  };
  // Begins at the simulation's present instant, and observes it from now on.
  static Result<std::unique_ptr<HistoryWriter>> start(history::Store& store, Simulation& simulation,
                                                      const Options& options, Time now, Diagnostics& diagnostics);
  ~HistoryWriter() override;

  void stepped(const Simulation& simulation) override;
  void took(const Simulation& simulation, const SimulationInput& input) override;
  // Into the catalogue: what people should know later.
  void event(std::int64_t severity, const std::string& source, const std::string& text);
  // The first thing that could not be recorded; the run goes on without history then.
  const std::optional<Error>& error() const { return error_; }
  // A snapshot of this instant; then the run is closed.
  Result<void> finish();
  std::int64_t run() const { return run_.id; }

 private:
  HistoryWriter(history::Store& store, Simulation& simulation, const Options& options)
      : store_(store), simulation_(simulation), options_(options) {}
  void snapshot();
  void keep(const Error& error);

  history::Store& store_;
  Simulation& simulation_;
  Options options_;
  history::RunRow run_;
  std::optional<history::TimelineWriter> line_;
  std::optional<Error> error_;
  std::string scratch_;
  std::optional<std::uint64_t> newest_;  // step of the newest snapshot
  Time begin_;
  bool finished_ = false;
};

class TimeMachine {
 public:
  // Of a run whose scene the twin is; the twin and the store must outlive it. Errors: those of Timeline::open;
  // kBadInput where the run was made with another scene, or without snapshots of a simulation.
  static Result<TimeMachine> open(history::Store& store, std::int64_t run, const Twin& twin);

  Time begin() const { return line_.begin(); }
  Time end() const { return line_.end(); }  // the newest instant that is certain to have been
  Duration dt() const { return setup_.step.dt; }
  const RunSetup& setup() const { return setup_; }
  const history::RunRow& run() const { return line_.run(); }

  // To the last step at or before t, which is from begin() to end(), else kNotFound. The state is valid until the next
  // seek. Takes at most the steps between two snapshots, and reads the chunks that hold them; forward from where it is
  // where that is nearer.
  Result<const scene::State*> seek(Time t);
  const SteppedWorld& world() const { return *world_; }

 private:
  TimeMachine(history::Timeline line, RunSetup setup, const Twin& twin)
      : line_(std::move(line)), setup_(std::move(setup)), world_(std::make_unique<SteppedWorld>(twin, setup_.step)) {}

  history::Timeline line_;
  RunSetup setup_;
  std::unique_ptr<SteppedWorld> world_;
  bool placed_ = false;  // the world is at an instant of the run
};

// What sha256sum says of a file; kNotFound.
Result<std::string> file_sha256(const std::string& file);

}  // namespace geoul::runtime
