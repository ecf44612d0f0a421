// The records of an MCAP file (mcap.dev, specification, version 0), as plain structs, with their encoding and decoding.
// Integers are little-endian. Decoders accept any bytes: they return nothing where a field does not fit, and ignore
// bytes after the last known field, as the specification asks. Times are nanoseconds since the recorder's epoch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "geoul/core/crc32.h"

namespace geoul::history {

inline constexpr std::string_view kMcapMagic{"\x89MCAP0\r\n", 8};

enum class Opcode : std::uint8_t {
  kHeader = 0x01,
  kFooter = 0x02,
  kSchema = 0x03,
  kChannel = 0x04,
  kMessage = 0x05,
  kChunk = 0x06,
  kMessageIndex = 0x07,
  kChunkIndex = 0x08,
  kAttachment = 0x09,
  kAttachmentIndex = 0x0A,
  kStatistics = 0x0B,
  kMetadata = 0x0C,
  kMetadataIndex = 0x0D,
  kSummaryOffset = 0x0E,
  kDataEnd = 0x0F,
};

inline constexpr std::size_t kRecordHeaderBytes = 9;  // opcode, length

struct HeaderRecord {
  std::string profile, library;
};
struct FooterRecord {
  std::uint64_t summary_start = 0, summary_offset_start = 0;
  std::uint32_t summary_crc = 0;  // 0: not given, as for every CRC below
};
struct SchemaRecord {
  std::uint16_t id = 0;
  std::string name, encoding, data;
  bool operator==(const SchemaRecord&) const = default;
};
struct ChannelRecord {
  std::uint16_t id = 0, schema_id = 0;  // schema 0: none
  std::string topic, message_encoding;
  std::map<std::string, std::string> metadata;
  bool operator==(const ChannelRecord&) const = default;
};
struct MessageRecord {
  std::uint16_t channel_id = 0;
  std::uint32_t sequence = 0;
  std::uint64_t log_time = 0, publish_time = 0;
  std::string_view data;  // into the bytes that were decoded
};
struct ChunkRecord {
  std::uint64_t message_start_time = 0, message_end_time = 0;
  std::uint64_t uncompressed_size = 0;
  std::uint32_t uncompressed_crc = 0;
  std::string compression;   // "", "zstd", "lz4"
  std::string_view records;  // compressed; into the bytes that were decoded
};
struct MessageIndexRecord {
  std::uint16_t channel_id = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> records;  // log time, offset in the uncompressed chunk
};
struct ChunkIndexRecord {
  std::uint64_t message_start_time = 0, message_end_time = 0;
  std::uint64_t chunk_start_offset = 0, chunk_length = 0;  // of the whole record
  std::map<std::uint16_t, std::uint64_t> message_index_offsets;
  std::uint64_t message_index_length = 0;
  std::string compression;
  std::uint64_t compressed_size = 0, uncompressed_size = 0;
};
struct AttachmentRecord {
  std::uint64_t log_time = 0, create_time = 0;
  std::string name, media_type;
  std::string_view data;
  std::uint32_t crc = 0;  // encoding computes it
};
struct AttachmentIndexRecord {
  std::uint64_t offset = 0, length = 0, log_time = 0, create_time = 0, data_size = 0;
  std::string name, media_type;
};
struct StatisticsRecord {
  std::uint64_t message_count = 0;
  std::uint16_t schema_count = 0;
  std::uint32_t channel_count = 0, attachment_count = 0, metadata_count = 0, chunk_count = 0;
  std::uint64_t message_start_time = 0, message_end_time = 0;
  std::map<std::uint16_t, std::uint64_t> channel_message_counts;
};
struct MetadataRecord {
  std::string name;
  std::map<std::string, std::string> metadata;
};
struct MetadataIndexRecord {
  std::uint64_t offset = 0, length = 0;
  std::string name;
};
struct SummaryOffsetRecord {
  std::uint8_t group_opcode = 0;
  std::uint64_t group_start = 0, group_length = 0;
};
struct DataEndRecord {
  std::uint32_t data_section_crc = 0;
};

// Appends the whole record, opcode and length included.
void encode(const HeaderRecord& record, std::string& out);
void encode(const FooterRecord& record, std::string& out);
void encode(const SchemaRecord& record, std::string& out);
void encode(const ChannelRecord& record, std::string& out);
void encode(const MessageRecord& record, std::string& out);
void encode(const ChunkRecord& record, std::string& out);
// The same without the records themselves: `size` bytes of them must follow.
void encode_head(const ChunkRecord& record, std::uint64_t size, std::string& out);
void encode(const MessageIndexRecord& record, std::string& out);
void encode(const ChunkIndexRecord& record, std::string& out);
void encode(const AttachmentRecord& record, std::string& out);
void encode(const AttachmentIndexRecord& record, std::string& out);
void encode(const StatisticsRecord& record, std::string& out);
void encode(const MetadataRecord& record, std::string& out);
void encode(const MetadataIndexRecord& record, std::string& out);
void encode(const SummaryOffsetRecord& record, std::string& out);
void encode(const DataEndRecord& record, std::string& out);

// Decodes the content of a record (without opcode and length): decode<SchemaRecord>(bytes). Instantiated for every
// struct above. An attachment whose CRC is wrong decodes to nothing.
template <class Record>
std::optional<Record> decode(std::string_view content);

// One record of a sequence.
struct RawRecord {
  std::uint8_t opcode = 0;
  std::string_view content;
};
// Takes the record at the front of `bytes`, which then begins after it; nothing where it is not whole.
std::optional<RawRecord> take_record(std::string_view& bytes);

}  // namespace geoul::history
