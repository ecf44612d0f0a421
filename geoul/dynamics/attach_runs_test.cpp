// Joints made and broken in whole runs: nothing slips, nothing jumps, momentum stays. Full lengths: bench/figures.
#include <gtest/gtest.h>

#include "scenarios/attach_runs.h"

namespace geoul::dynamics {
namespace {

using namespace scenarios;

void expect_sound(const AttachRun& run, int changes) {
  EXPECT_GE(run.changes, changes);
  EXPECT_EQ(run.refused, 0);
  EXPECT_LE(run.slip, 1e-12);
  EXPECT_LE(run.turn, 1e-12);
  EXPECT_LE(run.jump, 1e-12);
  EXPECT_LE(run.momentum, 1e-12);
  EXPECT_LE(run.loss, 1e-10);
  EXPECT_TRUE(run.solved);
}

TEST(AttachRun, AGraspDoesNotSlipWhateverItsMass) {
  for (const double mass : {1., 10., 50.}) expect_sound(run_grasp(mass, 1), 2);
}
TEST(AttachRun, ABoxWeldedToAMovingArmStaysThere) { expect_sound(run_weld_to_moving_arm(), 3); }
TEST(AttachRun, AToolIsChanged) { expect_sound(run_tool_change(), 5); }
TEST(AttachRun, TwoMachinesDock) { expect_sound(run_docking(), 2); }
TEST(AttachRun, APartGoesFromHandToHandWithoutAJump) { expect_sound(run_hand_over(), 4); }
TEST(AttachRun, RandomPairsKeepEveryInvariant) { expect_sound(run_random_pairs(300, 2), 600); }

}  // namespace
}  // namespace geoul::dynamics
