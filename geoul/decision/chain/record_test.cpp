#include "geoul/decision/chain/record.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace geoul::decision::chain {
namespace {

namespace fs = std::filesystem;

const fs::path kBad = fs::path(GEOUL_SOURCE_DIR) / "geoul/decision/chain/testdata/bad";

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Records, AreReadAsTheyWereWritten) {
  std::string text;
  for (int i = 0; i < kEventCount; ++i) {
    text += encode({i + 1, Time{-5 + i}, static_cast<Event>(i), "c\t1", "a\\nn", "two\nlines\\", {"", "x", "\t\n\\"}});
  }
  Diagnostics diagnostics;
  const auto records = read_records(text, "log", diagnostics);
  EXPECT_TRUE(diagnostics.findings().empty()) << diagnostics.text();
  ASSERT_EQ(records.size(), std::size_t(kEventCount));
  std::string again;
  for (const Record& record : records) again += encode(record);
  EXPECT_EQ(again, text);
  EXPECT_EQ(records[3].command, "c\t1");
  EXPECT_EQ(records[3].words, "two\nlines\\");
  EXPECT_EQ(records[3].fields[2], "\t\n\\");
}

TEST(Records, EveryBadLogIsFoundAndWhatStandsBeforeTheFaultIsKept) {
  std::ifstream expected(kBad / "expected.txt");
  std::string name, code;
  std::size_t count = 0, files = 0;
  while (expected >> name >> code >> count) {
    ++files;
    Diagnostics diagnostics;
    const auto records = read_records(content(kBad / name), name, diagnostics);
    ASSERT_FALSE(diagnostics.findings().empty()) << name;
    EXPECT_EQ(diagnostics.findings()[0].code, code) << name;
    EXPECT_EQ(records.size(), count) << name;
    EXPECT_EQ(diagnostics.ok(), code == "record-torn") << name;
  }
  EXPECT_EQ(files, std::size_t(std::distance(fs::directory_iterator(kBad), {})) - 1);
}

TEST(Records, AFlipOfAnyBitIsFound) {
  const std::string text = encode({1, Time{7}, Event::kChecked, "c1", "ann", "within limits", {"1"}});
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    std::string changed = text;
    changed[bit / 8] = char(changed[bit / 8] ^ (1 << bit % 8));
    Diagnostics diagnostics;
    EXPECT_TRUE(read_records(changed, "log", diagnostics).empty()) << bit;
    EXPECT_FALSE(diagnostics.findings().empty()) << bit;
  }
}

}  // namespace
}  // namespace geoul::decision::chain
