// The conformance cases of the MCAP project (github.com/foxglove/mcap, tests/conformance): lists of records as JSON, of
// which the file names tell how they lie in a file. Each file is made anew from its list by our encoders; the CRCs in
// the list come from another program and judge every byte of it. Then our reader must find in it what the list says.
//   ch   schemas, channels and messages lie in one uncompressed chunk      mx   the chunk has message indexes
//   pad  every record but messages, chunks, data end and footer ends in 01 ff ff, to be ignored
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "geoul/history/mcap_reader.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kCases = fs::path(GEOUL_SOURCE_DIR).parent_path() / "shared/data/protocols/mcap/tests/conformance/data";

// A record of a case: its fields are written as text, bytes as lists of text.
struct Listed {
  std::string type;
  std::map<std::string, json> fields;

  std::uint64_t number(const char* key) const { return std::stoull(fields.at(key).get<std::string>()); }
  template <class Integer>
  void get(const char* key, Integer& out) const {
    out = static_cast<Integer>(number(key));
  }
  std::string text(const char* key) const { return fields.at(key).get<std::string>(); }
  std::string bytes(const char* key) const {
    std::string out;
    for (const json& byte : fields.at(key)) out.push_back(static_cast<char>(std::stoi(byte.get<std::string>())));
    return out;
  }
  std::map<std::string, std::string> map(const char* key) const { return fields.at(key); }
  std::map<std::uint16_t, std::uint64_t> number_map(const char* key) const {
    std::map<std::uint16_t, std::uint64_t> out;
    for (const auto& [name, value] : map(key)) out[static_cast<std::uint16_t>(std::stoul(name))] = std::stoull(value);
    return out;
  }
};

void encode_schema(const Listed& in, std::string& out) {
  encode(
      SchemaRecord{static_cast<std::uint16_t>(in.number("id")), in.text("name"), in.text("encoding"), in.bytes("data")},
      out);
}

void encode_channel(const Listed& in, std::string& out) {
  ChannelRecord r;
  in.get("id", r.id), in.get("schema_id", r.schema_id);
  r.topic = in.text("topic"), r.message_encoding = in.text("message_encoding"), r.metadata = in.map("metadata");
  encode(r, out);
}

void encode_message(const Listed& in, std::string& out) {
  MessageRecord r;
  in.get("channel_id", r.channel_id), in.get("sequence", r.sequence);
  in.get("log_time", r.log_time), in.get("publish_time", r.publish_time);
  const std::string data = in.bytes("data");
  r.data = data;
  encode(r, out);
}

void encode_attachment(const Listed& in, std::string& out) {
  AttachmentRecord r;
  in.get("log_time", r.log_time), in.get("create_time", r.create_time);
  r.name = in.text("name"), r.media_type = in.text("media_type");
  const std::string data = in.bytes("data");
  r.data = data;
  encode(r, out);
}

void encode_chunk_index(const Listed& in, std::string& out) {
  ChunkIndexRecord r;
  in.get("message_start_time", r.message_start_time), in.get("message_end_time", r.message_end_time);
  in.get("chunk_start_offset", r.chunk_start_offset), in.get("chunk_length", r.chunk_length);
  r.message_index_offsets = in.number_map("message_index_offsets");
  in.get("message_index_length", r.message_index_length);
  r.compression = in.text("compression");
  in.get("compressed_size", r.compressed_size), in.get("uncompressed_size", r.uncompressed_size);
  encode(r, out);
}

void encode_statistics(const Listed& in, std::string& out) {
  StatisticsRecord r;
  in.get("message_count", r.message_count), in.get("schema_count", r.schema_count);
  in.get("channel_count", r.channel_count), in.get("attachment_count", r.attachment_count);
  in.get("metadata_count", r.metadata_count), in.get("chunk_count", r.chunk_count);
  in.get("message_start_time", r.message_start_time), in.get("message_end_time", r.message_end_time);
  r.channel_message_counts = in.number_map("channel_message_counts");
  encode(r, out);
}

void encode_attachment_index(const Listed& in, std::string& out) {
  AttachmentIndexRecord r;
  in.get("offset", r.offset), in.get("length", r.length), in.get("log_time", r.log_time);
  in.get("create_time", r.create_time), in.get("data_size", r.data_size);
  r.name = in.text("name"), r.media_type = in.text("media_type");
  encode(r, out);
}

void encode_summary_offset(const Listed& in, std::string& out) {
  SummaryOffsetRecord r;
  in.get("group_opcode", r.group_opcode), in.get("group_start", r.group_start), in.get("group_length", r.group_length);
  encode(r, out);
}

std::string encode_listed(const Listed& in) {
  std::string out;
  if (in.type == "Header") encode(HeaderRecord{in.text("profile"), in.text("library")}, out);
  if (in.type == "Schema") encode_schema(in, out);
  if (in.type == "Channel") encode_channel(in, out);
  if (in.type == "Message") encode_message(in, out);
  if (in.type == "Attachment") encode_attachment(in, out);
  if (in.type == "Metadata") encode(MetadataRecord{in.text("name"), in.map("metadata")}, out);
  if (in.type == "DataEnd") encode(DataEndRecord{static_cast<std::uint32_t>(in.number("data_section_crc"))}, out);
  if (in.type == "Statistics") encode_statistics(in, out);
  if (in.type == "ChunkIndex") encode_chunk_index(in, out);
  if (in.type == "AttachmentIndex") encode_attachment_index(in, out);
  if (in.type == "MetadataIndex") {
    encode(MetadataIndexRecord{in.number("offset"), in.number("length"), in.text("name")}, out);
  }
  if (in.type == "SummaryOffset") encode_summary_offset(in, out);
  if (in.type == "Footer") {
    encode(FooterRecord{in.number("summary_start"), in.number("summary_offset_start"),
                        static_cast<std::uint32_t>(in.number("summary_crc"))},
           out);
  }
  EXPECT_FALSE(out.empty()) << "unknown record type " << in.type;
  return out;
}

void add_padding(std::string& record) {
  record += "\x01\xff\xff";
  const std::size_t length = record.size() - kRecordHeaderBytes;
  for (std::size_t i = 0; i < 8; ++i) record[1 + i] = static_cast<char>(length >> (8 * i) & 0xff);
}

bool is_chunked(const std::string& type) { return type == "Schema" || type == "Channel" || type == "Message"; }

// The chunk of all chunkable records before DataEnd, and its message indexes.
std::string make_chunk(const std::vector<Listed>& records, bool with_index, bool padded) {
  std::string content, out;
  std::map<std::uint16_t, MessageIndexRecord> indexes;
  std::uint64_t start = UINT64_MAX, end = 0;
  for (const Listed& record : records) {
    if (record.type == "DataEnd") break;
    if (!is_chunked(record.type)) continue;
    if (record.type == "Message") {
      const auto channel = static_cast<std::uint16_t>(record.number("channel_id"));
      indexes[channel].channel_id = channel;
      indexes[channel].records.emplace_back(record.number("log_time"), content.size());
      start = std::min(start, record.number("log_time"));
      end = std::max(end, record.number("log_time"));
    }
    content += encode_listed(record);
  }
  encode(ChunkRecord{start == UINT64_MAX ? 0 : start, end, content.size(), crc32(content), "", content}, out);
  for (const auto& [channel, index] : indexes) {
    std::string record;
    encode(index, record);
    if (padded) add_padding(record);
    if (with_index) out += record;
  }
  return out;
}

// Makes the file of a case, checking the CRCs in its list on the way.
std::string make_file(const std::vector<Listed>& records, const std::set<std::string>& flags) {
  const bool chunked = flags.count("ch"), padded = flags.count("pad");
  std::string out(kMcapMagic);
  bool in_data = true;
  std::size_t summary_at = 0;
  for (const Listed& record : records) {
    if (in_data && chunked && is_chunked(record.type)) continue;
    std::string bytes = encode_listed(record);
    if (record.type == "DataEnd") {
      if (chunked) out += make_chunk(records, flags.count("mx"), padded);
      EXPECT_EQ(record.number("data_section_crc"), crc32(out));
      in_data = false;
    }
    const bool fixed = record.type == "Message" || record.type == "DataEnd" || record.type == "Footer";
    if (padded && !fixed) add_padding(bytes);
    if (record.type == "Footer") {
      const std::string covered = out.substr(summary_at) + bytes.substr(0, bytes.size() - 4);
      EXPECT_EQ(record.number("summary_crc"), crc32(covered));
      EXPECT_EQ(record.number("summary_start"), out.size() == summary_at ? 0 : summary_at);
    }
    out += bytes;
    if (record.type == "DataEnd") summary_at = out.size();
  }
  return out.append(kMcapMagic);
}

void expect_read_as_listed(const std::string& file, const std::vector<Listed>& records) {
  auto reader = McapReader::from_bytes(file, "case");
  ASSERT_TRUE(reader) << reader.error().message;
  std::map<std::uint64_t, std::vector<std::string>> in_time;  // by log time, then as listed: the reader's order
  std::vector<std::string> listed, read;
  std::set<std::string> schemas, channels, attachments, metadata;
  for (const Listed& record : records) {
    if (record.type == "DataEnd") break;
    if (record.type == "Message") in_time[record.number("log_time")].push_back(encode_listed(record));
    if (record.type == "Schema" && record.number("id") != 0) schemas.insert(encode_listed(record));
    if (record.type == "Channel") channels.insert(encode_listed(record));
    if (record.type == "Metadata") metadata.insert(encode_listed(record));
    if (record.type == "Attachment") {
      const auto found = reader->attachment(record.text("name"));
      ASSERT_TRUE(found) << found.error().message;
      EXPECT_EQ(*found, record.bytes("data"));
    }
  }
  for (const auto& [time, messages] : in_time) listed.insert(listed.end(), messages.begin(), messages.end());
  EXPECT_TRUE(reader->for_each({}, [&read](const McapMessage& m) {
    encode(MessageRecord{m.channel->id, m.sequence, static_cast<std::uint64_t>(m.log_time.ns),
                         static_cast<std::uint64_t>(m.publish_time.ns), m.data},
           read.emplace_back());
    return true;
  }));
  EXPECT_EQ(read, listed);
  for (const auto& [id, schema] : reader->schemas()) {
    std::string bytes;
    encode(schema, bytes);
    EXPECT_EQ(schemas.erase(bytes), 1u);
  }
  for (const auto& [id, channel] : reader->channels()) {
    std::string bytes;
    encode(channel, bytes);
    EXPECT_EQ(channels.erase(bytes), 1u);
  }
  for (const MetadataRecord& record : reader->metadata()) {
    std::string bytes;
    encode(record, bytes);
    EXPECT_EQ(metadata.erase(bytes), 1u);
  }
  EXPECT_TRUE(schemas.empty() && channels.empty() && metadata.empty());
  EXPECT_EQ(reader->statistics().message_count, listed.size());
  EXPECT_TRUE(reader->verify()) << reader->diagnostics().text();
}

TEST(McapConformance, EveryCaseIsWrittenAndReadAsListed) {
  if (!fs::exists(kCases)) GTEST_SKIP() << "no conformance cases at " << kCases;
  int cases = 0;
  for (const auto& entry : fs::recursive_directory_iterator(kCases)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    SCOPED_TRACE(name);
    std::set<std::string> flags;
    std::istringstream words(name);
    for (std::string word; std::getline(words, word, '-');) flags.insert(word);
    std::ifstream in(entry.path());
    std::vector<Listed> records;
    const json list = json::parse(in);
    for (const json& record : list.at("records")) {
      Listed& listed = records.emplace_back();
      listed.type = record.at("type");
      for (const json& field : record.at("fields")) listed.fields[field.at(0)] = field.at(1);
    }
    const std::string file = make_file(records, flags);
    expect_read_as_listed(file, records);
    ++cases;
    if (HasFailure()) FAIL() << "stopped at the first case that fails";
  }
  EXPECT_GE(cases, 400);
  std::printf("%d conformance cases\n", cases);
}

}  // namespace
}  // namespace geoul::history
