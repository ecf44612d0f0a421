#include "geoul/runtime/history_jobs.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "geoul/core/unix_time.h"
#include "geoul/dynamics/snapshot.h"
#include "geoul/history/site_journal.h"
#include "geoul/history/store.h"
#include "geoul/runtime/clock.h"
#include "geoul/runtime/links.h"
#include "geoul/runtime/live_past.h"
#include "geoul/runtime/report.h"
#include "geoul/runtime/row_evaluator.h"
#include "geoul/runtime/time_machine.h"

namespace geoul::runtime {
namespace {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(1, ' ', false, json::error_handler_t::replace) + "\n"; }

std::string utc(Time time) {
  const std::time_t seconds = time.ns / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char out[32];
  std::strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S", &parts);
  return out;
}

// Of a run's clock: live sites run by the wall clock, simulations from 0.
std::string instant(Time time) {
  constexpr std::int64_t kTenYears = 315'360'000'000'000'000;
  if (time.ns < kTenYears) return short_number(time.seconds()) + " s";
  char part[16];
  std::snprintf(part, sizeof part, ".%03d UTC", static_cast<int>(time.ns / 1'000'000 % 1000));
  return utc(time) + part;
}

std::string bytes_in_words(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return short_number(value) + " " + kUnits[unit];
}

std::string count_of(std::uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

Result<history::Store> open(const HistoryPlace& place, Diagnostics& diagnostics) {
  history::StoreOptions options;
  options.catalogue = place.catalogue;
  return history::Store::open(place.folder, options, false, unix_now(), diagnostics);
}

// What a run has in segments.
struct Kept {
  std::uint64_t segments = 0, pruned = 0, bytes = 0, messages = 0;
};
std::map<std::int64_t, Kept> kept_by_run(const std::vector<history::SegmentRow>& rows) {
  std::map<std::int64_t, Kept> out;
  for (const history::SegmentRow& row : rows) {
    Kept& kept = out[row.run];
    if (row.pruned) {
      ++kept.pruned;
    } else {
      ++kept.segments, kept.bytes += row.info.bytes, kept.messages += row.info.messages;
    }
  }
  return out;
}

json to_json(const history::RunRow& run, const Kept& kept) {
  return {{"run", run.id},
          {"name", run.name},
          {"source", run.source},
          {"started_ns", run.started.ns},
          {"begin_s", run.begin.seconds()},
          {"end_s", run.end.seconds()},
          {"closed", run.closed},
          {"segments", kept.segments},
          {"pruned_segments", kept.pruned},
          {"messages", kept.messages},
          {"bytes", kept.bytes}};
}

std::string to_line(const history::RunRow& run, const Kept& kept) {
  const std::string length =
      run.closed ? short_number((run.end - run.begin).seconds()) + " s" : std::string("being recorded");
  return "run " + std::to_string(run.id) + "  " + utc(run.started) + "  " + length + "  " +
         count_of(kept.segments, "segment") + (kept.pruned > 0 ? " (" + std::to_string(kept.pruned) + " pruned)" : "") +
         ", " + bytes_in_words(kept.bytes) + "  " + run.source + "\n";
}

// 0: the newest.
Result<history::RunRow> run_of(history::Store& store, std::int64_t id) {
  const Result<std::vector<history::RunRow>> runs = store.catalogue().runs(store.site().id);
  if (!runs) return runs.error();
  for (const history::RunRow& run : *runs) {
    if (run.id == id || (id == 0 && run.id == runs->back().id)) return run;
  }
  std::string known;
  for (const history::RunRow& run : *runs) known += (known.empty() ? "" : ", ") + std::to_string(run.id);
  return Error{ErrorCode::kNotFound, store.folder().string() + ": there is no run " + std::to_string(id) + "; " +
                                         (known.empty() ? "there is none yet" : "there are: " + known)};
}

json numbers(const std::vector<double>& values) {
  json out = json::array();
  for (const double value : values) std::isfinite(value) ? out.push_back(value) : out.push_back(nullptr);
  return out;
}

HistoryAnswer answer_of(const history::RunRow& run, const Twin& twin, const scene::StateLayout& layout,
                        const scene::State& state) {
  char hash[17];
  std::snprintf(hash, sizeof(hash), "%016llx", static_cast<unsigned long long>(dynamics::hash_state(state)));
  HistoryAnswer out;
  json joints = json::array(), bodies = json::array();
  out.text = "run " + std::to_string(run.id) + " at " + instant(state.time) + ", state " + hash + "\n";
  for (std::size_t j = 0; j < twin.scene.joints.size(); ++j) {
    const scene::JointAddress& at = layout.joints[j];
    if (at.nv == 0) continue;
    const auto part = [](const std::vector<double>& all, int first, int n) {
      return std::vector<double>(all.begin() + first, all.begin() + first + n);
    };
    const std::vector<double> q = part(state.q, at.q, at.nq), v = part(state.v, at.v, at.nv);
    joints.push_back({{"path", twin.scene.joints[j].path}, {"q", numbers(q)}, {"v", numbers(v)}});
    out.text += "  joint " + twin.scene.joints[j].path + "  q";
    for (const double x : q) out.text += " " + short_number(x);
    out.text += "  v";
    for (const double x : v) out.text += " " + short_number(x);
    out.text += "\n";
  }
  for (std::size_t b = 0; b < twin.scene.bodies.size(); ++b) {
    const Posed& X = state.X_WB[b];
    const Motiond& V = state.V_WB[b];
    bodies.push_back({{"path", twin.scene.bodies[b].path},
                      {"position", numbers({X.p.x, X.p.y, X.p.z})},
                      {"rotation_wxyz", numbers({X.R.w, X.R.x, X.R.y, X.R.z})},
                      {"velocity", numbers({V.v.x, V.v.y, V.v.z})},
                      {"angular_velocity", numbers({V.w.x, V.w.y, V.w.z})}});
    out.text += "  body " + twin.scene.bodies[b].path + "  at " + short_number(X.p.x) + " " + short_number(X.p.y) +
                " " + short_number(X.p.z) + " m\n";
  }
  out.json = dump({{"run", run.id},
                   {"time_s", state.time.seconds()},
                   {"state_hash", hash},
                   {"joints", joints},
                   {"bodies", bodies}});
  return out;
}

void warn_of_changed_scene(const std::string& file, const std::string& sha256, Diagnostics& diagnostics) {
  if (const Result<std::string> hash = file_sha256(file); hash && !sha256.empty() && *hash != sha256)
    diagnostics.warning({file, 0, {}}, "scene-changed", "the scene file has changed since the run was recorded");
}

// The state of a live site at an instant.
Result<HistoryAnswer> show_live_instant(const HistoryPlace& place, const history::RunRow& run, Time time,
                                        const std::string& other_scene, Diagnostics& diagnostics) {
  const Result<LiveSetup> setup = parse_live_setup(run.setup.bytes);
  if (!setup) return setup.error();
  std::optional<Site> site = parse_site(setup->site_text, setup->site_file, diagnostics);
  if (!site) return diagnostics.to_error();
  site->scene = other_scene.empty() ? setup->scene : other_scene;
  for (const std::string& words : setup->links) {
    if (const std::optional<Error> wrong = replace_link(*site, words)) return *wrong;
  }
  warn_of_changed_scene(site->scene, setup->scene_sha256, diagnostics);
  const std::optional<Twin> twin = load_twin(site->scene, diagnostics);
  if (!twin) return diagnostics.to_error();
  const std::optional<Bindings> bindings = bind(*site, *twin, Feed::kLive, diagnostics);
  if (!bindings) return diagnostics.to_error();
  Result<std::unique_ptr<LivePast>> past = LivePast::open(place.folder, place.catalogue, *twin, *bindings,
                                                          row_maker_options(*site, *bindings), run.id, diagnostics);
  if (!past) return past.error();
  if (time < (*past)->begin() || time > (*past)->end()) {
    return Error{ErrorCode::kNotFound, "run " + std::to_string(run.id) + " is known from " + instant((*past)->begin()) +
                                           " to " + instant((*past)->end()) + "; " + instant(time) + " is outside"};
  }
  if (Result<void> done = (*past)->seek(time); !done) return done.error();
  RowEvaluator evaluator(*twin, *site, *bindings);
  RowMeasures measures;
  const MadeRow& made = (*past)->row();
  evaluator.evaluate(made.row.time, made.row.values, made.accelerations, measures);
  return answer_of(run, *twin, twin->model.layout, evaluator.snapshot().state);
}

// The state of a simulation at an instant.
Result<HistoryAnswer> show_instant(history::Store& store, const history::RunRow& run, Time time,
                                   const std::string& other_scene, Diagnostics& diagnostics) {
  const Result<RunSetup> setup = parse_setup(run.setup.bytes);
  if (!setup) return setup.error();
  const std::string file = other_scene.empty() ? setup->scene : other_scene;
  warn_of_changed_scene(file, setup->scene_sha256, diagnostics);
  const std::optional<Twin> twin = load_twin(file, diagnostics);
  if (!twin) return diagnostics.to_error();
  Result<TimeMachine> machine = TimeMachine::open(store, run.id, *twin);
  if (!machine) return machine.error();
  const Result<const scene::State*> found = machine->seek(time);
  if (!found) return found.error();
  return answer_of(run, *twin, machine->world().world().model.layout, **found);
}

}  // namespace

Result<HistoryAnswer> list_history(const HistoryPlace& place, Diagnostics& diagnostics) {
  Result<history::Store> store = open(place, diagnostics);
  if (!store) return store.error();
  const auto runs = store->catalogue().runs(store->site().id);
  const auto segments = store->catalogue().segments(store->site().id);
  if (!runs || !segments) return runs ? segments.error() : runs.error();
  std::map<std::int64_t, Kept> kept = kept_by_run(*segments);
  HistoryAnswer out;
  json list = json::array();
  std::uint64_t bytes = 0;
  for (const history::RunRow& run : *runs) {
    out.text += to_line(run, kept[run.id]);
    list.push_back(to_json(run, kept[run.id]));
    bytes += kept[run.id].bytes;
  }
  out.text += store->site().name + ": " + count_of(runs->size(), "run") + ", " + bytes_in_words(bytes) +
              (store->busy() ? "; a recorder is at work" : "") + "\n";
  out.json = dump({{"site", store->site().name}, {"busy", store->busy()}, {"bytes", bytes}, {"runs", list}});
  return out;
}

Result<HistoryAnswer> show_history(const ShowOptions& options, Diagnostics& diagnostics) {
  Result<history::Store> store = open(options.place, diagnostics);
  if (!store) return store.error();
  const Result<history::RunRow> run = run_of(*store, options.run);
  if (!run) return run.error();
  if (options.time) {
    const Time time = Time::from_seconds(*options.time);
    return is_live_setup(run->setup.bytes) ? show_live_instant(options.place, *run, time, options.scene, diagnostics)
                                           : show_instant(*store, *run, time, options.scene, diagnostics);
  }
  const auto segments = store->catalogue().segments(store->site().id, run->id);
  const auto snapshots = store->catalogue().snapshots(run->id);
  if (!segments || !snapshots) return segments ? snapshots.error() : segments.error();
  const Kept kept = kept_by_run(*segments)[run->id];
  HistoryAnswer out;
  json answer = to_json(*run, kept);
  out.text = to_line(*run, kept) + "  " + count_of(kept.messages, "message") + ", " +
             count_of(snapshots->size(), "snapshot") + "\n";
  answer["snapshots"] = snapshots->size();
  answer["segment_files"] = json::array();
  for (const history::SegmentRow& row : *segments) {
    answer["segment_files"].push_back({{"file", row.info.file},
                                       {"begin_s", row.info.begin.seconds()},
                                       {"end_s", row.info.end.seconds()},
                                       {"messages", row.info.messages},
                                       {"bytes", row.info.bytes},
                                       {"pruned", row.pruned}});
    out.text += "  " + row.info.file + "  " + instant(row.info.begin) + " to " + instant(row.info.end) + "  " +
                bytes_in_words(row.info.bytes) + (row.pruned ? "  pruned" : "") + "\n";
  }
  for (const history::EntryKind kind : {history::EntryKind::kEvent, history::EntryKind::kAlarm,
                                        history::EntryKind::kDecision, history::EntryKind::kCommand}) {
    const auto entries = store->catalogue().entries(kind, {.site = store->site().id, .run = run->id});
    if (!entries) return entries.error();
    json& list = answer[to_string(kind)] = json::array();
    for (const history::EntryRow& row : *entries) {
      list.push_back({{"time_s", row.time.seconds()},
                      {"severity", row.severity},
                      {"source", row.source},
                      {"name", row.name},
                      {"text", row.text},
                      {"data", row.data}});
      out.text += "  " + instant(row.time) + "  " + row.source + (row.name.empty() ? "" : ", " + row.name) + ": " +
                  row.text + "\n";
    }
  }
  out.json = dump(answer);
  return out;
}

Result<HistoryAnswer> export_history(const ExportOptions& options, const JobOutput& output, Diagnostics& diagnostics) {
  if (std::error_code code; std::filesystem::exists(options.out, code))
    return Error{ErrorCode::kBadInput, options.out + ": is there already; name another file"};
  Result<history::Store> store = open(options.place, diagnostics);
  if (!store) return store.error();
  const Result<history::RunRow> run = run_of(*store, options.run);
  if (!run) return run.error();
  history::McapQuery query;
  query.topics = options.topics;
  if (options.begin) query.begin = Time::from_seconds(*options.begin);
  if (options.end) query.end = Time::from_seconds(*options.end);
  const Result<std::uint64_t> count = store->export_run(run->id, query, options.out, output.progress, diagnostics);
  if (!count) return count.error();
  HistoryAnswer out;
  out.text = options.out + ": " + count_of(*count, "message") + " of run " + std::to_string(run->id) + "\n";
  out.json = dump({{"file", options.out}, {"run", run->id}, {"messages", *count}});
  out.ok = diagnostics.ok();
  return out;
}

Result<HistoryAnswer> verify_history(const HistoryPlace& place, const std::string& kept_head, const JobOutput& output,
                                     Diagnostics& diagnostics) {
  Result<history::Store> store = open(place, diagnostics);
  if (!store) return store.error();
  const Result<history::AuditCheck> check = store->verify(kept_head, output.progress, diagnostics);
  if (!check) return check.error();
  if (diagnostics.ok()) {  // a row whose CRC is wrong was named already
    if (const Result<void> done = history::verify_journal(*store, diagnostics); !done) return done.error();
  }
  const auto segments = store->catalogue().segments(store->site().id);
  const std::size_t count = segments ? static_cast<std::size_t>(std::count_if(segments->begin(), segments->end(),
                                                                              [](auto& row) { return !row.pruned; }))
                                     : 0;
  HistoryAnswer out;
  out.ok = diagnostics.ok();
  out.text = std::string(out.ok ? "ok  " : "FAIL  ") + count_of(count, "segment") + ", " +
             count_of(check->records, "audit record") +
             (check->head.empty() ? "" : "; head " + check->head + " (keep it elsewhere)") +
             (out.ok ? "" : "; " + count_of(diagnostics.error_count(), "error")) + "\n";
  json findings = json::array();
  for (const Finding& f : diagnostics.findings()) {
    findings.push_back({{"severity", to_string(f.severity)},
                        {"file", f.where.file},
                        {"line", f.where.line},
                        {"path", f.where.path},
                        {"code", f.code},
                        {"message", f.message},
                        {"mend", f.mend}});
  }
  out.json = dump({{"ok", out.ok},
                   {"segments", count},
                   {"audit_records", check->records},
                   {"audit_head", check->head},
                   {"findings", findings}});
  return out;
}

Result<HistoryAnswer> prune_history(const PruneOptions& options, Diagnostics& diagnostics) {
  if (!options.keep_days && !options.keep_bytes && !options.keep_runs)
    return Error{ErrorCode::kBadInput, "say what to keep: --keep-runs, --keep-bytes or --keep-days"};
  if (options.keep_days && !(*options.keep_days >= 0 && *options.keep_days <= 1e5))
    return Error{ErrorCode::kBadInput, "--keep-days must be from 0 to 1e5"};
  Result<history::Store> store = open(options.place, diagnostics);
  if (!store) return store.error();
  history::Retention retention;
  retention.most_bytes = options.keep_bytes, retention.most_runs = options.keep_runs;
  if (options.keep_days) retention.from = unix_now() - Duration::from_seconds(86400 * *options.keep_days);
  const char* user = std::getenv("USER");
  const Result<history::Pruned> done =
      store->prune(retention, options.dry_run, unix_now(), user != nullptr && *user != '\0' ? user : "unknown");
  if (!done) return done.error();
  HistoryAnswer out;
  json files = json::array();
  for (const history::SegmentRow& row : done->segments) {
    files.push_back(row.info.file);
    out.text +=
        "  " + row.info.file + "  run " + std::to_string(row.run) + "  " + bytes_in_words(row.info.bytes) + "\n";
  }
  out.text += std::string(options.dry_run ? "would delete " : "deleted ") + count_of(done->segments.size(), "segment") +
              ", " + bytes_in_words(done->bytes) + "\n";
  out.json = dump({{"dry_run", options.dry_run}, {"files", files}, {"bytes", done->bytes}});
  return out;
}

}  // namespace geoul::runtime
