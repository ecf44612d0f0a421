#include "geoul/runtime/live_past.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "geoul/core/sha256.h"
#include "geoul/core/unix_time.h"
#include "geoul/dynamics/dynamics.h"
#include "geoul/dynamics/snapshot.h"

namespace geoul::runtime {
namespace {

constexpr const char* kLive = "live";

Error no_setup(const std::string& why) { return {ErrorCode::kBadInput, "the run cannot be looked at again: " + why}; }

}  // namespace

std::string to_json(const LiveSetup& setup) {
  const nlohmann::json out = {{"kind", kLive},
                              {"site_file", setup.site_file},
                              {"site_text", setup.site_text},
                              {"scene", setup.scene},
                              {"scene_sha256", setup.scene_sha256},
                              {"links", setup.links},
                              {"version", setup.version},
                              {"fingerprint", setup.fingerprint}};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_live_setup(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  return json.is_object() && json.value("kind", nlohmann::json()) == kLive;
}

Result<LiveSetup> parse_live_setup(const std::string& text) {
  if (!is_live_setup(text)) return no_setup("it is of no live site");
  LiveSetup out;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    out.site_file = json.at("site_file"), out.site_text = json.at("site_text"), out.scene = json.at("scene");
    out.scene_sha256 = json.at("scene_sha256"), out.version = json.at("version");
    out.links = json.at("links").get<std::vector<std::string>>();
    out.fingerprint = json.at("fingerprint");
  } catch (const std::exception& e) {
    return no_setup(std::string("its settings are no settings: ") + e.what());
  }
  return out;
}

std::vector<double> start_values(const Twin& twin, const Bindings& bindings) {
  const scene::State state = dynamics::make_state(twin.model);
  std::vector<double> out(bindings.width(), std::numeric_limits<double>::quiet_NaN());
  for (const BoundJoint& joint : bindings.joints) {
    out[static_cast<std::size_t>(joint.position)] = state.q[static_cast<std::size_t>(joint.q)];
    out[static_cast<std::size_t>(joint.velocity)] = 0;
  }
  return out;
}

std::string fingerprint_of(const Twin& twin, const Bindings& bindings, const RowMakerOptions& options) {
  std::string bytes;
  const auto number = [&](auto value) { history::put(static_cast<std::int64_t>(value), bytes); };
  const auto real = [&](double value) { history::put(std::bit_cast<std::uint64_t>(value), bytes); };
  for (const BoundColumn& column : bindings.columns) {
    history::put_text(column.source, bytes), history::put_text(column.column, bytes);
    real(column.unit.factor), real(column.unit.offset);
  }
  for (const DerivedColumn& derived : bindings.derived) number(derived.of);
  for (const BoundJoint& joint : bindings.joints) {
    for (const int value :
         {static_cast<int>(joint.joint.index()), joint.q, joint.v, joint.position, joint.velocity, joint.current,
          joint.reference_position, joint.reference_velocity, joint.reference_acceleration, joint.reference_torque})
      number(value);
  }
  for (const Duration d : options.rows.stale_after) number(d.ns);
  number(options.rows.tolerance.ns), number(options.rows.patience.ns), number(options.period.ns);
  for (const std::vector<std::size_t>& feed : options.feeds) {
    number(feed.size());
    for (const std::size_t column : feed) number(column);
  }
  number(static_cast<std::int64_t>(dynamics::hash_state(dynamics::make_state(twin.model))));
  Sha256 hash;
  hash.add(bytes);
  return hex(hash.finish());
}

Result<std::unique_ptr<LivePast>> LivePast::open(const std::string& folder, const std::string& catalogue,
                                                 const Twin& twin, const Bindings& bindings, RowMakerOptions options,
                                                 std::int64_t only_run, Diagnostics& diagnostics) {
  history::StoreOptions place;
  place.catalogue = catalogue;
  Result<history::Store> store = history::Store::open(folder, place, false, unix_now(), diagnostics);
  if (!store) return store.error();
  std::string fingerprint = fingerprint_of(twin, bindings, options);
  std::unique_ptr<LivePast> out(new LivePast(std::move(*store), bindings, std::move(options),
                                             start_values(twin, bindings), std::move(fingerprint), only_run));
  if (Result<void> done = out->refresh(); !done) return done.error();
  if (only_run != 0 && out->empty()) {
    return Error{ErrorCode::kBadInput,
                 out->others_ > 0
                     ? "run " + std::to_string(only_run) +
                           " was made with other bindings, another scene or another build of geoul; name the scene of "
                           "then, or restore it"
                     : "nothing of run " + std::to_string(only_run) + " is in closed segments; see 'geoul history ls'"};
  }
  return out;
}

Time LivePast::end() const {
  Time out;
  for (const Run& run : runs_) out = std::max(out, run.end);
  return out;
}

Result<void> LivePast::refresh() {
  const auto runs = store_.catalogue().runs(store_.site().id);
  if (!runs) return runs.error();
  const auto segments = store_.catalogue().segments(store_.site().id, only_run_);
  if (!segments) return segments.error();
  std::map<std::int64_t, std::pair<Time, Time>> spans;
  for (const history::SegmentRow& segment : *segments) {
    if (segment.pruned) continue;
    const auto [at, is_new] = spans.try_emplace(segment.run, segment.info.begin, segment.info.end);
    if (is_new) continue;
    at->second.first = std::min(at->second.first, segment.info.begin);
    at->second.second = std::max(at->second.second, segment.info.end);
  }
  const std::int64_t here = placed_ ? runs_[at_].row.id : 0;
  const Time end_here = placed_ ? runs_[at_].end : Time{};
  runs_.clear();
  others_ = 0;
  for (const history::RunRow& row : *runs) {
    if (only_run_ != 0 && row.id != only_run_) continue;
    const Result<LiveSetup> setup = parse_live_setup(row.setup.bytes);
    const auto span = spans.find(row.id);
    if (!setup || setup->fingerprint != fingerprint_) {
      ++others_;
    } else if (span != spans.end()) {
      runs_.push_back({row, span->second.first, span->second.second});
    }
  }
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return std::pair(a.begin, a.row.id) < std::pair(b.begin, b.row.id); });
  const auto again = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.row.id == here; });
  if (!placed_ || again == runs_.end()) {
    placed_ = false;
    line_.reset();
    return {};
  }
  at_ = static_cast<std::size_t>(again - runs_.begin());
  if (again->end != end_here) {  // the run has grown: its time line is read anew, the place in it stays
    Result<history::Timeline> line = history::Timeline::open(store_, here);
    if (!line) return line.error();
    const auto known = std::find_if(line->snapshots().begin(), line->snapshots().end(), [&](const auto& snapshot) {
      return static_cast<std::uint64_t>(snapshot.step) == inputs_.snapshot.step;
    });
    const bool was_last = block_ + 1 == line_->snapshots().size();
    if (known == line->snapshots().end() || was_last) placed_ = false;  // its block may have grown
    block_ = static_cast<std::size_t>(known - line->snapshots().begin());
    line_ = std::move(*line);
  }
  return {};
}

Result<void> LivePast::open_run(std::size_t run) {
  if (line_ && at_ == run && line_->run().id == runs_[run].row.id) return {};
  placed_ = false;
  Result<history::Timeline> line = history::Timeline::open(store_, runs_[run].row.id);
  if (!line) return line.error();
  line_ = std::move(*line);
  at_ = run;
  return {};
}

// restores: from the snapshot; else the maker goes on, and must stand where the snapshot does.
Result<void> LivePast::load(std::size_t snapshot, bool restores) {
  placed_ = false;
  Result<history::TimelineSpan> block = line_->block(snapshot);
  if (!block) return block.error();
  if (restores) {
    if (Result<void> done = maker_.restore(block->snapshot.bytes); !done) return done;
  } else {
    std::string here;
    maker_.save(here);
    if (here != block->snapshot.bytes) {
      return Error{ErrorCode::kInternal, "run " + std::to_string(line_->run().id) + ": the recorded inputs lead to " +
                                             "another state than the snapshot of input " +
                                             std::to_string(block->snapshot.step) + "; this is a defect of geoul"};
    }
  }
  if (maker_.inputs() != block->snapshot.step)
    return Error{ErrorCode::kBadInput, "a snapshot is of another input than it says; run 'geoul history verify'"};
  inputs_ = std::move(*block);
  block_ = snapshot, batch_ = 0;
  reader_ = LiveInputReader();
  placed_ = true;
  return {};
}

// Gives the maker one more input; false at the end of the block.
Result<bool> LivePast::next_input() {
  while (!reader_.next(maker_)) {
    const auto damaged = [&] {
      placed_ = false;
      return Error{ErrorCode::kBadInput, "run " + std::to_string(line_->run().id) + ": inputs after " +
                                             std::to_string(maker_.inputs()) +
                                             " are damaged or missing; run 'geoul history verify'"};
    };
    if (!reader_.ok()) return damaged();
    if (batch_ >= inputs_.inputs.size()) return false;
    const history::TimelineRecord& batch = inputs_.inputs[batch_++];
    if (batch.step != maker_.inputs()) return damaged();
    reader_ = LiveInputReader(batch.bytes);
  }
  return true;
}

// Makes maker_.newest() the row after row_; false where none is known.
Result<bool> LivePast::look_ahead() {
  if (has_next_) return true;
  if (!placed_) return false;
  for (;;) {
    while (!maker_.take()) {
      const Result<bool> more = next_input();
      if (!more) return more.error();
      if (*more) continue;
      if (block_ + 1 < line_->snapshots().size()) {
        if (Result<void> done = load(block_ + 1, false); !done) return done.error();
      } else if (at_ + 1 < runs_.size()) {
        const std::size_t next = at_ + 1;
        if (Result<void> done = open_run(next); !done) return done.error();
        if (Result<void> done = load(0, true); !done) return done.error();
        if (maker_.newest().row.time > row_.row.time) return has_next_ = true;
      } else {
        return false;
      }
    }
    if (maker_.newest().row.time > row_.row.time) return has_next_ = true;  // a run may begin before another one ends
  }
}

Result<void> LivePast::seek(Time t) {
  if (empty()) return Error{ErrorCode::kNotFound, "nothing has been recorded yet"};
  std::size_t run = 0;
  while (run + 1 < runs_.size() && runs_[run + 1].begin <= t) ++run;
  if (Result<void> done = open_run(run); !done) return done;
  const std::vector<history::SnapshotRow>& snapshots = line_->snapshots();
  const auto after = std::upper_bound(snapshots.begin(), snapshots.end(), t,
                                      [](Time at, const history::SnapshotRow& row) { return at < row.time; });
  const auto index = static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after - snapshots.begin()) - 1);
  const bool goes_on = placed_ && block_ == index && row_.row.time <= t;
  if (!goes_on) {
    if (Result<void> done = load(index, true); !done) return done;
    row_ = maker_.newest();
    has_next_ = false;
  }
  for (;;) {
    // Not into the next block: its snapshot is later than t.
    while (!has_next_) {
      if (maker_.take()) {
        has_next_ = true;
        break;
      }
      const Result<bool> more = next_input();
      if (!more) return more.error();
      if (!*more) return {};
    }
    if (maker_.newest().row.time > t) return {};
    row_ = maker_.newest();
    has_next_ = false;
  }
}

Result<bool> LivePast::step() {
  const Result<bool> more = look_ahead();
  if (!more || !*more) return more;
  row_ = maker_.newest();
  has_next_ = false;
  return true;
}

std::optional<Time> LivePast::next_time() {
  const Result<bool> more = look_ahead();
  if (!more || !*more) return std::nullopt;
  return maker_.newest().row.time;
}

Result<std::vector<history::EntryRow>> LivePast::events(std::int64_t most) {
  return store_.catalogue().entries(history::EntryKind::kEvent,
                                    {.site = store_.site().id, .most = most, .newest = true});
}

}  // namespace geoul::runtime
