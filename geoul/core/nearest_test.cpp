#include "geoul/core/nearest.h"

#include <gtest/gtest.h>

namespace geoul {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("elbow", "elbow"), 0u);
  EXPECT_EQ(edit_distance("", "elbow"), 5u);
  EXPECT_EQ(edit_distance("elbow", "elbo"), 1u);
  EXPECT_EQ(edit_distance("elbow", "eblow"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(NearestNames, PutsTheClosestFirst) {
  const std::vector<std::string> names = {"actual_q_0", "actual_q_1", "target_q_0", "timestamp", "actual_qd_0"};
  const auto near = nearest_names("actual_q0", names);
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near.front(), "actual_q_0");
}

TEST(NearestNames, FindsALastPartOfAPath) {
  const std::vector<std::string> names = {"/Cell/UR3e/Joints/shoulder_pan", "/Cell/UR3e/Joints/elbow"};
  EXPECT_EQ(nearest_names("elbow", names), std::vector<std::string>{"/Cell/UR3e/Joints/elbow"});
}

TEST(NearestNames, GivesNothingWhereNothingIsNear) {
  const std::vector<std::string> names = {"shoulder", "wrist"};
  EXPECT_TRUE(nearest_names("temperature", names).empty());
  EXPECT_EQ(did_you_mean("temperature", names, "see the list"), "see the list");
}

TEST(DidYouMean, JoinsNamesInWords) {
  const std::vector<std::string> names = {"wrist_1", "wrist_2", "wrist_3"};
  EXPECT_EQ(did_you_mean("wrist_9", names), "did you mean 'wrist_1', 'wrist_2' or 'wrist_3'?");
}

}  // namespace
}  // namespace geoul
