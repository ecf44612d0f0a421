#include "geoul/history/store.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "geoul/history/recovery.h"
#include "geoul/history/timeline.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Labels& labels, const char* name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}
std::int64_t number_of(const Labels& labels, const char* name) {
  const std::string text = text_of(labels, name);
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}
std::int64_t run_of(const Labels& labels) { return number_of(labels, "run"); }

}  // namespace

struct Store::Impl {
  fs::path folder;
  StoreOptions options;
  std::unique_ptr<Catalogue> catalogue;
  SiteRow site;
  bool busy = false;
  std::optional<Recorder> recorder;
  RunRow run;
  std::mutex audit_mutex;
  std::optional<AuditTrail> audit;

  fs::path audit_path() const { return folder / "audit.log"; }

  // Of the recorder's threads too.
  Result<void> take(const SegmentInfo& info) {
    SegmentRow row{0, site.id, run_of(info.labels), info, false};
    const auto snapshots = snapshots_of(segments_path(folder) / info.file, site.id, row.run);
    if (Result<void> done = catalogue->add_segment(row, snapshots); !done) return done;
    if (!options.most_bytes) return {};
    Retention retention;
    retention.most_bytes = options.most_bytes;
    const Result<Pruned> done = drop(retention, false);
    return done ? Result<void>() : done.error();
  }

  // Segments of whole files that the catalogue does not know, and files that retention was about to delete.
  Result<void> reconcile(Diagnostics& diagnostics) {
    const Result<std::vector<SegmentRow>> rows = catalogue->segments(site.id);
    if (!rows) return rows.error();
    std::map<std::string, bool> known;  // pruned, by file
    for (const SegmentRow& row : *rows) known[row.info.file] = row.pruned;
    std::vector<fs::path> files;
    std::error_code code;
    for (fs::directory_iterator entry(segments_path(folder), code), end; !code && entry != end; entry.increment(code))
      files.push_back(entry->path());
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files) {
      const auto found = known.find(path.filename().string());
      if (found != known.end() && found->second) fs::remove(path, code);
      if (found != known.end()) continue;
      const auto info = segment_number(path.filename().string()) ? read_segment_info(path) : std::nullopt;
      if (!info) {
        diagnostics.warning({path.string(), 0, {}}, "segment-unknown",
                            "this file is no whole segment, and is left alone");
        continue;
      }
      if (Result<void> done = know_run(info->labels); !done) return done;
      if (Result<void> done = take(*info); !done) return done;
    }
    return close_runs();
  }

  // A catalogue that was lost learns of runs by their segments.
  Result<void> know_run(const Labels& labels) {
    const std::int64_t id = run_of(labels);
    const auto known = catalogue->run(id);
    if (!known) return known.error();
    if (id <= 0 || *known) return {};
    const Time started{number_of(labels, "started")};
    return catalogue->update_run({id,
                                  site.id,
                                  text_of(labels, "name"),
                                  text_of(labels, "source"),
                                  started,
                                  {},
                                  {},
                                  false,
                                  {text_of(labels, "setup")}});
  }

  // Runs that a crash has ended: they end with their last segment.
  Result<void> close_runs() {
    const Result<std::vector<RunRow>> runs = catalogue->runs(site.id);
    if (!runs) return runs.error();
    for (RunRow ended : *runs) {
      if (ended.closed) continue;
      const Result<std::vector<SegmentRow>> segments = catalogue->segments(site.id, ended.id);
      if (!segments) return segments.error();
      for (const SegmentRow& segment : *segments) {
        ended.begin = ended.closed ? std::min(ended.begin, segment.info.begin) : segment.info.begin;
        ended.end = std::max(ended.end, segment.info.end);
        ended.closed = true;
      }
      ended.closed = true;
      if (Result<void> done = catalogue->update_run(ended); !done) return done;
    }
    return {};
  }

  static std::vector<SegmentRow> to_drop(std::vector<SegmentRow> rows, const std::vector<RunRow>& known,
                                         const Retention& retention) {
    std::map<std::int64_t, Duration> offset;  // from a run's clock to the wall clock, by run
    for (const RunRow& row : known) offset[row.id] = row.started - row.begin;
    std::erase_if(rows, [](const SegmentRow& row) { return row.pruned; });
    std::set<std::int64_t> runs;
    std::uint64_t bytes = 0;
    for (const SegmentRow& row : rows) runs.insert(row.run), bytes += row.info.bytes;
    std::int64_t oldest_run = 0;
    if (retention.most_runs && runs.size() > *retention.most_runs)
      oldest_run = *retention.most_runs == 0
                       ? INT64_MAX
                       : *std::prev(runs.end(), static_cast<std::ptrdiff_t>(*retention.most_runs));
    // Numbers rise in the order of writing, whatever clock a run had.
    std::sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.info.number < b.info.number; });
    std::vector<SegmentRow> out;
    for (const SegmentRow& row : rows) {
      const bool old = retention.from && row.info.end + offset[row.run] < *retention.from;
      const bool much = retention.most_bytes && bytes > *retention.most_bytes;
      if (!old && !much && row.run >= oldest_run) continue;
      bytes -= row.info.bytes;
      out.push_back(row);
    }
    return out;
  }

  Result<Pruned> drop(const Retention& retention, bool dry) {
    const Result<std::vector<SegmentRow>> rows = catalogue->segments(site.id);
    const Result<std::vector<RunRow>> runs = catalogue->runs(site.id);
    if (!rows || !runs) return rows ? runs.error() : rows.error();
    Pruned out;
    for (const SegmentRow& row : to_drop(*rows, *runs, retention)) {
      out.bytes += row.info.bytes;
      out.segments.push_back(row);
      if (dry) continue;
      if (Result<void> done = catalogue->mark_pruned(row); !done) return done.error();
      std::error_code code;
      fs::remove(segments_path(folder) / row.info.file, code);
      if (code) return Error{ErrorCode::kUnavailable, row.info.file + ": cannot be deleted: " + code.message()};
    }
    return out;
  }

  Result<AuditRow> note(Time now, const std::string& actor, const std::string& action, const std::string& payload) {
    const std::lock_guard guard(audit_mutex);
    if (!audit) {
      Result<AuditTrail> opened = AuditTrail::open(audit_path(), *catalogue, site.id);
      if (!opened) return opened.error();
      audit.emplace(std::move(*opened));
    }
    return audit->append(now, actor, action, payload);
  }
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const fs::path& given, const StoreOptions& options, bool make, Time now,
                          Diagnostics& diagnostics) {
  std::error_code code;
  const fs::path folder = fs::absolute(given, code).lexically_normal();
  if (!make && !fs::exists(folder / "lock", code))
    return Error{ErrorCode::kNotFound,
                 given.string() + ": holds no history; record one with 'geoul sim SCENE --history FOLDER'"};
  fs::create_directories(segments_path(folder), code);
  if (code) return Error{ErrorCode::kUnavailable, folder.string() + ": cannot make the folder: " + code.message()};
  auto impl = std::make_unique<Impl>();
  impl->folder = folder, impl->options = options;
  const std::string setting = options.catalogue.empty() ? (folder / "catalogue.sqlite").string() : options.catalogue;
  Result<std::unique_ptr<Catalogue>> catalogue = Catalogue::open(setting);
  if (!catalogue) return catalogue.error();
  impl->catalogue = std::move(*catalogue);
  const std::string name = options.site.empty() ? folder.filename().string() : options.site;
  Result<SiteRow> site = impl->catalogue->site(name, folder.string(), now);
  if (!site) return site.error();
  impl->site = std::move(*site);
  if (fs::exists(folder / "lock", code)) {
    Impl* it = impl.get();
    const Result<bool> recovered = recover(
        folder, options.recorder.segment, [it](const SegmentInfo& info) { return it->take(info); }, diagnostics);
    if (!recovered) return recovered.error();
    impl->busy = !*recovered;
    if (!impl->busy) {
      if (Result<void> done = impl->reconcile(diagnostics); !done) return done.error();
    }
  }
  return Store(std::move(impl));
}

const fs::path& Store::folder() const { return impl_->folder; }
const SiteRow& Store::site() const { return impl_->site; }
Catalogue& Store::catalogue() { return *impl_->catalogue; }
bool Store::busy() const { return impl_->busy; }
fs::path Store::path_of(const SegmentRow& segment) const { return segments_path(impl_->folder) / segment.info.file; }

Result<RunRow> Store::begin_run(RunRow run, Diagnostics& diagnostics) {
  Impl& s = *impl_;
  GEOUL_EXPECTS(!s.recorder);
  run.site = s.site.id;
  run.closed = false;
  // The folder before the run: who cannot have it leaves no trace.
  Result<PosixFile> lock = lock_folder(s.folder);
  if (!lock) return lock.error();
  lock = PosixFile();
  Result<RunRow> added = s.catalogue->add_run(std::move(run));
  if (!added) return added.error();
  RecorderOptions options = s.options.recorder;
  options.labels["run"] = std::to_string(added->id);
  options.labels["site"] = s.site.name;
  options.labels["name"] = added->name, options.labels["source"] = added->source;
  options.labels["started"] = std::to_string(added->started.ns), options.labels["setup"] = added->setup.bytes;
  Impl* it = impl_.get();
  Result<Recorder> recorder = Recorder::open(
      s.folder, std::move(options), [it](const SegmentInfo& info) { return it->take(info); }, diagnostics);
  if (!recorder) return recorder.error();
  s.recorder.emplace(std::move(*recorder));
  s.run = *added;
  return s.run;
}

Recorder& Store::recorder() {
  GEOUL_EXPECTS(impl_->recorder.has_value());
  return *impl_->recorder;
}

Result<void> Store::end_run(Time begin, Time end) {
  Impl& s = *impl_;
  GEOUL_EXPECTS(s.recorder.has_value());
  const Result<void> closed = s.recorder->close();
  s.recorder.reset();
  if (!closed) return closed;
  s.run.begin = begin, s.run.end = end, s.run.closed = true;
  return s.catalogue->update_run(s.run);
}

Result<AuditRow> Store::note(Time now, const std::string& actor, const std::string& action,
                             const std::string& payload) {
  if (impl_->recorder) return impl_->note(now, actor, action, payload);
  const Result<PosixFile> lock = lock_folder(impl_->folder);
  if (!lock) return lock.error();
  return impl_->note(now, actor, action, payload);
}

Result<AuditCheck> Store::verify(const std::string& kept_head, const Progress& progress, Diagnostics& diagnostics) {
  Impl& s = *impl_;
  if (Result<void> done = s.catalogue->verify((s.folder / "catalogue").string(), diagnostics); !done)
    return done.error();
  const Result<std::vector<SegmentRow>> rows = s.catalogue->segments(s.site.id);
  if (!rows && rows.error().code != ErrorCode::kBadInput) return rows.error();  // a bad row was named above
  std::uint64_t all = 0, done = 0;
  for (std::size_t i = 0; rows && i < rows->size(); ++i) all += (*rows)[i].pruned ? 0 : (*rows)[i].info.bytes;
  for (std::size_t i = 0; rows && i < rows->size(); ++i) {
    const SegmentRow& row = (*rows)[i];
    if (row.pruned) continue;
    if (progress) progress(all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all), row.info.file);
    verify_segment(path_of(row), &row.info, diagnostics);
    done += row.info.bytes;
  }
  return verify_audit(s.audit_path(), *s.catalogue, s.site.id, kept_head, diagnostics);
}

Result<Pruned> Store::prune(const Retention& retention, bool dry, Time now, const std::string& actor) {
  Impl& s = *impl_;
  GEOUL_EXPECTS(!s.recorder);
  const Result<PosixFile> lock = lock_folder(s.folder);
  if (!lock) return lock.error();
  const Result<Pruned> planned = s.drop(retention, true);
  if (dry || !planned || planned->segments.empty()) return planned;
  // First the word, then the deed: a segment that is gone without a record in the audit trail was not pruned.
  const std::string payload = "{\"segments\": " + std::to_string(planned->segments.size()) +
                              ", \"bytes\": " + std::to_string(planned->bytes) + ", \"first\": \"" +
                              planned->segments.front().info.file + "\", \"last\": \"" +
                              planned->segments.back().info.file + "\"}";
  if (const Result<AuditRow> noted = s.note(now, actor, "prune", payload); !noted) return noted.error();
  return s.drop(retention, false);
}

Result<std::uint64_t> Store::export_run(std::int64_t run, const McapQuery& query, const fs::path& out,
                                        const Progress& progress, Diagnostics& diagnostics) {
  Impl& s = *impl_;
  Result<std::vector<SegmentRow>> rows = s.catalogue->segments(s.site.id, run);
  if (!rows) return rows.error();
  std::erase_if(*rows, [](const SegmentRow& row) { return row.pruned; });
  if (rows->empty())
    return Error{ErrorCode::kNotFound,
                 "run " + std::to_string(run) + " has no closed segments; see 'geoul history ls'"};
  Result<McapWriter> writer = McapWriter::create(out, s.options.recorder.segment.mcap);
  if (!writer) return writer.error();
  std::map<std::string, std::uint16_t> channels;  // by what they are
  Result<void> wrote;
  for (std::size_t i = 0; i < rows->size() && wrote; ++i) {
    if (progress) progress(static_cast<double>(i) / static_cast<double>(rows->size()), (*rows)[i].info.file);
    Result<McapReader> reader = McapReader::open(path_of((*rows)[i]));
    if (!reader) return reader.error();
    std::map<std::uint16_t, std::uint16_t> ids;
    const Result<void> read = reader->for_each(query, [&](const McapMessage& message) {
      std::uint16_t& id = ids[message.channel->id];
      if (id == 0) {
        const ChannelRecord& channel = *message.channel;
        McapChannelInfo info{channel.topic, channel.message_encoding, {}, {}, {}, channel.metadata};
        if (const auto schema = reader->schemas().find(channel.schema_id); schema != reader->schemas().end()) {
          info.schema_name = schema->second.name, info.schema_encoding = schema->second.encoding;
          info.schema = schema->second.data;
        }
        const auto [known, added] = channels.emplace(encode(info), std::uint16_t{0});
        if (added) {
          const Result<std::uint16_t> made = writer->add_channel(info);
          if (!made) return wrote = made.error(), false;
          known->second = *made;
        }
        id = known->second;
      }
      wrote = writer->write(id, message.log_time, message.publish_time, message.data);
      return static_cast<bool>(wrote);
    });
    if (!read) return read.error();
    for (const Finding& finding : reader->diagnostics().findings()) diagnostics.add(finding);
  }
  if (!wrote) return wrote.error();
  if (Result<void> closed = writer->close(); !closed) return closed.error();
  return writer->message_count();
}

}  // namespace geoul::history
