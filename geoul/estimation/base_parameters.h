// Base parameters: the combinations of parameters that motion can tell at all. Columns of a regressor that are linear
// combinations of others are grouped with them:
//   Y p = Y_base b,   b = p_base + G p_rest
// Source: Gautier, "Numerical calculation of the base inertial parameters of robots", J. Robotic Systems 8(4), 1991
// (here by Gram-Schmidt in the order of the parameters).
#pragma once

#include <Eigen/Core>
#include <string>
#include <vector>

#include "geoul/estimation/regressor.h"

namespace geoul::estimation {

struct BaseParameters {
  int parameters = 0;
  std::vector<int> base;  // (nbase) independent columns, ascending
  std::vector<int> rest;  // the others, ascending; columns that are zero too
  Eigen::MatrixXd G;      // (nbase x nrest)
  double gap = 0;         // least pivot of a base column over the greatest of a rest column; large is clear

  int count() const { return static_cast<int>(base.size()); }
};

// Base of the columns of W (rows x parameters). Earlier columns are preferred; a column is dependent where what the
// earlier ones leave of it is below `tolerance` of its own length (or it is zero). O(rows parameters^2).
BaseParameters find_base(const Eigen::MatrixXd& W, double tolerance = 1e-9);

// Of a model's links (10 nlink parameters, then `rotors` more: the rotor inertias of all nv degrees), from `samples`
// random motions: position within +-pi (slides +-1 m), velocity and acceleration within +-10. The same for one seed.
BaseParameters base_of_model(const dynamics::Model& model, bool rotors, int samples = 0, std::uint64_t seed = 1);

// b of parameters p, and in words: "m2 + 1.2 m3 - ...", the terms above 1e-9.
Eigen::VectorXd to_base(const BaseParameters& base, const Eigen::VectorXd& p);
std::string describe(const BaseParameters& base, int index, const std::vector<std::string>& names);

}  // namespace geoul::estimation
