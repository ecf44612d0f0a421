#include <algorithm>
#include <cmath>

#include "geoul/core/contract.h"
#include "geoul/estimation/identify.h"

namespace geoul::estimation {
namespace {

using Eigen::Index;

// The two ends of the rows without [begin, end), as parts of their own.
SeriesRows without(const SeriesRows& rows, int begin, int end) {
  const SeriesRows before = slice(rows, 0, begin), after = slice(rows, end, rows.instants());
  SeriesRows out;
  out.series = rows.series;
  out.X.resize(before.X.rows() + after.X.rows(), rows.X.cols());
  out.X << before.X, after.X;
  out.y.resize(before.y.size() + after.y.size());
  out.y << before.y, after.y;
  if (begin > 0)
    out.parts = before.parts;
  else
    out.parts.clear();
  for (int part : after.parts) {
    if (after.instants() > 0) out.parts.push_back(part + begin);
  }
  return out;
}

// Weights of the training rows serve all beliefs: found once a fold.
void try_shape(const SeriesRows& rows, const Layout& layout, const Eigen::VectorXd& prior, int guard,
               const StructureOptions& options, std::vector<Candidate>& tried) {
  const int n = rows.instants();
  std::vector<Eigen::VectorXd> squares(options.beliefs.size(), Eigen::VectorXd::Zero(rows.series));
  for (int fold = 0; fold < options.folds; ++fold) {
    const int begin = n * fold / options.folds, end = n * (fold + 1) / options.folds;
    const SeriesRows train = without(rows, std::max(0, begin - guard), std::min(n, end + guard));
    const SeriesRows judge = slice(rows, begin, end);
    Fit weighed;
    for (std::size_t b = 0; b < options.beliefs.size(); ++b) {
      const Eigen::VectorXd last = weighed.p;
      const FitOptions fit_options{options.beliefs[b], 60, b == 0 ? nullptr : &last};
      weighed = b == 0 ? fit_physical(train, layout, prior, fit_options)
                       : fit_physical(train, layout, prior, weighed.noise, weighed.correlation, fit_options);
      const Eigen::VectorXd e = judge.y - judge.X * weighed.p;
      for (Index r = 0; r < e.size(); ++r) squares[b](r % rows.series) += e(r) * e(r);
    }
  }
  for (std::size_t b = 0; b < options.beliefs.size(); ++b) {
    tried.push_back({layout.shape, options.beliefs[b], (squares[b] / n).cwiseSqrt().mean()});
  }
}

}  // namespace

std::vector<Candidate> cross_validate(const dynamics::Model& model, const JointColumns& columns,
                                      std::span<const RegularMotion> motions, const RowOptions& row_options,
                                      const StructureOptions& options) {
  GEOUL_EXPECTS(options.folds >= 2 && !options.beliefs.empty());
  const std::vector<FrictionShape> shapes = options.shapes.empty() ? usual_shapes() : options.shapes;
  std::vector<Candidate> tried;
  for (const FrictionShape& shape : shapes) {
    const Layout layout = make_layout(model, columns, shape);
    const SeriesRows rows = identification_rows(model, columns, layout, motions, row_options);
    GEOUL_EXPECTS(rows.instants() >= 10 * options.folds);
    const Eigen::VectorXd prior = prior_of(model, layout);
    // No row of the training shares a sample with the judges, and a little more.
    const int guard = (4 * row_options.reach + 1) / row_options.decimate + 3;
    try_shape(rows, layout, prior, guard, options, tried);
  }
  std::stable_sort(tried.begin(), tried.end(),
                   [](const Candidate& a, const Candidate& b) { return a.error < b.error; });
  return tried;
}

}  // namespace geoul::estimation
