#include "geoul/runtime/row_evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "geoul/dynamics/dynamics.h"

namespace geoul::runtime {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr Vec3d kNoVector{kNaN, kNaN, kNaN};

}  // namespace

RowEvaluator::RowEvaluator(const Twin& twin, const Site& site, const Bindings& bindings)
    : twin_(twin),
      site_(site),
      bindings_(bindings),
      data_(dynamics::make_data(twin.model)),
      zero_(static_cast<std::size_t>(twin.model.nv)),
      tau_(static_cast<std::size_t>(twin.model.nv)) {
  snapshot_.state = dynamics::make_state(twin_.model);
  std::fill(snapshot_.state.v.begin(), snapshot_.state.v.end(), 0.0);  // joints that nothing moves stand still
  reference_ = snapshot_.state;
}

std::vector<link::SignalInfo> RowEvaluator::signals() const {
  std::vector<link::SignalInfo> out;
  for (const BoundJoint& joint : bindings_.joints) {
    const bool turns = twin_.scene.joints[joint.joint.index()].type != scene::JointType::kPrismatic;
    if (joint.reference_torque >= 0) out.push_back({"torque/" + joint.label, turns ? "N.m" : "N"});
  }
  for (const BoundJoint& joint : bindings_.joints) {
    if (joint.current >= 0) out.push_back({"current/" + joint.label, "A"});
  }
  for (const BoundSite& s : bindings_.sites) {
    for (const char* axis : {"x", "y", "z"}) {
      if (s.has_pose) out.push_back({"position/" + s.label + "/" + axis, "m"});
    }
    for (const char* axis : {"x", "y", "z"}) {
      if (s.has_force) out.push_back({"specific_force/" + s.label + "/" + axis, "m/s2"});
    }
  }
  for (const BoundValue& value : bindings_.values) out.push_back({value.name, value.unit});
  return out;
}

void RowEvaluator::set_motion(Time time, std::span<const double> values, std::span<const double> acceleration,
                              bool reference, scene::State& state) const {
  const auto value = [&](int column) { return values[static_cast<std::size_t>(column)]; };
  state.time = time;
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    const BoundJoint& joint = bindings_.joints[i];
    const auto q = static_cast<std::size_t>(joint.q), v = static_cast<std::size_t>(joint.v);
    state.q[q] = value(reference ? joint.reference_position : joint.position);
    state.v[v] = value(reference ? joint.reference_velocity : joint.velocity);
    state.a[v] = reference ? value(joint.reference_acceleration) : acceleration[i];
  }
}

void RowEvaluator::evaluate(Time time, std::span<const double> values, std::span<const double> acceleration,
                            RowMeasures& out) {
  const auto value = [&](int column) { return values[static_cast<std::size_t>(column)]; };
  const std::size_t joints = bindings_.joints.size();
  out.joints.assign(joints, {});
  out.at_rest = true;
  for (std::size_t i = 0; i < joints; ++i) {
    const BoundJoint& joint = bindings_.joints[i];
    RowMeasures::JointRow& r = out.joints[i];
    const auto optional = [&](int column) { return column >= 0 ? value(column) : kNaN; };
    r.velocity = value(joint.velocity);
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
  set_motion(time, values, acceleration, false, state);
  torques(state.q, zero_, zero_, &RowMeasures::JointRow::gravity_torque);
  if (bindings_.has_reference) {
    set_motion(time, values, acceleration, true, reference_);
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
  measure_sites(values, out);
  measure_values(values, out);
}

void RowEvaluator::measure_values(std::span<const double> values, RowMeasures& out) const {
  using Measures = SensorBinding::Measures;
  const scene::State& state = snapshot_.state;
  out.values.resize(bindings_.values.size());
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const BoundValue& value = bindings_.values[i];
    const auto at = static_cast<std::size_t>(value.at);
    out.values[i].measured = values[static_cast<std::size_t>(value.column)];
    out.values[i].twin = value.measures == Measures::kPosition   ? state.q[at]
                         : value.measures == Measures::kVelocity ? state.v[at]
                         : value.measures == Measures::kEffort   ? state.tau[at]
                                                                 : kNaN;
  }
}

void RowEvaluator::measure_sites(std::span<const double> values, RowMeasures& out) {
  out.sites.assign(bindings_.sites.size(), {kNoVector, kNoVector, kNaN, kNoVector, kNoVector, kNoVector, kNoVector});
  const scene::State& state = snapshot_.state;
  for (std::size_t i = 0; i < bindings_.sites.size(); ++i) {
    const BoundSite& site = bindings_.sites[i];
    RowMeasures::SiteRow& r = out.sites[i];
    if (site.has_pose) {
      const auto value = [&](std::size_t k) { return values[static_cast<std::size_t>(site.pose[k])]; };
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
      for (std::size_t k = 0; k < 3; ++k)
        r.force[static_cast<int>(k)] = values[static_cast<std::size_t>(site.force[k])];
      r.force_twin = specific_force(state, site.frame, twin_.model.gravity);
      if (bindings_.has_reference) r.force_reference = specific_force(reference_, site.frame, twin_.model.gravity);
    }
  }
}

void RowEvaluator::fill_signals(const RowMeasures& m, const std::vector<std::optional<CurrentModel>>& currents) {
  snapshot_.signals.clear();
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    if (bindings_.joints[i].reference_torque >= 0)
      snapshot_.signals.push_back({m.joints[i].torque, m.joints[i].along_measured});
  }
  for (std::size_t i = 0; i < bindings_.joints.size(); ++i) {
    if (bindings_.joints[i].current < 0) continue;
    const RowMeasures::JointRow& r = m.joints[i];
    snapshot_.signals.push_back(
        {r.current, currents[i] ? predict_current(*currents[i], r.along_measured, r.velocity) : kNaN});
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
  for (const RowMeasures::ValueRow& r : m.values) snapshot_.signals.push_back({r.measured, r.twin});
}

}  // namespace geoul::runtime
