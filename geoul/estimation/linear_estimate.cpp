#include "geoul/estimation/linear_estimate.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "geoul/core/contract.h"
#include "geoul/core/random.h"

namespace geoul::estimation {
namespace {

using Eigen::Index;

// Begin and end instants of the parts.
std::vector<std::pair<int, int>> ranges(std::span<const int> parts, int instants) {
  std::vector<std::pair<int, int>> all;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const int end = k + 1 < parts.size() ? parts[k + 1] : instants;
    if (end > parts[k]) all.emplace_back(parts[k], end);
  }
  return all;
}

std::vector<double> series_of(const Eigen::VectorXd& e, int series, int s) {
  std::vector<double> out;
  for (Index i = s; i < e.size(); i += series) out.push_back(e(i));
  return out;
}

// Rows filtered by 1 - sum phi_k L^k and divided by the innovations' deviation; the first `order` instants of each part
// fall away.
SeriesRows whitened(const SeriesRows& rows, const LinearEstimate& estimate) {
  int order = 0;
  for (const Eigen::VectorXd& phi : estimate.autoregression) order = std::max(order, static_cast<int>(phi.size()));
  SeriesRows out;
  out.series = rows.series;
  out.parts.clear();
  int kept = 0;
  const auto all = ranges(rows.parts, rows.instants());
  for (const auto& [begin, end] : all) kept += std::max(0, end - begin - order);
  out.X.resize(Index(kept) * rows.series, rows.X.cols());
  out.y.resize(Index(kept) * rows.series);
  int at = 0;
  for (const auto& [begin, end] : all) {
    if (end - begin > order) out.parts.push_back(at);
    for (int t = begin + order; t < end; ++t, ++at) {
      for (int s = 0; s < rows.series; ++s) {
        const Index to = Index(at) * rows.series + s, from = Index(t) * rows.series + s;
        out.X.row(to) = rows.X.row(from);
        out.y(to) = rows.y(from);
        const Eigen::VectorXd& phi = estimate.autoregression[static_cast<std::size_t>(s)];
        for (Index k = 0; k < phi.size(); ++k) {
          out.X.row(to) -= phi(k) * rows.X.row(from - (k + 1) * rows.series);
          out.y(to) -= phi(k) * rows.y(from - (k + 1) * rows.series);
        }
        out.X.row(to) /= estimate.whitened(s);
        out.y(to) /= estimate.whitened(s);
      }
    }
  }
  return out;
}

// Sum of the scores' autocovariances with Bartlett's weights (Newey and West): middle of the sandwich.
Eigen::MatrixXd score_covariance(const SeriesRows& rows, const Eigen::VectorXd& residual) {
  const int n = rows.instants();
  const Index p = rows.X.cols();
  RowMatrix scores = RowMatrix::Zero(n, p);
  for (int t = 0; t < n; ++t) {
    for (int s = 0; s < rows.series; ++s) {
      const Index r = Index(t) * rows.series + s;
      scores.row(t) += residual(r) * rows.X.row(r);
    }
  }
  const int lags = static_cast<int>(4 * std::pow(n / 100.0, 2.0 / 9));
  Eigen::MatrixXd sum = scores.transpose() * scores;
  for (int lag = 1; lag <= lags; ++lag) {
    Eigen::MatrixXd product = Eigen::MatrixXd::Zero(p, p);
    for (const auto& [begin, end] : ranges(rows.parts, n)) {
      if (end - begin <= lag) continue;
      product +=
          scores.middleRows(begin + lag, end - begin - lag).transpose() * scores.middleRows(begin, end - begin - lag);
    }
    sum += (1 - lag / (lags + 1.0)) * (product + product.transpose());
  }
  return sum;
}

double deviation_of(const std::vector<double>& e, std::span<const int> parts, const Eigen::VectorXd& phi) {
  double sum = 0;
  int count = 0;
  for (const auto& [begin, end] : ranges(parts, static_cast<int>(e.size()))) {
    for (int t = begin + static_cast<int>(phi.size()); t < end; ++t, ++count) {
      double left = e[static_cast<std::size_t>(t)];
      for (Index k = 0; k < phi.size(); ++k) left -= phi(k) * e[static_cast<std::size_t>(t - 1 - k)];
      sum += left * left;
    }
  }
  return std::sqrt(sum / std::max(count, 1));
}

std::vector<double> autocovariances(std::span<const double> e, std::span<const int> parts, int lags) {
  std::vector<double> out;
  for (int lag = 0; lag <= lags; ++lag) {
    double sum = 0;
    for (const auto& [begin, end] : ranges(parts, static_cast<int>(e.size()))) {
      for (int t = begin + lag; t < end; ++t)
        sum += e[static_cast<std::size_t>(t)] * e[static_cast<std::size_t>(t - lag)];
    }
    out.push_back(sum / std::max(static_cast<double>(e.size()), 1.0));
  }
  return out;
}

struct Prediction {
  Eigen::VectorXd coefficients;
  double variance = 0;  // of what is left
};

// Yule and Walker's equations by Levinson's recursion.
Prediction levinson(const std::vector<double>& covariance, int order) {
  Prediction p{Eigen::VectorXd(0), covariance[0]};
  for (int m = 1; m <= order && p.variance > 0; ++m) {
    double reflection = covariance[static_cast<std::size_t>(m)];
    for (int k = 0; k < m - 1; ++k) reflection -= p.coefficients(k) * covariance[static_cast<std::size_t>(m - 1 - k)];
    reflection /= p.variance;
    Eigen::VectorXd next(m);
    for (int k = 0; k < m - 1; ++k) next(k) = p.coefficients(k) - reflection * p.coefficients(m - 2 - k);
    next(m - 1) = reflection;
    p.coefficients = next;
    p.variance *= 1 - reflection * reflection;
  }
  return p;
}

Eigen::VectorXd yule_walker(std::span<const double> e, std::span<const int> parts, int order) {
  Eigen::VectorXd phi = levinson(autocovariances(e, parts, order), order).coefficients;
  phi.conservativeResize(order);
  return phi;
}

using Factor = Eigen::HouseholderQR<Eigen::MatrixXd>;

// Autoregressions and deviations of the residuals e; with order 0 deviations alone.
void fit_noise(const SeriesRows& rows, const Eigen::VectorXd& e, int max_order, LinearEstimate& estimate) {
  for (int s = 0; s < rows.series; ++s) {
    const std::vector<double> own = series_of(e, rows.series, s);
    Eigen::VectorXd& phi = estimate.autoregression[static_cast<std::size_t>(s)];
    if (max_order > 0) phi = fit_autoregression(own, rows.parts, max_order);
    estimate.noise(s) = std::max(deviation_of(own, rows.parts, Eigen::VectorXd(0)), 1e-12);
    estimate.whitened(s) = std::max(deviation_of(own, rows.parts, phi), 1e-12);
  }
}

// Whether a process of these coefficients dies away: all reflection coefficients within +-1 (Levinson, backwards).
bool stable(Eigen::VectorXd phi) {
  while (phi.size() > 0) {
    const double reflection = phi(phi.size() - 1);
    if (!(std::abs(reflection) < 0.999)) return false;
    const Eigen::VectorXd head = phi.head(phi.size() - 1);
    phi = (head + reflection * head.reverse()) / (1 - reflection * reflection);
  }
  return true;
}

// Noise of the fitted processes, from rest long before each part.
Eigen::VectorXd simulated_noise(const SeriesRows& rows, const LinearEstimate& estimate, Random& random) {
  Eigen::VectorXd e(rows.y.size());
  constexpr int kWarm = 300;
  for (int s = 0; s < rows.series; ++s) {
    const Eigen::VectorXd& phi = estimate.autoregression[static_cast<std::size_t>(s)];
    for (const auto& [begin, end] : ranges(rows.parts, rows.instants())) {
      std::vector<double> path(static_cast<std::size_t>(phi.size()), 0.0);
      for (int t = begin - kWarm; t < end; ++t) {
        double next = estimate.whitened(s) * random.normal();
        for (Index k = 0; k < phi.size(); ++k) next += phi(k) * path[path.size() - 1 - static_cast<std::size_t>(k)];
        path.push_back(next);
        if (t >= begin) e(Index(t) * rows.series + s) = next;
      }
    }
  }
  return e;
}

// Moves the autoregressions and innovations by what the same estimate misses of them in simulated noise.
void correct_bias(const SeriesRows& rows, const Factor& factor, int simulations, LinearEstimate& estimate) {
  Random random(7);
  std::vector<Eigen::VectorXd> mean;
  for (const Eigen::VectorXd& phi : estimate.autoregression) mean.push_back(Eigen::VectorXd::Zero(phi.size()));
  Eigen::VectorXd square = Eigen::VectorXd::Zero(rows.series);
  SeriesRows noise{RowMatrix(rows.y.size(), 0), {}, rows.series, rows.parts};
  for (int k = 0; k < simulations; ++k) {
    noise.y = simulated_noise(rows, estimate, random);
    const Eigen::VectorXd e = noise.y - rows.X * factor.solve(whitened(noise, estimate).y);
    for (int s = 0; s < rows.series; ++s) {
      const auto at = static_cast<std::size_t>(s);
      const std::vector<double> own = series_of(e, rows.series, s);
      const Eigen::VectorXd phi = yule_walker(own, rows.parts, static_cast<int>(mean[at].size()));
      mean[at] += phi / simulations;
      const double left = deviation_of(own, rows.parts, phi);
      square(s) += left * left / simulations;
    }
  }
  for (int s = 0; s < rows.series; ++s) {
    Eigen::VectorXd& phi = estimate.autoregression[static_cast<std::size_t>(s)];
    Eigen::VectorXd by = phi - mean[static_cast<std::size_t>(s)];
    while (by.size() > 0 && !stable(phi + by)) by *= 0.8;
    phi += by;
    if (square(s) > 0) estimate.whitened(s) *= estimate.whitened(s) / std::sqrt(square(s));
  }
}

}  // namespace

SeriesRows with_columns(const SeriesRows& rows, std::span<const int> columns) {
  SeriesRows out;
  out.series = rows.series;
  out.parts = rows.parts;
  out.y = rows.y;
  out.X.resize(rows.X.rows(), static_cast<Eigen::Index>(columns.size()));
  for (std::size_t k = 0; k < columns.size(); ++k) out.X.col(static_cast<Eigen::Index>(k)) = rows.X.col(columns[k]);
  return out;
}

SeriesRows slice(const SeriesRows& rows, int begin, int end) {
  GEOUL_EXPECTS(begin >= 0 && begin <= end && end <= rows.instants());
  SeriesRows out;
  out.series = rows.series;
  out.X = rows.X.middleRows(Index(begin) * rows.series, Index(end - begin) * rows.series);
  out.y = rows.y.segment(Index(begin) * rows.series, Index(end - begin) * rows.series);
  for (int part : rows.parts) {
    if (part > begin && part < end) out.parts.push_back(part - begin);
  }
  return out;
}

Eigen::VectorXd fit_autoregression(std::span<const double> e, std::span<const int> parts, int max_order) {
  const auto n = static_cast<double>(e.size());
  const std::vector<double> covariance = autocovariances(e, parts, max_order);
  Eigen::VectorXd best(0);
  double least = n * std::log(std::max(covariance[0], 1e-300));
  for (int order = 1; order <= max_order && covariance[0] > 0; ++order) {
    const Prediction p = levinson(covariance, order);
    const double criterion = n * std::log(std::max(p.variance, 1e-300)) + 2 * order;
    if (criterion < least) least = criterion, best = p.coefficients;
  }
  return best;
}

double correlation_steps(std::span<const double> e, const Eigen::VectorXd& autoregression) {
  const std::vector<double> values(e.begin(), e.end());
  const int parts[] = {0};
  const double all = deviation_of(values, parts, Eigen::VectorXd(0)),
               white = deviation_of(values, parts, autoregression);
  const double left = std::max(1 - autoregression.sum(), 1e-3);
  return all > 0 ? std::max(1.0, white * white / (all * all) / (left * left)) : 1;
}

LinearEstimate estimate_linear(const SeriesRows& rows, const IntervalOptions& options) {
  const int n = rows.instants();
  GEOUL_EXPECTS(n > 10 * std::max(options.max_order, 1) && rows.X.rows() == rows.y.size() && rows.X.cols() > 0);
  LinearEstimate estimate;
  estimate.autoregression.assign(static_cast<std::size_t>(rows.series), Eigen::VectorXd(0));
  estimate.noise = estimate.whitened = Eigen::VectorXd::Ones(rows.series);
  SeriesRows white = rows;
  Factor factor(white.X);
  // The first pass only weighs the series; without simulations a guess of the noise will do.
  const int passes = options.simulations > 0 ? 4 : 2;
  for (int pass = 0; pass < passes; ++pass) {
    estimate.value = factor.solve(white.y);
    fit_noise(rows, rows.y - rows.X * estimate.value, pass > 0 ? options.max_order : 0, estimate);
    white = whitened(rows, estimate);
    factor.compute(white.X);
  }
  if (options.max_order > 0 && options.simulations > 0) {
    correct_bias(rows, factor, options.simulations, estimate);
    white = whitened(rows, estimate);
    factor.compute(white.X);
  }
  estimate.value = factor.solve(white.y);
  const Index p = rows.X.cols();
  const Eigen::VectorXd residual = white.y - white.X * estimate.value;
  const Eigen::LDLT<Eigen::MatrixXd> information(white.X.transpose() * white.X);
  const Eigen::MatrixXd bread = information.solve(Eigen::MatrixXd::Identity(p, p));
  estimate.covariance = bread;
  if (options.robust) {
    const double mean_square = residual.squaredNorm() / static_cast<double>(white.y.size());
    estimate.covariance = bread * score_covariance(white, residual) * bread / mean_square;
  }
  // As many degrees as there are correlation times, fewer the unknowns.
  double independent = 0;
  for (int s = 0; s < rows.series; ++s) {
    const std::vector<double> own = series_of(rows.y - rows.X * estimate.value, rows.series, s);
    independent += n / correlation_steps(own, estimate.autoregression[static_cast<std::size_t>(s)]);
  }
  estimate.freedom = std::max(5.0, independent - static_cast<double>(p));
  estimate.deviation = estimate.covariance.diagonal().cwiseMax(0).cwiseSqrt();
  estimate.half_width = student_quantile(options.level, estimate.freedom) * estimate.deviation;
  return estimate;
}

double student_quantile(double level, double freedom) {
  GEOUL_EXPECTS(level > 0 && level < 1 && freedom > 0);
  // Normal quantile by Newton's method on erfc.
  double z = 1;
  for (int i = 0; i < 100; ++i) {
    const double error = std::erfc(z / std::numbers::sqrt2) - (1 - level);
    const double density = std::sqrt(2 / std::numbers::pi) * std::exp(-z * z / 2);
    const double step = std::clamp(error / density, -0.5, 0.5);
    z += step;
    if (std::abs(step) < 1e-14) break;
  }
  // Expansion in 1 / freedom (Abramowitz and Stegun 26.7.5).
  const double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z, f = freedom;
  return z + (z3 + z) / (4 * f) + (5 * z5 + 16 * z3 + 3 * z) / (96 * f * f) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * f * f * f);
}

}  // namespace geoul::estimation
