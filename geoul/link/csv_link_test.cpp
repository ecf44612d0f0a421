#include "geoul/link/csv_link.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "geoul/link/test_peers.h"

namespace geoul::link {
namespace {

const std::string kData = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/";

TEST(CsvLink, PlaysEveryRowInRealTime) {
  const std::vector<std::string> signals = {"robot_mode", "actual_q_0"};
  const std::vector<std::string> files = {kData + "L0L1.csv", kData + "L1L2.csv"};
  const auto link = make_csv_link({.link = {.id = "csv", .signals = signals}, .files = files, .speed = 10});
  const auto begin = std::chrono::steady_clock::now();
  link->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] {
    link->take(updates);
    return updates.size() >= 2u * 94 + 2;
  }));
  const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  EXPECT_GE(taken, 93 * 0.04 / 10 - 0.01);
  Diagnostics diagnostics;
  std::size_t next = 0;
  for (const std::string& file : files) {
    const auto recording = read_csv(file, {.time_column = "timestamp", .columns = signals}, diagnostics);
    for (std::size_t row = 0; row < recording->rows(); ++row) {
      for (std::size_t c = 0; c < 2; ++c, ++next) {
        EXPECT_EQ(updates[next].signal, c);
        EXPECT_EQ(number_of(updates[next].value), recording->value(row, c));
        EXPECT_EQ(updates[next].source_time, recording->time[row]);
        EXPECT_EQ(updates[next].quality, Quality::kGood);
      }
    }
  }
  for (; next < updates.size(); ++next) EXPECT_EQ(updates[next].quality, Quality::kBad);  // it has ended
  EXPECT_TRUE(
      eventually([&] { return link->health().problem == "the recording has ended; start again, or let it loop"; }));
  EXPECT_EQ(link->health().state, LinkState::kStopped);
}

TEST(CsvLink, LoopsWithItsTimeRunningOn) {
  const auto link = make_csv_link(
      {.link = {.signals = {"actual_q_0", "actual_q0"}}, .files = {kData + "L0L1.csv"}, .speed = 50, .loop = true});
  link->start();
  std::vector<Update> updates;
  ASSERT_TRUE(eventually([&] {
    link->take(updates);
    return updates.size() > 3u * 29;
  }));
  link->stop();
  for (std::size_t i = 1; i < updates.size(); ++i) {
    EXPECT_NEAR((updates[i].source_time - updates[i - 1].source_time).seconds(), 0.04, 1e-6) << i;
  }
  EXPECT_EQ(updates[29].value, updates[0].value);
  const LinkHealth health = link->health();
  EXPECT_EQ(health.clock_jumps, 0u);
  EXPECT_NE(health.problem.find("L0L1.csv: no column 'actual_q0'; did you mean 'actual_q_0'"), std::string::npos)
      << health.problem;
}

TEST(CsvLink, WaitsForAFileThatIsNotThereYet) {
  const std::string file = testing::TempDir() + "csv_link_test.csv";
  std::filesystem::remove(file);
  const auto link = make_csv_link({.link = {.signals = {"a"}},
                                   .files = {file},
                                   .time_column = "t",
                                   .retry_first = {10'000'000},
                                   .retry_longest = {20'000'000}});
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().state == LinkState::kWaiting; }));
  EXPECT_NE(link->health().problem.find("there is no such file; check the path"), std::string::npos);
  {
    std::ofstream stream(file + ".part");
    stream << "t,a\n0,1\n0.01,2\n";
  }
  std::filesystem::rename(file + ".part", file);
  EXPECT_TRUE(eventually([&] { return link->health().updates >= 2; }));
  EXPECT_EQ(link->browse({})->size(), 2u);
  EXPECT_EQ(link->write("a", 1.0).error().code, ErrorCode::kUnsupported);
}

TEST(CsvLink, StopsInTheMiddleOfAPause) {
  const std::string file = testing::TempDir() + "csv_link_pause.csv";
  { std::ofstream(file) << "t,a\n0,1\n3600,2\n"; }
  const auto link = make_csv_link({.link = {.signals = {"a"}}, .files = {file}, .time_column = "t"});
  link->start();
  ASSERT_TRUE(eventually([&] { return link->health().updates == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  link->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

}  // namespace
}  // namespace geoul::link
