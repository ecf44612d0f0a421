// Mirror: plays recordings through the twin as a live link would deliver them, row by row.
// Every row becomes a State: q and v are measured, a is the derivative of the measured velocity (stream.h), bodies are
// placed by forward kinematics, tau is inverse dynamics, wrenches are the reactions of all joints. Beside it, what was
// measured is set against what the twin says: torques, currents, poses, specific forces, and how far welds gape.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "geoul/dynamics/data.h"
#include "geoul/runtime/bindings.h"
#include "geoul/runtime/clock.h"
#include "geoul/runtime/current_fit.h"
#include "geoul/runtime/player.h"
#include "geoul/runtime/stream.h"

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
};

class Mirror : public Player {
 public:
  // Evaluates every row once (the currents' models are fitted on what that gives), then stands at the first one.
  // The twin and the site must outlive it.
  Mirror(const Twin& twin, const Site& site, Bindings bindings, Stream stream);

  const Snapshot& snapshot() const override { return snapshot_; }
  const std::vector<link::SignalInfo>& signals() const override { return signals_; }
  bool step() override;
  Time next_time() const override;
  Time begin() const override { return stream_.time.front(); }
  Time end() const override { return stream_.time.back(); }
  bool has_end() const override { return true; }
  bool can_seek() const override { return true; }
  void seek(Time t) override;
  Duration dt() const override;
  std::string source() const override { return stream_.names[stream_.file_of(row_)]; }
  Report report() const override;  // of the recordings that were played to their end
  int report_version() const override { return files_done_; }

  std::size_t row() const { return row_; }
  const Stream& stream() const { return stream_; }
  const Bindings& bindings() const { return bindings_; }
  const std::vector<RowMeasures>& measures() const { return measures_; }                  // (nrow)
  const std::vector<std::optional<CurrentModel>>& currents() const { return currents_; }  // (bound joint)
  // Evaluates the recordings again and again for a twentieth of a second, for the report's steps per second.
  void measure_speed(const WallClock& clock);

 private:
  void evaluate(std::size_t row, RowMeasures& out);
  void set_motion(std::size_t row, bool reference, scene::State& state) const;
  void measure_sites(std::size_t row, RowMeasures& out);
  void fit_currents();
  void fill_signals();
  void show(std::size_t row);

  const Twin& twin_;
  const Site& site_;
  Bindings bindings_;
  Stream stream_;
  std::vector<std::vector<double>> acceleration_;  // (bound joint, nrow)
  dynamics::Data data_;
  Snapshot snapshot_;
  scene::State reference_;  // the same row along the reference motion
  std::vector<double> zero_, tau_;
  std::vector<RowMeasures> measures_;
  std::vector<std::optional<CurrentModel>> currents_;
  std::vector<link::SignalInfo> signals_;
  std::size_t row_ = 0;
  std::size_t furthest_ = 0;  // last row that was played without a leap
  int files_done_ = 0;
  double rows_per_second_ = 0;
};

}  // namespace geoul::runtime
