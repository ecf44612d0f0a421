// The job "identify": a scene and a recording of its machine's motion become a scene with the masses, friction and
// rotor inertias that the recording tells, a table with intervals, and a page with plots. Recordings: CSV, one column a
// signal, or MCAP of Geoul's own (topic /joints). What the motion does not tell is said. Codes of findings: those of
// the readers, of estimation::check_record, unknown-joint, no-column, no-joints.
#pragma once

#include <string>
#include <vector>

#include "geoul/runtime/jobs.h"

namespace geoul::runtime {

struct IdentifyOptions {
  std::string scene;
  ReadOptions read;
  std::string recording;            // .csv or .mcap
  std::vector<std::string> joints;  // names or paths; empty: every joint of one degree that the recording names
  // Names of a CSV's columns: {} stands for the joint's name, {0} and {1} for its number from 0 and from 1.
  std::string time_column = "time";
  std::string position = "{}.position";
  std::string velocity = "{}.velocity";  // a recording without them all is differentiated
  std::string torque = "{}.torque";
  double period = 0;               // [s] of the machine's own clock: see estimation::RegularOptions; 0: the median step
  bool clock_from_motion = false;  // stamps are a reader's
  double level = 0.95;             // of the intervals
  std::string out;                 // scene with what was found; empty: none
  std::string report;              // .html: page with tables and plots; .svg: plots alone; empty: none
};

// Figures: filtered torque error and friction of each joint, condition number; tables: base parameters with intervals,
// terms of the joints, masses before and after, structures tried. What is not told goes through output.say.
Result<Report> identify_machine(const IdentifyOptions& options, const JobOutput& output, Diagnostics& diagnostics);

}  // namespace geoul::runtime
