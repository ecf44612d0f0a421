#include "geoul/estimation/torque_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "geoul/core/random.h"
#include "scenarios/allocations.h"
#include "scenarios/mechanics.h"
#include "scenarios/observers/panda_trial.h"

namespace geoul::estimation {
namespace {

using namespace scenarios;

// The real log: no false alarm over its whole length, and steps of 1 N.m on its second half. Bounds are what was
// measured with 1,000 steps a joint (docs/notes/estimation.md), with the allowance of 60 draws.
TEST(TorqueWatch, FindsStepsOfOneNewtonMetreInTheRealPandaLog) {
  const auto cycles = read_panda_cycles(GEOUL_SOURCE_DIR);
  if (!cycles) GTEST_SKIP() << "../shared/data/panda_log is not on this machine";
  const long half = cycles->count() / 2;
  PandaModel model(dynamics::compiled(scenarios::arm7()), *cycles, half);
  const PandaFrames frames(*cycles, model);
  const TorqueWatchModel fitted = fit_torque_watch(panda_watch_options(), PandaCycles::kJoints, half, frames);
  TorqueWatch watch(fitted);
  for (long i = 0; i < cycles->count(); ++i) {
    const long before = scenarios::allocations();
    const TorqueStep step = watch.step(frames(i));
    ASSERT_EQ(scenarios::allocations(), before);
    EXPECT_FALSE(step.found) << describe(step, "joint" + std::to_string(step.joint + 1), 1e-3);
  }
  for (int joint = 0; joint < PandaCycles::kJoints; ++joint) {
    constexpr int kDraws = 60;
    const long allowed = joint < 4 ? 100 : 20;
    int missed = 0;
    Random random(50 + static_cast<std::uint64_t>(joint));
    std::vector<long> onsets;
    for (int k = 0; k < kDraws; ++k) onsets.push_back(half + random.integer(cycles->count() - half - 200));
    std::sort(onsets.begin(), onsets.end());
    TorqueWatch run(fitted);
    long at = 0;
    for (long onset : onsets) {
      for (; at < onset; ++at) run.step(frames(at));
      missed += find_step(run, frames, joint, onset, random.uniform() < 0.5 ? -1 : 1, allowed) < 0;
    }
    EXPECT_LE(missed, joint == 1 ? 6 : joint < 4 ? 2 : 1) << "joint " << joint + 1;
  }
}

}  // namespace
}  // namespace geoul::estimation
