#include "geoul/estimation/identification.h"

#include <Eigen/SVD>
#include <cmath>
#include <limits>
#include <map>

namespace geoul::estimation {
namespace {

using Eigen::Index;

// Greatest share of a joint's torque that a change of the column's coefficient by `change` makes, root mean squares.
double share_of_torque(const SeriesRows& rows, Index column, double change) {
  double share = 0;
  for (int j = 0; j < rows.series; ++j) {
    double own = 0, all = 0;
    for (Index r = j; r < rows.y.size(); r += rows.series) {
      own += rows.X(r, column) * rows.X(r, column);
      all += rows.y(r) * rows.y(r);
    }
    if (own > 0) share = std::max(share, all > 0 ? change * std::sqrt(own / all) : 1);
  }
  return share;
}

// The model's own value of every unknown; NaN where it has no word for it. Rotors are armatures.
Eigen::VectorXd scene_values(const dynamics::Model& model, const Layout& layout) {
  Eigen::VectorXd p = Eigen::VectorXd::Constant(layout.size(), std::numeric_limits<double>::quiet_NaN());
  for (std::size_t l = 0; l < layout.links.size(); ++l) {
    p.segment<kLinkParameters>(static_cast<Index>(l) * kLinkParameters) =
        to_parameters(model.links[static_cast<std::size_t>(layout.links[l])].inertia);
  }
  return p;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// Turns of direction of a joint: its friction is told from its other torques by them.
int reversals(std::span<const RegularMotion> motions, Index joint) {
  int count = 0;
  for (const RegularMotion& motion : motions) {
    const double slow = 0.02 * motion.v.col(joint).cwiseAbs().maxCoeff();
    double sign = 0;
    for (Index i = 0; i < motion.v.rows(); ++i) {
      const double v = motion.v(i, joint);
      if (std::abs(v) <= slow) continue;
      if (sign != 0 && sign * v < 0) ++count;
      sign = v;
    }
  }
  return count;
}

std::vector<std::string> words(std::span<const RegularMotion> motions, const Identification& found) {
  std::vector<std::string> lines;
  const Layout& layout = found.fit.layout;
  for (int j = 0; j < layout.joints(); ++j) {
    const std::string& joint = layout.joint_names[static_cast<std::size_t>(j)];
    const int turns = reversals(motions, j);
    if (turns < 2) {
      lines.push_back("joint '" + joint + "' turns round " + std::to_string(turns) +
                      " times: its friction is hardly told from its weight; move it to and fro");
    }
  }
  std::map<std::string, std::string> untold;
  int count = 0;
  for (const BaseEstimate& b : found.base) {
    if (b.told) continue;
    ++count;
    const std::string first = b.name.substr(0, b.name.find(' '));
    const std::size_t dot = first.find('.');
    std::string& list = untold[first.substr(0, dot)];
    list += (list.empty() ? "" : ", ") + first.substr(dot + 1);
  }
  for (const auto& [owner, list] : untold) lines.push_back("not told by this motion: " + owner + ": " + list);
  if (count > 0) {
    lines.push_back(std::to_string(count) + " of " + std::to_string(found.base.size()) +
                    " combinations are not told; the scene's own masses settle them. Faster and wider motion of the "
                    "joints before them tells more");
  }
  constexpr double kHigh = 300;
  if (found.condition > kHigh) {
    lines.push_back("the motion's condition number is " + number(found.condition) +
                    " (a good excitation has less than 100): parameters are hard to tell apart");
  }
  return lines;
}

}  // namespace

std::vector<BaseEstimate> base_estimates(const dynamics::Model& model, const SeriesRows& rows, const Fit& fit,
                                         double level, double* condition) {
  const BaseParameters base = find_base(rows.X, 1e-6);
  const SeriesRows told = with_columns(rows, base.base);
  IntervalOptions options;
  options.level = level;
  options.max_order = std::min(options.max_order, rows.instants() / 20);
  const LinearEstimate estimate = estimate_linear(told, options);
  if (condition != nullptr) {
    const Eigen::MatrixXd scaled = told.X * told.X.colwise().norm().cwiseInverse().asDiagonal();
    const Eigen::VectorXd values = Eigen::BDCSVD<Eigen::MatrixXd>(scaled.transpose() * scaled).singularValues();
    *condition = std::sqrt(values(0) / values(values.size() - 1));
  }
  const std::vector<std::string> names = fit.layout.names(), units = fit.layout.units();
  const Eigen::VectorXd physical = to_base(base, fit.p);
  Eigen::VectorXd own = scene_values(model, fit.layout),
                  known = own.unaryExpr([](double x) { return std::isnan(x) ? 0 : x; });
  const Eigen::VectorXd before = to_base(base, known);
  std::vector<BaseEstimate> out;
  for (int k = 0; k < base.count(); ++k) {
    const auto column = static_cast<std::size_t>(base.base[static_cast<std::size_t>(k)]);
    BaseEstimate b{describe(base, k, names),
                   units[column],
                   estimate.value(k),
                   estimate.half_width(k),
                   physical(k),
                   before(k),
                   false};
    if (std::isnan(own(static_cast<Index>(column)))) b.before = std::numeric_limits<double>::quiet_NaN();
    const double size =
        std::max({std::abs(b.value), std::abs(b.physical), std::isnan(b.before) ? 0 : std::abs(b.before)});
    constexpr double kLittle = 0.05;
    b.told = b.half_width < 0.5 * size || share_of_torque(told, k, b.half_width) < kLittle;
    out.push_back(std::move(b));
  }
  return out;
}

Result<Identification> identify(const dynamics::Model& model, const JointColumns& columns,
                                std::span<const RegularMotion> motions, const IdentificationOptions& options) {
  Identification found;
  found.level = options.level;
  if (motions.empty()) return Error{ErrorCode::kBadInput, "the recording holds no part long enough to differentiate"};
  const RowOptions row_options = options.rows.reach >= 0 ? options.rows : usual_rows(motions.front().period);
  const Layout smallest = make_layout(model, columns, FrictionShape{});
  int instants = 0;
  for (const RegularMotion& m : motions)
    instants += std::max(0, m.size() - 4 * row_options.reach) / row_options.decimate;
  const int needed = std::max(20 * options.structure.folds, 3 * smallest.size() / columns.count());
  if (instants < needed) {
    return Error{ErrorCode::kBadInput, "the recording is too short: " + std::to_string(instants) +
                                           " independent instants are left after filtering, " + std::to_string(needed) +
                                           " are needed; record " +
                                           number(needed * row_options.decimate * motions.front().period) +
                                           " s of motion at least"};
  }
  found.tried = cross_validate(model, columns, motions, row_options, options.structure);
  const Layout layout = make_layout(model, columns, found.tried.front().shape);
  const SeriesRows rows = identification_rows(model, columns, layout, motions, row_options);
  found.fit = fit_physical(rows, layout, prior_of(model, layout), {found.tried.front().belief});
  found.base = base_estimates(model, rows, found.fit, options.level, &found.condition);
  const Eigen::VectorXd e = rows.y - rows.X * found.fit.p;
  found.error = Eigen::VectorXd::Zero(rows.series);
  for (Index r = 0; r < e.size(); ++r) found.error(r % rows.series) += e(r) * e(r);
  found.error = (found.error / rows.instants()).cwiseSqrt();
  found.torque_model = make_torque_model(model, columns, found.fit);
  measure_residual(motions, found.torque_model);
  found.lacks = words(motions, found);
  return found;
}

}  // namespace geoul::estimation
