// What can be asked of a history: the jobs behind `geoul history`. Each answers in words and in JSON (docs/notes/
// history.md has the schema). A folder that a crash left is recovered first, as any opening does; findings of that are
// in the diagnostics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/runtime/jobs.h"

namespace geoul::runtime {

struct HistoryPlace {
  std::string folder;
  std::string catalogue;  // "postgresql://..." or "host=..."; empty: the file in the folder
};

struct HistoryAnswer {
  std::string text;  // lines
  std::string json;
  bool ok = true;  // false: a check ran and found something
};

// Runs, with their times, segments and bytes.
Result<HistoryAnswer> list_history(const HistoryPlace& place, Diagnostics& diagnostics);

struct ShowOptions {
  HistoryPlace place;
  std::int64_t run = 0;  // 0: the newest
  // [s] of the run's clock (a live site's: UNIX): the full State at that instant; none: what the run is.
  std::optional<double> time;
  std::string scene;  // instead of the run's own file
};
Result<HistoryAnswer> show_history(const ShowOptions& options, Diagnostics& diagnostics);

struct ExportOptions {
  HistoryPlace place;
  std::int64_t run = 0;  // 0: the newest
  std::string out;       // MCAP file; must not exist
  std::vector<std::string> topics;
  std::optional<double> begin, end;  // [s]
};
Result<HistoryAnswer> export_history(const ExportOptions& options, const JobOutput& output, Diagnostics& diagnostics);

// Reads everything; what is wrong is in the diagnostics.
Result<HistoryAnswer> verify_history(const HistoryPlace& place, const std::string& kept_head, const JobOutput& output,
                                     Diagnostics& diagnostics);

struct PruneOptions {
  HistoryPlace place;
  std::optional<double> keep_days;          // by the wall clock
  std::optional<std::uint64_t> keep_bytes;  // in all
  std::optional<std::size_t> keep_runs;     // the newest
  bool dry_run = false;
};
Result<HistoryAnswer> prune_history(const PruneOptions& options, Diagnostics& diagnostics);

}  // namespace geoul::runtime
