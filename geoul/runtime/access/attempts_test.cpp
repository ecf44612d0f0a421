#include "geoul/runtime/access/attempts.h"

#include <gtest/gtest.h>

namespace geoul::runtime::access {
namespace {

constexpr Duration kSecond{1'000'000'000};
constexpr Time kStart{1'000'000'000'000'000};

TEST(Attempts, TheWaitDoublesAfterAFewFailures) {
  const Limits limits;
  Attempts attempts(limits);
  Time now = kStart;
  std::vector<double> waits;
  for (int i = 0; i < 14; ++i) {
    EXPECT_EQ(attempts.wait("ann", "10.0.0.1", now), Duration{0});
    attempts.begin("ann", "10.0.0.1", now);
    const Duration wait = attempts.wait("ann", "10.0.0.1", now);
    waits.push_back(wait.seconds());
    now = now + wait;
  }
  EXPECT_EQ(waits, (std::vector<double>{0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300}));
  EXPECT_EQ(attempts.wait("ann", "10.0.0.2", now), Duration{0});  // from elsewhere
  EXPECT_EQ(attempts.wait("bob", "10.0.0.1", now), Duration{0});
}

TEST(Attempts, SuccessForgetsThePairAndTimeForgetsAll) {
  Attempts attempts{Limits{}};
  for (int i = 0; i < 5; ++i) attempts.begin("ann", "a", kStart);
  attempts.succeeded("ann", "a");
  EXPECT_EQ(attempts.wait("ann", "a", kStart), Duration{0});
  for (int i = 0; i < 9; ++i) attempts.begin("bob", "a", kStart);
  EXPECT_GT(attempts.wait("bob", "a", kStart + kSecond), Duration{0});
  EXPECT_EQ(attempts.wait("bob", "a", kStart + kSecond * 3601), Duration{0});
}

TEST(Attempts, ManyNamesFromOneAddressAndManyAddressesForOneNameWaitToo) {
  const Limits limits;
  Attempts attempts(limits);
  for (std::size_t i = 0; i < limits.address_failures; ++i) attempts.begin("u" + std::to_string(i), "a", kStart);
  EXPECT_EQ(attempts.wait("fresh", "a", kStart), limits.first_wait);
  for (std::size_t i = 0; i < limits.name_failures + 20; ++i) attempts.begin("ann", "b" + std::to_string(i), kStart);
  EXPECT_EQ(attempts.wait("ann", "fresh", kStart), limits.name_wait);  // bounded: a stranger can cause it
}

TEST(Attempts, MemoryIsBoundedAndKeepsWhoFailedMost) {
  const Limits limits;
  Attempts attempts(limits);
  for (int i = 0; i < 12; ++i) attempts.begin("ann", "attacker", kStart);
  for (int i = 0; i < 6000; ++i) attempts.begin("n" + std::to_string(i), "a" + std::to_string(i), kStart);
  EXPECT_LE(attempts.size(), limits.remembered_failures);
  EXPECT_GT(attempts.wait("ann", "attacker", kStart), kSecond * 100);
}

}  // namespace
}  // namespace geoul::runtime::access
