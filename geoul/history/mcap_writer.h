// Writes MCAP files that survive a crash: messages are gathered into compressed chunks, each chunk is handed to the
// operating system whole and followed by its index, and schemas and channels precede everything that needs them. A file
// that was never closed can be read up to its last whole chunk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/mcap_records.h"

namespace geoul::history {

struct McapWriterOptions {
  std::string profile{};              // of the file; empty: none
  std::string library = "geoul";      // who wrote it
  std::size_t chunk_bytes = 1 << 20;  // a chunk is written when it has grown to this size, uncompressed
  Duration chunk_age{1'000'000'000};  // or when its messages span this much log time
  int zstd_level = 1;                 // 0: not compressed
};

struct McapChannelInfo {
  std::string topic;
  std::string message_encoding;  // "protobuf"
  std::string schema_name;       // empty: no schema
  std::string schema_encoding;
  std::string schema;
  std::map<std::string, std::string> metadata;
};

// Where a writer is between two chunks: enough to go on with its file after a crash.
struct McapCheckpoint {
  std::uint64_t offset = 0;  // bytes of the file that are whole
  std::uint32_t crc = 0;     // of these
  std::string records;       // schemas, channels, indexes and statistics, as records of MCAP
};

// Not thread-safe. Compresses and writes in the calling thread, at chunk boundaries only (1 MiB: some milliseconds).
// Errors are kUnavailable, name the file and what the system said (disk full, no permission). After an error the file
// has been cut back to its last whole record and closed, and every further call returns that same error.
class McapWriter {
 public:
  // Creates the file, or replaces one of that name.
  static Result<McapWriter> create(const std::filesystem::path& path, McapWriterOptions options = {});
  // Goes on with a file that was written up to the checkpoint: what lies behind it is cut off. kNotFound where there is
  // no such file, kBadInput where it is shorter or the checkpoint is damaged.
  static Result<McapWriter> resume(const std::filesystem::path& path, const McapCheckpoint& checkpoint,
                                   McapWriterOptions options = {});
  McapWriter(McapWriter&&) noexcept;
  McapWriter& operator=(McapWriter&&) noexcept;
  // Closes, and loses an error of that: call close() to hear of it.
  ~McapWriter();

  // Ids count from 1. Channels with the same schema name, encoding and data share a schema. At most 65,535.
  Result<std::uint16_t> add_channel(const McapChannelInfo& info);
  // Appends a message; channel_id is from add_channel, times are not negative (else ContractError), data < 4 GiB.
  Result<void> write(std::uint16_t channel_id, Time log_time, Time publish_time, std::string_view data);
  Result<void> add_metadata(const std::string& name, const std::map<std::string, std::string>& values);
  Result<void> add_attachment(const std::string& name, const std::string& media_type, Time log_time,
                              std::string_view data);
  // Ends the current chunk, if it has messages, and gives it to the operating system.
  Result<void> flush();
  // Waits until what was given to the operating system is on the disk.
  Result<void> sync();
  McapCheckpoint checkpoint() const;  // ContractError unless flush() came last
  // Writes the rest, the index and the statistics. Further calls than close() are a ContractError.
  Result<void> close();

  const StatisticsRecord& statistics() const;
  std::uint32_t crc() const;  // of all that was given to the operating system; after close(), of the file
  std::uint64_t message_count() const;
  std::uint64_t bytes_written() const;

 private:
  struct Impl;
  explicit McapWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::history
