#include "geoul/estimation/anomaly/row_detector.h"

#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"

namespace geoul::estimation::anomaly {
namespace {

constexpr double kClip = 10;  // deviations: a row teaches the covariance no more than this

}  // namespace

RowDetector::RowDetector(std::size_t columns, const RowDetectorOptions& options)
    : n_(columns),
      options_(options),
      fast_(columns),
      previous_(columns),
      change_(columns),
      factor_(columns * columns),
      z_(columns),
      y_(columns),
      episodes_(options.episodes) {
  GEOUL_EXPECTS(columns >= 1 && columns <= kMostColumns);
  GEOUL_EXPECTS(options.threshold > 0 && options.shift_rows >= 1 && options.long_rows >= 1);
  GEOUL_EXPECTS(options.shrinkage > 0 && options.shrinkage <= 1);
  for (Cloud* cloud : {&rows_, &changes_}) {
    cloud->mean.assign(columns, 0);
    cloud->covariance.assign(columns * columns, 0);
  }
}

void RowDetector::learn(Cloud& cloud, std::span<const double> x) {
  const double gain = std::max(1 / options_.long_rows, 1 / (cloud.count + 1));
  for (std::size_t i = 0; i < n_; ++i) {
    const double sigma = std::sqrt(cloud.covariance[i * n_ + i]);
    const double d = x[i] - cloud.mean[i];
    z_[i] = cloud.count < 20 || sigma == 0 ? d : std::clamp(d, -kClip * sigma, kClip * sigma);
  }
  for (std::size_t i = 0; i < n_; ++i) {
    cloud.mean[i] += gain * z_[i];
    for (std::size_t j = 0; j < n_; ++j) {
      double& c = cloud.covariance[i * n_ + j];
      c = (1 - gain) * (c + gain * z_[i] * z_[j]);
    }
  }
  cloud.count += 1;
}

// By the Cholesky factor of the shrunk correlation matrix, which is positive definite by the shrinkage.
double RowDetector::distance(const Cloud& cloud, std::span<const double> x, std::size_t& column) {
  const double rho = std::max(options_.shrinkage, std::min(1.0, static_cast<double>(n_) / (cloud.count + 1)));
  const auto sigma = [&](std::size_t i) { return std::sqrt(cloud.covariance[i * n_ + i]); };
  for (std::size_t i = 0; i < n_; ++i) {
    const double floor = 1e-9 * std::max(std::abs(cloud.mean[i]), 1e-9);  // a signal that stood still
    z_[i] = std::clamp((x[i] - cloud.mean[i]) / std::max(sigma(i), floor), -1e5, 1e5);
    for (std::size_t j = 0; j <= i; ++j) {
      const double both = sigma(i) * sigma(j);
      double a = i == j ? 1 : (both > 0 ? (1 - rho) * cloud.covariance[i * n_ + j] / both : 0);
      for (std::size_t k = 0; k < j; ++k) a -= factor_[i * n_ + k] * factor_[j * n_ + k];
      factor_[i * n_ + j] = i == j ? std::sqrt(std::max(a, 1e-12)) : a / factor_[j * n_ + j];
    }
  }
  double squared = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    y_[i] = z_[i];
    for (std::size_t k = 0; k < i; ++k) y_[i] -= factor_[i * n_ + k] * y_[k];
    y_[i] /= factor_[i * n_ + i];
    squared += y_[i] * y_[i];
  }
  for (std::size_t i = n_; i-- > 0;) {  // y becomes the inverse times z
    for (std::size_t k = i + 1; k < n_; ++k) y_[i] -= factor_[k * n_ + i] * y_[k];
    y_[i] /= factor_[i * n_ + i];
  }
  column = 0;
  for (std::size_t i = 1; i < n_; ++i) {
    if (z_[i] * y_[i] > z_[column] * y_[column]) column = i;
  }
  return std::sqrt(squared);
}

RowReading RowDetector::step(std::span<const double> row) {
  GEOUL_EXPECTS(row.size() == n_);
  for (const double x : row) GEOUL_EXPECTS(std::isfinite(x));
  const bool first = rows_.count == 0;
  const double gain = std::max(1 / options_.shift_rows, 1 / (fast_count_ + 1));
  for (std::size_t i = 0; i < n_; ++i) {
    fast_[i] += gain * (row[i] - fast_[i]);
    change_[i] = first ? 0 : row[i] - previous_[i];
    previous_[i] = row[i];
  }
  fast_count_ += 1;
  RowReading reading;
  std::array<double, 3> surprises{};
  std::array<std::size_t, 3> columns{};
  if (rows_.count >= 20) {
    surprises[0] = tails_[0].step(distance(rows_, row, columns[0]));
    surprises[1] = tails_[1].step(distance(rows_, fast_, columns[1]));
    surprises[2] = tails_[2].step(distance(changes_, change_, columns[2]));
  }
  learn(rows_, row);
  if (!first) learn(changes_, change_);
  const auto worst = std::max_element(surprises.begin(), surprises.end()) - surprises.begin();
  reading.surprise = surprises[0] + surprises[1] + surprises[2];
  reading.reason = static_cast<RowReason>(worst);
  reading.column = columns[static_cast<std::size_t>(worst)];
  reading.score = episodes_.begins(reading.surprise) ? to_score(reading.surprise, options_.threshold) : 0;
  return reading;
}

}  // namespace geoul::estimation::anomaly
