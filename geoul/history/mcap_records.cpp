#include "geoul/history/mcap_records.h"

namespace geoul::history {
namespace {

class Writer {
 public:
  // to_come: bytes of the record that are appended by other means afterwards.
  Writer(Opcode opcode, std::string& out, std::uint64_t to_come = 0) : out_(out), to_come_(to_come) {
    out_.push_back(static_cast<char>(opcode));
    length_at_ = out_.size();
    out_.append(8, '\0');
  }
  ~Writer() { patch(length_at_, std::uint64_t{out_.size() - length_at_ - 8} + to_come_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <class Integer>
  void integer(Integer value) {
    char bytes[sizeof(Integer)];
    for (std::size_t i = 0; i < sizeof(Integer); ++i) bytes[i] = static_cast<char>(value >> (8 * i) & 0xff);
    out_.append(bytes, sizeof(Integer));
  }
  void text(std::string_view value) {
    integer(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  void blob(std::string_view value) {
    integer(std::uint64_t{value.size()});
    out_.append(value);
  }
  void bytes(std::string_view value) { out_.append(value); }
  std::string_view written() const { return std::string_view(out_).substr(length_at_ + 8); }

  // A list is preceded by its length in bytes.
  template <class Body>
  void list(Body body) {
    const std::size_t at = out_.size();
    out_.append(4, '\0');
    body();
    patch(at, static_cast<std::uint32_t>(out_.size() - at - 4));
  }
  void map(const std::map<std::string, std::string>& entries) {
    list([&] {
      for (const auto& [key, value] : entries) text(key), text(value);
    });
  }
  void map(const std::map<std::uint16_t, std::uint64_t>& entries) {
    list([&] {
      for (const auto& [key, value] : entries) integer(key), integer(value);
    });
  }

 private:
  template <class Integer>
  void patch(std::size_t at, Integer value) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) out_[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  std::string& out_;
  std::uint64_t to_come_;
  std::size_t length_at_ = 0;
};

// Reads what fits; the first thing that does not fit makes it fail for good.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool more() const { return ok_ && !rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

  template <class Integer>
  void integer(Integer& value) {
    const std::string_view bytes = take(sizeof(Integer));
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    value = static_cast<Integer>(sum);
  }
  std::string_view block() {
    std::uint32_t size = 0;
    integer(size);
    return take(size);
  }
  std::string_view blob() {
    std::uint64_t size = 0;
    integer(size);
    return take(size);
  }
  void text(std::string& value) { value = block(); }
  std::string_view rest() { return take(rest_.size()); }

  void map(std::map<std::string, std::string>& out) {
    Reader entries(block());
    while (entries.more()) {
      std::string key, value;
      entries.text(key), entries.text(value);
      out[key] = std::move(value);
    }
    ok_ = ok_ && entries.ok();
  }
  void map(std::map<std::uint16_t, std::uint64_t>& out) {
    Reader entries(block());
    while (entries.more()) {
      std::uint16_t key = 0;
      std::uint64_t value = 0;
      entries.integer(key), entries.integer(value);
      if (entries.ok()) out[key] = value;
    }
    ok_ = ok_ && entries.ok();
  }

 private:
  std::string_view take(std::uint64_t size) {
    ok_ = ok_ && size <= rest_.size();
    if (!ok_) return {};
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  std::string_view rest_;
  bool ok_ = true;
};

void read(Reader& in, HeaderRecord& r) { in.text(r.profile), in.text(r.library); }
void read(Reader& in, FooterRecord& r) {
  in.integer(r.summary_start), in.integer(r.summary_offset_start), in.integer(r.summary_crc);
}
void read(Reader& in, SchemaRecord& r) { in.integer(r.id), in.text(r.name), in.text(r.encoding), in.text(r.data); }
void read(Reader& in, ChannelRecord& r) {
  in.integer(r.id), in.integer(r.schema_id), in.text(r.topic), in.text(r.message_encoding), in.map(r.metadata);
}
void read(Reader& in, MessageRecord& r) {
  in.integer(r.channel_id), in.integer(r.sequence), in.integer(r.log_time), in.integer(r.publish_time);
  r.data = in.rest();
}
void read(Reader& in, ChunkRecord& r) {
  in.integer(r.message_start_time), in.integer(r.message_end_time), in.integer(r.uncompressed_size);
  in.integer(r.uncompressed_crc), in.text(r.compression);
  r.records = in.blob();
}
void read(Reader& in, MessageIndexRecord& r) {
  in.integer(r.channel_id);
  Reader entries(in.block());
  while (entries.left() >= 16) {
    auto& [time, offset] = r.records.emplace_back();
    entries.integer(time), entries.integer(offset);
  }
}
void read(Reader& in, ChunkIndexRecord& r) {
  in.integer(r.message_start_time), in.integer(r.message_end_time), in.integer(r.chunk_start_offset);
  in.integer(r.chunk_length), in.map(r.message_index_offsets), in.integer(r.message_index_length);
  in.text(r.compression), in.integer(r.compressed_size), in.integer(r.uncompressed_size);
}
void read(Reader& in, AttachmentRecord& r) {
  in.integer(r.log_time), in.integer(r.create_time), in.text(r.name), in.text(r.media_type);
  r.data = in.blob();
  in.integer(r.crc);
}
void read(Reader& in, AttachmentIndexRecord& r) {
  in.integer(r.offset), in.integer(r.length), in.integer(r.log_time), in.integer(r.create_time);
  in.integer(r.data_size), in.text(r.name), in.text(r.media_type);
}
void read(Reader& in, StatisticsRecord& r) {
  in.integer(r.message_count), in.integer(r.schema_count), in.integer(r.channel_count);
  in.integer(r.attachment_count), in.integer(r.metadata_count), in.integer(r.chunk_count);
  in.integer(r.message_start_time), in.integer(r.message_end_time), in.map(r.channel_message_counts);
}
void read(Reader& in, MetadataRecord& r) { in.text(r.name), in.map(r.metadata); }
void read(Reader& in, MetadataIndexRecord& r) { in.integer(r.offset), in.integer(r.length), in.text(r.name); }
void read(Reader& in, SummaryOffsetRecord& r) {
  in.integer(r.group_opcode), in.integer(r.group_start), in.integer(r.group_length);
}
void read(Reader& in, DataEndRecord& r) { in.integer(r.data_section_crc); }

}  // namespace

void encode(const HeaderRecord& r, std::string& out) {
  Writer w(Opcode::kHeader, out);
  w.text(r.profile), w.text(r.library);
}
void encode(const FooterRecord& r, std::string& out) {
  Writer w(Opcode::kFooter, out);
  w.integer(r.summary_start), w.integer(r.summary_offset_start), w.integer(r.summary_crc);
}
void encode(const SchemaRecord& r, std::string& out) {
  Writer w(Opcode::kSchema, out);
  w.integer(r.id), w.text(r.name), w.text(r.encoding), w.text(r.data);
}
void encode(const ChannelRecord& r, std::string& out) {
  Writer w(Opcode::kChannel, out);
  w.integer(r.id), w.integer(r.schema_id), w.text(r.topic), w.text(r.message_encoding), w.map(r.metadata);
}
void encode(const MessageRecord& r, std::string& out) {  // the record of which there are many: in two pieces
  constexpr std::size_t kBefore = kRecordHeaderBytes + 22;
  char head[kBefore];
  std::size_t at = 0;
  const auto put = [&head, &at]<class Integer>(Integer value) {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) head[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
    at += sizeof(Integer);
  };
  put(static_cast<std::uint8_t>(Opcode::kMessage)), put(std::uint64_t{22 + r.data.size()});
  put(r.channel_id), put(r.sequence), put(r.log_time), put(r.publish_time);
  out.append(head, kBefore);
  out.append(r.data);
}
void encode_head(const ChunkRecord& r, std::uint64_t size, std::string& out) {
  Writer w(Opcode::kChunk, out, size);
  w.integer(r.message_start_time), w.integer(r.message_end_time), w.integer(r.uncompressed_size);
  w.integer(r.uncompressed_crc), w.text(r.compression), w.integer(size);
}
void encode(const ChunkRecord& r, std::string& out) {
  encode_head(r, r.records.size(), out);
  out.append(r.records);
}
void encode(const MessageIndexRecord& r, std::string& out) {
  Writer w(Opcode::kMessageIndex, out);
  w.integer(r.channel_id);
  w.list([&] {
    out.reserve(out.size() + 16 * r.records.size());
    for (const auto& [time, offset] : r.records) w.integer(time), w.integer(offset);
  });
}
void encode(const ChunkIndexRecord& r, std::string& out) {
  Writer w(Opcode::kChunkIndex, out);
  w.integer(r.message_start_time), w.integer(r.message_end_time), w.integer(r.chunk_start_offset);
  w.integer(r.chunk_length), w.map(r.message_index_offsets), w.integer(r.message_index_length);
  w.text(r.compression), w.integer(r.compressed_size), w.integer(r.uncompressed_size);
}
void encode(const AttachmentRecord& r, std::string& out) {
  Writer w(Opcode::kAttachment, out);
  w.integer(r.log_time), w.integer(r.create_time), w.text(r.name), w.text(r.media_type), w.blob(r.data);
  w.integer(crc32(w.written()));
}
void encode(const AttachmentIndexRecord& r, std::string& out) {
  Writer w(Opcode::kAttachmentIndex, out);
  w.integer(r.offset), w.integer(r.length), w.integer(r.log_time), w.integer(r.create_time), w.integer(r.data_size);
  w.text(r.name), w.text(r.media_type);
}
void encode(const StatisticsRecord& r, std::string& out) {
  Writer w(Opcode::kStatistics, out);
  w.integer(r.message_count), w.integer(r.schema_count), w.integer(r.channel_count), w.integer(r.attachment_count);
  w.integer(r.metadata_count), w.integer(r.chunk_count), w.integer(r.message_start_time);
  w.integer(r.message_end_time), w.map(r.channel_message_counts);
}
void encode(const MetadataRecord& r, std::string& out) {
  Writer w(Opcode::kMetadata, out);
  w.text(r.name), w.map(r.metadata);
}
void encode(const MetadataIndexRecord& r, std::string& out) {
  Writer w(Opcode::kMetadataIndex, out);
  w.integer(r.offset), w.integer(r.length), w.text(r.name);
}
void encode(const SummaryOffsetRecord& r, std::string& out) {
  Writer w(Opcode::kSummaryOffset, out);
  w.integer(r.group_opcode), w.integer(r.group_start), w.integer(r.group_length);
}
void encode(const DataEndRecord& r, std::string& out) {
  Writer w(Opcode::kDataEnd, out);
  w.integer(r.data_section_crc);
}

template <class Record>
std::optional<Record> decode(std::string_view content) {
  Reader in(content);
  Record record;
  read(in, record);
  if (!in.ok()) return std::nullopt;
  if constexpr (std::is_same_v<Record, AttachmentRecord>) {
    const std::size_t covered = content.size() - in.left() - 4;
    if (record.crc != 0 && crc32(content.substr(0, covered)) != record.crc) return std::nullopt;
  }
  return record;
}

template std::optional<HeaderRecord> decode(std::string_view);
template std::optional<FooterRecord> decode(std::string_view);
template std::optional<SchemaRecord> decode(std::string_view);
template std::optional<ChannelRecord> decode(std::string_view);
template std::optional<MessageRecord> decode(std::string_view);
template std::optional<ChunkRecord> decode(std::string_view);
template std::optional<MessageIndexRecord> decode(std::string_view);
template std::optional<ChunkIndexRecord> decode(std::string_view);
template std::optional<AttachmentRecord> decode(std::string_view);
template std::optional<AttachmentIndexRecord> decode(std::string_view);
template std::optional<StatisticsRecord> decode(std::string_view);
template std::optional<MetadataRecord> decode(std::string_view);
template std::optional<MetadataIndexRecord> decode(std::string_view);
template std::optional<SummaryOffsetRecord> decode(std::string_view);
template std::optional<DataEndRecord> decode(std::string_view);

std::optional<RawRecord> take_record(std::string_view& bytes) {
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  Reader in(bytes);
  RawRecord record;
  in.integer(record.opcode);
  record.content = in.blob();
  if (!in.ok()) return std::nullopt;
  bytes.remove_prefix(kRecordHeaderBytes + record.content.size());
  return record;
}

}  // namespace geoul::history
