#include "geoul/estimation/motion_record.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

bool check_numbers(const MotionRecord& record, Diagnostics& diagnostics) {
  const auto report = [&](const RowMatrix& values, const char* what) {
    for (Eigen::Index j = 0; j < values.cols(); ++j) {
      for (Eigen::Index i = 0; i < values.rows(); ++i) {
        if (std::isfinite(values(i, j))) continue;
        diagnostics.error(record.where, "not-a-number",
                          std::string(what) + " of joint '" + record.names[static_cast<std::size_t>(j)] +
                              "' is not a number in row " + std::to_string(i + 1),
                          "leave such rows out");
        return false;
      }
    }
    return true;
  };
  bool sound = report(record.q, "position");
  sound = report(record.v, "velocity") && sound;
  return report(record.tau, "torque") && sound;
}

bool check_times(const MotionRecord& record, Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < record.time.size(); ++i) {
    if (!std::isfinite(record.time[i]) || (i > 0 && record.time[i] < record.time[i - 1])) {
      diagnostics.error(record.where, "time-order", "time goes back or is not a number in row " + std::to_string(i + 1),
                        "sort the rows by time");
      return false;
    }
  }
  if (record.time.back() > record.time.front()) return true;
  diagnostics.error(record.where, "time-order", "all rows have the same time", "name the column of times");
  return false;
}

// Positions must move as velocities say: the factor between them, by least squares over the steps.
void check_units(const MotionRecord& record, int joint, Diagnostics& diagnostics) {
  const std::string& name = record.names[static_cast<std::size_t>(joint)];
  const auto q = record.q.col(joint);
  if (q.cwiseAbs().maxCoeff() > 100) {
    diagnostics.error(record.where, "implausible",
                      "position of joint '" + name + "' reaches " + text(q.cwiseAbs().maxCoeff()) + " rad",
                      "positions must be in radians (degrees times 0.01745)");
    return;
  }
  if (record.tau.col(joint).cwiseAbs().maxCoeff() == 0) {
    diagnostics.error(record.where, "implausible", "torque of joint '" + name + "' is zero throughout",
                      "name the column that holds it");
  }
  if (record.v.size() == 0) return;
  // Over 200 stretches of the record, so that quantised stamps and positions do not matter.
  const int stride = std::max(1, record.rows() / 200);
  double product = 0, square = 0;
  for (int i = 0; i + stride < record.rows(); i += stride) {
    double moved = 0;
    for (int k = i; k < i + stride; ++k) {
      const auto at = static_cast<std::size_t>(k);
      moved += 0.5 * (record.v(k, joint) + record.v(k + 1, joint)) * (record.time[at + 1] - record.time[at]);
    }
    product += moved * (q(i + stride) - q(i));
    square += moved * moved;
  }
  constexpr double kLeast = 1e-6;  // [rad2] less is noise
  const double factor = square > 0 ? product / square : 0;
  if ((factor > 0.7 && factor < 1.4) || std::max(square, std::abs(product)) < kLeast) return;
  const bool degrees =
      std::abs(factor * 180 / std::numbers::pi - 1) < 0.3 || std::abs(factor / 180 * std::numbers::pi - 1) < 0.3;
  diagnostics.error(record.where, "unit-mismatch",
                    "position of joint '" + name + "' moves by " + text(factor) + " times what its velocity says",
                    degrees ? "one of the two is in degrees, both must be in radians"
                            : "give columns of one joint, in rad, rad/s and s");
}

// Whole periods from each row to the next.
std::vector<int> steps_of(const MotionRecord& record, int begin, int end, double period, bool from_motion) {
  std::vector<int> steps;
  for (int i = begin; i + 1 < end; ++i) {
    const auto at = static_cast<std::size_t>(i);
    double step = (record.time[at + 1] - record.time[at]) / period;
    if (from_motion) {
      const Eigen::RowVectorXd dq = record.q.row(i + 1) - record.q.row(i);
      const Eigen::RowVectorXd v = 0.5 * (record.v.row(i + 1) + record.v.row(i));
      constexpr double kMoving = 0.03;  // [rad/s]
      if (v.norm() > kMoving) {
        step = std::clamp(dq.dot(v) / v.squaredNorm() / period, 0.0, 20.0);
      } else if (dq.squaredNorm() == 0 && record.tau.row(i) == record.tau.row(i + 1)) {
        step = 0;  // read twice
      }
    }
    steps.push_back(static_cast<int>(std::lround(step)));
  }
  return steps;
}

// Straight lines between the rows; of rows at one place the first counts.
RowMatrix resampled(const RowMatrix& values, int first_row, const std::vector<int>& position) {
  std::vector<int> rows;
  for (std::size_t r = 0; r < position.size(); ++r) {
    if (r == 0 || position[r] > position[r - 1]) rows.push_back(static_cast<int>(r));
  }
  const auto place = [&](std::size_t k) { return position[static_cast<std::size_t>(rows[k])]; };
  RowMatrix out(position.back() + 1, values.cols());
  std::size_t k = 0;
  for (int at = 0; at <= position.back(); ++at) {
    while (k + 1 < rows.size() && place(k + 1) <= at) ++k;
    const auto here = values.row(first_row + rows[k]);
    if (k + 1 == rows.size() || place(k) == at) {
      out.row(at) = here;
      continue;
    }
    const double share = static_cast<double>(at - place(k)) / (place(k + 1) - place(k));
    out.row(at) = (1 - share) * here + share * values.row(first_row + rows[k + 1]);
  }
  return out;
}

}  // namespace

void check_record(const MotionRecord& record, Diagnostics& diagnostics) {
  GEOUL_EXPECTS(record.q.rows() == record.rows() && record.q.cols() == record.joints());
  GEOUL_EXPECTS(record.tau.rows() == record.rows() && record.tau.cols() == record.joints());
  GEOUL_EXPECTS(record.v.size() == 0 || (record.v.rows() == record.rows() && record.v.cols() == record.joints()));
  if (record.rows() < kFewestRows) {
    diagnostics.error(record.where, "too-few-rows",
                      std::to_string(record.rows()) + " rows are too few to identify anything",
                      "give " + std::to_string(kFewestRows) + " at least, better some seconds of motion in all joints");
    return;
  }
  const bool numbers = check_numbers(record, diagnostics);
  if (!check_times(record, diagnostics) || !numbers) return;
  constexpr double kStill = 1e-3;
  for (int j = 0; j < record.joints(); ++j) {
    const double range = record.q.col(j).maxCoeff() - record.q.col(j).minCoeff();
    if (range < kStill) {
      diagnostics.error(
          record.where, "still-joint",
          "joint '" + record.names[static_cast<std::size_t>(j)] + "' never moves (" + text(range) + " rad)",
          "leave it out of --joints, or record a motion of it");
    } else {
      check_units(record, j, diagnostics);
    }
  }
}

std::vector<RegularMotion> regular_motion(const MotionRecord& record, const RegularOptions& options) {
  GEOUL_EXPECTS(record.rows() >= 2 && options.slope >= 0 && options.gap > 0);
  GEOUL_EXPECTS(!options.clock_from_motion || record.v.size() > 0);
  double period = options.period;
  if (period <= 0) {
    std::vector<double> steps;
    for (std::size_t i = 0; i + 1 < record.time.size(); ++i) {
      if (record.time[i + 1] > record.time[i]) steps.push_back(record.time[i + 1] - record.time[i]);
    }
    GEOUL_EXPECTS(!steps.empty());
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
    std::nth_element(steps.begin(), middle, steps.end());
    period = *middle;
  }
  const int slope = options.slope > 0 ? options.slope : std::max(1, static_cast<int>(std::lround(0.03 / period)));
  std::vector<RegularMotion> parts;
  for (int begin = 0; begin < record.rows();) {
    int end = begin + 1;
    while (end < record.rows() &&
           record.time[static_cast<std::size_t>(end)] - record.time[static_cast<std::size_t>(end - 1)] <= options.gap) {
      ++end;
    }
    RegularMotion part;
    part.period = period;
    part.first_row = begin;
    part.position.assign(1, 0);
    for (int step : steps_of(record, begin, end, period, options.clock_from_motion)) {
      part.position.push_back(part.position.back() + step);
    }
    if (part.position.back() >= 4 * slope) {
      part.q = resampled(record.q, begin, part.position);
      part.tau = resampled(record.tau, begin, part.position);
      part.v = record.v.size() > 0 ? resampled(record.v, begin, part.position)
                                   : slopes(part.q, std::max(1, slope / 2), period);
      part.a = slopes(part.v, slope, period);
      parts.push_back(std::move(part));
    }
    begin = end;
  }
  return parts;
}

RowMatrix slopes(const RowMatrix& values, int reach, double period) {
  const auto n = static_cast<int>(values.rows());
  GEOUL_EXPECTS(n >= 2 && reach >= 1 && period > 0);
  RowMatrix out(values.rows(), values.cols());
  for (int i = 0; i < n; ++i) {
    const int low = std::max(0, i - reach), high = std::min(n - 1, i + reach);
    const double middle = 0.5 * (low + high);
    Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(values.cols());
    double square = 0;
    for (int k = low; k <= high; ++k) {
      sum += (k - middle) * values.row(k);
      square += (k - middle) * (k - middle);
    }
    out.row(i) = sum / (square * period);
  }
  return out;
}

RowMatrix box_filtered(const RowMatrix& values, int reach) {
  const auto n = static_cast<int>(values.rows());
  RowMatrix sums = RowMatrix::Zero(n + 1, values.cols());
  for (int i = 0; i < n; ++i) sums.row(i + 1) = sums.row(i) + values.row(i);
  RowMatrix out(values.rows(), values.cols());
  for (int i = 0; i < n; ++i) {
    const int low = std::max(0, i - reach), high = std::min(n - 1, i + reach);
    out.row(i) = (sums.row(high + 1) - sums.row(low)) / (high + 1 - low);
  }
  return out;
}

}  // namespace geoul::estimation
