#include "geoul/runtime/oversight/alarm_book.h"

#include <gtest/gtest.h>

namespace geoul::runtime::oversight {
namespace {

Alarm at(const std::string& place, double size, std::int64_t onset = 5) {
  Alarm out;
  out.place = place;
  out.text = place + " is off";
  out.size = {size, 0.1, "N.m"};
  out.onset = {onset};
  out.detected = {onset + 1};
  return out;
}

TEST(AlarmBook, WhatIsFoundAgainIsTheSameAlarm) {
  int told = 0;
  AlarmBook book([&](const Alarm&) { ++told; });
  const std::uint64_t elbow = book.raise(at("/elbow", 1));
  ASSERT_TRUE(book.acknowledge(elbow, "kim", "gearbox"));
  EXPECT_EQ(book.raise(at("/elbow", 2, 9)), elbow);
  ASSERT_EQ(book.alarms().size(), 1u);
  const Alarm& alarm = book.alarms()[0];
  EXPECT_EQ(alarm.size.value, 2);
  EXPECT_EQ(alarm.onset.ns, 5);
  EXPECT_EQ(alarm.state, AlarmState::kAcknowledged);
  EXPECT_EQ(alarm.acknowledged_by, "kim");
  EXPECT_EQ(told, 3);
}

TEST(AlarmBook, WhatComesBackIsANewOneAndStandsFirst) {
  AlarmBook book;
  const std::uint64_t first = book.raise(at("/elbow", 1));
  book.raise(at("/wrist", 1));
  book.clear("/elbow", {20});
  book.clear("/elbow", {30});  // is over already
  const std::uint64_t second = book.raise(at("/elbow", 1, 40));
  EXPECT_NE(first, second);
  ASSERT_EQ(book.alarms().size(), 3u);
  EXPECT_EQ(book.alarms()[0].id, second);
  EXPECT_EQ(book.find(first)->cleared->ns, 20);
  EXPECT_EQ(book.find(first)->state, AlarmState::kCleared);
}

TEST(AlarmBook, IsAcknowledgedOnce) {
  AlarmBook book;
  const std::uint64_t id = book.raise(at("/elbow", 1));
  book.clear("/elbow", {20});
  ASSERT_TRUE(book.acknowledge(id, "kim", ""));  // also afterwards: it stays over
  EXPECT_EQ(book.find(id)->state, AlarmState::kCleared);
  const Result<void> again = book.acknowledge(id, "lee", "");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "alarm 1: was seen already, by kim");
  EXPECT_EQ(book.acknowledge(7, "lee", "").error().message, "alarm 7: there is none of that number");
}

TEST(AlarmBook, KeepsWhatIsNotOverWhereThereAreTooMany) {
  AlarmBook book;
  const std::uint64_t open = book.raise(at("/open", 1));
  for (std::size_t i = 0; i < AlarmBook::kMost + 5; ++i) {
    book.raise(at("/elbow", 1));
    book.clear("/elbow", {20});
  }
  EXPECT_EQ(book.alarms().size(), AlarmBook::kMost);
  EXPECT_NE(book.find(open), nullptr);
}

}  // namespace
}  // namespace geoul::runtime::oversight
