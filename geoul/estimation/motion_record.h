// What was recorded of a moving machine, made ready for identification: checked, put on a regular clock,
// differentiated.
#pragma once

#include <string>
#include <vector>

#include "geoul/core/diagnostics.h"
#include "geoul/estimation/regressor.h"

namespace geoul::estimation {

// One row an instant, one column a joint of one degree.
struct MotionRecord {
  std::vector<std::string> names;  // (njoint) as in the scene, for messages
  std::vector<double> time;        // (rows) [s], not descending
  RowMatrix q;                     // (rows x njoint) [rad or m]
  RowMatrix v;                     // the same, or empty: it is differentiated from q
  RowMatrix tau;                   // the same [N.m or N]; or measured currents [A]
  Location where;                  // the file

  int rows() const { return static_cast<int>(time.size()); }
  int joints() const { return static_cast<int>(names.size()); }
};

// What makes a record useless, each with its mend. Codes: too-few-rows, not-a-number, time-order, still-joint (a joint
// whose position stays within 1 mrad), unit-mismatch (velocities that are not the slope of the positions), implausible
// (positions beyond 100 rad, torque that is zero throughout). Throws ContractError where sizes differ.
void check_record(const MotionRecord& record, Diagnostics& diagnostics);

inline constexpr int kFewestRows = 100;

struct RegularOptions {
  double period = 0;  // of the clock made [s]; 0: the median of the record's steps
  // The machine sampled itself at `period`, but the stamps are those of a reader that ran beside it: some rows are
  // missed, some read twice. Steps are then the whole number of periods by which positions moved at the measured
  // velocity. Needs v.
  bool clock_from_motion = false;
  int slope = 0;     // velocities are differentiated by straight lines over +-slope periods; 0: +-30 ms, 1 at least
  double gap = 0.5;  // [s] a longer pause begins a new part
};

// Without gaps, on one clock; a is the slope of v.
struct RegularMotion {
  double period = 0;          // [s]
  RowMatrix q, v, a, tau;     // (n x njoint)
  int first_row = 0;          // of the record
  std::vector<int> position;  // (rows of this part) where each row of the record stands

  int size() const { return static_cast<int>(q.rows()); }
};

// Needs a record without findings. Parts shorter than 4 slopes are left out.
std::vector<RegularMotion> regular_motion(const MotionRecord& record, const RegularOptions& options);

// Slope of each column by least squares of a straight line over +-reach rows, one-sided windows at the ends [1/s].
RowMatrix slopes(const RowMatrix& values, int reach, double period);

// Mean over 2 reach + 1 rows, of what there is at the ends.
RowMatrix box_filtered(const RowMatrix& values, int reach);

}  // namespace geoul::estimation
