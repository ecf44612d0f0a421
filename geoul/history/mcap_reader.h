// Reads MCAP files: through their index where they have a sound one, else by a scan that recovers every whole chunk of
// a file that was cut off or damaged. What is wrong is collected as diagnostics; no input makes it crash or take more
// memory than its limits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/core/result.h"
#include "geoul/core/time.h"
#include "geoul/history/mcap_records.h"

namespace geoul::history {

struct McapReaderLimits {
  std::uint64_t chunk_bytes = 256u << 20;  // of one chunk or top-level record, uncompressed
  std::uint64_t loaded_bytes = 1u << 30;   // of chunks that overlap in time and are open together
  bool check_crcs = true;                  // false, for fuzz targets: wrong CRCs of chunks and sections pass
};

struct McapMessage {
  const ChannelRecord* channel = nullptr;
  std::uint32_t sequence = 0;
  Time log_time;
  Time publish_time;
  std::string_view data;  // valid during the call
};

struct McapQuery {
  std::vector<std::string> topics;  // empty: all
  Time begin{0};
  Time end{INT64_MAX};  // exclusive
};

// Not thread-safe.
class McapReader {
 public:
  // kNotFound where the file cannot be opened, kBadInput where it does not begin as MCAP. All other findings, damage
  // included, are in diagnostics(); "no-footer" says that the file was never closed.
  static Result<McapReader> open(const std::filesystem::path& path, McapReaderLimits limits = {});
  // The same for bytes in memory; `name` stands for the file in findings.
  static Result<McapReader> from_bytes(std::string bytes, std::string name, McapReaderLimits limits = {});
  McapReader(McapReader&&) noexcept;
  McapReader& operator=(McapReader&&) noexcept;
  ~McapReader();

  const Diagnostics& diagnostics() const;
  bool indexed() const;  // read through the index of the file, not by a scan
  const HeaderRecord& header() const;
  const std::map<std::uint16_t, SchemaRecord>& schemas() const;
  const std::map<std::uint16_t, ChannelRecord>& channels() const;
  const StatisticsRecord& statistics() const;  // the file's own, or what the scan counted
  std::vector<MetadataRecord> metadata();
  // The bytes of the attachment of that name; kNotFound, or kBadInput where it is damaged.
  Result<std::string> attachment(const std::string& name);

  // Calls `visit` with the messages of the query in order of log time, those of equal time in file order, until it
  // returns false. Damaged chunks are left out and reported once in diagnostics(). kUnsupported where more chunks
  // overlap in time than the limits allow.
  Result<void> for_each(const McapQuery& query, const std::function<bool(const McapMessage&)>& visit);

  // Reads every byte and checks every CRC, the order of records, and the index against the data. Findings are added to
  // the diagnostics; true where there are none of kind error and the file is complete.
  bool verify();

 private:
  struct Impl;
  explicit McapReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace geoul::history
