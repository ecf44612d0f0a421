#include "geoul/link/intake.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "geoul/core/random.h"

namespace geoul::link {
namespace {

struct Fixture {
  Time clock{1'700'000'000'000'000'000};
  Intake intake;
  explicit Fixture(std::vector<std::string> signals, std::size_t capacity = 1000)
      : intake({.id = "plant", .signals = std::move(signals), .capacity = capacity, .now = [this] { return clock; }}) {}
};

TEST(Intake, DeliversInOrderWithBothTimes) {
  Fixture f({"b", "a"});
  EXPECT_EQ(f.intake.find("a"), 1u);
  EXPECT_EQ(f.intake.find("c"), std::nullopt);
  f.intake.deliver(1, 2.5, Quality::kGood, Time{7});
  f.clock = f.clock + Duration{1000};
  f.intake.deliver(0, std::int64_t{3}, Quality::kUncertain);
  std::vector<Update> updates;
  f.intake.take(updates);
  ASSERT_EQ(updates.size(), 2u);
  EXPECT_EQ(updates[0].signal, 1u);
  EXPECT_EQ(updates[0].source_time, Time{7});
  EXPECT_EQ(number_of(updates[0].value), 2.5);
  EXPECT_EQ(updates[1].source_time, f.clock);
  EXPECT_EQ(updates[1].receive_time, f.clock);
  EXPECT_EQ(updates[1].quality, Quality::kUncertain);
  f.intake.take(updates);
  EXPECT_EQ(updates.size(), 2u);
}

// {signal, expected by the site, offered by the plant, words of the problem; empty: it fits}
TEST(Intake, AUnitThatIsNotTheExpectedOneMakesItsSignalBad) {
  const Unit radian = *parse_unit("rad"), degree = *parse_unit("deg"), celsius = *parse_unit("degC");
  struct Case {
    ExpectedUnit expected;
    std::string offered, problem;
  };
  const std::vector<Case> cases = {
      {{degree, "deg", false}, "deg", ""},
      {{radian, "", false}, "rad", ""},
      {{radian, "", false}, "", ""},         // the plant says nothing
      {{radian, "", false}, "bushels", ""},  // nothing that could be compared
      {{celsius, "degC", true}, "degC", ""},
      {{Unit(), "", true}, "m/s", ""},  // nobody says which quantity is due
      {{radian, "", false}, "deg", "comes in deg, and is taken for SI: it is not used; write 'unit: deg'"},
      {{degree, "deg", false}, "rad", "comes in rad, and is taken for 'deg'"},
      {{radian, "", false}, "mm/s", "another quantity"},
      {{celsius, "degC", true}, "K", "comes in K, and is taken for 'degC'"},
      {{Unit(), "", true}, "mm/s", "write 'unit: mm/s' for it in the table 'signals' of link 'plant'"}};
  for (const Case& c : cases) {
    Intake intake({.id = "plant", .signals = {"a", "b"}, .units = {c.expected, {}}});
    intake.offer_unit(0, c.offered);
    intake.deliver(0, 1.0, Quality::kGood);
    intake.deliver(1, 1.0, Quality::kGood);
    std::vector<Update> updates;
    intake.take(updates);
    EXPECT_EQ(updates.at(0).quality, c.problem.empty() ? Quality::kGood : Quality::kBad) << c.offered;
    EXPECT_EQ(updates.at(1).quality, Quality::kGood);
    const std::string problem = intake.health().problem;
    EXPECT_EQ(problem.empty(), c.problem.empty()) << problem;
    EXPECT_NE(problem.find(c.problem), std::string::npos) << problem;
    intake.set_problem("another");  // goes first, and hides it only while it lasts
    EXPECT_EQ(intake.health().problem, "another");
    intake.set_problem("");
    EXPECT_EQ(intake.health().problem, problem);
    intake.offer_unit(0, "");  // the plant was mended
    intake.deliver(0, 1.0, Quality::kGood);
    intake.take(updates);
    EXPECT_EQ(updates.back().quality, Quality::kGood);
    EXPECT_EQ(intake.health().problem, "");
  }
}

TEST(Intake, DropsTheOldestBeyondItsCapacityAndCountsThem) {
  Fixture f({"a"}, 4);
  for (int i = 0; i < 10; ++i) f.intake.deliver(0, std::int64_t{i}, Quality::kGood);
  std::vector<Update> updates;
  f.intake.take(updates);
  ASSERT_EQ(updates.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(number_of(updates[static_cast<std::size_t>(i)].value), 6 + i);
  EXPECT_EQ(f.intake.health().dropped, 6u);
  EXPECT_EQ(f.intake.health().updates, 10u);
}

TEST(Intake, TellsLossRepetitionAndLateness) {
  Fixture f({"a"});
  using S = Intake::Sequence;
  EXPECT_EQ(f.intake.sequence(0, 250, 256), S::kFirst);
  EXPECT_EQ(f.intake.sequence(0, 251, 256), S::kNext);
  EXPECT_EQ(f.intake.sequence(0, 251, 256), S::kRepeated);
  EXPECT_EQ(f.intake.sequence(0, 1, 256), S::kGap);  // 252 to 0
  EXPECT_EQ(f.intake.sequence(0, 254, 256), S::kOld);
  EXPECT_EQ(f.intake.sequence(0, 2, 256), S::kNext);
  f.intake.restart_sequence(0);
  EXPECT_EQ(f.intake.sequence(0, 0, 256), S::kFirst);
  EXPECT_EQ(f.intake.sequence(1, 77, 0), S::kFirst);
  const LinkHealth health = f.intake.health();
  EXPECT_EQ(health.lost, 5u);
  EXPECT_EQ(health.duplicated, 1u);
  EXPECT_EQ(health.reordered, 1u);
}

TEST(Intake, SignalsTurnBadOnceWithTheirLastValue) {
  Fixture f({"a", "b"});
  f.intake.deliver(0, 1.5, Quality::kGood);
  f.intake.mark_all_bad();
  f.intake.mark_all_bad();
  std::vector<Update> updates;
  f.intake.take(updates);
  ASSERT_EQ(updates.size(), 2u);  // b was never good
  EXPECT_EQ(updates[1].signal, 0u);
  EXPECT_EQ(updates[1].quality, Quality::kBad);
  EXPECT_EQ(number_of(updates[1].value), 1.5);
}

TEST(Intake, SaysThatAClockWentBack) {
  Fixture f({"a"});
  for (int i = 0; i < 10; ++i) {
    f.clock = f.clock + Duration{10'000'000};
    f.intake.deliver(0, 0.0, Quality::kGood, f.clock);
  }
  f.intake.deliver(0, 0.0, Quality::kGood, f.clock - Duration{5'000'000});
  EXPECT_EQ(f.intake.health().reordered, 1u);
  EXPECT_EQ(f.intake.health().clock_jumps, 0u);
  f.intake.deliver(0, 0.0, Quality::kGood, f.clock - Duration{3'600'000'000'000});
  EXPECT_EQ(f.intake.health().clock_jumps, 1u);
  EXPECT_NE(f.intake.health().problem.find("3600 s"), std::string::npos);
  f.clock = f.clock + Duration{10'000'000};
  f.intake.deliver(0, 0.0, Quality::kGood, f.clock - Duration{3'600'000'000'000});
  EXPECT_EQ(f.intake.health().clock_jumps, 1u);
  EXPECT_NEAR(f.intake.health().clock_offset.seconds(), 3600, 0.02);
}

TEST(Intake, OldValuesThatAreMarkedUncertainTellNothingOfTheClock) {
  Fixture f({"a"});
  f.intake.deliver(0, 1.0, Quality::kGood, f.clock);
  f.intake.deliver(0, 2.0, Quality::kUncertain, f.clock - Duration{3'600'000'000'000});
  f.intake.deliver(0, 3.0, Quality::kGood, f.clock);
  EXPECT_EQ(f.intake.health().clock_jumps, 0u);
  EXPECT_EQ(f.intake.health().reordered, 0u);
  EXPECT_EQ(f.intake.health().problem, "");
}

TEST(Intake, AClockThatBeganAnewIsNoJump) {
  Fixture f({"a"});
  f.intake.deliver(0, 0.0, Quality::kGood, Time{5'000'000'000'000});
  f.intake.restart_clock();
  f.intake.deliver(0, 0.0, Quality::kGood, Time{1'000'000'000});
  EXPECT_EQ(f.intake.health().clock_jumps, 0u);
  EXPECT_EQ(f.intake.health().problem, "");
  EXPECT_EQ(f.intake.health().clock_offset, f.clock - Time{1'000'000'000});
}

TEST(Intake, RateIsThatOfTheLastSeconds) {
  Fixture f({"a"});
  for (int i = 0; i < 1000; ++i) {
    f.clock = f.clock + Duration{10'000'000};
    f.intake.deliver(0, 0.0, Quality::kGood);
  }
  EXPECT_NEAR(f.intake.health().rate, 100, 2);
  f.clock = f.clock + Duration{6'000'000'000};
  EXPECT_EQ(f.intake.health().rate, 0);
}

TEST(Intake, CountsReconnectionsAndForgetsTheProblem) {
  Fixture f({"a"});
  f.intake.set_waiting("refused", f.clock);
  f.intake.set_live();
  EXPECT_EQ(f.intake.health().reconnects, 0u);
  EXPECT_EQ(f.intake.health().problem, "");
  f.intake.set_waiting("cut", f.clock);
  f.intake.set_live();
  f.intake.set_live();
  EXPECT_EQ(f.intake.health().reconnects, 1u);
}

TEST(Intake, ManyThreadsLoseNothing) {
  Intake intake({.id = "plant", .signals = {"a", "b", "c", "d"}, .capacity = 1u << 20});
  std::vector<std::thread> threads;
  for (std::uint32_t s = 0; s < 4; ++s) {
    threads.emplace_back([&intake, s] {
      for (std::int64_t i = 0; i < 5000; ++i) intake.deliver(s, i, Quality::kGood);
    });
  }
  std::vector<Update> updates;
  while (updates.size() < 20'000) intake.take(updates);
  for (std::thread& t : threads) t.join();
  std::vector<std::int64_t> next(4, 0);
  for (const Update& u : updates) EXPECT_EQ(std::get<std::int64_t>(u.value), next[u.signal]++);
}

// A clock 12.345 s behind that gains 30 ppm, delays of an exponential law over 2 ms: the estimate must find both.
TEST(ClockEstimate, FindsOffsetAndDriftUnderDelays) {
  ClockEstimate clock;
  Random random(7);
  const double drift = -30e-6;
  double offset = 0;
  for (int i = 0; i < 60'000; ++i) {
    const double t = 1e-3 * i;
    const double delay = 2e-3 - 5e-3 * std::log(1 - random.uniform());
    offset = 12.345 + drift * t;
    const Time receive = Time::from_seconds(1.7e9) + Duration::from_seconds(t + delay);
    clock.add(receive - Duration::from_seconds(offset + delay), receive);
  }
  EXPECT_NEAR(clock.offset().seconds(), offset + 2e-3, 2e-4);
  EXPECT_NEAR(clock.drift(), drift, 3e-6);
  EXPECT_NEAR(clock.delay_median().seconds(), 5e-3 * std::log(2.0), 1e-3);
}

TEST(ClockEstimate, ExactTimesGiveTheExactOffset) {
  ClockEstimate clock;
  for (int i = 0; i < 100; ++i) clock.add(Time{i * 10'000'000}, Time{i * 10'000'000 + 777});
  EXPECT_EQ(clock.offset(), Duration{777});
  EXPECT_EQ(clock.drift(), 0);
}

TEST(Backoff, DoublesUpToItsLongest) {
  Backoff backoff(3, {1'000'000}, {8'000'000});
  double whole = 1e6;
  for (int i = 0; i < 8; ++i) {
    const auto pause = static_cast<double>(backoff.next().ns);
    EXPECT_GE(pause, 0.5 * whole - 1);
    EXPECT_LE(pause, whole + 1);
    whole = std::min(2 * whole, 8e6);
  }
  backoff.succeeded();
  EXPECT_LE(backoff.next().ns, 1'000'000);
}

}  // namespace
}  // namespace geoul::link
