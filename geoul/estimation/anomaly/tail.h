// How rare a value is among those that came before: -log10 of the share of them that are at least as large, continued
// beyond the largest by a power law (a Pareto tail over their highest fiftieth, Hill's estimate of its index). Needs no
// assumption about the distribution, and so makes statistics of different kinds comparable.
//
// The past is a histogram over the logarithm of the value: fixed memory, the same bits on every run. After `memory`
// values all counts are halved, so that a plant that changed is learnt anew.
// Source: Hill, Annals of Statistics 3 (1975) 1163; the idea of a conformal p-value: Laxhammar and Falkman, 2011.
#pragma once

#include <array>
#include <cstddef>

namespace geoul::estimation::anomaly {

class Tail {
 public:
  explicit Tail(double memory = 131072) : memory_(memory) {}

  // Surprise of x >= 0 among the values before it, then adds x. 0 until 100 values came. Finite. Allocates nothing;
  // O(bins).
  double step(double x);

  double count() const { return total_; }

 private:
  static constexpr int kPerDecade = 64, kDecades = 12;
  static constexpr int kBins = kPerDecade * kDecades + 2;  // the first: below 1e-6; the last: above 1e6

  double surprise(double x, int bin) const;

  std::array<double, kBins> counts_{};
  double total_ = 0;
  double memory_;
};

}  // namespace geoul::estimation::anomaly
