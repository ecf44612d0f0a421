// RowEvaluator: what the twin says to one row of measured values: a State (q and v measured, bodies by forward
// kinematics, tau by inverse dynamics, wrenches as reactions of all joints), and beside it what was measured against
// what the twin predicts. A recording and a live link go through it alike.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "geoul/dynamics/data.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/current_fit.h"
#include "geoul/runtime/player.h"

namespace geoul::runtime {

// What one row says. Arrays go by bound joint or bound site; NaN where nothing is bound.
struct RowMeasures {
  bool at_rest = false;
  double weld_position = 0;  // largest over all welds [m], [rad]
  double weld_rotation = 0;
  struct JointRow {
    double velocity = 0;         // [rad/s] measured
    double torque = 0;           // [N.m] of the controller's own inverse dynamics
    double gravity_torque = 0;   // at the measured position, standing still
    double along_reference = 0;  // inverse dynamics along the reference motion
    double along_measured = 0;   // inverse dynamics along the measured motion
    double current = 0;          // [A]
  };
  std::vector<JointRow> joints;
  struct SiteRow {
    Vec3d position;             // measured, in relative_to [m]
    Vec3d position_twin;        // the twin's
    double rotation_error = 0;  // [rad] between the measured and the twin's orientation
    Vec3d in_constant_from;     // the measured position in the frame of judge.constant_transform.from
    Vec3d force;                // measured [m/s2]
    Vec3d force_twin;           // the twin's, along the measured motion
    Vec3d force_reference;      // the twin's, along the reference motion
  };
  std::vector<SiteRow> sites;
  struct ValueRow {
    double measured = 0, twin = 0;  // SI
  };
  std::vector<ValueRow> values;  // (Bindings::values)
};

class RowEvaluator {
 public:
  // All must outlive the evaluator.
  RowEvaluator(const Twin& twin, const Site& site, const Bindings& bindings);

  // The signals that Snapshot::signals holds for such rows.
  std::vector<link::SignalInfo> signals() const;

  // Makes the state of the row and its measures.
  //   values        (bindings.columns), SI; NaN where nothing was measured
  //   acceleration  (bindings.joints) of the measured motion
  void evaluate(Time time, std::span<const double> values, std::span<const double> acceleration, RowMeasures& out);
  // Sets the measured against the predicted of a row in the snapshot. currents: (bindings.joints)
  void fill_signals(const RowMeasures& row, const std::vector<std::optional<CurrentModel>>& currents);

  const Snapshot& snapshot() const { return snapshot_; }

 private:
  void set_motion(Time time, std::span<const double> values, std::span<const double> acceleration, bool reference,
                  scene::State& state) const;
  void measure_sites(std::span<const double> values, RowMeasures& out);
  void measure_values(std::span<const double> values, RowMeasures& out) const;

  const Twin& twin_;
  const Site& site_;
  const Bindings& bindings_;
  dynamics::Data data_;
  Snapshot snapshot_;
  scene::State reference_;  // the same row along the reference motion
  std::vector<double> zero_, tau_;
};

}  // namespace geoul::runtime
