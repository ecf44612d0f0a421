// Estimates of linear models with intervals that mean what they say where noise has memory: y = X b + e, e of each
// series (joint) an autoregressive process. Rows are filtered until the residuals are white (feasible generalised
// least squares), and what whiteness is left to wish for is met by a covariance that allows for autocorrelation and
// changing variance of the scores (HAC). Autoregressions of residuals come out too small, the more so the fewer
// correlation times a record holds: their bias is found by simulating the fitted process through the same estimate.
// Sources: Cochrane, Orcutt, JASA 44, 1949; Newey, West, Econometrica 55(3), 1987; Andrews, Monahan, "An improved
// heteroskedasticity and autocorrelation consistent covariance matrix estimator", Econometrica 60(4), 1992; Kilian,
// "Small-sample confidence intervals for impulse response functions", Review of Economics and Statistics 80(2), 1998.
#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

#include "geoul/estimation/regressor.h"

namespace geoul::estimation {

// Rows of `series` channels in turn: row t series + s is channel s at instant t. Parts begin at the instants `parts`
// (ascending, the first 0): nothing is correlated across.
struct SeriesRows {
  RowMatrix X;        // (instants series x unknowns)
  Eigen::VectorXd y;  // (instants series)
  int series = 1;
  std::vector<int> parts{0};

  int instants() const { return static_cast<int>(y.size()) / series; }
};

// The same rows with the unknowns of these columns alone.
SeriesRows with_columns(const SeriesRows& rows, std::span<const int> columns);

// The part that holds instants [begin, end), with its own begins.
SeriesRows slice(const SeriesRows& rows, int begin, int end);

struct IntervalOptions {
  int max_order = 12;    // of the autoregression; the order is chosen by Akaike's criterion
  double level = 0.95;   // of the intervals
  int simulations = 40;  // for the bias; 0: not corrected
  bool robust = true;    // HAC covariance of the whitened rows; else white noise is believed
};

struct LinearEstimate {
  Eigen::VectorXd value;                        // (unknowns)
  Eigen::MatrixXd covariance;                   // (unknowns x unknowns)
  Eigen::VectorXd deviation;                    // root of its diagonal
  Eigen::VectorXd half_width;                   // of the interval at the level
  Eigen::VectorXd noise;                        // (series) deviation of the residuals
  Eigen::VectorXd whitened;                     // (series) deviation of what the autoregression leaves
  std::vector<Eigen::VectorXd> autoregression;  // (series) coefficients
  double freedom = 0;                           // degrees of freedom of the t distribution
};

// Needs full column rank and more instants than 10 orders. O(rows unknowns^2).
LinearEstimate estimate_linear(const SeriesRows& rows, const IntervalOptions& options);

// Coefficients phi of e_t = sum phi_k e_{t-k} + white, by Yule and Walker's equations (Levinson's recursion), order by
// Akaike's criterion. `parts` as above.
Eigen::VectorXd fit_autoregression(std::span<const double> e, std::span<const int> parts, int max_order);

// Steps over which a process of these coefficients is correlated: 1 / (1 - sum phi)^2 times innovation over variance;
// the sum of its autocorrelations from -infinity to infinity. At least 1.
double correlation_steps(std::span<const double> e, const Eigen::VectorXd& autoregression);

// t such that a Student variable of `freedom` is within +-t with probability `level`.
double student_quantile(double level, double freedom);

}  // namespace geoul::estimation
