// The same tests on SQLite and on PostgreSQL.
#include "geoul/history/catalogue.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "geoul/core/random.h"
#include "geoul/history/postgresql_server.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

PostgresqlServer& server() {
  static PostgresqlServer it;
  return it;
}

enum class Store { kSqlite, kPostgresql };

class CatalogueOf : public testing::TestWithParam<Store> {
 protected:
  void SetUp() override {
    static int count = 0;
    const std::string name = "t" + std::to_string(++count);
    if (GetParam() == Store::kSqlite) {
      folder_ = fs::temp_directory_path() / ("geoul_catalogue_" + std::to_string(::getpid()) + name);
      fs::create_directories(folder_);
      setting_ = folder_ / "catalogue.sqlite";
      return;
    }
    if (!server().why_not().empty()) GTEST_SKIP() << server().why_not();
    setting_ = server().connection(name);
    ASSERT_FALSE(setting_.empty());
  }
  void TearDown() override {
    catalogue_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  Catalogue& open() {
    catalogue_.reset();
    Result<std::unique_ptr<Catalogue>> out = Catalogue::open(setting_);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    catalogue_ = std::move(*out);
    return *catalogue_;
  }
  // By other means than ours.
  void change(const std::string& statement) {
    if (GetParam() == Store::kPostgresql) {
      ASSERT_TRUE(server().sql(setting_, statement));
    } else {
      ASSERT_TRUE((*open_sqlite(setting_))->run(statement));
    }
  }

  fs::path folder_;
  std::string setting_;
  std::unique_ptr<Catalogue> catalogue_;
};

INSTANTIATE_TEST_SUITE_P(Stores, CatalogueOf, testing::Values(Store::kSqlite, Store::kPostgresql),
                         [](const auto& test) { return test.param == Store::kSqlite ? "Sqlite" : "Postgresql"; });

SegmentRow segment(std::int64_t site, std::int64_t run, int number) {
  SegmentRow out{0, site, run, {}, false};
  out.info.file = "segment-" + std::to_string(number) + ".mcap";
  out.info.number = static_cast<std::uint64_t>(number);
  out.info.begin = {number * 100}, out.info.end = {number * 100 + 99};
  out.info.messages = 7, out.info.bytes = 1u << 30, out.info.crc = 0xfedcba98u;
  return out;
}

TEST_P(CatalogueOf, KeepsSitesRunsAndSegments) {
  const Result<SiteRow> site = open().site("cell", "/data/cell", Time{1});
  ASSERT_TRUE(site) << site.error().message;
  EXPECT_EQ(catalogue_->site("again", "/data/cell", Time{2})->id, site->id);
  const std::string bytes("\0\1\xff'\"\n", 6);
  Result<RunRow> run =
      catalogue_->add_run({0, site->id, "näme 거울", "a.usda", Time{5}, Time{0}, Time{0}, false, {bytes}});
  ASSERT_TRUE(run) << run.error().message;
  run->end = {900}, run->closed = true;
  ASSERT_TRUE(catalogue_->update_run(*run));
  for (const int number : {2, 1, 3}) ASSERT_TRUE(catalogue_->add_segment(segment(site->id, run->id, number), {}));
  ASSERT_TRUE(catalogue_->add_segment(segment(site->id, run->id, 2), {}));  // again, after a recovery

  Catalogue& reopened = open();
  const auto runs = reopened.runs(site->id);
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->at(0).name, "näme 거울");
  EXPECT_EQ(runs->at(0).setup.bytes, bytes);
  EXPECT_EQ(runs->at(0).end.ns, 900);
  EXPECT_TRUE(reopened.run(run->id)->has_value());
  EXPECT_FALSE(reopened.run(99)->has_value());
  const auto segments = reopened.segments(site->id, run->id);
  ASSERT_EQ(segments->size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(segments->at(static_cast<std::size_t>(i)).info.file, segment(1, 1, i + 1).info.file);
    EXPECT_EQ(segments->at(static_cast<std::size_t>(i)).info.crc, 0xfedcba98u);
    EXPECT_EQ(segments->at(static_cast<std::size_t>(i)).info.bytes, 1u << 30);
  }
  ASSERT_TRUE(reopened.mark_pruned(segments->at(0)));
  EXPECT_TRUE(reopened.segments(site->id)->at(0).pruned);
  EXPECT_FALSE(reopened.segments(site->id)->at(1).pruned);
  EXPECT_EQ(reopened.segments(site->id, run->id + 1)->size(), 0u);
}

TEST_P(CatalogueOf, FindsTheNearestSnapshot) {
  Catalogue& catalogue = open();
  std::vector<SnapshotRow> snapshots;
  for (std::int64_t i = 0; i < 50; ++i) snapshots.push_back({0, 1, 4, 10 * i, Time{100 * i}});
  ASSERT_TRUE(catalogue.add_segment(segment(1, 4, 1), snapshots));
  ASSERT_TRUE(catalogue.add_segment(segment(1, 4, 1), snapshots));
  EXPECT_EQ(catalogue.snapshots(4)->size(), 50u);
  EXPECT_EQ(catalogue.snapshot_before(4, 127)->value().step, 120);
  EXPECT_EQ(catalogue.snapshot_before(4, 120)->value().step, 120);
  EXPECT_EQ(catalogue.snapshot_before(4, 1'000'000)->value().time.ns, 4900);
  EXPECT_FALSE(catalogue.snapshot_before(4, -1)->has_value());
  EXPECT_FALSE(catalogue.snapshot_before(5, 100)->has_value());
}

TEST_P(CatalogueOf, KeepsWhatHappenedByTimeAndAllOrNothing) {
  Catalogue& catalogue = open();
  for (const EntryKind kind : {EntryKind::kEvent, EntryKind::kAlarm, EntryKind::kDecision, EntryKind::kCommand}) {
    std::vector<EntryRow> rows;
    for (std::int64_t i = 0; i < 30; ++i)
      rows.push_back({0, 1, i % 3, Time{1000 - i}, 1, "watch", to_string(kind), "text " + std::to_string(i), "{}"});
    ASSERT_TRUE(catalogue.add(kind, rows));
    EXPECT_EQ(rows[29].id, 30);
    const auto some = catalogue.entries(kind, {.site = 1, .begin = Time{980}, .end = Time{990}});
    ASSERT_EQ(some->size(), 10u);
    EXPECT_EQ(some->front().text, "text 20");
    EXPECT_EQ(some->front().name, to_string(kind));
    EXPECT_EQ(catalogue.entries(kind, {.run = 2})->size(), 10u);
    EXPECT_EQ(catalogue.entries(kind, {.most = 4})->size(), 4u);
    EXPECT_EQ(catalogue.entries(kind, {.site = 2})->size(), 0u);
  }
  Diagnostics diagnostics;
  ASSERT_TRUE(catalogue.verify("here", diagnostics));
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.text();
}

TEST_P(CatalogueOf, ARowThatWasChangedByAHandIsAnError) {
  std::vector<EntryRow> rows = {{0, 1, 1, Time{5}, 2, "watch", "hot", "joint 3", ""},
                                {0, 1, 1, Time{6}, 2, "", "", "", ""}};
  ASSERT_TRUE(open().add(EntryKind::kAlarm, rows));
  catalogue_.reset();
  change("UPDATE alarms SET text = 'joint 4' WHERE time = 5");
  const auto found = open().entries(EntryKind::kAlarm, {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kBadInput);
  EXPECT_NE(found.error().message.find("row 1 of table alarms"), std::string::npos) << found.error().message;
  Diagnostics diagnostics;
  ASSERT_TRUE(catalogue_->verify("here", diagnostics));
  EXPECT_TRUE(diagnostics.has("catalogue"));
  catalogue_.reset();
  change("UPDATE meta SET value = 99 WHERE name = 'version'");
  const auto other = Catalogue::open(setting_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kUnsupported);
}

TEST_P(CatalogueOf, ManyThreadsAddAndEachIdIsOnce) {
  Catalogue& catalogue = open();
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        EntryRow row{0, 1, 1, Time{i}, 0, "", "", "", ""};
        if (!catalogue.add(EntryKind::kEvent, {&row, 1})) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(catalogue.entries(EntryKind::kEvent, {})->size(), 60u);
}

std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Whatever is done to the files of SQLite: what is read is what was written, or an error. Rows that are not found are a
// matter of verify().
TEST(CatalogueInSqlite, TornPagesAndFlippedBytesNeverGiveAWrongValue) {
  const fs::path folder = fs::temp_directory_path() / ("geoul_torn_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const fs::path path = folder / "c.sqlite", log = folder / "c.sqlite-wal";
  std::string main_bytes, log_bytes;
  {
    auto catalogue = Catalogue::open(path);
    ASSERT_TRUE(catalogue);
    for (int i = 0; i < 40; ++i) {
      EntryRow row{0, 1, 1, Time{i}, i, "source", "name", "text of event " + std::to_string(i), "{}"};
      ASSERT_TRUE((*catalogue)->add(EntryKind::kEvent, {&row, 1}));
    }
    main_bytes = read_bytes(path), log_bytes = read_bytes(log);  // as a crash would leave them
  }
  ASSERT_GT(log_bytes.size(), 100'000u);
  Random random(8);
  int sound = 0, fewer = 0, refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::string main_image = main_bytes, log_image = log_bytes;
    const bool of_log = round % 3 != 0;
    std::string& image = of_log ? log_image : main_image;
    const auto at = static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(image.size())));
    if (round % 2 == 0) {
      image[at] = static_cast<char>(image[at] ^ 1 << random.integer(8));
    } else {  // half a page
      const std::size_t page = at / 4096 * 4096;
      std::fill_n(image.begin() + static_cast<std::ptrdiff_t>(page), std::min<std::size_t>(2048, image.size() - page),
                  '\0');
    }
    fs::remove(folder / "c.sqlite-shm");
    write_bytes(path, main_image), write_bytes(log, log_image);
    auto catalogue = Catalogue::open(path);
    const auto rows =
        catalogue ? (*catalogue)->entries(EntryKind::kEvent, {}) : Result<std::vector<EntryRow>>(catalogue.error());
    if (!rows) {
      ++refused;
      continue;
    }
    for (const EntryRow& row : *rows) ASSERT_EQ(row.text, "text of event " + std::to_string(row.time.ns)) << round;
    ++(rows->size() == 40 ? sound : fewer);
  }
  EXPECT_GT(sound, 4);  // the log's checksums cut off what is torn: a beginning is left
  EXPECT_GT(fewer + refused, 4);
  fs::remove_all(folder);
}

TEST(CatalogueInSqlite, AFileThatIsNoneIsRefusedInWords) {
  const fs::path path = fs::temp_directory_path() / ("geoul_no_catalogue_" + std::to_string(::getpid()));
  write_bytes(path, std::string(8192, 'x'));
  const auto catalogue = Catalogue::open(path);
  ASSERT_FALSE(catalogue);
  EXPECT_EQ(catalogue.error().code, ErrorCode::kBadInput);
  EXPECT_NE(catalogue.error().message.find("move the file away"), std::string::npos) << catalogue.error().message;
  EXPECT_FALSE(Catalogue::open("/no/such/folder/c.sqlite"));
  EXPECT_FALSE(Catalogue::open("host=/no/such/folder dbname=geoul"));
  fs::remove(path);
}

}  // namespace
}  // namespace geoul::history
