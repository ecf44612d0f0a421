// Joint torques are linear in the inertial parameters of the links: tau = Y(q, v, a) p. What identification rests on.
// Parameters of a link, in its frame L (dynamics::Link::inertia):
//   m [kg], h = m c: hx hy hz [kg m], inertia about L's origin: Ixx Iyy Izz Ixy Ixz Iyz [kg m2]
// Source: Atkeson, An, Hollerbach, "Estimation of inertial parameters of manipulator loads and links", IJRR 5(3), 1986.
#pragma once

#include <Eigen/Core>
#include <array>
#include <span>
#include <string>

#include "geoul/dynamics/dynamics.h"

namespace geoul::estimation {

inline constexpr int kLinkParameters = 10;
using LinkParameters = Eigen::Matrix<double, kLinkParameters, 1>;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// "m", "hx", ... "Iyz"; and their units.
const std::array<const char*, kLinkParameters>& parameter_names();
const std::array<const char*, kLinkParameters>& parameter_units();

LinkParameters to_parameters(const Inertiad& inertia);
Inertiad to_inertia(const LinkParameters& parameters);

// Of all links of a model, link by link: (10 nlink).
Eigen::VectorXd link_parameters(const dynamics::Model& model);

// Y (nv x 10 nlink), with gravity; rotor inertias (armature) are not in it: they add armature a to tau.
//   q (nq), v (nv), a (nv); data: scratch
// Throws ContractError where sizes differ or where a body is left out of gravity. Allocates nothing where Y has its
// size. O(nlink depth).
void inertial_regressor(const dynamics::Model& model, std::span<const double> q, std::span<const double> v,
                        std::span<const double> a, dynamics::Data& data, RowMatrix& Y);

}  // namespace geoul::estimation
