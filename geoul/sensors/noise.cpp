#include "geoul/sensors/noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/core/contract.h"

namespace geoul::sensors {
namespace {

constexpr double kDecade = 10;

// Deviation of each flicker process: N processes with correlation times a factor r apart have the spectrum
// sigma2 / (2 f ln r), which is B2 / (2 pi f) for sigma2 = B2 ln(r) / pi.
double flicker_deviation(double bias_instability) {
  return bias_instability * std::sqrt(std::log(kDecade) / std::numbers::pi);
}

// Allan variance of a first-order Gauss-Markov process of unit variance, x = tau / correlation time. The series
// avoids the cancellation at small x.
double gauss_markov_allan(double x) {
  if (x < 0.05) return x * (2.0 / 3 - x * (0.5 - x * (7.0 / 30 - x / 12)));
  return (2 * x - 3 + 4 * std::exp(-x) - std::exp(-2 * x)) / (x * x);
}

std::string number(double value) { return std::to_string(value); }

}  // namespace

void expect_finite(double value, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  if (!std::isfinite(value)) diagnostics.error(where, "not-a-number", field + " is not a finite number", "write one");
}

void expect_at_least(double value, double least, const Location& where, const std::string& field,
                     Diagnostics& diagnostics) {
  if (std::isnan(value)) {
    diagnostics.error(where, "not-a-number", field + " is not a number", "write one");
  } else if (value < least) {
    diagnostics.error(where, "out-of-range", field + " is " + number(value), "write at least " + number(least));
  }
}

void validate(const NoiseModel& noise, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  const auto positive = [&](double value, const char* name) {
    expect_at_least(value, 0, where, field + " " + name, diagnostics);
    if (std::isinf(value)) expect_finite(value, where, field + " " + name, diagnostics);
  };
  positive(noise.turn_on_bias, "turn-on bias");
  positive(noise.density, "noise density");
  positive(noise.bias_instability, "bias instability");
  positive(noise.random_walk, "random walk");
  expect_finite(noise.drift, where, field + " drift", diagnostics);
  expect_finite(noise.correlation_time, where, field + " correlation time", diagnostics);
  if (noise.correlation_time <= 0)
    diagnostics.error(where, "out-of-range", field + " correlation time is " + number(noise.correlation_time),
                      "write a positive time in seconds");
}

void validate(const Converter& converter, const Location& where, const std::string& field, Diagnostics& diagnostics) {
  expect_at_least(converter.resolution, 0, where, field + " resolution", diagnostics);
  if (std::isinf(converter.resolution)) expect_finite(converter.resolution, where, field + " resolution", diagnostics);
  if (!(converter.range > 0) || !(converter.range >= converter.resolution))
    diagnostics.error(where, "out-of-range", field + " range is " + number(converter.range),
                      "write a positive range, at least one step of the resolution");
}

NoiseMemory make_noise(const NoiseModel& noise, Random& random) {
  NoiseMemory memory;
  if (noise.turn_on_bias > 0) memory.turn_on = noise.turn_on_bias * random.normal();
  if (noise.bias_instability > 0) {
    const double deviation = flicker_deviation(noise.bias_instability);
    for (double& process : memory.flicker) process = deviation * random.normal();
  }
  return memory;
}

double next_noise(const NoiseModel& noise, Duration period, Random& random, NoiseMemory& memory) {
  const double T = period.seconds();
  memory.age = memory.age + period;
  double error = memory.turn_on + noise.drift * memory.age.seconds();
  if (noise.random_walk > 0) memory.walk += noise.random_walk * std::sqrt(T) * random.normal();
  if (noise.bias_instability > 0) {
    const double deviation = flicker_deviation(noise.bias_instability);
    double time = noise.correlation_time;
    for (double& process : memory.flicker) {
      const double keep = std::exp(-T / time);
      process = keep * process + deviation * std::sqrt(-std::expm1(-2 * T / time)) * random.normal();
      error += process;
      time /= kDecade;
    }
  }
  if (noise.density > 0) error += noise.density / std::sqrt(T) * random.normal();
  return error + memory.walk;
}

double allan_variance(const NoiseModel& noise, double tau) {
  GEOUL_EXPECTS(tau > 0);
  double variance = noise.density * noise.density / tau + noise.random_walk * noise.random_walk * tau / 3 +
                    noise.drift * noise.drift * tau * tau / 2;
  const double deviation = flicker_deviation(noise.bias_instability);
  double time = noise.correlation_time;
  for (int i = 0; i < 4; ++i, time /= kDecade) variance += deviation * deviation * gauss_markov_allan(tau / time);
  return variance;
}

double allan_variance(std::span<const double> samples, std::size_t m) {
  GEOUL_EXPECTS(m >= 1 && samples.size() > 2 * m);
  double first = 0, second = 0;
  for (std::size_t i = 0; i < m; ++i) first += samples[i], second += samples[i + m];
  const std::size_t terms = samples.size() - 2 * m + 1;
  double sum = 0;
  for (std::size_t i = 0; i < terms; ++i) {
    const double difference = (second - first) / static_cast<double>(m);
    sum += difference * difference;
    if (i + 1 == terms) break;
    first += samples[i + m] - samples[i];
    second += samples[i + 2 * m] - samples[i + m];
  }
  return sum / (2 * static_cast<double>(terms));
}

Reading convert(const Converter& converter, double value) {
  const double clipped = std::clamp(value, -converter.range, converter.range);
  Reading reading{clipped, clipped != value};
  if (converter.resolution > 0) {
    const double last = std::floor(converter.range / converter.resolution * (1 + 1e-12));
    reading.value = converter.resolution * std::clamp(std::floor(clipped / converter.resolution + 0.5), -last, last);
  }
  return reading;
}

}  // namespace geoul::sensors
