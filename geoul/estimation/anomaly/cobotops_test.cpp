// Real protective stops and lost grips of a UR3, announced from the thirty seconds before them.
#include <gtest/gtest.h>

#include <algorithm>

#include "geoul/estimation/anomaly/cobotops_files.h"
#include "geoul/estimation/anomaly/nab_files.h"

namespace geoul::estimation::anomaly {
namespace {

const std::filesystem::path kFile = anomaly_data() / "ur3_cobotops/DatasetsTesting/Robot_Data/dataset_02052023.csv";

std::size_t onsets(const std::vector<Label>& labels, std::size_t begin, std::size_t end) {
  std::size_t count = 0;
  for (std::size_t i = begin; i < end; ++i) {
    count += labels[i] == Label::kYes && (i == 0 || labels[i - 1] != Label::kYes);
  }
  return count;
}

TEST(CobotOps, IsReadWithItsIncompleteRowsCounted) {
  if (!std::filesystem::exists(kFile)) GTEST_SKIP() << "../shared/data/anomaly/ur3_cobotops is absent";
  const CobotRecording recording = read_cobotops(kFile);
  EXPECT_EQ(recording.lines, 7409u);
  EXPECT_EQ(recording.incomplete, 54u);
  EXPECT_EQ(recording.duplicated, 0u);
  EXPECT_EQ(recording.rows.time.size(), 7355u);
  EXPECT_EQ(std::count(recording.stop.begin(), recording.stop.end(), Label::kYes), 278);
  EXPECT_EQ(onsets(recording.stop, 0, 7355), 108u);
}

TEST(CobotOps, EventsOfTheSecondHalfAreAnnouncedBetterThanByChance) {
  if (!std::filesystem::exists(kFile)) GTEST_SKIP() << "../shared/data/anomaly/ur3_cobotops is absent";
  const CobotRecording recording = read_cobotops(kFile);
  for (const std::vector<Label>* labels : {&recording.stop, &recording.grip_lost}) {
    const Announced result = announce(recording, *labels, 5, false);
    EXPECT_GT(result.blocks.low, 0.5);
    EXPECT_GT(result.rows.value, 0.65);
    // The interval of rows that depend on their neighbours is no narrower than that of rows that do not.
    EXPECT_GT(result.blocks.high - result.blocks.low, 0.9 * (result.rows.high - result.rows.low));
  }
}

}  // namespace
}  // namespace geoul::estimation::anomaly
