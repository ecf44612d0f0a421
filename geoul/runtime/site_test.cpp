#include "geoul/runtime/site.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace geoul::runtime {
namespace {

const std::filesystem::path kScenario = GEOUL_SOURCE_DIR "/scenarios/ur3e_cell";

// The scenario's own site file with one text replaced, read beside the real files.
class SiteFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("geoul_site_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    std::filesystem::copy(kScenario, folder_,
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
    std::stringstream text;
    text << std::ifstream(kScenario / "site.yaml").rdbuf();
    text_ = text.str();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // The findings after a replacement; at least one, the first with this code.
  std::string read(const std::string& old, const std::string& changed, const std::string& code) {
    std::string text = text_;
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    if (at != std::string::npos) text.replace(at, old.size(), changed);
    std::ofstream(folder_ / "site.yaml") << text;
    Diagnostics diagnostics;
    const auto site = read_site((folder_ / "site.yaml").string(), diagnostics);
    EXPECT_FALSE(site) << changed;
    if (diagnostics.findings().empty()) return "";
    EXPECT_EQ(diagnostics.findings().front().code, code) << diagnostics.text();
    EXPECT_GT(diagnostics.findings().front().where.line, 0) << diagnostics.text();
    return diagnostics.text();
  }

  std::filesystem::path folder_;
  std::string text_;
};

TEST_F(SiteFile, OfTheRobotIsReadWhole) {
  Diagnostics diagnostics;
  const auto site = read_site((kScenario / "site.yaml").string(), diagnostics);
  ASSERT_TRUE(site) << diagnostics.text();
  EXPECT_TRUE(diagnostics.findings().empty()) << diagnostics.text();
  EXPECT_EQ(site->name, "ur3e_cell");
  EXPECT_EQ(site->sources.front().files.size(), 5u);
  EXPECT_EQ(site->joints.size(), 6u);
  ASSERT_TRUE(site->joints[2].reference);
  EXPECT_EQ(site->joints[2].reference->torque.column, "target_moment_2");
  EXPECT_EQ(site->sites.size(), 2u);
  EXPECT_EQ(site->judge.gravity_torque->max_relative_error, 0.002);
  EXPECT_EQ(site->judge.current.size(), 6u);
}

TEST_F(SiteFile, NamesTheNearestOfKeysAndFiles) {
  EXPECT_NE(read("period_s:", "period:", "unknown-key").find("did you mean 'period_s'?"), std::string::npos);
  EXPECT_NE(read("{file: data/L2L3.csv", "{file: data/L2L4.csv", "unknown-file").find("did you mean"),
            std::string::npos);
}

// testdata/bad/expected.txt: file, code, line. Each is testdata/site.yaml with one fault.
TEST(BadSiteFiles, AreNamedByCodeAndLine) {
  const std::filesystem::path folder = GEOUL_SOURCE_DIR "/geoul/runtime/testdata";
  Diagnostics sound;
  EXPECT_TRUE(read_site((folder / "site.yaml").string(), sound)) << sound.text();
  std::ifstream expected(folder / "bad/expected.txt");
  std::string file, code;
  int line = 0, count = 0, files = 0;
  while (expected >> file >> code >> line) {
    ++count;
    Diagnostics d;
    EXPECT_FALSE(read_site((folder / "bad" / file).string(), d)) << file;
    ASSERT_FALSE(d.findings().empty()) << file;
    const Finding& first = d.findings().front();  // others may follow from it
    EXPECT_EQ(first.code, code) << d.text();
    EXPECT_EQ(first.where.line, line) << d.text();
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / "bad")) {
    files += entry.path().extension() == ".yaml";
  }
  EXPECT_EQ(count, files);
  EXPECT_GE(count, 35);
}

TEST_F(SiteFile, SurvivesTruncationAnywhere) {
  for (std::size_t size = 0; size < text_.size(); size += 7) {
    std::ofstream(folder_ / "site.yaml") << text_.substr(0, size);
    Diagnostics diagnostics;
    const auto site = read_site((folder_ / "site.yaml").string(), diagnostics);
    EXPECT_EQ(site.has_value(), diagnostics.ok()) << size;
  }
}

}  // namespace
}  // namespace geoul::runtime
