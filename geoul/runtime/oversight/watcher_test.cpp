#include "geoul/runtime/oversight/watcher.h"

#include <gtest/gtest.h>

#include "scenarios/plant/machine/followed_machine.h"

namespace geoul::runtime::oversight {
namespace {

struct Outcome {
  std::vector<Alarm> alarms;  // as told, newest last
  std::vector<std::string> over;
  double watching_since = 0;
};

Outcome watch(plant::FollowedMachine& followed, double seconds) {
  Watcher watcher(followed.twin(), followed.bindings(), {});
  Outcome out;
  while (followed.machine().time() < seconds) {
    const Watcher::Said said = watcher.observe(followed.next(), followed.measures());
    if (out.watching_since == 0 && watcher.phase() == Watcher::Phase::kWatching)
      out.watching_since = followed.machine().time();
    if (said.alarm) out.alarms.push_back(*said.alarm);
    if (said.over) out.over.push_back(*said.over);
  }
  return out;
}

TEST(Watcher, LearnsASoundMachineAndSaysNothingOfIt) {
  plant::FollowedMachine followed({});
  const Outcome outcome = watch(followed, 200);
  EXPECT_GT(outcome.watching_since, 60);
  EXPECT_LT(outcome.watching_since, 100);
  EXPECT_TRUE(outcome.alarms.empty()) << outcome.alarms.front().text;
}

// A plant that stands must not fill the memory of who waits for it to move.
TEST(Watcher, KeepsABoundedPastWhereNothingMoves) {
  plant::FollowedMachine followed({});
  Watcher watcher(followed.twin(), followed.bindings(), {});
  scene::State state = followed.next();
  RowMeasures measures = followed.measures();
  for (RowMeasures::JointRow& joint : measures.joints) joint.velocity = 0;
  for (int i = 0; i < 120'000; ++i) {
    state.time = state.time + Duration{8'000'000};
    watcher.observe(state, measures);
  }
  EXPECT_EQ(watcher.phase(), Watcher::Phase::kLearning);
  EXPECT_EQ(watcher.kept_rows(), 100'000u);
}

TEST(Watcher, FindsTheMotorsOfTheMachine) {
  plant::FollowedMachine followed({});
  Watcher watcher(followed.twin(), followed.bindings(), {});
  while (watcher.phase() == Watcher::Phase::kLearning) watcher.observe(followed.next(), followed.measures());
  const plant::Hidden truth = plant::draw(7, plant::nominal_joints());
  for (std::size_t j = 0; j < plant::kJoints; ++j) {
    ASSERT_TRUE(watcher.currents()[j]);
    const double k = watcher.currents()[j]->torque_constant(), is = truth.joints[j].torque_constant;
    EXPECT_NEAR(k / is, 1, j < 4 ? 0.06 : 0.15) << j;  // the last two carry next to nothing
  }
}

TEST(Watcher, NamesAFrictionRiseItsJointAndItsSize) {
  plant::FollowedMachine followed({{plant::FaultKind::kFriction, 120, 1, 0.6}});
  const Outcome outcome = watch(followed, 135);
  ASSERT_FALSE(outcome.alarms.empty());
  const Alarm& alarm = outcome.alarms.back();
  EXPECT_EQ(alarm.place, "/Cell/UR3e/Joints/shoulder_lift");
  EXPECT_EQ(alarm.causes.front().name, "friction rise");
  EXPECT_GT(alarm.causes.front().probability, 0.9);
  EXPECT_NEAR(alarm.onset.seconds(), 120, 1.5);
  const plant::JointTruth truth = plant::draw(7, plant::nominal_joints()).joints[1];
  EXPECT_NEAR(alarm.causes.front().size.value, 0.6 * (truth.coulomb + 0.25 * truth.viscous), 1);  // at some 0.25 rad/s
}

TEST(Watcher, NamesAPayloadThatWasNotDeclared) {
  plant::FollowedMachine followed({{plant::FaultKind::kPayload, 120, 0, 0.5}});
  const Outcome outcome = watch(followed, 146);
  ASSERT_FALSE(outcome.alarms.empty());
  const Cause& cause = outcome.alarms.back().causes.front();
  EXPECT_EQ(cause.name, "payload");
  EXPECT_NEAR(cause.size.value, 0.5, 0.05);
}

TEST(Watcher, NamesACollisionAndSaysWhenItIsOver) {
  plant::FollowedMachine followed({{plant::FaultKind::kCollision, 131, 2, 60}});
  const Outcome outcome = watch(followed, 165);
  ASSERT_FALSE(outcome.alarms.empty());
  EXPECT_EQ(outcome.alarms.back().causes.front().name, "collision");
  EXPECT_NEAR(outcome.alarms.front().detected.seconds(), followed.start() + 131, 0.3);
  EXPECT_EQ(outcome.over, std::vector<std::string>{outcome.alarms.back().place});
}

}  // namespace
}  // namespace geoul::runtime::oversight
