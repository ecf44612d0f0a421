#include "geoul/estimation/covariance.h"

#include <cassert>
#include <cstddef>

namespace geoul::estimation {

using std::size_t;

double update_factors(int count, std::span<const double> h, double r, std::span<double> U, std::span<double> D,
                      std::span<double> gain) {
  const auto n = static_cast<size_t>(count);
  assert(r > 0 && h.size() >= n && U.size() >= n * n && D.size() >= n && gain.size() >= n);
  double alpha = r;
  for (size_t j = 0; j < n; ++j) {
    double f = h[j];
    for (size_t i = 0; i < j; ++i) f += U[i * n + j] * h[i];
    const double v = D[j] * f, next = alpha + f * v, lambda = -f / alpha;
    D[j] *= alpha / next;
    for (size_t i = 0; i < j; ++i) {
      const double u = U[i * n + j];
      U[i * n + j] = u + gain[i] * lambda;
      gain[i] += v * u;
    }
    gain[j] = v;
    alpha = next;
  }
  for (size_t i = 0; i < n; ++i) gain[i] /= alpha;
  return alpha;
}

void factor_product(int count, int columns, std::span<double> W, std::span<const double> weights, std::span<double> U,
                    std::span<double> D) {
  const auto n = static_cast<size_t>(count), m = static_cast<size_t>(columns);
  assert(W.size() >= n * m && weights.size() >= m && U.size() >= n * n && D.size() >= n);
  for (size_t j = n; j-- > 0;) {
    const double* wj = &W[j * m];
    double d = 0;
    for (size_t k = 0; k < m; ++k) d += wj[k] * wj[k] * weights[k];
    D[j] = d;
    U[j * n + j] = 1;
    for (size_t i = j + 1; i < n; ++i) U[i * n + j] = 0;
    for (size_t i = 0; i < j; ++i) {
      double* wi = &W[i * m];
      double u = 0;
      for (size_t k = 0; k < m; ++k) u += wi[k] * weights[k] * wj[k];
      u = d > 0 ? u / d : 0;
      U[i * n + j] = u;
      for (size_t k = 0; k < m; ++k) wi[k] -= u * wj[k];
    }
  }
}

void expand(int count, std::span<const double> U, std::span<const double> D, std::span<double> P) {
  const auto n = static_cast<size_t>(count);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) {
      double sum = 0;
      for (size_t k = j; k < n; ++k) sum += U[i * n + k] * D[k] * U[j * n + k];
      P[i * n + j] = P[j * n + i] = sum;
    }
  }
}

double variance(int count, std::span<const double> h, std::span<const double> U, std::span<const double> D) {
  const auto n = static_cast<size_t>(count);
  double sum = 0;
  for (size_t j = 0; j < n; ++j) {
    double f = h[j];
    for (size_t i = 0; i < j; ++i) f += U[i * n + j] * h[i];
    sum += f * f * D[j];
  }
  return sum;
}

double squared_distance(int count, std::span<const double> U, std::span<const double> D, std::span<const double> e,
                        std::span<double> work) {
  const auto n = static_cast<size_t>(count);
  double sum = 0;
  for (size_t i = n; i-- > 0;) {  // U x = e
    double x = e[i];
    for (size_t j = i + 1; j < n; ++j) x -= U[i * n + j] * work[j];
    work[i] = x;
    sum += x * x / D[i];
  }
  return sum;
}

}  // namespace geoul::estimation
