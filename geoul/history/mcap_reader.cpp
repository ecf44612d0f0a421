#include "geoul/history/mcap_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>

namespace geoul::history {
namespace {

constexpr std::uint64_t kFooterBytes = kRecordHeaderBytes + 20;

// Where the messages of a chunk, or a single message outside of chunks, lie.
struct Span {
  std::uint64_t offset = 0, length = 0;  // of the record
  std::uint64_t begin = 0, end = 0;      // log time, both inclusive
};

struct Loaded {
  std::string storage;  // record, or the chunk's records
  struct Entry {
    std::uint64_t time = 0;
    std::string_view content;
  };
  std::vector<Entry> entries;  // by time
};

Time to_time(std::uint64_t ns) { return {static_cast<std::int64_t>(std::min<std::uint64_t>(ns, INT64_MAX))}; }

}  // namespace

struct McapReader::Impl {
  std::string name;
  McapReaderLimits limits;
  int file = -1;
  std::string memory;  // where there is no file
  std::uint64_t size = 0;

  Diagnostics diagnostics;
  std::set<std::pair<std::uint64_t, std::string>> reported;
  bool indexed = false;
  std::uint64_t after_data = 0;  // where the data section ends by the footer; 0: unknown
  HeaderRecord header;
  std::map<std::uint16_t, SchemaRecord> schemas;
  std::map<std::uint16_t, ChannelRecord> channels;
  StatisticsRecord statistics;
  std::vector<Span> spans;
  std::vector<std::uint64_t> metadata;  // offsets
  std::vector<std::pair<std::string, std::uint64_t>> attachments;

  ~Impl() {
    if (file >= 0) ::close(file);
  }

  void report(std::uint64_t offset, const std::string& code, const std::string& what, bool warning = false) {
    if (!reported.emplace(offset, code).second) return;
    const Location where{name, 0, "byte " + std::to_string(offset)};
    if (warning) return diagnostics.warning(where, code, what);
    diagnostics.error(where, code, what);
  }

  // False where the bytes do not exist or cannot be read.
  bool read(std::uint64_t offset, std::uint64_t length, std::string& out) const {
    if (offset > size || length > size - offset) return false;
    if (file < 0) return out.assign(memory, offset, length), true;
    out.resize(length);
    for (std::uint64_t done = 0; done < length;) {
      const ssize_t n = ::pread(file, out.data() + done, length - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      done += static_cast<std::uint64_t>(n);
    }
    return true;
  }

  struct RecordHead {
    std::uint8_t opcode = 0;
    std::uint64_t length = 0;  // of the whole record
  };
  // Nothing where no whole record lies at `offset`.
  std::optional<RecordHead> head(std::uint64_t offset) const {
    std::string bytes;
    if (!read(offset, kRecordHeaderBytes, bytes)) return std::nullopt;
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::uint64_t{static_cast<std::uint8_t>(bytes[1 + i])} << (8 * i);
    if (length > size - offset - kRecordHeaderBytes) return std::nullopt;
    return RecordHead{static_cast<std::uint8_t>(bytes[0]), length + kRecordHeaderBytes};
  }

  // The content of the record at `offset`, if it is whole, of this kind and within the limits.
  std::optional<std::string> content(std::uint64_t offset, Opcode opcode) const {
    const auto found = head(offset);
    if (!found || found->opcode != static_cast<std::uint8_t>(opcode)) return std::nullopt;
    std::string out;
    const std::uint64_t length = found->length - kRecordHeaderBytes;
    if (length > limits.chunk_bytes + 4096 || !read(offset + kRecordHeaderBytes, length, out)) return std::nullopt;
    return out;
  }

  template <class Record>
  void define(std::map<std::uint16_t, Record>& known, std::string_view bytes, std::uint64_t offset, const char* what) {
    const std::optional<Record> record = decode<Record>(bytes);
    if (!record) return report(offset, "bad-record", std::string(what) + " record is damaged");
    if (std::is_same_v<Record, SchemaRecord> && record->id == 0) return;  // to be ignored, says the specification
    const auto [it, added] = known.emplace(record->id, *record);
    if (!added && !(it->second == *record)) {
      report(offset, "redefined",
             std::string(what) + " " + std::to_string(record->id) + " is defined twice, differently");
    }
  }

  // The uncompressed records of a chunk, or nothing and a finding.
  std::optional<std::string> unpack(const ChunkRecord& chunk, std::uint64_t offset) {
    std::string out;
    if (chunk.uncompressed_size > limits.chunk_bytes) {
      report(offset, "large-chunk", "chunk of " + std::to_string(chunk.uncompressed_size) + " bytes is over the limit");
      return std::nullopt;
    }
    if (chunk.compression.empty()) {
      out = chunk.records;
    } else if (chunk.compression == "zstd") {
      const auto stated = ZSTD_getFrameContentSize(chunk.records.data(), chunk.records.size());
      const bool fits = stated == ZSTD_CONTENTSIZE_UNKNOWN || stated == chunk.uncompressed_size;
      out.resize(fits ? chunk.uncompressed_size : 0);
      const std::size_t n =
          fits ? ZSTD_decompress(out.data(), out.size(), chunk.records.data(), chunk.records.size()) : 0;
      if (!fits || ZSTD_isError(n)) return report(offset, "bad-chunk", "chunk cannot be decompressed"), std::nullopt;
      out.resize(n);
    } else {
      const std::string kind = chunk.compression.substr(0, 32);
      return report(offset, "compression", "chunk is compressed by '" + kind + "', which is not read"), std::nullopt;
    }
    if (out.size() != chunk.uncompressed_size) {
      return report(offset, "bad-chunk", "chunk's size differs from what it states"), std::nullopt;
    }
    if (limits.check_crcs && chunk.uncompressed_crc != 0 && crc32(out) != chunk.uncompressed_crc) {
      return report(offset, "bad-crc", "chunk's CRC is wrong: its messages are left out"), std::nullopt;
    }
    return out;
  }

  std::unique_ptr<Loaded> load(const Span& span) {
    const auto found = head(span.offset);
    auto out = std::make_unique<Loaded>();  // never moved: entries view its storage
    if (found && found->opcode == static_cast<std::uint8_t>(Opcode::kMessage)) {
      auto bytes = content(span.offset, Opcode::kMessage);
      if (!bytes) return report(span.offset, "bad-record", "message is damaged"), nullptr;
      out->storage = std::move(*bytes);
      out->entries.push_back({span.begin, out->storage});
      return out;
    }
    const auto bytes = content(span.offset, Opcode::kChunk);
    const auto chunk = bytes ? decode<ChunkRecord>(*bytes) : std::nullopt;
    if (!chunk) return report(span.offset, "bad-chunk", "no chunk where one is expected"), nullptr;
    auto records = unpack(*chunk, span.offset);
    if (!records) return nullptr;
    out->storage = std::move(*records);
    std::string_view rest = out->storage;
    while (!rest.empty()) {
      const auto record = take_record(rest);
      if (!record) {
        report(span.offset, "bad-chunk", "a record inside the chunk is damaged: the rest of it is left out");
        break;
      }
      if (record->opcode == static_cast<std::uint8_t>(Opcode::kSchema)) {
        define(schemas, record->content, span.offset, "schema");
      } else if (record->opcode == static_cast<std::uint8_t>(Opcode::kChannel)) {
        define(channels, record->content, span.offset, "channel");
      } else if (record->opcode == static_cast<std::uint8_t>(Opcode::kMessage)) {
        const auto message = decode<MessageRecord>(record->content);
        if (message) out->entries.push_back({message->log_time, record->content});
        if (!message) report(span.offset, "bad-record", "a message inside the chunk is damaged");
      } else if (record->opcode < 0x80) {
        report(span.offset, "misplaced", "a record of kind " + std::to_string(record->opcode) + " inside a chunk");
      }
    }
    std::stable_sort(out->entries.begin(), out->entries.end(), [](auto& a, auto& b) { return a.time < b.time; });
    return out;
  }

  // Takes everything from the summary section; false, and nothing taken, where it is missing or unsound.
  bool read_summary() {
    std::string tail;
    if (size < 2 * kMcapMagic.size() + kFooterBytes || !read(size - kMcapMagic.size(), kMcapMagic.size(), tail) ||
        tail != kMcapMagic) {
      report(size, "no-footer", "the file was not closed, or its end is missing: recovered by a scan");
      return false;
    }
    const std::uint64_t footer_at = size - kMcapMagic.size() - kFooterBytes;
    const auto bytes = content(footer_at, Opcode::kFooter);
    const auto footer = bytes ? decode<FooterRecord>(*bytes) : std::nullopt;
    if (!footer || bytes->size() != 20) return report(footer_at, "no-footer", "no footer at the file's end"), false;
    after_data = footer->summary_start != 0 ? footer->summary_start : footer_at;
    if (footer->summary_start == 0) return false;
    if (footer->summary_start > footer_at || footer_at - footer->summary_start > limits.loaded_bytes) {
      return report(footer_at, "bad-summary", "the footer's summary start is wrong: recovered by a scan"), false;
    }
    std::string summary;
    if (!read(footer->summary_start, footer_at + kFooterBytes - 4 - footer->summary_start, summary)) return false;
    if (limits.check_crcs && footer->summary_crc != 0 && crc32(summary) != footer->summary_crc) {
      return report(footer->summary_start, "bad-crc", "the summary's CRC is wrong: recovered by a scan"), false;
    }
    summary.resize(footer_at - footer->summary_start);
    return take_summary(summary, footer->summary_start);
  }

  bool take_summary(std::string_view rest, std::uint64_t at) {
    bool has_statistics = false;
    while (!rest.empty()) {
      const auto record = take_record(rest);
      if (!record) return report(at, "bad-summary", "the summary is damaged: recovered by a scan"), clear(), false;
      switch (static_cast<Opcode>(record->opcode)) {
        case Opcode::kSchema: define(schemas, record->content, at, "schema"); break;
        case Opcode::kChannel: define(channels, record->content, at, "channel"); break;
        case Opcode::kStatistics:
          if (const auto found = decode<StatisticsRecord>(record->content)) statistics = *found, has_statistics = true;
          break;
        case Opcode::kChunkIndex:
          if (const auto found = decode<ChunkIndexRecord>(record->content)) {
            spans.push_back(
                {found->chunk_start_offset, found->chunk_length, found->message_start_time, found->message_end_time});
          }
          break;
        case Opcode::kMetadataIndex:
          if (const auto found = decode<MetadataIndexRecord>(record->content)) metadata.push_back(found->offset);
          break;
        case Opcode::kAttachmentIndex:
          if (const auto found = decode<AttachmentIndexRecord>(record->content)) {
            attachments.emplace_back(found->name, found->offset);
          }
          break;
        default: break;
      }
      at += kRecordHeaderBytes + record->content.size();
    }
    std::set<std::uint64_t> offsets;
    for (const Span& span : spans) {
      if (!offsets.insert(span.offset).second) {
        report(span.offset, "bad-index", "the index names a chunk twice: recovered by a scan");
        return clear(), false;
      }
    }
    // Messages outside of chunks have no index; chunks without one cannot be found: then only a scan sees all.
    const bool complete = has_statistics && statistics.chunk_count == spans.size() &&
                          (statistics.message_count == 0 || statistics.chunk_count > 0) &&
                          statistics.metadata_count == metadata.size() &&
                          statistics.attachment_count == attachments.size();
    if (!complete) clear();
    return complete;
  }

  void clear() {
    schemas.clear(), channels.clear(), spans.clear(), metadata.clear(), attachments.clear();
    statistics = {};
  }

  void count(std::uint16_t channel_id, std::uint64_t time) {
    StatisticsRecord& s = statistics;
    s.message_start_time = s.message_count == 0 ? time : std::min(s.message_start_time, time);
    s.message_end_time = std::max(s.message_end_time, time);
    ++s.message_count;
    ++s.channel_message_counts[channel_id];
  }

  // One record of the data section. False at its end.
  bool scan_record(std::uint64_t at, const RecordHead& found) {
    const auto opcode = static_cast<Opcode>(found.opcode);
    if (opcode == Opcode::kDataEnd || opcode == Opcode::kFooter) return false;
    if (opcode == Opcode::kMessageIndex || found.opcode == 0 || found.opcode > 0x0F) return true;
    if (opcode == Opcode::kAttachment) {
      if (const auto bytes = content(at, opcode)) {
        if (const auto record = decode<AttachmentRecord>(*bytes))
          attachments.emplace_back(record->name, at);
        else
          report(at, "bad-crc", "an attachment is damaged");
      }
      return ++statistics.attachment_count, true;
    }
    const auto bytes = content(at, opcode);
    if (!bytes) return report(at, "bad-record", "a record is too large or cannot be read"), true;
    if (opcode == Opcode::kSchema) define(schemas, *bytes, at, "schema");
    if (opcode == Opcode::kChannel) define(channels, *bytes, at, "channel");
    if (opcode == Opcode::kMetadata) metadata.push_back(at), ++statistics.metadata_count;
    if (opcode == Opcode::kMessage) {
      const auto message = decode<MessageRecord>(*bytes);
      if (!message) return report(at, "bad-record", "message is damaged"), true;
      count(message->channel_id, message->log_time);
      spans.push_back({at, found.length, message->log_time, message->log_time});
    }
    if (opcode == Opcode::kChunk) {
      const auto loaded = load({at, found.length, 0, 0});
      ++statistics.chunk_count;
      if (!loaded || loaded->entries.empty()) return true;
      for (const auto& entry : loaded->entries) {
        if (const auto message = decode<MessageRecord>(entry.content)) count(message->channel_id, message->log_time);
      }
      spans.push_back({at, found.length, loaded->entries.front().time, loaded->entries.back().time});
    }
    return true;
  }

  void scan() {
    std::uint64_t at = kMcapMagic.size();
    while (at < size) {
      const auto found = head(at);
      if (!found) {
        report(at, "cut-off", "the file breaks off inside a record; what comes before it is read");
        break;
      }
      if (!scan_record(at, *found)) break;
      at += found->length;
    }
    statistics.schema_count = static_cast<std::uint16_t>(schemas.size());
    statistics.channel_count = static_cast<std::uint32_t>(channels.size());
  }

  Result<void> start() {
    std::string magic;
    if (!read(0, kMcapMagic.size(), magic) || magic != kMcapMagic) {
      return Error{ErrorCode::kBadInput, name + ": not an MCAP file: it does not begin with the MCAP magic bytes"};
    }
    const auto bytes = content(kMcapMagic.size(), Opcode::kHeader);
    if (const auto found = bytes ? decode<HeaderRecord>(*bytes) : std::nullopt)
      header = *found;
    else
      report(kMcapMagic.size(), "no-header", "the file does not begin with a header record");
    indexed = read_summary();
    if (!indexed) scan();
    return {};
  }
};

namespace {

// Messages of overlapping chunks in order of time. A chunk is opened when the merge reaches its first message, and
// closed after its last one.
template <class Source>
class Merge {
 public:
  Merge(Source& source, std::vector<Span> spans) : source_(source), spans_(std::move(spans)) {
    std::stable_sort(spans_.begin(), spans_.end(), [](auto& a, auto& b) { return a.begin < b.begin; });
  }

  // The next message, valid until the next call; none at the end.
  const Loaded::Entry* next() {
    advance();
    while (next_span_ < spans_.size() && (heap_.empty() || spans_[next_span_].begin <= heap_.front().time())) open();
    if (heap_.empty() || too_much_) return nullptr;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    current_ = true;
    return &heap_.back().loaded->entries[heap_.back().next];
  }
  std::uint64_t offset() const { return heap_.back().offset; }
  bool too_much() const { return too_much_; }

 private:
  struct Chunk {
    std::unique_ptr<Loaded> loaded;
    std::uint64_t offset = 0;
    std::size_t next = 0;
    std::uint64_t time() const { return loaded->entries[next].time; }
  };
  static bool later(const Chunk& a, const Chunk& b) {
    return std::pair(a.time(), a.offset) > std::pair(b.time(), b.offset);
  }

  void open() {
    const Span& span = spans_[next_span_++];
    std::unique_ptr<Loaded> loaded = source_.load(span);
    if (!loaded || loaded->entries.empty()) return;
    if (loaded->entries.front().time < span.begin || loaded->entries.back().time > span.end) {
      source_.report(span.offset, "bad-index", "a chunk holds messages of other times than its index says");
    }
    bytes_ += loaded->storage.size();
    too_much_ = too_much_ || bytes_ > source_.limits.loaded_bytes;
    heap_.push_back({std::move(loaded), span.offset, 0});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  // Puts the chunk of the last message back in its place.
  void advance() {
    if (!std::exchange(current_, false)) return;
    Chunk& chunk = heap_.back();
    if (++chunk.next < chunk.loaded->entries.size()) return std::push_heap(heap_.begin(), heap_.end(), later);
    bytes_ -= chunk.loaded->storage.size();
    heap_.pop_back();
  }

  Source& source_;
  std::vector<Span> spans_;
  std::size_t next_span_ = 0;
  std::vector<Chunk> heap_;
  std::uint64_t bytes_ = 0;
  bool current_ = false;  // the heap's last entry is out of the heap, being read
  bool too_much_ = false;
};

}  // namespace

McapReader::McapReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
McapReader::McapReader(McapReader&&) noexcept = default;
McapReader& McapReader::operator=(McapReader&&) noexcept = default;
McapReader::~McapReader() = default;

Result<McapReader> McapReader::open(const std::filesystem::path& path, McapReaderLimits limits) {
  auto impl = std::make_unique<Impl>();
  impl->name = path.string();
  impl->limits = limits;
  impl->file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (impl->file < 0 || ::fstat(impl->file, &status) != 0 || !S_ISREG(status.st_mode)) {
    const std::string why = impl->file < 0 ? std::strerror(errno) : "not a file";
    return Error{ErrorCode::kNotFound, impl->name + ": cannot be opened: " + why};
  }
  impl->size = static_cast<std::uint64_t>(status.st_size);
  if (Result<void> started = impl->start(); !started) return started.error();
  return McapReader(std::move(impl));
}

Result<McapReader> McapReader::from_bytes(std::string bytes, std::string name, McapReaderLimits limits) {
  auto impl = std::make_unique<Impl>();
  impl->name = std::move(name);
  impl->limits = limits;
  impl->memory = std::move(bytes);
  impl->size = impl->memory.size();
  if (Result<void> started = impl->start(); !started) return started.error();
  return McapReader(std::move(impl));
}

const Diagnostics& McapReader::diagnostics() const { return impl_->diagnostics; }
bool McapReader::indexed() const { return impl_->indexed; }
const HeaderRecord& McapReader::header() const { return impl_->header; }
const std::map<std::uint16_t, SchemaRecord>& McapReader::schemas() const { return impl_->schemas; }
const std::map<std::uint16_t, ChannelRecord>& McapReader::channels() const { return impl_->channels; }
const StatisticsRecord& McapReader::statistics() const { return impl_->statistics; }

std::vector<MetadataRecord> McapReader::metadata() {
  std::vector<MetadataRecord> out;
  for (const std::uint64_t at : impl_->metadata) {
    const auto bytes = impl_->content(at, Opcode::kMetadata);
    if (const auto record = bytes ? decode<MetadataRecord>(*bytes) : std::nullopt)
      out.push_back(*record);
    else
      impl_->report(at, "bad-record", "metadata record is damaged");
  }
  return out;
}

Result<std::string> McapReader::attachment(const std::string& name) {
  for (const auto& [known, at] : impl_->attachments) {
    if (known != name) continue;
    const auto bytes = impl_->content(at, Opcode::kAttachment);
    if (const auto record = bytes ? decode<AttachmentRecord>(*bytes) : std::nullopt) return std::string(record->data);
    return Error{ErrorCode::kBadInput, impl_->name + ": attachment '" + name + "' is damaged or too large"};
  }
  return Error{ErrorCode::kNotFound, impl_->name + ": there is no attachment '" + name + "'"};
}

Result<void> McapReader::for_each(const McapQuery& query, const std::function<bool(const McapMessage&)>& visit) {
  Impl& r = *impl_;
  if (query.end.ns <= 0 || query.end <= query.begin) return {};
  const auto begin = static_cast<std::uint64_t>(std::max<std::int64_t>(query.begin.ns, 0));
  const auto last = static_cast<std::uint64_t>(query.end.ns - 1);
  const std::set<std::string> topics(query.topics.begin(), query.topics.end());
  std::vector<Span> spans;
  for (const Span& span : r.spans) {
    if (span.end >= begin && span.begin <= last) spans.push_back(span);
  }
  std::stable_sort(spans.begin(), spans.end(), [](auto& a, auto& b) { return a.begin < b.begin; });

  Merge merge(r, std::move(spans));
  while (const Loaded::Entry* entry = merge.next()) {
    if (entry->time > last) break;
    const auto message = decode<MessageRecord>(entry->content);
    const auto channel = message ? r.channels.find(message->channel_id) : r.channels.end();
    if (channel == r.channels.end()) {
      r.report(merge.offset(), "no-channel", "a message is of a channel that is not defined");
      continue;
    }
    const std::uint16_t schema = channel->second.schema_id;
    if (schema != 0 && !r.schemas.count(schema)) {
      r.report(merge.offset(), "no-schema", "a message is of schema " + std::to_string(schema) + ", not defined");
    }
    if (entry->time >= begin && (topics.empty() || topics.count(channel->second.topic))) {
      if (!visit({&channel->second, message->sequence, to_time(message->log_time), to_time(message->publish_time),
                  message->data})) {
        break;
      }
    }
  }
  if (!merge.too_much()) return {};
  return Error{ErrorCode::kUnsupported,
               r.name + ": more than " + std::to_string(r.limits.loaded_bytes) + " bytes of chunks overlap in time"};
}

bool McapReader::verify() {
  Impl& r = *impl_;
  std::uint64_t at = kMcapMagic.size(), messages = 0;
  std::uint32_t crc = crc32(kMcapMagic), chunks = 0;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> chunk_times;  // first and last, by offset
  std::string bytes;
  for (;;) {
    const auto found = r.head(at);
    if (!found || found->length > r.limits.chunk_bytes + 4096 || !r.read(at, found->length, bytes)) {
      r.report(at, "cut-off", "a record is not whole, or too large");
      return false;
    }
    const std::string_view content = std::string_view(bytes).substr(kRecordHeaderBytes);
    const auto opcode = static_cast<Opcode>(found->opcode);
    if (opcode == Opcode::kDataEnd) {
      const auto end = decode<DataEndRecord>(content);
      const bool sound = end && (!r.limits.check_crcs || end->data_section_crc == 0 || end->data_section_crc == crc);
      if (!sound) r.report(at, "bad-crc", "the data section's CRC is wrong");
      if (at + found->length != r.after_data) r.report(at, "bad-record", "the data section ends elsewhere than stated");
      break;
    }
    crc = crc32(bytes, crc);
    const bool allowed = opcode == Opcode::kHeader ? at == kMcapMagic.size()
                                                   : (opcode >= Opcode::kSchema && opcode <= Opcode::kMessageIndex) ||
                                                         opcode == Opcode::kAttachment || opcode == Opcode::kMetadata ||
                                                         found->opcode >= 0x80;
    if (!allowed)
      r.report(at, "misplaced", "a record of kind " + std::to_string(found->opcode) + " in the data section");
    if (opcode == Opcode::kAttachment && !decode<AttachmentRecord>(content))
      r.report(at, "bad-crc", "an attachment is damaged");
    if (opcode == Opcode::kSchema) r.define(r.schemas, content, at, "schema");
    if (opcode == Opcode::kChannel) r.define(r.channels, content, at, "channel");
    if (opcode == Opcode::kMessage) ++messages;
    if (opcode == Opcode::kChunk) {
      ++chunks;
      auto& times = chunk_times[at] = {UINT64_MAX, 0};
      if (const auto loaded = r.load({at, found->length, 0, 0}); loaded && !loaded->entries.empty()) {
        messages += loaded->entries.size();
        times = {loaded->entries.front().time, loaded->entries.back().time};
      }
    }
    at += found->length;
  }
  if (r.indexed && (messages != r.statistics.message_count || chunks != r.statistics.chunk_count)) {
    r.report(at, "bad-statistics", "the statistics differ from what the file holds");
  }
  for (const Span& span : r.spans) {
    if (!r.indexed) break;
    const auto chunk = chunk_times.find(span.offset);
    if (chunk == chunk_times.end()) {
      r.report(span.offset, "bad-index", "the index names a chunk that is not there");
    } else if (chunk->second.first < span.begin || chunk->second.second > span.end) {
      r.report(span.offset, "bad-index", "a chunk holds messages of other times than its index says");
    }
  }
  for (const auto& [id, channel] : r.channels) {
    if (channel.schema_id != 0 && !r.schemas.count(channel.schema_id)) {
      r.report(at, "no-schema", "channel " + std::to_string(id) + " is of a schema that is not defined");
    }
  }
  return r.diagnostics.ok();
}

}  // namespace geoul::history
