// Identification of a machine from a recording of its motion: link inertias that are physically consistent, friction,
// rotor inertias and torque offsets; with intervals for what the data can tell, and words for what they cannot.
//
//   columns = joint_columns(model, joints)                 which joints were recorded
//   motions = regular_motion(record, ...)                  motion_record.h
//   result  = identify(model, columns, motions, options)
//   scene   = write_back(result.fit, model, scene)         or run result.torque_model
//
// The fit minimises  sum over joints of |smoothed (tau - prediction)|^2 / (2 noise^2 correlation)
//                    + belief (sum over links divergence(P, P_prior) + the same for friction)
// over log-Cholesky coordinates by Levenberg and Marquardt's method: the divergence's log det keeps every link physical
// and the prior (the scene's own masses) settles what the motion does not tell. Prediction and measurement pass the
// same filter (two boxes), which takes noise away and no truth. The friction's make-up and the belief are chosen by
// cross-validation over contiguous folds. docs/notes/identification.md has the formulas.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "geoul/core/result.h"
#include "geoul/estimation/base_parameters.h"
#include "geoul/estimation/friction.h"
#include "geoul/estimation/linear_estimate.h"
#include "geoul/estimation/motion_record.h"
#include "geoul/estimation/pseudo_inertia.h"

namespace geoul::estimation {

// Where the columns of a record stand in a model: addresses in q and v. Other joints rest at the model's start.
struct JointColumns {
  std::vector<int> q, v;  // (njoint)
  std::vector<std::string> names;

  int count() const { return static_cast<int>(v.size()); }
};

// kBadInput for a joint that has not one degree, closes a loop or is named twice; for a model with loops or couplings
// among these joints, and for a body that gravity leaves out.
Result<JointColumns> joint_columns(const dynamics::Model& model, std::span<const scene::JointId> joints);

// The unknowns in their order: ten of each link that the columns move, then the terms of each joint.
struct Layout {
  std::vector<int> links;  // of the model
  std::vector<std::string> link_names;
  std::vector<std::string> joint_names;
  FrictionShape shape;

  int inertial() const { return kLinkParameters * static_cast<int>(links.size()); }
  int joints() const { return static_cast<int>(joint_names.size()); }
  int size() const { return inertial() + joints() * shape.terms(); }
  int term(int joint, int k) const { return inertial() + joint * shape.terms() + k; }
  std::vector<std::string> names() const;  // (size) "forearm.hx", "elbow.viscous"
  std::vector<std::string> units() const;
};

Layout make_layout(const dynamics::Model& model, const JointColumns& columns, const FrictionShape& shape);

struct RowOptions {
  int reach = 0;     // periods on both sides of each of the two boxes; 0: not filtered
  int decimate = 1;  // every so many rows are kept
};
// Boxes of about 60 ms, a row every 15 ms: torques of a motion are below 10 Hz.
RowOptions usual_rows(double period);

// Filtered, decimated equations tau = X p of all motions; parts are the motions. Only where the filter is full.
SeriesRows identification_rows(const dynamics::Model& model, const JointColumns& columns, const Layout& layout,
                               std::span<const RegularMotion> motions, const RowOptions& options);

struct FitOptions {
  double belief = 10;  // in the prior, in units of one effective sample
  int max_iterations = 100;
  const Eigen::VectorXd* start = nullptr;  // (layout.size()) parameters to begin at; none: the prior
};

struct Fit {
  Layout layout;
  Eigen::VectorXd p;            // (layout.size())
  Eigen::VectorXd noise;        // (joints) deviation of the filtered residual [N.m]
  Eigen::VectorXd correlation;  // (joints) rows over which it is correlated
  double belief = 0;
  bool converged = false;
  int iterations = 0;
  double decrease = 0;  // relative, of the cost in the last step
};

// prior (layout.inertial()): consistent inertias; weights (joints): noise and correlation to weigh by.
Fit fit_physical(const SeriesRows& rows, const Layout& layout, const Eigen::VectorXd& prior,
                 const Eigen::VectorXd& noise, const Eigen::VectorXd& correlation, const FitOptions& options);
// The same with weights from the rows' own least squares.
Fit fit_physical(const SeriesRows& rows, const Layout& layout, const Eigen::VectorXd& prior, const FitOptions& options);

// The model's inertias of the layout's links, spread by 2 cm where they are not consistent.
Eigen::VectorXd prior_of(const dynamics::Model& model, const Layout& layout);

struct Candidate {
  FrictionShape shape;
  double belief = 0;
  double error = 0;  // root mean square of filtered residuals on the folds left out, mean over joints [N.m]
};

struct StructureOptions {
  std::vector<FrictionShape> shapes;           // empty: usual_shapes()
  std::vector<double> beliefs{10, 3, 1, 0.3};  // descending: each fit starts from the last
  int folds = 5;
};
std::vector<FrictionShape> usual_shapes();

// All candidates, best first.
std::vector<Candidate> cross_validate(const dynamics::Model& model, const JointColumns& columns,
                                      std::span<const RegularMotion> motions, const RowOptions& row_options,
                                      const StructureOptions& options);

}  // namespace geoul::estimation
