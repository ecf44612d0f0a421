#include "geoul/runtime/mirror.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/dynamics/dynamics.h"
#include "geoul/runtime/mirror_report.h"

namespace geoul::runtime {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Vec3d kNoVector{kNaN, kNaN, kNaN};

}  // namespace

Mirror::Mirror(const Twin& twin, const Site& site, Bindings bindings, Stream stream)
    : twin_(twin),
      site_(site),
      bindings_(std::move(bindings)),
      stream_(std::move(stream)),
      data_(dynamics::make_data(twin.model)),
      zero_(static_cast<std::size_t>(twin.model.nv)),
      tau_(static_cast<std::size_t>(twin.model.nv)) {
  snapshot_.state = dynamics::make_state(twin_.model);
  std::fill(snapshot_.state.v.begin(), snapshot_.state.v.end(), 0.0);  // joints that nothing moves stand still
  reference_ = snapshot_.state;
  for (const BoundJoint& joint : bindings_.joints) {
    acceleration_.push_back(derivative(stream_, joint.velocity));
    const bool turns = twin_.scene.joints[joint.joint.index()].type != scene::JointType::kPrismatic;
    if (joint.reference_torque >= 0) signals_.push_back({"torque/" + joint.label, turns ? "N.m" : "N"});
  }
  for (const BoundJoint& joint : bindings_.joints) {
    if (joint.current >= 0) signals_.push_back({"current/" + joint.label, "A"});
  }
  for (const BoundSite& s : bindings_.sites) {
    for (const char* axis : {"x", "y", "z"}) {
      if (s.has_pose) signals_.push_back({"position/" + s.label + "/" + axis, "m"});
    }
    for (const char* axis : {"x", "y", "z"}) {
      if (s.has_force) signals_.push_back({"specific_force/" + s.label + "/" + axis, "m/s2"});
    }
  }
  measures_.resize(stream_.rows());
  for (std::size_t row = 0; row < stream_.rows(); ++row) evaluate(row, measures_[row]);
  fit_currents();
  show(0);
}

void Mirror::set_motion(std::size_t row, bool reference, scene::State& state) const {
  state.time = stream_.time[row];
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    const BoundJoint& joint = bindings_.joints[i];
    const auto q = static_cast<std::size_t>(joint.q), v = static_cast<std::size_t>(joint.v);
    state.q[q] = stream_.value(row, reference ? joint.reference_position : joint.position);
    state.v[v] = stream_.value(row, reference ? joint.reference_velocity : joint.velocity);
    state.a[v] = reference ? stream_.value(row, joint.reference_acceleration) : acceleration_[i][row];
  }
}

void Mirror::evaluate(std::size_t row, RowMeasures& out) {
  const std::size_t joints = bindings_.joints.size();
  out.joints.assign(joints, {});
  out.at_rest = true;
  for (std::size_t i = 0; i < joints; ++i) {
    const BoundJoint& joint = bindings_.joints[i];
    RowMeasures::JointRow& r = out.joints[i];
    const auto optional = [&](int column) { return column >= 0 ? stream_.value(row, column) : kNaN; };
    r.velocity = stream_.value(row, joint.velocity);
    r.torque = optional(joint.reference_torque);
    r.current = optional(joint.current);
    const double v = joint.reference_velocity >= 0 ? optional(joint.reference_velocity) : r.velocity;
    const double a = joint.reference_acceleration >= 0 ? optional(joint.reference_acceleration) : 0;
    out.at_rest =
        out.at_rest && std::abs(v) <= site_.judge.rest_velocity && std::abs(a) <= site_.judge.rest_acceleration;
  }
  const auto torques = [&](std::span<const double> q, std::span<const double> v, std::span<const double> a,
                           double RowMeasures::JointRow::*into) {
    dynamics::inverse_dynamics(twin_.model, q, v, a, {}, data_, tau_);
    for (std::size_t i = 0; i < joints; ++i)
      out.joints[i].*into = tau_[static_cast<std::size_t>(bindings_.joints[i].v)];
  };
  scene::State& state = snapshot_.state;
  set_motion(row, false, state);
  torques(state.q, zero_, zero_, &RowMeasures::JointRow::gravity_torque);
  if (bindings_.has_reference) {
    set_motion(row, true, reference_);
    torques(reference_.q, reference_.v, reference_.a, &RowMeasures::JointRow::along_reference);
    dynamics::place_bodies(twin_.model, data_, reference_);
  } else {
    for (RowMeasures::JointRow& r : out.joints) r.along_reference = kNaN;
  }
  torques(state.q, state.v, state.a, &RowMeasures::JointRow::along_measured);
  state.tau = tau_;
  dynamics::place_bodies(twin_.model, data_, state);
  dynamics::reaction_wrenches(twin_.model, {}, data_, state);
  measure_welds(twin_, state, snapshot_.welds);
  out.weld_position = out.weld_rotation = 0;
  for (const WeldError& weld : snapshot_.welds) {
    out.weld_position = std::max(out.weld_position, weld.position);
    out.weld_rotation = std::max(out.weld_rotation, weld.rotation);
  }
  measure_sites(row, out);
}

void Mirror::measure_sites(std::size_t row, RowMeasures& out) {
  out.sites.assign(bindings_.sites.size(), {kNoVector, kNoVector, kNaN, kNoVector, kNoVector, kNoVector, kNoVector});
  const scene::State& state = snapshot_.state;
  for (std::size_t i = 0; i < bindings_.sites.size(); ++i) {
    const BoundSite& site = bindings_.sites[i];
    RowMeasures::SiteRow& r = out.sites[i];
    if (site.has_pose) {
      const auto value = [&](std::size_t k) { return stream_.value(row, site.pose[k]); };
      const Transformd X_WR = frame_pose(state, site.relative_to);
      const Transformd X_RF = inverse(X_WR) * frame_pose(state, site.frame);
      r.position = {value(0), value(1), value(2)};
      r.position_twin = X_RF.p;
      r.rotation_error = angle_between(exp_rotation(Vec3d{value(3), value(4), value(5)}), quaternion(X_RF.R));
      if (bindings_.constant_from) {
        r.in_constant_from = inverse(frame_pose(state, *bindings_.constant_from)) * (X_WR * r.position);
      }
    }
    if (site.has_force) {
      r.force = {stream_.value(row, site.force[0]), stream_.value(row, site.force[1]),
                 stream_.value(row, site.force[2])};
      r.force_twin = specific_force(state, site.frame, twin_.model.gravity);
      if (bindings_.has_reference) r.force_reference = specific_force(reference_, site.frame, twin_.model.gravity);
    }
  }
}

void Mirror::fit_currents() {
  currents_.assign(bindings_.joints.size(), std::nullopt);
  const std::vector<std::string>& files = site_.sources.front().names;
  for (const Judge::CurrentFit& wish : site_.judge.current) {
    const auto file = static_cast<std::size_t>(std::find(files.begin(), files.end(), wish.file) - files.begin());
    for (std::size_t j = 0; j < bindings_.joints.size(); ++j) {
      if (twin_.scene.joints[bindings_.joints[j].joint.index()].path != wish.joint.path) continue;
      std::vector<double> tau, v, current;
      for (std::size_t row = stream_.begin[file]; row < stream_.begin[file + 1]; ++row) {
        tau.push_back(measures_[row].joints[j].along_measured);
        v.push_back(measures_[row].joints[j].velocity);
        current.push_back(measures_[row].joints[j].current);
      }
      currents_[j] = fit_current(tau, v, current, site_.judge.moving_above);
    }
  }
}

void Mirror::fill_signals() {
  const RowMeasures& m = measures_[row_];
  snapshot_.signals.clear();
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    if (bindings_.joints[i].reference_torque >= 0)
      snapshot_.signals.push_back({m.joints[i].torque, m.joints[i].along_measured});
  }
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    if (bindings_.joints[i].current < 0) continue;
    const RowMeasures::JointRow& r = m.joints[i];
    snapshot_.signals.push_back(
        {r.current, currents_[i] ? predict_current(*currents_[i], r.along_measured, r.velocity) : kNaN});
  }
  for (std::size_t i = 0; i < bindings_.sites.size(); ++i) {
    const RowMeasures::SiteRow& r = m.sites[i];
    for (int k = 0; k < 3; ++k) {
      if (bindings_.sites[i].has_pose) snapshot_.signals.push_back({r.position[k], r.position_twin[k]});
    }
    for (int k = 0; k < 3; ++k) {
      if (bindings_.sites[i].has_force) snapshot_.signals.push_back({r.force[k], r.force_twin[k]});
    }
  }
}

void Mirror::show(std::size_t row) {
  row_ = row;
  evaluate(row, measures_[row]);
  fill_signals();
}

bool Mirror::step() {
  if (row_ + 1 >= stream_.rows()) return false;
  show(row_ + 1);
  // The end completes the report even where rows were leapt over: the first pass has evaluated them all.
  if (row_ == furthest_ + 1 || row_ + 1 == stream_.rows()) furthest_ = row_;
  while (files_done_ < static_cast<int>(stream_.files()) &&
         furthest_ + 1 >= stream_.begin[static_cast<std::size_t>(files_done_) + 1])
    ++files_done_;
  return true;
}

Time Mirror::next_time() const { return stream_.time[std::min(row_ + 1, stream_.rows() - 1)]; }

void Mirror::seek(Time t) {
  const auto after = std::upper_bound(stream_.time.begin(), stream_.time.end(), t);
  show(static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, after - stream_.time.begin()) - 1));
}

Duration Mirror::dt() const {
  const Duration given = site_.sources.front().period;
  if (given.ns > 0) return given;
  return {(end() - begin()).ns / static_cast<std::int64_t>(stream_.rows() - 1)};
}

void Mirror::measure_speed(const WallClock& clock) {
  constexpr Duration kLong{50'000'000};
  const Time start = clock.now();
  std::size_t rows = 0;
  while (clock.now() - start < kLong) {
    for (std::size_t row = 0; row < stream_.rows(); ++row) evaluate(row, measures_[row]);
    rows += stream_.rows();
  }
  rows_per_second_ = static_cast<double>(rows) / (clock.now() - start).seconds();
  show(row_);
}

Report Mirror::report() const {
  return mirror_report({twin_, site_, bindings_, stream_, measures_, currents_, static_cast<std::size_t>(files_done_),
                        rows_per_second_});
}

}  // namespace geoul::runtime
