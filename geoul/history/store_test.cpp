// Folder, catalogue, audit trail and time line together.
#include "geoul/history/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "geoul/history/timeline.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

constexpr Time kNow{1'700'000'000'000'000'000};

class Stored : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_store_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    options_.recorder.segment.bytes = 64 << 10;
    options_.recorder.segment.mcap.chunk_bytes = 4 << 10;
    options_.recorder.segment.mcap.zstd_level = 0;
    options_.recorder.journal_bytes = 1 << 20;
  }
  void TearDown() override { fs::remove_all(folder_); }
  Store open(bool make = false) {
    Diagnostics diagnostics;
    Result<Store> out = Store::open(folder_, options_, make, kNow, diagnostics);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
    return std::move(*out);
  }
  // Steps 0 to 999 of 1 ms: a snapshot every 100, an input at each 7th. `end`: ended as it should be.
  std::int64_t record(bool end = true) {
    Store store = open(true);
    Diagnostics diagnostics;
    const Result<RunRow> run = store.begin_run({0, 0, "test", "a.usda", kNow, {}, {}, false, {}}, diagnostics);
    EXPECT_TRUE(run);
    Result<TimelineWriter> line = TimelineWriter::start(store.recorder());
    EXPECT_TRUE(line);
    std::uint64_t last = 0;
    for (std::uint64_t step = 0; step < 1000; ++step) {
      const Time time{static_cast<std::int64_t>(step) * 1'000'000};
      if (step % 100 == 0) last = line->snapshot(step, time, snapshot_bytes(step)).value();
      if (step % 7 == 0) last = line->input(step, time, "input " + std::to_string(step)).value();
    }
    EXPECT_TRUE(store.recorder().wait(last));
    if (end) {
      EXPECT_TRUE(store.end_run(Time{0}, Time{999'000'000}));
    }
    return run->id;
  }
  static std::string snapshot_bytes(std::uint64_t step) {
    return std::string(20'000, static_cast<char>('a' + step / 100));
  }
  void check_line(Store& store, std::int64_t run) {
    Result<Timeline> line = Timeline::open(store, run);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(line->first_step(), 0u);
    EXPECT_EQ(line->last_step(), 900u);
    for (const std::uint64_t step : {0u, 1u, 99u, 100u, 101u, 450u, 999u}) {
      const Result<TimelineSpan> span = line->span(step, Time{static_cast<std::int64_t>(step) * 1'000'000});
      ASSERT_TRUE(span) << span.error().message;
      const std::uint64_t from = step / 100 * 100;
      EXPECT_EQ(span->snapshot.step, from);
      EXPECT_EQ(span->snapshot.bytes, snapshot_bytes(from));
      std::vector<std::uint64_t> wanted, found;
      for (std::uint64_t s = from; s < step; ++s) {
        if (s % 7 == 0) wanted.push_back(s);
      }
      for (const TimelineRecord& input : span->inputs) {
        found.push_back(input.step);
        EXPECT_EQ(input.bytes, "input " + std::to_string(input.step));
      }
      EXPECT_EQ(found, wanted) << step;
    }
  }

  fs::path folder_;
  StoreOptions options_;
};

TEST_F(Stored, ARunIsFoundAgainBySnapshotAndInputs) {
  const std::int64_t run = record();
  Store store = open();
  EXPECT_FALSE(store.busy());
  EXPECT_EQ(store.catalogue().run(run)->value().end.ns, 999'000'000);
  EXPECT_GE(store.catalogue().segments(store.site().id, run)->size(), 3u);
  check_line(store, run);
  const auto other = Timeline::open(store, run + 1);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kNotFound);
}

TEST_F(Stored, ARunThatWasNotEndedIsFoundAgainToo) {
  const std::int64_t run = record(false);
  Store store = open();
  EXPECT_TRUE(store.catalogue().run(run)->value().closed);
  check_line(store, run);
}

TEST_F(Stored, ALostCatalogueIsMadeAgainFromTheSegments) {
  const std::int64_t run = record();
  for (const char* file : {"catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"})
    fs::remove(folder_ / file);
  Store store = open();
  const auto segments = store.catalogue().segments(store.site().id, run);
  ASSERT_GE(segments->size(), 3u);
  Diagnostics diagnostics;
  EXPECT_TRUE(store.verify({}, {}, diagnostics));
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
  EXPECT_EQ(store.catalogue().snapshots(run)->size(), 10u);
  EXPECT_EQ(store.catalogue().run(run)->value().source, "a.usda");
  EXPECT_EQ(store.catalogue().run(run)->value().started, kNow);
  check_line(store, run);
  EXPECT_EQ(record(), run + 1);
}

TEST_F(Stored, WhatIsWrongIsFoundByVerify) {
  const std::int64_t run = record();
  {
    Store store = open();
    ASSERT_TRUE(store.note(kNow, "operator", "drag", "{}"));
    Diagnostics diagnostics;
    const auto check = store.verify({}, {}, diagnostics);
    ASSERT_TRUE(check);
    EXPECT_EQ(check->records, 1u);
    EXPECT_TRUE(diagnostics.findings().empty()) << diagnostics.text();
    const auto rows = store.catalogue().segments(store.site().id, run);
    fs::remove(store.path_of(rows->at(0)));
    fs::resize_file(store.path_of(rows->at(1)), 1000);
    std::fstream(store.path_of(rows->at(2)), std::ios::in | std::ios::out).seekp(5000) << 'x';
    fs::resize_file(folder_ / "audit.log", 0);
  }
  Store store = open();
  Diagnostics diagnostics;
  ASSERT_TRUE(store.verify({}, {}, diagnostics));
  for (const char* code : {"missing", "size", "bad-crc", "audit-lacks"}) EXPECT_TRUE(diagnostics.has(code)) << code;
}

TEST_F(Stored, RetentionDropsTheOldestAndSaysSo) {
  const std::int64_t first = record(), second = record();
  Store store = open();
  const auto bytes_of = [&](std::int64_t run) {
    std::uint64_t bytes = 0;
    const std::vector<SegmentRow> rows = store.catalogue().segments(store.site().id, run).value();
    for (const SegmentRow& row : rows) bytes += row.pruned ? 0 : row.info.bytes;
    return bytes;
  };
  Retention retention;
  retention.most_bytes = bytes_of(second) + bytes_of(first) / 2;
  const Result<Pruned> planned = store.prune(retention, true, kNow, "tester");
  ASSERT_TRUE(planned);
  EXPECT_GT(planned->segments.size(), 0u);
  EXPECT_EQ(store.catalogue().audit(store.site().id)->size(), 0u);
  const Result<Pruned> done = store.prune(retention, false, kNow, "tester");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->segments.size(), planned->segments.size());
  for (const SegmentRow& row : done->segments) {
    EXPECT_EQ(row.run, first);
    EXPECT_FALSE(fs::exists(store.path_of(row)));
  }
  EXPECT_LE(bytes_of(first) + bytes_of(second), *retention.most_bytes);
  EXPECT_EQ(store.catalogue().audit(store.site().id)->at(0).action, "prune");
  check_line(store, second);
  Result<Timeline> line = Timeline::open(store, first);  // begins later now
  ASSERT_TRUE(line);
  EXPECT_GT(line->first_step(), 0u);
  EXPECT_FALSE(line->span(0, Time{0}));
  EXPECT_TRUE(line->span(line->first_step() + 1, line->begin() + Duration{1'000'000}));
  retention = {};
  retention.most_runs = 1;
  ASSERT_TRUE(store.prune(retention, false, kNow, "tester"));
  EXPECT_EQ(bytes_of(first), 0u);
  EXPECT_GT(bytes_of(second), 0u);
  retention = {};
  retention.from = kNow;  // nothing ended before it
  EXPECT_EQ(store.prune(retention, true, kNow, "tester")->segments.size(), 0u);
  retention.from = kNow + Duration{2'000'000'000};
  EXPECT_GT(store.prune(retention, true, kNow, "tester")->segments.size(), 0u);
  Diagnostics diagnostics;
  ASSERT_TRUE(store.verify({}, {}, diagnostics));
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
}

TEST_F(Stored, RetentionWorksWhileARunIsRecorded) {
  options_.most_bytes = 200 << 10;
  record();
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "segments")) bytes += entry.file_size();
  EXPECT_LE(bytes, 200u << 10);
  EXPECT_GT(bytes, 50u << 10);
}

TEST_F(Stored, AnExportIsOneFileOfTheRangeAndTopics) {
  const std::int64_t run = record();
  Store store = open();
  McapQuery query;
  query.topics = {kInputTopic};
  query.begin = Time{100'000'000}, query.end = Time{500'000'000};
  Diagnostics diagnostics;
  const Result<std::uint64_t> count = store.export_run(run, query, folder_ / "out.mcap", {}, diagnostics);
  ASSERT_TRUE(count);
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_EQ(*count, 57u);  // multiples of 7 from 105 to 497
  Result<McapReader> reader = McapReader::open(folder_ / "out.mcap");
  ASSERT_TRUE(reader);
  EXPECT_TRUE(reader->verify());
  EXPECT_EQ(reader->statistics().message_count, 57u);
  EXPECT_EQ(reader->statistics().message_start_time, 105'000'000u);
}

TEST_F(Stored, AFolderWithoutHistoryIsRefusedInWords) {
  Diagnostics diagnostics;
  const Result<Store> none = Store::open(folder_ / "none", {}, false, kNow, diagnostics);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(folder_ / "none"));
}

}  // namespace
}  // namespace geoul::history
