// The recorder: messages into segments, each acknowledged when it is on the disk. A folder holds
//   journal-0, journal-1   what is acknowledged and not yet in a segment (journal.h)
//   segments/*.mcap        closed ones, and the one being written (segments.h)
//   lock                   held by the one recorder that writes
// Guarantee: after a crash of the process or of the machine, at any moment, open() finds every acknowledged message, in
// order, with the bytes that were given, and makes whole segments of them; of later ones a beginning, or nothing. What
// a broken disk has taken is named, never made up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/segments.h"

namespace geoul::history {

struct RecorderOptions {
  SegmentOptions segment;
  std::uint64_t journal_bytes = 16u << 20;  // of each file; bounds the time of recovery, and memory
  Labels labels;                            // of what is recorded from now on
};

// write() and wait() may be called from any thread. A commit gathers what was written while the one before it was on
// its way to the disk. A second thread commits, a third one compresses and writes segments.
// Errors are kUnavailable, name the file and what the system said (disk full); after one every call returns it.
class Recorder {
 public:
  // Recovers what an earlier recorder left, then starts anew. Findings: those of read_journal, "recovered" (info: how
  // many records were found in the journal), "segment-lost". Errors: kUnavailable where another recorder has the folder
  // or the disk is full: then nothing is lost and it can be tried again.
  static Result<Recorder> open(const std::filesystem::path& folder, RecorderOptions options, SegmentDone done,
                               Diagnostics& diagnostics);
  Recorder(Recorder&&) noexcept;
  Recorder& operator=(Recorder&&) noexcept;
  ~Recorder();  // closes, and loses an error of that

  // Ids count from 1.
  Result<std::uint16_t> add_channel(const McapChannelInfo& channel);
  // Takes a message and returns its sequence, greater than all before. data at most journal_bytes / 4, else
  // kUnsupported. Waits where the disk is slower than the caller.
  Result<std::uint64_t> write(std::uint16_t channel_id, Time log_time, Time publish_time, std::string_view data);
  // Returns when the record of that sequence, and all before it, are on the disk.
  Result<void> wait(std::uint64_t sequence);
  std::uint64_t acknowledged() const;  // the last sequence on the disk
  // Waits for everything, and closes the open segment.
  Result<void> close();

 private:
  struct Impl;
  explicit Recorder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What open() does first, alone: for who reads a folder. Takes nothing from a folder in which a recorder is at work:
// returns false then.
Result<bool> recover(const std::filesystem::path& folder, const SegmentOptions& options, const SegmentDone& done,
                     Diagnostics& diagnostics);

}  // namespace geoul::history
