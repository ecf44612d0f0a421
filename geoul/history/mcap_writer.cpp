#include "geoul/history/mcap_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace geoul::history {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

}  // namespace

struct McapWriter::Impl {
  std::filesystem::path path;
  McapWriterOptions options;
  int file = -1;
  bool closed = false;
  std::optional<Error> error;
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;  // of everything so far
  std::string scratch, compressed;

  std::vector<SchemaRecord> schemas;
  std::vector<ChannelRecord> channels;
  std::vector<std::uint32_t> sequences;  // one a channel
  std::vector<std::uint64_t*> counts;    // the same, into the statistics; null before its first message
  std::vector<ChunkIndexRecord> chunks;
  std::vector<AttachmentIndexRecord> attachments;
  std::vector<MetadataIndexRecord> metadata;
  StatisticsRecord statistics;

  std::string chunk;  // records of the current chunk
  std::uint64_t chunk_start = 0, chunk_end = 0;
  std::vector<MessageIndexRecord> index;  // of the current chunk; one a channel, empty where it has no message there
  std::size_t chunk_messages = 0;
  std::unique_ptr<ZSTD_CCtx, FreeContext> zstd{ZSTD_createCCtx()};

  ~Impl() {
    if (file >= 0) ::close(file);
  }

  // Makes room for a channel that has had so many messages.
  void know(std::uint16_t channel_id, std::uint64_t messages) {
    sequences.push_back(static_cast<std::uint32_t>(messages));
    counts.push_back(nullptr);
    index.push_back({channel_id, {}});
  }

  Error fail(const std::string& what) {
    error = Error{ErrorCode::kUnavailable, path.string() + ": " + what};
    if (file >= 0) {
      // Best effort: the error is reported already, and a partial last record is no harm to a reader.
      if (::ftruncate(file, static_cast<off_t>(offset)) != 0)
        error->message += " (a partial record is left at its end)";
      ::close(std::exchange(file, -1));
    }
    return *error;
  }

  // All of the pieces, or an error and the file cut back.
  Result<void> append(std::initializer_list<std::string_view> pieces) {
    iovec rest[3];
    GEOUL_EXPECTS(pieces.size() <= std::size(rest));
    int count = 0;
    std::uint64_t size = 0;
    for (const std::string_view piece : pieces) {
      if (!piece.empty()) rest[count++] = {const_cast<char*>(piece.data()), piece.size()};
      size += piece.size();
    }
    for (iovec* next = rest; count > 0;) {
      const ssize_t n = ::writev(file, next, count);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return fail(std::string("cannot write: ") + std::strerror(n < 0 ? errno : ENOSPC));
      std::size_t done = static_cast<std::size_t>(n);
      for (; count > 0 && done >= next->iov_len; ++next, --count) done -= next->iov_len;
      if (count > 0) *next = {static_cast<char*>(next->iov_base) + done, next->iov_len - done};
    }
    for (const std::string_view piece : pieces) crc = crc32(piece, crc);
    offset += size;
    return {};
  }
  Result<void> append(std::string_view bytes) { return append({bytes}); }

  template <class Record>
  Result<void> append_record(const Record& record) {
    scratch.clear();
    encode(record, scratch);
    return append(scratch);
  }

  Result<void> flush_chunk() {
    if (chunk_messages == 0) return {};
    ChunkRecord record;
    record.message_start_time = chunk_start;
    record.message_end_time = chunk_end;
    record.uncompressed_size = chunk.size();
    record.uncompressed_crc = crc32(chunk);
    std::string_view content = chunk;
    if (options.zstd_level != 0) {
      if (const std::size_t most = ZSTD_compressBound(chunk.size()); compressed.size() < most) compressed.resize(most);
      const std::size_t size = ZSTD_compressCCtx(zstd.get(), compressed.data(), compressed.size(), chunk.data(),
                                                 chunk.size(), options.zstd_level);
      if (ZSTD_isError(size)) return fail(std::string("cannot compress: ") + ZSTD_getErrorName(size));
      record.compression = "zstd";
      content = std::string_view(compressed).substr(0, size);
    }

    ChunkIndexRecord entry;
    entry.message_start_time = chunk_start;
    entry.message_end_time = chunk_end;
    entry.chunk_start_offset = offset;
    entry.compression = record.compression;
    entry.compressed_size = content.size();
    entry.uncompressed_size = chunk.size();
    std::string head;
    encode_head(record, content.size(), head);
    entry.chunk_length = head.size() + content.size();
    scratch.clear();
    for (MessageIndexRecord& messages : index) {
      if (messages.records.empty()) continue;
      const auto earlier = [](const auto& a, const auto& b) { return a.first < b.first; };
      if (!std::is_sorted(messages.records.begin(), messages.records.end(), earlier))
        std::stable_sort(messages.records.begin(), messages.records.end(), earlier);
      entry.message_index_offsets[messages.channel_id] = offset + entry.chunk_length + scratch.size();
      encode(messages, scratch);
      messages.records.clear();
    }
    entry.message_index_length = scratch.size();
    chunk_messages = 0;
    const Result<void> done = append({head, content, scratch});  // chunk and index in one go
    chunk.clear();
    if (!done) return done;
    chunks.push_back(std::move(entry));
    ++statistics.chunk_count;
    return {};
  }

  // What a checkpoint says; false where it is no such thing.
  bool take(std::string_view rest) {
    while (!rest.empty()) {
      const auto record = take_record(rest);
      if (!record) return false;
      const auto into = [&record]<class Record>(std::vector<Record>& list) {
        auto decoded = decode<Record>(record->content);
        if (decoded) list.push_back(std::move(*decoded));
        return decoded.has_value();
      };
      bool good = false;
      switch (static_cast<Opcode>(record->opcode)) {
        case Opcode::kSchema: good = into(schemas); break;
        case Opcode::kChannel: good = into(channels) && channels.back().id == channels.size(); break;
        case Opcode::kChunkIndex: good = into(chunks); break;
        case Opcode::kAttachmentIndex: good = into(attachments); break;
        case Opcode::kMetadataIndex: good = into(metadata); break;
        case Opcode::kStatistics:
          if (const auto decoded = decode<StatisticsRecord>(record->content)) statistics = *decoded, good = true;
          break;
        default: break;
      }
      if (!good) return false;
    }
    for (const ChannelRecord& channel : channels) {
      const auto count = statistics.channel_message_counts.find(channel.id);
      know(channel.id, count == statistics.channel_message_counts.end() ? 0 : count->second);
    }
    return true;
  }

  template <class Record>
  void append_group(const std::vector<Record>& records, Opcode opcode, std::uint64_t start, std::string& summary,
                    std::string& offsets) {
    if (records.empty()) return;
    const std::size_t before = summary.size();
    for (const Record& record : records) encode(record, summary);
    encode(SummaryOffsetRecord{static_cast<std::uint8_t>(opcode), start + before, summary.size() - before}, offsets);
  }

  Result<void> write_summary() {
    if (Result<void> done = append_record(DataEndRecord{crc}); !done) return done;
    const std::uint64_t start = offset;
    statistics.schema_count = static_cast<std::uint16_t>(schemas.size());
    statistics.channel_count = static_cast<std::uint32_t>(channels.size());
    std::string summary, offsets;
    append_group(schemas, Opcode::kSchema, start, summary, offsets);
    append_group(channels, Opcode::kChannel, start, summary, offsets);
    append_group(std::vector{statistics}, Opcode::kStatistics, start, summary, offsets);
    append_group(chunks, Opcode::kChunkIndex, start, summary, offsets);
    append_group(attachments, Opcode::kAttachmentIndex, start, summary, offsets);
    append_group(metadata, Opcode::kMetadataIndex, start, summary, offsets);
    FooterRecord footer{start, start + summary.size(), 0};
    summary += offsets;
    encode(footer, summary);
    footer.summary_crc = crc32(std::string_view(summary).substr(0, summary.size() - 4));
    summary.resize(summary.size() - kRecordHeaderBytes - 20);
    encode(footer, summary);
    summary += kMcapMagic;
    return append(summary);
  }
};

McapWriter::McapWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
McapWriter::McapWriter(McapWriter&&) noexcept = default;

McapWriter& McapWriter::operator=(McapWriter&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

McapWriter::~McapWriter() {
  if (impl_) (void)close();
}

Result<McapWriter> McapWriter::create(const std::filesystem::path& path, McapWriterOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->options = std::move(options);
  impl->file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (impl->file < 0) return impl->fail(std::string("cannot create the file: ") + std::strerror(errno));
  std::string begin(kMcapMagic);
  encode(HeaderRecord{impl->options.profile, impl->options.library}, begin);
  if (Result<void> done = impl->append(begin); !done) return done.error();
  return McapWriter(std::move(impl));
}

Result<std::uint16_t> McapWriter::add_channel(const McapChannelInfo& info) {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  GEOUL_EXPECTS(!w.closed && w.channels.size() < 0xffff);
  ChannelRecord channel;
  channel.id = static_cast<std::uint16_t>(w.channels.size() + 1);
  channel.topic = info.topic;
  channel.message_encoding = info.message_encoding;
  channel.metadata = info.metadata;
  std::string records;
  if (!info.schema_name.empty()) {
    const auto same = [&info](const SchemaRecord& schema) {
      return schema.name == info.schema_name && schema.encoding == info.schema_encoding && schema.data == info.schema;
    };
    auto it = std::find_if(w.schemas.begin(), w.schemas.end(), same);
    if (it == w.schemas.end()) {
      const auto id = static_cast<std::uint16_t>(w.schemas.size() + 1);
      it = w.schemas.insert(it, {id, info.schema_name, info.schema_encoding, info.schema});
      encode(*it, records);
    }
    channel.schema_id = it->id;
  }
  encode(channel, records);
  // Outside of any chunk, so that a damaged chunk cannot take the meaning of later ones with it.
  if (Result<void> done = w.append(records); !done) return done.error();
  w.channels.push_back(channel);
  w.know(channel.id, 0);
  return channel.id;
}

Result<void> McapWriter::write(std::uint16_t channel_id, Time log_time, Time publish_time, std::string_view data) {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  GEOUL_EXPECTS(!w.closed && channel_id >= 1 && channel_id <= w.channels.size());
  GEOUL_EXPECTS(log_time.ns >= 0 && publish_time.ns >= 0 && data.size() < 0xffffffffu);
  const auto time = static_cast<std::uint64_t>(log_time.ns);
  if (w.chunk_messages > 0) {
    const auto age = static_cast<std::uint64_t>(w.options.chunk_age.ns);
    const bool old = std::max(w.chunk_end, time) - std::min(w.chunk_start, time) >= age;
    if (old || w.chunk.size() >= w.options.chunk_bytes) {
      if (Result<void> done = w.flush_chunk(); !done) return done;
    }
  }
  const bool first = w.chunk_messages++ == 0;
  w.chunk_start = first ? time : std::min(w.chunk_start, time);
  w.chunk_end = first ? time : std::max(w.chunk_end, time);
  w.index[channel_id - 1u].records.emplace_back(time, w.chunk.size());
  encode(
      MessageRecord{channel_id, w.sequences[channel_id - 1]++, time, static_cast<std::uint64_t>(publish_time.ns), data},
      w.chunk);

  StatisticsRecord& s = w.statistics;
  s.message_start_time = s.message_count == 0 ? time : std::min(s.message_start_time, time);
  s.message_end_time = std::max(s.message_end_time, time);
  ++s.message_count;
  if (w.counts[channel_id - 1u] == nullptr) w.counts[channel_id - 1u] = &s.channel_message_counts[channel_id];
  ++*w.counts[channel_id - 1u];
  return {};
}

Result<void> McapWriter::add_metadata(const std::string& name, const std::map<std::string, std::string>& values) {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  GEOUL_EXPECTS(!w.closed);
  const std::uint64_t at = w.offset;
  if (Result<void> done = w.append_record(MetadataRecord{name, values}); !done) return done;
  w.metadata.push_back({at, w.offset - at, name});
  ++w.statistics.metadata_count;
  return {};
}

Result<void> McapWriter::add_attachment(const std::string& name, const std::string& media_type, Time log_time,
                                        std::string_view data) {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  GEOUL_EXPECTS(!w.closed && log_time.ns >= 0);
  const std::uint64_t at = w.offset;
  const auto time = static_cast<std::uint64_t>(log_time.ns);
  if (Result<void> done = w.append_record(AttachmentRecord{time, 0, name, media_type, data, 0}); !done) return done;
  w.attachments.push_back({at, w.offset - at, time, 0, data.size(), name, media_type});
  ++w.statistics.attachment_count;
  return {};
}

Result<void> McapWriter::flush() {
  if (impl_->error) return *impl_->error;
  GEOUL_EXPECTS(!impl_->closed);
  return impl_->flush_chunk();
}

Result<void> McapWriter::close() {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  if (std::exchange(w.closed, true)) return {};
  if (Result<void> done = w.flush_chunk(); !done) return done;
  if (Result<void> done = w.write_summary(); !done) return done;
  if (::close(std::exchange(w.file, -1)) != 0) return w.fail(std::string("cannot close: ") + std::strerror(errno));
  return {};
}

Result<void> McapWriter::sync() {
  Impl& w = *impl_;
  if (w.error) return *w.error;
  GEOUL_EXPECTS(!w.closed);
  if (::fdatasync(w.file) != 0) return w.fail(std::string("cannot be made durable: ") + std::strerror(errno));
  return {};
}

McapCheckpoint McapWriter::checkpoint() const {
  const Impl& w = *impl_;
  GEOUL_EXPECTS(!w.error && !w.closed && w.chunk_messages == 0);
  McapCheckpoint out{w.offset, w.crc, {}};
  for (const SchemaRecord& record : w.schemas) encode(record, out.records);
  for (const ChannelRecord& record : w.channels) encode(record, out.records);
  for (const ChunkIndexRecord& record : w.chunks) encode(record, out.records);
  for (const AttachmentIndexRecord& record : w.attachments) encode(record, out.records);
  for (const MetadataIndexRecord& record : w.metadata) encode(record, out.records);
  encode(w.statistics, out.records);
  return out;
}

Result<McapWriter> McapWriter::resume(const std::filesystem::path& path, const McapCheckpoint& checkpoint,
                                      McapWriterOptions options) {
  auto impl = std::make_unique<Impl>();
  Impl& w = *impl;
  w.path = path;
  w.options = std::move(options);
  w.offset = checkpoint.offset;
  w.crc = checkpoint.crc;
  if (!w.take(checkpoint.records)) return Error{ErrorCode::kBadInput, path.string() + ": its checkpoint is damaged"};
  w.file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  struct stat status {};
  if (w.file < 0 || ::fstat(w.file, &status) != 0)
    return Error{ErrorCode::kNotFound, path.string() + ": cannot be opened: " + std::strerror(errno)};
  if (static_cast<std::uint64_t>(status.st_size) < w.offset) {
    return Error{ErrorCode::kBadInput, path.string() + ": has " + std::to_string(status.st_size) + " bytes where " +
                                           std::to_string(w.offset) + " were written: its end is lost"};
  }
  if (::ftruncate(w.file, static_cast<off_t>(w.offset)) != 0)
    return Error{ErrorCode::kUnavailable, path.string() + ": cannot be cut back: " + std::strerror(errno)};
  return McapWriter(std::move(impl));
}

const StatisticsRecord& McapWriter::statistics() const { return impl_->statistics; }
std::uint32_t McapWriter::crc() const { return impl_->crc; }
std::uint64_t McapWriter::message_count() const { return impl_->statistics.message_count; }
std::uint64_t McapWriter::bytes_written() const { return impl_->offset; }

}  // namespace geoul::history
