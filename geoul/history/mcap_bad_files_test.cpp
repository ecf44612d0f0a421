// Damaged files, made by testdata/make_files.py, and a disk that becomes full while a file is written.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "geoul/history/mcap_reader.h"
#include "geoul/history/mcap_writer.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = GEOUL_SOURCE_DIR "/geoul/history";

// The messages "m1", "m2", ... of a reader as "12...".
std::string digits(McapReader& reader) {
  std::string out;
  const auto done = reader.for_each({}, [&out](const McapMessage& message) {
    EXPECT_EQ(message.data.size(), 2u);
    EXPECT_EQ(message.data.substr(0, 1), "m");
    EXPECT_EQ(std::to_string(message.log_time.ns), message.data.substr(1));
    return out.append(message.data.substr(1)), true;
  });
  EXPECT_TRUE(done);
  std::sort(out.begin(), out.end());  // a lie about times changes the order, and is reported
  return out.empty() ? "-" : out;
}

// testdata/bad/expected.txt: file, code, messages.
TEST(McapBadFiles, EachIsNamedByItsCodeAndGivesOnlyItsSoundMessages) {
  std::ifstream expected(kFolder / "testdata/bad/expected.txt");
  std::string file, code, messages;
  std::size_t count = 0, files = 0;
  while (expected >> file >> code >> messages) {
    SCOPED_TRACE(file);
    ++count;
    auto reader = McapReader::open(kFolder / "testdata/bad" / file, {.chunk_bytes = 64 << 20});
    EXPECT_EQ(!reader, code == "open");
    if (!reader) {
      EXPECT_EQ(reader.error().code, ErrorCode::kBadInput);
      continue;
    }
    EXPECT_EQ(digits(*reader), messages);
    (void)reader->metadata();
    (void)reader->attachment("site.yaml");
    EXPECT_FALSE(reader->verify());
    EXPECT_TRUE(reader->diagnostics().has(code)) << code << "\n" << reader->diagnostics().text();
  }
  for (const auto& entry : fs::directory_iterator(kFolder / "testdata/bad"))
    files += entry.path().extension() == ".mcap";
  EXPECT_EQ(count, files);
  EXPECT_GE(count, 35u);
}

TEST(McapBadFiles, TheSoundFilesTheyWereMadeFromAreSound) {
  for (const char* name : {"indexed.mcap", "without_summary.mcap", "without_chunks.mcap"}) {
    SCOPED_TRACE(name);
    auto reader = McapReader::open(kFolder / "mcap_fuzz_seeds" / name);
    ASSERT_TRUE(reader);
    EXPECT_EQ(digits(*reader), "12345");
    EXPECT_TRUE(reader->verify()) << reader->diagnostics().text();
  }
}

TEST(McapBadFiles, CrcsCanBeLeftUnchecked) {
  auto reader = McapReader::open(kFolder / "testdata/bad/chunk_bad_crc.mcap", {.check_crcs = false});
  ASSERT_TRUE(reader);
  EXPECT_EQ(digits(*reader), "12345");
}

// No file of this process can grow beyond `bytes`: a write across them is cut short, the next one fails. Holds for
// root.
class FileLimit {
 public:
  explicit FileLimit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

struct Recording {
  std::vector<std::string> errors;  // of every call that failed
  std::size_t accepted = 0;         // messages whose write succeeded
  std::size_t flushed = 0;          // of these, the ones that a later flush confirmed
  std::uint64_t size = 0;           // by the writer
};

Recording record(const fs::path& path) {
  Recording out;
  auto writer = McapWriter::create(path, {.chunk_bytes = 400, .zstd_level = 0});
  if (!writer) return out.errors.push_back(writer.error().message), out;
  const auto note = [&out](const auto& done) {
    if (!done) out.errors.push_back(done.error().message);
    return static_cast<bool>(done);
  };
  if (const auto channel = writer->add_channel({"/a", "x", "", "", "", {}}); note(channel)) {
    for (int i = 0; i < 60; ++i) {
      if (note(writer->write(*channel, Time{i}, Time{i}, "message " + std::to_string(i)))) ++out.accepted;
      if (i % 7 == 6 && note(writer->flush())) out.flushed = out.accepted;
    }
  }
  if (note(writer->close())) out.flushed = out.accepted;
  out.size = writer->bytes_written();
  return out;
}

TEST(McapFullDisk, AtWhateverByteIsOneErrorAndLosesNothingThatWasFlushed) {
  const fs::path path = fs::temp_directory_path() / ("geoul_mcap_full_" + std::to_string(::getpid()) + ".mcap");
  const Recording whole = record(path);
  ASSERT_TRUE(whole.errors.empty());
  ASSERT_EQ(whole.flushed, 60u);
  std::size_t in_chunks = 0;
  for (std::uint64_t limit = 0; limit < whole.size; limit += 7) {
    const Recording recording = [&] {
      const FileLimit full(limit);
      return record(path);
    }();
    ASSERT_FALSE(recording.errors.empty()) << limit;
    EXPECT_NE(recording.errors.front().find("File too large"), std::string::npos) << recording.errors.front();
    for (const std::string& error : recording.errors) ASSERT_EQ(error, recording.errors.front());
    ASSERT_EQ(fs::file_size(path), recording.size) << limit;  // cut back to the last whole record
    auto reader = McapReader::open(path);
    ASSERT_EQ(!reader, recording.size == 0) << limit;
    if (!reader) continue;
    EXPECT_FALSE(reader->diagnostics().has("cut-off")) << limit;
    EXPECT_TRUE(reader->diagnostics().has("no-footer")) << limit;
    std::size_t read = 0;
    EXPECT_TRUE(reader->for_each({}, [&read](const McapMessage& message) {
      EXPECT_EQ(message.data, "message " + std::to_string(read++));
      return true;
    }));
    ASSERT_GE(read, recording.flushed) << limit;
    ASSERT_LE(read, recording.accepted) << limit;
    in_chunks += read > 0 && read < 60;
  }
  EXPECT_GT(in_chunks, whole.size / 14);
  fs::remove(path);
}

}  // namespace
}  // namespace geoul::history
