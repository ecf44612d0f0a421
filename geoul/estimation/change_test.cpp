#include "geoul/estimation/change_test.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation {

ChangeTest::ChangeTest(const ChangeTestOptions& options, std::span<const double> autoregression)
    : options_(options), lags_(static_cast<int>(autoregression.size())) {
  GEOUL_EXPECTS(options.window >= 4 && options.early >= 2 && options.early <= options.window);
  GEOUL_EXPECTS(options.memory >= 1 && lags_ <= kMostLags);
  std::copy(autoregression.begin(), autoregression.end(), c_.begin());
  onsets_.resize(static_cast<std::size_t>(options.window));
}

void ChangeTest::reset() {
  next_ = 0;
  filled_ = 0;
  g_ = 1;
}

ChangeScore ChangeTest::step(double innovation, double sigma, bool observed) {
  const double z = observed ? innovation / sigma : 0, weight = 1 / sigma;
  onsets_[next_] = Onset{};
  onsets_[next_].before = g_;
  const std::size_t window = onsets_.size();
  filled_ = std::min(filled_ + 1, options_.window);
  for (int age = 0; age < filled_; ++age) {
    Onset& o = onsets_[(next_ + window - static_cast<std::size_t>(age)) % window];
    double predicted = 0;
    const int lags = std::min(lags_, age);
    for (int k = 0; k < lags; ++k) predicted += c_[static_cast<std::size_t>(k)] * o.u[static_cast<std::size_t>(k)];
    std::copy_backward(o.u.begin(), o.u.end() - 1, o.u.end());
    o.u[0] = observed ? 1 : predicted;
    if (observed) {
      const double s = (1 - predicted) * weight;
      o.num += z * s;
      o.den += s * s;
      o.square += z * z;
      o.count += 1;
    }
    if (age == options_.early - 1) {
      o.early_num = o.num, o.early_den = o.den, o.early_square = o.square, o.early_count = o.count;
    }
  }
  if (observed) g_ += (std::min(z * z, options_.clip) - g_) / options_.memory;
  const bool full = filled_ == options_.window;
  next_ = (next_ + 1) % window;
  return full ? judge(onsets_[next_]) : ChangeScore{};
}

ChangeScore ChangeTest::judge(const Onset& o) const {
  if (!(o.den > 0) || o.count < 3 || o.early_count < 2) return {};
  const double b = o.num / o.den;
  const double left = (o.square - b * o.num) / (o.count - 1);
  const double early = (o.early_square - 2 * b * o.early_num + b * b * o.early_den) / (o.early_count - 1);
  const double scale = std::sqrt(std::max({1.0, o.before, left, early}));
  const double deviation = scale / std::sqrt(o.den);
  return {true, std::abs(b) / deviation, b, deviation};
}

double calibrate_threshold(std::span<const double> scores, int block, double run_length) {
  GEOUL_EXPECTS(block >= 1 && run_length > block);
  std::vector<double> peaks;
  for (std::size_t i = 0; i + static_cast<std::size_t>(block) <= scores.size(); i += static_cast<std::size_t>(block)) {
    peaks.push_back(*std::max_element(scores.begin() + static_cast<std::ptrdiff_t>(i),
                                      scores.begin() + static_cast<std::ptrdiff_t>(i) + block));
  }
  GEOUL_EXPECTS(peaks.size() >= 20);
  std::sort(peaks.begin(), peaks.end());
  const auto n = static_cast<double>(peaks.size());
  double b0 = 0, b1 = 0;
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    b0 += peaks[i] / n;
    b1 += static_cast<double>(i) / (n - 1) * peaks[i] / n;
  }
  constexpr double kEuler = 0.5772156649015329;
  const double scale = (2 * b1 - b0) / std::log(2.0);
  const double mode = b0 - kEuler * scale;
  return mode - scale * std::log(-std::log1p(-block / run_length));
}

}  // namespace geoul::estimation
