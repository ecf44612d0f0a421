#include "geoul/estimation/identify.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "geoul/core/contract.h"

namespace geoul::estimation {
namespace {

using dynamics::Model;
using Eigen::Index;

std::string last_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// Weights of two boxes of 2 reach + 1, one after the other: a triangle.
std::vector<double> triangle(int reach) {
  const int width = 2 * reach + 1;
  std::vector<double> weights;
  for (int k = -2 * reach; k <= 2 * reach; ++k) {
    weights.push_back((width - std::abs(k)) / (static_cast<double>(width) * width));
  }
  return weights;
}

// Raw equations of one motion, row after row: what the states of friction need.
class RawRows {
 public:
  RawRows(const Model& model, const JointColumns& columns, const Layout& layout, const RegularMotion& motion)
      : model_(model),
        columns_(columns),
        layout_(layout),
        motion_(motion),
        data_(make_data(model)),
        q_(model.q_start),
        v_(static_cast<std::size_t>(model.nv)),
        a_(v_.size()),
        z_(columns.v.size(), std::vector<double>(layout.shape.lengths.size())),
        terms_(static_cast<std::size_t>(layout.shape.terms())) {}

  // Rows of instant i, which goes up by one: X (joints x size), y (joints).
  void next(int i, Eigen::Ref<RowMatrix> X, Eigen::Ref<Eigen::VectorXd> y) {
    for (std::size_t j = 0; j < columns_.v.size(); ++j) {
      const auto c = static_cast<Index>(j);
      q_[static_cast<std::size_t>(columns_.q[j])] = motion_.q(i, c);
      v_[static_cast<std::size_t>(columns_.v[j])] = motion_.v(i, c);
      a_[static_cast<std::size_t>(columns_.v[j])] = motion_.a(i, c);
      if (i > 0) advance(layout_.shape, motion_.q(i, c) - motion_.q(i - 1, c), z_[j]);
    }
    inertial_regressor(model_, q_, v_, a_, data_, Y_);
    X.setZero();
    for (std::size_t j = 0; j < columns_.v.size(); ++j) {
      const auto r = static_cast<Index>(j);
      for (std::size_t l = 0; l < layout_.links.size(); ++l) {
        X.row(r).segment<kLinkParameters>(static_cast<Index>(l) * kLinkParameters) =
            Y_.row(columns_.v[j]).segment<kLinkParameters>(Index(kLinkParameters) * layout_.links[l]);
      }
      friction_terms(layout_.shape, motion_.v(i, r), motion_.a(i, r), z_[j], terms_);
      for (std::size_t k = 0; k < terms_.size(); ++k) {
        X(r, layout_.term(static_cast<int>(j), static_cast<int>(k))) = terms_[k];
      }
      y(r) = motion_.tau(i, r);
    }
  }

 private:
  const Model& model_;
  const JointColumns& columns_;
  const Layout& layout_;
  const RegularMotion& motion_;
  dynamics::Data data_;
  std::vector<double> q_, v_, a_;
  std::vector<std::vector<double>> z_;
  std::vector<double> terms_;
  RowMatrix Y_;
};

}  // namespace

Result<JointColumns> joint_columns(const Model& model, std::span<const scene::JointId> joints) {
  JointColumns columns;
  std::set<int> used;
  for (const scene::JointId id : joints) {
    GEOUL_EXPECTS(id.value >= 0 && id.value < model.njoint);
    const auto at = static_cast<std::size_t>(id.value);
    const scene::Joint& joint = model.joints[at];
    if (scene::velocity_size(joint.type) != 1 || model.joint_link[at] < 0) {
      return Error{ErrorCode::kBadInput,
                   "joint '" + joint.path +
                       "' has not one degree of freedom in the tree (fixed, closing a loop, or of "
                       "several degrees); give turning and sliding joints"};
    }
    const dynamics::Link& link = model.links[static_cast<std::size_t>(model.joint_link[at])];
    if (!used.insert(link.v).second) {
      return Error{ErrorCode::kBadInput, "joint '" + joint.path + "' is named twice"};
    }
    columns.q.push_back(link.q);
    columns.v.push_back(link.v);
    columns.names.push_back(last_name(joint.path));
  }
  if (columns.v.empty()) return Error{ErrorCode::kBadInput, "no joint to identify; name one at least"};
  if (!model.constraints.empty()) {
    return Error{ErrorCode::kUnsupported,
                 "the scene has closed loops or coupled joints; identification is of open trees"};
  }
  for (const dynamics::Link& link : model.links) {
    if (link.weightless_mass == 0) continue;
    return Error{ErrorCode::kUnsupported,
                 "a body of the scene is left out of gravity; identification needs its weight"};
  }
  return columns;
}

std::vector<std::string> Layout::names() const {
  std::vector<std::string> all;
  for (const std::string& link : link_names) {
    for (const char* name : parameter_names()) all.push_back(link + "." + name);
  }
  for (const std::string& joint : joint_names) {
    for (const std::string& name : term_names(shape)) all.push_back(joint + "." + name);
  }
  return all;
}

std::vector<std::string> Layout::units() const {
  std::vector<std::string> all;
  for (std::size_t l = 0; l < links.size(); ++l) {
    all.insert(all.end(), parameter_units().begin(), parameter_units().end());
  }
  const std::vector<std::string> terms = term_units(shape);
  for (int j = 0; j < joints(); ++j) all.insert(all.end(), terms.begin(), terms.end());
  return all;
}

Layout make_layout(const Model& model, const JointColumns& columns, const FrictionShape& shape) {
  Layout layout;
  layout.shape = shape;
  layout.joint_names = columns.names;
  for (int i = 0; i < model.nlink; ++i) {
    const dynamics::Link& link = model.links[static_cast<std::size_t>(i)];
    if (link.group < 0 || !(link.inertia.m > 0)) continue;
    bool moved = false;
    for (int at = i; at >= 0; at = model.links[static_cast<std::size_t>(at)].parent) {
      const int v = model.links[static_cast<std::size_t>(at)].v;
      moved = moved || std::find(columns.v.begin(), columns.v.end(), v) != columns.v.end();
    }
    if (!moved) continue;
    layout.links.push_back(i);
    const dynamics::Group& group = model.groups[static_cast<std::size_t>(link.group)];
    layout.link_names.push_back(last_name(model.body_paths[static_cast<std::size_t>(group.bodies.front())]));
  }
  return layout;
}

RowOptions usual_rows(double period) {
  GEOUL_EXPECTS(period > 0);
  return {static_cast<int>(std::lround(0.03 / period)), std::max(1, static_cast<int>(std::lround(0.015 / period)))};
}

SeriesRows identification_rows(const Model& model, const JointColumns& columns, const Layout& layout,
                               std::span<const RegularMotion> motions, const RowOptions& options) {
  GEOUL_EXPECTS(options.reach >= 0 && options.decimate >= 1);
  const Index joints = columns.count();
  const std::vector<double> weights = triangle(options.reach);
  const int wide = static_cast<int>(weights.size());
  int instants = 0;
  for (const RegularMotion& m : motions) instants += m.size() < wide ? 0 : (m.size() - wide) / options.decimate + 1;
  SeriesRows rows;
  rows.series = static_cast<int>(joints);
  rows.parts.clear();
  rows.X = RowMatrix::Zero(instants * joints, layout.size());
  rows.y = Eigen::VectorXd::Zero(instants * joints);
  RowMatrix X(joints, layout.size());
  Eigen::VectorXd y(joints);
  int first = 0;
  for (const RegularMotion& motion : motions) {
    if (motion.size() < wide) continue;
    const int here = (motion.size() - wide) / options.decimate + 1;
    rows.parts.push_back(first);
    RawRows raw(model, columns, layout, motion);
    for (int i = 0; i < motion.size(); ++i) {
      raw.next(i, X, y);
      // Kept row k sees the instants [k decimate, k decimate + wide).
      const int low = std::max(0, (i - wide + options.decimate) / options.decimate);
      const int high = std::min(here - 1, i / options.decimate);
      for (int k = low; k <= high; ++k) {
        const int tap = i - k * options.decimate;
        if (tap < 0 || tap >= wide) continue;
        rows.X.middleRows((first + k) * joints, joints) += weights[static_cast<std::size_t>(tap)] * X;
        rows.y.segment((first + k) * joints, joints) += weights[static_cast<std::size_t>(tap)] * y;
      }
    }
    first += here;
  }
  return rows;
}

Eigen::VectorXd prior_of(const Model& model, const Layout& layout) {
  constexpr double kSpread = 0.02;
  Eigen::VectorXd prior(layout.inertial());
  for (std::size_t l = 0; l < layout.links.size(); ++l) {
    LinkParameters p = to_parameters(model.links[static_cast<std::size_t>(layout.links[l])].inertia);
    if (consistency(p) < 1e-4) p = spread(p, kSpread);
    GEOUL_EXPECTS(to_log_cholesky(p));
    prior.segment<kLinkParameters>(static_cast<Index>(l) * kLinkParameters) = p;
  }
  return prior;
}

std::vector<FrictionShape> usual_shapes() {
  FrictionShape plain, rotor, asymmetric, stribeck, memory, rotor_memory, long_memory;
  rotor.rotor = rotor_memory.rotor = true;
  asymmetric.asymmetric = true;
  stribeck.stribeck_speed = 0.1;
  memory.lengths = rotor_memory.lengths = {0.003, 0.3};
  long_memory.lengths = {0.003, 0.03, 0.3};
  return {plain, rotor, asymmetric, stribeck, memory, rotor_memory, long_memory};
}

}  // namespace geoul::estimation
