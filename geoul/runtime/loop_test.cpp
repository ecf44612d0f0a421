#include "geoul/runtime/loop.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace geoul::runtime {
namespace {

// Counts: the state after n steps is at n times 10 ms. `cost` is what a step takes on the wall clock.
class Counter : public Player {
 public:
  Counter(FakeClock& clock, int length) : clock_(clock), length_(length) {}
  const Snapshot& snapshot() const override { return snapshot_; }
  const std::vector<link::SignalInfo>& signals() const override { return signals_; }
  bool step() override {
    if (count_ == length_) return false;
    show(count_ + 1);
    clock_.advance(cost);
    return true;
  }
  Time next_time() const override { return {(std::min(count_ + 1, length_)) * dt().ns}; }
  Time begin() const override { return {0}; }
  Time end() const override { return {length_ * dt().ns}; }
  bool has_end() const override { return true; }
  bool can_seek() const override { return seekable; }
  void seek(Time t) override { show(static_cast<int>(t.ns / dt().ns)); }
  Duration dt() const override { return {10'000'000}; }
  std::string source() const override { return "counter"; }
  Report report() const override { return {}; }
  int report_version() const override { return 0; }

  int count() const { return count_; }
  Duration cost;
  bool seekable = true;

 private:
  void show(int count) {
    count_ = count;
    snapshot_.state.time = {count * dt().ns};
  }
  FakeClock& clock_;
  int length_, count_ = 0;
  Snapshot snapshot_;
  std::vector<link::SignalInfo> signals_;
};

struct World {
  FakeClock clock;
  Counter player{clock, 1000};
  std::uint64_t seen = 0;

  // Turns until the wall clock has moved on by d; the last turn.
  LoopTurn run(Loop& loop, Duration d) {
    const Time until = clock.now() + d;
    LoopTurn last;
    while (clock.now() < until && !last.finished) {
      last = loop.turn([this] { ++seen; });
      clock.wait_until(std::min(last.wake, until));
    }
    return last;
  }
};

TEST(Loop, FollowsTheWallClockAtTheSpeedAskedFor) {
  for (const double speed : {0.5, 1.0, 4.0}) {
    World world;
    Loop loop(world.player, world.clock, {.speed = speed});
    world.run(loop, Duration::from_seconds(1.995));
    // Within a step, and what falls due in the 4 ms that the loop rests.
    EXPECT_NEAR(world.player.count(), 199.5 * speed, 1.0 + 0.4 * speed) << speed;
    EXPECT_EQ(world.seen, static_cast<std::uint64_t>(world.player.count()));
    EXPECT_NEAR(loop.status().real_time_factor, speed, 0.02);
  }
}

TEST(Loop, RunsSlowerButLeavesNoStepOutWhereStepsCannotKeepUp) {
  World world;
  world.player.cost = Duration::from_seconds(0.02);  // twice what there is
  Loop loop(world.player, world.clock, {});
  world.run(loop, Duration::from_seconds(2));
  EXPECT_NEAR(world.player.count(), 100, 2);
  EXPECT_EQ(world.seen, static_cast<std::uint64_t>(world.player.count()));
  EXPECT_LT(loop.status().real_time_factor, 0.6);
}

TEST(Loop, RunsAsFastAsPossibleAndStopsAtTheEnd) {
  World world;
  world.player.cost = Duration{1000};
  Loop loop(world.player, world.clock, {.mode = ClockMode::kFreeRun, .at_end = AtEnd::kStop});
  const LoopTurn last = world.run(loop, Duration::from_seconds(1));
  EXPECT_TRUE(last.at_end);
  EXPECT_TRUE(last.finished);
  EXPECT_EQ(world.player.count(), 1000);
  EXPECT_LT(world.clock.now().seconds(), 0.1);
}

TEST(Loop, StandsStillWhilePausedAndTakesSingleSteps) {
  World world;
  Loop loop(world.player, world.clock, {.mode = ClockMode::kPaused});
  world.run(loop, Duration::from_seconds(1));
  EXPECT_EQ(world.player.count(), 0);
  ASSERT_TRUE(loop.apply(TakeSteps{3}));
  world.run(loop, Duration::from_seconds(1));
  EXPECT_EQ(world.player.count(), 3);
  EXPECT_EQ(loop.status().mode, ClockMode::kPaused);
}

TEST(Loop, DoesNotMakeUpForTimeThatWasSpentPaused) {
  World world;
  Loop loop(world.player, world.clock, {});
  world.run(loop, Duration::from_seconds(0.5));
  ASSERT_TRUE(loop.apply(SetMode{ClockMode::kPaused}));
  world.run(loop, Duration::from_seconds(5));
  const int before = world.player.count();
  ASSERT_TRUE(loop.apply(SetMode{ClockMode::kRealTime}));
  world.run(loop, Duration::from_seconds(0.5));
  EXPECT_NEAR(world.player.count() - before, 50, 1);
}

TEST(Loop, SeeksWithinTheRecordingAndSaysThatItLeapt) {
  World world;
  Loop loop(world.player, world.clock, {.mode = ClockMode::kPaused});
  ASSERT_TRUE(loop.apply(Seek{Time::from_seconds(7)}));
  EXPECT_EQ(world.player.count(), 700);
  EXPECT_TRUE(loop.turn([] {}).leapt);
  EXPECT_FALSE(loop.turn([] {}).leapt);
  ASSERT_TRUE(loop.apply(Seek{Time::from_seconds(1e9)}));
  EXPECT_EQ(world.player.count(), 1000);
}

TEST(Loop, BeginsAgainAtTheEndWhereAsked) {
  World world;
  Loop loop(world.player, world.clock, {.at_end = AtEnd::kRepeat});
  ASSERT_TRUE(loop.apply(Seek{Time::from_seconds(9.5)}));
  int ends = 0;
  bool leapt_back = false;
  for (int i = 0; i < 2000 && !leapt_back; ++i) {
    const LoopTurn turn = loop.turn([] {});
    ends += turn.at_end ? 1 : 0;
    leapt_back = turn.leapt && world.player.count() == 0;
    world.clock.wait_until(turn.wake);
  }
  EXPECT_TRUE(leapt_back);
  EXPECT_EQ(ends, 1);
}

TEST(Loop, PausesAtTheEndWhereAskedAndGoesOnAfterASeek) {
  World world;
  Loop loop(world.player, world.clock, {.at_end = AtEnd::kPause});
  ASSERT_TRUE(loop.apply(Seek{Time::from_seconds(9.9)}));
  world.run(loop, Duration::from_seconds(1));
  EXPECT_EQ(loop.status().mode, ClockMode::kPaused);
  ASSERT_TRUE(loop.apply(Seek{Time::from_seconds(0)}));
  ASSERT_TRUE(loop.apply(SetMode{ClockMode::kRealTime}));
  world.run(loop, Duration::from_seconds(1));
  EXPECT_NEAR(world.player.count(), 100, 1);
}

TEST(Loop, RefusesSpeedsOutOfRangeAndSeeksThatCannotBe) {
  World world;
  world.player.seekable = false;
  Loop loop(world.player, world.clock, {});
  for (const double speed : {0.0, -1.0, 1e4, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(loop.apply(SetSpeed{speed})) << speed;
  }
  EXPECT_FALSE(loop.apply(Seek{Time{0}}));
  EXPECT_TRUE(loop.apply(SetSpeed{2}));
}

TEST(SteadyClock, WakesEarlyWhenCalled) {
  SteadyClock clock;
  clock.wake();
  const Time start = clock.now();
  clock.wait_until(start + Duration::from_seconds(30));
  EXPECT_LT((clock.now() - start).seconds(), 10);
}

}  // namespace
}  // namespace geoul::runtime
