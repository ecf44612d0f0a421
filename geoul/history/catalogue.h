// The catalogue: what was recorded, when and where, and what was decided. In SQLite (a file beside the recordings) or
// in PostgreSQL (for many sites at once), by one setting. Every row carries a CRC-32 over all its values: a row that a
// disk or a hand has changed is an error that names it, never a wrong value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/database.h"
#include "geoul/history/segments.h"

namespace geoul::history {

struct SiteRow {
  std::int64_t id = 0;  // set by the catalogue, from 1; as in all rows
  std::string name;
  std::string folder;  // of the recordings, absolute; one a site
  Time created;        // of the wall clock
};
struct RunRow {
  std::int64_t id = 0, site = 0;
  std::string name;
  std::string source;  // what ran: a scene or site file
  Time started;        // of the wall clock
  Time begin, end;     // of the run's own clock; the same where nothing is known yet
  bool closed = false;
  SqlBytes setup;  // what it takes to run it again: runtime/time_machine.h
};
struct SegmentRow {
  std::int64_t id = 0, site = 0, run = 0;  // run 0: of none
  SegmentInfo info;                        // without labels
  bool pruned = false;                     // the file was deleted by retention
};
struct SnapshotRow {
  std::int64_t id = 0, site = 0, run = 0;
  std::int64_t step = 0;
  Time time;
};

enum class EntryKind { kEvent, kAlarm, kDecision, kCommand };
const char* to_string(EntryKind kind);  // "events", ...: the table
struct EntryRow {
  std::int64_t id = 0, site = 0, run = 0;
  Time time;
  std::int64_t severity = 0;  // 0 info, 1 warning, 2 error
  std::string source;         // who says so
  std::string name;           // what
  std::string text;           // in words
  std::string data;           // JSON, or empty
};
struct EntryQuery {
  std::int64_t site = 0, run = 0;  // 0: any
  Time begin{0}, end{INT64_MAX};   // end exclusive
  std::int64_t most = 1000;
  bool newest = false;  // where there are more, the newest, not the oldest
};

struct AuditRow {
  std::int64_t sequence = 0;
  Time time;
  std::string actor, action, payload;
  std::string previous, hash;  // hexadecimal
};

struct CatalogueTable;

// May be called from any thread. Errors are those of Database; a row whose CRC is wrong is kBadInput.
class Catalogue {
 public:
  // setting: "postgresql://..." or "host=..." for PostgreSQL, else the path of an SQLite file.
  static Result<std::unique_ptr<Catalogue>> open(const std::string& setting);

  // The site of that folder, made where there is none.
  Result<SiteRow> site(const std::string& name, const std::string& folder, Time now);
  Result<std::vector<SiteRow>> sites();
  Result<RunRow> add_run(RunRow row);
  // In the place of the one with that id, or anew: ids that are given later are greater.
  Result<void> update_run(const RunRow& row);
  Result<std::vector<RunRow>> runs(std::int64_t site);
  Result<std::optional<RunRow>> run(std::int64_t id);

  // In the place of one with the same file. With it its snapshots.
  Result<void> add_segment(SegmentRow row, std::span<const SnapshotRow> snapshots);
  Result<void> mark_pruned(const SegmentRow& row);  // and its snapshots go
  // By file, that is by time. run 0: all.
  Result<std::vector<SegmentRow>> segments(std::int64_t site, std::int64_t run = 0);
  // The newest snapshot of the run at or before the step.
  Result<std::optional<SnapshotRow>> snapshot_before(std::int64_t run, std::int64_t step);
  Result<std::vector<SnapshotRow>> snapshots(std::int64_t run);

  // All or none of them.
  Result<void> add(EntryKind kind, std::span<EntryRow> rows);
  Result<std::vector<EntryRow>> entries(EntryKind kind, const EntryQuery& query);  // by time

  Result<void> add_audit(std::int64_t site, const AuditRow& row);
  Result<std::vector<AuditRow>> audit(std::int64_t site);  // by sequence

  // Asks the database for what is wrong, and reads every row. Findings: "catalogue".
  Result<void> verify(const std::string& name, Diagnostics& diagnostics);

 private:
  explicit Catalogue(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<void> prepare();
  Result<void> in_transaction(const std::function<Result<void>()>& work);
  Result<std::int64_t> next_id(const CatalogueTable& table);
  Result<void> insert(const CatalogueTable& table, SqlRow row);
  Result<std::vector<SqlRow>> select(const CatalogueTable& table, const std::string& rest,
                                     const std::vector<SqlValue>& values);

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

}  // namespace geoul::history
