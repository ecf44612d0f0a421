// The generic part of the time machine: a run as snapshots (opaque bytes) and inputs (the same), each at a step.
// Whoever restores a snapshot, feeds the inputs at their steps and steps on is where the run was. A snapshot of step k
// is what stood after k steps, before any input of step k. An input of step k acts before step k+1 is made. Both are
// messages of the run's segments: topics "geoul/snapshot" and "geoul/input", data: u64 step, bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/history/store.h"

namespace geoul::history {

inline constexpr const char* kSnapshotTopic = "geoul/snapshot";
inline constexpr const char* kInputTopic = "geoul/input";

class TimelineWriter {
 public:
  // The recorder must outlive it.
  static Result<TimelineWriter> start(Recorder& recorder);
  // The sequence of the record: Recorder::wait.
  Result<std::uint64_t> snapshot(std::uint64_t step, Time time, std::string_view bytes);
  Result<std::uint64_t> input(std::uint64_t step, Time time, std::string_view bytes);

 private:
  explicit TimelineWriter(Recorder& recorder) : recorder_(&recorder) {}
  Result<std::uint64_t> write(std::uint16_t channel, std::uint64_t step, Time time, std::string_view bytes);
  Recorder* recorder_;
  std::uint16_t snapshots_ = 0, inputs_ = 0;
  std::string scratch_;
};

struct TimelineRecord {
  std::uint64_t step = 0;
  Time time;
  std::string bytes;
};
// What it takes to be at a step.
struct TimelineSpan {
  TimelineRecord snapshot;             // the newest at or before the step
  std::vector<TimelineRecord> inputs;  // from the snapshot's step on, before the step asked for; in order
};

// Reads a run's closed segments. Not thread-safe.
class Timeline {
 public:
  // kNotFound where there is no such run, or it has no snapshot that was kept.
  static Result<Timeline> open(Store& store, std::int64_t run);
  const RunRow& run() const { return run_; }
  Time begin() const { return first_.time; }  // of the oldest snapshot
  std::uint64_t first_step() const { return static_cast<std::uint64_t>(first_.step); }
  std::uint64_t last_step() const { return static_cast<std::uint64_t>(last_.step); }  // of the newest snapshot
  Time end() const { return last_.time; }
  // kNotFound before the first snapshot; kBadInput where a segment is damaged.
  Result<TimelineSpan> span(std::uint64_t step, Time time);
  // The run in blocks: a snapshot each, and the inputs from it on to the next one, or to the end of what is in
  // segments.
  const std::vector<SnapshotRow>& snapshots() const { return snapshots_; }
  Result<TimelineSpan> block(std::size_t snapshot);
  Time newest() const;  // of the segments' last messages

 private:
  Timeline(Store& store, RunRow run) : store_(&store), run_(std::move(run)) {}
  Result<McapReader*> reader(const SegmentRow& segment);
  // The snapshot, and the inputs of steps from its own to below `steps` whose times are before `end`.
  Result<TimelineSpan> read(const SnapshotRow& snapshot, std::uint64_t steps, Time end);

  Store* store_;
  RunRow run_;
  SnapshotRow first_, last_;
  std::vector<SegmentRow> segments_;
  std::vector<SnapshotRow> snapshots_;
  std::map<std::string, McapReader> readers_;  // by file
};

// The snapshots of a segment, for the catalogue.
std::vector<SnapshotRow> snapshots_of(const std::filesystem::path& segment, std::int64_t site, std::int64_t run);

}  // namespace geoul::history
