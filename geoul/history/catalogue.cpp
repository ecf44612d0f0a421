#include "geoul/history/catalogue.h"

#include <algorithm>
#include <array>

#include "geoul/core/crc32.h"
#include "geoul/history/little_endian.h"

namespace geoul::history {

// Columns without the CRC, which is the last one. The first is the key.
struct CatalogueTable {
  const char* name;
  struct Column {
    const char* name;
    char type;  // 'i' integer, 't' text, 'b' bytes
  };
  std::vector<Column> columns;
  const char* index = nullptr;  // columns of an index
  bool unique = false;          // of that index
};

namespace {

constexpr std::int64_t kVersion = 1;

// Of all values with their kinds and lengths, so that none can pass into another.
std::int64_t crc_of(const SqlRow& row, std::size_t columns) {
  std::string bytes;
  for (std::size_t i = 0; i < columns; ++i) {
    bytes.push_back(static_cast<char>(row[i].index()));
    if (const auto* integer = std::get_if<std::int64_t>(&row[i])) put(*integer, bytes);
    if (const auto* text = std::get_if<std::string>(&row[i])) put_text(*text, bytes);
    if (const auto* blob = std::get_if<SqlBytes>(&row[i])) put_text(blob->bytes, bytes);
  }
  return crc32(bytes);
}

// ---- rows to structs and back; the order is that of the columns below ----

std::int64_t integer(const SqlValue& value) { return std::get<std::int64_t>(value); }
const std::string& text(const SqlValue& value) { return std::get<std::string>(value); }
Time time_of(const SqlValue& value) { return {integer(value)}; }

SqlRow to_row(const SiteRow& s) { return {s.id, s.name, s.folder, s.created.ns}; }
SiteRow to_site(const SqlRow& r) { return {integer(r[0]), text(r[1]), text(r[2]), time_of(r[3])}; }

SqlRow to_row(const RunRow& r) {
  return {r.id, r.site, r.name, r.source, r.started.ns, r.begin.ns, r.end.ns, std::int64_t{r.closed}, r.setup};
}
RunRow to_run(const SqlRow& r) {
  return {integer(r[0]), integer(r[1]),      text(r[2]),
          text(r[3]),    time_of(r[4]),      time_of(r[5]),
          time_of(r[6]), integer(r[7]) != 0, std::get<SqlBytes>(r[8])};
}

SqlRow to_row(const SegmentRow& s) {
  const auto as_integer = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  return {s.id,
          s.site,
          s.run,
          s.info.file,
          as_integer(s.info.number),
          s.info.begin.ns,
          s.info.end.ns,
          as_integer(s.info.messages),
          as_integer(s.info.bytes),
          as_integer(s.info.crc),
          std::int64_t{s.pruned}};
}
SegmentRow to_segment(const SqlRow& r) {
  const auto natural = [&r](std::size_t i) { return static_cast<std::uint64_t>(integer(r[i])); };
  SegmentRow out{integer(r[0]), integer(r[1]), integer(r[2]), {}, integer(r[10]) != 0};
  out.info.file = text(r[3]), out.info.number = natural(4);
  out.info.begin = time_of(r[5]), out.info.end = time_of(r[6]);
  out.info.messages = natural(7), out.info.bytes = natural(8), out.info.crc = static_cast<std::uint32_t>(natural(9));
  return out;
}

SqlRow to_row(const SnapshotRow& s) { return {s.id, s.site, s.run, s.step, s.time.ns}; }
SnapshotRow to_snapshot(const SqlRow& r) {
  return {integer(r[0]), integer(r[1]), integer(r[2]), integer(r[3]), time_of(r[4])};
}

SqlRow to_row(const EntryRow& e) {
  return {e.id, e.site, e.run, e.time.ns, e.severity, e.source, e.name, e.text, e.data};
}
EntryRow to_entry(const SqlRow& r) {
  return {integer(r[0]), integer(r[1]), integer(r[2]), time_of(r[3]), integer(r[4]),
          text(r[5]),    text(r[6]),    text(r[7]),    text(r[8])};
}

SqlRow to_row(std::int64_t id, std::int64_t site, const AuditRow& a) {
  return {id, site, a.sequence, a.time.ns, a.actor, a.action, SqlBytes{a.payload}, a.previous, a.hash};
}
AuditRow to_audit(const SqlRow& r) {
  return {integer(r[2]), time_of(r[3]), text(r[4]), text(r[5]), std::get<SqlBytes>(r[6]).bytes, text(r[7]), text(r[8])};
}

template <class Row>
Result<std::vector<Row>> all(const Result<std::vector<SqlRow>>& rows, Row (*convert)(const SqlRow&)) {
  if (!rows) return rows.error();
  std::vector<Row> out;
  for (const SqlRow& row : *rows) out.push_back(convert(row));
  return out;
}

}  // namespace

namespace {

const CatalogueTable kSites{"sites", {{"id", 'i'}, {"name", 't'}, {"folder", 't'}, {"created", 'i'}}, "folder", true};
const CatalogueTable kRuns{"runs",
                           {{"id", 'i'},
                            {"site", 'i'},
                            {"name", 't'},
                            {"source", 't'},
                            {"started", 'i'},
                            {"begins", 'i'},
                            {"ends", 'i'},
                            {"closed", 'i'},
                            {"setup", 'b'}},
                           "site"};
const CatalogueTable kSegments{"segments",
                               {{"id", 'i'},
                                {"site", 'i'},
                                {"run", 'i'},
                                {"file", 't'},
                                {"number", 'i'},
                                {"begins", 'i'},
                                {"ends", 'i'},
                                {"messages", 'i'},
                                {"bytes", 'i'},
                                {"file_crc", 'i'},
                                {"pruned", 'i'}},
                               "site, file",
                               true};
const CatalogueTable kSnapshots{
    "snapshots", {{"id", 'i'}, {"site", 'i'}, {"run", 'i'}, {"step", 'i'}, {"time", 'i'}}, "run, step", true};
const CatalogueTable kAudit{"audit",
                            {{"id", 'i'},
                             {"site", 'i'},
                             {"sequence", 'i'},
                             {"time", 'i'},
                             {"actor", 't'},
                             {"action", 't'},
                             {"payload", 'b'},
                             {"previous", 't'},
                             {"hash", 't'}},
                            "site, sequence",
                            true};
CatalogueTable entry_table(EntryKind kind) {
  return {to_string(kind),
          {{"id", 'i'},
           {"site", 'i'},
           {"run", 'i'},
           {"time", 'i'},
           {"severity", 'i'},
           {"source", 't'},
           {"name", 't'},
           {"text", 't'},
           {"data", 't'}},
          "site, time"};
}
const CatalogueTable kEntries[] = {entry_table(EntryKind::kEvent), entry_table(EntryKind::kAlarm),
                                   entry_table(EntryKind::kDecision), entry_table(EntryKind::kCommand)};
const CatalogueTable* const kTables[] = {&kSites,      &kRuns,       &kSegments,   &kSnapshots, &kAudit,
                                         &kEntries[0], &kEntries[1], &kEntries[2], &kEntries[3]};

std::string columns_of(const CatalogueTable& table) {
  std::string out;
  for (const CatalogueTable::Column& column : table.columns) out += std::string(column.name) + ", ";
  return out + "crc";
}

bool is_of_type(const SqlValue& value, char type) {
  return value.index() == (type == 'i' ? 0u : type == 't' ? 1u : 2u);
}

}  // namespace

const char* to_string(EntryKind kind) {
  constexpr const char* kNames[] = {"events", "alarms", "decisions", "commands"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<std::unique_ptr<Catalogue>> Catalogue::open(const std::string& setting) {
  const bool server = setting.starts_with("postgresql://") || setting.starts_with("postgres://") ||
                      setting.find("host=") != std::string::npos || setting.find("dbname=") != std::string::npos;
  Result<std::unique_ptr<Database>> database = server ? open_postgresql(setting) : open_sqlite(setting);
  if (!database) return database.error();
  std::unique_ptr<Catalogue> out(new Catalogue(std::move(*database)));
  if (Result<void> done = out->prepare(); !done) return done.error();
  return out;
}

Result<void> Catalogue::prepare() {
  return in_transaction([&]() -> Result<void> {
    std::vector<std::string> statements = {
        "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL)",
        "INSERT INTO meta VALUES ('version', " + std::to_string(kVersion) + ") ON CONFLICT (name) DO NOTHING"};
    for (const CatalogueTable* table : kTables) {
      std::string columns;
      for (const CatalogueTable::Column& column : table->columns) {
        const char* type = column.type == 'i' ? "BIGINT" : column.type == 't' ? "TEXT" : database_->bytes_type();
        columns += std::string(column.name) + " " + type + " NOT NULL" + (columns.empty() ? " PRIMARY KEY, " : ", ");
      }
      const std::string name = table->name;
      statements.push_back("CREATE TABLE IF NOT EXISTS " + name + " (" + columns + "crc BIGINT NOT NULL)");
      statements.push_back("INSERT INTO meta VALUES ('next " + name + "', 0) ON CONFLICT (name) DO NOTHING");
      if (table->index != nullptr) {
        statements.push_back(std::string("CREATE ") + (table->unique ? "UNIQUE " : "") + "INDEX IF NOT EXISTS " + name +
                             "_index ON " + name + " (" + table->index + ")");
      }
    }
    for (const std::string& statement : statements) {
      if (const auto done = database_->run(statement); !done) return done.error();
    }
    const auto version = database_->run("SELECT value FROM meta WHERE name = 'version'");
    if (!version) return version.error();
    if (version->empty() || version->at(0) != SqlRow{kVersion})
      return Error{ErrorCode::kUnsupported, "the catalogue is of another version of geoul; open it with that one"};
    return {};
  });
}

Result<void> Catalogue::in_transaction(const std::function<Result<void>()>& work) {
  if (const auto begun = database_->run(database_->begin_transaction()); !begun) return begun.error();
  Result<void> done = work();
  const auto ended = database_->run(done ? "COMMIT" : "ROLLBACK");
  if (done && !ended) {
    (void)database_->run("ROLLBACK");  // the error of the commit is the one that counts
    return ended.error();
  }
  return done;
}

Result<std::int64_t> Catalogue::next_id(const CatalogueTable& table) {
  const auto row = database_->run("UPDATE meta SET value = value + 1 WHERE name = $1 RETURNING value",
                                  {std::string("next ") + table.name});
  if (!row) return row.error();
  if (row->size() != 1) return Error{ErrorCode::kBadInput, std::string("catalogue: no counter of ") + table.name};
  return integer(row->at(0).at(0));
}

Result<void> Catalogue::insert(const CatalogueTable& table, SqlRow row) {
  std::string sql = std::string("INSERT INTO ") + table.name + " (" + columns_of(table) + ") VALUES (";
  for (std::size_t i = 1; i <= row.size(); ++i) sql += "$" + std::to_string(i) + ", ";
  sql += "$" + std::to_string(row.size() + 1) + ")";
  row.push_back(crc_of(row, row.size()));
  const auto done = database_->run(sql, row);
  return done ? Result<void>() : done.error();
}

Result<std::vector<SqlRow>> Catalogue::select(const CatalogueTable& table, const std::string& rest,
                                              const std::vector<SqlValue>& values) {
  Result<std::vector<SqlRow>> rows =
      database_->run("SELECT " + columns_of(table) + " FROM " + table.name + " " + rest, values);
  if (!rows) return rows;
  const std::size_t columns = table.columns.size();
  for (const SqlRow& row : *rows) {
    bool good = row.size() == columns + 1 && std::holds_alternative<std::int64_t>(row.back());
    for (std::size_t i = 0; good && i < columns; ++i) good = is_of_type(row[i], table.columns[i].type);
    if (good && integer(row.back()) == crc_of(row, columns)) continue;
    const auto* id = std::get_if<std::int64_t>(&row[0]);
    return Error{ErrorCode::kBadInput, std::string("catalogue: row ") + (id == nullptr ? "?" : std::to_string(*id)) +
                                           " of table " + table.name +
                                           " was changed by a disk or a hand: its CRC is wrong; restore the catalogue"};
  }
  return rows;
}

Result<SiteRow> Catalogue::site(const std::string& name, const std::string& folder, Time now) {
  const std::lock_guard guard(mutex_);
  SiteRow out{0, name, folder, now};
  const Result<void> done = in_transaction([&]() -> Result<void> {
    const auto found = all(select(kSites, "WHERE folder = $1", {folder}), to_site);
    if (!found) return found.error();
    if (!found->empty()) {
      out = found->front();
      return {};
    }
    const Result<std::int64_t> id = next_id(kSites);
    if (!id) return id.error();
    out.id = *id;
    return insert(kSites, to_row(out));
  });
  if (!done) return done.error();
  return out;
}

Result<std::vector<SiteRow>> Catalogue::sites() {
  const std::lock_guard guard(mutex_);
  return all(select(kSites, "ORDER BY id", {}), to_site);
}

Result<RunRow> Catalogue::add_run(RunRow row) {
  const std::lock_guard guard(mutex_);
  const Result<void> done = in_transaction([&]() -> Result<void> {
    const Result<std::int64_t> id = next_id(kRuns);
    if (!id) return id.error();
    row.id = *id;
    return insert(kRuns, to_row(row));
  });
  if (!done) return done.error();
  return row;
}

Result<void> Catalogue::update_run(const RunRow& row) {
  const std::lock_guard guard(mutex_);
  return in_transaction([&]() -> Result<void> {
    if (const auto done = database_->run("DELETE FROM runs WHERE id = $1", {row.id}); !done) return done.error();
    const auto later = database_->run("UPDATE meta SET value = $1 WHERE name = 'next runs' AND value < $1", {row.id});
    if (!later) return later.error();
    return insert(kRuns, to_row(row));
  });
}

Result<std::vector<RunRow>> Catalogue::runs(std::int64_t site) {
  const std::lock_guard guard(mutex_);
  return all(select(kRuns, "WHERE site = $1 ORDER BY id", {site}), to_run);
}

Result<std::optional<RunRow>> Catalogue::run(std::int64_t id) {
  const std::lock_guard guard(mutex_);
  const auto rows = all(select(kRuns, "WHERE id = $1", {id}), to_run);
  if (!rows) return rows.error();
  return rows->empty() ? std::optional<RunRow>() : rows->front();
}

Result<void> Catalogue::add_segment(SegmentRow row, std::span<const SnapshotRow> snapshots) {
  const std::lock_guard guard(mutex_);
  return in_transaction([&]() -> Result<void> {
    const auto gone = database_->run("DELETE FROM segments WHERE site = $1 AND file = $2", {row.site, row.info.file});
    if (!gone) return gone.error();
    const Result<std::int64_t> id = next_id(kSegments);
    if (!id) return id.error();
    row.id = *id;
    if (Result<void> done = insert(kSegments, to_row(row)); !done) return done;
    for (SnapshotRow snapshot : snapshots) {
      const auto again =
          database_->run("DELETE FROM snapshots WHERE run = $1 AND step = $2", {snapshot.run, snapshot.step});
      if (!again) return again.error();
      const Result<std::int64_t> number = next_id(kSnapshots);
      if (!number) return number.error();
      snapshot.id = *number;
      if (Result<void> done = insert(kSnapshots, to_row(snapshot)); !done) return done;
    }
    return {};
  });
}

Result<void> Catalogue::mark_pruned(const SegmentRow& row) {
  const std::lock_guard guard(mutex_);
  return in_transaction([&]() -> Result<void> {
    for (const auto& [sql, values] :
         {std::pair<std::string, std::vector<SqlValue>>{"DELETE FROM segments WHERE id = $1", {row.id}},
          {"DELETE FROM snapshots WHERE run = $1 AND time >= $2 AND time <= $3",
           {row.run, row.info.begin.ns, row.info.end.ns}}}) {
      if (const auto done = database_->run(sql, values); !done) return done.error();
    }
    SegmentRow pruned = row;
    pruned.pruned = true;
    return insert(kSegments, to_row(pruned));
  });
}

Result<std::vector<SegmentRow>> Catalogue::segments(std::int64_t site, std::int64_t run) {
  const std::lock_guard guard(mutex_);
  return all(select(kSegments, "WHERE site = $1 AND ($2 = 0 OR run = $2) ORDER BY file", {site, run}), to_segment);
}

Result<std::optional<SnapshotRow>> Catalogue::snapshot_before(std::int64_t run, std::int64_t step) {
  const std::lock_guard guard(mutex_);
  const auto rows =
      all(select(kSnapshots, "WHERE run = $1 AND step <= $2 ORDER BY step DESC LIMIT 1", {run, step}), to_snapshot);
  if (!rows) return rows.error();
  return rows->empty() ? std::optional<SnapshotRow>() : rows->front();
}

Result<std::vector<SnapshotRow>> Catalogue::snapshots(std::int64_t run) {
  const std::lock_guard guard(mutex_);
  return all(select(kSnapshots, "WHERE run = $1 ORDER BY step", {run}), to_snapshot);
}

Result<void> Catalogue::add(EntryKind kind, std::span<EntryRow> rows) {
  const std::lock_guard guard(mutex_);
  const CatalogueTable& table = kEntries[static_cast<std::size_t>(kind)];
  return in_transaction([&]() -> Result<void> {
    for (EntryRow& row : rows) {
      const Result<std::int64_t> id = next_id(table);
      if (!id) return id.error();
      row.id = *id;
      if (Result<void> done = insert(table, to_row(row)); !done) return done;
    }
    return {};
  });
}

Result<std::vector<EntryRow>> Catalogue::entries(EntryKind kind, const EntryQuery& query) {
  const std::lock_guard guard(mutex_);
  const std::string order = query.newest ? "ORDER BY time DESC, id DESC" : "ORDER BY time, id";
  auto rows = all(
      select(kEntries[static_cast<std::size_t>(kind)],
             "WHERE ($1 = 0 OR site = $1) AND ($2 = 0 OR run = $2) AND time >= $3 AND time < $4 " + order + " LIMIT $5",
             {query.site, query.run, query.begin.ns, query.end.ns, query.most}),
      to_entry);
  if (rows && query.newest) std::reverse(rows->begin(), rows->end());
  return rows;
}

Result<void> Catalogue::add_audit(std::int64_t site, const AuditRow& row) {
  const std::lock_guard guard(mutex_);
  return in_transaction([&]() -> Result<void> {
    const Result<std::int64_t> id = next_id(kAudit);
    return id ? insert(kAudit, to_row(*id, site, row)) : id.error();
  });
}

Result<std::vector<AuditRow>> Catalogue::audit(std::int64_t site) {
  const std::lock_guard guard(mutex_);
  return all(select(kAudit, "WHERE site = $1 ORDER BY sequence", {site}), to_audit);
}

Result<void> Catalogue::verify(const std::string& name, Diagnostics& diagnostics) {
  const std::lock_guard guard(mutex_);
  const auto found = database_->check();
  if (!found) return found.error();
  for (const std::string& what : *found) diagnostics.error({name, 0, {}}, "catalogue", what, "restore the catalogue");
  for (const CatalogueTable* table : kTables) {
    const auto rows = select(*table, "", {});
    if (!rows && rows.error().code != ErrorCode::kBadInput) return rows.error();
    if (!rows) diagnostics.error({name, 0, table->name}, "catalogue", rows.error().message);
  }
  return {};
}

}  // namespace geoul::history
