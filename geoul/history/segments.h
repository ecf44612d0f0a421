// Segments: a recording as a row of MCAP files of bounded size. Their names sort by time, then in the order in which
// they were written: 0000001700000000000000000-000042.mcap (nanoseconds of the first message, number).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/mcap_writer.h"

namespace geoul::history {

using Labels = std::map<std::string, std::string>;  // of a recording: "run", "site"

// A segment that is closed and on the disk.
struct SegmentInfo {
  std::string file;  // name without folder
  std::uint64_t number = 0;
  Labels labels;
  Time begin, end;  // log times of the first and the last message
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;  // of the whole file
};

struct SegmentOptions {
  std::uint64_t bytes = 256u << 20;  // a segment is closed when its file has reached this size
  Duration span{0};                  // or when its messages span this much log time; 0: no bound
  McapWriterOptions mcap;
};

// Where the writer of segments is, at a moment at which everything up to it is on the disk.
struct SegmentCheckpoint {
  std::uint64_t sequence = 0;  // of the last record that stands in segments
  std::uint64_t number = 0;    // of the newest segment
  Time newest;                 // by which it was named
  std::string file;            // of the open segment; empty: none
  Labels labels;
  std::vector<McapChannelInfo> channels;
  McapCheckpoint mcap;  // of the open segment
};
std::string encode(const SegmentCheckpoint& checkpoint);
std::optional<SegmentCheckpoint> decode_checkpoint(std::string_view bytes);
std::string encode(const McapChannelInfo& channel);
std::optional<McapChannelInfo> decode_channel(std::string_view bytes);

// Called when a segment is closed and on the disk; an error of it ends the recording.
using SegmentDone = std::function<Result<void>(const SegmentInfo&)>;

// Writes segments; not thread-safe. After an error every call returns it.
class SegmentWriter {
 public:
  SegmentWriter(std::filesystem::path folder, SegmentOptions options, Labels labels, SegmentDone done);

  // Goes on where a checkpoint says.
  Result<void> resume(const SegmentCheckpoint& checkpoint);
  // Numbers of new segments are greater.
  void start_after(std::uint64_t number) { number_ = std::max(number_, number); }
  Result<void> add_channel(const McapChannelInfo& channel);
  // sequence: of the record in the journal, greater than all before.
  Result<void> write(std::uint64_t sequence, std::uint16_t channel_id, Time log_time, Time publish_time,
                     std::string_view data);
  // Everything so far on the disk; sequence: of the last record that was given.
  Result<SegmentCheckpoint> checkpoint(std::uint64_t sequence);
  Result<void> close_segment();  // if one is open
  const std::vector<McapChannelInfo>& channels() const { return channels_; }

 private:
  Result<void> open_segment(Time first);

  std::filesystem::path folder_;
  SegmentOptions options_;
  Labels labels_;
  SegmentDone done_;
  std::vector<McapChannelInfo> channels_;
  std::optional<McapWriter> writer_;
  std::string file_;
  std::uint64_t number_ = 0, sequence_ = 0;
  Time newest_{0};
};

// What a closed segment says of itself; none where it is not whole. The CRC is that of the bytes as they are.
std::optional<SegmentInfo> read_segment_info(const std::filesystem::path& path);
// The sequence of the last message of a segment, if it was closed.
std::optional<std::uint64_t> last_sequence(const std::filesystem::path& path);

// The number in a segment's name; none where it is no such name.
std::optional<std::uint64_t> segment_number(const std::string& file);

// Reads the whole segment and checks its size, its CRC, and all that McapReader::verify checks. `expected`: what the
// catalogue knows; null: nothing. Findings: "missing", "size", "bad-crc", and those of the reader.
bool verify_segment(const std::filesystem::path& path, const SegmentInfo* expected, Diagnostics& diagnostics);

}  // namespace geoul::history
