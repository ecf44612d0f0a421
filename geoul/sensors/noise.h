// Noise of one measured channel, in the terms of data sheets and of IEEE Std 952-1997 annex C. u is the channel's unit
// (rad/s, m/s2, N, N.m).
//   reading = truth + turn-on bias + drift t + random walk + flicker + white noise
// Discretised at the sampling period T: white noise has deviation density / sqrt(T); the random walk steps by
// random_walk sqrt(T) normal(); flicker is a sum of four first-order Gauss-Markov processes whose correlation times
// stand a decade apart, each exact over T. See docs/notes/sensors.md. Draws come from the Random of the caller's
// memory: a copy of the memory is a snapshot.
#pragma once

#include <array>
#include <limits>
#include <span>

#include "geoul/core/diagnostics.h"
#include "geoul/core/random.h"
#include "geoul/core/time.h"

namespace geoul::sensors {

struct NoiseModel {
  double turn_on_bias = 0;      // deviation of a constant that is drawn once, at power-up [u]
  double density = 0;           // N: white noise [u/sqrt(Hz)]; Allan deviation N / sqrt(tau). Two-sided: a data sheet's
                                // one-sided spectral density is sqrt(2) of it, its "random walk" [u sqrt(s)] equals it
  double bias_instability = 0;  // B: flicker [u]; Allan deviation 0.664 B over its decades
  double correlation_time = 100;  // longest of the flicker's processes [s]; the shortest is a thousandth of it
  double random_walk = 0;         // K: of the bias [u/s/sqrt(Hz)]; Allan deviation K sqrt(tau / 3)
  double drift = 0;               // R: ramp [u/s]; Allan deviation R tau / sqrt(2)
};

struct NoiseMemory {
  double turn_on = 0;
  double walk = 0;
  std::array<double, 4> flicker{};
  Duration age;
};

// Adds to diagnostics every value that is negative or not a number (codes not-a-number, out-of-range). `field` names
// the channel.
void validate(const NoiseModel& noise, const Location& where, const std::string& field, Diagnostics& diagnostics);

// At power-up: turn-on bias drawn, flicker in its stationary distribution, walk and drift at zero.
NoiseMemory make_noise(const NoiseModel& noise, Random& random);

// The error of the next sample, one period after the last [u].
double next_noise(const NoiseModel& noise, Duration period, Random& random, NoiseMemory& memory);

// Allan variance [u2] of the model's stationary and drifting parts over averages of tau [s], closed form (flicker: of
// the four processes that stand for it).
double allan_variance(const NoiseModel& noise, double tau);
// Overlapping Allan variance of samples, over averages of m of them. Needs m >= 1 and samples.size() > 2 m. O(n).
double allan_variance(std::span<const double> samples, std::size_t m);

// Analogue range and step of the digits. Clips, then rounds to the nearest code; the codes do not go beyond the range.
struct Converter {
  double range = std::numeric_limits<double>::infinity();  // +- [u]
  double resolution = 0;                                   // [u]; 0: continuous
};
struct Reading {
  double value = 0;
  bool saturated = false;
};
Reading convert(const Converter& converter, double value);
void validate(const Converter& converter, const Location& where, const std::string& field, Diagnostics& diagnostics);

// `value` must be a number and at least `least`; codes as above.
void expect_at_least(double value, double least, const Location& where, const std::string& field,
                     Diagnostics& diagnostics);
// `value` must be a finite number.
void expect_finite(double value, const Location& where, const std::string& field, Diagnostics& diagnostics);

}  // namespace geoul::sensors
