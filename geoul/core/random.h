// Counter-based random numbers: Philox 4x32-10. A draw is a pure function of (seed, stream, counter), so any
// world, thread or sample draws its own numbers in any order and the bits stay the same.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace geoul {

// One block of the generator: 4 x 32 bits from a 128-bit counter and a 64-bit key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

class Random {
 public:
  // Draws of two streams of one seed are independent.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  std::uint64_t bits();                     // 64 uniform bits
  double uniform();                         // in [0, 1), multiples of 2^-53
  double uniform(double low, double high);  // in [low, high)
  double normal();                          // mean 0, deviation 1 (Box-Muller)
  std::int64_t integer(std::int64_t n);     // in [0, n); n > 0

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
};

}  // namespace geoul
