// Covariance as factors, P = U D U^T with U unit upper triangular and D diagonal: it stays symmetric and positive
// definite whatever the rounding, at the cost of the plain form. All arrays are row-major; nothing allocates.
// Sources: Bierman, Factorization Methods for Discrete Sequential Estimation (1977), ch. V (measurements) and VI (time,
// Thornton's modified weighted Gram-Schmidt).
#pragma once

#include <span>

namespace geoul::estimation {

// A scalar measurement z = h x + noise of variance r > 0: U (n x n) and D (n) become those after it; gain (n) is what
// a residual of 1 adds to x. Returns the variance of the residual, h P h^T + r. O(n^2).
double update_factors(int n, std::span<const double> h, double r, std::span<double> U, std::span<double> D,
                      std::span<double> gain);

// U D U^T = W diag(weights) W^T. W (n x m) is destroyed; weights (m) > 0; rows of W must be independent. O(n^2 m).
void factor_product(int n, int m, std::span<double> W, std::span<const double> weights, std::span<double> U,
                    std::span<double> D);

// P (n x n) of the factors; variance of h x. O(n^3), O(n^2).
void expand(int n, std::span<const double> U, std::span<const double> D, std::span<double> P);
double variance(int n, std::span<const double> h, std::span<const double> U, std::span<const double> D);

// e^T P^-1 e: the squared distance of an error in units of its covariance. work (n). O(n^2).
double squared_distance(int n, std::span<const double> U, std::span<const double> D, std::span<const double> e,
                        std::span<double> work);

}  // namespace geoul::estimation
