// LivePast: any past instant of a live site, from its history: the nearest snapshot of its RowMaker, and the recorded
// inputs after it. The rows are those that were made while the plant ran, bit for bit; a RowEvaluator makes the State.
// All runs of the folder that were made with the same bindings are one time line. Runs may still be recorded, by this
// process or another: what their closed segments hold is known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/history/store.h"
#include "geoul/history/timeline.h"
#include "geoul/runtime/live_inputs.h"
#include "geoul/runtime/row_maker.h"
#include "geoul/runtime/site.h"
#include "geoul/runtime/twin.h"

namespace geoul::runtime {

// What a live run is made of; in the catalogue as JSON.
struct LiveSetup {
  std::string site_file, site_text;  // as they were
  std::string scene;                 // file
  std::string scene_sha256;          // of its content; empty where there is no file
  std::vector<std::string> links;    // other words for them: RunOptions::links
  std::string version;               // of geoul
  std::string fingerprint;           // of what makes the rows: fingerprint_of
};
std::string to_json(const LiveSetup& setup);
bool is_live_setup(const std::string& json);
Result<LiveSetup> parse_live_setup(const std::string& json);
// Of bindings, row settings and the state at the start: the same where the same inputs make the same states.
std::string fingerprint_of(const Twin& twin, const Bindings& bindings, const RowMakerOptions& options);

// Values of a row before anything came: joints as the twin has them at its start, at rest, the others not known.
std::vector<double> start_values(const Twin& twin, const Bindings& bindings);

class LivePast {
 public:
  // The bindings must outlive it. only_run: of that run alone; 0: of all that fit. kNotFound where there is no history,
  // kBadInput where the run was made with other bindings.
  static Result<std::unique_ptr<LivePast>> open(const std::string& folder, const std::string& catalogue,
                                                const Twin& twin, const Bindings& bindings, RowMakerOptions options,
                                                std::int64_t only_run, Diagnostics& diagnostics);

  bool empty() const { return runs_.empty(); }
  Time begin() const { return empty() ? Time{} : runs_.front().begin; }
  Time end() const;                                   // the newest instant that is known
  std::size_t other_runs() const { return others_; }  // of other bindings, or of simulations
  // Looks for what has been recorded since. Reads some rows of the catalogue.
  Result<void> refresh();

  // To the newest row at or before t; before the first one: to the first. Reads the chunks between two snapshots.
  Result<void> seek(Time t);
  // To the next row; false at the end of what is known. A gap between runs is stepped over.
  Result<bool> step();
  std::optional<Time> next_time();
  const MadeRow& row() const { return row_; }
  std::int64_t run() const { return placed_ ? runs_[at_].row.id : 0; }

  // The newest events of all runs of the site, by time.
  Result<std::vector<history::EntryRow>> events(std::int64_t most);

 private:
  struct Run {
    history::RunRow row;
    Time begin, end;
  };
  LivePast(history::Store store, const Bindings& bindings, RowMakerOptions options, std::vector<double> start,
           std::string fingerprint, std::int64_t only_run)
      : store_(std::move(store)),
        maker_(bindings, std::move(options), std::move(start), Time{}),
        fingerprint_(std::move(fingerprint)),
        only_run_(only_run) {}
  Result<void> open_run(std::size_t run);
  Result<void> load(std::size_t snapshot, bool restores);
  Result<bool> look_ahead();
  Result<bool> next_input();

  history::Store store_;
  RowMaker maker_;
  std::string fingerprint_;
  std::int64_t only_run_ = 0;
  std::size_t others_ = 0;
  std::vector<Run> runs_;  // by begin
  bool placed_ = false;
  std::size_t at_ = 0;  // the run that line_ is of
  std::optional<history::Timeline> line_;
  std::size_t block_ = 0;         // snapshot
  history::TimelineSpan inputs_;  // of the block
  std::size_t batch_ = 0;         // that comes next
  LiveInputReader reader_;
  MadeRow row_;            // shown
  bool has_next_ = false;  // maker_.newest() is the row after row_
};

}  // namespace geoul::runtime
