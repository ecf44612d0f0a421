// Durability: kills, torn pages, full disks, damaged journals and segments.
#include "geoul/history/recorder.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "geoul/history/journal.h"
#include "geoul/history/kill_trial.h"
#include "geoul/history/little_endian.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

class Recording : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_recorder_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Recorder open(const SegmentDone& done = {}) { return open(trial_options(), done); }
  Recorder open(RecorderOptions options, const SegmentDone& done = {}) {
    Diagnostics diagnostics;
    Result<Recorder> out = Recorder::open(folder_, std::move(options), done, diagnostics);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
    EXPECT_TRUE(out->add_channel({"/trial", "bytes", "S", "text", "schema", {{"unit", "m"}}}));
    return std::move(*out);
  }
  static std::uint64_t write(Recorder& recorder, std::uint64_t from, std::uint64_t to) {
    std::uint64_t last = 0;
    for (; from < to; ++from) {
      const Time time{static_cast<std::int64_t>(from)};
      const Result<std::uint64_t> written = recorder.write(1, time, time, trial_message(from));
      EXPECT_TRUE(written);
      last = *written;
    }
    return last;
  }
  // Numbers of the messages in all segments, in order; each is checked against what was written.
  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> out;
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / "segments")) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& path : files) {
      Result<McapReader> reader = McapReader::open(path);
      EXPECT_TRUE(reader);
      EXPECT_TRUE(reader->for_each({}, [&](const McapMessage& message) {
        out.push_back(static_cast<std::uint64_t>(message.log_time.ns));
        EXPECT_EQ(message.data, trial_message(out.back()));
        EXPECT_EQ(message.channel->topic, "/trial");
        return true;
      }));
      EXPECT_TRUE(reader->verify()) << reader->diagnostics().text();
    }
    return out;
  }
  static std::vector<std::uint64_t> up_to(std::uint64_t n) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = 0; i < n; ++i) out.push_back(i);
    return out;
  }
  // The folder as a machine without power would leave it while `recorder` is at work.
  void crash_image(Recorder& recorder) {
    const std::string journals[2] = {read_bytes(folder_ / "journal-0"), read_bytes(folder_ / "journal-1")};
    std::map<fs::path, std::string> segments;
    for (const auto& entry : fs::directory_iterator(folder_ / "segments"))
      segments[entry.path()] = read_bytes(entry.path());
    EXPECT_TRUE(recorder.close());
    fs::remove_all(folder_ / "segments");
    fs::create_directories(folder_ / "segments");
    for (int i = 0; i < 2; ++i) write_bytes(folder_ / ("journal-" + std::to_string(i)), journals[i]);
    for (const auto& [path, bytes] : segments) write_bytes(path, bytes);
  }

  fs::path folder_;
};

TEST_F(Recording, SegmentsOfBoundedSizeHoldAllMessagesInOrderAndAreReported) {
  std::vector<SegmentInfo> segments;
  RecorderOptions options = trial_options();
  options.labels = {{"run", "7"}};
  Recorder recorder = open(options, [&](const SegmentInfo& info) { return segments.push_back(info), Result<void>(); });
  EXPECT_TRUE(recorder.wait(write(recorder, 0, 6000)));
  EXPECT_GE(recorder.acknowledged(), 6000u);
  EXPECT_TRUE(recorder.close());
  EXPECT_EQ(numbers(), up_to(6000));
  ASSERT_GE(segments.size(), 2u);
  std::uint64_t messages = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const SegmentInfo& info = segments[i];
    messages += info.messages;
    EXPECT_LT(info.bytes, (2u << 20) + (128u << 10));
    EXPECT_EQ(info.labels.at("run"), "7");
    if (i > 0) {
      EXPECT_LT(segments[i - 1].file, info.file);
      EXPECT_LT(segments[i - 1].end, info.begin);
    }
    Diagnostics diagnostics;
    EXPECT_TRUE(verify_segment(folder_ / "segments" / info.file, &info, diagnostics)) << diagnostics.text();
    const auto same = read_segment_info(folder_ / "segments" / info.file);
    ASSERT_TRUE(same);
    EXPECT_EQ(same->crc, info.crc);
    EXPECT_EQ(same->messages, info.messages);
    EXPECT_EQ(same->labels, info.labels);
  }
  EXPECT_EQ(messages, 6000u);
}

TEST_F(Recording, TheNextRecorderGoesOn) {
  for (std::uint64_t i = 0; i < 4; ++i) {
    Recorder recorder = open();
    write(recorder, 300 * i, 300 * (i + 1));
    EXPECT_TRUE(recorder.close());
  }
  EXPECT_EQ(numbers(), up_to(1200));
}

TEST_F(Recording, WhatACrashLeftKeepsTheLabelsOfItsRun) {
  std::uint64_t next = 0;
  for (int run = 1; run <= 6; ++run) {
    RecorderOptions options = trial_options();
    options.labels["run"] = std::to_string(run);
    Recorder recorder = open(options);
    EXPECT_TRUE(recorder.wait(write(recorder, next, next + 50)));
    next += 50;
    crash_image(recorder);
    Diagnostics diagnostics;
    std::string label = "none";
    const auto done = [&](const SegmentInfo& info) {
      const auto found = info.labels.find("run");
      label = found == info.labels.end() ? "no label" : found->second;
      return Result<void>();
    };
    EXPECT_TRUE(recover(folder_, options.segment, done, diagnostics).value());
    EXPECT_EQ(label, std::to_string(run));
  }
  EXPECT_EQ(numbers(), up_to(next));
}

TEST_F(Recording, AFolderHasOneRecorder) {
  Recorder recorder = open();
  Diagnostics diagnostics;
  const Result<Recorder> second = Recorder::open(folder_, {}, {}, diagnostics);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another recorder"), std::string::npos);
  EXPECT_FALSE(recover(folder_, {}, {}, diagnostics).value());
}

TEST_F(Recording, ManyThreadsAreAcknowledgedInTheOrderOfTheirSequences) {
  Recorder recorder = open();
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::uint64_t last = 0;
      for (int i = 0; i < 200; ++i) {
        const auto written = recorder.write(1, Time{1}, Time{1}, "x");
        if (!written || *written <= last || !recorder.wait(*written) || recorder.acknowledged() < *written) ++failed;
        if (written) last = *written;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(Recording, KillsLoseNothingThatWasAcknowledged) {
  const KillTrials trials = run_kill_trials(folder_, 25, 1);
  EXPECT_EQ(trials.lost, 0u);
  EXPECT_EQ(trials.wrong, 0u);
  EXPECT_EQ(trials.errors, 0);
  EXPECT_GT(trials.acknowledged, 100u);  // or it was no test
  EXPECT_GT(trials.unfinished, 3);
}

// Blocks that were on their way when the power failed are old, new, half of each, or anything. What was acknowledged
// lies in other blocks.
TEST_F(Recording, TornPagesTakeNothingThatWasAcknowledged) {
  Recorder recorder = open();
  EXPECT_TRUE(recorder.wait(write(recorder, 0, 60)));
  write(recorder, 60, 160);
  EXPECT_TRUE(recorder.wait(write(recorder, 160, 161)));
  crash_image(recorder);
  const std::string after = read_bytes(folder_ / "journal-0");
  // The commit with the most blocks; of later ones nothing was written, of it anything.
  std::vector<std::size_t> begins;
  for (std::size_t at = kJournalBlock; at < after.size(); at += kJournalBlock) {
    if (load<std::uint32_t>(&after[at]) == 8 && after[at + 16] == static_cast<char>(JournalKind::kMark))
      begins.push_back(at);
  }
  std::size_t begin = 0, end = 0;
  for (std::size_t i = 1; i < begins.size(); ++i) {
    if (begins[i] - begins[i - 1] >= end - begin) begin = begins[i - 1], end = begins[i];
  }
  ASSERT_GT((end - begin) / kJournalBlock, 5u);
  const auto acknowledged = load<std::uint64_t>(&after[begin + kJournalRecordHead]);
  const std::uint64_t promised = acknowledged - std::min<std::uint64_t>(acknowledged, 1);  // without the channel
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::string torn(after.size(), '\0');  // as it was allocated
    torn.replace(0, begin, after, 0, begin);
    for (std::size_t at = begin; at < end; at += kJournalBlock) {
      const std::int64_t kind = random.integer(4);
      const std::size_t part = kind == 0   ? 0
                               : kind == 1 ? kJournalBlock
                                           : 512 * static_cast<std::size_t>(random.integer(8));
      torn.replace(at, part, after, at, part);
      if (kind == 3)
        std::fill_n(torn.begin() + static_cast<std::ptrdiff_t>(at), 512, static_cast<char>(random.integer(256)));
    }
    fs::remove_all(folder_ / "segments");
    fs::create_directories(folder_ / "segments");
    write_bytes(folder_ / "journal-0", torn);
    Diagnostics diagnostics;
    ASSERT_TRUE(recover(folder_, trial_options().segment, {}, diagnostics).value());
    const auto found = numbers();
    ASSERT_GE(found.size(), promised) << round;
    ASSERT_LE(found.size(), 161u);
    ASSERT_EQ(found, up_to(found.size())) << round;
  }
}

TEST(Journal, AFlipOfAnyBitOfAnAcknowledgedRecordIsNamedAndGivesNoWrongValue) {
  std::string bytes = encode_journal_header({5, 99, 1});
  std::uint64_t sequence = 1;
  for (int commit = 0; commit < 4; ++commit) {
    std::string one(kJournalMark, '\0');
    const std::uint64_t acknowledged = sequence - 1;
    for (int i = 0; i < 5; ++i, ++sequence) {
      const std::string head(kJournalMessageHead, static_cast<char>(sequence));
      encode_journal_record(JournalKind::kMessage, sequence, 99, head, trial_message(sequence).substr(0, 300), one);
    }
    encode_journal_mark(acknowledged, 99, one);
    end_journal_commit(one);
    bytes += one;
  }
  std::string last(kJournalMark, '\0');  // says that all is acknowledged
  encode_journal_mark(sequence - 1, 99, last);
  end_journal_commit(last);
  bytes += last;
  const auto read = [](const std::string& image, Diagnostics& diagnostics) {
    std::map<std::uint64_t, std::string> out;
    for (const JournalRecord& record : read_journal(image, "j", diagnostics).records)
      out[record.sequence] = std::string(record.payload);
    return out;
  };
  Diagnostics none;
  const auto sound = read(bytes, none);
  ASSERT_EQ(sound.size(), 20u);
  ASSERT_TRUE(none.findings().empty()) << none.text();
  std::size_t named = 0, harmless = 0;
  for (std::size_t at = kJournalBlock; at + kJournalBlock < bytes.size(); ++at) {
    std::string image = bytes;
    image[at] = static_cast<char>(image[at] ^ 1 << at % 8);
    Diagnostics diagnostics;
    const auto found = read(image, diagnostics);
    for (const auto& [number, payload] : found) ASSERT_EQ(payload, sound.at(number)) << at;
    if (found.size() < sound.size()) {
      ASSERT_TRUE(diagnostics.has("journal-damaged")) << at << diagnostics.text();
      ++named;
    } else {
      ++harmless;  // a mark, or the rest of a block
    }
  }
  EXPECT_GT(named, 5000u);
  EXPECT_GT(harmless, 100u);
  for (std::size_t at = 0; at < kJournalBlock; ++at) {  // the header stands twice
    std::string image = bytes;
    image[at] = static_cast<char>(image[at] ^ 1 << at % 8);
    Diagnostics diagnostics;
    ASSERT_EQ(read(image, diagnostics), sound) << at;
  }
}

TEST(Journal, CutAtAnyByteItGivesABeginning) {
  std::string bytes = encode_journal_header({1, 4, 1});
  std::string commit(kJournalMark, '\0');
  for (std::uint64_t i = 1; i <= 30; ++i)
    encode_journal_record(JournalKind::kMessage, i, 4, std::string(kJournalMessageHead, 'h'), trial_message(i), commit);
  encode_journal_mark(0, 4, commit);
  end_journal_commit(commit);
  bytes += commit;
  std::size_t before = 0;
  for (std::size_t size = 0; size <= bytes.size(); size += 13) {
    Diagnostics diagnostics;
    const JournalContents contents = read_journal(std::string_view(bytes).substr(0, size), "j", diagnostics);
    ASSERT_GE(contents.records.size(), before);
    before = contents.records.size();
    for (std::size_t i = 0; i < before; ++i) {
      ASSERT_EQ(contents.records[i].sequence, i + 1);
      ASSERT_EQ(contents.records[i].payload.substr(kJournalMessageHead), trial_message(i + 1));
    }
  }
  EXPECT_EQ(before, 30u);
}

// testdata/bad_journals/expected.txt: file, code or "-", records.
TEST(Journal, BadFilesAreNamed) {
  const fs::path folder = GEOUL_SOURCE_DIR "/geoul/history/testdata/bad_journals";
  std::ifstream expected(folder / "expected.txt");
  std::string file, code;
  std::size_t records = 0, count = 0;
  for (; expected >> file >> code >> records; ++count) {
    SCOPED_TRACE(file);
    const std::string bytes = read_bytes(folder / file);
    Diagnostics diagnostics;
    EXPECT_EQ(read_journal(bytes, file, diagnostics).records.size(), records);
    EXPECT_EQ(diagnostics.findings().empty() ? "-" : diagnostics.findings().front().code, code) << diagnostics.text();
  }
  EXPECT_EQ(count, 8u);
}

// A disk that becomes full: RLIMIT_FSIZE bounds what may be written, for root too.
TEST_F(Recording, AFullDiskIsOneErrorAndKeepsWhatWasAcknowledged) {
  const auto mount_point = folder_ / "small";
  fs::create_directories(mount_point);
  if (::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=8m") != 0)
    GTEST_SKIP() << "a small file system cannot be mounted here: " << std::strerror(errno);
  std::uint64_t acknowledged = 0, next = 0;
  {
    Diagnostics diagnostics;
    Result<Recorder> recorder = Recorder::open(mount_point, trial_options(), {}, diagnostics);
    ASSERT_TRUE(recorder);
    ASSERT_TRUE(recorder->add_channel({"/trial", "bytes", {}, {}, {}, {}}));
    Result<std::uint64_t> written = std::uint64_t{0};
    Result<void> done;
    while (done) {
      const Time time{static_cast<std::int64_t>(next)};
      written = recorder->write(1, time, time, trial_message(next));
      if (!written) break;
      ++next;
      done = recorder->wait(*written);
      if (done) acknowledged = next;
      ASSERT_LT(next, 100'000u);
    }
    const std::string error = done ? written.error().message : done.error().message;
    EXPECT_NE(error.find("No space left on device"), std::string::npos) << error;
    EXPECT_FALSE(recorder->write(1, Time{0}, Time{0}, "x"));
    EXPECT_EQ(recorder->close().error().message, error);
  }
  EXPECT_GT(acknowledged, 1000u);
  Diagnostics full;
  EXPECT_FALSE(recover(mount_point, trial_options().segment, {}, full));  // no room for it now: it waits
  ASSERT_EQ(::mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
  Diagnostics diagnostics;
  EXPECT_TRUE(recover(mount_point, trial_options().segment, {}, diagnostics));
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  KillTrials found;
  std::set<std::string> read;
  std::uint64_t count = 0;
  read_trial(mount_point, read, count, found);
  EXPECT_GE(count, acknowledged);
  EXPECT_EQ(found.wrong, 0u);
  EXPECT_EQ(found.errors, 0);
  ::umount(mount_point.c_str());
}

TEST_F(Recording, AJournalThatIsGoneIsNoErrorAndNumbersGoOn) {
  Recorder recorder = open();
  write(recorder, 0, 100);
  EXPECT_TRUE(recorder.close());
  fs::remove(folder_ / "journal-0");
  fs::remove(folder_ / "journal-1");
  Recorder second = open();
  write(second, 100, 200);
  EXPECT_TRUE(second.close());
  EXPECT_EQ(numbers(), up_to(200));
}

// Sampled here; bench/history_figures does every bit of a segment of 1 MB.
TEST_F(Recording, ASegmentThatIsCutOrHasAFlippedBitIsFoundOut) {
  std::vector<SegmentInfo> segments;
  RecorderOptions options = trial_options();
  options.segment.mcap.chunk_bytes = 4 << 10;
  Recorder recorder = open(options, [&](const SegmentInfo& info) { return segments.push_back(info), Result<void>(); });
  write(recorder, 0, 40);
  EXPECT_TRUE(recorder.close());
  ASSERT_EQ(segments.size(), 1u);
  const fs::path path = folder_ / "segments" / segments[0].file;
  const std::string bytes = read_bytes(path);
  Random random(5);
  for (int round = 0; round < 600; ++round) {
    std::string image = bytes;
    const auto at = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(bytes.size())));
    round % 4 == 0 ? image.resize(at) : void(image[at] = static_cast<char>(image[at] ^ 1 << random.integer(8)));
    Result<McapReader> reader = McapReader::from_bytes(image, "image");  // by itself
    ASSERT_FALSE(reader && reader->verify()) << at << (round % 4 == 0 ? " cut" : " flipped");
    write_bytes(path, image);
    Diagnostics diagnostics;  // and by what the catalogue knows
    ASSERT_FALSE(verify_segment(path, &segments[0], diagnostics));
    ASSERT_TRUE(diagnostics.has(round % 4 == 0 ? "size" : "bad-crc")) << diagnostics.text();
  }
}

}  // namespace
}  // namespace geoul::history
