#include "geoul/estimation/anomaly/announcement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation::anomaly {
namespace {

// A row a second, two signals of noise.
Rows recording(std::size_t n) {
  Random random(1);
  Rows rows{{"a", "b"}, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    rows.time.push_back(Time::from_seconds(static_cast<double>(i)));
    rows.values.push_back(random.normal());
    rows.values.push_back(random.normal());
  }
  return rows;
}

std::uint8_t positive_at(const Examples& examples, std::size_t row) {
  const auto at = std::find(examples.row.begin(), examples.row.end(), row);
  return at == examples.row.end() ? 2 : examples.positive[static_cast<std::size_t>(at - examples.row.begin())];
}

TEST(Announcement, IsPositiveInTheSecondsBeforeAnEventAndNotWithinIt) {
  const Rows rows = recording(200);
  std::vector<Label> labels(200, Label::kNo);
  for (std::size_t i = 100; i < 105; ++i) labels[i] = Label::kYes;
  const Examples examples = announcement_examples(rows, labels, 0, 200, {.horizon = 10});
  EXPECT_EQ(positive_at(examples, 89), 0);
  EXPECT_EQ(positive_at(examples, 90), 1);
  EXPECT_EQ(positive_at(examples, 99), 1);
  for (std::size_t i = 100; i < 105; ++i) EXPECT_EQ(positive_at(examples, i), 2) << i;
  EXPECT_EQ(positive_at(examples, 105), 0);
  EXPECT_EQ(std::count(examples.positive.begin(), examples.positive.end(), 1), 10);
  EXPECT_EQ(examples.in_event, 5u);
  EXPECT_EQ(examples.no_window, 25u);   // 0 to 24: less than 25 s of rows
  EXPECT_EQ(examples.no_horizon, 10u);  // 190 to 199
  EXPECT_EQ(examples.size(), 160u);
}

TEST(Announcement, KnowsNoLabelAndNothingOutsideItsWindow) {
  Rows rows = recording(300);
  std::vector<Label> labels(300, Label::kNo);
  labels[150] = Label::kYes;
  const Examples before = announcement_examples(rows, labels, 0, 300);
  std::vector<Label> others(300, Label::kNo);
  others[170] = Label::kYes;
  for (std::size_t i = 0; i < 300; ++i) {
    if (i <= 169 || i > 200) rows.values[2 * i] += 1000;  // all but the window of row 200
  }
  const Examples after = announcement_examples(rows, others, 0, 300);
  const auto features = [](const Examples& e, std::size_t row) {
    const auto at = std::find(e.row.begin(), e.row.end(), row) - e.row.begin();
    const auto x = e.example(static_cast<std::size_t>(at));
    return std::vector<double>(x.begin(), x.end());
  };
  EXPECT_EQ(features(before, 200), features(after, 200));
  EXPECT_NE(features(before, 201), features(after, 201));
}

TEST(Announcement, LeavesOutWhatGapsAndMissingLabelsHide) {
  Rows rows = recording(300);
  for (std::size_t i = 150; i < 300; ++i) rows.time[i] = rows.time[i] + Duration::from_seconds(60);
  std::vector<Label> labels(300, Label::kNo);
  labels[80] = Label::kUnknown;
  labels[250] = Label::kYes;
  const Examples examples = announcement_examples(rows, labels, 0, 300, {.horizon = 10});
  EXPECT_EQ(positive_at(examples, 69), 0);
  for (std::size_t i = 70; i <= 80; ++i) EXPECT_EQ(positive_at(examples, i), 2) << i;
  EXPECT_EQ(positive_at(examples, 139), 0);
  for (std::size_t i = 140; i < 175; ++i) EXPECT_EQ(positive_at(examples, i), 2) << i;
  EXPECT_EQ(positive_at(examples, 180), 0);
  const Examples quiet = announcement_examples(rows, labels, 0, 300, {.horizon = 10, .quiet = true});
  EXPECT_EQ(positive_at(examples, 270), 0);
  EXPECT_EQ(positive_at(quiet, 270), 2);
  EXPECT_EQ(positive_at(quiet, 281), 0);
}

TEST(Announcement, TakesChangesOnlyOfWhatDrifts) {
  Rows rows = recording(100);
  const std::vector<Label> labels(100, Label::kNo);
  const AnnouncementOptions options{.changes_only = {"b"}};
  const Examples before = announcement_examples(rows, labels, 0, 100, options);
  for (std::size_t i = 0; i < 100; ++i) rows.values[2 * i + 1] += 40;
  const Examples after = announcement_examples(rows, labels, 0, 100, options);
  ASSERT_EQ(before.x.size(), after.x.size());
  for (std::size_t i = 0; i < before.x.size(); ++i) ASSERT_NEAR(before.x[i], after.x[i], 1e-12);
  EXPECT_EQ(before.features.size() * before.size(), before.x.size());
}

}  // namespace
}  // namespace geoul::estimation::anomaly
