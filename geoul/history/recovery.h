// What a recorder finds when it opens a folder: the journals, put into segments. See recorder.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/history/posix_file.h"
#include "geoul/history/segments.h"

namespace geoul::history {

struct Recovered {
  std::uint64_t next = 1;        // sequence
  std::uint64_t generation = 0;  // greatest of the journals
  std::uint64_t number = 0;      // greatest of the segments
  int free = 0;                  // the journal that can be written over: the other one has the newest checkpoint
  std::vector<McapChannelInfo> channels;
};

std::filesystem::path journal_path(const std::filesystem::path& folder, int which);
std::filesystem::path segments_path(const std::filesystem::path& folder);

// The lock of the folder; kUnavailable where another process has it.
Result<PosixFile> lock_folder(const std::filesystem::path& folder);

// Needs the lock. Can be broken off at any moment and done again.
Result<Recovered> recover_locked(const std::filesystem::path& folder, const SegmentOptions& options,
                                 const SegmentDone& done, Diagnostics& diagnostics);

}  // namespace geoul::history
