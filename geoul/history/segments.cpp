#include "geoul/history/segments.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "geoul/core/crc32.h"
#include "geoul/history/little_endian.h"
#include "geoul/history/mcap_reader.h"
#include "geoul/history/posix_file.h"

namespace geoul::history {
namespace {

constexpr std::size_t kNameTime = 25, kMostChannels = 0xffff;
constexpr std::string_view kEnding = ".mcap";
constexpr const char *kLabels = "geoul", *kEnd = "geoul/end";  // metadata records

void put_map(const std::map<std::string, std::string>& map, std::string& out) {
  put(static_cast<std::uint32_t>(map.size()), out);
  for (const auto& [key, value] : map) put_text(key, out), put_text(value, out);
}
std::map<std::string, std::string> take_map(Taker& in) {
  std::map<std::string, std::string> out;
  for (auto n = in.integer<std::uint32_t>(); n > 0 && in.ok(); --n) {
    std::string key(in.text());
    out[std::move(key)] = in.text();
  }
  return out;
}

}  // namespace

std::string encode(const McapChannelInfo& channel) {
  std::string out;
  for (const std::string* text :
       {&channel.topic, &channel.message_encoding, &channel.schema_name, &channel.schema_encoding, &channel.schema})
    put_text(*text, out);
  put_map(channel.metadata, out);
  return out;
}

std::optional<McapChannelInfo> decode_channel(std::string_view bytes) {
  Taker in(bytes);
  McapChannelInfo out;
  for (std::string* text : {&out.topic, &out.message_encoding, &out.schema_name, &out.schema_encoding, &out.schema})
    *text = in.text();
  out.metadata = take_map(in);
  return in.done() ? std::optional(std::move(out)) : std::nullopt;
}

std::string encode(const SegmentCheckpoint& c) {
  std::string out;
  put(c.sequence, out), put(c.number, out), put(static_cast<std::uint64_t>(c.newest.ns), out);
  put_text(c.file, out), put_map(c.labels, out);
  put(static_cast<std::uint32_t>(c.channels.size()), out);
  for (const McapChannelInfo& channel : c.channels) put_text(encode(channel), out);
  put(c.mcap.offset, out), put(c.mcap.crc, out), put_text(c.mcap.records, out);
  return out;
}

std::optional<SegmentCheckpoint> decode_checkpoint(std::string_view bytes) {
  Taker in(bytes);
  SegmentCheckpoint out;
  out.sequence = in.integer<std::uint64_t>(), out.number = in.integer<std::uint64_t>();
  out.newest = {in.integer<std::int64_t>()};
  out.file = in.text(), out.labels = take_map(in);
  const auto channels = in.integer<std::uint32_t>();
  if (!in.ok() || channels > kMostChannels) return std::nullopt;
  for (std::uint32_t i = 0; i < channels && in.ok(); ++i) {
    auto channel = decode_channel(in.text());
    if (!channel) return std::nullopt;
    out.channels.push_back(std::move(*channel));
  }
  out.mcap.offset = in.integer<std::uint64_t>(), out.mcap.crc = in.integer<std::uint32_t>();
  out.mcap.records = in.text();
  // A name that leaves the folder is no name of a segment.
  const bool good = in.done() && out.newest.ns >= 0 && (out.file.empty() || segment_number(out.file));
  return good ? std::optional(std::move(out)) : std::nullopt;
}

SegmentWriter::SegmentWriter(std::filesystem::path folder, SegmentOptions options, Labels labels, SegmentDone done)
    : folder_(std::move(folder)), options_(std::move(options)), labels_(std::move(labels)), done_(std::move(done)) {}

Result<void> SegmentWriter::resume(const SegmentCheckpoint& checkpoint) {
  number_ = std::max(number_, checkpoint.number);
  newest_ = checkpoint.newest;
  labels_ = checkpoint.labels;
  channels_ = checkpoint.channels;
  if (checkpoint.file.empty()) return {};
  Result<McapWriter> writer = McapWriter::resume(folder_ / checkpoint.file, checkpoint.mcap, options_.mcap);
  if (!writer) return writer.error();
  file_ = checkpoint.file;
  writer_.emplace(std::move(*writer));
  return {};
}

Result<void> SegmentWriter::open_segment(Time first) {
  newest_ = std::max(newest_, first);
  char name[64];
  std::snprintf(name, sizeof(name), "%025" PRId64 "-%06" PRIu64 ".mcap", newest_.ns, ++number_);
  file_ = name;
  Result<McapWriter> writer = McapWriter::create(folder_ / file_, options_.mcap);
  if (!writer) return writer.error();
  writer_.emplace(std::move(*writer));
  if (!labels_.empty()) {
    if (Result<void> added = writer_->add_metadata(kLabels, labels_); !added) return added;
  }
  for (const McapChannelInfo& channel : channels_) {
    if (Result<std::uint16_t> added = writer_->add_channel(channel); !added) return added.error();
  }
  return {};
}

Result<void> SegmentWriter::add_channel(const McapChannelInfo& channel) {
  channels_.push_back(channel);
  if (!writer_) return {};
  const Result<std::uint16_t> added = writer_->add_channel(channel);
  return added ? Result<void>() : added.error();
}

Result<void> SegmentWriter::write(std::uint64_t sequence, std::uint16_t channel_id, Time log_time, Time publish_time,
                                  std::string_view data) {
  if (writer_ && writer_->message_count() > 0) {
    const auto begin = static_cast<std::int64_t>(writer_->statistics().message_start_time);
    const bool old = options_.span.ns > 0 && log_time.ns - begin >= options_.span.ns;
    if (old || writer_->bytes_written() >= options_.bytes) {
      if (Result<void> closed = close_segment(); !closed) return closed;
    }
  }
  if (!writer_) {
    if (Result<void> opened = open_segment(log_time); !opened) return opened;
  }
  sequence_ = sequence;
  return writer_->write(channel_id, log_time, publish_time, data);
}

Result<SegmentCheckpoint> SegmentWriter::checkpoint(std::uint64_t sequence) {
  SegmentCheckpoint out;
  out.sequence = sequence, out.number = number_, out.newest = newest_;
  out.labels = labels_, out.channels = channels_;
  if (!writer_) return out;
  if (Result<void> done = writer_->flush(); !done) return done.error();
  if (Result<void> done = writer_->sync(); !done) return done.error();
  if (Result<void> done = sync_folder(folder_); !done) return done.error();
  out.file = file_, out.mcap = writer_->checkpoint();
  return out;
}

Result<void> SegmentWriter::close_segment() {
  if (!writer_) return {};
  if (Result<void> done = writer_->flush(); !done) return done;
  if (Result<void> done = writer_->add_metadata(kEnd, {{"sequence", std::to_string(sequence_)}}); !done) return done;
  if (Result<void> done = writer_->close(); !done) return done;
  const StatisticsRecord& s = writer_->statistics();
  SegmentInfo info;
  info.file = file_, info.number = number_, info.labels = labels_;
  info.begin = {static_cast<std::int64_t>(s.message_start_time)};
  info.end = {static_cast<std::int64_t>(s.message_end_time)};
  info.messages = s.message_count, info.bytes = writer_->bytes_written(), info.crc = writer_->crc();
  writer_.reset();
  Result<PosixFile> file = PosixFile::open(folder_ / file_, O_RDWR);
  if (!file) return file.error();
  if (Result<void> done = file->sync(); !done) return done;
  if (Result<void> done = sync_folder(folder_); !done) return done;
  return done_ ? done_(info) : Result<void>();
}

std::optional<std::uint64_t> segment_number(const std::string& file) {
  const std::size_t begin = kNameTime + 1;
  if (file.size() < begin + 6 + kEnding.size() || file[kNameTime] != '-' || !file.ends_with(kEnding))
    return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::uint64_t out = 0;
  const char *first = file.data() + begin, *last = file.data() + file.size() - kEnding.size();
  if (!std::all_of(file.data(), file.data() + kNameTime, digit)) return std::nullopt;
  const auto [end, code] = std::from_chars(first, last, out);
  return code == std::errc() && end == last ? std::optional(out) : std::nullopt;
}

std::optional<std::uint64_t> last_sequence(const std::filesystem::path& path) {
  Result<McapReader> reader = McapReader::open(path);
  if (!reader || !reader->indexed() || !reader->diagnostics().ok()) return std::nullopt;
  for (const MetadataRecord& record : reader->metadata()) {
    if (record.name != kEnd) continue;
    const auto found = record.metadata.find("sequence");
    std::uint64_t out = 0;
    if (found != record.metadata.end() &&
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), out).ec == std::errc())
      return out;
  }
  return std::nullopt;
}

std::optional<SegmentInfo> read_segment_info(const std::filesystem::path& path) {
  Result<McapReader> reader = McapReader::open(path);
  const std::optional<std::uint64_t> number = segment_number(path.filename().string());
  const Result<std::string> bytes = read_file(path, UINT64_MAX);
  if (!number || !bytes || !reader || !reader->indexed() || !reader->diagnostics().ok()) return std::nullopt;
  SegmentInfo out;
  out.file = path.filename().string(), out.number = *number;
  for (MetadataRecord& record : reader->metadata()) {
    if (record.name == kLabels) out.labels = std::move(record.metadata);
  }
  const StatisticsRecord& s = reader->statistics();
  out.begin = {static_cast<std::int64_t>(s.message_start_time)},
  out.end = {static_cast<std::int64_t>(s.message_end_time)};
  out.messages = s.message_count, out.bytes = bytes->size(), out.crc = crc32(*bytes);
  return out;
}

bool verify_segment(const std::filesystem::path& path, const SegmentInfo* expected, Diagnostics& diagnostics) {
  const std::size_t before = diagnostics.error_count();
  const Location where{path.string(), 0, {}};
  Result<PosixFile> file = PosixFile::open(path, O_RDONLY);
  if (!file) {
    diagnostics.error(where, "missing", "the segment cannot be opened",
                      "restore the file, or take it out of the catalogue with 'geoul history prune'");
    return false;
  }
  if (expected != nullptr) {
    const Result<std::uint64_t> size = file->size();
    if (!size || *size != expected->bytes) {
      diagnostics.error(where, "size",
                        "the segment has " + std::to_string(size ? *size : 0) + " bytes where the catalogue says " +
                            std::to_string(expected->bytes));
    } else if (const Result<std::string> bytes = file->read_all(*size); !bytes || crc32(*bytes) != expected->crc) {
      diagnostics.error(where, "bad-crc",
                        bytes ? "the segment's CRC differs from the catalogue's" : bytes.error().message);
    }
  }
  Result<McapReader> reader = McapReader::open(path);
  if (!reader) {
    diagnostics.error(where, "not-mcap", reader.error().message);
    return false;
  }
  reader->verify();
  for (const Finding& finding : reader->diagnostics().findings()) diagnostics.add(finding);
  return diagnostics.error_count() == before;
}

}  // namespace geoul::history
