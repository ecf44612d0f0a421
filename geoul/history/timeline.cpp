#include "geoul/history/timeline.h"

#include <algorithm>

#include "geoul/history/little_endian.h"

namespace geoul::history {
namespace {

constexpr std::size_t kStepBytes = 8, kMostReaders = 16;

bool before_step(std::uint64_t step, const SnapshotRow& row) { return step < static_cast<std::uint64_t>(row.step); }

}  // namespace

Result<TimelineWriter> TimelineWriter::start(Recorder& recorder) {
  TimelineWriter out(recorder);
  for (const auto& [topic, id] : {std::pair{kSnapshotTopic, &out.snapshots_}, {kInputTopic, &out.inputs_}}) {
    const Result<std::uint16_t> added = recorder.add_channel({topic, "geoul", {}, {}, {}, {}});
    if (!added) return added.error();
    *id = *added;
  }
  return out;
}

Result<std::uint64_t> TimelineWriter::write(std::uint16_t channel, std::uint64_t step, Time time,
                                            std::string_view bytes) {
  scratch_.clear();
  put(step, scratch_);
  scratch_.append(bytes);
  return recorder_->write(channel, time, time, scratch_);
}
Result<std::uint64_t> TimelineWriter::snapshot(std::uint64_t step, Time time, std::string_view bytes) {
  return write(snapshots_, step, time, bytes);
}
Result<std::uint64_t> TimelineWriter::input(std::uint64_t step, Time time, std::string_view bytes) {
  return write(inputs_, step, time, bytes);
}

std::vector<SnapshotRow> snapshots_of(const std::filesystem::path& segment, std::int64_t site, std::int64_t run) {
  std::vector<SnapshotRow> out;
  Result<McapReader> reader = McapReader::open(segment);
  if (!reader) return out;
  const bool any = std::any_of(reader->channels().begin(), reader->channels().end(),
                               [](const auto& channel) { return channel.second.topic == kSnapshotTopic; });
  if (!any) return out;
  McapQuery query;
  query.topics = {kSnapshotTopic};
  (void)reader->for_each(query, [&](const McapMessage& message) {  // verify() speaks of damage
    if (message.data.size() >= kStepBytes)
      out.push_back({0, site, run, load<std::int64_t>(message.data.data()), message.log_time});
    return true;
  });
  return out;
}

Result<Timeline> Timeline::open(Store& store, std::int64_t run) {
  const Result<std::optional<RunRow>> row = store.catalogue().run(run);
  if (!row) return row.error();
  if (!*row || (*row)->site != store.site().id)
    return Error{ErrorCode::kNotFound, "there is no run " + std::to_string(run) + "; see 'geoul history ls'"};
  Timeline out(store, **row);
  Result<std::vector<SegmentRow>> segments = store.catalogue().segments(store.site().id, run);
  Result<std::vector<SnapshotRow>> snapshots = store.catalogue().snapshots(run);
  if (!segments || !snapshots) return segments ? snapshots.error() : segments.error();
  std::erase_if(*segments, [](const SegmentRow& segment) { return segment.pruned; });
  if (snapshots->empty()) {
    return Error{ErrorCode::kNotFound,
                 "run " + std::to_string(run) +
                     " has no snapshots: it was recorded without them, is being recorded, or was pruned"};
  }
  out.segments_ = std::move(*segments), out.snapshots_ = std::move(*snapshots);
  out.first_ = out.snapshots_.front(), out.last_ = out.snapshots_.back();
  return out;
}

Result<McapReader*> Timeline::reader(const SegmentRow& segment) {
  auto found = readers_.find(segment.info.file);
  if (found == readers_.end()) {
    if (readers_.size() >= kMostReaders) readers_.erase(readers_.begin());
    Result<McapReader> opened = McapReader::open(store_->path_of(segment));
    if (!opened) return opened.error();
    found = readers_.emplace(segment.info.file, std::move(*opened)).first;
  }
  return &found->second;
}

Result<TimelineSpan> Timeline::span(std::uint64_t step, Time time) {
  const auto after = std::upper_bound(snapshots_.begin(), snapshots_.end(), step, before_step);
  if (after == snapshots_.begin()) {
    return Error{ErrorCode::kNotFound,
                 "run " + std::to_string(run_.id) + " goes back to " + std::to_string(begin().seconds()) + " s only"};
  }
  const SnapshotRow& nearest = *(after - 1);
  return read(nearest, step, std::max(time, nearest.time) + Duration{1});
}

Result<TimelineSpan> Timeline::block(std::size_t snapshot) {
  GEOUL_EXPECTS(snapshot < snapshots_.size());
  const SnapshotRow& here = snapshots_[snapshot];
  if (snapshot + 1 == snapshots_.size()) return read(here, UINT64_MAX, Time{INT64_MAX});
  const SnapshotRow& next = snapshots_[snapshot + 1];
  return read(here, static_cast<std::uint64_t>(next.step), next.time + Duration{1});
}

Time Timeline::newest() const {
  Time out = last_.time;
  for (const SegmentRow& segment : segments_) out = std::max(out, segment.info.end);
  return out;
}

Result<TimelineSpan> Timeline::read(const SnapshotRow& snapshot, std::uint64_t steps, Time end) {
  const auto wanted = static_cast<std::uint64_t>(snapshot.step);
  TimelineSpan out;
  bool found = false;
  McapQuery query;
  query.topics = {kSnapshotTopic, kInputTopic};
  query.begin = snapshot.time, query.end = end;
  for (const SegmentRow& segment : segments_) {
    if (segment.info.end < query.begin || segment.info.begin >= query.end) continue;
    const Result<McapReader*> opened = reader(segment);
    if (!opened) return opened.error();
    const Result<void> read = (*opened)->for_each(query, [&](const McapMessage& message) {
      if (message.data.size() < kStepBytes) return true;
      const auto at = load<std::uint64_t>(message.data.data());
      const bool is_snapshot = message.channel->topic == kSnapshotTopic;
      if (is_snapshot ? at != wanted || found : at < wanted || at >= steps) return true;
      TimelineRecord record{at, message.log_time, std::string(message.data.substr(kStepBytes))};
      is_snapshot ? void(out.snapshot = std::move(record)) : out.inputs.push_back(std::move(record));
      found = found || is_snapshot;
      return true;
    });
    if (!read) return read.error();
    if (!(*opened)->diagnostics().ok()) return (*opened)->diagnostics().to_error();
  }
  if (found) return out;
  return Error{ErrorCode::kBadInput, "the snapshot of step " + std::to_string(wanted) + " of run " +
                                         std::to_string(run_.id) +
                                         " is in none of its segments; run 'geoul history verify'"};
}

}  // namespace geoul::history
