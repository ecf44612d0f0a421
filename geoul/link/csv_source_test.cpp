#include "geoul/link/csv_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace geoul::link {
namespace {

const CsvOptions kOptions{.time_column = "t", .columns = {"b", "a"}};

TEST(CsvSource, ReadsTheSelectedColumnsWithAnyLineEnd) {
  for (const std::string end : {"\r", "\n", "\r\n"}) {
    for (const bool last : {false, true}) {
      Diagnostics diagnostics;
      const std::string text = "t,a,ignored,b" + end + "0.5,1,x y,2" + end + "0.75,-1.5e-3,,+4" + (last ? end : "");
      const auto recording = parse_csv(text, "x.csv", kOptions, diagnostics);
      ASSERT_TRUE(recording) << diagnostics.text();
      EXPECT_EQ(recording->time, (std::vector<Time>{{500'000'000}, {750'000'000}}));
      EXPECT_EQ(recording->values, (std::vector<double>{2, 1, 4, -1.5e-3}));
      EXPECT_EQ(recording->sample(1, 0).value, 4);
      EXPECT_EQ(recording->sample(1, 0).quality, Quality::kGood);
    }
  }
}

TEST(CsvSource, ReadsQuotedFieldsAndAByteOrderMark) {
  Diagnostics diagnostics;
  const auto recording = parse_csv("\xEF\xBB\xBF\"t\",\"a\",\"say \"\"hi\"\", please\",b\n\"1\", 2 ,\",\",\" 3 \"\n\n",
                                   "x.csv", kOptions, diagnostics);
  ASSERT_TRUE(recording) << diagnostics.text();
  EXPECT_EQ(recording->values, (std::vector<double>{3, 2}));
}

TEST(CsvSource, ReadsDatesAsSecondsSince1970) {
  Diagnostics diagnostics;
  const std::string text =
      "t,a,b\n1969-12-31 23:59:59,1,1\n2000-02-29T12:34,1,1\n2014-02-08 15:25:00.25Z,1,1\n"
      "\"2014-02-08T15:25:00.250000001z\",1,1\n";
  const auto recording = parse_csv(text, "x.csv", kOptions, diagnostics);
  ASSERT_TRUE(recording) << diagnostics.text();
  // date -u -d ... +%s
  EXPECT_EQ(
      recording->time,
      (std::vector<Time>{
          {-1'000'000'000}, {951'827'640'000'000'000}, {1'391'873'100'250'000'000}, {1'391'873'100'250'000'001}}));
  for (const char* bad : {"2014-02-30 00:00:00", "2014-2-08 00:00:00", "2014-02-08", "2014-02-08 24:00:00",
                          "2014-02-08 10:00:", "2014-02-08 10:00:00.", "2014-02-08 10:00:00.1x", "1400-01-01 00:00:00",
                          "2014-02-08 10:00:00+01:00", "2014-02-08_10:00:00"}) {
    Diagnostics refused;
    EXPECT_FALSE(parse_csv(std::string("t,a,b\n") + bad + ",1,1\n", "x.csv", kOptions, refused)) << bad;
    EXPECT_TRUE(refused.has("not-a-number")) << bad;
  }
}

TEST(CsvSource, LeavesOutBadRowsWhereAsked) {
  CsvOptions options = kOptions;
  options.skip_bad_rows = true;
  Diagnostics diagnostics;
  const auto recording = parse_csv("t,a,b\n0,1,2\n1,,2\n2,x,2\n1,1\n0,3,3\n3,4,5\n", "x.csv", options, diagnostics);
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->values, (std::vector<double>{2, 1, 5, 4}));
  EXPECT_EQ(diagnostics.findings().size(), 4u);
  EXPECT_TRUE(diagnostics.ok());
  Diagnostics none;
  EXPECT_FALSE(parse_csv("t,a,b\n0,x,2\n", "x.csv", options, none));
  EXPECT_TRUE(none.has("no-rows"));
  EXPECT_FALSE(parse_csv("t,a\n0,1\n", "x.csv", options, none));
  EXPECT_TRUE(none.has("no-column"));
}

TEST(CsvSource, MarksTheFirstRowAfterAGap) {
  CsvOptions options = kOptions;
  options.period = Duration::from_seconds(0.04);
  Diagnostics diagnostics;
  const auto recording = parse_csv("t,a,b\n0,1,1\n0.04,1,1\n0.12,1,1\n", "x.csv", options, diagnostics);
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->quality, (std::vector<Quality>{Quality::kGood, Quality::kGood, Quality::kUncertain}));
  ASSERT_TRUE(diagnostics.has("gap"));
  EXPECT_EQ(diagnostics.findings().front().where.line, 4);
}

TEST(CsvSource, DoesNotCallARefusedRowAGap) {
  CsvOptions options = kOptions;
  options.period = Duration::from_seconds(0.04);
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_csv("t,a,b\n0,1,1\n0.04,x,1\n0.08,1,1\n", "x.csv", options, diagnostics));
  EXPECT_EQ(diagnostics.findings().size(), 1u) << diagnostics.text();
}

TEST(CsvSource, ReadsTheRealRecordingsOfTheRobot) {
  const std::map<std::string, std::size_t> rows = {
      {"L0L1", 29}, {"L1L2", 65}, {"L2L3", 40}, {"L3L4", 49}, {"L4L5", 42}};
  for (const auto& [name, expected] : rows) {
    CsvOptions options{.time_column = "timestamp", .columns = {"actual_q_0", "target_moment_5"}};
    options.period = Duration::from_seconds(0.04);
    Diagnostics diagnostics;
    const auto recording =
        read_csv(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/" + name + ".csv", options, diagnostics);
    ASSERT_TRUE(recording) << diagnostics.text();
    EXPECT_TRUE(diagnostics.findings().empty()) << diagnostics.text();
    EXPECT_EQ(recording->rows(), expected) << name;
  }
}

TEST(CsvSource, NamesTheProblemOfEveryBadFile) {
  const std::map<std::string, std::pair<std::string, int>> expected = {
      {"short_row.csv", {"short-row", 4}},
      {"long_row.csv", {"long-row", 3}},
      {"nan.csv", {"not-finite", 2}},
      {"inf.csv", {"not-finite", 2}},
      {"out_of_range.csv", {"not-finite", 2}},
      {"empty_value.csv", {"empty-value", 2}},
      {"not_a_number.csv", {"not-a-number", 2}},
      {"time_backwards.csv", {"time-backwards", 4}},
      {"time_stands.csv", {"time-backwards", 3}},
      {"duplicate_column.csv", {"duplicate-column", 1}},
      {"no_column.csv", {"no-column", 1}},
      {"no_header.csv", {"no-header", 1}},
      {"no_rows.csv", {"no-rows", 1}},
      {"empty.csv", {"empty-file", 0}},
      {"open_quote.csv", {"open-quote", 2}},
      {"huge_time.csv", {"not-finite", 2}},
      {"binary.csv", {"no-column", 1}},
  };
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GEOUL_SOURCE_DIR "/geoul/link/testdata/bad")) {
    const std::string name = entry.path().filename();
    ASSERT_TRUE(expected.contains(name)) << name << " has no expected finding";
    ++seen;
    Diagnostics diagnostics;
    EXPECT_FALSE(read_csv(entry.path(), kOptions, diagnostics)) << name;
    ASSERT_FALSE(diagnostics.findings().empty()) << name;
    const Finding& first = diagnostics.findings().front();
    EXPECT_EQ(first.code, expected.at(name).first) << name << ": " << to_string(first);
    EXPECT_EQ(first.where.line, expected.at(name).second) << name << ": " << to_string(first);
    EXPECT_FALSE(first.mend.empty()) << name << ": " << to_string(first);
  }
  EXPECT_EQ(seen, expected.size());
}

TEST(CsvSource, SaysWhichColumnsAreNear) {
  Diagnostics diagnostics;
  const CsvOptions options{.time_column = "timestamp", .columns = {"actual_q0"}};
  EXPECT_FALSE(parse_csv("timestamp,actual_q_0,actual_q_1\n0,1,2\n", "x.csv", options, diagnostics));
  EXPECT_EQ(to_string(diagnostics.findings().front()),
            "x.csv:1: error: actual_q0: no column has this name; did you mean 'actual_q_0' or 'actual_q_1'?");
}

TEST(CsvSource, StopsAfterTwentyErrorsOfOneFile) {
  std::string text = "t,a,b\n";
  for (int i = 0; i < 10'000; ++i) text += "x,y,z\n";
  Diagnostics diagnostics;
  EXPECT_FALSE(parse_csv(text, "x.csv", kOptions, diagnostics));
  EXPECT_EQ(diagnostics.error_count(), 21u);
  EXPECT_TRUE(diagnostics.has("too-many-errors"));
}

TEST(CsvSource, ReadsTheHeaderAlone) {
  Diagnostics diagnostics;
  const auto header = read_csv_header(GEOUL_SOURCE_DIR "/scenarios/ur3e_cell/data/L1L2.csv", diagnostics);
  ASSERT_TRUE(header) << diagnostics.text();
  EXPECT_EQ(header->size(), 175u);
  EXPECT_EQ(header->front(), "time");
  EXPECT_EQ(header->back(), "output_double_register_23");
  const std::string file = testing::TempDir() + "csv_header_test.csv";
  { std::ofstream(file) << "\xEF\xBB\xBF\r\n\"t\", a ,\"x,\""; }  // the row ends with the file
  EXPECT_EQ(read_csv_header(file, diagnostics).value(), (std::vector<std::string>{"t", "a", "x,"}));
  EXPECT_FALSE(read_csv_header(file, diagnostics, 2));
  for (const std::string text : {"", "\n\n", "\"open\n1"}) {
    { std::ofstream(file, std::ios::binary) << text; }
    Diagnostics findings;
    EXPECT_FALSE(read_csv_header(file, findings)) << text;
    EXPECT_TRUE(findings.has("no-header"));
  }
  EXPECT_FALSE(read_csv_header("/nowhere/x.csv", diagnostics));
  EXPECT_TRUE(diagnostics.has("not-found"));
}

TEST(CsvSource, RefusesFilesBeyondItsLimits) {
  CsvOptions options = kOptions;
  options.max_bytes = 10;
  Diagnostics diagnostics;
  EXPECT_FALSE(read_csv(GEOUL_SOURCE_DIR "/geoul/link/testdata/bad/nan.csv", options, diagnostics));
  EXPECT_TRUE(diagnostics.has("too-large"));
  EXPECT_FALSE(read_csv("/nowhere/x.csv", options, diagnostics));
  EXPECT_TRUE(diagnostics.has("not-found"));
}

// A cheap stand-in for the fuzzer in every test run: every prefix of a file, and every byte of it changed.
TEST(CsvSource, SurvivesTruncationAndDamageAnywhere) {
  const std::string text = "t,a,\"x,\",b\r\n0,1,\"q\"\"\",2\r0.5,3,,4\n";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    Diagnostics diagnostics;
    const auto recording = parse_csv(std::string_view(text).substr(0, i), "x.csv", kOptions, diagnostics);
    EXPECT_EQ(recording.has_value(), diagnostics.ok());
    for (int c = 0; i < text.size() && c < 256; ++c) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      Diagnostics findings;
      const auto damaged = parse_csv(changed, "x.csv", kOptions, findings);
      EXPECT_EQ(damaged.has_value(), findings.ok());
    }
  }
}

}  // namespace
}  // namespace geoul::link
