#include "geoul/runtime/server/outbox.h"

#include <gtest/gtest.h>

#include <vector>

namespace geoul::runtime {
namespace {

Frame frame(std::uint32_t channel, std::int64_t number, std::size_t size = 1) {
  return {channel, Time{number}, std::make_shared<const std::string>(size, 'x')};
}

std::vector<std::int64_t> drain(Outbox& outbox) {
  std::vector<std::int64_t> numbers;
  while (auto next = outbox.pop()) numbers.push_back(next->time.ns);
  return numbers;
}

TEST(Outbox, KeepsTheOrderAcrossChannels) {
  Outbox outbox;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(outbox.push(frame(static_cast<std::uint32_t>(i % 3), i)), 0u);
  EXPECT_EQ(drain(outbox), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, DropsTheOldestOfAChannelOnly) {
  Outbox outbox({.frames_per_channel = 2, .bytes = 1000});
  outbox.push(frame(7, 0));
  std::size_t dropped = 0;
  for (int i = 1; i <= 5; ++i) dropped += outbox.push(frame(8, i));
  EXPECT_EQ(dropped, 3u);
  EXPECT_EQ(drain(outbox), (std::vector<std::int64_t>{0, 4, 5}));
}

TEST(Outbox, StaysUnderItsBytesYetKeepsTheNewestOfEveryChannel) {
  Outbox outbox({.frames_per_channel = 100, .bytes = 100});
  outbox.push(frame(1, 0, 40));
  std::size_t dropped = 0;
  for (int i = 1; i <= 10; ++i) {
    dropped += outbox.push(frame(2, i, 30));
    EXPECT_LE(outbox.bytes(), 100u);
  }
  EXPECT_EQ(dropped, 8u);                          // 40 + 2 x 30 fit
  EXPECT_EQ(outbox.push(frame(3, 11, 5000)), 1u);  // larger than all: it survives, as does the newest of 1 and 2
  EXPECT_EQ(drain(outbox), (std::vector<std::int64_t>{0, 10, 11}));
}

TEST(Outbox, ReplacesWhatWaitsAndKeepsItsTurn) {
  Outbox outbox;
  EXPECT_FALSE(outbox.replace(frame(1, 0, 10)));
  outbox.push(frame(2, 1));
  EXPECT_TRUE(outbox.replace(frame(1, 2, 30)));
  EXPECT_TRUE(outbox.replace(frame(1, 3, 20)));
  EXPECT_EQ(outbox.size(), 2u);
  EXPECT_EQ(outbox.bytes(), 21u);
  EXPECT_TRUE(outbox.holds(1));
  EXPECT_EQ(drain(outbox), (std::vector<std::int64_t>{3, 1}));
  EXPECT_FALSE(outbox.holds(1));
  EXPECT_EQ(outbox.bytes(), 0u);
}

TEST(Outbox, GivesOnlyWhatIsReady) {
  Outbox outbox;
  outbox.push(frame(1, 0));
  outbox.push(frame(2, 1));
  const auto next = outbox.pop([](std::uint32_t channel) { return channel == 2; });
  ASSERT_TRUE(next);
  EXPECT_EQ(next->time.ns, 1);
  EXPECT_FALSE(outbox.pop([](std::uint32_t) { return false; }));
  EXPECT_EQ(outbox.size(), 1u);
}

TEST(Outbox, ForgetsAChannel) {
  Outbox outbox;
  outbox.push(frame(1, 0));
  outbox.push(frame(2, 1));
  outbox.push(frame(1, 2));
  outbox.erase(1);
  EXPECT_EQ(outbox.bytes(), 1u);
  EXPECT_EQ(drain(outbox), (std::vector<std::int64_t>{1}));
}

}  // namespace
}  // namespace geoul::runtime
