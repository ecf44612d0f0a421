// Physically consistent inertial parameters: those that some distribution of mass has. They are the ones whose
// pseudo-inertia, a 4 x 4 matrix linear in the ten parameters, is positive definite:
//   P = [S h; h^T m],   S = tr(I)/2 1 - I   (I about the frame's origin: S is the second moment of mass)
// Log-Cholesky coordinates are ten free numbers for them, one to one: P = U U^T with
//   U = exp(alpha) [exp(d1) s12 s13 t1; 0 exp(d2) s23 t2; 0 0 exp(d3) t3; 0 0 0 1]
// in the order alpha, d1, d2, d3, s12, s23, s13, t1, t2, t3. So m = exp(2 alpha) and t is the centre of mass.
// Sources: Wensing, Kim, Slotine, "Linear matrix inequalities for physically consistent inertial parameter
// identification", IEEE RA-L 3(1), 2018; Rucker, Wensing, "Smooth parameterization of rigid-body inertia", RA-L 7(2),
// 2022; divergence: Lee, Wensing, Park, "Geometric robot dynamic identification", IEEE T-RO 36(2), 2020.
#pragma once

#include <Eigen/Core>
#include <optional>

#include "geoul/estimation/regressor.h"

namespace geoul::estimation {

using LogCholesky = Eigen::Matrix<double, 10, 1>;
using LinkMatrix = Eigen::Matrix<double, kLinkParameters, kLinkParameters>;

Eigen::Matrix4d pseudo_inertia(const LinkParameters& p);
LinkParameters from_pseudo_inertia(const Eigen::Matrix4d& P);

// Least eigenvalue of P made free of units: mass counted in kg, lengths in units of the body's radius of gyration.
// Above zero: physically consistent. -1 where the mass is not positive.
double consistency(const LinkParameters& p);

// Parameters of coordinates, and their derivative (10 x 10). Always consistent.
LinkParameters from_log_cholesky(const LogCholesky& theta, LinkMatrix* jacobian = nullptr);
// None where p is not physically consistent.
std::optional<LogCholesky> to_log_cholesky(const LinkParameters& p);

// p with the mass spread over `radius` [m] more: m radius^2 is added to S. Makes point masses and rods consistent.
LinkParameters spread(const LinkParameters& p, double radius);

// How far p is from a consistent p0, whatever the frame and units: tr(P0^-1 P) - log det(P0^-1 P) - 4 >= 0; with
// gradient (10) and Hessian (10 x 10) by p. Convex in p. Infinite where p is not consistent; p0 must be.
struct Divergence {
  double value = 0;
  LinkParameters gradient;
  LinkMatrix hessian;
};
Divergence divergence(const LinkParameters& p, const LinkParameters& p0);

}  // namespace geoul::estimation
