#include "geoul/sensors/encoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace geoul::sensors {
namespace {

const scene::StateLayout kLayout{1, 1, {{0, 1, 0, 1}, {-1, 0, -1, 0}}};  // a turning joint and a fixed one

Encoder encoder(EncoderKind kind, std::int64_t counts) {
  Encoder e;
  e.name = "/arm/elbow/encoder";
  e.joint = scene::JointId{0};
  e.kind = kind;
  e.counts_per_turn = counts;
  return e;
}

// Shows the encoder q(t) with its exact rate at steps of `step` ns up to `end` ns.
std::vector<EncoderSample> run(const Encoder& e, std::int64_t step, std::int64_t end,
                               const std::function<double(double)>& q) {
  EncoderMemory memory = make_memory(e, kLayout).value();
  std::vector<EncoderSample> out;
  for (std::int64_t t = 0; t <= end; t += step) {
    scene::State state;
    state.time = Time{t};
    const double s = state.time.seconds(), h = 1e-5;
    state.q = {q(s)};
    state.v = {(q(s + h) - q(s - h)) / (2 * h)};
    EXPECT_TRUE(measure(e, kLayout, state, memory, out));
  }
  return out;
}

TEST(Encoder, PositionIsWithinHalfACount) {
  Encoder e = encoder(EncoderKind::kMultiTurn, 4096);
  e.offset = 0.2;
  const auto q = [](double t) { return 20 * std::sin(3 * t); };
  for (const EncoderSample& s : run(e, 1'000'000, 1'000'000'000, q)) {
    EXPECT_LE(std::abs(s.position - q(s.when.time.seconds())), 0.5 * e.resolution() * (1 + 1e-9));
    EXPECT_TRUE(s.referenced);
  }
}

TEST(Encoder, BetweenStatesIsRightToFourthOrder) {
  Encoder e = encoder(EncoderKind::kMultiTurn, std::int64_t{1} << 40);  // fine enough to see the interpolation
  e.sampling.period = Duration{500'000};
  const auto q = [](double t) { return std::sin(9 * t); };
  const auto worst = [&](std::int64_t step) {
    double error = 0;
    for (const EncoderSample& s : run(e, step, 400'000'000, q))
      error = std::max(error, std::abs(s.position - q(s.when.time.seconds())));
    return error;
  };
  const double coarse = worst(40'000'000), fine = worst(20'000'000);
  EXPECT_NEAR(coarse, std::pow(9 * 0.04, 4) / 384, 0.1 * coarse);  // h^4 / 384 max|q''''|
  EXPECT_NEAR(std::log2(coarse / fine), 4, 0.1);
}

TEST(Encoder, OneTurnCountsExactlyItsCounts) {
  const Encoder e = encoder(EncoderKind::kMultiTurn, 1000);
  const auto samples = run(e, 1'000'000, 1'000'000'000, [](double t) { return 2 * std::numbers::pi * 5 * t; });
  EXPECT_EQ(samples.front().count, 0);
  EXPECT_EQ(samples.back().count, 5000);
  EXPECT_EQ(samples.back().velocity, 5 * e.resolution() / 1e-3);  // five counts a period
}

TEST(Encoder, OnTheMotorsShaftResolvesTheRatioFiner) {
  Encoder e = encoder(EncoderKind::kMultiTurn, 4096);
  e.travel_per_turn = -2 * std::numbers::pi / 101;  // behind a reversing gear
  const auto samples = run(e, 1'000'000, 100'000'000, [](double t) { return t; });
  EXPECT_EQ(samples.back().count, -std::llround(0.1 * 101 * 4096 / (2 * std::numbers::pi)));
  EXPECT_NEAR(samples.back().position, 0.1, 0.5 * std::abs(e.resolution()));
}

TEST(Encoder, SingleTurnWraps) {
  const Encoder e = encoder(EncoderKind::kSingleTurn, 100);
  const double res = e.resolution();
  const auto samples = run(e, 1'000'000, 4'000'000, [&](double t) { return -res + 1e3 * t * res; });
  ASSERT_EQ(samples.size(), 5u);
  EXPECT_EQ(samples[0].count, 99);
  EXPECT_EQ(samples[1].count, 0);
  EXPECT_EQ(samples[2].count, 1);
  EXPECT_NEAR(samples[1].velocity, res / 1e-3, 1e-12);  // not a turn backwards
}

TEST(Encoder, IncrementalIsReferencedByTheFirstIndexPulse) {
  Encoder e = encoder(EncoderKind::kIncremental, 100);
  e.index_count = 30;
  e.offset = 0.05;
  const double res = e.resolution();
  // up from count 10 to 50 by one count a sample, then down again
  const auto q = [&](double t) {
    const double k = t * 1e3;
    return e.offset + res * (k <= 40 ? 10 + k : 90 - k);
  };
  EncoderMemory memory = make_memory(e, kLayout).value();
  std::vector<EncoderSample> s;
  for (int k = 0; k <= 80; ++k) {
    scene::State state;
    state.time = Time{k * 1'000'000};
    state.q = {q(1e-3 * k)};
    state.v = {0};
    ASSERT_TRUE(measure(e, kLayout, state, memory, s));
  }
  EXPECT_EQ(s[0].count, 0);
  EXPECT_FALSE(s[19].referenced);
  EXPECT_EQ(s[19].count, 19);
  EXPECT_TRUE(s[20].index);
  EXPECT_TRUE(s[20].referenced);
  EXPECT_EQ(s[20].count, 0);
  EXPECT_NEAR(s[25].position, q(0.025), 1e-12);  // now it knows where it is
  EXPECT_FALSE(s[59].index);
  EXPECT_TRUE(s[60].index);  // on the way back, at count 30
  EXPECT_EQ(s[60].count, 0);
  int pulses = 0;
  for (const EncoderSample& sample : s) pulses += sample.index ? 1 : 0;
  EXPECT_EQ(pulses, 2);
}

TEST(Encoder, WhatIsWrongIsNamed) {
  Encoder e = encoder(EncoderKind::kMultiTurn, 0);
  e.travel_per_turn = 0;
  e.joint = scene::JointId{1};  // fixed
  Diagnostics diagnostics;
  validate(e, kLayout, diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u) << diagnostics.text();
  EXPECT_TRUE(diagnostics.has("no-degree"));
  EXPECT_NE(make_memory(e, kLayout).error().message.find("counts per turn is 0"), std::string::npos);

  const Encoder good = encoder(EncoderKind::kMultiTurn, 4096);
  EncoderMemory memory = make_memory(good, kLayout).value();
  std::vector<EncoderSample> out;
  scene::State state;
  for (const double q : {std::nan(""), 1e300}) {
    state.q = {q}, state.v = {0};
    EXPECT_FALSE(measure(good, kLayout, state, memory, out));
    EXPECT_TRUE(out.empty());
    EXPECT_FALSE(memory.any);
  }
}

}  // namespace
}  // namespace geoul::sensors
