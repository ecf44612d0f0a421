// The store: a folder with the recordings of one site, its catalogue and its audit trail.
//   catalogue.sqlite   unless the catalogue is a PostgreSQL server's
//   audit.log, segments/, journal-0, journal-1, lock: see audit.h and recorder.h
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/audit.h"
#include "geoul/history/catalogue.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/history/recorder.h"

namespace geoul::history {

// What to keep; nothing given keeps all. The audit trail, events, decisions and commands always stay.
struct Retention {
  std::optional<Time> from;                 // segments that end before this, by the wall clock at which they ran, go
  std::optional<std::uint64_t> most_bytes;  // the oldest go until the files fit
  std::optional<std::size_t> most_runs;     // of older runs all segments go
};
struct Pruned {
  std::vector<SegmentRow> segments;
  std::uint64_t bytes = 0;
};

struct StoreOptions {
  std::string catalogue;  // setting of Catalogue::open; empty: the file in the folder
  std::string site;       // name, where the folder is new; empty: the folder's
  RecorderOptions recorder;
  std::optional<std::uint64_t> most_bytes;  // retention while a run is recorded
};

using Progress = std::function<void(double fraction, const std::string& what)>;

// Not thread-safe, but for recorder(), catalogue() and note().
class Store {
 public:
  // Makes the folder where `make`, else kNotFound where there is none. Recovers what a crash left and puts segments
  // that the catalogue does not know into it, unless a recorder is at work there. Findings: those of Recorder::open,
  // and "segment-unknown" (a warning: a file that is no whole segment).
  static Result<Store> open(const std::filesystem::path& folder, const StoreOptions& options, bool make, Time now,
                            Diagnostics& diagnostics);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  // ends the run as a crash would, but loses nothing

  const std::filesystem::path& folder() const;
  const SiteRow& site() const;
  Catalogue& catalogue();
  bool busy() const;  // a recorder was at work when it was opened
  std::filesystem::path path_of(const SegmentRow& segment) const;

  // ---- recording: one run at a time ----
  Result<RunRow> begin_run(RunRow run, Diagnostics& diagnostics);  // id and site are set
  Recorder& recorder();                                            // of the run; ContractError where there is none
  Result<void> end_run(Time begin, Time end);
  // Appends to the audit trail; needs a run, or a folder in which nobody records.
  Result<AuditRow> note(Time now, const std::string& actor, const std::string& action, const std::string& payload);

  // ---- what is there ----
  // Everything: catalogue, segments (size, CRC, index, order of records), audit trail. kept_head: see audit.h; or
  // empty.
  Result<AuditCheck> verify(const std::string& kept_head, const Progress& progress, Diagnostics& diagnostics);
  // kUnavailable where a recorder is at work. dry: only says what would go.
  Result<Pruned> prune(const Retention& retention, bool dry, Time now, const std::string& actor);
  // One MCAP file of a run's messages. The count.
  Result<std::uint64_t> export_run(std::int64_t run, const McapQuery& query, const std::filesystem::path& out,
                                   const Progress& progress, Diagnostics& diagnostics);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::history
