// Alarms through their states, commands with their seals, and what a hand does to them.
#include "geoul/history/site_journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "geoul/history/database.h"

namespace geoul::history {
namespace {

namespace fs = std::filesystem;

constexpr Time kNow{1'700'000'000'000'000'000};

class Journalled : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("geoul_site_journal_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    open();
  }
  void TearDown() override {
    journal_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  // Another process, another run.
  void open() {
    journal_.reset();
    store_.reset();
    Diagnostics diagnostics;
    Result<Store> store = Store::open(folder_, {}, true, kNow, diagnostics);
    ASSERT_TRUE(store) << store.error().message;
    store_.emplace(std::move(*store));
    const auto run = store_->begin_run({0, 0, "test", "site.yaml", kNow, {}, {}, false, {}}, diagnostics);
    ASSERT_TRUE(run);
    run_ = run->id;
    auto journal = SiteJournal::open(*store_, run_);
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = std::move(*journal);
  }
  static Time at(int s) { return kNow + Duration{s * 1'000'000'000LL}; }
  std::vector<EntryRow> rows(EntryKind kind) { return store_->catalogue().entries(kind, {}).value(); }
  Diagnostics verify() {
    Diagnostics out;
    EXPECT_TRUE(verify_journal(*store_, out));
    return out;
  }
  // Behind the back of geoul, with a CRC that fits: as someone would who knows the format.
  void tamper(const std::string& sql) {
    const auto done = (*open_sqlite((folder_ / "catalogue.sqlite").string()))->run(sql);
    ASSERT_TRUE(done) << done.error().message;
  }

  fs::path folder_;
  std::optional<Store> store_;
  std::unique_ptr<SiteJournal> journal_;
  std::int64_t run_ = 0;
};

TEST_F(Journalled, AnAlarmStandsUntilItIsClearedAndAcknowledged) {
  const JournalEntry alarm{at(1), 2, "watch/press", "too-hot", "92 degC, the bound is 80", "{\"value\": 92}"};
  EXPECT_TRUE(journal_->raise(alarm).value());
  EXPECT_FALSE(journal_->raise(alarm).value());  // it stands
  EXPECT_FALSE(journal_->acknowledge(at(2), "watch/press", "too-cold", "kim").value());
  ASSERT_EQ(journal_->alarms().size(), 1u);
  EXPECT_TRUE(journal_->alarms()[0].active);
  EXPECT_TRUE(journal_->acknowledge(at(2), "watch/press", "too-hot", "kim").value());
  EXPECT_FALSE(journal_->acknowledge(at(3), "watch/press", "too-hot", "lee").value());
  EXPECT_EQ(journal_->alarms()[0].by, "kim");
  EXPECT_TRUE(journal_->clear(at(4), "watch/press", "too-hot", "71 degC").value());
  EXPECT_TRUE(journal_->alarms().empty());
  EXPECT_FALSE(journal_->clear(at(5), "watch/press", "too-hot", "70 degC").value());
  // cleared before anybody has seen it: stands on
  EXPECT_TRUE(journal_->raise(alarm).value());
  EXPECT_TRUE(journal_->clear(at(6), "watch/press", "too-hot", "71 degC").value());
  ASSERT_EQ(journal_->alarms().size(), 1u);
  EXPECT_FALSE(journal_->alarms()[0].active);
  EXPECT_EQ(rows(EntryKind::kAlarm).size(), 5u);
  const auto audit = store_->catalogue().audit(store_->site().id).value();
  ASSERT_EQ(audit.size(), 1u);
  EXPECT_EQ(audit[0].actor, "kim");
  EXPECT_EQ(audit[0].payload, "watch/press: too-hot");
}

TEST_F(Journalled, AlarmsThatStandOutliveTheProgram) {
  EXPECT_TRUE(journal_->raise({at(1), 1, "link/plc", "lost", "no answer", {}}).value());
  EXPECT_TRUE(journal_->raise({at(2), 2, "watch", "hot", "hot", {}}).value());
  EXPECT_TRUE(journal_->acknowledge(at(3), "watch", "hot", "kim").value());
  const auto before = journal_->alarms();
  open();
  const auto after = journal_->alarms();
  ASSERT_EQ(after.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(after[i].raised.source, before[i].raised.source);
    EXPECT_EQ(after[i].raised.text, before[i].raised.text);
    EXPECT_EQ(after[i].raised.time, before[i].raised.time);
    EXPECT_EQ(after[i].acknowledged, before[i].acknowledged);
    EXPECT_EQ(after[i].by, before[i].by);
    EXPECT_TRUE(after[i].active);
  }
  EXPECT_TRUE(journal_->clear(at(4), "watch", "hot", "cool").value());
  EXPECT_EQ(journal_->alarms().size(), 1u);
}

TEST_F(Journalled, CommandsAreReadAsTheyWereGiven) {
  const auto decision = journal_->decide({at(1), 0, "policy/pick", "pick", "part 7 first", "{\"cost\": 3}"}, "policy");
  ASSERT_TRUE(decision);
  const auto first =
      journal_->command({at(2), 0, "policy/pick", "grip", "close", "line 1\nline 2"}, *decision, "kim lee");
  const auto second = journal_->command({at(3), 0, "policy/pick", "move", "up", ""}, 0, "policy");
  const auto third = journal_->command({at(4), 0, "policy/pick", "done ", "a name like an outcome", ""}, 0, "policy");
  ASSERT_TRUE(first && second && third);
  EXPECT_TRUE(journal_->outcome(*second, at(5), false, "the plant refused: E42"));
  EXPECT_TRUE(journal_->outcome(*first, at(6), true, "acknowledged"));
  const auto commands = journal_->commands(run_);
  ASSERT_TRUE(commands);
  ASSERT_EQ(commands->size(), 3u);
  EXPECT_EQ((*commands)[0].decision, *decision);
  EXPECT_EQ((*commands)[0].actor, "kim lee");
  EXPECT_EQ((*commands)[0].issued.name, "grip");
  EXPECT_EQ((*commands)[0].issued.data, "line 1\nline 2");
  EXPECT_EQ((*commands)[0].state, CommandState::kDone);
  EXPECT_EQ((*commands)[1].state, CommandState::kFailed);
  EXPECT_EQ((*commands)[1].outcome, "the plant refused: E42");
  EXPECT_EQ((*commands)[2].issued.name, "done ");
  EXPECT_EQ((*commands)[2].state, CommandState::kIssued);
  EXPECT_TRUE(verify().findings().empty());
  EXPECT_EQ(store_->catalogue().audit(store_->site().id)->size(), 6u);
}

TEST_F(Journalled, ASealedRowThatWasChangedTakenOrPutInIsNamed) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(journal_->command({at(i), 0, "policy", "move", std::to_string(i), ""}, 0, "policy").value());
  EXPECT_TRUE(verify().findings().empty());
  tamper("DELETE FROM commands WHERE id = " + std::to_string(ids[2]));
  Diagnostics found = verify();
  EXPECT_TRUE(found.has("journal-lacks")) << found.text();
  EXPECT_EQ(found.findings().size(), 1u);
  // Another row in its place, with a CRC of its own: only the seal can tell.
  tamper("UPDATE meta SET value = 2 WHERE name = 'next commands'");
  EntryRow other{0, store_->site().id, run_, at(2), 0, "policy", "issued move", "7", "0 policy\n"};
  ASSERT_TRUE(store_->catalogue().add(EntryKind::kCommand, {&other, 1}));
  ASSERT_EQ(other.id, ids[2]);
  found = verify();
  EXPECT_TRUE(found.has("journal-changed")) << found.text();
  EXPECT_EQ(found.findings().size(), 1u);
  EntryRow more = other;
  ASSERT_TRUE(store_->catalogue().add(EntryKind::kDecision, {&more, 1}));
  EXPECT_TRUE(verify().has("journal-unsealed"));
}

}  // namespace
}  // namespace geoul::history
