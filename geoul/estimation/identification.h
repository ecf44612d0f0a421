// The whole way from recorded motion to a machine that can be run and a table that can be believed: structure by
// cross-validation, physical fit, base parameters with intervals, and what the motion did not tell.
#pragma once

#include <string>
#include <vector>

#include "geoul/estimation/torque_model.h"

namespace geoul::estimation {

struct IdentificationOptions {
  StructureOptions structure;
  RowOptions rows{-1, 1};  // reach below 0: usual_rows of the motions' period
  double level = 0.95;     // of the intervals
};

// A combination of parameters that the machine's torques hang on, or a term of a joint.
struct BaseEstimate {
  std::string name, unit;
  double value = 0;       // by least squares, nothing but the data
  double half_width = 0;  // of its interval
  double physical = 0;    // of the physical fit
  double before = 0;      // of the scene; NaN for terms that a scene has no word for
  // The half width is below half the value or half of what the scene says, or what it leaves open is below a twentieth
  // of the torque of every joint that feels it.
  bool told = false;
};

struct Identification {
  std::vector<Candidate> tried;  // best first
  Fit fit;
  TorqueModel torque_model;
  std::vector<BaseEstimate> base;
  double condition = 0;            // of the base's equations with columns of length 1
  Eigen::VectorXd error;           // (joints) of filtered torque, on the data fitted to [N.m]
  std::vector<std::string> lacks;  // what the motion does not tell, in words, a line each
  double level = 0;
};

// kBadInput where too few rows are left after filtering, with how many are needed.
Result<Identification> identify(const dynamics::Model& model, const JointColumns& columns,
                                std::span<const RegularMotion> motions, const IdentificationOptions& options);

// Base parameters by generalised least squares with intervals, against the fit and the model's own inertias.
std::vector<BaseEstimate> base_estimates(const dynamics::Model& model, const SeriesRows& rows, const Fit& fit,
                                         double level, double* condition = nullptr);

}  // namespace geoul::estimation
