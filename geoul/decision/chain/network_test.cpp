#include <gtest/gtest.h>

#include "geoul/decision/chain/network_trial.h"

namespace geoul::decision::chain {
namespace {

TEST(NetworkTrial, NothingAcknowledgedIsLostOrDoubled) {
  NetworkResult sum;
  for (std::uint64_t seed = 0; seed < 300; ++seed) add(sum, run_network_trial(1'000'000 + seed));
  EXPECT_EQ(sum.lost, 0);
  EXPECT_EQ(sum.doubled, 0);
  EXPECT_EQ(sum.forbidden, 0);
  EXPECT_EQ(sum.late, 0);
  EXPECT_EQ(sum.unfinished, 0);  // every command ends
  EXPECT_EQ(sum.apart, 0);
  // Every way to end was met, and the network was bad.
  EXPECT_GT(sum.acknowledged, 200);
  EXPECT_GT(sum.closed, 100);
  EXPECT_GT(sum.rolled_back, 50);
  EXPECT_GT(sum.refused, 50);
  EXPECT_GT(sum.expired, 50);
  EXPECT_GT(sum.withdrawn, 10);
  EXPECT_GT(sum.crashes, 500);
  EXPECT_GT(sum.lost_messages, sum.messages / 5);
}

TEST(NetworkTrial, ItIsAFunctionOfItsSeed) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const NetworkResult a = run_network_trial(seed), b = run_network_trial(seed);
    EXPECT_EQ(a.messages, b.messages);
    EXPECT_EQ(a.closed, b.closed);
  }
}

// With what the contract needs taken away the trial fails.
TEST(NetworkTrial, ItFindsAPlantThatForgets) {
  NetworkOptions options;
  options.plant_forgets = true, options.crashes = 30;
  NetworkResult sum;
  for (std::uint64_t seed = 0; seed < 100; ++seed) add(sum, run_network_trial(seed, options));
  EXPECT_GT(sum.violations(), 0);
}

}  // namespace
}  // namespace geoul::decision::chain
