// Noise against the closed forms of IEEE 952, with bounds from the scatter of the Allan variance's own estimate.
#include "geoul/sensors/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace geoul::sensors {
namespace {

const Duration kPeriod{10'000'000};  // 100 Hz

std::vector<double> record(const NoiseModel& noise, std::size_t n, std::uint64_t seed = 7) {
  Random random(seed);
  NoiseMemory memory = make_noise(noise, random);
  std::vector<double> out(n);
  for (double& x : out) x = next_noise(noise, kPeriod, random, memory);
  return out;
}

// Relative deviation of an Allan deviation that is estimated from n samples in averages of m: about 1 / sqrt(2 (n/m -
// 1)) (IEEE 952, C.1). Four of them.
double scatter(std::size_t n, std::size_t m) { return 4 / std::sqrt(2.0 * (static_cast<double>(n / m) - 1)); }

void expect_deviation(const std::vector<double>& samples, std::size_t m, double expected, const char* what) {
  const double found = std::sqrt(allan_variance(samples, m));
  EXPECT_NEAR(found / expected, 1, scatter(samples.size(), m)) << what << " at m = " << m;
}

TEST(Noise, WhiteNoiseHasTheAllanDeviationOfItsDensity) {
  NoiseModel noise;
  noise.density = 0.02;
  const std::vector<double> samples = record(noise, 200'000);
  for (const std::size_t m : {1, 10, 100, 1000}) {
    const double tau = static_cast<double>(m) * kPeriod.seconds();
    expect_deviation(samples, m, noise.density / std::sqrt(tau), "white");
  }
}

TEST(Noise, RandomWalkHasTheAllanDeviationOfItsStrength) {
  NoiseModel noise;
  noise.random_walk = 0.003;
  const std::vector<double> samples = record(noise, 200'000);
  for (const std::size_t m : {10, 100, 1000}) {  // m = 1 still feels the sampling: K^2 tau / 2 instead of / 3
    const double tau = static_cast<double>(m) * kPeriod.seconds();
    expect_deviation(samples, m, noise.random_walk * std::sqrt(tau / 3), "walk");
  }
}

TEST(Noise, FlickerFloorIsTheBiasInstability) {
  NoiseModel noise;
  noise.bias_instability = 0.5;
  noise.correlation_time = 100;
  // closed form of the four processes against the true flicker's floor, B sqrt(2 ln 2 / pi), inside its decades (7 % at
  // their ends)
  const double floor = noise.bias_instability * std::sqrt(2 * std::log(2.0) / std::numbers::pi);
  for (const double tau : {0.6, 1.0, 3.0, 10.0, 30.0, 100.0})
    EXPECT_NEAR(std::sqrt(allan_variance(noise, tau)) / floor, 1, 0.07) << tau;
  // and what is generated against the closed form
  const std::vector<double> samples = record(noise, 400'000);
  for (const std::size_t m : {100, 1000, 3000}) {
    const double tau = static_cast<double>(m) * kPeriod.seconds();
    expect_deviation(samples, m, std::sqrt(allan_variance(noise, tau)), "flicker");
  }
}

TEST(Noise, ClosedFormOfTheFlickerIsSmoothWhereItsSeriesEnds) {
  NoiseModel noise;
  noise.bias_instability = 1;
  noise.correlation_time = 1000;
  for (double time = 1000; time > 0.5; time /= 10) {
    const double before = allan_variance(noise, 0.05 * time * (1 - 1e-9));
    const double after = allan_variance(noise, 0.05 * time * (1 + 1e-9));
    EXPECT_NEAR(before, after, 1e-6 * after) << time;
  }
}

TEST(Noise, DriftHasTheAllanDeviationOfARamp) {
  NoiseModel noise;
  noise.drift = 0.1;
  const std::vector<double> samples = record(noise, 1000);
  EXPECT_NEAR(std::sqrt(allan_variance(samples, 100)), 0.1 * 1.0 / std::numbers::sqrt2, 1e-12);
  EXPECT_NEAR(samples.back(), 0.1 * 10, 1e-12);
}

TEST(Noise, TurnOnBiasScattersFromPowerUpToPowerUp) {
  NoiseModel noise;
  noise.turn_on_bias = 2;
  double sum = 0;
  const int n = 10'000;
  Random random(3);
  for (int i = 0; i < n; ++i) sum += std::pow(make_noise(noise, random).turn_on, 2);
  EXPECT_NEAR(std::sqrt(sum / n), 2, 4 * 2 / std::sqrt(2.0 * n));
}

TEST(Noise, SameSeedSameBitsAndACopyGoesOnTheSame) {
  NoiseModel noise{0.1, 0.2, 0.3, 50, 0.4, 0.5};
  EXPECT_EQ(record(noise, 100), record(noise, 100));
  EXPECT_NE(record(noise, 100), record(noise, 100, 8));
  Random random(1);
  NoiseMemory memory = make_noise(noise, random);
  for (int i = 0; i < 10; ++i) next_noise(noise, kPeriod, random, memory);
  Random random2 = random;
  NoiseMemory memory2 = memory;
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(next_noise(noise, kPeriod, random, memory), next_noise(noise, kPeriod, random2, memory2));
}

TEST(Converter, ClipsAtTheRangeAndRoundsToTheNearestCode) {
  const Converter c{1.0, 0.3};  // codes -3 to 3
  EXPECT_DOUBLE_EQ(convert(c, 0.44).value, 0.3);
  EXPECT_DOUBLE_EQ(convert(c, -0.46).value, -0.6);
  EXPECT_DOUBLE_EQ(convert(c, 0.99).value, 0.9);
  EXPECT_FALSE(convert(c, 0.99).saturated);
  EXPECT_DOUBLE_EQ(convert(c, 5).value, 0.9);
  EXPECT_TRUE(convert(c, 5).saturated);
  EXPECT_TRUE(convert(c, -5).saturated);
  EXPECT_EQ(convert({}, 0.123).value, 0.123);
}

TEST(Noise, WrongParametersAreNamed) {
  Diagnostics diagnostics;
  NoiseModel noise;
  noise.density = -1;
  noise.random_walk = std::nan("");
  noise.correlation_time = 0;
  validate(noise, {{}, 0, "gyro"}, "x", diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u);
  EXPECT_NE(diagnostics.text().find("gyro: x noise density is -1"), std::string::npos) << diagnostics.text();
  validate(Converter{0, 0}, {}, "range", diagnostics);
  validate(Converter{1, 2}, {}, "range", diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 5u);
}

}  // namespace
}  // namespace geoul::sensors
